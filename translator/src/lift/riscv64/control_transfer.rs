//! Jumps and branches. Targets are even by construction, and with the C extension every even address is aligned.

use super::{Frontend, address, set_x, x};
use crate::ir::{Builder, Cond, Hint};
use crate::lift::Context;
use decoders::riscv64::Insn;

/// `jal rd, offset`: jump to `pc + offset`, the address of the next instruction to `rd`. (Unconditional Jumps)
pub fn jal(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    link(b, i, c);
    b.jump(target(i, c));
}

/// `jalr rd, offset(rs1)`: jump to `rs1 + offset` without its bit 0, the address of the next instruction to `rd`.
/// (Unconditional Jumps)
pub fn jalr(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    // rs1 is read before rd is written: they may be the same.
    let sum = address(b, i);
    let even = b.i64(!1);
    let target = b.and(sum, even);
    link(b, i, c);
    let hint = match (is_link(i.rd), is_link(i.rs1)) {
        (true, _) => Hint::Call,
        (false, true) => Hint::Return,
        (false, false) => Hint::Other,
    };
    b.indirect(target, hint);
}

/// `beq rs1, rs2, offset`: branch to `pc + offset` if the registers are equal. (Conditional Branches)
pub fn beq(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    branch(b, i, c, Cond::Eq);
}

/// `bne rs1, rs2, offset`: branch to `pc + offset` if the registers differ. (Conditional Branches)
pub fn bne(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    branch(b, i, c, Cond::Ne);
}

/// `blt rs1, rs2, offset`: branch to `pc + offset` if `rs1 < rs2`, signed. (Conditional Branches)
pub fn blt(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    branch(b, i, c, Cond::Slt);
}

/// `bltu rs1, rs2, offset`: branch to `pc + offset` if `rs1 < rs2`, unsigned. (Conditional Branches)
pub fn bltu(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    branch(b, i, c, Cond::Ult);
}

/// `bge rs1, rs2, offset`: branch to `pc + offset` if `rs1 >= rs2`, signed. (Conditional Branches)
pub fn bge(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    branch(b, i, c, Cond::Sge);
}

/// `bgeu rs1, rs2, offset`: branch to `pc + offset` if `rs1 >= rs2`, unsigned. (Conditional Branches)
pub fn bgeu(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    branch(b, i, c, Cond::Uge);
}

fn branch(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>, cond: Cond) {
    let (first, second) = (x(b, i.rs1), x(b, i.rs2));
    let holds = b.icmp(first, second, cond);
    b.branch(holds, target(i, c), c.next);
}

fn target(i: &Insn, c: &Context<'_, Frontend>) -> u64 {
    c.pc.wrapping_add_signed(i.imm.into())
}

/// The address of the next instruction to `rd`.
fn link(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    if i.rd != 0 {
        let next = b.address(c.next);
        set_x(b, i.rd, next);
    }
}

/// The registers that the manual's return-address prediction hints are about.
fn is_link(register: u8) -> bool {
    register == 1 || register == 5
}
