//! AArch64 and RISC-V hosts: the orders, out of plain instructions and fences as in compiled code (the table in
//! `codegen/access.rs`), and all-or-nothing stores. The instructions themselves are in the host's own file.

use super::HostFault;
#[cfg(target_arch = "aarch64")]
use super::aarch64 as instructions;
#[cfg(target_arch = "riscv64")]
use super::riscv64 as instructions;
use crate::ir::Order;
use crate::memory::PAGE_SIZE;
use std::sync::atomic::{Ordering, fence};

pub(super) use instructions::{copy, recover, zero};

fn releases(order: Order) -> bool {
    matches!(order, Order::Release | Order::AcquireRelease | Order::SeqCst)
}

pub(super) unsafe fn load(ptr: *const u8, size: u32, order: Order) -> Result<u128, HostFault> {
    if releases(order) {
        fence(Ordering::SeqCst);
    }
    // SAFETY: the caller's contract.
    let value = unsafe { instructions::load(ptr, size)? };
    if order != Order::Plain {
        fence(Ordering::SeqCst);
    }
    Ok(value)
}

pub(super) unsafe fn store(ptr: *mut u8, size: u32, value: u128, order: Order) -> Result<(), HostFault> {
    if order != Order::Plain {
        fence(Ordering::SeqCst);
    }
    let last = ptr.wrapping_add(size as usize - 1);
    if ptr as u64 / PAGE_SIZE != last as u64 / PAGE_SIZE {
        // These hosts may store the first part before they refuse the second.
        // SAFETY: the caller's contract.
        unsafe { instructions::load(last, 1)? };
    }
    // SAFETY: the caller's contract.
    unsafe { instructions::store(ptr, size, value)? };
    if releases(order) {
        fence(Ordering::SeqCst);
    }
    Ok(())
}

pub(super) unsafe fn cas(ptr: *mut u8, size: u32, expected: u128, new: u128) -> Result<u128, HostFault> {
    // SAFETY: the caller's contract.
    let old = unsafe { instructions::cas(ptr, size, expected, new)? };
    // What comes behind must not pass the store of the exclusive pair.
    fence(Ordering::SeqCst);
    Ok(old)
}
