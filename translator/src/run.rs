//! Engine, vm and vcpu: the dispatch loop, exits, budgets, interrupts.

pub mod enter;
pub mod state;
