//! Calls on integers, and calls on one path and integers: tables of numbers.

use super::{Result, Word, checked};
use crate::errno::EINVAL;
use std::ffi::CStr;

/// Calls whose arguments are integers only, so that no value of them can touch xlat's memory.
#[allow(missing_docs, reason = "named as the kernel names them")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Integers {
    Close,
    CloseRange,
    Dup,
    Dup3,
    Lseek,
    Fsync,
    Fdatasync,
    SyncFileRange,
    Sync,
    Syncfs,
    Ftruncate,
    Fallocate,
    Fadvise,
    Readahead,
    Fchmod,
    Fchown,
    Fchdir,
    Flock,
    Umask,
    Getpid,
    Getppid,
    Getpgid,
    Setpgid,
    Getsid,
    Setsid,
    Getuid,
    Geteuid,
    Getgid,
    Getegid,
    Kill,
    Tgkill,
    SchedYield,
    SchedGetscheduler,
    SchedPriorityMax,
    SchedPriorityMin,
    Getpriority,
    Setpriority,
    EpollCreate,
    Eventfd,
    IoctlInteger,
    FcntlInteger,
}

impl Integers {
    const fn number(self) -> libc::c_long {
        match self {
            Integers::Close => libc::SYS_close,
            Integers::CloseRange => libc::SYS_close_range,
            Integers::Dup => libc::SYS_dup,
            Integers::Dup3 => libc::SYS_dup3,
            Integers::Lseek => libc::SYS_lseek,
            Integers::Fsync => libc::SYS_fsync,
            Integers::Fdatasync => libc::SYS_fdatasync,
            Integers::SyncFileRange => libc::SYS_sync_file_range,
            Integers::Sync => libc::SYS_sync,
            Integers::Syncfs => libc::SYS_syncfs,
            Integers::Ftruncate => libc::SYS_ftruncate,
            Integers::Fallocate => libc::SYS_fallocate,
            Integers::Fadvise => libc::SYS_fadvise64,
            Integers::Readahead => libc::SYS_readahead,
            Integers::Fchmod => libc::SYS_fchmod,
            Integers::Fchown => libc::SYS_fchown,
            Integers::Fchdir => libc::SYS_fchdir,
            Integers::Flock => libc::SYS_flock,
            Integers::Umask => libc::SYS_umask,
            Integers::Getpid => libc::SYS_getpid,
            Integers::Getppid => libc::SYS_getppid,
            Integers::Getpgid => libc::SYS_getpgid,
            Integers::Setpgid => libc::SYS_setpgid,
            Integers::Getsid => libc::SYS_getsid,
            Integers::Setsid => libc::SYS_setsid,
            Integers::Getuid => libc::SYS_getuid,
            Integers::Geteuid => libc::SYS_geteuid,
            Integers::Getgid => libc::SYS_getgid,
            Integers::Getegid => libc::SYS_getegid,
            Integers::Kill => libc::SYS_kill,
            Integers::Tgkill => libc::SYS_tgkill,
            Integers::SchedYield => libc::SYS_sched_yield,
            Integers::SchedGetscheduler => libc::SYS_sched_getscheduler,
            Integers::SchedPriorityMax => libc::SYS_sched_get_priority_max,
            Integers::SchedPriorityMin => libc::SYS_sched_get_priority_min,
            Integers::Getpriority => libc::SYS_getpriority,
            Integers::Setpriority => libc::SYS_setpriority,
            Integers::EpollCreate => libc::SYS_epoll_create1,
            Integers::Eventfd => libc::SYS_eventfd2,
            Integers::IoctlInteger => libc::SYS_ioctl,
            Integers::FcntlInteger => libc::SYS_fcntl,
        }
    }
}

/// Calls on one path: directory descriptor, path, then integers.
#[allow(missing_docs, reason = "named as the kernel names them")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnPath {
    Mkdirat,
    Unlinkat,
    Mknodat,
    Fchmodat,
    Fchownat,
    Faccessat,
    Faccessat2,
}

impl OnPath {
    const fn number(self) -> libc::c_long {
        match self {
            OnPath::Mkdirat => libc::SYS_mkdirat,
            OnPath::Unlinkat => libc::SYS_unlinkat,
            OnPath::Mknodat => libc::SYS_mknodat,
            OnPath::Fchmodat => libc::SYS_fchmodat,
            OnPath::Fchownat => libc::SYS_fchownat,
            OnPath::Faccessat => libc::SYS_faccessat,
            OnPath::Faccessat2 => libc::SYS_faccessat2,
        }
    }
}

/// Makes a call that takes integers only.
///
/// # Errors
/// Those of the call. `IoctlInteger` and `FcntlInteger` refuse requests that are not known to take an integer.
pub fn integers(call: Integers, words: [u64; 6]) -> Result<u64> {
    let known = match call {
        Integers::IoctlInteger => matches!(words[1], libc::FIOCLEX | libc::FIONCLEX),
        Integers::FcntlInteger => matches!(
            words[1] as i32,
            libc::F_DUPFD
                | libc::F_DUPFD_CLOEXEC
                | libc::F_GETFD
                | libc::F_SETFD
                | libc::F_GETFL
                | libc::F_SETFL
                | libc::F_GETPIPE_SZ
                | libc::F_SETPIPE_SZ
                | libc::F_GETOWN
                | libc::F_SETOWN
                | libc::F_GET_SEALS
                | libc::F_ADD_SEALS
                | libc::F_GETLEASE
                | libc::F_SETLEASE
        ),
        _ => true,
    };
    if !known {
        return Err(EINVAL);
    }
    let [a, b, c, d, e, f] = words.map(|word| word as libc::c_long);
    // SAFETY: no call of the enumeration takes an address, given the check above.
    checked(unsafe { libc::syscall(call.number(), a, b, c, d, e, f) })
}

/// Makes a call on a path.
///
/// # Errors
/// Those of the call.
pub fn on_path(call: OnPath, directory: i32, path: &CStr, words: [u64; 3]) -> Result<u64> {
    let [a, b, c] = words.map(|word| word as libc::c_long);
    // SAFETY: the path is a C string borrowed for the call; the other operands are integers.
    checked(unsafe { libc::syscall(call.number(), directory.word(), path.word(), a, b, c) })
}
