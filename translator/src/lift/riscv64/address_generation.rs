//! The Zba extension.

use super::{low_word, register_immediate, register_register};
use crate::ir::{Builder, Value};
use decoders::riscv64::Insn;

/// `add.uw rd, rs1, rs2`: `rs2` plus the zero-extended low 32 bits of `rs1`. (Address generation)
pub fn add_uw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| {
        let index = low_word(b, x);
        b.add(y, index)
    });
}

/// `sh1add rd, rs1, rs2`: `rs2` plus `rs1` shifted left by 1. (Address generation)
pub fn sh1add(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| shift_add(b, x, y, 1));
}

/// `sh1add.uw rd, rs1, rs2`: `rs2` plus the zero-extended low 32 bits of `rs1` shifted left by 1. (Address generation)
pub fn sh1add_uw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word_shift_add(b, x, y, 1));
}

/// `sh2add rd, rs1, rs2`: `rs2` plus `rs1` shifted left by 2. (Address generation)
pub fn sh2add(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| shift_add(b, x, y, 2));
}

/// `sh2add.uw rd, rs1, rs2`: `rs2` plus the zero-extended low 32 bits of `rs1` shifted left by 2. (Address generation)
pub fn sh2add_uw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word_shift_add(b, x, y, 2));
}

/// `sh3add rd, rs1, rs2`: `rs2` plus `rs1` shifted left by 3. (Address generation)
pub fn sh3add(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| shift_add(b, x, y, 3));
}

/// `sh3add.uw rd, rs1, rs2`: `rs2` plus the zero-extended low 32 bits of `rs1` shifted left by 3. (Address generation)
pub fn sh3add_uw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word_shift_add(b, x, y, 3));
}

/// `slli.uw rd, rs1, shamt`: the zero-extended low 32 bits of `rs1` shifted left. (Address generation)
pub fn slli_uw(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, |b, x, amount| {
        let low = low_word(b, x);
        b.shl(low, amount)
    });
}

fn shift_add(b: &mut Builder, index: Value, base: Value, amount: u64) -> Value {
    let amount = b.i64(amount);
    let offset = b.shl(index, amount);
    b.add(base, offset)
}

fn word_shift_add(b: &mut Builder, index: Value, base: Value, amount: u64) -> Value {
    let index = low_word(b, index);
    shift_add(b, index, base, amount)
}
