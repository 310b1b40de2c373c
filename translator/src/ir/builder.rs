//! The typed builder: one method an op, generated from the op table, and what the lifters need around it.

use super::ops::{Op, ResultRule};
use super::types::*;
use super::{Block, Slot, Terminator, Value};
use crate::for_each_op;
use crate::guest::{Guest, RegisterFile};

/// Builds one block.
///
/// Op methods take operands, then attributes, in the order of the table, and return the value (or `()` where the op
/// has no result): `b.add(x, y)`, `b.load(addr, Type::I32, Order::Plain)`, `b.set(value, slot)`.
pub struct Builder {
    block: Block,
    file: &'static RegisterFile,
    terminated: bool,
}

macro_rules! return_type {
    (None) => {
        ()
    };
    ($other:ident) => {
        Value
    };
}

macro_rules! return_value {
    (None, $value:expr) => {{
        let _ = $value;
    }};
    ($other:ident, $value:expr) => {
        $value
    };
}

macro_rules! define_builder {
    ($($(#[doc = $doc:literal])* $name:ident = $variant:ident($($operand:ident: $class:ident),*)[$($attr:ident: $attr_ty:ty),*] -> $result:ident, $effect:ident;)*) => {
        impl Builder {
            $(
                $(#[doc = $doc])*
                #[allow(clippy::should_implement_trait, reason = "named like the op")]
                pub fn $name(&mut self, $($operand: Value,)* $($attr: $attr_ty,)*) -> return_type!($result) {
                    return_value!($result, self.push(Op::$variant { $($operand,)* $($attr,)* }))
                }
            )*
        }
    };
}

for_each_op!(define_builder);

impl Builder {
    /// Starts a block at `start`.
    pub fn new(guest: Guest, start: u64) -> Builder {
        Builder::in_place_of(Block::with_room(guest, 64), start)
    }

    /// Starts a block of the same guest as another one, whose room it takes.
    pub fn in_place_of(mut block: Block, start: u64) -> Builder {
        block.ops.clear();
        block.types.clear();
        let file = block.guest.register_file();
        Builder { block: Block { start, end: start, instructions: 0, ..block }, file, terminated: false }
    }

    /// Appends an op and returns its value; for an op without result the value is of no use.
    pub fn push(&mut self, op: Op) -> Value {
        debug_assert!(!self.terminated, "op after the terminator");
        let value = Value(self.block.ops.len() as u32);
        let mut first = None;
        op.for_each_operand(|operand| first = first.or(Some(operand)));
        let ty = match op.info().result {
            ResultRule::None => None,
            ResultRule::Same => first.and_then(|first| self.type_of(first)),
            ResultRule::Ty => op.ty(),
            ResultRule::OfLane => op.lane().map(Lane::ty),
            ResultRule::OfSlot => match op {
                Op::Get { slot } => Some(self.file.slot(slot).ty),
                _ => None,
            },
            ResultRule::Is(ty) => Some(ty),
        };
        if let Op::Instruction { .. } = op {
            self.block.instructions += 1;
        }
        self.block.ops.push(op);
        self.block.types.push(ty);
        value
    }

    /// Type of a value made by this builder.
    pub fn ty(&self, value: Value) -> Type {
        self.block.ty(value)
    }

    /// Type of a value, or `None` where the op at that position has no result or does not exist.
    pub fn type_of(&self, value: Value) -> Option<Type> {
        self.block.types.get(value.index()).copied().flatten()
    }

    /// The op that made a value.
    pub fn op(&self, value: Value) -> &Op {
        &self.block.ops[value.index()]
    }

    /// The block as far as it is built.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// Replaces the op that was pushed last by one with the same result type.
    pub fn replace_last(&mut self, op: Op) {
        *self.block.ops.last_mut().expect("an op was pushed") = op;
    }

    /// If the value is an integer constant, its bits.
    pub fn as_const(&self, value: Value) -> Option<u64> {
        self.block.constant(value)
    }

    /// Integer constant of type `ty`, truncated to it.
    pub fn iconst(&mut self, ty: Type, imm: u64) -> Value {
        self.constant(ty, imm & ty.mask() as u64)
    }

    /// 64-bit constant.
    pub fn i64(&mut self, imm: u64) -> Value {
        self.iconst(Type::I64, imm)
    }

    /// 32-bit constant.
    pub fn i32(&mut self, imm: u32) -> Value {
        self.iconst(Type::I32, imm.into())
    }

    /// One-bit constant.
    pub fn i1(&mut self, imm: bool) -> Value {
        self.iconst(Type::I1, imm.into())
    }

    /// Zero- or sign-extends or truncates an integer to `ty`, whatever its width.
    pub fn resize(&mut self, value: Value, ty: Type, sign: Sign) -> Value {
        let from = self.ty(value);
        match (from.bits().cmp(&ty.bits()), sign) {
            (std::cmp::Ordering::Equal, _) => value,
            (std::cmp::Ordering::Greater, _) => self.trunc(value, ty),
            (std::cmp::Ordering::Less, Sign::Signed) => self.sext(value, ty),
            (std::cmp::Ordering::Less, Sign::Unsigned) => self.zext(value, ty),
        }
    }

    /// The complement of a value of any integer type.
    pub fn not(&mut self, value: Value) -> Value {
        let ty = self.ty(value);
        let ones = self.iconst(ty, u64::MAX);
        self.xor(value, ones)
    }

    /// Zero minus the value.
    pub fn neg(&mut self, value: Value) -> Value {
        let ty = self.ty(value);
        let zero = self.iconst(ty, 0);
        self.sub(zero, value)
    }

    /// Reads a slot.
    pub fn read(&mut self, slot: Slot) -> Value {
        self.get(slot)
    }

    /// Number of instructions so far.
    pub fn instructions(&self) -> u32 {
        self.block.instructions
    }

    /// Whether the block has its terminator.
    pub fn is_terminated(&self) -> bool {
        self.terminated
    }

    /// Ends the block. The first terminator counts.
    pub fn terminate(&mut self, terminator: Terminator) {
        if !self.terminated {
            self.block.terminator = terminator;
            self.terminated = true;
        }
    }

    /// Ends with a jump.
    pub fn jump(&mut self, target: u64) {
        self.terminate(Terminator::Jump { target });
    }

    /// Ends with a conditional branch.
    pub fn branch(&mut self, cond: Value, taken: u64, fallthrough: u64) {
        debug_assert_eq!(self.ty(cond), Type::I1);
        self.terminate(Terminator::Branch { cond, taken, fallthrough });
    }

    /// Ends with one iteration of an instruction that goes on at `here`, itself, while `again` holds.
    pub fn repeat(&mut self, again: Value, here: u64, next: u64) {
        debug_assert_eq!(self.ty(again), Type::I1);
        self.terminate(Terminator::Repeat { again, here, next });
    }

    /// Ends with a jump to a computed address.
    pub fn indirect(&mut self, target: Value, hint: Hint) {
        debug_assert_eq!(self.ty(target), Type::I64);
        self.terminate(Terminator::Indirect { target, hint });
    }

    /// Ends with a trap at the current instruction.
    pub fn trap(&mut self, trap: Trap) {
        self.terminate(Terminator::Trap { trap });
    }

    /// The finished block; `end` is the address behind its last byte.
    ///
    /// # Panics
    /// If it has no terminator: a bug in the lifter.
    pub fn finish(mut self, end: u64) -> Block {
        assert!(self.terminated, "a block needs a terminator");
        self.block.end = end;
        self.block
    }
}
