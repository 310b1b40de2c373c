//! N, Z, C, V and the conditions made of them.
//!
//! The slots hold the values that decide (see `guest/aarch64.rs`). Within a block the last operation that set the flags is
//! remembered, so that a condition becomes one comparison of that operation's operands and the slots are not read.

use super::Lifter;
use crate::guest::aarch64::{C, N, V, Z};
use crate::ir::{Cond, FloatCond, Quietness, Sign, Type, Value};

/// The operation that set the flags, within this block.
#[derive(Clone, Copy, Default)]
pub(super) enum Flags {
    /// Before this block, or in a way that only the slots know.
    #[default]
    Slots,
    /// `a - b`.
    Subtract { a: Value, b: Value, result: Value },
    /// `a + b`.
    Add { a: Value, b: Value, result: Value },
    /// A logical result: C and V are clear.
    Logical { result: Value },
    /// A float comparison.
    Float { a: Value, b: Value, quiet: Quietness },
    /// If `passed`, `a - b` (or `a + b`), else these flags: N, Z, C, V in bits 3 to 0.
    Conditional { passed: Value, subtract: bool, a: Value, b: Value, result: Value, otherwise: u32 },
}

/// Whether condition `cond` holds for N, Z, C, V in bits 3 to 0.
fn holds(cond: u32, nzcv: u32) -> bool {
    let [v, c, z, n] = [0, 1, 2, 3].map(|bit| nzcv >> bit & 1 != 0);
    let base = match cond >> 1 {
        0 => z,
        1 => c,
        2 => n,
        3 => v,
        4 => c && !z,
        5 => n == v,
        6 => n == v && !z,
        _ => return true,
    };
    base != (cond & 1 != 0)
}

impl Lifter<'_> {
    /// Sets N and Z to those of an integer.
    fn set_nz(&mut self, result: Value) {
        let wide = self.resize(result, Type::I64, Sign::Signed);
        self.set(wide, N);
        self.set(wide, Z);
    }

    /// Sets the flags to those of `a + b`.
    pub(super) fn set_flags_add(&mut self, a: Value, b: Value, result: Value) {
        let zero = self.i1(false);
        let carry = self.carry(a, b, zero);
        let overflow = self.overflow(a, b, zero);
        self.set_nz(result);
        self.set(carry, C);
        self.set(overflow, V);
        *self.flags = Flags::Add { a, b, result };
    }

    /// Sets the flags to those of `a - b`.
    pub(super) fn set_flags_subtract(&mut self, a: Value, b: Value, result: Value) {
        let carry = self.icmp(a, b, Cond::Uge);
        let overflow = self.subtract_overflow(a, b);
        self.set_nz(result);
        self.set(carry, C);
        self.set(overflow, V);
        *self.flags = Flags::Subtract { a, b, result };
    }

    fn subtract_overflow(&mut self, a: Value, b: Value) -> Value {
        let one = self.i1(true);
        let inverted = self.not(b);
        self.overflow(a, inverted, one)
    }

    /// Sets the flags to those of `a + b + carry`.
    pub(super) fn set_flags_carry(&mut self, a: Value, b: Value, carry_in: Value, result: Value) {
        let carry = self.carry(a, b, carry_in);
        let overflow = self.overflow(a, b, carry_in);
        self.set_nz(result);
        self.set(carry, C);
        self.set(overflow, V);
        *self.flags = Flags::Slots;
    }

    /// Sets the flags to those of a logical result.
    pub(super) fn set_flags_logical(&mut self, result: Value) {
        let zero = self.i1(false);
        self.set_nz(result);
        self.set(zero, C);
        self.set(zero, V);
        *self.flags = Flags::Logical { result };
    }

    /// Sets the flags to N, Z, C, V in bits 31 to 28 of a 64-bit value.
    pub(super) fn set_flags_word(&mut self, nzcv: Value) {
        let amount = self.i64(32);
        let n = self.shl(nzcv, amount);
        self.set(n, N);
        let mask = self.i64(1 << 30);
        let z = self.and(nzcv, mask);
        let not_z = self.xor(z, mask);
        self.set(not_z, Z);
        for (bit, slot) in [(29, C), (28, V)] {
            let amount = self.i64(bit);
            let low = self.lshr(nzcv, amount);
            let flag = self.trunc(low, Type::I1);
            self.set(flag, slot);
        }
        *self.flags = Flags::Slots;
    }

    /// Sets the flags to bits.
    pub(super) fn set_flag_bits(&mut self, n: Value, z: Value, c: Value, v: Value) {
        let mut word = self.i64(0);
        for (flag, bit) in [(n, 31), (z, 30), (c, 29), (v, 28)] {
            let wide = self.zext(flag, Type::I64);
            let amount = self.i64(bit);
            let placed = self.shl(wide, amount);
            word = self.or(word, placed);
        }
        self.set_flags_word(word);
    }

    /// N, Z, C, V in bits 31 to 28 of a 64-bit value.
    pub(super) fn flags_word(&mut self) -> Value {
        let zero = self.i64(0);
        let (n, z) = (self.get(N), self.get(Z));
        let flags = [
            (self.icmp(n, zero, Cond::Slt), 31),
            (self.icmp(z, zero, Cond::Eq), 30),
            (self.get(C), 29),
            (self.get(V), 28),
        ];
        let mut word = zero;
        for (flag, bit) in flags {
            let wide = self.zext(flag, Type::I64);
            let amount = self.i64(bit);
            let placed = self.shl(wide, amount);
            word = self.or(word, placed);
        }
        word
    }

    /// Sets the flags to those of a float comparison: less 1000, equal 0110, greater 0010, unordered 0011.
    pub(super) fn set_flags_float(&mut self, a: Value, b: Value, quiet: Quietness) {
        let [n, z, c, v] = self.float_flags(a, b, quiet);
        self.set(n, N);
        self.set(z, Z);
        self.set(c, C);
        self.set(v, V);
        *self.flags = Flags::Float { a, b, quiet };
    }

    /// The values of the four slots after a float comparison.
    fn float_flags(&mut self, a: Value, b: Value, quiet: Quietness) -> [Value; 4] {
        let less = self.fcmp(a, b, FloatCond::Less, quiet);
        let not_equal = self.fcmp(a, b, FloatCond::NotEqual, quiet);
        let unordered = self.fcmp(a, b, FloatCond::Unordered, quiet);
        let amount = self.i64(63);
        let less_wide = self.zext(less, Type::I64);
        let n = self.shl(less_wide, amount);
        let z = self.zext(not_equal, Type::I64);
        let c = self.not(less);
        [n, z, c, unordered]
    }

    /// If `passed`, sets the flags to those of a float comparison, else to `otherwise`.
    pub(super) fn set_flags_float_if(
        &mut self,
        passed: Value,
        a: Value,
        b: Value,
        quiet: Quietness,
        otherwise: u32,
    ) {
        // The comparison raises exceptions only if it takes place: a comparison of zeros raises none.
        let ty = self.ty(a);
        let bits = self.iconst(Type::int_of_bytes(ty.bytes()), 0);
        let zero = self.bitcast(bits, ty);
        let (a, b) = (self.select(a, zero, passed), self.select(b, zero, passed));
        let compared = self.float_flags(a, b, quiet);
        self.choose_flags(passed, compared, otherwise);
        *self.flags = Flags::Slots;
    }

    /// If `passed`, sets the flags to those of `a - b` (or `a + b`), else to `otherwise`.
    pub(super) fn set_flags_if(&mut self, passed: Value, subtract: bool, a: Value, b: Value, otherwise: u32) {
        let (result, carry, overflow);
        if subtract {
            result = self.sub(a, b);
            carry = self.icmp(a, b, Cond::Uge);
            overflow = self.subtract_overflow(a, b);
        } else {
            let zero = self.i1(false);
            result = self.add(a, b);
            carry = self.carry(a, b, zero);
            overflow = self.overflow(a, b, zero);
        }
        let wide = self.resize(result, Type::I64, Sign::Signed);
        self.choose_flags(passed, [wide, wide, carry, overflow], otherwise);
        *self.flags = Flags::Conditional { passed, subtract, a, b, result, otherwise };
    }

    fn choose_flags(&mut self, passed: Value, computed: [Value; 4], otherwise: u32) {
        let n = self.i64(u64::from(otherwise >> 3 & 1) << 63);
        let z = self.i64(u64::from(otherwise >> 2 & 1 ^ 1));
        let c = self.i1(otherwise >> 1 & 1 != 0);
        let v = self.i1(otherwise & 1 != 0);
        for ((computed, constant), slot) in computed.into_iter().zip([n, z, c, v]).zip([N, Z, C, V]) {
            let chosen = self.select(computed, constant, passed);
            self.set(chosen, slot);
        }
    }

    /// Whether a condition (0: EQ to 14: AL, 15: NV, which is always too) holds. I1.
    pub(super) fn condition(&mut self, cond: u32) -> Value {
        match *self.flags {
            _ if cond >= 14 => self.i1(true),
            Flags::Slots => self.condition_of_slots(cond),
            Flags::Subtract { a, b, result } => self.condition_of_difference(cond, a, b, result),
            Flags::Add { a, b, result } => self.condition_of_sum(cond, a, b, result),
            Flags::Logical { result } => self.condition_of_logical(cond, result),
            Flags::Float { a, b, quiet } => self.condition_of_float(cond, a, b, quiet),
            Flags::Conditional { passed, subtract, a, b, result, otherwise } => {
                let compared = if subtract {
                    self.condition_of_difference(cond, a, b, result)
                } else {
                    self.condition_of_sum(cond, a, b, result)
                };
                if holds(cond, otherwise) {
                    let failed = self.not(passed);
                    self.or(compared, failed)
                } else {
                    self.and(compared, passed)
                }
            }
        }
    }

    fn condition_of_slots(&mut self, cond: u32) -> Value {
        let zero = self.i64(0);
        let holds = match cond >> 1 {
            0 => self.slot_z(),
            1 => self.get(C),
            2 => {
                let n = self.get(N);
                self.icmp(n, zero, Cond::Slt)
            }
            3 => self.get(V),
            4 => {
                let (c, z) = (self.get(C), self.slot_z());
                self.andnot(c, z)
            }
            5 => self.slot_n_equals_v(),
            _ => {
                let (ge, z) = (self.slot_n_equals_v(), self.slot_z());
                self.andnot(ge, z)
            }
        };
        if cond & 1 != 0 { self.not(holds) } else { holds }
    }

    fn slot_z(&mut self) -> Value {
        let (zero, z) = (self.i64(0), self.get(Z));
        self.icmp(z, zero, Cond::Eq)
    }

    fn slot_n_equals_v(&mut self) -> Value {
        let (zero, n, v) = (self.i64(0), self.get(N), self.get(V));
        let negative = self.icmp(n, zero, Cond::Slt);
        self.icmp(negative, v, Cond::Eq)
    }

    fn sign_is(&mut self, result: Value, negative: bool) -> Value {
        let zero = self.zero_like(result);
        self.icmp(result, zero, if negative { Cond::Slt } else { Cond::Sge })
    }

    fn zero_like(&mut self, value: Value) -> Value {
        let ty = self.ty(value);
        self.iconst(ty, 0)
    }

    fn condition_of_difference(&mut self, cond: u32, a: Value, b: Value, result: Value) -> Value {
        let relation = match cond {
            0 => Cond::Eq,
            1 => Cond::Ne,
            2 => Cond::Uge,
            3 => Cond::Ult,
            4 | 5 => return self.sign_is(result, cond == 4),
            6 => return self.subtract_overflow(a, b),
            7 => {
                let overflow = self.subtract_overflow(a, b);
                return self.not(overflow);
            }
            8 => Cond::Ugt,
            9 => Cond::Ule,
            10 => Cond::Sge,
            11 => Cond::Slt,
            12 => Cond::Sgt,
            _ => Cond::Sle,
        };
        self.icmp(a, b, relation)
    }

    fn condition_of_sum(&mut self, cond: u32, a: Value, b: Value, result: Value) -> Value {
        match cond {
            0 | 1 => {
                let zero = self.zero_like(result);
                self.icmp(result, zero, if cond == 0 { Cond::Eq } else { Cond::Ne })
            }
            2 | 3 => {
                // A sum has carried exactly if it is below its operands.
                self.icmp(result, a, if cond == 2 { Cond::Ult } else { Cond::Uge })
            }
            4 | 5 => self.sign_is(result, cond == 4),
            6 | 7 => {
                let zero = self.i1(false);
                let overflow = self.overflow(a, b, zero);
                if cond == 6 { overflow } else { self.not(overflow) }
            }
            _ => self.condition_of_slots(cond),
        }
    }

    fn condition_of_logical(&mut self, cond: u32, result: Value) -> Value {
        let zero = self.zero_like(result);
        let relation = match cond {
            0 => Cond::Eq,
            1 => Cond::Ne,
            // C and V are clear.
            2 | 6 | 8 => return self.i1(false),
            3 | 7 | 9 => return self.i1(true),
            4 | 11 => Cond::Slt,
            5 | 10 => Cond::Sge,
            12 => Cond::Sgt,
            _ => Cond::Sle,
        };
        self.icmp(result, zero, relation)
    }

    fn condition_of_float(&mut self, cond: u32, a: Value, b: Value, quiet: Quietness) -> Value {
        // Conditions that hold for unordered operands are complements of those that do not.
        let (relation, inverted) = match cond {
            0 => (FloatCond::Equal, false),
            1 => (FloatCond::NotEqual, false),
            2 | 5 => (FloatCond::Less, true),
            3 | 4 => (FloatCond::Less, false),
            6 => (FloatCond::Unordered, false),
            7 => (FloatCond::Unordered, true),
            8 => (FloatCond::LessEqual, true),
            9 => (FloatCond::LessEqual, false),
            10 => (FloatCond::GreaterEqual, false),
            11 => (FloatCond::GreaterEqual, true),
            12 => (FloatCond::Greater, false),
            _ => (FloatCond::Greater, true),
        };
        let holds = self.fcmp(a, b, relation, quiet);
        if inverted { self.not(holds) } else { holds }
    }
}
