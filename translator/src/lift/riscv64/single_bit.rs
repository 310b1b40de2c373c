//! The Zbs extension.

use super::{register_immediate, register_register};
use crate::ir::{Builder, Value};
use decoders::riscv64::Insn;

/// `bclr rd, rs1, rs2`: `rs1` with the bit cleared that the low 6 bits of `rs2` name. (Single-bit instructions)
pub fn bclr(b: &mut Builder, i: &Insn) {
    register_register(b, i, clear);
}

/// `bclri rd, rs1, shamt`: `rs1` with one bit cleared. (Single-bit instructions)
pub fn bclri(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, clear);
}

/// `bext rd, rs1, rs2`: the bit of `rs1` that the low 6 bits of `rs2` name. (Single-bit instructions)
pub fn bext(b: &mut Builder, i: &Insn) {
    register_register(b, i, extract);
}

/// `bexti rd, rs1, shamt`: one bit of `rs1`. (Single-bit instructions)
pub fn bexti(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, extract);
}

/// `binv rd, rs1, rs2`: `rs1` with the bit inverted that the low 6 bits of `rs2` name. (Single-bit instructions)
pub fn binv(b: &mut Builder, i: &Insn) {
    register_register(b, i, invert);
}

/// `binvi rd, rs1, shamt`: `rs1` with one bit inverted. (Single-bit instructions)
pub fn binvi(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, invert);
}

/// `bset rd, rs1, rs2`: `rs1` with the bit set that the low 6 bits of `rs2` name. (Single-bit instructions)
pub fn bset(b: &mut Builder, i: &Insn) {
    register_register(b, i, set);
}

/// `bseti rd, rs1, shamt`: `rs1` with one bit set. (Single-bit instructions)
pub fn bseti(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, set);
}

fn bit(b: &mut Builder, number: Value) -> Value {
    let one = b.i64(1);
    b.shl(one, number)
}

fn clear(b: &mut Builder, value: Value, number: Value) -> Value {
    let bit = bit(b, number);
    b.andnot(value, bit)
}

fn extract(b: &mut Builder, value: Value, number: Value) -> Value {
    let shifted = b.lshr(value, number);
    let one = b.i64(1);
    b.and(shifted, one)
}

fn invert(b: &mut Builder, value: Value, number: Value) -> Value {
    let bit = bit(b, number);
    b.xor(value, bit)
}

fn set(b: &mut Builder, value: Value, number: Value) -> Value {
    let bit = bit(b, number);
    b.or(value, bit)
}
