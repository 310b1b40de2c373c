//! RFLAGS: how instructions set the slots, and conditions.
//!
//! The slots hold deciding values (see [`crate::guest::x86_64`]). [`Last`] remembers the operation that set them last in this
//! block, so that a condition on it becomes one comparison of its operands; the slots are then dead if they are set
//! again before the block ends.

use super::Lifter;
use crate::guest::x86_64 as state;
use crate::ir::{Cond, FloatCond, Quietness, Sign, Slot, Type, Value};
use decoders::x86_64::ConditionCode;

/// The operation that set the flags last.
#[derive(Clone, Copy, Default)]
pub(super) enum Last {
    /// Not in this block, or one that is not worth remembering.
    #[default]
    Unknown,
    /// `a - b`; CF too unless the operation was `dec`.
    Sub { a: Value, b: Value, carry: bool },
    /// A result of which ZF and SF hold, with CF and OF clear.
    Logic { result: Value },
    /// A result of which ZF and SF hold; nothing is known of the others.
    Result { result: Value },
    /// `ucomiss` and its like: the comparison has been made (and its flags raised) already.
    Float { a: Value, b: Value, quiet: Quietness },
}

impl Lifter<'_> {
    /// `value` sign-extended to 64 bits: bit 63 is its sign, and it is zero if `value` is.
    fn wide(&mut self, value: Value) -> Value {
        self.b.resize(value, Type::I64, Sign::Signed)
    }

    /// ZF, SF and PF of a result.
    pub(super) fn set_result_flags(&mut self, result: Value) {
        let wide = self.wide(result);
        self.b.set(wide, state::ZF);
        self.b.set(wide, state::SF);
        self.set_pf(result);
        *self.last = Last::Result { result };
    }

    fn set_pf(&mut self, result: Value) {
        let low = self.b.resize(result, Type::I8, Sign::Unsigned);
        self.b.set(low, state::PF);
    }

    /// AF of `result = a + b` or `a - b`.
    fn set_af(&mut self, a: Value, b: Value, result: Value) {
        let [a, b, result] = [a, b, result].map(|v| self.b.resize(v, Type::I8, Sign::Unsigned));
        let sum = self.b.xor(a, b);
        let carries = self.b.xor(sum, result);
        self.b.set(carries, state::AF);
    }

    /// Every flag but CF of `result = a + b` (with or without carry).
    pub(super) fn set_add_flags(&mut self, a: Value, b: Value, result: Value) {
        let (from_a, from_b) = (self.b.xor(a, result), self.b.xor(b, result));
        let overflow = self.b.and(from_a, from_b);
        let overflow = self.wide(overflow);
        self.b.set(overflow, state::OF);
        self.set_af(a, b, result);
        self.set_result_flags(result);
    }

    /// Every flag but CF of `result = a - b` (with or without borrow).
    pub(super) fn set_sub_flags(&mut self, a: Value, b: Value, result: Value) {
        let (differ, changed) = (self.b.xor(a, b), self.b.xor(a, result));
        let overflow = self.b.and(differ, changed);
        let overflow = self.wide(overflow);
        self.b.set(overflow, state::OF);
        self.set_af(a, b, result);
        self.set_result_flags(result);
    }

    /// All flags of `result = a - b`.
    pub(super) fn set_compare_flags(&mut self, a: Value, b: Value, result: Value) {
        let borrow = self.b.icmp(a, b, Cond::Ult);
        self.b.set(borrow, state::CF);
        self.set_sub_flags(a, b, result);
        *self.last = Last::Sub { a, b, carry: true };
    }

    /// All flags of a bitwise operation: CF, OF and AF (by processors, not by the manual) are cleared.
    pub(super) fn set_logic_flags(&mut self, result: Value) {
        self.clear(state::CF);
        self.clear(state::OF);
        self.clear(state::AF);
        self.set_result_flags(result);
        *self.last = Last::Logic { result };
    }

    /// Clears a flag.
    pub(super) fn clear(&mut self, slot: Slot) {
        let zero = match slot {
            // ZF is clear if its value is not zero, PF if its value has odd parity.
            state::ZF => self.b.i64(1),
            state::PF => self.b.iconst(Type::I8, 1),
            state::AF => self.b.iconst(Type::I8, 0),
            state::CF | state::DF => self.b.i1(false),
            _ => self.b.i64(0),
        };
        self.b.set(zero, slot);
    }

    /// Sets the flag of a slot to a one-bit value.
    pub(super) fn set_flag(&mut self, slot: Slot, value: Value) {
        let value = match slot {
            state::ZF => {
                let clear = self.b.not(value);
                self.b.zext(clear, Type::I64)
            }
            state::PF => {
                let clear = self.b.not(value);
                self.b.zext(clear, Type::I8)
            }
            state::AF => {
                let (set, clear) = (self.b.iconst(Type::I8, 16), self.b.iconst(Type::I8, 0));
                self.b.select(set, clear, value)
            }
            state::SF | state::OF => {
                let (set, clear) = (self.b.i64(1 << 63), self.b.i64(0));
                self.b.select(set, clear, value)
            }
            _ => value,
        };
        self.b.set(value, slot);
    }

    /// Keeps the flags' old values where `cond` is false: call it with the values in the slots before the new ones were
    /// set. Pairs with [`Lifter::save_flags`].
    pub(super) fn keep_flags_unless(&mut self, cond: Value, saved: &[(Slot, Value)]) {
        for &(slot, old) in saved {
            let new = self.b.get(slot);
            let value = self.b.select(new, old, cond);
            self.b.set(value, slot);
        }
        *self.last = Last::Unknown;
    }

    /// The values in the slots of the arithmetic flags.
    pub(super) fn save_flags<const N: usize>(&mut self, slots: [Slot; N]) -> [(Slot, Value); N] {
        slots.map(|slot| (slot, self.b.get(slot)))
    }

    /// The flag of a slot as one bit.
    pub(super) fn flag(&mut self, slot: Slot) -> Value {
        let value = self.b.get(slot);
        match slot {
            state::ZF => {
                let zero = self.b.i64(0);
                self.b.icmp(value, zero, Cond::Eq)
            }
            state::SF | state::OF => {
                let zero = self.b.i64(0);
                self.b.icmp(value, zero, Cond::Slt)
            }
            state::PF => {
                let ones = self.b.popcnt(value);
                let odd = self.b.trunc(ones, Type::I1);
                self.b.not(odd)
            }
            state::AF => {
                let four = self.b.iconst(Type::I8, 4);
                let shifted = self.b.lshr(value, four);
                self.b.trunc(shifted, Type::I1)
            }
            _ => value,
        }
    }

    /// Whether the condition of `jcc`, `setcc`, `cmovcc` holds.
    pub(super) fn condition(&mut self, code: ConditionCode) -> Value {
        if let Some(known) = self.known_condition(code) {
            return known;
        }
        use ConditionCode as C;
        match code {
            C::o => self.flag(state::OF),
            C::b => self.flag(state::CF),
            C::e => self.flag(state::ZF),
            C::s => self.flag(state::SF),
            C::p => self.flag(state::PF),
            C::be => {
                let (carry, zero) = (self.flag(state::CF), self.flag(state::ZF));
                self.b.or(carry, zero)
            }
            C::l => {
                let (sign, overflow) = (self.b.get(state::SF), self.b.get(state::OF));
                let differ = self.b.xor(sign, overflow);
                let zero = self.b.i64(0);
                self.b.icmp(differ, zero, Cond::Slt)
            }
            C::le => {
                let (less, zero) = (self.condition(C::l), self.flag(state::ZF));
                self.b.or(less, zero)
            }
            C::None => unreachable!("an instruction with a condition"),
            _ => {
                let opposite = self.condition(opposite(code));
                self.b.not(opposite)
            }
        }
    }

    /// The condition from the operands of the operation that set the flags.
    fn known_condition(&mut self, code: ConditionCode) -> Option<Value> {
        use ConditionCode as C;
        match *self.last {
            Last::Sub { a, b, carry } => {
                let cond = match code {
                    C::e => Cond::Eq,
                    C::ne => Cond::Ne,
                    C::l => Cond::Slt,
                    C::ge => Cond::Sge,
                    C::le => Cond::Sle,
                    C::g => Cond::Sgt,
                    C::b if carry => Cond::Ult,
                    C::ae if carry => Cond::Uge,
                    C::be if carry => Cond::Ule,
                    C::a if carry => Cond::Ugt,
                    _ => return None,
                };
                Some(self.b.icmp(a, b, cond))
            }
            Last::Logic { result } => {
                let cond = match code {
                    C::e | C::be => Cond::Eq,
                    C::ne | C::a => Cond::Ne,
                    C::s | C::l => Cond::Slt,
                    C::ns | C::ge => Cond::Sge,
                    C::le => Cond::Sle,
                    C::g => Cond::Sgt,
                    C::b | C::o => return Some(self.b.i1(false)),
                    C::ae | C::no => return Some(self.b.i1(true)),
                    _ => return None,
                };
                Some(self.compare_zero(result, cond))
            }
            Last::Result { result } => {
                let cond = match code {
                    C::e => Cond::Eq,
                    C::ne => Cond::Ne,
                    C::s => Cond::Slt,
                    C::ns => Cond::Sge,
                    _ => return None,
                };
                Some(self.compare_zero(result, cond))
            }
            Last::Float { a, b, quiet } => {
                // CF: less or unordered. ZF: equal or unordered. PF: unordered.
                let (cond, invert) = match code {
                    C::a => (FloatCond::Greater, false),
                    C::ae => (FloatCond::GreaterEqual, false),
                    C::b => (FloatCond::GreaterEqual, true),
                    C::be => (FloatCond::Greater, true),
                    C::p => (FloatCond::Unordered, false),
                    C::np => (FloatCond::Unordered, true),
                    _ => return None,
                };
                let holds = self.b.fcmp(a, b, cond, quiet);
                Some(if invert { self.b.not(holds) } else { holds })
            }
            Last::Unknown => None,
        }
    }

    fn compare_zero(&mut self, value: Value, cond: Cond) -> Value {
        let ty = self.b.ty(value);
        let zero = self.b.iconst(ty, 0);
        self.b.icmp(value, zero, cond)
    }
}

fn opposite(code: ConditionCode) -> ConditionCode {
    use ConditionCode as C;
    match code {
        C::no => C::o,
        C::ae => C::b,
        C::ne => C::e,
        C::a => C::be,
        C::ns => C::s,
        C::np => C::p,
        C::ge => C::l,
        _ => C::le,
    }
}
