//! Gives equal pure ops one value: addresses that several accesses compute, extensions of one word, constants.
//!
//! What the ops mean does not depend on where they stand, so the first one serves for all. Reads of slots are
//! `forward_slots`' business; what is no longer used is left to `dead_code`.

use crate::ir::{Block, Effect, Op, Value};
use rustc_hash::{FxHashMap, FxHasher};
use std::hash::{Hash, Hasher};

/// The pass.
pub fn run(block: &mut Block) {
    let mut seen: FxHashMap<u64, Value> = FxHashMap::default();
    let mut stands_for: Vec<Value> = Vec::with_capacity(block.ops.len());
    for position in 0..block.ops.len() {
        let op = &mut block.ops[position];
        op.map_operands(|value| stands_for[value.index()]);
        let (op, this) = (*op, Value(position as u32));
        let mut result = this;
        if op.effect() == Effect::Pure {
            let first = *seen.entry(key(&op)).or_insert(this);
            // Ops whose keys collide stay apart: the later one is not entered.
            if block.ops[first.index()] == op && block.types[first.index()] == block.types[position] {
                result = first;
            }
        }
        stands_for.push(result);
    }
    block.terminator.map_operand(|value| stands_for[value.index()]);
}

/// Equal ops have equal keys.
fn key(op: &Op) -> u64 {
    let mut hasher = FxHasher::default();
    std::mem::discriminant(op).hash(&mut hasher);
    op.for_each_operand(|value| value.hash(&mut hasher));
    match *op {
        Op::Const { imm, ty } => (imm, ty.bits()).hash(&mut hasher),
        Op::Address { imm } => imm.hash(&mut hasher),
        Op::VConst { bits } => bits.hash(&mut hasher),
        Op::Zext { ty, .. } | Op::Sext { ty, .. } | Op::Trunc { ty, .. } => ty.bits().hash(&mut hasher),
        Op::ICmp { cond, .. } => std::mem::discriminant(&cond).hash(&mut hasher),
        _ => {}
    }
    hasher.finish()
}
