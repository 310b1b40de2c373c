//! Removes pure ops and reads of slots whose result nobody uses.

use crate::ir::{Block, Effect};

/// The pass.
pub fn run(block: &mut Block) {
    let mut keep = vec![false; block.ops.len()];
    if let Some(value) = block.terminator.operand() {
        keep[value.index()] = true;
    }
    for (position, op) in block.ops.iter().enumerate().rev() {
        keep[position] |= !matches!(op.effect(), Effect::Pure | Effect::GetState);
        if keep[position] {
            op.for_each_operand(|value| keep[value.index()] = true);
        }
    }
    super::retain(block, &keep);
}
