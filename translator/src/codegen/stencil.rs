//! Stencils: the memoised compile of the shape of an instruction.
//!
//! The *shape* of an instruction is its IR with slots, immediates and addresses as holes. A shape is compiled once, by
//! the code generator that regions go through; every further instruction of the shape is a copy with its own values
//! in the holes. So a new instruction or op needs nothing here.
//!
//! | module | what |
//! | --- | --- |
//! | `shape` | an instruction's shape and the values of its holes |
//! | `make` | compiles a shape twice with different placeholders and finds the holes |
//! | `split` | what runs in line and what stands aside, on each host |
//! | `trace` | the instructions of a unit, each known by its encoding |
//! | `assemble` | copies of stencils put together to a unit |
//! | `keep` | stencils and stubs of earlier processes |
//!
//! # Exact state
//! All state is in its slots before and after every stencil, and an instruction's writes come after everything in it
//! that may leave. So a fault needs no registers: it leaves with the pc of its instruction.
//!
//! # Soundness
//! A stencil is a function of its holes only if its code does not depend on their values. Two compiles with different
//! placeholders must differ in nothing but the placeholders themselves; otherwise the constants of the instruction
//! become part of its shape, and if that does not help either, the instruction has no stencil.

mod assemble;
pub(super) mod keep;
mod make;
mod shape;
mod split;
#[cfg(test)]
mod tests;
mod trace;

pub use assemble::{Assembly, NotAssembled};
pub use keep::{Keeper, is_kept};
use shape::Piece;
pub use trace::Trace;

use super::Compiler;
use super::unit::UnitKey;
use crate::ir::{Slot, Value as IrValue};
use crate::region::Edge;
use keep::What;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use shape::Shape;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

/// What a stencil stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// The entry of a unit: poll, budget, counter.
    Entry,
    /// Takes instructions off the budget.
    Spend,
    /// A guest instruction.
    Instruction,
}

/// What the code generator puts where holes will be, in one compile.
#[derive(Clone, Debug)]
pub(super) struct Holes {
    pub role: Role,
    /// `Entry`: instructions to the end of the unit. `Spend`: instructions to pay for.
    pub longest: u32,
    /// Placeholders of the instruction's address and of the next one's; `None` if these have 64 bits.
    addresses: Option<[i64; 2]>,
    slots: Vec<(Slot, i32)>,
    /// Ops that are constants of 64 bits, and the numbers of their holes.
    wide: Vec<(usize, u32)>,
    /// Constants that go into the displacement of an access.
    displacements: Vec<IrValue>,
}

impl Holes {
    /// The placeholder of the instruction's own address or of the next one's.
    pub fn address(&self, own: bool) -> Option<i64> {
        self.addresses.map(|addresses| addresses[usize::from(!own)])
    }

    pub fn slot(&self, slot: Slot) -> Option<i32> {
        self.slots.iter().find(|hole| hole.0 == slot).map(|hole| hole.1)
    }

    pub fn wide(&self, op: usize) -> Option<u32> {
        self.wide.iter().find(|hole| hole.0 == op).map(|hole| hole.1)
    }

    pub fn is_displacement(&self, constant: IrValue) -> bool {
        self.displacements.contains(&constant)
    }
}

/// A part of a stencil.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Part {
    /// Runs in line, from the stencil before to the one behind.
    Hot,
    /// Stands behind the hot parts of the whole unit: cold code, constants.
    Rest,
}

/// A place in a part.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
struct Place {
    part: Part,
    offset: u32,
}

/// A 32-bit field that holds the distance to another place, counted from `tail` bytes behind the field's start.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Reference {
    at: Place,
    tail: u32,
    target: Place,
}

/// What a hole is filled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Filling {
    /// The low byte of a value.
    Byte(u8),
    /// The low 32 bits of a value.
    Word(u8),
    /// A value.
    Wide(u8),
    /// Address of the link slot to a successor, by its position in the terminator.
    Link(u8),
    /// Address of the unit's counter.
    Counter,
    /// Distance to the unit's entry.
    Entry,
}

/// Code of a shape.
#[derive(Debug, Serialize, Deserialize)]
pub struct Stencil {
    hot: Box<[u8]>,
    rest: Box<[u8]>,
    /// Offset that `hot` must have modulo 16, if it holds constants.
    hot_phase: Option<u8>,
    /// Offset that `rest` must have modulo 16, if it holds constants.
    rest_phase: Option<u8>,
    references: Box<[Reference]>,
    fillings: Box<[(Place, Filling)]>,
    /// Accesses of guest memory.
    sites: Box<[Place]>,
    /// Whether control never goes on behind it.
    ends: bool,
    /// Whether it may leave with the state as of its start.
    leaves: bool,
}

/// What a shape has become.
#[derive(Clone, Debug)]
enum Entry {
    Made(Arc<Stencil>),
    /// Its code depends on its constants: look again with these in the shape.
    ByValue,
    /// No stencil.
    Refused,
}

/// What a look-up finds.
enum Found<R> {
    Stencil(R),
    /// There is no stencil, and will be none.
    Nothing,
    /// It would have to be compiled.
    Missing,
}

/// Counters of a set of stencils.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StencilStats {
    /// Shapes compiled.
    pub made: u64,
    /// Shapes that an earlier process compiled.
    pub loaded: u64,
    /// Shapes without a stencil.
    pub refused: u64,
    /// Time spent making them, in nanoseconds.
    pub nanos: u64,
}

/// The stencils known so far, for one host. Shared by threads and machines.
pub struct Stencils {
    compiler: Compiler,
    keeper: Option<Arc<dyn Keeper>>,
    shapes: RwLock<FxHashMap<Box<[u64]>, Entry>>,
    encodings: trace::Encodings,
    made: AtomicU64,
    loaded: AtomicU64,
    refused: AtomicU64,
    nanos: AtomicU64,
}

thread_local! {
    static SHAPE: RefCell<Shape> = RefCell::new(Shape::default());
}

impl Stencils {
    /// Those that `keeper` has, or `None` if stencils are not made for the compiler's host.
    pub fn new(compiler: Compiler, keeper: Option<Arc<dyn Keeper>>) -> Option<Stencils> {
        split::supported(compiler.isa()).then(|| Stencils {
            compiler,
            keeper,
            shapes: RwLock::default(),
            encodings: RwLock::default(),
            made: AtomicU64::new(0),
            loaded: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
        })
    }

    /// The host.
    pub fn isa(&self) -> super::HostIsa {
        self.compiler.isa()
    }

    /// Whether there may be any that need not be compiled.
    pub fn may_have_any(&self) -> bool {
        self.keeper.is_some() || self.made.load(Ordering::Relaxed) != 0
    }

    /// Counters as of now.
    pub fn stats(&self) -> StencilStats {
        StencilStats {
            made: self.made.load(Ordering::Relaxed),
            loaded: self.loaded.load(Ordering::Relaxed),
            refused: self.refused.load(Ordering::Relaxed),
            nanos: self.nanos.load(Ordering::Relaxed),
        }
    }

    /// Calls `use_it` with the stencil of a piece and its shape. One that is not known is compiled if
    /// `make` says so.
    fn with<R>(
        &self,
        piece: &Piece<'_>,
        key: &UnitKey,
        make: bool,
        use_it: impl FnOnce(&Arc<Stencil>, &Shape) -> R,
    ) -> Found<R> {
        SHAPE.with_borrow_mut(|shape| {
            for by_value in [false, true] {
                if !shape.describe(piece, key, by_value) {
                    return Found::Nothing;
                }
                match self.entry(shape, piece, key, by_value, make) {
                    Some(Entry::Made(stencil)) => return Found::Stencil(use_it(&stencil, shape)),
                    Some(Entry::ByValue) => {}
                    Some(Entry::Refused) => return Found::Nothing,
                    None => return Found::Missing,
                }
            }
            Found::Nothing
        })
    }

    /// What a shape has become; `None` if that is not known and not to be found out.
    fn entry(
        &self,
        shape: &Shape,
        piece: &Piece<'_>,
        key: &UnitKey,
        by_value: bool,
        make: bool,
    ) -> Option<Entry> {
        let found = self.shapes.read().unwrap_or_else(PoisonError::into_inner).get(shape.key()).cloned();
        if found.is_some() {
            return found;
        }
        // Read or compiled without the lock: two threads may make the same stencil, and either is right.
        let kept = self.keeper.as_ref().and_then(|keeper| keep::find(&**keeper, key.guest, shape.key()));
        let what = match kept {
            Some(what) => {
                self.loaded.fetch_add(1, Ordering::Relaxed);
                what
            }
            None if make => self.make(shape, piece, key, by_value),
            None => return None,
        };
        let entry = match what {
            What::Stencil(stencil) => Entry::Made(Arc::new(stencil)),
            What::ByValue if !by_value => Entry::ByValue,
            What::ByValue | What::Refused | What::Stub(_) => Entry::Refused,
        };
        let mut shapes = self.shapes.write().unwrap_or_else(PoisonError::into_inner);
        shapes.insert(shape.key().into(), entry.clone());
        Some(entry)
    }

    /// Compiles a shape, and keeps what comes of it.
    fn make(&self, shape: &Shape, piece: &Piece<'_>, key: &UnitKey, by_value: bool) -> What {
        let begun = Instant::now();
        let what = match make::make(&self.compiler, piece, key, shape) {
            Ok(Some(stencil)) => What::Stencil(stencil),
            Ok(None) if !by_value => What::ByValue,
            Ok(None) | Err(_) => What::Refused,
        };
        self.nanos.fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        match what {
            What::Refused => self.refused.fetch_add(1, Ordering::Relaxed),
            _ => self.made.fetch_add(1, Ordering::Relaxed),
        };
        match &self.keeper {
            Some(keeper) => keep::add(&**keeper, key.guest, shape.key(), what),
            None => what,
        }
    }
}

impl std::fmt::Debug for Stencils {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stencils")
            .field("compiler", &self.compiler)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// The edges of an instruction that is followed by the next one.
const ON: &[Edge] = &[Edge::Next];
