//! x87 FPU data transfer, arithmetic and comparison instructions.
//!
//! The 80-bit work is done by the `x87` op. An empty register as an operand is a stack fault, which gives the indefinite NaN. Every
//! instruction works out its flags first and calls [`Lifter::stop_if_unmasked`] with them before it changes anything else.

use super::operand::ORDER;
use super::{Lifter, Rows};
use crate::guest::FpEnv;
use crate::guest::x86_64::{self as state, st};
use crate::ir::{Access, Cond, Sign, Type, Value, X87Op};
use decoders::x86_64::{ConditionCode, MemorySize, Mnemonic as M, OpKind};

pub(super) const ROWS: Rows = &[
    (M::Fld, fld),
    (M::Fild, fild),
    (M::Fst, |x| fst(x, false)),
    (M::Fstp, |x| fst(x, true)),
    (M::Fist, |x| fist(x, false)),
    (M::Fistp, |x| fist(x, true)),
    (M::Fisttp, fisttp),
    (M::Fbld, fbld),
    (M::Fbstp, fbstp),
    (M::Fxch, fxch),
    (M::Fcmovb, |x| fcmov(x, ConditionCode::b)),
    (M::Fcmove, |x| fcmov(x, ConditionCode::e)),
    (M::Fcmovbe, |x| fcmov(x, ConditionCode::be)),
    (M::Fcmovu, |x| fcmov(x, ConditionCode::p)),
    (M::Fcmovnb, |x| fcmov(x, ConditionCode::ae)),
    (M::Fcmovne, |x| fcmov(x, ConditionCode::ne)),
    (M::Fcmovnbe, |x| fcmov(x, ConditionCode::a)),
    (M::Fcmovnu, |x| fcmov(x, ConditionCode::np)),
    (M::Fld1, |x| fld_constant(x, [0x3fff; 2], [1 << 63; 2])),
    (M::Fldz, |x| fld_constant(x, [0; 2], [0; 2])),
    (M::Fldpi, |x| fld_constant(x, [0x4000, 1], [0xc90f_daa2_2168_c234, 1])),
    (M::Fldl2t, |x| fld_constant(x, [0x4000, 0], [0xd49a_784b_cd1b_8afe, 1])),
    (M::Fldl2e, |x| fld_constant(x, [0x3fff, 1], [0xb8aa_3b29_5c17_f0bb, 1])),
    (M::Fldlg2, |x| fld_constant(x, [0x3ffd, 1], [0x9a20_9a84_fbcf_f798, 1])),
    (M::Fldln2, |x| fld_constant(x, [0x3ffe, 1], [0xb172_17f7_d1cf_79ab, 1])),
    (M::Fadd, |x| arithmetic(x, X87Op::Add, false, false)),
    (M::Faddp, |x| arithmetic(x, X87Op::Add, false, true)),
    (M::Fiadd, |x| arithmetic(x, X87Op::Add, false, false)),
    (M::Fsub, |x| arithmetic(x, X87Op::Sub, false, false)),
    (M::Fsubp, |x| arithmetic(x, X87Op::Sub, false, true)),
    (M::Fisub, |x| arithmetic(x, X87Op::Sub, false, false)),
    (M::Fsubr, |x| arithmetic(x, X87Op::Sub, true, false)),
    (M::Fsubrp, |x| arithmetic(x, X87Op::Sub, true, true)),
    (M::Fisubr, |x| arithmetic(x, X87Op::Sub, true, false)),
    (M::Fmul, |x| arithmetic(x, X87Op::Mul, false, false)),
    (M::Fmulp, |x| arithmetic(x, X87Op::Mul, false, true)),
    (M::Fimul, |x| arithmetic(x, X87Op::Mul, false, false)),
    (M::Fdiv, |x| arithmetic(x, X87Op::Div, false, false)),
    (M::Fdivp, |x| arithmetic(x, X87Op::Div, false, true)),
    (M::Fidiv, |x| arithmetic(x, X87Op::Div, false, false)),
    (M::Fdivr, |x| arithmetic(x, X87Op::Div, true, false)),
    (M::Fdivrp, |x| arithmetic(x, X87Op::Div, true, true)),
    (M::Fidivr, |x| arithmetic(x, X87Op::Div, true, false)),
    (M::Fsqrt, |x| unary(x, X87Op::Sqrt)),
    (M::Frndint, |x| unary(x, X87Op::RoundIntegral)),
    (M::Fscale, fscale),
    (M::Fprem, |x| remainder(x, X87Op::Remainder)),
    (M::Fprem1, |x| remainder(x, X87Op::RemainderNearest)),
    (M::Fxtract, fxtract),
    (M::Fabs, |x| change_sign(x, false)),
    (M::Fchs, |x| change_sign(x, true)),
    (M::Fcom, |x| compare(x, X87Op::Compare, 0)),
    (M::Fcomp, |x| compare(x, X87Op::Compare, 1)),
    (M::Fcompp, |x| compare(x, X87Op::Compare, 2)),
    (M::Ficom, |x| compare(x, X87Op::Compare, 0)),
    (M::Ficomp, |x| compare(x, X87Op::Compare, 1)),
    (M::Fucom, |x| compare(x, X87Op::CompareQuiet, 0)),
    (M::Fucomp, |x| compare(x, X87Op::CompareQuiet, 1)),
    (M::Fucompp, |x| compare(x, X87Op::CompareQuiet, 2)),
    (M::Ftst, ftst),
    (M::Fcomi, |x| compare_to_flags(x, X87Op::Compare, false)),
    (M::Fcomip, |x| compare_to_flags(x, X87Op::Compare, true)),
    (M::Fucomi, |x| compare_to_flags(x, X87Op::CompareQuiet, false)),
    (M::Fucomip, |x| compare_to_flags(x, X87Op::CompareQuiet, true)),
    (M::Fxam, fxam),
    (M::Ffree, ffree),
    (M::Fincstp, |x| turn(x, true)),
    (M::Fdecstp, |x| turn(x, false)),
];

const C1: u64 = 1 << 9;
const C2: u64 = 1 << 10;
/// C0 to C3.
const CONDITIONS: u64 = 0x4700;
/// Invalid operation and stack fault.
const STACK_FAULT: u64 = 0x41;

/// Exceptions that are found before the operation is carried out.
const BEFORE: u64 = 7;
/// Denormal operand, one of them.
const DENORMAL: u64 = 2;
/// Overflow and underflow, which keep a result from memory but not from a register.
const RANGE: u64 = 0x18;
/// Inexact.
const ROUNDED: u64 = 0x20;

/// A value with the status bits that making it has set.
#[derive(Clone, Copy)]
pub(super) struct Result87 {
    pub value: Value,
    pub flags: Value,
}

impl Lifter<'_> {
    /// 128-bit constant.
    pub(super) fn wide_constant(&mut self, low: u64, high: u64) -> Value {
        let (low, high) = (self.b.i64(low), self.b.i64(high));
        self.b.concat(low, high)
    }

    pub(super) fn indefinite(&mut self) -> Value {
        self.wide_constant(0xc000_0000_0000_0000, 0xffff)
    }

    pub(super) fn flags87(&mut self, flags: u64) -> Value {
        self.b.iconst(Type::I16, flags)
    }

    /// The `x87` op, its result taken apart.
    pub(super) fn op87(&mut self, op: X87Op, a: Value, b: Value) -> Result87 {
        let control = self.b.get(state::FCW);
        let packed = self.b.x87(a, b, control, op);
        self.unpack87(packed)
    }

    pub(super) fn unpack87(&mut self, packed: Value) -> Result87 {
        let (low, high) = (self.b.low(packed), self.b.high(packed));
        let mask = self.b.i64(0xffff);
        let top = self.b.and(high, mask);
        let value = self.b.concat(low, top);
        let amount = self.b.i64(16);
        let flags = self.b.lshr(high, amount);
        Result87 { value, flags: self.b.trunc(flags, Type::I16) }
    }

    /// Whether `st(i)` is in use.
    pub(super) fn in_use(&mut self, i: u8) -> Value {
        let tags = self.b.get(state::FTAG);
        let amount = self.b.iconst(Type::I8, i.into());
        let bit = self.b.lshr(tags, amount);
        self.b.trunc(bit, Type::I1)
    }

    /// Number of the register that is operand `n`.
    fn st_number(&self, n: u32) -> u8 {
        self.insn.op_register(n).number() as u8
    }

    /// Where an exception is unmasked: gathers the flags as [`Lifter::gather`] does, and leaves with the instruction done if an exception
    /// among them keeps its result from being written. To memory it is not written after overflow and underflow either.
    pub(super) fn stop_if_unmasked(&mut self, flags: Value, clear: u64) {
        if self.env.0 & FpEnv::X87_TRAPS == 0 {
            return;
        }
        let to_memory = self.insn.op_count() > 0 && self.is_memory(0) && self.stores_to_memory();
        if to_memory {
            let (address, size) = (self.address(), self.insn.memory_size().size() as u32);
            self.b.probe(address, Access::Write, size);
        }
        let control = self.b.get(state::FCW);
        let pending = self.b.andnot(flags, control);
        // A denormal is loaded for all that.
        let before = if self.insn.mnemonic() == M::Fld { BEFORE & !DENORMAL } else { BEFORE };
        let early = self.has_any(pending, before);
        let late = if to_memory { self.has_any(pending, RANGE) } else { self.b.i1(false) };
        // What was not done has not been rounded, and after an early exception has not been found out of range.
        let fault = self.has_stack_fault(flags);
        let (rounded, nothing) = (self.flags87(ROUNDED | C1), self.flags87(0));
        let rounded = self.b.select(nothing, rounded, fault);
        let unrounded = self.b.andnot(flags, rounded);
        let range = self.flags87(RANGE);
        let in_range = self.b.andnot(unrounded, range);
        let told = self.b.select(unrounded, flags, late);
        let told = self.b.select(in_range, told, early);
        self.gather(told, clear);
        let stops = self.b.or(early, late);
        self.b.skip_if(stops);
    }

    fn has_any(&mut self, flags: Value, mask: u64) -> Value {
        let (mask, zero) = (self.flags87(mask), self.flags87(0));
        let some = self.b.and(flags, mask);
        self.b.icmp(some, zero, Cond::Ne)
    }

    fn stores_to_memory(&self) -> bool {
        matches!(self.insn.mnemonic(), M::Fst | M::Fstp | M::Fist | M::Fistp | M::Fisttp | M::Fbstp)
    }

    /// Gathers flags in the status word, after clearing some of it, and notes the instruction's address.
    pub(super) fn gather(&mut self, flags: Value, clear: u64) {
        let here = self.b.address(self.insn.ip());
        self.b.set(here, state::FIP);
        let status = self.b.get(state::FSW);
        let mask = self.b.iconst(Type::I16, !clear);
        let status = self.b.and(status, mask);
        let status = self.b.or(status, flags);
        self.summarize(status);
    }

    /// [`Lifter::stop_if_unmasked`] for an instruction that clears C1 only by a stack fault.
    fn stop_keeping_c1(&mut self, flags: Value) {
        if self.env.0 & FpEnv::X87_TRAPS == 0 {
            return;
        }
        self.gather_keeping_c1(flags);
        self.stop_if_unmasked(flags, 0);
    }

    /// Gathers flags of an instruction that clears C1 only by a stack fault.
    fn gather_keeping_c1(&mut self, flags: Value) {
        let here = self.b.address(self.insn.ip());
        self.b.set(here, state::FIP);
        let fault = self.has_stack_fault(flags);
        let (status, mask) = (self.b.get(state::FSW), self.flags87(!C1));
        let cleared = self.b.and(status, mask);
        let status = self.b.select(cleared, status, fault);
        let status = self.b.or(status, flags);
        self.summarize(status);
    }

    /// The stack-fault result where a register is empty.
    pub(super) fn unless_empty(&mut self, valid: Value, result: Result87) -> Result87 {
        let (indefinite, fault) = (self.indefinite(), self.flags87(STACK_FAULT));
        Result87 {
            value: self.b.select(result.value, indefinite, valid),
            flags: self.b.select(result.flags, fault, valid),
        }
    }

    /// The registers, `amount` places from where they are: place i has what place i + `amount` had.
    pub(super) fn turned_by(&mut self, amount: Value) -> [Value; 8] {
        let mut registers: [Value; 8] = std::array::from_fn(|i| self.b.get(st(i as u8)));
        for step in 0..3u8 {
            let place = self.b.iconst(Type::I8, step.into());
            let bit = self.b.lshr(amount, place);
            let turn = self.b.trunc(bit, Type::I1);
            let before = registers;
            registers =
                std::array::from_fn(|i| self.b.select(before[(i + (1 << step)) % 8], before[i], turn));
        }
        registers
    }

    /// Moves every register one place: towards the top (`pop`) or away from it.
    fn turn_stack(&mut self, pop: bool) {
        *self.in_mmx = false;
        let old: Vec<Value> = (0..8).map(|i| self.b.get(st(i))).collect();
        for i in 0..8 {
            let from = if pop { (i + 1) % 8 } else { (i + 7) % 8 };
            self.b.set(old[from], st(i as u8));
        }
        let (top, tags) = (self.b.get(state::FTOP), self.b.get(state::FTAG));
        let step = self.b.iconst(Type::I8, if pop { 1 } else { 7 });
        let top = self.b.add(top, step);
        let seven = self.b.iconst(Type::I8, 7);
        let top = self.b.and(top, seven);
        self.b.set(top, state::FTOP);
        let one = self.b.iconst(Type::I8, 1);
        let tags = if pop { self.b.rotr(tags, one) } else { self.b.rotl(tags, one) };
        self.b.set(tags, state::FTAG);
    }

    /// Marks `st(0)` empty and drops it.
    pub(super) fn pop87(&mut self) {
        self.set_tag(0, false);
        self.turn_stack(true);
    }

    pub(super) fn set_tag(&mut self, i: u8, used: bool) {
        *self.in_mmx = false;
        let tags = self.b.get(state::FTAG);
        let bit = self.b.iconst(Type::I8, 1 << i);
        let tags = if used { self.b.or(tags, bit) } else { self.b.andnot(tags, bit) };
        self.b.set(tags, state::FTAG);
    }

    /// Pushes; a stack that is full is a fault with C1 set.
    pub(super) fn push87(&mut self, result: Result87) {
        let full = self.in_use(7);
        // An empty source is a fault of its own, with C1 clear.
        let from_empty = self.has_stack_fault(result.flags);
        let (indefinite, overflow) = (self.indefinite(), self.flags87(STACK_FAULT | C1));
        let fault = self.b.select(result.flags, overflow, from_empty);
        let value = self.b.select(indefinite, result.value, full);
        let flags = self.b.select(fault, result.flags, full);
        self.stop_if_unmasked(flags, C1);
        self.turn_stack(false);
        self.b.set(value, st(0));
        self.set_tag(0, true);
        self.gather(flags, C1);
    }

    fn has_stack_fault(&mut self, flags: Value) -> Value {
        let amount = self.flags87(6);
        let bit = self.b.lshr(flags, amount);
        self.b.trunc(bit, Type::I1)
    }

    /// The memory operand as an 80-bit operand of arithmetic.
    fn memory_operand87(&mut self) -> Value {
        match self.insn.memory_size() {
            MemorySize::Float32 => self.loaded87(Type::I32, Sign::Unsigned, X87Op::OperandF32),
            MemorySize::Float64 => self.loaded87(Type::I64, Sign::Unsigned, X87Op::OperandF64),
            MemorySize::Int16 => self.loaded87(Type::I16, Sign::Signed, X87Op::FromI64),
            MemorySize::Int32 => self.loaded87(Type::I32, Sign::Signed, X87Op::FromI64),
            _ => self.loaded87(Type::I64, Sign::Signed, X87Op::FromI64),
        }
    }

    /// Loads the memory operand and converts it; the flags stay beside the value.
    fn loaded87(&mut self, ty: Type, sign: Sign, op: X87Op) -> Value {
        let value = self.load(ty);
        let value = self.b.resize(value, Type::I64, sign);
        let zero = self.b.i64(0);
        let value = self.b.concat(value, zero);
        let control = self.b.get(state::FCW);
        self.b.x87(value, value, control, op)
    }

    /// Ten bytes from the memory operand.
    pub(super) fn load_extended(&mut self) -> Value {
        let address = self.address();
        self.b.probe(address, Access::Read, 10);
        let low = self.b.load(address, Type::I64, ORDER);
        let eight = self.b.i64(8);
        let address = self.b.add(address, eight);
        let high = self.b.load(address, Type::I16, ORDER);
        let high = self.b.zext(high, Type::I64);
        self.b.concat(low, high)
    }

    pub(super) fn store_extended(&mut self, value: Value) {
        let address = self.address();
        self.b.probe(address, Access::Write, 10);
        let (low, high) = (self.b.low(value), self.b.high(value));
        let high = self.b.trunc(high, Type::I16);
        self.b.store(address, low, ORDER);
        let eight = self.b.i64(8);
        let address = self.b.add(address, eight);
        self.b.store(address, high, ORDER);
    }
}

/// `fld m32/m64/m80`, `fld st(i)`: push a value. (Load Floating-Point Value)
fn fld(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let none = x.flags87(0);
    let result = match x.insn.op_kind(0) {
        OpKind::Register => {
            let number = x.st_number(0);
            let (value, valid) = (x.b.get(st(number)), x.in_use(number));
            x.unless_empty(valid, Result87 { value, flags: none })
        }
        _ => match x.insn.memory_size() {
            MemorySize::Float80 => Result87 { value: x.load_extended(), flags: none },
            MemorySize::Float32 => {
                let packed = x.loaded87(Type::I32, Sign::Unsigned, X87Op::FromF32);
                x.unpack87(packed)
            }
            _ => {
                let packed = x.loaded87(Type::I64, Sign::Unsigned, X87Op::FromF64);
                x.unpack87(packed)
            }
        },
    };
    x.push87(result);
}

/// `fild m16/m32/m64`: push an integer. (Load Integer)
fn fild(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let packed = x.memory_operand87();
    let result = x.unpack87(packed);
    x.push87(result);
}

/// `fst`, `fstp`: store `st(0)`, and pop it. (Store Floating-Point Value)
fn fst(x: &mut Lifter<'_>, pop: bool) {
    x.check_x87_exceptions();
    let (value, valid, none) = (x.b.get(st(0)), x.in_use(0), x.flags87(0));
    let source = x.unless_empty(valid, Result87 { value, flags: none });
    let mut flags = source.flags;
    if x.insn.op_kind(0) == OpKind::Register {
        let number = x.st_number(0);
        x.stop_if_unmasked(flags, C1);
        x.b.set(source.value, st(number));
        x.set_tag(number, true);
    } else {
        let (op, ty) = match x.insn.memory_size() {
            MemorySize::Float80 => {
                x.stop_if_unmasked(flags, C1);
                x.store_extended(source.value);
                x.gather(flags, C1);
                if pop {
                    x.pop87();
                }
                return;
            }
            MemorySize::Float32 => (X87Op::ToF32, Type::I32),
            _ => (X87Op::ToF64, Type::I64),
        };
        let result = x.op87(op, source.value, source.value);
        flags = x.b.or(flags, result.flags);
        x.stop_if_unmasked(flags, C1);
        store_low(x, result.value, ty);
    }
    x.gather(flags, C1);
    if pop {
        x.pop87();
    }
}

fn store_low(x: &mut Lifter<'_>, value: Value, ty: Type) {
    let low = x.b.low(value);
    let low = x.b.resize(low, ty, Sign::Unsigned);
    x.store(low);
}

/// `fist`, `fistp m16/m32/m64`: store `st(0)` as an integer, and pop it. (Store Integer)
fn fist(x: &mut Lifter<'_>, pop: bool) {
    let (op, ty) = match x.insn.memory_size() {
        MemorySize::Int16 => (X87Op::ToI16, Type::I16),
        MemorySize::Int32 => (X87Op::ToI32, Type::I32),
        _ => (X87Op::ToI64, Type::I64),
    };
    store_integer(x, op, ty, pop);
}

/// `fisttp m16/m32/m64`: likewise, truncated. (Store Integer With Truncation)
fn fisttp(x: &mut Lifter<'_>) {
    let (op, ty) = match x.insn.memory_size() {
        MemorySize::Int16 => (X87Op::TruncateI16, Type::I16),
        MemorySize::Int32 => (X87Op::TruncateI32, Type::I32),
        _ => (X87Op::TruncateI64, Type::I64),
    };
    store_integer(x, op, ty, true);
}

fn store_integer(x: &mut Lifter<'_>, op: X87Op, ty: Type, pop: bool) {
    x.check_x87_exceptions();
    let (value, valid, none) = (x.b.get(st(0)), x.in_use(0), x.flags87(0));
    let source = x.unless_empty(valid, Result87 { value, flags: none });
    let result = x.op87(op, source.value, source.value);
    let flags = x.b.or(source.flags, result.flags);
    x.stop_if_unmasked(flags, C1);
    store_low(x, result.value, ty);
    x.gather(flags, C1);
    if pop {
        x.pop87();
    }
}

/// `fbld m80`: push a packed decimal integer. (Load Binary Coded Decimal)
fn fbld(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let digits = x.load_extended();
    let result = x.op87(X87Op::FromBcd, digits, digits);
    x.push87(result);
}

/// `fbstp m80`: store `st(0)` as a packed decimal integer, and pop it. (Store BCD Integer and Pop)
fn fbstp(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let (value, valid, none) = (x.b.get(st(0)), x.in_use(0), x.flags87(0));
    let source = x.unless_empty(valid, Result87 { value, flags: none });
    let result = x.op87(X87Op::ToBcd, source.value, source.value);
    let flags = x.b.or(source.flags, result.flags);
    x.stop_if_unmasked(flags, C1);
    x.store_extended(result.value);
    x.gather(flags, C1);
    x.pop87();
}

/// `fxch st(i)`: exchange with `st(0)`. (Exchange Register Contents)
fn fxch(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let number = x.st_number(1);
    let mut flags = x.flags87(0);
    let [top, other] = [0, number].map(|i| {
        let (value, valid, none) = (x.b.get(st(i)), x.in_use(i), x.flags87(0));
        let read = x.unless_empty(valid, Result87 { value, flags: none });
        flags = x.b.or(flags, read.flags);
        read.value
    });
    x.stop_if_unmasked(flags, C1);
    x.b.set(other, st(0));
    x.b.set(top, st(number));
    x.set_tag(0, true);
    x.set_tag(number, true);
    x.gather(flags, C1);
}

/// `fcmovcc st, st(i)`: copy if the condition holds. (Floating-Point Conditional Move)
fn fcmov(x: &mut Lifter<'_>, code: ConditionCode) {
    x.check_x87_exceptions();
    let number = x.st_number(1);
    let cond = x.condition(code);
    let (old, new) = (x.b.get(st(0)), x.b.get(st(number)));
    let value = x.b.select(new, old, cond);
    let valid = both_in_use(x, 0, number);
    let none = x.flags87(0);
    let result = x.unless_empty(valid, Result87 { value, flags: none });
    x.stop_keeping_c1(result.flags);
    x.b.set(result.value, st(0));
    x.set_tag(0, true);
    x.gather_keeping_c1(result.flags);
}

/// `fld1`, `fldpi` and so on: push a constant: sign and exponent, and the significand cut off, each beside whether rounding to nearest
/// increases it and whether rounding up does. (Load Constant)
fn fld_constant(x: &mut Lifter<'_>, [exponent, nearest]: [u64; 2], [significand, inexact]: [u64; 2]) {
    x.check_x87_exceptions();
    let mut low = x.b.i64(significand);
    if inexact == 1 {
        let control = x.b.get(state::FCW);
        let mask = x.b.iconst(Type::I16, 0xc00);
        let mode = x.b.and(control, mask);
        for (value, increases) in [(0, nearest == 1), (0x800, true)] {
            if increases {
                let this = x.b.iconst(Type::I16, value);
                let chosen = x.b.icmp(mode, this, Cond::Eq);
                let increased = x.b.i64(significand + 1);
                low = x.b.select(increased, low, chosen);
            }
        }
    }
    let high = x.b.i64(exponent);
    let value = x.b.concat(low, high);
    let flags = x.flags87(0);
    x.push87(Result87 { value, flags });
}

fn both_in_use(x: &mut Lifter<'_>, a: u8, b: u8) -> Value {
    let (first, second) = (x.in_use(a), x.in_use(b));
    x.b.and(first, second)
}

/// `fadd`, `fsubr`, `fdivp`, `fimul` and so on: the destination and the source combined; `reversed`: source first. (Add; Reverse
/// Subtract; and others)
fn arithmetic(x: &mut Lifter<'_>, op: X87Op, reversed: bool, pop: bool) {
    x.check_x87_exceptions();
    let (dest, source, valid) = if x.is_memory(0) {
        let source = x.memory_operand87();
        (0, source, x.in_use(0))
    } else {
        let (dest, source) = (x.st_number(0), x.st_number(1));
        (dest, x.b.get(st(source)), both_in_use(x, dest, source))
    };
    let old = x.b.get(st(dest));
    let (a, b) = if reversed { (source, old) } else { (old, source) };
    let result = x.op87(op, a, b);
    let result = x.unless_empty(valid, result);
    x.stop_if_unmasked(result.flags, C1);
    x.b.set(result.value, st(dest));
    x.set_tag(dest, true);
    x.gather(result.flags, C1);
    if pop {
        x.pop87();
    }
}

impl Lifter<'_> {
    /// Writes one result to `st(0)` and pushes another. A full stack spoils both.
    pub(super) fn replace_top_and_push(&mut self, below: Result87, above: Result87) {
        let full = self.in_use(7);
        let flags = self.b.or(below.flags, above.flags);
        let from_empty = self.has_stack_fault(flags);
        let (indefinite, overflow) = (self.indefinite(), self.flags87(STACK_FAULT | C1));
        let fault = self.b.select(flags, overflow, from_empty);
        let below = self.b.select(indefinite, below.value, full);
        let above = self.b.select(indefinite, above.value, full);
        let flags = self.b.select(fault, flags, full);
        self.stop_if_unmasked(flags, C1);
        self.b.set(below, st(0));
        self.set_tag(0, true);
        self.turn_stack(false);
        self.b.set(above, st(0));
        self.set_tag(0, true);
        self.gather(flags, C1);
    }

    /// Writes a result to `st(0)` and gathers its flags.
    pub(super) fn replace_top(&mut self, result: Result87, clear: u64) {
        self.stop_if_unmasked(result.flags, clear);
        self.b.set(result.value, st(0));
        self.set_tag(0, true);
        self.gather(result.flags, clear);
    }
}

/// `fsqrt`, `frndint`: of `st(0)`. (Square Root; Round to Integer)
fn unary(x: &mut Lifter<'_>, op: X87Op) {
    x.check_x87_exceptions();
    let (value, valid) = (x.b.get(st(0)), x.in_use(0));
    let result = x.op87(op, value, value);
    let result = x.unless_empty(valid, result);
    x.replace_top(result, C1);
}

/// `fscale`: `st(0)` times 2 to the power of `st(1)`. (Scale)
fn fscale(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let result = binary(x, X87Op::Scale);
    x.replace_top(result, C1);
}

/// `fprem`, `fprem1`: remainder of `st(0)` by `st(1)`. C0 and C3 stay where there is no quotient. (Partial Remainder)
fn remainder(x: &mut Lifter<'_>, op: X87Op) {
    x.check_x87_exceptions();
    let valid = both_in_use(x, 0, 1);
    let Result87 { value, flags } = binary(x, op);
    let zero = x.flags87(0);
    let marker = x.flags87(crate::float::x87::status::NO_QUOTIENT.into());
    let marked = x.b.and(flags, marker);
    let quotient = x.b.icmp(marked, zero, Cond::Eq);
    let mut quotient = x.b.and(quotient, valid);
    let mut flags = flags;
    if x.env.0 & FpEnv::X87_TRAPS != 0 {
        // Nor is there one where an unmasked exception keeps it from being written.
        let control = x.b.get(state::FCW);
        let pending = x.b.andnot(flags, control);
        let stops = x.has_any(pending, BEFORE);
        let conditions = x.flags87(CONDITIONS);
        let exceptions = x.b.andnot(flags, conditions);
        flags = x.b.select(exceptions, flags, stops);
        let goes_on = x.b.not(stops);
        quotient = x.b.and(quotient, goes_on);
    }
    let status = x.b.get(state::FSW);
    let mask = x.flags87(CONDITIONS & !(C1 | C2));
    let old = x.b.and(status, mask);
    let kept = x.b.select(zero, old, quotient);
    let flags = x.b.andnot(flags, marker);
    let flags = x.b.or(flags, kept);
    x.replace_top(Result87 { value, flags }, CONDITIONS);
}

/// An operation on `st(0)` and `st(1)`.
pub(super) fn binary(x: &mut Lifter<'_>, op: X87Op) -> Result87 {
    let (a, b) = (x.b.get(st(0)), x.b.get(st(1)));
    let valid = both_in_use(x, 0, 1);
    let result = x.op87(op, a, b);
    x.unless_empty(valid, result)
}

/// `fxtract`: replace `st(0)` by its exponent and push its significand. (Extract Exponent and Significand)
fn fxtract(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let (value, valid) = (x.b.get(st(0)), x.in_use(0));
    let exponent = x.op87(X87Op::Exponent, value, value);
    let exponent = x.unless_empty(valid, exponent);
    let significand = x.op87(X87Op::Significand, value, value);
    let significand = x.unless_empty(valid, significand);
    x.replace_top_and_push(exponent, significand);
}

/// `fabs`, `fchs`: clear or complement the sign of `st(0)`, of NaNs too. (Absolute Value; Change Sign)
fn change_sign(x: &mut Lifter<'_>, complement: bool) {
    x.check_x87_exceptions();
    let (value, valid) = (x.b.get(st(0)), x.in_use(0));
    let (low, high) = (x.b.low(value), x.b.high(value));
    let sign = x.b.i64(0x8000);
    let high = if complement { x.b.xor(high, sign) } else { x.b.andnot(high, sign) };
    let value = x.b.concat(low, high);
    let none = x.flags87(0);
    let result = x.unless_empty(valid, Result87 { value, flags: none });
    x.replace_top(result, C1);
}

/// `fcom`, `fcomp`, `fcompp`, `ficom`, `fucom` and so on: C3, C2, C0 from `st(0)` and the source, then drop `pops` registers.
/// (Compare Floating-Point Values; Compare Integer; Unordered Compare Floating-Point Values)
fn compare(x: &mut Lifter<'_>, op: X87Op, pops: u32) {
    x.check_x87_exceptions();
    let (b, valid) = if x.insn.op_count() > 0 && x.is_memory(0) {
        let b = x.memory_operand87();
        (b, x.in_use(0))
    } else {
        let number = if x.insn.op_count() == 2 { x.st_number(1) } else { 1 };
        (x.b.get(st(number)), both_in_use(x, 0, number))
    };
    compare_with(x, op, b, valid);
    for _ in 0..pops {
        x.pop87();
    }
}

fn compare_with(x: &mut Lifter<'_>, op: X87Op, b: Value, valid: Value) {
    let flags = comparison(x, op, b, valid);
    x.stop_if_unmasked(flags, CONDITIONS);
    x.gather(flags, CONDITIONS);
}

/// Status bits of a comparison of `st(0)`; unordered if a register is empty.
fn comparison(x: &mut Lifter<'_>, op: X87Op, b: Value, valid: Value) -> Value {
    let a = x.b.get(st(0));
    let result = x.op87(op, a, b);
    let fault = x.flags87(STACK_FAULT | (CONDITIONS & !C1));
    x.b.select(result.flags, fault, valid)
}

/// `ftst`: compare `st(0)` with zero. (TEST)
fn ftst(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let (zero, valid) = (x.wide_constant(0, 0), x.in_use(0));
    compare_with(x, X87Op::Compare, zero, valid);
}

/// `fcomi`, `fcomip`, `fucomi`, `fucomip st, st(i)`: ZF, PF and CF instead. (Compare Floating-Point Values and Set EFLAGS)
fn compare_to_flags(x: &mut Lifter<'_>, op: X87Op, pop: bool) {
    x.check_x87_exceptions();
    let number = x.st_number(1);
    let (b, valid) = (x.b.get(st(number)), both_in_use(x, 0, number));
    let flags = comparison(x, op, b, valid);
    let bit = |x: &mut Lifter<'_>, at: u64| {
        let amount = x.flags87(at);
        let shifted = x.b.lshr(flags, amount);
        x.b.trunc(shifted, Type::I1)
    };
    let (carry, parity, zero) = (bit(x, 8), bit(x, 10), bit(x, 14));
    let mask = x.flags87(!CONDITIONS);
    let exceptions = x.b.and(flags, mask);
    // The flags are set even if an unmasked exception keeps the stack from being popped.
    x.b.set(carry, state::CF);
    x.set_flag(state::PF, parity);
    x.set_flag(state::ZF, zero);
    for slot in [state::OF, state::SF, state::AF] {
        x.clear(slot);
    }
    x.forget_flags();
    x.stop_keeping_c1(exceptions);
    x.gather_keeping_c1(exceptions);
    if pop {
        x.pop87();
    }
}

/// `fxam`: class of `st(0)` in C3 to C0. (Examine Floating-Point)
fn fxam(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let (value, used) = (x.b.get(st(0)), x.in_use(0));
    let result = x.op87(X87Op::Examine, value, value);
    // Empty: C3 and C0, with the sign that the register still has.
    let sign = x.flags87(C1);
    let sign = x.b.and(result.flags, sign);
    let empty = x.flags87(0x4100);
    let empty = x.b.or(empty, sign);
    let flags = x.b.select(result.flags, empty, used);
    x.gather(flags, CONDITIONS);
}

/// `ffree st(i)`: mark a register empty. (Free Floating-Point Register)
fn ffree(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let (number, none) = (x.st_number(0), x.flags87(0));
    x.set_tag(number, false);
    x.gather(none, C1);
}

/// `fincstp`, `fdecstp`: move the top of the stack alone. (Increment Stack-Top Pointer; Decrement Stack-Top Pointer)
fn turn(x: &mut Lifter<'_>, up: bool) {
    x.check_x87_exceptions();
    x.turn_stack(up);
    let none = x.flags87(0);
    x.gather(none, C1);
}
