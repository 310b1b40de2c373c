//! Helpers that host code calls, and the one that computes any op: the interpreter's own function for it.
//!
//! An op travels as an [`encoded`](encode) word in the code itself, so nothing in a unit points to tables of this
//! process; operands and result travel through `VcpuState::scratch`. Host code calls helpers with Cranelift's
//! `PreserveAll` convention through small thunks (`stubs`), so that a cold call does not make the hot path spill.
//!
//! Invariant: no helper unwinds into host code.

use crate::float::flags;
use crate::for_each_op;
use crate::guest::{Guest, RegisterFile};
use crate::ir::interpret::{World, evaluate_in};
use crate::ir::*;
use crate::memory::Fault;
use crate::run::state::{VcpuState, interrupt};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A function that host code calls: `(state, a, b)`.
pub type HelperFn = extern "C" fn(&mut VcpuState, u64, u64);

/// Position in the helper table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Helper {
    /// `(encoded op, 0)`: operands in `scratch[0..]`, result in `scratch[0]`, float flags in the slot.
    Evaluate,
    /// `(address, size << 8 | write)`: fills the TLB entry; `scratch[0]` is the addend below and 1 above, or 0 above
    /// if the access must be left to the interpreter.
    FillTlb,
}

impl Helper {
    /// Number of helpers.
    pub const COUNT: usize = 2;
}

/// An attribute that fits into an encoded op.
trait Attribute: Sized {
    const BITS: u32;
    fn to_word(&self) -> u64;
    fn from_word(word: u64) -> Self;
}

macro_rules! enum_attributes {
    ($($ty:ident),*) => { $(impl Attribute for $ty {
        const BITS: u32 = 6;
        fn to_word(&self) -> u64 {
            *self as u64
        }
        fn from_word(word: u64) -> Self {
            $ty::ALL[word as usize & 63]
        }
    })* };
}

enum_attributes!(
    Type, Lane, FloatLane, Cond, FloatCond, Quietness, Round, MinMaxRule, InvalidInt, Sign, Order, FenceSet,
    RmwOp, Access, Trap, EnvCall, NarrowMode, LaneOp, EstimateOp, StepOp, X87Op
);

macro_rules! number_attributes {
    ($($ty:ident: $bits:literal),*) => { $(impl Attribute for $ty {
        const BITS: u32 = $bits;
        fn to_word(&self) -> u64 {
            *self as u64
        }
        fn from_word(word: u64) -> Self {
            word as $ty
        }
    })* };
}

// What is wider than an encoded op has a lowering of its own and is never encoded.
number_attributes!(u8: 8, u32: 32, u64: 64, u128: 128);

impl Attribute for bool {
    const BITS: u32 = 1;
    fn to_word(&self) -> u64 {
        (*self).into()
    }
    fn from_word(word: u64) -> Self {
        word & 1 != 0
    }
}

impl Attribute for Slot {
    const BITS: u32 = 16;
    fn to_word(&self) -> u64 {
        self.0.into()
    }
    fn from_word(word: u64) -> Self {
        Slot(word as u16)
    }
}

/// Bits of the op's number, and of its first operand's type and its guest behind it.
const INDEX_BITS: u32 = 8;
const TYPE_BITS: u32 = 4;
const GUEST_BITS: u32 = 2;

macro_rules! define_encoding {
    ($($(#[doc = $doc:literal])* $name:ident = $variant:ident($($operand:ident: $class:ident),*)[$($attr:ident: $attr_ty:ty),*] -> $result:ident, $effect:ident;)*) => {
        /// The attributes of an op in a word from bit `at` on; `None` if they do not fit.
        fn attributes(op: &Op, mut at: u32) -> Option<u64> {
            let mut word = 0;
            match op { $(Op::$variant { $($attr,)* .. } => { $(
                if at + <$attr_ty as Attribute>::BITS > 64 {
                    return None;
                }
                word |= $attr.to_word() << at;
                at += <$attr_ty as Attribute>::BITS;
            )* })* }
            let _ = at;
            Some(word)
        }

        /// The op of a number with its attributes, operands 0, 1, 2.
        fn rebuild(index: usize, word: u64, mut at: u32) -> Op {
            let mut counter = 0;
            $(if counter == index {
                #[allow(unused_mut, unused_variables, reason = "not every op has operands")]
                let mut next = 0u32;
                $(let $operand = Value(next); next += 1;)*
                let _ = next;
                $(
                    let mask = u64::MAX >> (64 - <$attr_ty as Attribute>::BITS.min(64));
                    let $attr = <$attr_ty as Attribute>::from_word(word.checked_shr(at).unwrap_or(0) & mask);
                    at += <$attr_ty as Attribute>::BITS;
                )*
                let _ = at;
                return Op::$variant { $($operand,)* $($attr,)* };
            }
            counter += 1;)*
            let _ = counter;
            unreachable!("an encoded op has a number of the table")
        }
    };
}

for_each_op!(define_encoding);

/// An op as one word, with its guest and the type of its first operand.
///
/// # Panics
/// If its attributes do not fit: such ops have lowerings of their own.
pub(super) fn encode(op: &Op, guest: Guest, first: Option<Type>) -> u64 {
    let header = op.index() as u64
        | (first.unwrap_or(Type::I64) as u64) << INDEX_BITS
        | (guest as u64) << (INDEX_BITS + TYPE_BITS);
    header | attributes(op, INDEX_BITS + TYPE_BITS + GUEST_BITS).expect("an op with small attributes")
}

/// The op of a word, its guest, and the type of its first operand. Ops compare by number in a linear chain that the
/// compiler turns into a jump table.
fn decode(word: u64) -> (Op, Guest, Type) {
    let index = (word & ((1 << INDEX_BITS) - 1)) as usize;
    let ty = Type::ALL[(word >> INDEX_BITS & ((1 << TYPE_BITS) - 1)) as usize];
    let guest = Guest::ALL[(word >> (INDEX_BITS + TYPE_BITS) & ((1 << GUEST_BITS) - 1)) as usize];
    (rebuild(index, word, INDEX_BITS + TYPE_BITS + GUEST_BITS), guest, ty)
}

/// Types of the operands of an encoded op.
fn operand_types(op: &Op, first: Type) -> impl Iterator<Item = Type> {
    op.info().operands.iter().enumerate().map(move |(index, (_, class))| match class {
        Class::Is(ty) => *ty,
        Class::OfLane => op.lane().map_or(first, Lane::ty),
        Class::OfTy => op.ty().unwrap_or(first),
        Class::Same => first,
        // A wide class in another place than the first only happens where the first decides (see the table).
        _ if index == 0 => first,
        _ => match *op {
            Op::VInsertFloat { .. } => Type::F64,
            _ => first,
        },
    })
}

/// The slots that pure and float ops touch.
pub(super) struct StateWorld<'a> {
    pub state: &'a mut VcpuState,
    pub file: &'static RegisterFile,
}

impl World for StateWorld<'_> {
    fn get(&self, slot: Slot) -> u128 {
        self.state.slots.get(self.file, slot)
    }
    fn set(&mut self, slot: Slot, value: u128) {
        self.state.slots.set(self.file, slot, value);
    }
    fn load(&mut self, _: u64, _: Type, _: Order) -> Result<u128, Fault> {
        unreachable!("memory ops are compiled")
    }
    fn store(&mut self, _: u64, _: Type, _: u128, _: Order) -> Result<(), Fault> {
        unreachable!("memory ops are compiled")
    }
    fn probe(&mut self, _: u64, _: u32, _: Access) -> Result<(), Fault> {
        unreachable!("memory ops are compiled")
    }
    fn cas(&mut self, _: u64, _: Type, _: u128, _: u128, _: Order) -> Result<u128, Fault> {
        unreachable!("memory ops are compiled")
    }
    fn rmw(&mut self, _: u64, _: Type, _: RmwOp, _: u128, _: Order) -> Result<u128, Fault> {
        unreachable!("memory ops are compiled")
    }
    fn load_exclusive(&mut self, _: u64, _: Type, _: Order) -> Result<u128, Fault> {
        unreachable!("memory ops are compiled")
    }
    fn store_exclusive(&mut self, _: u64, _: Type, _: u128, _: Order) -> Result<bool, Fault> {
        unreachable!("memory ops are compiled")
    }
    fn clear_exclusive(&mut self) {
        unreachable!("memory ops are compiled")
    }
    fn fence(&mut self, _: FenceSet, _: FenceSet) {
        unreachable!("memory ops are compiled")
    }
    fn env(&mut self, _: EnvCall, _: u64, _: u64) -> u64 {
        unreachable!("compiled code leaves to the interpreter for these")
    }
    fn hook(&mut self, _: u32) -> bool {
        unreachable!("compiled code leaves to the interpreter for these")
    }
}

/// [`Helper::Evaluate`].
pub(super) extern "C" fn evaluate_op(state: &mut VcpuState, encoded: u64, _: u64) {
    let outcome = catch_unwind(AssertUnwindSafe(|| compute(state, encoded)));
    if outcome.is_err() {
        fail(state);
    }
}

/// Makes the next poll leave with the news that a helper panicked.
pub(crate) fn fail(state: &mut VcpuState) {
    state.failed = 1;
    VcpuState::ask(&state.interrupt, &state.memory_limit, interrupt::RESELECT);
}

fn compute(state: &mut VcpuState, encoded: u64) {
    thread_local! {
        static BLOCKS: RefCell<Option<Block>> = const { RefCell::new(None) };
    }
    let (op, guest, first) = decode(encoded);
    // The interpreter asks a block for types and guest only; its vectors are kept between calls.
    let mut block = BLOCKS.take().unwrap_or(Block {
        guest,
        start: 0,
        end: 0,
        instructions: 0,
        ops: Vec::new(),
        types: Vec::new(),
        terminator: Terminator::Trap { trap: Trap::Unsupported },
    });
    block.guest = guest;
    block.types.clear();
    let mut values = [0u128; 3];
    for (index, ty) in operand_types(&op, first).enumerate() {
        values[index] = state.scratch[index] & ty.mask();
        block.types.push(Some(ty));
    }
    let file = guest.register_file();
    let before = state.slots.get(file, Slot::FP_FLAGS) as u32;
    let count = block.types.len();
    let mut world = StateWorld { state, file };
    let result = evaluate_in(&block, &values[..count], &mut world, &op);
    BLOCKS.set(Some(block));
    state.scratch[0] = result;
    let new = state.slots.get(file, Slot::FP_FLAGS) as u32 & !before;
    if new & (flags::INEXACT | flags::DENORMAL) != 0 {
        // Units that rely on these flags take floats inline: let the dispatcher choose anew.
        VcpuState::ask(&state.interrupt, &state.memory_limit, interrupt::RESELECT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ops_survive_encoding() {
        let (a, b, c) = (Value(0), Value(1), Value(2));
        for op in [
            Op::FAdd { a, b, round: Round::Up },
            Op::Fma { a, b, c, round: Round::Current },
            Op::FloatToInt {
                a,
                ty: Type::I32,
                sign: Sign::Unsigned,
                round: Round::TowardZero,
                invalid: InvalidInt::NanZero,
                fraction: 31,
            },
            Op::Crc32 { data: a, crc: b, poly: 0x1edc_6f41 },
            Op::VShift {
                v: a,
                amounts: b,
                lane: Lane::B32,
                sign: Sign::Signed,
                rounding: true,
                saturate: false,
            },
        ] {
            for guest in Guest::ALL {
                assert_eq!(decode(encode(&op, guest, Some(Type::F32))), (op, guest, Type::F32));
            }
        }
    }
}
