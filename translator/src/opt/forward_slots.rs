//! A `get` after a `set` or `get` of the same slot is the value written or read there; a `set` of the value that the
//! slot already holds goes away.
//!
//! Float ops write `fp_flags`, hooks may write everything. The `get`s that are no longer used are left to `dead_code`.

use crate::ir::{Block, Effect, Op, Slot, Value};

/// The pass.
pub fn run(block: &mut Block) {
    let mut keep = vec![true; block.ops.len()];
    // What each slot is known to hold, and the value that stands for each value.
    let mut held: Vec<Option<Value>> = vec![None; block.guest.register_file().slots.len()];
    let mut stands_for: Vec<Value> = Vec::with_capacity(block.ops.len());
    for (position, op) in block.ops.iter_mut().enumerate() {
        let this = Value(position as u32);
        let mut result = this;
        op.map_operands(|value| stands_for[value.index()]);
        match (&*op, op.effect()) {
            (&Op::Get { slot }, _) => result = *held[slot.index()].get_or_insert(this),
            (&Op::Set { slot, value }, _) => {
                keep[position] = held[slot.index()] != Some(value);
                held[slot.index()] = Some(value);
            }
            (_, Effect::Float) => held[Slot::FP_FLAGS.index()] = None,
            (Op::Hook { .. }, _) => held.fill(None),
            _ => {}
        }
        stands_for.push(result);
    }
    block.terminator.map_operand(|value| stands_for[value.index()]);
    super::retain(block, &keep);
}
