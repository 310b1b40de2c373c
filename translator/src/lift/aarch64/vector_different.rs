//! Advanced SIMD, three vectors of different arrangements: operands are widened, or results narrowed.

use super::lanes::lane_of;
use super::vector_same::sign;
use super::{Lifter, crypto};
use crate::ir::{Cond, Lane, NarrowMode, Sign, Value};
use decoders::aarch64::{Insn, VectorDifferent as Op};

pub(super) fn lift(l: &mut Lifter, op: Op, i: Insn) {
    match op {
        Op::Saddl | Op::Uaddl => long(l, i, |l, a, b, lane| l.vadd(a, b, lane)),
        Op::Ssubl | Op::Usubl => long(l, i, |l, a, b, lane| l.vsub(a, b, lane)),
        Op::Sabdl | Op::Uabdl => long(l, i, |l, a, b, lane| l.vabsdiff(a, b, lane, sign(i))),
        Op::Sabal | Op::Uabal => {
            let d = l.v(i.rd());
            long(l, i, |l, a, b, lane| {
                let difference = l.vabsdiff(a, b, lane, sign(i));
                l.vadd(d, difference, lane)
            });
        }
        Op::Saddw | Op::Uaddw => wide(l, i, |l, a, b, lane| l.vadd(a, b, lane)),
        Op::Ssubw | Op::Usubw => wide(l, i, |l, a, b, lane| l.vsub(a, b, lane)),
        Op::Addhn => high_narrow(l, i, true, false),
        Op::Raddhn => high_narrow(l, i, true, true),
        Op::Subhn => high_narrow(l, i, false, false),
        Op::Rsubhn => high_narrow(l, i, false, true),
        Op::SmullVector | Op::UmullVector => multiply(l, i, Combine::Set),
        Op::SmlalVector | Op::UmlalVector => multiply(l, i, Combine::Add),
        Op::SmlslVector | Op::UmlslVector => multiply(l, i, Combine::Subtract),
        Op::SqdmullVector => multiply_double(l, i, Combine::Set),
        Op::SqdmlalVector => multiply_double(l, i, Combine::Add),
        Op::SqdmlslVector => multiply_double(l, i, Combine::Subtract),
        Op::Pmull if i.size() == 0 => pmull_bytes(l, i),
        Op::Pmull => crypto::pmull_doublewords(l, i),
    }
}

/// What becomes of a product.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Combine {
    /// It is the result.
    Set,
    /// It is added to Vd.
    Add,
    /// It is subtracted from Vd.
    Subtract,
}

/// The lane of twice the width that the size field says.
fn wide_lane(i: Insn) -> Lane {
    lane_of(i.size() + 1)
}

/// `op vd.wide, vn.t, vm.t` and its `2` form. (Advanced SIMD three different)
fn long(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, Lane) -> Value) {
    let (a, b) = (l.v(i.rn()), l.v(i.rm()));
    let lane = lane_of(i.size());
    let (a, b) = (l.widened(a, i, lane, sign(i)), l.widened(b, i, lane, sign(i)));
    let result = f(l, a, b, wide_lane(i));
    l.set_v(i.rd(), result);
}

/// `op vd.wide, vn.wide, vm.t` and its `2` form. (Advanced SIMD three different)
fn wide(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value, Lane) -> Value) {
    let (a, b) = (l.v(i.rn()), l.v(i.rm()));
    let b = l.widened(b, i, lane_of(i.size()), sign(i));
    let result = f(l, a, b, wide_lane(i));
    l.set_v(i.rd(), result);
}

/// `addhn vd.t, vn.wide, vm.wide`, `raddhn`, `subhn`, `rsubhn`: the upper half of each sum or difference.
/// (Advanced SIMD three different)
fn high_narrow(l: &mut Lifter, i: Insn, add: bool, rounding: bool) {
    let lane = wide_lane(i);
    let half = lane.bits() as u8 / 2;
    let (a, b) = (l.v(i.rn()), l.v(i.rm()));
    let mut sum = if add { l.vadd(a, b, lane) } else { l.vsub(a, b, lane) };
    if rounding {
        let round = l.splat(lane, 1 << (half - 1));
        sum = l.vadd(sum, round, lane);
    }
    let high = l.vlshr(sum, lane, half);
    let narrow = l.narrowed(high, lane, NarrowMode::Truncate);
    l.set_narrow(i, narrow);
}

/// `smull vd.wide, vn.t, vm.t`, `umull`, `smlal`, `umlal`, `smlsl`, `umlsl`. (Advanced SIMD three different)
fn multiply(l: &mut Lifter, i: Insn, combine: Combine) {
    let (a, b) = (l.v(i.rn()), l.v(i.rm()));
    l.multiply_long(i, a, b, combine);
}

impl Lifter<'_> {
    /// The products of the lower (or, for the `2` forms, upper) halves, combined with Vd.
    pub(super) fn multiply_long(&mut self, i: Insn, a: Value, b: Value, combine: Combine) {
        let lane = lane_of(i.size());
        let product = self.product(i, a, b, lane, sign(i));
        let result = match combine {
            Combine::Set => product,
            Combine::Add => {
                let d = self.v(i.rd());
                self.vadd(d, product, wide_lane(i))
            }
            Combine::Subtract => {
                let d = self.v(i.rd());
                self.vsub(d, product, wide_lane(i))
            }
        };
        self.set_v(i.rd(), result);
    }

    fn product(&mut self, i: Insn, a: Value, b: Value, lane: Lane, sign: Sign) -> Value {
        if i.q() && !i.is_scalar() {
            self.vmul_widen_high(a, b, lane, sign)
        } else {
            self.vmul_widen_low(a, b, lane, sign)
        }
    }

    /// Twice the products, saturated, and combined with Vd, saturating again. Scalar operands have zeros above.
    pub(super) fn multiply_double_long(&mut self, i: Insn, a: Value, b: Value, combine: Combine) {
        let (lane, wide) = (lane_of(i.size()), wide_lane(i));
        let product = self.product(i, a, b, lane, Sign::Signed);
        let twice = self.vadd_sat(product, product, wide, Sign::Signed);
        let exact = self.vshl(product, wide, 1);
        self.saturated_unless_equal(twice, exact);
        let result = if combine == Combine::Set {
            twice
        } else {
            let d = self.v(i.rd());
            let d = if i.is_scalar() { self.lane_zero(d, wide) } else { d };
            let (result, exact) = if combine == Combine::Add {
                (self.vadd_sat(d, twice, wide, Sign::Signed), self.vadd(d, twice, wide))
            } else {
                (self.vsub_sat(d, twice, wide, Sign::Signed), self.vsub(d, twice, wide))
            };
            self.saturated_unless_equal(result, exact);
            result
        };
        self.set_v(i.rd(), result);
    }
}

/// `sqdmull vd.wide, vn.t, vm.t`, `sqdmlal`, `sqdmlsl`, scalar too. (Advanced SIMD three different)
fn multiply_double(l: &mut Lifter, i: Insn, combine: Combine) {
    let lane = lane_of(i.size());
    let (a, b) = (l.source(i.rn(), i, lane), l.source(i.rm(), i, lane));
    l.multiply_double_long(i, a, b, combine);
}

/// `pmull vd.8h, vn.8b, vm.8b`, `pmull2`: carry-less products of bytes. (Advanced SIMD three different)
fn pmull_bytes(l: &mut Lifter, i: Insn) {
    let (a, b) = (l.v(i.rn()), l.v(i.rm()));
    let (a, b) = (l.widened(a, i, Lane::B8, Sign::Unsigned), l.widened(b, i, Lane::B8, Sign::Unsigned));
    let mut result = l.vconst(0);
    for bit in 0..8 {
        let mask = l.splat(Lane::B16, 1 << bit);
        let chosen = l.vand(b, mask);
        let zero = l.vconst(0);
        let chosen = l.vicmp(chosen, zero, Lane::B16, Cond::Ne);
        let shifted = l.vshl(a, Lane::B16, bit);
        let term = l.vand(shifted, chosen);
        result = l.vxor(result, term);
    }
    l.set_v(i.rd(), result);
}
