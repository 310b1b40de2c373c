//! Version and features.

use crate::error::Failure;
use crate::guard::{copy_text, guard};
use crate::numbers::*;
use serde_json::json;
use std::ffi::{CStr, c_char};
use translator::codegen::HostIsa;
use translator::guest::Guest;

/// The version of the library, `MAJOR.MINOR.PATCH`; never NULL, not to be freed. Compare it with `XLAT_VERSION`, which
/// is that of the header.
#[unsafe(no_mangle)]
pub extern "C" fn xlat_version() -> *const c_char {
    const TEXT: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a version without zeros"),
    };
    TEXT.as_ptr()
}

/// What the library can do, as a JSON object: `version`, `guests`, `hosts` (that code can be made for), `native` (the
/// host it runs on), `memory_modes`, `page_size`.
///
/// `buf`, `len` and `needed` as for `xlat_last_error`.
///
/// # Safety
/// `buf` has room for `len` bytes; `needed` is NULL or points to a `size_t`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_features(buf: *mut c_char, len: usize, needed: *mut usize) -> xlat_status {
    guard(|| {
        let text = json!({
            "version": env!("CARGO_PKG_VERSION"),
            "guests": Guest::ALL.map(Guest::name),
            "hosts": HostIsa::ALL.map(HostIsa::name),
            "native": HostIsa::native().name(),
            "memory_modes": ["direct", "paged"],
            "page_size": translator::memory::PAGE_SIZE,
        });
        // SAFETY: the caller's contract.
        unsafe { copy_text(&text.to_string(), buf, len, needed) }
    })
}

/// The guest of a number.
pub(crate) fn guest(number: u32) -> Result<Guest, Failure> {
    match number {
        XLAT_GUEST_X86_64 => Ok(Guest::X86_64),
        XLAT_GUEST_AARCH64 => Ok(Guest::Aarch64),
        XLAT_GUEST_RISCV64 => Ok(Guest::Riscv64),
        _ => Err(Failure::argument(format!("{number} is no guest (XLAT_GUEST_*)"))),
    }
}

/// The number of a guest.
pub(crate) fn guest_number(guest: Guest) -> u32 {
    match guest {
        Guest::X86_64 => XLAT_GUEST_X86_64,
        Guest::Aarch64 => XLAT_GUEST_AARCH64,
        Guest::Riscv64 => XLAT_GUEST_RISCV64,
    }
}
