//! `fprem` and `fprem1`.

use super::*;

/// The remainder of `a / b`: truncating (`fprem`) or to nearest (`fprem1`). Reduces by at most 2^63 at a time: C2 says that there
/// is more to do; else C0, C3, C1 are the quotient's bits 2, 1 and 0. Exact, so never rounded, but it may underflow unmasked.
pub fn remainder(a: u128, b: u128, control: u16, nearest: bool) -> u128 {
    let (a, b) = (unpack(a), unpack(b));
    if let Some(result) = nan_result(&a, &b) {
        return result | pack(0, status::NO_QUOTIENT);
    }
    let flags = a.denormal_flag() | b.denormal_flag();
    match (a.kind, b.kind) {
        (Kind::Infinity, _) | (_, Kind::Zero) => {
            return pack(INDEFINITE, status::INVALID | status::NO_QUOTIENT);
        }
        (Kind::Zero, _) => return pack(a.bits, flags),
        // The dividend stays as it is; as if masked, a denormal does not underflow (seen on Intel's processors).
        (_, Kind::Infinity) => {
            let masked = control | status::UNDERFLOW;
            return result(a.sign, a.exponent - 63, a.significand.into(), flags, masked);
        }
        _ => {}
    }
    let distance = a.exponent - b.exponent;
    if distance < -1 || distance < 0 && !nearest {
        return result(a.sign, a.exponent - 63, u128::from(a.significand), flags, control);
    }
    if distance < 64 {
        let divisor = u128::from(b.significand);
        // In units of the divisor's last bit; with distance -1 in half units, both doubled.
        let (dividend, divisor, unit) = if distance < 0 {
            (u128::from(a.significand), divisor << 1, a.exponent - 63)
        } else {
            (u128::from(a.significand) << distance, divisor, b.exponent - 63)
        };
        let (mut quotient, mut rest, mut sign) = (dividend / divisor, dividend % divisor, a.sign);
        if nearest && (rest << 1 > divisor || rest << 1 == divisor && quotient & 1 != 0) {
            quotient += 1;
            rest = divisor - rest;
            sign = !sign;
        }
        let bit = |n: u32, c: u16| if quotient >> n & 1 != 0 { c } else { 0 };
        let bits = bit(2, status::C0) | bit(1, status::C3) | bit(0, status::C1);
        if rest == 0 {
            return pack(zero(a.sign), flags | bits);
        }
        return result(sign, unit, rest, flags | bits, control);
    }
    // Take off a multiple of the divisor that leaves an exponent smaller by some 32 to 63, in steps of at most 63 bits.
    let steps = 32 + (distance & 31);
    let divisor = u128::from(b.significand);
    let rest = (u128::from(a.significand) << steps) % divisor;
    let unit = a.exponent - 63 - steps;
    if rest == 0 {
        return pack(zero(a.sign), flags | status::C2);
    }
    result(a.sign, unit, rest, flags | status::C2, control)
}

/// `magnitude * 2^unit`, which the format can hold.
fn result(sign: bool, unit: i32, magnitude: u128, flags: u16, control: u16) -> u128 {
    let exact = Exact::normalize(sign, unit + 127, magnitude, false);
    let value = exact.round(control, 64);
    value | pack(0, flags)
}
