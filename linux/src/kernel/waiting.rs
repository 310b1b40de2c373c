//! Calls that wait: for a time, or for descriptors.

use super::{Entered, Gate, Result, Word, checked};

/// `clock_nanosleep` until an absolute time (16 bytes, a `timespec`).
pub fn sleep_until(gate: Gate<'_>, clock: i32, until: &[u8; 16]) -> Entered {
    enter!(gate, SYS_clock_nanosleep, clock, libc::TIMER_ABSTIME, until.as_slice(), 0)
}

/// `ppoll` over `struct pollfd`s of 8 bytes each, with a `timespec`.
pub fn ppoll(gate: Gate<'_>, polled: &mut [u8], timeout: Option<&[u8; 16]>) -> Entered {
    // The kernel writes the time that is left into the timeout.
    let mut left = timeout.copied();
    let count = polled.len() / 8;
    enter!(gate, SYS_ppoll, polled, count, left.as_mut().map(|time| time.as_mut_slice()), 0, 8)
}

/// `pselect6` over the sets of the first `count` descriptors; each set has a bit for each, in whole 8-byte words. The
/// kernel writes the time that is left into `timeout`.
///
/// # Panics
/// A set is too short.
pub fn pselect(
    gate: Gate<'_>,
    count: usize,
    sets: &mut [Option<Vec<u8>>; 3],
    timeout: Option<&mut [u8; 16]>,
) -> Entered {
    assert!(sets.iter().flatten().all(|set| set.len() >= count.div_ceil(64) * 8));
    let [read, write, except] = sets.each_mut().map(|set| set.as_deref_mut());
    enter!(gate, SYS_pselect6, count, read, write, except, timeout.map(|time| time.as_mut_slice()), 0)
}

/// `epoll_pwait`; `events` are `struct epoll_event`s of the host.
pub fn epoll_wait(gate: Gate<'_>, fd: i32, events: &mut [libc::epoll_event], timeout: i32) -> Entered {
    let words = [fd.word(), events.as_mut_ptr() as libc::c_long, events.len().word(), timeout.word(), 0, 8];
    // SAFETY: the kernel writes at most `events.len()` events.
    unsafe { gate.enter(libc::SYS_epoll_pwait, words) }
}

/// `epoll_ctl`.
///
/// # Errors
/// Those of the call.
pub fn epoll_ctl(epoll: i32, operation: i32, fd: i32, event: Option<libc::epoll_event>) -> Result<u64> {
    let event = event.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the event is null or lives across the call.
    checked(unsafe { libc::syscall(libc::SYS_epoll_ctl, epoll, operation, fd, event) })
}
