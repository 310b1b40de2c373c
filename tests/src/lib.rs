//! Shared pieces of the tests: generators, oracles and the text-case runner.

pub mod llvm;
pub mod random;
