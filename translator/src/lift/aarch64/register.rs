//! Data processing, register.

use super::{Lifter, width};
use crate::guest::aarch64::C;
use crate::ir::{Cond, Sign, Trap, Type, Value};
use decoders::aarch64::{Insn, Register};

pub(super) fn lift(l: &mut Lifter, op: Register, i: Insn) {
    match op {
        Register::Logical => logical_shifted_register(l, i),
        Register::AddSubShifted => add_sub_shifted_register(l, i),
        Register::AddSubExtended => add_sub_extended_register(l, i),
        Register::AddSubCarry => add_sub_carry(l, i),
        Register::Rmif => rmif(l, i),
        Register::Setf => setf(l, i),
        Register::CompareRegister | Register::CompareImmediate => conditional_compare(l, i),
        Register::Select => conditional_select(l, i),
        Register::Rbit => one_source(l, i, |l, x| l.bitrev(x)),
        Register::Rev16 => one_source(l, i, rev16),
        Register::Rev32 => one_source(l, i, rev32),
        Register::Rev64 => one_source(l, i, |l, x| l.bswap(x)),
        Register::Clz => one_source(l, i, |l, x| l.clz(x)),
        Register::Cls => one_source(l, i, cls),
        Register::Udiv => two_source(l, i, |l, a, b| l.udiv(a, b)),
        Register::Sdiv => two_source(l, i, |l, a, b| l.sdiv(a, b)),
        Register::ShiftVariable => two_source(l, i, |l, a, b| match i.bits(10, 2) {
            0 => l.shl(a, b),
            1 => l.lshr(a, b),
            2 => l.ashr(a, b),
            _ => l.rotr(a, b),
        }),
        Register::Crc32 => crc32(l, i),
        Register::MultiplyAdd => multiply_add(l, i),
        Register::MultiplyAddLong => multiply_add_long(l, i),
        Register::MultiplyHigh => multiply_high(l, i),
        Register::Pac | Register::PacZero | Register::Xpac | Register::Pacga => l.trap(Trap::Unsupported),
    }
}

/// Rm shifted by the constant of a shifted-register operand.
fn shifted(l: &mut Lifter, i: Insn, ty: Type) -> Value {
    let value = l.reg(i.rm(), ty);
    if i.bits(10, 6) == 0 {
        return value;
    }
    let amount = l.iconst(ty, i.bits(10, 6).into());
    match i.bits(22, 2) {
        0 => l.shl(value, amount),
        1 => l.lshr(value, amount),
        2 => l.ashr(value, amount),
        _ => l.rotr(value, amount),
    }
}

/// `and rd, rn, rm, lsl #n`, `bic`, `orr`, `orn`, `eor`, `eon`, `ands`, `bics`. (Logical (shifted register))
fn logical_shifted_register(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let b = shifted(l, i, ty);
    let a = l.reg(i.rn(), ty);
    let inverted = i.bit(21);
    let result = match i.bits(29, 2) {
        1 if i.rn() == 31 => {
            if inverted {
                l.not(b)
            } else {
                b
            }
        }
        op @ (1 | 2) => {
            let b = if inverted { l.not(b) } else { b };
            if op == 1 { l.or(a, b) } else { l.xor(a, b) }
        }
        _ if inverted => l.andnot(a, b),
        _ => l.and(a, b),
    };
    if i.bits(29, 2) == 3 {
        l.set_flags_logical(result);
    }
    l.set_reg(i.rd(), result);
}

/// `add rd, rn, rm, lsl #n` and `sub`, with and without flags. (Add/subtract (shifted register))
fn add_sub_shifted_register(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let b = shifted(l, i, ty);
    let a = l.reg(i.rn(), ty);
    l.add_or_subtract(i, a, b, false);
}

/// `add rd|sp, rn|sp, rm, uxtw #n` and `sub`, with and without flags. (Add/subtract (extended register))
fn add_sub_extended_register(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let extended = l.extended(i.rm(), i.bits(13, 3), ty);
    let amount = l.iconst(ty, i.bits(10, 3).into());
    let b = if i.bits(10, 3) == 0 { extended } else { l.shl(extended, amount) };
    let a = l.reg_or_sp(i.rn(), ty);
    l.add_or_subtract(i, a, b, true);
}

/// `adc rd, rn, rm`, `sbc` (rn - rm - not carry), with and without flags. (Add/subtract (with carry))
fn add_sub_carry(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let a = l.reg(i.rn(), ty);
    let b = l.reg(i.rm(), ty);
    let b = if i.bit(30) { l.not(b) } else { b };
    let carry = l.get(C);
    let sum = l.add(a, b);
    let wide = l.zext(carry, ty);
    let result = l.add(sum, wide);
    if i.bit(29) {
        l.set_flags_carry(a, b, carry, result);
    }
    l.set_reg(i.rd(), result);
}

/// `rmif xn, #shift, #mask`: rotates, and inserts the low bits into the flags chosen. (Rotate right into flags)
fn rmif(l: &mut Lifter, i: Insn) {
    let x = l.x(i.rn());
    let amount = l.i64(u64::from(i.bits(15, 6)).wrapping_sub(28) & 63);
    let rotated = l.rotr(x, amount);
    let mask = u64::from(i.bits(0, 4)) << 28;
    let (inside, outside) = (l.i64(mask), l.i64(!mask));
    let new = l.and(rotated, inside);
    let old = l.flags_word();
    let kept = l.and(old, outside);
    let word = l.or(new, kept);
    l.set_flags_word(word);
}

/// `setf8 wn`, `setf16 wn`: N, Z and V of an 8 or 16-bit value; C stays. (Evaluate into flags)
fn setf(l: &mut Lifter, i: Insn) {
    let bits = if i.bit(14) { 16 } else { 8 };
    let x = l.x(i.rn());
    let part = l.trunc(x, Type::int_of_bytes(bits / 8));
    let signed = l.sext(part, Type::I64);
    // V: the bit above the value differs from its sign.
    let amount = l.i64(1);
    let half = l.lshr(x, amount);
    let differ = l.xor(x, half);
    let amount = l.i64(u64::from(bits) - 1);
    let bit = l.lshr(differ, amount);
    let overflow = l.trunc(bit, Type::I1);
    l.set_flags_narrow(signed, overflow);
}

/// `ccmp rn, rm|#imm, #nzcv, cond`, `ccmn`: compares if the condition holds, else sets the flags given.
/// (Conditional compare (register), (immediate))
fn conditional_compare(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let passed = l.condition(i.bits(12, 4));
    let a = l.reg(i.rn(), ty);
    let b = if i.bit(11) { l.iconst(ty, i.bits(16, 5).into()) } else { l.reg(i.rm(), ty) };
    l.set_flags_if(passed, i.bit(30), a, b, i.bits(0, 4));
}

/// `csel rd, rn, rm, cond`, `csinc`, `csinv`, `csneg`: rn, or else rm, its successor, complement or negative.
/// (Conditional select)
fn conditional_select(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let cond = l.condition(i.bits(12, 4));
    let then = l.reg(i.rn(), ty);
    let other = l.reg(i.rm(), ty);
    let other = match (i.bit(30), i.bit(10)) {
        (false, false) => other,
        (false, true) => {
            let one = l.iconst(ty, 1);
            l.add(other, one)
        }
        (true, false) => l.not(other),
        (true, true) => l.neg(other),
    };
    let result = l.select(then, other, cond);
    l.set_reg(i.rd(), result);
}

/// `rbit rd, rn`, `rev16`, `rev`, `rev32`, `clz`, `cls`. (Data-processing (1 source))
fn one_source(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value) -> Value) {
    let value = l.reg(i.rn(), width(i.sf()));
    let result = f(l, value);
    l.set_reg(i.rd(), result);
}

/// The bytes of each halfword reversed.
fn rev16(l: &mut Lifter, x: Value) -> Value {
    let ty = l.ty(x);
    let eight = l.iconst(ty, 8);
    let even = l.iconst(ty, 0x00ff_00ff_00ff_00ff);
    let down = l.lshr(x, eight);
    let down = l.and(down, even);
    let up = l.and(x, even);
    let up = l.shl(up, eight);
    l.or(down, up)
}

/// The bytes of each word reversed.
fn rev32(l: &mut Lifter, x: Value) -> Value {
    let reversed = l.bswap(x);
    if l.ty(x) == Type::I32 {
        return reversed;
    }
    let amount = l.i64(32);
    l.rotr(reversed, amount)
}

/// The number of bits below the top bit that equal it.
fn cls(l: &mut Lifter, x: Value) -> Value {
    let ty = l.ty(x);
    let top = l.iconst(ty, u64::from(ty.bits()) - 1);
    let sign = l.ashr(x, top);
    let differ = l.xor(x, sign);
    let count = l.clz(differ);
    let one = l.iconst(ty, 1);
    l.sub(count, one)
}

/// `udiv rd, rn, rm`, `sdiv`, `lslv`, `lsrv`, `asrv`, `rorv`. (Data-processing (2 source))
fn two_source(l: &mut Lifter, i: Insn, f: impl FnOnce(&mut Lifter, Value, Value) -> Value) {
    let ty = width(i.sf());
    let (a, b) = (l.reg(i.rn(), ty), l.reg(i.rm(), ty));
    let result = f(l, a, b);
    l.set_reg(i.rd(), result);
}

/// `crc32b wd, wn, wm` to `crc32x`, `crc32cb` to `crc32cx`: appends data to a CRC. (Data-processing (2 source))
fn crc32(l: &mut Lifter, i: Insn) {
    let crc = l.reg(i.rn(), Type::I32);
    let data = l.reg(i.rm(), Type::int_of_bytes(1 << i.bits(10, 2)));
    let polynomial = if i.bit(12) { 0x1edc_6f41 } else { 0x04c1_1db7 };
    let result = l.crc32(data, crc, polynomial);
    l.set_reg(i.rd(), result);
}

/// `madd rd, rn, rm, ra`: ra + rn * rm; `msub`: ra - rn * rm. (Data-processing (3 source))
fn multiply_add(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let (a, b) = (l.reg(i.rn(), ty), l.reg(i.rm(), ty));
    let product = l.mul(a, b);
    accumulate(l, i, product, ty);
}

/// `smaddl xd, wn, wm, xa`, `smsubl`, `umaddl`, `umsubl`: as `madd` with 32-bit factors. (Data-processing (3 source))
fn multiply_add_long(l: &mut Lifter, i: Insn) {
    let sign = if i.bit(23) { Sign::Unsigned } else { Sign::Signed };
    let [a, b] = [i.rn(), i.rm()].map(|number| {
        let narrow = l.reg(number, Type::I32);
        l.resize(narrow, Type::I64, sign)
    });
    let product = l.mul(a, b);
    accumulate(l, i, product, Type::I64);
}

/// Adds a product to Ra or subtracts it.
fn accumulate(l: &mut Lifter, i: Insn, product: Value, ty: Type) {
    let result = match (i.ra(), i.bit(15)) {
        (31, false) => product,
        (31, true) => l.neg(product),
        (ra, subtract) => {
            let addend = l.reg(ra, ty);
            if subtract { l.sub(addend, product) } else { l.add(addend, product) }
        }
    };
    l.set_reg(i.rd(), result);
}

/// `smulh xd, xn, xm`, `umulh`: the upper half of the 128-bit product. (Data-processing (3 source))
fn multiply_high(l: &mut Lifter, i: Insn) {
    let (a, b) = (l.x(i.rn()), l.x(i.rm()));
    let result = if i.bit(23) { l.umulh(a, b) } else { l.smulh(a, b) };
    l.set_reg(i.rd(), result);
}

impl Lifter<'_> {
    /// Sets N and Z to those of `signed`, V as given, and keeps C.
    fn set_flags_narrow(&mut self, signed: Value, overflow: Value) {
        use crate::guest::aarch64::{N, V, Z};
        self.set(signed, N);
        self.set(signed, Z);
        self.set(overflow, V);
        *self.flags = super::flags::Flags::Slots;
    }

    /// A value is not zero, or is. I1.
    pub(super) fn is_zero(&mut self, value: Value, cond: Cond) -> Value {
        let ty = self.ty(value);
        let zero = self.iconst(ty, 0);
        self.icmp(value, zero, cond)
    }
}
