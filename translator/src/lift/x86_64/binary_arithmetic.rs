//! Binary arithmetic instructions.

use super::flags::Last;
use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{Cond, RmwOp, Sign, Slot, Trap, Type, Value};
use decoders::x86_64::Mnemonic as M;

const RAX: u8 = 0;
const RDX: u8 = 2;

pub(super) const ROWS: Rows = &[
    (M::Add, add),
    (M::Adc, adc),
    (M::Sub, sub),
    (M::Sbb, sbb),
    (M::Cmp, cmp),
    (M::Inc, inc),
    (M::Dec, dec),
    (M::Neg, neg),
    (M::Mul, |x| multiply_accumulator(x, Sign::Unsigned)),
    (M::Imul, imul),
    (M::Div, div),
    (M::Idiv, idiv),
];

/// The flags that arithmetic sets.
pub(super) const ARITHMETIC: [Slot; 6] = [state::CF, state::ZF, state::SF, state::OF, state::PF, state::AF];

impl Lifter<'_> {
    /// All flags of `sum = a + b`.
    pub(super) fn set_sum_flags(&mut self, a: Value, b: Value, sum: Value) {
        let carry = self.b.icmp(sum, a, Cond::Ult);
        self.b.set(carry, state::CF);
        self.set_add_flags(a, b, sum);
    }
}

/// `add dest, src`: sum. (Add)
fn add(x: &mut Lifter<'_>) {
    let b = x.read(1);
    let a = if x.insn.has_lock_prefix() { x.rmw(b, RmwOp::Add) } else { x.read(0) };
    let sum = x.b.add(a, b);
    if !x.insn.has_lock_prefix() {
        x.write(0, sum);
    }
    x.set_sum_flags(a, b, sum);
}

/// `adc dest, src`: sum with the carry. (Add With Carry)
fn adc(x: &mut Lifter<'_>) {
    let saved = x.save_flags(ARITHMETIC);
    let b = x.read(1);
    let carry_in = x.b.get(state::CF);
    let (a, sum, swapped) = x.change(|x, a| {
        let sum = x.b.add(a, b);
        let ty = x.ty(0);
        let carry = x.b.zext(carry_in, ty);
        x.b.add(sum, carry)
    });
    if swapped.is_none() {
        x.write(0, sum);
    }
    let carry = x.b.carry(a, b, carry_in);
    x.b.set(carry, state::CF);
    x.set_add_flags(a, b, sum);
    if let Some(swapped) = swapped {
        x.retry_unless(swapped, &saved);
    }
}

/// `sub dest, src`: difference. (Subtract)
fn sub(x: &mut Lifter<'_>) {
    let b = x.read(1);
    let a = if x.insn.has_lock_prefix() { x.rmw(b, RmwOp::Sub) } else { x.read(0) };
    let difference = x.b.sub(a, b);
    if !x.insn.has_lock_prefix() {
        x.write(0, difference);
    }
    x.set_compare_flags(a, b, difference);
}

/// `sbb dest, src`: difference with the borrow. (Integer Subtraction With Borrow)
fn sbb(x: &mut Lifter<'_>) {
    let saved = x.save_flags(ARITHMETIC);
    let b = x.read(1);
    let borrow_in = x.b.get(state::CF);
    let (a, difference, swapped) = x.change(|x, a| {
        let difference = x.b.sub(a, b);
        let ty = x.ty(0);
        let borrow = x.b.zext(borrow_in, ty);
        x.b.sub(difference, borrow)
    });
    if swapped.is_none() {
        x.write(0, difference);
    }
    let below = x.b.icmp(a, b, Cond::Ult);
    let equal = x.b.icmp(a, b, Cond::Eq);
    let through = x.b.and(equal, borrow_in);
    let borrow = x.b.or(below, through);
    x.b.set(borrow, state::CF);
    x.set_sub_flags(a, b, difference);
    if let Some(swapped) = swapped {
        x.retry_unless(swapped, &saved);
    }
}

/// `cmp a, b`: the flags of the difference. (Compare Two Operands)
fn cmp(x: &mut Lifter<'_>) {
    let (a, b) = (x.read(0), x.read(1));
    let difference = x.b.sub(a, b);
    x.set_compare_flags(a, b, difference);
}

/// `inc dest`: add one; CF stays. (Increment by 1)
fn inc(x: &mut Lifter<'_>) {
    let ty = x.ty(0);
    let one = x.b.iconst(ty, 1);
    let a = if x.insn.has_lock_prefix() { x.rmw(one, RmwOp::Add) } else { x.read(0) };
    let sum = x.b.add(a, one);
    if !x.insn.has_lock_prefix() {
        x.write(0, sum);
    }
    x.set_add_flags(a, one, sum);
}

/// `dec dest`: subtract one; CF stays. (Decrement by 1)
fn dec(x: &mut Lifter<'_>) {
    let ty = x.ty(0);
    let one = x.b.iconst(ty, 1);
    let a = if x.insn.has_lock_prefix() { x.rmw(one, RmwOp::Sub) } else { x.read(0) };
    let difference = x.b.sub(a, one);
    if !x.insn.has_lock_prefix() {
        x.write(0, difference);
    }
    x.set_sub_flags(a, one, difference);
    *x.last = Last::Sub { a, b: one, carry: false };
}

/// `neg dest`: two's complement. (Two's Complement Negation)
fn neg(x: &mut Lifter<'_>) {
    let saved = x.save_flags(ARITHMETIC);
    let (a, difference, swapped) = x.change(|x, a| x.b.neg(a));
    if swapped.is_none() {
        x.write(0, difference);
    }
    let ty = x.ty(0);
    let zero = x.b.iconst(ty, 0);
    x.set_compare_flags(zero, a, difference);
    if let Some(swapped) = swapped {
        x.retry_unless(swapped, &saved);
    }
}

/// `mul src`, `imul src`: the full product of the accumulator and `src` to rdx:rax (or ax). CF and OF tell whether the
/// upper half matters. (Unsigned Multiply; Signed Multiply)
fn multiply_accumulator(x: &mut Lifter<'_>, sign: Sign) {
    let ty = x.ty(0);
    let b = x.read(0);
    let a = x.read_gpr(RAX, ty);
    let low = x.b.mul(a, b);
    let high = match sign {
        Sign::Unsigned => x.b.umulh(a, b),
        Sign::Signed => x.b.smulh(a, b),
    };
    if ty == Type::I8 {
        let (low, high) = (x.b.zext(low, Type::I16), x.b.zext(high, Type::I16));
        let eight = x.b.iconst(Type::I16, 8);
        let high = x.b.shl(high, eight);
        let product = x.b.or(high, low);
        x.write_gpr(RAX, product);
    } else {
        x.write_gpr(RAX, low);
        x.write_gpr(RDX, high);
    }
    set_multiply_flags(x, sign, low, high);
}

/// CF and OF; the others are undefined by the manual.
fn set_multiply_flags(x: &mut Lifter<'_>, sign: Sign, low: Value, high: Value) {
    let ty = x.b.ty(low);
    let extension = match sign {
        Sign::Unsigned => x.b.iconst(ty, 0),
        Sign::Signed => {
            let amount = x.b.iconst(ty, u64::from(ty.bits()) - 1);
            x.b.ashr(low, amount)
        }
    };
    let lost = x.b.icmp(high, extension, Cond::Ne);
    x.set_flag(state::CF, lost);
    x.set_flag(state::OF, lost);
    x.forget_flags();
}

/// `imul src`; `imul dest, src`; `imul dest, src, imm`: signed product, the longer forms truncated. (Signed Multiply)
fn imul(x: &mut Lifter<'_>) {
    let first = match x.insn.op_count() {
        1 => return multiply_accumulator(x, Sign::Signed),
        2 => 0,
        _ => 1,
    };
    let (a, b) = (x.read(first), x.read(first + 1));
    let (low, high) = (x.b.mul(a, b), x.b.smulh(a, b));
    x.write(0, low);
    set_multiply_flags(x, Sign::Signed, low, high);
}

/// The dividend of `div` and `idiv` up to 32 bits, in 64 bits.
fn dividend(x: &mut Lifter<'_>, ty: Type, sign: Sign) -> Value {
    if ty == Type::I8 {
        let ax = x.read_gpr(RAX, Type::I16);
        return x.b.resize(ax, Type::I64, sign);
    }
    let (low, high) = (x.read_gpr(RAX, ty), x.read_gpr(RDX, ty));
    let low = x.b.zext(low, Type::I64);
    let high = x.b.resize(high, Type::I64, sign);
    let amount = x.b.i64(ty.bits().into());
    let high = x.b.shl(high, amount);
    x.b.or(high, low)
}

/// Writes quotient and remainder, given in 64 bits. The flags are undefined by the manual; AMD's processors set AF, clear SF, ZF and PF,
/// and keep CF and OF.
fn write_division(x: &mut Lifter<'_>, ty: Type, quotient: Value, remainder: Value) {
    for slot in [state::SF, state::ZF, state::PF] {
        x.clear(slot);
    }
    let set = x.b.iconst(Type::I8, 16);
    x.b.set(set, state::AF);
    x.forget_flags();
    let [quotient, remainder] = [quotient, remainder].map(|v| x.b.resize(v, ty, Sign::Unsigned));
    if ty == Type::I8 {
        let (low, high) = (x.b.zext(quotient, Type::I16), x.b.zext(remainder, Type::I16));
        let eight = x.b.iconst(Type::I16, 8);
        let high = x.b.shl(high, eight);
        let pair = x.b.or(high, low);
        x.write_gpr(RAX, pair);
    } else {
        x.write_gpr(RAX, quotient);
        x.write_gpr(RDX, remainder);
    }
}

/// `div src`: rdx:rax by `src`: quotient to rax, remainder to rdx; #DE if the divisor is zero or the quotient too large.
/// (Unsigned Divide)
fn div(x: &mut Lifter<'_>) {
    let ty = x.ty(0);
    let divisor = x.read(0);
    let nowhere = x.b.i64(0);
    if ty == Type::I64 {
        let (low, high) = (x.b.get(state::RAX), x.b.get(state::RDX));
        let error = x.b.icmp(high, divisor, Cond::Uge);
        x.b.trap_if(error, nowhere, Trap::DivideError);
        let quotient = x.b.udiv_wide(high, low, divisor);
        let remainder = x.b.urem_wide(high, low, divisor);
        return write_division(x, ty, quotient, remainder);
    }
    let dividend = dividend(x, ty, Sign::Unsigned);
    let divisor = x.b.zext(divisor, Type::I64);
    let amount = x.b.i64(ty.bits().into());
    let high = x.b.lshr(dividend, amount);
    let error = x.b.icmp(high, divisor, Cond::Uge);
    x.b.trap_if(error, nowhere, Trap::DivideError);
    let (quotient, remainder) = (x.b.udiv(dividend, divisor), x.b.urem(dividend, divisor));
    write_division(x, ty, quotient, remainder);
}

/// `idiv src`: the same, signed, truncating. (Signed Divide)
fn idiv(x: &mut Lifter<'_>) {
    let ty = x.ty(0);
    let divisor = x.read(0);
    let nowhere = x.b.i64(0);
    if ty == Type::I64 {
        let (low, high) = (x.b.get(state::RAX), x.b.get(state::RDX));
        let error = x.b.sdiv_wide_overflows(high, low, divisor);
        x.b.trap_if(error, nowhere, Trap::DivideError);
        let quotient = x.b.sdiv_wide(high, low, divisor);
        let remainder = x.b.srem_wide(high, low, divisor);
        return write_division(x, ty, quotient, remainder);
    }
    let dividend = dividend(x, ty, Sign::Signed);
    let divisor = x.b.sext(divisor, Type::I64);
    let zero = x.b.icmp(divisor, nowhere, Cond::Eq);
    x.b.trap_if(zero, nowhere, Trap::DivideError);
    let (quotient, remainder) = (x.b.sdiv(dividend, divisor), x.b.srem(dividend, divisor));
    let narrow = x.b.trunc(quotient, ty);
    let wide = x.b.sext(narrow, Type::I64);
    let lost = x.b.icmp(wide, quotient, Cond::Ne);
    x.b.trap_if(lost, nowhere, Trap::DivideError);
    write_division(x, ty, quotient, remainder);
}
