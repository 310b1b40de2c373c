//! Vectors as the Advanced SIMD functions see them: arrangements, halves, scalars, saturation.

use super::Lifter;
use crate::guest::aarch64::QC;
use crate::ir::{Cond, FloatLane, Lane, Type, Value};
use decoders::aarch64::{Extension, Insn};

/// The lane of a size field.
pub(super) const fn lane_of(size: u32) -> Lane {
    match size {
        0 => Lane::B8,
        1 => Lane::B16,
        2 => Lane::B32,
        _ => Lane::B64,
    }
}

/// The constant vector with `value` in every lane.
pub(super) const fn splat(lane: Lane, value: u64) -> u128 {
    let bits = lane.bits();
    let value = value as u128 & (u128::MAX >> (128 - bits));
    let (mut all, mut at) = (0, 0);
    while at < 128 {
        all |= value << at;
        at += bits;
    }
    all
}

/// The lane's most negative value.
pub(super) const fn minimum(lane: Lane) -> u64 {
    1 << (lane.bits() - 1)
}

/// The float lanes of an instruction that is a half-precision form, or whose bit 22 tells double from single.
pub(super) fn float_lane(i: Insn) -> FloatLane {
    if i.extension == Extension::Fp16 {
        FloatLane::F16
    } else if i.bit(22) {
        FloatLane::F64
    } else {
        FloatLane::F32
    }
}

impl Lifter<'_> {
    /// The constant vector with `value` in every lane.
    pub(super) fn splat(&mut self, lane: Lane, value: u64) -> Value {
        self.vconst(splat(lane, value))
    }

    /// A source of an integer operation: the register, or for scalar forms its lane 0 and zeros.
    pub(super) fn source(&mut self, number: u8, i: Insn, lane: Lane) -> Value {
        let v = self.v(number);
        if i.is_scalar() { self.lane_zero(v, lane) } else { v }
    }

    /// Lane 0, all others zero.
    pub(super) fn lane_zero(&mut self, v: Value, lane: Lane) -> Value {
        let x = self.vextract(v, lane, 0);
        self.vfrom_scalar(x)
    }

    /// As `source`, and where the vector has 64 bits the rest is zero: for operations that look at all lanes.
    pub(super) fn clean_source(&mut self, number: u8, i: Insn, lane: Lane) -> Value {
        let v = self.v(number);
        if i.is_scalar() {
            self.lane_zero(v, lane)
        } else if i.q() {
            v
        } else {
            self.lower_half(v)
        }
    }

    /// A source of a float operation on vectors: 64-bit vectors are doubled, so that the upper lanes raise no flags of
    /// their own.
    pub(super) fn float_source(&mut self, number: u8, i: Insn) -> Value {
        let v = self.v(number);
        if i.q() { v } else { self.doubled(v) }
    }

    /// The lower half in both halves.
    pub(super) fn doubled(&mut self, v: Value) -> Value {
        let low = self.vextract(v, Lane::B64, 0);
        self.vsplat(low, Lane::B64)
    }

    /// The upper half, in the lower half.
    pub(super) fn upper_half(&mut self, v: Value) -> Value {
        let high = self.vextract(v, Lane::B64, 1);
        self.vfrom_scalar(high)
    }

    /// The lower half of `low`, then the lower half of `high`.
    pub(super) fn joined(&mut self, low: Value, high: Value) -> Value {
        let high = self.vextract(high, Lane::B64, 0);
        self.vinsert(low, high, Lane::B64, 1)
    }

    /// Writes the result of an integer operation: a vector, or a scalar in lane 0.
    pub(super) fn set_result(&mut self, i: Insn, result: Value, lane: Lane) {
        if i.is_scalar() {
            let clean = self.lane_zero(result, lane);
            self.set_v(i.rd(), clean);
        } else {
            self.set_vector(i.rd(), result, i.q());
        }
    }

    /// Writes a result of the narrow kind: the lower half of Vd, or its upper half for the `2` forms.
    pub(super) fn set_narrow(&mut self, i: Insn, narrow: Value) {
        if i.q() {
            let old = self.v(i.rd());
            let both = self.joined(old, narrow);
            self.set_v(i.rd(), both);
        } else {
            let low = self.lower_half(narrow);
            self.set_v(i.rd(), low);
        }
    }

    /// Sets FPSR.QC if any bit of `differences` is set.
    pub(super) fn saturated_where(&mut self, differences: Value) {
        let any = self.vany(differences);
        let old = self.get(QC);
        let new = self.or(old, any);
        self.set(new, QC);
    }

    /// Sets FPSR.QC if `saturated` and `exact` differ anywhere.
    pub(super) fn saturated_unless_equal(&mut self, saturated: Value, exact: Value) {
        let differences = self.vxor(saturated, exact);
        self.saturated_where(differences);
    }

    /// Zero minus each lane.
    pub(super) fn vneg(&mut self, v: Value, lane: Lane) -> Value {
        let zero = self.vconst(0);
        self.vsub(zero, v, lane)
    }

    /// All ones in the lanes whose sign bit is set.
    pub(super) fn lane_signs(&mut self, v: Value, lane: Lane) -> Value {
        let zero = self.vconst(0);
        self.vicmp(v, zero, lane, Cond::Slt)
    }

    /// Float lanes with the sign inverted.
    pub(super) fn vfneg(&mut self, v: Value, lane: FloatLane) -> Value {
        let signs = self.splat(lane.bits(), minimum(lane.bits()));
        self.vxor(v, signs)
    }

    /// Float lanes with the sign cleared.
    pub(super) fn vfabs(&mut self, v: Value, lane: FloatLane) -> Value {
        let signs = self.splat(lane.bits(), minimum(lane.bits()));
        self.vandnot(v, signs)
    }

    /// The bytes of one vector in another order.
    pub(super) fn permuted(&mut self, v: Value, index: impl Fn(usize) -> usize) -> Value {
        let pattern: [u8; 16] = std::array::from_fn(|position| index(position) as u8);
        self.vshuffle(v, v, u128::from_le_bytes(pattern))
    }

    /// All ones of a scalar's width if the condition holds, else zero.
    pub(super) fn scalar_mask(&mut self, cond: Value, ty: Type) -> Value {
        self.sext(cond, Type::int_of_bytes(ty.bytes()))
    }
}
