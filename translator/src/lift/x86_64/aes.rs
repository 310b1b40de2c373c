//! AES-NI and PCLMULQDQ.

use super::shuffle::lanes;
use super::{Lifter, Rows};
use crate::ir::{Builder, Lane, Type, Value};
use crate::lift::aes::{mix_columns, shift_rows, unmix_columns, unshift_rows};
use decoders::x86_64::Mnemonic as M;

pub(super) const ROWS: Rows = &[
    (M::Aesenc, |x| {
        round(x, |b, state| {
            let state = encrypt(b, state);
            mix_columns(b, state)
        })
    }),
    (M::Aesenclast, |x| round(x, encrypt)),
    (M::Aesdec, |x| {
        round(x, |b, state| {
            let state = decrypt(b, state);
            unmix_columns(b, state)
        })
    }),
    (M::Aesdeclast, |x| round(x, decrypt)),
    (M::Aesimc, aesimc),
    (M::Aeskeygenassist, aeskeygenassist),
    (M::Pclmulqdq, pclmulqdq),
];

/// `aesenc`, `aesenclast`, `aesdec`, `aesdeclast xmm, xmm/m128`: a round on the destination, then the round key is added. (Perform
/// One Round of an AES Encryption Flow, and the three beside it)
fn round(x: &mut Lifter<'_>, steps: fn(&mut Builder, Value) -> Value) {
    let key = x.read_vector(1);
    let state = x.read_vector(0);
    let state = steps(x.b, state);
    let result = x.b.vxor(state, key);
    x.write_vector(0, result);
}

fn encrypt(b: &mut Builder, state: Value) -> Value {
    let shifted = shift_rows(b, state);
    b.vaes_sub(shifted, false)
}

fn decrypt(b: &mut Builder, state: Value) -> Value {
    let shifted = unshift_rows(b, state);
    b.vaes_sub(shifted, true)
}

/// `aesimc xmm, xmm/m128`: a round key for decryption. (Perform the AES InvMixColumn Transformation)
fn aesimc(x: &mut Lifter<'_>) {
    let key = x.read_vector(1);
    let result = unmix_columns(x.b, key);
    x.write_vector(0, result);
}

/// `aeskeygenassist xmm, xmm/m128, imm8`: the odd doublewords with their bytes substituted, each also turned by a byte with the
/// constant added. (AES Round Key Generation Assist)
fn aeskeygenassist(x: &mut Lifter<'_>) {
    const ODD_AND_TURNED: u128 = lanes::<16>([4, 5, 6, 7, 5, 6, 7, 4, 12, 13, 14, 15, 13, 14, 15, 12]);
    let key = x.read_vector(1);
    let substituted = x.b.vaes_sub(key, false);
    let placed = x.b.vshuffle(substituted, substituted, ODD_AND_TURNED);
    let constant = u128::from(x.insn.immediate8());
    let constant = x.b.vconst(constant << 32 | constant << 96);
    let result = x.b.vxor(placed, constant);
    x.write_vector(0, result);
}

/// `pclmulqdq xmm, xmm/m128, imm8`: the carry-less product of chosen halves. (Carry-Less Multiplication Quadword)
fn pclmulqdq(x: &mut Lifter<'_>) {
    let select = x.insn.immediate8();
    let source = x.read_vector(1);
    let destination = x.read_vector(0);
    let p = x.b.vextract(destination, Lane::B64, select & 1);
    let q = x.b.vextract(source, Lane::B64, select >> 4 & 1);
    let product = x.b.clmul(p, q);
    let result = x.b.bitcast(product, Type::V128);
    x.write_vector(0, result);
}
