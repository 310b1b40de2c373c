//! bfloat16 (FEAT_BF16): conversions, dot products, products of small matrices, and products added to singles.

use super::Lifter;
use crate::ir::{FloatLane, Lane, Round, Type, Value};
use decoders::aarch64::Insn;

/// `bfcvt hd, sn`. (Floating-point data-processing (1 source))
pub(super) fn convert(l: &mut Lifter, i: Insn) {
    let single = l.float(i.rn(), Type::F32);
    let result = l.fconvert(single, Type::Bf16, Round::Current);
    l.set_scalar(i.rd(), result);
}

/// `bfcvtn vd.4h, vn.4s`, `bfcvtn2`. (Advanced SIMD two-register miscellaneous)
pub(super) fn convert_vector(l: &mut Lifter, i: Insn) {
    let v = l.v(i.rn());
    let mut narrow = l.vconst(0);
    for index in 0..4 {
        let single = l.vextract_float(v, Type::F32, index);
        let x = l.fconvert(single, Type::Bf16, Round::Current);
        narrow = l.vinsert_float(narrow, x, index);
    }
    l.set_narrow(i, narrow);
}

/// `bfdot vd.4s, vn.8h, vm.8h`: adds to each lane the products of its two numbers; `b` holds the second factors, where Vm has
/// them or in every lane. (Advanced SIMD three-register extension, Advanced SIMD vector x indexed element)
pub(super) fn dot_product(l: &mut Lifter, i: Insn, b: Value) {
    let (a, d) = (l.v(i.rn()), l.v(i.rd()));
    let result = l.vbf16_dot(a, b, d);
    l.set_vector(i.rd(), result, i.q());
}

/// `bfmmla vd.4s, vn.8h, vm.8h`: adds the product of a 2x4 and a 4x2 matrix. (Advanced SIMD three-register extension)
pub(super) fn matrix_product(l: &mut Lifter, i: Insn) {
    let (a, b, mut sum) = (l.v(i.rn()), l.v(i.rm()), l.v(i.rd()));
    // Lane 2r + c of the result is row r of Vn times row c of Vm, two numbers at a time.
    for part in [0, 4] {
        let rows = l.permuted(a, |at| at / 8 * 8 + part + at % 4);
        let columns = l.permuted(b, |at| at / 4 % 2 * 8 + part + at % 4);
        sum = l.vbf16_dot(rows, columns, sum);
    }
    l.set_v(i.rd(), sum);
}

/// `bfmlalb vd.4s, vn.8h, vm.8h`, `bfmlalt`: adds to each lane the product of its lower or upper numbers, rounded once; `b` as
/// for `bfdot`. (Advanced SIMD three-register extension, Advanced SIMD vector x indexed element)
pub(super) fn multiply_add(l: &mut Lifter, i: Insn, b: Value) {
    let a = l.v(i.rn());
    // A bfloat16 is the upper half of the single of the same value.
    let [a, b] = [a, b].map(|v| match i.q() {
        true => {
            let upper = l.splat(Lane::B32, 0xffff_0000);
            l.vand(v, upper)
        }
        false => l.vshl(v, Lane::B32, 16),
    });
    let d = l.v(i.rd());
    let result = l.vfma(a, b, d, FloatLane::F32, Round::Current);
    l.set_v(i.rd(), result);
}
