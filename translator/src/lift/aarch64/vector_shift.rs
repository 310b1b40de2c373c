//! Advanced SIMD, shifts by immediate.

use super::Lifter;
use super::lanes::lane_of;
use super::vector_same::sign;
use crate::ir::{FloatLane, InvalidInt, Lane, NarrowMode, Round, Sign, Type, Value};
use decoders::aarch64::{Insn, VectorShift as Op};

pub(super) fn lift(l: &mut Lifter, op: Op, i: Insn) {
    match op {
        Op::Sshr | Op::Ushr => shift(l, i, shift_right),
        Op::Ssra | Op::Usra => shift(l, i, |l, i, v| {
            let shifted = shift_right(l, i, v);
            accumulate(l, i, shifted)
        }),
        Op::Srshr | Op::Urshr => shift(l, i, shift_right_rounding),
        Op::Srsra | Op::Ursra => shift(l, i, |l, i, v| {
            let shifted = shift_right_rounding(l, i, v);
            accumulate(l, i, shifted)
        }),
        Op::Shl => shift(l, i, |l, i, v| l.vshl(v, lane(i), left(i))),
        Op::Sli => shift(l, i, |l, i, v| {
            let mask = u64::MAX << left(i);
            let shifted = l.vshl(v, lane(i), left(i));
            insert(l, i, shifted, mask)
        }),
        Op::Sri => shift(l, i, |l, i, v| {
            let lane = lane(i);
            let mask = (u64::MAX >> (64 - lane.bits())).checked_shr(right(i).into()).unwrap_or(0);
            let shifted = l.vlshr(v, lane, right(i));
            insert(l, i, shifted, mask)
        }),
        Op::Sqshlu => shift_left_saturating(l, i, Sign::Signed, true),
        Op::SqshlImmediate => shift_left_saturating(l, i, Sign::Signed, false),
        Op::UqshlImmediate => shift_left_saturating(l, i, Sign::Unsigned, false),
        Op::Shrn => shift_narrow(l, i, Sign::Unsigned, false, NarrowMode::Truncate),
        Op::Rshrn => shift_narrow(l, i, Sign::Unsigned, true, NarrowMode::Truncate),
        Op::Sqshrun => shift_narrow(l, i, Sign::Signed, false, NarrowMode::SignedToUnsigned),
        Op::Sqrshrun => shift_narrow(l, i, Sign::Signed, true, NarrowMode::SignedToUnsigned),
        Op::Sqshrn => shift_narrow(l, i, Sign::Signed, false, NarrowMode::Signed),
        Op::Uqshrn => shift_narrow(l, i, Sign::Unsigned, false, NarrowMode::Unsigned),
        Op::Sqrshrn => shift_narrow(l, i, Sign::Signed, true, NarrowMode::Signed),
        Op::Uqrshrn => shift_narrow(l, i, Sign::Unsigned, true, NarrowMode::Unsigned),
        Op::Sshll | Op::Ushll => {
            let narrow = lane(i);
            let v = l.v(i.rn());
            let wide = l.widened(v, i, narrow, sign(i));
            let result = if left(i) == 0 {
                wide
            } else {
                l.vshl(wide, narrow.double().expect("8 to 32 bits"), left(i))
            };
            l.set_v(i.rd(), result);
        }
        Op::ScvtfFixed | Op::UcvtfFixed => from_fixed(l, i),
        Op::FcvtzsFixed | Op::FcvtzuFixed => to_fixed(l, i),
    }
}

/// The lane: the highest set bit of immh (bits 22 to 19). For narrowing and widening shifts, the narrow one.
fn lane(i: Insn) -> Lane {
    lane_of(31 - i.bits(19, 4).leading_zeros())
}

/// The amount of a left shift: immh:immb less the lane's width.
fn left(i: Insn) -> u8 {
    (i.bits(16, 7) - lane(i).bits()) as u8
}

/// The amount of a right shift: twice the lane's width less immh:immb.
fn right(i: Insn) -> u8 {
    (2 * lane(i).bits() - i.bits(16, 7)) as u8
}

/// `op vd.t, vn.t, #amount`, scalar too. (Advanced SIMD shift by immediate)
fn shift(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Insn, Value) -> Value) {
    let v = l.v(i.rn());
    let result = f(l, i, v);
    l.set_result(i, result, lane(i));
}

fn shift_right(l: &mut Lifter, i: Insn, v: Value) -> Value {
    match sign(i) {
        Sign::Signed => l.vashr(v, lane(i), right(i)),
        Sign::Unsigned => l.vlshr(v, lane(i), right(i)),
    }
}

fn shift_right_rounding(l: &mut Lifter, i: Insn, v: Value) -> Value {
    l.shift_right_rounding(v, lane(i), sign(i), right(i))
}

impl Lifter<'_> {
    /// Right shift that rounds half up, as if the lane were wider.
    fn shift_right_rounding(&mut self, v: Value, lane: Lane, sign: Sign, amount: u8) -> Value {
        // PERF: with the bit shifted out last added to the plain shift this is three host instructions.
        let shifted = match sign {
            Sign::Signed => self.vashr(v, lane, amount),
            Sign::Unsigned => self.vlshr(v, lane, amount),
        };
        let last = self.vlshr(v, lane, amount - 1);
        let one = self.splat(lane, 1);
        let round = self.vand(last, one);
        self.vadd(shifted, round, lane)
    }
}

/// Adds to the lanes of Vd.
fn accumulate(l: &mut Lifter, i: Insn, v: Value) -> Value {
    let d = l.v(i.rd());
    l.vadd(d, v, lane(i))
}

/// The bits of `mask` in each lane from `v`, the others from Vd.
fn insert(l: &mut Lifter, i: Insn, v: Value, mask: u64) -> Value {
    let d = l.v(i.rd());
    let mask = l.splat(lane(i), mask);
    l.vselect(mask, v, d)
}

/// `sqshl vd.t, vn.t, #amount`, `uqshl`, `sqshlu` (signed to the unsigned range).
fn shift_left_saturating(l: &mut Lifter, i: Insn, sign: Sign, to_unsigned: bool) {
    let (lane, amount) = (lane(i), left(i));
    let v = l.clean_source(i.rn(), i, lane);
    let amounts = l.splat(lane, amount.into());
    let result = if to_unsigned {
        // Negative lanes become zero, all others are unsigned.
        let negative = l.lane_signs(v, lane);
        l.saturated_where(negative);
        let positive = l.vandnot(v, negative);
        let result = l.vshift(positive, amounts, lane, Sign::Unsigned, false, true);
        let back = l.vlshr(result, lane, amount);
        l.saturated_unless_equal(back, positive);
        result
    } else {
        // What saturates does not come back. (The amount is below the lane's width.)
        let result = l.vshift(v, amounts, lane, sign, false, true);
        let back = match sign {
            Sign::Signed => l.vashr(result, lane, amount),
            Sign::Unsigned => l.vlshr(result, lane, amount),
        };
        l.saturated_unless_equal(back, v);
        result
    };
    l.set_result(i, result, lane);
}

/// `shrn vd.t, vn.wide, #amount`, `rshrn`, `sqshrn`, `uqshrn`, `sqshrun`, rounding forms, and the `2` forms.
fn shift_narrow(l: &mut Lifter, i: Insn, sign: Sign, rounding: bool, mode: NarrowMode) {
    let wide = lane(i).double().expect("8 to 32 bits");
    let v = l.v(i.rn());
    let v = if i.is_scalar() { l.lane_zero(v, wide) } else { v };
    let shifted = match (rounding, sign) {
        (true, _) => l.shift_right_rounding(v, wide, sign, right(i)),
        (false, Sign::Signed) => l.vashr(v, wide, right(i)),
        (false, Sign::Unsigned) => l.vlshr(v, wide, right(i)),
    };
    let narrow = l.narrowed(shifted, wide, mode);
    if i.is_scalar() { l.set_v(i.rd(), narrow) } else { l.set_narrow(i, narrow) }
}

/// The float lane of a fixed-point conversion, and its fraction bits.
fn fixed(i: Insn) -> (FloatLane, u8) {
    let lane = match lane(i) {
        Lane::B64 => FloatLane::F64,
        Lane::B32 => FloatLane::F32,
        _ => FloatLane::F16,
    };
    (lane, right(i))
}

/// `scvtf vd.t, vn.t, #fbits`, `ucvtf`, scalar too.
fn from_fixed(l: &mut Lifter, i: Insn) {
    let (lane, fraction) = fixed(i);
    if i.is_scalar() {
        let v = l.v(i.rn());
        let value = l.vextract(v, lane.bits(), 0);
        let result = l.int_to_float(value, lane.ty(), sign(i), Round::Current, fraction);
        return l.set_scalar(i.rd(), result);
    }
    let v = l.float_source(i.rn(), i);
    let result = l.vint_to_float(v, lane, sign(i), Round::Current, fraction);
    l.set_vector(i.rd(), result, i.q());
}

/// `fcvtzs vd.t, vn.t, #fbits`, `fcvtzu`, scalar too.
fn to_fixed(l: &mut Lifter, i: Insn) {
    let (lane, fraction) = fixed(i);
    if i.is_scalar() {
        let value = l.float(i.rn(), lane.ty());
        let int = Type::int_of_bytes(lane.ty().bytes());
        let result = l.float_to_int(value, int, sign(i), Round::TowardZero, InvalidInt::NanZero, fraction);
        return l.set_scalar(i.rd(), result);
    }
    let v = l.float_source(i.rn(), i);
    let result = l.vfloat_to_int(v, lane, sign(i), Round::TowardZero, InvalidInt::NanZero, fraction);
    l.set_vector(i.rd(), result, i.q());
}
