//! Guest machine code to instructions: one module per guest. No IR, no unsafe code, no I/O.
#![forbid(unsafe_code)]
