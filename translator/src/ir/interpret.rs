//! The interpreter: the obvious meaning of each op, and so the oracle of everything else.
//!
//! [`Interpreter::run`] walks a block; `execute` is the one exhaustive match over [`Op`], and what an op computes is
//! a function of its kind's module (`integer`, `vector`, `float`). Guest state, guest memory and the host are behind
//! [`World`], so the same code runs against a vCPU and against a test's arrays. It runs single steps, the instructions
//! that compiled code hands back, and hosts where no code may be generated.
//!
//! Values are bit patterns in a `u128` whose bits above the type are zero; every function here takes and keeps
//! that. A block must be one that the verifier accepts; then nothing here panics.

mod aes;
mod execute;
mod float;
mod fold;
mod integer;
mod string;
#[cfg(test)]
mod tests;
mod vector;
mod x87;

pub use fold::evaluate;
pub use integer::compare;

use execute::Context;

use super::{Access, Block, EnvCall, FenceSet, Op, Order, RmwOp, Slot, Terminator, Trap, Type, Value};
use crate::memory::Fault;

/// What the interpreter runs against: one vCPU's state, its memory, and the host.
///
/// Values have zero bits above their type. Sizes and orders mean what [`Op`] says of the op of the same name; a
/// failed access has changed nothing.
pub trait World {
    /// The value of a slot.
    fn get(&self, slot: Slot) -> u128;
    /// Write a slot.
    fn set(&mut self, slot: Slot, value: u128);
    /// Load.
    fn load(&mut self, addr: u64, ty: Type, order: Order) -> Result<u128, Fault>;
    /// Store.
    fn store(&mut self, addr: u64, ty: Type, value: u128, order: Order) -> Result<(), Fault>;
    /// Whether an access would fault.
    fn probe(&mut self, addr: u64, size: u32, access: Access) -> Result<(), Fault>;
    /// Compare and swap; the old value.
    fn cas(&mut self, addr: u64, ty: Type, expected: u128, new: u128, order: Order) -> Result<u128, Fault>;
    /// Read-modify-write; the old value.
    fn rmw(&mut self, addr: u64, ty: Type, op: RmwOp, value: u128, order: Order) -> Result<u128, Fault>;
    /// Load and reserve.
    fn load_exclusive(&mut self, addr: u64, ty: Type, order: Order) -> Result<u128, Fault>;
    /// Store if the reservation holds; whether it did.
    fn store_exclusive(&mut self, addr: u64, ty: Type, value: u128, order: Order) -> Result<bool, Fault>;
    /// Forget the reservation.
    fn clear_exclusive(&mut self);
    /// Order accesses.
    fn fence(&mut self, before: FenceSet, after: FenceSet);
    /// Ask the host.
    fn env(&mut self, call: EnvCall, a: u64, b: u64) -> u64;
    /// Call a hook; whether to stop here.
    fn hook(&mut self, id: u32) -> bool;
    /// Whether the block must end before the instruction at `pc`, which is not its first: its code may have changed.
    fn must_leave(&mut self, _pc: u64) -> bool {
        false
    }
}

/// The result of one pure or float op, given its operands' types (in `block`) and values: what compiled code calls.
pub(crate) fn evaluate_in<W: World>(block: &Block, values: &[u128], world: &mut W, op: &Op) -> u128 {
    // Such ops do not leave.
    Context { block, values, world }.execute(op).unwrap_or(0)
}

/// How the run of a block ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Go on at this address.
    Next(u64),
    /// The last instruction goes on at `pc`, its own address; it has not retired.
    Repeat {
        /// Address of the instruction.
        pc: u64,
    },
    /// A system call; it has retired.
    Syscall {
        /// Address of the following instruction.
        next: u64,
    },
    /// The instruction at `pc` traps; it has not retired.
    Trap {
        /// The reason.
        trap: Trap,
        /// Address of the instruction.
        pc: u64,
        /// The fault address where the trap has one, else of no meaning.
        info: u64,
    },
    /// An access of the instruction at `pc` faults; it has not retired.
    Fault {
        /// Address of the instruction.
        pc: u64,
        /// The fault.
        fault: Fault,
    },
    /// Go on at `next` after looking at the unit key anew.
    Resync {
        /// Address of the following instruction.
        next: u64,
    },
    /// As many instructions as asked for have retired, or the world wants the block left.
    Limit {
        /// Address of the next instruction.
        pc: u64,
    },
    /// A hook asked to stop.
    HookStop {
        /// Address of the instruction that the hook stands in; it has not retired.
        pc: u64,
    },
}

/// What a run did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// Instructions retired.
    pub retired: u64,
    /// How it ended.
    pub end: End,
}

/// Why an op left the block.
enum Leave {
    Fault(Fault),
    Trap(Trap, u64),
    Skip,
    Hook,
}

impl From<Fault> for Leave {
    fn from(fault: Fault) -> Leave {
        Leave::Fault(fault)
    }
}

/// Runs blocks; keeps nothing between them but its buffer.
#[derive(Debug, Default)]
pub struct Interpreter {
    values: Vec<u128>,
}

impl Interpreter {
    /// An interpreter.
    pub fn new() -> Interpreter {
        Interpreter::default()
    }

    /// Run `block` from its start, at most `limit` instructions of it.
    pub fn run(&mut self, block: &Block, world: &mut impl World, limit: u64) -> Outcome {
        let mut started = 0;
        let (mut pc, mut behind) = (block.start, block.start);
        if self.values.len() < block.ops.len() {
            self.values.resize(block.ops.len(), 0);
        }
        let mut context = Context { block, values: &mut self.values[..block.ops.len()], world };
        for (index, op) in block.ops.iter().enumerate() {
            if let Op::Instruction { pc: address, len } = *op {
                (pc, behind) = (address, address.wrapping_add(len.into()));
                if started == limit || (started != 0 && context.world.must_leave(pc)) {
                    return Outcome { retired: started, end: End::Limit { pc } };
                }
                started += 1;
            }
            match context.execute(op) {
                Ok(value) => context.values[index] = value,
                Err(leave) => {
                    let end = match leave {
                        Leave::Fault(fault) => End::Fault { pc, fault },
                        Leave::Trap(trap, info) => End::Trap { trap, pc, info },
                        Leave::Skip => return Outcome { retired: started, end: End::Next(behind) },
                        Leave::Hook => End::HookStop { pc },
                    };
                    return Outcome { retired: started.saturating_sub(1), end };
                }
            }
        }
        let value = |value: Value| self.values[value.index()];
        let end = match block.terminator {
            Terminator::Jump { target } => End::Next(target),
            Terminator::Branch { cond, taken, fallthrough } => {
                End::Next(if value(cond) != 0 { taken } else { fallthrough })
            }
            Terminator::Repeat { again, here, .. } if value(again) != 0 => {
                return Outcome { retired: started.saturating_sub(1), end: End::Repeat { pc: here } };
            }
            Terminator::Repeat { next, .. } => End::Next(next),
            Terminator::Indirect { target, .. } => End::Next(value(target) as u64),
            Terminator::Syscall { next } => End::Syscall { next },
            Terminator::Resync { next } => End::Resync { next },
            Terminator::Trap { trap } => {
                return Outcome { retired: started.saturating_sub(1), end: End::Trap { trap, pc, info: 0 } };
            }
        };
        Outcome { retired: started, end }
    }
}
