//! Failures, and the text of the last one on each thread.

use crate::guard::{copy_text, guard_silently};
use crate::numbers::*;
use std::cell::RefCell;
use std::ffi::c_char;
use translator::{memory, run};

/// Why a function fails: a status for the program, a text for its user.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: xlat_status,
    text: String,
}

impl Failure {
    pub(crate) fn new(status: xlat_status, text: String) -> Failure {
        Failure { status, text }
    }

    pub(crate) fn argument(text: impl Into<String>) -> Failure {
        Failure { status: XLAT_ERROR_ARGUMENT, text: text.into() }
    }

    pub(crate) fn null(what: &str) -> Failure {
        Failure { status: XLAT_ERROR_NULL, text: format!("{what} is NULL") }
    }
}

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the failure's text for `xlat_last_error`; its status.
pub(crate) fn record(failure: Failure) -> xlat_status {
    // A thread that is ending has no such text any more.
    let _ = LAST.try_with(|last| *last.borrow_mut() = failure.text);
    failure.status
}

impl From<memory::Error> for Failure {
    fn from(error: memory::Error) -> Failure {
        use memory::Error::*;
        let status = match error {
            ZeroLength(_) => XLAT_ERROR_ARGUMENT,
            Misaligned { .. } => XLAT_ERROR_ALIGNMENT,
            OutOfRange { .. } => XLAT_ERROR_RANGE,
            Overlap { .. } => XLAT_ERROR_OVERLAP,
            NotMapped { .. } => XLAT_ERROR_NOT_MAPPED,
            NotPermitted { .. } => XLAT_ERROR_PERMISSION,
            NoSpace { .. } => XLAT_ERROR_NO_SPACE,
            Host { .. } => XLAT_ERROR_HOST,
            Unsupported(_) => XLAT_ERROR_UNSUPPORTED,
        };
        Failure::new(status, error.to_string())
    }
}

impl From<memory::Partial> for Failure {
    fn from(partial: memory::Partial) -> Failure {
        let status = match partial.fault.kind {
            memory::FaultKind::Unmapped => XLAT_ERROR_NOT_MAPPED,
            memory::FaultKind::Permission | memory::FaultKind::Misaligned => XLAT_ERROR_PERMISSION,
        };
        Failure::new(status, partial.to_string())
    }
}

impl From<run::Error> for Failure {
    fn from(error: run::Error) -> Failure {
        match error {
            run::Error::Memory(error) => error.into(),
            run::Error::Option(text) => Failure::argument(text),
            #[allow(unreachable_patterns, reason = "errors of the host that the engine may learn to report")]
            other => Failure::new(XLAT_ERROR_HOST, other.to_string()),
        }
    }
}

/// The text of the last failure on this thread, UTF-8 with a final zero; empty if there was none. It says more than the
/// status: names, addresses, sizes.
///
/// Writes at most `len` bytes to `buf` and, if `needed` is not NULL, how many the whole text takes. `buf` may be NULL if
/// `len` is 0. Does not change the text. Returns `XLAT_ERROR_BUFFER` if `len` is too small and not 0.
///
/// # Safety
/// `buf` has room for `len` bytes; `needed` is NULL or points to a `size_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_last_error(buf: *mut c_char, len: usize, needed: *mut usize) -> xlat_status {
    guard_silently(|| {
        let text = LAST.try_with(|last| last.borrow().clone()).unwrap_or_default();
        // SAFETY: the caller's contract.
        unsafe { copy_text(&text, buf, len, needed) }
    })
}

/// A short fixed text for a status, or for any other number; never NULL, not to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn xlat_status_text(status: xlat_status) -> *const c_char {
    let text = match status {
        XLAT_OK => c"done",
        XLAT_ERROR_NULL => c"a pointer is NULL",
        XLAT_ERROR_HANDLE => c"not a live handle",
        XLAT_ERROR_ARGUMENT => c"invalid argument",
        XLAT_ERROR_STRUCT_SIZE => c"wrong struct_size",
        XLAT_ERROR_BUSY => c"the object is in use",
        XLAT_ERROR_POISONED => c"the object is unusable after an internal error",
        XLAT_ERROR_INTERNAL => c"internal error",
        XLAT_ERROR_BUFFER => c"the buffer is too small",
        XLAT_ERROR_ALIGNMENT => c"not a multiple of the page size",
        XLAT_ERROR_RANGE => c"out of the guest's address space",
        XLAT_ERROR_OVERLAP => c"already mapped",
        XLAT_ERROR_NOT_MAPPED => c"not mapped",
        XLAT_ERROR_PERMISSION => c"not permitted by the mapping",
        XLAT_ERROR_NO_SPACE => c"no room is left",
        XLAT_ERROR_HOST => c"the host refused",
        XLAT_ERROR_UNSUPPORTED => c"not supported",
        XLAT_ERROR_NOT_FOUND => c"not found",
        XLAT_ERROR_FILE => c"the file cannot be read or executed",
        XLAT_ERROR_FORMAT => c"the file is not a program that xlat runs",
        _ => c"unknown status",
    };
    text.as_ptr()
}
