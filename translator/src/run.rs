//! Engine, vm and vcpu: the dispatch loop, exits, budgets, interrupts.

pub mod state;
