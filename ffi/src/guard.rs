//! What surrounds every function: the panic guard, and checked access to the caller's memory.

use crate::error::{Failure, record};
use crate::numbers::*;
use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a function: its status, or `XLAT_ERROR_INTERNAL` if it panics. Objects in use are poisoned then (see
/// [`crate::handle::Ref`]), so nobody sees them half changed.
pub(crate) fn guard(body: impl FnOnce() -> Result<(), Failure>) -> xlat_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => XLAT_OK,
        Ok(Err(failure)) => record(failure),
        Err(payload) => {
            let text = payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| payload.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            let status = record(Failure::new(XLAT_ERROR_INTERNAL, format!("internal error: {text}")));
            // What was thrown may panic when it is dropped.
            std::mem::forget(payload);
            status
        }
    }
}

/// As [`guard`], leaving the text of the last error alone.
pub(crate) fn guard_silently(body: impl FnOnce() -> Result<(), Failure>) -> xlat_status {
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => XLAT_OK,
        Ok(Err(failure)) => failure.status,
        Err(payload) => {
            std::mem::forget(payload);
            XLAT_ERROR_INTERNAL
        }
    }
}

/// A struct of the header whose first field is its size.
///
/// # Safety
/// The type is `repr(C)`, has no padding, starts with `struct_size: u32`, and every bit pattern is a value.
pub(crate) unsafe trait Sized32: Copy {
    /// Name, for messages.
    const NAME: &'static str;
    /// Its size in the first version that had it.
    const FIRST: usize;
}

/// Larger sizes are taken for garbage.
const LARGEST: usize = 4096;

/// The `struct_size` of a struct, checked.
///
/// # Safety
/// `ptr` is not NULL and points to a `uint32_t` at least.
unsafe fn struct_size<T: Sized32>(ptr: *const T) -> Result<usize, Failure> {
    // SAFETY: the caller's contract.
    let size = unsafe { ptr.cast::<u32>().read_unaligned() } as usize;
    if (T::FIRST..=LARGEST).contains(&size) {
        return Ok(size);
    }
    let text = format!("{}.struct_size is {size}, expected {} (sizeof)", T::NAME, size_of::<T>());
    Err(Failure::new(XLAT_ERROR_STRUCT_SIZE, text))
}

/// Reads a struct; NULL reads as zeros, the defaults. What the caller's version does not have is zero; what this version
/// does not have must be.
///
/// # Safety
/// `ptr` is NULL or points to as many readable bytes as its `struct_size` says.
pub(crate) unsafe fn read_struct<T: Sized32>(ptr: *const T) -> Result<T, Failure> {
    // SAFETY: every bit pattern is a value of the type (trait contract).
    let mut value: T = unsafe { std::mem::zeroed() };
    if ptr.is_null() {
        return Ok(value);
    }
    // SAFETY: not NULL; the caller's contract.
    let size = unsafe { struct_size(ptr) }?;
    let known = size.min(size_of::<T>());
    // SAFETY: both are at least `known` bytes; the struct has no padding (trait contract).
    unsafe { std::ptr::copy_nonoverlapping(ptr.cast::<u8>(), (&raw mut value).cast::<u8>(), known) };
    // SAFETY: the caller's struct has `size` bytes.
    let tail = unsafe { std::slice::from_raw_parts(ptr.cast::<u8>().add(known), size - known) };
    if tail.iter().any(|&byte| byte != 0) {
        let text = format!("{} has fields that this version of xlat does not know", T::NAME);
        return Err(Failure::new(XLAT_ERROR_STRUCT_SIZE, text));
    }
    Ok(value)
}

/// Checks a struct for output before anything is done.
///
/// # Safety
/// `ptr` is NULL or points to as many writable bytes as its `struct_size` says.
pub(crate) unsafe fn check_out_struct<T: Sized32>(ptr: *const T) -> Result<(), Failure> {
    if ptr.is_null() {
        return Err(Failure::null(T::NAME));
    }
    // SAFETY: not NULL; the caller's contract.
    unsafe { struct_size(ptr) }.map(|_| ())
}

/// Writes a struct: as much as the caller's version has, zeros where it has more. `struct_size` is kept.
///
/// # Safety
/// As for [`check_out_struct`].
pub(crate) unsafe fn write_struct<T: Sized32>(ptr: *mut T, value: T) -> Result<(), Failure> {
    // SAFETY: the caller's contract.
    unsafe { check_out_struct(ptr.cast_const()) }?;
    // SAFETY: not NULL, as just checked.
    let size = unsafe { struct_size(ptr.cast_const()) }?;
    let (from, to) = ((&raw const value).cast::<u8>(), ptr.cast::<u8>());
    let known = size.min(size_of::<T>());
    // SAFETY: both have `known` bytes, the caller's `size`; the first four stay.
    unsafe {
        std::ptr::copy_nonoverlapping(from.add(4), to.add(4), known - 4);
        std::ptr::write_bytes(to.add(known), 0, size - known);
    }
    Ok(())
}

/// Writes through an out-pointer.
///
/// # Safety
/// `ptr` is NULL or valid for writing.
pub(crate) unsafe fn put<T>(ptr: *mut T, what: &str, value: T) -> Result<(), Failure> {
    check_out(ptr, what)?;
    // SAFETY: not NULL; the caller's contract.
    unsafe { ptr.write(value) };
    Ok(())
}

/// Checks an out-pointer before anything is done.
pub(crate) fn check_out<T>(ptr: *mut T, what: &str) -> Result<(), Failure> {
    if ptr.is_null() { Err(Failure::null(what)) } else { Ok(()) }
}

/// The caller's array.
///
/// # Safety
/// `ptr` points to `len` readable values, or is NULL.
pub(crate) unsafe fn array<'a, T>(ptr: *const T, len: usize, what: &str) -> Result<&'a [T], Failure> {
    check_length::<T>(len, what)?;
    match (ptr.is_null(), len) {
        (_, 0) => Ok(&[]),
        (true, _) => Err(Failure::null(what)),
        // SAFETY: not NULL, not longer than an allocation can be; the caller's contract.
        _ => Ok(unsafe { std::slice::from_raw_parts(ptr, len) }),
    }
}

/// The caller's array, to be written.
///
/// # Safety
/// `ptr` points to `len` writable and initialised values, or is NULL.
pub(crate) unsafe fn array_mut<'a, T>(ptr: *mut T, len: usize, what: &str) -> Result<&'a mut [T], Failure> {
    check_length::<T>(len, what)?;
    match (ptr.is_null(), len) {
        (_, 0) => Ok(&mut []),
        (true, _) => Err(Failure::null(what)),
        // SAFETY: not NULL, not longer than an allocation can be; the caller's contract.
        _ => Ok(unsafe { std::slice::from_raw_parts_mut(ptr, len) }),
    }
}

fn check_length<T>(len: usize, what: &str) -> Result<(), Failure> {
    match len.checked_mul(size_of::<T>()) {
        Some(bytes) if bytes <= isize::MAX as usize => Ok(()),
        _ => {
            Err(Failure::argument(format!("{what}: {len:#x} elements are more than an address space holds")))
        }
    }
}

/// The caller's zero-terminated string.
///
/// # Safety
/// `ptr` is NULL or points to such a string.
pub(crate) unsafe fn string<'a>(ptr: *const c_char, what: &str) -> Result<&'a CStr, Failure> {
    if ptr.is_null() {
        return Err(Failure::null(what));
    }
    // SAFETY: not NULL; the caller's contract.
    Ok(unsafe { CStr::from_ptr(ptr) })
}

/// Copies a text with a final zero, as much as fits, and says how much it is. A buffer of length 0 only asks for that.
///
/// # Safety
/// `buf` has room for `len` bytes; `needed` is NULL or valid.
pub(crate) unsafe fn copy_text(
    text: &str,
    buf: *mut c_char,
    len: usize,
    needed: *mut usize,
) -> Result<(), Failure> {
    // A zero inside would cut the text for a C program.
    let bytes: Vec<u8> = text.bytes().filter(|&byte| byte != 0).collect();
    if !needed.is_null() {
        // SAFETY: not NULL; the caller's contract.
        unsafe { needed.write(bytes.len() + 1) };
    }
    if len == 0 {
        return if needed.is_null() { Err(Failure::null("both buffer and needed")) } else { Ok(()) };
    }
    if buf.is_null() {
        return Err(Failure::null("buf"));
    }
    let count = bytes.len().min(len - 1);
    // SAFETY: `buf` has room for `len` bytes, more than `count`.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), buf.cast(), count);
        buf.add(count).write(0);
    }
    if count < bytes.len() {
        let text = format!("the buffer has {len} bytes, the text takes {}", bytes.len() + 1);
        return Err(Failure::new(XLAT_ERROR_BUFFER, text));
    }
    Ok(())
}
