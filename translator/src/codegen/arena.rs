//! Executable memory: one memfd mapped twice, writable here and executable there, never both at one address.
//!
//! Units are placed where they fit best and freed one by one; free neighbours become one piece. Link slots live in private read-write memory of their own.
//! [`find_site`] answers the signal handler's question, what a host pc means, from atomics only.
//!
//! Invariants: units start at multiples of [`GRANULE`], so a granule belongs to one unit; a granule's pointer is set
//! before the unit's address is given out and cleared before its memory is reused; the caller frees a unit only when
//! no thread can be in it or enter it.
#![allow(unsafe_code, reason = "code memory is mapped, written and described to the signal handler here")]

use super::unit::{CompiledUnit, FaultSite, Move, Relocation, SiteAction};
use super::{Error, HostIsa};
use crate::leaf_lock::{LeafGuard, LeafLock};
use std::collections::{BTreeMap, BTreeSet};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Units start at multiples of this.
pub const GRANULE: usize = 64;

/// A live unit of an arena.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct UnitId(usize);

/// One link slot: what a direct jump between units goes through. Generated code reads both fields.
#[repr(C)]
#[derive(Debug)]
struct SlotMemory {
    /// Where the jump goes: a unit, or the arena's `unlinked` stub.
    code: AtomicU64,
    /// Guest address of the target.
    pc: AtomicU64,
}

/// Address of a link slot, as `VcpuState::exit_link` holds it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct LinkSlot(pub u64);

/// The counter of a unit: a slot whose first field generated code counts down.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CounterSlot(LinkSlot);

/// A link of an installed unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstalledLink {
    /// The slot.
    pub slot: LinkSlot,
    /// Guest address that it leads to.
    pub target: u64,
}

/// A unit in executable memory.
#[derive(Clone, Debug)]
pub struct InstalledUnit {
    /// Its name for [`Arena::free`].
    pub id: UnitId,
    /// Host address to enter or jump to.
    pub entry: u64,
    /// Bytes of code.
    pub size: usize,
    /// Its links, all unlinked.
    pub links: Vec<InstalledLink>,
    /// Its counter of entries, if it has one.
    pub counter: Option<CounterSlot>,
}

/// How full an arena is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Usage {
    /// Bytes of code memory.
    pub bytes: usize,
    /// How many are free.
    pub free_bytes: usize,
    /// Pieces that the free bytes lie in.
    pub pieces: usize,
    /// Bytes of the largest of them.
    pub largest_piece: usize,
    /// Link slots.
    pub slots: usize,
    /// How many are free.
    pub free_slots: usize,
}

/// What the signal handler finds for a host pc.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Landing {
    /// Go on at this host address.
    Cold(usize),
    /// Go on at this host address once the values are moved.
    Moved(usize, &'static [Move]),
    /// Leave the unit with an `Interpret` exit at this guest pc.
    Leave(u64),
}

/// Sites of a unit as the handler reads them; immutable while it is published.
struct SiteTable {
    /// Offset of the unit in the arena.
    start: usize,
    /// By offset, ascending.
    sites: Box<[FaultSite]>,
    /// The moves that sites refer to.
    moves: Box<[Move]>,
}

/// Memory that this process has mapped at an address of the kernel's choice.
struct Mapping {
    at: NonNull<u8>,
    len: usize,
}

impl Mapping {
    fn new(len: usize, protection: i32, flags: i32, fd: i32) -> Option<Mapping> {
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let at = unsafe { libc::mmap(ptr::null_mut(), len, protection, flags, fd, 0) };
        if at == libc::MAP_FAILED { None } else { Some(Mapping { at: NonNull::new(at)?.cast(), len }) }
    }

    fn address(&self) -> usize {
        self.at.as_ptr() as usize
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length; its owner has no pointer into it any more.
        unsafe { libc::munmap(self.at.as_ptr().cast(), self.len) };
    }
}

struct UnitRecord {
    size: usize,
    links: Vec<LinkSlot>,
}

struct Inner {
    /// Free pieces: length by offset.
    free: BTreeMap<usize, usize>,
    /// The same by length and offset.
    ///
    /// PERF: the first piece that was large enough, found by walking `free`, took longer with every hole that evicted
    /// units left.
    free_by_length: BTreeSet<(usize, usize)>,
    free_bytes: usize,
    units: BTreeMap<usize, UnitRecord>,
    free_slots: Vec<u32>,
    slots_made: usize,
}

/// Executable memory of one engine.
pub struct Arena {
    size: usize,
    writable: Mapping,
    executable: Mapping,
    slots: Mapping,
    slot_count: usize,
    /// One pointer a granule. Mapped, not allocated: most of it is never touched, and a refusal is an error.
    granules: Mapping,
    /// Samples in each granule, as [`count_sample`] counts them. Mapped likewise.
    samples: Mapping,
    node: &'static Node,
    inner: LeafLock<Inner>,
    unlinked: AtomicU64,
}

// SAFETY: the mappings belong to the arena alone; memory behind them is written under the lock, or is atomic.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    /// Maps an arena of `size` bytes of code (rounded up to pages) with room for `slots` links.
    ///
    /// # Errors
    /// [`Error::Arena`] if the host gives no such memory.
    pub fn new(size: usize, slots: usize) -> Result<Arena, Error> {
        let page = page_size();
        let size = size.clamp(page, isize::MAX as usize).next_multiple_of(page);
        let slot_bytes = (slots.max(1) * size_of::<SlotMemory>()).next_multiple_of(page);
        let failed = |call| Error::Arena {
            size,
            call,
            errno: std::io::Error::last_os_error().raw_os_error().unwrap_or(0),
        };
        // SAFETY: a constant name; the result is checked.
        let fd = unsafe { libc::memfd_create(c"xlat-code".as_ptr(), libc::MFD_CLOEXEC) };
        if fd < 0 {
            return Err(failed("memfd_create"));
        }
        // SAFETY: `fd` was just opened and nobody else knows it.
        let fd = unsafe { <std::os::fd::OwnedFd as std::os::fd::FromRawFd>::from_raw_fd(fd) };
        let raw = std::os::fd::AsRawFd::as_raw_fd(&fd);
        // SAFETY: a call on an open descriptor.
        if unsafe { libc::ftruncate(raw, size as libc::off_t) } != 0 {
            return Err(failed("ftruncate"));
        }
        let map = |len, protection, flags, fd| {
            Mapping::new(len, protection, flags, fd).ok_or_else(|| failed("mmap"))
        };
        let (read_write, private) = (
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE,
        );
        let writable = map(size, read_write, libc::MAP_SHARED, raw)?;
        let executable = map(size, libc::PROT_READ | libc::PROT_EXEC, libc::MAP_SHARED, raw)?;
        let slots = map(slot_bytes, read_write, private, -1)?;
        let granule_bytes = size / GRANULE * size_of::<AtomicPtr<SiteTable>>();
        let granules = map(granule_bytes.next_multiple_of(page), read_write, private, -1)?;
        let sample_bytes = size / GRANULE * size_of::<AtomicU32>();
        let samples = map(sample_bytes.next_multiple_of(page), read_write, private, -1)?;
        let node = Node::publish(
            executable.address(),
            size,
            granules.at.as_ptr().cast(),
            samples.at.as_ptr().cast(),
        );
        Ok(Arena {
            size,
            writable,
            executable,
            slots,
            slot_count: slot_bytes / size_of::<SlotMemory>(),
            granules,
            samples,
            node,
            inner: LeafLock::new(Inner {
                free: BTreeMap::from([(0, size)]),
                free_by_length: BTreeSet::from([(size, 0)]),
                free_bytes: size,
                units: BTreeMap::new(),
                free_slots: Vec::new(),
                slots_made: 0,
            }),
            unlinked: AtomicU64::new(0),
        })
    }

    /// Sets the stub that unlinked slots lead to. To be called before the first unit with links is installed.
    pub fn set_unlinked(&self, stub: u64) {
        self.unlinked.store(stub, Ordering::Release);
    }

    /// How full it is.
    pub fn usage(&self) -> Usage {
        let inner = self.lock();
        Usage {
            bytes: self.size,
            free_bytes: inner.free_bytes,
            pieces: inner.free.len(),
            largest_piece: inner.free_by_length.last().map_or(0, |piece| piece.0),
            slots: self.slot_count,
            free_slots: inner.free_slots.len() + (self.slot_count - inner.slots_made),
        }
    }

    /// Copies a unit into place and fills its relocations in. Nothing jumps to it before the caller gives its entry
    /// away.
    ///
    /// # Errors
    /// The arena or its link slots are full, or the unit is for another host. Nothing has changed then.
    pub fn install(&self, unit: &CompiledUnit) -> Result<InstalledUnit, Error> {
        if unit.isa != HostIsa::native() {
            return Err(Error::WrongHost { unit: unit.isa, host: HostIsa::native() });
        }
        let mut inner = self.lock();
        if inner.free_slots.len() + (self.slot_count - inner.slots_made)
            < unit.links.len() + usize::from(unit.counter.is_some())
        {
            return Err(Error::LinksFull { slots: self.slot_count });
        }
        let (offset, size) = inner.allocate(unit.code.len()).ok_or(Error::ArenaFull {
            wanted: unit.code.len(),
            free: inner.free_bytes,
            size: self.size,
        })?;
        let mut code = unit.code.clone();
        let links: Vec<InstalledLink> = unit
            .links
            .iter()
            .map(|link| InstalledLink { slot: self.take_slot(&mut inner, link.target), target: link.target })
            .collect();
        let counter = unit.counter.map(|entries| {
            let slot = self.take_slot(&mut inner, unit.pc);
            self.slot(slot).code.store(entries as u64, Ordering::Relaxed);
            CounterSlot(slot)
        });
        for relocation in &unit.relocations {
            let (offset, address) = match *relocation {
                Relocation::LinkSlot { offset, index } => (offset, links[index as usize].slot.0),
                Relocation::Counter { offset } => (offset, counter.expect("a unit that counts").0.0),
            };
            code[offset as usize..offset as usize + 8].copy_from_slice(&address.to_le_bytes());
        }
        let entry = self.write(offset, &code);
        let mut sites = unit.sites.clone();
        sites.sort_unstable_by_key(|site| site.offset);
        self.describe(offset, size, sites, &unit.moves);
        let slots = links.iter().map(|link| link.slot).chain(counter.map(|counter| counter.0)).collect();
        inner.units.insert(offset, UnitRecord { size, links: slots });
        Ok(InstalledUnit { id: UnitId(offset), entry, size: unit.code.len(), links, counter })
    }

    /// Gives the memory and the link slots of a unit back. No thread may be in it, no slot or jump cache may lead to it.
    ///
    /// # Panics
    /// If there is no such unit: it was freed before.
    pub fn free(&self, id: UnitId) {
        let mut inner = self.lock();
        let record = inner.units.remove(&id.0).expect("a live unit");
        self.forget(id.0, record.size);
        for count in &self.sample_counts()[id.0 / GRANULE..(id.0 + record.size) / GRANULE] {
            // Pages that no sample fell into stay untouched.
            if count.load(Ordering::Relaxed) != 0 {
                count.store(0, Ordering::Relaxed);
            }
        }
        for slot in record.links {
            let index = (slot.0 as usize - self.slots.address()) / size_of::<SlotMemory>();
            inner.free_slots.push(index as u32);
        }
        inner.release(id.0, record.size);
    }

    /// How often a unit was found running since it was installed; see [`count_sample`].
    pub fn samples(&self, unit: &InstalledUnit) -> u64 {
        let first = unit.id.0 / GRANULE;
        let granules = first..first + unit.size.div_ceil(GRANULE);
        self.sample_counts()[granules].iter().map(|count| u64::from(count.load(Ordering::Relaxed))).sum()
    }

    fn sample_counts(&self) -> &[AtomicU32] {
        // SAFETY: the mapping holds that many counters, zero to begin with, and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.samples.at.as_ptr().cast(), self.size / GRANULE) }
    }

    /// Lets a link lead to a unit's entry. A vCPU that is running sees it sooner or later.
    pub fn link(&self, slot: LinkSlot, entry: u64) {
        self.slot(slot).code.store(entry, Ordering::Release);
    }

    /// How many entries a unit has left before its next `Hot` exit; negative behind that.
    pub fn counter(&self, counter: CounterSlot) -> i64 {
        self.slot(counter.0).code.load(Ordering::Relaxed) as i64
    }

    /// Sets how many entries a unit counts before its next `Hot` exit.
    pub fn set_counter(&self, counter: CounterSlot, entries: i64) {
        self.slot(counter.0).code.store(entries as u64, Ordering::Relaxed);
    }

    /// Lets a link lead out to the dispatcher again.
    pub fn unlink(&self, slot: LinkSlot) {
        self.link(slot, self.unlinked.load(Ordering::Acquire));
    }

    /// Where a link leads at present; `None` if it is unlinked.
    pub fn linked(&self, slot: LinkSlot) -> Option<u64> {
        let code = self.slot(slot).code.load(Ordering::Acquire);
        (code != self.unlinked.load(Ordering::Acquire)).then_some(code)
    }

    /// The memory of a slot.
    fn slot(&self, slot: LinkSlot) -> &SlotMemory {
        let offset = (slot.0 as usize).wrapping_sub(self.slots.address());
        let index = offset / size_of::<SlotMemory>();
        assert!(index < self.slot_count && offset.is_multiple_of(size_of::<SlotMemory>()), "not a link slot");
        // SAFETY: `index` is below the number of slots in the mapping, which lives as long as `self`; its fields are
        // atomic.
        unsafe { self.slots.at.cast::<SlotMemory>().add(index).as_ref() }
    }

    fn take_slot(&self, inner: &mut Inner, target: u64) -> LinkSlot {
        let index = inner.free_slots.pop().map_or_else(
            || {
                inner.slots_made += 1;
                inner.slots_made - 1
            },
            |index| index as usize,
        );
        let slot = LinkSlot((self.slots.address() + index * size_of::<SlotMemory>()) as u64);
        self.slot(slot).pc.store(target, Ordering::Relaxed);
        self.unlink(slot);
        slot
    }

    /// Writes code through the writable mapping and makes it visible to instruction fetch; its executable address.
    fn write(&self, offset: usize, code: &[u8]) -> u64 {
        assert!(offset + code.len() <= self.size);
        // SAFETY: the range lies in the writable mapping and was just allocated, so that nobody reads or runs it.
        unsafe { ptr::copy_nonoverlapping(code.as_ptr(), self.writable.at.as_ptr().add(offset), code.len()) };
        let entry = self.executable.address() + offset;
        synchronize_instruction_fetch(entry, code.len());
        entry as u64
    }

    /// Publishes the sites of a new unit to the signal handler.
    fn describe(&self, start: usize, size: usize, sites: Vec<FaultSite>, moves: &[Move]) {
        if sites.is_empty() {
            return;
        }
        let (sites, moves) = (sites.into_boxed_slice(), moves.into());
        let table = Box::into_raw(Box::new(SiteTable { start, sites, moves }));
        for granule in &self.granules()[start / GRANULE..(start + size) / GRANULE] {
            granule.store(table, Ordering::Release);
        }
    }

    fn forget(&self, start: usize, size: usize) {
        let mut table = ptr::null_mut();
        for granule in &self.granules()[start / GRANULE..(start + size) / GRANULE] {
            table = granule.swap(ptr::null_mut(), Ordering::AcqRel);
        }
        if !table.is_null() {
            // SAFETY: made by `describe` for just these granules; no handler looks at it, because no thread is in the
            // unit (contract of `free`).
            drop(unsafe { Box::from_raw(table) });
        }
    }

    fn granules(&self) -> &[AtomicPtr<SiteTable>] {
        // SAFETY: the mapping holds that many pointers, null to begin with, and lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.granules.at.as_ptr().cast(), self.size / GRANULE) }
    }

    fn lock(&self) -> LeafGuard<'_, Inner> {
        self.inner.lock()
    }
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.node.retire();
        let units: Vec<(usize, usize)> =
            self.lock().units.iter().map(|(&offset, record)| (offset, record.size)).collect();
        for (offset, size) in units {
            self.forget(offset, size);
        }
        // The mappings go with their fields; the arena's owner has no vCPU left that runs in it.
    }
}

impl std::fmt::Debug for Arena {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arena")
            .field("size", &self.size)
            .field("executable", &self.executable.at)
            .finish_non_exhaustive()
    }
}

/// Bytes that a unit of so much code takes in an arena.
pub fn place_size(code: usize) -> usize {
    code.max(1).next_multiple_of(GRANULE)
}

impl Inner {
    /// Best fit: offset and size of a piece for so much code, out of the shortest that is long enough.
    fn allocate(&mut self, code: usize) -> Option<(usize, usize)> {
        let size = place_size(code);
        let &(length, offset) = self.free_by_length.range((size, 0)..).next()?;
        self.take_piece(offset, length);
        if length > size {
            self.add_piece(offset + size, length - size);
        }
        self.free_bytes -= size;
        Some((offset, size))
    }

    fn release(&mut self, offset: usize, size: usize) {
        self.free_bytes += size;
        let (mut start, mut length) = (offset, size);
        if let Some(&behind) = self.free.get(&(offset + size)) {
            self.take_piece(offset + size, behind);
            length += behind;
        }
        if let Some((&before, &before_length)) = self.free.range(..offset).next_back()
            && before + before_length == offset
        {
            self.take_piece(before, before_length);
            start = before;
            length += before_length;
        }
        self.add_piece(start, length);
    }

    fn take_piece(&mut self, offset: usize, length: usize) {
        self.free.remove(&offset);
        self.free_by_length.remove(&(length, offset));
    }

    fn add_piece(&mut self, offset: usize, length: usize) {
        self.free.insert(offset, length);
        self.free_by_length.insert((length, offset));
    }
}

/// One arena in the list that the signal handler walks. Nodes are never freed, only used again.
struct Node {
    start: AtomicUsize,
    size: AtomicUsize,
    granules: AtomicPtr<AtomicPtr<SiteTable>>,
    samples: AtomicPtr<AtomicU32>,
    next: AtomicPtr<Node>,
}

static ARENAS: AtomicPtr<Node> = AtomicPtr::new(ptr::null_mut());
static NODES: Mutex<()> = Mutex::new(());

impl Node {
    fn publish(
        start: usize,
        size: usize,
        granules: *const AtomicPtr<SiteTable>,
        samples: *const AtomicU32,
    ) -> &'static Node {
        let _guard = NODES.lock().unwrap_or_else(PoisonError::into_inner);
        let mut node = ARENAS.load(Ordering::Acquire);
        // SAFETY: nodes are leaked boxes, valid for ever.
        while let Some(known) = unsafe { node.as_ref() } {
            if known.size.load(Ordering::Acquire) == 0 {
                known.granules.store(granules.cast_mut(), Ordering::Release);
                known.samples.store(samples.cast_mut(), Ordering::Release);
                known.start.store(start, Ordering::Release);
                known.size.store(size, Ordering::Release);
                return known;
            }
            node = known.next.load(Ordering::Acquire);
        }
        let node: &'static Node = Box::leak(Box::new(Node {
            start: AtomicUsize::new(start),
            size: AtomicUsize::new(size),
            granules: AtomicPtr::new(granules.cast_mut()),
            samples: AtomicPtr::new(samples.cast_mut()),
            next: AtomicPtr::new(ARENAS.load(Ordering::Acquire)),
        }));
        ARENAS.store(ptr::from_ref(node).cast_mut(), Ordering::Release);
        node
    }

    fn retire(&self) {
        self.size.store(0, Ordering::Release);
    }
}

/// What a fault at host address `pc` means, or `None` if that is no guest access of compiled code.
///
/// Async-signal-safe: it reads atomics and tables that do not change while a thread is in the unit.
pub fn find_site(pc: usize) -> Option<(Landing, Option<u64>)> {
    let mut node = ARENAS.load(Ordering::Acquire);
    // SAFETY: nodes are leaked boxes, valid for ever.
    while let Some(arena) = unsafe { node.as_ref() } {
        let size = arena.size.load(Ordering::Acquire);
        let start = arena.start.load(Ordering::Acquire);
        let offset = pc.wrapping_sub(start);
        if offset < size {
            // SAFETY: the faulting thread runs in this arena, so it lives, and its granule table covers `size`.
            let granule = unsafe { &*arena.granules.load(Ordering::Acquire).add(offset / GRANULE) };
            // SAFETY: the faulting thread runs in this unit, so its table is not freed.
            let table = unsafe { granule.load(Ordering::Acquire).as_ref() }?;
            let at = u32::try_from(offset - table.start).ok()?;
            let index = table.sites.binary_search_by_key(&at, |site| site.offset).ok()?;
            let FaultSite { action, restart, .. } = table.sites[index];
            let landing = match action {
                SiteAction::Cold { offset } => Landing::Cold(start + table.start + offset as usize),
                SiteAction::Moved { offset, first, count } => {
                    // The table lives at least as long as the thread is in the unit: while the handler uses this.
                    let table: &'static SiteTable = table;
                    let moves = table.moves.get(first as usize..)?.get(..count as usize)?;
                    Landing::Moved(start + table.start + offset as usize, moves)
                }
                SiteAction::Leave { pc } => Landing::Leave(pc),
            };
            return Some((landing, restart));
        }
        node = arena.next.load(Ordering::Acquire);
    }
    None
}

/// Counts that a thread was found at host address `pc`; whether that is in an arena.
///
/// Async-signal-safe. Called on the thread that was found there, so that the arena lives.
pub fn count_sample(pc: usize) -> bool {
    let mut node = ARENAS.load(Ordering::Acquire);
    // SAFETY: nodes are leaked boxes, valid for ever.
    while let Some(arena) = unsafe { node.as_ref() } {
        let offset = pc.wrapping_sub(arena.start.load(Ordering::Acquire));
        if offset < arena.size.load(Ordering::Acquire) {
            // SAFETY: the thread runs in this arena, so it lives, and its counters cover `size`.
            let count = unsafe { &*arena.samples.load(Ordering::Acquire).add(offset / GRANULE) };
            count.fetch_add(1, Ordering::Relaxed);
            return true;
        }
        node = arena.next.load(Ordering::Acquire);
    }
    false
}

fn page_size() -> usize {
    // SAFETY: a query without side effects.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// Lets instruction fetch at `start` see what was written through the other mapping.
#[cfg(target_arch = "x86_64")]
fn synchronize_instruction_fetch(_start: usize, _len: usize) {
    // Instruction fetch is coherent, and nobody has executed these addresses since their unit was freed without
    // passing a serialising event (return to the dispatcher through an epoch).
}

/// Cleans the data cache and invalidates the instruction cache, line by line (Arm ARM, B2.4.4), then makes every core
/// forget what it has prefetched.
#[cfg(target_arch = "aarch64")]
fn synchronize_instruction_fetch(start: usize, len: usize) {
    use std::arch::asm;
    let ctr: u64;
    // SAFETY: CTR_EL0 is readable in user mode on Linux.
    unsafe { asm!("mrs {}, ctr_el0", out(reg) ctr, options(nomem, nostack)) };
    let (data_line, code_line) = (4usize << (ctr >> 16 & 15), 4usize << (ctr & 15));
    let lines = |line: usize| (start & !(line - 1)..start + len).step_by(line);
    for at in lines(data_line) {
        // SAFETY: cache maintenance on our own readable mapping.
        unsafe { asm!("dc cvau, {}", in(reg) at, options(nostack)) };
    }
    // SAFETY: a barrier.
    unsafe { asm!("dsb ish", options(nostack)) };
    for at in lines(code_line) {
        // SAFETY: cache maintenance on our own executable mapping.
        unsafe { asm!("ic ivau, {}", in(reg) at, options(nostack)) };
    }
    // SAFETY: barriers.
    unsafe { asm!("dsb ish", "isb", options(nostack)) };
    synchronize_cores();
}

/// `fence.i` here and on every other hart of the process.
#[cfg(target_arch = "riscv64")]
fn synchronize_instruction_fetch(start: usize, len: usize) {
    // SAFETY: riscv_flush_icache of our own range, for all threads.
    unsafe { libc::syscall(259, start, start + len, 0) };
    synchronize_cores();
}

#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
fn synchronize_cores() {
    use std::sync::Once;
    const PRIVATE_EXPEDITED_SYNC_CORE: i32 = 1 << 5;
    const REGISTER_PRIVATE_EXPEDITED_SYNC_CORE: i32 = 1 << 6;
    static REGISTER: Once = Once::new();
    // SAFETY: membarrier takes no pointers. Kernels without it run one thread's code only after a context switch.
    REGISTER.call_once(|| unsafe {
        libc::syscall(libc::SYS_membarrier, REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0);
    });
    // SAFETY: as above.
    unsafe { libc::syscall(libc::SYS_membarrier, PRIVATE_EXPEDITED_SYNC_CORE, 0, 0) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codegen::{LinkSite, UnitKey};
    use crate::guest::Guest;

    fn unit(len: usize, links: usize) -> CompiledUnit {
        CompiledUnit {
            isa: HostIsa::native(),
            pc: 0x1000,
            tier: crate::codegen::Tier::Region,
            counter: None,
            interprets: false,
            key: UnitKey::plain(Guest::Riscv64),
            code: vec![0; len],
            hot_bytes: 0,
            relocations: (0..links as u32)
                .map(|index| Relocation::LinkSlot { offset: 8 * index, index })
                .collect(),
            links: vec![LinkSite { target: 0x2000 }; links],
            sites: vec![FaultSite { offset: 3, action: SiteAction::Cold { offset: 40 }, restart: None }],
            moves: Vec::new(),
            ranges: vec![],
            checks: vec![],
            instructions: 1,
            write_back: false,
            compile_time: std::time::Duration::ZERO,
            clif: None,
        }
    }

    #[test]
    fn units_are_placed_found_and_freed() {
        let arena = Arena::new(1 << 16, 64).unwrap();
        arena.set_unlinked(0x77);
        let a = arena.install(&unit(100, 2)).unwrap();
        let b = arena.install(&unit(64, 0)).unwrap();
        assert_eq!(find_site(a.entry as usize + 3), Some((Landing::Cold(a.entry as usize + 40), None)));
        assert_eq!(find_site(a.entry as usize + 4), None);
        assert_eq!(find_site(b.entry as usize + 3), Some((Landing::Cold(b.entry as usize + 40), None)));
        assert_eq!(arena.linked(a.links[1].slot), None);
        arena.link(a.links[1].slot, b.entry);
        assert_eq!(arena.linked(a.links[1].slot), Some(b.entry));
        assert!(count_sample(a.entry as usize + 99) && !count_sample(0x1000));
        assert_eq!((arena.samples(&a), arena.samples(&b)), (1, 0));
        arena.free(a.id);
        assert_eq!(find_site(a.entry as usize + 3), None);
        let c = arena.install(&unit(128, 1)).unwrap();
        assert_eq!(c.entry, a.entry, "the freed piece fits best");
        assert_eq!(arena.samples(&c), 0, "the old unit's samples went with it");
        arena.free(b.id);
        arena.free(c.id);
        let usage = arena.usage();
        assert_eq!(
            (usage.free_bytes, usage.pieces, usage.largest_piece),
            (1 << 16, 1, 1 << 16),
            "all in one piece"
        );
        assert_eq!((usage.slots, usage.free_slots), (256, 256), "a page of slots");
    }

    #[test]
    fn a_full_arena_says_so_and_keeps_working() {
        let arena = Arena::new(4096, 1).unwrap();
        let whole = arena.install(&unit(4096, 0)).unwrap();
        assert!(matches!(arena.install(&unit(1, 0)), Err(Error::ArenaFull { wanted: 1, free: 0, .. })));
        arena.free(whole.id);
        arena.install(&unit(1, 0)).unwrap();
        assert!(matches!(arena.install(&unit(4000, 500)), Err(Error::LinksFull { .. })));
    }

    #[test]
    fn an_arena_that_the_host_cannot_give_is_an_error() {
        for size in [1 << 46, 1 << 62, usize::MAX] {
            assert!(matches!(Arena::new(size, 1), Err(Error::Arena { .. })), "{size:#x}");
        }
    }
}
