//! Positive numbers of 128 significant bits, for what lies between the steps of the transcendental functions. Results are cut off, so
//! each operation loses less than one unit of the last place.

use super::Exact;

/// `significand * 2^(exponent - 127)`, the significand's top bit set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Wide {
    pub exponent: i32,
    pub significand: u128,
}

/// High half of the 256-bit product.
pub(super) fn multiply_high(a: u128, b: u128) -> u128 {
    const LOW: u128 = u64::MAX as u128;
    let (a1, a0, b1, b0) = (a >> 64, a & LOW, b >> 64, b & LOW);
    let (middle, other) = (a1 * b0, a0 * b1);
    let carry = (((a0 * b0) >> 64) + (middle & LOW) + (other & LOW)) >> 64;
    a1 * b1 + (middle >> 64) + (other >> 64) + carry
}

impl Wide {
    /// `value * 2^(exponent - 127)`, which is not zero.
    pub fn normalize(exponent: i32, value: u128) -> Wide {
        let zeros = value.leading_zeros();
        Wide { exponent: exponent - zeros as i32, significand: value << zeros }
    }

    /// A number in the extended format: its significand and the exponent of its top bit.
    pub fn extended(exponent: i32, significand: u64) -> Wide {
        Wide { exponent, significand: u128::from(significand) << 64 }
    }

    /// `value / 2^fraction`, which is not zero.
    pub fn fixed(value: u128, fraction: u32) -> Wide {
        Wide::normalize(127 - fraction as i32, value)
    }

    /// A number below one in units of 2^-128.
    pub fn to_fraction(self) -> u128 {
        debug_assert!(self.exponent < 0);
        self.significand.checked_shr((-1 - self.exponent) as u32).unwrap_or(0)
    }

    pub fn mul(self, other: Wide) -> Wide {
        let high = multiply_high(self.significand, other.significand);
        Wide::normalize(self.exponent + other.exponent + 1, high)
    }

    pub fn div(self, other: Wide) -> Wide {
        let (mut quotient, mut rest) = (0u128, self.significand);
        let mut exponent = self.exponent - other.exponent;
        if rest < other.significand {
            exponent -= 1;
        } else {
            quotient = 1;
            rest -= other.significand;
        }
        while quotient >> 127 == 0 {
            let carry = rest >> 127 != 0;
            rest <<= 1;
            quotient <<= 1;
            if carry || rest >= other.significand {
                rest = rest.wrapping_sub(other.significand);
                quotient |= 1;
            }
        }
        Wide { exponent, significand: quotient }
    }

    pub fn add(self, other: Wide) -> Wide {
        let (big, small) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let low = small.significand.checked_shr((big.exponent - small.exponent) as u32).unwrap_or(0);
        match big.significand.checked_add(low) {
            Some(significand) => Wide { exponent: big.exponent, significand },
            None => {
                let significand = big.significand.wrapping_add(low) >> 1 | 1 << 127;
                Wide { exponent: big.exponent + 1, significand }
            }
        }
    }

    /// `self - other`, of which the first is the larger.
    pub fn sub(self, other: Wide) -> Wide {
        let low = other.significand.checked_shr((self.exponent - other.exponent) as u32).unwrap_or(0);
        Wide::normalize(self.exponent, self.significand - low)
    }

    /// Whether it is smaller than another number.
    pub fn is_below(self, other: Wide) -> bool {
        (self.exponent, self.significand) < (other.exponent, other.significand)
    }

    /// To be rounded; the value that was meant lies above by less than a unit.
    pub fn inexact(self, sign: bool) -> Exact {
        Exact { sign, exponent: self.exponent, significand: self.significand, sticky: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_and_products_undo_each_other() {
        let three = Wide::fixed(3, 0);
        let third = Wide::fixed(1, 0).div(three);
        assert_eq!((third.exponent, third.significand), (-2, u128::MAX / 3 * 2));
        let one = third.mul(three);
        assert_eq!((one.exponent, one.significand >> 2), (-1, u128::MAX >> 2));
        assert_eq!(multiply_high(u128::MAX, u128::MAX), u128::MAX - 1);
        assert_eq!(Wide::fixed(5, 0).sub(three), Wide::fixed(2, 0));
        assert_eq!(Wide::fixed(5, 0).add(three), Wide::fixed(8, 0));
    }
}
