//! Which units of stencils are worth a region: a score for each that has asked for one, and when it is high enough.
//!
//! A unit asks when its counter runs out (`Hot`), and is told to compile, or to count on. Nothing here is on the way of code
//! that runs: a unit asks a few times in its life.
//!
//! The *score* of a unit is its number of entries, exponentially weighted: what was entered [`HALF_LIFE`] ago counts half.
//! It is hot at a threshold, by number ([`Promotion::After`]) or where a region is expected to pay
//! ([`Promotion::Learned`]), which moves with what can be compiled ([`Budget`]). It is cold below a share of that, and
//! forgotten.
//!
//! Invariant: with `Promotion::After`, no budget and no compile threads the clock is never read; what is compiled depends
//! on what the guest does alone.

use super::budget::Budget;
use super::estimate::{Compiled, Estimate};
use crate::cache::{Profile, UnitName};
use crate::leaf_lock::{LeafGuard, LeafLock};
use rustc_hash::{FxHashMap, FxHashSet};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Processor time of the process after which an entry counts half.
const HALF_LIFE: Duration = Duration::from_secs(10);

/// Units that are remembered at most.
const MAX_RECORDS: usize = 4096;

/// Share of the hot threshold below which a unit is cold, unless room is needed.
const COLD: f64 = 1.0 / 32.0;

/// Entries of a new unit before it asks, where the threshold is learned.
const FIRST_LEARNED: u32 = 4000;

/// When a region is compiled at the entry of a unit of stencils.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Promotion {
    /// After so many entries.
    After(u32),
    /// When it has cost as much not to have the region as the region will cost; both are predicted from earlier compiles
    /// of the machine, whose times are measured. So two runs may compile different regions.
    Learned,
}

/// The answer to a unit that asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Its region is to be compiled, before those of lower rank. [`Hotness::finish`] has to be told when that has been done.
    Compile {
        /// Score, in thousandths of the threshold.
        rank: u64,
    },
    /// It is to ask again after so many entries.
    Wait {
        /// At least 1.
        entries: i64,
    },
}

/// A unit that has asked and waits.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Hot {
    /// Its name.
    pub name: UnitName,
    /// Entries, weighted.
    pub score: f64,
    /// Score at which its region is compiled.
    pub threshold: f64,
}

/// What was decided since the machine was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counters {
    /// Units that asked.
    pub asked: u64,
    /// How many of these were told to count on.
    pub put_off: u64,
    /// How many of those were hot, but nothing was left of the budget.
    pub over_budget: u64,
    /// Units that were forgotten, because they were cold or others needed the place.
    pub forgotten: u64,
}

/// The units of one machine that have asked.
#[derive(Debug)]
pub struct Hotness {
    promotion: Promotion,
    /// Whether time plays a part.
    timed: bool,
    state: LeafLock<State>,
}

#[derive(Debug)]
struct State {
    records: FxHashMap<UnitName, Record>,
    /// Those whose regions are being compiled.
    underway: FxHashSet<UnitName>,
    budget: Budget,
    estimate: Estimate,
    /// Share of the hot threshold below which units are forgotten.
    cold: f64,
    /// When the machine was made.
    born: Duration,
    counters: Counters,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    /// As of `at`.
    score: f64,
    at: Duration,
    /// The profile's entries then.
    entries: u64,
    threshold: f64,
}

impl Record {
    fn score(&self, now: Duration) -> f64 {
        self.score * weight(now.saturating_sub(self.at))
    }
}

/// What an entry counts after a time.
fn weight(age: Duration) -> f64 {
    (-age.as_secs_f64() / HALF_LIFE.as_secs_f64()).exp2()
}

/// What an entry counts on average that came at any moment of a time that ends now.
fn mean_weight(span: Duration) -> f64 {
    let lives = span.as_secs_f64() / HALF_LIFE.as_secs_f64();
    // The integral of `weight`; its limit where there is nothing to divide by.
    if lives < 1e-6 { 1.0 } else { (1.0 - (-lives).exp2()) / (lives * std::f64::consts::LN_2) }
}

impl Hotness {
    /// For a machine; `budget` is the most compile time, in percent of the processor time.
    pub fn new(promotion: Promotion, budget: Option<u32>, compile_threads: usize) -> Hotness {
        let timed = promotion == Promotion::Learned || budget.is_some() || compile_threads > 0;
        let born = if timed { processor_time() } else { Duration::ZERO };
        let state = State {
            records: FxHashMap::default(),
            underway: FxHashSet::default(),
            budget: Budget::new(budget, compile_threads, born),
            estimate: Estimate::default(),
            cold: COLD,
            born,
            counters: Counters::default(),
        };
        Hotness { promotion, timed, state: LeafLock::new(state) }
    }

    /// Processor time of the process, or zero where time plays no part.
    pub fn now(&self) -> Duration {
        if self.timed { processor_time() } else { Duration::ZERO }
    }

    /// Does something, and says how much processor time of this thread it took; zero where time plays no part.
    pub fn time<T>(&self, work: impl FnOnce() -> T) -> (T, Duration) {
        if !self.timed {
            return (work(), Duration::ZERO);
        }
        let begun = clock(ClockId::ThreadCPUTime);
        let done = work();
        (done, clock(ClockId::ThreadCPUTime).saturating_sub(begun))
    }

    /// Entries that a new unit counts before it asks.
    pub fn first(&self) -> i64 {
        match self.promotion {
            Promotion::After(entries) => i64::from(entries),
            Promotion::Learned => i64::from(FIRST_LEARNED),
        }
    }

    /// A unit asks, at the time `now`, while `waiting` others wait for a compile thread.
    pub fn ask(&self, name: &UnitName, profile: &Profile, now: Duration, waiting: usize) -> Verdict {
        let mut state = self.lock();
        let state = &mut *state;
        state.counters.asked += 1;
        if state.budget.pass(now, waiting) {
            state.cold = (state.cold / 2.0).max(COLD);
            state.forget_cold(now);
        }
        if state.underway.contains(name) {
            state.counters.put_off += 1;
            return Verdict::Wait { entries: self.first().max(1) };
        }
        let hot = match self.promotion {
            Promotion::After(entries) => f64::from(entries),
            Promotion::Learned => state.estimate.break_even(profile),
        };
        let threshold = (hot * state.budget.pressure()).max(1.0);
        let score = state.score(name, profile, now);
        let is_hot = score >= threshold;
        if is_hot && state.budget.allows() {
            state.records.remove(name);
            state.underway.insert(*name);
            return Verdict::Compile { rank: (score / threshold * 1000.0) as u64 };
        }
        state.counters.put_off += 1;
        state.counters.over_budget += u64::from(is_hot);
        if state.records.len() >= MAX_RECORDS {
            state.make_room(now);
        }
        state.records.insert(*name, Record { score, at: now, entries: profile.entries, threshold });
        // Not at each entry, where little is missing or the budget is used up.
        Verdict::Wait { entries: (threshold - score).max(threshold / 8.0).ceil() as i64 }
    }

    /// A compile is over that [`Verdict::Compile`] asked for. `compiled` says what it brought, if there is a region now.
    pub fn finish(&self, name: &UnitName, cost: Duration, compiled: Option<&Compiled>) {
        let mut state = self.lock();
        state.underway.remove(name);
        state.budget.spend(cost);
        if self.promotion == Promotion::Learned
            && let Some(compiled) = compiled
        {
            state.estimate.learn(compiled);
        }
    }

    /// The units with the highest scores of those that wait, highest first.
    pub fn top(&self, count: usize) -> Vec<Hot> {
        let now = self.now();
        let mut units: Vec<Hot> = {
            let state = self.lock();
            let hot = |(name, record): (&UnitName, &Record)| Hot {
                name: *name,
                score: record.score(now),
                threshold: record.threshold,
            };
            state.records.iter().map(hot).collect()
        };
        units.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.name.pc.cmp(&b.name.pc)));
        units.truncate(count);
        units
    }

    /// Counters as of now.
    pub fn counters(&self) -> Counters {
        self.lock().counters
    }

    fn lock(&self) -> LeafGuard<'_, State> {
        self.state.lock()
    }
}

impl State {
    /// The score of a unit whose profile is this.
    fn score(&self, name: &UnitName, profile: &Profile, now: Duration) -> f64 {
        let known = self.records.get(name).filter(|record| record.entries <= profile.entries);
        // Of a unit that is new here, or counts anew, nobody knows since when it has been entered: at most since the machine was made.
        let (score, entries, at) =
            known.map_or((0.0, 0, self.born), |record| (record.score(now), record.entries, record.at));
        score + (profile.entries - entries) as f64 * mean_weight(now.saturating_sub(at))
    }

    /// Forgets what has become cold.
    fn forget_cold(&mut self, now: Duration) {
        let (before, cold) = (self.records.len(), self.cold);
        self.records.retain(|_, record| record.score(now) >= cold * record.threshold);
        self.counters.forgotten += (before - self.records.len()) as u64;
    }

    /// Raises the cold threshold to where half of the units are below, and forgets these; for the next windows it stays high.
    fn make_room(&mut self, now: Duration) {
        let mut shares: Vec<f64> =
            self.records.values().map(|record| record.score(now) / record.threshold).collect();
        let middle = shares.len() / 2;
        // Above the one in the middle, so that also of equal ones some go.
        self.cold = shares.select_nth_unstable_by(middle, f64::total_cmp).1.next_up().max(COLD);
        self.forget_cold(now);
    }
}

fn processor_time() -> Duration {
    clock(ClockId::ProcessCPUTime)
}

fn clock(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

#[cfg(test)]
mod tests;
