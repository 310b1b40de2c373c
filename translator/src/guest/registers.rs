//! Registers as the host program sees them: one numbered table a guest, over the state slots.
//!
//! Numbers are part of the C API: they never change and are never used again. Flags are one register here (`rflags`,
//! `nzcv`), though they live in several slots as the values that decided them.

use super::{FpEnv, Guest, aarch64, riscv64, x86_64};
use crate::float::flags;
use crate::ir::{Slot, Type};

/// Number of a register within its guest's table.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RegisterId(pub u32);

/// One register of a guest.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// Number, fixed for ever.
    pub id: RegisterId,
    /// Lower-case name of the manual.
    pub name: &'static str,
    /// Another usual name (the calling convention's), if there is one.
    pub alias: Option<&'static str>,
    /// Size in bytes: 8 or 16 (narrower registers are zero-extended to 8).
    pub bytes: u32,
    /// Where its value is.
    pub(crate) place: Place,
}

/// Where a register's value is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Slot(Slot),
    Pc,
    Zero,
    Rflags,
    Mxcsr,
    Fcw,
    Fsw,
    Ftw,
    St(Slot),
    Nzcv,
    Fpcr,
    Fpsr,
    Fcsr,
}

/// What registers are read from and written to: a vCPU's slots and pc.
pub trait State {
    /// The value of a slot.
    fn slot(&self, slot: Slot) -> u128;
    /// Writes a slot.
    fn set_slot(&mut self, slot: Slot, value: u128);
    /// The guest pc.
    fn pc(&self) -> u64;
    /// Sets the guest pc.
    fn set_pc(&mut self, pc: u64);
}

const RISCV_ABI: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
    "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];
const RISCV_FLOAT_ABI: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4",
    "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8",
    "ft9", "ft10", "ft11",
];
const RISCV_X: [&str; 32] = [
    "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15",
    "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x29", "x30",
    "x31",
];

/// The registers of a guest, ascending by id.
pub fn registers(guest: Guest) -> Vec<Register> {
    let mut table = Vec::new();
    let file = guest.register_file();
    let mut add = |id: u32, name, alias, place| {
        let bytes = match place {
            Place::Slot(slot) | Place::St(slot) if file.slot(slot).ty.bytes() == 16 => 16,
            _ => 8,
        };
        table.push(Register { id: RegisterId(id), name, alias, bytes, place });
    };
    let named = |slot: Slot| file.slot(slot).name;
    match guest {
        Guest::Riscv64 => {
            for i in 0..32u8 {
                let place = riscv64::x(i).map_or(Place::Zero, Place::Slot);
                add(i.into(), RISCV_X[i as usize], Some(RISCV_ABI[i as usize]), place);
            }
            add(32, "pc", None, Place::Pc);
            for i in 0..32u8 {
                let slot = riscv64::f(i);
                add(64 + u32::from(i), named(slot), Some(RISCV_FLOAT_ABI[i as usize]), Place::Slot(slot));
            }
            add(96, "fcsr", None, Place::Fcsr);
        }
        Guest::Aarch64 => {
            for i in 0..31u8 {
                let alias = match i {
                    29 => Some("fp"),
                    30 => Some("lr"),
                    _ => None,
                };
                add(i.into(), named(aarch64::x(i)), alias, Place::Slot(aarch64::x(i)));
            }
            add(31, "sp", None, Place::Slot(aarch64::SP));
            add(32, "pc", None, Place::Pc);
            add(33, "nzcv", None, Place::Nzcv);
            add(34, "fpcr", None, Place::Fpcr);
            add(35, "fpsr", None, Place::Fpsr);
            add(36, "tpidr_el0", None, Place::Slot(aarch64::TPIDR));
            for i in 0..32u8 {
                add(64 + u32::from(i), named(aarch64::v(i)), None, Place::Slot(aarch64::v(i)));
            }
        }
        Guest::X86_64 => {
            for i in 0..16u8 {
                add(i.into(), named(x86_64::gpr(i)), None, Place::Slot(x86_64::gpr(i)));
            }
            add(16, "rip", Some("pc"), Place::Pc);
            add(17, "rflags", Some("eflags"), Place::Rflags);
            add(18, "fs_base", None, Place::Slot(x86_64::FS_BASE));
            add(19, "gs_base", None, Place::Slot(x86_64::GS_BASE));
            add(20, "mxcsr", None, Place::Mxcsr);
            add(21, "fcw", None, Place::Fcw);
            // The tags belong to the registers that the status word's top says, so they come after it.
            add(22, "fsw", None, Place::Fsw);
            add(23, "ftw", None, Place::Ftw);
            for i in 0..8u8 {
                add(32 + u32::from(i), named(x86_64::st(i)), None, Place::St(x86_64::st(i)));
            }
            for i in 0..16u8 {
                add(64 + u32::from(i), named(x86_64::xmm(i)), None, Place::Slot(x86_64::xmm(i)));
            }
        }
    }
    table
}

/// The register of a name or alias.
pub fn by_name(guest: Guest, name: &str) -> Option<Register> {
    registers(guest).into_iter().find(|register| register.name == name || register.alias == Some(name))
}

/// The register of a number.
pub fn by_id(guest: Guest, id: RegisterId) -> Option<Register> {
    registers(guest).into_iter().find(|register| register.id == id)
}

impl Register {
    /// Reads the register; at most `bytes` bytes are used.
    pub fn read(&self, state: &impl State) -> u128 {
        let bit = |slot: Slot| state.slot(slot) & 1;
        let sign = |slot: Slot| state.slot(slot) >> 63 & 1;
        let fp_flags = || state.slot(Slot::FP_FLAGS) as u32;
        match self.place {
            Place::Slot(slot) => state.slot(slot),
            Place::Pc => state.pc().into(),
            Place::Zero => 0,
            Place::Rflags => {
                let zero = u128::from(state.slot(x86_64::ZF) == 0);
                let parity = u128::from((state.slot(x86_64::PF) as u8).count_ones().is_multiple_of(2));
                bit(x86_64::CF)
                    | 1 << 1
                    | parity << 2
                    | state.slot(x86_64::AF) & 0x10
                    | zero << 6
                    | sign(x86_64::SF) << 7
                    | 1 << 9
                    | bit(x86_64::DF) << 10
                    | sign(x86_64::OF) << 11
                    | state.slot(x86_64::RFLAGS_REST)
            }
            Place::Mxcsr => {
                let neutral = fp_flags();
                state.slot(x86_64::MXCSR) & !0x3f | u128::from(mxcsr_flags(neutral))
            }
            Place::St(slot) => state.slot(slot),
            Place::Fcw => state.slot(x86_64::FCW),
            Place::Fsw => state.slot(x86_64::FSW) | state.slot(x86_64::FTOP) << 11,
            Place::Ftw => {
                (state.slot(x86_64::FTAG) as u8).rotate_left(state.slot(x86_64::FTOP) as u32).into()
            }
            Place::Nzcv => {
                let zero = u128::from(state.slot(aarch64::Z) == 0);
                sign(aarch64::N) << 31 | zero << 30 | bit(aarch64::C) << 29 | bit(aarch64::V) << 28
            }
            Place::Fpcr => state.slot(aarch64::FPCR),
            Place::Fpsr => {
                let neutral = fp_flags();
                u128::from(fpsr_flags(neutral)) | bit(aarch64::QC) << 27
            }
            Place::Fcsr => {
                let mode = state.slot(Slot::FP_ENV) & 7;
                mode << 5 | u128::from(fp_flags() & 0x1f)
            }
        }
    }

    /// Writes the register. Bits that the register does not have are dropped; `zero` drops everything.
    pub fn write(&self, state: &mut impl State, value: u128) {
        let low = value as u64;
        match self.place {
            Place::Slot(slot) => state.set_slot(slot, value & self.mask()),
            Place::Pc => state.set_pc(low),
            Place::Zero => {}
            Place::Rflags => {
                let flag = |bit: u32| u128::from(low >> bit & 1);
                state.set_slot(x86_64::CF, flag(0));
                state.set_slot(x86_64::PF, 1 - flag(2));
                state.set_slot(x86_64::AF, u128::from(low & 0x10));
                state.set_slot(x86_64::ZF, 1 - flag(6));
                state.set_slot(x86_64::SF, flag(7) << 63);
                state.set_slot(x86_64::DF, flag(10));
                state.set_slot(x86_64::OF, flag(11) << 63);
                state.set_slot(x86_64::RFLAGS_REST, u128::from(low & (1 << 18 | 1 << 21)));
            }
            Place::Mxcsr => {
                let value = low as u32 & 0xffff;
                state.set_slot(x86_64::MXCSR, u128::from(value & !0x3f));
                state.set_slot(Slot::FP_FLAGS, u128::from(mxcsr_flags_to_neutral(value)));
                let x87 = state.slot(Slot::FP_ENV) & u128::from(FpEnv::X87_TRAPS);
                state.set_slot(Slot::FP_ENV, u128::from(mxcsr_env(value).0) | x87);
            }
            Place::St(slot) => state.set_slot(slot, value & ((1 << 80) - 1)),
            Place::Fcw => {
                state.set_slot(x86_64::FCW, u128::from(x86_64::control_word(low as u16)));
                let traps = if low & 0x3f != 0x3f { FpEnv::X87_TRAPS } else { 0 };
                let env = state.slot(Slot::FP_ENV) & !u128::from(FpEnv::X87_TRAPS);
                state.set_slot(Slot::FP_ENV, env | u128::from(traps));
                let status = state.slot(x86_64::FSW) as u16;
                state.set_slot(x86_64::FSW, x86_64::summarized(status, low as u16).into());
            }
            Place::Fsw => {
                state.set_slot(x86_64::FTOP, u128::from(low >> 11 & 7));
                let status = x86_64::summarized(low as u16 & !0x3800, state.slot(x86_64::FCW) as u16);
                state.set_slot(x86_64::FSW, status.into());
            }
            Place::Ftw => {
                let top = state.slot(x86_64::FTOP) as u32;
                state.set_slot(x86_64::FTAG, (low as u8).rotate_right(top).into());
            }
            Place::Nzcv => {
                let flag = |bit: u32| u128::from(low >> bit & 1);
                state.set_slot(aarch64::N, flag(31) << 63);
                state.set_slot(aarch64::Z, 1 - flag(30));
                state.set_slot(aarch64::C, flag(29));
                state.set_slot(aarch64::V, flag(28));
            }
            Place::Fpcr => {
                let value = low as u32 & FPCR_MASK;
                state.set_slot(aarch64::FPCR, value.into());
                state.set_slot(Slot::FP_ENV, u128::from(fpcr_env(value).0));
            }
            Place::Fpsr => {
                state.set_slot(aarch64::QC, u128::from(low >> 27 & 1));
                state.set_slot(Slot::FP_FLAGS, u128::from(fpsr_flags_to_neutral(low as u32)));
            }
            Place::Fcsr => {
                state.set_slot(Slot::FP_FLAGS, u128::from(low & 0x1f));
                state.set_slot(Slot::FP_ENV, u128::from(low >> 5 & 7));
            }
        }
    }

    const fn mask(&self) -> u128 {
        if self.bytes == 16 { u128::MAX } else { Type::I64.mask() }
    }
}

/// FPCR bits that xlat implements: DN, FZ, RMode.
pub const FPCR_MASK: u32 = 1 << 25 | 1 << 24 | 3 << 22;

/// The environment of an FPCR value.
pub const fn fpcr_env(fpcr: u32) -> FpEnv {
    // RMode: 0 nearest, 1 plus infinity, 2 minus infinity, 3 zero.
    let rounding = [0, 3, 2, 1][(fpcr >> 22 & 3) as usize];
    let flush = if fpcr >> 24 & 1 != 0 { FpEnv::FLUSH_INPUT | FpEnv::FLUSH_OUTPUT } else { 0 };
    let default_nan = if fpcr >> 25 & 1 != 0 { FpEnv::DEFAULT_NAN } else { 0 };
    FpEnv(rounding | flush | default_nan)
}

/// The environment of an MXCSR value.
pub const fn mxcsr_env(mxcsr: u32) -> FpEnv {
    // RC: 0 nearest, 1 down, 2 up, 3 zero.
    let rounding = [0, 2, 3, 1][(mxcsr >> 13 & 3) as usize];
    let input = if mxcsr >> 6 & 1 != 0 { FpEnv::FLUSH_INPUT } else { 0 };
    // FTZ works only while underflow is masked.
    let output = if mxcsr >> 15 & mxcsr >> 11 & 1 != 0 { FpEnv::FLUSH_OUTPUT } else { 0 };
    let traps = mxcsr_flags_to_neutral(!(mxcsr >> 7) & 0x3f);
    FpEnv(rounding | input | output | traps << FpEnv::TRAP_SHIFT)
}

/// MXCSR order: IE DE ZE OE UE PE, from bit 0.
const MXCSR_ORDER: [u32; 6] =
    [flags::INVALID, flags::DENORMAL, flags::DIV_BY_ZERO, flags::OVERFLOW, flags::UNDERFLOW, flags::INEXACT];
/// FPSR order: IOC DZC OFC UFC IXC, from bit 0; IDC is bit 7.
const FPSR_ORDER: [u32; 5] =
    [flags::INVALID, flags::DIV_BY_ZERO, flags::OVERFLOW, flags::UNDERFLOW, flags::INEXACT];

const fn gather(order: &[u32], neutral: u32) -> u32 {
    let (mut out, mut bit) = (0, 0);
    while bit < order.len() {
        if neutral & order[bit] != 0 {
            out |= 1 << bit;
        }
        bit += 1;
    }
    out
}

const fn scatter(order: &[u32], value: u32) -> u32 {
    let (mut out, mut bit) = (0, 0);
    while bit < order.len() {
        if value >> bit & 1 != 0 {
            out |= order[bit];
        }
        bit += 1;
    }
    out
}

const fn mxcsr_flags(neutral: u32) -> u32 {
    gather(&MXCSR_ORDER, neutral)
}

const fn mxcsr_flags_to_neutral(mxcsr: u32) -> u32 {
    scatter(&MXCSR_ORDER, mxcsr)
}

const fn fpsr_flags(neutral: u32) -> u32 {
    let idc = if neutral & flags::DENORMAL != 0 { 1 << 7 } else { 0 };
    gather(&FPSR_ORDER, neutral) | idc
}

const fn fpsr_flags_to_neutral(fpsr: u32) -> u32 {
    let idc = if fpsr >> 7 & 1 != 0 { flags::DENORMAL } else { 0 };
    scatter(&FPSR_ORDER, fpsr) | idc
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Slots(HashMap<Slot, u128>, u64);

    impl State for Slots {
        fn slot(&self, slot: Slot) -> u128 {
            self.0.get(&slot).copied().unwrap_or(0)
        }
        fn set_slot(&mut self, slot: Slot, value: u128) {
            self.0.insert(slot, value);
        }
        fn pc(&self) -> u64 {
            self.1
        }
        fn set_pc(&mut self, pc: u64) {
            self.1 = pc;
        }
    }

    #[test]
    fn ids_and_names_are_unique() {
        for guest in Guest::ALL {
            let table = registers(guest);
            assert!(table.windows(2).all(|pair| pair[0].id < pair[1].id), "{guest}");
            for register in &table {
                assert_eq!(by_name(guest, register.name).unwrap().id, register.id);
            }
        }
    }

    #[test]
    fn composed_registers_read_back_what_was_written() {
        let cases = [
            (Guest::X86_64, "rflags", 0x8d5 | 0x400 | 1 << 21, 0x8d5 | 0x400 | 0x202 | 1 << 21),
            (Guest::X86_64, "mxcsr", 0xffff, 0xffff),
            (Guest::X86_64, "mxcsr", 0x1f80, 0x1f80),
            (Guest::X86_64, "fcw", 0x37f, 0x37f),
            (Guest::X86_64, "fsw", 0x3a00, 0x3a00),
            (Guest::X86_64, "ftw", 0x81, 0x81),
            (Guest::X86_64, "st7", 1 << 80 | 5, 5),
            (Guest::Aarch64, "nzcv", 0xd000_0000, 0xd000_0000),
            (Guest::Aarch64, "fpcr", 0x03c0_0000, 0x03c0_0000),
            (Guest::Aarch64, "fpsr", 0x0800_009f, 0x0800_009f),
            (Guest::Riscv64, "fcsr", 0xff, 0xff),
            (Guest::Riscv64, "x0", 5, 0),
            (Guest::Riscv64, "pc", 0x1234, 0x1234),
        ];
        for (guest, name, written, expected) in cases {
            let register = by_name(guest, name).unwrap();
            let mut state = Slots::default();
            register.write(&mut state, written);
            assert_eq!(register.read(&state), expected, "{guest} {name}");
        }
    }
}
