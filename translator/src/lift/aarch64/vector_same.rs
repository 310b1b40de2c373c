//! Advanced SIMD, three vectors of the same arrangement. Integer operations here, float operations below.

use super::dot_product::matrix_product;
use super::lanes::{float_lane, lane_of, minimum};
use super::{Lifter, bfloat, complex, half_product};
use crate::ir::{
    Cond, FloatCond, FloatLane, Lane, LaneOp, MinMaxRule, NarrowMode, Quietness, Round, Sign, StepOp, Value,
};
use decoders::aarch64::{Insn, VectorSame as Op};

pub(super) fn lift(l: &mut Lifter, op: Op, i: Insn) {
    match op {
        Op::Shadd | Op::Uhadd => integer(l, i, |l, a, b, lane| l.vhalving_add(a, b, lane, sign(i), false)),
        Op::Srhadd | Op::Urhadd => integer(l, i, |l, a, b, lane| l.vhalving_add(a, b, lane, sign(i), true)),
        Op::Shsub | Op::Uhsub => integer(l, i, |l, a, b, lane| l.vhalving_sub(a, b, lane, sign(i))),
        Op::Sqadd | Op::Uqadd => saturating(l, i, true),
        Op::Sqsub | Op::Uqsub => saturating(l, i, false),
        Op::CmgtRegister => compare(l, i, Cond::Sgt),
        Op::CmgeRegister => compare(l, i, Cond::Sge),
        Op::Cmhi => compare(l, i, Cond::Ugt),
        Op::Cmhs => compare(l, i, Cond::Uge),
        Op::CmeqRegister => compare(l, i, Cond::Eq),
        Op::Cmtst => integer(l, i, |l, a, b, lane| {
            let (both, zero) = (l.vand(a, b), l.vconst(0));
            l.vicmp(both, zero, lane, Cond::Ne)
        }),
        Op::Sshl | Op::Ushl => integer(l, i, |l, a, b, lane| l.vshift(a, b, lane, sign(i), false, false)),
        Op::Srshl | Op::Urshl => integer(l, i, |l, a, b, lane| l.vshift(a, b, lane, sign(i), true, false)),
        Op::SqshlRegister | Op::UqshlRegister => saturating_shift(l, i, false),
        Op::Sqrshl | Op::Uqrshl => saturating_shift(l, i, true),
        Op::Smax | Op::Umax => integer(l, i, |l, a, b, lane| l.vmax(a, b, lane, sign(i))),
        Op::Smin | Op::Umin => integer(l, i, |l, a, b, lane| l.vmin(a, b, lane, sign(i))),
        Op::Sabd | Op::Uabd => integer(l, i, |l, a, b, lane| l.vabsdiff(a, b, lane, sign(i))),
        Op::Saba | Op::Uaba => accumulate(l, i, |l, d, a, b, lane| {
            let difference = l.vabsdiff(a, b, lane, sign(i));
            l.vadd(d, difference, lane)
        }),
        Op::AddVector => integer(l, i, |l, a, b, lane| l.vadd(a, b, lane)),
        Op::SubVector => integer(l, i, |l, a, b, lane| l.vsub(a, b, lane)),
        Op::MlaVector => accumulate(l, i, |l, d, a, b, lane| {
            let product = l.vmul(a, b, lane);
            l.vadd(d, product, lane)
        }),
        Op::MlsVector => accumulate(l, i, |l, d, a, b, lane| {
            let product = l.vmul(a, b, lane);
            l.vsub(d, product, lane)
        }),
        Op::MulVector => integer(l, i, |l, a, b, lane| l.vmul(a, b, lane)),
        Op::Pmul => integer(l, i, |l, a, b, _| l.vpmul(a, b)),
        Op::Smaxp => pairwise(l, i, LaneOp::Smax),
        Op::Umaxp => pairwise(l, i, LaneOp::Umax),
        Op::Sminp => pairwise(l, i, LaneOp::Smin),
        Op::Uminp => pairwise(l, i, LaneOp::Umin),
        Op::AddpVector => pairwise(l, i, LaneOp::Add),
        Op::SqdmulhVector => multiply_double_high(l, i, false),
        Op::SqrdmulhVector => multiply_double_high(l, i, true),
        Op::AndVector => logical(l, i, |l, _, a, b| l.vand(a, b)),
        Op::BicVector => logical(l, i, |l, _, a, b| l.vandnot(a, b)),
        Op::OrrVector if i.rn() == i.rm() => logical(l, i, |_, _, a, _| a),
        Op::OrrVector => logical(l, i, |l, _, a, b| l.vor(a, b)),
        Op::OrnVector => logical(l, i, |l, _, a, b| {
            let inverted = l.vnot(b);
            l.vor(a, inverted)
        }),
        Op::EorVector => logical(l, i, |l, _, a, b| l.vxor(a, b)),
        Op::Bsl => logical(l, i, |l, d, a, b| l.vselect(d, a, b)),
        Op::Bit => logical(l, i, |l, d, a, b| l.vselect(b, a, d)),
        Op::Bif => logical(l, i, |l, d, a, b| l.vselect(b, d, a)),

        Op::FaddVector => float(l, i, |l, a, b, lane| l.vfadd(a, b, lane, Round::Current)),
        Op::FsubVector => float(l, i, |l, a, b, lane| l.vfsub(a, b, lane, Round::Current)),
        Op::FmulVector => float(l, i, |l, a, b, lane| l.vfmul(a, b, lane, Round::Current)),
        Op::FdivVector => float(l, i, |l, a, b, lane| l.vfdiv(a, b, lane, Round::Current)),
        Op::FmaxVector => float(l, i, |l, a, b, lane| l.vfmax(a, b, lane, MinMaxRule::Propagate)),
        Op::FminVector => float(l, i, |l, a, b, lane| l.vfmin(a, b, lane, MinMaxRule::Propagate)),
        Op::FmaxnmVector => float(l, i, |l, a, b, lane| l.vfmax(a, b, lane, MinMaxRule::Num2008)),
        Op::FminnmVector => float(l, i, |l, a, b, lane| l.vfmin(a, b, lane, MinMaxRule::Num2008)),
        Op::FmlaVector => multiply_add(l, i, false),
        Op::FmlsVector => multiply_add(l, i, true),
        Op::Fabd if i.is_scalar() => {
            let [a, b] = scalars(l, i);
            let difference = l.fsub(a, b, Round::Current);
            let result = l.fabs(difference);
            l.set_scalar(i.rd(), result);
        }
        Op::Fabd => float(l, i, |l, a, b, lane| {
            let difference = l.vfsub(a, b, lane, Round::Current);
            l.vfabs(difference, lane)
        }),
        Op::Fmulx => step(l, i, StepOp::MultiplyExtended),
        Op::Frecps => step(l, i, StepOp::Reciprocal),
        Op::Frsqrts => step(l, i, StepOp::ReciprocalSqrt),
        Op::FcmeqRegister => float_compare(l, i, FloatCond::Equal, Quietness::Quiet, false),
        Op::FcmgeRegister => float_compare(l, i, FloatCond::GreaterEqual, Quietness::Signaling, false),
        Op::FcmgtRegister => float_compare(l, i, FloatCond::Greater, Quietness::Signaling, false),
        Op::Facge => float_compare(l, i, FloatCond::GreaterEqual, Quietness::Signaling, true),
        Op::Facgt => float_compare(l, i, FloatCond::Greater, Quietness::Signaling, true),
        Op::FaddpVector => float_pairwise(l, i, |l, a, b, lane| l.vfadd(a, b, lane, Round::Current)),
        Op::FmaxpVector => float_pairwise(l, i, |l, a, b, lane| l.vfmax(a, b, lane, MinMaxRule::Propagate)),
        Op::FminpVector => float_pairwise(l, i, |l, a, b, lane| l.vfmin(a, b, lane, MinMaxRule::Propagate)),
        Op::FmaxnmpVector => float_pairwise(l, i, |l, a, b, lane| l.vfmax(a, b, lane, MinMaxRule::Num2008)),
        Op::FminnmpVector => float_pairwise(l, i, |l, a, b, lane| l.vfmin(a, b, lane, MinMaxRule::Num2008)),

        Op::SqrdmlahVector | Op::SqrdmlshVector => {
            let lane = lane_of(i.size());
            let (a, b) = (l.clean_source(i.rn(), i, lane), l.clean_source(i.rm(), i, lane));
            l.multiply_double_add_high(i, a, b, op == Op::SqrdmlshVector);
        }
        Op::SdotVector | Op::UdotVector => {
            let (a, b) = (l.v(i.rn()), l.v(i.rm()));
            l.dot_product(i, a, b);
        }
        Op::FcmlaVector => complex::fcmla(l, i),
        Op::Fcadd => complex::fcadd(l, i),

        Op::FmlalVector => fused_half(l, i, false, false),
        Op::FmlslVector => fused_half(l, i, true, false),
        Op::Fmlal2Vector => fused_half(l, i, false, true),
        Op::Fmlsl2Vector => fused_half(l, i, true, true),
        Op::UsdotVector => {
            let factors = [l.v(i.rn()), l.v(i.rm())];
            l.dot_product_of(i, factors, [Sign::Unsigned, Sign::Signed]);
        }
        Op::Smmla | Op::Ummla => matrix_product(l, i, [sign(i); 2]),
        Op::Usmmla => matrix_product(l, i, [Sign::Unsigned, Sign::Signed]),
        Op::BfdotVector => {
            let b = l.v(i.rm());
            bfloat::dot_product(l, i, b);
        }
        Op::BfmlalVector => {
            let b = l.v(i.rm());
            bfloat::multiply_add(l, i, b);
        }
        Op::Bfmmla => bfloat::matrix_product(l, i),
    }
}

/// `fmlal vd.4s, vn.4h, vm.4h`, `fmlsl`, `fmlal2`, `fmlsl2`. (Advanced SIMD three same)
fn fused_half(l: &mut Lifter, i: Insn, subtract: bool, upper: bool) {
    let b = l.v(i.rm());
    half_product::multiply_add(l, i, b, subtract, upper);
}

/// The signedness that the U bit says.
pub(super) fn sign(i: Insn) -> Sign {
    if i.u() { Sign::Unsigned } else { Sign::Signed }
}

/// `op vd.t, vn.t, vm.t` lane by lane. (Advanced SIMD three same)
fn integer(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, Lane) -> Value) {
    let lane = lane_of(i.size());
    let (a, b) = (l.v(i.rn()), l.v(i.rm()));
    let result = f(l, a, b, lane);
    l.set_result(i, result, lane);
}

/// `op vd.t, vn.t, vm.t` with Vd as a third operand.
fn accumulate(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, Value, Lane) -> Value) {
    let d = l.v(i.rd());
    integer(l, i, |l, a, b, lane| f(l, d, a, b, lane));
}

/// `and vd, vn, vm`, `bic`, `orr`, `orn`, `eor`; `bsl`, `bit`, `bif`, which choose bits of Vd too.
fn logical(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, Value) -> Value) {
    let (d, a, b) = (l.v(i.rd()), l.v(i.rn()), l.v(i.rm()));
    let result = f(l, d, a, b);
    l.set_vector(i.rd(), result, i.q());
}

/// `cmgt`, `cmge`, `cmhi`, `cmhs`, `cmeq`: all ones where the comparison holds.
fn compare(l: &mut Lifter, i: Insn, cond: Cond) {
    integer(l, i, |l, a, b, lane| l.vicmp(a, b, lane, cond));
}

/// `sqadd`, `uqadd`, `sqsub`, `uqsub`: saturates, and says so in FPSR.QC.
fn saturating(l: &mut Lifter, i: Insn, add: bool) {
    let lane = lane_of(i.size());
    let (a, b) = (l.clean_source(i.rn(), i, lane), l.clean_source(i.rm(), i, lane));
    let (saturated, exact) = if add {
        (l.vadd_sat(a, b, lane, sign(i)), l.vadd(a, b, lane))
    } else {
        (l.vsub_sat(a, b, lane, sign(i)), l.vsub(a, b, lane))
    };
    l.saturated_unless_equal(saturated, exact);
    l.set_v(i.rd(), saturated);
}

/// `sqshl`, `uqshl`, `sqrshl`, `uqrshl`: shifts by the signed low byte of each lane, saturating.
fn saturating_shift(l: &mut Lifter, i: Insn, rounding: bool) {
    let lane = lane_of(i.size());
    let (v, amounts) = (l.clean_source(i.rn(), i, lane), l.clean_source(i.rm(), i, lane));
    let result = l.vshift(v, amounts, lane, sign(i), rounding, true);
    // It saturated where wrapping gives something else, or where shifting back does not give the operand (a product that
    // wraps to the saturated value). Only left shifts saturate.
    let wrapped = l.vshift(v, amounts, lane, sign(i), rounding, false);
    let differs = l.vxor(result, wrapped);
    let back = l.vneg(amounts, lane);
    let returned = l.vshift(result, back, lane, sign(i), false, false);
    let lost = l.vxor(returned, v);
    let top_byte = l.vshl(amounts, lane, lane.bits() as u8 - 8);
    let zero = l.vconst(0);
    let left = l.vicmp(top_byte, zero, lane, Cond::Sgt);
    let lost = l.vand(lost, left);
    let saturated = l.vor(differs, lost);
    l.saturated_where(saturated);
    l.set_result(i, result, lane);
}

/// `smaxp`, `umaxp`, `sminp`, `uminp`, `addp`: neighbours of Vn, then of Vm, combined.
fn pairwise(l: &mut Lifter, i: Insn, op: LaneOp) {
    let lane = lane_of(i.size());
    let (a, b) = (l.v(i.rn()), l.v(i.rm()));
    let result = if i.q() {
        l.vpairwise(a, b, lane, op)
    } else {
        let both = l.joined(a, b);
        l.vpairwise(both, both, lane, op)
    };
    l.set_vector(i.rd(), result, i.q());
}

/// `sqdmulh`, `sqrdmulh`: the upper half of twice the product; MIN times MIN saturates.
fn multiply_double_high(l: &mut Lifter, i: Insn, rounding: bool) {
    let lane = lane_of(i.size());
    let (a, b) = (l.clean_source(i.rn(), i, lane), l.clean_source(i.rm(), i, lane));
    let result = l.multiply_double_high(a, b, lane, rounding);
    l.set_v(i.rd(), result);
}

impl Lifter<'_> {
    /// SQDMULH or SQRDMULH of vectors, with QC. Lanes that do not count are zero in one operand at least.
    pub(super) fn multiply_double_high(&mut self, a: Value, b: Value, lane: Lane, rounding: bool) -> Value {
        let min = self.splat(lane, minimum(lane));
        let a_is_min = self.vicmp(a, min, lane, Cond::Eq);
        let b_is_min = self.vicmp(b, min, lane, Cond::Eq);
        let saturated = self.vand(a_is_min, b_is_min);
        self.saturated_where(saturated);
        self.vmul_double_high(a, b, lane, rounding)
    }
}

impl Lifter<'_> {
    /// SQRDMLAH or SQRDMLSH: the upper half of Vd (shifted up) plus or minus twice the product, rounded and saturated.
    pub(super) fn multiply_double_add_high(&mut self, i: Insn, a: Value, b: Value, subtract: bool) {
        let lane = lane_of(i.size());
        let wide = lane.double().expect("16 or 32 bits");
        let d = self.clean_source(i.rd(), i, lane);
        // All terms halved, so that the sum fits the wide lane: (d << (bits - 1)) +- a * b + (1 << (bits - 2)).
        let bits = lane.bits() as u8;
        let round = self.splat(wide, 1 << (bits - 2));
        let [low, high] = [false, true].map(|upper| {
            let (d, product) = if upper {
                (self.vwiden_high(d, lane, Sign::Signed), self.vmul_widen_high(a, b, lane, Sign::Signed))
            } else {
                (self.vwiden_low(d, lane, Sign::Signed), self.vmul_widen_low(a, b, lane, Sign::Signed))
            };
            let base = self.vshl(d, wide, bits - 1);
            let base = self.vadd(base, round, wide);
            let sum = if subtract { self.vsub(base, product, wide) } else { self.vadd(base, product, wide) };
            self.vashr(sum, wide, bits - 1)
        });
        let result = self.vnarrow(low, high, wide, NarrowMode::Signed);
        let back =
            [self.vwiden_low(result, lane, Sign::Signed), self.vwiden_high(result, lane, Sign::Signed)];
        let lost = [self.vxor(back[0], low), self.vxor(back[1], high)];
        let lost = self.vor(lost[0], lost[1]);
        self.saturated_where(lost);
        self.set_result(i, result, lane);
    }
}

// ---- float -------------------------------------------------------------------------------------------------------------

/// Lane 0 of Vn and of Vm.
fn scalars(l: &mut Lifter, i: Insn) -> [Value; 2] {
    let ty = float_lane(i).ty();
    [l.float(i.rn(), ty), l.float(i.rm(), ty)]
}

/// `op vd.t, vn.t, vm.t` on floats. (Advanced SIMD three same)
fn float(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, FloatLane) -> Value) {
    let (a, b) = (l.float_source(i.rn(), i), l.float_source(i.rm(), i));
    let result = f(l, a, b, float_lane(i));
    l.set_vector(i.rd(), result, i.q());
}

/// `fmla vd.t, vn.t, vm.t`, `fmls`: Vd + Vn * Vm or Vd - Vn * Vm, rounded once.
fn multiply_add(l: &mut Lifter, i: Insn, subtract: bool) {
    let d = l.float_source(i.rd(), i);
    float(l, i, |l, a, b, lane| {
        let a = if subtract { l.vfneg(a, lane) } else { a };
        l.vfma(a, b, d, lane, Round::Current)
    });
}

/// `fmulx`, `frecps`, `frsqrts`.
fn step(l: &mut Lifter, i: Insn, op: StepOp) {
    if i.is_scalar() {
        let [a, b] = scalars(l, i);
        let result = l.fstep(a, b, op);
        l.set_scalar(i.rd(), result);
    } else {
        float(l, i, |l, a, b, lane| l.vfstep(a, b, lane, op));
    }
}

/// `fcmeq`, `fcmge`, `fcmgt`, and `facge`, `facgt` of absolute values: all ones where the comparison holds.
fn float_compare(l: &mut Lifter, i: Insn, cond: FloatCond, quiet: Quietness, absolute: bool) {
    if i.is_scalar() {
        let [mut a, mut b] = scalars(l, i);
        if absolute {
            (a, b) = (l.fabs(a), l.fabs(b));
        }
        let holds = l.fcmp(a, b, cond, quiet);
        let mask = l.scalar_mask(holds, float_lane(i).ty());
        return l.set_scalar(i.rd(), mask);
    }
    float(l, i, |l, mut a, mut b, lane| {
        if absolute {
            (a, b) = (l.vfabs(a, lane), l.vfabs(b, lane));
        }
        l.vfcmp(a, b, lane, cond, quiet)
    });
}

/// `faddp`, `fmaxp`, `fminp`, `fmaxnmp`, `fminnmp`: neighbours of Vn, then of Vm, combined.
fn float_pairwise(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, FloatLane) -> Value) {
    let lane = float_lane(i);
    let (mut a, mut b) = (l.v(i.rn()), l.v(i.rm()));
    if !i.q() {
        // Both halves hold the pairs of Vn, then those of Vm, so that the upper half of the result raises nothing new.
        let both = l.joined(a, b);
        (a, b) = (both, both);
    }
    let bytes = lane.bits().bits() as usize / 8;
    let every_other = |first: usize| {
        let pattern: [u8; 16] = std::array::from_fn(|at| {
            let (element, byte) = (at / bytes, at % bytes);
            ((2 * element + first) * bytes + byte) as u8
        });
        u128::from_le_bytes(pattern)
    };
    let even = l.vshuffle(a, b, every_other(0));
    let odd = l.vshuffle(a, b, every_other(1));
    let result = f(l, even, odd, lane);
    l.set_vector(i.rd(), result, i.q());
}
