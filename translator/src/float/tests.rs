//! Tests: operands that are hard for floating point, what can be said without a reference, and ([`native`])
//! every operation against the processor. The rules of RISC-V and Arm are judged by qemu in
//! `tests/float_reference.rs`.

#[cfg(target_arch = "x86_64")]
mod native;
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code, reason = "half of it is for the processor's tests"))]
mod operands;

use super::*;

const NEAREST: Env = Env::riscv(Rounding::NearestEven);

#[test]
fn class_numbers_are_riscv_fclass_bits() {
    let cases = [
        (0xff80_0000u64, 0),
        (0xbf80_0000, 1),
        (0x8000_0001, 2),
        (0x8000_0000, 3),
        (0, 4),
        (0x007f_ffff, 5),
        (0x0080_0000, 6),
        (0x7f80_0000, 7),
        (0x7f80_0001, 8),
        (0xffc0_0000, 9),
    ];
    for (bits, bit) in cases {
        assert_eq!(class(Format::F32, bits).riscv_mask(), 1 << bit, "{bits:#x}");
    }
}

#[test]
fn trapped_overflow_and_underflow_raise_inexact_only_beside_a_lost_bit() {
    let masked = Env::x86(Rounding::NearestEven, false, false);
    let trapped = Env { trap_overflow: true, trap_underflow: true, ..masked };
    let raised = |env: &Env, operation: fn(Format, &Env, u64, u64, &mut u32) -> u64, a: u64, b: u64| {
        let mut raised = 0;
        operation(Format::F32, env, a, b, &mut raised);
        raised
    };
    use flags::{INEXACT, OVERFLOW, UNDERFLOW};
    // Twice 2^127 is exact but for its exponent; the largest number's square is not.
    assert_eq!(raised(&masked, add, 0x7f00_0000, 0x7f00_0000), OVERFLOW | INEXACT);
    assert_eq!(raised(&trapped, add, 0x7f00_0000, 0x7f00_0000), OVERFLOW);
    assert_eq!(raised(&trapped, mul, 0x7f7f_ffff, 0x7f7f_ffff), OVERFLOW | INEXACT);
    // Half of the least normal number is tiny and exact.
    assert_eq!(raised(&masked, mul, 0x0080_0000, 0x3f00_0000), 0);
    assert_eq!(raised(&trapped, mul, 0x0080_0000, 0x3f00_0000), UNDERFLOW);
    // Trapped, rounding is to 24 bits whatever the exponent: here none is lost, though the format's result would lose one.
    assert_eq!(raised(&masked, mul, 0x0080_0001, 0x3f00_0000), UNDERFLOW | INEXACT);
    assert_eq!(raised(&trapped, mul, 0x0080_0001, 0x3f00_0000), UNDERFLOW);
    // Nor does flushing to zero count then.
    let flushing = Env { trap_underflow: true, ..Env::x86(Rounding::NearestEven, true, false) };
    assert_eq!(raised(&flushing, mul, 0x0080_0000, 0x3f00_0000), UNDERFLOW);
}

#[test]
fn no_operand_in_any_format_panics_or_leaves_high_bits() {
    let mut random = operands::Random::new(7);
    for f in [Format::F16, Format::BF16, Format::F32, Format::F64] {
        let inside = |value: u64| f.bits() == 64 || value >> f.bits() == 0;
        for _ in 0..20_000 {
            let [a, b, c] = std::array::from_fn(|_| random.next());
            let rounding = Rounding::from_number((random.next() % 6) as u8).unwrap();
            let (x, y) = (random.next() & 1 != 0, random.next() & 1 != 0);
            for env in [Env::riscv(rounding), Env::arm(rounding, x, y), Env::x86(rounding, x, y)] {
                let r = &mut 0;
                let results = [
                    add(f, &env, a, b, r),
                    sub(f, &env, a, b, r),
                    mul(f, &env, a, b, r),
                    div(f, &env, a, b, r),
                    sqrt(f, &env, a, r),
                    fma(f, &env, a, b, c, r),
                    mul_extended(f, &env, a, b, r),
                    reciprocal_step(f, &env, a, b, r),
                    reciprocal_sqrt_step(f, &env, a, b, r),
                    reciprocal_estimate(f, &env, a, r),
                    reciprocal_sqrt_estimate(f, &env, a, r),
                    reciprocal_exponent(f, &env, a, r),
                    round_to_integral(f, &env, a, true, r),
                    min_max(MinMax::MaxNumber, f, &env, a, b, r),
                    from_fixed(f, &env, a, (b & 63) as u32, x, 1 + (c & 63) as u32, r),
                    to_fixed(f, &env, a, 0, x, f.bits(), IntInvalid::Arm, r),
                ];
                assert!(results.into_iter().all(inside), "{f:?} {env:?} {a:#x} {b:#x} {c:#x}: {results:x?}");
                compare(f, &env, a, b, true, r);
                to_int_javascript(&env, a, r);
            }
        }
    }
}

#[test]
fn narrow_formats_agree_with_double_arithmetic_rounded_once() {
    // A sum, product or quotient of two half-precision numbers, rounded to odd as a double, keeps all that a second
    // rounding to half precision needs (53 >= 2 * 11 + 2).
    let odd = Env::riscv(Rounding::Odd);
    type Op = fn(Format, &Env, u64, u64, &mut u32) -> u64;
    let ops: [Op; 4] = [add, sub, mul, div];
    let mut random = operands::Random::new(11);
    for f in [Format::F16, Format::BF16] {
        for _ in 0..100_000 {
            let (a, b) = (random.next() & 0xffff, random.next() & 0xffff);
            let env = Env::riscv(Rounding::from_number((random.next() % 5) as u8).unwrap());
            for op in ops {
                let (mut direct_flags, mut flags) = (0, 0);
                let direct = op(f, &env, a, b, &mut direct_flags);
                let widen = |x, flags: &mut u32| convert(f, Format::F64, &env, x, flags);
                let (x, y) = (widen(a, &mut flags), widen(b, &mut flags));
                let wide = op(Format::F64, &odd, x, y, &mut flags);
                // The sign of an exact zero sum is decided by the mode.
                let wide = if wide << 1 == 0 { op(Format::F64, &env, x, y, &mut 0) } else { wide };
                let twice = convert(Format::F64, f, &env, wide, &mut flags);
                assert_eq!((direct, direct_flags), (twice, flags), "{f:?} {env:?} {a:#x} {b:#x}");
            }
        }
    }
}

#[test]
fn integers_round_trip_and_saturate() {
    let r = &mut 0;
    for width in 8..=64 {
        for signed in [false, true] {
            let mask = u64::MAX >> (64 - width);
            for value in [0u64, 1, 2, 100, 127, mask, mask ^ mask >> 1] {
                // Few significant bits, so that the double is exact.
                if (value & mask).count_ones() > 50 && width > 53 {
                    continue;
                }
                let x = from_int(Format::F64, &NEAREST, value, signed, width, r);
                let back = to_int(Format::F64, &NEAREST, x, signed, width, IntInvalid::Arm, r);
                assert_eq!((back, *r), (value & mask, 0), "{value:#x} {width} {signed}");
            }
        }
    }
    let to = |a: u64, signed, width, invalid| {
        let mut raised = 0;
        (to_int(Format::F32, &NEAREST, a, signed, width, invalid, &mut raised), raised)
    };
    let (nan, minus, huge) = (0x7fc0_0000, 0xbf80_0000, 0x7f00_0000);
    assert_eq!(to(nan, true, 32, IntInvalid::RiscV), (0x7fff_ffff, flags::INVALID));
    assert_eq!(to(nan, false, 64, IntInvalid::RiscV), (u64::MAX, flags::INVALID));
    assert_eq!(to(nan, true, 32, IntInvalid::Arm), (0, flags::INVALID));
    assert_eq!(to(nan, true, 32, IntInvalid::X86), (0x8000_0000, flags::INVALID));
    assert_eq!(to(huge, false, 32, IntInvalid::X86), (0xffff_ffff, flags::INVALID));
    assert_eq!(to(minus, false, 32, IntInvalid::RiscV), (0, flags::INVALID));
    assert_eq!(to(minus, false, 32, IntInvalid::X86), (0xffff_ffff, flags::INVALID));
    // -0.5 rounds to zero, which an unsigned integer holds.
    assert_eq!(to(0xbf00_0000, false, 32, IntInvalid::RiscV), (0, flags::INEXACT));
}

#[test]
fn javascript_conversion_wraps_and_tells_exactness() {
    let env = Env::arm(Rounding::NearestEven, false, false);
    let flushing = Env::arm(Rounding::NearestEven, true, false);
    let cases: [(f64, u32, bool, u32); 12] = [
        (0.0, 0, true, 0),
        (-0.0, 0, false, 0),
        (1.0, 1, true, 0),
        (-1.5, u32::MAX, false, flags::INEXACT),
        (2147483647.0, 0x7fff_ffff, true, 0),
        (2147483648.0, 0x8000_0000, false, flags::INVALID),
        (-2147483648.0, 0x8000_0000, true, 0),
        (-2147483649.0, 0x7fff_ffff, false, flags::INVALID),
        (4294967297.5, 1, false, flags::INVALID),
        (9007199254740993e3, 0xffff_fc18u32.wrapping_add(2000), false, flags::INVALID),
        (f64::INFINITY, 0, false, flags::INVALID),
        (f64::MAX, 0, false, flags::INVALID),
    ];
    for (value, result, exact, expected) in cases {
        // The low 32 bits by integer arithmetic, where the integer is representable in i128.
        let wrapped = if value.abs() < 1e30 { value as i128 as u32 } else { result };
        let mut raised = 0;
        let got = to_int_javascript(&env, value.to_bits(), &mut raised);
        assert_eq!((got, raised), ((wrapped, exact), expected), "{value}");
    }
    let mut raised = 0;
    assert_eq!(to_int_javascript(&env, 1, &mut raised), (0, false));
    assert_eq!(raised, flags::INEXACT);
    raised = 0;
    assert_eq!(to_int_javascript(&flushing, 1, &mut raised), (0, false));
    assert_eq!(raised, flags::DENORMAL);
}
