//! Reciprocal estimates: Arm's, which the architecture defines to the bit, and x86's, for which it gives only a bound.

use super::arithmetic::sqrt_exact;
use super::layout::{Kind, Layout, operand, unpack};
use super::nan::{default_nan, invalid, propagate};
use super::round::{Exact, overflow, round_shift};
use super::{Env, Format, Rounding, flags};

/// `RecipEstimate()`: 256 / `a` in steps of 1/256 for `a` from 256 to 511, by one division.
fn estimate(a: u32) -> u32 {
    let b = (1 << 19) / (a * 2 + 1);
    b.div_ceil(2)
}

/// `RecipSqrtEstimate()`: for `a` from 128 to 511.
fn sqrt_estimate(a: u32) -> u32 {
    let a = if a < 256 { a * 2 + 1 } else { ((a & !1) + 1) * 2 };
    // The largest b with a * b^2 < 2^28.
    let b = ((1u32 << 28) - 1) / a;
    b.isqrt().div_ceil(2)
}

/// Arm `FRECPE`: an estimate of `1 / a` to eight bits (`FPRecipEstimate()`).
pub fn reciprocal_estimate(f: Format, env: &Env, a: u64, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let x = operand(l, env, a, flags);
    match x.kind {
        Kind::QuietNan | Kind::SignalingNan => return propagate(l, env, &[x], flags),
        Kind::Infinity => return l.zero(x.sign),
        Kind::Zero => {
            *flags |= flags::DIV_BY_ZERO;
            return l.infinity(x.sign);
        }
        Kind::Finite => {}
    }
    // 1 / 2^-(bias + 1) is the first power of two that the format does not hold.
    if x.exponent < -l.max_exponent - 1 {
        return overflow(l, env, x.sign, true, flags);
    }
    if l.flushes_output(env) && x.exponent >= l.max_exponent - 1 {
        *flags |= flags::UNDERFLOW;
        return l.zero(x.sign);
    }
    let scaled = (x.significand >> 55) as u32;
    let significand = u64::from(estimate(scaled)) << l.fraction_bits >> 8;
    // The estimate of a significand in [1, 2) is in [1/2, 1).
    let exponent = -1 - x.exponent;
    if exponent < l.min_exponent {
        return l.zero(x.sign) | significand >> exponent.abs_diff(l.min_exponent);
    }
    l.power_of_two(x.sign, exponent) | (significand & l.fraction_mask())
}

/// Arm `FRSQRTE`: an estimate of `1 / sqrt(a)` to eight bits (`FPRSqrtEstimate()`).
pub fn reciprocal_sqrt_estimate(f: Format, env: &Env, a: u64, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let x = operand(l, env, a, flags);
    match x.kind {
        Kind::QuietNan | Kind::SignalingNan => return propagate(l, env, &[x], flags),
        Kind::Zero => {
            *flags |= flags::DIV_BY_ZERO;
            return l.infinity(x.sign);
        }
        _ if x.sign => return invalid(l, env, flags),
        Kind::Infinity => return l.zero(false),
        Kind::Finite => {}
    }
    // A quarter to one as the radicand: nine bits where the exponent is odd, eight where it is even.
    let scaled = (x.significand >> if x.exponent & 1 != 0 { 55 } else { 56 }) as u32;
    let significand = u64::from(sqrt_estimate(scaled)) << l.fraction_bits >> 8;
    l.power_of_two(false, (-1 - x.exponent).div_euclid(2)) | (significand & l.fraction_mask())
}

/// Arm `FRECPX`: the reciprocal of the exponent of `a`, fraction zero (`FPRecpX()`).
pub fn reciprocal_exponent(f: Format, env: &Env, a: u64, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let x = operand(l, env, a, flags);
    if x.is_nan() {
        return propagate(l, env, &[x], flags);
    }
    let field = (x.bits >> l.fraction_bits) & l.exponent_ones();
    let field = if field == 0 { l.exponent_ones() - 1 } else { field ^ l.exponent_ones() };
    l.zero(x.sign) | field << l.fraction_bits
}

/// Arm `URECPE`: for `a` as a fraction in [1/2, 1), half of an estimate of its reciprocal; below 1/2 all ones.
pub fn unsigned_reciprocal_estimate(a: u32) -> u32 {
    if a >> 31 == 0 { u32::MAX } else { estimate(a >> 23) << 23 }
}

/// Arm `URSQRTE`: for `a` as a fraction in [1/4, 1), half of an estimate of its reciprocal square root; below 1/4 all
/// ones.
pub fn unsigned_reciprocal_sqrt_estimate(a: u32) -> u32 {
    if a >> 30 == 0 { u32::MAX } else { sqrt_estimate(a >> 23) << 23 }
}

/// x86 `RCPSS`: `1 / a` for single precision, raising nothing.
///
/// The manual asks for a relative error of at most 1.5 * 2^-12 and leaves the value to the processor (Intel's and AMD's
/// differ). This one is the reciprocal rounded to the nearest of 12 fraction bits. Denormal operands count as
/// zeros, denormal results become zeros.
pub fn x86_reciprocal_estimate(a: u64) -> u64 {
    let l = Layout::of(Format::F32);
    let x = unpack(l, a);
    match x.kind {
        Kind::QuietNan | Kind::SignalingNan => x.bits | l.quiet_bit(),
        Kind::Infinity => l.zero(x.sign),
        Kind::Finite if !x.denormal => {
            // 2^126 / s is in (2^62, 2^63] for a significand s in [2^63, 2^64).
            let quotient = (1u128 << 126) / u128::from(x.significand);
            to_twelve_bits(l, Exact::normalize(x.sign, -x.exponent, quotient << 64))
        }
        Kind::Zero | Kind::Finite => l.infinity(x.sign),
    }
}

/// x86 `RSQRTSS`: `1 / sqrt(a)` for single precision, raising nothing; value and bound as in
/// [`x86_reciprocal_estimate`].
pub fn x86_reciprocal_sqrt_estimate(a: u64) -> u64 {
    let l = Layout::of(Format::F32);
    let x = unpack(l, a);
    match x.kind {
        Kind::QuietNan | Kind::SignalingNan => x.bits | l.quiet_bit(),
        Kind::Zero => l.infinity(x.sign),
        Kind::Finite if x.denormal => l.infinity(x.sign),
        _ if x.sign => default_nan(l, &Env::x86(Rounding::NearestEven, false, false)),
        Kind::Infinity => l.zero(false),
        Kind::Finite => {
            let root = sqrt_exact(&x);
            let quotient = (1u128 << 126) / (root.significand >> 64);
            to_twelve_bits(l, Exact::normalize(false, -root.exponent, quotient << 64))
        }
    }
}

fn to_twelve_bits(l: &Layout, x: Exact) -> u64 {
    let (significand, _) = round_shift(Rounding::NearestEven, x.sign, x.significand, 128 - 13);
    let bits = (significand as u64) << (l.fraction_bits - 12);
    let field = x.exponent - l.min_exponent;
    if field < 0 {
        return l.zero(x.sign);
    }
    l.zero(x.sign) | (((field as u64) << l.fraction_bits) + bits)
}
