//! Conversion to and from integers and fixed-point numbers.

use super::layout::{Kind, Layout, operand, unpack};
use super::round::{Exact, round_and_pack, round_shift};
use super::{Env, Format, flags};

/// The result of a conversion whose rounded value the integer cannot hold; it raises invalid and nothing else.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IntInvalid {
    /// The nearest integer; a NaN gives the largest.
    RiscV = 0,
    /// The nearest integer; a NaN gives zero.
    Arm = 1,
    /// Signed: only the top bit set ("integer indefinite"); unsigned (AVX-512): all ones.
    X86 = 2,
}

/// `a` as an integer of `width` bits (1 to 64), rounded by `env.rounding`. The result is zero-extended from
/// `width`, also where it is `signed`.
pub fn to_int(
    f: Format,
    env: &Env,
    a: u64,
    signed: bool,
    width: u32,
    invalid: IntInvalid,
    flags: &mut u32,
) -> u64 {
    to_fixed(f, env, a, 0, signed, width, invalid, flags)
}

/// `a * 2^fraction_bits` as an integer of `width` bits (Arm `FCVTZS #fbits`), otherwise as [`to_int`].
#[expect(clippy::too_many_arguments, reason = "each is a field of the guest's instruction")]
pub fn to_fixed(
    f: Format,
    env: &Env,
    a: u64,
    fraction_bits: u32,
    signed: bool,
    width: u32,
    invalid: IntInvalid,
    flags: &mut u32,
) -> u64 {
    let l = Layout::of(f);
    let x = operand(l, env, a, flags);
    let limits = Limits::new(signed, width);
    let magnitude = match x.kind {
        Kind::Zero => return 0,
        Kind::Finite => {
            let exponent = x.exponent + fraction_bits as i32;
            if exponent < 64 {
                let (integer, inexact) =
                    round_shift(env.rounding, x.sign, u128::from(x.significand), exponent.abs_diff(63));
                if let Some(result) = limits.fit(x.sign, integer) {
                    *flags |= u32::from(inexact) * flags::INEXACT;
                    return result;
                }
            }
            Some(x.sign)
        }
        Kind::Infinity => Some(x.sign),
        Kind::QuietNan | Kind::SignalingNan => None,
    };
    *flags |= flags::INVALID;
    match (invalid, magnitude) {
        (IntInvalid::X86, _) if signed => limits.min(),
        (IntInvalid::X86, _) => limits.mask,
        (IntInvalid::Arm, None) => 0,
        (_, Some(true)) => limits.min(),
        (_, Some(false)) | (IntInvalid::RiscV, None) => limits.max(),
    }
}

/// The range of an integer type.
struct Limits {
    signed: bool,
    mask: u64,
}

impl Limits {
    fn new(signed: bool, width: u32) -> Limits {
        Limits { signed, mask: u64::MAX >> (64 - width.clamp(1, 64)) }
    }

    /// The smallest integer, as bits.
    fn min(&self) -> u64 {
        if self.signed { self.mask ^ self.mask >> 1 } else { 0 }
    }

    fn max(&self) -> u64 {
        if self.signed { self.mask >> 1 } else { self.mask }
    }

    /// The bits of the integer if it is in range.
    fn fit(&self, negative: bool, magnitude: u128) -> Option<u64> {
        let limit = if negative { self.min() } else { self.max() };
        let bits = magnitude as u64;
        (magnitude <= u128::from(limit))
            .then(|| if negative { bits.wrapping_neg() & self.mask } else { bits })
    }
}

/// The integer `a` of `width` bits (1 to 64; bits above are ignored) in a format.
pub fn from_int(to: Format, env: &Env, a: u64, signed: bool, width: u32, flags: &mut u32) -> u64 {
    from_fixed(to, env, a, 0, signed, width, flags)
}

/// `a / 2^fraction_bits` for an integer `a` of `width` bits (Arm `SCVTF #fbits`), otherwise as [`from_int`].
pub fn from_fixed(
    to: Format,
    env: &Env,
    a: u64,
    fraction_bits: u32,
    signed: bool,
    width: u32,
    flags: &mut u32,
) -> u64 {
    let l = Layout::of(to);
    let limits = Limits::new(signed, width);
    let a = a & limits.mask;
    let negative = a & limits.min() != 0;
    let magnitude = if negative { a.wrapping_neg() & limits.mask } else { a };
    if magnitude == 0 {
        return l.zero(false);
    }
    let x = Exact::normalize(negative, 127 - fraction_bits as i32, u128::from(magnitude));
    round_and_pack(l, env, x, flags)
}

/// Arm `FJCVTZS`: the double `a` toward zero, modulo 2^32, and whether that was exact (the `Z` flag; false for
/// negative zero).
pub fn to_int_javascript(env: &Env, a: u64, flags: &mut u32) -> (u32, bool) {
    let l = Layout::of(Format::F64);
    let flushed = unpack(l, a).denormal && env.flush_input;
    let x = operand(l, env, a, flags);
    let (magnitude, lost) = match x.kind {
        // A flushed denormal is zero with its sign, and not exact.
        Kind::Zero => return (0, !x.sign && !flushed),
        Kind::Infinity | Kind::QuietNan | Kind::SignalingNan => {
            *flags |= flags::INVALID;
            return (0, false);
        }
        // The lowest bit of a double's significand is bit 11 of ours.
        Kind::Finite if x.exponent >= 52 + 32 => (0, false),
        Kind::Finite if x.exponent >= 63 => (x.significand << (x.exponent - 63), false),
        Kind::Finite => {
            let shift = x.exponent.abs_diff(63);
            let kept = x.significand.checked_shr(shift).unwrap_or(0);
            (kept, kept.checked_shl(shift).unwrap_or(0) != x.significand)
        }
    };
    let limit = if x.sign { 1 << 31 } else { (1 << 31) - 1 };
    let result = if x.sign { magnitude.wrapping_neg() } else { magnitude } as u32;
    if x.exponent >= 63 || magnitude > limit {
        *flags |= flags::INVALID;
        return (result, false);
    }
    *flags |= u32::from(lost) * flags::INEXACT;
    (result, !lost)
}
