//! What a guest is, apart from its instructions: its name, its register file, its float rules.
//!
//! Each guest's slots are declared in a table of its own (`guest/<guest>.rs`); slot 0 and 1 are the same everywhere.

pub mod aarch64;
pub mod registers;
pub mod riscv64;
pub mod x86_64;

use crate::float::{self, NanRule, Rounding};
use crate::ir::{Slot, SlotSet, Type};
use std::fmt;

/// A guest architecture, user mode.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum Guest {
    /// x86-64.
    X86_64,
    /// AArch64 (Armv8-A, A64 only).
    Aarch64,
    /// RV64.
    Riscv64,
}

impl Guest {
    /// Every guest.
    pub const ALL: [Guest; 3] = [Guest::X86_64, Guest::Aarch64, Guest::Riscv64];

    /// The name used in options, files and the C API.
    pub const fn name(self) -> &'static str {
        match self {
            Guest::X86_64 => "x86_64",
            Guest::Aarch64 => "aarch64",
            Guest::Riscv64 => "riscv64",
        }
    }

    /// The guest of a name.
    pub fn from_name(name: &str) -> Option<Guest> {
        Guest::ALL.into_iter().find(|guest| guest.name() == name)
    }

    /// Its register file.
    pub fn register_file(self) -> &'static RegisterFile {
        match self {
            Guest::X86_64 => &x86_64::FILE,
            Guest::Aarch64 => &aarch64::FILE,
            Guest::Riscv64 => &riscv64::FILE,
        }
    }

    /// Whether a slot is a condition flag, set by much and read by little.
    pub fn is_flag(self, slot: Slot) -> bool {
        match self {
            Guest::X86_64 => {
                matches!(slot, x86_64::CF | x86_64::ZF | x86_64::SF | x86_64::OF | x86_64::PF | x86_64::AF)
            }
            Guest::Aarch64 => matches!(slot, aarch64::N | aarch64::Z | aarch64::C | aarch64::V),
            Guest::Riscv64 => false,
        }
    }

    /// Registers that are not zero in a new vCPU, by name.
    pub const fn reset_values(self) -> &'static [(&'static str, u128)] {
        match self {
            Guest::X86_64 => &[("rflags", 0x202), ("mxcsr", 0x1f80)],
            Guest::Aarch64 => &[("nzcv", 0), ("fpcr", 0)],
            Guest::Riscv64 => &[],
        }
    }

    /// Slots without a register that are not zero in a new vCPU.
    pub const fn reset_slots(self) -> &'static [(Slot, u128)] {
        match self {
            Guest::X86_64 => &[(x86_64::FCW, 0x37f)],
            Guest::Aarch64 | Guest::Riscv64 => &[],
        }
    }

    /// Smallest alignment of an instruction address.
    pub const fn instruction_alignment(self) -> u64 {
        match self {
            Guest::X86_64 => 1,
            Guest::Aarch64 => 4,
            Guest::Riscv64 => 2,
        }
    }

    /// Where a data access or a branch to `addr` goes: AArch64 under Linux ignores the top byte in the lower half of the
    /// address space, which bit 55 tells from the upper one (TCR_EL1.TBI0 is set, TBI1 is not).
    pub const fn untagged(self, addr: u64) -> u64 {
        match self {
            Guest::Aarch64 => addr & ((addr << 8) as i64 >> 8) as u64,
            Guest::X86_64 | Guest::Riscv64 => addr,
        }
    }
}

impl fmt::Display for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One state slot.
#[derive(Clone, Copy, Debug)]
pub struct SlotInfo {
    /// Name in the text form.
    pub name: &'static str,
    /// Type of its value.
    pub ty: Type,
    /// Offset in the slot area of the vCPU state, in bytes; aligned to at least 8.
    pub offset: u32,
}

/// The slots of one guest.
#[derive(Debug)]
pub struct RegisterFile {
    /// All slots; a [`Slot`] indexes this.
    pub slots: &'static [SlotInfo],
    /// Size of the slot area, in bytes, a multiple of 16.
    pub size: u32,
}

impl RegisterFile {
    /// The declaration of a slot.
    pub fn slot(&self, slot: Slot) -> &'static SlotInfo {
        &self.slots[slot.index()]
    }

    /// The slot of a name.
    pub fn by_name(&self, name: &str) -> Option<Slot> {
        self.slots.iter().position(|slot| slot.name == name).map(|index| Slot(index as u16))
    }
}

/// Size of the slot area that every vCPU state reserves.
pub const SLOT_AREA: usize = 1024;

/// Lays the slots out in order: each aligned to its size, at least 8.
pub(crate) const fn lay_out<const N: usize>(declared: [(&'static str, Type); N]) -> ([SlotInfo; N], u32) {
    let mut slots = [SlotInfo { name: "", ty: Type::I64, offset: 0 }; N];
    let (mut i, mut offset) = (0, 0u32);
    while i < N {
        let size = if declared[i].1.bytes() > 8 { 16 } else { 8 };
        offset = offset.next_multiple_of(size);
        slots[i] = SlotInfo { name: declared[i].0, ty: declared[i].1, offset };
        offset += size;
        i += 1;
    }
    let size = offset.next_multiple_of(16);
    assert!(size as usize <= SLOT_AREA && N <= SlotSet::MOST);
    (slots, size)
}

/// Declares a register file: constants for the slots (the first two, `FP_FLAGS` and `FP_ENV`, come by themselves) and
/// `FILE`.
macro_rules! register_file {
    ($($(#[$doc:meta])* $name:ident = $text:literal: $ty:ident,)*) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "numbered like the table")]
        enum Numbering { FP_FLAGS, FP_ENV, $($name,)* COUNT }

        $($(#[$doc])* pub const $name: $crate::ir::Slot = $crate::ir::Slot(Numbering::$name as u16);)*

        const LAYOUT: ([$crate::guest::SlotInfo; Numbering::COUNT as usize], u32) = $crate::guest::lay_out([
            ("fp_flags", $crate::ir::Type::I32),
            ("fp_env", $crate::ir::Type::I32),
            $(($text, $crate::ir::Type::$ty),)*
        ]);

        static SLOTS: [$crate::guest::SlotInfo; Numbering::COUNT as usize] = LAYOUT.0;

        /// The register file.
        pub static FILE: $crate::guest::RegisterFile =
            $crate::guest::RegisterFile { slots: &SLOTS, size: LAYOUT.1 };

        const _: (Numbering, Numbering) = (Numbering::FP_FLAGS, Numbering::FP_ENV);
    };
}
pub(crate) use register_file;

/// The float environment of the unit key, in the layout of the `fp_env` slot.
///
/// Bits 2:0 rounding mode in RISC-V's order (0 nearest even, 1 toward zero, 2 down, 3 up, 4 nearest away; 5 to 7 are
/// RISC-V's reserved dynamic modes, under which an instruction with dynamic rounding is illegal); bit 3 flush
/// subnormal results; bit 4 flush subnormal inputs; bit 5 default NaN (Arm FPCR.DN); bit 6 flush both in half
/// precision (Arm FPCR.FZ16; bits 3 and 4 do not reach it); bits 13:8 exceptions that trap
/// (x86: unmasked), in the layout of `float::flags`; bit 14 an x87 exception is unmasked.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct FpEnv(pub u32);

impl FpEnv {
    /// Flush subnormal results to zero.
    pub const FLUSH_OUTPUT: u32 = 1 << 3;
    /// Take subnormal inputs as zero.
    pub const FLUSH_INPUT: u32 = 1 << 4;
    /// Every NaN result is the default NaN.
    pub const DEFAULT_NAN: u32 = 1 << 5;
    /// Flush half-precision inputs and results to zero.
    pub const FLUSH_HALF: u32 = 1 << 6;
    /// Where the trap-enable bits start.
    pub const TRAP_SHIFT: u32 = 8;
    /// The x87's control word does not mask every exception.
    pub const X87_TRAPS: u32 = 1 << 14;

    /// The dynamic rounding mode, or `None` if it is reserved.
    pub const fn rounding(self) -> Option<Rounding> {
        Some(match self.0 & 7 {
            0 => Rounding::NearestEven,
            1 => Rounding::TowardZero,
            2 => Rounding::Down,
            3 => Rounding::Up,
            4 => Rounding::NearestAway,
            _ => return None,
        })
    }

    /// Nearest even, nothing flushed, nothing trapped, NaNs by the guest's own rule: what compiled code does inline.
    pub const fn is_default(self) -> bool {
        self.0 == 0
    }

    /// Whether one of these exceptions is unmasked.
    pub const fn traps(self, exceptions: u32) -> bool {
        self.0 >> FpEnv::TRAP_SHIFT & float::flags::ALL & exceptions != 0
    }

    /// The environment as the soft-float functions take it, with `Round::Current` resolved.
    pub fn for_guest(self, guest: Guest) -> float::Env {
        float::Env {
            rounding: self.rounding().unwrap_or(Rounding::NearestEven),
            nan: match guest {
                Guest::Riscv64 => NanRule::RiscV,
                Guest::X86_64 => NanRule::X86,
                Guest::Aarch64 if self.0 & FpEnv::DEFAULT_NAN != 0 => NanRule::ArmDefault,
                Guest::Aarch64 => NanRule::Arm,
            },
            tininess_before: guest == Guest::Aarch64,
            flush_output: self.0 & FpEnv::FLUSH_OUTPUT != 0,
            flush_input: self.0 & FpEnv::FLUSH_INPUT != 0,
            flush_half: self.0 & FpEnv::FLUSH_HALF != 0,
            raise_denormal: guest == Guest::X86_64,
            trap_overflow: self.traps(float::flags::OVERFLOW),
            trap_underflow: self.traps(float::flags::UNDERFLOW),
        }
    }
}
