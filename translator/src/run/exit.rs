//! How a run ends.

use crate::ir::Trap;
use crate::memory::Fault;

/// Why [`Vcpu::run`](super::Vcpu::run) returned. Guest faults are ends of a run, not errors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// As many instructions as asked for have retired; the pc is the next one.
    Budget,
    /// [`Interrupter::interrupt`](super::Interrupter::interrupt) was called; the pc is the next instruction.
    Interrupted,
    /// The pc is a stop address; its instruction has not run.
    StopAddress,
    /// A system call: it has retired, the pc is the instruction behind it.
    Syscall,
    /// The instruction at the pc faults.
    Fault(Fault),
    /// The instruction at the pc raises an exception.
    Trap {
        /// Which.
        trap: Trap,
        /// Fault address where the trap has one.
        info: u64,
    },
    /// A hook asked to stop at the instruction at the pc.
    Hook,
    /// A bug in xlat; the text says what was seen. Guest state is as of the last unit boundary.
    Internal(&'static str),
}

/// The end of a run. Guest state is exact: as if the guest had executed one instruction after the other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit {
    /// Why.
    pub reason: Reason,
    /// The guest pc.
    pub pc: u64,
    /// Instructions retired in this run, if they were counted.
    pub retired: Option<u64>,
}
