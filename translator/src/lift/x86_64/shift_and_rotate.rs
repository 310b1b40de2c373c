//! Shift and rotate instructions.
//!
//! A count of zero leaves the flags alone; constant counts are resolved here, so that only shifts by `cl` have to keep the old
//! flags by selects. OF after a shift by more than one and AF after any shift are undefined by the manual;
//! here OF is what the rule for one gives, AF is set, as AMD's processors have it.

use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{Cond, Sign, Type, Value};
use decoders::x86_64::Mnemonic as M;

pub(super) const ROWS: Rows = &[
    (M::Sal, |x| shift(x, Kind::Left)),
    (M::Shl, |x| shift(x, Kind::Left)),
    (M::Shr, |x| shift(x, Kind::Right)),
    (M::Sar, |x| shift(x, Kind::Arithmetic)),
    (M::Shld, |x| double_shift(x, Kind::Left)),
    (M::Shrd, |x| double_shift(x, Kind::Right)),
    (M::Rol, |x| rotate(x, Kind::Left)),
    (M::Ror, |x| rotate(x, Kind::Right)),
    (M::Rcl, |x| rotate_carry(x, Kind::Left)),
    (M::Rcr, |x| rotate_carry(x, Kind::Right)),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Left,
    Right,
    Arithmetic,
}

/// How far an instruction shifts.
#[derive(Clone, Copy)]
enum Count {
    /// A constant, already masked.
    Known(u64),
    /// `cl`, masked, as the type that the shift is computed in; and whether it is not zero.
    Variable { amount: Value, some: Value },
}

/// The type that shifts of `ty` are computed in: bits shifted out of narrow values stay visible.
fn working(ty: Type) -> Type {
    if ty == Type::I64 { Type::I64 } else { Type::I32 }
}

impl Lifter<'_> {
    /// The count in operand `n`, masked to 5 or 6 bits.
    fn shift_count(&mut self, n: u32, ty: Type, computed_in: Type) -> Count {
        let mask = if ty == Type::I64 { 63 } else { 31 };
        if !matches!(self.insn.op_kind(n), decoders::x86_64::OpKind::Register) {
            return Count::Known(self.immediate(n) & mask);
        }
        let cl = self.read(n);
        let cl = self.b.resize(cl, computed_in, Sign::Unsigned);
        let mask = self.b.iconst(computed_in, mask);
        let amount = self.b.and(cl, mask);
        let zero = self.b.iconst(computed_in, 0);
        let some = self.b.icmp(amount, zero, Cond::Ne);
        Count::Variable { amount, some }
    }

    fn bit(&mut self, value: Value, index: u32) -> Value {
        let ty = self.b.ty(value);
        let amount = self.b.iconst(ty, index.into());
        let shifted = self.b.lshr(value, amount);
        self.b.trunc(shifted, Type::I1)
    }

    /// Sets AF.
    fn set_af_bit(&mut self) {
        let set = self.b.iconst(Type::I8, 16);
        self.b.set(set, state::AF);
    }

    fn top_bit(&mut self, value: Value) -> Value {
        let bits = self.b.ty(value).bits();
        self.bit(value, bits - 1)
    }

    /// Writes operand 0 where the shift turned out to be by nothing: a 32-bit register still loses its upper half.
    fn write_unchanged(&mut self, value: Value) {
        self.write(0, value);
    }
}

/// `sal`, `shl`, `shr`, `sar dest, count`: CF is the last bit shifted out. (Shift)
fn shift(x: &mut Lifter<'_>, kind: Kind) {
    let ty = x.ty(0);
    let wide = working(ty);
    let count = x.shift_count(1, ty, wide);
    let old = x.read(0);
    let (amount, some) = match count {
        Count::Known(0) => return x.write_unchanged(old),
        Count::Known(amount) => (x.b.iconst(wide, amount), None),
        Count::Variable { amount, some } => (amount, Some(some)),
    };
    let sign = if kind == Kind::Arithmetic { Sign::Signed } else { Sign::Unsigned };
    let value = x.b.resize(old, wide, sign);
    let one = x.b.iconst(wide, 1);
    // The last bit out is at the edge after a shift by one less; modulo the width, which matters for no count but zero.
    let before = x.b.sub(amount, one);
    let (shifted, carry) = match kind {
        Kind::Left => {
            let shifted = x.b.shl(value, amount);
            let previous = x.b.shl(value, before);
            (shifted, x.bit(previous, ty.bits() - 1))
        }
        Kind::Right => {
            let previous = x.b.lshr(value, before);
            (x.b.lshr(value, amount), x.bit(previous, 0))
        }
        Kind::Arithmetic => {
            let previous = x.b.ashr(value, before);
            (x.b.ashr(value, amount), x.bit(previous, 0))
        }
    };
    let result = x.b.resize(shifted, ty, Sign::Unsigned);
    let saved = some.map(|some| (some, x.save_flags(super::binary_arithmetic::ARITHMETIC)));
    x.write(0, result);
    let overflow = match kind {
        Kind::Left => {
            let top = x.top_bit(result);
            x.b.xor(top, carry)
        }
        Kind::Right => {
            let (new, next) = (x.top_bit(result), x.bit(result, ty.bits() - 2));
            x.b.xor(new, next)
        }
        Kind::Arithmetic => x.b.i1(false),
    };
    x.b.set(carry, state::CF);
    x.set_flag(state::OF, overflow);
    x.set_af_bit();
    x.set_result_flags(result);
    if let Some((some, saved)) = saved {
        x.keep_flags_unless(some, &saved);
    }
}

/// `shld`, `shrd dest, src, count`: shift, filling with bits of `src`. (Double Precision Shift Left; Double Precision Shift
/// Right)
fn double_shift(x: &mut Lifter<'_>, kind: Kind) {
    let ty = x.ty(0);
    // Counts above 16 shift 16-bit operands into a second copy of the filling, as AMD's processors do (undefined by the manual).
    let wide = if ty == Type::I32 || ty == Type::I16 { Type::I64 } else { ty };
    let count = x.shift_count(2, ty, wide);
    let (old, fill) = (x.read(0), x.read(1));
    let (amount, some) = match count {
        Count::Known(0) => return x.write_unchanged(old),
        Count::Known(amount) => (x.b.iconst(wide, amount), None),
        Count::Variable { amount, some } => (amount, Some(some)),
    };
    let one = x.b.iconst(wide, 1);
    let before = x.b.sub(amount, one);
    let (result, carry) = match (ty, kind) {
        (Type::I64, Kind::Left) => {
            let rest = x.b.neg(amount);
            let (high, low) = (x.b.shl(old, amount), x.b.lshr(fill, rest));
            let previous = x.b.shl(old, before);
            (x.b.or(high, low), x.top_bit(previous))
        }
        (Type::I64, _) => {
            let rest = x.b.neg(amount);
            let (low, high) = (x.b.lshr(old, amount), x.b.shl(fill, rest));
            let previous = x.b.lshr(old, before);
            (x.b.or(high, low), x.bit(previous, 0))
        }
        (_, kind) => {
            let bits = ty.bits();
            let [old, fill] = [old, fill].map(|v| x.b.zext(v, Type::I64));
            let place = |x: &mut Lifter<'_>, v, at: u32| {
                let amount = x.b.i64(at.into());
                x.b.shl(v, amount)
            };
            if kind == Kind::Left {
                // old : fill (32 bits) or old : fill : fill (16 bits), and the result at the top.
                let top = 32;
                let (a, f) = (place(x, old, top), place(x, fill, top - bits));
                let mut line = x.b.or(a, f);
                if bits == 16 {
                    line = x.b.or(line, fill);
                }
                let (shifted, previous) = (x.b.shl(line, amount), x.b.shl(line, before));
                let amount = x.b.i64(top.into());
                let result = x.b.lshr(shifted, amount);
                (x.b.trunc(result, ty), x.bit(previous, top + bits - 1))
            } else {
                let f = place(x, fill, bits);
                let mut line = x.b.or(old, f);
                if bits == 16 {
                    let again = place(x, fill, 32);
                    line = x.b.or(line, again);
                }
                let (shifted, previous) = (x.b.lshr(line, amount), x.b.lshr(line, before));
                (x.b.trunc(shifted, ty), x.bit(previous, 0))
            }
        }
    };
    let saved = some.map(|some| (some, x.save_flags(super::binary_arithmetic::ARITHMETIC)));
    let mut stored = result;
    if let (Some(some), Type::I64) = (some, ty) {
        // A shift of the filling by the width is a shift by nothing.
        stored = x.b.select(result, old, some);
    }
    x.write(0, stored);
    let new = x.top_bit(result);
    let other = if kind == Kind::Left { carry } else { x.bit(result, ty.bits() - 2) };
    let overflow = x.b.xor(new, other);
    x.b.set(carry, state::CF);
    x.set_flag(state::OF, overflow);
    x.set_af_bit();
    x.set_result_flags(result);
    if let Some((some, saved)) = saved {
        x.keep_flags_unless(some, &saved);
    }
}

/// `rol`, `ror dest, count`: rotate; CF is the bit that came round. (Rotate)
fn rotate(x: &mut Lifter<'_>, kind: Kind) {
    let ty = x.ty(0);
    let count = x.shift_count(1, ty, ty);
    let old = x.read(0);
    let (amount, some) = match count {
        Count::Known(0) => return x.write_unchanged(old),
        Count::Known(amount) => (x.b.iconst(ty, amount), None),
        Count::Variable { amount, some } => (amount, Some(some)),
    };
    let result = if kind == Kind::Left { x.b.rotl(old, amount) } else { x.b.rotr(old, amount) };
    let saved = some.map(|some| (some, x.save_flags([state::CF, state::OF])));
    x.write(0, result);
    let top = x.top_bit(result);
    let (carry, other) = if kind == Kind::Left {
        let bottom = x.bit(result, 0);
        (bottom, bottom)
    } else {
        (top, x.bit(result, ty.bits() - 2))
    };
    let overflow = x.b.xor(top, other);
    x.forget_flags();
    x.b.set(carry, state::CF);
    x.set_flag(state::OF, overflow);
    if let Some((some, saved)) = saved {
        x.keep_flags_unless(some, &saved);
    }
}

/// `rcl`, `rcr dest, count`: rotate through CF. (Rotate)
fn rotate_carry(x: &mut Lifter<'_>, kind: Kind) {
    let ty = x.ty(0);
    let bits = ty.bits();
    let count = x.shift_count(1, ty, Type::I64);
    let old = x.read(0);
    let (amount, some) = match count {
        Count::Known(0) => return x.write_unchanged(old),
        Count::Known(amount) => {
            let turns = if bits < 32 { amount % u64::from(bits + 1) } else { amount };
            (x.b.i64(turns), None)
        }
        Count::Variable { amount, some } => {
            let turns = if bits < 32 {
                let turn = x.b.i64(u64::from(bits + 1));
                x.b.urem(amount, turn)
            } else {
                amount
            };
            (turns, Some(some))
        }
    };
    let carry_in = x.b.get(state::CF);
    let carry_in = x.b.zext(carry_in, Type::I64);
    let (result, carry) = if ty == Type::I64 {
        rotate_carry_64(x, kind, old, carry_in, amount)
    } else {
        // The carry stands above the value: a rotation of bits + 1 bits in 64.
        let value = x.b.zext(old, Type::I64);
        let at = x.b.i64(bits.into());
        let above = x.b.shl(carry_in, at);
        let line = x.b.or(value, above);
        let size = x.b.i64(u64::from(bits) + 1);
        let rest = x.b.sub(size, amount);
        let (there, back) = if kind == Kind::Left {
            (x.b.shl(line, amount), x.b.lshr(line, rest))
        } else {
            (x.b.lshr(line, amount), x.b.shl(line, rest))
        };
        let turned = x.b.or(there, back);
        (x.b.trunc(turned, ty), x.bit(turned, bits))
    };
    let saved = some.map(|some| (some, x.save_flags([state::CF, state::OF])));
    let mut stored = result;
    if let (Some(some), Type::I64) = (some, ty) {
        stored = x.b.select(result, old, some);
    }
    x.write(0, stored);
    let top = x.top_bit(result);
    let other = if kind == Kind::Left { carry } else { x.bit(result, bits - 2) };
    let overflow = x.b.xor(top, other);
    x.forget_flags();
    x.b.set(carry, state::CF);
    x.set_flag(state::OF, overflow);
    if let Some((some, saved)) = saved {
        x.keep_flags_unless(some, &saved);
    }
}

/// Rotation of 64 bits and the carry by 1 to 63; for 0 the result is of no use.
fn rotate_carry_64(
    x: &mut Lifter<'_>,
    kind: Kind,
    old: Value,
    carry_in: Value,
    amount: Value,
) -> (Value, Value) {
    let one = x.b.i64(1);
    let before = x.b.sub(amount, one);
    let rest = x.b.neg(amount);
    if kind == Kind::Left {
        let (high, middle) = (x.b.shl(old, amount), x.b.shl(carry_in, before));
        let half = x.b.lshr(old, one);
        let low = x.b.lshr(half, rest);
        let ends = x.b.or(high, low);
        let last = x.b.shl(old, before);
        (x.b.or(ends, middle), x.top_bit(last))
    } else {
        let (low, middle) = (x.b.lshr(old, amount), x.b.shl(carry_in, rest));
        let double = x.b.shl(old, one);
        let high = x.b.shl(double, rest);
        let ends = x.b.or(high, low);
        let last = x.b.lshr(old, before);
        (x.b.or(ends, middle), x.bit(last, 0))
    }
}
