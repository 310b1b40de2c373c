//! Products of halves added to singles (FEAT_FHM): exact products, rounded once with the sum.

use super::Lifter;
use crate::guest::FpEnv;
use crate::ir::{Cond, FloatLane, Lane, Round, Sign, Value};
use decoders::aarch64::Insn;

impl Lifter<'_> {
    /// The four halves in the lower half as singles, bit by bit: a signalling NaN stays one, and nothing is raised. (The
    /// fused operation behind it looks at NaNs, as the manual's FPMulAddH does.)
    fn singles_of_halves(&mut self, v: Value) -> Value {
        let v = self.vwiden_low(v, Lane::B16, Sign::Unsigned);
        let mask = |l: &mut Self, bits: u64| {
            let mask = l.splat(Lane::B32, bits);
            l.vand(v, mask)
        };
        let [sign, exponent, fraction, magnitude] =
            [0x8000, 0x7c00, 0x3ff, 0x7fff].map(|bits| mask(self, bits));
        let (zero, top) = (self.vconst(0), self.splat(Lane::B32, 0x7c00));
        let small = self.vicmp(exponent, zero, Lane::B32, Cond::Eq);
        let special = self.vicmp(exponent, top, Lane::B32, Cond::Eq);
        // Normal numbers get another bias; infinities and NaNs the largest exponent.
        let placed = self.vshl(magnitude, Lane::B32, 13);
        let bias = self.splat(Lane::B32, (127 - 15) << 23);
        let normal = self.vadd(placed, bias, Lane::B32);
        let more = self.vand(special, bias);
        let normal = self.vadd(normal, more, Lane::B32);
        let small_value = if self.env.0 & FpEnv::FLUSH_HALF != 0 {
            zero
        } else {
            // A subnormal's highest bit moves to the place of the hidden bit and carries into the exponent.
            let zeros = self.vclz(fraction, Lane::B32);
            let eight = self.splat(Lane::B32, 8);
            let amounts = self.vsub(zeros, eight, Lane::B32);
            let moved = self.vshift(fraction, amounts, Lane::B32, Sign::Unsigned, false, false);
            let highest = self.splat(Lane::B32, 127 - 15 + 21);
            let exponent = self.vsub(highest, zeros, Lane::B32);
            let exponent = self.vshl(exponent, Lane::B32, 23);
            let value = self.vadd(moved, exponent, Lane::B32);
            let is_zero = self.vicmp(fraction, zero, Lane::B32, Cond::Eq);
            self.vandnot(value, is_zero)
        };
        let sign = self.vshl(sign, Lane::B32, 16);
        let value = self.vselect(small, small_value, normal);
        self.vor(value, sign)
    }
}

/// `fmlal vd.4s, vn.4h, vm.4h`, `fmlsl`, and `fmlal2`, `fmlsl2` on the upper halves; `b` holds the second factors where Vm
/// has them. (Advanced SIMD three same, Advanced SIMD vector x indexed element)
pub(super) fn multiply_add(l: &mut Lifter, i: Insn, b: Value, subtract: bool, upper: bool) {
    let a = l.v(i.rn());
    let a = if subtract { l.vfneg(a, FloatLane::F16) } else { a };
    let [a, b] = [a, b].map(|v| {
        // Four halves, or two, which are doubled.
        let chosen = l.permuted(v, |at| match (i.q(), upper) {
            (true, upper) => at % 8 + 8 * usize::from(upper),
            (false, upper) => at % 4 + 4 * usize::from(upper),
        });
        l.singles_of_halves(chosen)
    });
    let d = l.float_source(i.rd(), i);
    let result = l.vfma(a, b, d, FloatLane::F32, Round::Current);
    l.set_vector(i.rd(), result, i.q());
}
