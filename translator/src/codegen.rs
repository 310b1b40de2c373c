//! Regions to host code, through Cranelift.
//!
//! | module | what |
//! | --- | --- |
//! | `compiler` | a Cranelift target; region in, unit out |
//! | `features` | what the host can do beyond its baseline |
//! | `plan` | what is known of a region before: order, dirty and live slots, merges, dominators |
//! | `emit` | the region's frame: slots, blocks and their values; `emit/ways`: polls, budget, links, exits |
//! | `groups`, `late` | restart groups of accesses; values that are made where they are stored |
//! | `cold` | which part of a unit is hardly ever executed |
//! | `ops` | the exhaustive match; `integer`, `vector`, `access` have the lowerings |
//! | `float`, `vector_float`, `doubt` | float ops on the host's arithmetic, and when its result is not certainly the guest's |
//! | `chain` | float arithmetic whose results are looked at together |
//! | `check` | code that may change unnoticed compares its bytes |
//! | `evaluate` | helpers called by host code; any op through the interpreter's function |
//! | `stencil` | the memoised compile of single instructions, and units put together from copies |
//! | `sites` | the proof that a fault finds exact state |
//! | `unit` | what a compilation gives: code, relocations, links, fault sites |
//! | `stubs` | the runtime beside units: helper thunks, the stub of unlinked jumps |
//! | `arena` | executable memory, link slots, and the map from host pc to fault site |
//!
//! # The unit ABI
//! A unit is `extern "tail" fn(state: *mut VcpuState, link: *const LinkSlot) -> u64`; `link` is what the jump that came
//! here went through, and only the arena's `unlinked` stub looks at it. The result is the exit word of
//! [`run::state`](crate::run::state). All guest state is in its slots whenever one unit ends and another begins.

mod access;
pub mod arena;
mod chain;
mod check;
mod cold;
mod compiler;
mod doubt;
mod emit;
mod evaluate;
mod features;
mod float;
mod groups;
mod integer;
mod late;
mod ops;
mod plan;
mod sites;
mod stencil;
mod stubs;
#[cfg(test)]
mod tests;
pub mod unit;
mod vector;
mod vector_float;

pub use arena::{Arena, CounterSlot, InstalledLink, InstalledUnit, LinkSlot, UnitId, Usage, place_size};
pub use compiler::{CompileOptions, Compiler, Options};
pub use evaluate::HelperFn;
pub use features::HostFeatures;
pub use sites::MAX_MOVES;
pub use stencil::{Assembly, Keeper, NotAssembled, StencilStats, Stencils, Trace, is_kept};
pub use stubs::{Helpers, Runtime};
pub use unit::{CompiledUnit, FaultSite, LinkSite, MemoryMode, Move, Place, SiteAction, Tier, UnitKey};

use std::fmt;

/// A host instruction set that code can be made for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub enum HostIsa {
    /// x86-64 with SSE4.2 at least.
    X86_64,
    /// Armv8-A.
    Aarch64,
    /// RV64GC; without its V extension, code with guest vectors is interpreted.
    Riscv64,
}

impl HostIsa {
    /// Every host.
    pub const ALL: [HostIsa; 3] = [HostIsa::X86_64, HostIsa::Aarch64, HostIsa::Riscv64];

    /// The one that this program runs on.
    pub const fn native() -> HostIsa {
        if cfg!(target_arch = "x86_64") {
            HostIsa::X86_64
        } else if cfg!(target_arch = "aarch64") {
            HostIsa::Aarch64
        } else {
            HostIsa::Riscv64
        }
    }

    /// The name used in options, files and the C API.
    pub const fn name(self) -> &'static str {
        match self {
            HostIsa::X86_64 => "x86_64",
            HostIsa::Aarch64 => "aarch64",
            HostIsa::Riscv64 => "riscv64",
        }
    }

    /// The host of a name.
    pub fn from_name(name: &str) -> Option<HostIsa> {
        HostIsa::ALL.into_iter().find(|isa| isa.name() == name)
    }
}

impl fmt::Display for HostIsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why host code could not be made or placed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The host lacks what generated code needs.
    #[error("host {isa}: {what}")]
    Host {
        /// Which.
        isa: HostIsa,
        /// What is missing.
        what: String,
    },
    /// Cranelift refused a function; a bug in xlat or a limit of the region's size.
    #[error("compiling the region at {pc:#x}: {what}")]
    Compile {
        /// Guest address of the region.
        pc: u64,
        /// Cranelift's words.
        what: String,
    },
    /// No memory for code: a system call failed.
    #[error("code arena of {size:#x} bytes: {call}: {}", std::io::Error::from_raw_os_error(*errno))]
    Arena {
        /// Size asked for.
        size: usize,
        /// System call.
        call: &'static str,
        /// Host error number.
        errno: i32,
    },
    /// The arena has no room left for this unit; free units and try again.
    #[error("the code arena is full: {wanted} bytes wanted, {free} of {size} free")]
    ArenaFull {
        /// Bytes of the unit.
        wanted: usize,
        /// Bytes that are free, not in one piece.
        free: usize,
        /// Size of the arena.
        size: usize,
    },
    /// No link slot is left; free units and try again.
    #[error("all {slots} link slots of the code arena are in use")]
    LinksFull {
        /// How many there are.
        slots: usize,
    },
    /// The unit was compiled for another host.
    #[error("a unit for {unit} cannot be installed on {host}")]
    WrongHost {
        /// Host of the unit.
        unit: HostIsa,
        /// This host.
        host: HostIsa,
    },
}
