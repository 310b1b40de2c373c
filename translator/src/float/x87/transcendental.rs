//! `fsin`, `fcos`, `fptan`, `fpatan`, `f2xm1`, `fyl2x`, `fyl2xp1`.
//!
//! Series in [`Wide`] numbers, rounded once: the result is the correctly rounded one unless the true value lies within some 2^-55 of a
//! unit of the last place of a rounding boundary. Processors are off by up to two thirds of a unit, each in its own way, so their results
//! may differ from these in the last bit. Angles are reduced by the 66 bits of pi that processors have (Intel SDM volume 1, 8.3.8), which
//! is what a program sees of it: far from zero the result is that of another angle.

use super::wide::{Wide, multiply_high};
use super::*;

const PI: Wide = Wide { exponent: 1, significand: 0xc90f_daa2_2168_c234_c4c6_628b_80dc_1cd1 };
const HALF_PI: Wide = Wide { exponent: 0, ..PI };
const QUARTER_PI: Wide = Wide { exponent: -1, ..PI };
const LN_2: Wide = Wide { exponent: -1, significand: 0xb172_17f7_d1cf_79ab_c9e3_b398_03f2_f6af };
/// 2 / ln 2.
const TWICE_LOG2_E: Wide = Wide { exponent: 1, significand: 0xb8aa_3b29_5c17_f0bb_be87_fed0_691d_3e88 };

/// The processor's pi in units of 2^-64: half of it in units of 2^-65.
const REDUCTION: u128 = 0x3_243f_6a88_85a3_08d3;

/// One in the series' fixed-point numbers, which stay below two or four.
const ONE: u128 = 1 << 127;
const SMALL_ONE: u128 = 1 << 126;

/// A reduced angle: between zero and a quarter of pi, its sign, and how many right angles were taken off, modulo 4.
struct Angle {
    size: Wide,
    sign: bool,
    quadrant: u128,
}

fn reduce(x: &Unpacked) -> Angle {
    if x.exponent < -1 {
        return Angle { size: Wide::extended(x.exponent, x.significand), sign: x.sign, quadrant: 0 };
    }
    // Below 2^63, so that all of it fits.
    let units = u128::from(x.significand) << (x.exponent + 2);
    let (mut quotient, mut rest) = (units / REDUCTION, units % REDUCTION);
    let mut sign = x.sign;
    if rest > REDUCTION / 2 {
        quotient += 1;
        rest = REDUCTION - rest;
        sign = !sign;
    }
    // The rest is never zero: the divisor is odd and has more bits than the significand.
    let quadrant = if x.sign { quotient.wrapping_neg() } else { quotient } & 3;
    Angle { size: Wide::fixed(rest, 65), sign, quadrant }
}

/// `1 - t/(a(a+1)) * (1 - t/((a+2)(a+3)) * ...)`, cut off so that it stays below the true value.
fn alternating(square: u128, first: u128) -> Wide {
    let mut sum = ONE;
    for k in (0..18).rev() {
        let a = first + 2 * k;
        sum = ONE - multiply_high(square, sum) / (a * (a + 1));
    }
    Wide::fixed(sum - 1, 127)
}

fn sine(x: Wide) -> Wide {
    x.mul(alternating(x.mul(x).to_fraction(), 2))
}

fn cosine(x: Wide) -> Wide {
    alternating(x.mul(x).to_fraction(), 1)
}

/// What the trigonometric functions answer without calculation: NaNs, infinities, angles that are too large (C2).
fn no_angle(a: &Unpacked) -> Option<u128> {
    if let Some(result) = nan_result(a, a) {
        return Some(result);
    }
    match a.kind {
        Kind::Infinity => Some(pack(INDEFINITE, status::INVALID)),
        Kind::Finite if a.exponent >= 63 => Some(pack(a.bits, status::C2)),
        _ => None,
    }
}

/// `fsin`, and `fcos` if `turn` is 1.
fn sine_or_cosine(a: u128, control: u16, turn: u128) -> u128 {
    let a = unpack(a);
    if let Some(result) = no_angle(&a) {
        return result;
    }
    if a.kind == Kind::Zero {
        return if turn == 0 { pack(a.bits, 0) } else { pack(one(), 0) };
    }
    let angle = reduce(&a);
    let quadrant = (angle.quadrant + turn) & 3;
    let (size, sign) = match quadrant & 1 {
        0 => (sine(angle.size), angle.sign),
        _ => (cosine(angle.size), false),
    };
    size.inexact(sign ^ (quadrant & 2 != 0)).round(control, 64) | pack(0, a.denormal_flag())
}

fn one() -> u128 {
    0x3fff << 64 | u128::from(INTEGER_BIT)
}

/// `fsin`: the sine; C2 and the operand itself from 2^63 on.
pub fn sin(a: u128, control: u16) -> u128 {
    sine_or_cosine(a, control, 0)
}

/// `fcos`: the cosine; likewise.
pub fn cos(a: u128, control: u16) -> u128 {
    sine_or_cosine(a, control, 1)
}

/// `fptan`: the tangent; likewise.
pub fn tan(a: u128, control: u16) -> u128 {
    let a = unpack(a);
    if let Some(result) = no_angle(&a) {
        return result;
    }
    if a.kind == Kind::Zero {
        return pack(a.bits, 0);
    }
    let angle = reduce(&a);
    let (sine, cosine) = (sine(angle.size), cosine(angle.size));
    let (size, sign) = match angle.quadrant & 1 {
        0 => (sine.div(cosine), angle.sign),
        _ => (cosine.div(sine), !angle.sign),
    };
    size.inexact(sign).round(control, 64) | pack(0, a.denormal_flag())
}

/// The odd reciprocals 1, 1/3, 1/5 and so on, in units of 2^-127.
const RECIPROCALS: [u128; 54] = {
    let mut table = [0; 54];
    let mut k = 0;
    while k < table.len() {
        table[k] = ONE / (2 * k as u128 + 1);
        k += 1;
    }
    table
};

/// Arc tangent of `small / big`, which is at most one.
fn arc_tangent(small: Wide, big: Wide) -> Wide {
    let ratio = small.div(big);
    // Above the tangent of an eighth of pi: the angle's distance from a quarter of pi.
    if !ratio.is_below(Wide { exponent: -2, significand: 0xd413_cccf_e779_9211 << 64 }) {
        if !small.is_below(big) {
            return QUARTER_PI;
        }
        return QUARTER_PI.sub(arc_tangent(big.sub(small), big.add(small)));
    }
    let square = ratio.mul(ratio).to_fraction();
    let sum = RECIPROCALS.iter().rev().fold(0, |sum, reciprocal| reciprocal - multiply_high(square, sum));
    ratio.mul(Wide::fixed(sum - 1, 127))
}

/// `fpatan`: the angle of the point (`x`, `y`).
pub fn atan(x: u128, y: u128, control: u16) -> u128 {
    let (x, y) = (unpack(x), unpack(y));
    if let Some(result) = nan_result(&x, &y) {
        return result;
    }
    let flags = x.denormal_flag() | y.denormal_flag();
    let round = |size: Wide| size.inexact(y.sign).round(control, 64) | pack(0, flags);
    match (x.kind, y.kind) {
        (Kind::Infinity, Kind::Infinity) if x.sign => round(HALF_PI.add(QUARTER_PI)),
        (Kind::Infinity, Kind::Infinity) => round(QUARTER_PI),
        (Kind::Infinity, _) | (_, Kind::Zero) if x.sign => round(PI),
        (Kind::Infinity, _) | (_, Kind::Zero) => pack(zero(y.sign), flags),
        (_, Kind::Infinity) | (Kind::Zero, _) => round(HALF_PI),
        _ => {
            let across = Wide::extended(x.exponent, x.significand);
            let up = Wide::extended(y.exponent, y.significand);
            round(match (across.is_below(up), x.sign) {
                (false, false) => arc_tangent(up, across),
                (false, true) => PI.sub(arc_tangent(up, across)),
                (true, false) => HALF_PI.sub(arc_tangent(across, up)),
                (true, true) => HALF_PI.add(arc_tangent(across, up)),
            })
        }
    }
}

/// `f2xm1`: `2^a - 1` for `a` from -1 to 1; beyond, where the manual leaves it undefined, `a`.
pub fn exp2_minus_1(a: u128, control: u16) -> u128 {
    let a = unpack(a);
    if let Some(result) = nan_result(&a, &a) {
        return result;
    }
    match a.kind {
        Kind::Zero => return pack(a.bits, 0),
        Kind::Infinity if a.sign => return pack(SIGN | one(), 0),
        Kind::Infinity => return pack(a.bits, 0),
        _ => {}
    }
    if a.exponent >= 0 {
        return match (a.exponent, a.significand, a.sign) {
            (0, INTEGER_BIT, true) => pack(SIGN | 0x3ffe << 64 | u128::from(INTEGER_BIT), 0),
            _ => pack(a.bits, 0),
        };
    }
    let power = Wide::extended(a.exponent, a.significand).mul(LN_2);
    let fraction = power.to_fraction();
    // (e^p - 1) / p = 1 + p/2 * (1 + p/3 * (1 + ...)), with alternating signs for a negative power.
    let mut sum = SMALL_ONE;
    for k in (2..40).rev() {
        let term = multiply_high(fraction, sum) / k;
        sum = if a.sign { SMALL_ONE - term } else { SMALL_ONE + term };
    }
    let size = power.mul(Wide::fixed(sum - u128::from(a.sign), 126));
    size.inexact(a.sign).round(control, 64) | pack(0, a.denormal_flag())
}

/// Logarithm to base two of `(1 + r) / (1 - r)`, for a ratio of at most some 0.18.
fn log2_of_ratio(ratio: Wide) -> Wide {
    let square = ratio.mul(ratio).to_fraction();
    let sum = RECIPROCALS.iter().take(30).rev().fold(0, |sum, r| (r >> 1) + multiply_high(square, sum));
    ratio.mul(Wide::fixed(sum, 126)).mul(TWICE_LOG2_E)
}

/// Logarithm to base two of a number that is not a power of two: whether it is negative, and its size.
fn log2(x: Wide) -> (bool, Wide) {
    // Down from the square root of two on, so that what is left is near one.
    let (mut exponent, mut part) = (x.exponent, Wide { exponent: 0, ..x });
    if part.significand > 0xb504_f333_f9de_6484 << 64 {
        exponent += 1;
        part.exponent = -1;
    }
    let one = Wide::fixed(1, 0);
    let below = part.exponent < 0;
    let distance = if below { one.sub(part) } else { part.sub(one) };
    let log = log2_of_ratio(distance.div(part.add(one)));
    if exponent == 0 {
        return (below, log);
    }
    let whole = Wide::fixed(exponent.unsigned_abs().into(), 0);
    let negative = exponent < 0;
    (negative, if negative == below { whole.add(log) } else { whole.sub(log) })
}

/// The product of `y` and a logarithm that is zero, infinite or of which the sign is known only: `None` for a finite one.
fn times_special(y: &Unpacked, log: Special, flags: u16) -> Option<u128> {
    let sign = y.sign ^ matches!(log, Special::Negative | Special::MinusInfinity(_) | Special::Zero(true));
    Some(match (y.kind, log) {
        (Kind::Infinity, Special::Zero(_)) => pack(INDEFINITE, status::INVALID),
        (Kind::Zero, Special::PlusInfinity | Special::MinusInfinity(_)) => pack(INDEFINITE, status::INVALID),
        (_, Special::Zero(_)) | (Kind::Zero, _) => pack(zero(sign), flags),
        (Kind::Infinity, _) | (_, Special::PlusInfinity) => pack(infinity(sign), flags),
        (_, Special::MinusInfinity(pole)) => {
            pack(infinity(sign), if pole { status::DIV_BY_ZERO } else { flags })
        }
        _ => return None,
    })
}

/// What is known of a logarithm without calculation.
#[derive(Clone, Copy)]
enum Special {
    Zero(bool),
    PlusInfinity,
    /// Whether because of a pole, not of an infinity.
    MinusInfinity(bool),
    Positive,
    Negative,
}

/// `fyl2x`: `y * log2(x)`.
pub fn y_log2_x(x: u128, y: u128, control: u16) -> u128 {
    let (x, y) = (unpack(x), unpack(y));
    if let Some(result) = nan_result(&x, &y) {
        return result;
    }
    let flags = x.denormal_flag() | y.denormal_flag();
    let is_power = x.significand == INTEGER_BIT;
    let special = match x.kind {
        Kind::Zero => Special::MinusInfinity(true),
        _ if x.sign => return pack(INDEFINITE, status::INVALID),
        Kind::Infinity => Special::PlusInfinity,
        _ if x.exponent == 0 && is_power => Special::Zero(false),
        _ if x.exponent < 0 => Special::Negative,
        _ => Special::Positive,
    };
    if let Some(result) = times_special(&y, special, flags) {
        return result;
    }
    let factor = Wide::extended(y.exponent, y.significand);
    if is_power {
        let product = u128::from(y.significand) * u128::from(x.exponent.unsigned_abs());
        let exact = Exact::normalize(y.sign ^ (x.exponent < 0), y.exponent + 64, product, false);
        return exact.round(control, 64) | pack(0, flags);
    }
    let (negative, log) = log2(Wide::extended(x.exponent, x.significand));
    log.mul(factor).inexact(y.sign ^ negative).round(control, 64) | pack(0, flags)
}

/// `fyl2xp1`: `y * log2(x + 1)`; also beyond the operands for which the manual defines it.
pub fn y_log2_x_plus_1(x: u128, y: u128, control: u16) -> u128 {
    let (x, y) = (unpack(x), unpack(y));
    if let Some(result) = nan_result(&x, &y) {
        return result;
    }
    let flags = x.denormal_flag() | y.denormal_flag();
    let minus_one = x.kind == Kind::Finite && x.sign && x.exponent == 0 && x.significand == INTEGER_BIT;
    let special = match x.kind {
        Kind::Zero => Special::Zero(x.sign),
        _ if minus_one => Special::MinusInfinity(true),
        _ if x.sign && (x.kind == Kind::Infinity || x.exponent >= 0) => {
            return pack(INDEFINITE, status::INVALID);
        }
        Kind::Infinity => Special::PlusInfinity,
        _ if x.sign => Special::Negative,
        _ => Special::Positive,
    };
    if let Some(result) = times_special(&y, special, flags) {
        return result;
    }
    let distance = Wide::extended(x.exponent, x.significand);
    let (one, two) = (Wide::fixed(1, 0), Wide::fixed(2, 0));
    let log = if x.exponent < -1 {
        let divisor = if x.sign { two.sub(distance) } else { two.add(distance) };
        log2_of_ratio(distance.div(divisor))
    } else {
        let sum = if x.sign { one.sub(distance) } else { one.add(distance) };
        if sum.significand == 1 << 127 {
            Wide::fixed(sum.exponent.unsigned_abs().into(), 0)
        } else {
            log2(sum).1
        }
    };
    let factor = Wide::extended(y.exponent, y.significand);
    log.mul(factor).inexact(y.sign ^ x.sign).round(control, 64) | pack(0, flags)
}
