//! Miscellaneous instructions: addresses, no-operations, questions to the processor, system calls, fences.

use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{EnvCall, FenceSet, Sign, Terminator, Trap, Type, Value};
use decoders::x86_64::{Code, Mnemonic as M, Register};

const RAX: u8 = 0;
const RCX: u8 = 1;

pub(super) const ROWS: Rows = &[
    (M::Lea, lea),
    (M::Nop, nop),
    (M::Pause, nop),
    (M::Endbr64, nop),
    (M::Endbr32, nop),
    (M::Prefetchnta, nop),
    (M::Prefetcht0, nop),
    (M::Prefetcht1, nop),
    (M::Prefetcht2, nop),
    (M::Prefetchw, nop),
    (M::Reservednop, reservednop),
    (M::Ud2, |x| x.b.trap(Trap::Illegal)),
    (M::Ud1, |x| x.b.trap(Trap::Illegal)),
    (M::Ud0, |x| x.b.trap(Trap::Illegal)),
    (M::Xlatb, xlatb),
    (M::Cpuid, cpuid),
    (M::Rdtsc, rdtsc),
    (M::Rdtscp, rdtscp),
    // Without XSAVE in cpuid.
    (M::Xgetbv, |x| x.b.trap(Trap::Illegal)),
    (M::Syscall, syscall),
    (M::Hlt, |x| x.b.trap(Trap::Halt)),
    (M::Mfence, |x| x.b.fence(FenceSet::ReadWrite, FenceSet::ReadWrite)),
    (M::Lfence, |x| x.b.fence(FenceSet::Read, FenceSet::ReadWrite)),
    (M::Sfence, |x| x.b.fence(FenceSet::Write, FenceSet::Write)),
    (M::Clflush, clflush),
    (M::In, |x| x.b.trap(Trap::GeneralProtection)),
    (M::Out, |x| x.b.trap(Trap::GeneralProtection)),
];

/// `lea r, m`: the effective address, without the segment's base. (Load Effective Address)
fn lea(x: &mut Lifter<'_>) {
    let address = x.offset();
    let ty = x.ty(0);
    let value = x.b.resize(address, ty, Sign::Unsigned);
    x.write(0, value);
}

/// `nop`, `pause`, `endbr64`, `prefetch*`: nothing that a program could see; a memory operand is not accessed. (No Operation
/// and others)
fn nop(_: &mut Lifter<'_>) {}

/// `nop` by its reserved encodings; the register form of `prefetchw`'s opcode is illegal, as on AMD's processors (on Intel's it
/// does nothing).
fn reservednop(x: &mut Lifter<'_>) {
    let code = x.insn.code();
    if matches!(
        code,
        Code::Reservednop_rm16_r16_0F0D | Code::Reservednop_rm32_r32_0F0D | Code::Reservednop_rm64_r64_0F0D
    ) && !x.is_memory(0)
    {
        x.b.trap(Trap::Illegal);
    }
}

/// `clflush m8`: faults like a load. (Flush Cache Line)
fn clflush(x: &mut Lifter<'_>) {
    let address = x.address();
    x.b.probe(address, crate::ir::Access::Read, 1);
}

/// `xlatb`: `al` from the table at rbx, indexed by itself. (Table Look-up Translation)
fn xlatb(x: &mut Lifter<'_>) {
    let narrow = x.insn.memory_base() == Register::EBX;
    let al = x.read_gpr(RAX, Type::I8);
    let index = x.b.zext(al, Type::I64);
    let table = x.b.get(state::RBX);
    let mut sum = x.b.add(table, index);
    if narrow {
        let low = x.b.trunc(sum, Type::I32);
        sum = x.b.zext(low, Type::I64);
    }
    let address = x.with_segment_base(sum);
    let value = x.b.load(address, Type::I8, super::operand::ORDER);
    x.write_gpr(RAX, value);
}

/// `cpuid`: what the translator offers. (CPU Identification)
fn cpuid(x: &mut Lifter<'_>) {
    let leaf = x.read_gpr(RAX, Type::I32);
    let leaf = x.b.zext(leaf, Type::I64);
    let subleaf = x.read_gpr(RCX, Type::I32);
    let subleaf = x.b.zext(subleaf, Type::I64);
    let ab = x.b.env(leaf, subleaf, EnvCall::CpuidAb);
    let cd = x.b.env(leaf, subleaf, EnvCall::CpuidCd);
    set_halves(x, ab, state::RAX, state::RBX);
    set_halves(x, cd, state::RCX, state::RDX);
}

/// The low half of `pair` to one register, the high half to another, zero-extended.
fn set_halves(x: &mut Lifter<'_>, pair: Value, low: crate::ir::Slot, high: crate::ir::Slot) {
    let value = x.b.trunc(pair, Type::I32);
    let value = x.b.zext(value, Type::I64);
    x.b.set(value, low);
    let amount = x.b.i64(32);
    let value = x.b.lshr(pair, amount);
    x.b.set(value, high);
}

/// `rdtsc`: the time-stamp counter to edx:eax. (Read Time-Stamp Counter)
fn rdtsc(x: &mut Lifter<'_>) {
    let zero = x.b.i64(0);
    let ticks = x.b.env(zero, zero, EnvCall::Counter);
    set_halves(x, ticks, state::RAX, state::RDX);
}

/// `rdtscp`: likewise, and the processor's number, which is 0, to rcx. (Read Time-Stamp Counter and Processor ID)
fn rdtscp(x: &mut Lifter<'_>) {
    rdtsc(x);
    let zero = x.b.i64(0);
    x.b.set(zero, state::RCX);
}

/// `syscall`: the return address to rcx, RFLAGS to r11, and into the kernel. (Fast System Call)
fn syscall(x: &mut Lifter<'_>) {
    let next = x.next;
    let flags = x.rflags();
    let address = x.b.address(next);
    x.b.set(address, state::RCX);
    x.b.set(flags, state::R11);
    x.b.terminate(Terminator::Syscall { next });
}
