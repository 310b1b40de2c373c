//! Operands: registers with their parts, effective addresses, immediates.

use super::Lifter;
use crate::guest::x86_64::{self as state, gpr, xmm};
use crate::ir::{Lane, Order, Sign, Slot, Trap, Type, Value};
use decoders::x86_64::{OpKind, Register};

/// x86 loads and stores.
pub(super) const ORDER: Order = Order::Tso;

impl Lifter<'_> {
    /// Integer type of operand `n`; an immediate has the type of operand 0.
    pub(super) fn ty(&self, n: u32) -> Type {
        match self.insn.op_kind(n) {
            OpKind::Register => Type::int_of_bytes(self.insn.op_register(n).size() as u32),
            OpKind::Memory
            | OpKind::MemorySegSI
            | OpKind::MemorySegESI
            | OpKind::MemorySegRSI
            | OpKind::MemorySegDI
            | OpKind::MemorySegEDI
            | OpKind::MemorySegRDI
            | OpKind::MemoryESDI
            | OpKind::MemoryESEDI
            | OpKind::MemoryESRDI => Type::int_of_bytes(self.insn.memory_size().size() as u32),
            _ => self.ty(0),
        }
    }

    /// Whether operand `n` is in memory.
    pub(super) fn is_memory(&self, n: u32) -> bool {
        self.insn.op_kind(n) == OpKind::Memory
    }

    /// Operand `n` of an integer instruction, with the type [`Lifter::ty`] says.
    pub(super) fn read(&mut self, n: u32) -> Value {
        let ty = self.ty(n);
        match self.insn.op_kind(n) {
            OpKind::Register => self.read_register(self.insn.op_register(n)),
            OpKind::Memory => self.load(ty),
            _ => {
                let immediate = self.immediate(n);
                self.b.iconst(ty, immediate)
            }
        }
    }

    /// The immediate operand `n`, sign-extended as the encoding says.
    pub(super) fn immediate(&self, n: u32) -> u64 {
        self.insn.immediate(n)
    }

    /// Writes operand `n` of an integer instruction.
    pub(super) fn write(&mut self, n: u32, value: Value) {
        if self.is_memory(n) {
            self.store(value);
        } else {
            self.write_register(self.insn.op_register(n), value);
        }
    }

    /// A general register or the part of one that the name stands for.
    pub(super) fn read_register(&mut self, register: Register) -> Value {
        let (slot, high, ty) = part(register);
        let whole = self.b.get(slot);
        if high {
            let eight = self.b.i64(8);
            let shifted = self.b.lshr(whole, eight);
            return self.b.trunc(shifted, Type::I8);
        }
        self.b.resize(whole, ty, Sign::Unsigned)
    }

    /// Writes a general register: 32-bit writes clear the upper half, narrower ones keep the rest.
    pub(super) fn write_register(&mut self, register: Register, value: Value) {
        let (slot, high, ty) = part(register);
        debug_assert_eq!(self.b.ty(value), ty);
        let whole = match ty {
            Type::I64 => value,
            Type::I32 => self.b.zext(value, Type::I64),
            _ => {
                let shift = if high { 8 } else { 0 };
                let old = self.b.get(slot);
                let mask = self.b.i64(!((ty.mask() as u64) << shift));
                let kept = self.b.and(old, mask);
                let mut new = self.b.zext(value, Type::I64);
                if high {
                    let amount = self.b.i64(shift);
                    new = self.b.shl(new, amount);
                }
                self.b.or(kept, new)
            }
        };
        self.b.set(whole, slot);
    }

    /// The general register that `like` is a part of, at the width of `ty` (never a high byte).
    pub(super) fn read_gpr(&mut self, number: u8, ty: Type) -> Value {
        let whole = self.b.get(gpr(number));
        self.b.resize(whole, ty, Sign::Unsigned)
    }

    /// Writes general register `number` at the width of the value.
    pub(super) fn write_gpr(&mut self, number: u8, value: Value) {
        let register = match self.b.ty(value) {
            Type::I8 if number < 4 => Register::AL,
            Type::I8 => Register::SPL,
            Type::I16 => Register::AX,
            Type::I32 => Register::EAX,
            _ => Register::RAX,
        };
        let first = if register == Register::SPL { 4 } else { 0 };
        self.write_register(register + u32::from(number - first), value);
    }

    /// The effective address of the memory operand, with its segment's base.
    pub(super) fn address(&mut self) -> Value {
        if let Some(address) = self.address {
            return address;
        }
        let offset = self.offset();
        let address = self.with_segment_base(offset);
        self.address = Some(address);
        address
    }

    /// The effective address without a segment base (`lea`).
    pub(super) fn offset(&mut self) -> Value {
        let insn = self.insn;
        let (base, index) = (insn.memory_base(), insn.memory_index());
        let displacement = insn.memory_displacement64();
        if insn.is_ip_rel_memory_operand() {
            return self.b.address(displacement);
        }
        let mut sum = match base {
            Register::None => None,
            base => Some(self.b.get(gpr(base.number() as u8))),
        };
        if index != Register::None {
            let mut scaled = self.b.get(gpr(index.number() as u8));
            if insn.memory_index_scale() != 1 {
                let amount = self.b.i64(insn.memory_index_scale().trailing_zeros().into());
                scaled = self.b.shl(scaled, amount);
            }
            sum = Some(match sum {
                Some(sum) => self.b.add(sum, scaled),
                None => scaled,
            });
        }
        let narrow = base.size() == 4 || index.size() == 4;
        let sum = match sum {
            None => return self.b.i64(displacement),
            Some(sum) if displacement == 0 => sum,
            Some(sum) => {
                let displacement = self.b.i64(displacement);
                self.b.add(sum, displacement)
            }
        };
        if !narrow {
            return sum;
        }
        let low = self.b.trunc(sum, Type::I32);
        self.b.zext(low, Type::I64)
    }

    /// Adds the base of fs or gs if the instruction's memory operand is in one of them.
    pub(super) fn with_segment_base(&mut self, offset: Value) -> Value {
        let slot = match self.insn.memory_segment() {
            Register::FS => state::FS_BASE,
            Register::GS => state::GS_BASE,
            _ => return offset,
        };
        let base = self.b.get(slot);
        self.b.add(base, offset)
    }

    /// Loads the memory operand.
    pub(super) fn load(&mut self, ty: Type) -> Value {
        let address = self.address();
        self.b.load(address, ty, ORDER)
    }

    /// Stores to the memory operand.
    pub(super) fn store(&mut self, value: Value) {
        let address = self.address();
        self.b.store(address, value, ORDER);
    }

    /// #GP unless the memory operand is aligned to `bytes`.
    pub(super) fn check_alignment(&mut self, bytes: u64) {
        let address = self.address();
        let mask = self.b.i64(bytes - 1);
        let low = self.b.and(address, mask);
        let zero = self.b.i64(0);
        let misaligned = self.b.icmp(low, zero, crate::ir::Cond::Ne);
        self.b.trap_if(misaligned, address, Trap::GeneralProtection);
    }

    /// Number of the vector register that is operand `n`.
    pub(super) fn xmm_number(&self, n: u32) -> u8 {
        self.insn.op_register(n).number() as u8
    }

    /// The vector register that is operand `n`.
    pub(super) fn xmm_slot(&self, n: u32) -> Slot {
        xmm(self.xmm_number(n))
    }

    /// Operand `n`, a vector register or 16 aligned bytes of memory; of an MMX instruction a register or 8 bytes of memory.
    pub(super) fn read_vector(&mut self, n: u32) -> Value {
        if self.mmx.is_some() && (self.is_mm(n) || self.is_memory(n)) {
            // The lower half counts, above it are zeros.
            let low = if self.is_mm(n) {
                self.read_mm(n)
            } else {
                // `punpckl*` read four bytes.
                let ty = if self.insn.memory_size().size() == 4 { Type::I32 } else { Type::I64 };
                self.load(ty)
            };
            return self.b.vfrom_scalar(low);
        }
        if self.is_memory(n) {
            self.check_alignment(16);
            return self.load(Type::V128);
        }
        let slot = self.xmm_slot(n);
        self.b.get(slot)
    }

    /// Writes the vector register that is operand `n`.
    pub(super) fn write_vector(&mut self, n: u32, value: Value) {
        if self.is_mm(n) {
            let low = self.b.vextract(value, Lane::B64, 0);
            return self.write_mm(n, low);
        }
        let slot = self.xmm_slot(n);
        self.b.set(value, slot);
    }

    /// The low lane of operand `n` as a float: a vector register, or memory of that size.
    pub(super) fn read_float(&mut self, n: u32, ty: Type) -> Value {
        if self.is_memory(n) {
            return self.load(ty);
        }
        let slot = self.xmm_slot(n);
        let whole = self.b.get(slot);
        self.b.vextract_float(whole, ty, 0)
    }

    /// Replaces the low lane of the vector register that is operand `n`.
    pub(super) fn write_float(&mut self, n: u32, value: Value) {
        let slot = self.xmm_slot(n);
        let old = self.b.get(slot);
        let new = self.b.vinsert_float(old, value, 0);
        self.b.set(new, slot);
    }

    /// The low 32 or 64 bits of operand `n`, a vector register or memory of that size, as an integer.
    pub(super) fn read_low(&mut self, n: u32, lane: Lane) -> Value {
        if self.is_memory(n) {
            return self.load(lane.ty());
        }
        let slot = self.xmm_slot(n);
        let whole = self.b.get(slot);
        self.b.vextract(whole, lane, 0)
    }

    /// The low 64 bits of operand `n`, with zeros above.
    pub(super) fn read_low_vector(&mut self, n: u32, lane: Lane) -> Value {
        let low = self.read_low(n, lane);
        self.b.vfrom_scalar(low)
    }
}

/// Slot, whether it is bits 15:8, and type of a general register's name.
fn part(register: Register) -> (Slot, bool, Type) {
    let ty = Type::int_of_bytes(register.size() as u32);
    match register {
        Register::AH => (state::RAX, true, ty),
        Register::CH => (state::RCX, true, ty),
        Register::DH => (state::RDX, true, ty),
        Register::BH => (state::RBX, true, ty),
        _ => (gpr(register.full_register().number() as u8), false, ty),
    }
}
