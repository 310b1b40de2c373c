//! The intermediate representation: what every guest instruction is lifted to, and all that later stages see.
//!
//! A [`Block`] is a straight line of [`Op`]s in SSA form, ended by one [`Terminator`]. Guest registers are *state
//! slots* of the guest's [`RegisterFile`](crate::guest::RegisterFile), read with `get` and written with `set`; a
//! value is named by the position of the op that makes it. Memory accesses and traps leave a block in the middle:
//! what was `set` before them stays, nothing after them has happened.
//!
//! Invariants that others rely on (checked by the verifier): operands are defined before use and have
//! the types that the table says; the first op is an `instruction` marker; `set` has the slot's type.
//!
//! Not here: how ops become host code (`codegen`), which guest instruction means what (`lift`).

pub mod builder;
#[cfg(test)]
pub(crate) mod cases;
pub mod interpret;
pub mod ops;
pub mod text;
pub mod types;
pub mod verify;

pub use builder::Builder;
pub use ops::{Class, Effect, OPS, Op, OpInfo, ResultRule};
pub use types::*;

use crate::guest::Guest;
use std::ops::{BitAnd, BitAndAssign, BitOr, BitOrAssign, Not};

/// An SSA value: the position of the op that defines it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Value(pub u32);

impl Value {
    /// The position of the defining op.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A state slot: an index into the guest's register file.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Slot(pub u16);

impl Slot {
    /// Sticky float exception flags, `float::flags` layout; slot 0 of every guest (I32).
    pub const FP_FLAGS: Slot = Slot(0);
    /// The float environment in the layout of [`FpEnv`](crate::guest::FpEnv); slot 1 of every guest (I32). Part of the
    /// unit key: a block that sets it ends in [`Terminator::Resync`].
    pub const FP_ENV: Slot = Slot(1);

    /// The index into the register file.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A set of state slots.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct SlotSet(u128);

impl SlotSet {
    /// Every slot of every guest.
    pub const ALL: SlotSet = SlotSet(u128::MAX);
    /// No slot.
    pub const NONE: SlotSet = SlotSet(0);
    /// Slots that a guest may have.
    pub const MOST: usize = u128::BITS as usize;

    /// The set of one slot.
    pub const fn of(slot: Slot) -> SlotSet {
        SlotSet(1 << slot.0)
    }

    /// The slots of all sets.
    pub fn union(sets: impl IntoIterator<Item = SlotSet>) -> SlotSet {
        sets.into_iter().fold(SlotSet::NONE, |all, set| all | set)
    }

    /// Whether a slot is in the set.
    pub const fn contains(self, slot: Slot) -> bool {
        self.0 >> slot.0 & 1 != 0
    }

    /// Adds a slot.
    pub const fn insert(&mut self, slot: Slot) {
        self.0 |= 1 << slot.0;
    }

    /// Takes a slot out.
    pub const fn remove(&mut self, slot: Slot) {
        self.0 &= !(1 << slot.0);
    }

    /// Whether there is no slot in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The slots in order.
    pub fn iter(self) -> impl Iterator<Item = Slot> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let slot = left.trailing_zeros();
            left &= left.wrapping_sub(1);
            (slot < u128::BITS).then_some(Slot(slot as u16))
        })
    }
}

impl FromIterator<Slot> for SlotSet {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> SlotSet {
        SlotSet::union(slots.into_iter().map(SlotSet::of))
    }
}

impl BitAnd for SlotSet {
    type Output = SlotSet;

    /// The slots of both.
    fn bitand(self, other: SlotSet) -> SlotSet {
        SlotSet(self.0 & other.0)
    }
}

impl BitOr for SlotSet {
    type Output = SlotSet;

    /// The slots of either.
    fn bitor(self, other: SlotSet) -> SlotSet {
        SlotSet(self.0 | other.0)
    }
}

impl Not for SlotSet {
    type Output = SlotSet;

    /// All other slots.
    fn not(self) -> SlotSet {
        SlotSet(!self.0)
    }
}

impl BitAndAssign for SlotSet {
    fn bitand_assign(&mut self, other: SlotSet) {
        *self = *self & other;
    }
}

impl BitOrAssign for SlotSet {
    fn bitor_assign(&mut self, other: SlotSet) {
        *self = *self | other;
    }
}

/// How a block ends. Addresses are guest virtual addresses.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Terminator {
    /// Go on at a known address.
    Jump {
        /// Where.
        target: u64,
    },
    /// Go on at one of two known addresses.
    Branch {
        /// I1.
        cond: Value,
        /// Where if the condition holds.
        taken: u64,
        /// Where otherwise.
        fallthrough: u64,
    },
    /// The last instruction is done again, or has retired: one iteration of a repeated string instruction. It retires
    /// once however often it is repeated, and a run may end between iterations.
    Repeat {
        /// I1.
        again: Value,
        /// Address of the instruction itself.
        here: u64,
        /// Where otherwise.
        next: u64,
    },
    /// Go on at a computed address.
    Indirect {
        /// I64.
        target: Value,
        /// What kind of jump it is.
        hint: Hint,
    },
    /// Leave with a system call; the pc is `next` and the call's effects are the host program's business.
    Syscall {
        /// Address of the following instruction.
        next: u64,
    },
    /// Leave with `trap` at the last instruction of the block.
    Trap {
        /// The reason.
        trap: Trap,
    },
    /// Go on at `next` through the dispatcher, which looks at the unit key and at pending invalidations anew.
    Resync {
        /// Address of the following instruction.
        next: u64,
    },
}

impl Terminator {
    /// The value that the terminator uses, if any.
    pub fn operand(&self) -> Option<Value> {
        match *self {
            Terminator::Branch { cond, .. } => Some(cond),
            Terminator::Repeat { again, .. } => Some(again),
            Terminator::Indirect { target, .. } => Some(target),
            _ => None,
        }
    }

    /// Replaces the value that the terminator uses.
    pub fn map_operand(&mut self, f: impl FnOnce(Value) -> Value) {
        match self {
            Terminator::Branch { cond, .. } => *cond = f(*cond),
            Terminator::Repeat { again, .. } => *again = f(*again),
            Terminator::Indirect { target, .. } => *target = f(*target),
            _ => {}
        }
    }

    /// The addresses that are known to follow: none, one or two.
    pub fn successors(&self) -> impl Iterator<Item = u64> {
        let pair = match *self {
            Terminator::Jump { target } => [Some(target), None],
            Terminator::Branch { taken, fallthrough, .. } => [Some(taken), Some(fallthrough)],
            Terminator::Repeat { here, next, .. } => [Some(here), Some(next)],
            _ => [None, None],
        };
        pair.into_iter().flatten()
    }
}

/// A straight line of ops with one entry and one terminator.
#[derive(Clone, PartialEq, Debug)]
pub struct Block {
    /// Whose instructions these are.
    pub guest: Guest,
    /// Address of the first instruction.
    pub start: u64,
    /// Address behind the last byte that was read to make this block.
    pub end: u64,
    /// Number of `instruction` markers.
    pub instructions: u32,
    /// The ops in order.
    pub ops: Vec<Op>,
    /// Result type of each op; `None` where it has no result.
    pub types: Vec<Option<Type>>,
    /// How it ends.
    pub terminator: Terminator,
}

impl Block {
    /// A block of no instructions, with room for so many ops.
    pub fn with_room(guest: Guest, ops: usize) -> Block {
        Block {
            guest,
            start: 0,
            end: 0,
            instructions: 0,
            ops: Vec::with_capacity(ops),
            types: Vec::with_capacity(ops),
            terminator: Terminator::Trap { trap: Trap::Unsupported },
        }
    }

    /// Type of a value.
    ///
    /// # Panics
    /// If the value is not one of this block; `verify` rules that out.
    #[inline]
    pub fn ty(&self, value: Value) -> Type {
        self.types[value.index()].expect("a value has a type")
    }

    /// The bits of a value that is a constant of at most 64 bits.
    pub fn constant(&self, value: Value) -> Option<u64> {
        match self.ops[value.index()] {
            Op::Const { imm, .. } => Some(imm),
            _ => None,
        }
    }

    /// How many low bits of an integer may be other than zero.
    pub fn significant_bits(&self, value: Value) -> u32 {
        let bits = self.ty(value).bits();
        let amount = |value| self.constant(value).map(|amount| amount as u32 % bits);
        match self.ops[value.index()] {
            Op::Const { imm, .. } => 64 - imm.leading_zeros(),
            Op::Zext { a, .. } => self.significant_bits(a),
            Op::And { a, b } => {
                let mask = self.constant(b).map_or(bits, |mask| 64 - mask.leading_zeros());
                mask.min(self.significant_bits(a))
            }
            Op::LShr { b, .. } => amount(b).map_or(bits, |amount| bits - amount),
            Op::Shl { a, b } => {
                amount(b).map_or(bits, |amount| (self.significant_bits(a) + amount).min(bits))
            }
            _ => bits,
        }
    }
}
