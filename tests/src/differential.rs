//! Random programs of each guest on the interpreter, as compiled code, and on a reference: everything must be equal.
//!
//! | module | what |
//! | --- | --- |
//! | `generate` | random programs and states |
//! | `floats` | every float operation in every float environment, on special values |
//! | `machine` | xlat: a machine that runs one case after the other |
//! | `reference` | `oracles/programs.c`, natively or on qemu-user |
//! | `unicorn` | what Unicorn, the second reference, can judge |
//! | `judged` | what the reference has a say in, and why not in the rest |
//! | `check` | one case everywhere, and the report of what differs |
//! | `shrink` | the smaller case that the report is about |
//!
//! All of them see the same small world: code at [`CODE`] in a page filled with breakpoints, a writable page at [`DATA`]
//! with a read-only one behind it, and nothing else.

pub mod check;
pub mod floats;
pub mod generate;
mod judged;
pub mod machine;
pub mod reference;
mod shrink;
pub mod unicorn;

use translator::guest::Guest;
use translator::ir::Slot;

/// First address of the writable page; behind it a read-only page of zeros, behind that nothing.
pub const DATA: u64 = 0x1000_0000;
/// Where code is.
pub const CODE: u64 = 0x2000_0000;
/// Size of a page.
pub const PAGE: usize = 4096;
/// Most bytes of code.
pub const CODE_BYTES: usize = 512;
/// No program is followed longer than this.
pub const LONGEST_RUN: u64 = 20_000;

/// Registers and memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct State {
    /// The guest pc.
    pub pc: u64,
    /// Every slot of the register file.
    pub slots: Vec<u128>,
    /// The writable page.
    pub data: Vec<u8>,
}

impl translator::guest::registers::State for State {
    fn slot(&self, slot: Slot) -> u128 {
        self.slots[slot.index()]
    }

    fn set_slot(&mut self, slot: Slot, value: u128) {
        self.slots[slot.index()] = value;
    }

    fn pc(&self) -> u64 {
        self.pc
    }

    fn set_pc(&mut self, pc: u64) {
        self.pc = pc;
    }
}

/// A program and the state that it starts from.
#[derive(Clone, Debug)]
pub struct Case {
    /// Whose program it is.
    pub guest: Guest,
    /// Its code, which starts at [`CODE`].
    pub code: Vec<u8>,
    /// The state before; the pc is in the code.
    pub state: State,
}

/// A case with the number that reports name it by.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// The number.
    pub number: u64,
    /// Chooses how compiled code runs it: memory mode, budget or none, code that checks itself.
    pub way: u64,
    /// The case.
    pub case: Case,
}

/// The guest's breakpoint instruction, which fills the page behind the code.
pub fn breakpoint(guest: Guest) -> &'static [u8] {
    match guest {
        Guest::X86_64 => &[0xcc],
        Guest::Aarch64 => &[0x00, 0x00, 0x20, 0xd4],
        Guest::Riscv64 => &[0x02, 0x90],
    }
}

/// `code` and breakpoints behind it, `size` bytes in all.
pub fn with_breakpoints(guest: Guest, code: &[u8], size: usize) -> Vec<u8> {
    let filler = breakpoint(guest);
    let filler = filler.iter().copied().cycle().skip(code.len() % filler.len());
    code.iter().copied().chain(filler).take(size).collect()
}
