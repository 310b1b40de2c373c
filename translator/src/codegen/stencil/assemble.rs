//! Copies of stencils, put together to a unit.

use super::super::unit::{CompiledUnit, FaultSite, LinkSite, Relocation, SiteAction, Tier, UnitKey};
use super::trace::{Step, Trace};
use super::{Filling, Found, Part, Piece, Place, Stencil, Stencils};
use crate::ir::Terminator;
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
    /// Whether the last one is always left to the interpreter.
    interprets: bool,
    /// Whether stencils that are missing are compiled.
    make: bool,
    /// One was missing.
    missing: bool,
}

impl<'a> Assembly<'a> {
    /// Puts a unit together from the instructions of a trace. It may end early, at an instruction that always leaves. After
    /// its entry has run `counter` times it leaves to the dispatcher. Stencils that are missing are compiled if `make` says so.
    ///
    /// # Errors
    /// There is no unit, or not without more stencils.
    pub fn unit(
        stencils: &'a Stencils,
        key: &'a UnitKey,
        trace: &Trace,
        counter: i64,
        make: bool,
    ) -> Result<CompiledUnit, NotAssembled> {
        let first = trace.steps.first().ok_or(NotAssembled::Refused)?;
        let mut assembly = Assembly::new(stencils, key, first.pc, make);
        let used = assembly.append(&trace.steps);
        match used {
            _ if assembly.missing => Err(NotAssembled::Missing),
            Some(used) if assembly.instructions != 0 => Ok(assembly.finish(&trace.steps[..used], counter)),
            _ => Err(NotAssembled::Refused),
        }
    }

    fn new(stencils: &'a Stencils, key: &'a UnitKey, entry: u64, make: bool) -> Assembly<'a> {
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
            entry,
            unpaid: 0,
            instructions: 0,
            interprets: false,
            make,
            missing: false,
        }
    }

    /// Appends the entry and the instructions; how many of them it took. `None` if one cannot even be left to the
    /// interpreter, or a stencil is missing.
    fn append(&mut self, steps: &[Step]) -> Option<usize> {
        self.part(&Piece::Entry { pc: self.entry, longest: steps.len() as u32 })?;
        for (at, step) in steps.iter().enumerate() {
            let next = steps.get(at + 1).map(|step| step.pc);
            if !self.step(step, next)? {
                return Some(at + 1);
            }
        }
        Some(steps.len())
    }

    /// Appends an instruction; whether the next one follows.
    fn step(&mut self, step: &Step, next: Option<u64>) -> Option<bool> {
        let mut targets = [0; 2];
        let mut edges = [Edge::Next; 2];
        let mut count = 0;
        let mut follows = false;
        let terminator = step.terminator();
        for (at, target) in terminator.successors().enumerate() {
            targets[at] = target;
            count += 1;
        }
        if let Terminator::Resync { next } = terminator {
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
        let found = step.recipe(self.stencils, self.key, &edges[..count], self.make);
        let recipe = self.found(found)?;
        // Paid for what came before it, if it may leave.
        if self.key.budget && self.unpaid != 0 && recipe.stencil.leaves {
            let count = std::mem::take(&mut self.unpaid);
            self.part(&Piece::Spend { count })?;
        }
        let start = self.values.len();
        recipe.fill(step.pc, &mut self.values);
        let ends = self.push(&recipe.stencil, step.pc, start, targets);
        self.instructions += 1;
        // It has a successor, and no way there.
        let leads_on =
            |&(_, filling): &(Place, Filling)| matches!(filling, Filling::Link(_) | Filling::Entry);
        self.interprets = ends && count != 0 && !recipe.stencil.fillings.iter().any(leads_on);
        if follows && count == 1 {
            self.unpaid += 1;
        }
        Some(!ends && follows)
    }

    /// Appends what is no instruction.
    fn part(&mut self, piece: &Piece<'_>) -> Option<()> {
        let start = self.values.len();
        let mut values = std::mem::take(&mut self.values);
        let found = self.stencils.with(piece, self.key, self.make, |stencil, shape| {
            values.extend_from_slice(shape.values());
            stencil.clone()
        });
        self.values = values;
        let stencil = self.found(found)?;
        self.push(&stencil, piece.pc(), start, [0; 2]);
        Some(())
    }

    /// What was found; `None` if there is nothing, or it is missing.
    fn found<R>(&mut self, found: Found<R>) -> Option<R> {
        match found {
            Found::Stencil(result) => Some(result),
            Found::Nothing => None,
            Found::Missing => {
                self.missing = true;
                None
            }
        }
    }

    /// Appends a copy, whose holes are to hold the values from `start` on; whether it ends the unit.
    fn push(&mut self, stencil: &Arc<Stencil>, pc: u64, start: usize, targets: [u64; 2]) -> bool {
        self.pad(stencil.hot_phase);
        let hot = self.code.len();
        self.code.extend_from_slice(&stencil.hot);
        let values = start..self.values.len();
        self.copies.push(Copy { stencil: stencil.clone(), hot, pc, values, targets });
        stencil.ends
    }

    /// Pads to an offset that is `phase` modulo the alignment of constants.
    fn pad(&mut self, phase: Option<u8>) {
        while phase.is_some_and(|phase| self.code.len() % ALIGNMENT != usize::from(phase)) {
            self.code.push(PADDING);
        }
    }

    /// The unit made of these instructions, which have been appended.
    fn finish(mut self, steps: &[Step], counter: i64) -> CompiledUnit {
        let hot_bytes = self.code.len() as u32;
        for copy in std::mem::take(&mut self.copies) {
            self.complete(&copy);
        }
        CompiledUnit {
            isa: self.stencils.isa(),
            pc: self.entry,
            key: *self.key,
            tier: Tier::Stencils,
            code: self.code,
            hot_bytes,
            relocations: self.relocations,
            links: self.links,
            counter: Some(counter),
            sites: self.sites,
            moves: Vec::new(),
            ranges: merge(steps),
            checks: Vec::new(),
            instructions: self.instructions,
            interprets: self.interprets,
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

/// The addresses of instructions that follow each other, one range where they touch.
fn merge(steps: &[Step]) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::with_capacity(1);
    for step in steps {
        match merged.last_mut() {
            Some(last) if step.pc == last.end => last.end = step.next(),
            _ => merged.push(step.pc..step.next()),
        }
    }
    merged.sort_by_key(|range| range.start);
    merged
}
