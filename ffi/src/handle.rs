//! Opaque handles: numbers that look like pointers, resolved through a table of live objects.
//!
//! A handle holds a tag that no address of user space has, the kind of the object, a slot of the table and the slot's
//! generation, which changes with every free. So a stale, foreign or forged handle is an error and never a memory
//! access. The table is never freed; looking up takes no lock, so that a signal handler may do it ([`with_signal`]).
//!
//! Invariants: an object is dropped only after its slot is dead and nobody counts as its user; a slot's word changes by
//! compare-and-swap only.

use crate::error::Failure;
use crate::numbers::*;
use std::ops::Deref;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

/// An opaque type of the header, and the object that its handles stand for.
pub(crate) trait Handle {
    /// What a handle resolves to.
    type Object: Send + Sync;
    /// Number of the kind, below 16.
    const KIND: u64;
}

/// Names of the kinds, for messages.
const KINDS: [&str; 5] = ["", "xlat_engine", "xlat_vm", "xlat_vcpu", "xlat_process"];

/// In the topmost four bits: no address of a user process on a supported host looks like this.
const TAG: u64 = 0xa;
const CHUNK: usize = 1024;
const CHUNKS: usize = 1 << 12;
const INDEX_BITS: u32 = 24;

/// The word of a slot: generation in the upper half, then these.
const LIVE: u64 = 1 << 31;
const POISONED: u64 = 1 << 30;
const USERS: u64 = POISONED - 1;

#[derive(Default)]
struct Slot {
    word: AtomicU64,
    /// Signal handlers and other threads that look at the object without being its users.
    signals: AtomicU32,
    object: AtomicPtr<()>,
}

static TABLE: [OnceLock<Box<[Slot]>>; CHUNKS] = [const { OnceLock::new() }; CHUNKS];

/// Which slots are free: those given back, and all from `next` on.
struct Free {
    slots: Vec<u32>,
    next: u32,
}

static FREE: Mutex<Free> = Mutex::new(Free { slots: Vec::new(), next: 0 });

fn free_slots() -> std::sync::MutexGuard<'static, Free> {
    FREE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a handle of an object.
pub(crate) fn insert<H: Handle>(object: H::Object) -> Result<*mut H, Failure> {
    let index = {
        let mut free = free_slots();
        match free.slots.pop() {
            Some(index) => index,
            None if (free.next as usize) < CHUNK * CHUNKS => {
                free.next += 1;
                free.next - 1
            }
            None => return Err(Failure::new(XLAT_ERROR_NO_SPACE, "too many live handles".into())),
        }
    };
    let chunk = TABLE[index as usize / CHUNK].get_or_init(|| (0..CHUNK).map(|_| Slot::default()).collect());
    let slot = &chunk[index as usize % CHUNK];
    slot.object.store(Box::into_raw(Box::new(object)).cast(), Ordering::SeqCst);
    let word = slot.word.load(Ordering::SeqCst);
    slot.word.store(word | LIVE, Ordering::SeqCst);
    let token = (TAG << 4 | H::KIND) << 56 | word >> 32 << INDEX_BITS | u64::from(index);
    Ok(token as *mut H)
}

/// Slot and generation of a handle of this kind, live or not.
fn resolve<H: Handle>(handle: *const H) -> Result<(&'static Slot, u64), xlat_status> {
    if handle.is_null() {
        return Err(XLAT_ERROR_NULL);
    }
    let token = handle as u64;
    if token >> 56 != TAG << 4 | H::KIND {
        return Err(XLAT_ERROR_HANDLE);
    }
    let index = token as usize & ((1 << INDEX_BITS) - 1);
    let slot = TABLE.get(index / CHUNK).and_then(OnceLock::get).ok_or(XLAT_ERROR_HANDLE)?;
    Ok((&slot[index % CHUNK], token >> INDEX_BITS & 0xffff_ffff))
}

fn bad<H: Handle>(handle: *const H, status: xlat_status) -> Failure {
    let wanted = KINDS[H::KIND as usize];
    let token = handle as u64;
    let kind = KINDS.get((token >> 56 & 15) as usize).copied().unwrap_or("");
    let text = match status {
        XLAT_ERROR_NULL => format!("the {wanted} is NULL"),
        XLAT_ERROR_POISONED => {
            format!("the {wanted} can only be freed, after an internal error in an earlier call")
        }
        XLAT_ERROR_BUSY => format!("the {wanted} is in use by another call"),
        _ if token >> 60 == TAG && !kind.is_empty() && kind != wanted => {
            format!("{token:#x} is a handle of {kind}, not of {wanted}")
        }
        _ if token >> 60 == TAG => format!("the {wanted} {token:#x} has been freed"),
        _ => format!("{token:#x} is no handle of {wanted}"),
    };
    Failure::new(status, text)
}

/// An object in use; it cannot be freed meanwhile. Dropped by a panic it poisons the object.
pub(crate) struct Ref<T> {
    slot: &'static Slot,
    object: *const T,
}

/// The object of a handle.
pub(crate) fn acquire<H: Handle>(handle: *const H) -> Result<Ref<H::Object>, Failure> {
    let (slot, generation) = resolve(handle).map_err(|status| bad(handle, status))?;
    let mut word = slot.word.load(Ordering::SeqCst);
    loop {
        if word >> 32 != generation || word & LIVE == 0 {
            return Err(bad(handle, XLAT_ERROR_HANDLE));
        }
        if word & POISONED != 0 {
            return Err(bad(handle, XLAT_ERROR_POISONED));
        }
        if word & USERS == USERS {
            return Err(bad(handle, XLAT_ERROR_BUSY));
        }
        match slot.word.compare_exchange_weak(word, word + 1, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => break,
            Err(now) => word = now,
        }
    }
    Ok(Ref { slot, object: slot.object.load(Ordering::SeqCst).cast() })
}

impl<T> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `acquire` found the slot live, its kind is in the handle, and it cannot be freed while a user counts.
        unsafe { &*self.object }
    }
}

impl<T> Drop for Ref<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.slot.word.fetch_or(POISONED, Ordering::SeqCst);
        }
        self.slot.word.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Frees the object of a handle; NULL is fine.
pub(crate) fn free<H: Handle>(handle: *mut H) -> Result<(), Failure> {
    if handle.is_null() {
        return Ok(());
    }
    let (slot, generation) = resolve(handle.cast_const()).map_err(|status| bad(handle, status))?;
    let mut word = slot.word.load(Ordering::SeqCst);
    loop {
        if word >> 32 != generation || word & LIVE == 0 {
            return Err(bad(handle.cast_const(), XLAT_ERROR_HANDLE));
        }
        if word & USERS != 0 {
            return Err(bad(handle.cast_const(), XLAT_ERROR_BUSY));
        }
        let dead = (generation + 1) << 32;
        match slot.word.compare_exchange_weak(word, dead, Ordering::SeqCst, Ordering::SeqCst) {
            Ok(_) => break,
            Err(now) => word = now,
        }
    }
    // Who comes now sees a dead slot. A signal handler of this thread is over before this goes on.
    while slot.signals.load(Ordering::SeqCst) != 0 {
        std::thread::yield_now();
    }
    let object: *mut H::Object = slot.object.swap(std::ptr::null_mut(), Ordering::SeqCst).cast();
    // A generation is never used twice: a slot that has used up all is not given out again.
    if generation + 1 < u64::from(u32::MAX) {
        free_slots().slots.push((handle as u64 & ((1 << INDEX_BITS) - 1)) as u32);
    }
    // SAFETY: `insert` made it by Box::into_raw of this type (the kind is in the handle), nobody else has it any more.
    drop(unsafe { Box::from_raw(object) });
    Ok(())
}

/// Calls `act` on the object, in use or not, without a lock, an allocation or a text for the error: for signal handlers.
pub(crate) fn with_signal<H: Handle>(handle: *const H, act: impl FnOnce(&H::Object)) -> xlat_status {
    let (slot, generation) = match resolve(handle) {
        Ok(found) => found,
        Err(status) => return status,
    };
    slot.signals.fetch_add(1, Ordering::SeqCst);
    let word = slot.word.load(Ordering::SeqCst);
    let live = word >> 32 == generation && word & LIVE != 0;
    if live {
        let object: *const H::Object = slot.object.load(Ordering::SeqCst).cast();
        // SAFETY: the slot was live after `signals` was raised, so `free` waits until it is lowered.
        act(unsafe { &*object });
    }
    slot.signals.fetch_sub(1, Ordering::SeqCst);
    if live { XLAT_OK } else { XLAT_ERROR_HANDLE }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Number;
    impl Handle for Number {
        type Object = AtomicU64;
        const KIND: u64 = 1;
    }
    struct Other;
    impl Handle for Other {
        type Object = AtomicU64;
        const KIND: u64 = 2;
    }

    fn status<T>(result: Result<T, Failure>) -> xlat_status {
        result.err().map_or(XLAT_OK, |failure| failure.status)
    }

    #[test]
    fn freed_foreign_and_forged_handles_are_errors() {
        let handle = insert::<Number>(AtomicU64::new(7)).unwrap();
        assert_eq!(acquire(handle).unwrap().load(Ordering::SeqCst), 7);
        assert_eq!(status(acquire(handle.cast::<Other>())), XLAT_ERROR_HANDLE);
        let on_stack = 5u64;
        assert_eq!(status(acquire((&raw const on_stack).cast::<Number>())), XLAT_ERROR_HANDLE);
        assert_eq!(status(acquire(u64::MAX as *const Number)), XLAT_ERROR_HANDLE);
        assert_eq!(status(acquire((handle as u64 | 0xff_ffff) as *const Number)), XLAT_ERROR_HANDLE);
        let used = acquire(handle).unwrap();
        assert_eq!(status(free(handle)), XLAT_ERROR_BUSY);
        drop(used);
        assert_eq!(status(free(handle)), XLAT_OK);
        assert_eq!(status(free(handle)), XLAT_ERROR_HANDLE);
        let next = insert::<Number>(AtomicU64::new(8)).unwrap();
        assert_ne!(handle, next, "a slot used again gives another handle");
        assert_eq!(status(acquire(handle)), XLAT_ERROR_HANDLE);
        assert_eq!(with_signal(handle, |_| ()), XLAT_ERROR_HANDLE);
        assert_eq!(with_signal(next, |_| ()), XLAT_OK);
        assert_eq!(status(free(next)), XLAT_OK);
    }

    #[test]
    fn a_panic_poisons_what_it_used() {
        let handle = insert::<Number>(AtomicU64::new(0)).unwrap();
        let status_of_panic = crate::guard::guard(|| {
            let _used = acquire(handle)?;
            panic!("on purpose");
        });
        assert_eq!(status_of_panic, XLAT_ERROR_INTERNAL);
        assert_eq!(status(acquire(handle)), XLAT_ERROR_POISONED);
        assert_eq!(status(free(handle)), XLAT_OK);
    }

    #[test]
    fn signals_and_frees_on_many_threads_do_not_meet() {
        let shared = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let handle = shared.load(Ordering::SeqCst) as *const Number;
                        with_signal(handle, |object| assert_eq!(object.load(Ordering::SeqCst), 1234));
                    }
                });
            }
            for _ in 0..2_000 {
                let handle = insert::<Number>(AtomicU64::new(1234)).unwrap();
                shared.store(handle as u64, Ordering::SeqCst);
                free(handle).unwrap();
            }
        });
    }
}
