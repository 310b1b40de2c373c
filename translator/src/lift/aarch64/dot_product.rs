//! Dot products of bytes (FEAT_DotProd, FEAT_I8MM) and products of small matrices of them.

use super::Lifter;
use super::vector_same::sign;
use crate::ir::{Lane, LaneOp, Sign, Value};
use decoders::aarch64::Insn;

impl Lifter<'_> {
    /// Of each four neighbouring bytes the sum of the products, as 32-bit lanes.
    fn sums_of_products(&mut self, [a, b]: [Value; 2], [of_a, of_b]: [Sign; 2]) -> Value {
        if of_a == of_b {
            let low = self.vmul_widen_low(a, b, Lane::B8, of_a);
            let high = self.vmul_widen_high(a, b, Lane::B8, of_a);
            let low = self.vadd_pairs(low, Lane::B16, of_a);
            let high = self.vadd_pairs(high, Lane::B16, of_a);
            return self.vpairwise(low, high, Lane::B32, LaneOp::Add);
        }
        // Bytes of both kinds are signed 16-bit numbers.
        let low = [self.vwiden_low(a, Lane::B8, of_a), self.vwiden_low(b, Lane::B8, of_b)];
        let high = [self.vwiden_high(a, Lane::B8, of_a), self.vwiden_high(b, Lane::B8, of_b)];
        let [low, high] = [low, high].map(|[a, b]| {
            let first = self.vmul_widen_low(a, b, Lane::B16, Sign::Signed);
            let second = self.vmul_widen_high(a, b, Lane::B16, Sign::Signed);
            self.vpairwise(first, second, Lane::B32, LaneOp::Add)
        });
        self.vpairwise(low, high, Lane::B32, LaneOp::Add)
    }

    /// `sdot vd.4s, vn.16b, vm.16b`, `udot`: adds to each lane the products of its four bytes.
    /// (Advanced SIMD three-register extension)
    pub(super) fn dot_product(&mut self, i: Insn, a: Value, b: Value) {
        self.dot_product_of(i, [a, b], [sign(i); 2]);
    }

    /// `usdot`, `sudot`: likewise, of unsigned and signed bytes.
    pub(super) fn dot_product_of(&mut self, i: Insn, factors: [Value; 2], signs: [Sign; 2]) {
        let sums = self.sums_of_products(factors, signs);
        let d = self.v(i.rd());
        let result = self.vadd(d, sums, Lane::B32);
        self.set_vector(i.rd(), result, i.q());
    }
}

/// `smmla vd.4s, vn.16b, vm.16b`, `ummla`, `usmmla`: adds the product of a 2x8 and an 8x2 matrix.
/// (Advanced SIMD three-register extension)
pub(super) fn matrix_product(l: &mut Lifter, i: Insn, signs: [Sign; 2]) {
    let (a, b, mut sum) = (l.v(i.rn()), l.v(i.rm()), l.v(i.rd()));
    // Lane 2r + c of the result is row r of Vn times row c of Vm, four bytes at a time.
    for part in [0, 4] {
        let rows = l.permuted(a, |at| at / 8 * 8 + part + at % 4);
        let columns = l.permuted(b, |at| at / 4 % 2 * 8 + part + at % 4);
        let sums = l.sums_of_products([rows, columns], signs);
        sum = l.vadd(sum, sums, Lane::B32);
    }
    l.set_v(i.rd(), sum);
}
