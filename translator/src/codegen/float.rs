//! Lowerings of float ops: host arithmetic where its result is certainly the guest's, else the exact soft-float.
//!
//! The fast path needs an environment without flushing, traps or directed rounding, and, for ops that may round, the
//! key's promise that the inexact flag is set already. Then a host result differs from the guest's only in rare cases,
//! and each shows in the result or the operands:
//!
//! | op | what is computed again |
//! | --- | --- |
//! | add, sub, sqrt | infinity or NaN (a subnormal or zero sum is exact) |
//! | mul, div, fma, narrowing | infinity, NaN, zero (unless it comes from a zero operand), subnormal, and the smallest  binade, whose first number may have been rounded up from a tiny one |
//! | comparison, minimum, maximum | an operand is a NaN |
//! | float to integer | NaN or out of range |
//! | x86 guests, all of them | an operand is subnormal, unless the denormal flag is promised too |
//!
//! Host exception flags are neither read nor cleared.

use super::emit::{Emitter, clif_type};
use super::integer::little;
use super::vector::{float_lanes, lanes};
use crate::float::flags;
use crate::guest::{FpEnv, Guest};
use crate::ir::{FloatCond, MinMaxRule, Op, Round, Sign, Type, Value as IrValue};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, types};

/// Which results of an arithmetic op are doubtful.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// Infinities and NaNs.
    Large,
    /// These, zeros, subnormals, and numbers of the smallest exponent.
    LargeOrSmall,
}

impl Emitter<'_, '_> {
    /// `fneg` or `fabs`: bits only, NaNs too.
    pub fn float_sign(&mut self, a: IrValue, negate: bool) -> ir::Value {
        let ty = self.ty(a);
        let a = self.value(a);
        match (ty, negate) {
            (Type::F32 | Type::F64, true) => self.b.ins().fneg(a),
            (Type::F32 | Type::F64, false) => self.b.ins().fabs(a),
            (_, true) => self.b.ins().bxor_imm_u(a, 0x8000),
            (_, false) => self.b.ins().band_imm_u(a, 0x7fff),
        }
    }

    /// Scalar ops.
    pub fn float(&mut self, op: &Op) -> ir::Value {
        self.float_inline(op).unwrap_or_else(|| self.evaluate(op))
    }

    /// Nothing flushed, nothing trapped; the rounding mode does not matter.
    fn plain_environment(&self) -> bool {
        self.plan.key.env.0 & !(7 | FpEnv::DEFAULT_NAN | FpEnv::FLUSH_HALF) == 0
    }

    /// Whether host arithmetic rounds as the op does, and the inexact flag need not be found out.
    fn rounds_like_host(&self, round: Round) -> bool {
        let nearest = match round {
            Round::Current => self.plan.key.env.0 & 7 == 0,
            Round::NearestEven => true,
            _ => false,
        };
        nearest && self.inexact_is_set() && self.plain_environment()
    }

    fn inexact_is_set(&self) -> bool {
        self.plan.key.sticky & flags::INEXACT != 0
    }

    fn float_inline(&mut self, op: &Op) -> Option<ir::Value> {
        if self.block.types[self.at].is_some_and(|ty| matches!(ty, Type::F16 | Type::Bf16)) {
            return None;
        }
        let host = |ty: Type| matches!(ty, Type::F32 | Type::F64);
        match *op {
            Op::FAdd { a, b, round } if self.rounds_like_host(round) => {
                let result = self.binary(a, b, |ins, a, b| ins.fadd(a, b));
                Some(self.checked(op, result, &[a, b], Doubt::Large))
            }
            Op::FSub { a, b, round } if self.rounds_like_host(round) => {
                let result = self.binary(a, b, |ins, a, b| ins.fsub(a, b));
                Some(self.checked(op, result, &[a, b], Doubt::Large))
            }
            Op::FMul { a, b, round } if self.rounds_like_host(round) => {
                let result = self.binary(a, b, |ins, a, b| ins.fmul(a, b));
                Some(self.checked(op, result, &[a, b], Doubt::LargeOrSmall))
            }
            Op::FDiv { a, b, round } if self.rounds_like_host(round) => {
                let result = self.binary(a, b, |ins, a, b| ins.fdiv(a, b));
                Some(self.checked(op, result, &[a, b], Doubt::LargeOrSmall))
            }
            Op::FSqrt { a, round } if self.rounds_like_host(round) => {
                let value = self.value(a);
                let result = self.b.ins().sqrt(value);
                Some(self.checked(op, result, &[a], Doubt::Large))
            }
            Op::Fma { a, b, c, round } if self.rounds_like_host(round) && self.features.fma => {
                let (x, y, z) = (self.value(a), self.value(b), self.value(c));
                let result = self.b.ins().fma(x, y, z);
                Some(self.checked(op, result, &[a, b, c], Doubt::LargeOrSmall))
            }
            Op::FMin { a, b, rule } if host(self.ty(a)) => self.min_max(op, a, b, rule, true),
            Op::FMax { a, b, rule } if host(self.ty(a)) => self.min_max(op, a, b, rule, false),
            Op::FCmp { a, b, cond, .. } if host(self.ty(a)) && self.plain_environment() => {
                let (x, y) = (self.value(a), self.value(b));
                let result = self.b.ins().fcmp(float_condition(cond), x, y);
                let unordered = self.b.ins().fcmp(FloatCC::Unordered, x, y);
                let doubt = self.or_subnormal(unordered, &[a, b]);
                Some(self.unless_evaluate(op, doubt, result))
            }
            Op::FConvert { a, ty: Type::F64, .. } if self.ty(a) == Type::F32 && self.plain_environment() => {
                let value = self.value(a);
                let result = self.b.ins().fpromote(types::F64, value);
                let nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
                let doubt = self.or_subnormal(nan, &[a]);
                Some(self.unless_evaluate(op, doubt, result))
            }
            Op::FConvert { a, ty: Type::F32, round }
                if self.ty(a) == Type::F64 && self.rounds_like_host(round) =>
            {
                let value = self.value(a);
                let result = self.b.ins().fdemote(types::F32, value);
                Some(self.checked(op, result, &[a], Doubt::LargeOrSmall))
            }
            Op::IntToFloat { a, ty, sign, round, fraction: 0 } => self.int_to_float(a, ty, sign, round),
            Op::FloatToInt { a, ty, sign, round, fraction: 0, .. } if host(self.ty(a)) => {
                self.float_to_int(op, a, ty, sign, round)
            }
            Op::FRound { a, round, exact } if host(self.ty(a)) && self.plain_environment() => {
                if exact && !self.inexact_is_set() {
                    return None;
                }
                let value = self.value(a);
                let result = self.round_value(value, round)?;
                let nan = self.b.ins().fcmp(FloatCC::Unordered, value, value);
                let doubt = self.or_subnormal(nan, &[a]);
                Some(self.unless_evaluate(op, doubt, result))
            }
            _ => None,
        }
    }

    /// Rounds to an integral value.
    fn round_value(&mut self, value: ir::Value, round: Round) -> Option<ir::Value> {
        let mode = match round {
            Round::Current => self.plan.key.env.0 & 7,
            Round::NearestEven => 0,
            Round::TowardZero => 1,
            Round::Down => 2,
            Round::Up => 3,
            Round::NearestAway | Round::Odd => return None,
        };
        Some(match mode {
            0 => self.b.ins().nearest(value),
            1 => self.b.ins().trunc(value),
            2 => self.b.ins().floor(value),
            3 => self.b.ins().ceil(value),
            _ => return None,
        })
    }

    fn min_max(&mut self, op: &Op, a: IrValue, b: IrValue, rule: MinMaxRule, min: bool) -> Option<ir::Value> {
        if !self.plain_environment() {
            return None;
        }
        let (x, y) = (self.value(a), self.value(b));
        let result = if rule == MinMaxRule::Second {
            let cond = if min { FloatCC::LessThan } else { FloatCC::GreaterThan };
            let first = self.b.ins().fcmp(cond, x, y);
            self.b.ins().select(first, x, y)
        } else if min {
            self.b.ins().fmin(x, y)
        } else {
            self.b.ins().fmax(x, y)
        };
        let unordered = self.b.ins().fcmp(FloatCC::Unordered, x, y);
        let doubt = self.or_subnormal(unordered, &[a, b]);
        Some(self.unless_evaluate(op, doubt, result))
    }

    fn int_to_float(&mut self, a: IrValue, ty: Type, sign: Sign, round: Round) -> Option<ir::Value> {
        let from = self.ty(a);
        let exact = from.bits() < 32 || from.bits() == 32 && ty == Type::F64;
        if !exact && !self.rounds_like_host(round) {
            return None;
        }
        let mut value = self.value(a);
        // A signed 64-bit source serves every narrower one, and is one instruction on every host.
        if from.bits() < 64 {
            value = match sign {
                Sign::Signed => self.b.ins().sextend(types::I64, value),
                Sign::Unsigned => self.b.ins().uextend(types::I64, value),
            };
        }
        Some(if from == Type::I64 && sign == Sign::Unsigned {
            self.b.ins().fcvt_from_uint(clif_type(ty), value)
        } else {
            self.b.ins().fcvt_from_sint(clif_type(ty), value)
        })
    }

    fn float_to_int(&mut self, op: &Op, a: IrValue, ty: Type, sign: Sign, round: Round) -> Option<ir::Value> {
        if !self.inexact_is_set() || !self.plain_environment() || !matches!(ty, Type::I32 | Type::I64) {
            return None;
        }
        let value = self.value(a);
        let integral = match round {
            Round::TowardZero => value,
            Round::Current if self.plan.key.env.0 & 7 == 1 => value,
            _ => self.round_value(value, round)?,
        };
        // Inside the range, -1 < x < 2^63 or |x| < 2^31 and so on, a signed 64-bit conversion is right.
        let bits = match (ty, sign) {
            (Type::I32, Sign::Signed) => 31,
            (Type::I32, Sign::Unsigned) => 32,
            _ => 63,
        };
        let limit = self.float_constant(self.ty(a), f64::from(bits).exp2());
        let magnitude = if sign == Sign::Signed { self.b.ins().fabs(integral) } else { integral };
        let too_large = self.b.ins().fcmp(FloatCC::UnorderedOrGreaterThanOrEqual, magnitude, limit);
        let mut doubt = too_large;
        if sign == Sign::Unsigned {
            let zero = self.float_constant(self.ty(a), 0.0);
            let negative = self.b.ins().fcmp(FloatCC::LessThan, integral, zero);
            doubt = self.b.ins().bor(doubt, negative);
        }
        let doubt = self.or_subnormal(doubt, &[a]);
        Some(self.fast_or_evaluate_unless(op, doubt, |emitter| {
            let wide = emitter.b.ins().fcvt_to_sint(types::I64, integral);
            if ty == Type::I32 { emitter.b.ins().ireduce(types::I32, wide) } else { wide }
        }))
    }

    fn float_constant(&mut self, ty: Type, value: f64) -> ir::Value {
        if ty == Type::F32 { self.b.ins().f32const(value as f32) } else { self.b.ins().f64const(value) }
    }

    /// The biased exponent of a scalar, shifted down.
    fn exponent(&mut self, value: ir::Value) -> ir::Value {
        let (int, fraction) =
            if self.b.func.dfg.value_type(value) == types::F32 { (types::I32, 24) } else { (types::I64, 53) };
        let bits = self.b.ins().bitcast(int, little(), value);
        let doubled = self.b.ins().iadd(bits, bits);
        self.b.ins().ushr_imm_u(doubled, fraction)
    }

    /// A host result, computed again where it is in doubt.
    fn checked(&mut self, op: &Op, result: ir::Value, operands: &[IrValue], doubt: Doubt) -> ir::Value {
        let largest = if self.b.func.dfg.value_type(result) == types::F32 { 0xff } else { 0x7ff };
        let exponent = self.exponent(result);
        let doubtful = match doubt {
            Doubt::Large => self.b.ins().icmp_imm_u(IntCC::Equal, exponent, largest),
            Doubt::LargeOrSmall => {
                // Exponents 0 and 1 wrap around to the top.
                let below = self.b.ins().iadd_imm_s(exponent, -2);
                self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThanOrEqual, below, largest - 2)
            }
        };
        let doubtful = self.or_subnormal(doubtful, operands);
        let zeros = match (doubt, op) {
            (Doubt::LargeOrSmall, Op::FMul { .. }) => operands,
            (Doubt::LargeOrSmall, Op::FDiv { .. } | Op::FConvert { .. }) => &operands[..1],
            _ => &[],
        };
        if zeros.is_empty() {
            return self.unless_evaluate(op, doubtful, result);
        }
        // A zero that comes from a zero is exact; worth a look, as there are many of them.
        let (look, join) = (self.b.create_block(), self.b.create_block());
        let joined = self.b.append_block_param(join, self.b.func.dfg.value_type(result));
        self.b.set_cold_block(look);
        self.b.ins().brif(doubtful, look, &[], join, &[ir::BlockArg::Value(result)]);
        self.b.seal_block(look);
        self.b.switch_to_block(look);
        let mut from_zero = None;
        for &operand in zeros {
            let ty = self.ty(operand);
            let (operand, zero) = (self.value(operand), self.float_constant(ty, 0.0));
            let is_zero = self.b.ins().fcmp(FloatCC::Equal, operand, zero);
            from_zero = Some(match from_zero {
                None => is_zero,
                Some(other) => self.b.ins().bor(other, is_zero),
            });
        }
        let is_zero = {
            let double = self.b.func.dfg.value_type(result) == types::F64;
            let zero = self.float_constant(if double { Type::F64 } else { Type::F32 }, 0.0);
            self.b.ins().fcmp(FloatCC::Equal, result, zero)
        };
        let fine = self.b.ins().band(from_zero.expect("an operand"), is_zero);
        let wrong = self.b.ins().bxor_imm_u(fine, 1);
        let wrong = self.or_subnormal(wrong, operands);
        let exact = self.unless_evaluate(op, wrong, result);
        self.b.ins().jump(join, &[ir::BlockArg::Value(exact)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        joined
    }

    /// x86 guests that have not raised the denormal flag yet: `doubt`, or a subnormal operand.
    fn or_subnormal(&mut self, doubt: ir::Value, operands: &[IrValue]) -> ir::Value {
        if !self.finds_denormals() {
            return doubt;
        }
        operands.iter().fold(doubt, |doubt, &operand| {
            let double = self.ty(operand) == Type::F64;
            let value = self.value(operand);
            let (int, fraction) = if double { (types::I64, 52) } else { (types::I32, 23) };
            let bits = self.b.ins().bitcast(int, little(), value);
            let doubled = self.b.ins().iadd(bits, bits);
            // Zero wraps around to the top, so this is 0 < doubled < 2^(fraction + 1).
            let below = self.b.ins().iadd_imm_s(doubled, -1);
            let limit = self.b.ins().iconst(int, (1i64 << (fraction + 1)) - 1);
            let subnormal = self.b.ins().icmp(IntCC::UnsignedLessThan, below, limit);
            self.b.ins().bor(doubt, subnormal)
        })
    }

    fn finds_denormals(&self) -> bool {
        self.plan.key.guest == Guest::X86_64 && self.plan.key.sticky & flags::DENORMAL == 0
    }

    /// As `fast_or_evaluate`, with the condition the other way round.
    fn fast_or_evaluate_unless(
        &mut self,
        op: &Op,
        doubt: ir::Value,
        fast: impl FnOnce(&mut Self) -> ir::Value,
    ) -> ir::Value {
        let sure = self.b.ins().bxor_imm_u(doubt, 1);
        self.fast_or_evaluate(op, sure, fast)
    }

    /// Vector arithmetic; all lanes are computed again if one is in doubt.
    pub fn vector_float(&mut self, op: &Op) -> ir::Value {
        let (lane, round, doubt) = match *op {
            Op::VFAdd { lane, round, .. }
            | Op::VFSub { lane, round, .. }
            | Op::VFSqrt { lane, round, .. } => (lane, round, Doubt::Large),
            Op::VFMul { lane, round, .. } | Op::VFDiv { lane, round, .. } => {
                (lane, round, Doubt::LargeOrSmall)
            }
            _ => return self.evaluate(op),
        };
        let ty = match float_lanes(lane) {
            Some(ty) if self.rounds_like_host(round) && self.features.vectors => ty,
            _ => return self.evaluate(op),
        };
        let (result, operands) = match *op {
            Op::VFAdd { a, b, .. } => (self.vectors(a, b, ty, |ins, a, b| ins.fadd(a, b)), vec![a, b]),
            Op::VFSub { a, b, .. } => (self.vectors(a, b, ty, |ins, a, b| ins.fsub(a, b)), vec![a, b]),
            Op::VFMul { a, b, .. } => (self.vectors(a, b, ty, |ins, a, b| ins.fmul(a, b)), vec![a, b]),
            Op::VFDiv { a, b, .. } => (self.vectors(a, b, ty, |ins, a, b| ins.fdiv(a, b)), vec![a, b]),
            Op::VFSqrt { a, .. } => {
                let a_lanes = self.vector(a, ty);
                (self.b.ins().sqrt(a_lanes), vec![a])
            }
            _ => unreachable!("matched above"),
        };
        let int = lanes(lane.bits());
        let every_lane: u128 = match int {
            types::I32X4 => 0x0000_0001_0000_0001_0000_0001_0000_0001,
            _ => 0x0000_0000_0000_0001_0000_0000_0000_0001,
        };
        let (exponent_mask, smallest_normal) = match int {
            types::I32X4 => (0x7f80_0000 * every_lane, 0x0080_0000 * every_lane),
            _ => (0x7ff0_0000_0000_0000 * every_lane, 0x0010_0000_0000_0000 * every_lane),
        };
        let mask = self.lane_constant(exponent_mask, int);
        let zero = self.lane_constant(0, int);
        let bits = self.b.ins().bitcast(int, little(), result);
        let exponent = self.b.ins().band(bits, mask);
        let mut bad = self.b.ins().icmp(IntCC::Equal, exponent, mask);
        if doubt == Doubt::LargeOrSmall {
            // Zero lanes are fine where an operand (of a quotient, the first) is zero.
            let smallest = self.lane_constant(smallest_normal, int);
            let small = self.b.ins().icmp(IntCC::SignedLessThanOrEqual, exponent, smallest);
            let magnitude = self.b.ins().iadd(bits, bits);
            let is_zero = self.b.ins().icmp(IntCC::Equal, magnitude, zero);
            let sources = if matches!(op, Op::VFDiv { .. }) { &operands[..1] } else { &operands[..] };
            let mut from_zero = None;
            for &operand in sources {
                let operand = self.vector(operand, int);
                let doubled = self.b.ins().iadd(operand, operand);
                let lanes = self.b.ins().icmp(IntCC::Equal, doubled, zero);
                from_zero = Some(match from_zero {
                    None => lanes,
                    Some(other) => self.b.ins().bor(other, lanes),
                });
            }
            let fine = self.b.ins().band(is_zero, from_zero.expect("an operand"));
            let small = self.b.ins().band_not(small, fine);
            bad = self.b.ins().bor(bad, small);
        }
        if self.finds_denormals() {
            for &operand in &operands {
                let operand = self.vector(operand, int);
                let exponent = self.b.ins().band(operand, mask);
                let small = self.b.ins().icmp(IntCC::Equal, exponent, zero);
                let doubled = self.b.ins().iadd(operand, operand);
                let is_zero = self.b.ins().icmp(IntCC::Equal, doubled, zero);
                let subnormal = self.b.ins().band_not(small, is_zero);
                bad = self.b.ins().bor(bad, subnormal);
            }
        }
        let any = self.b.ins().vany_true(bad);
        let result = self.whole(result);
        self.unless_evaluate(op, any, result)
    }

    fn vectors(
        &mut self,
        a: IrValue,
        b: IrValue,
        ty: ir::Type,
        f: impl FnOnce(cranelift_frontend::FuncInstBuilder<'_, '_>, ir::Value, ir::Value) -> ir::Value,
    ) -> ir::Value {
        let (a, b) = (self.vector(a, ty), self.vector(b, ty));
        f(self.b.ins(), a, b)
    }

    fn lane_constant(&mut self, bits: u128, ty: ir::Type) -> ir::Value {
        let value = self.vector_constant(bits);
        self.b.ins().bitcast(ty, little(), value)
    }
}

fn float_condition(cond: FloatCond) -> FloatCC {
    match cond {
        FloatCond::Equal => FloatCC::Equal,
        FloatCond::NotEqual => FloatCC::NotEqual,
        FloatCond::Less => FloatCC::LessThan,
        FloatCond::LessEqual => FloatCC::LessThanOrEqual,
        FloatCond::Greater => FloatCC::GreaterThan,
        FloatCond::GreaterEqual => FloatCC::GreaterThanOrEqual,
        FloatCond::Unordered => FloatCC::Unordered,
    }
}
