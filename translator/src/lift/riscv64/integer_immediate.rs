//! Integer register-immediate instructions of RV32I and RV64I.

use super::{Frontend, compare, register_immediate, set_x, word};
use crate::ir::{Builder, Cond};
use crate::lift::Context;
use decoders::riscv64::Insn;

/// `addi rd, rs1, imm`: sum. (Integer Register-Immediate Instructions)
pub fn addi(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, Builder::add);
}

/// `slti rd, rs1, imm`: 1 if `rs1 < imm`, signed, else 0. (Integer Register-Immediate Instructions)
pub fn slti(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, |b, x, y| compare(b, x, y, Cond::Slt));
}

/// `sltiu rd, rs1, imm`: 1 if `rs1 < imm`, unsigned after sign extension, else 0. (Integer Register-Immediate
/// Instructions)
pub fn sltiu(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, |b, x, y| compare(b, x, y, Cond::Ult));
}

/// `andi rd, rs1, imm`: bitwise and. (Integer Register-Immediate Instructions)
pub fn andi(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, Builder::and);
}

/// `ori rd, rs1, imm`: bitwise or. (Integer Register-Immediate Instructions)
pub fn ori(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, Builder::or);
}

/// `xori rd, rs1, imm`: bitwise exclusive or. (Integer Register-Immediate Instructions)
pub fn xori(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, Builder::xor);
}

/// `slli rd, rs1, shamt`: shift left. (Integer Register-Immediate Instructions)
pub fn slli(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, Builder::shl);
}

/// `srli rd, rs1, shamt`: logical shift right. (Integer Register-Immediate Instructions)
pub fn srli(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, Builder::lshr);
}

/// `srai rd, rs1, shamt`: arithmetic shift right. (Integer Register-Immediate Instructions)
pub fn srai(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, Builder::ashr);
}

/// `lui rd, imm`: the immediate in bits 31-12, sign-extended. (Integer Register-Immediate Instructions)
pub fn lui(b: &mut Builder, i: &Insn) {
    if i.rd != 0 {
        let value = super::imm(b, i);
        set_x(b, i.rd, value);
    }
}

/// `auipc rd, imm`: the instruction's address plus the immediate in bits 31-12. (Integer Register-Immediate
/// Instructions)
pub fn auipc(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    if i.rd != 0 {
        let value = b.address(c.pc.wrapping_add_signed(i.imm.into()));
        set_x(b, i.rd, value);
    }
}

/// `addiw rd, rs1, imm`: 32-bit sum, sign-extended. (Integer Register-Immediate Instructions)
pub fn addiw(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, |b, x, y| word(b, x, y, Builder::add));
}

/// `slliw rd, rs1, shamt`: 32-bit shift left, sign-extended. (Integer Register-Immediate Instructions)
pub fn slliw(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, |b, x, y| word(b, x, y, Builder::shl));
}

/// `srliw rd, rs1, shamt`: 32-bit logical shift right, sign-extended. (Integer Register-Immediate Instructions)
pub fn srliw(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, |b, x, y| word(b, x, y, Builder::lshr));
}

/// `sraiw rd, rs1, shamt`: 32-bit arithmetic shift right, sign-extended. (Integer Register-Immediate Instructions)
pub fn sraiw(b: &mut Builder, i: &Insn) {
    register_immediate(b, i, |b, x, y| word(b, x, y, Builder::ashr));
}
