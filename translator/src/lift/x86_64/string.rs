//! String instructions.
//!
//! With a repeat prefix one execution is one iteration, which ends in `repeat`: back to the instruction itself, which retires
//! with its last iteration. A count of zero skips it. Registers and memory are exact after each iteration, as an interrupted
//! repetition leaves them on a processor; comparisons set flags with the last one.

use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{Cond, Slot, Type, Value};
use decoders::x86_64::{Code, ConditionCode, Mnemonic as M, OpKind};

/// What comparisons set.
const STATUS_FLAGS: [Slot; 6] = [state::CF, state::ZF, state::SF, state::OF, state::PF, state::AF];

const RAX: u8 = 0;
const RCX: u8 = 1;
const RSI: u8 = 6;
const RDI: u8 = 7;

pub(super) const ROWS: Rows = &[
    (M::Movsb, |x| string(x, movs)),
    (M::Movsw, |x| string(x, movs)),
    (M::Movsd, movsd),
    (M::Movsq, |x| string(x, movs)),
    (M::Cmpsb, |x| string(x, cmps)),
    (M::Cmpsw, |x| string(x, cmps)),
    (M::Cmpsd, cmpsd),
    (M::Cmpsq, |x| string(x, cmps)),
    (M::Scasb, |x| string(x, scas)),
    (M::Scasw, |x| string(x, scas)),
    (M::Scasd, |x| string(x, scas)),
    (M::Scasq, |x| string(x, scas)),
    (M::Lodsb, |x| string(x, lods)),
    (M::Lodsw, |x| string(x, lods)),
    (M::Lodsd, |x| string(x, lods)),
    (M::Lodsq, |x| string(x, lods)),
    (M::Stosb, |x| string(x, stos)),
    (M::Stosw, |x| string(x, stos)),
    (M::Stosd, |x| string(x, stos)),
    (M::Stosq, |x| string(x, stos)),
];

/// One iteration.
type Iteration = fn(&mut Lifter<'_>, Pointers);

/// Whether `repe` and `repne` look at what the instruction has compared.
fn compares(mnemonic: M) -> bool {
    matches!(mnemonic, M::Cmpsb | M::Cmpsw | M::Cmpsd | M::Cmpsq | M::Scasb | M::Scasw | M::Scasd | M::Scasq)
}

/// Width of the pointer and count registers.
#[derive(Clone, Copy)]
struct Pointers {
    ty: Type,
    /// Type of an element.
    element: Type,
}

/// `movsd`: the string instruction, or the vector move of the same name.
fn movsd(x: &mut Lifter<'_>) {
    if x.insn.code() == Code::Movsd_m32_m32 { string(x, movs) } else { super::sse_data_transfer::movsd(x) }
}

/// `cmpsd`: the string instruction, or the vector comparison of the same name.
fn cmpsd(x: &mut Lifter<'_>) {
    if x.insn.code() == Code::Cmpsd_m32_m32 { string(x, cmps) } else { super::sse_comparison::cmpsd(x) }
}

fn string(x: &mut Lifter<'_>, iteration: Iteration) {
    let narrow = (0..x.insn.op_count()).any(|n| {
        matches!(x.insn.op_kind(n), OpKind::MemorySegESI | OpKind::MemorySegEDI | OpKind::MemoryESEDI)
    });
    let pointers = Pointers {
        ty: if narrow { Type::I32 } else { Type::I64 },
        element: Type::int_of_bytes(x.insn.memory_size().size() as u32),
    };
    if !x.insn.has_rep_prefix() && !x.insn.has_repne_prefix() {
        iteration(x, pointers);
        return;
    }
    let count = x.read_gpr(RCX, pointers.ty);
    let zero = x.b.iconst(pointers.ty, 0);
    let none = x.b.icmp(count, zero, Cond::Eq);
    x.b.skip_if(none);
    let flags_before = compares(x.insn.mnemonic()).then(|| STATUS_FLAGS.map(|flag| x.b.get(flag)));
    iteration(x, pointers);
    let one = x.b.iconst(pointers.ty, 1);
    let left = x.b.sub(count, one);
    x.write_gpr(RCX, left);
    let mut again = x.b.icmp(left, zero, Cond::Ne);
    if let Some(flags_before) = flags_before {
        let wanted = if x.insn.has_repne_prefix() { ConditionCode::ne } else { ConditionCode::e };
        let holds = x.condition(wanted);
        again = x.b.and(again, holds);
        // The last iteration sets the flags: if one faults, they are those from before the instruction. (REP/REPE/REPNE, Repeat String
        // Operation Prefix)
        for (flag, before) in STATUS_FLAGS.into_iter().zip(flags_before) {
            let now = x.b.get(flag);
            let kept = x.b.select(before, now, again);
            x.b.set(kept, flag);
        }
    }
    let (here, next) = (x.insn.ip(), x.next);
    x.b.repeat(again, here, next);
}

impl Lifter<'_> {
    /// Address in `rsi` (in the segment of the prefix, if any).
    fn source(&mut self, pointers: Pointers) -> Value {
        let pointer = self.pointer(RSI, pointers);
        self.with_segment_base(pointer)
    }

    fn pointer(&mut self, number: u8, pointers: Pointers) -> Value {
        let pointer = self.read_gpr(number, pointers.ty);
        self.b.resize(pointer, Type::I64, crate::ir::Sign::Unsigned)
    }

    /// Moves a pointer to the next element, in the direction of DF.
    fn advance(&mut self, number: u8, pointers: Pointers) {
        let size = u64::from(pointers.element.bytes());
        let backwards = self.b.get(state::DF);
        let (up, down) = (self.b.iconst(pointers.ty, size), self.b.iconst(pointers.ty, size.wrapping_neg()));
        let step = self.b.select(down, up, backwards);
        let pointer = self.read_gpr(number, pointers.ty);
        let moved = self.b.add(pointer, step);
        self.write_gpr(number, moved);
    }
}

/// `movs`: copy an element from rsi to rdi. (Move Data From String to String)
fn movs(x: &mut Lifter<'_>, p: Pointers) {
    let from = x.source(p);
    let value = x.b.load(from, p.element, super::operand::ORDER);
    let to = x.pointer(RDI, p);
    x.b.store(to, value, super::operand::ORDER);
    x.advance(RSI, p);
    x.advance(RDI, p);
}

/// `cmps`: compare the elements at rsi and rdi. (Compare String Operands)
fn cmps(x: &mut Lifter<'_>, p: Pointers) {
    let (from, to) = (x.source(p), x.pointer(RDI, p));
    // In the order in which AMD's processors fault.
    let b = x.b.load(to, p.element, super::operand::ORDER);
    let a = x.b.load(from, p.element, super::operand::ORDER);
    x.advance(RSI, p);
    x.advance(RDI, p);
    compare(x, a, b);
}

/// `scas`: compare the accumulator with the element at rdi. (Scan String)
fn scas(x: &mut Lifter<'_>, p: Pointers) {
    let to = x.pointer(RDI, p);
    let b = x.b.load(to, p.element, super::operand::ORDER);
    let a = x.read_gpr(RAX, p.element);
    x.advance(RDI, p);
    compare(x, a, b);
}

fn compare(x: &mut Lifter<'_>, a: Value, b: Value) {
    let difference = x.b.sub(a, b);
    x.set_compare_flags(a, b, difference);
}

/// `lods`: load the accumulator from rsi. (Load String)
fn lods(x: &mut Lifter<'_>, p: Pointers) {
    let from = x.source(p);
    let value = x.b.load(from, p.element, super::operand::ORDER);
    x.write_gpr(RAX, value);
    x.advance(RSI, p);
}

/// `stos`: store the accumulator to rdi. (Store String)
fn stos(x: &mut Lifter<'_>, p: Pointers) {
    let to = x.pointer(RDI, p);
    let value = x.read_gpr(RAX, p.element);
    x.b.store(to, value, super::operand::ORDER);
    x.advance(RDI, p);
}
