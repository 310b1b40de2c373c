//! The M extension. Division never traps: by zero it gives all ones, and the dividend as the remainder.

use super::{register_register, word};
use crate::ir::{Builder, Cond, Value};
use decoders::riscv64::Insn;

/// `mul rd, rs1, rs2`: low half of the product. (Multiplication Operations)
pub fn mul(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::mul);
}

/// `mulh rd, rs1, rs2`: high half of the signed product. (Multiplication Operations)
pub fn mulh(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::smulh);
}

/// `mulhsu rd, rs1, rs2`: high half of the product of signed `rs1` and unsigned `rs2`. (Multiplication Operations)
pub fn mulhsu(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| {
        // A negative x was taken as x + 2^64: take y off the high half.
        let product = b.umulh(x, y);
        let sixty_three = b.i64(63);
        let negative = b.ashr(x, sixty_three);
        let excess = b.and(negative, y);
        b.sub(product, excess)
    });
}

/// `mulhu rd, rs1, rs2`: high half of the unsigned product. (Multiplication Operations)
pub fn mulhu(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::umulh);
}

/// `mulw rd, rs1, rs2`: low 32 bits of the product, sign-extended. (Multiplication Operations)
pub fn mulw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::mul));
}

/// `div rd, rs1, rs2`: signed quotient, towards zero; the most negative number by -1 is itself. (Division Operations)
pub fn div(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| quotient(b, x, y, Builder::sdiv));
}

/// `divu rd, rs1, rs2`: unsigned quotient. (Division Operations)
pub fn divu(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| quotient(b, x, y, Builder::udiv));
}

/// `rem rd, rs1, rs2`: signed remainder with the sign of `rs1`. (Division Operations)
pub fn rem(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::srem);
}

/// `remu rd, rs1, rs2`: unsigned remainder. (Division Operations)
pub fn remu(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::urem);
}

/// `divw rd, rs1, rs2`: signed 32-bit quotient, sign-extended. (Division Operations)
pub fn divw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, |b, x, y| quotient(b, x, y, Builder::sdiv)));
}

/// `divuw rd, rs1, rs2`: unsigned 32-bit quotient, sign-extended. (Division Operations)
pub fn divuw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, |b, x, y| quotient(b, x, y, Builder::udiv)));
}

/// `remw rd, rs1, rs2`: signed 32-bit remainder, sign-extended. (Division Operations)
pub fn remw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::srem));
}

/// `remuw rd, rs1, rs2`: unsigned 32-bit remainder, sign-extended. (Division Operations)
pub fn remuw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::urem));
}

/// The quotient, or all ones if the divisor is zero.
fn quotient(
    b: &mut Builder,
    dividend: Value,
    divisor: Value,
    divide: impl FnOnce(&mut Builder, Value, Value) -> Value,
) -> Value {
    let quotient = divide(b, dividend, divisor);
    let ty = b.ty(divisor);
    let zero = b.iconst(ty, 0);
    let by_zero = b.icmp(divisor, zero, Cond::Eq);
    let ones = b.iconst(ty, u64::MAX);
    b.select(ones, quotient, by_zero)
}
