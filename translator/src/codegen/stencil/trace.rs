//! The guest instructions of a unit of stencils, each known by its encoding.
//!
//! What an encoding means does not change from place to place: an instruction is lifted once, and from then on its bytes
//! find all that a unit needs of it. Lifted alone, its IR is the same everywhere but for addresses, and these stand in
//! `address` ops, markers and terminators only (the tests hold that of every row of the decoders' tables: `tests/src/isa/relocatable.rs`).
//!
//! The one thing that instructions of a unit know of each other is which slots nobody looks at before they are written
//! again: most flags of x86-64 and AArch64. An encoding has a [`Recipe`] for each set of these that was met.

use super::shape::address_class;
use super::{Found, ON, Piece, Stencil, Stencils};
use crate::codegen::UnitKey;
use crate::guest::Guest;
use crate::ir::{Block, Op, SlotSet, Terminator};
use crate::lift::{Bytes, Fetch, FetchFault, LiftOptions, lift_block};
use crate::opt;
use crate::region::{Edge, always_leaves};
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

/// Longest trace, in guest instructions.
const MOST_INSTRUCTIONS: usize = 48;

/// Longest encoding of any guest, in bytes.
const MOST_BYTES: usize = 15;

/// Encodings that are remembered for one unit key, and unit keys: beyond that all are forgotten, so that a guest that
/// makes up code costs no more than time.
const MOST_ENCODINGS: usize = 1 << 15;
const MOST_KEYS: usize = 32;

/// The guest instructions that one unit of stencils covers: from an address on along the ways that are not taken.
#[derive(Debug)]
pub struct Trace {
    pub(super) steps: Vec<Step>,
}

/// An instruction of a trace.
#[derive(Debug)]
pub(super) struct Step {
    pub pc: u64,
    pub known: Arc<Known>,
    /// Slots that somebody looks at behind it before they are written.
    live: SlotSet,
    bytes: [u8; MOST_BYTES],
}

/// What is known of an encoding besides its stencils.
#[derive(Debug)]
pub(super) struct Known {
    /// Where it was lifted.
    home: u64,
    len: u8,
    /// Its end, at home.
    terminator: Terminator,
    /// Compiled code does not go on behind it.
    leaves: bool,
    /// Slots that are looked at before it, whatever comes behind.
    reads: SlotSet,
    /// Slots that are looked at before it if they are behind it.
    passes: SlotSet,
    /// Slots that it writes.
    writes: SlotSet,
    recipes: RwLock<Vec<(Variant, Arc<Recipe>)>>,
}

/// What else decides the stencil of an encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Variant {
    /// Those of its writes that somebody sees.
    seen: SlotSet,
    /// Where its successors lie, without their addresses.
    edges: [Option<Edge>; 2],
}

/// How to append an instruction: a stencil and what goes into its holes.
#[derive(Debug)]
pub(super) struct Recipe {
    pub stencil: Arc<Stencil>,
    values: Box<[i64]>,
    /// Which of the values are addresses, and what they move with.
    addresses: Box<[(u8, Moves)]>,
    home: u64,
}

/// What an address moves with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Moves {
    Not,
    /// With the instruction.
    Instruction,
    /// With the page of 4 KiB that the instruction is in (`adrp`).
    Page,
}

/// Encodings that were met, by the unit key that they were translated for.
pub(super) type Encodings = RwLock<FxHashMap<UnitKey, Arc<Instructions>>>;

type Instructions = RwLock<FxHashMap<u128, Arc<Known>>>;

impl Trace {
    /// The trace from `pc` on, up to a place that `is_unit` says has a unit of its own.
    ///
    /// # Errors
    /// Nothing can be fetched or executed there.
    pub fn follow(
        stencils: &Stencils,
        key: &UnitKey,
        code: &dyn Fetch,
        pc: u64,
        is_unit: impl Fn(u64) -> bool,
    ) -> Result<Trace, FetchFault> {
        let alignment = key.guest.instruction_alignment();
        let instructions = stencils.instructions(key);
        let mut trace = Trace { steps: Vec::with_capacity(MOST_INSTRUCTIONS) };
        let mut at = pc;
        while at.is_multiple_of(alignment)
            && let Some(step) = Step::read(&instructions, key, code, at)
        {
            let next = step.followed_by();
            trace.steps.push(step);
            match next {
                Some(next)
                    if trace.steps.len() < MOST_INSTRUCTIONS && !code.is_boundary(next) && !is_unit(next) =>
                {
                    at = next;
                }
                _ => break,
            }
        }
        if trace.steps.is_empty() {
            return Err(FetchFault { addr: pc });
        }
        trace.find_live();
        Ok(trace)
    }

    fn find_live(&mut self) {
        let mut live = SlotSet::ALL;
        for step in self.steps.iter_mut().rev() {
            // A branch may lead to where all slots are looked at.
            if !step.is_straight() {
                live = SlotSet::ALL;
            }
            step.live = live;
            live = live & step.known.passes | step.known.reads;
        }
    }

    /// Guest addresses of its instructions, one range for each.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.steps.iter().map(|step| step.pc..step.next())
    }
}

impl Step {
    /// The instruction at `pc`. `None` if there is none.
    fn read(instructions: &Instructions, key: &UnitKey, code: &dyn Fetch, pc: u64) -> Option<Step> {
        let mut bytes = [0; MOST_BYTES];
        let available = code.fetch(pc, &mut bytes);
        let len = length(key.guest, &bytes[..available], pc)?;
        bytes[len..].fill(0);
        let mut name = [0; 16];
        name[..MOST_BYTES].copy_from_slice(&bytes);
        name[MOST_BYTES] = len as u8;
        let name = u128::from_le_bytes(name);
        let found = instructions.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let known = match found {
            Some(known) => known,
            None => {
                let (known, moves) = Known::new(key, &bytes[..len], pc)?;
                let known = Arc::new(known);
                if moves {
                    let mut instructions = instructions.write().unwrap_or_else(PoisonError::into_inner);
                    if instructions.len() >= MOST_ENCODINGS {
                        instructions.clear();
                    }
                    instructions.insert(name, known.clone());
                }
                known
            }
        };
        Some(Step { pc, known, live: SlotSet::ALL, bytes })
    }

    /// Address behind it.
    pub fn next(&self) -> u64 {
        self.pc.wrapping_add(self.known.len.into())
    }

    /// How it ends, here.
    pub fn terminator(&self) -> Terminator {
        let mut terminator = self.known.terminator;
        let by = self.pc.wrapping_sub(self.known.home);
        match &mut terminator {
            Terminator::Jump { target: a }
            | Terminator::Syscall { next: a }
            | Terminator::Resync { next: a } => *a = a.wrapping_add(by),
            Terminator::Branch { taken: a, fallthrough: b, .. }
            | Terminator::Repeat { here: a, next: b, .. } => {
                *a = a.wrapping_add(by);
                *b = b.wrapping_add(by);
            }
            Terminator::Indirect { .. } | Terminator::Trap { .. } => {}
        }
        terminator
    }

    /// Whether nothing but the next instruction follows.
    pub fn is_straight(&self) -> bool {
        self.terminator() == Terminator::Jump { target: self.next() }
    }

    /// Where the trace goes on.
    fn followed_by(&self) -> Option<u64> {
        match self.terminator() {
            _ if self.known.leaves => None,
            Terminator::Jump { target } if target == self.next() => Some(target),
            Terminator::Branch { fallthrough, .. } => Some(fallthrough),
            _ => None,
        }
    }

    /// How to append it with its successors at these edges.
    pub fn recipe(
        &self,
        stencils: &Stencils,
        key: &UnitKey,
        edges: &[Edge],
        make: bool,
    ) -> Found<Arc<Recipe>> {
        let variant = Variant::new(self.known.writes & self.live, edges);
        {
            let recipes = self.known.recipes.read().unwrap_or_else(PoisonError::into_inner);
            let fits = |(known, recipe): &&(Variant, Arc<Recipe>)| *known == variant && recipe.fits(self.pc);
            if let Some((_, recipe)) = recipes.iter().find(fits) {
                return Found::Stencil(recipe.clone());
            }
        }
        let found = self.make_recipe(stencils, key, edges, make);
        if let Found::Stencil(recipe) = &found {
            let mut recipes = self.known.recipes.write().unwrap_or_else(PoisonError::into_inner);
            recipes.push((variant, recipe.clone()));
        }
        found
    }

    fn make_recipe(
        &self,
        stencils: &Stencils,
        key: &UnitKey,
        edges: &[Edge],
        make: bool,
    ) -> Found<Arc<Recipe>> {
        let bytes = &self.bytes[..self.known.len.into()];
        let lifted = |pc| {
            let mut block = lift(key, bytes, pc)?;
            opt::optimize_instruction(&mut block, self.live);
            Some(block)
        };
        let Some(block) = lifted(self.pc) else { return Found::Nothing };
        let moves = match block.ops.iter().any(|op| matches!(op, Op::Address { .. })) {
            true => lifted(elsewhere(self.pc)).and_then(|other| compare(&block, &other)),
            false => Some(Vec::new()),
        };
        let piece = Piece::Instruction { block: &block, edges };
        let found = stencils.with(&piece, key, make, |stencil, shape| {
            let mut addresses = vec![(0, Moves::Instruction)];
            if shape.values()[1] != 0 {
                addresses.push((1, Moves::Instruction));
            }
            for hole in shape.constants() {
                if let Op::Address { .. } = block.ops[hole.op] {
                    let at =
                        block.ops[..hole.op].iter().filter(|op| matches!(op, Op::Address { .. })).count();
                    addresses.push((hole.hole as u8, moves.as_ref().map_or(Moves::Not, |moves| moves[at])));
                }
            }
            let values = shape.values().into();
            Arc::new(Recipe { stencil: stencil.clone(), values, addresses: addresses.into(), home: self.pc })
        });
        match found {
            // What has no stencil is left to the interpreter.
            Found::Nothing => self.interpreted(stencils, key, make),
            found => found,
        }
    }

    /// How to leave to the interpreter for it.
    fn interpreted(&self, stencils: &Stencils, key: &UnitKey, make: bool) -> Found<Arc<Recipe>> {
        let block = Block {
            guest: key.guest,
            start: self.pc,
            end: self.next(),
            instructions: 1,
            ops: vec![Op::Instruction { pc: self.pc, len: self.known.len }, Op::Hook { id: 0 }],
            types: vec![None; 2],
            terminator: Terminator::Jump { target: self.next() },
        };
        let piece = Piece::Instruction { block: &block, edges: ON };
        stencils.with(&piece, key, make, |stencil, shape| {
            let addresses = [(0, Moves::Instruction)].into();
            Arc::new(Recipe {
                stencil: stencil.clone(),
                values: shape.values().into(),
                addresses,
                home: self.pc,
            })
        })
    }
}

impl Known {
    /// What is known of an encoding at `pc`, and whether that is true of it everywhere. `None` if it is no instruction.
    fn new(key: &UnitKey, bytes: &[u8], pc: u64) -> Option<(Known, bool)> {
        let mut block = lift(key, bytes, pc)?;
        opt::fold::run(&mut block);
        let addressed = block.ops.iter().any(|op| matches!(op, Op::Address { .. }));
        let moves = match block.terminator {
            Terminator::Jump { target } if target == block.end && !addressed => true,
            _ => lift(key, bytes, elsewhere(pc)).is_some_and(|mut other| {
                opt::fold::run(&mut other);
                compare(&block, &other).is_some()
            }),
        };
        let written = |op: &Op| match *op {
            Op::Set { slot, .. } => Some(slot),
            _ => None,
        };
        let known = Known {
            home: pc,
            len: bytes.len() as u8,
            terminator: block.terminator,
            leaves: always_leaves(&block),
            reads: opt::dead_sets::live_before(&block, SlotSet::NONE),
            passes: opt::dead_sets::live_before(&block, SlotSet::ALL),
            writes: block.ops.iter().filter_map(written).collect(),
            recipes: RwLock::default(),
        };
        Some((known, moves))
    }
}

impl Variant {
    fn new(seen: SlotSet, edges: &[Edge]) -> Variant {
        let edge = |at: usize| match edges.get(at)? {
            Edge::Outside(_) => Some(Edge::Outside(0)),
            edge => Some(*edge),
        };
        Variant { seen, edges: [edge(0), edge(1)] }
    }
}

impl Recipe {
    /// Appends what goes into the holes at `pc`.
    pub fn fill(&self, pc: u64, values: &mut Vec<i64>) {
        let start = values.len();
        values.extend_from_slice(&self.values);
        for &(hole, moves) in &self.addresses {
            values[start + usize::from(hole)] = self.moved(hole, moves, pc) as i64;
        }
    }

    fn moved(&self, hole: u8, moves: Moves, pc: u64) -> u64 {
        let by = match moves {
            Moves::Not => 0,
            Moves::Instruction => pc.wrapping_sub(self.home),
            Moves::Page => page(pc).wrapping_sub(page(self.home)),
        };
        (self.values[usize::from(hole)] as u64).wrapping_add(by)
    }

    /// Whether its addresses are of the same kind there; code with addresses of 31 bits is another stencil.
    fn fits(&self, pc: u64) -> bool {
        self.addresses.iter().all(|&(hole, moves)| {
            address_class(self.values[usize::from(hole)] as u64) == address_class(self.moved(hole, moves, pc))
        })
    }
}

impl Stencils {
    /// The encodings that were met under a unit key.
    fn instructions(&self, key: &UnitKey) -> Arc<Instructions> {
        let found = self.encodings.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        found.unwrap_or_else(|| {
            let mut encodings = self.encodings.write().unwrap_or_else(PoisonError::into_inner);
            if encodings.len() >= MOST_KEYS {
                encodings.clear();
            }
            encodings.entry(*key).or_default().clone()
        })
    }
}

/// Length of the instruction that the bytes begin with. `None` if they are too few or no instruction.
fn length(guest: Guest, bytes: &[u8], pc: u64) -> Option<usize> {
    let len = match guest {
        Guest::X86_64 => decoders::x86_64::decode(bytes, pc).ok()?.len(),
        Guest::Aarch64 => 4,
        Guest::Riscv64 if bytes.first()? & 3 == 3 => 4,
        Guest::Riscv64 => 2,
    };
    (bytes.len() >= len).then_some(len)
}

/// The instruction alone, with nothing removed. `None` if it is none.
fn lift(key: &UnitKey, bytes: &[u8], pc: u64) -> Option<Block> {
    let options = LiftOptions { env: key.env, max_instructions: 1 };
    let block = lift_block(key.guest, &Bytes { start: pc, bytes }, pc, &options).ok()?;
    match block.ops[0] {
        Op::Instruction { len, .. } if usize::from(len) == bytes.len() => Some(block),
        _ => None,
    }
}

/// Another place for an instruction: on another page and at another offset, aligned alike, with addresses of the same kind.
fn elsewhere(pc: u64) -> u64 {
    let offset = if page(pc) == page(pc.wrapping_add(64)) { 0x10_0040 } else { 0x10_0000 - 64 };
    let other = pc.wrapping_add(offset);
    if address_class(other) == address_class(pc) { other } else { pc.wrapping_sub(0x20_0000 - offset) }
}

/// What each address of a block moves with, from its first place to the second. `None` if the blocks differ in something
/// else.
fn compare(here: &Block, there: &Block) -> Option<Vec<Moves>> {
    let by = there.start.wrapping_sub(here.start);
    let by_page = page(there.start).wrapping_sub(page(here.start));
    let mut moves = Vec::new();
    let moved = |a: u64, b: u64| b.wrapping_sub(a) == by;
    let same = |(a, b): (&Op, &Op)| match (*a, *b) {
        (Op::Instruction { pc, len }, Op::Instruction { pc: other, len: as_long }) => {
            moved(pc, other) && len == as_long
        }
        (Op::Address { imm }, Op::Address { imm: other }) => {
            let distance = other.wrapping_sub(imm);
            let known = [(by, Moves::Instruction), (by_page, Moves::Page), (0, Moves::Not)];
            let found = known.iter().find(|known| known.0 == distance);
            moves.extend(found.map(|known| known.1));
            found.is_some()
        }
        (a, b) => a == b,
    };
    if here.ops.len() != there.ops.len() || !here.ops.iter().zip(&there.ops).all(same) {
        return None;
    }
    let same = match (here.terminator, there.terminator) {
        (Terminator::Jump { target: a }, Terminator::Jump { target: b })
        | (Terminator::Syscall { next: a }, Terminator::Syscall { next: b })
        | (Terminator::Resync { next: a }, Terminator::Resync { next: b }) => moved(a, b),
        (
            Terminator::Branch { cond, taken: a, fallthrough: c },
            Terminator::Branch { cond: other, taken: b, fallthrough: d },
        )
        | (
            Terminator::Repeat { again: cond, here: a, next: c },
            Terminator::Repeat { again: other, here: b, next: d },
        ) => cond == other && moved(a, b) && moved(c, d),
        (a, b) => a == b,
    };
    same.then_some(moves)
}

fn page(address: u64) -> u64 {
    address & !0xfff
}
