//! Data transfer instructions.

use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{Cond, Order, RmwOp, Sign, Slot, Type, Value};
use decoders::x86_64::{Mnemonic as M, OpKind, Register};

const RAX: u8 = 0;
const RDX: u8 = 2;
const RSP: u8 = 4;

pub(super) const ROWS: Rows = &[
    (M::Mov, mov),
    (M::Movzx, |x| mov_extended(x, Sign::Unsigned)),
    (M::Movsx, |x| mov_extended(x, Sign::Signed)),
    (M::Movsxd, |x| mov_extended(x, Sign::Signed)),
    (M::Movnti, mov),
    (M::Cmova, cmov),
    (M::Cmovae, cmov),
    (M::Cmovb, cmov),
    (M::Cmovbe, cmov),
    (M::Cmove, cmov),
    (M::Cmovg, cmov),
    (M::Cmovge, cmov),
    (M::Cmovl, cmov),
    (M::Cmovle, cmov),
    (M::Cmovne, cmov),
    (M::Cmovno, cmov),
    (M::Cmovnp, cmov),
    (M::Cmovns, cmov),
    (M::Cmovo, cmov),
    (M::Cmovp, cmov),
    (M::Cmovs, cmov),
    (M::Xchg, xchg),
    (M::Bswap, bswap),
    (M::Xadd, xadd),
    (M::Cmpxchg, cmpxchg),
    (M::Cmpxchg8b, cmpxchg8b),
    (M::Cmpxchg16b, cmpxchg16b),
    (M::Push, push),
    (M::Pop, pop),
    (M::Cbw, |x| extend_accumulator(x, Type::I8, Type::I16)),
    (M::Cwde, |x| extend_accumulator(x, Type::I16, Type::I32)),
    (M::Cdqe, |x| extend_accumulator(x, Type::I32, Type::I64)),
    (M::Cwd, |x| spread_sign(x, Type::I16)),
    (M::Cdq, |x| spread_sign(x, Type::I32)),
    (M::Cqo, |x| spread_sign(x, Type::I64)),
];

/// `mov dest, src`: copy; `movnti m, r` likewise, past the cache. (Move; Store Doubleword Using Non-Temporal Hint)
fn mov(x: &mut Lifter<'_>) {
    let value = x.read(1);
    x.write(0, value);
}

/// `movzx`, `movsx`, `movsxd dest, src`: copy, extended to the width of the destination. (Move with Zero-Extend; Move
/// with Sign-Extension)
fn mov_extended(x: &mut Lifter<'_>, sign: Sign) {
    let value = x.read(1);
    let ty = x.ty(0);
    let wide = x.b.resize(value, ty, sign);
    x.write(0, wide);
}

/// `cmovcc dest, src`: copy if the condition holds; the source is read in any case, and a 32-bit destination loses its
/// upper half in any case. (Conditional Move)
fn cmov(x: &mut Lifter<'_>) {
    let new = x.read(1);
    let cond = x.condition(x.insn.condition_code());
    let old = x.read(0);
    let value = x.b.select(new, old, cond);
    x.write(0, value);
}

/// `xchg a, b`: exchange; with memory always atomic. (Exchange Register/Memory with Register)
fn xchg(x: &mut Lifter<'_>) {
    let memory = if x.is_memory(0) { 0 } else { 1 };
    if x.is_memory(memory) {
        let register = x.read(1 - memory);
        let old = x.rmw(register, RmwOp::Exchange);
        return x.write(1 - memory, old);
    }
    let (a, b) = (x.read(0), x.read(1));
    x.write(0, b);
    x.write(1, a);
}

/// `bswap r`: reverse the bytes; a 16-bit register becomes zero (undefined by the manual). (Byte Swap)
fn bswap(x: &mut Lifter<'_>) {
    let value = x.read(0);
    let swapped = if x.ty(0) == Type::I16 { x.b.iconst(Type::I16, 0) } else { x.b.bswap(value) };
    x.write(0, swapped);
}

/// `xadd dest, r`: exchange, then store the sum. (Exchange and Add)
fn xadd(x: &mut Lifter<'_>) {
    let addend = x.read(1);
    let old = if x.insn.has_lock_prefix() { x.rmw(addend, RmwOp::Add) } else { x.read(0) };
    let sum = x.b.add(old, addend);
    if x.insn.has_lock_prefix() {
        x.write(1, old);
    } else if x.is_memory(0) {
        x.write(0, sum);
        x.write(1, old);
    } else {
        // With the same register twice, the sum is what stays.
        x.write(1, old);
        x.write(0, sum);
    }
    x.set_sum_flags(old, addend, sum);
}

/// `cmpxchg dest, r`: compare the accumulator with the destination; if equal store `r`, else load the accumulator. A
/// destination in memory is written in any case. (Compare and Exchange)
fn cmpxchg(x: &mut Lifter<'_>) {
    let (ty, new) = (x.ty(0), x.read(1));
    let accumulator = x.read_gpr(RAX, ty);
    if x.insn.has_lock_prefix() {
        let address = x.address();
        let old = x.b.cas(address, accumulator, new, ty, Order::SeqCst);
        let equal = x.b.icmp(accumulator, old, Cond::Eq);
        load_accumulator(x, equal, old);
        return set_cmpxchg_flags(x, accumulator, old);
    }
    let old = x.read(0);
    let equal = x.b.icmp(accumulator, old, Cond::Eq);
    let stored = x.b.select(new, old, equal);
    if x.is_memory(0) {
        x.write(0, stored);
        load_accumulator(x, equal, old);
    } else {
        load_accumulator(x, equal, old);
        // A register destination keeps its upper half if the comparison fails.
        let slot = state::gpr(x.insn.op_register(0).full_register().number() as u8);
        let before = x.b.get(slot);
        x.write(0, new);
        let after = x.b.get(slot);
        let value = x.b.select(after, before, equal);
        x.b.set(value, slot);
    }
    set_cmpxchg_flags(x, accumulator, old);
}

/// On success the accumulator stays whole, on failure it is written like any register.
fn load_accumulator(x: &mut Lifter<'_>, equal: Value, old: Value) {
    let before = x.b.get(state::RAX);
    x.write_gpr(RAX, old);
    let after = x.b.get(state::RAX);
    let value = x.b.select(before, after, equal);
    x.b.set(value, state::RAX);
}

fn set_cmpxchg_flags(x: &mut Lifter<'_>, accumulator: Value, old: Value) {
    let difference = x.b.sub(accumulator, old);
    x.set_compare_flags(accumulator, old, difference);
}

/// `cmpxchg8b m64`: the same on edx:eax and ecx:ebx; sets ZF alone. (Compare and Exchange Bytes)
fn cmpxchg8b(x: &mut Lifter<'_>) {
    let pair = |x: &mut Lifter<'_>, low, high| {
        let low = x.b.get(low);
        let low = x.b.trunc(low, Type::I32);
        let low = x.b.zext(low, Type::I64);
        let high = x.b.get(high);
        let amount = x.b.i64(32);
        let high = x.b.shl(high, amount);
        x.b.or(high, low)
    };
    let expected = pair(x, state::RAX, state::RDX);
    let new = pair(x, state::RBX, state::RCX);
    let address = x.address();
    let old = x.b.cas(address, expected, new, Type::I64, Order::SeqCst);
    let equal = x.b.icmp(old, expected, Cond::Eq);
    let amount = x.b.i64(32);
    let high = x.b.lshr(old, amount);
    let low = x.b.trunc(old, Type::I32);
    let low = x.b.zext(low, Type::I64);
    keep_pair_if(x, equal, low, high);
}

/// `cmpxchg16b m128`: the same on rdx:rax and rcx:rbx, at an aligned address. (Compare and Exchange Bytes)
fn cmpxchg16b(x: &mut Lifter<'_>) {
    x.check_alignment(16);
    let pair = |x: &mut Lifter<'_>, low, high| {
        let (low, high) = (x.b.get(low), x.b.get(high));
        x.b.concat(low, high)
    };
    let expected = pair(x, state::RAX, state::RDX);
    let new = pair(x, state::RBX, state::RCX);
    let address = x.address();
    let old = x.b.cas(address, expected, new, Type::I128, Order::SeqCst);
    let (low, high) = (x.b.low(old), x.b.high(old));
    let (rax, rdx) = (x.b.get(state::RAX), x.b.get(state::RDX));
    let (low_differs, high_differs) = (x.b.xor(low, rax), x.b.xor(high, rdx));
    let differs = x.b.or(low_differs, high_differs);
    let zero = x.b.i64(0);
    let equal = x.b.icmp(differs, zero, Cond::Eq);
    keep_pair_if(x, equal, low, high);
}

fn keep_pair_if(x: &mut Lifter<'_>, equal: Value, low: Value, high: Value) {
    for (slot, loaded) in [(state::RAX, low), (state::RDX, high)] {
        let before = x.b.get(slot);
        let value = x.b.select(before, loaded, equal);
        x.b.set(value, slot);
    }
    x.forget_flags();
    x.set_flag(state::ZF, equal);
}

/// `push src`: store below the stack pointer, which then points there. (Push Word, Doubleword, or Quadword Onto the Stack)
fn push(x: &mut Lifter<'_>) {
    let value = match x.insn.op_kind(0) {
        OpKind::Register | OpKind::Memory => x.read(0),
        // The manual's immediates are 64 bits wide unless there is an operand-size prefix.
        _ => {
            let ty = if x.insn.stack_pointer_increment() == -2 { Type::I16 } else { Type::I64 };
            let immediate = x.immediate(0);
            x.b.iconst(ty, immediate)
        }
    };
    x.push_value(value);
}

/// `pop dest`: load from the stack pointer, which is then moved up; an address that uses it uses the moved one. (Pop a
/// Value From the Stack)
fn pop(x: &mut Lifter<'_>) {
    let ty = x.ty(0);
    let rsp = x.b.get(state::RSP);
    let value = x.b.load(rsp, ty, super::operand::ORDER);
    let size = x.b.i64(ty.bytes().into());
    let moved = x.b.add(rsp, size);
    if !x.is_memory(0) {
        x.b.set(moved, state::RSP);
        return x.write(0, value);
    }
    // A store that faults must leave the stack pointer as it was.
    let mut address = x.offset();
    if x.insn.memory_base() == Register::RSP || x.insn.memory_base() == Register::ESP {
        address = x.b.add(address, size);
        if x.insn.memory_base() == Register::ESP {
            let low = x.b.trunc(address, Type::I32);
            address = x.b.zext(low, Type::I64);
        }
    }
    let address = x.with_segment_base(address);
    x.b.store(address, value, super::operand::ORDER);
    x.b.set(moved, state::RSP);
}

/// `cbw`, `cwde`, `cdqe`: sign-extend the accumulator. (Convert Byte to Word/Convert Word to Doubleword/Convert Doubleword
/// to Quadword)
fn extend_accumulator(x: &mut Lifter<'_>, from: Type, to: Type) {
    let value = x.read_gpr(RAX, from);
    let wide = x.b.sext(value, to);
    x.write_gpr(RAX, wide);
}

/// `cwd`, `cdq`, `cqo`: fill rdx with the accumulator's sign. (Convert Word to Doubleword/Convert Doubleword to Quadword)
fn spread_sign(x: &mut Lifter<'_>, ty: Type) {
    let value = x.read_gpr(RAX, ty);
    let amount = x.b.iconst(ty, u64::from(ty.bits()) - 1);
    let sign = x.b.ashr(value, amount);
    x.write_gpr(RDX, sign);
}

impl Lifter<'_> {
    /// Stores `value` below the stack pointer and moves that.
    pub(super) fn push_value(&mut self, value: Value) {
        let size = self.b.ty(value).bytes();
        let rsp = self.b.get(state::gpr(RSP));
        let size = self.b.i64(size.into());
        let moved = self.b.sub(rsp, size);
        self.b.store(moved, value, super::operand::ORDER);
        self.b.set(moved, state::RSP);
    }

    /// Loads 64 bits from the stack pointer; the moved pointer comes along, for the caller to set.
    pub(super) fn pop_value(&mut self, ty: Type) -> (Value, Value) {
        let rsp = self.b.get(state::RSP);
        let value = self.b.load(rsp, ty, super::operand::ORDER);
        let size = self.b.i64(ty.bytes().into());
        let moved = self.b.add(rsp, size);
        (value, moved)
    }

    /// An atomic operation on the memory operand: the old value.
    pub(super) fn rmw(&mut self, value: Value, op: RmwOp) -> Value {
        let ty = self.b.ty(value);
        let address = self.address();
        self.b.rmw(address, value, ty, op, Order::SeqCst)
    }

    /// Changes operand 0 by `f`, which gives the new value from the old one, atomically if there is a lock prefix and the
    /// operand is in memory; returns old and new. An atomic change that `rmw` cannot express is a compare-and-swap; if
    /// another processor came between, the instruction is executed again, and nothing must have been `set`: the returned
    /// condition says whether the swap took place (`None`: certainly).
    pub(super) fn change(
        &mut self,
        f: impl FnOnce(&mut Self, Value) -> Value,
    ) -> (Value, Value, Option<Value>) {
        let old = self.read(0);
        let new = f(self, old);
        if !self.insn.has_lock_prefix() {
            return (old, new, None);
        }
        let (ty, address) = (self.ty(0), self.address());
        let seen = self.b.cas(address, old, new, ty, Order::SeqCst);
        let swapped = self.b.icmp(seen, old, Cond::Eq);
        (old, new, Some(swapped))
    }

    /// Ends a locked instruction that [`Lifter::change`] made: on failure everything in `saved` is put back and the
    /// instruction executed again.
    pub(super) fn retry_unless(&mut self, swapped: Value, saved: &[(Slot, Value)]) {
        self.keep_flags_unless(swapped, saved);
        let (next, here) = (self.next, self.insn.ip());
        self.b.branch(swapped, next, here);
    }

    /// Nothing is known of the flags any more.
    pub(super) fn forget_flags(&mut self) {
        *self.last = super::flags::Last::Unknown;
    }
}
