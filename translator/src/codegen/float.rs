//! Lowerings of scalar float ops: host arithmetic where its result is certainly the guest's, else the exact soft-float.
//!
//! The fast path needs an environment without flushing, traps or directed rounding. Then a host result differs from the
//! guest's only in rare cases, and each shows in the result or the operands; `doubt` has the tests and says why they are
//! enough. In short, where the key promises that the inexact flag is set already:
//!
//! | op | what is computed again |
//! | --- | --- |
//! | add, sub, sqrt | infinity or NaN (a subnormal or zero sum is exact) |
//! | mul, div, fma, narrowing | infinity, NaN, and up to the smallest normal number, which may have been rounded up from a tiny one (but not a zero that comes from a zero operand) |
//! | comparison, minimum, maximum | an operand is a NaN |
//! | float to integer | NaN or out of range |
//! | x86 guests, all of them | an operand is subnormal, unless the denormal flag is promised too |
//!
//! Without that promise every inexact result is computed again too, which sets the flag, and the next poll leaves for a
//! unit that has the promise. Host exception flags are neither read nor cleared.

use super::doubt::{Doubts, Look};
use super::emit::{Emitter, clif_type};
use crate::float::flags;
use crate::guest::FpEnv;
use crate::ir::{FloatCond, MinMaxRule, Op, Quietness, Round, Sign, Type, Value as IrValue};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, InstBuilder, types};

/// The five operations of arithmetic, scalar or in lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
    Sqrt,
    Fma,
}

impl Arithmetic {
    /// What a scalar op computes, and how it rounds, if that is arithmetic.
    pub fn of(op: &Op) -> Option<(Arithmetic, Round)> {
        Some(match *op {
            Op::FAdd { round, .. } => (Arithmetic::Add, round),
            Op::FSub { round, .. } => (Arithmetic::Sub, round),
            Op::FMul { round, .. } => (Arithmetic::Mul, round),
            Op::FDiv { round, .. } => (Arithmetic::Div, round),
            Op::FSqrt { round, .. } => (Arithmetic::Sqrt, round),
            Op::Fma { round, .. } => (Arithmetic::Fma, round),
            _ => return None,
        })
    }

    /// How many of the first operands make the result an exact zero if one of them is zero. Other results of these operations may be
    /// tiny and inexact; a sum that is tiny is exact, and a root is not tiny.
    pub fn factors(self) -> usize {
        match self {
            Arithmetic::Add | Arithmetic::Sub | Arithmetic::Sqrt => 0,
            Arithmetic::Mul | Arithmetic::Fma => 2,
            Arithmetic::Div => 1,
        }
    }
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
    pub(super) fn plain_environment(&self) -> bool {
        self.plan.key.env.0 & !(7 | FpEnv::DEFAULT_NAN | FpEnv::FLUSH_HALF) == 0
    }

    /// Whether host arithmetic rounds as the op does.
    pub(super) fn rounds_like_host(&self, round: Round) -> bool {
        let nearest = match round {
            Round::Current => self.plan.key.env.0 & 7 == 0,
            Round::NearestEven => true,
            _ => false,
        };
        nearest && self.plain_environment()
    }

    /// Whether the inexact flag is set already, so that nobody needs to find out.
    pub(super) fn inexact_is_set(&self) -> bool {
        self.plan.key.sticky & flags::INEXACT != 0
    }

    fn float_inline(&mut self, op: &Op) -> Option<ir::Value> {
        if self.block.types[self.at].is_some_and(|ty| matches!(ty, Type::F16 | Type::Bf16)) {
            return None;
        }
        if let Some((arithmetic, round)) = Arithmetic::of(op) {
            return self.scalar(op, arithmetic, round);
        }
        let host = |ty: Type| matches!(ty, Type::F32 | Type::F64);
        match *op {
            Op::FMin { a, b, rule } if host(self.ty(a)) => self.min_max(op, a, b, rule, true),
            Op::FMax { a, b, rule } if host(self.ty(a)) => self.min_max(op, a, b, rule, false),
            Op::FCmp { a, b, cond, quiet } if host(self.ty(a)) && self.plain_environment() => {
                Some(self.compare(op, a, b, cond, quiet))
            }
            Op::FConvert { a, ty: Type::F64, .. } if self.ty(a) == Type::F32 && self.plain_environment() => {
                let value = self.value(a);
                let result = self.b.ins().fpromote(types::F64, value);
                let mut doubts = Doubts::of(self.b.ins().fcmp(FloatCC::Unordered, value, value));
                self.doubt_subnormals(&mut doubts, &[a]);
                Some(self.settle(op, result, doubts))
            }
            Op::FConvert { a, ty: Type::F32, round }
                if self.ty(a) == Type::F64 && self.rounds_like_host(round) =>
            {
                let value = self.value(a);
                let result = self.b.ins().fdemote(types::F32, value);
                let mut doubts = Doubts::default();
                self.doubt_subnormals(&mut doubts, &[a]);
                if self.inexact_is_set() {
                    doubts.range = Some((self.outside_normal(result), Look::Widened(value)));
                } else {
                    // An infinity or zero that is exact raises nothing; NaNs differ from themselves.
                    let back = self.b.ins().fpromote(types::F64, result);
                    doubts.sure.push(self.b.ins().fcmp(FloatCC::NotEqual, back, value));
                }
                Some(self.settle(op, result, doubts))
            }
            Op::IntToFloat { a, ty, sign, round, fraction: 0 } => self.int_to_float(op, a, ty, sign, round),
            Op::FloatToInt { a, ty, sign, round, fraction: 0, .. } if host(self.ty(a)) => {
                self.float_to_int(op, a, ty, sign, round)
            }
            Op::FRound { a, round, exact } if host(self.ty(a)) && self.plain_environment() => {
                let value = self.value(a);
                let result = self.round_value(value, round)?;
                let condition =
                    if exact && !self.inexact_is_set() { FloatCC::NotEqual } else { FloatCC::Unordered };
                let mut doubts = Doubts::of(self.b.ins().fcmp(condition, result, value));
                self.doubt_subnormals(&mut doubts, &[a]);
                Some(self.settle(op, result, doubts))
            }
            _ => None,
        }
    }

    /// Whether the op at hand gives a float that the host computes with.
    pub(super) fn has_host_float(&self) -> bool {
        matches!(self.block.types[self.at], Some(Type::F32 | Type::F64))
    }

    fn scalar(&mut self, op: &Op, arithmetic: Arithmetic, round: Round) -> Option<ir::Value> {
        if !self.rounds_like_host(round) {
            return None;
        }
        let mut operands = Vec::with_capacity(3);
        op.for_each_operand(|operand| operands.push(operand));
        let values: Vec<ir::Value> = operands.iter().map(|&operand| self.value(operand)).collect();
        if self.may_chain(arithmetic, round) {
            let result = self.host_arithmetic(arithmetic, &values)?;
            self.add_link(arithmetic, result);
            return Some(result);
        }
        let (result, mut doubts) = self.arithmetic(arithmetic, &values)?;
        self.doubt_subnormals(&mut doubts, &operands);
        Some(self.settle(op, result, doubts))
    }

    /// One operation of the host on scalars or lanes, and what is doubtful about its result. `None` where the host cannot
    /// do it.
    pub(super) fn arithmetic(
        &mut self,
        arithmetic: Arithmetic,
        operands: &[ir::Value],
    ) -> Option<(ir::Value, Doubts)> {
        let result = self.host_arithmetic(arithmetic, operands)?;
        let doubts = if self.inexact_is_set() {
            self.doubts_of_rounded(arithmetic, operands, result)
        } else {
            self.doubts_of_exact(arithmetic, operands, result)
        };
        Some((result, doubts))
    }

    fn host_arithmetic(&mut self, arithmetic: Arithmetic, operands: &[ir::Value]) -> Option<ir::Value> {
        let needs_fma = match arithmetic {
            Arithmetic::Add | Arithmetic::Sub => false,
            Arithmetic::Mul | Arithmetic::Div | Arithmetic::Sqrt => !self.inexact_is_set(),
            Arithmetic::Fma => true,
        };
        if needs_fma && !self.features.fma {
            return None;
        }
        Some(match (arithmetic, operands) {
            (Arithmetic::Add, &[a, b]) => self.b.ins().fadd(a, b),
            (Arithmetic::Sub, &[a, b]) => self.b.ins().fsub(a, b),
            (Arithmetic::Mul, &[a, b]) => self.b.ins().fmul(a, b),
            (Arithmetic::Div, &[a, b]) => self.b.ins().fdiv(a, b),
            (Arithmetic::Sqrt, &[a]) => self.b.ins().sqrt(a),
            (Arithmetic::Fma, &[a, b, c]) => self.b.ins().fma(a, b, c),
            _ => unreachable!("as many operands as the operation has"),
        })
    }

    /// The host's comparison is right for NaNs too; they matter for the flags only, so that code which compares the same
    /// operands again (`fcmp` of AArch64 and `ucomisd` make three comparisons) looks once.
    fn compare(&mut self, op: &Op, a: IrValue, b: IrValue, cond: FloatCond, quiet: Quietness) -> ir::Value {
        let (x, y) = (self.value(a), self.value(b));
        let seen = self.compared.iter().any(|&(first, second, strict)| {
            (first, second) == (a, b) && (strict == Quietness::Signaling || quiet == Quietness::Quiet)
        });
        if !seen {
            let mut doubts = Doubts::of(self.b.ins().fcmp(FloatCC::Unordered, x, y));
            self.doubt_subnormals(&mut doubts, &[a, b]);
            self.raise(op, doubts);
            self.compared.push((a, b, quiet));
        }
        self.b.ins().fcmp(float_condition(cond), x, y)
    }

    /// Rounds to an integral value.
    pub(super) fn round_value(&mut self, value: ir::Value, round: Round) -> Option<ir::Value> {
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
        let mut doubts = Doubts::of(self.b.ins().fcmp(FloatCC::Unordered, x, y));
        self.doubt_subnormals(&mut doubts, &[a, b]);
        Some(self.settle(op, result, doubts))
    }

    fn int_to_float(&mut self, op: &Op, a: IrValue, ty: Type, sign: Sign, round: Round) -> Option<ir::Value> {
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
        let result = if from == Type::I64 && sign == Sign::Unsigned {
            self.b.ins().fcvt_from_uint(clif_type(ty), value)
        } else {
            self.b.ins().fcvt_from_sint(clif_type(ty), value)
        };
        if exact || self.inexact_is_set() {
            return Some(result);
        }
        // Up to 2^precision every integer is exact; beyond it the soft-float finds out.
        let limit = 1i64 << if ty == Type::F32 { 24 } else { 53 };
        let doubtful = if from == Type::I64 && sign == Sign::Unsigned {
            self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, value, limit)
        } else {
            let shifted = self.b.ins().iadd_imm_s(value, limit);
            self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, shifted, 2 * limit)
        };
        Some(self.settle(op, result, Doubts::of(doubtful)))
    }

    fn float_to_int(&mut self, op: &Op, a: IrValue, ty: Type, sign: Sign, round: Round) -> Option<ir::Value> {
        if !self.plain_environment() || !matches!(ty, Type::I32 | Type::I64) {
            return None;
        }
        let (value, float) = (self.value(a), self.ty(a));
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
        let limit = self.float_constant(float, f64::from(bits).exp2());
        let magnitude = if sign == Sign::Signed { self.b.ins().fabs(integral) } else { integral };
        let mut doubts =
            Doubts::of(self.b.ins().fcmp(FloatCC::UnorderedOrGreaterThanOrEqual, magnitude, limit));
        if sign == Sign::Unsigned {
            let zero = self.float_constant(float, 0.0);
            doubts.sure.push(self.b.ins().fcmp(FloatCC::LessThan, integral, zero));
        }
        self.doubt_subnormals(&mut doubts, &[a]);
        let exact = !self.inexact_is_set();
        // The conversion of a number outside of the range would trap, so it stands behind the branches.
        Some(self.settle_after(op, doubts, |emitter, again| {
            let wide = emitter.b.ins().fcvt_to_sint(types::I64, integral);
            if exact {
                // The way back is exact below 2^precision, and above it there is no fraction to lose.
                let back = emitter.b.ins().fcvt_from_sint(clif_type(float), wide);
                let lost = emitter.b.ins().fcmp(FloatCC::NotEqual, back, value);
                emitter.branch_cold(lost, again);
            }
            if ty == Type::I32 { emitter.b.ins().ireduce(types::I32, wide) } else { wide }
        }))
    }

    /// A scalar constant.
    pub(super) fn float_constant(&mut self, ty: Type, value: f64) -> ir::Value {
        if ty == Type::F32 { self.b.ins().f32const(value as f32) } else { self.b.ins().f64const(value) }
    }

    /// `fbox`: a single in its NaN box.
    pub fn box_single(&mut self, a: IrValue) -> ir::Value {
        let single = self.value(a);
        self.make_box(single)
    }

    /// The NaN box of a single.
    pub fn make_box(&mut self, single: ir::Value) -> ir::Value {
        let boxed = if self.isa == super::HostIsa::X86_64 {
            let ones = self.lane_constant(u128::from(u32::MAX) << 32, types::F64X2);
            let lanes = self.low_lane(single);
            let lanes = self.b.ins().bitcast(types::F64X2, super::integer::little(), lanes);
            let lanes = self.b.ins().bor(lanes, ones);
            self.b.ins().extractlane(lanes, 0)
        } else {
            let low = self.b.ins().bitcast(types::I32, super::integer::little(), single);
            let low = self.b.ins().uextend(types::I64, low);
            let ones = self.b.ins().iconst(types::I64, i64::from(u32::MAX) << 32);
            let bits = self.b.ins().bor(low, ones);
            self.b.ins().bitcast(types::F64, super::integer::little(), bits)
        };
        self.boxed.insert(boxed, single);
        boxed
    }

    /// A scalar as the first lane of a vector. Only the scalar's own bits may be looked at.
    fn low_lane(&mut self, scalar: ir::Value) -> ir::Value {
        let ty = self.b.func.dfg.value_type(scalar);
        self.b.ins().scalar_to_vector(ty.by(128 / ty.bits()).expect("a vector of 128 bits"), scalar)
    }

    /// `funbox`: the low half, or the canonical NaN where the upper half is not all ones. The test is a branch, so that a
    /// loop's sum does not wait for it.
    pub fn unbox_single(&mut self, a: IrValue) -> ir::Value {
        let register = self.value(a);
        if let Some(&single) = self.boxed.get(&register) {
            return single;
        }
        let bits = self.b.ins().bitcast(types::I64, super::integer::little(), register);
        let single = if self.isa == super::HostIsa::X86_64 {
            let lanes = self.low_lane(register);
            let lanes = self.b.ins().bitcast(types::F32X4, super::integer::little(), lanes);
            self.b.ins().extractlane(lanes, 0)
        } else {
            let low = self.b.ins().ireduce(types::I32, bits);
            self.b.ins().bitcast(types::F32, super::integer::little(), low)
        };
        let high = self.b.ins().sshr_imm_u(bits, 32);
        let unboxed = self.b.ins().icmp_imm_s(IntCC::NotEqual, high, -1);
        let (cold, join) = (self.b.create_block(), self.b.create_block());
        let result = self.b.append_block_param(join, types::F32);
        self.b.set_cold_block(cold);
        self.b.ins().brif(unboxed, cold, &[], join, &[ir::BlockArg::Value(single)]);
        self.b.seal_block(cold);
        self.b.switch_to_block(cold);
        let nan = self.b.ins().f32const(f32::from_bits(0x7fc0_0000));
        self.b.ins().jump(join, &[ir::BlockArg::Value(nan)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        result
    }
}

pub(super) fn float_condition(cond: FloatCond) -> FloatCC {
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
