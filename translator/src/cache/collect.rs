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
//! | watched | cut off by the last collection, when they were new |
//! | old | those that lived through that |
//!
//! A *minor* collection judges the watched: what was used becomes old; what was not has died young, and is evicted if room
//! is short. Then it cuts the new ones off, which become the watched. Its work is in proportion to what was published since
//! the last one, however much code there is.
//!
//! A *major* collection evicts the least recently used of the old until its goal is reached, as a clock does (Corbato, 1968):
//! the old are a queue; what comes to its head and was used since it was last cut off is cut off and goes to the end; what
//! was not is evicted.
//!
//! # What it holds up
//! Both work through one unit at a time and give way to whoever waits for the lock. What they evicted leaves as every unit
//! does ([`Cache::take`]): announced, waited for, freed.

use super::{Cache, Gone, Inner, Leaving, UnitName};
use crate::codegen::{CompiledUnit, Usage, place_size};
use std::collections::BTreeMap;
use std::ops::{AddAssign, SubAssign};

/// A minor collection is due when this part of the arena has been published since the last one,
const PUBLISHED_PART: usize = 16;

/// or this many bytes.
///
/// PERF: a minor collection of 4 MiB takes about 3 ms.
const PUBLISHED_MOST: usize = 4 << 20;

/// What is asked of a collection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Collection {
    /// Evict what died young, if room is short, and watch what is new.
    Minor,
    /// Evict the least recently used until no more of the arena is in use than `quarters` of it.
    Major {
        /// 0 to 3.
        quarters: usize,
    },
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
    /// Enters a unit that is being published.
    pub fn new_unit(&mut self, name: UnitName) -> Age {
        self.push(Generation::New, name)
    }

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

    /// Forgets a unit.
    pub fn remove(&mut self, age: Age) {
        self.queues.remove(&age);
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
        self.lock().fresh >= (self.room.bytes / PUBLISHED_PART).min(PUBLISHED_MOST)
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
            Collection::Major { quarters } => self.collect_old(self.room.eighths(2 * quarters)),
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
        while let Some((_, name)) = inner.ages.head(Generation::Watched) {
            let used = !inner.units[&name].cut;
            if used {
                inner.move_to(&name, |ages| ages.push(Generation::Old, name));
            } else if inner.live.fits(self.room.eighths(6)) {
                // What did not die today is the first to go.
                inner.move_to(&name, |ages| ages.push_ahead(Generation::Old, name));
            } else {
                evicted += usize::from(self.evict(&mut inner, &name));
            }
            inner.give_way();
        }
        while let Some((place, name)) = inner.ages.head(Generation::New)
            && place <= newest
        {
            self.cut_off(&mut inner, &name);
            cut.push(name.pc);
            inner.move_to(&name, |ages| ages.push(Generation::Watched, name));
            inner.give_way();
        }
        (cut, evicted)
    }

    /// A major collection: entries of the units that it cut off, and how many it evicted.
    fn collect_old(&self, goal: Load) -> (Vec<u64>, usize) {
        let (mut cut, mut evicted) = (Vec::new(), 0);
        let mut inner = self.lock();
        // What is behind this place has been cut off just now: all of the old were in use.
        let last = inner.ages.behind;
        while !inner.live.fits(goal) {
            let old = inner.ages.head(Generation::Old);
            let young = || inner.ages.head(Generation::Watched).or_else(|| inner.ages.head(Generation::New));
            let Some((place, name)) = old.or_else(young) else { break };
            if old.is_some() && place <= last && !inner.units[&name].cut {
                self.cut_off(&mut inner, &name);
                cut.push(name.pc);
                inner.move_to(&name, |ages| ages.push(Generation::Old, name));
            } else {
                evicted += usize::from(self.evict(&mut inner, &name));
            }
            inner.give_way();
        }
        (cut, evicted)
    }

    fn cut_off(&self, inner: &mut Inner, name: &UnitName) {
        self.unlink_all(inner, name);
        if let Some(unit) = inner.units.get_mut(name) {
            unit.cut = true;
        }
    }

    fn evict(&self, inner: &mut Inner, name: &UnitName) -> bool {
        let unit = self.remove(inner, name);
        unit.map(|unit| inner.leave(unit, Gone::Evicted)).is_some()
    }
}

impl Inner {
    /// Gives a live unit another place.
    fn move_to(&mut self, name: &UnitName, place: impl FnOnce(&mut Ages) -> Age) {
        let Some(unit) = self.units.get_mut(name) else { return };
        self.ages.remove(unit.age);
        unit.age = place(&mut self.ages);
    }
}
