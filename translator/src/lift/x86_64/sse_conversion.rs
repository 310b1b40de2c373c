//! SSE and SSE2 conversion instructions.

use super::{Lifter, Rows};
use crate::ir::{FloatLane, InvalidInt, Lane, Round, Sign, Type, Value};
use decoders::x86_64::Mnemonic as M;

const NOW: Round = Round::Current;
const CUT: Round = Round::TowardZero;

pub(super) const ROWS: Rows = &[
    (M::Cvtsi2ss, |x| from_integer(x, Type::F32)),
    (M::Cvtsi2sd, |x| from_integer(x, Type::F64)),
    (M::Cvtss2si, |x| to_integer(x, Type::F32, NOW)),
    (M::Cvtsd2si, |x| to_integer(x, Type::F64, NOW)),
    (M::Cvttss2si, |x| to_integer(x, Type::F32, CUT)),
    (M::Cvttsd2si, |x| to_integer(x, Type::F64, CUT)),
    (M::Cvtss2sd, |x| between(x, Type::F32, Type::F64)),
    (M::Cvtsd2ss, |x| between(x, Type::F64, Type::F32)),
    (M::Cvtps2pd, cvtps2pd),
    (M::Cvtpd2ps, cvtpd2ps),
    (M::Cvtdq2ps, cvtdq2ps),
    (M::Cvtdq2pd, cvtdq2pd),
    (M::Cvtps2dq, |x| singles_to_integers(x, NOW)),
    (M::Cvttps2dq, |x| singles_to_integers(x, CUT)),
    (M::Cvtpd2dq, |x| doubles_to_integers(x, NOW)),
    (M::Cvttpd2dq, |x| doubles_to_integers(x, CUT)),
];

/// `cvtsi2ss`, `cvtsi2sd xmm, r/m`: signed integer to the low lane. (Convert Doubleword Integer to Scalar Single
/// Precision Floating-Point Value and others)
fn from_integer(x: &mut Lifter<'_>, ty: Type) {
    let value = x.read(1);
    let result = x.b.int_to_float(value, ty, Sign::Signed, NOW, 0);
    x.write_float(0, result);
}

/// `cvtss2si`, `cvtsd2si`, `cvttss2si`, `cvttsd2si r, xmm/m`: the low lane to a signed integer. (Convert Scalar Single
/// Precision Floating-Point Value to Doubleword Integer and others)
fn to_integer(x: &mut Lifter<'_>, from: Type, round: Round) {
    let value = x.read_float(1, from);
    let ty = x.ty(0);
    let result = x.b.float_to_int(value, ty, Sign::Signed, round, InvalidInt::Indefinite, 0);
    x.write(0, result);
}

/// `cvtss2sd`, `cvtsd2ss xmm, xmm/m`: the low lane in the other format. (Convert Scalar Single Precision Floating-Point
/// Value to Scalar Double Precision Floating-Point Value and others)
fn between(x: &mut Lifter<'_>, from: Type, to: Type) {
    let value = x.read_float(1, from);
    let result = x.b.fconvert(value, to, NOW);
    x.write_float(0, result);
}

/// `cvtps2pd xmm, xmm/m64`: two singles to doubles. (Convert Packed Single Precision Floating-Point Values to Packed
/// Double Precision Floating-Point Values)
fn cvtps2pd(x: &mut Lifter<'_>) {
    let value = x.read_low_vector(1, Lane::B64);
    let result = x.b.vfwiden(value, FloatLane::F32);
    x.write_vector(0, result);
}

/// `cvtpd2ps xmm, xmm/m128`: two doubles to singles, zeros above. (Convert Packed Double Precision Floating-Point Values to
/// Packed Single Precision Floating-Point Values)
fn cvtpd2ps(x: &mut Lifter<'_>) {
    let value = x.read_vector(1);
    let result = x.b.vfnarrow(value, FloatLane::F64, NOW);
    x.write_vector(0, result);
}

/// `cvtdq2ps xmm, xmm/m128`: four integers to singles. (Convert Packed Doubleword Integers to Packed Single Precision
/// Floating-Point Values)
fn cvtdq2ps(x: &mut Lifter<'_>) {
    let value = x.read_vector(1);
    let result = x.b.vint_to_float(value, FloatLane::F32, Sign::Signed, NOW, 0);
    x.write_vector(0, result);
}

/// `cvtdq2pd xmm, xmm/m64`: two integers to doubles. (Convert Packed Doubleword Integers to Packed Double Precision
/// Floating-Point Values)
fn cvtdq2pd(x: &mut Lifter<'_>) {
    let value = x.read_low_vector(1, Lane::B64);
    let wide = x.b.vwiden_low(value, Lane::B32, Sign::Signed);
    let result = x.b.vint_to_float(wide, FloatLane::F64, Sign::Signed, NOW, 0);
    x.write_vector(0, result);
}

/// `cvtps2dq`, `cvttps2dq xmm, xmm/m128`: four singles to integers. (Convert Packed Single Precision Floating-Point Values to
/// Packed Signed Doubleword Integer Values and others)
fn singles_to_integers(x: &mut Lifter<'_>, round: Round) {
    let value = x.read_vector(1);
    let result = x.b.vfloat_to_int(value, FloatLane::F32, Sign::Signed, round, InvalidInt::Indefinite, 0);
    x.write_vector(0, result);
}

/// `cvtpd2dq`, `cvttpd2dq xmm, xmm/m128`: two doubles to integers, zeros above. (Convert Packed Double Precision
/// Floating-Point Values to Packed Doubleword Integers and others)
fn doubles_to_integers(x: &mut Lifter<'_>, round: Round) {
    let value = x.read_vector(1);
    let mut result: Value = x.b.vconst(0);
    for index in 0..2 {
        let double = x.b.vextract_float(value, Type::F64, index);
        let int = x.b.float_to_int(double, Type::I32, Sign::Signed, round, InvalidInt::Indefinite, 0);
        result = x.b.vinsert(result, int, Lane::B32, index);
    }
    x.write_vector(0, result);
}
