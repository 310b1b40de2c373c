//! What translation does while it happens: a record of each unit, events, and names for `perf`.
//!
//! A [`Monitor`] belongs to an engine ([`EngineOptions::monitor`](crate::run::EngineOptions::monitor)) and sees all of its
//! machines. Without one nothing is recorded. With one, something is done where units are made, replaced or dropped and where
//! host code is left for the dispatcher; the generated code is the same.
//!
//! No lock of the monitor is held while a listener is called, and none is taken with another one held.

mod perf;
mod report;

pub use report::{ExitPlace, Report, Samples, UnitReport, WaitingUnit};
pub(crate) use report::{Now, WAITING_UNITS};

use crate::cache::{Gone, Placed, UnitName};
use crate::codegen::{CompiledUnit, Tier};
use perf::{JitDump, PerfMap};
use rustc_hash::FxHashMap;
use serde::Serialize;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// Units that are recorded one by one; those beyond are counted.
const MAX_UNITS: usize = 1 << 18;

/// Settings of a monitor.
#[derive(Clone, Debug, Default)]
pub struct MonitorOptions {
    /// Take samples of where the process spends its time, by SIGPROF and the process's profiling timer. Refused where
    /// the host program has a handler of its own for that signal.
    pub sample: bool,
    /// Write `/tmp/perf-PID.map`, from which `perf report` takes the names of units.
    pub perf_map: bool,
    /// Write `jit-PID.dump` into this directory, which `perf inject --jit` reads: names and code of units.
    pub jitdump: Option<PathBuf>,
}

/// Something that happened to a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Since the monitor was made.
    pub at: Duration,
    /// [`Vm::id`](crate::run::Vm::id) of the machine.
    pub vm: u64,
    /// What happened.
    pub kind: EventKind,
    /// Guest address of the unit's entry.
    pub pc: u64,
    /// How the unit is made; for `HotSpot`, how it is made so far.
    pub tier: Tier,
}

/// Kinds of events.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A unit was made and can be entered.
    Compiled,
    /// A unit was taken from the disk cache and can be entered.
    Loaded,
    /// As `Compiled` or `Loaded`, in the place of a unit of a lower tier.
    Promoted,
    /// A unit went because its code was written or unmapped.
    Invalidated,
    /// A unit went to make room.
    Evicted,
    /// A unit of stencils has been entered often enough for the next tier.
    HotSpot,
}

/// Where a unit comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// It was made in this process.
    Here,
    /// The disk cache.
    Disk,
}

/// A unit that has just become visible.
pub(crate) struct Made<'a> {
    vm: u64,
    name: UnitName,
    unit: &'a CompiledUnit,
    placed: Placed,
    from: Origin,
}

impl Made<'_> {
    pub(crate) fn of(vm: u64, unit: &CompiledUnit, placed: Placed, from: Origin) -> Made<'_> {
        Made { vm, name: UnitName { pc: unit.pc, key: unit.key }, unit, placed, from }
    }
}

/// What is kept of all units of one name and tier.
#[derive(Clone, Copy, Debug)]
struct Record {
    made: u32,
    loaded: u32,
    first_made: Duration,
    compile_time: Duration,
    instructions: u32,
    guest_bytes: u64,
    host_bytes: u64,
    /// Samples taken in units that are gone.
    samples: u64,
    /// Why the last one went; `None` while it is live.
    gone: Option<Gone>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct RecordKey {
    vm: u64,
    name: UnitName,
    tier: Tier,
}

#[derive(Debug, Default)]
struct State {
    records: FxHashMap<RecordKey, Record>,
    /// Units for which there was no room in `records`.
    unrecorded: u64,
    /// Exits to the dispatcher by machine, kind and guest address.
    exits: FxHashMap<(u64, u8, u64), u64>,
    events: FxHashMap<(u64, EventKind), u64>,
    symbols: FxHashMap<u64, Symbols>,
}

type Listener = Arc<dyn Fn(&Event) + Send + Sync>;

/// Watches the machines of an engine.
pub struct Monitor {
    started: Instant,
    options: MonitorOptions,
    state: Mutex<State>,
    listeners: RwLock<Vec<(u64, Listener)>>,
    next_listener: AtomicU64,
    map: Option<Mutex<PerfMap>>,
    dump: Option<Mutex<JitDump>>,
}

/// Names a listener for [`Monitor::forget`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListenerId(pub u64);

impl Monitor {
    /// Makes a monitor and the files for `perf`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn new(options: &MonitorOptions) -> io::Result<Arc<Monitor>> {
        let map = options.perf_map.then(PerfMap::create).transpose()?;
        let dump = options.jitdump.as_deref().map(JitDump::create).transpose()?;
        Ok(Arc::new(Monitor {
            started: Instant::now(),
            options: options.clone(),
            state: Mutex::default(),
            listeners: RwLock::default(),
            next_listener: AtomicU64::new(0),
            map: map.map(Mutex::new),
            dump: dump.map(Mutex::new),
        }))
    }

    /// The settings.
    pub fn options(&self) -> &MonitorOptions {
        &self.options
    }

    /// Has each event told to `listener`, on the thread where it happens: a vCPU's, a compile thread, or one that writes
    /// code. It must not call the machine, and should be quick.
    pub fn on_event(&self, listener: impl Fn(&Event) + Send + Sync + 'static) -> ListenerId {
        let id = self.next_listener.fetch_add(1, Ordering::Relaxed);
        self.listeners.write().unwrap_or_else(PoisonError::into_inner).push((id, Arc::new(listener)));
        ListenerId(id)
    }

    /// Takes a listener away; whether there was one. If it is just being called, it may still be running when this
    /// returns.
    pub fn forget(&self, id: ListenerId) -> bool {
        let taken = {
            let mut listeners = self.listeners.write().unwrap_or_else(PoisonError::into_inner);
            let at = listeners.iter().position(|(other, _)| *other == id.0);
            at.map(|at| listeners.swap_remove(at))
        };
        // What the listener owns is dropped without the lock.
        taken.is_some()
    }

    /// A channel on which each event comes, until the receiver is dropped.
    pub fn subscribe(self: &Arc<Self>) -> Receiver<Event> {
        let (sender, receiver) = channel();
        // A receiver that is gone costs a failed send an event.
        self.on_event(move |event| {
            let _ = sender.send(*event);
        });
        receiver
    }

    /// Gives the functions of the program in a machine names: in reports, and for `perf`. `symbols` are address, size (0 if
    /// unknown) and name.
    pub fn name_symbols(&self, vm: u64, symbols: impl IntoIterator<Item = (u64, u64, String)>) {
        let symbols = Symbols::new(symbols.into_iter().collect());
        self.lock().symbols.insert(vm, symbols);
    }

    pub(crate) fn made(&self, made: &Made<'_>) {
        let at = self.started.elapsed();
        let (unit, tier, loaded) = (made.unit, made.unit.tier, made.from == Origin::Disk);
        let kind = match (made.placed.promoted, loaded) {
            (true, _) => EventKind::Promoted,
            (false, true) => EventKind::Loaded,
            (false, false) => EventKind::Compiled,
        };
        let key = RecordKey { vm: made.vm, name: made.name, tier };
        let mut symbol = None;
        {
            let mut state = self.lock();
            if state.records.len() < MAX_UNITS || state.records.contains_key(&key) {
                let record = state.records.entry(key).or_insert(Record {
                    made: 0,
                    loaded: 0,
                    first_made: at,
                    compile_time: Duration::ZERO,
                    instructions: 0,
                    guest_bytes: 0,
                    host_bytes: 0,
                    samples: 0,
                    gone: None,
                });
                record.made += 1;
                record.loaded += u32::from(loaded);
                record.compile_time += unit.compile_time;
                record.instructions = unit.instructions;
                record.guest_bytes = unit.ranges.iter().map(|range| range.end - range.start).sum();
                record.host_bytes = unit.code.len() as u64;
                record.gone = None;
            } else {
                state.unrecorded += 1;
            }
            if self.map.is_some() || self.dump.is_some() {
                let name = state.symbols.get(&made.vm).and_then(|symbols| symbols.describe(made.name.pc));
                let place = name.unwrap_or_else(|| format!("{:#x}", made.name.pc));
                symbol = Some(format!("{}:{place}[{}]", made.name.key.guest, tier_name(tier)));
            }
        }
        if let Some(symbol) = symbol {
            // A full disk costs names, not the run.
            if let Some(map) = &self.map {
                let _ = guard(map).add(made.placed.entry, unit.code.len(), &symbol);
            }
            if let Some(dump) = &self.dump {
                let _ = guard(dump).add(made.placed.entry, &unit.code, &symbol);
            }
        }
        self.tell(Event { at, vm: made.vm, kind, pc: unit.pc, tier });
    }

    /// Units are gone; each with the samples that were taken in it, and why.
    pub(crate) fn gone(&self, vm: u64, units: impl Iterator<Item = (UnitName, Tier, u64, Gone)>) {
        let at = self.started.elapsed();
        for (name, tier, samples, why) in units {
            if let Some(record) = self.lock().records.get_mut(&RecordKey { vm, name, tier }) {
                record.samples += samples;
                record.gone = Some(why);
            }
            let kind = match why {
                Gone::Invalidated => EventKind::Invalidated,
                Gone::Evicted => EventKind::Evicted,
                // Told as the promotion, when the new unit came.
                Gone::Replaced => continue,
            };
            self.tell(Event { at, vm, kind, pc: name.pc, tier });
        }
    }

    pub(crate) fn hot(&self, vm: u64, pc: u64, tier: Tier) {
        self.tell(Event { at: self.started.elapsed(), vm, kind: EventKind::HotSpot, pc, tier });
    }

    /// Adds exits of one vCPU: kind and guest address, and how many.
    pub(crate) fn exits(&self, vm: u64, exits: impl Iterator<Item = ((u8, u64), u64)>) {
        let mut state = self.lock();
        for ((kind, pc), count) in exits {
            *state.exits.entry((vm, kind, pc)).or_default() += count;
        }
    }

    fn tell(&self, event: Event) {
        *self.lock().events.entry((event.vm, event.kind)).or_default() += 1;
        let listeners = self.listeners.read().unwrap_or_else(PoisonError::into_inner).clone();
        listeners.iter().for_each(|(_, listener)| listener(&event));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        guard(&self.state)
    }
}

fn guard<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Monitor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor").field("options", &self.options).finish_non_exhaustive()
    }
}

/// The name of a tier in reports.
pub fn tier_name(tier: Tier) -> &'static str {
    match tier {
        Tier::Stencils => "stencils",
        Tier::Region => "region",
    }
}

/// Functions of a program by address.
#[derive(Debug)]
struct Symbols(Vec<(u64, u64, String)>);

impl Symbols {
    fn new(mut symbols: Vec<(u64, u64, String)>) -> Symbols {
        symbols.sort();
        Symbols(symbols)
    }

    /// `name+0x10` for an address inside a function, or behind a label of unknown size and before the next symbol.
    fn describe(&self, pc: u64) -> Option<String> {
        let behind = self.0.partition_point(|symbol| symbol.0 <= pc);
        // Functions may hold labels, and rarely each other.
        let near = self.0[..behind].iter().rev().take(8).enumerate();
        let holds = |(distance, symbol): &(usize, &(u64, u64, String))| {
            pc - symbol.0 < symbol.1 || (symbol.1 == 0 && *distance == 0)
        };
        let (_, (start, _, name)) = near.into_iter().find(holds)?;
        Some(if pc == *start { name.clone() } else { format!("{name}+{:#x}", pc - start) })
    }
}

#[cfg(test)]
mod tests;
