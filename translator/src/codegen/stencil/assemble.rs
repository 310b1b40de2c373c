//! Copies of stencils, put together to a unit.

use super::super::unit::{CompiledUnit, FaultSite, LinkSite, Relocation, SiteAction, Tier, UnitKey};
use super::{Filling, Found, ON, Part, Piece, Place, Stencil, Stencils};
use crate::ir::{Block, Op, Terminator, Value};
use crate::region::Edge;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

/// Bytes of one stencil are aligned to this where it holds constants.
const ALIGNMENT: usize = 16;

/// One `nop`.
const PADDING: u8 = 0x90;

/// A copy whose rest is still to be placed.
struct Copy {
    stencil: Arc<Stencil>,
    hot: usize,
    pc: u64,
    values: Range<usize>,
    targets: [u64; 2],
}

/// Why there is no unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotAssembled {
    /// It would hold no instruction.
    Refused,
    /// Stencils are missing, and none were to be compiled.
    Missing,
}

/// A unit being put together.
pub struct Assembly<'a> {
    stencils: &'a Stencils,
    key: &'a UnitKey,
    begun: Instant,
    code: Vec<u8>,
    copies: Vec<Copy>,
    values: Vec<i64>,
    relocations: Vec<Relocation>,
    links: Vec<LinkSite>,
    sites: Vec<FaultSite>,
    entry: u64,
    /// Instructions behind the last payment.
    unpaid: u32,
    instructions: u32,
    one: Block,
    /// Whether stencils that are missing are compiled.
    make: bool,
    /// One was missing.
    missing: bool,
}

impl<'a> Assembly<'a> {
    /// Puts a unit together from blocks that follow each other, none of whose instructions uses a value of another: each
    /// block but the first begins where one of the successors of the block before lies. The unit may end early, at an
    /// instruction that always leaves. After its entry has run `counter` times it leaves to the dispatcher. Stencils that
    /// are missing are compiled if `make` says so.
    ///
    /// # Errors
    /// There is no unit, or not without more stencils.
    pub fn unit(
        stencils: &'a Stencils,
        key: &'a UnitKey,
        blocks: &[Block],
        counter: i64,
        make: bool,
    ) -> Result<CompiledUnit, NotAssembled> {
        let first = blocks.first().ok_or(NotAssembled::Refused)?;
        let mut assembly = Assembly::new(stencils, key, first, make);
        let used = assembly.append(blocks);
        match used {
            _ if assembly.missing => Err(NotAssembled::Missing),
            Some(used) if assembly.instructions != 0 => Ok(assembly.finish(&blocks[..used], counter)),
            _ => Err(NotAssembled::Refused),
        }
    }

    fn new(stencils: &'a Stencils, key: &'a UnitKey, first: &Block, make: bool) -> Assembly<'a> {
        Assembly {
            stencils,
            key,
            begun: Instant::now(),
            code: Vec::with_capacity(2048),
            copies: Vec::with_capacity(64),
            values: Vec::with_capacity(256),
            relocations: Vec::new(),
            links: Vec::new(),
            sites: Vec::new(),
            entry: first.start,
            unpaid: 0,
            instructions: 0,
            one: empty(first),
            make,
            missing: false,
        }
    }

    /// Appends the entry and the blocks; how many blocks it took. `None` if not even the interpreter can be left to, or a
    /// stencil is missing.
    fn append(&mut self, blocks: &[Block]) -> Option<usize> {
        let longest = blocks.iter().map(|block| block.instructions).sum();
        self.push(&Piece::Entry { pc: self.entry, longest }, [0; 2])?;
        for (at, block) in blocks.iter().enumerate() {
            let next = blocks.get(at + 1).map(|block| block.start);
            if !self.block(block, next)? {
                return Some(at + 1);
            }
        }
        Some(blocks.len())
    }

    /// Appends a block; whether the next one follows. `None` if not even the interpreter can be left to.
    fn block(&mut self, block: &Block, next: Option<u64>) -> Option<bool> {
        let mut start = 0;
        while start < block.ops.len() {
            let end = block.ops[start + 1..]
                .iter()
                .position(|op| matches!(op, Op::Instruction { .. }))
                .map_or(block.ops.len(), |at| start + 1 + at);
            let alone = self.isolate(block, start..end);
            let last = end == block.ops.len();
            let one = std::mem::replace(&mut self.one, empty(block));
            let went_on = match alone {
                true if last => self.last(&one, next),
                true => self.middle(&one),
                false => None,
            };
            self.one = one;
            // What has no stencil is left to the interpreter.
            if self.missing {
                return None;
            }
            if !went_on.or_else(|| self.interpret())? {
                return Some(false);
            }
            start = end;
        }
        Some(next.is_some())
    }

    /// Leaves to the interpreter for the instruction at hand.
    fn interpret(&mut self) -> Option<bool> {
        let spare = empty(&self.one);
        let mut one = std::mem::replace(&mut self.one, spare);
        one.ops.truncate(1);
        one.types.truncate(1);
        one.ops.push(Op::Hook { id: 0 });
        one.types.push(None);
        one.terminator = Terminator::Jump { target: one.end };
        self.instruction(&one, ON, [0; 2])
    }

    /// Makes `one` the block of the instruction whose ops are given. False if it uses a value of another.
    fn isolate(&mut self, block: &Block, range: Range<usize>) -> bool {
        let base = range.start as u32;
        let mut alone = true;
        let one = &mut self.one;
        one.ops.clear();
        one.types.clear();
        for op in &block.ops[range.clone()] {
            let mut op = *op;
            op.map_operands(|value| {
                alone &= value.0 >= base;
                Value(value.0.wrapping_sub(base))
            });
            one.ops.push(op);
        }
        one.types.extend_from_slice(&block.types[range.clone()]);
        if let Op::Instruction { pc, len } = one.ops[0] {
            one.start = pc;
            one.end = pc.wrapping_add(len.into());
        }
        one.terminator = Terminator::Jump { target: one.end };
        if range.end == block.ops.len() {
            one.terminator = block.terminator;
            one.terminator.map_operand(|value| {
                alone &= value.0 >= base;
                Value(value.0.wrapping_sub(base))
            });
        }
        alone
    }

    fn middle(&mut self, one: &Block) -> Option<bool> {
        let went_on = self.instruction(one, ON, [0; 2])?;
        self.unpaid += 1;
        Some(went_on)
    }

    fn last(&mut self, one: &Block, next: Option<u64>) -> Option<bool> {
        let mut targets = [0; 2];
        let mut edges = [Edge::Next; 2];
        let mut count = 0;
        let mut follows = false;
        for (at, target) in one.terminator.successors().enumerate() {
            targets[at] = target;
            count += 1;
        }
        if let Terminator::Resync { next } = one.terminator {
            targets[0] = next;
        }
        // The fall-through first: it stands behind the branch in the guest's code, too.
        for at in (0..count).rev() {
            edges[at] = if Some(targets[at]) == next && !follows {
                follows = true;
                Edge::Next
            } else if targets[at] == self.entry {
                Edge::Again
            } else {
                Edge::Outside(targets[at])
            };
        }
        let plain = follows && count == 1;
        let went_on = self.instruction(one, &edges[..count], targets)?;
        if plain {
            self.unpaid += 1;
        }
        Some(went_on && follows)
    }

    /// Appends an instruction, paid for what came before it if it may leave.
    fn instruction(&mut self, one: &Block, edges: &[Edge], targets: [u64; 2]) -> Option<bool> {
        let piece = Piece::Instruction { block: one, edges };
        if self.key.budget && self.unpaid != 0 && self.stencil(&piece, |stencil, _| stencil.leaves)? {
            let count = std::mem::take(&mut self.unpaid);
            self.push(&Piece::Spend { count }, [0; 2])?;
        }
        let ends = self.push(&piece, targets)?;
        self.instructions += 1;
        Some(!ends)
    }

    /// What there is of a piece; `None` if it has no stencil, or that is missing.
    fn stencil<R>(
        &mut self,
        piece: &Piece<'_>,
        use_it: impl FnOnce(&Arc<Stencil>, &[i64]) -> R,
    ) -> Option<R> {
        match self.stencils.with(piece, self.key, self.make, use_it) {
            Found::Stencil(result) => Some(result),
            Found::Nothing => None,
            Found::Missing => {
                self.missing = true;
                None
            }
        }
    }

    /// Appends a copy; whether it ends the unit.
    fn push(&mut self, piece: &Piece<'_>, targets: [u64; 2]) -> Option<bool> {
        let pc = piece.pc();
        let start = self.values.len();
        let mut values = std::mem::take(&mut self.values);
        let found = self.stencil(piece, |stencil, filled| {
            values.extend_from_slice(filled);
            stencil.clone()
        });
        self.values = values;
        let (stencil, values) = (found?, start..self.values.len());
        self.pad(stencil.hot_phase);
        let hot = self.code.len();
        self.code.extend_from_slice(&stencil.hot);
        let ends = stencil.ends;
        self.copies.push(Copy { stencil, hot, pc, values, targets });
        Some(ends)
    }

    /// Pads to an offset that is `phase` modulo the alignment of constants.
    fn pad(&mut self, phase: Option<u8>) {
        while phase.is_some_and(|phase| self.code.len() % ALIGNMENT != usize::from(phase)) {
            self.code.push(PADDING);
        }
    }

    /// The unit made of these blocks, which have been appended.
    fn finish(mut self, blocks: &[Block], counter: i64) -> CompiledUnit {
        for copy in std::mem::take(&mut self.copies) {
            self.complete(&copy);
        }
        CompiledUnit {
            isa: self.stencils.isa(),
            pc: self.entry,
            key: *self.key,
            tier: Tier::Stencils,
            code: self.code,
            relocations: self.relocations,
            links: self.links,
            counter: Some(counter),
            sites: self.sites,
            moves: Vec::new(),
            ranges: merge(blocks.iter().map(|block| block.start..block.end).collect()),
            checks: Vec::new(),
            instructions: self.instructions,
            write_back: true,
            compile_time: self.begun.elapsed(),
            clif: None,
        }
    }

    /// Places the rest of a copy and fills its holes.
    fn complete(&mut self, copy: &Copy) {
        let stencil = &copy.stencil;
        self.pad(stencil.rest_phase);
        let rest = self.code.len();
        self.code.extend_from_slice(&stencil.rest);
        let at = |place: Place| {
            place.offset as usize
                + match place.part {
                    Part::Hot => copy.hot,
                    Part::Rest => rest,
                }
        };
        for reference in &stencil.references {
            let (field, target) = (at(reference.at), at(reference.target));
            let distance = target as i64 - (field + reference.tail as usize) as i64;
            self.code[field..field + 4].copy_from_slice(&(distance as i32).to_le_bytes());
        }
        let values = &self.values[copy.values.clone()];
        for &(place, filling) in &stencil.fillings {
            let at = at(place);
            match filling {
                Filling::Byte(hole) => self.code[at] = values[usize::from(hole)] as u8,
                Filling::Word(hole) => {
                    let value = values[usize::from(hole)] as u32;
                    self.code[at..at + 4].copy_from_slice(&value.to_le_bytes());
                }
                Filling::Wide(hole) => {
                    let value = values[usize::from(hole)];
                    self.code[at..at + 8].copy_from_slice(&value.to_le_bytes());
                }
                Filling::Link(successor) => {
                    let target = copy.targets[usize::from(successor)];
                    let known = self.links.iter().position(|link| link.target == target);
                    let index = known.unwrap_or_else(|| {
                        self.links.push(LinkSite { target });
                        self.links.len() - 1
                    });
                    self.relocations.push(Relocation::LinkSlot { offset: at as u32, index: index as u32 });
                }
                Filling::Entry => {
                    let distance = -(at as i64 + 4);
                    self.code[at..at + 4].copy_from_slice(&(distance as i32).to_le_bytes());
                }
                Filling::Counter => self.relocations.push(Relocation::Counter { offset: at as u32 }),
            }
        }
        for &place in &stencil.sites {
            let action = SiteAction::Leave { pc: copy.pc };
            self.sites.push(FaultSite { offset: at(place) as u32, action, restart: None });
        }
    }
}

fn empty(block: &Block) -> Block {
    Block {
        guest: block.guest,
        start: 0,
        end: 0,
        instructions: 1,
        ops: Vec::new(),
        types: Vec::new(),
        terminator: block.terminator,
    }
}

/// Sorted, and one where they touch.
fn merge(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
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
