//! The interpreter's view of a vCPU: its slots, its vm's memory, the host.

use super::blocks::LiftedCode;
use super::state::StateHandle;
use super::vm::Vm;
use crate::guest::Guest;
use crate::guest::x86_64::cpuid::cpuid;
use crate::ir::interpret::World;
use crate::ir::{Access, EnvCall, FenceSet, Order, RmwOp, Slot, Type};
use crate::memory::Fault;

/// One vCPU, while the interpreter runs one block. Tagged addresses come here from compiled code too: they are beyond what
/// it may access, so it leaves.
pub(super) struct VcpuWorld<'a> {
    state: &'a mut StateHandle,
    vm: &'a Vm,
    code: &'a LiftedCode,
    /// The epoch that the block is known to be of.
    epoch: u64,
    /// The present instruction has stored.
    stored: bool,
}

impl<'a> VcpuWorld<'a> {
    pub(super) fn new(
        state: &'a mut StateHandle,
        vm: &'a Vm,
        code: &'a LiftedCode,
        epoch: u64,
    ) -> VcpuWorld<'a> {
        VcpuWorld { state, vm, code, epoch, stored: false }
    }
}

impl World for VcpuWorld<'_> {
    #[inline]
    fn get(&self, slot: Slot) -> u128 {
        self.state.slot(self.vm.guest().register_file().slot(slot))
    }

    #[inline]
    fn set(&mut self, slot: Slot, value: u128) {
        self.state.set_slot(self.vm.guest().register_file().slot(slot), value);
    }

    fn load(&mut self, addr: u64, ty: Type, order: Order) -> Result<u128, Fault> {
        let addr = self.vm.guest().untagged(addr);
        self.vm.memory().load(addr, ty, order)
    }

    fn store(&mut self, addr: u64, ty: Type, value: u128, order: Order) -> Result<(), Fault> {
        self.stored = true;
        let addr = self.vm.guest().untagged(addr);
        self.vm.memory().store(addr, ty, value, order)
    }

    fn probe(&mut self, addr: u64, size: u32, access: Access) -> Result<(), Fault> {
        let addr = self.vm.guest().untagged(addr);
        self.vm.memory().probe(addr, size, access)
    }

    fn cas(&mut self, addr: u64, ty: Type, expected: u128, new: u128, order: Order) -> Result<u128, Fault> {
        self.stored = true;
        let addr = self.vm.guest().untagged(addr);
        self.vm.memory().cas(addr, ty, expected, new, order)
    }

    fn rmw(&mut self, addr: u64, ty: Type, op: RmwOp, value: u128, order: Order) -> Result<u128, Fault> {
        self.stored = true;
        let addr = self.vm.guest().untagged(addr);
        self.vm.memory().rmw(addr, ty, op, value, order)
    }

    fn load_exclusive(&mut self, addr: u64, ty: Type, order: Order) -> Result<u128, Fault> {
        let addr = self.vm.guest().untagged(addr);
        let value = self.vm.memory().load(addr, ty, order)?;
        self.state.set_reservation(Some((addr, ty.bytes().into(), value)));
        Ok(value)
    }

    fn store_exclusive(&mut self, addr: u64, ty: Type, value: u128, order: Order) -> Result<bool, Fault> {
        self.stored = true;
        let addr = self.vm.guest().untagged(addr);
        let reservation = self.state.reservation();
        self.state.set_reservation(None);
        match reservation {
            Some((reserved, size, seen)) if reserved == addr && size == u64::from(ty.bytes()) => {
                Ok(self.vm.memory().cas(addr, ty, seen, value, order)? == seen)
            }
            _ => {
                self.vm.memory().probe(addr, ty.bytes(), Access::Write)?;
                Ok(false)
            }
        }
    }

    fn clear_exclusive(&mut self) {
        self.state.set_reservation(None);
    }

    fn fence(&mut self, _before: FenceSet, _after: FenceSet) {
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
    }

    fn env(&mut self, call: EnvCall, a: u64, b: u64) -> u64 {
        match call {
            EnvCall::Counter | EnvCall::Retired => self.vm.counter(),
            EnvCall::CpuidAb => {
                let leaf = cpuid(a as u32, b as u32);
                u64::from(leaf.ebx) << 32 | u64::from(leaf.eax)
            }
            EnvCall::CpuidCd => {
                let leaf = cpuid(a as u32, b as u32);
                u64::from(leaf.edx) << 32 | u64::from(leaf.ecx)
            }
            EnvCall::InvalidateCode => {
                // The guest's own stores, and the host program's, have been noticed when they were made.
                let start = if b == 0 { 0 } else { self.vm.guest().untagged(a) & !(b - 1) };
                let end = if b == 0 { u64::MAX } else { start.saturating_add(b) };
                self.vm.memory().refetch_code(start..end);
                0
            }
        }
    }

    fn hook(&mut self, _id: u32) -> bool {
        // Nothing inserts hook ops yet; one that came by another way stops the run, visibly.
        true
    }

    fn must_leave(&mut self, _pc: u64) -> bool {
        // A store to watched code has opened a new epoch; one to code that checks itself is seen in the bytes. Guests
        // other than x86-64 need not see their own stores before they say so, which ends a block.
        let stored = std::mem::take(&mut self.stored) && self.vm.guest() == Guest::X86_64;
        self.vm.epoch().now() != self.epoch || (stored && !self.code.is_current(self.vm.memory()))
    }
}
