//! AArch64 instructions to IR: one file a section of the manual.
//!
//! Here: the registers as the instruction functions see them, and the dispatch to the sections. Reserved encodings do not
//! get here (the decoder rejects them); instructions that a user-mode program may not execute, and system registers
//! that it may not touch, are `Trap::Illegal`; what is missing is `Trap::Unsupported`.

mod branch;
mod complex;
mod element;
mod flags;
mod float;
mod immediate;
mod lanes;
mod memory;
mod register;
mod structures;
mod system;
mod vector_different;
mod vector_misc;
mod vector_move;
mod vector_same;
mod vector_shift;

pub use system::{COUNTER_FREQUENCY, HWCAP, HWCAP2};

use super::Context;
use crate::guest::aarch64::{self as file, SP};
use crate::ir::{Builder, Lane, Trap, Type, Value};
use decoders::aarch64::{Extension, Insn, Op};
use flags::Flags;
use std::ops::{Deref, DerefMut};

/// What the frontend remembers within a block.
#[derive(Default)]
pub struct Frontend {
    flags: Flags,
}

/// The extensions whose instructions are lifted: what HWCAP and the identification registers tell of, and LOR, which
/// has no instruction that could not stand for a plain ordered access.
const EXTENSIONS: &[Extension] = &[
    Extension::Base,
    Extension::Crc32,
    Extension::Lse,
    Extension::Lor,
    Extension::Rcpc,
    Extension::Rcpc2,
    Extension::FlagM,
    Extension::FlagM2,
    Extension::Rdm,
    Extension::DotProd,
    Extension::Fcma,
    Extension::Fp16,
    Extension::Fp16Fcma,
];

/// Lifts one instruction.
pub fn lift(b: &mut Builder, insn: &Insn, context: &mut Context<'_, Frontend>) {
    let i = *insn;
    if !EXTENSIONS.contains(&i.extension) {
        return b.trap(Trap::Unsupported);
    }
    let l = &mut Lifter { b, pc: context.pc, next: context.next, flags: &mut context.frontend.flags };
    match i.op {
        Op::Immediate(op) => immediate::lift(l, op, i),
        Op::Branch(op) => branch::lift(l, op, i),
        Op::Memory(op) => memory::lift(l, op, i),
        Op::Register(op) => register::lift(l, op, i),
        Op::Float(op) => float::lift(l, op, i),
        Op::VectorSame(op) => vector_same::lift(l, op, i),
        Op::VectorDifferent(op) => vector_different::lift(l, op, i),
        Op::VectorElement(op) => element::lift(l, op, i),
        Op::VectorMisc(op) => vector_misc::lift(l, op, i),
        Op::VectorShift(op) => vector_shift::lift(l, op, i),
        Op::VectorMove(op) => vector_move::lift(l, op, i),
        Op::Crypto(_) => l.trap(Trap::Unsupported),
    }
}

/// The builder of the block, with AArch64's registers and flags.
struct Lifter<'a> {
    b: &'a mut Builder,
    /// Address of the instruction.
    pc: u64,
    /// Address of the instruction behind it.
    next: u64,
    flags: &'a mut Flags,
}

impl Deref for Lifter<'_> {
    type Target = Builder;

    fn deref(&self) -> &Builder {
        self.b
    }
}

impl DerefMut for Lifter<'_> {
    fn deref_mut(&mut self) -> &mut Builder {
        self.b
    }
}

/// The type of a general register: X if `sf`, else W.
const fn width(sf: bool) -> Type {
    if sf { Type::I64 } else { Type::I32 }
}

impl Lifter<'_> {
    /// A general register as 64 or 32 bits; 31 is zero.
    fn reg(&mut self, number: u8, ty: Type) -> Value {
        if number == 31 {
            return self.iconst(ty, 0);
        }
        let value = self.get(file::x(number));
        self.resize(value, ty, crate::ir::Sign::Unsigned)
    }

    /// A general register as 64 bits; 31 is zero.
    fn x(&mut self, number: u8) -> Value {
        self.reg(number, Type::I64)
    }

    /// Writes an integer of up to 64 bits, zero-extended; 31 is discarded.
    fn set_reg(&mut self, number: u8, value: Value) {
        if number != 31 {
            let value = self.resize(value, Type::I64, crate::ir::Sign::Unsigned);
            self.set(value, file::x(number));
        }
    }

    /// A general register or, for 31, the stack pointer.
    fn reg_or_sp(&mut self, number: u8, ty: Type) -> Value {
        if number == 31 {
            let sp = self.get(SP);
            return self.resize(sp, ty, crate::ir::Sign::Unsigned);
        }
        self.reg(number, ty)
    }

    /// Writes a general register or, for 31, the stack pointer.
    fn set_reg_or_sp(&mut self, number: u8, value: Value) {
        if number == 31 {
            let value = self.resize(value, Type::I64, crate::ir::Sign::Unsigned);
            self.set(value, SP);
        } else {
            self.set_reg(number, value);
        }
    }

    /// A vector register, all 128 bits.
    fn v(&mut self, number: u8) -> Value {
        self.get(file::v(number))
    }

    /// Writes all 128 bits of a vector register.
    fn set_v(&mut self, number: u8, value: Value) {
        self.set(value, file::v(number));
    }

    /// Writes a vector of 128 bits if `q`, else its lower 64 bits and zeros.
    fn set_vector(&mut self, number: u8, value: Value, q: bool) {
        let value = if q { value } else { self.lower_half(value) };
        self.set_v(number, value);
    }

    /// Lane 0 of a vector register as a float.
    fn float(&mut self, number: u8, ty: Type) -> Value {
        let v = self.v(number);
        self.vextract_float(v, ty, 0)
    }

    /// Writes a scalar (integer or float) to a vector register; all other bits become zero.
    fn set_scalar(&mut self, number: u8, value: Value) {
        let v = self.vfrom_scalar(value);
        self.set_v(number, v);
    }

    /// The vector's lower 64 bits, zeros above.
    fn lower_half(&mut self, v: Value) -> Value {
        let low = self.vextract(v, Lane::B64, 0);
        self.vfrom_scalar(low)
    }

    /// Leaves with an alignment fault unless `addr` is a multiple of `size`.
    fn check_aligned(&mut self, addr: Value, size: u64) {
        if size > 1 {
            let mask = self.i64(size - 1);
            let zero = self.i64(0);
            let low = self.and(addr, mask);
            let misaligned = self.icmp(low, zero, crate::ir::Cond::Ne);
            self.trap_if(misaligned, addr, Trap::Misaligned);
        }
    }
}
