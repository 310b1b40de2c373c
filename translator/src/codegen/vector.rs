//! Lowerings of vector ops: one host operation where Cranelift has it on all three hosts, else the interpreter's
//! function. A vector is `i8x16` between ops and cast to the lanes of each.

use super::emit::{Emitter, clif_type};
use super::integer::{condition, little};
use crate::ir::{Lane, LaneOp, NarrowMode, Op, Sign, Type, Value as IrValue};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, ConstantData, InstBuilder, types};
use cranelift_frontend::FuncInstBuilder;

/// The Cranelift type of lanes.
pub(super) fn lanes(lane: Lane) -> ir::Type {
    match lane {
        Lane::B8 => types::I8X16,
        Lane::B16 => types::I16X8,
        Lane::B32 => types::I32X4,
        Lane::B64 => types::I64X2,
    }
}

impl Emitter<'_, '_> {
    /// A vector operand as lanes of a type.
    pub fn vector(&mut self, value: IrValue, ty: ir::Type) -> ir::Value {
        let value = self.value(value);
        self.cast_lanes(value, ty)
    }

    /// The same bits as lanes of another type.
    pub fn cast_lanes(&mut self, value: ir::Value, ty: ir::Type) -> ir::Value {
        if self.b.func.dfg.value_type(value) == ty {
            value
        } else {
            self.b.ins().bitcast(ty, little(), value)
        }
    }

    /// Lanes of any type as a vector between ops.
    pub fn whole(&mut self, value: ir::Value) -> ir::Value {
        self.cast_lanes(value, types::I8X16)
    }

    pub fn vector_constant(&mut self, bits: u128) -> ir::Value {
        let data = ConstantData::from(&bits.to_le_bytes()[..]);
        let constant = self.b.func.dfg.constants.insert(data);
        self.b.ins().vconst(types::I8X16, constant)
    }

    /// A two-operand lane operation.
    fn lanewise(
        &mut self,
        lane: Lane,
        a: IrValue,
        b: IrValue,
        f: impl FnOnce(FuncInstBuilder<'_, '_>, ir::Value, ir::Value) -> ir::Value,
    ) -> ir::Value {
        let (a, b) = (self.vector(a, lanes(lane)), self.vector(b, lanes(lane)));
        let result = f(self.b.ins(), a, b);
        self.whole(result)
    }

    fn bitwise(
        &mut self,
        a: IrValue,
        b: IrValue,
        f: impl FnOnce(FuncInstBuilder<'_, '_>, ir::Value, ir::Value) -> ir::Value,
    ) -> ir::Value {
        self.lanewise(Lane::B64, a, b, f)
    }

    /// Moves and bitwise ops.
    pub fn vector_bits(&mut self, op: &Op) -> ir::Value {
        match *op {
            Op::VSplat { x, lane } => {
                let x = self.value(x);
                let vector = self.b.ins().splat(lanes(lane), x);
                self.whole(vector)
            }
            Op::VExtract { v, lane, index } => {
                let v = self.vector(v, lanes(lane));
                self.b.ins().extractlane(v, index)
            }
            Op::VInsert { v, x, lane, index } => {
                let (v, x) = (self.vector(v, lanes(lane)), self.value(x));
                let vector = self.b.ins().insertlane(v, x, index);
                self.whole(vector)
            }
            Op::VExtractFloat { v, ty, index } => {
                let v = self.vector(v, lanes_of(ty));
                self.b.ins().extractlane(v, index)
            }
            Op::VInsertFloat { v, x, index } => {
                let ty = lanes_of(self.ty(x));
                let (v, x) = (self.vector(v, ty), self.value(x));
                let vector = self.b.ins().insertlane(v, x, index);
                self.whole(vector)
            }
            Op::VFromScalar { x } => {
                let ty = self.ty(x);
                let mut x = self.value(x);
                let mut of = lanes_of(ty);
                if ty.bytes() < 4 {
                    x = self.b.ins().uextend(types::I32, x);
                    of = types::I32X4;
                }
                let vector = self.b.ins().scalar_to_vector(of, x);
                self.whole(vector)
            }
            Op::VShuffle { a, b, pattern } => {
                let (a, b) = (self.value(a), self.value(b));
                let mask = self.b.func.dfg.immediates.push(ConstantData::from(&pattern.to_le_bytes()[..]));
                self.b.ins().shuffle(a, b, mask)
            }
            Op::VTable { table, indices } => self.bytewise(table, indices, |ins, a, b| ins.swizzle(a, b)),
            Op::VMoveMask { v, lane } => {
                let v = self.vector(v, lanes(lane));
                self.b.ins().vhigh_bits(types::I64, v)
            }
            Op::VAnd { a, b } => self.bitwise(a, b, |ins, a, b| ins.band(a, b)),
            Op::VOr { a, b } => self.bitwise(a, b, |ins, a, b| ins.bor(a, b)),
            Op::VXor { a, b } => self.bitwise(a, b, |ins, a, b| ins.bxor(a, b)),
            Op::VAndNot { a, b } => self.bitwise(a, b, |ins, a, b| ins.band_not(a, b)),
            Op::VNot { a } => {
                let a = self.vector(a, types::I64X2);
                let result = self.b.ins().bnot(a);
                self.whole(result)
            }
            Op::VSelect { mask, a, b } => {
                let [mask, a, b] = [mask, a, b].map(|value| self.vector(value, types::I64X2));
                let result = self.b.ins().bitselect(mask, a, b);
                self.whole(result)
            }
            Op::VAny { v } => {
                let v = self.value(v);
                self.b.ins().vany_true(v)
            }
            _ => self.evaluate(op),
        }
    }

    fn bytewise(
        &mut self,
        a: IrValue,
        b: IrValue,
        f: impl FnOnce(FuncInstBuilder<'_, '_>, ir::Value, ir::Value) -> ir::Value,
    ) -> ir::Value {
        self.lanewise(Lane::B8, a, b, f)
    }

    /// Integer lanes.
    pub fn vector_integer(&mut self, op: &Op) -> ir::Value {
        match *op {
            Op::VAdd { a, b, lane } => self.lanewise(lane, a, b, |ins, a, b| ins.iadd(a, b)),
            Op::VSub { a, b, lane } => self.lanewise(lane, a, b, |ins, a, b| ins.isub(a, b)),
            Op::VMul { a, b, lane } if lane != Lane::B8 => {
                self.lanewise(lane, a, b, |ins, a, b| ins.imul(a, b))
            }
            Op::VMulHigh { a, b, lane: lane @ (Lane::B16 | Lane::B32), sign } => {
                self.mul_high_lanes(a, b, lane, sign)
            }
            Op::VMulWidenLow { a, b, lane, sign } if lane != Lane::B64 => {
                self.mul_widen(a, b, lane, sign, false)
            }
            Op::VMulWidenHigh { a, b, lane, sign } if lane != Lane::B64 => {
                self.mul_widen(a, b, lane, sign, true)
            }
            Op::VAbs { a: v, lane } => {
                let v = self.vector(v, lanes(lane));
                let result = self.b.ins().iabs(v);
                self.whole(result)
            }
            // Saturating lanes of 8 and 16 bits are one instruction on every host.
            Op::VAddSat { a, b, lane: lane @ (Lane::B8 | Lane::B16), sign } => {
                self.lanewise(lane, a, b, |ins, a, b| match sign {
                    Sign::Signed => ins.sadd_sat(a, b),
                    Sign::Unsigned => ins.uadd_sat(a, b),
                })
            }
            Op::VSubSat { a, b, lane: lane @ (Lane::B8 | Lane::B16), sign } => {
                self.lanewise(lane, a, b, |ins, a, b| match sign {
                    Sign::Signed => ins.ssub_sat(a, b),
                    Sign::Unsigned => ins.usub_sat(a, b),
                })
            }
            Op::VHalvingAdd {
                a,
                b,
                lane: lane @ (Lane::B8 | Lane::B16),
                sign: Sign::Unsigned,
                rounding: true,
            } => self.lanewise(lane, a, b, |ins, a, b| ins.avg_round(a, b)),
            Op::VMin { a, b, lane, sign } if lane != Lane::B64 => {
                self.lanewise(lane, a, b, |ins, a, b| match sign {
                    Sign::Signed => ins.smin(a, b),
                    Sign::Unsigned => ins.umin(a, b),
                })
            }
            Op::VMax { a, b, lane, sign } if lane != Lane::B64 => {
                self.lanewise(lane, a, b, |ins, a, b| match sign {
                    Sign::Signed => ins.smax(a, b),
                    Sign::Unsigned => ins.umax(a, b),
                })
            }
            Op::VICmp { a, b, lane, cond } => {
                self.lanewise(lane, a, b, |ins, a, b| ins.icmp(condition(cond), a, b))
            }
            Op::VShl { v, lane, amount } => self.shift(v, lane, amount, |ins, v, by| ins.ishl(v, by)),
            Op::VLShr { v, lane, amount } if u32::from(amount) >= lane.bits() => {
                let _ = v;
                self.vector_constant(0)
            }
            Op::VLShr { v, lane, amount } => self.shift(v, lane, amount, |ins, v, by| ins.ushr(v, by)),
            Op::VAShr { v, lane, amount } => {
                let amount = u32::from(amount).min(lane.bits() - 1) as u8;
                self.shift(v, lane, amount, |ins, v, by| ins.sshr(v, by))
            }
            Op::VShlScalar { v, amount, lane } => {
                self.shift_scalar(v, amount, lane, true, |ins, v, by| ins.ishl(v, by))
            }
            Op::VLShrScalar { v, amount, lane } => {
                self.shift_scalar(v, amount, lane, true, |ins, v, by| ins.ushr(v, by))
            }
            Op::VAShrScalar { v, amount, lane } => {
                self.shift_scalar(v, amount, lane, false, |ins, v, by| ins.sshr(v, by))
            }
            Op::VPopcnt { v } => {
                let v = self.value(v);
                self.b.ins().popcnt(v)
            }
            Op::VWidenLow { v, lane, sign } if lane != Lane::B64 => self.widen(v, lane, sign, false),
            Op::VWidenHigh { v, lane, sign } if lane != Lane::B64 => self.widen(v, lane, sign, true),
            Op::VNarrow { a, b, lane, mode } => self.narrow(op, a, b, lane, mode),
            Op::VPairwise { a, b, lane, op: LaneOp::Add } if lane != Lane::B64 => {
                // Neighbours apart: even lanes, odd lanes, one sum.
                let (even, odd) = (self.unzip(a, b, lane, 0), self.unzip(a, b, lane, 1));
                let [even, odd] = [even, odd].map(|half| self.cast_lanes(half, lanes(lane)));
                let sum = self.b.ins().iadd(even, odd);
                self.whole(sum)
            }
            Op::VPairwise { a, b, lane, op: lane_op } if lane != Lane::B64 => {
                let (even, odd) = (self.unzip(a, b, lane, 0), self.unzip(a, b, lane, 1));
                let [even, odd] = [even, odd].map(|half| self.cast_lanes(half, lanes(lane)));
                let result = combine(self.b.ins(), lane_op, even, odd);
                self.whole(result)
            }
            Op::VReduce { v, lane, op: lane_op } => self.reduce(op, v, lane, lane_op),
            _ => self.evaluate(op),
        }
    }

    fn shift(
        &mut self,
        v: IrValue,
        lane: Lane,
        amount: u8,
        f: impl FnOnce(FuncInstBuilder<'_, '_>, ir::Value, ir::Value) -> ir::Value,
    ) -> ir::Value {
        let v = self.vector(v, lanes(lane));
        let by = self.b.ins().iconst(types::I32, i64::from(amount));
        let result = f(self.b.ins(), v, by);
        self.whole(result)
    }

    /// Cranelift takes the amount modulo the lane width; x86 shifts everything out from there on (or saturates the
    /// amount of an arithmetic shift).
    fn shift_scalar(
        &mut self,
        v: IrValue,
        amount: IrValue,
        lane: Lane,
        zero: bool,
        f: impl FnOnce(FuncInstBuilder<'_, '_>, ir::Value, ir::Value) -> ir::Value,
    ) -> ir::Value {
        let (v, amount) = (self.vector(v, lanes(lane)), self.value(amount));
        let last = self.b.ins().iconst(types::I64, i64::from(lane.bits()) - 1);
        let over = self.b.ins().icmp(IntCC::UnsignedGreaterThan, amount, last);
        let by = self.b.ins().select(over, last, amount);
        let by = self.b.ins().ireduce(types::I32, by);
        let shifted = f(self.b.ins(), v, by);
        let shifted = self.whole(shifted);
        if !zero {
            return shifted;
        }
        let none = self.vector_constant(0);
        self.b.ins().select(over, none, shifted)
    }

    fn widen(&mut self, v: IrValue, lane: Lane, sign: Sign, high: bool) -> ir::Value {
        let v = self.vector(v, lanes(lane));
        let wide = self.widen_lanes(v, sign, high);
        self.whole(wide)
    }

    fn widen_lanes(&mut self, v: ir::Value, sign: Sign, high: bool) -> ir::Value {
        match (sign, high) {
            (Sign::Signed, false) => self.b.ins().swiden_low(v),
            (Sign::Signed, true) => self.b.ins().swiden_high(v),
            (Sign::Unsigned, false) => self.b.ins().uwiden_low(v),
            (Sign::Unsigned, true) => self.b.ins().uwiden_high(v),
        }
    }

    fn mul_widen(&mut self, a: IrValue, b: IrValue, lane: Lane, sign: Sign, high: bool) -> ir::Value {
        let [a, b] = [a, b].map(|value| {
            let value = self.vector(value, lanes(lane));
            self.widen_lanes(value, sign, high)
        });
        let product = self.b.ins().imul(a, b);
        self.whole(product)
    }

    /// Products of both halves at twice the width, then the odd half-lanes of both.
    fn mul_high_lanes(&mut self, a: IrValue, b: IrValue, lane: Lane, sign: Sign) -> ir::Value {
        let low = self.mul_widen(a, b, lane, sign, false);
        let high = self.mul_widen(a, b, lane, sign, true);
        self.unzip_values(low, high, lane, 1)
    }

    /// Lanes `parity`, `parity + 2`, ... of `a`, then of `b`.
    fn unzip(&mut self, a: IrValue, b: IrValue, lane: Lane, parity: u32) -> ir::Value {
        let (a, b) = (self.value(a), self.value(b));
        self.unzip_values(a, b, lane, parity)
    }

    fn unzip_values(&mut self, a: ir::Value, b: ir::Value, lane: Lane, parity: u32) -> ir::Value {
        let width = lane.bits() / 8;
        let mut pattern = [0u8; 16];
        for (at, byte) in pattern.iter_mut().enumerate() {
            let (index, within) = (at as u32 / width, at as u32 % width);
            *byte = ((2 * index + parity) * width + within) as u8;
        }
        let mask = self.b.func.dfg.immediates.push(ConstantData::from(&pattern[..]));
        self.b.ins().shuffle(a, b, mask)
    }

    fn narrow(&mut self, op: &Op, a: IrValue, b: IrValue, lane: Lane, mode: NarrowMode) -> ir::Value {
        let Some(half) = lane.half() else { return self.evaluate(op) };
        match mode {
            NarrowMode::Truncate => self.unzip(a, b, half, 0),
            NarrowMode::Signed if lane != Lane::B64 => {
                self.lanewise(lane, a, b, |ins, a, b| ins.snarrow(a, b))
            }
            NarrowMode::SignedToUnsigned if lane != Lane::B64 => {
                self.lanewise(lane, a, b, |ins, a, b| ins.unarrow(a, b))
            }
            _ => self.evaluate(op),
        }
    }

    /// Halves combined until one lane is left.
    fn reduce(&mut self, op: &Op, v: IrValue, lane: Lane, lane_op: LaneOp) -> ir::Value {
        if lane == Lane::B64 && lane_op != LaneOp::Add {
            return self.evaluate(op);
        }
        let mut vector = self.value(v);
        let mut bytes = 8u8;
        while u32::from(bytes) * 8 >= lane.bits() {
            let mut pattern = [0u8; 16];
            for (at, byte) in pattern.iter_mut().enumerate() {
                *byte = (at as u8 + bytes) % 16;
            }
            let mask = self.b.func.dfg.immediates.push(ConstantData::from(&pattern[..]));
            let turned = self.b.ins().shuffle(vector, vector, mask);
            let [a, b] = [vector, turned].map(|value| self.cast_lanes(value, lanes(lane)));
            let both = combine(self.b.ins(), lane_op, a, b);
            vector = self.whole(both);
            bytes /= 2;
        }
        let vector = self.cast_lanes(vector, lanes(lane));
        self.b.ins().extractlane(vector, 0)
    }
}

fn combine(ins: FuncInstBuilder<'_, '_>, op: LaneOp, a: ir::Value, b: ir::Value) -> ir::Value {
    match op {
        LaneOp::Add => ins.iadd(a, b),
        LaneOp::Smin => ins.smin(a, b),
        LaneOp::Smax => ins.smax(a, b),
        LaneOp::Umin => ins.umin(a, b),
        LaneOp::Umax => ins.umax(a, b),
    }
}

/// Lanes of the width and kind of a scalar type.
fn lanes_of(ty: Type) -> ir::Type {
    match ty {
        Type::F32 => types::F32X4,
        Type::F64 => types::F64X2,
        other => match clif_type(other) {
            types::I8 => types::I8X16,
            types::I16 => types::I16X8,
            types::I32 => types::I32X4,
            _ => types::I64X2,
        },
    }
}
