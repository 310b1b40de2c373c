//! The Zicond extension.

use super::register_register;
use crate::ir::{Builder, Cond, Value};
use decoders::riscv64::Insn;

/// `czero.eqz rd, rs1, rs2`: zero if `rs2` is zero, else `rs1`. (Zicond)
pub fn czero_eqz(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| zero_if(b, x, y, Cond::Eq));
}

/// `czero.nez rd, rs1, rs2`: zero if `rs2` is not zero, else `rs1`. (Zicond)
pub fn czero_nez(b: &mut Builder, i: &Insn) {
    register_register(b, i, |b, x, y| zero_if(b, x, y, Cond::Ne));
}

/// Zero if `condition cond 0`, else `value`.
fn zero_if(b: &mut Builder, value: Value, condition: Value, cond: Cond) -> Value {
    let zero = b.i64(0);
    let holds = b.icmp(condition, zero, cond);
    b.select(zero, value, holds)
}
