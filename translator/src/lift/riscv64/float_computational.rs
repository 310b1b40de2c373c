//! Arithmetic of the F and D extensions. NaN results are canonical and flags accumulate by the guest's float rules,
//! which the IR's float ops carry.

use super::{Frontend, f, set_f};
use crate::ir::{Builder, MinMaxRule, Round, Trap, Type, Value};
use crate::lift::Context;
use decoders::riscv64::Insn;

/// `fadd.s rd, rs1, rs2, rm`: sum. (Single-Precision Floating-Point Computational Instructions)
pub fn fadd_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    binary(b, i, c, Type::F32, Builder::fadd);
}

/// `fsub.s rd, rs1, rs2, rm`: difference. (Single-Precision Floating-Point Computational Instructions)
pub fn fsub_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    binary(b, i, c, Type::F32, Builder::fsub);
}

/// `fmul.s rd, rs1, rs2, rm`: product. (Single-Precision Floating-Point Computational Instructions)
pub fn fmul_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    binary(b, i, c, Type::F32, Builder::fmul);
}

/// `fdiv.s rd, rs1, rs2, rm`: quotient. (Single-Precision Floating-Point Computational Instructions)
pub fn fdiv_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    binary(b, i, c, Type::F32, Builder::fdiv);
}

/// `fsqrt.s rd, rs1, rm`: square root. (Single-Precision Floating-Point Computational Instructions)
pub fn fsqrt_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    square_root(b, i, c, Type::F32);
}

/// `fmin.s rd, rs1, rs2`: the smaller one; a NaN loses against a number, and -0 is below +0.
/// (Single-Precision Floating-Point Computational Instructions)
pub fn fmin_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    extremum(b, i, c, Type::F32, Builder::fmin);
}

/// `fmax.s rd, rs1, rs2`: the larger one; a NaN loses against a number, and -0 is below +0. (Single-Precision
/// Floating-Point Computational Instructions)
pub fn fmax_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    extremum(b, i, c, Type::F32, Builder::fmax);
}

/// `fmadd.s rd, rs1, rs2, rs3, rm`: `rs1 * rs2 + rs3`, rounded once. (Single-Precision Floating-Point
/// Computational Instructions)
pub fn fmadd_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    multiply_add(b, i, c, Type::F32, Negate { product: false, addend: false });
}

/// `fmsub.s rd, rs1, rs2, rs3, rm`: `rs1 * rs2 - rs3`, rounded once. (Single-Precision Floating-Point
/// Computational Instructions)
pub fn fmsub_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    multiply_add(b, i, c, Type::F32, Negate { product: false, addend: true });
}

/// `fnmsub.s rd, rs1, rs2, rs3, rm`: `-(rs1 * rs2) + rs3`, rounded once. (Single-Precision Floating-Point
/// Computational Instructions)
pub fn fnmsub_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    multiply_add(b, i, c, Type::F32, Negate { product: true, addend: false });
}

/// `fnmadd.s rd, rs1, rs2, rs3, rm`: `-(rs1 * rs2) - rs3`, rounded once. (Single-Precision Floating-Point
/// Computational Instructions)
pub fn fnmadd_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    multiply_add(b, i, c, Type::F32, Negate { product: true, addend: true });
}

/// `fadd.d rd, rs1, rs2, rm`: sum. (Double-Precision Floating-Point Computational Instructions)
pub fn fadd_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    binary(b, i, c, Type::F64, Builder::fadd);
}

/// `fsub.d rd, rs1, rs2, rm`: difference. (Double-Precision Floating-Point Computational Instructions)
pub fn fsub_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    binary(b, i, c, Type::F64, Builder::fsub);
}

/// `fmul.d rd, rs1, rs2, rm`: product. (Double-Precision Floating-Point Computational Instructions)
pub fn fmul_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    binary(b, i, c, Type::F64, Builder::fmul);
}

/// `fdiv.d rd, rs1, rs2, rm`: quotient. (Double-Precision Floating-Point Computational Instructions)
pub fn fdiv_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    binary(b, i, c, Type::F64, Builder::fdiv);
}

/// `fsqrt.d rd, rs1, rm`: square root. (Double-Precision Floating-Point Computational Instructions)
pub fn fsqrt_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    square_root(b, i, c, Type::F64);
}

/// `fmin.d rd, rs1, rs2`: the smaller one; a NaN loses against a number, and -0 is below +0.
/// (Double-Precision Floating-Point Computational Instructions)
pub fn fmin_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    extremum(b, i, c, Type::F64, Builder::fmin);
}

/// `fmax.d rd, rs1, rs2`: the larger one; a NaN loses against a number, and -0 is below +0. (Double-Precision
/// Floating-Point Computational Instructions)
pub fn fmax_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    extremum(b, i, c, Type::F64, Builder::fmax);
}

/// `fmadd.d rd, rs1, rs2, rs3, rm`: `rs1 * rs2 + rs3`, rounded once. (Double-Precision Floating-Point
/// Computational Instructions)
pub fn fmadd_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    multiply_add(b, i, c, Type::F64, Negate { product: false, addend: false });
}

/// `fmsub.d rd, rs1, rs2, rs3, rm`: `rs1 * rs2 - rs3`, rounded once. (Double-Precision Floating-Point
/// Computational Instructions)
pub fn fmsub_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    multiply_add(b, i, c, Type::F64, Negate { product: false, addend: true });
}

/// `fnmsub.d rd, rs1, rs2, rs3, rm`: `-(rs1 * rs2) + rs3`, rounded once. (Double-Precision Floating-Point
/// Computational Instructions)
pub fn fnmsub_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    multiply_add(b, i, c, Type::F64, Negate { product: true, addend: false });
}

/// `fnmadd.d rd, rs1, rs2, rs3, rm`: `-(rs1 * rs2) - rs3`, rounded once. (Double-Precision Floating-Point
/// Computational Instructions)
pub fn fnmadd_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    multiply_add(b, i, c, Type::F64, Negate { product: true, addend: true });
}

/// The instruction's rounding mode. A reserved dynamic mode makes the instruction illegal, and ends the block.
pub(super) fn rounding(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) -> Option<Round> {
    Some(match i.rm {
        0 => Round::NearestEven,
        1 => Round::TowardZero,
        2 => Round::Down,
        3 => Round::Up,
        4 => Round::NearestAway,
        _ if c.options.env.rounding().is_some() => Round::Current,
        _ => {
            b.trap(Trap::Illegal);
            return None;
        }
    })
}

fn binary(
    b: &mut Builder,
    i: &Insn,
    c: &mut Context<'_, Frontend>,
    ty: Type,
    op: impl FnOnce(&mut Builder, Value, Value, Round) -> Value,
) {
    let Some(round) = rounding(b, i, c) else { return };
    let (first, second) = (f(b, c, i.rs1, ty), f(b, c, i.rs2, ty));
    let result = op(b, first, second, round);
    set_f(b, c, i.rd, result);
}

fn square_root(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>, ty: Type) {
    let Some(round) = rounding(b, i, c) else { return };
    let operand = f(b, c, i.rs1, ty);
    let result = b.fsqrt(operand, round);
    set_f(b, c, i.rd, result);
}

fn extremum(
    b: &mut Builder,
    i: &Insn,
    c: &mut Context<'_, Frontend>,
    ty: Type,
    op: impl FnOnce(&mut Builder, Value, Value, MinMaxRule) -> Value,
) {
    let (first, second) = (f(b, c, i.rs1, ty), f(b, c, i.rs2, ty));
    let result = op(b, first, second, MinMaxRule::Number);
    set_f(b, c, i.rd, result);
}

/// Which parts of a fused multiply-add are negated, before the one rounding.
struct Negate {
    product: bool,
    addend: bool,
}

fn multiply_add(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>, ty: Type, negate: Negate) {
    let Some(round) = rounding(b, i, c) else { return };
    let (mut first, second) = (f(b, c, i.rs1, ty), f(b, c, i.rs2, ty));
    let mut addend = f(b, c, i.rs3, ty);
    if negate.product {
        first = b.fneg(first);
    }
    if negate.addend {
        addend = b.fneg(addend);
    }
    let result = b.fma(first, second, addend, round);
    set_f(b, c, i.rd, result);
}
