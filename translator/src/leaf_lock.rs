//! Leaf locks: whoever holds one takes no other lock, so none of them can be part of a deadlock.
//!
//! Builds with debug assertions, the tests among them, check that: taking a second one, or a lock of guest memory, while
//! the thread holds one is a panic.

use parking_lot::{Mutex, MutexGuard};
use std::ops::{Deref, DerefMut};

#[cfg(debug_assertions)]
thread_local! {
    static HELD: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Panics in builds with debug assertions if the calling thread holds a leaf lock: it is about to take another lock.
#[inline]
pub fn assert_none_held() {
    #[cfg(debug_assertions)]
    HELD.with(|held| assert!(!held.get(), "a lock is taken under a leaf lock"));
}

#[inline]
fn set_held(held: bool) {
    #[cfg(debug_assertions)]
    HELD.with(|cell| cell.set(held));
    #[cfg(not(debug_assertions))]
    let _ = held;
}

/// A mutex that is a leaf lock. A panic of its holder does not poison it.
#[derive(Debug, Default)]
pub struct LeafLock<T>(Mutex<T>);

/// What is locked, until this is dropped.
#[derive(Debug)]
pub struct LeafGuard<'a, T>(MutexGuard<'a, T>);

impl<T> LeafLock<T> {
    /// An unlocked one.
    pub fn new(value: T) -> LeafLock<T> {
        LeafLock(Mutex::new(value))
    }

    /// Waits until nobody else holds it.
    pub fn lock(&self) -> LeafGuard<'_, T> {
        assert_none_held();
        let guard = self.0.lock();
        set_held(true);
        LeafGuard(guard)
    }
}

impl<T> LeafGuard<'_, T> {
    /// Lets the lock go for a moment, for whoever waits for it.
    ///
    /// PERF: to hand it over to a waiting thread had everybody wait until that thread ran, which on a loaded machine takes
    /// milliseconds. The lock itself is handed over if a thread has waited for about half a millisecond.
    pub fn give_way(&mut self) {
        MutexGuard::unlocked(&mut self.0, std::hint::spin_loop);
    }
}

impl<T> Deref for LeafGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for LeafGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T> Drop for LeafGuard<'_, T> {
    fn drop(&mut self) {
        set_held(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(debug_assertions)]
    fn a_second_lock_is_a_panic() {
        let (first, second) = (LeafLock::new(1), LeafLock::new(2));
        assert_eq!(*first.lock(), 1);
        assert_eq!(*second.lock(), 2, "one after the other is fine");
        let nested = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _first = first.lock();
            *second.lock()
        }));
        assert!(nested.is_err());
        assert_eq!(*second.lock(), 2, "nothing is left locked");
    }
}
