//! SM3 and SM4, the hash function and the block cipher of GB/T 32905 and GB/T 32907.
//!
//! SM4's S-box is an inversion in GF(2^8) between two affine maps, as that of AES is, in a field of another polynomial. All
//! fields of 256 elements are isomorphic, so it is the S-box of AES between two other affine maps.

use super::{choose, majority, parity};
use crate::ir::{Lane, Value};
use crate::lift::aarch64::Lifter;
use decoders::aarch64::{Crypto, Insn};

pub(super) fn lift(l: &mut Lifter, op: Crypto, i: Insn) {
    match op {
        Crypto::Sm3partw1 => sm3partw1(l, i),
        Crypto::Sm3partw2 => sm3partw2(l, i),
        Crypto::Sm3ss1 => sm3ss1(l, i),
        Crypto::Sm3Tt1a => sm3tt1(l, i, parity),
        Crypto::Sm3Tt1b => sm3tt1(l, i, majority),
        Crypto::Sm3Tt2a => sm3tt2(l, i, parity),
        Crypto::Sm3Tt2b => sm3tt2(l, i, choose),
        Crypto::Sm4e => {
            let (state, keys) = (l.v(i.rd()), l.v(i.rn()));
            sm4_rounds(l, i, state, keys, &[2, 10, 18, 24]);
        }
        Crypto::Sm4ekey => {
            let (keys, constants) = (l.v(i.rn()), l.v(i.rm()));
            sm4_rounds(l, i, keys, constants, &[13, 23]);
        }
        _ => unreachable!("not SM3 or SM4"),
    }
}

// ---- SM3 ---------------------------------------------------------------------------------------------------------------

/// `x` and rotations of it, combined by exclusive or: the linear steps of both standards.
fn permuted(l: &mut Lifter, x: Value, amounts: &[u32]) -> Value {
    amounts.iter().fold(x, |sum, &amount| {
        let turned = l.rotated_left(x, amount);
        l.xor(sum, turned)
    })
}

/// `sm3partw1 vd.4s, vn.4s, vm.4s`: message expansion, first part. (Cryptographic three-register SHA 512)
fn sm3partw1(l: &mut Lifter, i: Insn) {
    let (d, n, m) = (l.v(i.rd()), l.v(i.rn()), l.v(i.rm()));
    let both = l.vxor(d, n);
    let (both, m) = (l.words(both), l.words(m));
    let mut result: Vec<Value> = Vec::new();
    for (index, word) in both.into_iter().enumerate() {
        // The last word's third part is the first result.
        let other = m.get(index + 1).copied().unwrap_or_else(|| result[0]);
        let turned = l.rotated_left(other, 15);
        let x = l.xor(word, turned);
        result.push(permuted(l, x, &[15, 23]));
    }
    let result = l.assembled(&result, Lane::B32);
    l.set_v(i.rd(), result);
}

/// `sm3partw2 vd.4s, vn.4s, vm.4s`: message expansion, second part. (Cryptographic three-register SHA 512)
fn sm3partw2(l: &mut Lifter, i: Insn) {
    let (d, n, m) = (l.v(i.rd()), l.v(i.rn()), l.v(i.rm()));
    let turned = l.vector_rotated_right(m, Lane::B32, 32 - 7);
    let part = l.vxor(n, turned);
    let result = l.vxor(d, part);
    let first = l.vextract(part, Lane::B32, 0);
    let first = l.rotated_left(first, 15);
    let first = permuted(l, first, &[15, 23]);
    let last = l.vextract(result, Lane::B32, 3);
    let last = l.xor(last, first);
    let result = l.vinsert(result, last, Lane::B32, 3);
    l.set_v(i.rd(), result);
}

/// `sm3ss1 vd.4s, vn.4s, vm.4s, va.4s`: SS1 of a round, from the upper words. (Cryptographic four-register)
fn sm3ss1(l: &mut Lifter, i: Insn) {
    let [n, m, a] = [i.rn(), i.rm(), i.ra()].map(|register| {
        let v = l.v(register);
        l.vextract(v, Lane::B32, 3)
    });
    let turned = l.rotated_left(n, 12);
    let sum = l.sum3(turned, m, a);
    let sum = l.rotated_left(sum, 7);
    let zero = l.vconst(0);
    let result = l.vinsert(zero, sum, Lane::B32, 3);
    l.set_v(i.rd(), result);
}

/// `vm.s[index]`, a word of the expanded message.
fn message_word(l: &mut Lifter, i: Insn) -> Value {
    let m = l.v(i.rm());
    l.vextract(m, Lane::B32, i.bits(12, 2) as u8)
}

/// The registers of a half after a round: the one that leaves is replaced by `first`, the third one is turned.
fn set_round(l: &mut Lifter, i: Insn, half: [Value; 4], turn: u32, first: Value) {
    let turned = l.rotated_left(half[2], turn);
    let result = l.assembled(&[half[1], turned, half[3], first], Lane::B32);
    l.set_v(i.rd(), result);
}

/// `sm3tt1a vd.4s, vn.4s, vm.s[index]`, `sm3tt1b`: a round's registers D to A. (Cryptographic three-register, imm2)
fn sm3tt1(l: &mut Lifter, i: Insn, mix: impl Fn(&mut Lifter, Value, Value, Value) -> Value) {
    let (d, n) = (l.v(i.rd()), l.v(i.rn()));
    let (half, ss1) = (l.words(d), l.vextract(n, Lane::B32, 3));
    let turned = l.rotated_left(half[3], 12);
    let ss2 = l.xor(ss1, turned);
    let mixed = mix(l, half[3], half[2], half[1]);
    let word = message_word(l, i);
    let sum = l.sum3(mixed, half[0], ss2);
    let sum = l.add(sum, word);
    set_round(l, i, half, 9, sum);
}

/// `sm3tt2a vd.4s, vn.4s, vm.s[index]`, `sm3tt2b`: a round's registers H to E. (Cryptographic three-register, imm2)
fn sm3tt2(l: &mut Lifter, i: Insn, mix: impl Fn(&mut Lifter, Value, Value, Value) -> Value) {
    let (d, n) = (l.v(i.rd()), l.v(i.rn()));
    let (half, ss1) = (l.words(d), l.vextract(n, Lane::B32, 3));
    let mixed = mix(l, half[3], half[2], half[1]);
    let word = message_word(l, i);
    let sum = l.sum3(mixed, half[0], ss1);
    let sum = l.add(sum, word);
    let first = permuted(l, sum, &[9, 17]);
    set_round(l, i, half, 19, first);
}

// ---- SM4 ---------------------------------------------------------------------------------------------------------------

/// An affine map of bytes: what it makes of each lower half, and what each upper half adds to that.
type Affine = [[u8; 16]; 2];

const INTO_AES: Affine = [
    [0x3e, 0xb2, 0x0e, 0x82, 0xbb, 0x37, 0x8b, 0x07, 0xa1, 0x2d, 0x91, 0x1d, 0x24, 0xa8, 0x14, 0x98],
    [0x00, 0xdc, 0x2e, 0xf2, 0xc5, 0x19, 0xeb, 0x37, 0x08, 0xd4, 0x26, 0xfa, 0xcd, 0x11, 0xe3, 0x3f],
];

const OUT_OF_AES: Affine = [
    [0x6c, 0xd4, 0xa6, 0x1e, 0x52, 0xea, 0x98, 0x20, 0x0b, 0xb3, 0xc1, 0x79, 0x35, 0x8d, 0xff, 0x47],
    [0x00, 0xe0, 0x50, 0xb0, 0x9d, 0x7d, 0xcd, 0x2d, 0xc0, 0x20, 0x90, 0x70, 0x5d, 0xbd, 0x0d, 0xed],
];

fn affine(l: &mut Lifter, v: Value, map: Affine) -> Value {
    let [low, high] = map.map(|table| l.vconst(u128::from_le_bytes(table)));
    let mask = l.splat(Lane::B8, 0x0f);
    let lower = l.vand(v, mask);
    let upper = l.vlshr(v, Lane::B8, 4);
    let (low, high) = (l.vtable(low, lower), l.vtable(high, upper));
    l.vxor(low, high)
}

/// The S-box for each byte of a word.
fn substituted(l: &mut Lifter, word: Value) -> Value {
    let v = l.vfrom_scalar(word);
    let v = affine(l, v, INTO_AES);
    let v = l.vaes_sub(v, false);
    let v = affine(l, v, OUT_OF_AES);
    l.vextract(v, Lane::B32, 0)
}

/// `sm4e vd.4s, vn.4s` and `sm4ekey vd.4s, vn.4s, vm.4s`: four rounds of the cipher or of its key schedule, which differ in
/// the rotations of the linear step. (Cryptographic two-register SHA 512, three-register SHA 512)
fn sm4_rounds(l: &mut Lifter, i: Insn, state: Value, keys: Value, rotations: &[u32]) {
    let (mut x, keys) = (l.words(state), l.words(keys));
    for key in keys {
        let sum = parity(l, x[1], x[2], x[3]);
        let sum = l.xor(sum, key);
        let substituted = substituted(l, sum);
        let linear = permuted(l, substituted, rotations);
        let new = l.xor(linear, x[0]);
        x = [x[1], x[2], x[3], new];
    }
    let result = l.assembled(&x, Lane::B32);
    l.set_v(i.rd(), result);
}
