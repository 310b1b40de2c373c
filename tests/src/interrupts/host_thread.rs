//! Host threads: the processor time that one has used, and a signal whose handler interrupts a vCPU.
#![allow(unsafe_code, reason = "signal handlers, clocks of threads")]

use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use translator::run::Interrupter;

/// What the handler interrupts; leaked, as a handler may be about to use it.
static TARGET: AtomicPtr<Interrupter> = AtomicPtr::new(std::ptr::null_mut());

/// One alarm at a time.
static IN_USE: Mutex<()> = Mutex::new(());

/// Sends the signal while it lives.
pub struct Alarm {
    _in_use: MutexGuard<'static, ()>,
}

/// A thread that can be sent the signal.
pub type Thread = libc::pthread_t;

/// The calling thread.
pub fn this_thread() -> Thread {
    // SAFETY: no preconditions.
    unsafe { libc::pthread_self() }
}

/// Processor time that a thread, which has not ended, has used.
///
/// # Panics
/// If it has ended.
pub fn processor_time(thread: Thread) -> Duration {
    let mut clock = 0;
    // SAFETY: the thread is alive: its owner waits for what the caller does.
    assert_eq!(unsafe { libc::pthread_getcpuclockid(thread, &mut clock) }, 0, "pthread_getcpuclockid");
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is ours.
    assert_eq!(unsafe { libc::clock_gettime(clock, &mut time) }, 0, "clock_gettime");
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

extern "C" fn handle(_: libc::c_int) {
    let target = TARGET.load(Ordering::Acquire);
    // SAFETY: null, or leaked by `Alarm::new`.
    if let Some(target) = unsafe { target.as_ref() } {
        target.interrupt();
    }
}

impl Alarm {
    /// Makes the handler interrupt this vCPU.
    ///
    /// # Panics
    /// If the host refuses the handler.
    pub fn new(interrupter: &Interrupter) -> Alarm {
        let in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        TARGET.store(Box::into_raw(Box::new(interrupter.clone())), Ordering::Release);
        // SAFETY: all zero is a valid `sigaction`; the handler is async-signal-safe and has the signature that an
        // action without SA_SIGINFO has.
        let done = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handle as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(libc::SIGUSR2, &action, std::ptr::null_mut())
        };
        assert_eq!(done, 0, "sigaction: {}", std::io::Error::last_os_error());
        Alarm { _in_use: in_use }
    }

    /// Sends the signal to a thread, which has not ended.
    ///
    /// # Panics
    /// If it has.
    pub fn ring(&self, thread: Thread) {
        // SAFETY: the thread belongs to this process and is alive: its owner waits for what the signal brings about.
        let error = unsafe { libc::pthread_kill(thread, libc::SIGUSR2) };
        assert_eq!(error, 0, "pthread_kill");
    }
}
