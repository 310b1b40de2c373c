//! Guest memory: mappings, and reads and writes by the host program.

use crate::error::Failure;
use crate::guard::{array, array_mut, guard};
use crate::handle;
use crate::numbers::*;
use crate::vm::xlat_vm;
use std::ffi::c_void;
use translator::memory::{Partial, Permissions, Placement, Prot};

/// Maps zeroed memory at `address`, where nothing may be mapped. Address and length are multiples of the page size.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_map(
    vm: *const xlat_vm,
    address: u64,
    length: u64,
    prot: u32,
) -> xlat_status {
    guard(|| Ok(handle::acquire(vm)?.memory().map(address, length, protection(prot)?)?))
}

/// Shows memory of the host program at `address`, where nothing may be mapped. Writes of the guest are seen by the host
/// program and the other way round; who writes guest code through `memory` calls `xlat_vm_invalidate` afterwards.
///
/// In direct mode only a shared mapping (`MAP_SHARED`) can be shown.
///
/// # Safety
/// `memory` is aligned to the page size and stays `length` bytes of readable (with `XLAT_PROT_WRITE` writable) memory
/// until it is unmapped here and no vCPU of the machine runs, or until the machine and its vCPUs are freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_map_host(
    vm: *const xlat_vm,
    address: u64,
    memory: *mut c_void,
    length: u64,
    prot: u32,
) -> xlat_status {
    guard(|| {
        let vm = handle::acquire(vm)?;
        let prot = protection(prot)?;
        if memory.is_null() {
            return Err(Failure::null("memory"));
        }
        // SAFETY: the caller's contract is the same.
        unsafe { vm.memory().map_host(Placement::Fixed(address), memory.cast(), length, prot) }?;
        Ok(())
    })
}

/// Changes what the guest may do with a range, all of which must be mapped.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_protect(
    vm: *const xlat_vm,
    address: u64,
    length: u64,
    prot: u32,
) -> xlat_status {
    guard(|| Ok(handle::acquire(vm)?.memory().protect(address, length, protection(prot)?)?))
}

/// Removes all mappings of a range. Where nothing is mapped, nothing happens.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_unmap(vm: *const xlat_vm, address: u64, length: u64) -> xlat_status {
    guard(|| Ok(handle::acquire(vm)?.memory().unmap(address, length)?))
}

/// Copies guest memory to `buf`, whatever the guest may do there. If not all of it is mapped, copies what is before the
/// hole; `done`, unless NULL, is how many bytes were copied.
///
/// # Safety
/// `buf` has room for `length` bytes; `done` is NULL or points to a `size_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_read(
    vm: *const xlat_vm,
    address: u64,
    buf: *mut c_void,
    length: usize,
    done: *mut usize,
) -> xlat_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { report(done, 0) };
        let vm = handle::acquire(vm)?;
        // SAFETY: the caller's contract.
        let buf = unsafe { array_mut(buf.cast::<u8>(), length, "buf") }?;
        let result = vm.memory().read(address, buf, Permissions::Ignore);
        // SAFETY: the caller's contract.
        unsafe { finish(result, length, done) }
    })
}

/// Copies `bytes` to guest memory, whatever the guest may do there. Code that was translated from it is dropped: when
/// this returns, no vCPU runs old code. If not all of it is mapped, writes what is before the hole; `done`, unless NULL,
/// is how many bytes were written.
///
/// # Safety
/// `bytes` points to `length` bytes; `done` is NULL or points to a `size_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_write(
    vm: *const xlat_vm,
    address: u64,
    bytes: *const c_void,
    length: usize,
    done: *mut usize,
) -> xlat_status {
    guard(|| {
        // SAFETY: the caller's contract.
        unsafe { report(done, 0) };
        let vm = handle::acquire(vm)?;
        // SAFETY: the caller's contract.
        let bytes = unsafe { array(bytes.cast::<u8>(), length, "bytes") }?;
        let result = vm.memory().write(address, bytes, Permissions::Ignore);
        // SAFETY: the caller's contract.
        unsafe { finish(result, length, done) }
    })
}

/// Drops all code that was translated from a range: to be called after the host program changed code in memory of
/// `xlat_vm_map_host`. A length of 0 drops everything. When this returns, no vCPU runs old code.
///
/// # Safety
/// None.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vm_invalidate(vm: *const xlat_vm, address: u64, length: u64) -> xlat_status {
    guard(|| {
        let vm = handle::acquire(vm)?;
        if length == 0 {
            vm.invalidate_all();
        } else {
            vm.invalidate(address..address.saturating_add(length));
        }
        Ok(())
    })
}

fn protection(bits: u32) -> Result<Prot, Failure> {
    if bits & !(XLAT_PROT_READ | XLAT_PROT_WRITE | XLAT_PROT_EXEC) != 0 {
        return Err(Failure::argument(format!("{bits:#x} is no combination of XLAT_PROT_*")));
    }
    Ok(Prot::from_bits(bits))
}

/// # Safety
/// `done` is NULL or valid for writing.
unsafe fn report(done: *mut usize, count: usize) {
    if !done.is_null() {
        // SAFETY: not NULL; the caller's contract.
        unsafe { done.write(count) };
    }
}

/// # Safety
/// `done` is NULL or valid for writing.
unsafe fn finish(result: Result<(), Partial>, length: usize, done: *mut usize) -> Result<(), Failure> {
    let count = result.map_or_else(|partial| partial.done, |()| length);
    // SAFETY: the caller's contract.
    unsafe { report(done, count) };
    Ok(result?)
}
