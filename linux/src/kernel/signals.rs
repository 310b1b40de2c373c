//! Signals of the host process, as the guest asks for them.

use super::integers::{Integers, integers};
use super::{Word, checked, prlimit};
use std::mem::MaybeUninit;

/// Stops the host process, as a stop signal stops the guest, until it is continued.
pub fn stop_by(signal: i32) {
    let _ = integers(Integers::Kill, [std::process::id().into(), signal as u64, 0, 0, 0, 0]);
}

/// What the host process does with a signal when it starts a guest.
pub fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action asks; all zero is a valid `sigaction`.
    let (result, action) =
        unsafe { (libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()), action.assume_init()) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Makes the host process ignore a signal or die of it, as the guest asks, so that signals from other processes do what
/// they do to a native program.
pub fn set_ignored(signal: i32, ignored: bool) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zero is a valid `sigaction`; a disposition without handler runs no code of ours. Signals that the
    // engine handles are left alone by the caller.
    unsafe {
        (*action.as_mut_ptr()).sa_sigaction = if ignored { libc::SIG_IGN } else { libc::SIG_DFL };
        libc::sigaction(signal, action.as_ptr(), std::ptr::null_mut());
    }
}

/// Sets the host thread's signal mask to the signals of `mask` (bit `n - 1` for signal `n`).
pub fn set_signal_mask(mask: u64) {
    let mask = mask.to_ne_bytes();
    // A kernel's signal set is 8 bytes; errors are impossible with a good address and size.
    let _ = call!(SYS_rt_sigprocmask, libc::SIG_SETMASK, mask.as_slice(), 0, 8);
}

/// Ends the host process by `signal`, as the guest ended; does not return.
pub fn die_by(signal: i32) -> ! {
    // A core file of xlat says nothing about the guest.
    if let Ok([_, hard]) = prlimit(0, libc::RLIMIT_CORE, None) {
        let _ = prlimit(0, libc::RLIMIT_CORE, Some([0, hard]));
    }
    set_ignored(signal, false);
    set_signal_mask(0);
    let _ = integers(Integers::Getpid, [0; 6])
        .and_then(|pid| integers(Integers::Kill, [pid, signal as u64, 0, 0, 0, 0]));
    // Only reached if the signal's default is not to end the process.
    std::process::exit(128 + signal)
}
