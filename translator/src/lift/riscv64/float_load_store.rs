//! Loads and stores of float registers. They move bits: no NaN is changed, and a store of single precision takes the
//! low half of whatever the register holds.

use super::{Frontend, address, set_f};
use crate::guest::riscv64 as state;
use crate::ir::{Builder, Order, Type};
use crate::lift::Context;
use decoders::riscv64::Insn;

/// `flw rd, offset(rs1)`: load single precision. (Single-Precision Load and Store Instructions)
pub fn flw(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    load(b, i, c, Type::F32);
}

/// `fsw rs2, offset(rs1)`: store single precision. (Single-Precision Load and Store Instructions)
pub fn fsw(b: &mut Builder, i: &Insn, c: &Context<'_, Frontend>) {
    let addr = address(b, i);
    let value = match c.frontend.single[i.rs2 as usize] {
        Some(value) => value,
        None => {
            let register = b.get(state::f(i.rs2));
            let bits = b.bitcast(register, Type::I64);
            b.trunc(bits, Type::I32)
        }
    };
    b.store(addr, value, Order::Plain);
}

/// `fld rd, offset(rs1)`: load double precision. (Double-Precision Load and Store Instructions)
pub fn fld(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>) {
    load(b, i, c, Type::F64);
}

/// `fsd rs2, offset(rs1)`: store double precision. (Double-Precision Load and Store Instructions)
pub fn fsd(b: &mut Builder, i: &Insn) {
    let addr = address(b, i);
    let value = b.get(state::f(i.rs2));
    b.store(addr, value, Order::Plain);
}

fn load(b: &mut Builder, i: &Insn, c: &mut Context<'_, Frontend>, ty: Type) {
    let addr = address(b, i);
    let value = b.load(addr, ty, Order::Plain);
    set_f(b, c, i.rd, value);
}
