//! Shared pieces of the tests: generators, oracles and the text-case runner.

pub mod cross_libc;
pub mod lift_case;
pub mod llvm;
pub mod random;
pub mod world;
