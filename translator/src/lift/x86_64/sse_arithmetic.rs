//! SSE and SSE2 floating-point arithmetic instructions, with SSE3's.

use super::shuffle::lanes;
use super::{Lifter, Rows};
use crate::ir::{Builder, EstimateOp, FloatLane, Lane, MinMaxRule, Round, Type, Value};
use decoders::x86_64::Mnemonic as M;

const NOW: Round = Round::Current;

pub(super) const ROWS: Rows = &[
    (M::Addss, |x| scalar(x, Type::F32, |b, p, q| b.fadd(p, q, NOW))),
    (M::Addsd, |x| scalar(x, Type::F64, |b, p, q| b.fadd(p, q, NOW))),
    (M::Addps, |x| packed(x, |b, p, q| b.vfadd(p, q, FloatLane::F32, NOW))),
    (M::Addpd, |x| packed(x, |b, p, q| b.vfadd(p, q, FloatLane::F64, NOW))),
    (M::Subss, |x| scalar(x, Type::F32, |b, p, q| b.fsub(p, q, NOW))),
    (M::Subsd, |x| scalar(x, Type::F64, |b, p, q| b.fsub(p, q, NOW))),
    (M::Subps, |x| packed(x, |b, p, q| b.vfsub(p, q, FloatLane::F32, NOW))),
    (M::Subpd, |x| packed(x, |b, p, q| b.vfsub(p, q, FloatLane::F64, NOW))),
    (M::Mulss, |x| scalar(x, Type::F32, |b, p, q| b.fmul(p, q, NOW))),
    (M::Mulsd, |x| scalar(x, Type::F64, |b, p, q| b.fmul(p, q, NOW))),
    (M::Mulps, |x| packed(x, |b, p, q| b.vfmul(p, q, FloatLane::F32, NOW))),
    (M::Mulpd, |x| packed(x, |b, p, q| b.vfmul(p, q, FloatLane::F64, NOW))),
    (M::Divss, |x| scalar(x, Type::F32, |b, p, q| b.fdiv(p, q, NOW))),
    (M::Divsd, |x| scalar(x, Type::F64, |b, p, q| b.fdiv(p, q, NOW))),
    (M::Divps, |x| packed(x, |b, p, q| b.vfdiv(p, q, FloatLane::F32, NOW))),
    (M::Divpd, |x| packed(x, |b, p, q| b.vfdiv(p, q, FloatLane::F64, NOW))),
    (M::Minss, |x| scalar(x, Type::F32, |b, p, q| b.fmin(p, q, MinMaxRule::Second))),
    (M::Minsd, |x| scalar(x, Type::F64, |b, p, q| b.fmin(p, q, MinMaxRule::Second))),
    (M::Minps, |x| packed(x, |b, p, q| b.vfmin(p, q, FloatLane::F32, MinMaxRule::Second))),
    (M::Minpd, |x| packed(x, |b, p, q| b.vfmin(p, q, FloatLane::F64, MinMaxRule::Second))),
    (M::Maxss, |x| scalar(x, Type::F32, |b, p, q| b.fmax(p, q, MinMaxRule::Second))),
    (M::Maxsd, |x| scalar(x, Type::F64, |b, p, q| b.fmax(p, q, MinMaxRule::Second))),
    (M::Maxps, |x| packed(x, |b, p, q| b.vfmax(p, q, FloatLane::F32, MinMaxRule::Second))),
    (M::Maxpd, |x| packed(x, |b, p, q| b.vfmax(p, q, FloatLane::F64, MinMaxRule::Second))),
    (M::Sqrtss, |x| scalar_unary(x, Type::F32, |b, p| b.fsqrt(p, NOW))),
    (M::Sqrtsd, |x| scalar_unary(x, Type::F64, |b, p| b.fsqrt(p, NOW))),
    (M::Sqrtps, |x| packed_unary(x, |b, p| b.vfsqrt(p, FloatLane::F32, NOW))),
    (M::Sqrtpd, |x| packed_unary(x, |b, p| b.vfsqrt(p, FloatLane::F64, NOW))),
    (M::Rcpss, |x| scalar_unary(x, Type::F32, |b, p| b.festimate(p, EstimateOp::X86Reciprocal))),
    (M::Rcpps, |x| packed_unary(x, |b, p| b.vfestimate(p, FloatLane::F32, EstimateOp::X86Reciprocal))),
    (M::Rsqrtss, |x| scalar_unary(x, Type::F32, |b, p| b.festimate(p, EstimateOp::X86ReciprocalSqrt))),
    (M::Rsqrtps, |x| packed_unary(x, |b, p| b.vfestimate(p, FloatLane::F32, EstimateOp::X86ReciprocalSqrt))),
    (M::Addsubps, |x| addsub(x, FloatLane::F32)),
    (M::Addsubpd, |x| addsub(x, FloatLane::F64)),
    (M::Haddps, |x| horizontal(x, FloatLane::F32, Builder::vfadd)),
    (M::Haddpd, |x| horizontal(x, FloatLane::F64, Builder::vfadd)),
    (M::Hsubps, |x| horizontal(x, FloatLane::F32, Builder::vfsub)),
    (M::Hsubpd, |x| horizontal(x, FloatLane::F64, Builder::vfsub)),
];

/// `addss`, `subsd` and so on: an operation on the low lanes; the other lanes of the destination stay. (Add Scalar Single
/// Precision Floating-Point Values and others)
fn scalar(x: &mut Lifter<'_>, ty: Type, op: fn(&mut Builder, Value, Value) -> Value) {
    let b = x.read_float(1, ty);
    let a = x.read_float(0, ty);
    let result = op(x.b, a, b);
    x.write_float(0, result);
}

/// `addps`, `subpd` and so on: an operation on all lanes. (Add Packed Single Precision Floating-Point Values and others)
fn packed(x: &mut Lifter<'_>, op: fn(&mut Builder, Value, Value) -> Value) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let result = op(x.b, a, b);
    x.write_vector(0, result);
}

/// `sqrtss`, `rcpss` and so on: an operation on the low lane of the source. (Compute Square Root of Scalar Single Precision
/// Value and others)
fn scalar_unary(x: &mut Lifter<'_>, ty: Type, op: fn(&mut Builder, Value) -> Value) {
    let value = x.read_float(1, ty);
    let result = op(x.b, value);
    x.write_float(0, result);
}

/// `sqrtps`, `rcpps` and so on. (Square Root of Single Precision Floating-Point Values and others)
fn packed_unary(x: &mut Lifter<'_>, op: fn(&mut Builder, Value) -> Value) {
    let value = x.read_vector(1);
    let result = op(x.b, value);
    x.write_vector(0, result);
}

/// `addsubps`, `addsubpd`: difference in even lanes, sum in odd ones. (Packed Single-FP Add/Subtract). Made lane by lane, so
/// that exactly the flags of the operations that count are raised.
fn addsub(x: &mut Lifter<'_>, lane: FloatLane) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let ty = lane.ty();
    let mut result = a;
    for index in 0..lane.bits().count() as u8 {
        let (p, q) = (x.b.vextract_float(a, ty, index), x.b.vextract_float(b, ty, index));
        let value = if index % 2 == 0 { x.b.fsub(p, q, NOW) } else { x.b.fadd(p, q, NOW) };
        result = x.b.vinsert_float(result, value, index);
    }
    x.write_vector(0, result);
}

/// `haddps`, `hsubpd` and so on: an operation on neighbouring lanes, first of the destination, then of the source. (Packed
/// Single-FP Horizontal Add and others)
fn horizontal(
    x: &mut Lifter<'_>,
    lane: FloatLane,
    op: fn(&mut Builder, Value, Value, FloatLane, Round) -> Value,
) {
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let (even, odd) = match lane.bits() {
        Lane::B64 => (lanes::<2>([0, 2]), lanes::<2>([1, 3])),
        _ => (lanes::<4>([0, 2, 4, 6]), lanes::<4>([1, 3, 5, 7])),
    };
    let (p, q) = (x.b.vshuffle(a, b, even), x.b.vshuffle(a, b, odd));
    let result = op(x.b, p, q, lane, NOW);
    x.write_vector(0, result);
}
