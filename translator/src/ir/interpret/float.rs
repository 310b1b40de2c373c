//! Floating-point ops: the environment and the flags around [`crate::float`], and its functions lane by lane.

use super::{World, vector};
use crate::float::{self, Compare, Env, Format, IntInvalid, MinMax, Rounding};
use crate::guest::{FpEnv, Guest};
use crate::ir::{
    EstimateOp, FloatCond, FloatLane, InvalidInt, MinMaxRule, Quietness, Round, Slot, StepOp, Type,
};

/// The format of a float type; integers have none, and the verifier lets none through.
pub fn format(ty: Type) -> Format {
    match ty {
        Type::F16 => Format::F16,
        Type::Bf16 => Format::BF16,
        Type::F32 => Format::F32,
        _ => Format::F64,
    }
}

/// Run `f` in the guest's environment with this rounding; the flags that it raises become sticky.
pub fn with_env<W: World, T>(
    world: &mut W,
    guest: Guest,
    round: Round,
    f: impl FnOnce(&Env, &mut u32) -> T,
) -> T {
    let mut env = FpEnv(world.get(Slot::FP_ENV) as u32).for_guest(guest);
    env.rounding = match round {
        Round::Current => env.rounding,
        Round::NearestEven => Rounding::NearestEven,
        Round::TowardZero => Rounding::TowardZero,
        Round::Down => Rounding::Down,
        Round::Up => Rounding::Up,
        Round::NearestAway => Rounding::NearestAway,
        Round::Odd => Rounding::Odd,
    };
    let mut raised = 0;
    let result = f(&env, &mut raised);
    if raised != 0 {
        let sticky = world.get(Slot::FP_FLAGS);
        world.set(Slot::FP_FLAGS, sticky | u128::from(raised));
    }
    result
}

/// A scalar function lane by lane.
pub fn map(lane: FloatLane, a: u128, mut f: impl FnMut(Format, u64) -> u64) -> u128 {
    let format = format(lane.ty());
    vector::collect(lane.bits(), vector::lanes(lane.bits(), a).map(|x| f(format, x)))
}

/// As [`map`], of two vectors.
pub fn zip(lane: FloatLane, a: u128, b: u128, mut f: impl FnMut(Format, u64, u64) -> u64) -> u128 {
    let format = format(lane.ty());
    let pairs = vector::lanes(lane.bits(), a).zip(vector::lanes(lane.bits(), b));
    vector::collect(lane.bits(), pairs.map(|(x, y)| f(format, x, y)))
}

/// `a * b + c` lane by lane.
pub fn fma(lane: FloatLane, env: &Env, a: u128, b: u128, c: u128, raised: &mut u32) -> u128 {
    let (format, bits) = (format(lane.ty()), lane.bits());
    let at = |v, index| vector::lane(bits, v, index);
    let fused = |i| float::fma(format, env, at(a, i), at(b, i), at(c, i), raised);
    vector::collect(bits, (0..bits.count()).map(fused))
}

/// The lower lanes in the format of twice the width; there is none above F64, which the verifier rejects.
pub fn widen(lane: FloatLane, env: &Env, v: u128, raised: &mut u32) -> u128 {
    let (from, to) = match lane {
        FloatLane::F16 => (FloatLane::F16, FloatLane::F32),
        FloatLane::F32 | FloatLane::F64 => (FloatLane::F32, FloatLane::F64),
    };
    let convert = |x| float::convert(format(from.ty()), format(to.ty()), env, x, raised);
    let count = to.bits().count() as usize;
    vector::collect(to.bits(), vector::lanes(from.bits(), v).take(count).map(convert))
}

/// The lanes in the format of half the width, in the lower half; there is none below F16, which the verifier rejects.
pub fn narrow(lane: FloatLane, env: &Env, v: u128, raised: &mut u32) -> u128 {
    let (from, to) = match lane {
        FloatLane::F64 => (FloatLane::F64, FloatLane::F32),
        FloatLane::F32 | FloatLane::F16 => (FloatLane::F32, FloatLane::F16),
    };
    let convert = |x| float::convert(format(from.ty()), format(to.ty()), env, x, raised);
    vector::collect(to.bits(), vector::lanes(from.bits(), v).map(convert))
}

pub fn min_rule(rule: MinMaxRule) -> MinMax {
    match rule {
        MinMaxRule::Number => MinMax::MinNumber,
        MinMaxRule::Propagate => MinMax::Min,
        MinMaxRule::Num2008 => MinMax::MinNum,
        MinMaxRule::Second => MinMax::MinSecond,
    }
}

pub fn max_rule(rule: MinMaxRule) -> MinMax {
    match rule {
        MinMaxRule::Number => MinMax::MaxNumber,
        MinMaxRule::Propagate => MinMax::Max,
        MinMaxRule::Num2008 => MinMax::MaxNum,
        MinMaxRule::Second => MinMax::MaxSecond,
    }
}

pub fn compare(
    f: Format,
    env: &Env,
    cond: FloatCond,
    quiet: Quietness,
    a: u64,
    b: u64,
    raised: &mut u32,
) -> bool {
    let question = match cond {
        FloatCond::Equal => Compare::Equal,
        FloatCond::NotEqual => Compare::NotEqual,
        FloatCond::Less => Compare::Less,
        FloatCond::LessEqual => Compare::LessEqual,
        FloatCond::Greater => Compare::Greater,
        FloatCond::GreaterEqual => Compare::GreaterEqual,
        FloatCond::Unordered => Compare::Unordered,
    };
    question.holds(float::compare(f, env, a, b, quiet == Quietness::Signaling, raised))
}

pub fn invalid_rule(invalid: InvalidInt) -> IntInvalid {
    match invalid {
        InvalidInt::NanMax => IntInvalid::RiscV,
        InvalidInt::NanZero => IntInvalid::Arm,
        InvalidInt::Indefinite => IntInvalid::X86,
    }
}

/// x86's estimates exist in single precision only, flush by themselves and raise nothing.
pub fn estimate(f: Format, env: &Env, op: EstimateOp, a: u64, raised: &mut u32) -> u64 {
    match op {
        EstimateOp::Reciprocal => float::reciprocal_estimate(f, env, a, raised),
        EstimateOp::ReciprocalSqrt => float::reciprocal_sqrt_estimate(f, env, a, raised),
        EstimateOp::ReciprocalExponent => float::reciprocal_exponent(f, env, a, raised),
        EstimateOp::X86Reciprocal => float::x86_reciprocal_estimate(a),
        EstimateOp::X86ReciprocalSqrt => float::x86_reciprocal_sqrt_estimate(a),
    }
}

pub fn step(f: Format, env: &Env, op: StepOp, a: u64, b: u64, raised: &mut u32) -> u64 {
    match op {
        StepOp::Reciprocal => float::reciprocal_step(f, env, a, b, raised),
        StepOp::ReciprocalSqrt => float::reciprocal_sqrt_step(f, env, a, b, raised),
        StepOp::MultiplyExtended => float::mul_extended(f, env, a, b, raised),
    }
}
