//! Which NaN an operation gives, for each guest.

use super::layout::{Kind, Layout, Operand};
use super::{Env, NanRule, flags};

/// The NaN that an invalid operation gives.
pub(super) fn default_nan(l: &Layout, env: &Env) -> u64 {
    l.infinity(env.nan == NanRule::X86) | l.quiet_bit()
}

/// Raise invalid and give the default NaN.
#[cold]
pub(super) fn invalid(l: &Layout, env: &Env, raised: &mut u32) -> u64 {
    *raised |= flags::INVALID;
    default_nan(l, env)
}

/// The result of an operation with a NaN among its operands, which stand in the order of the guest's rule.
#[cold]
pub(super) fn propagate(l: &Layout, env: &Env, operands: &[Operand], raised: &mut u32) -> u64 {
    let signaling = operands.iter().find(|x| x.kind == Kind::SignalingNan);
    if signaling.is_some() {
        *raised |= flags::INVALID;
    }
    let first = operands.iter().find(|x| x.is_nan());
    let chosen = match env.nan {
        NanRule::RiscV | NanRule::ArmDefault => None,
        NanRule::Arm => signaling.or(first),
        NanRule::X86 => first,
    };
    chosen.map_or_else(|| default_nan(l, env), |x| x.bits | l.quiet_bit())
}

/// The NaN `x` of format `from` in format `to`: sign and the leading payload bits stay.
pub(super) fn convert(from: &Layout, to: &Layout, env: &Env, x: &Operand, raised: &mut u32) -> u64 {
    if x.kind == Kind::SignalingNan {
        *raised |= flags::INVALID;
    }
    if matches!(env.nan, NanRule::RiscV | NanRule::ArmDefault) {
        return default_nan(to, env);
    }
    let payload = (x.bits & from.fraction_mask()) << (63 - from.fraction_bits) >> (63 - to.fraction_bits);
    to.infinity(x.sign) | to.quiet_bit() | payload
}
