//! Sum, product, quotient, square root, scaling.

use super::*;

/// `a + b`.
pub fn add(a: u128, b: u128, control: u16) -> u128 {
    let (a, b) = (unpack(a), unpack(b));
    if let Some(result) = nan_result(&a, &b) {
        return result;
    }
    let flags = a.denormal_flag() | b.denormal_flag();
    let negative_zero = rounding(control) == 1;
    match (a.kind, b.kind) {
        (Kind::Infinity, Kind::Infinity) if a.sign != b.sign => pack(INDEFINITE, status::INVALID),
        (Kind::Infinity, _) => pack(a.bits, flags),
        (_, Kind::Infinity) => pack(b.bits, flags),
        (Kind::Zero, Kind::Zero) if a.sign == b.sign => pack(a.bits, 0),
        (Kind::Zero, Kind::Zero) => pack(zero(negative_zero), 0),
        _ => {
            // With one zero the other still has to be rounded to the precision.
            let (big, small) = match (a.kind, b.kind) {
                (Kind::Zero, _) => (b, a),
                (_, Kind::Zero) => (a, b),
                _ if (a.exponent, a.significand) >= (b.exponent, b.significand) => (a, b),
                _ => (b, a),
            };
            let high = u128::from(big.significand) << 63;
            let (mut low, mut sticky) = (0, false);
            if small.kind != Kind::Zero {
                let distance = (big.exponent - small.exponent) as u32;
                let whole = u128::from(small.significand) << 63;
                low = whole.checked_shr(distance).unwrap_or(0);
                sticky = distance >= 128 || low << distance != whole;
            }
            let sum = if big.sign == small.sign || small.kind == Kind::Zero {
                high + low
            } else {
                high - low - u128::from(sticky)
            };
            if sum == 0 {
                return pack(zero(negative_zero), flags);
            }
            let exact = Exact::normalize(big.sign, big.exponent + 1, sum, sticky);
            exact.round(control, precision(control)) | pack(0, flags)
        }
    }
}

/// `a - b`.
pub fn sub(a: u128, b: u128, control: u16) -> u128 {
    // A NaN keeps its sign.
    if unpack(b).is_nan() { add(a, b, control) } else { add(a, b ^ SIGN, control) }
}

/// `a * b`.
pub fn mul(a: u128, b: u128, control: u16) -> u128 {
    let (a, b) = (unpack(a), unpack(b));
    if let Some(result) = nan_result(&a, &b) {
        return result;
    }
    let (flags, sign) = (a.denormal_flag() | b.denormal_flag(), a.sign != b.sign);
    match (a.kind, b.kind) {
        (Kind::Infinity, Kind::Zero) | (Kind::Zero, Kind::Infinity) => pack(INDEFINITE, status::INVALID),
        (Kind::Infinity, _) | (_, Kind::Infinity) => pack(infinity(sign), flags),
        (Kind::Zero, _) | (_, Kind::Zero) => pack(zero(sign), flags),
        _ => {
            let product = u128::from(a.significand) * u128::from(b.significand);
            let exact = Exact::normalize(sign, a.exponent + b.exponent + 1, product, false);
            exact.round(control, precision(control)) | pack(0, flags)
        }
    }
}

/// `a / b`.
pub fn div(a: u128, b: u128, control: u16) -> u128 {
    let (a, b) = (unpack(a), unpack(b));
    if let Some(result) = nan_result(&a, &b) {
        return result;
    }
    let (flags, sign) = (a.denormal_flag() | b.denormal_flag(), a.sign != b.sign);
    match (a.kind, b.kind) {
        (Kind::Infinity, Kind::Infinity) | (Kind::Zero, Kind::Zero) => pack(INDEFINITE, status::INVALID),
        (Kind::Infinity, _) => pack(infinity(sign), flags),
        (_, Kind::Infinity) | (Kind::Zero, _) => pack(zero(sign), flags),
        // The denormal dividend of a division by zero is not told.
        (_, Kind::Zero) => pack(infinity(sign), status::DIV_BY_ZERO),
        _ => {
            let divisor = u128::from(b.significand);
            let dividend = u128::from(a.significand) << 64;
            let (first, rest) = (dividend / divisor, dividend % divisor);
            // 62 bits more, so that the last one decides only whether the result is exact.
            let (second, rest) = ((rest << 62) / divisor, (rest << 62) % divisor);
            let quotient = first << 62 | second;
            // The quotient of the significands is quotient / 2^126.
            let exact = Exact::normalize(sign, a.exponent - b.exponent + 1, quotient, rest != 0);
            exact.round(control, precision(control)) | pack(0, flags)
        }
    }
}

/// Square root.
pub fn sqrt(a: u128, control: u16) -> u128 {
    let a = unpack(a);
    if let Some(result) = nan_result(&a, &a) {
        return result;
    }
    match a.kind {
        Kind::Zero => pack(a.bits, 0),
        _ if a.sign => pack(INDEFINITE, status::INVALID),
        Kind::Infinity => pack(a.bits, 0),
        _ => {
            // An even exponent, the square in [2^126, 2^128): the root has 64 bits.
            let odd = a.exponent & 1;
            let square = u128::from(a.significand) << (63 + odd);
            let root = square.isqrt();
            let rest = square - root * root;
            // Never exactly half: the square is an integer.
            let significand = root << 64 | u128::from(rest > root) << 63;
            let exact =
                Exact { sign: false, exponent: (a.exponent - odd) / 2, significand, sticky: rest != 0 };
            exact.round(control, precision(control)) | pack(0, a.denormal_flag())
        }
    }
}

/// `a * 2^trunc(b)`.
pub fn scale(a: u128, b: u128, control: u16) -> u128 {
    let (a, b) = (unpack(a), unpack(b));
    if let Some(result) = nan_result(&a, &b) {
        return result;
    }
    let flags = a.denormal_flag() | b.denormal_flag();
    match (a.kind, b.kind) {
        (Kind::Zero, Kind::Infinity) if !b.sign => pack(INDEFINITE, status::INVALID),
        (Kind::Infinity, Kind::Infinity) if b.sign => pack(INDEFINITE, status::INVALID),
        (Kind::Zero | Kind::Infinity, _) => pack(a.bits, flags),
        (_, Kind::Infinity) => pack(if b.sign { zero(a.sign) } else { infinity(a.sign) }, flags),
        _ => {
            let by = match b.kind {
                Kind::Zero => 0,
                _ if b.exponent < 0 => 0,
                // Beyond every exponent.
                _ if b.exponent > 17 => 0x4_0000,
                _ => (b.significand >> (63 - b.exponent)) as i32,
            };
            let by = if b.sign { -by } else { by };
            let exact = Exact {
                sign: a.sign,
                exponent: a.exponent + by,
                significand: u128::from(a.significand) << 64,
                sticky: false,
            };
            // The precision control does not count.
            exact.round(control, 64) | pack(0, flags)
        }
    }
}
