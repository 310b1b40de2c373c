//! Arm's dot products of bfloat16, which have an environment of their own whatever FPCR says.

use super::layout::Layout;
use super::{Env, Format, Rounding, add, flags, mul};

/// `sum + (a[0] * b[0] + a[1] * b[1])`: bfloat16 factors, a single as sum. (The manual's BFDotAdd, without FEAT_EBF16.)
///
/// Each of the four operations is rounded to odd on its own, and to infinity where it overflows; subnormal operands and
/// results are zeros, NaNs are the default NaN, and no flag is raised.
pub fn bf16_dot(sum: u32, a: [u16; 2], b: [u16; 2]) -> u32 {
    let env = Env::arm(Rounding::Odd, true, true);
    let apply = |op: fn(Format, &Env, u64, u64, &mut u32) -> u64, a: u32, b: u32| {
        let mut raised = 0;
        let result = op(Format::F32, &env, a.into(), b.into(), &mut raised);
        if raised & flags::OVERFLOW != 0 {
            return Layout::of(Format::F32).infinity(result >> 31 != 0) as u32;
        }
        result as u32
    };
    let single = |x: u16| u32::from(x) << 16;
    let [first, second] = [0, 1].map(|at| apply(mul, single(a[at]), single(b[at])));
    let products = apply(add, first, second);
    apply(add, sum, products)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: u16 = 0x3f80;
    const INFINITY: u32 = 0x7f80_0000;
    const DEFAULT_NAN: u32 = 0x7fc0_0000;

    #[test]
    fn sums_are_rounded_to_odd() {
        // 1 + 2^-30: the last bit says that something was lost. 1 - 2^-30 is between 0x3f7fffff and 1.
        assert_eq!(bf16_dot(0x3f80_0000, [0x3080, 0], [ONE, 0]), 0x3f80_0001);
        assert_eq!(bf16_dot(0x3f80_0000, [0xb080, 0], [ONE, 0]), 0x3f7f_ffff);
        assert_eq!(bf16_dot(0x4000_0000, [ONE, 0x4040], [ONE, 0x4040]), 0x4140_0000);
    }

    #[test]
    fn what_overflows_is_infinite() {
        let largest = 0x7f7f;
        assert_eq!(bf16_dot(0, [largest, 0], [largest, 0]), INFINITY);
        assert_eq!(bf16_dot(0, [largest, largest], [ONE, ONE]), INFINITY);
        assert_eq!(bf16_dot(0, [largest, largest], [largest, largest | 0x8000]), DEFAULT_NAN);
    }

    #[test]
    fn subnormals_are_zeros() {
        assert_eq!(bf16_dot(1, [0x0001, 0], [0x4f80, 0]), 0);
        assert_eq!(bf16_dot(0, [0x0080, 0], [0xbf00, 0]), 0);
        assert_eq!(bf16_dot(0x8000_0000, [0x8000, 0x8000], [ONE, ONE]), 0x8000_0000);
    }

    #[test]
    fn nans_are_the_default_nan() {
        assert_eq!(bf16_dot(0xff80_0001, [0, 0], [0, 0]), DEFAULT_NAN);
        assert_eq!(bf16_dot(0, [0x7f80, 0], [0, 0]), DEFAULT_NAN);
    }
}
