//! Guest address spaces: mappings, permissions, code pages, and every access to guest memory that is not compiled.
//!
//! | module | what |
//! | --- | --- |
//! | `regions` | the interval map of guest mappings and the address allocator; no host memory |
//! | `host` | host mappings: the reserved window of direct mode, blocks of paged mode |
//! | `mapping` | map, unmap, protect, discard |
//! | `remap` | changing length and place of a mapping |
//! | `touch` | the instructions that touch guest memory |
//! | `access` | loads, stores and atomics of the interpreter and of helpers |
//! | `bulk` | reads and writes by the host program, pointers for system calls |
//! | `code` | which pages have translated code, and what happens when they are written |
//! | `tlb` | TLB entries of paged mode |
//!
//! # The two modes
//! In *direct* mode guest address `a` is host address `base + a` inside a reserved window (inaccessible where nothing
//! is mapped, guarded on both sides), and the host's page protection is the guest's, without execution and without
//! writing where code is watched. In *paged* mode each mapping lies anywhere in host memory, compiled code finds it
//! through a TLB that [`Memory::tlb_entry`] fills, and protections exist in the region map only. One interval map
//! serves both modes; it takes the place of a page table, as mappings are few and long and TLBs hide its cost.
//!
//! # Backing: what snapshots and fork rely on
//! Private guest memory is private host memory (`MAP_PRIVATE`, anonymous or of a file), in both modes, so `fork`
//! copies it and no byte of it is ever shared between two processes. Only what the guest maps as shared is
//! `MAP_SHARED`. A snapshot is to be page-level copy-on-write inside one process, with the mechanism that watches
//! code: a page of a snapshot is write-protected (direct) or has no write TLB entry (paged), and its first store
//! comes here, where the page can be copied aside. Nothing relies on a file behind private memory, so there is no
//! descriptor to lose, to exhaust or to show to the guest.
//!
//! # Locks
//! `changes` serialises calls that change mappings. `state` (read-write) protects the region map and the table of code
//! pages; accesses hold it for reading while they touch memory, so no mapping disappears under them. [`Listener`]
//! methods are called with `state` free. They must not call mapping functions, and nobody may call a mapping function,
//! a store, [`Memory::watch_code`] or a [`CodeReader`] while holding a lock that the listener takes;
//! [`Memory::is_current`] and [`Memory::unwatch_code`] are allowed there.
//!
//! # Invariants
//! * No access through this module crashes xlat, whatever the address and whatever other threads map.
//! * Host protection never allows what guest protection forbids.
//! * Once a listener's `invalidate_code` has returned, the caller may change the bytes: no translation of them that
//!   was begun before is current.

#[allow(unsafe_code, reason = "the module whose work it is to touch guest memory")]
mod access;
#[allow(unsafe_code, reason = "the module whose work it is to touch guest memory")]
mod bulk;
mod code;
#[allow(unsafe_code, reason = "host system calls on guest memory")]
mod host;
#[allow(unsafe_code, reason = "host system calls on guest memory")]
mod mapping;
mod regions;
mod remap;
#[cfg(test)]
#[allow(unsafe_code, reason = "tests play the host program and the signal handler")]
mod tests;
mod tlb;
#[allow(unsafe_code, reason = "the instructions that touch guest memory")]
mod touch;

pub use bulk::{HostSlice, HostWrite, Partial, Permissions};
pub use code::{CodePage, CodeReader, CodeWatch};
pub use mapping::{MapOptions, Placement, Source};
pub use regions::{Prot, RegionInfo, RegionKind};
pub use remap::Move;
pub use touch::recover;

use crate::ir::Access;
use code::CodePages;
use host::Window;
use regions::{Objects, Regions};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use std::time::Duration;

/// Size of a guest page.
pub const PAGE_SIZE: u64 = 4096;

/// Inaccessible host memory before and behind the window of direct mode. No access of compiled code is longer.
pub const GUARD_SIZE: u64 = 64 << 10;

/// Why an access faults.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultKind {
    /// Nothing is mapped there.
    Unmapped,
    /// Mapped, without the permission; or mapped from a file that ends before (the host's SIGBUS).
    Permission,
    /// The access must be aligned and is not.
    Misaligned,
}

/// A guest memory fault.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Fault {
    /// Guest address of the first byte that faults.
    pub addr: u64,
    /// Kind of access.
    pub access: Access,
    /// Size of the access in bytes.
    pub size: u32,
    /// The reason.
    pub kind: FaultKind,
}

/// How guest addresses become host addresses.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Mode {
    /// A reserved window of host addresses; host page protection does the checking.
    Direct,
    /// A software TLB over mappings anywhere in host memory.
    Paged,
}

/// Settings of an address space.
#[derive(Clone, Debug)]
pub struct Options {
    /// Direct mode: size of the window in bytes, a multiple of the page size; `None` takes the largest power of two
    /// that the host gives, at most 2^47.
    pub window: Option<u64>,
    /// Lowest address that [`Memory::find_free`] gives.
    pub lowest: u64,
    /// Address behind the last that [`Memory::find_free`] gives, clamped to the address space.
    pub highest: u64,
    /// How often a page with translated code may be written before its units check themselves instead; 0: they always do.
    pub writes_until_self_checking: u32,
    /// How long a page with translated code must be left alone for one write less to count. It is also a measure of how
    /// long units check themselves before it is tried whether stores to their page can be watched again.
    pub write_memory: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            window: None,
            lowest: 0x1_0000,
            highest: 1 << 47,
            writes_until_self_checking: 8,
            write_memory: Duration::from_millis(100),
        }
    }
}

/// Misuse of the memory functions, or a refusal of the host. Whatever it is, no mapping has changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// A length of zero.
    #[error("{0}: the length is zero")]
    ZeroLength(&'static str),
    /// An address, length, offset or pointer is not a multiple of the page size.
    #[error("{what} {value:#x} is not a multiple of the page size")]
    Misaligned {
        /// Which value.
        what: &'static str,
        /// The value.
        value: u64,
    },
    /// The range wraps around or ends above the highest guest address.
    #[error("{len:#x} bytes at {addr:#x} do not fit the guest's address space, which ends at {last:#x}")]
    OutOfRange {
        /// Guest address.
        addr: u64,
        /// Length.
        len: u64,
        /// Highest guest address.
        last: u64,
    },
    /// Something is mapped where nothing may be replaced.
    #[error("{len:#x} bytes at {addr:#x} overlap the mapping at {at:#x}")]
    Overlap {
        /// Guest address.
        addr: u64,
        /// Length.
        len: u64,
        /// First address that is mapped.
        at: u64,
    },
    /// Nothing is mapped where something must be.
    #[error("nothing is mapped at {addr:#x}")]
    NotMapped {
        /// First address that is not mapped.
        addr: u64,
    },
    /// The mapping can never have this permission (a shared file that was opened for reading only).
    #[error("the mapping at {addr:#x} cannot be made writable")]
    NotPermitted {
        /// Guest address.
        addr: u64,
    },
    /// No free range of this length.
    #[error("no {len:#x} bytes of guest address space are free")]
    NoSpace {
        /// Length.
        len: u64,
    },
    /// The host refused.
    #[error("{call} of {len:#x} bytes failed: {}", std::io::Error::from_raw_os_error(*errno))]
    Host {
        /// Host system call.
        call: &'static str,
        /// Length.
        len: u64,
        /// Host error number.
        errno: i32,
    },
    /// Not possible in this mode or on this host.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl Error {
    /// The Linux error number that says the same.
    pub fn errno(&self) -> i32 {
        match self {
            Error::ZeroLength(_) | Error::Misaligned { .. } | Error::Unsupported(_) => libc::EINVAL,
            Error::OutOfRange { .. } | Error::NotMapped { .. } | Error::NoSpace { .. } => libc::ENOMEM,
            Error::Overlap { .. } => libc::EEXIST,
            Error::NotPermitted { .. } => libc::EACCES,
            Error::Host { errno, .. } => *errno,
        }
    }
}

/// What the run loop does when memory changes under translated code. See the module's rules about locks.
pub trait Listener: Send + Sync {
    /// Drops every unit translated from bytes of these guest ranges. When it returns, no vCPU runs any of them, and no
    /// translation whose [`CodeWatch`] is not current gets published. The ranges are whole pages.
    fn invalidate_code(&self, ranges: &[Range<u64>]);

    /// Mappings, protections or watches changed (paged mode): when it returns, no vCPU uses a TLB entry that was
    /// filled before.
    fn mappings_changed(&self);
}

/// A guest address space, shared by all vCPUs of a machine.
pub struct Memory {
    mode: Mode,
    window: Option<Window>,
    last: u64,
    lowest: u64,
    highest: u64,
    writes_until_self_checking: u32,
    write_memory: Duration,
    changes: Mutex<()>,
    state: RwLock<State>,
    generation: AtomicU64,
    listener: OnceLock<Weak<dyn Listener>>,
}

/// What `Memory::state` protects.
#[derive(Default)]
struct State {
    regions: Regions,
    objects: Objects,
    code: CodePages,
}

impl Memory {
    /// Makes an empty address space.
    ///
    /// # Errors
    /// Direct mode: the host's pages are not 4 KiB, the window's size is not a multiple of the page size, or the host
    /// has no such range of addresses.
    pub fn new(mode: Mode, options: &Options) -> Result<Memory, Error> {
        let window = match mode {
            Mode::Direct => Some(Window::reserve(options.window)?),
            Mode::Paged => None,
        };
        let last = window.as_ref().map_or(u64::MAX, Window::last);
        let highest = options.highest.min(last & !(PAGE_SIZE - 1)) & !(PAGE_SIZE - 1);
        Ok(Memory {
            mode,
            window,
            last,
            lowest: options.lowest.next_multiple_of(PAGE_SIZE).min(highest),
            highest,
            writes_until_self_checking: options.writes_until_self_checking,
            write_memory: options.write_memory,
            changes: Mutex::new(()),
            state: RwLock::default(),
            generation: AtomicU64::new(1),
            listener: OnceLock::new(),
        })
    }

    /// The mode.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Direct mode: host address of guest address 0. Paged mode: 0.
    pub fn base(&self) -> u64 {
        self.window.as_ref().map_or(0, |window| window.base() as u64)
    }

    /// The highest guest address, inclusive.
    pub fn limit(&self) -> u64 {
        self.last
    }

    /// Sets who is told about changes; the first call counts. Without a listener no code may be running.
    pub fn set_listener(&self, listener: Weak<dyn Listener>) {
        let _ = self.listener.set(listener);
    }

    /// Changes whenever TLB entries filled before may be wrong. A vCPU compares it before it enters host code and
    /// flushes its TLB if it differs from what it was before the oldest entry was filled.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Holds off every change and access by other threads, for `fork`: in both processes all locks are free after the
    /// guard is dropped. To be taken with all vCPUs parked.
    pub fn quiesce(&self) -> Quiet<'_> {
        let changes = self.lock_changes();
        Quiet { _state: self.write_state(), _changes: changes }
    }

    fn lock_changes(&self) -> MutexGuard<'_, ()> {
        crate::leaf_lock::assert_none_held();
        self.changes.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn read_state(&self) -> RwLockReadGuard<'_, State> {
        crate::leaf_lock::assert_none_held();
        self.state.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write_state(&self) -> RwLockWriteGuard<'_, State> {
        crate::leaf_lock::assert_none_held();
        self.state.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn tell_invalidate(&self, ranges: &[Range<u64>]) {
        if ranges.is_empty() {
            return;
        }
        if let Some(listener) = self.listener.get().and_then(Weak::upgrade) {
            listener.invalidate_code(ranges);
        }
    }

    /// Makes old TLB entries unused; direct mode has none.
    fn tell_mappings_changed(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
        if self.mode == Mode::Direct {
            return;
        }
        if let Some(listener) = self.listener.get().and_then(Weak::upgrade) {
            listener.mappings_changed();
        }
    }
}

/// A stopped address space; see [`Memory::quiesce`].
pub struct Quiet<'a> {
    // Dropped in this order.
    _state: RwLockWriteGuard<'a, State>,
    _changes: MutexGuard<'a, ()>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Memory")
            .field("mode", &self.mode)
            .field("base", &self.base())
            .field("limit", &self.last)
            .finish_non_exhaustive()
    }
}
