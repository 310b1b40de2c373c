//! SSE and SSE2 comparison instructions.

use super::flags::Last;
use super::{Lifter, Rows};
use crate::guest::x86_64 as state;
use crate::ir::{FloatCond, FloatLane, Lane, Quietness, Type};
use decoders::x86_64::Mnemonic as M;

pub(super) const ROWS: Rows = &[
    (M::Cmpss, |x| compare_scalar(x, Type::F32)),
    (M::Cmpps, |x| compare_packed(x, FloatLane::F32)),
    (M::Cmppd, |x| compare_packed(x, FloatLane::F64)),
    (M::Comiss, |x| comi(x, Type::F32, Quietness::Signaling)),
    (M::Comisd, |x| comi(x, Type::F64, Quietness::Signaling)),
    (M::Ucomiss, |x| comi(x, Type::F32, Quietness::Quiet)),
    (M::Ucomisd, |x| comi(x, Type::F64, Quietness::Quiet)),
];

/// Relation, which NaNs are invalid, and whether the result is inverted, of the immediate of `cmpps`.
fn predicate(immediate: u8) -> (FloatCond, Quietness, bool) {
    let inverted = immediate & 4 != 0;
    match immediate & 3 {
        0 => (FloatCond::Equal, Quietness::Quiet, inverted),
        1 => (FloatCond::Less, Quietness::Signaling, inverted),
        2 => (FloatCond::LessEqual, Quietness::Signaling, inverted),
        _ => (FloatCond::Unordered, Quietness::Quiet, inverted),
    }
}

/// `cmpsd xmm, xmm/m64, imm8`: all ones in the low lane if the relation holds, else zero. (Compare Scalar Double Precision
/// Floating-Point Value)
pub(super) fn cmpsd(x: &mut Lifter<'_>) {
    compare_scalar(x, Type::F64);
}

/// `cmpss xmm, xmm/m32, imm8`: likewise. (Compare Scalar Single Precision Floating-Point Value)
fn compare_scalar(x: &mut Lifter<'_>, ty: Type) {
    let (cond, quiet, inverted) = predicate(x.insn.immediate8());
    let b = x.read_float(1, ty);
    let a = x.read_float(0, ty);
    let mut holds = x.b.fcmp(a, b, cond, quiet);
    if inverted {
        holds = x.b.not(holds);
    }
    let lane = if ty == Type::F32 { Lane::B32 } else { Lane::B64 };
    let mask = x.b.sext(holds, lane.ty());
    let slot = x.xmm_slot(0);
    let old = x.b.get(slot);
    let new = x.b.vinsert(old, mask, lane, 0);
    x.b.set(new, slot);
}

/// `cmpps`, `cmppd xmm, xmm/m128, imm8`: likewise in each lane. (Compare Packed Single Precision Floating-Point Values and
/// others)
fn compare_packed(x: &mut Lifter<'_>, lane: FloatLane) {
    let (cond, quiet, inverted) = predicate(x.insn.immediate8());
    let b = x.read_vector(1);
    let a = x.read_vector(0);
    let mut mask = x.b.vfcmp(a, b, lane, cond, quiet);
    if inverted {
        mask = x.b.vnot(mask);
    }
    x.write_vector(0, mask);
}

/// `comiss`, `comisd`, `ucomiss`, `ucomisd a, b`: ZF, PF, CF: unordered 111, less 001, equal 100, greater 000; OF, SF and
/// AF are cleared. (Compare Scalar Ordered Single Precision Floating-Point Values and Set EFLAGS and others)
fn comi(x: &mut Lifter<'_>, ty: Type, quiet: Quietness) {
    let b = x.read_float(1, ty);
    let a = x.read_float(0, ty);
    let not_below = x.b.fcmp(a, b, FloatCond::GreaterEqual, quiet);
    let equal = x.b.fcmp(a, b, FloatCond::Equal, quiet);
    let unordered = x.b.fcmp(a, b, FloatCond::Unordered, quiet);
    x.set_comparison_flags(not_below, equal, unordered);
    *x.last = Last::Float { a, b, quiet };
}

impl Lifter<'_> {
    /// RFLAGS of a float comparison, from `>=`, `==` and unordered.
    pub(super) fn set_comparison_flags(
        &mut self,
        not_below: crate::ir::Value,
        equal: crate::ir::Value,
        unordered: crate::ir::Value,
    ) {
        let carry = self.b.not(not_below);
        let zero = self.b.or(equal, unordered);
        self.b.set(carry, state::CF);
        self.set_flag(state::ZF, zero);
        self.set_flag(state::PF, unordered);
        for slot in [state::OF, state::SF, state::AF] {
            self.clear(slot);
        }
        self.forget_flags();
    }
}
