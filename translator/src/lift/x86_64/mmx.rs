//! MMX state: the eight 64-bit registers that are the x87's by number, and the instructions that only they have.
//!
//! Most mnemonics are shared with SSE2 and SSSE3, whose functions work on the lower halves of vectors here: [`Lifter::read_vector`]
//! and [`Lifter::write_vector`] know the difference. The x87's registers are kept by their place in the stack (see
//! [`crate::guest::x86_64`]); every MMX instruction but `emms` sets the top to 0 and marks all in use, so the first one in a block turns
//! the stack, and those that follow find it turned.

use super::operand::ORDER;
use super::{Lift, Lifter, Rows};
use crate::float;
use crate::guest::x86_64::{self as state, st};
use crate::ir::{Access, Cond, FloatLane, InvalidInt, Lane, Round, Sign, Trap, Type, Value};
use decoders::x86_64::{Mnemonic as M, OpKind};

const RDI: u8 = 7;

pub(super) const ROWS: Rows = &[
    (M::Emms, emms),
    (M::Movntq, movntq),
    (M::Movq2dq, movq2dq),
    (M::Movdq2q, movdq2q),
    (M::Maskmovq, maskmovq),
    (M::Pshufw, pshufw),
];

/// The conversions, which raise float exceptions.
pub(super) const FLOAT_ROWS: Rows = &[
    (M::Cvtpi2ps, cvtpi2ps),
    (M::Cvtpi2pd, cvtpi2pd),
    (M::Cvtps2pi, |x| to_integers(x, Type::F32, Round::Current)),
    (M::Cvttps2pi, |x| to_integers(x, Type::F32, Round::TowardZero)),
    (M::Cvtpd2pi, |x| to_integers(x, Type::F64, Round::Current)),
    (M::Cvttpd2pi, |x| to_integers(x, Type::F64, Round::TowardZero)),
];

impl Lifter<'_> {
    /// Whether an operand is an MMX register.
    pub(super) fn is_mmx(&self) -> bool {
        (0..self.insn.op_count()).any(|n| self.is_mm(n))
    }

    /// Whether operand `n` is an MMX register.
    pub(super) fn is_mm(&self, n: u32) -> bool {
        self.insn.op_kind(n) == OpKind::Register && self.insn.op_register(n).is_mm()
    }

    /// Lifts by `function`, with the MMX registers in place, and puts the x87 into MMX's state.
    pub(super) fn with_mmx_registers(&mut self, function: Lift) {
        self.check_x87_exceptions();
        let registers =
            if *self.in_mmx { std::array::from_fn(|i| self.b.get(st(i as u8))) } else { self.by_number() };
        self.mmx = Some(registers);
        let traps =
            self.env.traps(float::flags::ALL) && FLOAT_ROWS.iter().any(|row| row.0 == self.insn.mnemonic());
        let (vector, before) = if self.insn.op0_register().is_xmm() {
            let slot = self.xmm_slot(0);
            (Some(slot), self.b.get(slot))
        } else {
            (None, registers[0])
        };
        let trap = if traps {
            Some(self.gathering_exceptions(self.env, function))
        } else {
            function(self);
            None
        };
        let mut changed = self.mmx.take().expect("nothing else takes them");
        // An unmasked exception keeps the result from being written; the x87 is in MMX's state even so.
        if let Some(trap) = trap {
            for (new, old) in changed.iter_mut().zip(registers) {
                if *new != old {
                    *new = self.b.select(old, *new, trap);
                }
            }
            if let Some(slot) = vector {
                let after = self.b.get(slot);
                let value = self.b.select(before, after, trap);
                self.b.set(value, slot);
            }
        }
        for (number, (new, old)) in changed.into_iter().zip(registers).enumerate() {
            if new != old || !*self.in_mmx {
                self.b.set(new, st(number as u8));
            }
        }
        if !*self.in_mmx {
            let (top, tags) = (self.b.iconst(Type::I8, 0), self.b.iconst(Type::I8, 0xff));
            self.b.set(top, state::FTOP);
            self.b.set(tags, state::FTAG);
            *self.in_mmx = true;
        }
        if let Some(trap) = trap {
            let nowhere = self.b.i64(0);
            self.b.trap_if(trap, nowhere, Trap::FloatError);
        }
    }

    /// The x87's registers by number, which is the place plus the top.
    pub(super) fn by_number(&mut self) -> [Value; 8] {
        let top = self.b.get(state::FTOP);
        let places = self.b.neg(top);
        self.turned_by(places)
    }

    /// The 64 bits of the MMX register that is operand `n`.
    pub(super) fn read_mm(&mut self, n: u32) -> Value {
        let registers = self.mmx.expect("an MMX instruction");
        self.b.low(registers[self.insn.op_register(n).number()])
    }

    /// Writes the MMX register that is operand `n`; sign and exponent become ones.
    pub(super) fn write_mm(&mut self, n: u32, low: Value) {
        let ones = self.b.i64(0xffff);
        let whole = self.b.concat(low, ones);
        let number = self.insn.op_register(n).number();
        self.mmx.as_mut().expect("an MMX instruction")[number] = whole;
    }
}

/// `emms`: every register is empty, the top is 0. (Empty MMX Technology State)
fn emms(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    for (number, value) in x.by_number().into_iter().enumerate() {
        x.b.set(value, st(number as u8));
    }
    let zero = x.b.iconst(Type::I8, 0);
    x.b.set(zero, state::FTOP);
    x.b.set(zero, state::FTAG);
    *x.in_mmx = false;
}

/// `movntq m64, mm`: store past the cache. (Store of Quadword Using Non-Temporal Hint)
fn movntq(x: &mut Lifter<'_>) {
    let value = x.read_mm(1);
    x.store(value);
}

/// `movq2dq xmm, mm`: move, with zeros above. (Move Quadword from MMX Technology to XMM Register)
fn movq2dq(x: &mut Lifter<'_>) {
    let value = x.read_mm(1);
    let whole = x.b.vfrom_scalar(value);
    let slot = x.xmm_slot(0);
    x.b.set(whole, slot);
}

/// `movdq2q mm, xmm`: move the lower half. (Move Quadword from XMM to MMX Technology Register)
fn movdq2q(x: &mut Lifter<'_>) {
    let slot = x.xmm_slot(1);
    let whole = x.b.get(slot);
    let low = x.b.vextract(whole, Lane::B64, 0);
    x.write_mm(0, low);
}

/// `maskmovq mm, mm`: store the bytes of the first register, to rdi, whose byte in the second has its sign set. (Store Selected Bytes
/// of Quadword)
fn maskmovq(x: &mut Lifter<'_>) {
    let (value, mask) = (x.read_mm(1), x.read_mm(2));
    let narrow = x.insn.op_kind(0) == OpKind::MemorySegEDI;
    let pointer = x.read_gpr(RDI, if narrow { Type::I32 } else { Type::I64 });
    let pointer = x.b.resize(pointer, Type::I64, Sign::Unsigned);
    let pointer = x.with_segment_base(pointer);
    x.b.probe(pointer, Access::Write, 8);
    let old = x.b.load(pointer, Type::I64, ORDER);
    let [value, mask, old] = [value, mask, old].map(|v| x.b.vfrom_scalar(v));
    let zero = x.b.vconst(0);
    let chosen = x.b.vicmp(mask, zero, Lane::B8, Cond::Slt);
    let merged = x.b.vselect(chosen, value, old);
    let merged = x.b.vextract(merged, Lane::B64, 0);
    x.b.store(pointer, merged, ORDER);
}

/// `pshufw mm, mm/m64, imm8`: any four words of the source. (Shuffle Packed Words)
fn pshufw(x: &mut Lifter<'_>) {
    let select = x.insn.immediate8();
    let value = x.read_vector(1);
    let [a, b, c, d] = [0, 2, 4, 6].map(|at| select >> at & 3);
    let result = x.b.vshuffle(value, value, super::shuffle::lanes::<8>([a, b, c, d, 4, 5, 6, 7]));
    x.write_vector(0, result);
}

/// `cvtpi2ps xmm, mm/m64`: two integers to singles in the lower half. (Convert Packed Dword Integers to Packed Single Precision
/// Floating-Point Values)
fn cvtpi2ps(x: &mut Lifter<'_>) {
    let value = if x.is_memory(1) { x.read_low_vector(1, Lane::B64) } else { x.read_vector(1) };
    let singles = x.b.vint_to_float(value, FloatLane::F32, Sign::Signed, Round::Current, 0);
    let low = x.b.vextract(singles, Lane::B64, 0);
    let slot = x.xmm_slot(0);
    let old = x.b.get(slot);
    let new = x.b.vinsert(old, low, Lane::B64, 0);
    x.b.set(new, slot);
}

/// `cvtpi2pd xmm, mm/m64`: two integers to doubles. From memory it is no MMX instruction. (Convert Packed Dword Integers to Packed
/// Double Precision Floating-Point Values)
fn cvtpi2pd(x: &mut Lifter<'_>) {
    let value = if x.is_memory(1) { x.read_low_vector(1, Lane::B64) } else { x.read_vector(1) };
    let wide = x.b.vwiden_low(value, Lane::B32, Sign::Signed);
    let doubles = x.b.vint_to_float(wide, FloatLane::F64, Sign::Signed, Round::Current, 0);
    let slot = x.xmm_slot(0);
    x.b.set(doubles, slot);
}

/// `cvtps2pi`, `cvttps2pi mm, xmm/m64`, `cvtpd2pi`, `cvttpd2pi mm, xmm/m128`: two floats to integers. (Convert Packed Single
/// Precision Floating-Point Values to Packed Dword Integers and others)
fn to_integers(x: &mut Lifter<'_>, from: Type, round: Round) {
    let value = match (x.is_memory(1), from) {
        (true, Type::F32) => x.read_low_vector(1, Lane::B64),
        (true, _) => {
            x.check_alignment(16);
            x.load(Type::V128)
        }
        _ => {
            let slot = x.xmm_slot(1);
            x.b.get(slot)
        }
    };
    let mut result: Value = x.b.vconst(0);
    for index in 0..2 {
        let float = x.b.vextract_float(value, from, index);
        let int = x.b.float_to_int(float, Type::I32, Sign::Signed, round, InvalidInt::Indefinite, 0);
        result = x.b.vinsert(result, int, Lane::B32, index);
    }
    x.write_vector(0, result);
}
