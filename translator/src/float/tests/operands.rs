//! Operands: a table of special values, and random ones weighted to the hard exponents and fractions.

use super::Format;

/// A small generator of random numbers (splitmix64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// A value of the format: hard exponents, and fractions with runs of equal bits.
    pub fn value(&mut self, f: Format) -> u64 {
        let (fraction_bits, exponent_bits) = shape(f);
        let ones = (1u64 << exponent_bits) - 1;
        let bias = ones >> 1;
        let exponent = match self.below(16) {
            0 => 0,
            1 => self.below(4),
            2 => ones - self.below(4),
            3..6 => bias - 3 + self.below(6),
            6 => bias / 2 - 2 + self.below(4),
            7 => bias + bias / 2 - 2 + self.below(4),
            8 => self.below(fraction_bits + 4),
            9..12 => bias - 3 + self.below(fraction_bits + 10),
            _ => self.next(),
        };
        let exponent = exponent.min(ones * 2) & ones;
        let fraction = match self.below(6) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << self.below(fraction_bits),
            3 => u64::MAX << self.below(fraction_bits),
            4 => (u64::MAX << self.below(fraction_bits)) ^ 1 << self.below(fraction_bits),
            _ => self.next(),
        };
        let fraction = if self.below(4) == 0 { fraction ^ self.below(4) } else { fraction };
        let sign = self.below(2) << (fraction_bits + exponent_bits);
        sign | exponent << fraction_bits | (fraction & ((1 << fraction_bits) - 1))
    }

    /// Three values; often the second and third are chosen so that sums cancel and products stand at the ends of the
    /// exponent range.
    pub fn values(&mut self, f: Format) -> [u64; 3] {
        let [a, mut b, mut c] = std::array::from_fn(|_| self.value(f));
        let (fraction_bits, exponent_bits) = shape(f);
        let ones = (1u64 << exponent_bits) - 1;
        let exponent = |x: u64| (x >> fraction_bits) & ones;
        let with = |x: u64, e: u64| (x & !(ones << fraction_bits)) | e.min(ones - 1) << fraction_bits;
        let bias = ones >> 1;
        match self.below(4) {
            // Product or quotient near the smallest normal or the largest number.
            0 => {
                let target = if self.below(2) == 0 { self.below(4) } else { ones - self.below(4) };
                let e = (target + bias).saturating_sub(exponent(a));
                b = with(b, if self.below(2) == 0 { e } else { exponent(a).saturating_sub(target) + bias });
            }
            // Neighbouring exponents: cancellation.
            1 => b = with(b, (exponent(a) + self.below(5)).saturating_sub(2)),
            _ => {}
        }
        // The addend of a fused operation near the product, within the width of either.
        if self.below(2) == 0 {
            let product = (exponent(a) + exponent(b)).saturating_sub(bias);
            let span = 2 * fraction_bits + 6;
            c = with(c, (product + self.below(span)).saturating_sub(span / 2));
        }
        [a, b, c]
    }
}

/// Fraction and exponent bits.
pub fn shape(f: Format) -> (u64, u64) {
    match f {
        Format::F16 => (10, 5),
        Format::BF16 => (7, 8),
        Format::F32 => (23, 8),
        Format::F64 => (52, 11),
    }
}

/// Special values of both signs.
pub fn special(f: Format) -> Vec<u64> {
    let (fraction_bits, exponent_bits) = shape(f);
    let ones = (1u64 << exponent_bits) - 1;
    let bias = ones >> 1;
    let one = bias << fraction_bits;
    let infinity = ones << fraction_bits;
    let quiet = 1 << (fraction_bits - 1);
    let min_normal = 1 << fraction_bits;
    let power = |e: u64| (bias + e).min(ones - 1) << fraction_bits;
    let mut values = vec![
        0,
        1,
        2,
        3,
        quiet,
        min_normal - 2,
        min_normal - 1,
        min_normal,
        min_normal + 1,
        min_normal * 2 - 1,
        min_normal * 2,
        one - min_normal * 2,
        one - min_normal - 1,
        one - min_normal,
        one - min_normal + 1,
        one - 1,
        one,
        one + 1,
        one + quiet,
        one + min_normal - 1,
        one + min_normal,
        one + min_normal + quiet / 2,
        one + min_normal + quiet,
        one + min_normal + quiet + quiet / 2,
        infinity - min_normal - 1,
        infinity - min_normal,
        infinity - 2,
        infinity - 1,
        infinity,
        infinity | quiet,
        infinity | quiet | 0x15,
        infinity | 1,
        infinity | 0x2a,
        infinity | (quiet - 1),
    ];
    for e in [7, 8, 15, 16, 31, 32, 63, 64, fraction_bits - 1, fraction_bits, fraction_bits + 1] {
        values.extend([power(e) - 1, power(e), power(e) + 1, power(e) + quiet]);
    }
    // Sums and products that land on the boundary of the smallest normal number.
    values.extend([
        (bias / 2) << fraction_bits,
        (bias / 2 + 1) << fraction_bits,
        fraction_bits << fraction_bits,
    ]);
    values.sort_unstable();
    values.dedup();
    let sign = 1 << (fraction_bits + exponent_bits);
    values.iter().flat_map(|&value| [value, value | sign]).collect()
}
