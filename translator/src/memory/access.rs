//! Loads, stores and atomics of the interpreter and of helpers, with the semantics of the interpreter's `World`.
//!
//! Aligned accesses of up to 8 bytes are single-copy atomic; of 16 bytes too on hosts that can (see `touch`).
//! Atomics are sequentially consistent whatever their order asks. A misaligned atomic that lies in one aligned group of
//! 16 bytes is one wider compare-and-swap; one that crosses groups is atomic against other accesses of this kind only,
//! except on x86-64 hosts, where up to 8 bytes in one host range are always atomic.
//!
//! In direct mode, where host faults inside of `touch` are recovered (see [`Memory::trust_fault_handler`]), an access
//! just tries; the region map is consulted when the host refuses. Otherwise the region map is consulted first, under a
//! read lock that is held while memory is touched.

use super::regions::Region;
use super::touch::{self, HostFault};
use super::{Fault, FaultKind, Memory, PAGE_SIZE, State};
use crate::ir::{Access, FenceSet, Order, RmwOp, Type};
use crate::lift::Fetch;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Mutex, PoisonError};

/// Set once a signal handler of this process asks [`touch::recover`].
static FAULTS_ARE_RECOVERED: AtomicBool = AtomicBool::new(false);

/// Misaligned atomics that no host instruction can do; see the module.
static SPLIT_ATOMICS: Mutex<()> = Mutex::new(());

/// Where an access goes.
pub(super) enum Place {
    /// One range of host memory.
    Whole(*mut u8),
    /// Two ranges: pointer and length of the first, pointer of the second.
    Split(*mut u8, u32, *mut u8),
}

/// Why an access cannot be done at once.
enum Refusal {
    Fault(Fault),
    /// It writes a watched page: pin the range, then try again.
    Watched,
}

impl Memory {
    /// Tells all address spaces that the process's handler of SIGSEGV and SIGBUS asks [`super::recover`] first, so that
    /// accesses of direct mode need not look before they touch.
    pub fn trust_fault_handler() {
        FAULTS_ARE_RECOVERED.store(true, Ordering::Release);
    }

    /// Loads a value, zero-extended.
    ///
    /// # Errors
    /// The fault that the guest access raises.
    pub fn load(&self, addr: u64, ty: Type, order: Order) -> Result<u128, Fault> {
        let size = ty.bytes();
        if let Some(ptr) = self.window_pointer(addr, size) {
            // SAFETY: the range lies in the window and faults are recovered.
            if let Ok(value) = unsafe { touch::load(ptr, size, order) } {
                return Ok(value & ty.mask());
            }
        }
        let state = self.read_state();
        let value = match self.resolve(&state, addr, size, Access::Read) {
            Err(Refusal::Fault(fault)) => return Err(fault),
            Err(Refusal::Watched) => unreachable!("loads do not care about watches"),
            // SAFETY: the region map says that the memory is readable, and the lock keeps it so.
            Ok(Place::Whole(ptr)) => unsafe { touch::load(ptr, size, order) },
            Ok(Place::Split(first, len, second)) => {
                let mut bytes = [0u8; 16];
                // SAFETY: as above, for both parts.
                unsafe { gather(&mut bytes[..size as usize], first, len as usize, second) }
                    .map(|()| u128::from_le_bytes(bytes))
            }
        };
        value
            .map(|value| value & ty.mask())
            .map_err(|HostFault| backing_fault(&state, addr, size, Access::Read))
    }

    /// Stores a value; all of it or nothing.
    ///
    /// # Errors
    /// The fault that the guest access raises.
    pub fn store(&self, addr: u64, ty: Type, value: u128, order: Order) -> Result<(), Fault> {
        let size = ty.bytes();
        if let Some(ptr) = self.window_pointer(addr, size) {
            // SAFETY: the range lies in the window and faults are recovered.
            if unsafe { touch::store(ptr, size, value, order) }.is_ok() {
                return Ok(());
            }
        }
        self.writing(addr, size, |place| match place {
            // SAFETY: `writing` says that the memory is writable and keeps it so.
            Place::Whole(ptr) => unsafe { touch::store(ptr, size, value, order) },
            Place::Split(first, len, second) => {
                // SAFETY: likewise, for both parts.
                unsafe { scatter(&value.to_le_bytes()[..size as usize], first, len as usize, second) }
            }
        })
    }

    /// The fault that an access of `size` bytes would raise.
    ///
    /// # Errors
    /// That fault.
    pub fn probe(&self, addr: u64, size: u32, access: Access) -> Result<(), Fault> {
        if size == 0 {
            return Ok(());
        }
        let state = self.read_state();
        check(&state, addr, size, access)
    }

    /// Atomic compare-and-swap: the old value, stored if it equals `expected`. Needs write permission in any case.
    ///
    /// # Errors
    /// The fault that the guest access raises.
    pub fn cas(&self, addr: u64, ty: Type, expected: u128, new: u128, _order: Order) -> Result<u128, Fault> {
        let size = ty.bytes();
        if let Some(ptr) = self.window_pointer(addr, size).filter(|_| addr.is_multiple_of(size.into())) {
            // SAFETY: the range lies in the window, faults are recovered, and it is aligned.
            if let Ok(old) = unsafe { touch::cas(ptr, size, expected, new) } {
                return Ok(old);
            }
        }
        self.writing(addr, size, |place| match place {
            // SAFETY: `writing` says that the memory is writable and keeps it so.
            Place::Whole(ptr) => unsafe { cas_anywhere(ptr, size, expected, new) },
            Place::Split(first, len, second) => {
                let _guard = SPLIT_ATOMICS.lock().unwrap_or_else(PoisonError::into_inner);
                let mut bytes = [0u8; 16];
                let size = size as usize;
                // SAFETY: likewise, for both parts.
                unsafe {
                    gather(&mut bytes[..size], first, len as usize, second)?;
                    let old = u128::from_le_bytes(bytes);
                    if old == expected {
                        scatter(&new.to_le_bytes()[..size], first, len as usize, second)?;
                    }
                    Ok(old)
                }
            }
        })
    }

    /// Atomic read-modify-write: the old value.
    ///
    /// # Errors
    /// The fault that the guest access raises; a write fault also where reading fails.
    pub fn rmw(&self, addr: u64, ty: Type, op: RmwOp, value: u128, order: Order) -> Result<u128, Fault> {
        // Any first guess will do: a wrong one is corrected by the first compare-and-swap.
        let mut seen = self.load(addr, ty, Order::Plain).unwrap_or(0);
        loop {
            let new = op.apply(ty, seen, value);
            let old = self.cas(addr, ty, seen, new, order)?;
            if old == seen {
                return Ok(old);
            }
            seen = old;
        }
    }

    /// Orders this thread's earlier accesses of one kind before later ones of another kind.
    pub fn fence(&self, before: FenceSet, after: FenceSet) {
        let store_to_load = before != FenceSet::Read && after != FenceSet::Write;
        // Everything but store-load order is kept by acquire-release fences.
        fence(if store_to_load { Ordering::SeqCst } else { Ordering::AcqRel });
    }

    /// Direct mode with recovered faults: where an access may just be tried. One over two pages may not, except on x86-64:
    /// elsewhere its first part may be stored when the second is refused.
    fn window_pointer(&self, addr: u64, size: u32) -> Option<*mut u8> {
        let window = self.window.as_ref()?;
        let fits = addr <= self.last && self.last - addr >= u64::from(size) - 1;
        let whole = cfg!(target_arch = "x86_64") || addr % PAGE_SIZE + u64::from(size) <= PAGE_SIZE;
        (fits && whole && FAULTS_ARE_RECOVERED.load(Ordering::Relaxed)).then(|| window.host(addr) as *mut u8)
    }

    /// Runs `touch` on the place of a write access, with watched pages out of the way.
    fn writing<T>(
        &self,
        addr: u64,
        size: u32,
        touch: impl Fn(Place) -> Result<T, HostFault>,
    ) -> Result<T, Fault> {
        // A page stays watched under a pin only if the host refuses to unprotect it; a mapping that changes in between
        // takes another round.
        const ROUNDS: u32 = 16;
        let mut pin = None;
        let mut round = 0;
        loop {
            let state = self.read_state();
            match self.resolve(&state, addr, size, Access::Write) {
                Ok(place) => {
                    let result =
                        touch(place).map_err(|HostFault| backing_fault(&state, addr, size, Access::Write));
                    drop(state);
                    drop(pin);
                    return result;
                }
                Err(Refusal::Fault(fault)) => {
                    drop(state);
                    return Err(fault);
                }
                Err(Refusal::Watched) if round == ROUNDS => {
                    return Err(backing_fault(&state, addr, size, Access::Write));
                }
                Err(Refusal::Watched) => {
                    drop(state);
                    round += 1;
                    // The old pin, if a mapping changed meanwhile, is dropped after the new one is made.
                    pin = Some(self.pin(addr, addr + u64::from(size - 1), false));
                }
            }
        }
    }

    /// Finds the host memory of an access and checks permissions and watches.
    fn resolve(&self, state: &State, addr: u64, size: u32, access: Access) -> Result<Place, Refusal> {
        let fault = |fault| Refusal::Fault(fault);
        check(state, addr, size, access).map_err(fault)?;
        let last = addr + u64::from(size - 1);
        let (start, region) = state.regions.find(addr).expect("checked");
        let (last_start, last_region) =
            if last <= region.last { (start, region) } else { state.regions.find(last).expect("checked") };
        if access == Access::Write && !state.code.is_empty() {
            let watched = state.code.is_watched(region.key(start, addr))
                || state.code.is_watched(last_region.key(last_start, last));
            if watched {
                return Err(Refusal::Watched);
            }
        }
        let ptr = region.host(start, addr);
        let last_ptr = last_region.host(last_start, last);
        if last_ptr == ptr + (size - 1) as usize {
            return Ok(Place::Whole(ptr as *mut u8));
        }
        let first_len = (PAGE_SIZE - addr % PAGE_SIZE) as u32;
        let second = last_ptr - (size - first_len - 1) as usize;
        Ok(Place::Split(ptr as *mut u8, first_len, second as *mut u8))
    }
}

impl Fetch for Memory {
    fn fetch(&self, addr: u64, buf: &mut [u8]) -> usize {
        let state = self.read_state();
        let mut done = 0;
        while done < buf.len() {
            let Some(at) = addr.checked_add(done as u64) else { break };
            let Some((start, region)) = state.regions.find(at) else { break };
            if !region.prot.executable() {
                break;
            }
            let len = (buf.len() - done)
                .min(usize::try_from(region.last - at).unwrap_or(usize::MAX).saturating_add(1));
            let copied = self.copy_out(region, start, at, &mut buf[done..done + len]);
            done += copied;
            if copied < len {
                break;
            }
        }
        done
    }
}

/// Permission check of an access of 1 or more bytes.
pub(super) fn check(state: &State, addr: u64, size: u32, access: Access) -> Result<(), Fault> {
    let fault = |addr, kind| Err(Fault { addr, access, size, kind });
    let mut left = u64::from(size);
    let mut at = addr;
    loop {
        let Some((_, region)) = state.regions.find(at) else { return fault(at, FaultKind::Unmapped) };
        if !region.prot.permits(access) {
            return fault(at, FaultKind::Permission);
        }
        let here = region.last - at;
        if left - 1 <= here {
            return Ok(());
        }
        left -= here + 1;
        // Wrapping around the top of the address space is no access that any guest can do.
        match region.last.checked_add(1) {
            Some(next) => at = next,
            None => return fault(0, FaultKind::Unmapped),
        }
    }
}

/// The fault of memory that is mapped and permitted, but has nothing behind it: a file that ends before.
fn backing_fault(state: &State, addr: u64, size: u32, access: Access) -> Fault {
    let last_page = (addr + u64::from(size - 1)) & !(PAGE_SIZE - 1);
    let first_is_there = || {
        let (start, region) = state.regions.find(addr)?;
        // SAFETY: the region map says that the byte is mapped (and readable, as every kind of data access implies
        // that), the caller holds the lock, and if a host fault was recovered once it is recovered again.
        unsafe { touch::load(region.host(start, addr) as *const u8, 1, Order::Plain).ok() }
    };
    let addr = if last_page > addr && first_is_there().is_some() { last_page } else { addr };
    Fault { addr, access, size, kind: FaultKind::Permission }
}

/// Collects bytes from two ranges.
///
/// # Safety
/// Both ranges are readable as for `touch::load`.
unsafe fn gather(to: &mut [u8], first: *mut u8, len: usize, second: *mut u8) -> Result<(), HostFault> {
    let rest = to.len() - len;
    // SAFETY: the caller's contract; `to` is ours.
    let done = unsafe {
        touch::copy(to.as_mut_ptr(), first, len) + touch::copy(to.as_mut_ptr().add(len), second, rest)
    };
    if done == to.len() { Ok(()) } else { Err(HostFault) }
}

/// Distributes bytes to two ranges.
///
/// # Safety
/// Both ranges are writable as for `touch::store`.
unsafe fn scatter(from: &[u8], first: *mut u8, len: usize, second: *mut u8) -> Result<(), HostFault> {
    let rest = from.len() - len;
    // SAFETY: the caller's contract; `from` is ours.
    let done =
        unsafe { touch::copy(first, from.as_ptr(), len) + touch::copy(second, from.as_ptr().add(len), rest) };
    if done == from.len() { Ok(()) } else { Err(HostFault) }
}

/// Compare-and-swap at any alignment within one range of host memory.
///
/// # Safety
/// The range is writable as for `touch::store`.
unsafe fn cas_anywhere(ptr: *mut u8, size: u32, expected: u128, new: u128) -> Result<u128, HostFault> {
    let offset = ptr as usize % 16;
    if offset.is_multiple_of(size as usize) || (cfg!(target_arch = "x86_64") && size <= 8) {
        // SAFETY: the caller's contract; aligned, or an x86-64 locked instruction, which need not be.
        return unsafe { touch::cas(ptr, size, expected, new) };
    }
    let mask = u128::MAX >> (128 - size * 8);
    // The smaller group first: not every host has an atomic of 16 bytes.
    if let Some(group_size) = [8, 16].into_iter().find(|group| offset % group + size as usize <= *group) {
        let offset = offset % group_size;
        // SAFETY: the group lies in the same page.
        let group = unsafe { ptr.sub(offset) };
        let shift = offset * 8;
        let group_size = group_size as u32;
        // SAFETY: as above.
        let mut seen = unsafe { touch::load(group, group_size, Order::Plain)? };
        loop {
            let old = (seen >> shift) & mask;
            let next = if old == expected { (seen & !(mask << shift)) | (new << shift) } else { seen };
            // SAFETY: as above; the group is aligned.
            let found = unsafe { touch::cas(group, group_size, seen, next)? };
            if found == seen {
                return Ok(old);
            }
            seen = found;
        }
    }
    let _guard = SPLIT_ATOMICS.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the caller's contract.
    unsafe {
        let old = touch::load(ptr, size, Order::SeqCst)?;
        if old == expected {
            touch::store(ptr, size, new, Order::SeqCst)?;
        }
        Ok(old)
    }
}

impl Memory {
    /// Copies from a mapping whatever its guest permissions are; the number of bytes copied. `buf` ends within it.
    pub(super) fn copy_out(&self, region: &Region, start: u64, addr: u64, buf: &mut [u8]) -> usize {
        let host = region.host(start, addr);
        if self.window.is_some() && !region.prot.readable() {
            // SAFETY: the range is guest memory.
            return unsafe { super::host::read_behind_protection(host, buf) };
        }
        // SAFETY: the mapping is readable on the host, and the state lock that the caller holds keeps it so.
        unsafe { touch::copy(buf.as_mut_ptr(), host as *const u8, buf.len()) }
    }
}
