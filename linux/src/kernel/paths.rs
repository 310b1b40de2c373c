//! Calls on paths, and what is asked of files.

use super::{Entered, Gate, Result, Word, checked};
use std::ffi::CStr;
use std::mem::MaybeUninit;

/// `openat`, flags in the host's numbers.
pub fn openat(gate: Gate<'_>, directory: i32, path: &CStr, flags: i32, mode: u32) -> Entered {
    enter!(gate, SYS_openat, directory, path, flags, mode)
}

/// `statx` with the flags given; an empty path with `AT_EMPTY_PATH` is the descriptor itself.
///
/// # Errors
/// Those of the call.
pub fn statx(directory: i32, path: &CStr, flags: i32, mask: u32) -> Result<libc::statx> {
    let mut status = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: `status` is a `struct statx`.
    checked(unsafe {
        libc::syscall(libc::SYS_statx, directory, path.as_ptr(), flags, mask, status.as_mut_ptr())
    })?;
    // SAFETY: all zero is a valid value, and the kernel has filled it.
    Ok(unsafe { status.assume_init() })
}

/// The bytes of a `struct statx`, which has one layout everywhere.
pub fn statx_bytes(status: &libc::statx) -> &[u8] {
    // SAFETY: the structure has no implicit padding (its reserved fields are spelled out) and was zeroed before it was
    // filled.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(status).cast(), size_of::<libc::statx>()) }
}

/// Size of `struct statfs` on 64-bit machines.
pub const STATFS_SIZE: usize = 120;

/// `statfs` or, without a path, `fstatfs`: the structure has one layout on the three machines.
///
/// # Errors
/// Those of the call.
pub fn statfs(path: Option<&CStr>, fd: i32, out: &mut [u8; STATFS_SIZE]) -> Result<u64> {
    match path {
        Some(path) => call!(SYS_statfs, path, out.as_mut_slice()),
        None => call!(SYS_fstatfs, fd, out.as_mut_slice()),
    }
}

/// `renameat2`.
///
/// # Errors
/// Those of the call.
pub fn renameat2(from: (i32, &CStr), to: (i32, &CStr), flags: u32) -> Result<u64> {
    call!(SYS_renameat2, from.0, from.1, to.0, to.1, flags)
}

/// `linkat`.
///
/// # Errors
/// Those of the call.
pub fn linkat(from: (i32, &CStr), to: (i32, &CStr), flags: i32) -> Result<u64> {
    call!(SYS_linkat, from.0, from.1, to.0, to.1, flags)
}

/// `symlinkat`.
///
/// # Errors
/// Those of the call.
pub fn symlinkat(target: &CStr, directory: i32, path: &CStr) -> Result<u64> {
    call!(SYS_symlinkat, target, directory, path)
}

/// `readlinkat`.
///
/// # Errors
/// Those of the call.
pub fn readlinkat(directory: i32, path: &CStr, out: &mut [u8]) -> Result<usize> {
    let length = out.len();
    call!(SYS_readlinkat, directory, path, out, length).map(|count| count as usize)
}

/// `utimensat`; `times` is two `timespec`s.
///
/// # Errors
/// Those of the call.
pub fn utimensat(directory: i32, path: Option<&CStr>, times: Option<&[u8; 32]>, flags: i32) -> Result<u64> {
    call!(SYS_utimensat, directory, path, times.map(|times| times.as_slice()), flags)
}

/// `truncate`.
///
/// # Errors
/// Those of the call.
pub fn truncate(path: &CStr, length: u64) -> Result<u64> {
    call!(SYS_truncate, path, length)
}

/// `chdir`.
///
/// # Errors
/// Those of the call.
pub fn chdir(path: &CStr) -> Result<u64> {
    call!(SYS_chdir, path)
}

/// `getcwd`: the number of bytes with the final zero.
///
/// # Errors
/// Those of the call.
pub fn getcwd(out: &mut [u8]) -> Result<usize> {
    let length = out.len();
    call!(SYS_getcwd, out, length).map(|count| count as usize)
}
