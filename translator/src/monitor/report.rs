//! A machine's report: totals and a line for each unit, as plain data.

use super::{Event, EventKind, Monitor, tier_name};
use crate::cache::Gone;
use crate::cache::UnitName;
use crate::codegen::Tier;
use crate::tier::Hot;
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::collections::BTreeMap;

/// Places of exits that a report names.
const EXIT_PLACES: usize = 100;

/// Units waiting for a region that a report names.
pub(crate) const WAITING_UNITS: usize = 100;

/// Where samples fell.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Samples {
    /// In host code of units.
    pub in_units: u64,
    /// In all else: interpreter, compiler, system calls, the host program.
    pub elsewhere: u64,
}

/// What a monitor knows of one machine. All addresses are guest addresses.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Id of the machine.
    pub vm: u64,
    /// Whose code it runs.
    pub guest: String,
    /// Seconds since the monitor was made.
    pub seconds: f64,
    /// Samples of the process, where they are taken.
    pub samples: Option<Samples>,
    /// Number of events by kind.
    pub events: BTreeMap<EventKind, u64>,
    /// Exits from host code to the dispatcher by kind.
    pub exits: BTreeMap<&'static str, u64>,
    /// Where the most frequent exits are.
    pub exit_places: Vec<ExitPlace>,
    /// The hottest units of stencils that asked for a region and wait for it, hottest first.
    pub waiting: Vec<WaitingUnit>,
    /// Units for which there was no room below.
    pub unrecorded_units: u64,
    /// Every unit, those with the most samples first, then those that took longest to compile.
    pub units: Vec<UnitReport>,
}

/// A unit of stencils that is on its way to a region.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct WaitingUnit {
    /// Its entry.
    pub pc: u64,
    /// The function there, if known.
    pub symbol: Option<String>,
    /// Entries, those of long ago counted less.
    pub score: f64,
    /// The score at which its region was to be compiled when it asked.
    pub threshold: f64,
}

/// A guest address where host code is left.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ExitPlace {
    /// Kind of exit.
    pub kind: &'static str,
    /// Where it goes on.
    pub pc: u64,
    /// The function there, if known.
    pub symbol: Option<String>,
    /// How often.
    pub count: u64,
}

/// A unit, or several that followed each other at one address in one tier.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct UnitReport {
    /// Its entry.
    pub pc: u64,
    /// The function there, if known.
    pub symbol: Option<String>,
    /// `stencils` or `region`.
    pub tier: &'static str,
    /// `live`, `replaced`, `invalidated` or `evicted`.
    pub state: &'static str,
    /// How often one was made here.
    pub made: u32,
    /// How many of these came from the disk cache.
    pub loaded: u32,
    /// When the first became visible, in seconds since the monitor was made.
    pub first_made: f64,
    /// Time that making them took, in nanoseconds.
    pub compile_nanos: u64,
    /// Guest instructions of the last one.
    pub instructions: u32,
    /// Bytes of guest code of the last one.
    pub guest_bytes: u64,
    /// Bytes of host code of the last one.
    pub host_bytes: u64,
    /// Samples in them.
    pub samples: u64,
}

impl Report {
    /// The units that took longest to make, longest first.
    pub fn slowest(&self, count: usize) -> Vec<&UnitReport> {
        let mut units: Vec<&UnitReport> = self.units.iter().collect();
        units.sort_by_key(|unit| std::cmp::Reverse(unit.compile_nanos));
        units.truncate(count);
        units
    }

    /// The units with the most samples, most first; those without a sample are left out.
    pub fn hottest(&self, count: usize) -> Vec<&UnitReport> {
        self.units.iter().filter(|unit| unit.samples > 0).take(count).collect()
    }
}

/// What the machine itself has to say.
pub(crate) struct Now<'a> {
    pub(crate) vm: u64,
    pub(crate) guest: String,
    pub(crate) samples: Option<Samples>,
    /// Samples in units that are live.
    pub(crate) live: FxHashMap<(UnitName, Tier), u64>,
    /// Names of the kinds of exits by number.
    pub(crate) exit_names: &'a [&'static str],
    /// Units that wait for a region, hottest first.
    pub(crate) waiting: Vec<Hot>,
}

impl Monitor {
    pub(crate) fn report(&self, now: Now<'_>) -> Report {
        let state = self.lock();
        let symbols = state.symbols.get(&now.vm);
        let symbol = |pc: u64| symbols.and_then(|symbols| symbols.describe(pc));
        let mut units: Vec<UnitReport> = state
            .records
            .iter()
            .filter(|(key, _)| key.vm == now.vm)
            .map(|(key, record)| UnitReport {
                pc: key.name.pc,
                symbol: symbol(key.name.pc),
                tier: tier_name(key.tier),
                state: match record.gone {
                    None => "live",
                    Some(Gone::Replaced) => "replaced",
                    Some(Gone::Invalidated) => "invalidated",
                    Some(Gone::Evicted) => "evicted",
                },
                made: record.made,
                loaded: record.loaded,
                first_made: record.first_made.as_secs_f64(),
                compile_nanos: record.compile_time.as_nanos() as u64,
                instructions: record.instructions,
                guest_bytes: record.guest_bytes,
                host_bytes: record.host_bytes,
                samples: record.samples + now.live.get(&(key.name, key.tier)).copied().unwrap_or(0),
            })
            .collect();
        units.sort_by_key(|unit| (std::cmp::Reverse((unit.samples, unit.compile_nanos)), unit.pc));
        let mut exits = BTreeMap::new();
        let mut exit_places = Vec::new();
        for (&(_, kind, pc), &count) in state.exits.iter().filter(|((vm, ..), _)| *vm == now.vm) {
            let kind = now.exit_names.get(usize::from(kind)).copied().unwrap_or("unknown");
            *exits.entry(kind).or_insert(0) += count;
            exit_places.push(ExitPlace { kind, pc, symbol: None, count });
        }
        exit_places.sort_by_key(|place| (std::cmp::Reverse(place.count), place.pc, place.kind));
        exit_places.truncate(EXIT_PLACES);
        exit_places.iter_mut().for_each(|place| place.symbol = symbol(place.pc));
        let waiting = now.waiting.iter().map(|hot| {
            let Hot { name, score, threshold } = *hot;
            WaitingUnit { pc: name.pc, symbol: symbol(name.pc), score, threshold }
        });
        let waiting = waiting.collect();
        Report {
            waiting,
            vm: now.vm,
            guest: now.guest,
            seconds: self.started.elapsed().as_secs_f64(),
            samples: now.samples,
            events: events_of(&state.events, now.vm),
            exits,
            exit_places,
            unrecorded_units: state.unrecorded,
            units,
        }
    }
}

fn events_of(events: &FxHashMap<(u64, EventKind), u64>, vm: u64) -> BTreeMap<EventKind, u64> {
    events.iter().filter(|((of, _), _)| *of == vm).map(|(&(_, kind), &count)| (kind, count)).collect()
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Event { at, vm, kind, pc, tier } = self;
        write!(f, "{:.6} vm {vm} {kind:?} {pc:#x} {}", at.as_secs_f64(), tier_name(*tier))
    }
}
