//! The interpreter's meaning of pure ops, for passes that fold constants.

use super::World;
use super::execute::Context;
use crate::ir::{Access, Block, Effect, EnvCall, FenceSet, Op, Order, RmwOp, Slot, Type};
use crate::memory::Fault;

/// The result of a pure op, given the bits of its operands (by position, as in a run).
///
/// # Panics
/// If the op is not pure.
pub fn evaluate(block: &Block, values: &[u128], op: &Op) -> u128 {
    assert_eq!(op.effect(), Effect::Pure, "{} is not pure", op.name());
    match (Context { block, values, world: &mut Nowhere }).execute(op) {
        Ok(bits) => bits,
        Err(_) => unreachable!("a pure op does not leave"),
    }
}

/// The world of pure ops: there is none.
struct Nowhere;

const NONE: &str = "a pure op touches no state";

impl World for Nowhere {
    fn get(&self, _: Slot) -> u128 {
        unreachable!("{NONE}")
    }
    fn set(&mut self, _: Slot, _: u128) {
        unreachable!("{NONE}")
    }
    fn load(&mut self, _: u64, _: Type, _: Order) -> Result<u128, Fault> {
        unreachable!("{NONE}")
    }
    fn store(&mut self, _: u64, _: Type, _: u128, _: Order) -> Result<(), Fault> {
        unreachable!("{NONE}")
    }
    fn probe(&mut self, _: u64, _: u32, _: Access) -> Result<(), Fault> {
        unreachable!("{NONE}")
    }
    fn cas(&mut self, _: u64, _: Type, _: u128, _: u128, _: Order) -> Result<u128, Fault> {
        unreachable!("{NONE}")
    }
    fn rmw(&mut self, _: u64, _: Type, _: RmwOp, _: u128, _: Order) -> Result<u128, Fault> {
        unreachable!("{NONE}")
    }
    fn load_exclusive(&mut self, _: u64, _: Type, _: Order) -> Result<u128, Fault> {
        unreachable!("{NONE}")
    }
    fn store_exclusive(&mut self, _: u64, _: Type, _: u128, _: Order) -> Result<bool, Fault> {
        unreachable!("{NONE}")
    }
    fn clear_exclusive(&mut self) {
        unreachable!("{NONE}")
    }
    fn fence(&mut self, _: FenceSet, _: FenceSet) {
        unreachable!("{NONE}")
    }
    fn env(&mut self, _: EnvCall, _: u64, _: u64) -> u64 {
        unreachable!("{NONE}")
    }
    fn hook(&mut self, _: u32) -> bool {
        unreachable!("{NONE}")
    }
}
