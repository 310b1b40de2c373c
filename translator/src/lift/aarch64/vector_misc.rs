//! Advanced SIMD, one source vector: two-register miscellaneous, across lanes, scalar pairwise.

use super::lanes::{float_lane, lane_of, minimum};
use super::vector_same::sign;
use super::{Lifter, bfloat};
use crate::ir::{
    Cond, EstimateOp, FloatCond, FloatLane, InvalidInt, Lane, LaneOp, MinMaxRule, NarrowMode, Quietness,
    Round, Sign, Type, Value,
};
use decoders::aarch64::{Insn, VectorMisc as Op};

pub(super) fn lift(l: &mut Lifter, op: Op, i: Insn) {
    match op {
        Op::Rev64 => reverse(l, i, 8),
        Op::Rev32 => reverse(l, i, 4),
        Op::Rev16 => reverse(l, i, 2),
        Op::Saddlp | Op::Uaddlp => integer(l, i, |l, v, lane| l.vadd_pairs(v, lane, sign(i))),
        Op::Sadalp | Op::Uadalp => {
            let d = l.v(i.rd());
            integer(l, i, |l, v, lane| {
                let sums = l.vadd_pairs(v, lane, sign(i));
                l.vadd(d, sums, lane.double().expect("8 to 32 bits"))
            });
        }
        Op::Suqadd => suqadd(l, i),
        Op::Usqadd => usqadd(l, i),
        Op::Cls => integer(l, i, |l, v, lane| {
            let sign = l.vashr(v, lane, lane.bits() as u8 - 1);
            let differ = l.vxor(v, sign);
            let count = l.vclz(differ, lane);
            let one = l.splat(lane, 1);
            l.vsub(count, one, lane)
        }),
        Op::Clz => integer(l, i, |l, v, lane| l.vclz(v, lane)),
        Op::Cnt => integer(l, i, |l, v, _| l.vpopcnt(v)),
        Op::Not => integer(l, i, |l, v, _| l.vnot(v)),
        Op::Rbit => integer(l, i, |l, v, _| l.vbitrev(v)),
        Op::Sqabs => saturating(l, i, |l, v, negated, lane| {
            let negative = l.lane_signs(v, lane);
            l.vselect(negative, negated, v)
        }),
        Op::Sqneg => saturating(l, i, |_, _, negated, _| negated),
        Op::CmgtZero => compare_zero(l, i, Cond::Sgt),
        Op::CmgeZero => compare_zero(l, i, Cond::Sge),
        Op::CmeqZero => compare_zero(l, i, Cond::Eq),
        Op::CmleZero => compare_zero(l, i, Cond::Sle),
        Op::CmltZero => compare_zero(l, i, Cond::Slt),
        Op::Abs => integer(l, i, |l, v, lane| l.vabs(v, lane)),
        Op::Neg => integer(l, i, |l, v, lane| l.vneg(v, lane)),
        Op::Xtn => {
            let v = l.v(i.rn());
            let narrow = l.vnarrow(v, v, wide_lane(i), NarrowMode::Truncate);
            l.set_narrow(i, narrow);
        }
        Op::Sqxtn => narrow_saturating(l, i, NarrowMode::Signed),
        Op::Uqxtn => narrow_saturating(l, i, NarrowMode::Unsigned),
        Op::Sqxtun => narrow_saturating(l, i, NarrowMode::SignedToUnsigned),
        Op::Shll => {
            let lane = lane_of(i.size());
            let v = l.v(i.rn());
            let wide = l.widened(v, i, lane, Sign::Unsigned);
            let result = l.vshl(wide, wide_lane(i), lane.bits() as u8);
            l.set_v(i.rd(), result);
        }
        Op::Fcvtn => fcvtn(l, i, Round::Current),
        Op::Fcvtxn => fcvtn(l, i, Round::Odd),
        Op::Fcvtl => fcvtl(l, i),
        Op::Frintn => round(l, i, Round::NearestEven, false),
        Op::Frintm => round(l, i, Round::Down, false),
        Op::Frintp => round(l, i, Round::Up, false),
        Op::Frintz => round(l, i, Round::TowardZero, false),
        Op::Frinta => round(l, i, Round::NearestAway, false),
        Op::Frintx => round(l, i, Round::Current, true),
        Op::Frinti => round(l, i, Round::Current, false),
        Op::Fcvtns | Op::Fcvtnu => to_integer(l, i, Round::NearestEven),
        Op::Fcvtms | Op::Fcvtmu => to_integer(l, i, Round::Down),
        Op::Fcvtps | Op::Fcvtpu => to_integer(l, i, Round::Up),
        Op::Fcvtzs | Op::Fcvtzu => to_integer(l, i, Round::TowardZero),
        Op::Fcvtas | Op::Fcvtau => to_integer(l, i, Round::NearestAway),
        Op::Scvtf | Op::Ucvtf => from_integer(l, i),
        Op::FcmgtZero => float_compare_zero(l, i, FloatCond::Greater, Quietness::Signaling),
        Op::FcmgeZero => float_compare_zero(l, i, FloatCond::GreaterEqual, Quietness::Signaling),
        Op::FcmeqZero => float_compare_zero(l, i, FloatCond::Equal, Quietness::Quiet),
        Op::FcmleZero => float_compare_zero(l, i, FloatCond::LessEqual, Quietness::Signaling),
        Op::FcmltZero => float_compare_zero(l, i, FloatCond::Less, Quietness::Signaling),
        Op::Fabs => float(l, i, |l, v, lane| l.vfabs(v, lane)),
        Op::Fneg => float(l, i, |l, v, lane| l.vfneg(v, lane)),
        Op::Fsqrt => float(l, i, |l, v, lane| l.vfsqrt(v, lane, Round::Current)),
        Op::Frecpe => estimate(l, i, EstimateOp::Reciprocal),
        Op::Frsqrte => estimate(l, i, EstimateOp::ReciprocalSqrt),
        Op::Frecpx => estimate(l, i, EstimateOp::ReciprocalExponent),
        Op::Saddlv | Op::Uaddlv => add_long_across(l, i),
        Op::Smaxv => across(l, i, LaneOp::Smax),
        Op::Umaxv => across(l, i, LaneOp::Umax),
        Op::Sminv => across(l, i, LaneOp::Smin),
        Op::Uminv => across(l, i, LaneOp::Umin),
        Op::Addv => across(l, i, LaneOp::Add),
        Op::Fmaxv => float_across(l, i, |l, a, b| l.fmax(a, b, MinMaxRule::Propagate)),
        Op::Fminv => float_across(l, i, |l, a, b| l.fmin(a, b, MinMaxRule::Propagate)),
        Op::Fmaxnmv => float_across(l, i, |l, a, b| l.fmax(a, b, MinMaxRule::Num2008)),
        Op::Fminnmv => float_across(l, i, |l, a, b| l.fmin(a, b, MinMaxRule::Num2008)),
        Op::AddpScalar => {
            let v = l.v(i.rn());
            let (a, b) = (l.vextract(v, Lane::B64, 0), l.vextract(v, Lane::B64, 1));
            let sum = l.add(a, b);
            l.set_scalar(i.rd(), sum);
        }
        Op::FaddpScalar => float_pair(l, i, |l, a, b| l.fadd(a, b, Round::Current)),
        Op::FmaxpScalar => float_pair(l, i, |l, a, b| l.fmax(a, b, MinMaxRule::Propagate)),
        Op::FminpScalar => float_pair(l, i, |l, a, b| l.fmin(a, b, MinMaxRule::Propagate)),
        Op::FmaxnmpScalar => float_pair(l, i, |l, a, b| l.fmax(a, b, MinMaxRule::Num2008)),
        Op::FminnmpScalar => float_pair(l, i, |l, a, b| l.fmin(a, b, MinMaxRule::Num2008)),
        Op::Urecpe => integer_estimate(l, i, EstimateOp::Reciprocal),
        Op::Ursqrte => integer_estimate(l, i, EstimateOp::ReciprocalSqrt),
        Op::Frint32z => integral_within(l, i, Type::I32, Round::TowardZero),
        Op::Frint32x => integral_within(l, i, Type::I32, Round::Current),
        Op::Frint64z => integral_within(l, i, Type::I64, Round::TowardZero),
        Op::Frint64x => integral_within(l, i, Type::I64, Round::Current),
        Op::Bfcvtn => bfloat::convert_vector(l, i),
    }
}

/// The lane of twice the width that the size field says.
fn wide_lane(i: Insn) -> Lane {
    lane_of(i.size() + 1)
}

/// `op vd.t, vn.t` lane by lane. (Advanced SIMD two-register miscellaneous)
fn integer(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Lane) -> Value) {
    let lane = lane_of(i.size());
    let v = l.v(i.rn());
    let result = f(l, v, lane);
    l.set_result(i, result, lane);
}

/// `rev64 vd.t, vn.t`, `rev32`, `rev16`: the lanes of each group of `group` bytes in reverse.
fn reverse(l: &mut Lifter, i: Insn, group: usize) {
    let bytes = 1 << i.size();
    integer(l, i, |l, v, _| {
        l.permuted(v, |at| {
            let (within, byte) = (at % group / bytes, at % bytes);
            at / group * group + (group / bytes - 1 - within) * bytes + byte
        })
    });
}

/// `cmgt vd.t, vn.t, #0`, `cmge`, `cmeq`, `cmle`, `cmlt`.
fn compare_zero(l: &mut Lifter, i: Insn, cond: Cond) {
    integer(l, i, |l, v, lane| {
        let zero = l.vconst(0);
        l.vicmp(v, zero, lane, cond)
    });
}

/// `sqabs`, `sqneg`: `f` chooses among the operand and its saturated negative; the negative of MIN saturates.
fn saturating(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, Lane) -> Value) {
    let lane = lane_of(i.size());
    let v = l.clean_source(i.rn(), i, lane);
    let min = l.splat(lane, minimum(lane));
    let saturated = l.vicmp(v, min, lane, Cond::Eq);
    l.saturated_where(saturated);
    let zero = l.vconst(0);
    let negated = l.vsub_sat(zero, v, lane, Sign::Signed);
    let result = f(l, v, negated, lane);
    l.set_result(i, result, lane);
}

/// `suqadd vd.t, vn.t`: signed Vd plus unsigned Vn, to the signed range.
fn suqadd(l: &mut Lifter, i: Insn) {
    let lane = lane_of(i.size());
    let (a, b) = (l.clean_source(i.rd(), i, lane), l.clean_source(i.rn(), i, lane));
    let max = l.splat(lane, minimum(lane) - 1);
    let room = l.vsub(max, a, lane);
    let saturated = l.vicmp(b, room, lane, Cond::Ugt);
    l.saturated_where(saturated);
    let sum = l.vadd(a, b, lane);
    let result = l.vselect(saturated, max, sum);
    l.set_result(i, result, lane);
}

/// `usqadd vd.t, vn.t`: unsigned Vd plus signed Vn, to the unsigned range.
fn usqadd(l: &mut Lifter, i: Insn) {
    let lane = lane_of(i.size());
    let (a, b) = (l.clean_source(i.rd(), i, lane), l.clean_source(i.rn(), i, lane));
    let negated = l.vneg(b, lane);
    let more = l.vadd_sat(a, b, lane, Sign::Unsigned);
    let less = l.vsub_sat(a, negated, lane, Sign::Unsigned);
    let negative = l.lane_signs(b, lane);
    let result = l.vselect(negative, less, more);
    let exact = l.vadd(a, b, lane);
    l.saturated_unless_equal(result, exact);
    l.set_result(i, result, lane);
}

/// `sqxtn vd.t, vn.wide`, `uqxtn`, `sqxtun`, and the `2` forms: to half the width, saturating.
fn narrow_saturating(l: &mut Lifter, i: Insn, mode: NarrowMode) {
    let v = l.v(i.rn());
    let wide = if i.is_scalar() { l.lane_zero(v, wide_lane(i)) } else { v };
    let narrow = l.narrowed(wide, wide_lane(i), mode);
    if i.is_scalar() { l.set_v(i.rd(), narrow) } else { l.set_narrow(i, narrow) }
}

impl Lifter<'_> {
    /// The lanes at half the width in the lower half, zeros above. Saturating modes set QC.
    pub(super) fn narrowed(&mut self, wide: Value, lane: Lane, mode: NarrowMode) -> Value {
        let zero = self.vconst(0);
        let narrow = self.vnarrow(wide, zero, lane, mode);
        let half = lane.half().expect("16 to 64 bits");
        let sign = match mode {
            NarrowMode::Truncate => return narrow,
            NarrowMode::Signed => Sign::Signed,
            NarrowMode::Unsigned | NarrowMode::SignedToUnsigned => Sign::Unsigned,
        };
        let back = self.vwiden_low(narrow, half, sign);
        self.saturated_unless_equal(back, wide);
        narrow
    }

    /// The lower half of the lanes (or the upper half, for the `2` forms) at twice the width.
    pub(super) fn widened(&mut self, v: Value, i: Insn, lane: Lane, sign: Sign) -> Value {
        if i.q() { self.vwiden_high(v, lane, sign) } else { self.vwiden_low(v, lane, sign) }
    }
}

// ---- float -------------------------------------------------------------------------------------------------------------

/// `op vd.t, vn.t` on floats.
fn float(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, FloatLane) -> Value) {
    let v = l.float_source(i.rn(), i);
    let result = f(l, v, float_lane(i));
    l.set_vector(i.rd(), result, i.q());
}

/// `frintn vd.t, vn.t` and its kind.
fn round(l: &mut Lifter, i: Insn, round: Round, exact: bool) {
    float(l, i, |l, v, lane| l.vfround(v, lane, round, exact));
}

/// `frint32z vd.t, vn.t` and its kind, lane by lane.
fn integral_within(l: &mut Lifter, i: Insn, int: Type, round: Round) {
    let ty = float_lane(i).ty();
    let lanes = if i.q() { 16 } else { 8 } / ty.bytes() as u8;
    let source = l.v(i.rn());
    let mut result = l.vconst(0);
    for index in 0..lanes {
        let x = l.vextract_float(source, ty, index);
        let x = l.integral_within(x, int, round);
        result = l.vinsert_float(result, x, index);
    }
    l.set_v(i.rd(), result);
}

/// `fcvtns vd.t, vn.t` and its kind, scalar too.
fn to_integer(l: &mut Lifter, i: Insn, round: Round) {
    let ty = float_lane(i).ty();
    if i.is_scalar() {
        let value = l.float(i.rn(), ty);
        let int = Type::int_of_bytes(ty.bytes());
        let result = l.float_to_int(value, int, sign(i), round, InvalidInt::NanZero, 0);
        return l.set_scalar(i.rd(), result);
    }
    float(l, i, |l, v, lane| l.vfloat_to_int(v, lane, sign(i), round, InvalidInt::NanZero, 0));
}

/// `scvtf vd.t, vn.t`, `ucvtf`, scalar too.
fn from_integer(l: &mut Lifter, i: Insn) {
    let lane = float_lane(i);
    if i.is_scalar() {
        let v = l.v(i.rn());
        let value = l.vextract(v, lane.bits(), 0);
        let result = l.int_to_float(value, lane.ty(), sign(i), Round::Current, 0);
        return l.set_scalar(i.rd(), result);
    }
    float(l, i, |l, v, lane| l.vint_to_float(v, lane, sign(i), Round::Current, 0));
}

/// `fcmgt vd.t, vn.t, #0.0`, `fcmge`, `fcmeq`, `fcmle`, `fcmlt`, scalar too.
fn float_compare_zero(l: &mut Lifter, i: Insn, cond: FloatCond, quiet: Quietness) {
    let ty = float_lane(i).ty();
    if i.is_scalar() {
        let (value, zero) = (l.float(i.rn(), ty), l.float_zero(ty));
        let holds = l.fcmp(value, zero, cond, quiet);
        let mask = l.scalar_mask(holds, ty);
        return l.set_scalar(i.rd(), mask);
    }
    float(l, i, |l, v, lane| {
        let zero = l.vconst(0);
        l.vfcmp(v, zero, lane, cond, quiet)
    });
}

/// `frecpe vd.t, vn.t`, `frsqrte`, scalar too, and the scalar `frecpx`.
fn estimate(l: &mut Lifter, i: Insn, op: EstimateOp) {
    if i.is_scalar() {
        let value = l.float(i.rn(), float_lane(i).ty());
        let result = l.festimate(value, op);
        return l.set_scalar(i.rd(), result);
    }
    float(l, i, |l, v, lane| l.vfestimate(v, lane, op));
}

/// `urecpe vd.t, vn.t`, `ursqrte`: estimates of fractions of 32 bits, by the tables of the float estimates.
fn integer_estimate(l: &mut Lifter, i: Insn, op: EstimateOp) {
    let v = l.v(i.rn());
    // Operands below one half (or one quarter) are too small and give all ones.
    let smallest = if op == EstimateOp::Reciprocal { 1 << 31 } else { 1 << 30 };
    let (smallest, ones) = (l.i32(smallest), l.i32(u32::MAX));
    let mut result = l.vconst(0);
    for index in 0..if i.q() { 4 } else { 2 } {
        let x = l.vextract(v, Lane::B32, index);
        let small = l.icmp(x, smallest, Cond::Ult);
        // A stand-in keeps the float operations free of exceptions; all others are exact.
        let operand = l.select(smallest, x, small);
        let fraction = l.int_to_float(operand, Type::F64, Sign::Unsigned, Round::NearestEven, 32);
        let estimated = l.festimate(fraction, op);
        let scaled =
            l.float_to_int(estimated, Type::I32, Sign::Unsigned, Round::TowardZero, InvalidInt::NanZero, 31);
        let chosen = l.select(ones, scaled, small);
        result = l.vinsert(result, chosen, Lane::B32, index);
    }
    l.set_v(i.rd(), result);
}

/// The source and the result lane of FCVTN and FCVTL: bit 22 says double and single, or single and half.
fn conversion_lanes(i: Insn) -> (FloatLane, Type) {
    if i.bit(22) { (FloatLane::F64, Type::F32) } else { (FloatLane::F32, Type::F16) }
}

/// `fcvtn vd.t, vn.wide`, `fcvtn2`; `fcvtxn` rounds to odd.
fn fcvtn(l: &mut Lifter, i: Insn, round: Round) {
    let (wide, narrow) = conversion_lanes(i);
    if i.is_scalar() {
        let value = l.float(i.rn(), wide.ty());
        let result = l.fconvert(value, narrow, round);
        return l.set_scalar(i.rd(), result);
    }
    let v = l.v(i.rn());
    let result = l.vfnarrow(v, wide, round);
    l.set_narrow(i, result);
}

/// `fcvtl vd.wide, vn.t`, `fcvtl2`.
fn fcvtl(l: &mut Lifter, i: Insn) {
    let v = l.v(i.rn());
    let half = if i.q() { l.upper_half(v) } else { v };
    let lane = if i.bit(22) { FloatLane::F32 } else { FloatLane::F16 };
    let wide = l.vfwiden(half, lane);
    l.set_v(i.rd(), wide);
}

// ---- across lanes and pairs --------------------------------------------------------------------------------------------

/// `addv bd, vn.t`, `smaxv`, `umaxv`, `sminv`, `uminv`: all lanes combined. (Advanced SIMD across lanes)
fn across(l: &mut Lifter, i: Insn, op: LaneOp) {
    let v = l.v(i.rn());
    let v = match (i.q(), op) {
        (true, _) => v,
        (false, LaneOp::Add) => l.lower_half(v),
        (false, _) => l.doubled(v),
    };
    let result = l.vreduce(v, lane_of(i.size()), op);
    l.set_scalar(i.rd(), result);
}

/// `saddlv hd, vn.t`, `uaddlv`: the sum of all lanes at twice the width. (Advanced SIMD across lanes)
fn add_long_across(l: &mut Lifter, i: Insn) {
    let v = l.v(i.rn());
    let v = if i.q() { v } else { l.lower_half(v) };
    let pairs = l.vadd_pairs(v, lane_of(i.size()), sign(i));
    let result = l.vreduce(pairs, wide_lane(i), LaneOp::Add);
    l.set_scalar(i.rd(), result);
}

/// `fmaxv sd, vn.4s` and its kind: each half combined, then the halves. (Advanced SIMD across lanes)
fn float_across(l: &mut Lifter, i: Insn, f: impl Fn(&mut Lifter, Value, Value) -> Value) {
    let lane = float_lane(i);
    let v = l.v(i.rn());
    let count = if i.q() { lane.bits().count() } else { lane.bits().count() / 2 };
    let mut values: Vec<Value> =
        (0..count).map(|index| l.vextract_float(v, lane.ty(), index as u8)).collect();
    while values.len() > 1 {
        values = values.chunks_exact(2).map(|pair| f(l, pair[0], pair[1])).collect();
    }
    l.set_scalar(i.rd(), values[0]);
}

/// `faddp dd, vn.2d` and its kind. (Advanced SIMD scalar pairwise)
fn float_pair(l: &mut Lifter, i: Insn, f: impl Fn(&mut Lifter, Value, Value) -> Value) {
    let ty = float_lane(i).ty();
    let v = l.v(i.rn());
    let (a, b) = (l.vextract_float(v, ty, 0), l.vextract_float(v, ty, 1));
    let result = f(l, a, b);
    l.set_scalar(i.rd(), result);
}
