//! Comparisons and classification of the F and D extensions.

use super::{Frontend, f, set_x};
use crate::ir::{Builder, Cond, FloatCond, Quietness, Type};
use crate::lift::Context;
use decoders::riscv64::Insn;

/// `feq.s rd, rs1, rs2`: 1 if equal; only a signalling NaN is invalid. (Single-Precision Floating-Point
/// Compare Instructions)
pub fn feq_s(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    compare(b, i, c, Type::F32, FloatCond::Equal, Quietness::Quiet);
}

/// `flt.s rd, rs1, rs2`: 1 if `rs1 < rs2`; every NaN is invalid. (Single-Precision Floating-Point Compare
/// Instructions)
pub fn flt_s(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    compare(b, i, c, Type::F32, FloatCond::Less, Quietness::Signaling);
}

/// `fle.s rd, rs1, rs2`: 1 if `rs1 <= rs2`; every NaN is invalid. (Single-Precision Floating-Point Compare
/// Instructions)
pub fn fle_s(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    compare(b, i, c, Type::F32, FloatCond::LessEqual, Quietness::Signaling);
}

/// `fclass.s rd, rs1`: one of ten bits set, for the class of the operand. (Single-Precision Floating-Point
/// Classify Instruction)
pub fn fclass_s(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    classify(b, i, c, Type::F32);
}

/// `feq.d rd, rs1, rs2`: 1 if equal; only a signalling NaN is invalid. (Double-Precision Floating-Point
/// Compare Instructions)
pub fn feq_d(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    compare(b, i, c, Type::F64, FloatCond::Equal, Quietness::Quiet);
}

/// `flt.d rd, rs1, rs2`: 1 if `rs1 < rs2`; every NaN is invalid. (Double-Precision Floating-Point Compare
/// Instructions)
pub fn flt_d(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    compare(b, i, c, Type::F64, FloatCond::Less, Quietness::Signaling);
}

/// `fle.d rd, rs1, rs2`: 1 if `rs1 <= rs2`; every NaN is invalid. (Double-Precision Floating-Point Compare
/// Instructions)
pub fn fle_d(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    compare(b, i, c, Type::F64, FloatCond::LessEqual, Quietness::Signaling);
}

/// `fclass.d rd, rs1`: one of ten bits set, for the class of the operand. (Double-Precision Floating-Point
/// Classify Instruction)
pub fn fclass_d(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    classify(b, i, c, Type::F64);
}

fn compare(
    b: &mut Builder,
    i: &Insn,
    c: &Context<'_, Frontend>,
    ty: Type,
    cond: FloatCond,
    quiet: Quietness,
) {
    let (first, second) = (f(b, c, i.rs1, ty), f(b, c, i.rs2, ty));
    let holds = b.fcmp(first, second, cond, quiet);
    let result = b.zext(holds, Type::I64);
    set_x(b, i.rd, result);
}

/// Bits of the result: 0 negative infinity, 1 negative normal, 2 negative subnormal, 3 negative zero, 4 to 7 the same
/// for positive numbers in reverse order, 8 signalling NaN, 9 quiet NaN.
fn classify(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>, ty: Type) {
    if i.rd == 0 {
        return;
    }
    let value = f(b, c, i.rs1, ty);
    let bits = Type::int_of_bytes(ty.bytes());
    let value = b.bitcast(value, bits);
    let fraction_bits = if ty == Type::F32 { 23 } else { 52 };
    let sign_bit = b.iconst(bits, 1 << (bits.bits() - 1));
    let infinity = b.iconst(bits, (bits.mask() as u64 >> 1) >> fraction_bits << fraction_bits);
    let smallest_normal = b.iconst(bits, 1 << fraction_bits);
    let quiet_nan = b.iconst(bits, (bits.mask() as u64 >> 1) >> (fraction_bits - 1) << (fraction_bits - 1));
    let zero = b.iconst(bits, 0);
    let magnitude = b.andnot(value, sign_bit);

    let [n0, n1, n2, n3, n7, n8, n9] = [0, 1, 2, 3, 7, 8, 9].map(|n| b.i64(n));
    let is_zero = b.icmp(magnitude, zero, Cond::Eq);
    let is_small = b.icmp(magnitude, smallest_normal, Cond::Ult);
    let is_infinite = b.icmp(magnitude, infinity, Cond::Eq);
    let is_nan = b.icmp(magnitude, infinity, Cond::Ugt);
    let is_quiet = b.icmp(magnitude, quiet_nan, Cond::Uge);
    let is_negative = b.icmp(value, zero, Cond::Slt);

    let number = b.select(n2, n1, is_small);
    let number = b.select(n3, number, is_zero);
    let number = b.select(n0, number, is_infinite);
    let mirrored = b.sub(n7, number);
    let number = b.select(number, mirrored, is_negative);
    let nan = b.select(n9, n8, is_quiet);
    let number = b.select(nan, number, is_nan);
    let result = b.shl(n1, number);
    set_x(b, i.rd, result);
}
