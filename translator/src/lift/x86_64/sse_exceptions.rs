//! Unmasked SIMD floating-point exceptions.
//!
//! Programs that unmask them are rare, so instructions are lifted plainly and, under an environment with trap bits, wrapped here:
//! flags are gathered apart, and a new unmasked one leaves with the destination as it was. What overflow and underflow
//! raise when they are unmasked is the float operations' affair ([`Env::trap_overflow`](crate::float::Env::trap_overflow)).

use super::binary_arithmetic::ARITHMETIC;
use super::{Lift, Lifter, Rows};
use crate::float::flags;
use crate::guest::FpEnv;
use crate::guest::x86_64::{gpr, xmm};
use crate::ir::{Access, Cond, Slot, Trap, Type, Value};
use decoders::x86_64::{Mnemonic, OpKind};

const FLOAT_GROUPS: [Rows; 5] = [
    super::sse_arithmetic::ROWS,
    super::sse_comparison::ROWS,
    super::sse_conversion::ROWS,
    super::sse4_1::FLOAT_ROWS,
    super::mmx::FLOAT_ROWS,
];

/// Exceptions that are found before the operation is carried out; others are not raised beside them.
const BEFORE: u32 = flags::INVALID | flags::DENORMAL | flags::DIV_BY_ZERO;

/// What the steps so far have raised.
pub(super) struct Gathered {
    /// The exceptions that are unmasked.
    unmasked: u32,
    /// The flags that are set now.
    sticky: Value,
    /// Whether an unmasked one is among those that were raised.
    trap: Value,
}

impl Lifter<'_> {
    /// Whether the instruction is one of SSE's floating-point ones.
    pub(super) fn raises_float_exceptions(&self) -> bool {
        let mnemonic = self.insn.mnemonic();
        if mnemonic == Mnemonic::Cmpsd {
            return self.insn.op_kind(0) == OpKind::Register;
        }
        FLOAT_GROUPS.iter().any(|rows| rows.iter().any(|row| row.0 == mnemonic))
    }

    /// Lifts by `function`, then traps if it raised an exception that `env` unmasks.
    pub(super) fn with_unmasked_exceptions(&mut self, env: FpEnv, function: Lift) {
        let register = self.insn.op0_register();
        let destination = if register.is_xmm() {
            xmm(register.number() as u8)
        } else {
            gpr(register.full_register().number() as u8)
        };
        let saved: Vec<(Slot, Value)> =
            ARITHMETIC.into_iter().chain([destination]).map(|slot| (slot, self.b.get(slot))).collect();
        let trap = self.gathering_exceptions(env, function);
        for (slot, old) in saved {
            let new = self.b.get(slot);
            let value = self.b.select(old, new, trap);
            self.b.set(value, slot);
        }
        self.forget_flags();
        let nowhere = self.b.i64(0);
        self.b.trap_if(trap, nowhere, Trap::FloatError);
    }

    /// Lifts by `function` and adds the exceptions that it raised to the sticky ones: whether an unmasked one is among them.
    pub(super) fn gathering_exceptions(&mut self, env: FpEnv, function: Lift) -> Value {
        let unmasked = env.0 >> FpEnv::TRAP_SHIFT & flags::ALL;
        // The flags are set aside below, and a fault must find them in their place.
        if let Some(n) = (0..self.insn.op_count()).find(|&n| self.is_memory(n)) {
            debug_assert_ne!(n, 0, "float operations write registers");
            let size = self.insn.memory_size().size() as u32;
            if size == 16 {
                self.check_alignment(16);
            }
            let address = self.address();
            self.b.probe(address, Access::Read, size);
        }
        let sticky = self.b.get(Slot::FP_FLAGS);
        let (none, no) = (self.b.i32(0), self.b.iconst(Type::I1, 0));
        self.b.set(none, Slot::FP_FLAGS);
        self.gathered = Some(Gathered { unmasked, sticky, trap: no });
        function(self);
        self.end_step();
        let gathered = self.gathered.take().expect("nothing else takes it");
        self.b.set(gathered.sticky, Slot::FP_FLAGS);
        gathered.trap
    }

    /// Between two steps of an instruction: the first one's unmasked exceptions keep the second from being carried out.
    pub(super) fn end_step(&mut self) {
        let Some(Gathered { unmasked, sticky, trap }) = self.gathered.take() else { return };
        let none = self.b.i32(0);
        let raised = self.b.get(Slot::FP_FLAGS);
        let raised = self.b.select(none, raised, trap);
        let before = self.b.i32(BEFORE);
        let early = self.b.and(raised, before);
        let trap_early = self.meets(early, unmasked);
        let counted = self.b.select(early, raised, trap_early);
        let traps = self.meets(counted, unmasked);
        let trap = self.b.or(trap, traps);
        let sticky = self.b.or(sticky, counted);
        self.b.set(none, Slot::FP_FLAGS);
        self.gathered = Some(Gathered { unmasked, sticky, trap });
    }

    fn meets(&mut self, flags: Value, mask: u32) -> Value {
        let mask = self.b.i32(mask);
        let both = self.b.and(flags, mask);
        let zero = self.b.iconst(Type::I32, 0);
        self.b.icmp(both, zero, Cond::Ne)
    }
}
