//! How a machine comes to host code for a guest address: from the disk cache, put together from stencils, or compiled as
//! a region; and how it comes from one tier to the next.
//!
//! What is asked for by name ([`Job`]) ends in the cache, or says whether another attempt is any use ([`Outcome`]). Every
//! function here works on any thread. No lock is held while anything is lifted, compiled, read or written.

use super::engine::{EngineOptions, Error, ExecutionMode};
use super::tlb::fill_tlb;
use super::vm::Vm;
use crate::cache::disk::{Counters, ProgramUnits, checksum};
use crate::cache::{Cache, Collection, Profile, Refused, Unit, UnitName};
use crate::codegen::{
    Arena, Assembly, CompileOptions, CompiledUnit, Compiler, Helpers, HostIsa, Keeper, NotAssembled, Options,
    Runtime, Tier, Trace,
};
use crate::lift::Fetch;
use crate::memory::{CodePage, CodeReader, CodeWatch, Memory};
use crate::monitor::{Made, Origin};
use crate::tier::{self, Compiled, Hotness, Verdict, Workers};
use std::ops::Range;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Replaced units that may wait to be freed.
const MAX_REPLACED: usize = 64;

/// What compiles, and where units live; absent if everything is interpreted.
pub(super) struct Translator {
    compiler: Compiler,
    /// For the cache, until it is made.
    arena: Mutex<Option<Arena>>,
    /// Made when there is a unit for the first time; `None` inside if this host cannot.
    cache: OnceLock<Option<Cache>>,
    /// The program's units on disk, once it is known which program it is.
    units: OnceLock<ProgramUnits>,
    workers: Workers<Candidate>,
    hotness: Hotness,
}

/// What host code is to be made for.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) name: UnitName,
    /// Stop addresses: no unit goes over one.
    pub(super) stops: Arc<Vec<u64>>,
}

/// A unit of stencils whose region is to be compiled.
struct Candidate {
    job: Job,
    /// As of when that was decided.
    profile: Profile,
}

/// How a job ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// There is a unit of its name.
    Published,
    /// There is none, but there may be after the next attempt.
    Again,
    /// There is none, as stencils are missing that were not to be compiled.
    Missing,
    /// There will be none until code changes.
    Refused,
}

/// Code bytes for units: watched while they are read, cut at stop addresses.
struct Source<'a> {
    reader: CodeReader<'a>,
    stops: &'a [u64],
}

impl Fetch for Source<'_> {
    fn fetch(&self, addr: u64, buf: &mut [u8]) -> usize {
        self.reader.fetch(addr, buf)
    }

    fn is_boundary(&self, addr: u64) -> bool {
        self.stops.binary_search(&addr).is_ok()
    }
}

impl Translator {
    /// Takes from the host what it may refuse.
    pub(super) fn new(options: &EngineOptions) -> Result<Translator, Error> {
        super::signal::install()?;
        Memory::trust_fault_handler();
        let compiler = Compiler::new(HostIsa::native(), &Options::default())?;
        // A unit has a handful of links and takes a kilobyte or more.
        let slots = (options.arena_bytes / 256).clamp(1024, 1 << 22);
        Ok(Translator {
            compiler,
            arena: Mutex::new(Some(Arena::new(options.arena_bytes, slots)?)),
            cache: OnceLock::new(),
            units: OnceLock::new(),
            workers: Workers::new(options.compile_threads),
            hotness: Hotness::new(options.promotion, options.compile_budget, options.compile_threads),
        })
    }

    /// The units, if there has been one.
    pub(super) fn cache(&self) -> Option<&Cache> {
        self.cache.get()?.as_ref()
    }

    /// The units. `None` if this host cannot have any.
    ///
    /// PERF: the stubs are the first thing that is compiled; a program that nothing of is hot ends sooner without.
    fn make_cache(&self, vm: &Vm) -> Option<&Cache> {
        let make = || {
            let arena = self.arena.lock().unwrap_or_else(PoisonError::into_inner).take()?;
            let kept = vm.engine().kept().map(|kept| (kept as &dyn Keeper, vm.guest()));
            let runtime = Runtime::in_arena(&self.compiler, arena, &Helpers { fill_tlb }, kept).ok()?;
            Some(Cache::new(runtime))
        };
        self.cache.get_or_init(make).as_ref()
    }

    /// What asks for regions, and what is compiled.
    pub(super) fn hotness(&self) -> &Hotness {
        &self.hotness
    }

    /// Whether there is a unit of this name, or the disk cache may have one.
    fn may_have(&self, cache: &Cache, name: &UnitName) -> bool {
        cache.contains(name) || self.units.get().is_some_and(|units| units.may_have(name))
    }
}

impl std::fmt::Debug for Translator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Translator").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Vm {
    /// Says which program runs here (a checksum of its file, for example), so that its units are taken from the engine's
    /// store and go there. Counts once; does nothing without a store or where nothing is compiled.
    pub fn name_program(&self, program: u128) {
        if let (Some(translator), Some(store)) = (self.translator(), &self.engine().options().store) {
            translator.units.get_or_init(|| ProgramUnits::open(store, program, &translator.compiler));
        }
    }

    /// Writes the units and stencils that are on their way to the store; dropping the machine and its engine does so, too.
    pub fn save_units(&self) {
        if let Some(units) = self.units() {
            units.flush();
        }
        if let Some(kept) = self.engine().kept() {
            kept.flush();
        }
    }

    /// What the store did, if the program has been named.
    pub fn store_counters(&self) -> Option<Counters> {
        self.units().map(ProgramUnits::counters)
    }

    fn units(&self) -> Option<&ProgramUnits> {
        self.translator()?.units.get()
    }

    /// Makes host code for a name as the mode of execution asks for it the first time. Stencils that are
    /// missing are compiled if `make` says so.
    pub(super) fn translate(&self, job: &Job, make: bool) -> Outcome {
        match self.engine().options().mode {
            ExecutionMode::Interpret => Outcome::Refused,
            ExecutionMode::Regions => self.compile_region(job),
            ExecutionMode::Stencils | ExecutionMode::Compile => self.assemble(job, make),
        }
    }

    /// Takes a unit from the disk cache and publishes it; whether that was done.
    pub(super) fn load(&self, name: &UnitName) -> bool {
        let Some(translator) = self.translator() else { return false };
        let Some(units) = translator.units.get().filter(|units| units.may_have(name)) else { return false };
        let Some(cache) = translator.make_cache(self) else { return false };
        let mut reader = None;
        let unit = units.find(name, |ranges| {
            let reader = reader.insert(self.memory().code_reader());
            checksum(ranges, |addr, buf| reader.fetch(addr, buf))
        });
        let (Some(unit), Some(reader)) = (unit, reader) else { return false };
        let watch = reader.finish(&unit.ranges);
        if watch.mode() == CodePage::SelfChecking {
            self.memory().unwatch_code(watch);
            return false;
        }
        let loaded = self.publish(cache, &unit, watch, Origin::Disk) == Outcome::Published;
        self.count(|stats| stats.cache_promotions += u64::from(loaded));
        loaded
    }

    /// Compiles the region at a name, publishes it, and hands it to the disk cache.
    pub(super) fn compile_region(&self, job: &Job) -> Outcome {
        let Some(translator) = self.translator() else { return Outcome::Refused };
        let Some(cache) = translator.make_cache(self) else { return Outcome::Refused };
        let (name, options, memory) = (job.name, self.engine().options(), self.memory());
        let source = Source { reader: memory.code_reader(), stops: &job.stops };
        // What was never executed stays outside: cold paths would cost compile time, and registers in the hot ones.
        let executed = |pc| options.threshold == 0 || self.was_interpreted((pc, name.key.env.0));
        let is_checked = |range: &Range<u64>| source.reader.checks(range);
        let region = tier::region(&source, &name, options.region_instructions, executed, is_checked);
        let Ok(mut region) = region else { return Outcome::Refused };
        region.set_checks(|range| source.reader.checked_bytes(range));
        let watch = source.reader.finish(&region.ranges());
        let unit = match translator.compiler.compile(&region, &name.key, &CompileOptions::default()) {
            Ok(unit) => unit,
            Err(_) => {
                self.count(|stats| stats.units_refused += 1);
                memory.unwatch_code(watch);
                return Outcome::Refused;
            }
        };
        self.count(|stats| {
            stats.units_compiled += 1;
            stats.compiled_instructions += u64::from(unit.instructions);
            stats.code_bytes += unit.code.len() as u64;
            stats.code_hot_bytes += u64::from(unit.hot_bytes);
            stats.code_guest_bytes += unit.guest_bytes();
            stats.compile_nanos += unit.compile_time.as_nanos() as u64;
        });
        // Read while they are watched: if the unit is published, they are what it was made from.
        let source = checksum(&unit.ranges, |addr, buf| memory.fetch(addr, buf));
        let outcome = self.publish(cache, &unit, watch, Origin::Here);
        if outcome == Outcome::Published
            && let (Some(units), Some(source)) = (translator.units.get(), source)
            // Code that changes is no use to another process.
            && unit.checks.is_empty()
        {
            units.add(&unit, source);
        }
        outcome
    }

    /// Puts a unit of stencils together at a name and publishes it. Where there are no stencils, and for code that must
    /// check itself, a region is compiled.
    fn assemble(&self, job: &Job, make: bool) -> Outcome {
        let options = self.engine().options();
        let Some(translator) = self.translator() else { return Outcome::Refused };
        let Some(stencils) = self.engine().stencils() else {
            return match options.mode {
                ExecutionMode::Compile => self.compile_region(job),
                _ => Outcome::Refused,
            };
        };
        // PERF: the stubs' compilation and the traces took a tenth of the time of a program that ends before stencils are made.
        if !make && !stencils.may_have_any() {
            return Outcome::Missing;
        }
        let Some(cache) = translator.make_cache(self) else { return Outcome::Refused };
        let name = job.name;
        let source = Source { reader: self.memory().code_reader(), stops: &job.stops };
        let is_unit = |pc| translator.may_have(cache, &UnitName { pc, key: name.key });
        let counter = match options.mode {
            ExecutionMode::Compile => translator.hotness.first(),
            _ => i64::MAX,
        };
        let Ok(trace) = Trace::follow(stencils, &name.key, &source, name.pc, is_unit) else {
            return Outcome::Refused;
        };
        if trace.ranges().any(|range| source.reader.checks(&range)) {
            return self.compile_region(job);
        }
        let unit = match Assembly::unit(stencils, &name.key, &trace, counter, make) {
            Ok(unit) => unit,
            Err(NotAssembled::Missing) => return Outcome::Missing,
            Err(NotAssembled::Refused) => return Outcome::Refused,
        };
        let watch = source.reader.finish(&unit.ranges);
        self.count(|stats| {
            stats.units_assembled += 1;
            stats.assembled_instructions += u64::from(unit.instructions);
            stats.assembled_bytes += unit.code.len() as u64;
            stats.assembled_hot_bytes += u64::from(unit.hot_bytes);
            stats.assembled_guest_bytes += unit.guest_bytes();
            stats.assemble_nanos += unit.compile_time.as_nanos() as u64;
        });
        self.publish(cache, &unit, watch, Origin::Here)
    }

    /// A unit of stencils has counted its entries: its region is compiled, now or on a compile thread, or it counts on.
    pub(super) fn promote(self: &Arc<Self>, job: Job) {
        let Some(translator) = self.translator() else { return };
        let Some(cache) = translator.cache() else { return };
        // None if something better has taken its place.
        let Some(profile) = cache.profile(&job.name) else { return };
        let (workers, hotness) = (&translator.workers, &translator.hotness);
        let rank = match hotness.ask(&job.name, &profile, hotness.now(), workers.waiting()) {
            Verdict::Compile { rank } => rank,
            Verdict::Wait { entries } => return cache.set_counter(&job.name, entries),
        };
        if let Some(monitor) = &self.engine().options().monitor {
            monitor.hot(self.id(), job.name.pc, Tier::Stencils);
        }
        // Until the region is there the unit does not ask again; if none comes of it, never.
        cache.set_counter(&job.name, i64::MAX);
        let vm = Arc::downgrade(self);
        let work = move |candidate: Candidate| {
            if let Some(vm) = vm.upgrade() {
                vm.compile_promoted(&candidate);
            }
        };
        let candidate = Candidate { job, profile };
        if let Err(candidate) = workers.submit(rank, candidate, work) {
            self.compile_promoted(&candidate);
        }
    }

    /// Compiles the region at the entry of a unit of stencils that has become hot.
    fn compile_promoted(&self, candidate: &Candidate) {
        let Some(translator) = self.translator() else { return };
        let Some(cache) = translator.cache() else { return };
        let (hotness, Candidate { job, profile }) = (&translator.hotness, candidate);
        let (outcome, cost) = hotness.time(|| self.compile_region(job));
        let compiled = (outcome == Outcome::Published).then(|| {
            // Units in the loops of the region are as hot as this one was, and would ask next for what the region does.
            let own = profile.entries * u64::from(profile.instructions);
            let executed = own.saturating_add(cache.take_over(&job.name, hotness.first()));
            Compiled { profile: *profile, cost, executed }
        });
        hotness.finish(&job.name, cost, compiled.as_ref());
        if outcome == Outcome::Again {
            cache.set_counter(&job.name, hotness.first());
        }
    }

    /// Notes which evicted units are in the disk cache, from where they come back.
    pub(super) fn demote<'a>(&self, evicted: impl Iterator<Item = &'a Unit>) {
        let Some(units) = self.units() else { return };
        let demoted = evicted.filter(|unit| unit.is_storable() && units.may_have(unit.name())).count();
        self.count(|stats| stats.cache_demotions += demoted as u64);
    }

    /// Makes room for a unit, unless another thread is at it; whether there is room now.
    fn make_room(&self, cache: &Cache, unit: &CompiledUnit) -> bool {
        if cache.is_collection_due() && self.collect(cache, Collection::Minor).is_some() && cache.is_crowded()
        {
            self.collect(cache, Collection::Major);
        }
        // Free bytes may lie in pieces that are too small.
        while !cache.has_room(unit) {
            match self.collect(cache, Collection::Major) {
                None | Some(0) => return false,
                Some(_) => {}
            }
        }
        true
    }

    /// Makes a unit visible.
    fn publish(&self, cache: &Cache, unit: &CompiledUnit, watch: CodeWatch, from: Origin) -> Outcome {
        if !cache.has_room_at_best(unit) {
            self.memory().unwatch_code(watch);
            return Outcome::Refused;
        }
        if !self.make_room(cache, unit) {
            self.memory().unwatch_code(watch);
            return Outcome::Again;
        }
        match cache.publish(self.memory(), unit, watch) {
            Ok(placed) => {
                if let (Some(monitor), Some(placed)) = (&self.engine().options().monitor, placed) {
                    monitor.made(&Made::of(self.id(), unit, placed, from));
                }
                if cache.replaced() > MAX_REPLACED {
                    self.free_replaced_units();
                }
                Outcome::Published
            }
            // Others may have taken the room.
            Err(Refused::Stale | Refused::Arena(_)) => Outcome::Again,
        }
    }
}
