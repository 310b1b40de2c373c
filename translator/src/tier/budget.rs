//! How much may be compiled: a share of the processor time of the process.
//!
//! Time here is the processor time of the process, that of compile threads included: it stands still while guests
//! sleep, and runs as fast on a loaded machine as on an idle one.

use std::time::Duration;

/// Over which the share is kept: what was not used for so long is lost, and as much may be used at once.
const SPAN: Duration = Duration::from_secs(1);

/// How often is looked whether compilation keeps up.
pub const WINDOW: Duration = Duration::from_millis(100);

/// Jobs that wait for each compile thread when the queue is long.
const LONG_QUEUE: usize = 4;

/// Between how many powers of two thresholds move.
const PRESSURE: (i32, i32) = (-1, 6);

/// The share, and what is left of it.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Compile time for each time that passes, if there is a bound.
    share: Option<f64>,
    /// Seconds that may be spent at once; negative if more was.
    left: f64,
    threads: usize,
    /// When time was last added.
    now: Duration,
    /// When the present window began.
    window: Duration,
    pressure: i32,
}

impl Budget {
    /// `percent` of the time for compiles on `threads` threads, or on those of the vCPUs.
    pub fn new(percent: Option<u32>, threads: usize, now: Duration) -> Budget {
        let share = percent.map(|percent| f64::from(percent) / 100.0);
        let left = share.unwrap_or(0.0) * SPAN.as_secs_f64();
        Budget { share, left, threads, now, window: now, pressure: 0 }
    }

    /// Lets time pass while `waiting` jobs wait for a compile thread; whether a window has ended.
    pub fn pass(&mut self, now: Duration, waiting: usize) -> bool {
        // Threads that ask at once may come in another order than they read the clock.
        let passed = now.saturating_sub(self.now);
        self.now += passed;
        let most = self.share.unwrap_or(0.0) * SPAN.as_secs_f64();
        self.left = (self.left + self.share.unwrap_or(0.0) * passed.as_secs_f64()).min(most);
        let windows = self.now.saturating_sub(self.window).as_nanos() / WINDOW.as_nanos();
        if windows == 0 {
            return false;
        }
        self.window = self.now;
        let is_spent = self.share.is_some() && self.left <= 0.0;
        if is_spent || waiting > LONG_QUEUE * self.threads {
            self.pressure = (self.pressure + 1).min(PRESSURE.1);
        } else if waiting == 0 && (self.share.is_none() || self.left > most / 2.0) {
            // Without a compile thread nothing is idle that could do more.
            let least = if self.threads == 0 { 0 } else { PRESSURE.0 };
            let windows = i32::try_from(windows).unwrap_or(i32::MAX);
            self.pressure = self.pressure.saturating_sub(windows).max(least);
        }
        true
    }

    /// Whether anything is left.
    pub fn allows(&self) -> bool {
        self.share.is_none() || self.left > 0.0
    }

    /// Takes what a compile cost.
    pub fn spend(&mut self, cost: Duration) {
        self.left -= cost.as_secs_f64();
    }

    /// What thresholds are multiplied by: more than 1 when more is asked for than can be compiled, less when compile threads idle.
    pub fn pressure(&self) -> f64 {
        f64::from(self.pressure).exp2()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_comes_back_at_its_share_of_the_time() {
        let seconds = Duration::from_secs;
        let mut budget = Budget::new(Some(20), 0, seconds(100));
        budget.spend(Duration::from_millis(199));
        assert!(budget.allows());
        budget.spend(Duration::from_millis(501));
        assert!(!budget.allows());
        // 500 ms too much are 2.5 s of a fifth.
        budget.pass(Duration::from_millis(102_400), 0);
        assert!(!budget.allows());
        budget.pass(Duration::from_millis(102_600), 0);
        assert!(budget.allows());
        // An hour gives no more than a second's.
        budget.pass(seconds(3600), 0);
        budget.spend(Duration::from_millis(201));
        assert!(!budget.allows());
    }

    #[test]
    fn without_a_bound_everything_is_allowed() {
        let mut budget = Budget::new(None, 0, Duration::ZERO);
        budget.spend(Duration::from_secs(1000));
        budget.pass(WINDOW, 0);
        assert!(budget.allows());
        assert_eq!(budget.pressure(), 1.0);
    }

    #[test]
    fn thresholds_rise_while_compilation_does_not_keep_up_and_fall_again() {
        let mut budget = Budget::new(Some(10), 2, Duration::ZERO);
        let mut window = 0;
        let mut pass = |budget: &mut Budget, waiting| {
            window += 1;
            assert!(budget.pass(WINDOW * window, waiting));
            assert!(!budget.pass(WINDOW * window, waiting), "the window has just begun");
            budget.pressure()
        };
        // A long queue.
        assert_eq!([9, 9, 9].map(|waiting| pass(&mut budget, waiting)), [2.0, 4.0, 8.0]);
        // Neither long nor empty.
        assert_eq!(pass(&mut budget, 3), 8.0);
        // Nothing waits; idle threads do more than they have to.
        assert_eq!([0; 5].map(|waiting| pass(&mut budget, waiting)), [4.0, 2.0, 1.0, 0.5, 0.5]);
        // Spent.
        budget.spend(Duration::from_secs(1));
        assert_eq!([0; 8].map(|waiting| pass(&mut budget, waiting)).last(), Some(&64.0));
    }
}
