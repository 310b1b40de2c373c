//! Lowerings of float ops on lanes: as for scalars (`float`), with one test for all lanes; if one lane is in doubt, the
//! helper computes all of them.

use super::doubt::{Doubts, Look};
use super::emit::Emitter;
use super::float::{Arithmetic, float_condition};
use super::vector::lanes;
use crate::ir::{FloatCond, FloatLane, Lane, MinMaxRule, Op, Quietness, Round, Sign, Value as IrValue};
use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{self, InstBuilder, types};

impl Emitter<'_, '_> {
    /// Float ops on lanes.
    pub fn vector_float(&mut self, op: &Op) -> ir::Value {
        self.vector_float_inline(op).unwrap_or_else(|| self.evaluate(op))
    }

    fn vector_float_inline(&mut self, op: &Op) -> Option<ir::Value> {
        if !self.features.vectors || !self.plain_environment() {
            return None;
        }
        match *op {
            Op::VFAdd { a, b, lane, round } => self.lanes(op, Arithmetic::Add, &[a, b], lane, round),
            Op::VFSub { a, b, lane, round } => self.lanes(op, Arithmetic::Sub, &[a, b], lane, round),
            Op::VFMul { a, b, lane, round } => self.lanes(op, Arithmetic::Mul, &[a, b], lane, round),
            Op::VFDiv { a, b, lane, round } => self.lanes(op, Arithmetic::Div, &[a, b], lane, round),
            Op::VFSqrt { a, lane, round } => self.lanes(op, Arithmetic::Sqrt, &[a], lane, round),
            Op::VFma { a, b, c, lane, round } => self.lanes(op, Arithmetic::Fma, &[a, b, c], lane, round),
            Op::VFMin { a, b, lane, rule } => self.min_max_lanes(op, a, b, lane, rule, true),
            Op::VFMax { a, b, lane, rule } => self.min_max_lanes(op, a, b, lane, rule, false),
            Op::VFCmp { a, b, lane, cond, quiet } => self.compare_lanes(op, a, b, lane, cond, quiet),
            Op::VFRound { v, lane, round, exact } => self.round_lanes(op, v, lane, round, exact),
            Op::VFWiden { v, lane: FloatLane::F32 } => {
                let v = self.vector(v, types::F32X4);
                let result = self.b.ins().fvpromote_low(v);
                let mut doubts = Doubts::of(self.b.ins().fcmp(FloatCC::Unordered, result, result));
                self.doubt_subnormal_lanes(&mut doubts, &[v]);
                Some(self.settle(op, result, doubts))
            }
            Op::VFNarrow { v, lane: FloatLane::F64, round } if self.rounds_like_host(round) => {
                Some(self.narrow_lanes(op, v))
            }
            Op::VIntToFloat { v, lane, sign, round, fraction: 0 } if self.rounds_like_host(round) => {
                self.ints_to_floats(op, v, lane, sign)
            }
            Op::VFloatToInt { v, lane, sign, round, fraction: 0, .. } => {
                self.floats_to_ints(op, v, lane, sign, round)
            }
            _ => None,
        }
    }

    fn lanes(
        &mut self,
        op: &Op,
        arithmetic: Arithmetic,
        operands: &[IrValue],
        lane: FloatLane,
        round: Round,
    ) -> Option<ir::Value> {
        if !self.rounds_like_host(round) {
            return None;
        }
        let ty = float_lanes(lane)?;
        let values: Vec<ir::Value> = operands.iter().map(|&operand| self.vector(operand, ty)).collect();
        let (result, mut doubts) = self.arithmetic(arithmetic, &values)?;
        self.doubt_subnormal_lanes(&mut doubts, &values);
        Some(self.settle(op, result, doubts))
    }

    fn min_max_lanes(
        &mut self,
        op: &Op,
        a: IrValue,
        b: IrValue,
        lane: FloatLane,
        rule: MinMaxRule,
        min: bool,
    ) -> Option<ir::Value> {
        let ty = float_lanes(lane)?;
        let (a, b) = (self.vector(a, ty), self.vector(b, ty));
        let result = if rule == MinMaxRule::Second {
            let cond = if min { FloatCC::LessThan } else { FloatCC::GreaterThan };
            let first = self.b.ins().fcmp(cond, a, b);
            let [first, a, b] = [first, a, b].map(|value| self.whole(value));
            let chosen = self.b.ins().bitselect(first, a, b);
            self.cast_lanes(chosen, ty)
        } else if min {
            self.b.ins().fmin(a, b)
        } else {
            self.b.ins().fmax(a, b)
        };
        let mut doubts = Doubts::of(self.b.ins().fcmp(FloatCC::Unordered, a, b));
        self.doubt_subnormal_lanes(&mut doubts, &[a, b]);
        Some(self.settle(op, result, doubts))
    }

    /// The host's comparison is right for NaNs too; they matter for the flags only.
    fn compare_lanes(
        &mut self,
        op: &Op,
        a: IrValue,
        b: IrValue,
        lane: FloatLane,
        cond: FloatCond,
        _: Quietness,
    ) -> Option<ir::Value> {
        let ty = float_lanes(lane)?;
        let (a, b) = (self.vector(a, ty), self.vector(b, ty));
        let mut doubts = Doubts::of(self.b.ins().fcmp(FloatCC::Unordered, a, b));
        self.doubt_subnormal_lanes(&mut doubts, &[a, b]);
        self.raise(op, doubts);
        let mask = self.b.ins().fcmp(float_condition(cond), a, b);
        Some(self.whole(mask))
    }

    fn round_lanes(
        &mut self,
        op: &Op,
        v: IrValue,
        lane: FloatLane,
        round: Round,
        exact: bool,
    ) -> Option<ir::Value> {
        let v = self.vector(v, float_lanes(lane)?);
        let result = self.round_value(v, round)?;
        let condition = if exact && !self.inexact_is_set() { FloatCC::NotEqual } else { FloatCC::Unordered };
        let mut doubts = Doubts::of(self.b.ins().fcmp(condition, result, v));
        self.doubt_subnormal_lanes(&mut doubts, &[v]);
        Some(self.settle(op, result, doubts))
    }

    fn narrow_lanes(&mut self, op: &Op, v: IrValue) -> ir::Value {
        let v = self.vector(v, types::F64X2);
        let result = self.b.ins().fvdemote(v);
        let mut doubts = Doubts::default();
        self.doubt_subnormal_lanes(&mut doubts, &[v]);
        if self.inexact_is_set() {
            // The upper lanes are zero, which is no doubt: look at ones in their place.
            let ones = self.vector_constant(0x3f80_0000_3f80_0000 << 64);
            let bits = self.whole(result);
            let bits = self.b.ins().bor(bits, ones);
            let looked_at = self.cast_lanes(bits, types::F32X4);
            doubts.range = Some((self.outside_normal(looked_at), Look::Widened(v)));
        } else {
            let back = self.b.ins().fvpromote_low(result);
            doubts.sure.push(self.b.ins().fcmp(FloatCC::NotEqual, back, v));
        }
        self.settle(op, result, doubts)
    }

    fn ints_to_floats(&mut self, op: &Op, v: IrValue, lane: FloatLane, sign: Sign) -> Option<ir::Value> {
        let ty = float_lanes(lane)?;
        let v = self.vector(v, lanes(lane.bits()));
        let result = match (lane, sign) {
            (FloatLane::F32, Sign::Signed) => self.b.ins().fcvt_from_sint(ty, v),
            (FloatLane::F32, Sign::Unsigned) => self.b.ins().fcvt_from_uint(ty, v),
            // Not every host has these in lanes.
            _ => {
                let [low, high] = [0, 1].map(|index| {
                    let int = self.b.ins().extractlane(v, index);
                    match sign {
                        Sign::Signed => self.b.ins().fcvt_from_sint(types::F64, int),
                        Sign::Unsigned => self.b.ins().fcvt_from_uint(types::F64, int),
                    }
                });
                let both = self.b.ins().splat(ty, low);
                self.b.ins().insertlane(both, high, 1)
            }
        };
        let mut doubts = Doubts::default();
        if !self.inexact_is_set() {
            // Exact from -2^precision to below 2^precision; other bits than these are a doubt.
            let precision = if lane == FloatLane::F32 { 24 } else { 53 };
            let (offset, width) = match sign {
                Sign::Signed => (1u64 << precision, precision + 1),
                Sign::Unsigned => (0, precision),
            };
            let every = |bits: u64| match lane.bits() {
                Lane::B32 => u128::from(bits as u32) * 0x1_0000_0001_0000_0001_0000_0001,
                _ => u128::from(bits) | u128::from(bits) << 64,
            };
            let int = lanes(lane.bits());
            let offset = self.lane_constant(every(offset), int);
            let outside = self.lane_constant(every(u64::MAX << width), int);
            let moved = self.b.ins().iadd(v, offset);
            doubts.sure.push(self.b.ins().band(moved, outside));
        }
        Some(self.settle(op, result, doubts))
    }

    fn floats_to_ints(
        &mut self,
        op: &Op,
        v: IrValue,
        lane: FloatLane,
        sign: Sign,
        round: Round,
    ) -> Option<ir::Value> {
        let ty = float_lanes(lane)?;
        let v = self.vector(v, ty);
        let integral = match round {
            Round::TowardZero => v,
            Round::Current if self.plan.key.env.0 & 7 == 1 => v,
            _ => self.round_value(v, round)?,
        };
        let limit = match (lane, sign) {
            (FloatLane::F32, Sign::Signed) => 31,
            (FloatLane::F32, Sign::Unsigned) => 32,
            _ => 63,
        };
        let limit = self.float_constant(lane.ty(), f64::from(limit).exp2());
        let limit = self.b.ins().splat(ty, limit);
        let magnitude = if sign == Sign::Signed { self.b.ins().fabs(integral) } else { integral };
        // The same as unordered or greater or equal, which Cranelift has no lanes for on AArch64.
        let inside = self.b.ins().fcmp(FloatCC::LessThan, magnitude, limit);
        let mut doubts = Doubts::of(self.b.ins().bnot(inside));
        if sign == Sign::Unsigned {
            let zero = self.lane_constant(0, ty);
            doubts.sure.push(self.b.ins().fcmp(FloatCC::LessThan, integral, zero));
        }
        self.doubt_subnormal_lanes(&mut doubts, &[v]);
        let exact = !self.inexact_is_set();
        if lane == FloatLane::F32 {
            let result = match sign {
                Sign::Signed => self.b.ins().fcvt_to_sint_sat(types::I32X4, integral),
                Sign::Unsigned => self.b.ins().fcvt_to_uint_sat(types::I32X4, integral),
            };
            if exact {
                let back = match sign {
                    Sign::Signed => self.b.ins().fcvt_from_sint(ty, result),
                    Sign::Unsigned => self.b.ins().fcvt_from_uint(ty, result),
                };
                doubts.sure.push(self.b.ins().fcmp(FloatCC::NotEqual, back, v));
            }
            return Some(self.settle(op, result, doubts));
        }
        // The conversion of a number outside of the range would trap, so it stands behind the branch.
        Some(self.settle_after(op, doubts, |emitter, again| {
            let ints = [0, 1].map(|index| {
                let float = emitter.b.ins().extractlane(integral, index);
                emitter.b.ins().fcvt_to_sint(types::I64, float)
            });
            if exact {
                for (index, &int) in (0..).zip(&ints) {
                    let back = emitter.b.ins().fcvt_from_sint(types::F64, int);
                    let float = emitter.b.ins().extractlane(v, index);
                    let lost = emitter.b.ins().fcmp(FloatCC::NotEqual, back, float);
                    emitter.branch_cold(lost, again);
                }
            }
            let both = emitter.b.ins().splat(types::I64X2, ints[0]);
            let both = emitter.b.ins().insertlane(both, ints[1], 1);
            emitter.whole(both)
        }))
    }
}

/// The Cranelift type of float lanes; `None` for half precision.
fn float_lanes(lane: FloatLane) -> Option<ir::Type> {
    match lane {
        FloatLane::F16 => None,
        FloatLane::F32 => Some(types::F32X4),
        FloatLane::F64 => Some(types::F64X2),
    }
}
