//! BMI1, BMI2, LZCNT, MOVBE.

use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{Builder, Cond, Sign, Type, Value};
use decoders::x86_64::Mnemonic as M;

const RDX: u8 = 2;

pub(super) const ROWS: Rows = &[
    (M::Tzcnt, |x| count_zeros(x, Builder::ctz)),
    (M::Lzcnt, |x| count_zeros(x, Builder::clz)),
    (M::Andn, andn),
    (M::Bextr, bextr),
    (M::Blsi, |x| lowest_bit(x, |b, src, _, negated| b.and(src, negated), false)),
    (M::Blsr, |x| lowest_bit(x, |b, src, less, _| b.and(src, less), true)),
    (M::Blsmsk, blsmsk),
    (M::Bzhi, bzhi),
    (M::Mulx, mulx),
    (M::Pdep, |x| spread(x, Builder::pdep)),
    (M::Pext, |x| spread(x, Builder::pext)),
    (M::Rorx, rorx),
    (M::Sarx, |x| shift(x, Builder::ashr)),
    (M::Shlx, |x| shift(x, Builder::shl)),
    (M::Shrx, |x| shift(x, Builder::lshr)),
    (M::Movbe, movbe),
];

/// `tzcnt`, `lzcnt dest, src`: zero bits at the low or high end; the width if there is nothing else. CF: the source is zero; ZF: the
/// result is. (Count the Number of Trailing Zero Bits; Count the Number of Leading Zero Bits)
fn count_zeros(x: &mut Lifter<'_>, count: fn(&mut Builder, Value) -> Value) {
    let src = x.read(1);
    let result = count(x.b, src);
    x.write(0, result);
    let zero = x.b.iconst(x.ty(0), 0);
    let carry = x.b.icmp(src, zero, Cond::Eq);
    x.b.set(carry, state::CF);
    // What the manual leaves undefined stays.
    let wide = x.b.resize(result, Type::I64, Sign::Unsigned);
    x.b.set(wide, state::ZF);
    x.forget_flags();
}

impl Lifter<'_> {
    /// ZF and SF of a result, OF clear, and CF as given; PF and AF, which the manual leaves undefined, as after `and`.
    fn set_bit_flags(&mut self, result: Value, carry: Value) {
        self.set_logic_flags(result);
        self.b.set(carry, state::CF);
        self.forget_flags();
    }
}

/// `andn dest, a, b`: `b` without the bits of `a`. (Logical AND NOT)
fn andn(x: &mut Lifter<'_>) {
    let (a, b) = (x.read(1), x.read(2));
    let result = x.b.andnot(b, a);
    x.write(0, result);
    x.set_logic_flags(result);
}

/// `bextr dest, src, control`: as many bits as its second byte says, from the place on that its first byte says. (Bit Field Extract)
fn bextr(x: &mut Lifter<'_>) {
    let ty = x.ty(0);
    let (src, control) = (x.read(1), x.read(2));
    let src = x.b.resize(src, Type::I64, Sign::Unsigned);
    let control = x.b.resize(control, Type::I64, Sign::Unsigned);
    let (byte, eight) = (x.b.i64(0xff), x.b.i64(8));
    let start = x.b.and(control, byte);
    let length = x.b.lshr(control, eight);
    let length = x.b.and(length, byte);
    let shifted = x.b.lshr(src, start);
    let shifted = zero_from(x, shifted, start);
    let result = low_bits(x, shifted, length);
    let result = x.b.resize(result, ty, Sign::Unsigned);
    x.write(0, result);
    let carry = x.b.i1(false);
    x.set_bit_flags(result, carry);
}

/// Zero instead of a value that was shifted by 64 or more.
fn zero_from(x: &mut Lifter<'_>, value: Value, amount: Value) -> Value {
    let (width, zero) = (x.b.i64(64), x.b.i64(0));
    let within = x.b.icmp(amount, width, Cond::Ult);
    x.b.select(value, zero, within)
}

/// The low `count` bits of a 64-bit value, all from 64 on.
fn low_bits(x: &mut Lifter<'_>, value: Value, count: Value) -> Value {
    let ones = x.b.i64(u64::MAX);
    let above = x.b.shl(ones, count);
    let above = zero_from(x, above, count);
    x.b.andnot(value, above)
}

/// `blsi`, `blsr dest, src`: the lowest set bit alone, or everything else. CF: whether the source is not zero, or is. (Extract Lowest
/// Set Isolated Bit; Reset Lowest Set Bit)
fn lowest_bit(x: &mut Lifter<'_>, op: fn(&mut Builder, Value, Value, Value) -> Value, carry_if_zero: bool) {
    let ty = x.ty(0);
    let src = x.read(1);
    let (one, zero) = (x.b.iconst(ty, 1), x.b.iconst(ty, 0));
    let (less, negated) = (x.b.sub(src, one), x.b.neg(src));
    let result = op(x.b, src, less, negated);
    x.write(0, result);
    let carry = x.b.icmp(src, zero, if carry_if_zero { Cond::Eq } else { Cond::Ne });
    x.set_bit_flags(result, carry);
}

/// `blsmsk dest, src`: ones up to the lowest set bit. CF: the source is zero. (Get Mask Up to Lowest Set Bit)
fn blsmsk(x: &mut Lifter<'_>) {
    lowest_bit(x, |b, src, less, _| b.xor(src, less), true);
}

/// `bzhi dest, src, index`: the bits below the index. CF: the index is beyond the source. (Zero High Bits Starting with Specified
/// Bit Position)
fn bzhi(x: &mut Lifter<'_>) {
    let ty = x.ty(0);
    let (src, index) = (x.read(1), x.read(2));
    let src = x.b.resize(src, Type::I64, Sign::Unsigned);
    let index = x.b.resize(index, Type::I64, Sign::Unsigned);
    let byte = x.b.i64(0xff);
    let index = x.b.and(index, byte);
    let result = low_bits(x, src, index);
    let result = x.b.resize(result, ty, Sign::Unsigned);
    x.write(0, result);
    let last = x.b.i64(u64::from(ty.bits()) - 1);
    let carry = x.b.icmp(index, last, Cond::Ugt);
    x.set_bit_flags(result, carry);
}

/// `mulx high, low, src`: the unsigned product with rdx; flags stay. (Unsigned Multiply Without Affecting Flags)
fn mulx(x: &mut Lifter<'_>) {
    let ty = x.ty(0);
    let src = x.read(2);
    let factor = x.read_gpr(RDX, ty);
    let (low, high) = (x.b.mul(src, factor), x.b.umulh(src, factor));
    // With the same register twice, the high half stays.
    x.write(1, low);
    x.write(0, high);
}

/// `pdep`, `pext dest, src, mask`: bits to, or from, the places of the mask. (Parallel Bits Deposit; Parallel Bits Extract)
fn spread(x: &mut Lifter<'_>, op: fn(&mut Builder, Value, Value) -> Value) {
    let ty = x.ty(0);
    let [src, mask] = [1, 2].map(|n| {
        let value = x.read(n);
        x.b.resize(value, Type::I64, Sign::Unsigned)
    });
    let result = op(x.b, src, mask);
    let result = x.b.resize(result, ty, Sign::Unsigned);
    x.write(0, result);
}

/// `rorx dest, src, imm8`: rotate right; flags stay. (Rotate Right Logical Without Affecting Flags)
fn rorx(x: &mut Lifter<'_>) {
    let ty = x.ty(0);
    let src = x.read(1);
    let amount = x.b.iconst(ty, u64::from(x.insn.immediate8()) & u64::from(ty.bits() - 1));
    let result = x.b.rotr(src, amount);
    x.write(0, result);
}

/// `sarx`, `shlx`, `shrx dest, src, count`: shift; flags stay. (Shift Without Affecting Flags)
fn shift(x: &mut Lifter<'_>, op: fn(&mut Builder, Value, Value) -> Value) {
    let (src, amount) = (x.read(1), x.read(2));
    let result = op(x.b, src, amount);
    x.write(0, result);
}

/// `movbe`: move to or from memory with the bytes reversed. (Move Data After Swapping Bytes)
fn movbe(x: &mut Lifter<'_>) {
    let value = x.read(1);
    let swapped = x.b.bswap(value);
    x.write(0, swapped);
}
