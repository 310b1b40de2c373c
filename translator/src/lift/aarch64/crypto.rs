//! Cryptographic extension: AES, SHA-1, SHA-2, SHA-3; `sm` has SM3 and SM4.

mod sm;

use super::Lifter;
use crate::ir::{Lane, Type, Value};
use crate::lift::aes;
use decoders::aarch64::{Crypto, Insn};

pub(super) fn lift(l: &mut Lifter, op: Crypto, i: Insn) {
    match op {
        Crypto::Aese => aes_round(l, i, false),
        Crypto::Aesd => aes_round(l, i, true),
        Crypto::Aesmc => one_source(l, i, |l, v| aes::mix_columns(l, v)),
        Crypto::Aesimc => one_source(l, i, |l, v| aes::unmix_columns(l, v)),
        Crypto::Sha1c => sha1_rounds(l, i, choose),
        Crypto::Sha1p => sha1_rounds(l, i, parity),
        Crypto::Sha1m => sha1_rounds(l, i, majority),
        Crypto::Sha1h => {
            let v = l.v(i.rn());
            let x = l.vextract(v, Lane::B32, 0);
            let rotated = l.rotated_left(x, 30);
            l.set_scalar(i.rd(), rotated);
        }
        Crypto::Sha1su0 => sha1su0(l, i),
        Crypto::Sha1su1 => sha1su1(l, i),
        Crypto::Sha256h => {
            let (x, y) = (l.v(i.rd()), l.v(i.rn()));
            sha256_rounds(l, i, x, y, true);
        }
        Crypto::Sha256h2 => {
            let (x, y) = (l.v(i.rn()), l.v(i.rd()));
            sha256_rounds(l, i, x, y, false);
        }
        Crypto::Sha256su0 => sha256su0(l, i),
        Crypto::Sha256su1 => sha256su1(l, i),
        Crypto::Sha512h => sha512h(l, i),
        Crypto::Sha512h2 => sha512h2(l, i),
        Crypto::Sha512su0 => sha512su0(l, i),
        Crypto::Sha512su1 => sha512su1(l, i),
        Crypto::Rax1 => {
            let (a, b) = (l.v(i.rn()), l.v(i.rm()));
            let rotated = l.vector_rotated_right(b, Lane::B64, 63);
            let result = l.vxor(a, rotated);
            l.set_v(i.rd(), result);
        }
        Crypto::Eor3 => {
            let (a, b, c) = (l.v(i.rn()), l.v(i.rm()), l.v(i.ra()));
            let ab = l.vxor(a, b);
            let result = l.vxor(ab, c);
            l.set_v(i.rd(), result);
        }
        Crypto::Bcax => {
            let (a, b, c) = (l.v(i.rn()), l.v(i.rm()), l.v(i.ra()));
            let cleared = l.vandnot(b, c);
            let result = l.vxor(a, cleared);
            l.set_v(i.rd(), result);
        }
        Crypto::Xar => {
            let (a, b) = (l.v(i.rn()), l.v(i.rm()));
            let both = l.vxor(a, b);
            let result = l.vector_rotated_right(both, Lane::B64, i.bits(10, 6) as u8);
            l.set_v(i.rd(), result);
        }
        Crypto::Sm3partw1
        | Crypto::Sm3partw2
        | Crypto::Sm3ss1
        | Crypto::Sm3Tt1a
        | Crypto::Sm3Tt1b
        | Crypto::Sm3Tt2a
        | Crypto::Sm3Tt2b
        | Crypto::Sm4e
        | Crypto::Sm4ekey => sm::lift(l, op, i),
    }
}

impl Lifter<'_> {
    /// A scalar rotated left by a constant.
    fn rotated_left(&mut self, x: Value, amount: u32) -> Value {
        let ty = self.ty(x);
        let amount = self.iconst(ty, amount.into());
        self.rotl(x, amount)
    }

    /// A scalar rotated right by each of three constants, combined by exclusive or.
    fn rotations(&mut self, x: Value, amounts: [u32; 3]) -> Value {
        let bits = self.ty(x).bits();
        let [a, b, c] = amounts.map(|amount| self.rotated_left(x, bits - amount));
        let ab = self.xor(a, b);
        self.xor(ab, c)
    }

    /// Lanes rotated right by a constant.
    fn vector_rotated_right(&mut self, v: Value, lane: Lane, amount: u8) -> Value {
        if amount == 0 {
            return v;
        }
        let low = self.vlshr(v, lane, amount);
        let high = self.vshl(v, lane, lane.bits() as u8 - amount);
        self.vor(low, high)
    }

    /// Lanes rotated right by two constants and shifted right by a third, combined by exclusive or: the message
    /// schedules of SHA-2.
    fn schedule(&mut self, v: Value, lane: Lane, [a, b, shift]: [u8; 3]) -> Value {
        let (a, b) = (self.vector_rotated_right(v, lane, a), self.vector_rotated_right(v, lane, b));
        let shifted = self.vlshr(v, lane, shift);
        let ab = self.vxor(a, b);
        self.vxor(ab, shifted)
    }

    /// The four 32-bit lanes.
    fn words(&mut self, v: Value) -> [Value; 4] {
        [0, 1, 2, 3].map(|index| self.vextract(v, Lane::B32, index))
    }

    /// The two 64-bit lanes.
    fn halves(&mut self, v: Value) -> [Value; 2] {
        [0, 1].map(|index| self.vextract(v, Lane::B64, index))
    }

    /// The vector of scalars that fill it.
    fn assembled(&mut self, lanes: &[Value], lane: Lane) -> Value {
        let mut v = self.vfrom_scalar(lanes[0]);
        for (index, &x) in (0..).zip(lanes).skip(1) {
            v = self.vinsert(v, x, lane, index);
        }
        v
    }

    /// The 16 bytes from byte `start` on of `high:low`.
    fn window(&mut self, low: Value, high: Value, start: u8) -> Value {
        let pattern: [u8; 16] = std::array::from_fn(|at| at as u8 + start);
        self.vshuffle(low, high, u128::from_le_bytes(pattern))
    }

    fn sum3(&mut self, a: Value, b: Value, c: Value) -> Value {
        let ab = self.add(a, b);
        self.add(ab, c)
    }
}

fn one_source(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value) -> Value) {
    let v = l.v(i.rn());
    let result = f(l, v);
    l.set_v(i.rd(), result);
}

// ---- AES ---------------------------------------------------------------------------------------------------------------

/// `aese vd.16b, vn.16b`, `aesd`: adds the round key, shifts the rows, substitutes the bytes. (Cryptographic AES)
fn aes_round(l: &mut Lifter, i: Insn, inverse: bool) {
    let (state, key) = (l.v(i.rd()), l.v(i.rn()));
    let state = l.vxor(state, key);
    let shifted = if inverse { aes::unshift_rows(l, state) } else { aes::shift_rows(l, state) };
    let result = l.vaes_sub(shifted, inverse);
    l.set_v(i.rd(), result);
}

// ---- SHA-1 and SHA-256 -------------------------------------------------------------------------------------------------

/// Bit by bit `y` where `x` is one, else `z`.
fn choose(l: &mut Lifter, x: Value, y: Value, z: Value) -> Value {
    let differ = l.xor(y, z);
    let taken = l.and(differ, x);
    l.xor(taken, z)
}

/// Bit by bit what two of the three have.
fn majority(l: &mut Lifter, x: Value, y: Value, z: Value) -> Value {
    let both = l.and(x, y);
    let any = l.or(x, y);
    let third = l.and(any, z);
    l.or(both, third)
}

/// Bit by bit whether an odd number of the three is one.
fn parity(l: &mut Lifter, x: Value, y: Value, z: Value) -> Value {
    let xy = l.xor(x, y);
    l.xor(xy, z)
}

/// `sha1c qd, sn, vm.4s`, `sha1p`, `sha1m`: four rounds. (Cryptographic three-register SHA)
fn sha1_rounds(l: &mut Lifter, i: Insn, f: impl Fn(&mut Lifter, Value, Value, Value) -> Value) {
    let (d, n, m) = (l.v(i.rd()), l.v(i.rn()), l.v(i.rm()));
    let (mut x, words) = (l.words(d), l.words(m));
    let mut y = l.vextract(n, Lane::B32, 0);
    for word in words {
        let mixed = f(l, x[1], x[2], x[3]);
        let turned = l.rotated_left(x[0], 5);
        let sum = l.sum3(y, turned, mixed);
        let first = l.add(sum, word);
        let third = l.rotated_left(x[1], 30);
        y = x[3];
        x = [first, x[0], third, x[2]];
    }
    let result = l.assembled(&x, Lane::B32);
    l.set_v(i.rd(), result);
}

/// `sha1su0 vd.4s, vn.4s, vm.4s`: schedule update. (Cryptographic three-register SHA)
fn sha1su0(l: &mut Lifter, i: Insn) {
    let (d, n, m) = (l.v(i.rd()), l.v(i.rn()), l.v(i.rm()));
    let middle = l.window(d, n, 8);
    let result = l.vxor(middle, d);
    let result = l.vxor(result, m);
    l.set_v(i.rd(), result);
}

/// `sha1su1 vd.4s, vn.4s`: schedule update. (Cryptographic two-register SHA)
fn sha1su1(l: &mut Lifter, i: Insn) {
    let (d, n) = (l.v(i.rd()), l.v(i.rn()));
    let zero = l.vconst(0);
    let moved = l.window(n, zero, 4);
    let t = l.vxor(d, moved);
    let turned = l.vector_rotated_right(t, Lane::B32, 31);
    let first = l.vextract(t, Lane::B32, 0);
    let first = l.rotated_left(first, 2);
    let last = l.vextract(turned, Lane::B32, 3);
    let last = l.xor(last, first);
    let result = l.vinsert(turned, last, Lane::B32, 3);
    l.set_v(i.rd(), result);
}

/// `sha256h qd, qn, vm.4s`, `sha256h2`: four rounds on a to d (`x`) and e to h (`y`), of which one half is the result.
/// (Cryptographic three-register SHA)
fn sha256_rounds(l: &mut Lifter, i: Insn, x: Value, y: Value, first_half: bool) {
    let m = l.v(i.rm());
    let (mut x, mut y, words) = (l.words(x), l.words(y), l.words(m));
    for word in words {
        let chosen = choose(l, y[0], y[1], y[2]);
        let common = majority(l, x[0], x[1], x[2]);
        let sigma1 = l.rotations(y[0], [6, 11, 25]);
        let sigma0 = l.rotations(x[0], [2, 13, 22]);
        let sum = l.sum3(y[3], sigma1, chosen);
        let t = l.add(sum, word);
        let e = l.add(t, x[3]);
        let a = l.sum3(t, sigma0, common);
        x = [a, x[0], x[1], x[2]];
        y = [e, y[0], y[1], y[2]];
    }
    let result = l.assembled(if first_half { &x } else { &y }, Lane::B32);
    l.set_v(i.rd(), result);
}

/// `sha256su0 vd.4s, vn.4s`: schedule update. (Cryptographic two-register SHA)
fn sha256su0(l: &mut Lifter, i: Insn) {
    let (d, n) = (l.v(i.rd()), l.v(i.rn()));
    let next = l.window(d, n, 4);
    let sigma = l.schedule(next, Lane::B32, [7, 18, 3]);
    let result = l.vadd(d, sigma, Lane::B32);
    l.set_v(i.rd(), result);
}

/// `sha256su1 vd.4s, vn.4s, vm.4s`: schedule update, whose upper half needs the lower one.
/// (Cryptographic three-register SHA)
fn sha256su1(l: &mut Lifter, i: Insn) {
    let (d, n, m) = (l.v(i.rd()), l.v(i.rn()), l.v(i.rm()));
    let middle = l.window(n, m, 4);
    let sum = l.vadd(d, middle, Lane::B32);
    let last = l.upper_half(m);
    let sigma = l.schedule(last, Lane::B32, [17, 19, 10]);
    let low = l.vadd(sum, sigma, Lane::B32);
    let sigma = l.schedule(low, Lane::B32, [17, 19, 10]);
    let high = l.vextract(sigma, Lane::B64, 0);
    let zero = l.vconst(0);
    let high = l.vinsert(zero, high, Lane::B64, 1);
    let result = l.vadd(low, high, Lane::B32);
    l.set_v(i.rd(), result);
}

// ---- SHA-512 -----------------------------------------------------------------------------------------------------------

/// `sha512h qd, qn, vm.2d`: two rounds, first part. (Cryptographic three-register SHA 512)
fn sha512h(l: &mut Lifter, i: Insn) {
    let (d, n, m) = (l.v(i.rd()), l.v(i.rn()), l.v(i.rm()));
    let ([w0, w1], [x0, x1], [y0, y1]) = (l.halves(d), l.halves(n), l.halves(m));
    let sigma = l.rotations(y1, [14, 18, 41]);
    let chosen = choose(l, y1, x0, x1);
    let high = l.sum3(chosen, sigma, w1);
    let t = l.add(high, y0);
    let sigma = l.rotations(t, [14, 18, 41]);
    let chosen = choose(l, t, y1, x0);
    let low = l.sum3(chosen, sigma, w0);
    let result = l.assembled(&[low, high], Lane::B64);
    l.set_v(i.rd(), result);
}

/// `sha512h2 qd, qn, vm.2d`: two rounds, second part. (Cryptographic three-register SHA 512)
fn sha512h2(l: &mut Lifter, i: Insn) {
    let (d, n, m) = (l.v(i.rd()), l.v(i.rn()), l.v(i.rm()));
    let ([w0, w1], [x0, _], [y0, y1]) = (l.halves(d), l.halves(n), l.halves(m));
    let sigma = l.rotations(y0, [28, 34, 39]);
    let common = majority(l, x0, y1, y0);
    let high = l.sum3(common, sigma, w1);
    let sigma = l.rotations(high, [28, 34, 39]);
    let common = majority(l, high, y0, y1);
    let low = l.sum3(common, sigma, w0);
    let result = l.assembled(&[low, high], Lane::B64);
    l.set_v(i.rd(), result);
}

/// `sha512su0 vd.2d, vn.2d`: schedule update. (Cryptographic two-register SHA 512)
fn sha512su0(l: &mut Lifter, i: Insn) {
    let (d, n) = (l.v(i.rd()), l.v(i.rn()));
    let next = l.window(d, n, 8);
    let sigma = l.schedule(next, Lane::B64, [1, 8, 7]);
    let result = l.vadd(d, sigma, Lane::B64);
    l.set_v(i.rd(), result);
}

/// `sha512su1 vd.2d, vn.2d, vm.2d`: schedule update. (Cryptographic three-register SHA 512)
fn sha512su1(l: &mut Lifter, i: Insn) {
    let (d, n, m) = (l.v(i.rd()), l.v(i.rn()), l.v(i.rm()));
    let sigma = l.schedule(n, Lane::B64, [19, 61, 6]);
    let sum = l.vadd(d, sigma, Lane::B64);
    let result = l.vadd(sum, m, Lane::B64);
    l.set_v(i.rd(), result);
}

/// `pmull vd.1q, vn.1d, vm.1d`, `pmull2`: the carry-less product of halves. (Advanced SIMD three different)
pub(super) fn pmull_doublewords(l: &mut Lifter, i: Insn) {
    let half = i.bits(30, 1) as u8;
    let (n, m) = (l.v(i.rn()), l.v(i.rm()));
    let (a, b) = (l.vextract(n, Lane::B64, half), l.vextract(m, Lane::B64, half));
    let product = l.clmul(a, b);
    let result = l.bitcast(product, Type::V128);
    l.set_v(i.rd(), result);
}
