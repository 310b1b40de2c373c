//! Advanced SIMD, vector by indexed element: the second operand is one lane, repeated.

use super::lanes::{float_lane, lane_of};
use super::vector_different::Combine;
use super::{Lifter, bfloat, complex, half_product};
use crate::ir::{FloatLane, Lane, Round, Sign, StepOp, Value};
use decoders::aarch64::{Insn, VectorElement as Op};

pub(super) fn lift(l: &mut Lifter, op: Op, i: Insn) {
    match op {
        Op::Mul => integer(l, i, |_, _, product, _| product),
        Op::Mla => integer(l, i, |l, d, product, lane| l.vadd(d, product, lane)),
        Op::Mls => integer(l, i, |l, d, product, lane| l.vsub(d, product, lane)),
        Op::Smull | Op::Umull => long(l, i, Combine::Set),
        Op::Smlal | Op::Umlal => long(l, i, Combine::Add),
        Op::Smlsl | Op::Umlsl => long(l, i, Combine::Subtract),
        Op::Sqdmull => double_long(l, i, Combine::Set),
        Op::Sqdmlal => double_long(l, i, Combine::Add),
        Op::Sqdmlsl => double_long(l, i, Combine::Subtract),
        Op::Sqdmulh => double_high(l, i, false),
        Op::Sqrdmulh => double_high(l, i, true),
        Op::Fmul if i.is_scalar() => float_scalar(l, i, |l, _, a, b| l.fmul(a, b, Round::Current)),
        Op::Fmul => float(l, i, |l, _, a, b, lane| l.vfmul(a, b, lane, Round::Current)),
        Op::Fmulx if i.is_scalar() => {
            float_scalar(l, i, |l, _, a, b| l.fstep(a, b, StepOp::MultiplyExtended));
        }
        Op::Fmulx => float(l, i, |l, _, a, b, lane| l.vfstep(a, b, lane, StepOp::MultiplyExtended)),
        Op::Fmla | Op::Fmls if i.is_scalar() => float_scalar(l, i, |l, d, a, b| {
            let a = if op == Op::Fmls { l.fneg(a) } else { a };
            l.fma(a, b, d, Round::Current)
        }),
        Op::Fmla | Op::Fmls => float(l, i, |l, d, a, b, lane| {
            let a = if op == Op::Fmls { l.vfneg(a, lane) } else { a };
            l.vfma(a, b, d, lane, Round::Current)
        }),
        Op::Sqrdmlah | Op::Sqrdmlsh => {
            let lane = lane_of(i.size());
            let b = repeated(l, i, lane);
            let a = l.clean_source(i.rn(), i, lane);
            let b = if i.is_scalar() { l.lane_zero(b, lane) } else { b };
            l.multiply_double_add_high(i, a, b, op == Op::Sqrdmlsh);
        }
        Op::Sdot | Op::Udot => {
            let b = repeated(l, i, Lane::B32);
            let a = l.v(i.rn());
            l.dot_product(i, a, b);
        }
        Op::Fcmla => complex::fcmla_element(l, i),
        Op::Sudot | Op::Usdot => {
            let b = repeated(l, i, Lane::B32);
            let a = l.v(i.rn());
            let signs = [Sign::Signed, Sign::Unsigned];
            let signs = if op == Op::Sudot { signs } else { [signs[1], signs[0]] };
            l.dot_product_of(i, [a, b], signs);
        }
        Op::Fmlal | Op::Fmlsl | Op::Fmlal2 | Op::Fmlsl2 => {
            let b = repeated(l, i, Lane::B16);
            let (subtract, upper) =
                (matches!(op, Op::Fmlsl | Op::Fmlsl2), matches!(op, Op::Fmlal2 | Op::Fmlsl2));
            half_product::multiply_add(l, i, b, subtract, upper);
        }
        Op::Bfdot => {
            let b = repeated(l, i, Lane::B32);
            bfloat::dot_product(l, i, b);
        }
        Op::Bfmlal => {
            let b = repeated(l, i, Lane::B16);
            bfloat::multiply_add(l, i, b);
        }
    }
}

/// Register and index of the element: 16-bit elements are in v0 to v15 with index H:L:M, wider ones have M as the
/// register's top bit and index H:L or H.
fn element(i: Insn, lane: Lane) -> (u8, u8) {
    let [h, l, m] = [11, 21, 20].map(|bit| i.bits(bit, 1) as u8);
    match lane {
        Lane::B16 => (i.bits(16, 4) as u8, h << 2 | l << 1 | m),
        Lane::B32 => (i.rm(), h << 1 | l),
        _ => (i.rm(), h),
    }
}

/// The element in every lane.
fn repeated(l: &mut Lifter, i: Insn, lane: Lane) -> Value {
    let (number, index) = element(i, lane);
    let v = l.v(number);
    let x = l.vextract(v, lane, index);
    l.vsplat(x, lane)
}

/// `mul vd.t, vn.t, vm.t[index]`, `mla`, `mls`. (Advanced SIMD vector x indexed element)
fn integer(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, Lane) -> Value) {
    let lane = lane_of(i.size());
    let b = repeated(l, i, lane);
    let (d, a) = (l.v(i.rd()), l.v(i.rn()));
    let product = l.vmul(a, b, lane);
    let result = f(l, d, product, lane);
    l.set_vector(i.rd(), result, i.q());
}

/// `smull vd.wide, vn.t, vm.t[index]` and its kind. (Advanced SIMD vector x indexed element)
fn long(l: &mut Lifter, i: Insn, combine: Combine) {
    let b = repeated(l, i, lane_of(i.size()));
    let a = l.v(i.rn());
    l.multiply_long(i, a, b, combine);
}

/// `sqdmull vd.wide, vn.t, vm.t[index]` and its kind, scalar too. (Advanced SIMD vector x indexed element)
fn double_long(l: &mut Lifter, i: Insn, combine: Combine) {
    let lane = lane_of(i.size());
    let b = repeated(l, i, lane);
    let a = l.source(i.rn(), i, lane);
    l.multiply_double_long(i, a, b, combine);
}

/// `sqdmulh vd.t, vn.t, vm.t[index]`, `sqrdmulh`, scalar too. (Advanced SIMD vector x indexed element)
fn double_high(l: &mut Lifter, i: Insn, rounding: bool) {
    let lane = lane_of(i.size());
    let b = repeated(l, i, lane);
    let a = l.clean_source(i.rn(), i, lane);
    let result = l.multiply_double_high(a, b, lane, rounding);
    l.set_v(i.rd(), result);
}

/// `fmul vd.t, vn.t, vm.t[index]`, `fmulx`, `fmla`, `fmls`. (Advanced SIMD vector x indexed element)
fn float(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, Value, FloatLane) -> Value) {
    let lane = float_lane(i);
    let b = repeated(l, i, lane.bits());
    let (d, a) = (l.float_source(i.rd(), i), l.float_source(i.rn(), i));
    let result = f(l, d, a, b, lane);
    l.set_vector(i.rd(), result, i.q());
}

/// `fmul dd, dn, vm.d[index]`, `fmulx`, `fmla`, `fmls`. (Advanced SIMD vector x indexed element)
fn float_scalar(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, Value) -> Value) {
    let lane = float_lane(i);
    let (number, index) = element(i, lane.bits());
    let v = l.v(number);
    let b = l.vextract_float(v, lane.ty(), index);
    let (d, a) = (l.float(i.rd(), lane.ty()), l.float(i.rn(), lane.ty()));
    let result = f(l, d, a, b);
    l.set_scalar(i.rd(), result);
}
