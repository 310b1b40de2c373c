//! The instructions that touch guest memory.
//!
//! All run on host addresses. Each is a function in assembly without a stack frame, so that the process's signal handler
//! can end it: [`recover`] tells where a faulting one goes on, and it returns "failed". That makes a mapped file that was
//! cut short (SIGBUS) a guest fault instead of the end of xlat.
//!
//! Sizes are 1, 2, 4, 8 and 16 bytes. Aligned accesses of up to 8 bytes are single-copy atomic, those of 16 bytes too
//! where the host can: x86-64 with AVX, AArch64 with FEAT_LSE2.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(not(target_arch = "x86_64"))]
mod weak;
#[cfg(target_arch = "x86_64")]
mod x86_64;

#[cfg(not(target_arch = "x86_64"))]
use weak as host;
#[cfg(target_arch = "x86_64")]
use x86_64 as host;

use crate::ir::Order;

/// The host refused the access.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct HostFault;

/// Where the thread goes on if the host fault at `pc` was raised by an access of this module; for the signal handler
/// (async-signal-safe). The registers but the pc stay as they are.
pub fn recover(pc: usize) -> Option<usize> {
    host::recover(pc)
}

/// Loads `size` bytes.
///
/// # Safety
/// `ptr..ptr + size` is guest memory that is mapped on the host, or lies in the window and faults are recovered.
pub(super) unsafe fn load(ptr: *const u8, size: u32, order: Order) -> Result<u128, HostFault> {
    // SAFETY: the same contract.
    unsafe { host::load(ptr, size, order) }
}

/// Stores `size` bytes.
///
/// # Safety
/// As [`load`], and the memory is writable.
pub(super) unsafe fn store(ptr: *mut u8, size: u32, value: u128, order: Order) -> Result<(), HostFault> {
    // SAFETY: the same contract.
    unsafe { host::store(ptr, size, value, order) }
}

/// Compare-and-swap, sequentially consistent; the old value.
///
/// # Safety
/// As [`store`]; `ptr` is a multiple of `size` (x86-64: or `size` is at most 8).
pub(super) unsafe fn cas(ptr: *mut u8, size: u32, expected: u128, new: u128) -> Result<u128, HostFault> {
    // SAFETY: the same contract.
    unsafe { host::cas(ptr, size, expected, new) }
}

/// Copies `len` bytes and returns how many were copied before the host refused. No order, no atomicity.
///
/// # Safety
/// Both ranges are mapped as for [`load`] and [`store`], and do not overlap unless they are equal.
pub(super) unsafe fn copy(to: *mut u8, from: *const u8, len: usize) -> usize {
    // SAFETY: the same contract.
    unsafe { host::copy(to, from, len) }
}

/// Writes `len` zeros and returns how many were written before the host refused.
///
/// # Safety
/// As [`copy`].
pub(super) unsafe fn zero(to: *mut u8, len: usize) -> usize {
    // SAFETY: the same contract.
    unsafe { host::zero(to, len) }
}
