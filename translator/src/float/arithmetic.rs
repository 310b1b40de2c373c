//! Addition, subtraction, multiplication, division and square root.

use super::layout::{Kind, Layout, Operand, operand, raise_denormal};
use super::nan::{invalid, propagate};
use super::round::{Exact, round_and_pack, shift_right_sticky};
use super::{Env, Format, Rounding, flags};

/// `a + b`.
pub fn add(f: Format, env: &Env, a: u64, b: u64, flags: &mut u32) -> u64 {
    add_signed(f, env, a, b, false, flags)
}

/// `a - b`.
pub fn sub(f: Format, env: &Env, a: u64, b: u64, flags: &mut u32) -> u64 {
    add_signed(f, env, a, b, true, flags)
}

/// The sign of an exact zero sum of numbers with different signs.
#[inline]
pub(super) fn zero_sum_sign(env: &Env) -> bool {
    env.rounding == Rounding::Down
}

fn add_signed(f: Format, env: &Env, a: u64, b: u64, negate: bool, raised: &mut u32) -> u64 {
    let l = Layout::of(f);
    let (x, mut y) = (operand(l, env, a, raised), operand(l, env, b, raised));
    if x.is_nan() || y.is_nan() {
        // A NaN operand keeps its sign in a subtraction.
        return propagate(l, env, &[x, y], raised);
    }
    y.sign ^= negate;
    if x.is_infinity() || y.is_infinity() {
        if x.is_infinity() && y.is_infinity() && x.sign != y.sign {
            return invalid(l, env, raised);
        }
        raise_denormal(env, x.denormal || y.denormal, raised);
        return l.infinity(if x.is_infinity() { x.sign } else { y.sign });
    }
    raise_denormal(env, x.denormal || y.denormal, raised);
    let sum = match (x.is_zero(), y.is_zero()) {
        (false, false) => add_exact(exact(&x), exact(&y)),
        (true, true) => return l.zero(if x.sign == y.sign { x.sign } else { zero_sum_sign(env) }),
        (true, false) => Some(exact(&y)),
        (false, true) => Some(exact(&x)),
    };
    match sum {
        Some(sum) => round_and_pack(l, env, sum, raised),
        None => l.zero(zero_sum_sign(env)),
    }
}

/// A finite operand as a value to compute with.
#[inline]
pub(super) fn exact(x: &Operand) -> Exact {
    Exact { sign: x.sign, exponent: x.exponent, significand: u128::from(x.significand) << 64 }
}

/// The sum, with a sticky bit; `None` is an exact zero. The low two bits of both significands are zero.
#[inline]
pub(super) fn add_exact(x: Exact, y: Exact) -> Option<Exact> {
    let (large, small) = if x.exponent >= y.exponent { (x, y) } else { (y, x) };
    // One bit of headroom for the carry. Where more than one leading bit cancels, the exponents differ by at
    // most one and the shift loses nothing.
    let distance = large.exponent.abs_diff(small.exponent);
    let aligned = shift_right_sticky(small.significand >> 1, distance);
    let base = large.significand >> 1;
    let (sign, sum) = if large.sign == small.sign {
        (large.sign, base + aligned)
    } else if base >= aligned {
        (large.sign, base - aligned)
    } else {
        (small.sign, aligned - base)
    };
    (sum != 0).then(|| Exact::normalize(sign, large.exponent + 1, sum))
}

/// The product of finite operands, exact.
#[inline]
pub(super) fn mul_exact(x: &Operand, y: &Operand) -> Exact {
    let product = u128::from(x.significand) * u128::from(y.significand);
    Exact::normalize(x.sign != y.sign, x.exponent + y.exponent + 1, product)
}

/// `a * b`.
pub fn mul(f: Format, env: &Env, a: u64, b: u64, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let (x, y) = (operand(l, env, a, flags), operand(l, env, b, flags));
    if x.is_nan() || y.is_nan() {
        return propagate(l, env, &[x, y], flags);
    }
    mul_numbers(l, env, &x, &y, flags)
}

/// The product of operands that are no NaNs.
pub(super) fn mul_numbers(l: &Layout, env: &Env, x: &Operand, y: &Operand, raised: &mut u32) -> u64 {
    let sign = x.sign != y.sign;
    let infinite = x.is_infinity() || y.is_infinity();
    let zero = x.is_zero() || y.is_zero();
    if infinite && zero {
        return invalid(l, env, raised);
    }
    raise_denormal(env, x.denormal || y.denormal, raised);
    if infinite {
        l.infinity(sign)
    } else if zero {
        l.zero(sign)
    } else {
        round_and_pack(l, env, mul_exact(x, y), raised)
    }
}

/// `a / b`.
pub fn div(f: Format, env: &Env, a: u64, b: u64, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let (x, y) = (operand(l, env, a, flags), operand(l, env, b, flags));
    let sign = x.sign != y.sign;
    if x.is_nan() || y.is_nan() {
        return propagate(l, env, &[x, y], flags);
    }
    if x.kind == y.kind && (x.is_zero() || x.is_infinity()) {
        return invalid(l, env, flags);
    }
    if y.is_zero() && !x.is_infinity() {
        *flags |= flags::DIV_BY_ZERO;
        return l.infinity(sign);
    }
    raise_denormal(env, x.denormal || y.denormal, flags);
    if x.is_infinity() {
        l.infinity(sign)
    } else if x.is_zero() || y.is_infinity() {
        l.zero(sign)
    } else {
        let exponent = x.exponent - y.exponent;
        round_and_pack(l, env, divide(sign, exponent, x.significand, y.significand), flags)
    }
}

/// `numerator / denominator * 2^exponent` for significands with bit 63 set.
#[inline]
fn divide(sign: bool, exponent: i32, numerator: u64, denominator: u64) -> Exact {
    let wide = u128::from(numerator) << 63;
    let denominator = u128::from(denominator);
    // 63 or 64 bits: enough below the 53 bits of the widest format for the sticky bit to be no more than that.
    let quotient = wide / denominator;
    let sticky = u128::from(quotient * denominator != wide);
    Exact::normalize(sign, exponent, quotient << 64 | sticky)
}

/// The square root of `a`.
pub fn sqrt(f: Format, env: &Env, a: u64, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let x = operand(l, env, a, flags);
    match x.kind {
        Kind::QuietNan | Kind::SignalingNan => propagate(l, env, &[x], flags),
        Kind::Zero => x.bits,
        _ if x.sign => invalid(l, env, flags),
        Kind::Infinity => x.bits,
        Kind::Finite => {
            raise_denormal(env, x.denormal, flags);
            round_and_pack(l, env, sqrt_exact(&x), flags)
        }
    }
}

/// The square root of a positive finite operand, with a sticky bit.
pub(super) fn sqrt_exact(x: &Operand) -> Exact {
    // An even exponent leaves the root's significand in [1, 2): radicand in [2^126, 2^128), root in [2^63, 2^64).
    let radicand = u128::from(x.significand) << if x.exponent & 1 == 0 { 63 } else { 64 };
    let root = radicand.isqrt();
    let sticky = u128::from(root * root != radicand);
    Exact { sign: false, exponent: x.exponent >> 1, significand: root << 64 | sticky }
}
