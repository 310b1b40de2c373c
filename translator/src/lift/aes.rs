//! The steps of an AES round, which the guests' instructions combine differently. (FIPS 197, sections 5.1 and 5.3)
//!
//! The state is four columns of four bytes; row r of column c is byte 4c + r.

use crate::ir::{Builder, Cond, Lane, Value};

/// The vector whose byte `at` is byte `from(at)` of `v`.
fn permuted(b: &mut Builder, v: Value, from: impl Fn(usize) -> usize) -> Value {
    let pattern: [u8; 16] = std::array::from_fn(|at| from(at) as u8);
    b.vshuffle(v, v, u128::from_le_bytes(pattern))
}

/// ShiftRows: row r turned left by r places.
pub fn shift_rows(b: &mut Builder, state: Value) -> Value {
    permuted(b, state, |at| (at + at % 4 * 4) % 16)
}

/// InvShiftRows: row r turned right by r places.
pub fn unshift_rows(b: &mut Builder, state: Value) -> Value {
    permuted(b, state, |at| (at + 16 - at % 4 * 4) % 16)
}

/// MixColumns: each column times the polynomial 3x^3 + x^2 + x + 2.
pub fn mix_columns(b: &mut Builder, state: Value) -> Value {
    let [one, two, three] = [1, 2, 3].map(|rows| turned(b, state, rows));
    let pair = b.vxor(state, one);
    let doubled = times_x(b, pair);
    let rest = b.vxor(two, three);
    let rest = b.vxor(rest, one);
    b.vxor(doubled, rest)
}

/// InvMixColumns: MixColumns of each column times 4x^2 + 5, which makes its inverse of it.
pub fn unmix_columns(b: &mut Builder, state: Value) -> Value {
    let opposite = turned(b, state, 2);
    let both = b.vxor(state, opposite);
    let twice = times_x(b, both);
    let four_times = times_x(b, twice);
    let state = b.vxor(state, four_times);
    mix_columns(b, state)
}

/// Each column with its rows moved up by `rows`.
fn turned(b: &mut Builder, state: Value, rows: usize) -> Value {
    permuted(b, state, |at| at / 4 * 4 + (at + rows) % 4)
}

/// Each byte times x in GF(2^8).
fn times_x(b: &mut Builder, state: Value) -> Value {
    let zero = b.vconst(0);
    let negative = b.vicmp(state, zero, Lane::B8, Cond::Slt);
    let reduction = b.vconst(u128::from_le_bytes([0x1b; 16]));
    let carried = b.vand(negative, reduction);
    let doubled = b.vadd(state, state, Lane::B8);
    b.vxor(doubled, carried)
}
