//! The x87's 80-bit arithmetic, in integers: one function an operation, on bit patterns, with the control word as it is.
//!
//! Results carry the status word's bits beside the value: bits 79:0 are the value, bits 95:80 are the exception flags, C0 to C3
//! that the operation sets ([`status`]). Overflow and underflow that the control word does not mask give the result with its exponent
//! moved by 24576; of the other exceptions the result is the masked one, and the lifter keeps it from being written. Formats that the processor does not support any more (unnormals,
//! pseudo-NaNs, pseudo-infinities) are invalid operands; pseudo-denormals are denormals.

mod arithmetic;
mod conversion;
mod remainder;
mod transcendental;
mod wide;

pub use arithmetic::{add, div, mul, scale, sqrt, sub};
pub use conversion::{
    exponent, from_bcd, from_float, from_int, round_to_integral, significand, to_bcd, to_float, to_int,
};
pub use remainder::remainder;
pub use transcendental::{atan, cos, exp2_minus_1, sin, tan, y_log2_x, y_log2_x_plus_1};

use std::cmp::Ordering;

/// Bits of the status word that results carry, from bit 80 on.
pub mod status {
    /// Invalid operation.
    pub const INVALID: u16 = 1;
    /// Denormal operand.
    pub const DENORMAL: u16 = 2;
    /// Division by zero.
    pub const DIV_BY_ZERO: u16 = 4;
    /// Overflow.
    pub const OVERFLOW: u16 = 8;
    /// Underflow.
    pub const UNDERFLOW: u16 = 16;
    /// Inexact result.
    pub const PRECISION: u16 = 32;
    /// Condition code 0.
    pub const C0: u16 = 1 << 8;
    /// Condition code 1: the result was rounded away from zero.
    pub const C1: u16 = 1 << 9;
    /// Condition code 2.
    pub const C2: u16 = 1 << 10;
    /// Condition code 3.
    pub const C3: u16 = 1 << 14;
    /// Not a flag of the processor: `fprem` has no quotient, C0 and C3 stay as they are.
    pub const NO_QUOTIENT: u16 = 1 << 15;
}

/// The default NaN.
pub const INDEFINITE: u128 = 0xffff_c000_0000_0000_0000;

const SIGN: u128 = 1 << 79;
const INTEGER_BIT: u64 = 1 << 63;
const QUIET_BIT: u64 = 1 << 62;
/// What the exponent of a result that overflows or underflows unmasked is moved by.
const BIAS_ADJUSTMENT: i32 = 24576;
const MIN_EXPONENT: i32 = -16382;
const MAX_EXPONENT: i32 = 16383;

/// A value beside status bits.
pub(crate) const fn pack(value: u128, status: u16) -> u128 {
    value | (status as u128) << 80
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Zero,
    Finite,
    Infinity,
    QuietNan,
    SignalingNan,
    Unsupported,
}

/// An operand taken apart. Finite: `significand * 2^(exponent - 63)`, the significand's top bit set.
#[derive(Clone, Copy, Debug)]
struct Unpacked {
    bits: u128,
    kind: Kind,
    sign: bool,
    exponent: i32,
    significand: u64,
    denormal: bool,
}

/// Takes an operand apart. Its bit 81 (where [`pack`] has the flag) says that it was a denormal in memory.
fn unpack(bits: u128) -> Unpacked {
    let was_denormal = bits >> 80 & u128::from(status::DENORMAL) != 0;
    let bits = bits & ((1 << 80) - 1);
    let (sign, field, significand) = (bits & SIGN != 0, (bits >> 64) as i32 & 0x7fff, bits as u64);
    let mut x = Unpacked {
        bits,
        kind: Kind::Finite,
        sign,
        exponent: field - 16383,
        significand,
        denormal: was_denormal,
    };
    if field == 0 {
        if significand == 0 {
            x.kind = Kind::Zero;
        } else {
            x.denormal = true;
            x.significand <<= significand.leading_zeros();
            x.exponent = MIN_EXPONENT - significand.leading_zeros() as i32;
        }
    } else if significand & INTEGER_BIT == 0 {
        x.kind = Kind::Unsupported;
    } else if field == 0x7fff {
        x.kind = match significand << 1 {
            0 => Kind::Infinity,
            _ if significand & QUIET_BIT != 0 => Kind::QuietNan,
            _ => Kind::SignalingNan,
        };
    }
    x
}

impl Unpacked {
    fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::QuietNan | Kind::SignalingNan)
    }

    fn denormal_flag(&self) -> u16 {
        if self.denormal { status::DENORMAL } else { 0 }
    }

    fn quieted(&self) -> u128 {
        self.bits | u128::from(QUIET_BIT)
    }
}

fn zero(sign: bool) -> u128 {
    if sign { SIGN } else { 0 }
}

fn infinity(sign: bool) -> u128 {
    zero(sign) | 0x7fff << 64 | u128::from(INTEGER_BIT)
}

/// The result if an operand is a NaN or unsupported. Of two NaNs the quiet one wins, of two of a kind the one with the larger
/// significand, of equal ones the positive.
fn nan_result(a: &Unpacked, b: &Unpacked) -> Option<u128> {
    if a.kind == Kind::Unsupported || b.kind == Kind::Unsupported {
        return Some(pack(INDEFINITE, status::INVALID));
    }
    if !a.is_nan() && !b.is_nan() {
        return None;
    }
    let signaling = a.kind == Kind::SignalingNan || b.kind == Kind::SignalingNan;
    let flags = if signaling { status::INVALID } else { 0 };
    let chosen = match (a.is_nan(), b.is_nan()) {
        (true, false) => a,
        (false, true) => b,
        _ if a.kind != b.kind => {
            if a.kind == Kind::QuietNan {
                a
            } else {
                b
            }
        }
        _ => match a.significand.cmp(&b.significand) {
            Ordering::Greater => a,
            Ordering::Less => b,
            Ordering::Equal if a.sign => b,
            Ordering::Equal => a,
        },
    };
    Some(pack(chosen.quieted(), flags))
}

/// Rounding control of a control word: 0 nearest, 1 down, 2 up, 3 toward zero.
fn rounding(control: u16) -> u16 {
    control >> 10 & 3
}

/// Significand bits that the precision control asks for.
fn precision(control: u16) -> u32 {
    match control >> 8 & 3 {
        0 => 24,
        2 => 53,
        _ => 64,
    }
}

/// Whether an exception of [`status`] is masked.
fn masks(control: u16, exception: u16) -> bool {
    control & exception != 0
}

/// Whether a magnitude is to be increased: `half` compares what is cut off with half a unit of the kept part, `odd` is that part's last bit.
fn rounds_up(mode: u16, sign: bool, odd: bool, inexact: bool, half: Ordering) -> bool {
    match mode {
        0 => half == Ordering::Greater || half == Ordering::Equal && odd,
        1 => inexact && sign,
        2 => inexact && !sign,
        _ => false,
    }
}

/// Keeps the top `bits` of a 128-bit significand whose lost low part is told by `sticky`: kept part (right-aligned, may carry
/// into one more bit), whether inexact, whether increased.
fn cut(mode: u16, sign: bool, significand: u128, sticky: bool, bits: u32) -> (u128, bool, bool) {
    let (kept, rest) = match bits {
        0 => (0, significand),
        128 => (significand, 0),
        _ => (significand >> (128 - bits), significand << bits),
    };
    let half = rest.cmp(&(1 << 127)).then(if sticky { Ordering::Greater } else { Ordering::Equal });
    let inexact = rest != 0 || sticky;
    let up = rounds_up(mode, sign, kept & 1 != 0, inexact, half);
    (kept + u128::from(up), inexact, up)
}

/// An exact result: `significand * 2^(exponent - 127)`, the top bit set, with `sticky` for bits below.
#[derive(Clone, Copy, Debug)]
struct Exact {
    sign: bool,
    exponent: i32,
    significand: u128,
    sticky: bool,
}

impl Exact {
    /// Shifts the top bit into place; the significand is not zero.
    fn normalize(sign: bool, exponent: i32, significand: u128, sticky: bool) -> Exact {
        let zeros = significand.leading_zeros();
        Exact { sign, exponent: exponent - zeros as i32, significand: significand << zeros, sticky }
    }

    /// Rounds to `bits` of significand with the exponents of the extended format; packed.
    fn round(self, control: u16, bits: u32) -> u128 {
        let mode = rounding(control);
        let (mut kept, mut inexact, mut up) = cut(mode, self.sign, self.significand, self.sticky, bits);
        let mut exponent = self.exponent;
        if kept >> bits != 0 {
            kept >>= 1;
            exponent += 1;
        }
        let mut flags = 0;
        let mut field = exponent + 16383;
        let mut significand = (kept << (64 - bits)) as u64;
        if exponent < MIN_EXPONENT && !masks(control, status::UNDERFLOW) {
            flags |= status::UNDERFLOW;
            field += BIAS_ADJUSTMENT;
            if field <= 0 {
                return pack(zero(self.sign), flags | status::PRECISION);
            }
        } else if exponent > MAX_EXPONENT && !masks(control, status::OVERFLOW) {
            flags |= status::OVERFLOW;
            field -= BIAS_ADJUSTMENT;
            if field >= 0x7fff {
                return pack(infinity(self.sign), flags | status::PRECISION | status::C1);
            }
        } else if exponent < MIN_EXPONENT {
            // Tiny after rounding: round once more, from the exact value, at the place where denormals end.
            let shift = (MIN_EXPONENT - self.exponent) as u32;
            let left = bits.saturating_sub(shift);
            let (value, sticky) = if shift > bits { (0, true) } else { (self.significand, self.sticky) };
            (kept, inexact, up) = if shift > bits {
                cut(mode, self.sign, value, sticky, 0)
            } else {
                cut(mode, self.sign, value, sticky, left)
            };
            significand = (kept << (64 - bits)) as u64;
            field = i32::from(significand & INTEGER_BIT != 0);
            if inexact {
                flags |= status::UNDERFLOW;
            }
        } else if self.exponent < MIN_EXPONENT {
            // Rounding made it normal; it is the smallest normal number either way, unless denormal rounding falls short.
            let left = bits.saturating_sub((MIN_EXPONENT - self.exponent) as u32);
            (kept, inexact, up) = cut(mode, self.sign, self.significand, self.sticky, left);
            significand = (kept << (64 - bits)) as u64;
            field = i32::from(significand & INTEGER_BIT != 0);
        }
        if exponent > MAX_EXPONENT && masks(control, status::OVERFLOW) {
            let away = match mode {
                0 => true,
                1 => self.sign,
                2 => !self.sign,
                _ => false,
            };
            let flags = status::OVERFLOW | status::PRECISION;
            if away {
                return pack(infinity(self.sign), flags | status::C1);
            }
            let largest = u64::MAX << (64 - bits);
            return pack(zero(self.sign) | 0x7ffe << 64 | u128::from(largest), flags);
        }
        if inexact {
            flags |= status::PRECISION;
        }
        if up {
            flags |= status::C1;
        }
        pack(zero(self.sign) | (field as u128) << 64 | u128::from(significand), flags)
    }
}

/// Comparison: C3, C2, C0 as `fcom` sets them; `quiet` says whether quiet NaNs are no error (`fucom`).
pub fn compare(a: u128, b: u128, quiet: bool) -> u128 {
    let (a, b) = (unpack(a), unpack(b));
    const UNORDERED: u16 = status::C3 | status::C2 | status::C0;
    let invalid = [&a, &b]
        .iter()
        .any(|x| matches!(x.kind, Kind::Unsupported | Kind::SignalingNan) || !quiet && x.is_nan());
    if invalid {
        return pack(0, UNORDERED | status::INVALID);
    }
    if a.is_nan() || b.is_nan() {
        return pack(0, UNORDERED);
    }
    let flags = a.denormal_flag() | b.denormal_flag();
    let rank = |x: &Unpacked| -> (i64, u64) {
        let magnitude = match x.kind {
            Kind::Zero => return (0, 0),
            Kind::Infinity => (1 << 32, 0),
            _ => (i64::from(x.exponent) + (1 << 20), x.significand),
        };
        if x.sign { (-magnitude.0, !magnitude.1) } else { magnitude }
    };
    let order = match rank(&a).cmp(&rank(&b)) {
        Ordering::Less => status::C0,
        Ordering::Equal => status::C3,
        Ordering::Greater => 0,
    };
    pack(0, order | flags)
}

/// `fxam`: class in C3, C2, C0, sign in C1.
pub fn examine(a: u128) -> u128 {
    let a = unpack(a);
    let class = match a.kind {
        Kind::Unsupported => 0,
        Kind::QuietNan | Kind::SignalingNan => status::C0,
        Kind::Finite if a.denormal => status::C3 | status::C2,
        Kind::Finite => status::C2,
        Kind::Infinity => status::C2 | status::C0,
        Kind::Zero => status::C3,
    };
    pack(0, class | if a.sign { status::C1 } else { 0 })
}
