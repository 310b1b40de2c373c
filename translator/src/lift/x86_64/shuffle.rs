//! SSE and SSE2 logical, shuffle and unpack instructions, of floats and integers, with SSE3's and SSSE3's duplications.

use super::{Lifter, Rows};
use crate::ir::{Builder, Lane, Value};
use decoders::x86_64::Mnemonic as M;

pub(super) const ROWS: Rows = &[
    (M::Andps, |x| bitwise(x, Builder::vand)),
    (M::Andpd, |x| bitwise(x, Builder::vand)),
    (M::Pand, |x| bitwise(x, Builder::vand)),
    (M::Orps, |x| bitwise(x, Builder::vor)),
    (M::Orpd, |x| bitwise(x, Builder::vor)),
    (M::Por, |x| bitwise(x, Builder::vor)),
    (M::Xorps, xor),
    (M::Xorpd, xor),
    (M::Pxor, xor),
    (M::Andnps, andn),
    (M::Andnpd, andn),
    (M::Pandn, andn),
    (M::Unpcklps, |x| rearrange(x, lanes::<4>([0, 4, 1, 5]))),
    (M::Unpckhps, |x| rearrange(x, lanes::<4>([2, 6, 3, 7]))),
    (M::Unpcklpd, |x| rearrange(x, lanes::<2>([0, 2]))),
    (M::Unpckhpd, |x| rearrange(x, lanes::<2>([1, 3]))),
    (M::Punpcklbw, |x| unpack::<16>(x, false)),
    (M::Punpckhbw, |x| unpack::<16>(x, true)),
    (M::Punpcklwd, |x| unpack::<8>(x, false)),
    (M::Punpckhwd, |x| unpack::<8>(x, true)),
    (M::Punpckldq, |x| unpack::<4>(x, false)),
    (M::Punpckhdq, |x| unpack::<4>(x, true)),
    (M::Punpcklqdq, |x| rearrange(x, interleave::<2>(0))),
    (M::Punpckhqdq, |x| rearrange(x, interleave::<2>(1))),
    (M::Shufps, shufps),
    (M::Shufpd, shufpd),
    (M::Pshufd, pshufd),
    (M::Pshuflw, |x| pshufw(x, 0)),
    (M::Pshufhw, |x| pshufw(x, 4)),
    (M::Movshdup, |x| duplicate(x, lanes::<4>([1, 1, 3, 3]))),
    (M::Movsldup, |x| duplicate(x, lanes::<4>([0, 0, 2, 2]))),
    (M::Movddup, movddup),
    (M::Pslldq, |x| shift_bytes(x, true)),
    (M::Psrldq, |x| shift_bytes(x, false)),
];

/// The byte pattern of `vshuffle` that takes `N` lanes by index: below `N` from the first vector, above from the second.
pub(super) const fn lanes<const N: usize>(indices: [u8; N]) -> u128 {
    let width = 16 / N;
    let (mut pattern, mut byte) = (0u128, 0);
    while byte < 16 {
        let from = indices[byte / width] as usize * width + byte % width;
        pattern |= (from as u128) << (8 * byte);
        byte += 1;
    }
    pattern
}

/// The pattern that interleaves the lanes of two vectors from lane `first` on.
const fn interleave<const N: usize>(first: u8) -> u128 {
    let mut indices = [0; N];
    let mut lane = 0;
    while lane < N {
        indices[lane] = first + lane as u8 / 2 + if lane % 2 == 1 { N as u8 } else { 0 };
        lane += 1;
    }
    lanes(indices)
}

/// `andps`, `orpd`, `pand` and so on: bit by bit. (Bitwise Logical AND of Packed Single Precision Floating-Point Values and
/// others)
fn bitwise(x: &mut Lifter<'_>, op: fn(&mut Builder, Value, Value) -> Value) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let result = op(x.b, a, b);
    x.write_vector(0, result);
}

/// `xorps`, `xorpd`, `pxor`; of a register with itself it is zero, whatever the register holds. (Bitwise Logical XOR of
/// Packed Single Precision Floating-Point Values and others)
fn xor(x: &mut Lifter<'_>) {
    if !x.is_memory(1) && x.insn.op0_register() == x.insn.op1_register() {
        let zero = x.b.vconst(0);
        return x.write_vector(0, zero);
    }
    bitwise(x, Builder::vxor);
}

/// `andnps`, `andnpd`, `pandn`: the source without the bits of the destination. (Bitwise Logical AND NOT of Packed Single
/// Precision Floating-Point Values and others)
fn andn(x: &mut Lifter<'_>) {
    bitwise(x, |b, dest, src| b.vandnot(src, dest));
}

/// `unpcklps`, `punpckhbw` and so on: interleave halves. (Unpack and Interleave Low Packed Single Precision Floating-Point
/// Values; Unpack Low Data; and others)
fn rearrange(x: &mut Lifter<'_>, pattern: u128) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let result = x.b.vshuffle(a, b, pattern);
    x.write_vector(0, result);
}

/// `punpcklbw`, `punpckhdq` and so on, also of MMX registers: there the halves of eight bytes are interleaved, which are both in the
/// interleaved lower half of the vectors. (Unpack Low Data; Unpack High Data)
fn unpack<const N: usize>(x: &mut Lifter<'_>, high: bool) {
    if !x.is_mmx() {
        return rearrange(x, interleave::<N>(if high { N as u8 / 2 } else { 0 }));
    }
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let both = x.b.vshuffle(a, b, interleave::<N>(0));
    let result = if high { x.b.vshuffle(both, both, lanes::<2>([1, 1])) } else { both };
    x.write_vector(0, result);
}

/// `shufps xmm, xmm/m128, imm8`: two lanes of the destination, then two of the source. (Packed Interleave Shuffle of
/// Quadruplets of Single Precision Floating-Point Values)
fn shufps(x: &mut Lifter<'_>) {
    let select = x.insn.immediate8();
    let [a, b, c, d] = [0, 2, 4, 6].map(|at| select >> at & 3);
    rearrange(x, lanes::<4>([a, b, 4 + c, 4 + d]));
}

/// `shufpd xmm, xmm/m128, imm8`: one lane of the destination, then one of the source. (Packed Interleave Shuffle of Pairs of
/// Double Precision Floating-Point Values)
fn shufpd(x: &mut Lifter<'_>) {
    let select = x.insn.immediate8();
    rearrange(x, lanes::<2>([select & 1, 2 + (select >> 1 & 1)]));
}

/// Rearranges the source alone.
fn duplicate(x: &mut Lifter<'_>, pattern: u128) {
    let value = x.read_vector(1);
    let result = x.b.vshuffle(value, value, pattern);
    x.write_vector(0, result);
}

/// `pshufd xmm, xmm/m128, imm8`: any four lanes of the source. (Shuffle Packed Doublewords)
fn pshufd(x: &mut Lifter<'_>) {
    let select = x.insn.immediate8();
    duplicate(x, lanes::<4>([0, 2, 4, 6].map(|at| select >> at & 3)));
}

/// `pshuflw`, `pshufhw xmm, xmm/m128, imm8`: rearrange the words of one half, starting at `first`. (Shuffle Packed Low Words;
/// Shuffle Packed High Words)
fn pshufw(x: &mut Lifter<'_>, first: usize) {
    let select = x.insn.immediate8();
    let mut indices = [0, 1, 2, 3, 4, 5, 6, 7];
    for lane in 0..4 {
        indices[first + lane] = first as u8 + (select >> (2 * lane) & 3);
    }
    duplicate(x, lanes::<8>(indices));
}

/// `movddup xmm, xmm/m64`: the low half twice. (Replicate Double Precision Floating-Point Values)
fn movddup(x: &mut Lifter<'_>) {
    let low = x.read_low(1, Lane::B64);
    let result = x.b.vsplat(low, Lane::B64);
    x.write_vector(0, result);
}

/// `pslldq`, `psrldq xmm, imm8`: shift by bytes. (Shift Double Quadword Left Logical; ... Right Logical)
fn shift_bytes(x: &mut Lifter<'_>, left: bool) {
    let count = x.insn.immediate8().min(16);
    let zero = x.b.vconst(0);
    let mut indices = [0u8; 16];
    for (byte, index) in indices.iter_mut().enumerate() {
        // 16 and above is the zero vector.
        let from = if left { (byte as u8).wrapping_sub(count) } else { byte as u8 + count };
        *index = from.min(16);
    }
    let value = x.read_vector(0);
    let result = x.b.vshuffle(value, zero, lanes::<16>(indices));
    x.write_vector(0, result);
}
