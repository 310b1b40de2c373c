//! Flag control instructions.

use super::binary_arithmetic::ARITHMETIC;
use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{Sign, Slot, Trap, Type, Value};
use decoders::x86_64::{Mnemonic as M, Register};

pub(super) const ROWS: Rows = &[
    (M::Stc, |x| assign(x, state::CF, true)),
    (M::Clc, |x| assign(x, state::CF, false)),
    (M::Cmc, cmc),
    (M::Std, |x| assign(x, state::DF, true)),
    (M::Cld, |x| assign(x, state::DF, false)),
    (M::Lahf, lahf),
    (M::Sahf, sahf),
    (M::Pushf, pushf),
    (M::Pushfq, pushf),
    (M::Popf, popf),
    (M::Popfq, popf),
    (M::Sti, |x| x.b.trap(Trap::GeneralProtection)),
    (M::Cli, |x| x.b.trap(Trap::GeneralProtection)),
];

/// `stc`, `clc`, `std`, `cld`: set or clear a flag. (Set Carry Flag and others)
fn assign(x: &mut Lifter<'_>, slot: Slot, value: bool) {
    let value = x.b.i1(value);
    x.b.set(value, slot);
    if slot == state::CF {
        x.forget_flags();
    }
}

/// `cmc`: complement CF. (Complement Carry Flag)
fn cmc(x: &mut Lifter<'_>) {
    let carry = x.b.get(state::CF);
    let complement = x.b.not(carry);
    x.b.set(complement, state::CF);
    x.forget_flags();
}

/// `lahf`: the low byte of RFLAGS to `ah`. (Load Status Flags Into AH Register)
fn lahf(x: &mut Lifter<'_>) {
    let flags = x.arithmetic_flags();
    let low = x.b.trunc(flags, Type::I8);
    x.write_register(Register::AH, low);
}

/// `sahf`: SF, ZF, AF, PF and CF from `ah`. (Store AH Into Flags)
fn sahf(x: &mut Lifter<'_>) {
    let ah = x.read_register(Register::AH);
    let flags = x.b.zext(ah, Type::I64);
    for slot in [state::CF, state::PF, state::AF, state::ZF, state::SF] {
        x.set_flag_from(slot, flags);
    }
    x.forget_flags();
}

/// `pushf`, `pushfq`: push RFLAGS; IF reads as set. (Push RFLAGS Register Onto the Stack)
fn pushf(x: &mut Lifter<'_>) {
    let flags = x.rflags();
    let value = if x.insn.mnemonic() == M::Pushf { x.b.trunc(flags, Type::I16) } else { flags };
    x.push_value(value);
}

/// `popf`, `popfq`: pop RFLAGS; user code can change the arithmetic flags, DF, NT, AC and ID. TF has no effect. (Pop
/// Stack Into RFLAGS Register)
fn popf(x: &mut Lifter<'_>) {
    let narrow = x.insn.mnemonic() == M::Popf;
    let (value, moved) = x.pop_value(if narrow { Type::I16 } else { Type::I64 });
    x.b.set(moved, state::RSP);
    let flags = x.b.resize(value, Type::I64, Sign::Unsigned);
    for slot in ARITHMETIC.into_iter().chain([state::DF]) {
        x.set_flag_from(slot, flags);
    }
    let changed = if narrow { state::REST_MASK & 0xffff } else { state::REST_MASK };
    let (mask, keep) = (x.b.i64(changed), x.b.i64(!changed));
    let old = x.b.get(state::RFLAGS_REST);
    let (kept, new) = (x.b.and(old, keep), x.b.and(flags, mask));
    let rest = x.b.or(kept, new);
    x.b.set(rest, state::RFLAGS_REST);
    x.forget_flags();
}

impl Lifter<'_> {
    /// Sets a flag from its bit of `flags`.
    fn set_flag_from(&mut self, slot: Slot, flags: Value) {
        let amount = self.b.i64(state::flag_bit(slot).into());
        let shifted = self.b.lshr(flags, amount);
        let bit = self.b.trunc(shifted, Type::I1);
        self.set_flag(slot, bit);
    }

    /// CF, PF, AF, ZF, SF and OF at their places, with bit 1.
    fn arithmetic_flags(&mut self) -> Value {
        let mut flags = self.b.i64(2);
        for slot in ARITHMETIC {
            let bit = self.flag(slot);
            let bit = self.b.zext(bit, Type::I64);
            let amount = self.b.i64(state::flag_bit(slot).into());
            let placed = self.b.shl(bit, amount);
            flags = self.b.or(flags, placed);
        }
        flags
    }

    /// RFLAGS as user code reads it.
    pub(super) fn rflags(&mut self) -> Value {
        let arithmetic = self.arithmetic_flags();
        let direction = self.b.get(state::DF);
        let direction = self.b.zext(direction, Type::I64);
        let amount = self.b.i64(state::flag_bit(state::DF).into());
        let direction = self.b.shl(direction, amount);
        let rest = self.b.get(state::RFLAGS_REST);
        let interrupts = self.b.i64(1 << 9);
        let low = self.b.or(arithmetic, direction);
        let high = self.b.or(rest, interrupts);
        self.b.or(low, high)
    }
}
