//! SSE and SSE2 data transfer instructions, with SSE3's.

use super::{Lifter, Rows};
use crate::ir::{Lane, Sign, Type, Value};
use decoders::x86_64::{Code, Mnemonic as M, OpKind};

const RDI: u8 = 7;

pub(super) const ROWS: Rows = &[
    (M::Movaps, mov_aligned),
    (M::Movapd, mov_aligned),
    (M::Movdqa, mov_aligned),
    (M::Movntps, mov_aligned),
    (M::Movntpd, mov_aligned),
    (M::Movntdq, mov_aligned),
    (M::Movups, mov_unaligned),
    (M::Movupd, mov_unaligned),
    (M::Movdqu, mov_unaligned),
    (M::Lddqu, mov_unaligned),
    (M::Movss, movss),
    (M::Movd, movd),
    (M::Movq, movd),
    (M::Movhps, |x| mov_half(x, 1)),
    (M::Movhpd, |x| mov_half(x, 1)),
    (M::Movlps, |x| mov_half(x, 0)),
    (M::Movlpd, |x| mov_half(x, 0)),
    (M::Movhlps, |x| mov_between_halves(x, 1, 0)),
    (M::Movlhps, |x| mov_between_halves(x, 0, 1)),
    (M::Movmskps, |x| movmsk(x, Lane::B32)),
    (M::Movmskpd, |x| movmsk(x, Lane::B64)),
    (M::Pmovmskb, |x| movmsk(x, Lane::B8)),
    (M::Maskmovdqu, maskmovdqu),
];

/// `movaps`, `movapd`, `movdqa`, `movntps`, `movntpd`, `movntdq`: move 16 bytes, aligned in memory. (Move Aligned Packed
/// Single Precision Floating-Point Values and others)
fn mov_aligned(x: &mut Lifter<'_>) {
    if x.is_memory(0) {
        x.check_alignment(16);
    }
    let value = x.read_vector(1);
    write_whole(x, value);
}

/// `movups`, `movupd`, `movdqu`, `lddqu`: move 16 bytes. (Move Unaligned Packed Single Precision Floating-Point Values and
/// others)
fn mov_unaligned(x: &mut Lifter<'_>) {
    let value = if x.is_memory(1) { x.load(Type::V128) } else { x.read_vector(1) };
    write_whole(x, value);
}

fn write_whole(x: &mut Lifter<'_>, value: Value) {
    if x.is_memory(0) { x.store(value) } else { x.write_vector(0, value) }
}

/// `movss`: move a single; from memory the rest becomes zero, between registers it stays. (Move or Merge Scalar Single
/// Precision Floating-Point Value)
fn movss(x: &mut Lifter<'_>) {
    mov_scalar(x, Lane::B32);
}

/// `movsd`: likewise a double. (Move or Merge Scalar Double Precision Floating-Point Value)
pub(super) fn movsd(x: &mut Lifter<'_>) {
    mov_scalar(x, Lane::B64);
}

fn mov_scalar(x: &mut Lifter<'_>, lane: Lane) {
    let low = x.read_low(1, lane);
    if x.is_memory(0) {
        return x.store(low);
    }
    let slot = x.xmm_slot(0);
    let value = if x.is_memory(1) {
        x.b.vfrom_scalar(low)
    } else {
        let old = x.b.get(slot);
        x.b.vinsert(old, low, lane, 0)
    };
    x.b.set(value, slot);
}

/// `movd`, `movq`: move 32 or 64 bits between a vector register and a general register, memory, or another vector
/// register; a vector register's rest becomes zero. (Move Doubleword/Move Quadword)
fn movd(x: &mut Lifter<'_>) {
    let is_vector = |n| x.insn.op_kind(n) == OpKind::Register && x.insn.op_register(n).is_xmm();
    let (to_vector, from_vector) = (is_vector(0), is_vector(1));
    let lane = match x.insn.code() {
        Code::Movd_xmm_rm32 | Code::Movd_rm32_xmm | Code::Movd_mm_rm32 | Code::Movd_rm32_mm => Lane::B32,
        _ => Lane::B64,
    };
    let value = if from_vector {
        x.read_low(1, lane)
    } else if x.is_mm(1) {
        let low = x.read_mm(1);
        x.b.resize(low, lane.ty(), Sign::Unsigned)
    } else {
        x.read(1)
    };
    if x.is_mm(0) {
        let wide = x.b.resize(value, Type::I64, Sign::Unsigned);
        x.write_mm(0, wide);
    } else if to_vector {
        let whole = x.b.vfrom_scalar(value);
        x.write_vector(0, whole);
    } else {
        x.write(0, value);
    }
}

/// `movhps`, `movhpd`, `movlps`, `movlpd`: move 64 bits between memory and one half; the other half stays. (Move High
/// Packed Single Precision Floating-Point Values and others)
fn mov_half(x: &mut Lifter<'_>, half: u8) {
    if x.is_memory(0) {
        let slot = x.xmm_slot(1);
        let whole = x.b.get(slot);
        let value = x.b.vextract(whole, Lane::B64, half);
        return x.store(value);
    }
    let value = x.load(Type::I64);
    let slot = x.xmm_slot(0);
    let old = x.b.get(slot);
    let new = x.b.vinsert(old, value, Lane::B64, half);
    x.b.set(new, slot);
}

/// `movhlps`, `movlhps`: move one half to the other of another register. (Move Packed Single Precision Floating-Point Values
/// High to Low; ... Low to High)
fn mov_between_halves(x: &mut Lifter<'_>, from: u8, to: u8) {
    let (src, dest) = (x.xmm_slot(1), x.xmm_slot(0));
    let whole = x.b.get(src);
    let value = x.b.vextract(whole, Lane::B64, from);
    let old = x.b.get(dest);
    let new = x.b.vinsert(old, value, Lane::B64, to);
    x.b.set(new, dest);
}

/// `movmskps`, `movmskpd`, `pmovmskb r, xmm`: the sign bits of the lanes. (Extract Packed Single Precision Floating-Point Sign
/// Mask and others)
fn movmsk(x: &mut Lifter<'_>, lane: Lane) {
    let value = x.read_vector(1);
    let mask = x.b.vmovemask(value, lane);
    let ty = x.ty(0);
    let mask = x.b.resize(mask, ty, Sign::Unsigned);
    x.write(0, mask);
}

/// `maskmovdqu xmm, mask`: store the bytes whose mask byte is negative to rdi. All 16 bytes are read and written back, which
/// other threads could see. (Store Selected Bytes of Double Quadword)
fn maskmovdqu(x: &mut Lifter<'_>) {
    let narrow = x.insn.op_kind(0) == OpKind::MemorySegEDI;
    let pointer = x.read_gpr(RDI, if narrow { Type::I32 } else { Type::I64 });
    let pointer = x.b.resize(pointer, Type::I64, Sign::Unsigned);
    let address = x.with_segment_base(pointer);
    let (src, mask) = (x.xmm_slot(1), x.xmm_slot(2));
    let old = x.b.load(address, Type::V128, super::operand::ORDER);
    let (value, mask) = (x.b.get(src), x.b.get(mask));
    let mask = x.b.vashr(mask, Lane::B8, 7);
    let stored = x.b.vselect(mask, value, old);
    x.b.store(address, stored, super::operand::ORDER);
}
