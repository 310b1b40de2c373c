//! The shape of an instruction: a key that is equal for all instructions that one stencil serves, and the values of the
//! holes in the order that the key gives them.

use super::super::MemoryMode;
use super::super::emit::slot_offset;
use super::super::groups::folds;
use super::super::unit::UnitKey;
use super::{Holes, Role};
use crate::for_each_op;
use crate::ir::*;
use crate::region::{Edge, only_interpreted};

/// What a stencil is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    /// The entry of a unit at `pc`, whose longest way is `longest` instructions.
    Entry {
        /// Guest address.
        pc: u64,
        /// Instructions.
        longest: u32,
    },
    /// Payment for instructions.
    Spend {
        /// How many.
        count: u32,
    },
    /// A block of one instruction, and where the successors that its terminator knows lie.
    Instruction {
        /// The instruction.
        block: &'a Block,
        /// In the order of `Terminator::successors`.
        edges: &'a [Edge],
    },
}

impl Piece<'_> {
    pub(super) fn role(&self) -> Role {
        match self {
            Piece::Entry { .. } => Role::Entry,
            Piece::Spend { .. } => Role::Spend,
            Piece::Instruction { .. } => Role::Instruction,
        }
    }

    /// Guest address of the instruction or unit.
    pub(super) fn pc(&self) -> u64 {
        match *self {
            Piece::Entry { pc, .. } => pc,
            Piece::Spend { .. } => 0,
            Piece::Instruction { block, .. } => block.start,
        }
    }
}

/// How a value appears in code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Class {
    /// Part of the shape.
    Fixed,
    /// 31 bits.
    Positive,
    /// 32 bits, sign-extended.
    Negative,
    /// A shift amount, below the width of its type.
    Amount,
    /// 64 bits.
    Wide,
}

/// Holes of every shape: the instruction's address, the address behind it.
pub(super) const ADDRESSES: usize = 2;

/// The hole of `longest` in stencils that are no instruction.
pub(super) const LONGEST: usize = ADDRESSES;

/// A hole of an op.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpHole {
    /// Position of the op.
    pub op: usize,
    /// Number of the hole.
    pub hole: usize,
    pub class: Class,
    /// The constant is the displacement of an access.
    pub displacement: bool,
}

/// A shape and the values of its holes. Reused from one instruction to the next.
#[derive(Debug, Default)]
pub(super) struct Shape {
    key: Vec<u64>,
    values: Vec<i64>,
    /// Class of each hole.
    classes: Vec<Class>,
    constants: Vec<OpHole>,
    /// Slots in order of appearance, and the numbers of their holes.
    slots: Vec<(Slot, usize)>,
    uses: Vec<Use>,
}

/// How constants are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Use {
    None,
    /// Where code with a 32-bit immediate is to be expected.
    Number,
    Displacement,
    Amount,
    /// Where the value may decide what code there is.
    Shape,
}

impl Shape {
    pub fn key(&self) -> &[u64] {
        &self.key
    }

    pub fn values(&self) -> &[i64] {
        &self.values
    }

    pub fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// Holes that are constants and addresses.
    pub fn constants(&self) -> &[OpHole] {
        &self.constants
    }

    pub fn slots(&self) -> &[(Slot, usize)] {
        &self.slots
    }

    /// Whether addresses of instructions have 64 bits.
    pub fn wide_addresses(&self) -> bool {
        self.classes[0] == Class::Wide
    }

    /// Makes this the shape of `piece`; with its constants in the key if `by_value`. False if it can have none.
    pub fn describe(&mut self, piece: &Piece<'_>, key: &UnitKey, by_value: bool) -> bool {
        self.key.clear();
        self.values.clear();
        self.classes.clear();
        self.constants.clear();
        self.slots.clear();
        let next = match *piece {
            Piece::Instruction { block, .. } => match block.terminator {
                Terminator::Syscall { next } | Terminator::Resync { next } => next,
                _ => 0,
            },
            _ => 0,
        };
        let class = match (address_class(piece.pc()), address_class(next)) {
            (Class::Positive, Class::Positive) => Class::Positive,
            _ => Class::Wide,
        };
        for address in [piece.pc(), next] {
            self.values.push(address as i64);
            self.classes.push(class);
        }
        let role = piece.role();
        self.key.push(
            role as u64
                | u64::from(class == Class::Wide) << 2
                | u64::from(by_value) << 3
                | (key.guest as u64) << 4
                | u64::from(key.memory == MemoryMode::Paged) << 8
                | u64::from(key.parallel) << 9
                | u64::from(key.sticky) << 16,
        );
        match *piece {
            Piece::Entry { longest, .. } => {
                self.key.push(u64::from(key.budget));
                self.hole(i64::from(longest), Class::Positive);
                true
            }
            Piece::Spend { count } => {
                self.hole(-i64::from(count), Class::Negative);
                true
            }
            Piece::Instruction { block, edges } => self.instruction(block, edges, key, by_value),
        }
    }

    fn hole(&mut self, value: i64, class: Class) -> usize {
        self.values.push(value);
        self.classes.push(class);
        self.values.len() - 1
    }

    fn instruction(&mut self, block: &Block, edges: &[Edge], key: &UnitKey, by_value: bool) -> bool {
        // Numbers of ops go into 16 bits each.
        if block.ops.len() > 4096 {
            return false;
        }
        self.find_uses(block);
        self.key.push(u64::from(key.env.0));
        let file = block.guest.register_file();
        for (at, op) in block.ops.iter().enumerate() {
            let mut word = op.index() as u64;
            let mut shift = 16;
            op.for_each_operand(|operand| {
                word |= u64::from(operand.0) << shift;
                shift += 16;
            });
            match *op {
                Op::Instruction { .. } => self.key.push(word),
                Op::Const { ty, imm } => {
                    let class = if by_value { Class::Fixed } else { constant_class(self.uses[at], ty, imm) };
                    let displacement = self.uses[at] == Use::Displacement && folds(imm as i64);
                    word |= (ty as u64) << 16 | (class as u64) << 24 | u64::from(displacement) << 32;
                    self.key.push(word);
                    if class == Class::Fixed {
                        self.key.push(imm);
                    } else {
                        let hole = self.hole(imm as i64, class);
                        self.constants.push(OpHole { op: at, hole, class, displacement });
                    }
                }
                Op::Address { imm } => {
                    let class = address_class(imm);
                    self.key.push(word | (class as u64) << 24);
                    let hole = self.hole(imm as i64, class);
                    self.constants.push(OpHole { op: at, hole, class, displacement: false });
                }
                Op::Get { slot } | Op::Set { slot, .. } => {
                    let number = self.slot(block, slot);
                    self.key.push(word | number << 32 | (file.slot(slot).ty as u64) << 48);
                }
                Op::Probe { .. } => {
                    self.key.push(word | u64::from(only_interpreted(block, op)) << 63);
                    attributes(op, &mut self.key);
                }
                _ => {
                    self.key.push(word);
                    attributes(op, &mut self.key);
                }
            }
        }
        let (kind, detail) = match block.terminator {
            Terminator::Jump { .. } => (0, 0),
            Terminator::Branch { cond, taken, fallthrough } => {
                (1, u64::from(cond.0) | u64::from(taken == fallthrough) << 32)
            }
            Terminator::Repeat { again, .. } => (6, u64::from(again.0)),
            Terminator::Indirect { target, .. } => (2, u64::from(target.0)),
            Terminator::Syscall { .. } => (3, 0),
            Terminator::Trap { trap } => (4, trap as u64),
            Terminator::Resync { .. } => (5, 0),
        };
        let mut word = detail << 8 | kind;
        for (at, edge) in edges.iter().enumerate() {
            word |= u64::from(*edge == Edge::Next) << (60 + at);
            word |= u64::from(*edge == Edge::Again) << (58 + at);
        }
        if edges != super::ON {
            word |= u64::from(key.budget) << 63;
        }
        self.key.push(word);
        // Holes are numbered in a byte.
        self.values.len() <= 256
    }

    /// The number of a slot: the shared float slots are the same in every shape, others count from 2.
    fn slot(&mut self, block: &Block, slot: Slot) -> u64 {
        if slot == Slot::FP_FLAGS || slot == Slot::FP_ENV {
            return slot.0.into();
        }
        let at = self.slots.iter().position(|known| known.0 == slot).unwrap_or_else(|| {
            let offset = slot_offset(block.guest.register_file(), slot);
            let hole = self.hole(offset.into(), Class::Positive);
            self.slots.push((slot, hole));
            self.slots.len() - 1
        });
        at as u64 + 2
    }

    fn find_uses(&mut self, block: &Block) {
        self.uses.clear();
        self.uses.resize(block.ops.len(), Use::None);
        for op in &block.ops {
            let mut position = 0;
            op.for_each_operand(|operand| {
                let this = use_of(op, position);
                let known = &mut self.uses[operand.index()];
                *known = if *known == Use::None || *known == this { this } else { Use::Shape };
                position += 1;
            });
        }
        if let Some(value) = block.terminator.operand() {
            self.uses[value.index()] = Use::Shape;
        }
        for op in &block.ops {
            let addr = match *op {
                Op::Load { addr, .. }
                | Op::Store { addr, .. }
                | Op::Cas { addr, .. }
                | Op::Rmw { addr, .. }
                | Op::LoadExclusive { addr, .. }
                | Op::StoreExclusive { addr, .. } => addr,
                _ => continue,
            };
            if let Op::Add { a, b } = block.ops[addr.index()] {
                for constant in [a, b] {
                    if self.uses[constant.index()] == Use::Number {
                        self.uses[constant.index()] = Use::Displacement;
                    }
                }
            }
        }
    }
}

fn use_of(op: &Op, position: u32) -> Use {
    match op {
        Op::Add { .. }
        | Op::Sub { .. }
        | Op::And { .. }
        | Op::Or { .. }
        | Op::Xor { .. }
        | Op::AndNot { .. }
        | Op::ICmp { .. }
        | Op::Set { .. }
        | Op::Load { .. }
        | Op::Store { .. } => Use::Number,
        Op::Select { .. } | Op::Carry { .. } | Op::Overflow { .. } if position < 2 => Use::Number,
        Op::Shl { .. } | Op::LShr { .. } | Op::AShr { .. } if position == 1 => Use::Amount,
        _ => Use::Shape,
    }
}

fn constant_class(used: Use, ty: Type, imm: u64) -> Class {
    match (used, ty) {
        // Zero has instructions of its own.
        (_, _) if imm == 0 => Class::Fixed,
        (Use::Amount, Type::I32 | Type::I64) if imm < u64::from(ty.bits()) => Class::Amount,
        (Use::Number | Use::Displacement, Type::I32) => {
            if imm >> 31 & 1 == 0 {
                Class::Positive
            } else {
                Class::Negative
            }
        }
        (Use::Number | Use::Displacement, Type::I64) => match imm as i64 {
            0..=0x7fff_ffff => Class::Positive,
            -0x8000_0000..0 => Class::Negative,
            _ => Class::Wide,
        },
        _ => Class::Fixed,
    }
}

pub(super) fn address_class(address: u64) -> Class {
    if address <= 0x7fff_ffff { Class::Positive } else { Class::Wide }
}

impl Holes {
    /// Placeholders of a shape.
    pub(super) fn new(shape: &Shape, role: Role, placeholders: &[i64]) -> Holes {
        Holes {
            role,
            longest: match role {
                Role::Entry => placeholders[LONGEST] as u32,
                Role::Spend => placeholders[LONGEST].unsigned_abs() as u32,
                Role::Instruction => 1,
            },
            addresses: (!shape.wide_addresses()).then(|| [placeholders[0], placeholders[1]]),
            slots: shape.slots().iter().map(|&(slot, hole)| (slot, placeholders[hole] as i32)).collect(),
            wide: shape
                .constants()
                .iter()
                .filter(|hole| hole.class == Class::Wide)
                .map(|hole| (hole.op, hole.hole as u32))
                .collect(),
            displacements: shape
                .constants()
                .iter()
                .filter(|hole| hole.displacement)
                .map(|hole| Value(hole.op as u32))
                .collect(),
        }
    }
}

/// An attribute of an op as words of a key.
trait Words {
    fn words(&self, key: &mut Vec<u64>);
}

macro_rules! one_word {
    ($($ty:ident),*) => { $(impl Words for $ty {
        fn words(&self, key: &mut Vec<u64>) {
            key.push(*self as u64);
        }
    })* };
}

one_word!(
    bool, u8, u32, u64, Type, Lane, FloatLane, Cond, FloatCond, Quietness, Round, MinMaxRule, InvalidInt,
    Sign, Order, FenceSet, RmwOp, Access, Trap, EnvCall, NarrowMode, LaneOp, EstimateOp, StepOp, X87Op
);

impl Words for u128 {
    fn words(&self, key: &mut Vec<u64>) {
        key.extend([*self as u64, (*self >> 64) as u64]);
    }
}

impl Words for Slot {
    fn words(&self, _: &mut Vec<u64>) {
        unreachable!("slots are numbered by the shape")
    }
}

macro_rules! define_attributes {
    ($($(#[doc = $doc:literal])* $name:ident = $variant:ident($($operand:ident: $class:ident),*)[$($attr:ident: $attr_ty:ty),*] -> $result:ident, $effect:ident;)*) => {
        fn attributes(op: &Op, key: &mut Vec<u64>) {
            let _ = &key;
            match op { $(Op::$variant { $($attr,)* .. } => { $($attr.words(key);)* })* }
        }
    };
}

for_each_op!(define_attributes);
