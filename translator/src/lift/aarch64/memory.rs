//! Loads and stores; structures of vectors are in `structures`.

use super::{Lifter, structures, width};
use crate::ir::{Access, Lane, Order, RmwOp, Sign, Type, Value};
use decoders::aarch64::{Insn, Memory};

pub(super) fn lift(l: &mut Lifter, op: Memory, i: Insn) {
    match op {
        Memory::StoreExclusive => store_exclusive(l, i),
        Memory::LoadExclusive => load_exclusive(l, i),
        Memory::StoreExclusivePair => store_exclusive_pair(l, i),
        Memory::LoadExclusivePair => load_exclusive_pair(l, i),
        Memory::StoreRelease | Memory::StoreLoRelease => store_release(l, i),
        Memory::LoadAcquire | Memory::LoadLoAcquire => load_acquire(l, i, Order::Acquire),
        Memory::LoadAcquirePc => load_acquire(l, i, Order::AcquirePc),
        Memory::StoreReleaseUnscaled => ordered_unscaled(l, i, Order::Release),
        Memory::LoadAcquireUnscaled => ordered_unscaled(l, i, Order::AcquirePc),
        Memory::Cas => compare_and_swap(l, i),
        Memory::Casp => compare_and_swap_pair(l, i),
        Memory::Atomic => atomic(l, i),
        Memory::Swp => read_modify_write(l, i, RmwOp::Exchange),
        Memory::LoadLiteral => load_literal(l, i),
        Memory::LoadLiteralVector => load_literal_vector(l, i),
        // A prefetch has no effect on the state and never faults.
        Memory::PrefetchLiteral
        | Memory::PrefetchUnscaled
        | Memory::PrefetchRegister
        | Memory::PrefetchUnsigned => {}
        Memory::PairNoAllocate | Memory::PairOffset => pair(l, i, Index::Offset),
        Memory::PairPost => pair(l, i, Index::Post),
        Memory::PairPre => pair(l, i, Index::Pre),
        Memory::PairNoAllocateVector | Memory::PairOffsetVector => pair_vector(l, i, Index::Offset),
        Memory::PairPostVector => pair_vector(l, i, Index::Post),
        Memory::PairPreVector => pair_vector(l, i, Index::Pre),
        // Unprivileged accesses are what user mode makes anyway.
        Memory::Unscaled | Memory::Unprivileged => immediate_9(l, i, Index::Offset),
        Memory::Post => immediate_9(l, i, Index::Post),
        Memory::Pre => immediate_9(l, i, Index::Pre),
        Memory::UnscaledVector => immediate_9_vector(l, i, Index::Offset),
        Memory::PostVector => immediate_9_vector(l, i, Index::Post),
        Memory::PreVector => immediate_9_vector(l, i, Index::Pre),
        Memory::RegisterOffset => register_offset(l, i),
        Memory::RegisterOffsetVector => register_offset_vector(l, i),
        Memory::Unsigned => unsigned_offset(l, i),
        Memory::UnsignedVector => unsigned_offset_vector(l, i),
        Memory::LoadAuthenticated => l.trap(crate::ir::Trap::Unsupported),
        Memory::Multiple | Memory::MultiplePost => structures::multiple(l, i),
        Memory::Single | Memory::SinglePost => structures::single(l, i),
        Memory::Replicate | Memory::ReplicatePost => structures::replicate(l, i),
    }
}

/// What an immediate offset does to the base register.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Index {
    /// Is added for this access only.
    Offset,
    /// Is added before the access, and the base is updated.
    Pre,
    /// The base is updated after the access.
    Post,
}

/// The address of an access and, if the base register is to be updated, its new value.
fn address(l: &mut Lifter, base: u8, offset: i64, index: Index) -> (Value, Option<Value>) {
    let base = l.base(base);
    let moved = l.offset(base, offset);
    match index {
        Index::Offset => (moved, None),
        Index::Pre => (moved, Some(moved)),
        Index::Post => (base, Some(moved)),
    }
}

fn write_back(l: &mut Lifter, base: u8, updated: Option<Value>) {
    if let Some(value) = updated {
        l.set_reg_or_sp(base, value);
    }
}

impl Lifter<'_> {
    /// `base + offset`.
    pub(super) fn offset(&mut self, base: Value, offset: i64) -> Value {
        if offset == 0 {
            return base;
        }
        let offset = self.i64(offset as u64);
        self.add(base, offset)
    }

    /// The bits of a general register as wide as a memory access; 31 is zero.
    fn stored(&mut self, number: u8, ty: Type) -> Value {
        self.reg(number, ty)
    }
}

/// `str`, `ldr`, `strb`, `ldrb`, `ldrsb`, ...: size in bits 31 and 30, opc in bits 23 and 22.
fn transfer(l: &mut Lifter, i: Insn, addr: Value) {
    let ty = Type::int_of_bytes(1 << i.bits(30, 2));
    match i.bits(22, 2) {
        0 => {
            let value = l.stored(i.rd(), ty);
            l.store(addr, value, Order::Plain);
        }
        opc => {
            let value = l.load(addr, ty, Order::Plain);
            set_loaded(l, i, value, opc);
        }
    }
}

/// Writes a loaded value: zero-extended (opc 1), or sign-extended to an X (opc 2) or W register (opc 3).
fn set_loaded(l: &mut Lifter, i: Insn, value: Value, opc: u32) {
    let value = match opc {
        2 => l.resize(value, Type::I64, Sign::Signed),
        3 => l.resize(value, Type::I32, Sign::Signed),
        _ => value,
    };
    l.set_reg(i.rd(), value);
}

/// `ldr rt, [xn, #imm]` with a signed 9-bit offset: `ldur`, `stur`, and pre and post-indexed forms.
fn immediate_9(l: &mut Lifter, i: Insn, index: Index) {
    let (addr, updated) = address(l, i.rn(), i.signed(12, 9), index);
    if i.bits(22, 2) == 0 {
        // The value stored is the one before the update, also where both are one register.
        transfer(l, i, addr);
        write_back(l, i.rn(), updated);
    } else {
        let value = l.load(addr, Type::int_of_bytes(1 << i.bits(30, 2)), Order::Plain);
        set_loaded(l, i, value, i.bits(22, 2));
        // A load into its own base is constrained unpredictable; as in QEMU, the update wins.
        write_back(l, i.rn(), updated);
    }
}

/// `ldr rt, [xn, #imm]`: an unsigned offset in units of the size. (Load/store register (unsigned immediate))
fn unsigned_offset(l: &mut Lifter, i: Insn) {
    let offset = i64::from(i.bits(10, 12)) << i.bits(30, 2);
    let (addr, _) = address(l, i.rn(), offset, Index::Offset);
    transfer(l, i, addr);
}

/// The address of `[xn, rm, extend #amount]`, where `scale` is the shift that bit 12 asks for.
fn register_offset_address(l: &mut Lifter, i: Insn, scale: u32) -> Value {
    let offset = l.extended(i.rm(), i.bits(13, 3), Type::I64);
    let offset = if i.bit(12) && scale != 0 {
        let amount = l.i64(scale.into());
        l.shl(offset, amount)
    } else {
        offset
    };
    let base = l.base(i.rn());
    l.add(base, offset)
}

/// `ldr rt, [xn, rm, lsl #amount]`. (Load/store register (register offset))
fn register_offset(l: &mut Lifter, i: Insn) {
    let addr = register_offset_address(l, i, i.bits(30, 2));
    transfer(l, i, addr);
}

/// `ldr rt, label`, `ldrsw`. (Load register (literal))
fn load_literal(l: &mut Lifter, i: Insn) {
    let target = l.pc.wrapping_add((i.signed(5, 19) << 2) as u64);
    let addr = l.address(target);
    let (ty, opc) = match i.bits(30, 2) {
        0 => (Type::I32, 1),
        1 => (Type::I64, 1),
        _ => (Type::I32, 2),
    };
    let value = l.load(addr, ty, Order::Plain);
    set_loaded(l, i, value, opc);
}

/// `ldp rt, rt2, [xn, #imm]`, `stp`, `ldpsw`, `ldnp`, `stnp`: one access of twice the size, as the pair may be.
fn pair(l: &mut Lifter, i: Insn, index: Index) {
    let wide = i.bits(30, 2) == 2;
    let offset = i.signed(15, 7) << if wide { 3 } else { 2 };
    let (addr, updated) = address(l, i.rn(), offset, index);
    if !i.bit(22) {
        let [first, second] = [i.rd(), i.ra()].map(|number| l.reg(number, width(wide)));
        let both = join(l, first, second);
        l.store(addr, both, Order::Plain);
        return write_back(l, i.rn(), updated);
    }
    let both = l.load(addr, if wide { Type::I128 } else { Type::I64 }, Order::Plain);
    let parts = split(l, both);
    for (number, part) in [i.rd(), i.ra()].into_iter().zip(parts) {
        let part = if i.bits(30, 2) == 1 { l.sext(part, Type::I64) } else { part };
        l.set_reg(number, part);
    }
    write_back(l, i.rn(), updated);
}

/// Two values of 32 or 64 bits as one of twice the size, the first in the lower half.
fn join(l: &mut Lifter, first: Value, second: Value) -> Value {
    if l.ty(first) == Type::I64 {
        return l.concat(first, second);
    }
    let low = l.zext(first, Type::I64);
    let high = l.zext(second, Type::I64);
    let amount = l.i64(32);
    let high = l.shl(high, amount);
    l.or(low, high)
}

/// The lower and the upper half of 64 or 128 bits.
fn split(l: &mut Lifter, both: Value) -> [Value; 2] {
    if l.ty(both) == Type::I128 {
        return [l.low(both), l.high(both)];
    }
    let low = l.trunc(both, Type::I32);
    let amount = l.i64(32);
    let high = l.lshr(both, amount);
    [low, l.trunc(high, Type::I32)]
}

// ---- SIMD and floating-point registers ---------------------------------------------------------------------------------

/// log2 of the bytes that a SIMD&FP load or store of one register moves.
fn vector_scale(i: Insn) -> u32 {
    i.bits(23, 1) << 2 | i.bits(30, 2)
}

/// `ldr bt|ht|st|dt|qt, ...` and `str`.
fn transfer_vector(l: &mut Lifter, i: Insn, addr: Value) {
    let scale = vector_scale(i);
    if i.bit(22) {
        let value = l.load_vector(addr, scale);
        l.set_v(i.rd(), value);
    } else {
        l.store_vector(addr, i.rd(), scale);
    }
}

impl Lifter<'_> {
    /// Loads 2^`scale` bytes to the bottom of a vector; the rest is zero.
    fn load_vector(&mut self, addr: Value, scale: u32) -> Value {
        let ty = match scale {
            4 => return self.load(addr, Type::V128, Order::Plain),
            3 => Type::F64,
            2 => Type::F32,
            _ => Type::int_of_bytes(1 << scale),
        };
        let value = self.load(addr, ty, Order::Plain);
        self.vfrom_scalar(value)
    }

    /// Stores the lower 2^`scale` bytes of a vector register.
    fn store_vector(&mut self, addr: Value, number: u8, scale: u32) {
        let v = self.v(number);
        let value = match scale {
            4 => v,
            3 => self.vextract_float(v, Type::F64, 0),
            2 => self.vextract_float(v, Type::F32, 0),
            1 => self.vextract(v, Lane::B16, 0),
            _ => self.vextract(v, Lane::B8, 0),
        };
        self.store(addr, value, Order::Plain);
    }
}

fn immediate_9_vector(l: &mut Lifter, i: Insn, index: Index) {
    let (addr, updated) = address(l, i.rn(), i.signed(12, 9), index);
    transfer_vector(l, i, addr);
    write_back(l, i.rn(), updated);
}

fn unsigned_offset_vector(l: &mut Lifter, i: Insn) {
    let offset = i64::from(i.bits(10, 12)) << vector_scale(i);
    let (addr, _) = address(l, i.rn(), offset, Index::Offset);
    transfer_vector(l, i, addr);
}

fn register_offset_vector(l: &mut Lifter, i: Insn) {
    let addr = register_offset_address(l, i, vector_scale(i));
    transfer_vector(l, i, addr);
}

/// `ldr st|dt|qt, label`. (Load register (literal))
fn load_literal_vector(l: &mut Lifter, i: Insn) {
    let target = l.pc.wrapping_add((i.signed(5, 19) << 2) as u64);
    let addr = l.address(target);
    let value = l.load_vector(addr, 2 + i.bits(30, 2));
    l.set_v(i.rd(), value);
}

/// `ldp st|dt|qt, ..., [xn, #imm]`, `stp`, `ldnp`, `stnp`.
fn pair_vector(l: &mut Lifter, i: Insn, index: Index) {
    let scale = 2 + i.bits(30, 2);
    let (addr, updated) = address(l, i.rn(), i.signed(15, 7) << scale, index);
    let second = l.offset(addr, 1 << scale);
    if i.bit(22) {
        let (a, b) = (l.load_vector(addr, scale), l.load_vector(second, scale));
        l.set_v(i.rd(), a);
        l.set_v(i.ra(), b);
    } else {
        l.probe(addr, Access::Write, 2 << scale);
        l.store_vector(addr, i.rd(), scale);
        l.store_vector(second, i.ra(), scale);
    }
    write_back(l, i.rn(), updated);
}

// ---- ordered, exclusive and atomic accesses ----------------------------------------------------------------------------

/// The base address of an atomic access, which must be aligned.
fn aligned_base(l: &mut Lifter, i: Insn, bytes: u64) -> Value {
    let addr = l.base(i.rn());
    l.check_aligned(addr, bytes);
    addr
}

fn access_type(i: Insn) -> Type {
    Type::int_of_bytes(1 << i.bits(30, 2))
}

/// `ldxr rt, [xn]`, `ldaxr`, and their byte and halfword forms. (Load/store exclusive register)
fn load_exclusive(l: &mut Lifter, i: Insn) {
    let ty = access_type(i);
    let addr = aligned_base(l, i, ty.bytes().into());
    let order = if i.bit(15) { Order::Acquire } else { Order::Plain };
    let value = l.load_exclusive(addr, ty, order);
    l.set_reg(i.rd(), value);
}

/// `stxr ws, rt, [xn]`, `stlxr`: ws is 0 if it stored, else 1. (Load/store exclusive register)
fn store_exclusive(l: &mut Lifter, i: Insn) {
    let ty = access_type(i);
    let addr = aligned_base(l, i, ty.bytes().into());
    let value = l.reg(i.rd(), ty);
    finish_store_exclusive(l, i, addr, value);
}

fn finish_store_exclusive(l: &mut Lifter, i: Insn, addr: Value, value: Value) {
    let order = if i.bit(15) { Order::Release } else { Order::Plain };
    let ty = l.ty(value);
    let stored = l.store_exclusive(addr, value, ty, order);
    let failed = l.not(stored);
    let status = l.zext(failed, Type::I64);
    l.set_reg(i.rm(), status);
}

/// `ldxp rt, rt2, [xn]`, `ldaxp`. (Load/store exclusive pair)
fn load_exclusive_pair(l: &mut Lifter, i: Insn) {
    let ty = if i.bit(30) { Type::I128 } else { Type::I64 };
    let addr = aligned_base(l, i, ty.bytes().into());
    let order = if i.bit(15) { Order::Acquire } else { Order::Plain };
    let both = l.load_exclusive(addr, ty, order);
    let [first, second] = split(l, both);
    l.set_reg(i.rd(), first);
    l.set_reg(i.ra(), second);
}

/// `stxp ws, rt, rt2, [xn]`, `stlxp`. (Load/store exclusive pair)
fn store_exclusive_pair(l: &mut Lifter, i: Insn) {
    let ty = width(i.bit(30));
    let addr = aligned_base(l, i, 2 * u64::from(ty.bytes()));
    let [first, second] = [i.rd(), i.ra()].map(|number| l.reg(number, ty));
    let both = join(l, first, second);
    finish_store_exclusive(l, i, addr, both);
}

/// `ldar rt, [xn]`, `ldapr`, `ldlar`, and their byte and halfword forms. (Load/store ordered)
fn load_acquire(l: &mut Lifter, i: Insn, order: Order) {
    let ty = access_type(i);
    let addr = aligned_base(l, i, ty.bytes().into());
    let value = l.load(addr, ty, order);
    l.set_reg(i.rd(), value);
}

/// `stlr rt, [xn]`, `stllr`, and their byte and halfword forms. (Load/store ordered)
fn store_release(l: &mut Lifter, i: Insn) {
    let ty = access_type(i);
    let addr = aligned_base(l, i, ty.bytes().into());
    let value = l.reg(i.rd(), ty);
    l.store(addr, value, Order::Release);
}

/// `ldapur rt, [xn, #imm]`, `stlur`, and their smaller forms. (LDAPR/STLR (unscaled immediate))
fn ordered_unscaled(l: &mut Lifter, i: Insn, order: Order) {
    let ty = access_type(i);
    let (addr, _) = address(l, i.rn(), i.signed(12, 9), Index::Offset);
    l.check_aligned(addr, ty.bytes().into());
    if i.bits(22, 2) == 0 {
        let value = l.reg(i.rd(), ty);
        l.store(addr, value, order);
    } else {
        let value = l.load(addr, ty, order);
        set_loaded(l, i, value, i.bits(22, 2));
    }
}

fn atomic_order(acquire: bool, release: bool) -> Order {
    match (acquire, release) {
        (false, false) => Order::Plain,
        (true, false) => Order::Acquire,
        (false, true) => Order::Release,
        (true, true) => Order::AcquireRelease,
    }
}

/// `cas rs, rt, [xn]`: stores rt if memory equals rs; rs becomes the old value. (Compare and swap)
fn compare_and_swap(l: &mut Lifter, i: Insn) {
    let ty = access_type(i);
    let addr = aligned_base(l, i, ty.bytes().into());
    let (expected, new) = (l.reg(i.rm(), ty), l.reg(i.rd(), ty));
    let old = l.cas(addr, expected, new, ty, atomic_order(i.bit(22), i.bit(15)));
    l.set_reg(i.rm(), old);
}

/// `casp rs, rs+1, rt, rt+1, [xn]`: as `cas` for pairs. (Compare and swap pair)
fn compare_and_swap_pair(l: &mut Lifter, i: Insn) {
    let ty = width(i.bit(30));
    let addr = aligned_base(l, i, 2 * u64::from(ty.bytes()));
    let [expected, new] = [i.rm(), i.rd()].map(|number| {
        let (first, second) = (l.reg(number, ty), l.reg(number + 1, ty));
        join(l, first, second)
    });
    let both = l.ty(new);
    let old = l.cas(addr, expected, new, both, atomic_order(i.bit(22), i.bit(15)));
    let [first, second] = split(l, old);
    l.set_reg(i.rm(), first);
    l.set_reg(i.rm() + 1, second);
}

/// `ldadd rs, rt, [xn]`, `ldclr`, `ldeor`, `ldset`, `ldsmax`, `ldsmin`, `ldumax`, `ldumin`. (Atomic memory operations)
fn atomic(l: &mut Lifter, i: Insn) {
    let op = match i.bits(12, 3) {
        0 => RmwOp::Add,
        1 => RmwOp::AndNot,
        2 => RmwOp::Xor,
        3 => RmwOp::Or,
        4 => RmwOp::Smax,
        5 => RmwOp::Smin,
        6 => RmwOp::Umax,
        _ => RmwOp::Umin,
    };
    read_modify_write(l, i, op);
}

/// `swp rs, rt, [xn]` and the operations of `atomic`: rt becomes the old value.
fn read_modify_write(l: &mut Lifter, i: Insn, op: RmwOp) {
    let ty = access_type(i);
    let addr = aligned_base(l, i, ty.bytes().into());
    let value = l.reg(i.rm(), ty);
    let old = l.rmw(addr, value, ty, op, atomic_order(i.bit(23), i.bit(22)));
    l.set_reg(i.rd(), old);
}
