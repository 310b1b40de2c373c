//! RV64 instructions.
