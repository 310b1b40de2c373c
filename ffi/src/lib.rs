//! The C interface: `libxlat.so`, `libxlat.a`, and (generated from here) `include/xlat.h`.
//!
//! | module | what |
//! | --- | --- |
//! | `numbers` | every status, exit reason and option number: fixed for ever |
//! | `register_ids` | register numbers of the three guests; generated from the engine's table |
//! | `handle` | opaque handles: a table of live objects, so that stale pointers are errors |
//! | `guard` | the panic guard around every function, and arguments: pointers, texts, sized structs |
//! | `error` | failures and the text of the last one |
//! | `version`, `engine`, `vm`, `memory`, `vcpu`, `run`, `translate`, `stats`, `monitor`, `linux` | the functions |
//!
//! A function here checks its arguments, makes one call into the engine and returns a status. Nothing else lives here.
//!
//! Invariants: no function unwinds into its caller; no pointer of the caller is dereferenced unless it is what the
//! header says, and handles never are: they are numbers that look like pointers.

#![allow(non_camel_case_types, reason = "the names of the C interface")]

mod engine;
mod error;
mod guard;
mod handle;
mod linux;
mod memory;
mod monitor;
mod numbers;
mod register_ids;
mod run;
mod stats;
mod translate;
mod vcpu;
mod version;
mod vm;

pub use self::linux::*;
pub use engine::*;
pub use error::*;
pub use memory::*;
pub use monitor::*;
pub use numbers::*;
pub use register_ids::*;
pub use run::*;
pub use stats::*;
pub use translate::*;
pub use vcpu::*;
pub use version::*;
pub use vm::*;
