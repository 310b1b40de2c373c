//! How often units of stencils were entered.
//!
//! A unit of stencils counts its entries down and leaves with a `Hot` exit below zero. What it has counted is read off the
//! counter at any time, so that nothing else has to be counted in code that runs. vCPUs count without
//! synchronisation: where several run a unit, entries may be lost.

use super::{Cache, Inner, Unit, UnitName};
use crate::codegen::Tier;

/// What is known of a unit of stencils without a look at its code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Profile {
    /// Entries since it was made, or since a region took its work over.
    pub entries: u64,
    /// Guest instructions.
    pub instructions: u32,
    /// Instructions that may fault: accesses, mostly.
    pub accesses: u32,
    /// Direct jumps out.
    pub exits: u32,
    /// Bytes of host code.
    pub bytes: u32,
    /// Whether it ends at an instruction that is left to the interpreter.
    pub interprets: bool,
    /// Whether one of its jumps leads back into it.
    pub loops: bool,
}

/// A unit's entries up to when its counter was set, and to what it was set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    before: u64,
    set_to: i64,
}

impl Count {
    /// Of a unit with this counter, when it is installed.
    pub(super) fn new(counter: Option<i64>) -> Count {
        Count { before: 0, set_to: counter.unwrap_or(0) }
    }
}

impl Cache {
    /// The entries and the shape of a live unit of stencils.
    pub fn profile(&self, name: &UnitName) -> Option<Profile> {
        let inner = self.lock();
        let unit = inner.units.get(name).filter(|unit| unit.tier == Tier::Stencils)?;
        let leads_back = |target: u64| unit.ranges.iter().any(|range| range.contains(&target));
        Some(Profile {
            entries: self.entries(unit),
            instructions: unit.instructions,
            accesses: unit.accesses,
            exits: unit.installed.links.len() as u32,
            bytes: unit.installed.size as u32,
            interprets: unit.interprets,
            loops: unit.installed.links.iter().any(|link| leads_back(link.target)),
        })
    }

    /// Sets how many entries a unit counts before its next `Hot` exit.
    pub fn set_counter(&self, name: &UnitName, entries: i64) {
        let mut inner = self.lock();
        if let Some(unit) = inner.units.get_mut(name) {
            let before = self.entries(unit);
            self.restart(unit, Count { before, set_to: entries });
        }
    }

    /// Lets the units of stencils whose entries a region covers count anew, from `entries` down: what made them hot is done
    /// by the region from now on. Returns the guest instructions that they executed until now, if each went through
    /// to its end.
    pub fn take_over(&self, region: &UnitName, entries: i64) -> u64 {
        let mut inner = self.lock();
        let Some(covered) = inner.covered(region) else { return 0 };
        let mut executed = 0u64;
        for name in covered {
            if let Some(unit) = inner.units.get_mut(&name) {
                executed = executed.saturating_add(self.entries(unit) * u64::from(unit.instructions));
                self.restart(unit, Count { before: 0, set_to: entries });
            }
        }
        executed
    }

    fn entries(&self, unit: &Unit) -> u64 {
        let Some(counter) = unit.installed.counter else { return 0 };
        let since = unit.count.set_to.saturating_sub(self.arena().counter(counter));
        unit.count.before + u64::try_from(since).unwrap_or(0)
    }

    fn restart(&self, unit: &mut Unit, count: Count) {
        if let Some(counter) = unit.installed.counter {
            unit.count = count;
            self.arena().set_counter(counter, count.set_to);
        }
    }
}

impl Inner {
    /// The units of stencils whose entries lie in a live region.
    fn covered(&self, region: &UnitName) -> Option<Vec<UnitName>> {
        let ranges = &self.units.get(region).filter(|unit| unit.tier == Tier::Region)?.ranges;
        let mut names = self.names_in(ranges);
        names.retain(|name| {
            name.key == region.key
                && ranges.iter().any(|range| range.contains(&name.pc))
                && self.units.get(name).is_some_and(|unit| unit.tier == Tier::Stencils)
        });
        Some(names)
    }
}
