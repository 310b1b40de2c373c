//! What the protocol uses of `std::sync::atomic`, under the explorer's schedule. Every order is sequentially consistent,
//! as the protocol asks for wherever it matters.

use super::explore::{access, written};
use std::sync::atomic;
pub use std::sync::atomic::Ordering;
use std::sync::atomic::Ordering::SeqCst;

#[derive(Debug, Default)]
pub struct AtomicBool(atomic::AtomicBool);

impl AtomicBool {
    pub fn load(&self, _: Ordering) -> bool {
        access();
        self.0.load(SeqCst)
    }

    pub fn store(&self, value: bool, order: Ordering) {
        self.swap(value, order);
    }

    pub fn swap(&self, value: bool, _: Ordering) -> bool {
        access();
        let old = self.0.swap(value, SeqCst);
        written();
        old
    }
}

#[derive(Debug, Default)]
pub struct AtomicU64(atomic::AtomicU64);

impl AtomicU64 {
    pub const fn new(value: u64) -> AtomicU64 {
        AtomicU64(atomic::AtomicU64::new(value))
    }

    pub fn load(&self, _: Ordering) -> u64 {
        access();
        self.0.load(SeqCst)
    }

    pub fn store(&self, value: u64, _: Ordering) {
        access();
        self.0.store(value, SeqCst);
        written();
    }

    pub fn fetch_add(&self, value: u64, _: Ordering) -> u64 {
        access();
        let old = self.0.fetch_add(value, SeqCst);
        written();
        old
    }
}
