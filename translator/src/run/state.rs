//! The vCPU state that host code works on: one `repr(C)` struct whose field offsets are the unit ABI.

use super::safepoint::Place;
use crate::guest::{Guest, RegisterFile, SLOT_AREA, SlotInfo};
use crate::ir::Slot;
use std::cell::{RefCell, UnsafeCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

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
}

/// One TLB entry of paged mode.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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
    /// The code from `pc` to the end of its block is no longer what the unit was made from.
    Changed = 9,
    /// [`VcpuState::checks_left`] is used up; go on at `pc`.
    Recheck = 10,
    /// The unit at `pc` has run often enough for the next tier.
    Hot = 11,
}

impl ExitKind {
    /// Names in reports, by number.
    pub const NAMES: [&'static str; 12] = [
        "link",
        "indirect",
        "interpret",
        "syscall",
        "trap",
        "poll",
        "budget",
        "resync",
        "internal",
        "changed",
        "recheck",
        "hot",
    ];
}

/// The state of one vCPU as host code sees it.
#[repr(C, align(64))]
#[derive(Debug)]
pub struct VcpuState {
    /// Sticky word polled by host code; see [`interrupt`].
    pub interrupt: AtomicU32,
    /// Not zero after a helper has panicked: whatever it was to compute is wrong.
    pub failed: u32,
    /// How often units may compare their bytes with memory, at loop heads and entries, before it is looked whether that
    /// is still needed.
    pub checks_left: u32,
    /// Guest pc; valid outside of host code only.
    pub pc: u64,
    /// Direct mode: host address of guest address 0.
    pub memory_base: u64,
    /// Direct mode: highest guest address (inclusive) whose access compiled code may try. Zero while the interrupt word is
    /// not, so that the check of an access is a poll, too; see [`VcpuState::ask`].
    pub memory_limit: AtomicU64,
    /// What `memory_limit` is otherwise.
    pub window_limit: u64,
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
    /// Where the interpreter goes on instead of at the pc that the unit stored: set by the handler of host faults.
    pub restart: Option<u64>,
    /// Guest state slots, laid out by the guest's register file.
    pub slots: Slots,
}

/// The slot area.
#[repr(C, align(64))]
#[derive(Debug, Clone, Copy)]
pub struct Slots(pub [u8; SLOT_AREA]);

impl VcpuState {
    /// A state with every slot zero, no jump cache and no TLB.
    pub fn new() -> VcpuState {
        VcpuState {
            interrupt: AtomicU32::new(0),
            failed: 0,
            checks_left: CHECKS,
            pc: 0,
            memory_base: 0,
            memory_limit: AtomicU64::new(0),
            window_limit: 0,
            budget: 0,
            exit_link: 0,
            jump_cache: std::ptr::null_mut(),
            read_tlb: std::ptr::null_mut(),
            write_tlb: std::ptr::null_mut(),
            helpers: std::ptr::null(),
            vcpu: std::ptr::null_mut(),
            host: [0; 4],
            scratch: [0; 8],
            exclusive_addr: NO_RESERVATION,
            exclusive_size: 0,
            exclusive_value: 0,
            restart: None,
            slots: Slots([0; SLOT_AREA]),
        }
    }

    /// Makes host code return before long, for a reason of [`interrupt`]. Async-signal-safe.
    ///
    /// The word comes first and the limit behind it, as [`StateHandle::open_window`] has it the other way round: so
    /// either the vCPU sees the word before it enters a unit, or the limit stays zero in that unit.
    pub fn ask(interrupt: &AtomicU32, memory_limit: &AtomicU64, reason: u32) {
        interrupt.fetch_or(reason, Ordering::SeqCst);
        memory_limit.store(0, Ordering::SeqCst);
    }

    /// After an exit from host code: the pc is where the handler of host faults says, if there was a fault.
    pub fn apply_restart(&mut self) {
        if let Some(pc) = self.restart.take() {
            self.pc = pc;
        }
    }
}

impl Default for VcpuState {
    fn default() -> VcpuState {
        VcpuState::new()
    }
}

/// What [`VcpuState::checks_left`] starts from: some ten milliseconds of a short loop.
pub const CHECKS: u32 = 1 << 22;

/// [`VcpuState::exclusive_addr`] when nothing is reserved.
pub const NO_RESERVATION: u64 = u64::MAX;

/// What other threads may touch of a vCPU, and the memory of the rest.
///
/// The state is behind an `UnsafeCell`: its owner ([`StateHandle`]) and host code work on it, other threads only on the
/// interrupt word and the limit that goes with it.
#[derive(Debug)]
pub struct SharedState {
    state: UnsafeCell<VcpuState>,
    /// Whether the vCPU is in guest code, for those who change it.
    pub place: Place,
}

// SAFETY: other threads than the owner's reach only the atomics: `interrupt()`, `ask()` and `place`. The raw pointers in
// the state are used by the owner's thread alone.
#[allow(unsafe_code, reason = "the state is shared with host code")]
unsafe impl Sync for SharedState {}
// SAFETY: nothing in the state is bound to a thread.
#[allow(unsafe_code, reason = "the state is shared with host code")]
unsafe impl Send for SharedState {}

impl SharedState {
    /// Makes the vCPU leave host code before long, for a reason of [`interrupt`]. Async-signal-safe.
    #[allow(unsafe_code, reason = "the state is shared with host code")]
    pub fn ask(&self, reason: u32) {
        // SAFETY: as for `interrupt`.
        let memory_limit = unsafe { &(*self.state.get()).memory_limit };
        VcpuState::ask(self.interrupt(), memory_limit, reason);
    }

    /// The sticky interrupt word.
    #[allow(unsafe_code, reason = "the state is shared with host code")]
    pub fn interrupt(&self) -> &AtomicU32 {
        // SAFETY: the field is atomic, lives as long as self, and is never borrowed mutably.
        unsafe { &(*self.state.get()).interrupt }
    }
}

thread_local! {
    static RUNNING: RefCell<Option<Arc<SharedState>>> = const { RefCell::new(None) };
}

/// Notes which vCPU the calling thread runs, while it lives; runs may be nested.
#[derive(Debug)]
pub struct Running {
    outer: Option<Arc<SharedState>>,
}

impl Running {
    /// The calling thread runs this vCPU from now on.
    pub fn new(vcpu: &Arc<SharedState>) -> Running {
        Running { outer: RUNNING.replace(Some(vcpu.clone())) }
    }

    /// The vCPU that the calling thread runs.
    pub fn here() -> Option<Arc<SharedState>> {
        RUNNING.with_borrow(Clone::clone)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(vcpu) = RUNNING.replace(self.outer.take()) {
            // It is inside only if the run panicked; nobody must wait for it then.
            vcpu.place.leave();
        }
    }
}

/// The owner's handle: the only one who reads and writes the state outside of host code.
#[derive(Debug)]
pub struct StateHandle {
    shared: Arc<SharedState>,
}

#[allow(unsafe_code, reason = "the state is shared with host code")]
impl StateHandle {
    /// Makes a state.
    pub fn new() -> StateHandle {
        StateHandle {
            shared: Arc::new(SharedState {
                state: UnsafeCell::new(VcpuState::new()),
                place: Place::default(),
            }),
        }
    }

    /// What other threads may keep.
    pub fn shared(&self) -> &Arc<SharedState> {
        &self.shared
    }

    /// The state, for host code.
    pub fn as_ptr(&self) -> *mut VcpuState {
        self.shared.state.get()
    }

    /// The guest pc.
    pub fn pc(&self) -> u64 {
        // SAFETY: the state is live; plain fields are accessed by the owner's thread only. So below.
        unsafe { (*self.as_ptr()).pc }
    }

    /// Sets the guest pc.
    pub fn set_pc(&mut self, pc: u64) {
        // SAFETY: see `pc`.
        unsafe { (*self.as_ptr()).pc = pc }
    }

    /// See [`VcpuState::apply_restart`].
    pub fn apply_restart(&mut self) {
        // SAFETY: see `pc`.
        unsafe { (*self.as_ptr()).apply_restart() }
    }

    /// Instructions left, in budget units.
    pub fn budget(&self) -> i64 {
        // SAFETY: see `pc`.
        unsafe { (*self.as_ptr()).budget }
    }

    /// Sets the instructions left.
    pub fn set_budget(&mut self, budget: i64) {
        // SAFETY: see `pc`.
        unsafe { (*self.as_ptr()).budget = budget }
    }

    /// Lets units check themselves [`CHECKS`] times more before they leave because of it.
    pub fn reset_checks(&mut self) {
        // SAFETY: see `pc`.
        unsafe { (*self.as_ptr()).checks_left = CHECKS }
    }

    /// The link slot that the last `Link` exit wants filled.
    pub fn exit_link(&self) -> u64 {
        // SAFETY: see `pc`.
        unsafe { (*self.as_ptr()).exit_link }
    }

    /// The LL/SC reservation: address, size, value.
    pub fn reservation(&self) -> Option<(u64, u64, u128)> {
        // SAFETY: see `pc`.
        let (addr, size, value) = unsafe {
            let state = self.as_ptr();
            ((*state).exclusive_addr, (*state).exclusive_size, (*state).exclusive_value)
        };
        (addr != NO_RESERVATION).then_some((addr, size, value))
    }

    /// Sets or clears the reservation.
    pub fn set_reservation(&mut self, reservation: Option<(u64, u64, u128)>) {
        let (addr, size, value) = reservation.unwrap_or((NO_RESERVATION, 0, 0));
        // SAFETY: see `pc`.
        unsafe {
            let state = self.as_ptr();
            (*state).exclusive_addr = addr;
            (*state).exclusive_size = size;
            (*state).exclusive_value = value;
        }
    }

    /// Sets the base and the highest address of direct mode.
    pub fn set_memory(&mut self, base: u64, limit: u64) {
        // SAFETY: see `pc`.
        unsafe {
            (*self.as_ptr()).memory_base = base;
            (*self.as_ptr()).window_limit = limit;
        }
    }

    /// Lets compiled code access the window; whether a unit may be entered. It may not if the interrupt word is set.
    #[must_use]
    pub fn open_window(&mut self) -> bool {
        // SAFETY: see `pc`; the limit is atomic.
        let (limit, now) = unsafe { ((*self.as_ptr()).window_limit, &(*self.as_ptr()).memory_limit) };
        if now.load(Ordering::Relaxed) != limit {
            now.store(limit, Ordering::SeqCst);
        }
        self.shared().interrupt().load(Ordering::SeqCst) == 0
    }

    /// Points the state at the tables that host code reads.
    pub fn set_tables(
        &mut self,
        jump_cache: *mut JumpCacheEntry,
        read_tlb: *mut TlbEntry,
        write_tlb: *mut TlbEntry,
        vcpu: *mut std::ffi::c_void,
    ) {
        // SAFETY: see `pc`.
        unsafe {
            let state = self.as_ptr();
            (*state).jump_cache = jump_cache;
            (*state).read_tlb = read_tlb;
            (*state).write_tlb = write_tlb;
            (*state).vcpu = vcpu;
        }
    }

    /// Sets the table of helpers.
    pub fn set_helpers(&mut self, helpers: *const usize) {
        // SAFETY: see `pc`.
        unsafe { (*self.as_ptr()).helpers = helpers }
    }

    /// The value of a slot.
    #[inline]
    pub fn slot(&self, info: &SlotInfo) -> u128 {
        let (at, size) = (info.offset as usize, info.ty.bytes() as usize);
        assert!(at + size <= SLOT_AREA);
        // PERF: one move for each size; with a copy of `size` bytes the interpreter called memcpy for each slot.
        //
        // SAFETY: the range lies in the slot area (just checked) of the live state; see `pc`.
        unsafe {
            let from = (&raw const (*self.as_ptr()).slots).cast::<u8>().add(at);
            match size {
                1 => from.read().into(),
                2 => from.cast::<u16>().read_unaligned().into(),
                4 => from.cast::<u32>().read_unaligned().into(),
                8 => from.cast::<u64>().read_unaligned().into(),
                _ => from.cast::<u128>().read_unaligned(),
            }
        }
    }

    /// Writes a slot; bits above its type are dropped.
    #[inline]
    pub fn set_slot(&mut self, info: &SlotInfo, value: u128) {
        let value = value & info.ty.mask();
        let (at, size) = (info.offset as usize, info.ty.bytes() as usize);
        assert!(at + size <= SLOT_AREA);
        // SAFETY: as in `slot`.
        unsafe {
            let to = (&raw mut (*self.as_ptr()).slots).cast::<u8>().add(at);
            match size {
                1 => to.write(value as u8),
                2 => to.cast::<u16>().write_unaligned(value as u16),
                4 => to.cast::<u32>().write_unaligned(value as u32),
                8 => to.cast::<u64>().write_unaligned(value as u64),
                _ => to.cast::<u128>().write_unaligned(value),
            }
        }
    }
}

impl Default for StateHandle {
    fn default() -> StateHandle {
        StateHandle::new()
    }
}

/// An entry that no look-up at this place of the jump cache matches: it holds an address that is looked for elsewhere.
const fn empty_jump(at: usize) -> JumpCacheEntry {
    JumpCacheEntry { pc: if at == 0 { u64::MAX } else { 0 }, code: 0 }
}

/// The tables that host code probes, owned by one vCPU.
#[derive(Debug)]
pub struct Tables {
    jump_cache: Box<[UnsafeCell<JumpCacheEntry>]>,
    read_tlb: Box<[UnsafeCell<TlbEntry>]>,
    write_tlb: Box<[UnsafeCell<TlbEntry>]>,
}

/// A TLB tag that no page address equals.
pub const EMPTY_TAG: u64 = u64::MAX;

#[allow(unsafe_code, reason = "the tables are shared with host code")]
impl Tables {
    /// Empty tables.
    pub fn new() -> Tables {
        fn table<T: Copy>(entries: usize, empty: T) -> Box<[UnsafeCell<T>]> {
            (0..entries).map(|_| UnsafeCell::new(empty)).collect()
        }
        Tables {
            jump_cache: (0..JUMP_CACHE_ENTRIES).map(|at| UnsafeCell::new(empty_jump(at))).collect(),
            read_tlb: table(TLB_ENTRIES, TlbEntry { tag: EMPTY_TAG, addend: 0 }),
            write_tlb: table(TLB_ENTRIES, TlbEntry { tag: EMPTY_TAG, addend: 0 }),
        }
    }

    /// Addresses of jump cache, read TLB and write TLB.
    pub fn pointers(&self) -> (*mut JumpCacheEntry, *mut TlbEntry, *mut TlbEntry) {
        (self.jump_cache[0].get(), self.read_tlb[0].get(), self.write_tlb[0].get())
    }

    /// Forgets every jump target.
    pub fn flush_jumps(&mut self) {
        for (at, entry) in self.jump_cache.iter_mut().enumerate() {
            *entry.get_mut() = empty_jump(at);
        }
    }

    /// Forgets the jump target of `pc`, which is looked for at `index`.
    pub fn forget_jump(&mut self, index: usize, pc: u64) {
        let index = index % JUMP_CACHE_ENTRIES;
        let entry = self.jump_cache[index].get_mut();
        if entry.pc == pc {
            *entry = empty_jump(index);
        }
    }

    /// Forgets every page.
    pub fn flush_pages(&mut self) {
        for entry in self.read_tlb.iter_mut().chain(&mut self.write_tlb) {
            *entry.get_mut() = TlbEntry { tag: EMPTY_TAG, addend: 0 };
        }
    }

    /// Enters a jump target; whether that pushes another one out.
    pub fn insert_jump(&mut self, index: usize, entry: JumpCacheEntry) -> bool {
        let place = self.jump_cache[index % JUMP_CACHE_ENTRIES].get_mut();
        let old = std::mem::replace(place, entry);
        old.code != 0 && old.pc != entry.pc
    }
}

// SAFETY: the owner and its host code are the only users, on one thread at a time.
#[allow(unsafe_code, reason = "the tables are shared with host code")]
unsafe impl Sync for Tables {}

impl Default for Tables {
    fn default() -> Tables {
        Tables::new()
    }
}

impl Slots {
    /// Value of a slot, zero-extended.
    pub fn get(&self, file: &RegisterFile, slot: Slot) -> u128 {
        let info = file.slot(slot);
        let (at, len) = (info.offset as usize, info.ty.bytes() as usize);
        let mut bytes = [0; 16];
        bytes[..len].copy_from_slice(&self.0[at..at + len]);
        u128::from_le_bytes(bytes)
    }

    /// Writes a slot; bits above its type are ignored.
    pub fn set(&mut self, file: &RegisterFile, slot: Slot, value: u128) {
        let info = file.slot(slot);
        let (at, len) = (info.offset as usize, info.ty.bytes() as usize);
        self.0[at..at + len].copy_from_slice(&(value & info.ty.mask()).to_le_bytes()[..len]);
    }
}
