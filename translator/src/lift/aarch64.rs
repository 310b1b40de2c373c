//! AArch64 instructions to IR: one file a section of the manual.
//!
//! Here: the registers as the instruction functions see them, and the dispatch to the sections. Reserved encodings do not
//! get here (the decoder rejects them); instructions that a user-mode program may not execute, and system registers
//! that it may not touch, are `Trap::Illegal`; what is missing is `Trap::Unsupported`.

mod bfloat;
mod branch;
mod complex;
mod crypto;
mod dot_product;
mod element;
mod flags;
mod float;
mod half_product;
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
use crate::guest::FpEnv;
use crate::guest::aarch64::{self as file, SP};
use crate::ir::{Builder, Lane, Op, Trap, Type, Value};
use decoders::aarch64::{self as decoder, Extension, Insn};
use flags::Flags;
use std::ops::{Deref, DerefMut};

/// What the stack pointer is a multiple of where memory is accessed through it.
const SP_ALIGNMENT: u64 = 16;

/// What the frontend remembers within a block.
#[derive(Default)]
pub struct Frontend {
    flags: Flags,
    /// An access of this block has found SP aligned, and it moved by multiples of 16 since.
    sp_is_aligned: bool,
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
    Extension::Sb,
    Extension::Rdm,
    Extension::DotProd,
    Extension::Fcma,
    Extension::Fp16,
    Extension::Fp16Fcma,
    Extension::Fhm,
    Extension::JsCvt,
    Extension::FrintTs,
    Extension::I8mm,
    Extension::Bf16,
    Extension::Aes,
    Extension::Sha1,
    Extension::Sha256,
    Extension::Sha512,
    Extension::Sha3,
    Extension::Sm3,
    Extension::Sm4,
];

/// Lifts one instruction.
pub fn lift(b: &mut Builder, insn: &Insn, context: &mut Context<'_, Frontend>) {
    let i = *insn;
    if !EXTENSIONS.contains(&i.extension) {
        return b.trap(Trap::Unsupported);
    }
    let l = &mut Lifter {
        b,
        pc: context.pc,
        next: context.next,
        env: context.options.env,
        flags: &mut context.frontend.flags,
        sp_is_aligned: &mut context.frontend.sp_is_aligned,
    };
    match i.op {
        decoder::Op::Immediate(op) => immediate::lift(l, op, i),
        decoder::Op::Branch(op) => branch::lift(l, op, i),
        decoder::Op::Memory(op) => memory::lift(l, op, i),
        decoder::Op::Register(op) => register::lift(l, op, i),
        decoder::Op::Float(op) => float::lift(l, op, i),
        decoder::Op::VectorSame(op) => vector_same::lift(l, op, i),
        decoder::Op::VectorDifferent(op) => vector_different::lift(l, op, i),
        decoder::Op::VectorElement(op) => element::lift(l, op, i),
        decoder::Op::VectorMisc(op) => vector_misc::lift(l, op, i),
        decoder::Op::VectorShift(op) => vector_shift::lift(l, op, i),
        decoder::Op::VectorMove(op) => vector_move::lift(l, op, i),
        decoder::Op::Crypto(op) => crypto::lift(l, op, i),
    }
}

/// The builder of the block, with AArch64's registers and flags.
struct Lifter<'a> {
    b: &'a mut Builder,
    /// Address of the instruction.
    pc: u64,
    /// Address of the instruction behind it.
    next: u64,
    /// The float environment that the code will run in.
    env: FpEnv,
    flags: &'a mut Flags,
    sp_is_aligned: &'a mut bool,
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
            *self.sp_is_aligned = self.is_aligned_sp(value);
            self.set(value, SP);
        } else {
            self.set_reg(number, value);
        }
    }

    /// Whether a value for SP is known to be a multiple of 16.
    fn is_aligned_sp(&self, value: Value) -> bool {
        let multiple = |value| self.as_const(value).is_some_and(|imm| imm.is_multiple_of(SP_ALIGNMENT));
        match *self.op(value) {
            Op::And { b: mask, .. } => multiple(mask),
            Op::Add { a, b: offset } | Op::Sub { a, b: offset } => {
                *self.sp_is_aligned && multiple(offset) && matches!(self.op(a), Op::Get { slot: SP })
            }
            _ => false,
        }
    }

    /// The base register of an access. A stack pointer that is no multiple of 16 faults (Linux sets SCTLR_EL1.SA0).
    fn base(&mut self, number: u8) -> Value {
        let base = self.reg_or_sp(number, Type::I64);
        if number == 31 && !*self.sp_is_aligned {
            self.check_aligned(base, SP_ALIGNMENT);
            *self.sp_is_aligned = true;
        }
        base
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
            // The kernel reports the address without its tag.
            let byte = self.i64(8);
            let shifted = self.shl(addr, byte);
            let kept = self.ashr(shifted, byte);
            let untagged = self.and(addr, kept);
            self.trap_if(misaligned, untagged, Trap::Misaligned);
        }
    }
}
