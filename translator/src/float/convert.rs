//! Conversion between formats, and rounding to an integral value in the same format.

use super::arithmetic::exact;
use super::layout::{Kind, Layout, operand, raise_denormal, unpack};
use super::nan;
use super::round::{Exact, round_and_pack, round_shift};
use super::{Env, Format, flags};

/// `a` of format `from` in format `to`.
///
/// [`Format::F16`] is flushed on neither side and its denormals raise nothing: so it is for Arm (`FPCR.FZ16` does not
/// apply to conversions) and for x86 (`VCVTPH2PS` ignores `DAZ`, `VCVTPS2PH` ignores `FTZ`).
pub fn convert(from: Format, to: Format, env: &Env, a: u64, flags: &mut u32) -> u64 {
    let (source, target) = (Layout::of(from), Layout::of(to));
    let x = if from == Format::F16 { unpack(source, a) } else { operand(source, env, a, flags) };
    match x.kind {
        Kind::QuietNan | Kind::SignalingNan => nan::convert(source, target, env, &x, flags),
        Kind::Infinity => target.infinity(x.sign),
        Kind::Zero => target.zero(x.sign),
        Kind::Finite => {
            raise_denormal(env, x.denormal && from != Format::F16, flags);
            let env = Env { flush_half: false, ..*env };
            round_and_pack(target, &env, exact(&x), flags)
        }
    }
}

/// `a` rounded to an integral value by `env.rounding`; raises inexact only if `exact`.
pub fn round_to_integral(f: Format, env: &Env, a: u64, exact: bool, flags: &mut u32) -> u64 {
    let l = Layout::of(f);
    let x = operand(l, env, a, flags);
    match x.kind {
        Kind::QuietNan | Kind::SignalingNan => return nan::propagate(l, env, &[x], flags),
        Kind::Infinity | Kind::Zero => return x.bits,
        Kind::Finite => {}
    }
    if x.exponent >= l.fraction_bits as i32 {
        return x.bits;
    }
    let shift = x.exponent.abs_diff(63);
    let (integer, inexact) = round_shift(env.rounding, x.sign, u128::from(x.significand), shift);
    if inexact && exact {
        *flags |= flags::INEXACT;
    }
    if integer == 0 {
        return l.zero(x.sign);
    }
    // Exact, and far from both ends of the exponent range: raises nothing.
    round_and_pack(l, env, Exact::normalize(x.sign, 127, integer), flags)
}
