//! Removes writes of slots that nobody can see: the slot is written again before anyone may look.
//!
//! Who may look: a later `get`; float ops, at `fp_flags` and `fp_env`; and the world, at the end of the block, at an op
//! that may leave it, and at the start of an instruction that holds such an op. In a block that is compared with memory behind
//! its own stores, also behind an instruction that stores.

use crate::ir::{Block, Effect, Op, Slot, SlotSet, Terminator};

/// The pass.
pub fn run(block: &mut Block) {
    run_before(block, SlotSet::ALL);
}

/// The pass, for a block that is compared with memory behind its own stores.
pub fn run_checked(block: &mut Block) {
    remove(block, SlotSet::ALL, true);
}

/// The pass, where behind the block somebody looks at these slots only before they are written.
pub fn run_before(block: &mut Block, live: SlotSet) {
    remove(block, live, false);
}

fn remove(block: &mut Block, live: SlotSet, checked: bool) {
    let mut keep = vec![true; block.ops.len()];
    walk(block, live, checked, |position, seen| keep[position] = seen);
    super::retain(block, &keep);
}

/// The slots that somebody looks at from the block's start on, if these are looked at behind it.
pub fn live_before(block: &Block, live: SlotSet) -> SlotSet {
    walk(block, live, false, |_, _| ())
}

/// Calls `set` with the position of each `set`, the last one first, and whether anyone sees what it writes.
fn walk(block: &Block, mut live: SlotSet, checked: bool, mut set: impl FnMut(usize, bool)) -> SlotSet {
    // Whether an instruction that ends at this position is looked at behind it.
    let is_seen_behind = |end: usize| {
        let ops = block.ops[..end].iter().rev();
        checked
            && ops.take_while(|op| op.effect() != Effect::Marker).any(|op| op.effect().may_change_memory())
    };
    // Whether the instruction at hand may be left in its middle.
    let mut exits = matches!(block.terminator, Terminator::Trap { .. });
    for (position, op) in block.ops.iter().enumerate().rev() {
        match (op, op.effect()) {
            (Op::Get { slot }, _) => live.insert(*slot),
            (Op::Set { slot, .. }, _) => {
                set(position, live.contains(*slot));
                live.remove(*slot);
            }
            (_, Effect::Float) => {
                live.insert(Slot::FP_FLAGS);
                live.insert(Slot::FP_ENV);
            }
            (_, Effect::Marker) => {
                if exits || is_seen_behind(position) {
                    live = SlotSet::ALL;
                }
                exits = false;
            }
            (_, effect) if effect.may_exit() => {
                live = SlotSet::ALL;
                exits = true;
            }
            _ => {}
        }
    }
    live
}
