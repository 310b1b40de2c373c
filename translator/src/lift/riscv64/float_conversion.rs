//! Conversions, sign injection and moves of the F and D extensions.

use super::float_computational::rounding;
use super::{Frontend, f, set_f, set_x, x};
use crate::guest::riscv64 as state;
use crate::ir::{Builder, InvalidInt, Round, Sign, Type, Value};
use crate::lift::Context;
use decoders::riscv64::Insn;

/// `fcvt.w.s rd, rs1, rm`: to a signed 32-bit integer, sign-extended; saturates, and a NaN gives the largest.
/// (Single-Precision Floating-Point Conversion and Move Instructions)
pub fn fcvt_w_s(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    to_integer(b, i, c, Type::F32, Type::I32, Sign::Signed);
}

/// `fcvt.wu.s rd, rs1, rm`: to an unsigned 32-bit integer, sign-extended; saturates, and a NaN gives the
/// largest. (Single-Precision Floating-Point Conversion and Move Instructions)
pub fn fcvt_wu_s(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    to_integer(b, i, c, Type::F32, Type::I32, Sign::Unsigned);
}

/// `fcvt.l.s rd, rs1, rm`: to a signed 64-bit integer; saturates, and a NaN gives the largest.
/// (Single-Precision Floating-Point Conversion and Move Instructions)
pub fn fcvt_l_s(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    to_integer(b, i, c, Type::F32, Type::I64, Sign::Signed);
}

/// `fcvt.lu.s rd, rs1, rm`: to an unsigned 64-bit integer; saturates, and a NaN gives the largest.
/// (Single-Precision Floating-Point Conversion and Move Instructions)
pub fn fcvt_lu_s(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    to_integer(b, i, c, Type::F32, Type::I64, Sign::Unsigned);
}

/// `fcvt.s.w rd, rs1, rm`: the low 32 bits, signed, to single precision. (Single-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fcvt_s_w(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    from_integer(b, i, c, Type::I32, Sign::Signed, Type::F32);
}

/// `fcvt.s.wu rd, rs1, rm`: the low 32 bits, unsigned, to single precision. (Single-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fcvt_s_wu(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    from_integer(b, i, c, Type::I32, Sign::Unsigned, Type::F32);
}

/// `fcvt.s.l rd, rs1, rm`: all 64 bits, signed, to single precision. (Single-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fcvt_s_l(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    from_integer(b, i, c, Type::I64, Sign::Signed, Type::F32);
}

/// `fcvt.s.lu rd, rs1, rm`: all 64 bits, unsigned, to single precision. (Single-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fcvt_s_lu(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    from_integer(b, i, c, Type::I64, Sign::Unsigned, Type::F32);
}

/// `fcvt.w.d rd, rs1, rm`: to a signed 32-bit integer, sign-extended; saturates, and a NaN gives the largest.
/// (Double-Precision Floating-Point Conversion and Move Instructions)
pub fn fcvt_w_d(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    to_integer(b, i, c, Type::F64, Type::I32, Sign::Signed);
}

/// `fcvt.wu.d rd, rs1, rm`: to an unsigned 32-bit integer, sign-extended; saturates, and a NaN gives the
/// largest. (Double-Precision Floating-Point Conversion and Move Instructions)
pub fn fcvt_wu_d(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    to_integer(b, i, c, Type::F64, Type::I32, Sign::Unsigned);
}

/// `fcvt.l.d rd, rs1, rm`: to a signed 64-bit integer; saturates, and a NaN gives the largest.
/// (Double-Precision Floating-Point Conversion and Move Instructions)
pub fn fcvt_l_d(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    to_integer(b, i, c, Type::F64, Type::I64, Sign::Signed);
}

/// `fcvt.lu.d rd, rs1, rm`: to an unsigned 64-bit integer; saturates, and a NaN gives the largest.
/// (Double-Precision Floating-Point Conversion and Move Instructions)
pub fn fcvt_lu_d(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    to_integer(b, i, c, Type::F64, Type::I64, Sign::Unsigned);
}

/// `fcvt.d.w rd, rs1, rm`: the low 32 bits, signed, to double precision. (Double-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fcvt_d_w(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    from_integer(b, i, c, Type::I32, Sign::Signed, Type::F64);
}

/// `fcvt.d.wu rd, rs1, rm`: the low 32 bits, unsigned, to double precision. (Double-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fcvt_d_wu(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    from_integer(b, i, c, Type::I32, Sign::Unsigned, Type::F64);
}

/// `fcvt.d.l rd, rs1, rm`: all 64 bits, signed, to double precision. (Double-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fcvt_d_l(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    from_integer(b, i, c, Type::I64, Sign::Signed, Type::F64);
}

/// `fcvt.d.lu rd, rs1, rm`: all 64 bits, unsigned, to double precision. (Double-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fcvt_d_lu(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    from_integer(b, i, c, Type::I64, Sign::Unsigned, Type::F64);
}

/// `fcvt.s.d rd, rs1, rm`: double to single precision. (Double-Precision Floating-Point Conversion and Move
/// Instructions)
pub fn fcvt_s_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    let Some(round) = rounding(b, i, c) else { return };
    let operand = f(b, c, i.rs1, Type::F64);
    let result = b.fconvert(operand, Type::F32, round);
    set_f(b, c, i.rd, result);
}

/// `fcvt.d.s rd, rs1, rm`: single to double precision, which is exact. (Double-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fcvt_d_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    if rounding(b, i, c).is_some() {
        let operand = f(b, c, i.rs1, Type::F32);
        let result = b.fconvert(operand, Type::F64, Round::NearestEven);
        set_f(b, c, i.rd, result);
    }
}

/// `fsgnj.s rd, rs1, rs2`: `rs1` with the sign of `rs2`. (Single-Precision Floating-Point Conversion and Move
/// Instructions)
pub fn fsgnj_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    inject_sign(b, i, c, Type::F32, Injection::Copy);
}

/// `fsgnjn.s rd, rs1, rs2`: `rs1` with the opposite of the sign of `rs2`. (Single-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fsgnjn_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    inject_sign(b, i, c, Type::F32, Injection::Invert);
}

/// `fsgnjx.s rd, rs1, rs2`: `rs1` with its sign inverted if `rs2` is negative. (Single-Precision
/// Floating-Point Conversion and Move Instructions)
pub fn fsgnjx_s(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    inject_sign(b, i, c, Type::F32, Injection::Combine);
}

/// `fsgnj.d rd, rs1, rs2`: `rs1` with the sign of `rs2`. (Double-Precision Floating-Point Conversion and Move
/// Instructions)
pub fn fsgnj_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    inject_sign(b, i, c, Type::F64, Injection::Copy);
}

/// `fsgnjn.d rd, rs1, rs2`: `rs1` with the opposite of the sign of `rs2`. (Double-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fsgnjn_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    inject_sign(b, i, c, Type::F64, Injection::Invert);
}

/// `fsgnjx.d rd, rs1, rs2`: `rs1` with its sign inverted if `rs2` is negative. (Double-Precision
/// Floating-Point Conversion and Move Instructions)
pub fn fsgnjx_d(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    inject_sign(b, i, c, Type::F64, Injection::Combine);
}

/// `fmv.x.w rd, rs1`: the low 32 bits of a float register, sign-extended. (Single-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fmv_x_w(b: &mut Builder, i: &Insn) {
    let register = b.get(state::f(i.rs1));
    let bits = b.bitcast(register, Type::I64);
    let low = b.trunc(bits, Type::I32);
    let result = b.sext(low, Type::I64);
    set_x(b, i.rd, result);
}

/// `fmv.w.x rd, rs1`: the low 32 bits as single precision, unchanged. (Single-Precision Floating-Point
/// Conversion and Move Instructions)
pub fn fmv_w_x(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    let register = x(b, i.rs1);
    let low = b.trunc(register, Type::I32);
    let value = b.bitcast(low, Type::F32);
    set_f(b, c, i.rd, value);
}

/// `fmv.x.d rd, rs1`: the bits of a float register. (Double-Precision Floating-Point Conversion and Move
/// Instructions)
pub fn fmv_x_d(b: &mut Builder, i: &Insn) {
    let register = b.get(state::f(i.rs1));
    let bits = b.bitcast(register, Type::I64);
    set_x(b, i.rd, bits);
}

/// `fmv.d.x rd, rs1`: 64 bits as double precision, unchanged. (Double-Precision Floating-Point Conversion and
/// Move Instructions)
pub fn fmv_d_x(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    let register = x(b, i.rs1);
    let value = b.bitcast(register, Type::F64);
    set_f(b, c, i.rd, value);
}

fn to_integer(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>, from: Type, to: Type, sign: Sign) {
    let Some(round) = rounding(b, i, c) else { return };
    let operand = f(b, c, i.rs1, from);
    let result = b.float_to_int(operand, to, sign, round, InvalidInt::NanMax, 0);
    // 32-bit results are sign-extended, unsigned ones too.
    let result = b.resize(result, Type::I64, Sign::Signed);
    set_x(b, i.rd, result);
}

fn from_integer(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>, from: Type, sign: Sign, to: Type) {
    let Some(mut round) = rounding(b, i, c) else { return };
    if from == Type::I32 && to == Type::F64 {
        round = Round::NearestEven; // exact in every mode
    }
    let operand = x(b, i.rs1);
    let operand = b.resize(operand, from, Sign::Unsigned);
    let result = b.int_to_float(operand, to, sign, round, 0);
    set_f(b, c, i.rd, result);
}

/// Where the sign of the result comes from.
enum Injection {
    Copy,
    Invert,
    Combine,
}

fn inject_sign(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>, ty: Type, injection: Injection) {
    let magnitude = f(b, c, i.rs1, ty);
    let result = if i.rs1 == i.rs2 {
        // fmv, fneg, fabs
        match injection {
            Injection::Copy => magnitude,
            Injection::Invert => b.fneg(magnitude),
            Injection::Combine => b.fabs(magnitude),
        }
    } else {
        let sign = f(b, c, i.rs2, ty);
        let bits = Type::int_of_bytes(ty.bytes());
        let (magnitude, sign) = (b.bitcast(magnitude, bits), b.bitcast(sign, bits));
        let result = combine(b, magnitude, sign, injection);
        b.bitcast(result, ty)
    };
    set_f(b, c, i.rd, result);
}

fn combine(b: &mut Builder, magnitude: Value, sign: Value, injection: Injection) -> Value {
    let ty = b.ty(magnitude);
    let sign_bit = b.iconst(ty, 1 << (ty.bits() - 1));
    match injection {
        Injection::Combine => {
            let sign = b.and(sign, sign_bit);
            b.xor(magnitude, sign)
        }
        Injection::Copy => {
            let (rest, sign) = (b.andnot(magnitude, sign_bit), b.and(sign, sign_bit));
            b.or(rest, sign)
        }
        Injection::Invert => {
            let (rest, sign) = (b.andnot(magnitude, sign_bit), b.andnot(sign_bit, sign));
            b.or(rest, sign)
        }
    }
}
