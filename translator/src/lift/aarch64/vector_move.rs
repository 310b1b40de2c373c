//! Advanced SIMD, moves of lanes: copy, modified immediate, permute, extract, table lookup.

use super::Lifter;
use super::float::expand_immediate;
use super::lanes::{lane_of, splat};
use crate::ir::{Cond, Lane, Type, Value};
use decoders::aarch64::{Insn, VectorMove as Op};

pub(super) fn lift(l: &mut Lifter, op: Op, i: Insn) {
    match op {
        Op::DupElement => dup_element(l, i),
        Op::DupGeneral => dup_general(l, i),
        Op::InsGeneral => ins_general(l, i),
        Op::InsElement => ins_element(l, i),
        Op::Smov => smov(l, i),
        Op::Umov => umov(l, i),
        Op::ModifiedImmediate | Op::FmovHalfImmediate => modified_immediate(l, i),
        Op::Uzp1 => permute(l, i, |at, _| 2 * at),
        Op::Uzp2 => permute(l, i, |at, _| 2 * at + 1),
        Op::Trn1 => permute(l, i, |at, count| at / 2 * 2 + at % 2 * count),
        Op::Trn2 => permute(l, i, |at, count| at / 2 * 2 + 1 + at % 2 * count),
        Op::Zip1 => permute(l, i, |at, count| at / 2 + at % 2 * count),
        Op::Zip2 => permute(l, i, |at, count| count / 2 + at / 2 + at % 2 * count),
        Op::Ext => ext(l, i),
        Op::Tbl | Op::Tbx => table(l, i, op == Op::Tbx),
    }
}

/// The lane and its index: the lowest set bit of imm5 says the size, the bits above it the index.
fn element(i: Insn) -> (Lane, u8) {
    let imm5 = i.bits(16, 5);
    let size = imm5.trailing_zeros();
    (lane_of(size), (imm5 >> (size + 1)) as u8)
}

/// `dup vd.t, vn.t[index]`, and `dup bd, vn.b[index]` (`mov`). (Advanced SIMD copy)
fn dup_element(l: &mut Lifter, i: Insn) {
    let (lane, index) = element(i);
    let v = l.v(i.rn());
    let x = l.vextract(v, lane, index);
    if i.is_scalar() {
        return l.set_scalar(i.rd(), x);
    }
    let all = l.vsplat(x, lane);
    l.set_vector(i.rd(), all, i.q());
}

/// `dup vd.t, wn`. (Advanced SIMD copy)
fn dup_general(l: &mut Lifter, i: Insn) {
    let (lane, _) = element(i);
    let x = l.reg(i.rn(), lane.ty());
    let all = l.vsplat(x, lane);
    l.set_vector(i.rd(), all, i.q());
}

/// `ins vd.t[index], wn` (`mov`). (Advanced SIMD copy)
fn ins_general(l: &mut Lifter, i: Insn) {
    let (lane, index) = element(i);
    let x = l.reg(i.rn(), lane.ty());
    let d = l.v(i.rd());
    let new = l.vinsert(d, x, lane, index);
    l.set_v(i.rd(), new);
}

/// `ins vd.t[index], vn.t[index2]` (`mov`). (Advanced SIMD copy)
fn ins_element(l: &mut Lifter, i: Insn) {
    let (lane, index) = element(i);
    let from = i.bits(11, 4) >> i.bits(16, 5).trailing_zeros();
    let (d, n) = (l.v(i.rd()), l.v(i.rn()));
    let x = l.vextract(n, lane, from as u8);
    let new = l.vinsert(d, x, lane, index);
    l.set_v(i.rd(), new);
}

/// `smov xd, vn.t[index]`: sign-extends. (Advanced SIMD copy)
fn smov(l: &mut Lifter, i: Insn) {
    let (lane, index) = element(i);
    let v = l.v(i.rn());
    let x = l.vextract(v, lane, index);
    let wide = l.sext(x, super::width(i.q()));
    l.set_reg(i.rd(), wide);
}

/// `umov wd, vn.t[index]`: zero-extends. (Advanced SIMD copy)
fn umov(l: &mut Lifter, i: Insn) {
    let (lane, index) = element(i);
    let v = l.v(i.rn());
    let x = l.vextract(v, lane, index);
    l.set_reg(i.rd(), x);
}

/// The manual's AdvSIMDExpandImm.
fn expand(cmode: u32, op: bool, half: bool, imm: u64) -> u128 {
    let shifted = |lane, step: u32| splat(lane, imm << (8 * step));
    match cmode {
        0..8 => shifted(Lane::B32, cmode >> 1),
        8..12 => shifted(Lane::B16, cmode >> 1 & 1),
        // "Shifting ones".
        12 => splat(Lane::B32, imm << 8 | 0xff),
        13 => splat(Lane::B32, imm << 16 | 0xffff),
        14 if !op => splat(Lane::B8, imm),
        14 => {
            let bytes = (0..8).map(|bit| if imm >> bit & 1 != 0 { 0xffu64 << (8 * bit) } else { 0 });
            splat(Lane::B64, bytes.sum())
        }
        _ if half => splat(Lane::B16, expand_immediate(imm, Type::F16)),
        _ if op => splat(Lane::B64, expand_immediate(imm, Type::F64)),
        _ => splat(Lane::B32, expand_immediate(imm, Type::F32)),
    }
}

/// `movi vd.t, #imm`, `mvni`, `fmov`, and `orr`, `bic` with an immediate. (Advanced SIMD modified immediate)
fn modified_immediate(l: &mut Lifter, i: Insn) {
    let (cmode, op) = (i.bits(12, 4), i.u());
    let imm = u64::from(i.bits(16, 3) << 5 | i.bits(5, 5));
    let value = expand(cmode, op, i.bit(11), imm);
    // Odd modes below 12 combine with Vd; there and in the other integer modes op inverts.
    let combines = cmode < 12 && cmode & 1 != 0;
    let result = if combines {
        let (d, value) = (l.v(i.rd()), l.vconst(value));
        if op { l.vandnot(d, value) } else { l.vor(d, value) }
    } else {
        let value = if op && cmode < 14 { !value } else { value };
        let value = if i.q() { value } else { value & u128::from(u64::MAX) };
        let value = l.vconst(value);
        return l.set_v(i.rd(), value);
    };
    l.set_vector(i.rd(), result, i.q());
}

/// `zip1 vd.t, vn.t, vm.t` and its kind: lane `at` of the result is lane `index(at, count)` of Vn followed by Vm, where
/// each has `count` lanes. (Advanced SIMD permute)
fn permute(l: &mut Lifter, i: Insn, index: impl Fn(usize, usize) -> usize) {
    let bytes = 1 << i.size();
    let vector = if i.q() { 16 } else { 8 };
    let count = vector / bytes;
    let pattern: [u8; 16] = std::array::from_fn(|at| {
        if at >= vector {
            return at as u8;
        }
        let from = index(at / bytes, count);
        // Vm begins at byte 16 of the shuffle's bytes, also where the vectors have 8.
        (from / count * 16 + from % count * bytes + at % bytes) as u8
    });
    let (a, b) = (l.v(i.rn()), l.v(i.rm()));
    let result = l.vshuffle(a, b, u128::from_le_bytes(pattern));
    l.set_vector(i.rd(), result, i.q());
}

/// `ext vd.t, vn.t, vm.t, #index`: bytes from `index` of Vn followed by Vm. (Advanced SIMD extract)
fn ext(l: &mut Lifter, i: Insn) {
    let vector = if i.q() { 16 } else { 8 };
    let position = i.bits(11, 4) as usize;
    let pattern: [u8; 16] = std::array::from_fn(|at| {
        let from = at + position;
        if at >= vector { at as u8 } else { (from / vector * 16 + from % vector) as u8 }
    });
    let (a, b) = (l.v(i.rn()), l.v(i.rm()));
    let result = l.vshuffle(a, b, u128::from_le_bytes(pattern));
    l.set_vector(i.rd(), result, i.q());
}

/// `tbl vd.t, {vn.16b, ...}, vm.t`, `tbx`: bytes of up to four registers; others are zero, or stay (`tbx`).
/// (Advanced SIMD table lookup)
fn table(l: &mut Lifter, i: Insn, keep: bool) {
    let registers = i.bits(13, 2) as u8 + 1;
    let indices = l.v(i.rm());
    let mut result: Option<Value> = None;
    for offset in 0..registers {
        let table = l.v((i.rn() + offset) % 32);
        // Indices into other registers fall outside of 0 to 15 here and give zero.
        let relative = if offset == 0 {
            indices
        } else {
            let start = l.splat(Lane::B8, u64::from(offset) * 16);
            l.vsub(indices, start, Lane::B8)
        };
        let found = l.vtable(table, relative);
        result = Some(match result {
            None => found,
            Some(other) => l.vor(other, found),
        });
    }
    let mut result = result.expect("at least one register");
    if keep {
        let size = l.splat(Lane::B8, u64::from(registers) * 16);
        let outside = l.vicmp(indices, size, Lane::B8, Cond::Uge);
        let d = l.v(i.rd());
        result = l.vselect(outside, d, result);
    }
    l.set_vector(i.rd(), result, i.q());
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn modified_immediates_are_those_of_the_manual() {
        assert_eq!(expand(14, true, false, 0b1000_0001), 0xff00_0000_0000_00ff_ff00_0000_0000_00ff);
        assert_eq!(expand(2, false, false, 0x12), 0x0000_1200_0000_1200_0000_1200_0000_1200);
        assert_eq!(expand(13, false, false, 0x12), 0x0012_ffff_0012_ffff_0012_ffff_0012_ffff);
        assert_eq!(expand(15, false, false, 0x70) as u32, 0x3f80_0000);
    }
}
