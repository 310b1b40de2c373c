//! Data processing, immediate.

use super::{Lifter, width};
use crate::ir::{Sign, Type, Value};
use decoders::aarch64::{Immediate, Insn};

pub(super) fn lift(l: &mut Lifter, op: Immediate, i: Insn) {
    match op {
        Immediate::Adr => adr(l, i),
        Immediate::AddSub => add_sub_immediate(l, i),
        Immediate::Logical => logical_immediate(l, i),
        Immediate::MoveWide => move_wide(l, i),
        Immediate::Bitfield => bitfield(l, i),
        Immediate::Extract => extract(l, i),
    }
}

/// `adr xd, label` / `adrp xd, label`: the address of a label, or of its 4 KiB page. (PC-rel. addressing)
fn adr(l: &mut Lifter, i: Insn) {
    let offset = (i.signed(5, 19) << 2 | i64::from(i.bits(29, 2))) as u64;
    let target =
        if i.bit(31) { (l.pc & !0xfff).wrapping_add(offset << 12) } else { l.pc.wrapping_add(offset) };
    let address = l.address(target);
    l.set_reg(i.rd(), address);
}

/// `add rd, rn, #imm` and `sub`, with and without flags. (Add/subtract (immediate))
fn add_sub_immediate(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let imm = u64::from(i.bits(10, 12)) << if i.bit(22) { 12 } else { 0 };
    let a = l.reg_or_sp(i.rn(), ty);
    let b = l.iconst(ty, imm);
    l.add_or_subtract(i, a, b, true);
}

/// `and rd, rn, #mask`, `orr`, `eor`, `ands`. (Logical (immediate))
fn logical_immediate(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let mask = bit_mask(i.bits(22, 1), i.bits(10, 6), i.bits(16, 6));
    let a = l.reg(i.rn(), ty);
    let b = l.iconst(ty, mask);
    let result = match i.bits(29, 2) {
        1 => l.or(a, b),
        2 => l.xor(a, b),
        _ => l.and(a, b),
    };
    if i.bits(29, 2) == 3 {
        l.set_flags_logical(result);
        l.set_reg(i.rd(), result);
    } else {
        l.set_reg_or_sp(i.rd(), result);
    }
}

/// The manual's DecodeBitMasks for 64 bits: an element of ones, rotated right, replicated.
fn bit_mask(n: u32, imms: u32, immr: u32) -> u64 {
    let size = 1 << (31 - (n << 6 | !imms & 0x3f).leading_zeros());
    let (ones, rotation) = ((imms & (size - 1)) + 1, immr & (size - 1));
    let element = u64::MAX >> (64 - ones);
    let mut mask = element;
    for copies in 1..64 / size {
        mask |= element << (copies * size);
    }
    // The elements are alike, so that rotating all of the register rotates each of them.
    mask.rotate_right(rotation)
}

/// `movz rd, #imm, lsl #shift`, `movn` (inverted), `movk` (keeps the other bits). (Move wide (immediate))
fn move_wide(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let shift = i.bits(21, 2) * 16;
    let imm = u64::from(i.bits(5, 16)) << shift;
    let result = match i.bits(29, 2) {
        0 => l.iconst(ty, !imm),
        2 => l.iconst(ty, imm),
        _ => {
            let old = l.reg(i.rd(), ty);
            let kept = l.iconst(ty, !(0xffff << shift));
            let kept = l.and(old, kept);
            let new = l.iconst(ty, imm);
            l.or(kept, new)
        }
    };
    l.set_reg(i.rd(), result);
}

/// `sbfm rd, rn, #r, #s`, `bfm`, `ubfm`: bits s..r to the bottom, or bits s..0 to position -r. (Bitfield)
fn bitfield(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let bits = ty.bits();
    let (r, s) = (i.bits(16, 6), i.bits(10, 6));
    let source = l.reg(i.rn(), ty);
    let result = match i.bits(29, 2) {
        0 => {
            if r == 0 && matches!(s, 7 | 15 | 31) && s + 1 < bits {
                let low = l.trunc(source, Type::int_of_bytes((s + 1) / 8));
                l.sext(low, ty)
            } else {
                // The field's top bit becomes the register's, then an arithmetic shift puts the field in its place.
                let top = shift_left(l, source, bits - 1 - s);
                let amount = if s >= r { bits - 1 - s + r } else { r - s - 1 };
                let amount = l.iconst(ty, amount.into());
                l.ashr(top, amount)
            }
        }
        1 => {
            let old = l.reg(i.rd(), ty);
            let (field, mask) = if s >= r {
                (shift_right(l, source, r), ones(s - r + 1))
            } else {
                (shift_left(l, source, bits - r), ones(s + 1) << (bits - r))
            };
            let (inside, outside) = (l.iconst(ty, mask), l.iconst(ty, !mask));
            let kept = l.and(old, outside);
            let new = l.and(field, inside);
            l.or(kept, new)
        }
        _ if s >= r => {
            let low = shift_right(l, source, r);
            mask_low(l, low, s - r + 1, s + 1 == bits)
        }
        _ => {
            let low = mask_low(l, source, s + 1, s + 1 == r);
            shift_left(l, low, bits - r)
        }
    };
    l.set_reg(i.rd(), result);
}

/// `count` ones, 1 to 64 of them.
fn ones(count: u32) -> u64 {
    u64::MAX >> (64 - count)
}

/// The low `count` bits; `complete` if no other can be set, or is shifted out afterwards.
fn mask_low(l: &mut Lifter, value: Value, count: u32, complete: bool) -> Value {
    if complete {
        return value;
    }
    let ty = l.ty(value);
    let mask = l.iconst(ty, ones(count));
    l.and(value, mask)
}

fn shift_left(l: &mut Lifter, value: Value, amount: u32) -> Value {
    if amount == 0 {
        return value;
    }
    let ty = l.ty(value);
    let amount = l.iconst(ty, amount.into());
    l.shl(value, amount)
}

fn shift_right(l: &mut Lifter, value: Value, amount: u32) -> Value {
    if amount == 0 {
        return value;
    }
    let ty = l.ty(value);
    let amount = l.iconst(ty, amount.into());
    l.lshr(value, amount)
}

/// `extr rd, rn, rm, #lsb`: the register's width of bits from `lsb` of rn:rm. (Extract)
fn extract(l: &mut Lifter, i: Insn) {
    let ty = width(i.sf());
    let lsb = i.bits(10, 6);
    let (high, low) = (l.reg(i.rn(), ty), l.reg(i.rm(), ty));
    let result = if lsb == 0 {
        low
    } else if i.rn() == i.rm() {
        let amount = l.iconst(ty, lsb.into());
        l.rotr(low, amount)
    } else {
        let low = shift_right(l, low, lsb);
        let high = shift_left(l, high, ty.bits() - lsb);
        l.or(high, low)
    };
    l.set_reg(i.rd(), result);
}

impl Lifter<'_> {
    /// Addition or subtraction with or without flags, by bits 30 and 29. Without flags Rd may be SP if `to_sp`.
    pub(super) fn add_or_subtract(&mut self, i: Insn, a: Value, b: Value, to_sp: bool) {
        let (subtract, flags) = (i.bit(30), i.bit(29));
        let result = if subtract { self.sub(a, b) } else { self.add(a, b) };
        match (flags, subtract) {
            (true, true) => self.set_flags_subtract(a, b, result),
            (true, false) => self.set_flags_add(a, b, result),
            (false, _) => {}
        }
        if to_sp && !flags {
            self.set_reg_or_sp(i.rd(), result);
        } else {
            self.set_reg(i.rd(), result);
        }
    }

    /// Extends the low part of a register as extended-register operands and register offsets do: option 0 to 3
    /// unsigned and 4 to 7 signed from 8 to 64 bits.
    pub(super) fn extended(&mut self, number: u8, option: u32, ty: Type) -> Value {
        let from = Type::int_of_bytes(1 << (option & 3));
        let sign = if option & 4 != 0 { Sign::Signed } else { Sign::Unsigned };
        if from.bits() >= ty.bits() {
            return self.reg(number, ty);
        }
        let low = self.reg(number, from);
        self.resize(low, ty, sign)
    }
}

#[cfg(test)]
mod tests {
    use super::bit_mask;

    #[test]
    fn bit_masks_are_those_of_the_manual() {
        assert_eq!(bit_mask(1, 0b000000, 0), 1);
        assert_eq!(bit_mask(1, 0b111110, 0), u64::MAX >> 1);
        assert_eq!(bit_mask(1, 0b000111, 8), 0xff00_0000_0000_0000);
        assert_eq!(bit_mask(0, 0b111100, 0), 0x5555_5555_5555_5555);
        assert_eq!(bit_mask(0, 0b111100, 1), 0xaaaa_aaaa_aaaa_aaaa);
        assert_eq!(bit_mask(0, 0b100111, 0), 0x00ff_00ff_00ff_00ff);
    }
}
