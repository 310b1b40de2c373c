//! Passes over one block, one a file.
//!
//! [`optimize`] runs them in order. Each takes a block that the verifier accepts and leaves one that it accepts, and that
//! means the same to everyone who may look: the state at the block's end, at every op that may leave the block, and at
//! the *start* of every guest instruction that holds such an op (compiled code leaves an instruction in its middle by
//! going back to its start). A block that is compared with memory behind its own stores ([`optimize_checked`]) is looked at there,
//! too. At other instruction boundaries a slot may hold an older value. Markers stay, and so does
//! every op that may raise a float flag.
//!
//! Not here: what spans blocks. The code generator keeps slots in values across a region, and Cranelift merges and
//! schedules pure ops.

pub mod dead_code;
pub mod dead_sets;
pub mod fold;
pub mod forward_slots;
pub mod value_numbering;

use crate::ir::{Block, SlotSet, Value, verify};

/// A pass: its name in tests and listings, and its function.
pub type Pass = (&'static str, fn(&mut Block));

/// The passes, in the order that [`optimize`] runs them.
pub const PASSES: &[Pass] = &passes(dead_sets::run);

/// The same for a block that is compared with memory behind its own stores.
const CHECKED_PASSES: &[Pass] = &passes(dead_sets::run_checked);

const fn passes(dead_sets: fn(&mut Block)) -> [Pass; 5] {
    [
        ("forward_slots", forward_slots::run),
        ("fold", fold::run),
        ("value_numbering", value_numbering::run),
        ("dead_sets", dead_sets),
        ("dead_code", dead_code::run),
    ]
}

/// Runs every pass.
pub fn optimize(block: &mut Block) {
    run(block, PASSES);
}

/// Runs every pass, for a block that is compared with memory behind its own stores: the state behind one is looked at.
pub fn optimize_checked(block: &mut Block) {
    run(block, CHECKED_PASSES);
}

fn run(block: &mut Block, passes: &[Pass]) {
    for (name, pass) in passes {
        pass(block);
        debug_assert_eq!(verify::verify(block), Ok(()), "after {name}:\n{block}");
    }
}

/// Runs the passes that a block of one instruction needs, where behind it somebody looks at the slots of `live` before
/// they are written.
pub fn optimize_instruction(block: &mut Block, live: SlotSet) {
    fold::run(block);
    dead_sets::run_before(block, live);
    dead_code::run(block);
    debug_assert_eq!(verify::verify(block), Ok(()), "{block}");
}

/// Removes the ops that `keep` denies and renumbers the others. Nothing that stays may use what goes.
fn retain(block: &mut Block, keep: &[bool]) {
    let mut renumbered = vec![Value(u32::MAX); keep.len()];
    let mut kept = 0;
    for (position, _) in keep.iter().enumerate().filter(|(_, keep)| **keep) {
        let mut op = block.ops[position];
        op.map_operands(|value| renumbered[value.index()]);
        renumbered[position] = Value(kept as u32);
        // Positions only shrink, so this never overwrites an op that is still to be read.
        block.ops[kept] = op;
        block.types[kept] = block.types[position];
        kept += 1;
    }
    block.ops.truncate(kept);
    block.types.truncate(kept);
    block.terminator.map_operand(|value| renumbered[value.index()]);
}
