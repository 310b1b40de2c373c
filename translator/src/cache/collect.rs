//! What goes when room is needed: a collection in two generations, while vCPUs run.
//!
//! # How use is seen
//! Hot code counts nothing for this. A unit is *cut off* instead: no link leads to it any more, and vCPUs are told to drop it
//! from their jump caches. Whoever uses it next comes through a look-up, which notes that and links it again. So a unit that
//! is still cut off some time later was not used meanwhile; one that is used costs one exit to the dispatcher each time that
//! it was cut off.
//!
//! # Generations
//! | generation | which units |
//! | --- | --- |
//! | new | published since the last collection |
//! | watched | cut off by a collection when they were new |
//! | old | those that lived through that |
//!
//! A *minor* collection judges the watched, but for a sixteenth of the arena, those that have been watched for the shortest
//! time: what was used becomes old; what was not has died young, and is evicted if room is short. Then it cuts the new ones
//! off, which become watched. Its work is in proportion to what was published since the last one, however much code there is.
//!
//! A *major* collection evicts some of the least recently used of the old, as a clock does (Corbato, 1968): the old are a
//! queue; what comes to its head and was used since it was last cut off is cut off and goes to the end; what was not is
//! evicted. It evicts more than is published between two collections, and no more than it may hold a vCPU up for.
//!
//! # What it holds up
//! Both work through a few units at a time and give way to whoever waits for the lock. What they evicted leaves as every unit
//! does ([`Cache::take`]): announced, waited for, freed.

use super::{Cache, Gone, Inner, Leaving, Unit, UnitName};
use crate::codegen::{CompiledUnit, Usage, place_size};
use crate::leaf_lock::LeafGuard;
use std::collections::BTreeMap;
use std::ops::{AddAssign, SubAssign};

/// A minor collection is due when a sixteenth of the arena has been published since the last one, or this many bytes.
const PUBLISHED_MOST: usize = 256 << 10;

/// A major collection evicts a thirty-second of the arena, or this many bytes.
const EVICTED_MOST: usize = 2 * PUBLISHED_MOST;

/// For each byte that a major collection is to evict it passes over so many in units that are in use; then it takes what comes.
const PASSED_OVER: usize = 2;

/// Units between two chances for others to have the lock.
///
/// PERF: one takes two to four microseconds, most of them cache misses.
const TURN: usize = 32;

/// What is asked of a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Collection {
    /// Evict what died young, if room is short, and watch what is new.
    Minor,
    /// Evict a part of the least recently used.
    Major,
}

/// What units take of an arena.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Load {
    /// Bytes of code.
    pub bytes: usize,
    /// Link slots, with those of counters.
    pub slots: usize,
}

impl Load {
    /// So many eighths.
    fn eighths(self, count: usize) -> Load {
        Load { bytes: self.bytes / 8 * count, slots: self.slots / 8 * count }
    }

    /// Whether there is no more of anything than `other` has.
    fn fits(self, other: Load) -> bool {
        self.bytes <= other.bytes && self.slots <= other.slots
    }
}

impl AddAssign for Load {
    fn add_assign(&mut self, other: Load) {
        self.bytes += other.bytes;
        self.slots += other.slots;
    }
}

impl SubAssign for Load {
    fn sub_assign(&mut self, other: Load) {
        self.bytes -= other.bytes;
        self.slots -= other.slots;
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) enum Generation {
    #[default]
    New,
    Watched,
    Old,
}

/// A unit's generation, and its place in the queue of that.
pub(super) type Age = (Generation, i64);

/// The live units of each generation, in queues.
#[derive(Debug, Default)]
pub(super) struct Ages {
    queues: BTreeMap<Age, UnitName>,
    /// Places given out at the ends of queues,
    behind: i64,
    /// and at their heads.
    ahead: i64,
}

impl Ages {
    fn push(&mut self, generation: Generation, name: UnitName) -> Age {
        self.behind += 1;
        self.queues.insert((generation, self.behind), name);
        (generation, self.behind)
    }

    fn push_ahead(&mut self, generation: Generation, name: UnitName) -> Age {
        self.ahead -= 1;
        self.queues.insert((generation, self.ahead), name);
        (generation, self.ahead)
    }

    /// The head of a generation's queue.
    fn head(&self, generation: Generation) -> Option<(i64, UnitName)> {
        let (age, name) = self.queues.range((generation, i64::MIN)..=(generation, i64::MAX)).next()?;
        Some((age.1, *name))
    }
}

impl Cache {
    /// Whether a minor collection is due before the next unit is published.
    pub fn is_collection_due(&self) -> bool {
        self.lock().fresh >= (self.room.bytes / 16).min(PUBLISHED_MOST)
    }

    /// Whether room is so short that a major collection is due.
    pub fn is_crowded(&self) -> bool {
        !self.lock().live.fits(self.room.eighths(7))
    }

    /// Whether there is room for a unit now.
    pub fn has_room(&self, unit: &CompiledUnit) -> bool {
        let Usage { largest_piece, free_slots, .. } = self.arena().usage();
        self.needs(unit).fits(Load { bytes: largest_piece, slots: free_slots })
    }

    /// Whether there would be room for a unit if there was no other.
    pub fn has_room_at_best(&self, unit: &CompiledUnit) -> bool {
        self.needs(unit).fits(self.room)
    }

    fn needs(&self, unit: &CompiledUnit) -> Load {
        let slots = unit.links.len() + usize::from(unit.counter.is_some());
        Load { bytes: place_size(unit.code.len()), slots }
    }

    /// Makes units unreachable and cuts others off as the collection says. What [`Cache::take`] says of leaving units holds;
    /// jump caches have to forget those that were cut off, too.
    pub fn collect(&self, collection: Collection) -> Leaving {
        let (cut, evicted) = match collection {
            Collection::Minor => self.collect_young(),
            Collection::Major => self.collect_old((self.room.bytes / 32).min(EVICTED_MOST)),
        };
        let mut leaving = self.lock().leaving_now(evicted);
        leaving.entries.extend(cut);
        leaving
    }

    /// A minor collection: entries of the units that it cut off, and how many it evicted.
    fn collect_young(&self) -> (Vec<u64>, usize) {
        let (mut cut, mut evicted) = (Vec::new(), 0);
        let mut inner = self.lock();
        inner.fresh = 0;
        let newest = inner.ages.behind;
        while inner.watched > self.room.bytes / 16
            && let Some((_, name)) = inner.ages.head(Generation::Watched)
        {
            let used = !inner.units[&name].cut;
            if used {
                inner.move_to(&name, |ages| ages.push(Generation::Old, name));
            } else if inner.live.fits(self.room.eighths(6)) {
                // What need not go today is the first to go.
                inner.move_to(&name, |ages| ages.push_ahead(Generation::Old, name));
            } else {
                self.evict(&mut inner, &name);
                evicted += 1;
                take_turns(&mut inner, evicted);
            }
        }
        while let Some((place, name)) = inner.ages.head(Generation::New)
            && place <= newest
        {
            self.cut_off(&mut inner, &name);
            inner.move_to(&name, |ages| ages.push(Generation::Watched, name));
            cut.push(name.pc);
            take_turns(&mut inner, evicted + cut.len());
        }
        (cut, evicted)
    }

    /// A major collection: entries of the units that it cut off, and how many it evicted.
    fn collect_old(&self, bytes_to_go: usize) -> (Vec<u64>, usize) {
        let (mut cut, mut evicted) = (Vec::new(), 0);
        let (mut gone, mut passed_over) = (0, 0);
        let mut inner = self.lock();
        while gone < bytes_to_go {
            let old = inner.ages.head(Generation::Old);
            let young = || inner.ages.head(Generation::Watched).or_else(|| inner.ages.head(Generation::New));
            let Some((_, name)) = old.or_else(young) else { break };
            let unit = &inner.units[&name];
            let bytes = unit.load().bytes;
            if old.is_some() && !unit.cut && passed_over < PASSED_OVER * bytes_to_go {
                passed_over += bytes;
                self.cut_off(&mut inner, &name);
                inner.move_to(&name, |ages| ages.push(Generation::Old, name));
                cut.push(name.pc);
            } else {
                gone += bytes;
                self.evict(&mut inner, &name);
                evicted += 1;
            }
            take_turns(&mut inner, cut.len() + evicted);
        }
        (cut, evicted)
    }

    fn cut_off(&self, inner: &mut Inner, name: &UnitName) {
        self.unlink_all(inner, name);
        if let Some(unit) = inner.units.get_mut(name) {
            unit.cut = true;
        }
    }

    fn evict(&self, inner: &mut Inner, name: &UnitName) {
        let unit = self.remove(inner, name).expect("the name of a live unit");
        inner.leave(unit, Gone::Evicted);
    }
}

/// Lets others have the lock, if it is time for that after so many units.
fn take_turns(inner: &mut LeafGuard<'_, Inner>, units: usize) {
    if units.is_multiple_of(TURN) {
        inner.give_way();
    }
}

impl Inner {
    /// Enters a unit that becomes live.
    pub(super) fn be_born(&mut self, unit: &mut Unit) {
        unit.age = self.ages.push(Generation::New, unit.name);
        self.live += unit.load();
        self.fresh += unit.load().bytes;
    }

    /// Forgets a unit that is live no longer.
    pub(super) fn bury(&mut self, unit: &Unit) {
        self.ages.queues.remove(&unit.age);
        self.live -= unit.load();
        self.watched -= unit.watched_bytes();
    }

    /// Gives a live unit another place.
    fn move_to(&mut self, name: &UnitName, place: impl FnOnce(&mut Ages) -> Age) {
        let Some(unit) = self.units.get_mut(name) else { return };
        self.ages.queues.remove(&unit.age);
        self.watched -= unit.watched_bytes();
        unit.age = place(&mut self.ages);
        self.watched += unit.watched_bytes();
    }
}

impl Unit {
    /// Its bytes if it is one of the watched.
    fn watched_bytes(&self) -> usize {
        if self.age.0 == Generation::Watched { self.load().bytes } else { 0 }
    }
}
