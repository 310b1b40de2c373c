//! Scalar floating point.

use super::{Lifter, bfloat, width};
use crate::ir::{Cond, InvalidInt, Lane, MinMaxRule, Quietness, Round, Sign, Type, Value};
use decoders::aarch64::{Float, Insn};

pub(super) fn lift(l: &mut Lifter, op: Float, i: Insn) {
    match op {
        Float::FixedToFloat => fixed_to_float(l, i),
        Float::FloatToFixed => float_to_fixed(l, i),
        Float::FloatToInteger => float_to_integer(l, i),
        Float::IntegerToFloat => integer_to_float(l, i),
        Float::FmovGeneral => fmov_general(l, i),
        Float::FmovTop => fmov_top(l, i),
        Float::Fmov => one_source(l, i, |_, x| x),
        Float::Fabs => one_source(l, i, |l, x| l.fabs(x)),
        Float::Fneg => one_source(l, i, |l, x| l.fneg(x)),
        Float::Fsqrt => one_source(l, i, |l, x| l.fsqrt(x, Round::Current)),
        Float::Fcvt => fcvt(l, i),
        Float::Frint => frint(l, i),
        Float::Fcmp => fcmp(l, i),
        Float::FmovImmediate => fmov_immediate(l, i),
        Float::Fccmp => fccmp(l, i),
        Float::Fmul => two_source(l, i, |l, a, b| l.fmul(a, b, Round::Current)),
        Float::Fdiv => two_source(l, i, |l, a, b| l.fdiv(a, b, Round::Current)),
        Float::Fadd => two_source(l, i, |l, a, b| l.fadd(a, b, Round::Current)),
        Float::Fsub => two_source(l, i, |l, a, b| l.fsub(a, b, Round::Current)),
        Float::Fmax => two_source(l, i, |l, a, b| l.fmax(a, b, MinMaxRule::Propagate)),
        Float::Fmin => two_source(l, i, |l, a, b| l.fmin(a, b, MinMaxRule::Propagate)),
        Float::Fmaxnm => two_source(l, i, |l, a, b| l.fmax(a, b, MinMaxRule::Num2008)),
        Float::Fminnm => two_source(l, i, |l, a, b| l.fmin(a, b, MinMaxRule::Num2008)),
        Float::Fnmul => two_source(l, i, |l, a, b| {
            let product = l.fmul(a, b, Round::Current);
            l.fneg(product)
        }),
        Float::Fcsel => fcsel(l, i),
        Float::MultiplyAdd => multiply_add(l, i),
        Float::Fjcvtzs => fjcvtzs(l, i),
        Float::FrintInteger => frint_integer(l, i),
        Float::Bfcvt => bfloat::convert(l, i),
    }
}

/// The type of bits 23 and 22: single, double, half.
fn precision(i: Insn) -> Type {
    match i.bits(22, 2) {
        0 => Type::F32,
        1 => Type::F64,
        _ => Type::F16,
    }
}

/// `fmov dd, dn`, `fabs`, `fneg`, `fsqrt`. (Floating-point data-processing (1 source))
fn one_source(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value) -> Value) {
    let value = l.float(i.rn(), precision(i));
    let result = f(l, value);
    l.set_scalar(i.rd(), result);
}

/// `fadd dd, dn, dm`, `fsub`, `fmul`, `fdiv`, `fmax`, `fmin`, `fmaxnm`, `fminnm`, `fnmul`.
/// (Floating-point data-processing (2 source))
fn two_source(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value) -> Value) {
    let ty = precision(i);
    let (a, b) = (l.float(i.rn(), ty), l.float(i.rm(), ty));
    let result = f(l, a, b);
    l.set_scalar(i.rd(), result);
}

/// `fmadd dd, dn, dm, da`: da + dn * dm; `fmsub`: da - dn * dm; `fnmadd`, `fnmsub`: their negatives, rounded once.
/// (Floating-point data-processing (3 source))
fn multiply_add(l: &mut Lifter, i: Insn) {
    let ty = precision(i);
    let (negate, subtract) = (i.bit(21), i.bit(15));
    let (a, b, c) = (l.float(i.rn(), ty), l.float(i.rm(), ty), l.float(i.ra(), ty));
    let a = if negate != subtract { l.fneg(a) } else { a };
    let c = if negate { l.fneg(c) } else { c };
    let result = l.fma(a, b, c, Round::Current);
    l.set_scalar(i.rd(), result);
}

/// `fcvt sd, dn` and all other pairs of half, single and double. (Floating-point data-processing (1 source))
fn fcvt(l: &mut Lifter, i: Insn) {
    let to = match i.bits(15, 2) {
        0 => Type::F32,
        1 => Type::F64,
        _ => Type::F16,
    };
    one_source(l, i, |l, x| l.fconvert(x, to, Round::Current));
}

/// `frintn dd, dn`, `frintp`, `frintm`, `frintz`, `frinta`, `frintx`, `frinti`: to an integral value.
/// (Floating-point data-processing (1 source))
fn frint(l: &mut Lifter, i: Insn) {
    let round = match i.bits(15, 3) {
        0 => Round::NearestEven,
        1 => Round::Up,
        2 => Round::Down,
        3 => Round::TowardZero,
        4 => Round::NearestAway,
        _ => Round::Current,
    };
    let exact = i.bits(15, 3) == 6;
    one_source(l, i, |l, x| l.fround(x, round, exact));
}

/// `frint32z dd, dn`, `frint32x`, `frint64z`, `frint64x`: to an integral value that fits an integer of that size.
/// (Floating-point data-processing (1 source))
fn frint_integer(l: &mut Lifter, i: Insn) {
    let int = if i.bit(16) { Type::I64 } else { Type::I32 };
    let round = if i.bit(15) { Round::Current } else { Round::TowardZero };
    one_source(l, i, |l, x| l.integral_within(x, int, round));
}

/// `fjcvtzs wd, dn`: to an integer modulo 2^32, as JavaScript does; Z says whether nothing was lost.
/// (Conversion between floating-point and integer)
fn fjcvtzs(l: &mut Lifter, i: Insn) {
    let value = l.float(i.rn(), Type::F64);
    // It raises what this raises, and equals it where nothing is lost.
    let saturated = l.float_to_int(value, Type::I32, Sign::Signed, Round::TowardZero, InvalidInt::NanZero, 0);
    let back = l.int_to_float(saturated, Type::F64, Sign::Signed, Round::Current, 0);
    let [bits, back] = [value, back].map(|float| l.bitcast(float, Type::I64));
    let exact = l.icmp(bits, back, Cond::Eq);
    let [fraction_mask, hidden, exponent_mask, width, zero] =
        [(1 << 52) - 1, 1 << 52, 0x7ff, 52, 0].map(|imm| l.i64(imm));
    let fraction = l.and(bits, fraction_mask);
    let significand = l.or(fraction, hidden);
    let exponent = l.lshr(bits, width);
    let exponent = l.and(exponent, exponent_mask);
    // The significand counts 2^(exponent - 1075).
    let unit = l.i64(1023 + 52);
    let (right, left) = (l.sub(unit, exponent), l.sub(exponent, unit));
    let limit = l.i64(64);
    let [to_right, to_left] = [right, left].map(|amount| l.icmp(amount, limit, Cond::Ult));
    let (shifted_right, shifted_left) = (l.lshr(significand, right), l.shl(significand, left));
    let magnitude = l.select(shifted_left, zero, to_left);
    let magnitude = l.select(shifted_right, magnitude, to_right);
    let negative = l.icmp(bits, zero, Cond::Slt);
    let negated = l.neg(magnitude);
    let result = l.select(negated, magnitude, negative);
    let result = l.trunc(result, Type::I32);
    l.set_reg(i.rd(), result);
    let zero = l.i1(false);
    l.set_flag_bits(zero, exact, zero, zero);
}

impl Lifter<'_> {
    /// The float rounded to an integral value, if that fits `int`; else the most negative one, and invalid is raised.
    pub(super) fn integral_within(&mut self, x: Value, int: Type, round: Round) -> Value {
        let ty = self.ty(x);
        let bits = Type::int_of_bytes(ty.bytes());
        let integer = self.float_to_int(x, int, Sign::Signed, round, InvalidInt::Indefinite, 0);
        let float = self.int_to_float(integer, ty, Sign::Signed, Round::Current, 0);
        // A zero keeps its sign.
        let [x, float] = [x, float].map(|float| self.bitcast(float, bits));
        let sign = self.iconst(bits, 1 << (bits.bits() - 1));
        let sign = self.and(x, sign);
        let zero = self.iconst(int, 0);
        let is_zero = self.icmp(integer, zero, Cond::Eq);
        let result = self.select(sign, float, is_zero);
        self.bitcast(result, ty)
    }

    /// Plus zero.
    pub(super) fn float_zero(&mut self, ty: Type) -> Value {
        let bits = self.iconst(Type::int_of_bytes(ty.bytes()), 0);
        self.bitcast(bits, ty)
    }
}

fn quietness(signaling: bool) -> Quietness {
    if signaling { Quietness::Signaling } else { Quietness::Quiet }
}

/// `fcmp dn, dm|#0.0`, `fcmpe`: sets the flags. (Floating-point compare)
fn fcmp(l: &mut Lifter, i: Insn) {
    let ty = precision(i);
    let a = l.float(i.rn(), ty);
    let b = if i.bit(3) { l.float_zero(ty) } else { l.float(i.rm(), ty) };
    l.set_flags_float(a, b, quietness(i.bit(4)));
}

/// `fccmp dn, dm, #nzcv, cond`, `fccmpe`: compares if the condition holds, else sets the flags given.
/// (Floating-point conditional compare)
fn fccmp(l: &mut Lifter, i: Insn) {
    let ty = precision(i);
    let passed = l.condition(i.bits(12, 4));
    let (a, b) = (l.float(i.rn(), ty), l.float(i.rm(), ty));
    l.set_flags_float_if(passed, a, b, quietness(i.bit(4)), i.bits(0, 4));
}

/// `fcsel dd, dn, dm, cond`. (Floating-point conditional select)
fn fcsel(l: &mut Lifter, i: Insn) {
    let ty = precision(i);
    let cond = l.condition(i.bits(12, 4));
    let (a, b) = (l.float(i.rn(), ty), l.float(i.rm(), ty));
    let result = l.select(a, b, cond);
    l.set_scalar(i.rd(), result);
}

/// The manual's VFPExpandImm: sign, three bits of exponent, four of fraction, as the bits of a float.
pub(super) fn expand_immediate(imm: u64, ty: Type) -> u64 {
    let (exponent_bits, fraction_bits) = match ty {
        Type::F16 => (5, 10),
        Type::F32 => (8, 23),
        _ => (11, 52),
    };
    let sign = imm >> 7 & 1;
    let small = imm >> 6 & 1;
    // The exponent is not(b), then b often enough, then two bits.
    let repeated = if small == 1 { (1u64 << (exponent_bits - 3)) - 1 } else { 0 };
    let exponent = (small ^ 1) << (exponent_bits - 1) | repeated << 2 | imm >> 4 & 3;
    sign << (exponent_bits + fraction_bits) | exponent << fraction_bits | (imm & 15) << (fraction_bits - 4)
}

/// `fmov dd, #imm`. (Floating-point immediate)
fn fmov_immediate(l: &mut Lifter, i: Insn) {
    let bits = expand_immediate(i.bits(13, 8).into(), precision(i));
    let value = l.vconst(bits.into());
    l.set_v(i.rd(), value);
}

/// `fmov xd, dn`, `fmov dd, xn`, `fmov wd, sn`, ...: bits as they are.
/// (Conversion between floating-point and integer)
fn fmov_general(l: &mut Lifter, i: Insn) {
    let ty = Type::int_of_bytes(precision(i).bytes());
    if i.bit(16) {
        let value = l.reg(i.rn(), ty);
        l.set_scalar(i.rd(), value);
    } else {
        let v = l.v(i.rn());
        let lane = match ty {
            Type::I16 => Lane::B16,
            Type::I32 => Lane::B32,
            _ => Lane::B64,
        };
        let value = l.vextract(v, lane, 0);
        l.set_reg(i.rd(), value);
    }
}

/// `fmov xd, vn.d[1]`, `fmov vd.d[1], xn`. (Conversion between floating-point and integer)
fn fmov_top(l: &mut Lifter, i: Insn) {
    if i.bit(16) {
        let value = l.x(i.rn());
        let old = l.v(i.rd());
        let new = l.vinsert(old, value, Lane::B64, 1);
        l.set_v(i.rd(), new);
    } else {
        let v = l.v(i.rn());
        let value = l.vextract(v, Lane::B64, 1);
        l.set_reg(i.rd(), value);
    }
}

fn signedness(i: Insn) -> Sign {
    if i.bit(16) { Sign::Unsigned } else { Sign::Signed }
}

/// Float to integer with a rounding mode and fraction bits.
fn convert_to_integer(l: &mut Lifter, i: Insn, round: Round, fraction: u8) {
    let value = l.float(i.rn(), precision(i));
    let result = l.float_to_int(value, width(i.sf()), signedness(i), round, InvalidInt::NanZero, fraction);
    l.set_reg(i.rd(), result);
}

/// `fcvtns xd, dn`, `fcvtps`, `fcvtms`, `fcvtzs`, `fcvtas` and unsigned.
/// (Conversion between floating-point and integer)
fn float_to_integer(l: &mut Lifter, i: Insn) {
    let round = match i.bits(19, 2) {
        _ if i.bit(18) => Round::NearestAway,
        0 => Round::NearestEven,
        1 => Round::Up,
        2 => Round::Down,
        _ => Round::TowardZero,
    };
    convert_to_integer(l, i, round, 0);
}

/// `fcvtzs xd, dn, #fbits`, `fcvtzu`. (Conversion between floating-point and fixed-point)
fn float_to_fixed(l: &mut Lifter, i: Insn) {
    convert_to_integer(l, i, Round::TowardZero, 64 - i.bits(10, 6) as u8);
}

/// `scvtf dd, xn`, `ucvtf`. (Conversion between floating-point and integer)
fn integer_to_float(l: &mut Lifter, i: Insn) {
    convert_to_float(l, i, 0);
}

/// `scvtf dd, xn, #fbits`, `ucvtf`. (Conversion between floating-point and fixed-point)
fn fixed_to_float(l: &mut Lifter, i: Insn) {
    convert_to_float(l, i, 64 - i.bits(10, 6) as u8);
}

fn convert_to_float(l: &mut Lifter, i: Insn, fraction: u8) {
    let value = l.reg(i.rn(), width(i.sf()));
    let result = l.int_to_float(value, precision(i), signedness(i), Round::Current, fraction);
    l.set_scalar(i.rd(), result);
}

#[cfg(test)]
mod tests {
    use super::expand_immediate;
    use crate::ir::Type;

    #[test]
    fn immediates_are_the_floats_that_assemblers_write() {
        for (imm, value) in [(0x70, 1.0), (0x00, 2.0), (0xf0, -1.0), (0x60, 0.5), (0x3f, 31.0), (0x40, 0.125)]
        {
            assert_eq!(f64::from_bits(expand_immediate(imm, Type::F64)), value);
            assert_eq!(f64::from(f32::from_bits(expand_immediate(imm, Type::F32) as u32)), value);
        }
        assert_eq!(expand_immediate(0x70, Type::F16), 0x3c00);
    }
}
