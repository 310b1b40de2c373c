//! What a region costs to compile and how much work it takes over, learned from those that have been compiled.
//!
//! Both are predicted from the profile of the unit of stencils that asks, before anything is lifted. They spread over
//! three orders of magnitude, and doubling a feature multiplies them: so logarithms are regressed on logarithms.

use super::regression::Regression;
use crate::cache::Profile;
use std::time::Duration;

/// Number of features.
const FEATURES: usize = 6;

/// Nanoseconds that a region saves for each guest instruction which stencils would have executed.
///
/// PERF: of 0.25, 0.5, 1 and 2, which `scripts/promotion` compared, the short programs took 0.85, 0.85, 0.87 and 0.89 of the time that
/// they take with 3000 entries, the short kernels 0.99 each, and long ones the same with 0.5 and 1.
const SAVED_NANOS: f64 = 0.5;

/// Nanoseconds that it costs to leave a unit of stencils for one instruction that the interpreter does, and that a region can.
///
/// PERF: `float_conversions` left 330000 times more with late regions, and took 50 ms more.
const LEAVE_NANOS: f64 = 150.0;

/// Entries between which the break-even point is believed to lie, whatever has been learned.
const BREAK_EVEN: (f64, f64) = (1e3, 1e6);

/// How far the weights that it begins with may be off.
const DOUBT: f64 = 0.5;

/// A region that was compiled.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Compiled {
    /// The unit of stencils that asked for it.
    pub profile: Profile,
    /// Processor time that it took.
    pub cost: Duration,
    /// Guest instructions that stencils had executed before of those that the region now executes, those of the unit that
    /// asked included.
    pub executed: u64,
}

/// The two predictions.
#[derive(Clone, Debug)]
pub struct Estimate {
    /// Logarithm of the nanoseconds of a compile.
    cost: Regression<FEATURES>,
    /// Logarithm of how many times the work of the unit that asks the region takes over: its loops have other units, too.
    work: Regression<FEATURES>,
}

impl Default for Estimate {
    /// What compiles took on the machine where this was written: 250 us and as much again for each fourfold of the unit; a region
    /// took over twice the work of the unit that asked.
    fn default() -> Estimate {
        Estimate {
            cost: Regression::new([11.7, 0.5, 0.0, 0.0, 0.0, 0.0], DOUBT),
            work: Regression::new([0.7, 0.0, 0.0, 0.0, 0.0, 0.0], DOUBT),
        }
    }
}

impl Estimate {
    /// Entries of a unit after which a region there would have saved what it costs.
    ///
    /// Nobody knows how often the unit will still be entered. To compile when what was lost without the region
    /// equals what it costs takes at most twice the time of whoever knew it (the ski rental problem; Karlin, Manasse,
    /// Rudolph and Sleator, *Competitive snoopy caching*, 1988).
    pub fn break_even(&self, profile: &Profile) -> f64 {
        let features = features(profile);
        let instructions =
            self.work.predict(&features).exp().max(1.0) * f64::from(profile.instructions.max(1));
        let saved = instructions * SAVED_NANOS + f64::from(u8::from(profile.interprets)) * LEAVE_NANOS;
        let entries = self.cost.predict(&features).exp() / saved;
        // `clamp` would let a NaN through.
        entries.max(BREAK_EVEN.0).min(BREAK_EVEN.1)
    }

    /// Takes in what a compile cost and brought.
    pub fn learn(&mut self, compiled: &Compiled) {
        let Compiled { profile, cost, executed } = compiled;
        let own = profile.entries * u64::from(profile.instructions);
        let features = features(profile);
        self.cost.learn(&features, (cost.as_nanos() as f64).ln());
        self.work.learn(&features, (*executed as f64 / own as f64).ln());
    }
}

fn features(profile: &Profile) -> [f64; FEATURES] {
    let instructions = f64::from(profile.instructions.max(1));
    [
        1.0,
        instructions.ln(),
        f64::from(profile.accesses + 1).ln(),
        f64::from(profile.exits + 1).ln(),
        // Floats and atomics take many bytes.
        (f64::from(profile.bytes.max(1)) / instructions).ln(),
        f64::from(u8::from(profile.loops)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(instructions: u32, loops: bool) -> Profile {
        let accesses = instructions / 3;
        Profile {
            entries: 5000,
            instructions,
            accesses,
            exits: 2,
            bytes: instructions * 20,
            interprets: false,
            loops,
        }
    }

    /// A compile of a machine on which an instruction costs 10 us, and loops of which the region takes over ten times the work.
    fn compile(profile: Profile) -> Compiled {
        let times = if profile.loops { 10 } else { 1 };
        let executed = times * profile.entries * u64::from(profile.instructions);
        Compiled { profile, cost: Duration::from_micros(10) * profile.instructions, executed }
    }

    #[test]
    fn cost_and_work_are_learned_from_compiles() {
        let mut estimate = Estimate::default();
        for round in 0..200u32 {
            estimate.learn(&compile(profile(1 + round * 7 % 50, round % 3 == 0)));
        }
        // 10 us an instruction, of which each entry of a straight unit would save 0.5 ns.
        for (loops, expected) in [(false, 20_000.0), (true, 2000.0)] {
            let entries = estimate.break_even(&profile(25, loops));
            assert!((entries / expected - 1.0).abs() < 0.2, "{loops}: {entries}");
        }
    }

    #[test]
    fn no_compile_puts_the_break_even_point_out_of_bounds() {
        let mut estimate = Estimate::default();
        let free = Compiled { profile: Profile::default(), cost: Duration::ZERO, executed: 0 };
        let dear = Compiled { cost: Duration::MAX, executed: u64::MAX, ..compile(profile(50, false)) };
        for _ in 0..100 {
            estimate.learn(&free);
            estimate.learn(&dear);
            for instructions in [0, 1, 50] {
                let entries = estimate.break_even(&profile(instructions, true));
                assert!((BREAK_EVEN.0..=BREAK_EVEN.1).contains(&entries), "{entries}");
            }
        }
    }
}
