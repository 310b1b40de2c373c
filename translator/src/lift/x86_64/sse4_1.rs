//! SSE4.1 instructions.

use super::shuffle::lanes;
use super::sse2_integer::binary;
use super::{Lifter, Rows};
use crate::guest::x86_64::{self as state, xmm};
use crate::ir::{Builder, Cond, FloatLane, Lane, NarrowMode, Round, Sign, Type, Value};
use decoders::x86_64::{Mnemonic as M, OpKind};

const S: Sign = Sign::Signed;
const U: Sign = Sign::Unsigned;

pub(super) const ROWS: Rows = &[
    (M::Pmulld, |x| binary(x, |b, p, q| b.vmul(p, q, Lane::B32))),
    (M::Pmuldq, |x| binary(x, pmuldq)),
    (M::Pminsb, |x| binary(x, |b, p, q| b.vmin(p, q, Lane::B8, S))),
    (M::Pminsd, |x| binary(x, |b, p, q| b.vmin(p, q, Lane::B32, S))),
    (M::Pminuw, |x| binary(x, |b, p, q| b.vmin(p, q, Lane::B16, U))),
    (M::Pminud, |x| binary(x, |b, p, q| b.vmin(p, q, Lane::B32, U))),
    (M::Pmaxsb, |x| binary(x, |b, p, q| b.vmax(p, q, Lane::B8, S))),
    (M::Pmaxsd, |x| binary(x, |b, p, q| b.vmax(p, q, Lane::B32, S))),
    (M::Pmaxuw, |x| binary(x, |b, p, q| b.vmax(p, q, Lane::B16, U))),
    (M::Pmaxud, |x| binary(x, |b, p, q| b.vmax(p, q, Lane::B32, U))),
    (M::Pcmpeqq, |x| binary(x, |b, p, q| b.vicmp(p, q, Lane::B64, Cond::Eq))),
    (M::Packusdw, |x| binary(x, |b, p, q| b.vnarrow(p, q, Lane::B32, NarrowMode::SignedToUnsigned))),
    (M::Pmovsxbw, |x| extend(x, Lane::B8, Lane::B16, S)),
    (M::Pmovsxbd, |x| extend(x, Lane::B8, Lane::B32, S)),
    (M::Pmovsxbq, |x| extend(x, Lane::B8, Lane::B64, S)),
    (M::Pmovsxwd, |x| extend(x, Lane::B16, Lane::B32, S)),
    (M::Pmovsxwq, |x| extend(x, Lane::B16, Lane::B64, S)),
    (M::Pmovsxdq, |x| extend(x, Lane::B32, Lane::B64, S)),
    (M::Pmovzxbw, |x| extend(x, Lane::B8, Lane::B16, U)),
    (M::Pmovzxbd, |x| extend(x, Lane::B8, Lane::B32, U)),
    (M::Pmovzxbq, |x| extend(x, Lane::B8, Lane::B64, U)),
    (M::Pmovzxwd, |x| extend(x, Lane::B16, Lane::B32, U)),
    (M::Pmovzxwq, |x| extend(x, Lane::B16, Lane::B64, U)),
    (M::Pmovzxdq, |x| extend(x, Lane::B32, Lane::B64, U)),
    (M::Pblendw, |x| blend::<8>(x)),
    (M::Blendps, |x| blend::<4>(x)),
    (M::Blendpd, |x| blend::<2>(x)),
    (M::Pblendvb, |x| blend_variable(x, Lane::B8)),
    (M::Blendvps, |x| blend_variable(x, Lane::B32)),
    (M::Blendvpd, |x| blend_variable(x, Lane::B64)),
    (M::Ptest, ptest),
    (M::Pinsrb, |x| insert(x, Lane::B8)),
    (M::Pinsrd, |x| insert(x, Lane::B32)),
    (M::Pinsrq, |x| insert(x, Lane::B64)),
    (M::Pextrb, |x| extract(x, Lane::B8)),
    (M::Pextrd, |x| extract(x, Lane::B32)),
    (M::Pextrq, |x| extract(x, Lane::B64)),
    (M::Extractps, |x| extract(x, Lane::B32)),
    (M::Insertps, insertps),
    (M::Movntdqa, movntdqa),
    (M::Mpsadbw, mpsadbw),
    (M::Phminposuw, phminposuw),
];

/// The instructions that raise float exceptions.
pub(super) const FLOAT_ROWS: Rows = &[
    (M::Roundps, |x| round_packed(x, FloatLane::F32)),
    (M::Roundpd, |x| round_packed(x, FloatLane::F64)),
    (M::Roundss, |x| round_scalar(x, Type::F32)),
    (M::Roundsd, |x| round_scalar(x, Type::F64)),
    (M::Dpps, dpps),
    (M::Dppd, dppd),
];

/// `pmuldq`: full signed products of the even doublewords. (Multiply Packed Doubleword Integers)
fn pmuldq(b: &mut Builder, p: Value, q: Value) -> Value {
    const EVEN: u128 = lanes::<4>([0, 2, 0, 2]);
    let (p, q) = (b.vshuffle(p, p, EVEN), b.vshuffle(q, q, EVEN));
    b.vmul_widen_low(p, q, Lane::B32, S)
}

/// `pmovsx*`, `pmovzx* xmm, xmm/m`: the low lanes, extended; memory is as wide as they are. (Packed Move With Sign Extend; Packed
/// Move With Zero Extend)
fn extend(x: &mut Lifter<'_>, from: Lane, to: Lane, sign: Sign) {
    let mut value = if x.is_memory(1) {
        let ty = Type::int_of_bytes(16 * from.bits() / to.bits());
        let low = x.load(ty);
        x.b.vfrom_scalar(low)
    } else {
        x.read_vector(1)
    };
    let mut lane = from;
    while lane != to {
        value = x.b.vwiden_low(value, lane, sign);
        lane = lane.double().expect("a narrower lane than the result's");
    }
    x.write_vector(0, value);
}

/// `pblendw`, `blendps`, `blendpd xmm, xmm/m128, imm8`: lanes of the source where the immediate has a bit. (Blend Packed Words and
/// others)
fn blend<const N: usize>(x: &mut Lifter<'_>) {
    let select = x.insn.immediate8();
    let mut indices = [0; N];
    for (lane, index) in indices.iter_mut().enumerate() {
        *index = lane as u8 + if select >> lane & 1 != 0 { N as u8 } else { 0 };
    }
    binary_with(x, lanes(indices));
}

fn binary_with(x: &mut Lifter<'_>, pattern: u128) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let result = x.b.vshuffle(a, b, pattern);
    x.write_vector(0, result);
}

/// `pblendvb`, `blendvps`, `blendvpd xmm, xmm/m128, xmm0`: lanes of the source where `xmm0`'s have their sign set. (Variable Blend
/// Packed Bytes and others)
fn blend_variable(x: &mut Lifter<'_>, lane: Lane) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let (signs, zero) = (x.b.get(xmm(0)), x.b.vconst(0));
    let mask = x.b.vicmp(signs, zero, lane, Cond::Slt);
    let result = x.b.vselect(mask, b, a);
    x.write_vector(0, result);
}

/// `ptest a, b`: ZF: no bit is set in both; CF: no bit of `b` is clear in `a`; the other flags are cleared. (Logical Compare)
fn ptest(x: &mut Lifter<'_>) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let (both, rest) = (x.b.vand(b, a), x.b.vandnot(b, a));
    let (both, rest) = (x.b.vany(both), x.b.vany(rest));
    let carry = x.b.not(rest);
    let zero = x.b.not(both);
    x.b.set(carry, state::CF);
    x.set_flag(state::ZF, zero);
    for slot in [state::OF, state::SF, state::PF, state::AF] {
        x.clear(slot);
    }
    x.forget_flags();
}

/// `pinsrb`, `pinsrd`, `pinsrq xmm, r/m, imm8`: replace a lane. (Insert Byte/Dword/Qword)
fn insert(x: &mut Lifter<'_>, lane: Lane) {
    let value = if x.is_memory(1) { x.load(lane.ty()) } else { x.read(1) };
    let value = x.b.resize(value, lane.ty(), U);
    let slot = x.xmm_slot(0);
    let old = x.b.get(slot);
    let index = x.insn.immediate8() & (lane.count() - 1) as u8;
    let new = x.b.vinsert(old, value, lane, index);
    x.b.set(new, slot);
}

/// `pextrb`, `pextrd`, `pextrq`, `extractps r/m, xmm, imm8`: a lane, zero-extended in a register. (Extract Byte/Dword/Qword; Extract
/// Packed Floating-Point Values)
fn extract(x: &mut Lifter<'_>, lane: Lane) {
    let value = x.read_vector(1);
    let index = x.insn.immediate8() & (lane.count() - 1) as u8;
    let value = x.b.vextract(value, lane, index);
    x.write_extracted(value);
}

impl Lifter<'_> {
    /// Writes a lane to operand 0: memory of its size, or a general register, zero-extended.
    pub(super) fn write_extracted(&mut self, value: Value) {
        if self.is_memory(0) {
            return self.store(value);
        }
        let ty = self.ty(0);
        let wide = self.b.resize(value, ty, U);
        self.write(0, wide);
    }
}

/// `insertps xmm, xmm/m32, imm8`: replace one lane by one of the source, and clear others. (Insert Scalar Single Precision
/// Floating-Point Value)
fn insertps(x: &mut Lifter<'_>) {
    let select = x.insn.immediate8();
    let value = if x.is_memory(1) {
        x.load(Type::I32)
    } else {
        let whole = x.read_vector(1);
        x.b.vextract(whole, Lane::B32, select >> 6)
    };
    let old = x.read_vector(0);
    let inserted = x.b.vinsert(old, value, Lane::B32, select >> 4 & 3);
    let zero = x.b.vconst(0);
    let kept = [0, 1, 2, 3].map(|lane| if select >> lane & 1 != 0 { 4 } else { lane });
    let result = x.b.vshuffle(inserted, zero, lanes::<4>(kept));
    x.write_vector(0, result);
}

/// `movntdqa xmm, m128`: load past the cache, from aligned memory. (Load Double Quadword Non-Temporal Aligned Hint)
fn movntdqa(x: &mut Lifter<'_>) {
    let value = x.read_vector(1);
    x.write_vector(0, value);
}

/// `mpsadbw xmm, xmm/m128, imm8`: sums of the absolute differences of four bytes of the source and of the destination's bytes from
/// eight places on. (Compute Multiple Packed Sums of Absolute Difference)
fn mpsadbw(x: &mut Lifter<'_>) {
    let select = x.insn.immediate8();
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let (block, first) = (4 * (select & 3), if select & 4 != 0 { 4 } else { 0 });
    let mut sums = x.b.vconst(0);
    for k in 0..4u8 {
        // The destination's bytes from place k on, and one byte of the block everywhere, as words.
        let mut from = [0; 16];
        for (byte, index) in from.iter_mut().enumerate() {
            *index = (first + k + byte as u8).min(15);
        }
        let window = x.b.vshuffle(a, a, lanes::<16>(from));
        let one = x.b.vshuffle(b, b, lanes::<16>([block + k; 16]));
        let differences = x.b.vabsdiff(window, one, Lane::B8, U);
        let words = x.b.vwiden_low(differences, Lane::B8, U);
        sums = x.b.vadd(sums, words, Lane::B16);
    }
    x.write_vector(0, sums);
}

/// `phminposuw xmm, xmm/m128`: the smallest word, and its index above it. (Packed Horizontal Word Minimum)
fn phminposuw(x: &mut Lifter<'_>) {
    let value = x.read_vector(1);
    // Word and index as one number each: the smallest is the first of the smallest words.
    let numbers = x.b.vconst(0x0007_0006_0005_0004_0003_0002_0001_0000);
    let low = x.b.vshuffle(numbers, value, lanes::<8>([0, 8, 1, 9, 2, 10, 3, 11]));
    let high = x.b.vshuffle(numbers, value, lanes::<8>([4, 12, 5, 13, 6, 14, 7, 15]));
    let four = x.b.vmin(low, high, Lane::B32, U);
    let least = x.b.vreduce(four, Lane::B32, crate::ir::LaneOp::Umin);
    let sixteen = x.b.i32(16);
    let least = x.b.rotl(least, sixteen);
    let result = x.b.vfrom_scalar(least);
    x.write_vector(0, result);
}

/// Rounding, and whether inexact is raised, of the immediate of `roundps`.
fn rounding(immediate: u8) -> (Round, bool) {
    let round = match immediate & 7 {
        0 => Round::NearestEven,
        1 => Round::Down,
        2 => Round::Up,
        3 => Round::TowardZero,
        _ => Round::Current,
    };
    (round, immediate & 8 == 0)
}

/// `roundps`, `roundpd xmm, xmm/m128, imm8`: to integral values. (Round Packed Single Precision Floating-Point Values and others)
fn round_packed(x: &mut Lifter<'_>, lane: FloatLane) {
    let (round, exact) = rounding(x.insn.immediate8());
    let value = x.read_vector(1);
    let result = x.b.vfround(value, lane, round, exact);
    x.write_vector(0, result);
}

/// `roundss`, `roundsd xmm, xmm/m, imm8`: the low lane to an integral value. (Round Scalar Single Precision Floating-Point Values
/// and others)
fn round_scalar(x: &mut Lifter<'_>, ty: Type) {
    let (round, exact) = rounding(x.insn.immediate8());
    let value = x.read_float(1, ty);
    let result = x.b.fround(value, round, exact);
    x.write_float(0, result);
}

/// `dpps xmm, xmm/m128, imm8`: the sum of chosen products, to chosen lanes. Rounded after each step, in pairs. (Dot Product of
/// Packed Single Precision Floating-Point Values)
fn dpps(x: &mut Lifter<'_>) {
    let products = chosen_products(x, FloatLane::F32);
    x.end_step();
    let [p, q, r, s] = [0, 1, 2, 3].map(|lane| x.b.vextract_float(products, Type::F32, lane));
    let (low, high) = (x.b.fadd(p, q, Round::Current), x.b.fadd(r, s, Round::Current));
    x.end_step();
    let sum = x.b.fadd(low, high, Round::Current);
    spread(x, sum, 4);
}

/// `dppd xmm, xmm/m128, imm8`: likewise. (Dot Product of Packed Double Precision Floating-Point Values)
fn dppd(x: &mut Lifter<'_>) {
    let products = chosen_products(x, FloatLane::F64);
    x.end_step();
    let (p, q) = (x.b.vextract_float(products, Type::F64, 0), x.b.vextract_float(products, Type::F64, 1));
    let sum = x.b.fadd(p, q, Round::Current);
    spread(x, sum, 2);
}

/// The products of lanes for which bits 4 and up of the immediate are set, plus zero for the others. Only what is chosen is multiplied.
fn chosen_products(x: &mut Lifter<'_>, lane: FloatLane) -> Value {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let mut products = x.b.vconst(0);
    for index in 0..lane.bits().count() as u8 {
        if x.insn.immediate8() >> (4 + index) & 1 != 0 {
            let ty = lane.ty();
            let (p, q) = (x.b.vextract_float(a, ty, index), x.b.vextract_float(b, ty, index));
            let product = x.b.fmul(p, q, Round::Current);
            products = x.b.vinsert_float(products, product, index);
        }
    }
    products
}

/// Writes a float to the lanes for which the immediate has a bit, zero to the others.
fn spread(x: &mut Lifter<'_>, sum: Value, count: u8) {
    let mut result = x.b.vconst(0);
    for index in 0..count {
        if x.insn.immediate8() >> index & 1 != 0 {
            result = x.b.vinsert_float(result, sum, index);
        }
    }
    x.write_vector(0, result);
}

/// `pextrw r/m16, xmm, imm8` of SSE4.1, which may go to memory, and SSE2's. (Extract Word)
pub(super) fn pextrw(x: &mut Lifter<'_>) {
    let mask = if x.is_mmx() { 3 } else { 7 };
    let value = x.read_vector(1);
    let word = x.b.vextract(value, Lane::B16, x.insn.immediate8() & mask);
    debug_assert!(x.is_memory(0) || x.insn.op_kind(0) == OpKind::Register);
    x.write_extracted(word);
}
