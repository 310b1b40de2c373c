//! SSE2 packed integer instructions.

use super::shuffle::lanes;
use super::{Lifter, Rows};
use crate::ir::{Builder, Cond, Lane, LaneOp, NarrowMode, Sign, Type, Value};
use decoders::x86_64::{Mnemonic as M, OpKind};

const S: Sign = Sign::Signed;
const U: Sign = Sign::Unsigned;

pub(super) const ROWS: Rows = &[
    (M::Paddb, |x| binary(x, |b, p, q| b.vadd(p, q, Lane::B8))),
    (M::Paddw, |x| binary(x, |b, p, q| b.vadd(p, q, Lane::B16))),
    (M::Paddd, |x| binary(x, |b, p, q| b.vadd(p, q, Lane::B32))),
    (M::Paddq, |x| binary(x, |b, p, q| b.vadd(p, q, Lane::B64))),
    (M::Psubb, |x| binary(x, |b, p, q| b.vsub(p, q, Lane::B8))),
    (M::Psubw, |x| binary(x, |b, p, q| b.vsub(p, q, Lane::B16))),
    (M::Psubd, |x| binary(x, |b, p, q| b.vsub(p, q, Lane::B32))),
    (M::Psubq, |x| binary(x, |b, p, q| b.vsub(p, q, Lane::B64))),
    (M::Paddsb, |x| binary(x, |b, p, q| b.vadd_sat(p, q, Lane::B8, S))),
    (M::Paddsw, |x| binary(x, |b, p, q| b.vadd_sat(p, q, Lane::B16, S))),
    (M::Paddusb, |x| binary(x, |b, p, q| b.vadd_sat(p, q, Lane::B8, U))),
    (M::Paddusw, |x| binary(x, |b, p, q| b.vadd_sat(p, q, Lane::B16, U))),
    (M::Psubsb, |x| binary(x, |b, p, q| b.vsub_sat(p, q, Lane::B8, S))),
    (M::Psubsw, |x| binary(x, |b, p, q| b.vsub_sat(p, q, Lane::B16, S))),
    (M::Psubusb, |x| binary(x, |b, p, q| b.vsub_sat(p, q, Lane::B8, U))),
    (M::Psubusw, |x| binary(x, |b, p, q| b.vsub_sat(p, q, Lane::B16, U))),
    (M::Pmullw, |x| binary(x, |b, p, q| b.vmul(p, q, Lane::B16))),
    (M::Pmulhw, |x| binary(x, |b, p, q| b.vmul_high(p, q, Lane::B16, S))),
    (M::Pmulhuw, |x| binary(x, |b, p, q| b.vmul_high(p, q, Lane::B16, U))),
    (M::Pmuludq, |x| binary(x, pmuludq)),
    (M::Pmaddwd, |x| binary(x, pmaddwd)),
    (M::Pavgb, |x| binary(x, |b, p, q| b.vhalving_add(p, q, Lane::B8, U, true))),
    (M::Pavgw, |x| binary(x, |b, p, q| b.vhalving_add(p, q, Lane::B16, U, true))),
    (M::Pminub, |x| binary(x, |b, p, q| b.vmin(p, q, Lane::B8, U))),
    (M::Pminsw, |x| binary(x, |b, p, q| b.vmin(p, q, Lane::B16, S))),
    (M::Pmaxub, |x| binary(x, |b, p, q| b.vmax(p, q, Lane::B8, U))),
    (M::Pmaxsw, |x| binary(x, |b, p, q| b.vmax(p, q, Lane::B16, S))),
    (M::Psadbw, |x| binary(x, Builder::vsad)),
    (M::Pcmpeqb, |x| binary(x, |b, p, q| b.vicmp(p, q, Lane::B8, Cond::Eq))),
    (M::Pcmpeqw, |x| binary(x, |b, p, q| b.vicmp(p, q, Lane::B16, Cond::Eq))),
    (M::Pcmpeqd, |x| binary(x, |b, p, q| b.vicmp(p, q, Lane::B32, Cond::Eq))),
    (M::Pcmpgtb, |x| binary(x, |b, p, q| b.vicmp(p, q, Lane::B8, Cond::Sgt))),
    (M::Pcmpgtw, |x| binary(x, |b, p, q| b.vicmp(p, q, Lane::B16, Cond::Sgt))),
    (M::Pcmpgtd, |x| binary(x, |b, p, q| b.vicmp(p, q, Lane::B32, Cond::Sgt))),
    (M::Packsswb, |x| pack(x, Lane::B16, NarrowMode::Signed)),
    (M::Packssdw, |x| pack(x, Lane::B32, NarrowMode::Signed)),
    (M::Packuswb, |x| pack(x, Lane::B16, NarrowMode::SignedToUnsigned)),
    (M::Psllw, |x| shift(x, Lane::B16, Direction::Left)),
    (M::Pslld, |x| shift(x, Lane::B32, Direction::Left)),
    (M::Psllq, |x| shift(x, Lane::B64, Direction::Left)),
    (M::Psrlw, |x| shift(x, Lane::B16, Direction::Right)),
    (M::Psrld, |x| shift(x, Lane::B32, Direction::Right)),
    (M::Psrlq, |x| shift(x, Lane::B64, Direction::Right)),
    (M::Psraw, |x| shift(x, Lane::B16, Direction::Arithmetic)),
    (M::Psrad, |x| shift(x, Lane::B32, Direction::Arithmetic)),
    (M::Pinsrw, pinsrw),
    (M::Pextrw, super::sse4_1::pextrw),
];

/// `paddb`, `pmullw`, `pcmpeqd` and so on: an operation on the lanes of the destination and the source. (Add Packed Integers
/// and others)
pub(super) fn binary(x: &mut Lifter<'_>, op: fn(&mut Builder, Value, Value) -> Value) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let result = op(x.b, a, b);
    x.write_vector(0, result);
}

/// `packsswb`, `packssdw`, `packuswb`: lanes of the destination, then of the source, at half the width, saturated. (Pack With Signed
/// Saturation; Pack With Unsigned Saturation)
fn pack(x: &mut Lifter<'_>, lane: Lane, mode: NarrowMode) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let result = if x.is_mmx() {
        let both = x.b.vshuffle(a, b, lanes::<2>([0, 2]));
        x.b.vnarrow(both, both, lane, mode)
    } else {
        x.b.vnarrow(a, b, lane, mode)
    };
    x.write_vector(0, result);
}

/// `pmuludq`: full unsigned products of the even doublewords. (Multiply Packed Unsigned Doubleword Integers)
fn pmuludq(b: &mut Builder, p: Value, q: Value) -> Value {
    const EVEN: u128 = lanes::<4>([0, 2, 0, 2]);
    let (p, q) = (b.vshuffle(p, p, EVEN), b.vshuffle(q, q, EVEN));
    b.vmul_widen_low(p, q, Lane::B32, U)
}

/// `pmaddwd`: sums of neighbouring full products of words. (Multiply and Add Packed Integers)
fn pmaddwd(b: &mut Builder, p: Value, q: Value) -> Value {
    let low = b.vmul_widen_low(p, q, Lane::B16, S);
    let high = b.vmul_widen_high(p, q, Lane::B16, S);
    b.vpairwise(low, high, Lane::B32, LaneOp::Add)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Left,
    Right,
    Arithmetic,
}

/// `psllw`, `psrad` and so on, by an immediate or by the low 64 bits of a vector; amounts beyond the lane shift everything
/// out. (Shift Packed Data Left Logical; ... Right Logical; ... Right Arithmetic)
fn shift(x: &mut Lifter<'_>, lane: Lane, direction: Direction) {
    if x.insn.op_kind(1) == OpKind::Immediate8 {
        let amount = x.insn.immediate8().min(lane.bits() as u8);
        let value = x.read_vector(0);
        let result = match direction {
            Direction::Left if u32::from(amount) == lane.bits() => x.b.vconst(0),
            Direction::Left => x.b.vshl(value, lane, amount),
            Direction::Right => x.b.vlshr(value, lane, amount),
            Direction::Arithmetic => x.b.vashr(value, lane, amount),
        };
        return x.write_vector(0, result);
    }
    let amount = x.read_vector(1);
    let amount = x.b.vextract(amount, Lane::B64, 0);
    let value = x.read_vector(0);
    let result = match direction {
        Direction::Left => x.b.vshl_scalar(value, amount, lane),
        Direction::Right => x.b.vlshr_scalar(value, amount, lane),
        Direction::Arithmetic => x.b.vashr_scalar(value, amount, lane),
    };
    x.write_vector(0, result);
}

/// `pinsrw xmm, r32/m16, imm8`: replace a word. (Insert Word)
fn pinsrw(x: &mut Lifter<'_>) {
    let value = if x.is_memory(1) { x.load(Type::I16) } else { x.read(1) };
    let value = x.b.resize(value, Type::I16, U);
    let mask = if x.is_mmx() { 3 } else { 7 };
    let old = x.read_vector(0);
    let new = x.b.vinsert(old, value, Lane::B16, x.insn.immediate8() & mask);
    x.write_vector(0, new);
}
