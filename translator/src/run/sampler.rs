//! Samples of where the process spends its time: the profiling timer (`setitimer(2)`, ITIMER_PROF) sends SIGPROF, whose handler
//! counts the interrupted host address in the arena that it lies in.
//!
//! One timer serves all engines of the process that ask for samples.
#![allow(unsafe_code, reason = "a signal handler and its timer")]

use super::signal;
use crate::codegen::arena;
use crate::monitor::Samples;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// CPU time between samples, in microseconds; the kernel rounds it up to its tick.
const PERIOD: libc::suseconds_t = 1000;

static IN_UNITS: AtomicU64 = AtomicU64::new(0);
static ELSEWHERE: AtomicU64 = AtomicU64::new(0);
static USERS: Mutex<usize> = Mutex::new(0);

/// Takes samples while it lives.
#[derive(Debug)]
pub(super) struct Sampler(());

impl Sampler {
    /// # Errors
    /// The host program handles SIGPROF itself, or the host refuses.
    pub(super) fn start() -> io::Result<Sampler> {
        let mut users = USERS.lock().unwrap_or_else(PoisonError::into_inner);
        if *users == 0 {
            let mut old = MaybeUninit::<libc::sigaction>::uninit();
            // SAFETY: a null new action only asks; `old` is written on success.
            if unsafe { libc::sigaction(libc::SIGPROF, ptr::null(), old.as_mut_ptr()) } != 0 {
                return Err(io::Error::last_os_error());
            }
            // SAFETY: written just now.
            let old = unsafe { old.assume_init() }.sa_sigaction;
            if !matches!(old, libc::SIG_DFL | libc::SIG_IGN) && old != count as *const () as usize {
                return Err(io::Error::new(io::ErrorKind::ResourceBusy, "SIGPROF has a handler already"));
            }
            // SAFETY: all zero is a valid `sigaction`.
            let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
            new.sa_sigaction = count as *const () as usize;
            new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
            // SAFETY: `count` has the signature that SA_SIGINFO asks for and is async-signal-safe. It stays installed: a
            // signal may be under way when the timer is stopped.
            if unsafe { libc::sigaction(libc::SIGPROF, &new, ptr::null_mut()) } != 0 {
                return Err(io::Error::last_os_error());
            }
            set_timer(PERIOD)?;
        }
        *users += 1;
        Ok(Sampler(()))
    }

    /// Samples of the process so far.
    pub(super) fn samples(&self) -> Samples {
        Samples { in_units: IN_UNITS.load(Ordering::Relaxed), elsewhere: ELSEWHERE.load(Ordering::Relaxed) }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        let mut users = USERS.lock().unwrap_or_else(PoisonError::into_inner);
        *users -= 1;
        if *users == 0 {
            // It could be started, so it can be stopped.
            let _ = set_timer(0);
        }
    }
}

fn set_timer(micros: libc::suseconds_t) -> io::Result<()> {
    let period = libc::timeval { tv_sec: 0, tv_usec: micros };
    let timer = libc::itimerval { it_interval: period, it_value: period };
    // SAFETY: reads `timer` only.
    match unsafe { libc::setitimer(libc::ITIMER_PROF, &timer, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

extern "C" fn count(_signal: libc::c_int, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO a valid context.
    let pc = signal::interrupted_pc(unsafe { &*context.cast::<libc::ucontext_t>() });
    let counter = if arena::count_sample(pc) { &IN_UNITS } else { &ELSEWHERE };
    counter.fetch_add(1, Ordering::Relaxed);
}
