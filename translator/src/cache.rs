//! The machine's translated units: who is where, who links to whom, what goes when code changes or room is needed.
//!
//! One leaf lock protects the maps; it is held for look-ups, publishing, linking and taking units out, never while anything
//! is compiled, waited for or called back, or another lock is taken. So that none has to be, a unit is published in three
//! steps: its ranges are noted, it is asked of memory whether its bytes are still what it was made from, and it becomes
//! visible unless [`Cache::take`] came upon the note meanwhile. Whoever changes code says so to memory first and takes then:
//! one of the two steps sees it.
//!
//! Taking a unit out ([`Cache::take`]) makes it unreachable for vCPUs that look
//! it up or follow a link. It is *leaving* then: a vCPU may be in it, or have it in its jump cache, until the caller has
//! told all of them to forget it, has waited for them, and gives it to [`Cache::free`]. Of several callers at once each
//! is told of all leaving units, whoever took them: a vCPU that comes back after one caller's wait could otherwise
//! still find a unit that another caller has taken and not yet said so.
//!
//! Units that check their own bytes may outlive them. They go when a unit is published that was made from other bytes of
//! the same place, or need not check them: until then whoever enters them leaves at once and is interpreted.
//!
//! A unit of a higher tier replaces one of a lower tier under the same name.
//!
//! What goes when room is needed is the business of `collect`.
//!
//! Invariants: a link slot leads to a live unit of the same key that is not cut off, or nowhere; every live unit's watch is current or
//! the unit is about to be taken out by the invalidation that made it stale.

mod collect;
pub mod disk;
mod entries;
mod name_map;
#[cfg(test)]
mod tests;

pub use collect::Collection;
use collect::{Age, Ages, Load};
use entries::Count;
pub use entries::Profile;
use name_map::NameMap;

use crate::codegen::{self, Arena, CompiledUnit, InstalledUnit, LinkSlot, Runtime, Tier, UnitKey};
use crate::leaf_lock::{LeafGuard, LeafLock};
use crate::memory::{CodeWatch, Memory, PAGE_SIZE};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::ops::Range;

/// What a unit is found by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct UnitName {
    /// Guest address of the entry.
    pub pc: u64,
    /// What its code relies on.
    pub key: UnitKey,
}

/// A live unit.
#[derive(Debug)]
pub struct Unit {
    name: UnitName,
    tier: Tier,
    installed: InstalledUnit,
    watch: CodeWatch,
    ranges: Vec<Range<u64>>,
    /// Blocks that the unit compares with memory by itself.
    checks: Vec<Piece>,
    instructions: u32,
    /// Instructions that may fault.
    accesses: u32,
    /// Ends at an instruction that is left to the interpreter.
    interprets: bool,
    count: Count,
    age: Age,
    /// No link leads to it and no vCPU has it in its jump cache, until it is looked up: so that this is seen.
    cut: bool,
}

/// Where a unit was placed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Host address of its code.
    pub entry: u64,
    /// Whether it took the place of one of a lower tier.
    pub promoted: bool,
}

/// Why a unit was not published.
#[derive(Debug)]
pub enum Refused {
    /// Its bytes have changed since they were read.
    Stale,
    /// The code arena does not take it: full, or for another host.
    Arena(codegen::Error),
}

/// Why units go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gone {
    /// Their code was written or unmapped.
    Invalidated,
    /// Room was needed.
    Evicted,
    /// A newer unit has taken the place.
    Replaced,
}

/// What the cache did since it was made, and what it holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Live units.
    pub units: u64,
    /// Bytes that their code takes.
    pub bytes: u64,
    /// Look-ups that found a unit.
    pub hits: u64,
    /// Look-ups that found none.
    pub misses: u64,
    /// Units evicted.
    pub evictions: u64,
    /// Bytes that their code took.
    pub evicted_bytes: u64,
    /// Links made between units.
    pub links: u64,
}

/// The units of one machine.
pub struct Cache {
    runtime: Runtime,
    /// What an empty arena has for units: bytes in one piece, and link slots.
    room: Load,
    inner: LeafLock<Inner>,
}

#[derive(Default)]
struct Inner {
    /// In boxes, so that the map stays small.
    units: NameMap<Box<Unit>>,
    /// Link slots that lead to a unit, or will once it exists.
    incoming: NameMap<FxHashSet<LinkSlot>>,
    /// Names of the units that cover a page.
    pages: BTreeMap<u64, Vec<UnitName>>,
    /// Units that nobody finds any more, and that vCPUs may still be in.
    leaving: Vec<LeavingUnit>,
    /// The number of units that ever left.
    left: u64,
    /// How many leaving units newer ones have replaced.
    replaced: usize,
    /// Notes of units that are being published.
    notes: Vec<Note>,
    /// The number of notes ever made.
    noted: u64,
    /// Live units by age.
    ages: Ages,
    /// What live units take.
    live: Load,
    /// Bytes of code published since the last minor collection.
    fresh: usize,
    /// Bytes of the units that are watched.
    watched: usize,
    counters: Counters,
}

/// That a unit is being published; it is not visible yet.
struct Note {
    number: u64,
    ranges: Vec<Range<u64>>,
    /// Code of the ranges was taken out since it was noted.
    taken: bool,
}

/// A unit that is unreachable and not freed yet.
#[derive(Debug)]
pub struct LeavingUnit {
    /// Which one of all that ever left; names and places come again.
    number: u64,
    /// The unit.
    pub unit: Unit,
    /// Why it goes.
    pub why: Gone,
}

/// The units that are leaving at a moment: see [`Cache::take`].
#[derive(Clone, Debug, Default)]
pub struct Leaving {
    /// Number of the last one.
    last: u64,
    /// Guest addresses of their entries, and of those of units that were cut off: what jump caches have to forget.
    pub entries: Vec<u64>,
    /// How many this call has made unreachable.
    pub taken: usize,
}

impl Cache {
    /// An empty cache over a runtime's arena.
    pub fn new(runtime: Runtime) -> Cache {
        let usage = runtime.arena().usage();
        let room = Load { bytes: usage.largest_piece, slots: usage.free_slots };
        Cache { runtime, room, inner: LeafLock::default() }
    }

    /// The stubs and the arena.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    fn arena(&self) -> &Arena {
        self.runtime.arena()
    }

    /// Host address of the entry of a unit that is about to be used. It stays valid until the epoch of translations changes.
    pub fn look_up(&self, name: &UnitName) -> Option<u64> {
        let mut inner = self.lock();
        let Some(unit) = inner.units.get_mut(name) else {
            inner.counters.misses += 1;
            return None;
        };
        let entry = unit.installed.entry;
        let cut = std::mem::take(&mut unit.cut);
        inner.counters.hits += 1;
        if cut {
            self.link_all(&mut inner, name, entry);
        }
        Some(entry)
    }

    /// Whether there is a unit of this name.
    pub fn contains(&self, name: &UnitName) -> bool {
        self.lock().units.contains_key(name)
    }

    /// Counters as of now.
    pub fn counters(&self) -> Counters {
        let inner = self.lock();
        Counters { units: inner.units.len() as u64, bytes: inner.live.bytes as u64, ..inner.counters }
    }

    /// Where the direct jumps of a live unit lead.
    pub fn targets(&self, name: &UnitName) -> Option<Vec<u64>> {
        let inner = self.lock();
        Some(inner.units.get(name)?.installed.links.iter().map(|link| link.target).collect())
    }

    /// Addresses of the pages whose bytes are compared by some unit that covers `pc`.
    pub fn checked_pages(&self, pc: u64) -> Vec<u64> {
        let inner = self.lock();
        let covers = |unit: &&Unit| unit.ranges.iter().any(|range| range.contains(&pc));
        let units = inner.names_in(&[pc..pc.saturating_add(1)]).into_iter();
        let checks = units
            .filter_map(|name| inner.units.get(&name).map(Box::as_ref))
            .filter(covers)
            .flat_map(|unit| &unit.checks);
        let ranges: Vec<Range<u64>> =
            checks.map(|(at, bytes)| *at..at.wrapping_add(bytes.len() as u64)).collect();
        pages(&ranges).into_iter().map(|page| page * PAGE_SIZE).collect()
    }

    /// How a unit was made, if there is one.
    pub fn tier(&self, name: &UnitName) -> Option<Tier> {
        self.lock().units.get(name).map(|unit| unit.tier)
    }

    /// Number of live units.
    pub fn len(&self) -> usize {
        self.lock().units.len()
    }

    /// Whether there is no live unit.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Places a unit and makes it visible, unless its bytes changed meanwhile; if another thread was first with one of
    /// the same tier or a higher one, that one's stays. Units that were made from other bytes of the same place are made unreachable.
    ///
    /// # Errors
    /// See [`Refused`]. The watch has been given back then.
    pub fn publish(
        &self,
        memory: &Memory,
        compiled: &CompiledUnit,
        watch: CodeWatch,
    ) -> Result<Option<Placed>, Refused> {
        let installed = match self.arena().install(compiled) {
            Ok(installed) => installed,
            Err(error) => {
                memory.unwatch_code(watch);
                return Err(Refused::Arena(error));
            }
        };
        let entry = installed.entry;
        let unit = Box::new(Unit::new(compiled, installed, watch));
        let note = self.note(&unit.ranges);
        let current = memory.is_current(&unit.watch);
        match self.show(note, current, unit) {
            Ok(promoted) => Ok(Some(Placed { entry, promoted })),
            Err((unit, refused)) => {
                self.arena().free(unit.installed.id);
                memory.unwatch_code(unit.watch);
                refused.map_or(Ok(None), Err)
            }
        }
    }

    /// First step of publishing: [`Cache::take`] marks the note if it takes code of the ranges out. Its number.
    fn note(&self, ranges: &[Range<u64>]) -> u64 {
        let mut inner = self.lock();
        inner.noted += 1;
        let number = inner.noted;
        inner.notes.push(Note { number, ranges: ranges.to_vec(), taken: false });
        number
    }

    /// Last step of publishing: makes a unit visible if its bytes are current and no code of its ranges was taken out since
    /// they were noted. Whether it took the place of one of a lower tier; or the unit, and what is wrong with it if it is
    /// not only late.
    fn show(
        &self,
        note: u64,
        current: bool,
        mut unit: Box<Unit>,
    ) -> Result<bool, (Box<Unit>, Option<Refused>)> {
        let mut inner = self.lock();
        let at = inner.notes.iter().position(|other| other.number == note).expect("a note of our own");
        if inner.notes.swap_remove(at).taken || !current {
            return Err((unit, Some(Refused::Stale)));
        }
        let (name, entry) = (unit.name, unit.installed.entry);
        self.replace(&mut inner, &unit);
        if inner.units.get(&name).is_some_and(|other| other.tier >= unit.tier) {
            return Err((unit, None));
        }
        let promoted = self.supersede(&mut inner, &name);
        for page in pages(&unit.ranges) {
            inner.pages.entry(page).or_default().push(name);
        }
        self.link_all(&mut inner, &name, entry);
        for link in &unit.installed.links {
            let target = UnitName { pc: link.target, key: name.key };
            inner.incoming.get_or_default(target).insert(link.slot);
            let there = match inner.units.get(&target) {
                Some(other) if other.cut => None,
                Some(other) => Some(other.installed.entry),
                None => (target == name).then_some(entry),
            };
            if let Some(there) = there {
                inner.counters.links += 1;
                self.arena().link(link.slot, there);
            }
        }
        inner.be_born(&mut unit);
        inner.units.insert(name, unit);
        Ok(promoted)
    }

    /// Lets every link to a name lead to this entry.
    fn link_all(&self, inner: &mut Inner, name: &UnitName, entry: u64) {
        let Some(slots) = inner.incoming.get(name) else { return };
        inner.counters.links += slots.len() as u64;
        slots.iter().for_each(|slot| self.arena().link(*slot, entry));
    }

    /// Lets every link to a name lead nowhere.
    fn unlink_all(&self, inner: &Inner, name: &UnitName) {
        for slot in inner.incoming.get(name).into_iter().flatten() {
            self.arena().unlink(*slot);
        }
    }

    /// Samples in each unit that is live or leaving; see [`Arena::samples`].
    pub fn samples(&self) -> FxHashMap<(UnitName, Tier), u64> {
        let inner = self.lock();
        let mut samples = FxHashMap::default();
        for unit in
            inner.units.values().map(Box::as_ref).chain(inner.leaving.iter().map(|leaving| &leaving.unit))
        {
            *samples.entry((unit.name, unit.tier)).or_default() += self.samples_of(unit);
        }
        samples
    }

    /// Samples in one unit that has not been freed.
    pub fn samples_of(&self, unit: &Unit) -> u64 {
        self.arena().samples(&unit.installed)
    }

    /// Number of units that newer ones have replaced and that are not freed yet.
    pub fn replaced(&self) -> usize {
        self.lock().replaced
    }

    /// Makes room for a better unit of the same name; whether there was one. vCPUs that are in the old one leave it soon.
    fn supersede(&self, inner: &mut Inner, name: &UnitName) -> bool {
        let Some(unit) = self.remove(inner, name) else { return false };
        for link in &unit.installed.links {
            self.arena().unlink(link.slot);
        }
        // A loop inside the unit leaves it at its next round.
        if let Some(counter) = unit.installed.counter {
            self.arena().set_counter(counter, 0);
        }
        inner.leave(unit, Gone::Replaced);
        true
    }

    /// Makes the units unreachable that this one replaces: those that check bytes of its ranges which it knows better.
    fn replace(&self, inner: &mut Inner, new: &Unit) {
        let is_replaced = |old: &Piece| {
            let end = old.0.wrapping_add(old.1.len() as u64);
            let mut overlapping = new.ranges.iter().filter(|range| old.0 < range.end && range.start < end);
            let mut checks = new.checks.iter().filter(|new| overlap(old, new)).peekable();
            overlapping.next().is_some() && (checks.peek().is_none() || checks.any(|new| !agree(old, new)))
        };
        for name in inner.names_in(&new.ranges) {
            if inner.units.get(&name).is_some_and(|unit| unit.checks.iter().any(is_replaced))
                && let Some(unit) = self.remove(inner, &name)
            {
                inner.leave(unit, Gone::Replaced);
            }
        }
    }

    /// Makes every unit that covers a byte of the ranges unreachable. Returns all units that are leaving now; once no
    /// vCPU can be in them or find them, [`Cache::free`] is to be called.
    pub fn take(&self, ranges: &[Range<u64>], why: Gone) -> Leaving {
        let mut inner = self.lock();
        let hit = |of: &[Range<u64>]| {
            let overlaps =
                |range: &Range<u64>| of.iter().any(|at| at.start < range.end && range.start < at.end);
            ranges.iter().any(overlaps)
        };
        for note in &mut inner.notes {
            note.taken |= hit(&note.ranges);
        }
        let mut taken = 0;
        for name in inner.names_in(ranges) {
            if inner.units.get(&name).is_some_and(|unit| hit(&unit.ranges))
                && let Some(unit) = self.remove(&mut inner, &name)
            {
                inner.leave(unit, why);
                taken += 1;
            }
        }
        inner.leaving_now(taken)
    }

    /// Gives the memory of leaving units back, after `each` has seen them. No vCPU may be in them or be able to enter
    /// them. Those that another caller has freed already are passed over.
    pub fn free(&self, memory: &Memory, leaving: &Leaving, each: impl FnOnce(&[LeavingUnit])) {
        let units: Vec<LeavingUnit> = {
            let mut inner = self.lock();
            let units: Vec<_> = inner.leaving.extract_if(.., |unit| unit.number <= leaving.last).collect();
            inner.replaced -= units.iter().filter(|at| at.why == Gone::Replaced).count();
            units
        };
        each(&units);
        for LeavingUnit { unit, .. } in units {
            self.arena().free(unit.installed.id);
            memory.unwatch_code(unit.watch);
        }
    }

    fn remove(&self, inner: &mut Inner, name: &UnitName) -> Option<Unit> {
        let unit = inner.units.remove(name)?;
        inner.bury(&unit);
        self.unlink_all(inner, name);
        for link in &unit.installed.links {
            let target = UnitName { pc: link.target, key: name.key };
            if let Some(slots) = inner.incoming.get_mut(&target) {
                slots.remove(&link.slot);
                if slots.is_empty() {
                    inner.incoming.remove(&target);
                }
            }
        }
        for page in pages(&unit.ranges) {
            if let Some(names) = inner.pages.get_mut(&page) {
                names.retain(|other| other != name);
                if names.is_empty() {
                    inner.pages.remove(&page);
                }
            }
        }
        Some(*unit)
    }

    fn lock(&self) -> LeafGuard<'_, Inner> {
        self.inner.lock()
    }
}

impl Inner {
    /// Keeps a unit that was made unreachable until it is freed.
    fn leave(&mut self, unit: Unit, why: Gone) {
        self.replaced += usize::from(why == Gone::Replaced);
        if why == Gone::Evicted {
            self.counters.evictions += 1;
            self.counters.evicted_bytes += unit.load().bytes as u64;
        }
        self.left += 1;
        self.leaving.push(LeavingUnit { number: self.left, unit, why });
    }

    /// All units that are leaving, of which the caller has taken so many.
    fn leaving_now(&self, taken: usize) -> Leaving {
        let entries = self.leaving.iter().map(|leaving| leaving.unit.name.pc).collect();
        Leaving { last: self.left, entries, taken }
    }

    /// Names of the units that cover a page of the ranges, each once.
    fn names_in(&self, ranges: &[Range<u64>]) -> Vec<UnitName> {
        let mut names = Vec::new();
        let mut seen = FxHashSet::default();
        for range in ranges {
            let first = range.start / PAGE_SIZE;
            let last = range.end.saturating_sub(1) / PAGE_SIZE;
            let found = self.pages.range(first..=last).flat_map(|(_, names)| names);
            names.extend(found.filter(|&&name| seen.insert(name)));
        }
        names
    }
}

impl Unit {
    /// A unit in the arena that nobody knows of yet.
    fn new(compiled: &CompiledUnit, installed: InstalledUnit, watch: CodeWatch) -> Unit {
        Unit {
            name: UnitName { pc: compiled.pc, key: compiled.key },
            tier: compiled.tier,
            installed,
            watch,
            ranges: compiled.ranges.clone(),
            checks: compiled.checks.clone(),
            instructions: compiled.instructions,
            accesses: compiled.sites.len() as u32,
            interprets: compiled.interprets,
            count: Count::new(compiled.counter),
            age: Age::default(),
            cut: false,
        }
    }

    /// What it is found by.
    pub fn name(&self) -> &UnitName {
        &self.name
    }

    /// How it was made.
    pub fn tier(&self) -> Tier {
        self.tier
    }

    /// Whether another process could use it: it checks no bytes and its key means the same there.
    pub fn is_storable(&self) -> bool {
        self.tier == Tier::Region && self.checks.is_empty() && self.name.key.hooks == 0
    }

    /// What it takes of the arena.
    fn load(&self) -> Load {
        let slots = self.installed.links.len() + usize::from(self.installed.counter.is_some());
        Load { bytes: codegen::place_size(self.installed.size), slots }
    }
}

/// Address and bytes of a piece of code.
type Piece = (u64, Box<[u8]>);

/// Whether two pieces have an address in common.
fn overlap(a: &Piece, b: &Piece) -> bool {
    let (first, second) = if a.0 <= b.0 { (a, b) } else { (b, a) };
    second.0 - first.0 < first.1.len() as u64 && !second.1.is_empty()
}

/// Whether two pieces have the same bytes at the addresses that they have in common.
fn agree(a: &Piece, b: &Piece) -> bool {
    let (first, second) = if a.0 <= b.0 { (a, b) } else { (b, a) };
    let ahead = usize::try_from(second.0 - first.0).unwrap_or(usize::MAX);
    first.1.iter().skip(ahead).zip(&second.1).all(|(a, b)| a == b)
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("units", &self.len()).finish_non_exhaustive()
    }
}

/// Numbers of the pages that ranges touch, each once.
fn pages(ranges: &[Range<u64>]) -> Vec<u64> {
    let mut pages: Vec<u64> = ranges
        .iter()
        .flat_map(|range| range.start / PAGE_SIZE..=range.end.saturating_sub(1).max(range.start) / PAGE_SIZE)
        .collect();
    pages.sort_unstable();
    pages.dedup();
    pages
}
