//! The one place where results are rounded and packed.

use super::layout::Layout;
use super::{Env, Rounding, flags};

/// A finite nonzero value `significand * 2^(exponent - 127)`, bit 127 set. Bit 0 may stand for any nonzero rest
/// below it ("sticky"): all formats are narrow enough that it is never the last bit kept nor the half.
#[derive(Clone, Copy)]
pub(super) struct Exact {
    pub sign: bool,
    pub exponent: i32,
    pub significand: u128,
}

impl Exact {
    /// Shift the leading one to bit 127. `significand` is not zero.
    #[inline]
    pub fn normalize(sign: bool, exponent: i32, significand: u128) -> Exact {
        let shift = significand.leading_zeros();
        Exact { sign, exponent: exponent - shift as i32, significand: significand << shift }
    }
}

/// Shift right by any amount; if a nonzero bit is lost, bit 0 of the result is set.
#[inline]
pub(super) fn shift_right_sticky(value: u128, shift: u32) -> u128 {
    match shift {
        0 => value,
        1..128 => value >> shift | u128::from(value << (128 - shift) != 0),
        _ => u128::from(value != 0),
    }
}

/// Drop the low `shift` bits (at least one) of a nonzero value by `rounding`. Gives the kept part, and whether
/// anything was lost.
#[inline]
pub(super) fn round_shift(rounding: Rounding, sign: bool, value: u128, shift: u32) -> (u128, bool) {
    let (kept, rest, half) = match shift {
        0 => return (value, false),
        1..128 => (value >> shift, value & ((1 << shift) - 1), 1 << (shift - 1)),
        128 => (0, value, 1 << 127),
        // Less than half of the last place, however large: the exact amount no longer matters.
        _ => (0, 1, 1 << 127),
    };
    let up = match rounding {
        Rounding::NearestEven => rest > half || (rest == half && kept & 1 != 0),
        Rounding::NearestAway => rest >= half,
        Rounding::TowardZero => false,
        Rounding::Down => sign && rest != 0,
        Rounding::Up => !sign && rest != 0,
        Rounding::Odd => rest != 0 && kept & 1 == 0,
    };
    (kept + u128::from(up), rest != 0)
}

/// Round `x` to the format, with overflow, underflow and flushing as `env` says.
#[inline]
pub(super) fn round_and_pack(l: &Layout, env: &Env, x: Exact, raised: &mut u32) -> u64 {
    let dropped = 128 - l.precision();
    if x.exponent > l.max_exponent {
        let inexact = round_shift(env.rounding, x.sign, x.significand, dropped).1;
        return overflow(l, env, x.sign, inexact, raised);
    }
    if x.exponent < l.min_exponent {
        return pack_tiny(l, env, x, dropped, raised);
    }
    let (kept, inexact) = round_shift(env.rounding, x.sign, x.significand, dropped);
    // The hidden bit of `kept` adds one to the exponent field, as does a carry out of the fraction.
    let field = (x.exponent - l.min_exponent) as u64;
    let bits = (field << l.fraction_bits) + kept as u64;
    if bits >> l.fraction_bits >= l.exponent_ones() {
        return overflow(l, env, x.sign, inexact, raised);
    }
    *raised |= u32::from(inexact) * flags::INEXACT;
    l.zero(x.sign) | bits
}

/// A value below the smallest normal number before rounding.
#[cold]
fn pack_tiny(l: &Layout, env: &Env, x: Exact, dropped: u32, raised: &mut u32) -> u64 {
    if l.flushes_output(env) && env.tininess_before {
        *raised |= flags::UNDERFLOW;
        return l.zero(x.sign);
    }
    // Rounded with an unbounded exponent, can it become the smallest normal number? Only from right below.
    let (unbounded, lossy) = round_shift(env.rounding, x.sign, x.significand, dropped);
    let tiny = env.tininess_before || x.exponent < l.min_exponent - 1 || unbounded < 1 << l.precision();
    if env.trap_underflow && tiny {
        // The trap keeps the result from being used.
        *raised |= flags::UNDERFLOW | (u32::from(lossy) * flags::INEXACT);
        return l.zero(x.sign);
    }
    if l.flushes_output(env) && tiny {
        *raised |= flags::UNDERFLOW | flags::INEXACT;
        return l.zero(x.sign);
    }
    let shift = dropped.saturating_add(x.exponent.abs_diff(l.min_exponent));
    let (kept, inexact) = round_shift(env.rounding, x.sign, x.significand, shift);
    if inexact {
        *raised |= flags::INEXACT | if tiny { flags::UNDERFLOW } else { 0 };
    }
    l.zero(x.sign) | kept as u64
}

/// The result of an overflow, by rounding mode and sign. `inexact` is rounding with an unbounded exponent.
#[cold]
pub(super) fn overflow(l: &Layout, env: &Env, sign: bool, inexact: bool, raised: &mut u32) -> u64 {
    *raised |= flags::OVERFLOW | (u32::from(inexact || !env.trap_overflow) * flags::INEXACT);
    let to_infinity = match env.rounding {
        Rounding::NearestEven | Rounding::NearestAway => true,
        Rounding::TowardZero | Rounding::Odd => false,
        Rounding::Down => sign,
        Rounding::Up => !sign,
    };
    if to_infinity { l.infinity(sign) } else { l.max_finite(sign) }
}
