//! The A extension. Addresses must be naturally aligned: a misaligned one is reported before memory is touched, and
//! Linux makes SIGBUS of it.

use super::{set_x, x};
use crate::ir::{Builder, Cond, Order, RmwOp, Sign, Trap, Type, Value};
use decoders::riscv64::Insn;

/// `lr.w rd, (rs1)`: load 32 bits, sign-extended, and reserve them. (Load-Reserved/Store-Conditional Instructions)
pub fn lr_w(b: &mut Builder, i: &Insn) {
    load_reserved(b, i, Type::I32);
}

/// `sc.w rd, rs2, (rs1)`: store 32 bits if the reservation still holds; 0 to `rd` if it did, else 1.
/// (Load-Reserved/Store-Conditional Instructions)
pub fn sc_w(b: &mut Builder, i: &Insn) {
    store_conditional(b, i, Type::I32);
}

/// `lr.d rd, (rs1)`: load 64 bits, and reserve them. (Load-Reserved/Store-Conditional Instructions)
pub fn lr_d(b: &mut Builder, i: &Insn) {
    load_reserved(b, i, Type::I64);
}

/// `sc.d rd, rs2, (rs1)`: store 64 bits if the reservation still holds; 0 to `rd` if it did, else 1.
/// (Load-Reserved/Store-Conditional Instructions)
pub fn sc_d(b: &mut Builder, i: &Insn) {
    store_conditional(b, i, Type::I64);
}

/// `amoswap.w rd, rs2, (rs1)`: put `rs2` in memory; the old 32 bits, sign-extended to `rd`. (Atomic Memory
/// Operations)
pub fn amoswap_w(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I32, RmwOp::Exchange);
}

/// `amoswap.d rd, rs2, (rs1)`: put `rs2` in memory; the old 64 bits to `rd`. (Atomic Memory Operations)
pub fn amoswap_d(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I64, RmwOp::Exchange);
}

/// `amoadd.w rd, rs2, (rs1)`: add `rs2` to memory; the old 32 bits, sign-extended to `rd`. (Atomic Memory
/// Operations)
pub fn amoadd_w(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I32, RmwOp::Add);
}

/// `amoadd.d rd, rs2, (rs1)`: add `rs2` to memory; the old 64 bits to `rd`. (Atomic Memory Operations)
pub fn amoadd_d(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I64, RmwOp::Add);
}

/// `amoand.w rd, rs2, (rs1)`: and `rs2` to memory; the old 32 bits, sign-extended to `rd`. (Atomic Memory
/// Operations)
pub fn amoand_w(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I32, RmwOp::And);
}

/// `amoand.d rd, rs2, (rs1)`: and `rs2` to memory; the old 64 bits to `rd`. (Atomic Memory Operations)
pub fn amoand_d(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I64, RmwOp::And);
}

/// `amoor.w rd, rs2, (rs1)`: or `rs2` to memory; the old 32 bits, sign-extended to `rd`. (Atomic Memory
/// Operations)
pub fn amoor_w(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I32, RmwOp::Or);
}

/// `amoor.d rd, rs2, (rs1)`: or `rs2` to memory; the old 64 bits to `rd`. (Atomic Memory Operations)
pub fn amoor_d(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I64, RmwOp::Or);
}

/// `amoxor.w rd, rs2, (rs1)`: exclusive-or `rs2` to memory; the old 32 bits, sign-extended to `rd`. (Atomic
/// Memory Operations)
pub fn amoxor_w(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I32, RmwOp::Xor);
}

/// `amoxor.d rd, rs2, (rs1)`: exclusive-or `rs2` to memory; the old 64 bits to `rd`. (Atomic Memory
/// Operations)
pub fn amoxor_d(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I64, RmwOp::Xor);
}

/// `amomax.w rd, rs2, (rs1)`: put the signed maximum of memory and `rs2` in memory; the old 32 bits,
/// sign-extended to `rd`. (Atomic Memory Operations)
pub fn amomax_w(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I32, RmwOp::Smax);
}

/// `amomax.d rd, rs2, (rs1)`: put the signed maximum of memory and `rs2` in memory; the old 64 bits to `rd`.
/// (Atomic Memory Operations)
pub fn amomax_d(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I64, RmwOp::Smax);
}

/// `amomaxu.w rd, rs2, (rs1)`: put the unsigned maximum of memory and `rs2` in memory; the old 32 bits,
/// sign-extended to `rd`. (Atomic Memory Operations)
pub fn amomaxu_w(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I32, RmwOp::Umax);
}

/// `amomaxu.d rd, rs2, (rs1)`: put the unsigned maximum of memory and `rs2` in memory; the old 64 bits to
/// `rd`. (Atomic Memory Operations)
pub fn amomaxu_d(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I64, RmwOp::Umax);
}

/// `amomin.w rd, rs2, (rs1)`: put the signed minimum of memory and `rs2` in memory; the old 32 bits,
/// sign-extended to `rd`. (Atomic Memory Operations)
pub fn amomin_w(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I32, RmwOp::Smin);
}

/// `amomin.d rd, rs2, (rs1)`: put the signed minimum of memory and `rs2` in memory; the old 64 bits to `rd`.
/// (Atomic Memory Operations)
pub fn amomin_d(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I64, RmwOp::Smin);
}

/// `amominu.w rd, rs2, (rs1)`: put the unsigned minimum of memory and `rs2` in memory; the old 32 bits,
/// sign-extended to `rd`. (Atomic Memory Operations)
pub fn amominu_w(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I32, RmwOp::Umin);
}

/// `amominu.d rd, rs2, (rs1)`: put the unsigned minimum of memory and `rs2` in memory; the old 64 bits to
/// `rd`. (Atomic Memory Operations)
pub fn amominu_d(b: &mut Builder, i: &Insn) {
    atomic(b, i, Type::I64, RmwOp::Umin);
}

fn load_reserved(b: &mut Builder, i: &Insn, ty: Type) {
    let addr = aligned(b, i, ty);
    let value = b.load_exclusive(addr, ty, order(i));
    let value = b.resize(value, Type::I64, Sign::Signed);
    set_x(b, i.rd, value);
}

fn store_conditional(b: &mut Builder, i: &Insn, ty: Type) {
    let addr = aligned(b, i, ty);
    let value = x(b, i.rs2);
    let value = b.resize(value, ty, Sign::Unsigned);
    let stored = b.store_exclusive(addr, value, ty, order(i));
    let failed = b.not(stored);
    let failed = b.zext(failed, Type::I64);
    set_x(b, i.rd, failed);
}

fn atomic(b: &mut Builder, i: &Insn, ty: Type, op: RmwOp) {
    let addr = aligned(b, i, ty);
    let value = x(b, i.rs2);
    let value = b.resize(value, ty, Sign::Unsigned);
    let old = b.rmw(addr, value, ty, op, order(i));
    let old = b.resize(old, Type::I64, Sign::Signed);
    set_x(b, i.rd, old);
}

/// The address in `rs1`, which must be a multiple of the access's size.
fn aligned(b: &mut Builder, i: &Insn, ty: Type) -> Value {
    let addr = x(b, i.rs1);
    let low_bits = b.i64(u64::from(ty.bytes()) - 1);
    let rest = b.and(addr, low_bits);
    let zero = b.i64(0);
    let misaligned = b.icmp(rest, zero, Cond::Ne);
    b.trap_if(misaligned, addr, Trap::Misaligned);
    addr
}

/// The `aq` and `rl` bits.
fn order(i: &Insn) -> Order {
    match (i.aq(), i.rl()) {
        (false, false) => Order::Plain,
        (true, false) => Order::Acquire,
        (false, true) => Order::Release,
        (true, true) => Order::AcquireRelease,
    }
}
