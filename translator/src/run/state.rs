//! The vCPU state that host code works on: one `repr(C)` struct whose field offsets are the unit ABI.

use crate::guest::{Guest, SLOT_AREA};
use std::sync::atomic::AtomicU32;

/// Bits of [`VcpuState::interrupt`]. Any of them makes host code return at the next poll.
pub mod interrupt {
    /// The host program asked to stop (`Vcpu::interrupt`); sticky until a run reports it.
    pub const STOP: u32 = 1;
    /// An invalidator waits for this vCPU to leave host code.
    pub const SAFEPOINT: u32 = 2;
    /// The unit key changed under the running unit (a float flag became sticky): choose units anew.
    pub const RESELECT: u32 = 4;
}

/// Number of entries of the inline jump cache; a power of two.
pub const JUMP_CACHE_ENTRIES: usize = 4096;

/// Number of entries of the data TLB (paged mode), for each of read and write; a power of two.
pub const TLB_ENTRIES: usize = 256;

/// One entry of the jump cache: units of the vCPU's present unit key only, so a change of the key clears it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct JumpCacheEntry {
    /// Guest pc.
    pub pc: u64,
    /// Host code.
    pub code: u64,
}

impl JumpCacheEntry {
    /// Where generated code looks for `pc`.
    pub const fn index(guest: Guest, pc: u64) -> usize {
        (pc >> guest.instruction_alignment().trailing_zeros()) as usize % JUMP_CACHE_ENTRIES
    }

    /// Empties a jump cache of [`JUMP_CACHE_ENTRIES`] entries.
    pub fn clear(entries: &mut [JumpCacheEntry]) {
        // An entry is empty if it holds an address that is looked for elsewhere: 0 belongs to the first entry, all
        // ones to the last.
        entries.fill(JumpCacheEntry { pc: 0, code: 0 });
        if let Some(first) = entries.first_mut() {
            first.pc = u64::MAX;
        }
    }
}

/// One TLB entry of paged mode.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct TlbEntry {
    /// Guest page address, or a value that no page address equals.
    pub tag: u64,
    /// Host address minus guest address.
    pub addend: u64,
}

/// How host code ended: the low byte of the exit word.
#[repr(u8)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExitKind {
    /// Direct jump that is not linked yet: `pc`, `exit_link`.
    Link = 0,
    /// Indirect jump that missed the jump cache: `pc`.
    Indirect = 1,
    /// Interpret the instruction at `pc`, whose start state is in the slots.
    Interpret = 2,
    /// System call; `pc` is the next instruction.
    Syscall = 3,
    /// Trap number in bits 15:8 of the exit word, at `pc`.
    Trap = 4,
    /// The interrupt word was not zero at a poll; go on at `pc`.
    Poll = 5,
    /// Fewer instructions are left than the next stretch needs; go on at `pc` on the interpreter.
    Budget = 6,
    /// Look at the unit key anew; go on at `pc`.
    Resync = 7,
    /// A helper failed (a bug in xlat).
    Internal = 8,
}

/// The state of one vCPU as host code sees it.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct VcpuState {
    /// Sticky word polled by host code; see [`interrupt`].
    pub interrupt: AtomicU32,
    /// Padding.
    pub reserved: u32,
    /// Guest pc; valid outside of host code only.
    pub pc: u64,
    /// Direct mode: host address of guest address 0.
    pub memory_base: u64,
    /// Direct mode: highest guest address (inclusive) whose access compiled code may try.
    pub memory_limit: u64,
    /// Instructions left (budget units only).
    pub budget: i64,
    /// Address of the link slot to fill after a `Link` exit.
    pub exit_link: u64,
    /// The jump cache, [`JUMP_CACHE_ENTRIES`] entries.
    pub jump_cache: *mut JumpCacheEntry,
    /// Read TLB, [`TLB_ENTRIES`] entries.
    pub read_tlb: *mut TlbEntry,
    /// Write TLB, [`TLB_ENTRIES`] entries.
    pub write_tlb: *mut TlbEntry,
    /// Helper functions called by host code, indexed as codegen numbers them.
    pub helpers: *const usize,
    /// The owner, for helpers: a `*mut` to the run loop's vCPU.
    pub vcpu: *mut std::ffi::c_void,
    /// Host stack pointer and such of the entry trampoline, if it needs them.
    pub host: [u64; 4],
    /// Scratch for helper arguments and results that do not fit registers.
    pub scratch: [u128; 8],
    /// The reservation of LL/SC: address, or `u64::MAX` for none.
    pub exclusive_addr: u64,
    /// Bytes reserved.
    pub exclusive_size: u64,
    /// Value seen.
    pub exclusive_value: u128,
    /// Guest state slots, laid out by the guest's register file.
    pub slots: Slots,
}

/// The slot area.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
pub struct Slots(pub [u8; SLOT_AREA]);
