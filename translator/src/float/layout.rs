//! The formats as numbers, and operands taken apart.
//!
//! An [`Operand`] of class [`Kind::Finite`] is `significand * 2^(exponent - 63)` with bit 63 set, whatever its
//! format and whether it was denormal there; so no operation knows about formats or denormals.

use super::{Env, Format, flags};

/// The parameters of a format.
#[derive(Clone, Copy)]
pub(super) struct Layout {
    pub fraction_bits: u32,
    pub exponent_bits: u32,
    /// The exponent of the smallest normal number; one minus the bias.
    pub min_exponent: i32,
    /// The exponent of the largest finite number; also the bias.
    pub max_exponent: i32,
    /// Whether this is half precision, which has flush rules of its own.
    half: bool,
}

const fn layout_of(fraction_bits: u32, exponent_bits: u32) -> Layout {
    let bias = (1 << (exponent_bits - 1)) - 1;
    let half = fraction_bits == 10;
    Layout { fraction_bits, exponent_bits, min_exponent: 1 - bias, max_exponent: bias, half }
}

static LAYOUTS: [Layout; 4] = [layout_of(10, 5), layout_of(7, 8), layout_of(23, 8), layout_of(52, 11)];

impl Layout {
    #[inline]
    pub fn of(format: Format) -> &'static Layout {
        &LAYOUTS[format as usize]
    }

    /// Significand bits, the hidden one included.
    #[inline]
    pub fn precision(&self) -> u32 {
        self.fraction_bits + 1
    }

    #[inline]
    pub fn sign_mask(&self) -> u64 {
        1 << (self.fraction_bits + self.exponent_bits)
    }

    #[inline]
    pub fn fraction_mask(&self) -> u64 {
        (1 << self.fraction_bits) - 1
    }

    /// The all-ones exponent, not shifted.
    #[inline]
    pub fn exponent_ones(&self) -> u64 {
        (1 << self.exponent_bits) - 1
    }

    /// The fraction bit that makes a NaN quiet.
    #[inline]
    pub fn quiet_bit(&self) -> u64 {
        1 << (self.fraction_bits - 1)
    }

    #[inline]
    fn signed(&self, sign: bool, magnitude: u64) -> u64 {
        if sign { magnitude | self.sign_mask() } else { magnitude }
    }

    #[inline]
    pub fn zero(&self, sign: bool) -> u64 {
        self.signed(sign, 0)
    }

    #[inline]
    pub fn infinity(&self, sign: bool) -> u64 {
        self.signed(sign, self.exponent_ones() << self.fraction_bits)
    }

    /// The largest finite number.
    #[inline]
    pub fn max_finite(&self, sign: bool) -> u64 {
        self.signed(sign, (self.exponent_ones() << self.fraction_bits) - 1)
    }

    /// `2^exponent`, for exponents of normal numbers.
    pub fn power_of_two(&self, sign: bool, exponent: i32) -> u64 {
        self.signed(sign, ((exponent + self.max_exponent) as u64) << self.fraction_bits)
    }

    /// Whether tiny results in this format become zero.
    #[inline]
    pub fn flushes_output(&self, env: &Env) -> bool {
        if self.half { env.flush_half } else { env.flush_output }
    }

    /// The bits of the format only.
    #[inline]
    pub fn truncate(&self, bits: u64) -> u64 {
        bits & (self.sign_mask() | (self.sign_mask() - 1))
    }
}

/// What an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Zero,
    Finite,
    Infinity,
    QuietNan,
    SignalingNan,
}

/// An operand taken apart.
#[derive(Clone, Copy)]
pub(super) struct Operand {
    /// The bits of the format, after flushing.
    pub bits: u64,
    pub kind: Kind,
    pub sign: bool,
    /// Whether it was denormal and was not flushed.
    pub denormal: bool,
    /// For [`Kind::Finite`] only, like `significand`.
    pub exponent: i32,
    pub significand: u64,
}

impl Operand {
    #[inline]
    pub fn is_nan(&self) -> bool {
        matches!(self.kind, Kind::QuietNan | Kind::SignalingNan)
    }

    #[inline]
    pub fn is_zero(&self) -> bool {
        self.kind == Kind::Zero
    }

    #[inline]
    pub fn is_infinity(&self) -> bool {
        self.kind == Kind::Infinity
    }
}

/// Take `bits` apart, flushing nothing.
#[inline]
pub(super) fn unpack(l: &Layout, bits: u64) -> Operand {
    let bits = l.truncate(bits);
    let sign = bits & l.sign_mask() != 0;
    let fraction = bits & l.fraction_mask();
    let field = (bits >> l.fraction_bits) & l.exponent_ones();
    let mut operand =
        Operand { bits, kind: Kind::Finite, sign, denormal: false, exponent: 0, significand: 0 };
    if field == l.exponent_ones() {
        operand.kind = if fraction == 0 {
            Kind::Infinity
        } else if fraction & l.quiet_bit() != 0 {
            Kind::QuietNan
        } else {
            Kind::SignalingNan
        };
    } else if field != 0 {
        operand.exponent = field as i32 - l.max_exponent;
        operand.significand = 1 << 63 | fraction << (63 - l.fraction_bits);
    } else if fraction != 0 {
        let shift = fraction.leading_zeros();
        operand.denormal = true;
        operand.exponent = l.min_exponent + (63 - shift as i32) - l.fraction_bits as i32;
        operand.significand = fraction << shift;
    } else {
        operand.kind = Kind::Zero;
    }
    operand
}

/// Take `bits` apart as an operand of an operation: flushes, and raises Arm's flag for that.
#[inline]
pub(super) fn operand(l: &Layout, env: &Env, bits: u64, raised: &mut u32) -> Operand {
    let mut operand = unpack(l, bits);
    if operand.denormal && if l.half { env.flush_half } else { env.flush_input } {
        operand = unpack(l, l.zero(operand.sign));
        // Arm's FPUnpack raises InputDenorm for FPCR.FZ, and not for FPCR.FZ16.
        if !env.raise_denormal && !l.half {
            *raised |= flags::DENORMAL;
        }
    }
    operand
}

/// Raise x86's `DE` if a denormal operand is used. To be called once NaNs and invalid operations are out of
/// the way: those come first and suppress it.
#[inline]
pub(super) fn raise_denormal(env: &Env, any_denormal: bool, raised: &mut u32) {
    if env.raise_denormal && any_denormal {
        *raised |= flags::DENORMAL;
    }
}

/// The class of a value; the numbers are the bits of RISC-V's `fclass`.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Negative infinity.
    NegativeInfinity = 0,
    /// A negative normal number.
    NegativeNormal = 1,
    /// A negative denormal number.
    NegativeSubnormal = 2,
    /// Negative zero.
    NegativeZero = 3,
    /// Positive zero.
    PositiveZero = 4,
    /// A positive denormal number.
    PositiveSubnormal = 5,
    /// A positive normal number.
    PositiveNormal = 6,
    /// Positive infinity.
    PositiveInfinity = 7,
    /// A signalling NaN of either sign.
    SignalingNan = 8,
    /// A quiet NaN of either sign.
    QuietNan = 9,
}

impl Class {
    /// The result of RISC-V's `fclass`: one bit set.
    pub const fn riscv_mask(self) -> u64 {
        1 << self as u8
    }
}

/// The class of `a`; raises nothing.
pub fn class(f: Format, a: u64) -> Class {
    let x = unpack(Layout::of(f), a);
    match (x.kind, x.sign) {
        (Kind::QuietNan, _) => Class::QuietNan,
        (Kind::SignalingNan, _) => Class::SignalingNan,
        (Kind::Infinity, true) => Class::NegativeInfinity,
        (Kind::Infinity, false) => Class::PositiveInfinity,
        (Kind::Zero, true) => Class::NegativeZero,
        (Kind::Zero, false) => Class::PositiveZero,
        (Kind::Finite, true) if x.denormal => Class::NegativeSubnormal,
        (Kind::Finite, false) if x.denormal => Class::PositiveSubnormal,
        (Kind::Finite, true) => Class::NegativeNormal,
        (Kind::Finite, false) => Class::PositiveNormal,
    }
}
