//! Complex numbers (FEAT_FCMA): pairs of lanes, the real part first.

use super::Lifter;
use super::lanes::{lane_of, splat};
use crate::ir::{FloatLane, Lane, Round, Value};
use decoders::aarch64::Insn;

/// The lane of the size field.
fn float_lane(i: Insn) -> FloatLane {
    match i.size() {
        1 => FloatLane::F16,
        2 => FloatLane::F32,
        _ => FloatLane::F64,
    }
}

/// Each pair with its parts exchanged.
fn exchanged(l: &mut Lifter, v: Value, lane: Lane) -> Value {
    let bytes = lane.bits() as usize / 8;
    l.permuted(v, |at| at ^ bytes)
}

/// Real (or imaginary) parts in both places of each pair.
fn parts(l: &mut Lifter, v: Value, lane: Lane, imaginary: bool) -> Value {
    let bytes = lane.bits() as usize / 8;
    l.permuted(v, |at| if imaginary { at | bytes } else { at & !bytes })
}

/// The vector with the signs of real parts, imaginary parts, or both inverted.
fn negated(l: &mut Lifter, v: Value, lane: Lane, real: bool, imaginary: bool) -> Value {
    let signs = splat(lane, 1 << (lane.bits() - 1));
    // The lanes in even places.
    let even = match lane.double() {
        Some(pair) => splat(pair, u64::MAX >> (64 - lane.bits())),
        None => u128::from(u64::MAX),
    };
    let mask = signs & if real { even } else { 0 } | signs & if imaginary { !even } else { 0 };
    if mask == 0 {
        return v;
    }
    let mask = l.vconst(mask);
    l.vxor(v, mask)
}

/// `fcadd vd.t, vn.t, vm.t, #90|#270`: adds Vm, turned by that angle.
/// (Advanced SIMD three-register extension)
pub(super) fn fcadd(l: &mut Lifter, i: Insn) {
    let lane = float_lane(i);
    let (a, b) = (l.float_source(i.rn(), i), l.float_source(i.rm(), i));
    let three_quarters = i.bit(12);
    let turned = exchanged(l, b, lane.bits());
    let turned = negated(l, turned, lane.bits(), !three_quarters, three_quarters);
    let result = l.vfadd(a, turned, lane, Round::Current);
    l.set_vector(i.rd(), result, i.q());
}

/// The products of `fcmla` for one rotation: part of Vn times Vm turned, added to Vd.
fn multiply_add(l: &mut Lifter, i: Insn, b: Value, rotation: u32) {
    let lane = float_lane(i);
    let (d, a) = (l.float_source(i.rd(), i), l.float_source(i.rn(), i));
    // 0 and 180 degrees take the real parts of Vn, 90 and 270 the imaginary ones with the parts of Vm exchanged.
    let factor = parts(l, a, lane.bits(), rotation & 1 != 0);
    let turned = if rotation & 1 != 0 { exchanged(l, b, lane.bits()) } else { b };
    let turned = match rotation {
        0 => turned,
        1 => negated(l, turned, lane.bits(), true, false),
        2 => negated(l, turned, lane.bits(), true, true),
        _ => negated(l, turned, lane.bits(), false, true),
    };
    let result = l.vfma(factor, turned, d, lane, Round::Current);
    l.set_vector(i.rd(), result, i.q());
}

/// `fcmla vd.t, vn.t, vm.t, #rotation`. (Advanced SIMD three-register extension)
pub(super) fn fcmla(l: &mut Lifter, i: Insn) {
    let b = l.float_source(i.rm(), i);
    multiply_add(l, i, b, i.bits(11, 2));
}

/// `fcmla vd.t, vn.t, vm.t[index], #rotation`: the second factor is one pair. (Advanced SIMD vector x indexed element)
pub(super) fn fcmla_element(l: &mut Lifter, i: Insn) {
    let pair = lane_of(i.size() + 1);
    let index = if i.size() == 1 { i.bits(11, 1) << 1 | i.bits(21, 1) } else { i.bits(11, 1) };
    let v = l.v(i.rm());
    let x = l.vextract(v, pair, index as u8);
    let b = l.vsplat(x, pair);
    multiply_add(l, i, b, i.bits(13, 2));
}
