//! Shared pieces of the tests: generators, oracles and the text-case runner.

pub mod changing_code;
pub mod code;
pub mod cross_libc;
pub mod differential;
pub mod exactness;
pub mod interrupts;
pub mod isa;
pub mod lift_case;
pub mod litmus;
pub mod llvm;
pub mod machine;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub mod native;
pub mod opt_property;
pub mod options;
pub mod random;
pub mod riscv64;
pub mod text_cases;
pub mod world;
pub mod x86_64;
