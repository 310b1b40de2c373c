//! Between the extended format and the others; rounding to integers; the parts of a number.

use super::*;
use crate::float::Format;

/// Exponent and fraction sizes of a memory format.
fn shape(format: Format) -> (u32, u32) {
    match format {
        Format::F64 => (11, 52),
        Format::F16 => (5, 10),
        Format::BF16 => (8, 7),
        Format::F32 => (8, 23),
    }
}

/// A float from memory, exactly; with `quiet` as `fld` does it, else as an operand, whose NaN the operation looks at.
pub fn from_float(bits: u64, format: Format, quiet: bool) -> u128 {
    let (exponent_bits, fraction_bits) = shape(format);
    let sign = bits >> (exponent_bits + fraction_bits) & 1 != 0;
    let largest = (1 << exponent_bits) - 1;
    let field = (bits >> fraction_bits) as i32 & largest;
    let fraction = bits & ((1 << fraction_bits) - 1);
    let aligned = fraction << (63 - fraction_bits);
    let bias = largest >> 1;
    if field == largest {
        let value = zero(sign) | 0x7fff << 64 | u128::from(INTEGER_BIT | aligned);
        let signaling = fraction != 0 && aligned & QUIET_BIT == 0;
        if !quiet {
            return value;
        }
        let quiet = if fraction != 0 { u128::from(QUIET_BIT) } else { 0 };
        return pack(value | quiet, if signaling { status::INVALID } else { 0 });
    }
    if field == 0 {
        if fraction == 0 {
            return zero(sign);
        }
        let zeros = aligned.leading_zeros();
        let exponent = 1 - bias - zeros as i32 + 16383;
        return pack(zero(sign) | (exponent as u128) << 64 | u128::from(aligned << zeros), status::DENORMAL);
    }
    zero(sign) | ((field - bias + 16383) as u128) << 64 | u128::from(INTEGER_BIT | aligned)
}

/// A signed integer, exactly.
pub fn from_int(value: i64) -> u128 {
    let magnitude = value.unsigned_abs();
    if magnitude == 0 {
        return 0;
    }
    let zeros = magnitude.leading_zeros();
    zero(value < 0) | u128::from(16383 + 63 - zeros) << 64 | u128::from(magnitude << zeros)
}

/// Rounded to a memory format: the low bits of the value. The precision control does not count.
pub fn to_float(a: u128, control: u16, format: Format) -> u128 {
    let a = unpack(a);
    let (exponent_bits, fraction_bits) = shape(format);
    let top = exponent_bits + fraction_bits;
    let sign = u64::from(a.sign) << top;
    let largest = (1u64 << exponent_bits) - 1;
    let pack = |value: u64, flags: u16| pack(u128::from(value), flags);
    match a.kind {
        Kind::Zero => return pack(sign, 0),
        Kind::Infinity => return pack(sign | largest << fraction_bits, 0),
        Kind::Unsupported => {
            return pack(1 << top | largest << fraction_bits | 1 << (fraction_bits - 1), status::INVALID);
        }
        Kind::QuietNan | Kind::SignalingNan => {
            let fraction = a.significand << 1 >> (64 - fraction_bits) | 1 << (fraction_bits - 1);
            let flags = if a.kind == Kind::SignalingNan { status::INVALID } else { 0 };
            return pack(sign | largest << fraction_bits | fraction, flags);
        }
        Kind::Finite => {}
    }
    let mode = rounding(control);
    let bias = (largest >> 1) as i32;
    let minimum = 1 - bias;
    let wide = u128::from(a.significand) << 64;
    let bits = fraction_bits + 1;
    let (kept, mut inexact, mut up) = cut(mode, a.sign, wide, false, bits);
    let exponent = a.exponent + (kept >> bits) as i32;
    let mut flags = 0;
    // With the integer bit in it: adding the fields carries as it should.
    let mut encoded = ((exponent + bias - 1) as i64 as u64) << fraction_bits;
    encoded = encoded.wrapping_add((kept >> (kept >> bits)) as u64);
    if a.exponent < minimum {
        let shift = (minimum - a.exponent) as u32;
        let (value, sticky, left) = if shift > bits { (0, true, 0) } else { (wide, false, bits - shift) };
        let (kept, lost, increased) = cut(mode, a.sign, value, sticky, left);
        (inexact, up) = (lost, increased);
        encoded = kept as u64;
        if exponent < minimum && (inexact || !masks(control, status::UNDERFLOW)) {
            flags |= status::UNDERFLOW;
        }
    } else if exponent > bias {
        let away = match mode {
            0 => true,
            1 => a.sign,
            2 => !a.sign,
            _ => false,
        };
        let flags = status::OVERFLOW | status::PRECISION;
        return if away {
            pack(sign | largest << fraction_bits, flags | status::C1)
        } else {
            pack(sign | ((largest << fraction_bits) - 1), flags)
        };
    }
    if inexact {
        flags |= status::PRECISION;
    }
    if up {
        flags |= status::C1;
    }
    pack(sign | encoded, flags)
}

/// From 18 packed decimal digits and a sign (`fbld`), exactly.
pub fn from_bcd(bits: u128) -> u128 {
    let magnitude = (0..18).rev().fold(0, |value, digit| value * 10 + (bits >> (4 * digit) & 15) as u64);
    from_int(magnitude as i64) & !SIGN | bits & SIGN
}

/// Rounded to 18 packed decimal digits and a sign (`fbstp`); the indefinite NaN's bits if it does not fit.
pub fn to_bcd(a: u128, control: u16) -> u128 {
    let a = unpack(a);
    let rounded = match a.kind {
        Kind::Zero => return pack(zero(a.sign), 0),
        Kind::Finite => integer(&a, rounding(control)).filter(|(magnitude, ..)| *magnitude < 10u128.pow(18)),
        _ => None,
    };
    let Some((magnitude, inexact, up)) = rounded else { return pack(INDEFINITE, status::INVALID) };
    let (mut digits, mut rest) = (0, magnitude);
    for digit in 0..18 {
        digits |= (rest % 10) << (4 * digit);
        rest /= 10;
    }
    let flags = if inexact { status::PRECISION } else { 0 } | if up { status::C1 } else { 0 };
    pack(zero(a.sign) | digits, flags)
}

/// Magnitude rounded to an integer, if it is below 2^64; inexact; increased.
fn integer(a: &Unpacked, mode: u16) -> Option<(u128, bool, bool)> {
    if a.exponent > 63 {
        return None;
    }
    let wide = u128::from(a.significand) << 64;
    Some(match a.exponent {
        // Below a half: nothing but the rounding mode counts.
        ..-1 => cut(mode, a.sign, 0, true, 0),
        exponent => cut(mode, a.sign, wide, false, (exponent + 1) as u32),
    })
}

/// To a signed integer of `bits` bits, in the low bits; the most negative one if it does not fit.
pub fn to_int(a: u128, control: u16, bits: u32, truncate: bool) -> u128 {
    let a = unpack(a);
    let mode = if truncate { 3 } else { rounding(control) };
    let mask = u64::MAX >> (64 - bits);
    let limit = 1u128 << (bits - 1);
    let rounded = match a.kind {
        Kind::Zero => return 0,
        Kind::Finite => integer(&a, mode).filter(|(magnitude, ..)| *magnitude < limit + u128::from(a.sign)),
        _ => None,
    };
    let Some((magnitude, inexact, up)) = rounded else { return pack(limit, status::INVALID) };
    let value = if a.sign { (magnitude as u64).wrapping_neg() } else { magnitude as u64 };
    let flags = if inexact { status::PRECISION } else { 0 } | if up { status::C1 } else { 0 };
    pack(u128::from(value & mask), flags)
}

/// `frndint`.
pub fn round_to_integral(a: u128, control: u16) -> u128 {
    let a = unpack(a);
    if let Some(result) = nan_result(&a, &a) {
        return result;
    }
    if a.kind != Kind::Finite || a.exponent >= 63 {
        return pack(a.bits, 0);
    }
    let (magnitude, inexact, up) = integer(&a, rounding(control)).expect("below 2^63");
    let value = match magnitude {
        0 => zero(a.sign),
        _ => {
            let zeros = (magnitude as u64).leading_zeros();
            zero(a.sign) | u128::from(16383 + 63 - zeros) << 64 | magnitude << zeros
        }
    };
    let flags =
        a.denormal_flag() | if inexact { status::PRECISION } else { 0 } | if up { status::C1 } else { 0 };
    pack(value, flags)
}

/// `fxtract`'s exponent.
pub fn exponent(a: u128) -> u128 {
    let a = unpack(a);
    if let Some(result) = nan_result(&a, &a) {
        return result;
    }
    match a.kind {
        Kind::Zero => pack(infinity(true), status::DIV_BY_ZERO),
        Kind::Infinity => pack(infinity(false), 0),
        _ => pack(from_int(a.exponent.into()), a.denormal_flag()),
    }
}

/// `fxtract`'s significand.
pub fn significand(a: u128) -> u128 {
    let a = unpack(a);
    if let Some(result) = nan_result(&a, &a) {
        return result;
    }
    match a.kind {
        Kind::Zero | Kind::Infinity => pack(a.bits, 0),
        _ => pack(zero(a.sign) | 16383 << 64 | u128::from(a.significand), 0),
    }
}
