//! x87 FPU control instructions, and the state of the x87 stack.
//!
//! Registers are kept by their place in the stack (see [`crate::guest::x86_64`]): a push moves every register one place, which
//! costs nothing within a block. Status flags gather in `FSW`; an exception that is not masked sets its summary bit, on which the next
//! waiting instruction traps. Whether any is unmasked is part of the float environment: only then are instructions lifted with what
//! keeps their results from being written. An instruction that writes the control word therefore ends its block.

use super::{Lifter, Rows};
use crate::guest::FpEnv;
use crate::guest::x86_64 as state;
use crate::ir::{Cond, Slot, Terminator, Trap, Type, Value};
use decoders::x86_64::Mnemonic as M;

pub(super) const ROWS: Rows = &[
    (M::Fldcw, fldcw),
    (M::Fnstcw, fnstcw),
    (M::Fnstsw, fnstsw),
    (M::Fninit, fninit),
    (M::Fnclex, fnclex),
    (M::Wait, |x| x.check_x87_exceptions()),
    (M::Fnop, |x| x.check_x87_exceptions()),
];

/// Exception flags, stack fault and summary of the status word.
const EXCEPTIONS: u64 = 0x80ff;
/// Summary and busy bits.
const SUMMARY: u64 = 0x8080;

impl Lifter<'_> {
    /// The status word with the stack top.
    pub(super) fn x87_status(&mut self) -> Value {
        let (status, top) = (self.b.get(state::FSW), self.b.get(state::FTOP));
        let top = self.b.zext(top, Type::I16);
        let amount = self.b.iconst(Type::I16, 11);
        let top = self.b.shl(top, amount);
        self.b.or(status, top)
    }

    /// Takes a status word apart.
    pub(super) fn set_x87_status(&mut self, status: Value) {
        let amount = self.b.iconst(Type::I16, 11);
        let top = self.b.lshr(status, amount);
        let seven = self.b.iconst(Type::I16, 7);
        let top = self.b.and(top, seven);
        let top = self.b.trunc(top, Type::I8);
        self.b.set(top, state::FTOP);
        *self.in_mmx = false;
        let mask = self.b.iconst(Type::I16, !0x3800);
        let rest = self.b.and(status, mask);
        self.summarize(rest);
    }

    /// Sets the control word; its reserved bits read as they do on a processor.
    pub(super) fn set_x87_control(&mut self, control: Value) {
        let mask = self.b.iconst(Type::I16, 0x1f3f);
        let control = self.b.and(control, mask);
        let one = self.b.iconst(Type::I16, 0x40);
        let control = self.b.or(control, one);
        self.b.set(control, state::FCW);
        let status = self.b.get(state::FSW);
        self.summarize(status);
    }

    /// Stores the status word with summary and busy bits as flags and control word have them.
    pub(super) fn summarize(&mut self, status: Value) {
        let control = self.b.get(state::FCW);
        let pending = self.b.andnot(status, control);
        let flags = self.b.iconst(Type::I16, 0x3f);
        let pending = self.b.and(pending, flags);
        let zero = self.b.iconst(Type::I16, 0);
        let pending = self.b.icmp(pending, zero, Cond::Ne);
        let summary = self.b.iconst(Type::I16, SUMMARY);
        let summary = self.b.select(summary, zero, pending);
        let mask = self.b.iconst(Type::I16, !SUMMARY);
        let rest = self.b.and(status, mask);
        let status = self.b.or(rest, summary);
        self.b.set(status, state::FSW);
    }

    /// Makes the float environment say whether the control word masks every exception, and ends the block with it.
    pub(super) fn follow_x87_masks(&mut self) {
        self.set_x87_environment();
        let next = self.next;
        self.b.terminate(Terminator::Resync { next });
    }

    /// Makes the float environment say whether the control word masks every exception. The block must end in a `Resync`.
    pub(super) fn set_x87_environment(&mut self) {
        let control = self.b.get(state::FCW);
        let masks = self.b.iconst(Type::I16, 0x3f);
        let masked = self.b.and(control, masks);
        let traps = self.b.icmp(masked, masks, Cond::Ne);
        let (set, clear) = (self.b.i32(FpEnv::X87_TRAPS), self.b.i32(0));
        let bit = self.b.select(set, clear, traps);
        let env = self.b.get(Slot::FP_ENV);
        let env = self.b.andnot(env, set);
        let env = self.b.or(env, bit);
        self.b.set(env, Slot::FP_ENV);
    }

    /// Leaves with a float error if an unmasked exception is pending: what waiting instructions do first.
    pub(super) fn check_x87_exceptions(&mut self) {
        let status = self.b.get(state::FSW);
        let summary = self.b.iconst(Type::I16, 0x80);
        let pending = self.b.and(status, summary);
        let zero = self.b.iconst(Type::I16, 0);
        let pending = self.b.icmp(pending, zero, Cond::Ne);
        let nowhere = self.b.i64(0);
        self.b.trap_if(pending, nowhere, Trap::FloatError);
    }

    /// Tag bits by physical register.
    pub(super) fn x87_tags_by_register(&mut self) -> Value {
        let (tags, top) = (self.b.get(state::FTAG), self.b.get(state::FTOP));
        self.b.rotl(tags, top)
    }

    /// Sets the tag bits from those by physical register; the stack top must have been set.
    pub(super) fn set_x87_tags_by_register(&mut self, tags: Value) {
        let top = self.b.get(state::FTOP);
        let tags = self.b.rotr(tags, top);
        self.b.set(tags, state::FTAG);
    }
}

/// `fldcw m16`: load the control word. (Load x87 FPU Control Word)
fn fldcw(x: &mut Lifter<'_>) {
    x.check_x87_exceptions();
    let control = x.load(Type::I16);
    x.set_x87_control(control);
    x.follow_x87_masks();
}

/// `fnstcw m16`: store the control word. (Store x87 FPU Control Word)
fn fnstcw(x: &mut Lifter<'_>) {
    let control = x.b.get(state::FCW);
    x.store(control);
}

/// `fnstsw ax`, `fnstsw m16`: store the status word. (Store x87 FPU Status Word)
fn fnstsw(x: &mut Lifter<'_>) {
    let status = x.x87_status();
    x.write(0, status);
}

/// `fninit`: the start state: everything masked, 64-bit precision, empty stack. (Initialize Floating-Point Unit)
fn fninit(x: &mut Lifter<'_>) {
    x.reset_x87();
    x.follow_x87_masks();
}

impl Lifter<'_> {
    /// The start state. The registers stay where they are, the top moves.
    pub(super) fn reset_x87(&mut self) {
        *self.in_mmx = false;
        for (number, value) in self.by_number().into_iter().enumerate() {
            self.b.set(value, state::st(number as u8));
        }
        for (slot, ty, value) in [
            (state::FCW, Type::I16, 0x37f),
            (state::FSW, Type::I16, 0),
            (state::FTOP, Type::I8, 0),
            (state::FTAG, Type::I8, 0),
            (state::FIP, Type::I64, 0),
        ] {
            let value = self.b.iconst(ty, value);
            self.b.set(value, slot);
        }
    }
}

/// `fnclex`: clear the exception flags. (Clear Exceptions)
fn fnclex(x: &mut Lifter<'_>) {
    let status = x.b.get(state::FSW);
    let mask = x.b.iconst(Type::I16, !EXCEPTIONS);
    let status = x.b.and(status, mask);
    x.b.set(status, state::FSW);
}
