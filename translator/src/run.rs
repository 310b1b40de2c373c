//! Engine, vm and vcpu: the dispatch loop, exits, budgets, interrupts.
//!
//! | object | is | threads |
//! | --- | --- | --- |
//! | [`Engine`] | configuration, compiler | shared freely |
//! | [`Vm`] | one address space, one guest, its translations | shared; mapping calls synchronise inside |
//! | [`Vcpu`] | registers, jump cache, interrupt word | one thread at a time; many of one vm run in parallel |

mod blocks;
mod engine;
pub mod enter;
pub mod exit;
pub mod safepoint;
mod sampler;
mod shuffle;
pub mod signal;
pub mod state;
#[cfg(test)]
mod tests;
mod tlb;
mod translate;
mod vcpu;
mod vm;
mod world;

// `safepoint` names it from here, so that a test can put its own in place.
use std::sync::atomic;

pub use engine::{Engine, EngineOptions, Error, ExecutionMode};
pub use exit::{Exit, Reason};

pub use crate::tier::Promotion;
pub use vcpu::{Interrupter, RunOptions, Vcpu};
pub use vm::{Stats, Vm, VmOptions};
