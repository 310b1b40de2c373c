//! When a host result is in doubt, and what happens then.
//!
//! All tests are on operands and results, in a few integer or float operations beside the arithmetic; the way to the exact
//! helper is a cold branch. They come in two sets.
//!
//! # The inexact flag is set already
//! Only the rarer flags and the guest's NaNs have to be found. In round-to-nearest, overflow gives an infinity, and division
//! by zero and invalid operations give infinities and NaNs. Underflow needs a result that was tiny and inexact: one below
//! the smallest normal number, or that number itself, which a tiny one may have been rounded up to (tininess after
//! rounding, or before it: the set of doubtful results is the same). A subnormal sum is exact, and so is a root's zero.
//!
//! # It is not
//! Every inexact result has to be found, and nothing else can be wrong with an exact one (tiny and exact raises nothing).
//! Let fl be rounding to nearest, p the precision, and u(x) the unit in the last place of x.
//!
//! * `s = fl(a + b)`: if |a| >= |b|, s - a is a float and b - (s - a) is the error (Dekker's Fast2Sum), so the error is zero
//!   if and only if `fl(s - a) == b`; with the roles exchanged `fl(s - b) == a`. Both are asked for, and the one that holds
//!   for the larger operand decides; if the sum is exact both hold. Overflow, infinities and NaNs fail one of them.
//! * `m = fl(a * b)`: ab - m is a multiple of u(a)u(b) > |ab| 2^-2p. With |m| >= [`TINY`] that is a multiple of the
//!   smallest subnormal, so `fma(a, b, -m)` is zero only if the product is exact.
//! * `q = fl(a / b)`: a - qb is a multiple of u(q)u(b) > |qb| 2^-2p or of u(a), so the same holds of `fma(-q, b, a)` if
//!   |a| >= [`TINY`]; a quotient that underflows to zero or overflows leaves a remainder that is not zero.
//! * `r = fl(sqrt a)`: likewise with `fma(r, r, -a)`.
//! * `fl(ab + c)`: exact if ab is, by the second rule, and the sum of it and c, by the first.

use super::emit::{Emitter, clif_type};
use super::float::Arithmetic;
use super::integer::little;
use crate::float::flags;
use crate::guest::Guest;
use crate::ir::{Op, Value as IrValue};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, types};

/// Conditions under which a host result may not be the guest's: truth values for scalars, masks for lanes.
#[derive(Default)]
pub(super) struct Doubts {
    /// Each one sends the op to the exact helper.
    pub sure: Vec<ir::Value>,
    /// One that a closer look, in a cold block, may dispel.
    pub range: Option<(ir::Value, Look)>,
}

impl Doubts {
    /// One doubt.
    pub fn of(condition: ir::Value) -> Doubts {
        Doubts { sure: vec![condition], range: None }
    }
}

/// What the closer look is for.
pub(super) enum Look {
    /// `result` may be a zero that comes from one of the operands being zero; worth it, as there are many of them.
    Zeros { result: ir::Value, operands: Vec<ir::Value> },
    /// A narrowed value may widen back to this one.
    Widened(ir::Value),
}

/// Layout of the host's float formats.
struct Format {
    int: ir::Type,
    lanes: ir::Type,
    bits: u32,
    fraction: u32,
    /// Biased exponent of [`TINY`].
    tiny: u64,
}

/// Magnitudes from 2^-96 (single) and 2^-960 (double) on leave room for exact errors; see the module.
const TINY: (u64, u64) = (127 - 96, 1023 - 960);

const SINGLE: Format = Format { int: types::I32, lanes: types::I32X4, bits: 32, fraction: 23, tiny: TINY.0 };
const DOUBLE: Format = Format { int: types::I64, lanes: types::I64X2, bits: 64, fraction: 52, tiny: TINY.1 };

impl Format {
    fn of(ty: ir::Type) -> &'static Format {
        if ty.lane_type() == types::F32 { &SINGLE } else { &DOUBLE }
    }

    fn infinity(&self) -> u64 {
        (1 << (self.bits - 1)) - (1 << self.fraction)
    }

    fn mask(&self) -> u64 {
        u64::MAX >> (64 - self.bits)
    }

    /// A lane's bits in every lane.
    fn every_lane(&self, bits: u64) -> u128 {
        let bits = u128::from(bits & self.mask());
        if self.bits == 32 { bits * 0x1_0000_0001_0000_0001_0000_0001 } else { bits | bits << 64 }
    }
}

impl Emitter<'_, '_> {
    /// Doubts about a rounded result where the inexact flag is set already.
    pub fn doubts_of_rounded(
        &mut self,
        arithmetic: Arithmetic,
        operands: &[ir::Value],
        result: ir::Value,
    ) -> Doubts {
        let factors = &operands[..arithmetic.factors()];
        if factors.is_empty() {
            return Doubts::of(self.is_large(result));
        }
        let look = Look::Zeros { result, operands: factors.to_vec() };
        Doubts { sure: Vec::new(), range: Some((self.outside_normal(result), look)) }
    }

    /// Doubts about a result that raises nothing if it is exact; the module says why these are enough.
    pub fn doubts_of_exact(
        &mut self,
        arithmetic: Arithmetic,
        operands: &[ir::Value],
        result: ir::Value,
    ) -> Doubts {
        let differ = |emitter: &mut Self, a, b| emitter.b.ins().fcmp(FloatCC::NotEqual, a, b);
        let zero = self.float_zero(self.b.func.dfg.value_type(result));
        match (arithmetic, operands) {
            (Arithmetic::Add, &[a, b]) => {
                let (without_a, without_b) = (self.b.ins().fsub(result, a), self.b.ins().fsub(result, b));
                Doubts { sure: vec![differ(self, without_a, b), differ(self, without_b, a)], range: None }
            }
            (Arithmetic::Sub, &[a, b]) => {
                let (taken, whole) = (self.b.ins().fsub(a, result), self.b.ins().fadd(result, b));
                Doubts { sure: vec![differ(self, taken, b), differ(self, whole, a)], range: None }
            }
            (Arithmetic::Mul, &[a, b]) => self.doubts_of_product(a, b, result),
            (Arithmetic::Div, &[a, b]) => {
                let negated = self.b.ins().fneg(result);
                let rest = self.b.ins().fma(negated, b, a);
                let look = Look::Zeros { result, operands: vec![a] };
                let range = Some((self.outside_tiny(a), look));
                Doubts { sure: vec![differ(self, rest, zero)], range }
            }
            (Arithmetic::Sqrt, &[a]) => {
                let negated = self.b.ins().fneg(a);
                let rest = self.b.ins().fma(result, result, negated);
                let look = Look::Zeros { result, operands: vec![a] };
                let range = Some((self.outside_tiny(a), look));
                Doubts { sure: vec![differ(self, rest, zero)], range }
            }
            (Arithmetic::Fma, &[a, b, c]) => {
                let product = self.b.ins().fmul(a, b);
                let mut doubts = self.doubts_of_product(a, b, product);
                let (addend, rest) = (self.b.ins().fsub(result, product), self.b.ins().fsub(result, c));
                doubts.sure.extend([differ(self, addend, c), differ(self, rest, product)]);
                doubts
            }
            _ => unreachable!("as many operands as the operation has"),
        }
    }

    fn doubts_of_product(&mut self, a: ir::Value, b: ir::Value, product: ir::Value) -> Doubts {
        let negated = self.b.ins().fneg(product);
        let error = self.b.ins().fma(a, b, negated);
        let zero = self.float_zero(self.b.func.dfg.value_type(product));
        let inexact = self.b.ins().fcmp(FloatCC::NotEqual, error, zero);
        let look = Look::Zeros { result: product, operands: vec![a, b] };
        Doubts { sure: vec![inexact], range: Some((self.outside_tiny(product), look)) }
    }

    /// Infinity or NaN.
    pub fn is_large(&mut self, value: ir::Value) -> ir::Value {
        let ty = self.b.func.dfg.value_type(value);
        let format = Format::of(ty);
        if ty.is_vector() {
            let bits = self.b.ins().bitcast(format.lanes, little(), value);
            let mask = self.lane_constant(format.every_lane(format.infinity()), format.lanes);
            let exponent = self.b.ins().band(bits, mask);
            return self.b.ins().icmp(IntCC::Equal, exponent, mask);
        }
        let doubled = self.doubled(value, format);
        let limit = self.b.ins().iconst(format.int, ((format.infinity() << 1) & format.mask()) as i64);
        self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, doubled, limit)
    }

    /// Infinity, NaN, or at most the smallest normal number.
    pub fn outside_normal(&mut self, value: ir::Value) -> ir::Value {
        let format = Format::of(self.b.func.dfg.value_type(value));
        self.outside(value, 1 << format.fraction, format)
    }

    /// At most the smallest normal number.
    pub fn is_tiny(&mut self, value: ir::Value) -> ir::Value {
        let format = Format::of(self.b.func.dfg.value_type(value));
        let doubled = self.doubled(value, format);
        let limit = self.b.ins().iconst(format.int, 2 << format.fraction);
        self.b.ins().icmp(IntCC::UnsignedLessThanOrEqual, doubled, limit)
    }

    /// Subnormal, not zero.
    pub fn is_subnormal(&mut self, value: ir::Value) -> ir::Value {
        let format = Format::of(self.b.func.dfg.value_type(value));
        let doubled = self.doubled(value, format);
        // Zero wraps around to the top, so this is 0 < doubled < 2^(fraction + 1).
        let below = self.b.ins().iadd_imm_s(doubled, -1);
        let limit = self.b.ins().iconst(format.int, (1i64 << (format.fraction + 1)) - 1);
        self.b.ins().icmp(IntCC::UnsignedLessThan, below, limit)
    }

    /// Infinity, NaN, or at most [`TINY`].
    fn outside_tiny(&mut self, value: ir::Value) -> ir::Value {
        let format = Format::of(self.b.func.dfg.value_type(value));
        self.outside(value, format.tiny << format.fraction, format)
    }

    /// Whether the magnitude's bits are at most `low`, or those of an infinity or NaN.
    fn outside(&mut self, value: ir::Value, low: u64, format: &Format) -> ir::Value {
        if self.b.func.dfg.value_type(value).is_vector() {
            // Magnitudes moved so that infinity is the most negative number: lanes compare signed.
            let sign = 1u64 << (format.bits - 1);
            let offset = sign - format.infinity();
            let bits = self.b.ins().bitcast(format.lanes, little(), value);
            let mask = self.lane_constant(format.every_lane(sign - 1), format.lanes);
            let magnitude = self.b.ins().band(bits, mask);
            let offsets = self.lane_constant(format.every_lane(offset), format.lanes);
            let moved = self.b.ins().iadd(magnitude, offsets);
            let limit = self.lane_constant(format.every_lane(low + offset + 1), format.lanes);
            return self.b.ins().icmp(IntCC::SignedGreaterThan, limit, moved);
        }
        // One unsigned comparison: small magnitudes wrap around to the top.
        let doubled = self.doubled(value, format);
        let low = (low << 1) + 1;
        let offset = self.b.ins().iconst(format.int, (low.wrapping_neg() & format.mask()) as i64);
        let moved = self.b.ins().iadd(doubled, offset);
        let width = (format.infinity() << 1).wrapping_sub(low) & format.mask();
        let width = self.b.ins().iconst(format.int, width as i64);
        self.b.ins().icmp(IntCC::UnsignedGreaterThanOrEqual, moved, width)
    }

    /// The bits without the sign, shifted up.
    fn doubled(&mut self, value: ir::Value, format: &Format) -> ir::Value {
        let bits = self.b.ins().bitcast(format.int, little(), value);
        self.b.ins().iadd(bits, bits)
    }

    fn float_zero(&mut self, ty: ir::Type) -> ir::Value {
        match ty {
            types::F32 => self.b.ins().f32const(0.0),
            types::F64 => self.b.ins().f64const(0.0),
            lanes => self.lane_constant(0, lanes),
        }
    }

    /// A vector constant as lanes of a type.
    pub fn lane_constant(&mut self, bits: u128, ty: ir::Type) -> ir::Value {
        let value = self.vector_constant(bits);
        self.b.ins().bitcast(ty, little(), value)
    }

    /// x86 guests that have not raised the denormal flag yet: a subnormal operand is a doubt.
    pub fn doubt_subnormals(&mut self, doubts: &mut Doubts, operands: &[IrValue]) {
        if !self.finds_denormals() {
            return;
        }
        for (index, &operand) in operands.iter().enumerate() {
            if operands[..index].contains(&operand) || self.never_subnormal(operand) {
                continue;
            }
            let value = self.value(operand);
            doubts.sure.push(self.is_subnormal(value));
        }
    }

    /// The same for lanes.
    pub fn doubt_subnormal_lanes(&mut self, doubts: &mut Doubts, operands: &[ir::Value]) {
        if !self.finds_denormals() {
            return;
        }
        for (index, &operand) in operands.iter().enumerate() {
            if operands[..index].contains(&operand) {
                continue;
            }
            let format = Format::of(self.b.func.dfg.value_type(operand));
            let sign = 1u64 << (format.bits - 1);
            let bits = self.b.ins().bitcast(format.lanes, little(), operand);
            let mask = self.lane_constant(format.every_lane(sign - 1), format.lanes);
            let magnitude = self.b.ins().band(bits, mask);
            // One less, as an unsigned number that compares signed: zero becomes the largest.
            let offset = self.lane_constant(format.every_lane(sign - 1), format.lanes);
            let moved = self.b.ins().iadd(magnitude, offset);
            let limit = sign.wrapping_add((1 << format.fraction) - 1);
            let limit = self.lane_constant(format.every_lane(limit), format.lanes);
            doubts.sure.push(self.b.ins().icmp(IntCC::SignedGreaterThan, limit, moved));
        }
    }

    /// Whether a subnormal operand would raise a flag that is not known to be set.
    pub fn finds_denormals(&self) -> bool {
        self.plan.key.guest == Guest::X86_64 && self.plan.key.sticky & flags::DENORMAL == 0
    }

    /// Roots, widened singles and integers are no subnormals.
    pub fn never_subnormal(&self, value: IrValue) -> bool {
        match self.block.ops[value.index()] {
            Op::FSqrt { .. } | Op::IntToFloat { .. } | Op::FRound { .. } => true,
            Op::FConvert { a, .. } => self.ty(value).bytes() > self.ty(a).bytes(),
            _ => false,
        }
    }

    /// Branches to `cold` if the condition holds; what follows is another block.
    pub fn branch_cold(&mut self, condition: ir::Value, cold: ir::Block) {
        let next = self.b.create_block();
        self.b.ins().brif(condition, cold, &[], next, &[]);
        self.b.seal_block(next);
        self.b.switch_to_block(next);
    }

    /// A host result, computed again by the exact helper where it is in doubt.
    pub fn settle(&mut self, op: &Op, result: ir::Value, doubts: Doubts) -> ir::Value {
        let vector = self.b.func.dfg.value_type(result).is_vector();
        if doubts.sure.is_empty() && doubts.range.is_none() {
            return if vector { self.whole(result) } else { result };
        }
        if vector { self.settle_lanes(op, result, doubts) } else { self.settle_scalar(op, result, doubts) }
    }

    fn settle_scalar(&mut self, op: &Op, result: ir::Value, doubts: Doubts) -> ir::Value {
        let range = doubts.range;
        self.settle_after(op, Doubts { sure: doubts.sure, range: None }, |emitter, again| {
            if let Some((range, look)) = range {
                emitter.look_closer(range, result, look, again);
            }
            result
        })
    }

    /// Where a scalar result is in doubt, leaves for `again` unless a closer look dispels that.
    pub fn look_closer(&mut self, doubt: ir::Value, result: ir::Value, look: Look, again: ir::Block) {
        let (look_block, fine) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(look_block);
        self.b.ins().brif(doubt, look_block, &[], fine, &[]);
        self.b.seal_block(look_block);
        self.b.switch_to_block(look_block);
        let dispelled = match look {
            Look::Zeros { result, operands } => self.zero_from_zero(result, &operands),
            Look::Widened(source) => {
                let back = self.b.ins().fpromote(types::F64, result);
                self.b.ins().fcmp(FloatCC::Equal, back, source)
            }
        };
        self.b.ins().brif(dispelled, fine, &[], again, &[]);
        self.b.seal_block(fine);
        self.b.switch_to_block(fine);
    }

    fn settle_lanes(&mut self, op: &Op, result: ir::Value, doubts: Doubts) -> ir::Value {
        let Some((range, look)) = doubts.range else {
            let result = self.whole(result);
            return self.settle_after(op, Doubts { sure: doubts.sure, range: None }, |_, _| result);
        };
        let range = self.whole(range);
        let sure = self.any_lanes(&doubts.sure);
        let both = match sure {
            Some(sure) => self.b.ins().bor(sure, range),
            None => range,
        };
        let doubtful = self.b.ins().vany_true(both);
        let whole = self.whole(result);
        self.settle_after(op, Doubts::default(), |emitter, again| {
            let (look_block, fine) = (emitter.b.create_block(), emitter.b.create_block());
            emitter.b.set_cold_block(look_block);
            emitter.b.ins().brif(doubtful, look_block, &[], fine, &[]);
            emitter.b.seal_block(look_block);
            emitter.b.switch_to_block(look_block);
            let mut wrong = match look {
                Look::Zeros { result, operands } => {
                    let zeros = emitter.zero_from_zero(result, &operands);
                    let zeros = emitter.whole(zeros);
                    emitter.b.ins().band_not(range, zeros)
                }
                Look::Widened(source) => {
                    let back = emitter.b.ins().fvpromote_low(result);
                    let differ = emitter.b.ins().fcmp(FloatCC::NotEqual, back, source);
                    emitter.whole(differ)
                }
            };
            if let Some(sure) = sure {
                wrong = emitter.b.ins().bor(wrong, sure);
            }
            let wrong = emitter.b.ins().vany_true(wrong);
            emitter.b.ins().brif(wrong, again, &[], fine, &[]);
            emitter.b.seal_block(fine);
            emitter.b.switch_to_block(fine);
            whole
        })
    }

    /// Whether the result is a zero and so is one of the operands.
    fn zero_from_zero(&mut self, result: ir::Value, operands: &[ir::Value]) -> ir::Value {
        let zero = self.float_zero(self.b.func.dfg.value_type(result));
        let from = operands.iter().map(|&operand| self.b.ins().fcmp(FloatCC::Equal, operand, zero));
        let from: Vec<ir::Value> = from.collect();
        let from = from.into_iter().reduce(|one, other| self.b.ins().bor(one, other)).expect("an operand");
        let is_zero = self.b.ins().fcmp(FloatCC::Equal, result, zero);
        self.b.ins().band(is_zero, from)
    }

    /// Masks of any lanes as one.
    fn any_lanes(&mut self, masks: &[ir::Value]) -> Option<ir::Value> {
        let whole: Vec<ir::Value> = masks.iter().map(|&mask| self.whole(mask)).collect();
        whole.into_iter().reduce(|one, other| self.b.ins().bor(one, other))
    }

    /// Leaves for `again` if a doubt holds.
    fn branch_if_doubtful(&mut self, sure: &[ir::Value], again: ir::Block) {
        let Some(&first) = sure.first() else { return };
        if self.b.func.dfg.value_type(first).is_vector() {
            let mask = self.any_lanes(sure).expect("there is one");
            let any = self.b.ins().vany_true(mask);
            self.branch_cold(any, again);
        } else {
            // Branches that are never taken cost less than putting the conditions together.
            sure.iter().for_each(|&doubt| self.branch_cold(doubt, again));
        }
    }

    /// What `fast` gives (in the type of the op's result) where no sure doubt holds; it may branch to the block it is
    /// handed, which computes the op exactly.
    pub fn settle_after(
        &mut self,
        op: &Op,
        doubts: Doubts,
        fast: impl FnOnce(&mut Self, ir::Block) -> ir::Value,
    ) -> ir::Value {
        let ty = clif_type(self.block.types[self.at].expect("float ops have results"));
        let (again, join) = (self.b.create_block(), self.b.create_block());
        let joined = self.b.append_block_param(join, ty);
        self.b.set_cold_block(again);
        self.branch_if_doubtful(&doubts.sure, again);
        let result = fast(self, again);
        self.b.ins().jump(join, &[BlockArg::Value(result)]);
        self.b.seal_block(again);
        self.b.switch_to_block(again);
        let exact = self.evaluate(op);
        self.b.ins().jump(join, &[BlockArg::Value(exact)]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
        joined
    }

    /// Runs the exact helper for its flags alone where a doubt holds.
    pub fn raise(&mut self, op: &Op, doubts: Doubts) {
        let (again, join) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(again);
        self.branch_if_doubtful(&doubts.sure, again);
        self.b.ins().jump(join, &[]);
        self.b.seal_block(again);
        self.b.switch_to_block(again);
        self.evaluate(op);
        self.b.ins().jump(join, &[]);
        self.b.seal_block(join);
        self.b.switch_to_block(join);
    }
}
