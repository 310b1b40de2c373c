//! What a compilation gives: position-independent code and what is needed to place, link, fault and free it.

use super::HostIsa;
use super::sites::MAX_MOVES;
use crate::guest::{FpEnv, Guest};
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::time::Duration;

/// How compiled code reaches guest memory; part of the unit key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum MemoryMode {
    /// One window of host addresses; faults by host page protection.
    Direct,
    /// Inline TLB probes.
    Paged,
}

/// What code may rely on besides the bytes it was made from. A unit runs only where its key holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct UnitKey {
    /// Whose code.
    pub guest: Guest,
    /// The float environment.
    pub env: FpEnv,
    /// Bits of `fp_flags` that are known to be set: any of `float::flags::INEXACT` and `float::flags::DENORMAL`. They
    /// let floats take the fast path.
    pub sticky: u32,
    /// How guest memory is reached.
    pub memory: MemoryMode,
    /// Others may access this memory at the same time.
    pub parallel: bool,
    /// Instructions are counted.
    pub budget: bool,
    /// Identity of the set of hooks that was lifted in.
    pub hooks: u32,
}

impl UnitKey {
    /// That of a new vCPU that is alone in direct memory, without a budget or hooks.
    pub fn plain(guest: Guest) -> UnitKey {
        UnitKey {
            guest,
            env: FpEnv::default(),
            sticky: 0,
            memory: MemoryMode::Direct,
            parallel: false,
            budget: false,
            hooks: 0,
        }
    }

    /// The bits of `sticky` that matter for a guest.
    pub fn sticky_mask(guest: Guest) -> u32 {
        use crate::float::flags;
        match guest {
            Guest::X86_64 => flags::INEXACT | flags::DENORMAL,
            Guest::Aarch64 | Guest::Riscv64 => flags::INEXACT,
        }
    }
}

/// A direct jump out of the unit, to be linked.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LinkSite {
    /// Guest address of the target.
    pub target: u64,
}

/// What happens when the instruction of a fault site faults.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum SiteAction {
    /// Go on at this offset of the unit: the cold block that stores the live state and leaves.
    Cold {
        /// Offset in the unit.
        offset: u32,
    },
    /// The same, once these of the unit's moves are done, all at the same time.
    Moved {
        /// Offset in the unit.
        offset: u32,
        /// The first of the moves.
        first: u32,
        /// How many.
        count: u32,
    },
    /// All state is in its slots: leave with an `Interpret` exit at this guest pc.
    Leave {
        /// Guest address of the instruction.
        pc: u64,
    },
}

/// Where a value is when host code is interrupted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Place {
    /// General register, by its number in the host's encoding.
    General(u8),
    /// Vector register.
    Vector(u8),
    /// On the stack.
    Stack {
        /// From the stack pointer, in bytes.
        offset: i32,
        /// 16 bytes, not 8.
        wide: bool,
    },
}

/// A value that the fault handler moves to where the cold block expects it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Move {
    /// Where it is.
    pub from: Place,
    /// Where it is to be.
    pub to: Place,
}

/// An instruction of the unit that accesses guest memory, or traps instead.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FaultSite {
    /// Its offset in the unit.
    pub offset: u32,
    /// Where a fault leads.
    pub action: SiteAction,
    /// Guest pc at which the interpreter then goes on, if not where the code that it leads to says.
    pub restart: Option<u64>,
}

/// A place in the code to be filled in when the unit is installed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Relocation {
    /// 64-bit address of link slot `index` of the unit.
    LinkSlot {
        /// Offset of the 8 bytes.
        offset: u32,
        /// Index into the unit's links.
        index: u32,
    },
    /// 64-bit address of the unit's counter.
    Counter {
        /// Offset of the 8 bytes.
        offset: u32,
    },
}

/// How code was made; later ones are faster and cost more to make.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Tier {
    /// Copies of stencils, one an instruction.
    Stencils,
    /// A region compiled as a whole.
    Region,
}

/// Compiled code of one region.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CompiledUnit {
    /// Host that it runs on.
    pub isa: HostIsa,
    /// Guest address of the entry.
    pub pc: u64,
    /// What it relies on.
    pub key: UnitKey,
    /// How it was made.
    pub tier: Tier,
    /// The code; the entry is its first byte.
    pub code: Vec<u8>,
    /// How much of it comes before what is hardly ever executed: faults, polls that find something, what the host computes
    /// otherwise than the guest.
    pub hot_bytes: u32,
    /// What to fill in.
    pub relocations: Vec<Relocation>,
    /// Direct jumps out, by index.
    pub links: Vec<LinkSite>,
    /// Entries before it leaves with a `Hot` exit, in units that count them.
    pub counter: Option<i64>,
    /// Sites that may fault, by offset.
    pub sites: Vec<FaultSite>,
    /// What sites move.
    pub moves: Vec<Move>,
    /// Guest addresses whose bytes decided it, sorted and merged.
    pub ranges: Vec<Range<u64>>,
    /// Address and bytes of the blocks that the code compares with memory before it runs them.
    pub checks: Vec<(u64, Box<[u8]>)>,
    /// Guest instructions compiled.
    pub instructions: u32,
    /// Whether it ends at an instruction that it always leaves to the interpreter.
    #[serde(skip)]
    pub interprets: bool,
    /// Whether every dirty register is written back before each access (else cold edges keep state exact).
    pub write_back: bool,
    /// How long it took.
    #[serde(skip)]
    pub compile_time: Duration,
    /// Cranelift's input as text, if it was asked for.
    #[serde(skip)]
    pub clif: Option<String>,
}

impl CompiledUnit {
    /// Bytes of guest code that it was made from.
    pub fn guest_bytes(&self) -> u64 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }

    /// Whether offsets and indices lie where they may, so that it can be installed: a unit that was read from a file.
    pub fn is_sound(&self) -> bool {
        let size = self.code.len() as u64;
        let relocation = |relocation: &Relocation| match *relocation {
            Relocation::LinkSlot { offset, index } => {
                u64::from(offset) + 8 <= size && (index as usize) < self.links.len()
            }
            Relocation::Counter { offset } => u64::from(offset) + 8 <= size && self.counter.is_some(),
        };
        let site = |site: &FaultSite| {
            let target = match site.action {
                SiteAction::Cold { offset } => u64::from(offset),
                SiteAction::Moved { offset, first, count } => {
                    if u64::from(first) + u64::from(count) > self.moves.len() as u64
                        || count as usize > MAX_MOVES
                    {
                        return false;
                    }
                    u64::from(offset)
                }
                SiteAction::Leave { .. } => 0,
            };
            u64::from(site.offset) < size && target < size
        };
        !self.code.is_empty()
            && u64::from(self.hot_bytes) <= size
            && self.relocations.iter().all(relocation)
            && self.sites.iter().all(site)
            && self.sites.is_sorted_by_key(|site| site.offset)
            && self.ranges.iter().all(|range| range.start < range.end)
            && self.ranges.is_sorted_by_key(|range| range.start)
    }
}
