//! SSE4.2 instructions, and the CRC32 accumulation that came with them.

use super::sse2_integer::binary;
use super::{Lifter, Rows};
use crate::guest::x86_64::{self as state, xmm};
use crate::ir::{Cond, Lane, Sign, Type, Value};
use decoders::x86_64::{Code, Mnemonic as M};

const RAX: u8 = 0;
const RCX: u8 = 1;
const RDX: u8 = 2;

pub(super) const ROWS: Rows = &[
    (M::Pcmpgtq, |x| binary(x, |b, p, q| b.vicmp(p, q, Lane::B64, Cond::Sgt))),
    (M::Pcmpestri, |x| compare_strings(x, false, true)),
    (M::Pcmpestri64, |x| compare_strings(x, false, true)),
    (M::Pcmpestrm, |x| compare_strings(x, false, false)),
    (M::Pcmpestrm64, |x| compare_strings(x, false, false)),
    (M::Pcmpistri, |x| compare_strings(x, true, true)),
    (M::Pcmpistrm, |x| compare_strings(x, true, false)),
    (M::Crc32, crc32),
];

/// `pcmpestri`, `pcmpestrm`, `pcmpistri`, `pcmpistrm xmm, xmm/m128, imm8`: compare strings whose lengths stand in rax and rdx, or
/// that end at a zero; the index of what is found to rcx, or its mask to `xmm0`. (Packed Compare Explicit Length Strings, Return
/// Index and others)
fn compare_strings(x: &mut Lifter<'_>, implicit: bool, index: bool) {
    let control = x.insn.immediate8();
    // Memory need not be aligned.
    let b = if x.is_memory(1) { x.load(Type::V128) } else { x.read_vector(1) };
    let a = x.read_vector(0);
    let lengths = if implicit { x.b.i64(0) } else { explicit_lengths(x) };
    let packed = x.b.vstring_compare(a, b, lengths, control, implicit);
    let mask = x.b.i64(0xffff);
    let found = x.b.and(packed, mask);
    if index {
        write_index(x, found, control);
    } else {
        write_mask(x, found, control);
    }
    let zero = x.b.i64(0);
    let carry = x.b.icmp(found, zero, Cond::Ne);
    x.b.set(carry, state::CF);
    for (slot, bit) in [(state::ZF, 17), (state::SF, 16), (state::OF, 0)] {
        let amount = x.b.i64(bit);
        let shifted = x.b.lshr(packed, amount);
        let flag = x.b.trunc(shifted, Type::I1);
        x.set_flag(slot, flag);
    }
    x.clear(state::PF);
    x.clear(state::AF);
    x.forget_flags();
}

/// Lengths from rax and rdx, at the width of the operand size: beyond 16 elements either way it is all the same.
fn explicit_lengths(x: &mut Lifter<'_>) -> Value {
    let wide =
        matches!(x.insn.code(), Code::Pcmpestri64_xmm_xmmm128_imm8 | Code::Pcmpestrm64_xmm_xmmm128_imm8);
    let [low, high] = [RAX, RDX].map(|number| {
        if !wide {
            let length = x.read_gpr(number, Type::I32);
            return x.b.zext(length, Type::I64);
        }
        let length = x.read_gpr(number, Type::I64);
        let (most, least) = (x.b.i64(16), x.b.i64(16u64.wrapping_neg()));
        let above = x.b.icmp(length, most, Cond::Sgt);
        let length = x.b.select(most, length, above);
        let below = x.b.icmp(length, least, Cond::Slt);
        let length = x.b.select(least, length, below);
        let half = x.b.i64(0xffff_ffff);
        x.b.and(length, half)
    });
    let amount = x.b.i64(32);
    let high = x.b.shl(high, amount);
    x.b.or(high, low)
}

fn write_index(x: &mut Lifter<'_>, found: Value, control: u8) {
    let count = if control & 1 == 0 { 16 } else { 8 };
    // With a bit behind the last element nothing found is that index.
    let index = if control & 0x40 == 0 {
        let end = x.b.i64(1 << count);
        let some = x.b.or(found, end);
        x.b.ctz(some)
    } else {
        let one = x.b.i64(1);
        let none = x.b.i64(0);
        let nothing = x.b.icmp(found, none, Cond::Eq);
        let marked = x.b.or(found, one);
        let (zeros, top) = (x.b.clz(marked), x.b.i64(63));
        let last = x.b.sub(top, zeros);
        let end = x.b.i64(count);
        x.b.select(end, last, nothing)
    };
    let index = x.b.trunc(index, Type::I32);
    x.write_gpr(RCX, index);
}

fn write_mask(x: &mut Lifter<'_>, found: Value, control: u8) {
    if control & 0x40 == 0 {
        let mask = x.b.vfrom_scalar(found);
        return x.b.set(mask, xmm(0));
    }
    // Each element tests its own bit.
    let (lane, bits) = if control & 1 == 0 {
        (Lane::B8, u128::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128]))
    } else {
        (Lane::B16, 0x0080_0040_0020_0010_0008_0004_0002_0001)
    };
    let spread = if lane == Lane::B8 {
        let low = x.b.vfrom_scalar(found);
        let pattern = super::shuffle::lanes::<16>([0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]);
        x.b.vshuffle(low, low, pattern)
    } else {
        let low = x.b.trunc(found, Type::I16);
        x.b.vsplat(low, lane)
    };
    let bits = x.b.vconst(bits);
    let own = x.b.vand(spread, bits);
    let mask = x.b.vicmp(own, bits, lane, Cond::Eq);
    x.b.set(mask, xmm(0));
}

/// `crc32 r, r/m`: accumulate a CRC-32C. (Accumulate CRC32 Value)
fn crc32(x: &mut Lifter<'_>) {
    let data = x.read(1);
    let crc = x.read(0);
    let low = x.b.resize(crc, Type::I32, Sign::Unsigned);
    let result = x.b.crc32(data, low, 0x1edc_6f41);
    let ty = x.ty(0);
    let result = x.b.resize(result, ty, Sign::Unsigned);
    x.write(0, result);
}
