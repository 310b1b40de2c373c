//! A machine: one address space, one guest, the vCPUs that run in it, and their translations.
//!
//! # Safepoints
//! [`Vm::invalidate_code`](Listener::invalidate_code) takes the units out of the cache, opens a new epoch, sets the
//! interrupt word of every vCPU and waits as [`safepoint`](super::safepoint) says; a vCPU drops what it knows of older
//! epochs before it enters under a new one. Then the memory of the units is free to reuse. Units that go to make room go
//! in the same way.

use super::blocks::Key;
use super::engine::{Engine, Error, ExecutionMode};
use super::safepoint::Epoch;
use super::state::{ExitKind, Running, SharedState, interrupt};
use super::translate::Translator;
use crate::cache::{Cache, Collection, Gone, Leaving, LeavingUnit};
use crate::guest::Guest;
use crate::leaf_lock::{LeafGuard, LeafLock};
use crate::memory::{self, Listener, Memory};
use crate::monitor::{Now, Report, WAITING_UNITS};
use crate::tier::{self, Hot};
use rustc_hash::FxHashSet;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

/// Settings of a machine.
#[derive(Clone, Debug)]
pub struct VmOptions {
    /// How guest memory is reached.
    pub memory: memory::Mode,
    /// Settings of the address space.
    pub memory_options: memory::Options,
    /// While a vCPU runs nobody else touches the guest's memory, until a second vCPU is made or [`Vm::share`] is called.
    /// Atomics and memory orders cost next to nothing until then.
    pub alone: bool,
}

impl Default for VmOptions {
    fn default() -> VmOptions {
        VmOptions { memory: memory::Mode::Direct, memory_options: memory::Options::default(), alone: false }
    }
}

/// Counters of a machine since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Blocks lifted for the interpreter.
    pub blocks_lifted: u64,
    /// Instructions that the interpreter retired.
    pub interpreted: u64,
    /// Units made of stencils.
    pub units_assembled: u64,
    /// Guest instructions in units made of stencils.
    pub assembled_instructions: u64,
    /// Bytes of host code in units made of stencils.
    pub assembled_bytes: u64,
    /// Those that come before the cold parts of their unit.
    pub assembled_hot_bytes: u64,
    /// Bytes of guest code that units of stencils were made from.
    pub assembled_guest_bytes: u64,
    /// Time spent making units of stencils, the compilation of new stencils included, in nanoseconds.
    pub assemble_nanos: u64,
    /// Regions compiled.
    pub units_compiled: u64,
    /// Regions that the code generator refused; they stay interpreted.
    pub units_refused: u64,
    /// Guest instructions in compiled regions.
    pub compiled_instructions: u64,
    /// Bytes of host code in compiled regions.
    pub code_bytes: u64,
    /// Those that come before the cold blocks of their region.
    pub code_hot_bytes: u64,
    /// Bytes of guest code that regions were compiled from; what is in several of them counts for each.
    pub code_guest_bytes: u64,
    /// Time spent compiling regions, in nanoseconds.
    pub compile_nanos: u64,
    /// Entries from the dispatcher into host code.
    pub entries: u64,
    /// Links made between units.
    pub links: u64,
    /// Units dropped because their code was written or unmapped.
    pub units_invalidated: u64,
    /// Calls that invalidated code.
    pub invalidations: u64,
    /// First level, the jump caches of the vCPUs: indirect jumps that missed. Hits are not counted, as that would cost what a
    /// hit costs.
    pub jump_misses: u64,
    /// Units that were entered into a jump cache.
    pub jump_promotions: u64,
    /// Units that were pushed out of a jump cache by others.
    pub jump_evictions: u64,
    /// Second level, the live units: look-ups that found one.
    pub cache_hits: u64,
    /// Look-ups that found none.
    pub cache_misses: u64,
    /// Units that came from the disk cache.
    pub cache_promotions: u64,
    /// Units that went to make room.
    pub cache_evictions: u64,
    /// Bytes of their code.
    pub cache_evicted_bytes: u64,
    /// Units that went to make room, and that the disk cache has.
    pub cache_demotions: u64,
    /// Live units.
    pub cache_units: u64,
    /// Bytes of their code.
    pub cache_bytes: u64,
    /// Minor collections.
    pub collections_minor: u64,
    /// Major collections.
    pub collections_major: u64,
    /// Time that minor collections took, in nanoseconds.
    pub minor_nanos: u64,
    /// Time that major collections took, in nanoseconds.
    pub major_nanos: u64,
    /// What the longest collection took, in nanoseconds.
    pub collection_nanos_most: u64,
}

/// Changes that are remembered one by one; a vCPU that missed more drops everything it has.
const LOGGED: usize = 64;

/// What a new epoch takes away.
#[derive(Debug)]
pub(super) struct Change {
    epoch: u64,
    /// Guest ranges whose code is no longer what it was.
    pub(super) ranges: Vec<Range<u64>>,
    /// Entries of the units that went.
    pub(super) entries: Vec<u64>,
    /// TLB entries may be wrong.
    pub(super) mappings: bool,
}

/// A machine.
#[derive(Debug)]
pub struct Vm {
    id: u64,
    engine: Arc<Engine>,
    guest: Guest,
    memory: Memory,
    started: Instant,
    translator: Option<Translator>,
    /// Counts invalidations; see the module.
    epoch: Epoch,
    /// Whether others may access memory while a vCPU runs.
    shared: AtomicBool,
    /// A collection is under way.
    collecting: AtomicBool,
    inner: LeafLock<Inner>,
}

/// What the vm's lock protects.
#[derive(Debug, Default)]
struct Inner {
    vcpus: Vec<Weak<SharedState>>,
    changes: VecDeque<Arc<Change>>,
    /// Epoch of the newest change that is no longer in `changes`.
    forgotten: u64,
    stops: Arc<Vec<u64>>,
    /// Sets of stop addresses that units were compiled under; a set's position is its id.
    stop_sets: Vec<Vec<u64>>,
    stats: Stats,
    /// Blocks that were interpreted, those whose code has changed since included.
    interpreted: FxHashSet<Key>,
}

/// Blocks remembered at most as interpreted, for guests that make new code for ever.
const MAX_INTERPRETED: usize = 1 << 18;

impl Vm {
    /// Makes a machine with an empty address space.
    ///
    /// # Errors
    /// The host refuses the memory, or the options contradict each other.
    pub fn new(engine: &Arc<Engine>, guest: Guest, options: &VmOptions) -> Result<Arc<Vm>, Error> {
        let memory = Memory::new(options.memory, &options.memory_options)?;
        let translator = match engine.options().mode {
            ExecutionMode::Interpret => None,
            _ => Some(Translator::new(engine.options())?),
        };
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let vm = Arc::new(Vm {
            id: NEXT.fetch_add(1, Ordering::Relaxed),
            engine: engine.clone(),
            guest,
            memory,
            started: Instant::now(),
            translator,
            epoch: Epoch::new(),
            shared: AtomicBool::new(!options.alone),
            collecting: AtomicBool::new(false),
            inner: LeafLock::default(),
        });
        let weak: Weak<Vm> = Arc::downgrade(&vm);
        vm.memory.set_listener(weak);
        Ok(vm)
    }

    /// A number that no other machine of the process has, for events and reports; from 1.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The engine it belongs to.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Whose code it runs.
    pub fn guest(&self) -> Guest {
        self.guest
    }

    /// Its address space.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Counters as of now.
    pub fn stats(&self) -> Stats {
        let cache = self.translator().and_then(Translator::cache).map(Cache::counters).unwrap_or_default();
        Stats {
            links: cache.links,
            cache_hits: cache.hits,
            cache_misses: cache.misses,
            cache_evictions: cache.evictions,
            cache_evicted_bytes: cache.evicted_bytes,
            cache_units: cache.units,
            cache_bytes: cache.bytes,
            ..self.lock().stats
        }
    }

    /// What was decided about units of stencils that asked for a region; `None` if nothing is compiled.
    pub fn hotness_counters(&self) -> Option<tier::Counters> {
        Some(self.translator()?.hotness().counters())
    }

    /// The units of stencils that are hottest of those that asked for a region and wait for it, hottest first.
    pub fn hottest(&self, count: usize) -> Vec<Hot> {
        self.translator().map(|translator| translator.hotness().top(count)).unwrap_or_default()
    }

    /// What the engine's monitor knows of this machine; `None` without a monitor.
    pub fn report(&self) -> Option<Report> {
        let live = self.translator().and_then(Translator::cache).map(Cache::samples).unwrap_or_default();
        let now = Now {
            vm: self.id,
            guest: self.guest.to_string(),
            samples: self.engine.samples(),
            live,
            exit_names: &ExitKind::NAMES,
            waiting: self.hottest(WAITING_UNITS),
        };
        Some(self.engine.options().monitor.as_ref()?.report(now))
    }

    /// Drops every translation of code in the range: to be called after host code wrote to it by other ways than
    /// [`Memory`]'s. When it returns, no vCPU runs an old translation.
    pub fn invalidate(&self, range: Range<u64>) {
        let start = range.start & !(memory::PAGE_SIZE - 1);
        let end = range.end.checked_next_multiple_of(memory::PAGE_SIZE).unwrap_or(u64::MAX);
        self.drop_translations(&[start..end], false, Gone::Invalidated);
    }

    /// Drops every translation.
    pub fn invalidate_all(&self) {
        self.drop_translations(&[0..u64::MAX], false, Gone::Invalidated);
    }

    /// Drops every translation, because there is no room for more.
    pub(super) fn evict_all(&self) {
        self.drop_translations(&[0..u64::MAX], false, Gone::Evicted);
    }

    /// Evicts the units that cover an address.
    pub(super) fn evict_at(&self, pc: u64) {
        self.drop_translations(&[pc..pc.saturating_add(1)], false, Gone::Evicted);
    }

    /// From when this returns others may access the guest's memory while a vCPU runs: see [`VmOptions::alone`].
    pub fn share(&self) {
        if !self.shared.swap(true, Ordering::SeqCst) {
            // A vCPU that runs leaves its unit, and comes back under another key.
            self.drop_translations(&[0..u64::MAX], false, Gone::Evicted);
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        self.shared.load(Ordering::SeqCst)
    }

    /// Addresses at which every run stops before the instruction.
    pub fn stops(&self) -> Arc<Vec<u64>> {
        self.lock().stops.clone()
    }

    /// Adds a stop address; it takes effect at the next run of each vCPU.
    pub fn add_stop(&self, addr: u64) {
        let mut inner = self.lock();
        if let Err(at) = inner.stops.binary_search(&addr) {
            Arc::make_mut(&mut inner.stops).insert(at, addr);
        }
    }

    /// Takes a stop address away; whether there was one.
    pub fn remove_stop(&self, addr: u64) -> bool {
        let mut inner = self.lock();
        match inner.stops.binary_search(&addr) {
            Ok(at) => {
                Arc::make_mut(&mut inner.stops).remove(at);
                true
            }
            Err(_) => false,
        }
    }

    pub(super) fn translator(&self) -> Option<&Translator> {
        self.translator.as_ref()
    }

    /// The id of a set of stop addresses, for unit keys; 0 is the empty set.
    pub(super) fn stop_set(&self, stops: &[u64]) -> u32 {
        if stops.is_empty() {
            return 0;
        }
        let mut inner = self.lock();
        let at = match inner.stop_sets.iter().position(|set| set == stops) {
            Some(at) => at,
            None => {
                inner.stop_sets.push(stops.to_vec());
                inner.stop_sets.len() - 1
            }
        };
        at as u32 + 1
    }

    /// Frees the units that newer ones have replaced.
    pub(super) fn free_replaced_units(&self) {
        self.drop_translations(&[], false, Gone::Invalidated);
    }

    /// The guest's time counter: nanoseconds since the machine was made.
    pub(super) fn counter(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    pub(super) fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    pub(super) fn register(&self, vcpu: &Arc<SharedState>) {
        let others = {
            let mut inner = self.lock();
            inner.vcpus.retain(|other| other.strong_count() > 0);
            inner.vcpus.push(Arc::downgrade(vcpu));
            inner.vcpus.len() > 1
        };
        if others {
            self.share();
        }
    }

    /// Remembers that a block is interpreted.
    pub(super) fn note_interpreted(&self, block: Key) {
        let mut inner = self.lock();
        if inner.interpreted.len() >= MAX_INTERPRETED {
            inner.interpreted.clear();
        }
        inner.interpreted.insert(block);
    }

    /// Whether a block was ever interpreted, as all are before they are compiled; as far as that is remembered.
    pub(super) fn was_interpreted(&self, block: Key) -> bool {
        self.lock().interpreted.contains(&block)
    }

    pub(super) fn count(&self, add: impl FnOnce(&mut Stats)) {
        add(&mut self.lock().stats);
    }

    /// What changed after `epoch`, or `None` if that is no longer known.
    pub(super) fn changes_since(&self, epoch: u64) -> Option<Vec<Arc<Change>>> {
        let inner = self.lock();
        (inner.forgotten <= epoch)
            .then(|| inner.changes.iter().filter(|change| change.epoch > epoch).cloned().collect())
    }

    fn lock(&self) -> LeafGuard<'_, Inner> {
        self.inner.lock()
    }

    /// Makes room in the cache, if nobody else is at it: how many units went then.
    ///
    /// Evicted units are announced, waited for and freed as those are whose code has changed.
    pub(super) fn collect(&self, cache: &Cache, collection: Collection) -> Option<usize> {
        if self.collecting.swap(true, Ordering::SeqCst) {
            return None;
        }
        let begun = Instant::now();
        let leaving = cache.collect(collection);
        if !leaving.entries.is_empty() {
            self.let_go(&leaving, &[], false);
        }
        let nanos = begun.elapsed().as_nanos() as u64;
        self.count(|stats| {
            let (count, sum) = match collection {
                Collection::Minor => (&mut stats.collections_minor, &mut stats.minor_nanos),
                Collection::Major => (&mut stats.collections_major, &mut stats.major_nanos),
            };
            *count += 1;
            *sum += nanos;
            stats.collection_nanos_most = stats.collection_nanos_most.max(nanos);
        });
        self.collecting.store(false, Ordering::SeqCst);
        Some(leaving.taken)
    }

    fn drop_translations(&self, ranges: &[Range<u64>], mappings: bool, why: Gone) {
        let cache = self.translator.as_ref().and_then(Translator::cache);
        let leaving = cache.map(|cache| cache.take(ranges, why)).unwrap_or_default();
        if why == Gone::Invalidated {
            self.count(|stats| {
                stats.units_invalidated += leaving.taken as u64;
                stats.invalidations += u64::from(!ranges.is_empty());
            });
        }
        self.let_go(&leaving, ranges, mappings);
    }

    /// Tells every vCPU of units that are out of the cache and of what else has changed, waits until none of them can run
    /// the old code, and frees the units. They are out of the cache first: whoever sees the new epoch finds no old unit.
    fn let_go(&self, leaving: &Leaving, ranges: &[Range<u64>], mappings: bool) {
        let cache = self.translator.as_ref().and_then(Translator::cache);
        let (epoch, vcpus) = {
            let mut inner = self.lock();
            let epoch = self.epoch.advance();
            inner.changes.push_back(Arc::new(Change {
                epoch,
                ranges: ranges.to_vec(),
                entries: leaving.entries.clone(),
                mappings,
            }));
            if inner.changes.len() > LOGGED
                && let Some(change) = inner.changes.pop_front()
            {
                inner.forgotten = change.epoch;
            }
            (epoch, inner.vcpus.iter().filter_map(Weak::upgrade).collect::<Vec<_>>())
        };
        match Running::here() {
            Some(vcpu) => vcpu.place.outside(|| wait_for(&vcpus, epoch)),
            None => wait_for(&vcpus, epoch),
        }
        if let Some(cache) = cache {
            let monitor = self.engine.options().monitor.as_ref();
            cache.free(&self.memory, leaving, |units| {
                let gone = units.iter().map(|LeavingUnit { unit, why, .. }| {
                    (*unit.name(), unit.tier(), cache.samples_of(unit), *why)
                });
                if let Some(monitor) = monitor {
                    monitor.gone(self.id, gone);
                }
                self.demote(units.iter().filter(|at| at.why == Gone::Evicted).map(|at| &at.unit));
            });
        }
    }
}

/// Waits until no vCPU is in code of an epoch before this one.
fn wait_for(vcpus: &[Arc<SharedState>], epoch: u64) {
    for vcpu in vcpus {
        vcpu.ask(interrupt::SAFEPOINT);
    }
    for vcpu in vcpus {
        let mut rounds = 0u32;
        while vcpu.place.may_run_older_than(epoch) {
            rounds += 1;
            if rounds < 64 {
                std::hint::spin_loop();
            } else {
                std::thread::yield_now();
            }
        }
    }
}

impl Listener for Vm {
    fn invalidate_code(&self, ranges: &[Range<u64>]) {
        self.drop_translations(ranges, false, Gone::Invalidated);
    }

    fn mappings_changed(&self) {
        self.drop_translations(&[], true, Gone::Invalidated);
    }
}
