//! MXCSR and FXSAVE state management instructions.

use super::{Lifter, Rows};
use crate::guest::FpEnv;
use crate::guest::x86_64::{self as state, st, xmm};
use crate::ir::{Access, Cond, Lane, Sign, Slot, Terminator, Trap, Type, Value};
use decoders::x86_64::Mnemonic as M;

pub(super) const ROWS: Rows = &[
    (M::Ldmxcsr, ldmxcsr),
    (M::Stmxcsr, stmxcsr),
    (M::Fxsave, fxsave),
    (M::Fxsave64, fxsave),
    (M::Fxrstor, fxrstor),
    (M::Fxrstor64, fxrstor),
];

/// Bits of MXCSR that may be set.
const MXCSR_MASK: u32 = 0xffff;

/// Bit of `float::flags` of each exception flag of MXCSR, from bit 0 (invalid) to bit 5 (precision).
const FLAG_ORDER: [u32; 6] = [4, 5, 3, 2, 1, 0];

impl Lifter<'_> {
    /// Moves bit `from` of `value` to bit `to`.
    fn move_bit(&mut self, value: Value, from: u32, to: u32) -> Value {
        let amount = self.b.i32(from);
        let low = self.b.lshr(value, amount);
        let one = self.b.i32(1);
        let bit = self.b.and(low, one);
        let amount = self.b.i32(to);
        self.b.shl(bit, amount)
    }

    /// The six flags in MXCSR's order to the order of the `fp_flags` slot.
    fn flags_from_mxcsr(&mut self, mxcsr: Value) -> Value {
        let mut flags = self.b.i32(0);
        for (bit, place) in FLAG_ORDER.into_iter().enumerate() {
            let moved = self.move_bit(mxcsr, bit as u32, place);
            flags = self.b.or(flags, moved);
        }
        flags
    }

    /// The whole of MXCSR.
    fn read_mxcsr(&mut self) -> Value {
        let mut mxcsr = self.b.get(state::MXCSR);
        let flags = self.b.get(Slot::FP_FLAGS);
        for (bit, place) in FLAG_ORDER.into_iter().enumerate() {
            let moved = self.move_bit(flags, place, bit as u32);
            mxcsr = self.b.or(mxcsr, moved);
        }
        mxcsr
    }

    /// #GP if a value has bits that MXCSR has not.
    fn check_mxcsr(&mut self, value: Value) {
        let reserved = self.b.i32(!MXCSR_MASK);
        let bad = self.b.and(value, reserved);
        let zero = self.b.i32(0);
        let bad = self.b.icmp(bad, zero, Cond::Ne);
        let nowhere = self.b.i64(0);
        self.b.trap_if(bad, nowhere, Trap::GeneralProtection);
    }

    /// Writes MXCSR, its flags, and the environment that follows from it. The block must end in a `Resync` after it.
    fn write_mxcsr(&mut self, value: Value) {
        let control = self.b.i32(!63);
        let control = self.b.and(value, control);
        self.b.set(control, state::MXCSR);
        let flags = self.flags_from_mxcsr(value);
        self.b.set(flags, Slot::FP_FLAGS);

        // Rounding control 0 to 3 is nearest, down, up, toward zero: 0, 2, 3, 1 in the environment.
        let amount = self.b.i32(13);
        let rounding = self.b.lshr(value, amount);
        let three = self.b.i32(3);
        let rounding = self.b.and(rounding, three);
        let one = self.b.i32(1);
        let place = self.b.shl(rounding, one);
        let table = self.b.i32(0b01_11_10_00);
        let entry = self.b.lshr(table, place);
        let mut env = self.b.and(entry, three);
        // FTZ works only while underflow is masked.
        let flush = self.move_bit(value, 15, FpEnv::FLUSH_OUTPUT.trailing_zeros());
        let masked = self.move_bit(value, 11, FpEnv::FLUSH_OUTPUT.trailing_zeros());
        let flush = self.b.and(flush, masked);
        env = self.b.or(env, flush);
        let zeros = self.move_bit(value, 6, FpEnv::FLUSH_INPUT.trailing_zeros());
        env = self.b.or(env, zeros);
        let unmasked = self.b.not(value);
        for (bit, place) in FLAG_ORDER.into_iter().enumerate() {
            let trap = self.move_bit(unmasked, 7 + bit as u32, FpEnv::TRAP_SHIFT + place);
            env = self.b.or(env, trap);
        }
        self.b.set(env, Slot::FP_ENV);
        self.set_x87_environment();
    }

    pub(super) fn field(&mut self, offset: u64) -> Value {
        let address = self.address();
        let offset = self.b.i64(offset);
        self.b.add(address, offset)
    }

    pub(super) fn store_field(&mut self, offset: u64, value: Value) {
        let address = self.field(offset);
        self.b.store(address, value, super::operand::ORDER);
    }

    pub(super) fn load_field(&mut self, offset: u64, ty: Type) -> Value {
        let address = self.field(offset);
        self.b.load(address, ty, super::operand::ORDER)
    }
}

/// `ldmxcsr m32`: load MXCSR; #GP for reserved bits. (Load MXCSR Register)
fn ldmxcsr(x: &mut Lifter<'_>) {
    let value = x.load(Type::I32);
    x.check_mxcsr(value);
    x.write_mxcsr(value);
    let next = x.next;
    x.b.terminate(Terminator::Resync { next });
}

/// `stmxcsr m32`: store MXCSR. (Store MXCSR Register State)
fn stmxcsr(x: &mut Lifter<'_>) {
    let value = x.read_mxcsr();
    x.store(value);
}

/// `fxsave m512`: store x87 and SSE state; the last x87 instruction's opcode and operand address, which newer processors keep of
/// unmasked exceptions only, are stored as zero. (Save x87 FPU, MMX Technology,
/// and SSE State)
fn fxsave(x: &mut Lifter<'_>) {
    x.check_alignment(16);
    let address = x.address();
    x.b.probe(address, Access::Write, 512);
    let control = x.b.get(state::FCW);
    x.store_field(0, control);
    let status = x.x87_status();
    x.store_field(2, status);
    let tags = x.x87_tags_by_register();
    let tags = x.b.zext(tags, Type::I32);
    x.store_field(4, tags);
    let (instruction, zero) = (x.b.get(state::FIP), x.b.i64(0));
    x.store_field(8, instruction);
    x.store_field(16, zero);
    let mxcsr = x.read_mxcsr();
    x.store_field(24, mxcsr);
    let mask = x.b.i32(MXCSR_MASK);
    x.store_field(28, mask);
    for number in 0..8 {
        let value = x.b.get(st(number));
        x.store_field(32 + 16 * u64::from(number), value);
    }
    for number in 0..16 {
        let value = x.b.get(xmm(number));
        x.store_field(160 + 16 * u64::from(number), value);
    }
}

/// `fxrstor m512`: load what `fxsave` stored; #GP for reserved bits of MXCSR. (Restore x87 FPU, MMX, XMM, and MXCSR State)
fn fxrstor(x: &mut Lifter<'_>) {
    x.check_alignment(16);
    let address = x.address();
    x.b.probe(address, Access::Read, 512);
    let mxcsr = x.load_field(24, Type::I32);
    x.check_mxcsr(mxcsr);
    let control = x.load_field(0, Type::I16);
    let status = x.load_field(2, Type::I16);
    let tags = x.load_field(4, Type::I8);
    let instruction = x.load_field(8, Type::I64);
    for number in 0..8 {
        let value = x.load_field(32 + 16 * u64::from(number), Type::V128);
        let low = x.b.vextract(value, Lane::B64, 0);
        let high = x.b.vextract(value, Lane::B16, 4);
        let high = x.b.resize(high, Type::I64, Sign::Unsigned);
        let value = x.b.concat(low, high);
        x.b.set(value, st(number));
    }
    for number in 0..16 {
        let value = x.load_field(160 + 16 * u64::from(number), Type::V128);
        x.b.set(value, xmm(number));
    }
    x.b.set(instruction, state::FIP);
    x.set_x87_control(control);
    x.set_x87_status(status);
    x.set_x87_tags_by_register(tags);
    x.write_mxcsr(mxcsr);
    let next = x.next;
    x.b.terminate(Terminator::Resync { next });
}
