//! Safepoints: how whoever changes code knows that nobody runs the old code.
//!
//! A vCPU is *inside* guest code (in host code, or interpreting a block) or outside. It enters only what was current in
//! the epoch that it knows, and backs out if the vm's epoch turns out to be another one. An invalidator makes old code
//! unreachable, opens a new epoch, asks all vCPUs to come out, and waits for those inside that know an older epoch only.
//! Both sides write before they read (the vCPU: that it is inside, then the epoch; the invalidator: the epoch, then who
//! is inside), all in one total order, so at least one of them sees the other.
//!
//! The waiting thread holds no lock. If it is itself inside on behalf of a vCPU (a store of an interpreted instruction
//! hit code), it counts as outside while it waits, so that two invalidators do not wait for each other; what it
//! interprets must look at the epoch again before the next instruction.
//!
//! `tests/safepoint.rs` runs this file under all schedules of a few threads.

use super::atomic::{AtomicBool, AtomicU64, Ordering};

/// The number of times that code was changed, of one machine.
#[derive(Debug)]
pub struct Epoch(AtomicU64);

impl Epoch {
    /// The first epoch.
    pub const fn new() -> Epoch {
        Epoch(AtomicU64::new(1))
    }

    /// The present one.
    pub fn now(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    /// Opens a new one, which is returned. To be called when nobody who looks for code finds the old code any more.
    pub fn advance(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

impl Default for Epoch {
    fn default() -> Epoch {
        Epoch::new()
    }
}

/// Where one vCPU is.
#[derive(Debug, Default)]
pub struct Place {
    inside: AtomicBool,
    /// The newest epoch whose changes the vCPU has taken note of.
    known: AtomicU64,
}

impl Place {
    /// The vCPU, outside, has forgotten everything that is older than this epoch.
    pub fn learn(&self, epoch: u64) {
        self.known.store(epoch, Ordering::SeqCst);
    }

    /// Enters guest code that was found in the epoch that was learnt last; false, and outside, if that is over.
    #[must_use]
    pub fn enter(&self, epoch: &Epoch) -> bool {
        self.inside.store(true, Ordering::SeqCst);
        let current = epoch.now() == self.known.load(Ordering::Relaxed);
        if !current {
            self.leave();
        }
        current
    }

    /// Leaves guest code.
    pub fn leave(&self) {
        self.inside.store(false, Ordering::SeqCst);
    }

    /// Counts as outside while `wait` runs, wherever the vCPU is. To be called on its own thread.
    pub fn outside<R>(&self, wait: impl FnOnce() -> R) -> R {
        let inside = self.inside.swap(false, Ordering::SeqCst);
        let result = wait();
        self.inside.store(inside, Ordering::SeqCst);
        result
    }

    /// Whether the vCPU may be running code that was taken away before `epoch` began.
    pub fn may_run_older_than(&self, epoch: u64) -> bool {
        self.inside.load(Ordering::SeqCst) && self.known.load(Ordering::SeqCst) < epoch
    }
}
