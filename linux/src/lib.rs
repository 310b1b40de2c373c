//! A guest Linux process on top of the engine.
//!
//! | module | what |
//! | --- | --- |
//! | `elf` | which files are programs, and what is in them |
//! | `stack` | the stack of a new program: arguments, environment, auxiliary vector |
//! | `space` | the address space as the guest's kernel sees it |
//! | `process` | loading, running, ending |
//! | `signals` | signals and what they do |
//! | `syscall` | system calls: a table and a file for each area |
//! | `abi` | registers, flags and structures that differ between guests |
//! | `errno` | error numbers |
//! | `kernel` | the host's system calls: the only module with `unsafe` |
//!
//! A process has one thread; `clone` and running signal handlers are not supported yet, and what is not supported is
//! answered with `ENOSYS` and a line of the trace.

#![deny(unsafe_code)]

pub mod abi;
pub mod elf;
pub mod errno;
mod kernel;
pub mod process;
mod program_file;
pub mod signals;
pub mod space;
pub mod stack;
mod syscall;

pub use process::{Ending, Error, Process, ProcessInterrupter, ProcessOptions, Program, Stop, SystemCall};
