//! Nothing: `tests/header.rs` makes `include/xlat.h` from crate `ffi` and compares it with the committed one.

#![forbid(unsafe_code)]
