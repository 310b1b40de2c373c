//! Removes writes of slots that nobody can see: the slot is written again before anyone may look.
//!
//! Who may look: a later `get`; float ops, at `fp_flags` and `fp_env`; and the world, at the end of the block, at an op
//! that may leave it, and at the start of an instruction that holds such an op.

use crate::ir::{Block, Effect, Op, Slot, Terminator};

/// The pass.
pub fn run(block: &mut Block) {
    let mut keep = vec![true; block.ops.len()];
    let mut live = vec![true; block.guest.register_file().slots.len()];
    // Whether the instruction at hand may be left in its middle.
    let mut exits = matches!(block.terminator, Terminator::Trap { .. });
    for (position, op) in block.ops.iter().enumerate().rev() {
        match (op, op.effect()) {
            (Op::Get { slot }, _) => live[slot.index()] = true,
            (Op::Set { slot, .. }, _) => {
                keep[position] = live[slot.index()];
                live[slot.index()] = false;
            }
            (_, Effect::Float) => {
                live[Slot::FP_FLAGS.index()] = true;
                live[Slot::FP_ENV.index()] = true;
            }
            (_, Effect::Marker) => {
                if exits {
                    live.fill(true);
                }
                exits = false;
            }
            (_, effect) if effect.may_exit() => {
                live.fill(true);
                exits = true;
            }
            _ => {}
        }
    }
    super::retain(block, &keep);
}
