//! Branches and exception generation; the system instructions are in `system`.

use super::{Lifter, system, width};
use crate::ir::{Cond, Hint, Terminator, Trap, Type};
use decoders::aarch64::{Branch, Insn};

pub(super) fn lift(l: &mut Lifter, op: Branch, i: Insn) {
    match op {
        Branch::BranchConditional => b_cond(l, i),
        Branch::BranchImmediate => branch_immediate(l, i),
        Branch::CompareBranch => compare_branch(l, i),
        Branch::TestBranch => test_branch(l, i),
        Branch::Br => branch_register(l, i, Hint::Other),
        Branch::Blr => branch_register(l, i, Hint::Call),
        Branch::Ret => branch_register(l, i, Hint::Return),
        Branch::Svc => l.b.terminate(Terminator::Syscall { next: l.next }),
        Branch::Brk => l.trap(Trap::Breakpoint),
        // User mode has no exception levels to call or return to, and no halting debugger.
        Branch::Hvc
        | Branch::Smc
        | Branch::Hlt
        | Branch::Dcps
        | Branch::Udf
        | Branch::Eret
        | Branch::Drps => l.trap(Trap::Illegal),
        Branch::BrAuthenticated
        | Branch::BlrAuthenticated
        | Branch::RetAuthenticated
        | Branch::EretAuthenticated => l.trap(Trap::Unsupported),
        Branch::Hint
        | Branch::Clrex
        | Branch::Dsb
        | Branch::Dmb
        | Branch::Isb
        | Branch::Sb
        | Branch::Cfinv
        | Branch::Xaflag
        | Branch::Axflag
        | Branch::MsrImmediate
        | Branch::Sys
        | Branch::Sysl
        | Branch::Msr
        | Branch::Mrs => system::lift(l, op, i),
    }
}

fn target(l: &Lifter, words: i64) -> u64 {
    l.pc.wrapping_add((words << 2) as u64)
}

/// `b.cond label`: branch if the condition holds. (Conditional branch (immediate))
fn b_cond(l: &mut Lifter, i: Insn) {
    let (target, next) = (target(l, i.signed(5, 19)), l.next);
    if i.bits(0, 4) >= 14 {
        return l.jump(target);
    }
    let cond = l.condition(i.bits(0, 4));
    l.branch(cond, target, next);
}

/// `b label`, `bl label`: branch, or call with the return address in x30. (Unconditional branch (immediate))
fn branch_immediate(l: &mut Lifter, i: Insn) {
    let target = target(l, i.signed(0, 26));
    if i.bit(31) {
        let next = l.next;
        let link = l.address(next);
        l.set_reg(30, link);
    }
    l.jump(target);
}

/// `cbz rt, label`, `cbnz`: branch if the register is zero, or is not. (Compare and branch (immediate))
fn compare_branch(l: &mut Lifter, i: Insn) {
    let (target, next) = (target(l, i.signed(5, 19)), l.next);
    let value = l.reg(i.rd(), width(i.sf()));
    let cond = l.is_zero(value, if i.bit(24) { Cond::Ne } else { Cond::Eq });
    l.branch(cond, target, next);
}

/// `tbz rt, #bit, label`, `tbnz`: branch if the bit is zero, or is not. (Test and branch (immediate))
fn test_branch(l: &mut Lifter, i: Insn) {
    let (target, next) = (target(l, i.signed(5, 14)), l.next);
    let bit = i.bits(31, 1) << 5 | i.bits(19, 5);
    let value = l.reg(i.rd(), Type::I64);
    let mask = l.i64(1 << bit);
    let tested = l.and(value, mask);
    let cond = l.is_zero(tested, if i.bit(24) { Cond::Ne } else { Cond::Eq });
    l.branch(cond, target, next);
}

/// `br xn`, `blr xn`, `ret xn`: branch to a register's address; `blr` writes x30. (Unconditional branch (register))
fn branch_register(l: &mut Lifter, i: Insn, hint: Hint) {
    let target = l.x(i.rn());
    if hint == Hint::Call {
        let next = l.next;
        let link = l.address(next);
        l.set_reg(30, link);
    }
    l.indirect(target, hint);
}
