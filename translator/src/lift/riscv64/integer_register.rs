//! Integer register-register instructions of RV32I and RV64I.

use super::{compare, register_register, word};
use crate::ir::{Builder, Cond};
use decoders::riscv64::Insn;

/// `add rd, rs1, rs2`: sum. (Integer Register-Register Operations)
pub fn add(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::add);
}

/// `slt rd, rs1, rs2`: 1 if `rs1 < rs2`, signed, else 0. (Integer Register-Register Operations)
pub fn slt(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| compare(b, x, y, Cond::Slt));
}

/// `sltu rd, rs1, rs2`: 1 if `rs1 < rs2`, unsigned, else 0. (Integer Register-Register Operations)
pub fn sltu(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| compare(b, x, y, Cond::Ult));
}

/// `and rd, rs1, rs2`: bitwise and. (Integer Register-Register Operations)
pub fn and(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::and);
}

/// `or rd, rs1, rs2`: bitwise or. (Integer Register-Register Operations)
pub fn or(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::or);
}

/// `xor rd, rs1, rs2`: bitwise exclusive or. (Integer Register-Register Operations)
pub fn xor(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::xor);
}

/// `sll rd, rs1, rs2`: shift left by the low 6 bits of `rs2`. (Integer Register-Register Operations)
pub fn sll(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::shl);
}

/// `srl rd, rs1, rs2`: logical shift right by the low 6 bits of `rs2`. (Integer Register-Register Operations)
pub fn srl(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::lshr);
}

/// `sub rd, rs1, rs2`: difference. (Integer Register-Register Operations)
pub fn sub(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::sub);
}

/// `sra rd, rs1, rs2`: arithmetic shift right by the low 6 bits of `rs2`. (Integer Register-Register Operations)
pub fn sra(b: &mut Builder, i: &Insn) {
    register_register(b, i, Builder::ashr);
}

/// `addw rd, rs1, rs2`: 32-bit sum, sign-extended. (Integer Register-Register Operations)
pub fn addw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::add));
}

/// `sllw rd, rs1, rs2`: 32-bit shift left by the low 5 bits of `rs2`, sign-extended. (Integer Register-Register
/// Operations)
pub fn sllw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::shl));
}

/// `srlw rd, rs1, rs2`: 32-bit logical shift right by the low 5 bits of `rs2`, sign-extended. (Integer
/// Register-Register Operations)
pub fn srlw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::lshr));
}

/// `subw rd, rs1, rs2`: 32-bit difference, sign-extended. (Integer Register-Register Operations)
pub fn subw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::sub));
}

/// `sraw rd, rs1, rs2`: 32-bit arithmetic shift right by the low 5 bits of `rs2`, sign-extended. (Integer
/// Register-Register Operations)
pub fn sraw(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| word(b, x, y, Builder::ashr));
}
