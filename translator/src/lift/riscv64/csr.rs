//! Control and status registers that user programs reach: `fflags`, `frm`, `fcsr`, and the counters `cycle`, `time`
//! and `instret`. Any other, and a write to a counter, is an illegal instruction.
//!
//! `fflags` is the state slot of the float exception flags, `frm` are the low three bits of the float environment's
//! slot. The environment is part of the unit key, and so is whether inexact is set: a write to either ends the block.

use super::{Frontend, set_x, x};
use crate::ir::{Builder, EnvCall, Slot, Terminator, Trap, Type, Value};
use crate::lift::Context;
use decoders::riscv64::{Insn, csr};

/// `csrrw rd, csr, rs1`: the CSR to `rd`, `rs1` to the CSR. (CSR Instructions)
pub fn csrrw(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    access(b, i, c, Source::Register, |_, _, operand| operand);
}

/// `csrrs rd, csr, rs1`: the CSR to `rd`, the bits of `rs1` set in the CSR. (CSR Instructions)
pub fn csrrs(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    access(b, i, c, Source::RegisterBits, Builder::or);
}

/// `csrrc rd, csr, rs1`: the CSR to `rd`, the bits of `rs1` cleared in the CSR. (CSR Instructions)
pub fn csrrc(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    access(b, i, c, Source::RegisterBits, Builder::andnot);
}

/// `csrrwi rd, csr, uimm`: the CSR to `rd`, the immediate to the CSR. (CSR Instructions)
pub fn csrrwi(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    access(b, i, c, Source::Immediate, |_, _, operand| operand);
}

/// `csrrsi rd, csr, uimm`: the CSR to `rd`, the bits of the immediate set in the CSR. (CSR Instructions)
pub fn csrrsi(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    access(b, i, c, Source::ImmediateBits, Builder::or);
}

/// `csrrci rd, csr, uimm`: the CSR to `rd`, the bits of the immediate cleared in the CSR. (CSR Instructions)
pub fn csrrci(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    access(b, i, c, Source::ImmediateBits, Builder::andnot);
}

/// The operand of a CSR instruction. With the `Bits` forms, the field 0 means that nothing is written.
#[derive(Clone, Copy, PartialEq)]
enum Source {
    Register,
    RegisterBits,
    Immediate,
    ImmediateBits,
}

/// Reads the CSR unless the result is lost, and writes `combine(old, operand)` unless nothing is to be written.
fn access(
    b: &mut Builder,
    i: &Insn,
    c: &Context<'_, Frontend>,
    source: Source,
    combine: impl FnOnce(&mut Builder, Value, Value) -> Value,
) {
    let number = i.imm as u16;
    let replaces = matches!(source, Source::Register | Source::Immediate);
    let writes = replaces || i.rs1 != 0;
    if csr::name(number).is_none() || writes && is_read_only(number) {
        b.trap(Trap::Illegal);
        return;
    }
    let operand = match source {
        Source::Register | Source::RegisterBits => x(b, i.rs1),
        Source::Immediate | Source::ImmediateBits => b.i64(i.rs1.into()),
    };
    let old = if replaces && i.rd == 0 { operand } else { read(b, number) };
    if writes {
        let new = combine(b, old, operand);
        write(b, number, new);
    }
    set_x(b, i.rd, old);
    if writes {
        b.terminate(Terminator::Resync { next: c.next });
    }
}

/// The two highest bits of the number say so.
fn is_read_only(number: u16) -> bool {
    number >> 10 == 3
}

fn read(b: &mut Builder, number: u16) -> Value {
    let nothing = |b: &mut Builder| b.i64(0);
    match number {
        csr::FFLAGS => fflags(b),
        csr::FRM => frm(b),
        csr::FCSR => {
            let (flags, mode) = (fflags(b), frm(b));
            let five = b.i64(5);
            let mode = b.shl(mode, five);
            b.or(mode, flags)
        }
        csr::CYCLE | csr::TIME => {
            let zero = nothing(b);
            b.env(zero, zero, EnvCall::Counter)
        }
        csr::INSTRET => {
            let zero = nothing(b);
            b.env(zero, zero, EnvCall::Retired)
        }
        _ => unreachable!("CSR {number:#x} was refused before"),
    }
}

fn write(b: &mut Builder, number: u16, value: Value) {
    match number {
        csr::FFLAGS => set_field(b, value, 0x1f, Slot::FP_FLAGS),
        csr::FRM => set_field(b, value, 7, Slot::FP_ENV),
        csr::FCSR => {
            set_field(b, value, 0x1f, Slot::FP_FLAGS);
            let five = b.i64(5);
            let mode = b.lshr(value, five);
            set_field(b, mode, 7, Slot::FP_ENV);
        }
        _ => unreachable!("CSR {number:#x} was refused before"),
    }
}

fn fflags(b: &mut Builder) -> Value {
    field(b, Slot::FP_FLAGS, 0x1f)
}

fn frm(b: &mut Builder) -> Value {
    field(b, Slot::FP_ENV, 7)
}

fn field(b: &mut Builder, slot: Slot, mask: u32) -> Value {
    let word = b.get(slot);
    let mask = b.i32(mask);
    let word = b.and(word, mask);
    b.zext(word, Type::I64)
}

fn set_field(b: &mut Builder, value: Value, mask: u32, slot: Slot) {
    let word = b.trunc(value, Type::I32);
    let mask = b.i32(mask);
    let word = b.and(word, mask);
    b.set(word, slot);
}
