//! AArch64 instructions.
