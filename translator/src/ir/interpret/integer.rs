//! Integer ops. Arguments and results are bit patterns with zero bits above `ty`.

use crate::ir::{Cond, RmwOp, Type};

/// The value as two's complement of its type.
pub fn signed(ty: Type, a: u128) -> i128 {
    let unused = 128 - ty.bits();
    (a << unused) as i128 >> unused
}

/// The low bits of an integer as a value of the type.
pub fn truncate(ty: Type, a: i128) -> u128 {
    a as u128 & ty.mask()
}

pub fn add(ty: Type, a: u128, b: u128) -> u128 {
    a.wrapping_add(b) & ty.mask()
}

pub fn sub(ty: Type, a: u128, b: u128) -> u128 {
    a.wrapping_sub(b) & ty.mask()
}

pub fn mul(ty: Type, a: u128, b: u128) -> u128 {
    a.wrapping_mul(b) & ty.mask()
}

pub fn umulh(ty: Type, a: u128, b: u128) -> u128 {
    // At most 64 bits each, so the product is whole.
    a.wrapping_mul(b) >> ty.bits()
}

pub fn smulh(ty: Type, a: u128, b: u128) -> u128 {
    truncate(ty, signed(ty, a).wrapping_mul(signed(ty, b)) >> ty.bits())
}

pub fn udiv(_: Type, a: u128, b: u128) -> u128 {
    a.checked_div(b).unwrap_or(0)
}

pub fn sdiv(ty: Type, a: u128, b: u128) -> u128 {
    truncate(ty, signed(ty, a).checked_div(signed(ty, b)).unwrap_or(0))
}

pub fn urem(_: Type, a: u128, b: u128) -> u128 {
    a.checked_rem(b).unwrap_or(a)
}

pub fn srem(ty: Type, a: u128, b: u128) -> u128 {
    truncate(ty, signed(ty, a).checked_rem(signed(ty, b)).unwrap_or(signed(ty, a)))
}

/// Quotient (low 64 bits) and remainder of the 128-bit `high:low`; zeros if the divisor is zero.
pub fn udiv_wide(high: u64, low: u64, divisor: u64) -> (u64, u64) {
    let dividend = u128::from(high) << 64 | u128::from(low);
    let divisor = u128::from(divisor);
    (dividend.checked_div(divisor).unwrap_or(0) as u64, dividend.checked_rem(divisor).unwrap_or(0) as u64)
}

pub struct SignedDivision {
    pub quotient: u64,
    pub remainder: u64,
    /// The divisor is zero or the quotient does not fit 64 bits.
    pub overflows: bool,
}

pub fn sdiv_wide(high: u64, low: u64, divisor: u64) -> SignedDivision {
    let dividend = (u128::from(high) << 64 | u128::from(low)) as i128;
    let divisor = i128::from(divisor as i64);
    if divisor == 0 {
        return SignedDivision { quotient: 0, remainder: 0, overflows: true };
    }
    // Only -2^127 / -1 wraps, to itself; that does not fit 64 bits either.
    let quotient = dividend.wrapping_div(divisor);
    SignedDivision {
        quotient: quotient as u64,
        remainder: dividend.wrapping_rem(divisor) as u64,
        overflows: i64::try_from(quotient).is_err(),
    }
}

pub fn carry(ty: Type, a: u128, b: u128, carry_in: bool) -> bool {
    // At most 64 bits each: the sum is whole.
    a + b + u128::from(carry_in) > ty.mask()
}

pub fn overflow(ty: Type, a: u128, b: u128, carry_in: bool) -> bool {
    let sum = signed(ty, a) + signed(ty, b) + i128::from(carry_in);
    signed(ty, truncate(ty, sum)) != sum
}

/// A shift amount modulo the width.
fn amount(ty: Type, b: u128) -> u32 {
    (b % u128::from(ty.bits())) as u32
}

pub fn shl(ty: Type, a: u128, b: u128) -> u128 {
    a << amount(ty, b) & ty.mask()
}

pub fn lshr(ty: Type, a: u128, b: u128) -> u128 {
    a >> amount(ty, b)
}

pub fn ashr(ty: Type, a: u128, b: u128) -> u128 {
    truncate(ty, signed(ty, a) >> amount(ty, b))
}

pub fn rotl(ty: Type, a: u128, b: u128) -> u128 {
    let amount = amount(ty, b);
    (a << amount | a >> (ty.bits() - amount)) & ty.mask()
}

pub fn rotr(ty: Type, a: u128, b: u128) -> u128 {
    let amount = amount(ty, b);
    (a >> amount | a << (ty.bits() - amount)) & ty.mask()
}

pub fn clz(ty: Type, a: u128) -> u128 {
    (a.leading_zeros() - (128 - ty.bits())).into()
}

pub fn ctz(ty: Type, a: u128) -> u128 {
    a.trailing_zeros().min(ty.bits()).into()
}

pub fn bswap(ty: Type, a: u128) -> u128 {
    a.swap_bytes() >> (128 - ty.bits())
}

pub fn bitrev(ty: Type, a: u128) -> u128 {
    a.reverse_bits() >> (128 - ty.bits())
}

pub fn clmul(a: u64, b: u64) -> u128 {
    (0..64).filter(|bit| b >> bit & 1 != 0).fold(0, |product, bit| product ^ u128::from(a) << bit)
}

pub fn pext(a: u64, mask: u64) -> u64 {
    let places = (0..64).filter(|bit| mask >> bit & 1 != 0);
    places.enumerate().fold(0, |gathered, (to, from)| gathered | (a >> from & 1) << to)
}

pub fn pdep(a: u64, mask: u64) -> u64 {
    let places = (0..64).filter(|bit| mask >> bit & 1 != 0);
    places.enumerate().fold(0, |spread, (from, to)| spread | (a >> from & 1) << to)
}

pub fn crc32(ty: Type, data: u64, crc: u32, poly: u32) -> u32 {
    let reflected = poly.reverse_bits();
    (0..ty.bits()).fold(crc, |crc, bit| {
        let out = (u64::from(crc) ^ data >> bit) & 1 != 0;
        crc >> 1 ^ if out { reflected } else { 0 }
    })
}

/// Whether an integer comparison holds.
pub fn compare(cond: Cond, ty: Type, a: u128, b: u128) -> bool {
    let (x, y) = (signed(ty, a), signed(ty, b));
    match cond {
        Cond::Eq => a == b,
        Cond::Ne => a != b,
        Cond::Slt => x < y,
        Cond::Sle => x <= y,
        Cond::Sgt => x > y,
        Cond::Sge => x >= y,
        Cond::Ult => a < b,
        Cond::Ule => a <= b,
        Cond::Ugt => a > b,
        Cond::Uge => a >= b,
    }
}

impl RmwOp {
    /// What an atomic read-modify-write of `ty` stores over `old`.
    pub fn apply(self, ty: Type, old: u128, operand: u128) -> u128 {
        let choose = |cond| if compare(cond, ty, old, operand) { old } else { operand };
        match self {
            RmwOp::Exchange => operand,
            RmwOp::Add => add(ty, old, operand),
            RmwOp::Sub => sub(ty, old, operand),
            RmwOp::And => old & operand,
            RmwOp::AndNot => old & !operand,
            RmwOp::Or => old | operand,
            RmwOp::Xor => old ^ operand,
            RmwOp::Smin => choose(Cond::Sle),
            RmwOp::Smax => choose(Cond::Sge),
            RmwOp::Umin => choose(Cond::Ule),
            RmwOp::Umax => choose(Cond::Uge),
        }
    }
}
