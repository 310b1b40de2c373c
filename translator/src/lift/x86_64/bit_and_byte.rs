//! Bit and byte instructions.

use super::flags::Last;
use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{Cond, Order, RmwOp, Sign, Type, Value};
use decoders::x86_64::{Mnemonic as M, OpKind};

pub(super) const ROWS: Rows = &[
    (M::Bt, |x| bit_test(x, Change::None)),
    (M::Bts, |x| bit_test(x, Change::Set)),
    (M::Btr, |x| bit_test(x, Change::Reset)),
    (M::Btc, |x| bit_test(x, Change::Complement)),
    (M::Bsf, bsf),
    (M::Bsr, bsr),
    (M::Popcnt, popcnt),
    (M::Test, test),
    (M::Seta, setcc),
    (M::Setae, setcc),
    (M::Setb, setcc),
    (M::Setbe, setcc),
    (M::Sete, setcc),
    (M::Setg, setcc),
    (M::Setge, setcc),
    (M::Setl, setcc),
    (M::Setle, setcc),
    (M::Setne, setcc),
    (M::Setno, setcc),
    (M::Setnp, setcc),
    (M::Setns, setcc),
    (M::Seto, setcc),
    (M::Setp, setcc),
    (M::Sets, setcc),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    None,
    Set,
    Reset,
    Complement,
}

/// `bt`, `bts`, `btr`, `btc base, offset`: CF is the bit; set, reset or complement it. A register as the offset of a bit in
/// memory reaches beyond the operand. (Bit Test; ... and Set; ... and Reset; ... and Complement)
fn bit_test(x: &mut Lifter<'_>, change: Change) {
    let ty = x.ty(0);
    let bits = u64::from(ty.bits());
    let offset = x.read(1);
    if x.is_memory(0) && x.insn.op_kind(1) == OpKind::Register {
        reach(x, offset, ty);
    }
    let low = x.b.iconst(ty, bits - 1);
    let index = x.b.and(offset, low);
    let one = x.b.iconst(ty, 1);
    let mask = x.b.shl(one, index);
    let locked = x.insn.has_lock_prefix();
    let old = if locked {
        let op = match change {
            Change::Set | Change::None => RmwOp::Or,
            Change::Reset => RmwOp::AndNot,
            Change::Complement => RmwOp::Xor,
        };
        let address = x.address();
        x.b.rmw(address, mask, ty, op, Order::SeqCst)
    } else {
        x.read(0)
    };
    let shifted = x.b.lshr(old, index);
    let bit = x.b.trunc(shifted, Type::I1);
    let new = match change {
        Change::None => None,
        Change::Set => Some(x.b.or(old, mask)),
        Change::Reset => Some(x.b.andnot(old, mask)),
        Change::Complement => Some(x.b.xor(old, mask)),
    };
    if let Some(new) = new.filter(|_| !locked) {
        x.write(0, new);
    }
    x.b.set(bit, state::CF);
    // ZF stays; the others are undefined, and stay too.
    x.forget_flags();
}

/// Moves the address to the operand-sized unit that bit `offset` is in.
fn reach(x: &mut Lifter<'_>, offset: Value, ty: Type) {
    let address = x.offset();
    let wide = x.b.resize(offset, Type::I64, Sign::Signed);
    let amount = x.b.i64(ty.bits().trailing_zeros().into());
    let units = x.b.ashr(wide, amount);
    let amount = x.b.i64(ty.bytes().trailing_zeros().into());
    let bytes = x.b.shl(units, amount);
    let mut sum = x.b.add(address, bytes);
    if x.insn.memory_base().size() == 4 || x.insn.memory_index().size() == 4 {
        let low = x.b.trunc(sum, Type::I32);
        sum = x.b.zext(low, Type::I64);
    }
    let address = x.with_segment_base(sum);
    x.address = Some(address);
}

/// `bsf dest, src`: index of the lowest set bit; if there is none, ZF is set and the destination stays (undefined by Intel's
/// manual). (Bit Scan Forward)
fn bsf(x: &mut Lifter<'_>) {
    let src = x.read(1);
    let index = x.b.ctz(src);
    bit_scan(x, src, index);
}

/// `bsr dest, src`: index of the highest set bit; likewise. (Bit Scan Reverse)
fn bsr(x: &mut Lifter<'_>) {
    let src = x.read(1);
    let ty = x.ty(0);
    let zeros = x.b.clz(src);
    let top = x.b.iconst(ty, u64::from(ty.bits()) - 1);
    let index = x.b.sub(top, zeros);
    bit_scan(x, src, index);
}

fn bit_scan(x: &mut Lifter<'_>, src: Value, index: Value) {
    let ty = x.ty(0);
    let zero = x.b.iconst(ty, 0);
    let none = x.b.icmp(src, zero, Cond::Eq);
    let slot = state::gpr(x.insn.op_register(0).full_register().number() as u8);
    let before = x.b.get(slot);
    x.write(0, index);
    let after = x.b.get(slot);
    let value = x.b.select(before, after, none);
    x.b.set(value, slot);
    let wide = x.b.resize(src, Type::I64, Sign::Unsigned);
    x.b.set(wide, state::ZF);
    x.forget_flags();
}

/// `popcnt dest, src`: number of set bits. (Return the Count of Number of Bits Set to 1)
fn popcnt(x: &mut Lifter<'_>) {
    let src = x.read(1);
    let count = x.b.popcnt(src);
    x.write(0, count);
    for slot in [state::CF, state::OF, state::SF, state::PF, state::AF] {
        x.clear(slot);
    }
    let wide = x.b.resize(src, Type::I64, Sign::Unsigned);
    x.b.set(wide, state::ZF);
    x.forget_flags();
}

/// `test a, b`: the flags of the bitwise and. (Logical Compare)
fn test(x: &mut Lifter<'_>) {
    let (a, b) = (x.read(0), x.read(1));
    let same = x.insn.op_kind(1) == OpKind::Register
        && x.insn.op_kind(0) == OpKind::Register
        && x.insn.op0_register() == x.insn.op1_register();
    let result = if same { a } else { x.b.and(a, b) };
    x.set_logic_flags(result);
    *x.last = Last::Logic { result };
}

/// `setcc dest`: one if the condition holds, else zero. (Set Byte on Condition)
fn setcc(x: &mut Lifter<'_>) {
    let cond = x.condition(x.insn.condition_code());
    let byte = x.b.zext(cond, Type::I8);
    x.write(0, byte);
}
