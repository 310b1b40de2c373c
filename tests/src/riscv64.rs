//! Random RV64 programs, and qemu-user as their judge.

pub mod oracle;
pub mod program;
