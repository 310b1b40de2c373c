//! The host kernel: the only module of this crate with `unsafe`, and the only one that makes system calls.
//!
//! | module | what |
//! | --- | --- |
//! | `gate` | the way in for calls that may block, and out again |
//! | `integers` | calls on integers, and on one path |
//! | `descriptors`, `paths`, `waiting` | files |
//! | `process`, `signals` | the process |
//!
//! Callers hand over integers, byte slices and C strings; what is a pointer here was a reference there, with its own
//! length beside it. Calls that may block go through [`Gate::enter`], a few instructions of assembly that look at the
//! interrupt word and enter the kernel within a known range of code: a signal handler that finds the thread in that
//! range moves it to the exit that reports [`Entered::Interrupted`], so that no wake-up is lost between the look and
//! the entry.
#![allow(unsafe_code, reason = "the host's system calls are made here and nowhere else")]

use crate::errno::Errno;
use std::ffi::CStr;

/// What a system call returned.
pub type Result<T> = std::result::Result<T, Errno>;

/// A word of a system call: an integer, or the address of something borrowed for the length of the call.
trait Word {
    fn word(self) -> libc::c_long;
}

macro_rules! integer_words {
    ($($ty:ty)*) => { $(impl Word for $ty { fn word(self) -> libc::c_long { self as libc::c_long } })* };
}
integer_words!(i32 u32 i64 u64 usize);

impl Word for &CStr {
    fn word(self) -> libc::c_long {
        self.as_ptr() as libc::c_long
    }
}

impl Word for &[u8] {
    fn word(self) -> libc::c_long {
        self.as_ptr() as libc::c_long
    }
}

impl Word for &mut [u8] {
    fn word(self) -> libc::c_long {
        self.as_mut_ptr() as libc::c_long
    }
}

impl<T: Word> Word for Option<T> {
    fn word(self) -> libc::c_long {
        self.map_or(0, Word::word)
    }
}

fn checked(value: libc::c_long) -> Result<u64> {
    if value == -1 { Err(Errno::last()) } else { Ok(value as u64) }
}

/// A call that does not block (or not for long), its operands turned into words.
macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {
        // SAFETY: operands are integers and addresses of borrowed bytes (`Word`); each function below passes with every
        // address a length within the borrow, or the borrow is as long as the structure that the kernel uses.
        checked(unsafe { libc::syscall(libc::$number $(, Word::word($argument))*) })
    };
}

/// A call through the gate.
macro_rules! enter {
    ($gate:expr, $number:ident $(, $argument:expr)*) => {{
        let mut words = [0; 6];
        let given = [$(Word::word($argument)),*];
        words[..given.len()].copy_from_slice(&given);
        // SAFETY: as in `call`.
        unsafe { $gate.enter(libc::$number, words) }
    }};
}

mod descriptors;
mod gate;
mod integers;
mod paths;
mod process;
mod signals;
mod waiting;

pub use descriptors::*;
pub use gate::*;
pub use integers::*;
pub use paths::*;
pub use process::*;
pub use signals::*;
pub use waiting::*;
