//! Hosts other than x86-64: std's atomics.
//!
//! Host faults are not recovered here. Accesses of 16 bytes and compare-and-swaps of 16 bytes are atomic against each
//! other only, by a table of locks; compiled code must leave 16-byte atomics to this module on such hosts.

use super::HostFault;
use crate::ir::Order;
use std::ptr;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) fn recover(_pc: usize) -> Option<usize> {
    None
}

/// Locks for 16-byte accesses, by address.
static WIDE: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];

fn wide(address: usize) -> MutexGuard<'static, ()> {
    WIDE[address / 16 % WIDE.len()].lock().unwrap_or_else(PoisonError::into_inner)
}

/// The order of a load in terms of std: acquire must stay behind earlier release stores (Arm's RCsc).
fn load_order(order: Order) -> Ordering {
    match order {
        Order::Plain | Order::Release => Ordering::Relaxed,
        Order::AcquirePc | Order::Tso => Ordering::Acquire,
        Order::Acquire | Order::AcquireRelease | Order::SeqCst => Ordering::SeqCst,
    }
}

fn store_order(order: Order) -> Ordering {
    match order {
        Order::Plain | Order::Acquire | Order::AcquirePc => Ordering::Relaxed,
        Order::Tso => Ordering::Release,
        Order::Release | Order::AcquireRelease | Order::SeqCst => Ordering::SeqCst,
    }
}

pub(super) unsafe fn load(ptr: *const u8, size: u32, order: Order) -> Result<u128, HostFault> {
    let std_order = load_order(order);
    let aligned = (ptr as usize).is_multiple_of(size as usize);
    // SAFETY: the caller's contract; the atomic types are used only where aligned.
    unsafe {
        Ok(match size {
            1 => AtomicU8::from_ptr(ptr.cast_mut()).load(std_order).into(),
            2 if aligned => AtomicU16::from_ptr(ptr.cast_mut().cast()).load(std_order).into(),
            4 if aligned => AtomicU32::from_ptr(ptr.cast_mut().cast()).load(std_order).into(),
            8 if aligned => AtomicU64::from_ptr(ptr.cast_mut().cast()).load(std_order).into(),
            16 if aligned => {
                let _guard = wide(ptr as usize);
                let half = |at: usize| AtomicU64::from_ptr(ptr.cast_mut().cast::<u64>().add(at));
                u128::from(half(0).load(std_order)) | u128::from(half(1).load(std_order)) << 64
            }
            _ => {
                let mut bytes = [0; 16];
                for (index, byte) in bytes.iter_mut().enumerate().take(size as usize) {
                    *byte = AtomicU8::from_ptr(ptr.cast_mut().add(index)).load(Ordering::Relaxed);
                }
                if std_order != Ordering::Relaxed {
                    fence(Ordering::SeqCst);
                }
                u128::from_le_bytes(bytes)
            }
        })
    }
}

pub(super) unsafe fn store(ptr: *mut u8, size: u32, value: u128, order: Order) -> Result<(), HostFault> {
    let std_order = store_order(order);
    let aligned = (ptr as usize).is_multiple_of(size as usize);
    // SAFETY: the caller's contract; the atomic types are used only where aligned.
    unsafe {
        match size {
            1 => AtomicU8::from_ptr(ptr).store(value as u8, std_order),
            2 if aligned => AtomicU16::from_ptr(ptr.cast()).store(value as u16, std_order),
            4 if aligned => AtomicU32::from_ptr(ptr.cast()).store(value as u32, std_order),
            8 if aligned => AtomicU64::from_ptr(ptr.cast()).store(value as u64, std_order),
            16 if aligned => {
                let _guard = wide(ptr as usize);
                let half = |at: usize| AtomicU64::from_ptr(ptr.cast::<u64>().add(at));
                half(0).store(value as u64, std_order);
                half(1).store((value >> 64) as u64, std_order);
            }
            _ => {
                if std_order != Ordering::Relaxed {
                    fence(Ordering::SeqCst);
                }
                for (index, byte) in value.to_le_bytes().into_iter().enumerate().take(size as usize) {
                    AtomicU8::from_ptr(ptr.add(index)).store(byte, Ordering::Relaxed);
                }
                if std_order == Ordering::SeqCst {
                    fence(Ordering::SeqCst);
                }
            }
        }
    }
    Ok(())
}

pub(super) unsafe fn cas(ptr: *mut u8, size: u32, expected: u128, new: u128) -> Result<u128, HostFault> {
    const ORDER: Ordering = Ordering::SeqCst;
    // SAFETY: the caller's contract; `ptr` is aligned.
    unsafe {
        Ok(match size {
            1 => AtomicU8::from_ptr(ptr)
                .compare_exchange(expected as u8, new as u8, ORDER, ORDER)
                .unwrap_or_else(|old| old)
                .into(),
            2 => AtomicU16::from_ptr(ptr.cast())
                .compare_exchange(expected as u16, new as u16, ORDER, ORDER)
                .unwrap_or_else(|old| old)
                .into(),
            4 => AtomicU32::from_ptr(ptr.cast())
                .compare_exchange(expected as u32, new as u32, ORDER, ORDER)
                .unwrap_or_else(|old| old)
                .into(),
            8 => AtomicU64::from_ptr(ptr.cast())
                .compare_exchange(expected as u64, new as u64, ORDER, ORDER)
                .unwrap_or_else(|old| old)
                .into(),
            _ => {
                let _guard = wide(ptr as usize);
                let half = |at: usize| AtomicU64::from_ptr(ptr.cast::<u64>().add(at));
                let old = u128::from(half(0).load(ORDER)) | u128::from(half(1).load(ORDER)) << 64;
                if old == expected {
                    half(0).store(new as u64, ORDER);
                    half(1).store((new >> 64) as u64, ORDER);
                }
                old
            }
        })
    }
}

pub(super) unsafe fn copy(to: *mut u8, from: *const u8, len: usize) -> usize {
    // SAFETY: the caller's contract.
    unsafe { ptr::copy(from, to, len) };
    len
}

pub(super) unsafe fn zero(to: *mut u8, len: usize) -> usize {
    // SAFETY: the caller's contract.
    unsafe { ptr::write_bytes(to, 0, len) };
    len
}
