//! Calls inside of a region: which callees it takes along, and where its returns may lead.
//!
//! A recursive call of the region's entry, and a call of a small function that calls nothing itself, stay inside: they
//! save the stores and loads of all state at two jumps, for little code. Other callees are units of their own: taken along,
//! each would be compiled once with every caller, and its callees with it.

use super::{Edge, always_leaves, inside, successors};
use crate::ir::{Block, Hint, Op, Terminator};
use rustc_hash::FxHashMap;
use std::rc::Rc;

/// Guest instructions of a callee that is taken along.
const MAX_LEAF: u32 = 32;

/// How many blocks a return may know; each costs a comparison.
const MAX_RETURNS: usize = 4;

/// Where the callee returns to, if the block ends in a call: a jump away after the address behind it was made.
pub(super) fn return_address(block: &Block) -> Option<u64> {
    let Terminator::Jump { target } = block.terminator else { return None };
    let next = block.end;
    let made = |op: &Op| matches!(*op, Op::Address { imm } if imm == next);
    (target != next && !always_leaves(block) && block.ops.iter().any(made)).then_some(next)
}

/// Whether the blocks from `callee` on are few, call nothing, and return.
pub(super) fn is_leaf(callee: u64, mut block_at: impl FnMut(u64) -> Option<Rc<Block>>) -> bool {
    let mut seen: Vec<u64> = Vec::new();
    let mut queue = vec![callee];
    let (mut instructions, mut returns) = (0, false);
    while let Some(pc) = queue.pop() {
        if seen.contains(&pc) {
            continue;
        }
        seen.push(pc);
        // What cannot be had is an edge to the outside.
        let Some(block) = block_at(pc) else { continue };
        instructions += block.instructions;
        match block.terminator {
            Terminator::Indirect { hint: Hint::Return, .. } => returns = true,
            Terminator::Indirect { .. } => return false,
            _ => {}
        }
        if instructions > MAX_LEAF || return_address(&block).is_some() || always_leaves(&block) {
            return false;
        }
        queue.extend(successors(&block));
    }
    returns
}

/// Adds to each return of a region the blocks behind the calls that may have led to it.
pub(super) fn connect_returns(blocks: &[Block], index: &FxHashMap<u64, usize>, edges: &mut [Vec<Edge>]) {
    // The blocks behind the calls of each callee, and where each block goes within its function.
    let mut callees: Vec<(usize, Vec<usize>)> = Vec::new();
    let mut within: Vec<Vec<usize>> = edges.iter().map(|edges| inside(edges).collect()).collect();
    for (at, block) in blocks.iter().enumerate() {
        let Some(address) = return_address(block) else { continue };
        let next = index.get(&address).copied();
        within[at] = next.into_iter().collect();
        if let (Some(next), [Edge::Inside(callee)]) = (next, &edges[at][..]) {
            match callees.iter_mut().find(|other| other.0 == *callee) {
                Some((_, returns)) => returns.push(next),
                None => callees.push((*callee, vec![next])),
            }
        }
    }
    for (callee, targets) in callees {
        let mut seen = vec![false; blocks.len()];
        let mut queue = vec![callee];
        while let Some(at) = queue.pop() {
            if std::mem::replace(&mut seen[at], true) {
                continue;
            }
            queue.extend_from_slice(&within[at]);
            let returns = matches!(blocks[at].terminator, Terminator::Indirect { hint: Hint::Return, .. });
            if !returns || always_leaves(&blocks[at]) {
                continue;
            }
            for edge in targets.iter().map(|&target| Edge::Inside(target)) {
                if edges[at].len() < MAX_RETURNS && !edges[at].contains(&edge) {
                    edges[at].push(edge);
                }
            }
        }
    }
}
