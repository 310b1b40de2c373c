//! Logical instructions.

use super::{Lifter, Rows};
use crate::ir::{Builder, RmwOp, Type, Value};
use decoders::x86_64::Mnemonic as M;

pub(super) const ROWS: Rows = &[
    (M::And, |x| bitwise(x, RmwOp::And, Builder::and)),
    (M::Or, |x| bitwise(x, RmwOp::Or, Builder::or)),
    (M::Xor, xor),
    (M::Not, not),
];

/// `and`, `or`, `xor dest, src`: bit by bit. (Logical AND; Logical Inclusive OR; Logical Exclusive OR)
fn bitwise(x: &mut Lifter<'_>, atomic: RmwOp, op: fn(&mut Builder, Value, Value) -> Value) {
    let b = x.read(1);
    let a = if x.insn.has_lock_prefix() { x.rmw(b, atomic) } else { x.read(0) };
    let result = op(x.b, a, b);
    if !x.insn.has_lock_prefix() {
        x.write(0, result);
    }
    x.set_logic_flags(result);
}

/// `xor dest, src`; of a register with itself it is zero, whatever the register holds. (Logical Exclusive OR)
fn xor(x: &mut Lifter<'_>) {
    if !x.is_memory(0) && !x.is_memory(1) && x.insn.op0_register() == x.insn.op1_register() {
        let ty = x.ty(0);
        let zero = x.b.iconst(ty, 0);
        x.write(0, zero);
        return x.set_logic_flags(zero);
    }
    bitwise(x, RmwOp::Xor, Builder::xor);
}

/// `not dest`: complement; no flags. (One's Complement Negation)
fn not(x: &mut Lifter<'_>) {
    let ty: Type = x.ty(0);
    if x.insn.has_lock_prefix() {
        let ones = x.b.iconst(ty, u64::MAX);
        x.rmw(ones, RmwOp::Xor);
        return;
    }
    let a = x.read(0);
    let complement = x.b.not(a);
    x.write(0, complement);
}
