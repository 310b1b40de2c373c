//! Exact floating-point semantics of the three guests, in integer arithmetic only.
//!
//! Values travel as bit patterns in the low bits of a `u64` ([`Format`] says how many); bits above are ignored
//! on input and zero on output. What a guest's control register decides is in [`Env`]; exception flags are
//! or-ed into a word in one guest-neutral layout (module `flags`). Every function is pure apart from that word,
//! never panics, and never touches the host's floating-point unit, so results do not depend on the host.
//!
//! This is the meaning of the IR's float ops in the interpreter and the cold path of compiled code. Not here:
//! NaN boxing (RISC-V), traps for unmasked exceptions, and the choice of an `Env` from `fcsr`, `FPCR` or
//! `MXCSR`, which is the lifters' part. The general shape is the classic one: unpack (`layout`) both operands
//! to a class and a normalised significand, compute exactly (or with a sticky bit) in 128 bits, then
//! round once (`round`).
// The tests run the processor's own instructions, in one named module.
#![cfg_attr(not(test), forbid(unsafe_code))]

mod arithmetic;
mod compare;
mod convert;
mod dot;
mod estimate;
mod fused;
mod integer;
mod layout;
mod nan;
mod round;
#[cfg(test)]
mod tests;
pub mod x87;

pub use arithmetic::{add, div, mul, sqrt, sub};
pub use compare::{Compare, MinMax, Relation, compare, min_max};
pub use convert::{convert, round_to_integral};
pub use dot::bf16_dot;
pub use estimate::{
    reciprocal_estimate, reciprocal_exponent, reciprocal_sqrt_estimate, unsigned_reciprocal_estimate,
    unsigned_reciprocal_sqrt_estimate, x86_reciprocal_estimate, x86_reciprocal_sqrt_estimate,
};
pub use fused::{fma, mul_extended, reciprocal_sqrt_step, reciprocal_step};
pub use integer::{IntInvalid, from_fixed, from_int, to_fixed, to_int, to_int_javascript};
pub use layout::{Class, class};

/// Sticky exception flags in one guest-neutral layout: RISC-V's `fflags` order, then the denormal operand.
pub mod flags {
    /// The result was rounded.
    pub const INEXACT: u32 = 1;
    /// The result was tiny and inexact, or was flushed to zero.
    pub const UNDERFLOW: u32 = 2;
    /// The rounded result was too large for the format.
    pub const OVERFLOW: u32 = 4;
    /// An exact infinity came from finite operands.
    pub const DIV_BY_ZERO: u32 = 8;
    /// No useful result exists, or an operand was a signalling NaN.
    pub const INVALID: u32 = 16;
    /// A denormal operand was used (x86 `DE`) or flushed to zero (Arm `IDC`).
    pub const DENORMAL: u32 = 32;
    /// All of them.
    pub const ALL: u32 = 63;
}

/// How an inexact result is rounded. The first five have the numbers of RISC-V's `frm`.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the nearest value, ties to the even significand.
    NearestEven = 0,
    /// Toward zero.
    TowardZero = 1,
    /// Toward negative infinity.
    Down = 2,
    /// Toward positive infinity.
    Up = 3,
    /// To the nearest value, ties away from zero.
    NearestAway = 4,
    /// To the neighbour with an odd significand; overflow gives the largest finite value (Arm `FCVTXN`).
    Odd = 5,
}

impl Rounding {
    /// Every mode, in the order of its number.
    pub const ALL: [Rounding; 6] = [
        Rounding::NearestEven,
        Rounding::TowardZero,
        Rounding::Down,
        Rounding::Up,
        Rounding::NearestAway,
        Rounding::Odd,
    ];

    /// The mode with this number, or `None`.
    pub fn from_number(number: u8) -> Option<Rounding> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// Which NaN an operation gives.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NanRule {
    /// Always the canonical NaN: positive, quiet, no payload.
    RiscV = 0,
    /// The first signalling operand quieted, else the first quiet one (`FPProcessNaNs`; the addend of a fused
    /// operation comes first). The default NaN is positive.
    Arm = 1,
    /// Always the default NaN (`FPCR.DN`), otherwise as [`NanRule::Arm`].
    ArmDefault = 2,
    /// The first operand if it is a NaN, quieted, else the second (SSE). The default NaN is negative.
    X86 = 3,
}

/// What the guest's floating-point control register says, and what its architecture chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Env {
    /// Rounding of inexact results.
    pub rounding: Rounding,
    /// Which NaN results are.
    pub nan: NanRule,
    /// Whether a result is tiny if it is so before rounding (Arm), or only if rounding with an unbounded
    /// exponent leaves it below the smallest normal number (x86, RISC-V).
    pub tininess_before: bool,
    /// Tiny results become zero: x86 `FTZ` (raises underflow and inexact) or, where tininess is detected before
    /// rounding, Arm `FZ` (raises underflow only). Not in [`Format::F16`].
    pub flush_output: bool,
    /// Denormal operands are taken as zero: x86 `DAZ` or, without `raise_denormal`, Arm `FZ`, which raises
    /// [`flags::DENORMAL`]. Not in [`Format::F16`].
    pub flush_input: bool,
    /// Both in [`Format::F16`], except in conversions between formats: Arm `FZ16`. Operands raise nothing.
    pub flush_half: bool,
    /// Operations on denormal operands that are not flushed raise [`flags::DENORMAL`] (x86 `DE`).
    pub raise_denormal: bool,
    /// Overflow is trapped (x86, unmasked): it raises inexact only if rounding with an unbounded exponent is inexact.
    pub trap_overflow: bool,
    /// Underflow is trapped: a tiny result raises it even if it is exact, and is not flushed; inexact as for `trap_overflow`.
    pub trap_underflow: bool,
}

impl Env {
    /// RISC-V.
    pub const fn riscv(rounding: Rounding) -> Env {
        Env {
            rounding,
            nan: NanRule::RiscV,
            tininess_before: false,
            flush_output: false,
            flush_input: false,
            flush_half: false,
            raise_denormal: false,
            trap_overflow: false,
            trap_underflow: false,
        }
    }

    /// Arm, with `FPCR`'s `FZ` and `DN`; `FZ16` is zero.
    pub const fn arm(rounding: Rounding, flush: bool, default_nan: bool) -> Env {
        Env {
            rounding,
            nan: if default_nan { NanRule::ArmDefault } else { NanRule::Arm },
            tininess_before: true,
            flush_output: flush,
            flush_input: flush,
            flush_half: false,
            raise_denormal: false,
            trap_overflow: false,
            trap_underflow: false,
        }
    }

    /// x86 SSE, with `MXCSR`'s `FTZ` and `DAZ`.
    pub const fn x86(rounding: Rounding, flush_to_zero: bool, denormals_are_zero: bool) -> Env {
        Env {
            rounding,
            nan: NanRule::X86,
            tininess_before: false,
            flush_output: flush_to_zero,
            flush_input: denormals_are_zero,
            flush_half: false,
            raise_denormal: true,
            trap_overflow: false,
            trap_underflow: false,
        }
    }
}

/// A binary interchange format.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// IEEE 754 binary16: 5 exponent and 10 fraction bits.
    F16 = 0,
    /// bfloat16: 8 exponent and 7 fraction bits.
    BF16 = 1,
    /// IEEE 754 binary32: 8 exponent and 23 fraction bits.
    F32 = 2,
    /// IEEE 754 binary64: 11 exponent and 52 fraction bits.
    F64 = 3,
}

impl Format {
    /// How many bits a value has.
    pub const fn bits(self) -> u32 {
        match self {
            Format::F16 | Format::BF16 => 16,
            Format::F32 => 32,
            Format::F64 => 64,
        }
    }
}
