//! The x87's environment and state in memory: `fnstenv`, `fldenv`, `fnsave`, `frstor`.
//!
//! In 64-bit mode the forms with 32-bit fields are the usual ones; an operand-size prefix gives those with 16-bit fields. Selectors, the
//! last opcode and the last operand's address are stored as zero and not loaded.

use super::{Lifter, Rows};
use crate::guest::x86_64::{self as state, st};
use crate::ir::{Access, Cond, Sign, Type, Value};
use decoders::x86_64::{Code, Mnemonic as M};

pub(super) const ROWS: Rows =
    &[(M::Fnstenv, fnstenv), (M::Fldenv, fldenv), (M::Fnsave, fnsave), (M::Frstor, frstor)];

/// Size of a field: the environment is seven of them.
fn field_size(x: &Lifter<'_>) -> u64 {
    match x.insn.code() {
        Code::Fnstenv_m14byte | Code::Fldenv_m14byte | Code::Fnsave_m94byte | Code::Frstor_m94byte => 2,
        _ => 4,
    }
}

impl Lifter<'_> {
    /// The tag word: two bits a register, by physical register: valid, zero, special, empty.
    fn x87_tag_word(&mut self) -> Value {
        let top = self.b.get(state::FTOP);
        let mut word = self.b.iconst(Type::I16, 0);
        for i in 0..8 {
            let tag = self.x87_tag(i);
            let place = self.b.iconst(Type::I8, i.into());
            let register = self.b.add(place, top);
            let seven = self.b.iconst(Type::I8, 7);
            let register = self.b.and(register, seven);
            let one = self.b.iconst(Type::I8, 1);
            let amount = self.b.shl(register, one);
            let amount = self.b.zext(amount, Type::I16);
            let shifted = self.b.shl(tag, amount);
            word = self.b.or(word, shifted);
        }
        word
    }

    fn x87_tag(&mut self, i: u8) -> Value {
        let (value, used) = (self.b.get(st(i)), self.in_use(i));
        let (low, high) = (self.b.low(value), self.b.high(value));
        let (mask, zero) = (self.b.i64(0x7fff), self.b.i64(0));
        let exponent = self.b.and(high, mask);
        let largest = self.b.icmp(exponent, mask, Cond::Eq);
        let smallest = self.b.icmp(exponent, zero, Cond::Eq);
        let integer_bit_clear = self.b.icmp(low, zero, Cond::Sge);
        let nothing = self.b.icmp(low, zero, Cond::Eq);
        let is_zero = self.b.and(smallest, nothing);
        let edge = self.b.or(largest, smallest);
        let special = self.b.or(edge, integer_bit_clear);
        let [valid, zero, other, empty] = [0, 1, 2, 3].map(|tag| self.b.iconst(Type::I16, tag));
        let tag = self.b.select(other, valid, special);
        let tag = self.b.select(zero, tag, is_zero);
        self.b.select(tag, empty, used)
    }

    /// Tag bits by physical register, from a tag word.
    fn tags_of_word(&mut self, word: Value) -> Value {
        let mut tags = self.b.iconst(Type::I8, 0);
        for i in 0..8u64 {
            let amount = self.b.iconst(Type::I16, 2 * i);
            let tag = self.b.lshr(word, amount);
            let three = self.b.iconst(Type::I16, 3);
            let tag = self.b.and(tag, three);
            let used = self.b.icmp(tag, three, Cond::Ne);
            let (bit, none) = (self.b.iconst(Type::I8, 1 << i), self.b.iconst(Type::I8, 0));
            let bit = self.b.select(bit, none, used);
            tags = self.b.or(tags, bit);
        }
        tags
    }

    /// Stores the seven fields; the caller has probed. The upper halves of 32-bit fields that hold 16 bits are all ones.
    fn store_x87_environment(&mut self, size: u64) {
        let control = self.b.get(state::FCW);
        let status = self.x87_status();
        let tags = self.x87_tag_word();
        let instruction = self.b.get(state::FIP);
        for (field, value) in [(0, control), (1, status), (2, tags)] {
            let mut value = value;
            if size == 4 {
                let wide = self.b.zext(value, Type::I32);
                let ones = self.b.i32(0xffff_0000);
                value = self.b.or(wide, ones);
            }
            self.store_field(size * field, value);
        }
        let ty = Type::int_of_bytes(size as u32);
        let instruction = self.b.resize(instruction, ty, Sign::Unsigned);
        let zero = self.b.iconst(ty, 0);
        let last = if size == 4 { self.b.i32(0xffff_0000) } else { zero };
        for (field, value) in [(3, instruction), (4, zero), (5, zero), (6, last)] {
            self.store_field(size * field, value);
        }
    }

    /// Loads control word, status word, tag bits and instruction address; the caller has probed.
    fn load_x87_environment(&mut self, size: u64) -> [Value; 4] {
        let [control, status, tags] = [0, 1, 2].map(|field| self.load_field(size * field, Type::I16));
        let instruction = self.load_field(size * 3, Type::int_of_bytes(size as u32));
        let instruction = self.b.resize(instruction, Type::I64, Sign::Unsigned);
        [control, status, tags, instruction]
    }

    fn set_x87_environment_from(&mut self, [control, status, tags, instruction]: [Value; 4]) {
        self.b.set(instruction, state::FIP);
        self.set_x87_control(control);
        self.set_x87_status(status);
        let tags = self.tags_of_word(tags);
        self.set_x87_tags_by_register(tags);
    }
}

/// `fnstenv m14/m28`: store the environment, then mask every exception. (Store x87 FPU Environment)
fn fnstenv(x: &mut Lifter<'_>) {
    let size = field_size(x);
    let address = x.address();
    x.b.probe(address, Access::Write, 7 * size as u32);
    x.store_x87_environment(size);
    let (control, masks) = (x.b.get(state::FCW), x.flags87(0x3f));
    let control = x.b.or(control, masks);
    x.set_x87_control(control);
    x.follow_x87_masks();
}

/// `fldenv m14/m28`: load what `fnstenv` stored; exceptions in it may be pending then. (Load x87 FPU Environment)
fn fldenv(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let size = field_size(x);
    let address = x.address();
    x.b.probe(address, Access::Read, 7 * size as u32);
    let environment = x.load_x87_environment(size);
    let before = x.b.get(state::FTOP);
    x.set_x87_environment_from(environment);
    // The registers stay where they are, the top moves.
    let after = x.b.get(state::FTOP);
    let moved = x.b.sub(after, before);
    for (i, value) in x.turned_by(moved).into_iter().enumerate() {
        x.b.set(value, st(i as u8));
    }
    x.follow_x87_masks();
}

/// `fnsave m94/m108`: store environment and registers, then initialise. (Store x87 FPU State)
fn fnsave(x: &mut Lifter<'_>) {
    let size = field_size(x);
    let address = x.address();
    x.b.probe(address, Access::Write, 7 * size as u32 + 80);
    x.store_x87_environment(size);
    for i in 0..8 {
        let value = x.b.get(st(i));
        let (low, high) = (x.b.low(value), x.b.high(value));
        let high = x.b.trunc(high, Type::I16);
        let at = 7 * size + 10 * u64::from(i);
        x.store_field(at, low);
        x.store_field(at + 8, high);
    }
    x.reset_x87();
    x.follow_x87_masks();
}

/// `frstor m94/m108`: load what `fnsave` stored. (Restore x87 FPU State)
fn frstor(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let size = field_size(x);
    let address = x.address();
    x.b.probe(address, Access::Read, 7 * size as u32 + 80);
    let environment = x.load_x87_environment(size);
    let registers: Vec<Value> = (0..8)
        .map(|i| {
            let at = 7 * size + 10 * i;
            let (low, high) = (x.load_field(at, Type::I64), x.load_field(at + 8, Type::I16));
            let high = x.b.zext(high, Type::I64);
            x.b.concat(low, high)
        })
        .collect();
    for (i, value) in registers.into_iter().enumerate() {
        x.b.set(value, st(i as u8));
    }
    x.set_x87_environment_from(environment);
    x.follow_x87_masks();
}
