//! Control transfer instructions.

use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{Access, Cond, Hint, Sign, Trap, Type, Value};
use decoders::x86_64::{Code, Mnemonic as M, OpKind};

const RCX: u8 = 1;

pub(super) const ROWS: Rows = &[
    (M::Jmp, jmp),
    (M::Ja, jcc),
    (M::Jae, jcc),
    (M::Jb, jcc),
    (M::Jbe, jcc),
    (M::Je, jcc),
    (M::Jg, jcc),
    (M::Jge, jcc),
    (M::Jl, jcc),
    (M::Jle, jcc),
    (M::Jne, jcc),
    (M::Jno, jcc),
    (M::Jnp, jcc),
    (M::Jns, jcc),
    (M::Jo, jcc),
    (M::Jp, jcc),
    (M::Js, jcc),
    (M::Jrcxz, jrcxz),
    (M::Jecxz, jrcxz),
    (M::Loop, |x| loop_(x, None)),
    (M::Loope, |x| loop_(x, Some(true))),
    (M::Loopne, |x| loop_(x, Some(false))),
    (M::Call, call),
    (M::Ret, ret),
    (M::Enter, enter),
    (M::Leave, leave),
    (M::Int3, |x| x.b.trap(Trap::Breakpoint)),
    (M::Int, int),
];

/// `jmp target`: jump. (Jump)
fn jmp(x: &mut Lifter<'_>) {
    if is_far_or_narrow(x) {
        return x.unsupported();
    }
    match direct_target(x) {
        Some(target) => x.b.jump(target),
        None => {
            let target = indirect_target(x);
            x.b.indirect(target, Hint::Other);
        }
    }
}

/// The target of a direct jump or call.
fn direct_target(x: &Lifter<'_>) -> Option<u64> {
    match x.insn.op_kind(0) {
        OpKind::NearBranch64 => Some(x.insn.near_branch64()),
        _ => None,
    }
}

/// Whether an indirect jump or call goes through a far pointer or a 16-bit offset.
fn is_far_or_narrow(x: &Lifter<'_>) -> bool {
    !matches!(
        x.insn.code(),
        Code::Jmp_rel8_64 | Code::Jmp_rel32_64 | Code::Jmp_rm64 | Code::Call_rel32_64 | Code::Call_rm64
    )
}

fn indirect_target(x: &mut Lifter<'_>) -> Value {
    let target = x.read(0);
    x.b.resize(target, Type::I64, Sign::Unsigned)
}

/// `jcc target`: jump if the condition holds. (Jump if Condition Is Met)
fn jcc(x: &mut Lifter<'_>) {
    let cond = x.condition(x.insn.condition_code());
    let (target, next) = (x.insn.near_branch64(), x.next);
    x.b.branch(cond, target, next);
}

/// `jrcxz`, `jecxz target`: jump if the count is zero. (Jump if Condition Is Met)
fn jrcxz(x: &mut Lifter<'_>) {
    let ty = if x.insn.mnemonic() == M::Jrcxz { Type::I64 } else { Type::I32 };
    let count = x.read_gpr(RCX, ty);
    let zero = x.b.iconst(ty, 0);
    let cond = x.b.icmp(count, zero, Cond::Eq);
    let (target, next) = (x.insn.near_branch64(), x.next);
    x.b.branch(cond, target, next);
}

/// `loop`, `loope`, `loopne target`: count down, jump unless zero (and if ZF is as told). (Loop According to ECX Counter)
fn loop_(x: &mut Lifter<'_>, zero_flag: Option<bool>) {
    let narrow =
        matches!(x.insn.code(), Code::Loop_rel8_64_ECX | Code::Loope_rel8_64_ECX | Code::Loopne_rel8_64_ECX);
    let ty = if narrow { Type::I32 } else { Type::I64 };
    let count = x.read_gpr(RCX, ty);
    let one = x.b.iconst(ty, 1);
    let count = x.b.sub(count, one);
    x.write_gpr(RCX, count);
    let zero = x.b.iconst(ty, 0);
    let mut cond = x.b.icmp(count, zero, Cond::Ne);
    if let Some(wanted) = zero_flag {
        use decoders::x86_64::ConditionCode as C;
        let flag = x.condition(if wanted { C::e } else { C::ne });
        cond = x.b.and(cond, flag);
    }
    let (target, next) = (x.insn.near_branch64(), x.next);
    x.b.branch(cond, target, next);
}

/// `call target`: push the return address, jump. (Call Procedure)
fn call(x: &mut Lifter<'_>) {
    if is_far_or_narrow(x) {
        return x.unsupported();
    }
    let next = x.next;
    if let Some(target) = direct_target(x) {
        let return_address = x.b.address(next);
        x.push_value(return_address);
        return x.b.jump(target);
    }
    let target = indirect_target(x);
    let return_address = x.b.address(next);
    x.push_value(return_address);
    x.b.indirect(target, Hint::Call);
}

/// `ret`, `ret imm16`: pop the return address, drop `imm16` bytes more, jump. (Return From Procedure)
fn ret(x: &mut Lifter<'_>) {
    if !matches!(x.insn.code(), Code::Retnq | Code::Retnq_imm16) {
        return x.unsupported();
    }
    let (target, mut moved) = x.pop_value(Type::I64);
    if x.insn.op_count() == 1 {
        let bytes = x.immediate(0);
        let bytes = x.b.i64(bytes);
        moved = x.b.add(moved, bytes);
    }
    x.b.set(moved, state::RSP);
    x.b.indirect(target, Hint::Return);
}

/// `enter size, level`: push rbp, point it to the new frame, make room. Nested levels are not lifted. (Make Stack Frame for
/// Procedure Parameters)
fn enter(x: &mut Lifter<'_>) {
    if x.insn.code() != Code::Enterq_imm16_imm8 || x.insn.immediate8_2nd() & 31 != 0 {
        return x.unsupported();
    }
    let size = x.insn.immediate16();
    let rbp = x.b.get(state::RBP);
    let rsp = x.b.get(state::RSP);
    let eight = x.b.i64(8);
    let frame = x.b.sub(rsp, eight);
    let size = x.b.i64(size.into());
    let moved = x.b.sub(frame, size);
    x.b.store(frame, rbp, super::operand::ORDER);
    // The new stack pointer must be writable, though nothing is written. A fault here leaves the push in memory, as on processors.
    x.b.probe(moved, Access::Write, 1);
    x.b.set(frame, state::RBP);
    x.b.set(moved, state::RSP);
}

/// `leave`: drop the frame that rbp points to. (High Level Procedure Exit)
fn leave(x: &mut Lifter<'_>) {
    if x.insn.code() != Code::Leaveq {
        return x.unsupported();
    }
    let frame = x.b.get(state::RBP);
    let saved = x.b.load(frame, Type::I64, super::operand::ORDER);
    let eight = x.b.i64(8);
    let moved = x.b.add(frame, eight);
    x.b.set(moved, state::RSP);
    x.b.set(saved, state::RBP);
}

/// `int n`: software interrupts other than `int3` are #GP in user mode; 32-bit system calls (`int 0x80`) are not lifted. (Call to
/// Interrupt Procedure)
fn int(x: &mut Lifter<'_>) {
    let gp = !matches!(x.insn.immediate8(), 3 | 4 | 0x80);
    x.b.trap(if gp { Trap::GeneralProtection } else { Trap::Unsupported });
}
