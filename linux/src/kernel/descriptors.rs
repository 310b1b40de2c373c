//! Calls on descriptors: transfers, locks, duplicates, what `ioctl` answers.

use super::integers::{Integers, integers};
use super::{Entered, Gate, Result, Word, checked};
use crate::errno::EINVAL;
use std::ffi::CStr;
use std::os::fd::{FromRawFd, OwnedFd};

/// `read`, `pread64` (with an offset) into `buffer`.
pub fn read(gate: Gate<'_>, fd: i32, buffer: &mut [u8], offset: Option<u64>) -> Entered {
    let length = buffer.len();
    match offset {
        None => enter!(gate, SYS_read, fd, buffer, length),
        Some(offset) => enter!(gate, SYS_pread64, fd, buffer, length, offset),
    }
}

/// `write`, `pwrite64` (with an offset) of `buffer`.
pub fn write(gate: Gate<'_>, fd: i32, buffer: &[u8], offset: Option<u64>) -> Entered {
    match offset {
        None => enter!(gate, SYS_write, fd, buffer, buffer.len()),
        Some(offset) => enter!(gate, SYS_pwrite64, fd, buffer, buffer.len(), offset),
    }
}

/// What the kernel says to a read or write of `length` bytes at an address that is not accessible: usually `EFAULT`, but
/// a wrong descriptor, the end of a file or `/dev/null` come first.
pub fn transfer_nothing(gate: Gate<'_>, fd: i32, length: u64, write: bool, offset: Option<u64>) -> Entered {
    // Address 0 is never mapped, so that no byte can be transferred.
    match (write, offset) {
        (false, None) => enter!(gate, SYS_read, fd, 0, length),
        (true, None) => enter!(gate, SYS_write, fd, 0, length),
        (false, Some(offset)) => enter!(gate, SYS_pread64, fd, 0, length, offset),
        (true, Some(offset)) => enter!(gate, SYS_pwrite64, fd, 0, length, offset),
    }
}

/// `flock` and the blocking `fcntl` locks; `lock` is a `struct flock`.
pub fn fcntl_lock(gate: Gate<'_>, fd: i32, command: i32, lock: &mut [u8; 32]) -> Entered {
    if !matches!(
        command,
        libc::F_GETLK
            | libc::F_SETLK
            | libc::F_SETLKW
            | libc::F_OFD_GETLK
            | libc::F_OFD_SETLK
            | libc::F_OFD_SETLKW
    ) {
        return Entered::Returned(Err(EINVAL));
    }
    enter!(gate, SYS_fcntl, fd, command, lock.as_mut_slice())
}

/// A duplicate of a descriptor of the guest, for the time of a call that needs the file.
///
/// # Errors
/// Those of `dup`.
pub fn duplicate(fd: i32) -> Result<OwnedFd> {
    let copy = integers(Integers::FcntlInteger, [fd as u64, libc::F_DUPFD_CLOEXEC as u64, 64, 0, 0, 0])?;
    // SAFETY: the descriptor was made just now and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(copy as i32) })
}

/// `getdents64`: the records have one layout everywhere.
///
/// # Errors
/// Those of the call.
pub fn getdents64(fd: i32, out: &mut [u8]) -> Result<usize> {
    let length = out.len();
    call!(SYS_getdents64, fd, out, length).map(|count| count as usize)
}

/// `pipe2`.
///
/// # Errors
/// Those of the call.
pub fn pipe2(flags: i32) -> Result<[u8; 8]> {
    let mut ends = [0; 8];
    call!(SYS_pipe2, ends.as_mut_slice(), flags).map(|_| ends)
}

/// `memfd_create`.
///
/// # Errors
/// Those of the call.
pub fn memfd_create(name: &CStr, flags: u32) -> Result<u64> {
    call!(SYS_memfd_create, name, flags)
}

/// An `ioctl` whose argument is a structure that the kernel fills, of `out.len()` bytes.
///
/// # Errors
/// Those of the call; `EINVAL` for a structure shorter than the request's.
pub fn ioctl_out(fd: i32, request: u64, out: &mut [u8]) -> Result<u64> {
    if ioctl_size(request).is_none_or(|size| out.len() < size) {
        return Err(EINVAL);
    }
    call!(SYS_ioctl, fd, request, out)
}

/// An `ioctl` whose argument is a structure that the kernel reads.
///
/// # Errors
/// Those of the call; `EINVAL` for a structure shorter than the request's.
pub fn ioctl_in(fd: i32, request: u64, value: &[u8]) -> Result<u64> {
    if ioctl_size(request).is_none_or(|size| value.len() < size) {
        return Err(EINVAL);
    }
    call!(SYS_ioctl, fd, request, value)
}

/// Size of the structure of the requests that are passed on; `None` for others.
pub fn ioctl_size(request: u64) -> Option<usize> {
    Some(match request {
        // The kernel's `struct termios`, not libc's.
        libc::TCGETS | libc::TCSETS | libc::TCSETSW | libc::TCSETSF => 36,
        libc::TIOCGWINSZ | libc::TIOCSWINSZ => 8,
        libc::FIONREAD
        | libc::FIONBIO
        | libc::TIOCGPGRP
        | libc::TIOCSPGRP
        | libc::TIOCOUTQ
        | libc::TIOCGSID => 4,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::openat;
    use super::*;
    use std::sync::atomic::AtomicU32;

    #[test]
    fn transfers_at_bad_addresses_fail_as_the_kernel_says() {
        let word = AtomicU32::new(0);
        let gate = Gate { word: &word };
        assert_eq!(transfer_nothing(gate, -1, 4, true, None), Entered::Returned(Err(crate::errno::EBADF)));
        let Entered::Returned(Ok(fd)) = openat(gate, libc::AT_FDCWD, c"/dev/zero", libc::O_RDONLY, 0) else {
            panic!()
        };
        assert_eq!(
            transfer_nothing(gate, fd as i32, 4, false, None),
            Entered::Returned(Err(crate::errno::EFAULT))
        );
        assert_eq!(integers(Integers::Close, [fd, 0, 0, 0, 0, 0]), Ok(0));
    }
}
