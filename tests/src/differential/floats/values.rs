//! Special values of each float format, and of integers that are converted.

use super::Format;

/// How many values of a format operations with two and with three operands get; one operand gets all.
pub const OF_TWO: usize = 26;
/// As [`OF_TWO`].
pub const OF_THREE: usize = 14;

/// Numbers at which conversions and roundings change their minds.
const NUMBERS: &[f64] = &[
    0.5,
    0.500_000_059_604_644_8,
    0.999_999_999_999_999_9,
    2.5,
    3.5,
    127.5,
    255.5,
    32767.5,
    65504.0,
    65519.999,
    65520.0,
    16_777_217.0,
    2_147_483_647.0,
    2_147_483_647.5,
    2_147_483_648.0,
    2_147_483_648.5,
    4_294_967_295.0,
    4_294_967_295.5,
    4_294_967_296.0,
    9_007_199_254_740_993.0,
    9_223_372_036_854_774_784.0,
    9_223_372_036_854_775_808.0,
    18_446_744_073_709_549_568.0,
    18_446_744_073_709_551_616.0,
    1.0 / 3.0,
    // Borders of halves: least subnormal, half of it, and just below the least normal.
    5.960_464_477_539_063e-8,
    2.980_232_238_769_531_3e-8,
    6.103_515e-5,
    // Borders of singles: largest, beyond, and the same as for halves.
    3.402_823_466_385_288_6e38,
    3.402_823_567_797_336_6e38,
    1.401_298_464_324_817e-45,
    7.006_492_321_624_085e-46,
    1.175_494_35e-38,
    // Borders of doubles, for wider formats.
    f64::MAX,
    f64::MIN_POSITIVE,
];

/// All values of a format: of each magnitude the positive one and the negative one, the most telling ones first.
pub fn of(format: Format) -> Vec<u128> {
    let (exponent, fraction) = format.bits();
    let top = (1u128 << exponent) - 1;
    let one = top >> 1;
    let number = |exponent: u128, mantissa: u128| {
        // The x87's integer bit is there.
        let integer = u128::from(format == Format::Extended && exponent != 0) << fraction;
        let width = fraction + u32::from(format == Format::Extended);
        exponent << width | integer | mantissa
    };
    let all = (1u128 << fraction) - 1;
    let quiet = 1u128 << (fraction - 1);
    let telling = [
        number(0, 0),
        number(0, 1),
        number(one, 0),
        number(one, 1),
        number(top - 1, all),
        number(top, 0),
        number(top, 1),
        number(0, all),
        number(1, 0),
        number(top, quiet | 5),
        number(one, quiet),
        // Its square is on the border to subnormal.
        number(one >> 1, all),
        number(one + 1, all),
    ];
    let numbers = NUMBERS.iter().map(|&value| {
        let bits = value.to_bits();
        let (power, mantissa) =
            ((bits >> 52) as i64 - 1023, u128::from(bits << 12) << 52 >> (116 - fraction));
        match power + one as i64 {
            biased if biased >= top as i64 => number(top - 1, all),
            biased if biased > 0 => number(biased as u128, mantissa),
            biased => number(0, (mantissa | 1 << fraction).checked_shr((1 - biased) as u32).unwrap_or(0)),
        }
    });
    let sign = format.width() - 1;
    telling.into_iter().chain(numbers).flat_map(|value| [value, value | 1 << sign]).collect()
}

/// Integers that are converted.
pub const INTEGERS: &[u64] = &[
    0,
    1,
    u64::MAX,
    (1 << 63) - 1,
    1 << 63,
    (1 << 53) + 1,
    (1 << 24) + 1,
    (1 << 31) - 1,
    1 << 31,
    0xffff_ffff,
    0xffff_ffff_8000_0000,
    0x7fff_ffff_ffff_fc00,
    0x7fff_ffff_ffff_fdff,
    0x7fff_ffff_ffff_fe00,
    0xffff_ffff_ffff_fbff,
    0xffff_ffff_ffff_fc00,
    0x8000_0000_0000_03ff,
    0x0020_0000_0000_0003,
    0x0000_7fff_0000_8001,
    0x7fff_ff7f_7fff_ffc0,
    65519,
    65520,
    2049,
    0xffff_ffff_ff7f_ffff,
    0x1234_5678_9abc_def1,
    0x8888_8888_8888_8889,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_they_are_called() {
        let doubles: Vec<f64> = of(Format::Double).iter().map(|&bits| f64::from_bits(bits as u64)).collect();
        assert_eq!(doubles[0..2], [0.0, -0.0]);
        assert_eq!(doubles[4], 1.0);
        assert_eq!(doubles[8], f64::MAX);
        assert_eq!(doubles[10], f64::INFINITY);
        assert!(doubles[OF_TWO..].iter().step_by(2).eq(NUMBERS));
        let singles: Vec<f32> = of(Format::Single).iter().map(|&bits| f32::from_bits(bits as u32)).collect();
        assert_eq!(singles[8], f32::MAX);
        assert!(singles.contains(&2_147_483_648.0) && singles.contains(&f32::from_bits(1)));
        let halves = of(Format::Half);
        assert!(halves.contains(&0x7bff) && halves.contains(&0x0001) && halves.contains(&0x3800));
        let extended = of(Format::Extended);
        assert_eq!(extended[4], 0x3fff_8000_0000_0000_0000);
        assert_eq!(extended[10], 0x7fff_8000_0000_0000_0000);
        assert!(extended.contains(&0x3ffe_8000_0000_0000_0000));
    }
}
