//! SSSE3 instructions, on vector and on MMX registers.

use super::shuffle::lanes;
use super::sse2_integer::binary;
use super::{Lifter, Rows};
use crate::ir::{Builder, Cond, Lane, LaneOp, NarrowMode, Sign, Value};
use decoders::x86_64::Mnemonic as M;

const S: Sign = Sign::Signed;
const U: Sign = Sign::Unsigned;

pub(super) const ROWS: Rows = &[
    (M::Pshufb, pshufb),
    (M::Palignr, palignr),
    (M::Phaddw, |x| pairs(x, |b, p, q| b.vpairwise(p, q, Lane::B16, LaneOp::Add))),
    (M::Phaddd, |x| pairs(x, |b, p, q| b.vpairwise(p, q, Lane::B32, LaneOp::Add))),
    (M::Phaddsw, |x| pairs(x, |b, p, q| neighbours16(b, p, q, |b, p, q| b.vadd_sat(p, q, Lane::B16, S)))),
    (M::Phsubw, |x| pairs(x, |b, p, q| neighbours16(b, p, q, |b, p, q| b.vsub(p, q, Lane::B16)))),
    (M::Phsubsw, |x| pairs(x, |b, p, q| neighbours16(b, p, q, |b, p, q| b.vsub_sat(p, q, Lane::B16, S)))),
    (M::Phsubd, |x| pairs(x, phsubd)),
    (M::Pmaddubsw, |x| binary(x, pmaddubsw)),
    (M::Pmulhrsw, |x| binary(x, pmulhrsw)),
    (M::Psignb, |x| binary(x, |b, p, q| psign(b, p, q, Lane::B8))),
    (M::Psignw, |x| binary(x, |b, p, q| psign(b, p, q, Lane::B16))),
    (M::Psignd, |x| binary(x, |b, p, q| psign(b, p, q, Lane::B32))),
    (M::Pabsb, |x| pabs(x, Lane::B8)),
    (M::Pabsw, |x| pabs(x, Lane::B16)),
    (M::Pabsd, |x| pabs(x, Lane::B32)),
];

/// `pshufb dest, src`: bytes of the destination chosen by the low bits of the source's; zero where its top bit is set. (Packed
/// Shuffle Bytes)
fn pshufb(x: &mut Lifter<'_>) {
    let indices = x.read_vector(1);
    let table = x.read_vector(0);
    let kept: u8 = if x.is_mmx() { 0x87 } else { 0x8f };
    let mask = x.b.vconst(u128::from_le_bytes([kept; 16]));
    let indices = x.b.vand(indices, mask);
    let result = x.b.vtable(table, indices);
    x.write_vector(0, result);
}

/// `palignr dest, src, imm8`: destination and source as one, shifted right by bytes. (Packed Align Right)
fn palignr(x: &mut Lifter<'_>) {
    let width = if x.is_mmx() { 8u16 } else { 16 };
    let count = u16::from(x.insn.immediate8());
    let low = x.read_vector(1);
    let high = x.read_vector(0);
    // Bytes 0 to 15 of the shuffle's second operand are numbered from 16 on; past both operands there are zeros.
    let (first, second, shift) = match count {
        _ if count < width => (low, high, count),
        _ if count < 2 * width => (high, x.b.vconst(0), count - width),
        _ => (x.b.vconst(0), low, 0),
    };
    let mut indices = [0; 16];
    for (byte, index) in indices.iter_mut().enumerate() {
        let from = byte as u16 + shift;
        *index = if from < width { from } else { 16 + (from - width).min(15) } as u8;
    }
    let result = x.b.vshuffle(first, second, lanes::<16>(indices));
    x.write_vector(0, result);
}

/// `phaddw` and so on: an operation on neighbouring lanes, first of the destination, then of the source. (Packed Horizontal Add and
/// others)
fn pairs(x: &mut Lifter<'_>, op: fn(&mut Builder, Value, Value) -> Value) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    if !x.is_mmx() {
        let result = op(x.b, a, b);
        return x.write_vector(0, result);
    }
    // Both operands in one vector, of whose results the lower half counts.
    let both = x.b.vshuffle(a, b, lanes::<2>([0, 2]));
    let result = op(x.b, both, both);
    x.write_vector(0, result);
}

fn neighbours16(b: &mut Builder, p: Value, q: Value, op: fn(&mut Builder, Value, Value) -> Value) -> Value {
    let even = b.vshuffle(p, q, lanes::<8>([0, 2, 4, 6, 8, 10, 12, 14]));
    let odd = b.vshuffle(p, q, lanes::<8>([1, 3, 5, 7, 9, 11, 13, 15]));
    op(b, even, odd)
}

/// `phsubd`: differences of neighbouring doublewords. (Packed Horizontal Subtract)
fn phsubd(b: &mut Builder, p: Value, q: Value) -> Value {
    let even = b.vshuffle(p, q, lanes::<4>([0, 2, 4, 6]));
    let odd = b.vshuffle(p, q, lanes::<4>([1, 3, 5, 7]));
    b.vsub(even, odd, Lane::B32)
}

/// `pmaddubsw`: saturated sums of neighbouring products of unsigned bytes (destination) and signed bytes (source). (Multiply and
/// Add Packed Signed and Unsigned Bytes)
fn pmaddubsw(b: &mut Builder, p: Value, q: Value) -> Value {
    let eight = |b: &mut Builder, v, sign| {
        let left = b.vshl(v, Lane::B16, 8);
        let even = match sign {
            S => b.vashr(left, Lane::B16, 8),
            U => b.vlshr(left, Lane::B16, 8),
        };
        let odd = match sign {
            S => b.vashr(v, Lane::B16, 8),
            U => b.vlshr(v, Lane::B16, 8),
        };
        (even, odd)
    };
    let ((p0, p1), (q0, q1)) = (eight(b, p, U), eight(b, q, S));
    // 255 times -128 fits 16 bits.
    let (even, odd) = (b.vmul(p0, q0, Lane::B16), b.vmul(p1, q1, Lane::B16));
    b.vadd_sat(even, odd, Lane::B16, S)
}

/// `pmulhrsw`: bits 30 to 15 of the products of words, rounded. (Packed Multiply High With Round and Scale)
fn pmulhrsw(b: &mut Builder, p: Value, q: Value) -> Value {
    let rounding =
        b.vconst(u128::from_le_bytes([0, 0x40, 0, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 0]));
    let [low, high] = [Builder::vmul_widen_low, Builder::vmul_widen_high].map(|multiply| {
        let product = multiply(b, p, q, Lane::B16, S);
        let sum = b.vadd(product, rounding, Lane::B32);
        b.vlshr(sum, Lane::B32, 15)
    });
    b.vnarrow(low, high, Lane::B32, NarrowMode::Truncate)
}

/// `psignb`, `psignw`, `psignd`: negated where the source is negative, zero where it is zero. (Packed SIGN)
fn psign(b: &mut Builder, p: Value, q: Value, lane: Lane) -> Value {
    let zero = b.vconst(0);
    let negated = b.vsub(zero, p, lane);
    let negative = b.vicmp(q, zero, lane, Cond::Slt);
    let nothing = b.vicmp(q, zero, lane, Cond::Eq);
    let value = b.vselect(negative, negated, p);
    b.vandnot(value, nothing)
}

/// `pabsb`, `pabsw`, `pabsd`: absolute values. (Packed Absolute Value)
fn pabs(x: &mut Lifter<'_>, lane: Lane) {
    let value = x.read_vector(1);
    let result = x.b.vabs(value, lane);
    x.write_vector(0, result);
}
