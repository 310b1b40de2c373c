//! Lowerings of integer ops and conversions.

use super::emit::{Emitter, clif_type};
use crate::ir::{Cond, Op, Type, Value as IrValue};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, InstBuilder, MemFlagsData, types};
use cranelift_frontend::FuncInstBuilder;

/// The host's condition of an IR condition.
pub(super) fn condition(cond: Cond) -> IntCC {
    match cond {
        Cond::Eq => IntCC::Equal,
        Cond::Ne => IntCC::NotEqual,
        Cond::Slt => IntCC::SignedLessThan,
        Cond::Sle => IntCC::SignedLessThanOrEqual,
        Cond::Sgt => IntCC::SignedGreaterThan,
        Cond::Sge => IntCC::SignedGreaterThanOrEqual,
        Cond::Ult => IntCC::UnsignedLessThan,
        Cond::Ule => IntCC::UnsignedLessThanOrEqual,
        Cond::Ugt => IntCC::UnsignedGreaterThan,
        Cond::Uge => IntCC::UnsignedGreaterThanOrEqual,
    }
}

impl Emitter<'_, '_> {
    /// An integer constant; its bits as Cranelift wants them, sign-extended.
    pub fn constant(&mut self, ty: Type, imm: u64) -> ir::Value {
        let clif = clif_type(ty);
        let imm = if ty == Type::I1 { imm & 1 } else { imm };
        let shift = 64 - clif.bits();
        // Cranelift wants the bits of a narrow constant zero-extended.
        self.b.ins().iconst(clif, ((imm << shift) >> shift) as i64)
    }

    /// A two-operand instruction.
    pub fn binary(
        &mut self,
        a: IrValue,
        b: IrValue,
        f: impl FnOnce(FuncInstBuilder<'_, '_>, ir::Value, ir::Value) -> ir::Value,
    ) -> ir::Value {
        let (a, b) = (self.value(a), self.value(b));
        f(self.b.ins(), a, b)
    }

    // A condition is 0 or 1 in a byte: sums of one bit are exclusive ors, products are ands.
    pub fn add(&mut self, a: IrValue, b: IrValue) -> ir::Value {
        let bit = self.ty(a) == Type::I1;
        self.binary(a, b, |ins, a, b| if bit { ins.bxor(a, b) } else { ins.iadd(a, b) })
    }

    pub fn sub(&mut self, a: IrValue, b: IrValue) -> ir::Value {
        let bit = self.ty(a) == Type::I1;
        self.binary(a, b, |ins, a, b| if bit { ins.bxor(a, b) } else { ins.isub(a, b) })
    }

    pub fn mul(&mut self, a: IrValue, b: IrValue) -> ir::Value {
        let bit = self.ty(a) == Type::I1;
        self.binary(a, b, |ins, a, b| if bit { ins.band(a, b) } else { ins.imul(a, b) })
    }

    pub fn mul_high(&mut self, a: IrValue, b: IrValue, signed: bool) -> ir::Value {
        let ty = self.ty(a);
        let (a, b) = (self.value(a), self.value(b));
        if ty == Type::I64 {
            return if signed { self.b.ins().smulhi(a, b) } else { self.b.ins().umulhi(a, b) };
        }
        // Narrower products fit 64 bits.
        let [a, b] = [a, b].map(|value| {
            if signed {
                self.b.ins().sextend(types::I64, value)
            } else {
                self.b.ins().uextend(types::I64, value)
            }
        });
        let product = self.b.ins().imul(a, b);
        let high = self.b.ins().ushr_imm_u(product, i64::from(ty.bits()));
        self.b.ins().ireduce(clif_type(ty), high)
    }

    /// Quotient or remainder with the IR's answers for division by zero and overflow. The host's instruction traps (or
    /// Cranelift makes it trap) in these cases, so it is given a divisor of one then.
    pub fn divide(&mut self, a: IrValue, b: IrValue, signed: bool, remainder: bool) -> ir::Value {
        let ty = self.ty(a);
        let (a, b) = (self.value(a), self.value(b));
        if ty.bytes() >= 4 {
            return self.divide_values(a, b, signed, remainder);
        }
        let [a, b] = [a, b].map(|value| {
            if signed {
                self.b.ins().sextend(types::I32, value)
            } else {
                self.b.ins().uextend(types::I32, value)
            }
        });
        let result = self.divide_values(a, b, signed, remainder);
        self.b.ins().ireduce(clif_type(ty), result)
    }

    fn divide_values(&mut self, a: ir::Value, b: ir::Value, signed: bool, remainder: bool) -> ir::Value {
        let ty = self.b.func.dfg.value_type(a);
        let zero_divisor = self.is_zero(b);
        let mut special = zero_divisor;
        if signed {
            let least = self.b.ins().iconst(ty, (1u64 << (ty.bits() - 1)) as i64);
            let is_least = self.b.ins().icmp(IntCC::Equal, a, least);
            let minus_one = self.b.ins().icmp_imm_s(IntCC::Equal, b, -1);
            let overflows = self.b.ins().band(is_least, minus_one);
            special = self.b.ins().bor(special, overflows);
        }
        let one = self.b.ins().iconst(ty, 1);
        let divisor = self.b.ins().select(special, one, b);
        if remainder {
            let result = if signed { self.b.ins().srem(a, divisor) } else { self.b.ins().urem(a, divisor) };
            self.b.ins().select(zero_divisor, a, result)
        } else {
            let result = if signed { self.b.ins().sdiv(a, divisor) } else { self.b.ins().udiv(a, divisor) };
            let zero = self.b.ins().iconst(ty, 0);
            self.b.ins().select(zero_divisor, zero, result)
        }
    }

    /// 128 by 64 bits. Inline where the high half only extends the low one, as compilers write it.
    pub fn divide_wide(
        &mut self,
        op: &Op,
        high: IrValue,
        low: IrValue,
        divisor: IrValue,
        remainder: bool,
    ) -> ir::Value {
        let signed = matches!(op, Op::SDivWide { .. } | Op::SRemWide { .. });
        let (high, low, divisor) = (self.value(high), self.value(low), self.value(divisor));
        let narrow = self.narrow_dividend(high, low, signed);
        if !signed {
            return self.fast_or_evaluate(op, narrow, |emitter| {
                let result = emitter.divide_values(low, divisor, signed, remainder);
                if remainder { emitter.zero_if_zero(divisor, result) } else { result }
            });
        }
        self.fast_or_evaluate(op, narrow, |emitter| {
            let result = emitter.divide_values(low, divisor, true, remainder);
            if remainder { emitter.zero_if_zero(divisor, result) } else { result }
        })
    }

    /// Whether `high:low` is `low` extended.
    fn narrow_dividend(&mut self, high: ir::Value, low: ir::Value, signed: bool) -> ir::Value {
        if signed {
            let sign = self.b.ins().sshr_imm_u(low, 63);
            self.b.ins().icmp(IntCC::Equal, high, sign)
        } else {
            self.is_zero(high)
        }
    }

    /// Wide remainders by zero are zero, not the dividend.
    fn zero_if_zero(&mut self, divisor: ir::Value, result: ir::Value) -> ir::Value {
        let by_zero = self.is_zero(divisor);
        let zero = self.b.ins().iconst(types::I64, 0);
        self.b.ins().select(by_zero, zero, result)
    }

    pub fn divide_wide_overflows(
        &mut self,
        op: &Op,
        high: IrValue,
        low: IrValue,
        divisor: IrValue,
    ) -> ir::Value {
        let (high, low, divisor) = (self.value(high), self.value(low), self.value(divisor));
        let narrow = self.narrow_dividend(high, low, true);
        self.fast_or_evaluate(op, narrow, |emitter| {
            // A 64-bit dividend: only MIN / -1 does not fit.
            let least = emitter.b.ins().iconst(types::I64, i64::MIN);
            let is_least = emitter.b.ins().icmp(IntCC::Equal, low, least);
            let minus_one = emitter.b.ins().icmp_imm_s(IntCC::Equal, divisor, -1);
            let overflows = emitter.b.ins().band(is_least, minus_one);
            let by_zero = emitter.is_zero(divisor);
            emitter.b.ins().bor(overflows, by_zero)
        })
    }

    pub fn carry(&mut self, a: IrValue, b: IrValue, carry_in: IrValue) -> ir::Value {
        let incoming = self.constant_of(carry_in);
        let (a, b) = (self.value(a), self.value(b));
        let sum = self.b.ins().iadd(a, b);
        let first = self.b.ins().icmp(IntCC::UnsignedLessThan, sum, a);
        if incoming == Some(0) {
            return first;
        }
        let total = self.add_condition(sum, carry_in);
        let second = self.b.ins().icmp(IntCC::UnsignedLessThan, total, sum);
        self.b.ins().bor(first, second)
    }

    pub fn overflow(&mut self, a: IrValue, b: IrValue, carry_in: IrValue) -> ir::Value {
        let (a, b) = (self.value(a), self.value(b));
        let sum = self.b.ins().iadd(a, b);
        let total = self.add_condition(sum, carry_in);
        // Both operands have the sign that the sum has not.
        let left = self.b.ins().bxor(a, total);
        let right = self.b.ins().bxor(b, total);
        let both = self.b.ins().band(left, right);
        self.b.ins().icmp_imm_s(IntCC::SignedLessThan, both, 0)
    }

    fn add_condition(&mut self, sum: ir::Value, condition: IrValue) -> ir::Value {
        if self.constant_of(condition) == Some(0) {
            return sum;
        }
        let ty = self.b.func.dfg.value_type(sum);
        let condition = self.value(condition);
        let wide = if ty == types::I8 { condition } else { self.b.ins().uextend(ty, condition) };
        self.b.ins().iadd(sum, wide)
    }

    /// The bits of an IR value that is a constant.
    pub fn constant_of(&self, value: IrValue) -> Option<u64> {
        self.block.constant(value)
    }

    /// Runs `f` on a value of at least 32 bits, zero-extended.
    fn at_least_32(
        &mut self,
        a: IrValue,
        f: impl FnOnce(&mut Self, ir::Value, u32) -> ir::Value,
    ) -> ir::Value {
        let ty = self.ty(a);
        let value = self.value(a);
        if ty.bytes() >= 4 {
            return f(self, value, 0);
        }
        let wide = self.b.ins().uextend(types::I32, value);
        let result = f(self, wide, ty.bits());
        self.b.ins().ireduce(clif_type(ty), result)
    }

    pub fn clz(&mut self, a: IrValue) -> ir::Value {
        self.at_least_32(a, |emitter, value, bits| {
            let zeros = emitter.b.ins().clz(value);
            if bits == 0 { zeros } else { emitter.b.ins().iadd_imm_s(zeros, i64::from(bits) - 32) }
        })
    }

    pub fn ctz(&mut self, a: IrValue) -> ir::Value {
        self.at_least_32(a, |emitter, value, bits| {
            // A bit above the value stops the count at its width.
            let value = if bits == 0 { value } else { emitter.b.ins().bor_imm_u(value, 1 << bits) };
            emitter.b.ins().ctz(value)
        })
    }

    pub fn popcnt(&mut self, a: IrValue) -> ir::Value {
        self.at_least_32(a, |emitter, value, _| emitter.b.ins().popcnt(value))
    }

    pub fn bswap(&mut self, a: IrValue) -> ir::Value {
        let ty = self.ty(a);
        let value = self.value(a);
        if ty.bytes() == 1 { value } else { self.b.ins().bswap(value) }
    }

    pub fn icmp(&mut self, a: IrValue, b: IrValue, cond: Cond) -> ir::Value {
        let one_bit = self.ty(a) == Type::I1;
        let (mut x, mut y) = (self.value(a), self.value(b));
        if one_bit && matches!(cond, Cond::Slt | Cond::Sle | Cond::Sgt | Cond::Sge) {
            // As a signed number the bit is 0 or -1.
            x = self.b.ins().ineg(x);
            y = self.b.ins().ineg(y);
        }
        self.b.ins().icmp(condition(cond), x, y)
    }

    pub fn zext(&mut self, a: IrValue, ty: Type) -> ir::Value {
        if let Some(value) = self.extended_by_load(a, ty, false) {
            return value;
        }
        let value = self.value(a);
        let (from, to) = (clif_type(self.ty(a)), clif_type(ty));
        if from == to { value } else { self.b.ins().uextend(to, value) }
    }

    pub fn sext(&mut self, a: IrValue, ty: Type) -> ir::Value {
        if let Some(value) = self.extended_by_load(a, ty, true) {
            return value;
        }
        let mut value = self.value(a);
        if self.ty(a) == Type::I1 {
            value = self.b.ins().ineg(value);
        }
        let (from, to) = (clif_type(self.ty(a)), clif_type(ty));
        if from == to { value } else { self.b.ins().sextend(to, value) }
    }

    /// An extension of what was loaded together with such an extension to 64 bits.
    fn extended_by_load(&mut self, a: IrValue, ty: Type, signed: bool) -> Option<ir::Value> {
        let &(wide, by_sign) = self.extended.get(&a.index())?;
        let to = clif_type(ty);
        (by_sign == signed && to.bits() <= 64)
            .then(|| if to == types::I64 { wide } else { self.b.ins().ireduce(to, wide) })
    }

    pub fn trunc(&mut self, a: IrValue, ty: Type) -> ir::Value {
        let value = self.value(a);
        let (from, to) = (clif_type(self.ty(a)), clif_type(ty));
        let low = if from == to { value } else { self.b.ins().ireduce(to, value) };
        if ty == Type::I1 { self.b.ins().band_imm_u(low, 1) } else { low }
    }

    /// A value of at most 64 bits as an I64, zero-extended.
    pub fn extend_to_i64(&mut self, value: ir::Value, ty: Type) -> ir::Value {
        if clif_type(ty) == types::I64 { value } else { self.b.ins().uextend(types::I64, value) }
    }

    pub fn bitcast(&mut self, a: IrValue, ty: Type) -> ir::Value {
        let value = self.value(a);
        match (self.ty(a), ty) {
            (Type::I128, Type::V128) => self.i128_to_vector(value),
            (Type::V128, Type::I128) => self.vector_to_i128(value),
            (from, to) if clif_type(from) == clif_type(to) => value,
            (_, to) => self.b.ins().bitcast(clif_type(to), little(), value),
        }
    }

    pub fn i128_to_vector(&mut self, value: ir::Value) -> ir::Value {
        let (low, high) = self.b.ins().isplit(value);
        let vector = self.b.ins().scalar_to_vector(types::I64X2, low);
        let vector = self.b.ins().insertlane(vector, high, 1);
        self.b.ins().bitcast(types::I8X16, little(), vector)
    }

    pub fn vector_to_i128(&mut self, vector: ir::Value) -> ir::Value {
        let lanes = self.b.ins().bitcast(types::I64X2, little(), vector);
        let low = self.b.ins().extractlane(lanes, 0);
        let high = self.b.ins().extractlane(lanes, 1);
        self.b.ins().iconcat(low, high)
    }
}

/// Lanes are numbered from the least significant, on every host.
pub(super) fn little() -> MemFlagsData {
    MemFlagsData::new().with_endianness(ir::Endianness::Little)
}
