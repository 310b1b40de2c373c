//! Shared pieces of the tests: generators, oracles and the text-case runner.

pub mod cross_libc;
pub mod llvm;
pub mod random;
