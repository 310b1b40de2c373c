//! From an entry pc to a region: lifted blocks, joined along direct jumps into one control-flow graph.
//!
//! A region has one entry, keeps its loops inside, and is what `codegen` compiles at a time. Blocks are keyed by their
//! start address; a branch into the middle of another block makes a block of its own (its code is then compiled
//! twice, which costs less than splitting).
//!
//! Calls of small functions, and recursion, stay inside: such a call brings the callee and the block behind the call along,
//! and the returns know that block as a possible target (`calls`).
//!
//! Not here: what blocks mean (`lift`), how hot they are (the caller's `priority`), host code (`codegen`).
//!
//! Invariants: block 0 is the entry; every block is reachable from it; an [`Edge::Inside`] names a block of the region.

mod calls;

use crate::guest::Guest;
use crate::ir::{Access, Block, Effect, Op, Slot, Terminator, Value};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BinaryHeap;
use std::ops::Range;
use std::rc::Rc;

/// How large a region may grow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegionOptions {
    /// Guest instructions; the block that crosses the limit still belongs to the region.
    pub max_instructions: u32,
    /// Blocks.
    pub max_blocks: u32,
}

impl Default for RegionOptions {
    fn default() -> RegionOptions {
        RegionOptions { max_instructions: 200, max_blocks: 64 }
    }
}

/// Where a known successor lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Edge {
    /// Block of this region, by index.
    Inside(usize),
    /// Guest address outside of it: leave through a link.
    Outside(u64),
    /// The code that will stand behind this one, in a unit that is put together from stencils.
    Next,
    /// The entry of that unit.
    Again,
}

/// Blocks and their edges.
#[derive(Clone, Debug)]
pub struct Region {
    /// The blocks; the first is the entry.
    pub blocks: Vec<Block>,
    /// For each block, where its terminator's known successors lie, in the order of `Terminator::successors`; for a
    /// return, the blocks of the region that it may return to.
    pub edges: Vec<Vec<Edge>>,
    /// For each block, whether an edge comes back to it from itself or from a block behind it in depth-first order.
    pub loop_heads: Vec<bool>,
    /// For each block, the bytes that it was made from, if compiled code must compare them with memory before it runs
    /// the block, because stores to them are not noticed otherwise.
    pub checks: Vec<Option<Box<[u8]>>>,
    /// Guest addresses outside that are not expected to be reached: the ways there are cold.
    pub unlikely: FxHashSet<u64>,
}

impl Region {
    /// Grows a region from `entry`. `lift` gives the block at an address, or `None` where nothing can be fetched (the
    /// edge then leaves the region, and the fault is found at run time); `priority` orders candidates, larger first
    /// (equal ones in breadth-first order).
    ///
    /// # Errors
    /// What `lift` gives for the entry itself.
    pub fn grow<E>(
        entry: u64,
        options: &RegionOptions,
        mut lift: impl FnMut(u64) -> Result<Block, E>,
        mut priority: impl FnMut(u64) -> u64,
    ) -> Result<Region, E> {
        let mut blocks = vec![Rc::new(lift(entry)?)];
        // What a decision looked at is not lifted again.
        let mut lifted = FxHashMap::from_iter([(entry, Some(blocks[0].clone()))]);
        let mut block_at =
            |pc| lifted.entry(pc).or_insert_with(|| lift(pc).ok().map(Rc::new)).as_ref().map(Rc::clone);
        let mut index = FxHashMap::from_iter([(entry, 0usize)]);
        let mut instructions = blocks[0].instructions;
        // (priority, earlier first, address)
        let mut queue: BinaryHeap<(u64, std::cmp::Reverse<u64>, u64)> = BinaryHeap::new();
        let mut order = 0;
        let mut done = 0;
        loop {
            for block in &blocks[done..] {
                let behind = calls::return_address(block);
                let mut follow =
                    |callee| behind.is_none() || callee == entry || calls::is_leaf(callee, &mut block_at);
                if !successors(block).all(&mut follow) {
                    continue;
                }
                for target in successors(block).chain(behind) {
                    order += 1;
                    queue.push((priority(target), std::cmp::Reverse(order), target));
                }
            }
            done = blocks.len();
            let Some((_, _, target)) = queue.pop() else { break };
            if index.contains_key(&target) {
                continue;
            }
            if instructions >= options.max_instructions || blocks.len() >= options.max_blocks as usize {
                break;
            }
            if let Some(block) = block_at(target) {
                instructions += block.instructions;
                index.insert(target, blocks.len());
                blocks.push(block);
            }
        }
        drop(lifted);
        Ok(Region::join(blocks.into_iter().map(Rc::unwrap_or_clone).collect(), &index))
    }

    /// The region of one block, for tests and listings; a jump to its own start is a loop.
    pub fn single(block: Block) -> Region {
        let mut index = FxHashMap::default();
        index.insert(block.start, 0);
        Region::join(vec![block], &index)
    }

    fn join(blocks: Vec<Block>, index: &FxHashMap<u64, usize>) -> Region {
        let mut edges: Vec<Vec<Edge>> = blocks
            .iter()
            .map(|block| {
                let edge = |target| match index.get(&target) {
                    Some(&inside) => Edge::Inside(inside),
                    None => Edge::Outside(target),
                };
                successors(block).map(edge).collect()
            })
            .collect();
        calls::connect_returns(&blocks, index, &mut edges);
        Region::reachable(blocks, edges)
    }

    /// Leaves out the blocks that no edge leads to: where a call was followed, but no return.
    fn reachable(blocks: Vec<Block>, mut edges: Vec<Vec<Edge>>) -> Region {
        let mut renumbered = vec![None; blocks.len()];
        let mut queue = vec![0];
        while let Some(block) = queue.pop() {
            if renumbered[block].replace(0).is_none() {
                queue.extend(inside(&edges[block]));
            }
        }
        renumbered.iter_mut().flatten().enumerate().for_each(|(place, number)| *number = place);
        let kept = |place: usize| renumbered[place].is_some();
        for edge in edges.iter_mut().flatten() {
            if let Edge::Inside(target) = edge {
                // Edges of blocks that go are dropped below; any number does for them.
                *target = renumbered[*target].unwrap_or(0);
            }
        }
        let of = |(place, block)| kept(place).then_some(block);
        let blocks: Vec<Block> = blocks.into_iter().enumerate().filter_map(of).collect();
        let edges: Vec<Vec<Edge>> =
            edges.into_iter().enumerate().filter_map(|(place, edges)| kept(place).then_some(edges)).collect();
        let loop_heads = loop_heads(&edges);
        let checks = vec![None; blocks.len()];
        Region { blocks, edges, loop_heads, checks, unlikely: FxHashSet::default() }
    }

    /// Asks for each address at which a known successor lies outside whether it is unlikely to be reached; see
    /// [`Region::unlikely`].
    pub fn set_unlikely(&mut self, mut is_unlikely: impl FnMut(u64) -> bool) {
        let outside = self.edges.iter().flatten().filter_map(|edge| match edge {
            Edge::Outside(target) => Some(*target),
            _ => None,
        });
        self.unlikely = outside.filter(|&target| is_unlikely(target)).collect();
    }

    /// Asks for each block's range whether it must be checked, and against which bytes; see [`Region::checks`].
    pub fn set_checks(&mut self, mut bytes: impl FnMut(&Range<u64>) -> Option<Box<[u8]>>) {
        self.checks = self.blocks.iter().map(|block| bytes(&(block.start..block.end))).collect();
    }

    /// Guest address of the entry.
    pub fn entry(&self) -> u64 {
        self.blocks[0].start
    }

    /// Guest instructions in all blocks.
    pub fn instructions(&self) -> u32 {
        self.blocks.iter().map(|block| block.instructions).sum()
    }

    /// The guest addresses whose bytes decided this region, sorted and merged.
    pub fn ranges(&self) -> Vec<Range<u64>> {
        let mut ranges: Vec<Range<u64>> = self.blocks.iter().map(|block| block.start..block.end).collect();
        ranges.sort_by_key(|range| range.start);
        let mut merged: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => merged.push(range),
            }
        }
        merged
    }
}

/// Known successors that compiled code can reach: a block that always leaves in its middle has none.
fn successors(block: &Block) -> impl Iterator<Item = u64> + '_ {
    block.terminator.successors().filter(|_| !always_leaves(block))
}

/// The blocks of the region that these edges lead to.
pub fn inside(edges: &[Edge]) -> impl Iterator<Item = usize> + '_ {
    edges.iter().filter_map(|edge| match *edge {
        Edge::Inside(target) => Some(target),
        Edge::Outside(_) | Edge::Next | Edge::Again => None,
    })
}

/// Whether compiled code never reaches the end of this block, because it holds an op that only the interpreter runs.
pub fn always_leaves(block: &Block) -> bool {
    block.ops.iter().any(|op| only_interpreted(block, op))
        || matches!(block.terminator, Terminator::Trap { .. } | Terminator::Syscall { .. })
}

/// Whether compiled code leaves to the interpreter for this op, always.
pub fn only_interpreted(block: &Block, op: &Op) -> bool {
    match *op {
        Op::Hook { .. } | Op::Env { .. } => true,
        Op::Cas { ty, .. }
        | Op::Rmw { ty, .. }
        | Op::LoadExclusive { ty, .. }
        | Op::StoreExclusive { ty, .. } => ty.bytes() > 8,
        Op::Probe { addr, access, size } => !probed_by_access(block, op, addr, access, size),
        _ => op.effect() == Effect::Float && has_flags_set_aside(block, op),
    }
}

/// Whether the instruction has written the float flags before this float op: compiled code keeps what an instruction `set`s until
/// its end, and so could not tell which flags the op raises (x86-64 with unmasked exceptions).
fn has_flags_set_aside(block: &Block, float: &Op) -> bool {
    let Some(at) = block.ops.iter().position(|op| std::ptr::eq(op, float)) else { return false };
    let before = block.ops[..at].iter().rev().take_while(|op| !matches!(op, Op::Instruction { .. }));
    block.guest == Guest::X86_64
        && before.into_iter().any(|op| matches!(op, Op::Set { slot: Slot::FP_FLAGS, .. }))
}

/// Whether an access behind a probe, in the same instruction and with nothing that cannot be undone between, lies in
/// the probed range: within one page it faults exactly if the probe would.
fn probed_by_access(block: &Block, probe: &Op, addr: Value, access: Access, size: u32) -> bool {
    let base = displaced(block, addr);
    let Some(at) = block.ops.iter().position(|op| std::ptr::eq(op, probe)) else { return false };
    for op in &block.ops[at + 1..] {
        let touched = match *op {
            Op::Instruction { .. } | Op::Hook { .. } | Op::Env { .. } => return false,
            Op::Load { addr, .. } if access == Access::Read => addr,
            Op::Store { addr, .. } if access == Access::Write => addr,
            Op::Store { .. } => return false,
            _ if op.effect() == Effect::Atomic => return false,
            _ => continue,
        };
        let touched = displaced(block, touched);
        let inside = touched.0 == base.0 && (touched.1.wrapping_sub(base.1) as u64) < u64::from(size);
        if inside || access == Access::Write {
            return inside;
        }
    }
    false
}

/// An address as a value and a constant added to it.
pub fn displaced(block: &Block, addr: Value) -> (Value, i64) {
    let constant = |value: Value| block.constant(value).map(|imm| imm as i64);
    match block.ops[addr.index()] {
        Op::Add { a, b } => match (constant(a), constant(b)) {
            (_, Some(imm)) => (a, imm),
            (Some(imm), None) => (b, imm),
            (None, None) => (addr, 0),
        },
        Op::Sub { a, b } => constant(b).map_or((addr, 0), |imm| (a, imm.wrapping_neg())),
        _ => (addr, 0),
    }
}

/// Targets of the edges that go back on the depth-first path: every cycle holds one of them.
fn loop_heads(edges: &[Vec<Edge>]) -> Vec<bool> {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnPath,
        Done,
    }
    let mut seen = vec![Seen::No; edges.len()];
    let mut heads = vec![false; edges.len()];
    let mut path = vec![(0usize, 0usize)];
    seen[0] = Seen::OnPath;
    while let Some((block, next)) = path.last_mut() {
        let block = *block;
        match edges[block].get(*next) {
            Some(Edge::Inside(target)) => {
                *next += 1;
                match seen[*target] {
                    Seen::OnPath => heads[*target] = true,
                    Seen::Done => {}
                    Seen::No => {
                        seen[*target] = Seen::OnPath;
                        path.push((*target, 0));
                    }
                }
            }
            Some(Edge::Outside(_) | Edge::Next | Edge::Again) => *next += 1,
            None => {
                seen[block] = Seen::Done;
                path.pop();
            }
        }
    }
    heads
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::{Guest, riscv64};
    use crate::ir::{Builder, Hint};

    fn block(start: u64, terminator: impl FnOnce(&mut Builder)) -> Block {
        let mut b = Builder::new(Guest::Riscv64, start);
        b.instruction(start, 4);
        terminator(&mut b);
        b.finish(start + 4)
    }

    fn branch(b: &mut Builder, taken: u64, fallthrough: u64) {
        let x = b.get(riscv64::X1);
        let zero = b.i64(0);
        let cond = b.icmp(x, zero, crate::ir::Cond::Eq);
        b.branch(cond, taken, fallthrough);
    }

    fn lift(pc: u64) -> Result<Block, ()> {
        match pc {
            0x100 => Ok(block(0x100, |b| b.jump(0x104))),
            0x104 => Ok(block(0x104, |b| branch(b, 0x104, 0x108))),
            0x108 => Ok(block(0x108, |b| branch(b, 0x100, 0x900))),
            _ => Err(()),
        }
    }

    #[test]
    fn loops_stay_inside_and_what_cannot_be_fetched_is_left() {
        let region = Region::grow(0x100, &RegionOptions::default(), lift, |_| 0).unwrap();
        assert_eq!(region.blocks.len(), 3);
        assert_eq!(region.edges[0], [Edge::Inside(1)]);
        assert_eq!(region.edges[1], [Edge::Inside(1), Edge::Inside(2)]);
        assert_eq!(region.edges[2], [Edge::Inside(0), Edge::Outside(0x900)]);
        assert_eq!(region.loop_heads, [true, true, false]);
        assert_eq!(region.ranges(), [0x100..0x10c]);
    }

    /// 0x100 calls 0x200, which returns; 0x104 goes back to the call or away.
    fn lift_call(pc: u64) -> Result<Block, ()> {
        match pc {
            0x100 => Ok(block(0x100, |b| {
                let next = b.address(0x104);
                b.set(next, riscv64::X1);
                b.jump(0x200);
            })),
            0x104 => Ok(block(0x104, |b| branch(b, 0x100, 0x900))),
            0x200 => Ok(block(0x200, |b| {
                let target = b.get(riscv64::X1);
                b.indirect(target, Hint::Return);
            })),
            _ => Err(()),
        }
    }

    #[test]
    fn returns_know_the_blocks_behind_calls() {
        let region = Region::grow(0x100, &RegionOptions::default(), lift_call, |_| 0).unwrap();
        let starts: Vec<u64> = region.blocks.iter().map(|block| block.start).collect();
        assert_eq!(starts, [0x100, 0x200, 0x104]);
        assert_eq!(region.edges[1], [Edge::Inside(2)]);
        assert_eq!(region.edges[2], [Edge::Inside(0), Edge::Outside(0x900)]);
        assert_eq!(region.loop_heads, [true, false, false]);
    }

    #[test]
    fn a_block_that_nothing_leads_to_is_left_out() {
        let lift = |pc| if pc == 0x200 { Err(()) } else { lift_call(pc) };
        let region = Region::grow(0x100, &RegionOptions::default(), lift, |_| 0).unwrap();
        assert_eq!(region.blocks.len(), 1);
        assert_eq!(region.edges[0], [Edge::Outside(0x200)]);
    }

    /// 0x100 calls 0x200, which calls 0x300, which returns; behind the calls come returns.
    fn lift_nested(pc: u64) -> Result<Block, ()> {
        let call = |to| {
            block(pc, |b| {
                let next = b.address(pc + 4);
                b.set(next, riscv64::X1);
                b.jump(to);
            })
        };
        match pc {
            0x100 => Ok(call(0x200)),
            0x200 => Ok(call(0x300)),
            0x104 | 0x204 | 0x300 => lift_call(0x200).map(|block| Block { start: pc, end: pc + 4, ..block }),
            _ => Err(()),
        }
    }

    #[test]
    fn only_callees_that_call_nothing_are_taken_along() {
        let region = Region::grow(0x100, &RegionOptions::default(), lift_nested, |_| 0).unwrap();
        assert_eq!(region.edges, [[Edge::Outside(0x200)]]);
        let region = Region::grow(0x200, &RegionOptions::default(), lift_nested, |_| 0).unwrap();
        assert_eq!(region.edges, [vec![Edge::Inside(1)], vec![Edge::Inside(2)], vec![]]);
    }

    #[test]
    fn a_recursive_call_of_the_entry_stays_inside() {
        let lift = |pc| match pc {
            0x100 => Ok(block(0x100, |b| branch(b, 0x200, 0x104))),
            0x104 => Ok(block(0x104, |b| {
                let next = b.address(0x108);
                b.set(next, riscv64::X1);
                b.jump(0x100);
            })),
            0x108 | 0x200 => lift_call(0x200).map(|block| Block { start: pc, end: pc + 4, ..block }),
            _ => Err(()),
        };
        let region = Region::grow(0x100, &RegionOptions::default(), lift, |_| 0).unwrap();
        let starts: Vec<u64> = region.blocks.iter().map(|block| block.start).collect();
        assert_eq!(starts, [0x100, 0x200, 0x104, 0x108]);
        assert_eq!(region.edges[2], [Edge::Inside(0)]);
        assert_eq!((&region.edges[1], &region.edges[3]), (&vec![Edge::Inside(3)], &vec![Edge::Inside(3)]));
    }

    #[test]
    fn growth_stops_at_the_limit() {
        let options = RegionOptions { max_instructions: 2, max_blocks: 64 };
        let region = Region::grow(0x100, &options, lift, |_| 0).unwrap();
        assert_eq!(region.instructions(), 2);
        assert_eq!(region.edges[1], [Edge::Inside(1), Edge::Outside(0x108)]);
        assert!(Region::grow(0x900, &options, lift, |_| 0).is_err());
    }
}
