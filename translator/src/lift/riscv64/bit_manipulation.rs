//! The Zbb extension.

use super::{register_immediate, register_register, unary, word};
use crate::ir::{Builder, Cond, Type, Value};
use decoders::riscv64::Insn;

/// `andn rd, rs1, rs2`: `rs1` and not `rs2`. (Logical with negate)
pub fn andn(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::andnot);
}

/// `orn rd, rs1, rs2`: `rs1` or not `rs2`. (Logical with negate)
pub fn orn(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| {
        let inverted = b.not(y);
        b.or(x, inverted)
    });
}

/// `xnor rd, rs1, rs2`: not the exclusive or. (Logical with negate)
pub fn xnor(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| {
        let differing = b.xor(x, y);
        b.not(differing)
    });
}

/// `clz rd, rs1`: leading zero bits, 64 if there is no one. (Count leading/trailing zero bits)
pub fn clz(b: &mut Builder, i: &Insn) {
    unary(b, i, Builder::clz);
}

/// `clzw rd, rs1`: leading zero bits of the low 32, 32 if there is no one. (Count leading/trailing zero bits)
pub fn clzw(b: &mut Builder, i: &Insn) {
    unary(b, i, |b, x| count_in_word(b, x, Builder::clz));
}

/// `ctz rd, rs1`: trailing zero bits, 64 if there is no one. (Count leading/trailing zero bits)
pub fn ctz(b: &mut Builder, i: &Insn) {
    unary(b, i, Builder::ctz);
}

/// `ctzw rd, rs1`: trailing zero bits of the low 32, 32 if there is no one. (Count leading/trailing zero bits)
pub fn ctzw(b: &mut Builder, i: &Insn) {
    unary(b, i, |b, x| count_in_word(b, x, Builder::ctz));
}

/// `cpop rd, rs1`: number of ones. (Count population)
pub fn cpop(b: &mut Builder, i: &Insn) {
    unary(b, i, Builder::popcnt);
}

/// `cpopw rd, rs1`: number of ones in the low 32 bits. (Count population)
pub fn cpopw(b: &mut Builder, i: &Insn) {
    unary(b, i, |b, x| count_in_word(b, x, Builder::popcnt));
}

/// `max rd, rs1, rs2`: signed maximum. (Integer minimum/maximum)
pub fn max(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| choose(b, x, y, Cond::Sgt));
}

/// `maxu rd, rs1, rs2`: unsigned maximum. (Integer minimum/maximum)
pub fn maxu(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| choose(b, x, y, Cond::Ugt));
}

/// `min rd, rs1, rs2`: signed minimum. (Integer minimum/maximum)
pub fn min(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| choose(b, x, y, Cond::Slt));
}

/// `minu rd, rs1, rs2`: unsigned minimum. (Integer minimum/maximum)
pub fn minu(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| choose(b, x, y, Cond::Ult));
}

/// `sext.b rd, rs1`: the low 8 bits, sign-extended. (Sign extension and zero extension)
pub fn sext_b(b: &mut Builder, i: &Insn) {
    unary(b, i, |b, x| {
        let low = b.trunc(x, Type::I8);
        b.sext(low, Type::I64)
    });
}

/// `sext.h rd, rs1`: the low 16 bits, sign-extended. (Sign extension and zero extension)
pub fn sext_h(b: &mut Builder, i: &Insn) {
    unary(b, i, |b, x| {
        let low = b.trunc(x, Type::I16);
        b.sext(low, Type::I64)
    });
}

/// `zext.h rd, rs1`: the low 16 bits, zero-extended. (Sign extension and zero extension)
pub fn zext_h(b: &mut Builder, i: &Insn) {
    unary(b, i, |b, x| {
        let low = b.trunc(x, Type::I16);
        b.zext(low, Type::I64)
    });
}

/// `rol rd, rs1, rs2`: rotate left by the low 6 bits of `rs2`. (Bitwise rotation)
pub fn rol(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::rotl);
}

/// `rolw rd, rs1, rs2`: rotate the low 32 bits left by the low 5 bits of `rs2`, sign-extended. (Bitwise rotation)
pub fn rolw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::rotl));
}

/// `ror rd, rs1, rs2`: rotate right by the low 6 bits of `rs2`. (Bitwise rotation)
pub fn ror(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::rotr);
}

/// `rori rd, rs1, shamt`: rotate right. (Bitwise rotation)
pub fn rori(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, Builder::rotr);
}

/// `roriw rd, rs1, shamt`: rotate the low 32 bits right, sign-extended. (Bitwise rotation)
pub fn roriw(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, |b, x, y| word(b, x, y, Builder::rotr));
}

/// `rorw rd, rs1, rs2`: rotate the low 32 bits right by the low 5 bits of `rs2`, sign-extended. (Bitwise rotation)
pub fn rorw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::rotr));
}

/// `orc.b rd, rs1`: 0xff for each byte that is not zero. (OR Combine)
pub fn orc_b(b: &mut Builder, i: &Insn) {
    unary(b, i, |b, x| {
        // Adding 0x7f to the low seven bits carries into bit 7 unless they are zero, and never further.
        let low_bits = b.i64(0x7f7f_7f7f_7f7f_7f7f);
        let rest = b.and(x, low_bits);
        let carried = b.add(rest, low_bits);
        let marked = b.or(carried, x);
        let seven = b.i64(7);
        let marked = b.lshr(marked, seven);
        let ones = b.i64(0x0101_0101_0101_0101);
        let marked = b.and(marked, ones);
        let eight = b.i64(8);
        let above = b.shl(marked, eight);
        b.sub(above, marked)
    });
}

/// `rev8 rd, rs1`: bytes in reverse order. (Byte-reverse)
pub fn rev8(b: &mut Builder, i: &Insn) {
    unary(b, i, Builder::bswap);
}

fn count_in_word(b: &mut Builder, value: Value, count: impl FnOnce(&mut Builder, Value) -> Value) -> Value {
    let low = b.trunc(value, Type::I32);
    let count = count(b, low);
    b.zext(count, Type::I64)
}

/// `x` if `x cond y`, else `y`.
fn choose(b: &mut Builder, x: Value, y: Value, cond: Cond) -> Value {
    let holds = b.icmp(x, y, cond);
    b.select(x, y, holds)
}
