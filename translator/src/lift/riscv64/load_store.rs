//! Loads and stores of integer registers. Misaligned accesses work, as Linux promises to user programs; they may tear.

use super::{address, set_x, x};
use crate::ir::{Builder, Order, Sign, Type};
use decoders::riscv64::Insn;

/// `lb rd, offset(rs1)`: load 8 bits, sign-extended. (Load and Store Instructions)
pub fn lb(b: &mut Builder, i: &Insn) {
    load(b, i, Type::I8, Sign::Signed);
}

/// `lh rd, offset(rs1)`: load 16 bits, sign-extended. (Load and Store Instructions)
pub fn lh(b: &mut Builder, i: &Insn) {
    load(b, i, Type::I16, Sign::Signed);
}

/// `lw rd, offset(rs1)`: load 32 bits, sign-extended. (Load and Store Instructions)
pub fn lw(b: &mut Builder, i: &Insn) {
    load(b, i, Type::I32, Sign::Signed);
}

/// `ld rd, offset(rs1)`: load 64 bits. (Load and Store Instructions)
pub fn ld(b: &mut Builder, i: &Insn) {
    load(b, i, Type::I64, Sign::Signed);
}

/// `lbu rd, offset(rs1)`: load 8 bits, zero-extended. (Load and Store Instructions)
pub fn lbu(b: &mut Builder, i: &Insn) {
    load(b, i, Type::I8, Sign::Unsigned);
}

/// `lhu rd, offset(rs1)`: load 16 bits, zero-extended. (Load and Store Instructions)
pub fn lhu(b: &mut Builder, i: &Insn) {
    load(b, i, Type::I16, Sign::Unsigned);
}

/// `lwu rd, offset(rs1)`: load 32 bits, zero-extended. (Load and Store Instructions)
pub fn lwu(b: &mut Builder, i: &Insn) {
    load(b, i, Type::I32, Sign::Unsigned);
}

/// `sb rs2, offset(rs1)`: store the low 8 bits. (Load and Store Instructions)
pub fn sb(b: &mut Builder, i: &Insn) {
    store(b, i, Type::I8);
}

/// `sh rs2, offset(rs1)`: store the low 16 bits. (Load and Store Instructions)
pub fn sh(b: &mut Builder, i: &Insn) {
    store(b, i, Type::I16);
}

/// `sw rs2, offset(rs1)`: store the low 32 bits. (Load and Store Instructions)
pub fn sw(b: &mut Builder, i: &Insn) {
    store(b, i, Type::I32);
}

/// `sd rs2, offset(rs1)`: store 64 bits. (Load and Store Instructions)
pub fn sd(b: &mut Builder, i: &Insn) {
    store(b, i, Type::I64);
}

fn load(b: &mut Builder, i: &Insn, ty: Type, sign: Sign) {
    let addr = address(b, i);
    // Also into x0: the access may fault.
    let value = b.load(addr, ty, Order::Plain);
    if i.rd != 0 {
        let value = b.resize(value, Type::I64, sign);
        set_x(b, i.rd, value);
    }
}

fn store(b: &mut Builder, i: &Insn, ty: Type) {
    let addr = address(b, i);
    let value = x(b, i.rs2);
    let value = b.resize(value, ty, Sign::Unsigned);
    b.store(addr, value, Order::Plain);
}
