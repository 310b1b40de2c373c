//! Guest memory accesses: the window of direct mode, the TLB of paged mode, memory orders, atomics, LL/SC.
//!
//! # Memory orders
//! | op | x86-64 host | AArch64 and RISC-V hosts |
//! | --- | --- | --- |
//! | plain load, store | `mov` | plain |
//! | acquire, acquire-pc, tso load | `mov` | plain, then full fence |
//! | acquire-release, seq-cst load | `mov` | full fence, plain, full fence |
//! | tso store | `mov` | full fence, plain |
//! | release, seq-cst store | `xchg` | full fence, plain, full fence |
//! | cas, rmw, exclusive store | `lock` instruction | seq-cst atomic |
//! | the same with release | `lock` instruction | seq-cst atomic, then full fence |
//! | fence with a store before and a load after | `mfence` | full fence |
//! | other fences | nothing | full fence |
//!
//! A release must stay before an acquire behind it (Arm's and RISC-V's RCsc), so everything with release ends in a full
//! fence, and acquire loads need none before them. Seq-cst atomics of a host (exclusives on AArch64, say) do not keep
//! plain accesses around them apart, as a locked x86 instruction, `casal` or `amoadd.aqrl` of the guest must.
//!
//! A vCPU that is alone (`UnitKey::parallel` is false) sees its own accesses in their order anyway: its orders and fences
//! cost nothing, and its atomics are a load and a store.
//!
//! Fences instead of `ldar` and `stlr` keep every order right for misaligned accesses too; Cranelift's atomics are
//! seq-cst and want alignment. A `sequence_point` stands before every access, so that Cranelift's alias analysis (where
//! it runs) neither merges loads nor drops stores.

use super::emit::{Emitter, clif_type};
use super::evaluate::Helper;
use super::groups::{access_location, folds};
use super::{HostIsa, MemoryMode};
use crate::ir::{Access, FenceSet, Op, Order, RmwOp, Type, Value as IrValue};
use crate::region::displaced;
use crate::run::state::{TLB_ENTRIES, VcpuState};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{self, AtomicRmwOp, BlockArg, InstBuilder, MemFlagsData, SourceLoc, types};
use std::mem::offset_of;

/// An address that may be touched now: the next instruction must be the access.
pub(super) struct Place {
    pub host: ir::Value,
    pub displacement: i32,
    pub flags: MemFlagsData,
}

/// Whether the order holds earlier accesses back.
fn releases(order: Order) -> bool {
    matches!(order, Order::Release | Order::AcquireRelease | Order::SeqCst)
}

impl Emitter<'_, '_> {
    pub fn load(&mut self, addr: IrValue, ty: Type, order: Order) -> ir::Value {
        // With what extends it, if something does: `zext` and `sext` look there.
        let extension = self.extensions.get(&self.at).copied();
        let weak = self.needs_fences();
        if weak && releases(order) {
            self.b.ins().fence();
        }
        let place = self.place(addr, ty.bytes(), Access::Read);
        let value = match extension {
            Some(extension) => self.load_extended(&place, ty, extension),
            None => self.load_at(&place, ty),
        };
        if weak && order != Order::Plain {
            self.b.ins().fence();
        }
        value
    }

    /// Loads with the op at `extension`, which extends to 64 bits; the narrow value.
    fn load_extended(&mut self, place: &Place, ty: Type, extension: usize) -> ir::Value {
        let (flags, host, displacement) = (place.flags, place.host, place.displacement);
        let signed = matches!(self.block.ops[extension], Op::Sext { .. });
        let ins = self.b.ins();
        let wide = match (ty, signed) {
            (Type::I8, false) => ins.uload8(types::I64, flags, host, displacement),
            (Type::I8, true) => ins.sload8(types::I64, flags, host, displacement),
            (Type::I16, false) => ins.uload16(types::I64, flags, host, displacement),
            (Type::I16, true) => ins.sload16(types::I64, flags, host, displacement),
            (_, false) => ins.uload32(flags, host, displacement),
            (_, true) => ins.sload32(flags, host, displacement),
        };
        self.b.ins().sequence_point();
        self.close_group();
        self.extended.insert(self.at, (wide, signed));
        self.b.ins().ireduce(clif_type(ty), wide)
    }

    fn load_at(&mut self, place: &Place, ty: Type) -> ir::Value {
        let wide = if ty == Type::I128 { types::I8X16 } else { clif_type(ty) };
        let value = self.b.ins().load(wide, place.flags, place.host, place.displacement);
        // Or the load is sunk into the instruction that uses it, where it no longer stands behind its check.
        self.b.ins().sequence_point();
        self.close_group();
        match ty {
            Type::I128 => self.vector_to_i128(value),
            Type::I1 => self.b.ins().band_imm_u(value, 1),
            _ => value,
        }
    }

    pub fn store(&mut self, addr: IrValue, value: IrValue, order: Order) {
        let ty = self.ty(value);
        let mut value = self.value(value);
        if ty == Type::I128 {
            value = self.i128_to_vector(value);
        }
        let weak = self.needs_fences();
        let releases = releases(order) && self.plan.key.parallel;
        if weak && order != Order::Plain {
            self.b.ins().fence();
        }
        let place = self.place(addr, ty.bytes(), Access::Write);
        if releases && !weak && ty.is_int() && ty.bytes() <= 8 {
            let host = self.displace(&place);
            // One instruction, as a site must be; an atomic store would be two.
            self.b.ins().atomic_rmw(clif_type(ty), place.flags, AtomicRmwOp::Xchg, host, value);
            self.close_group();
            return;
        }
        self.b.ins().store(place.flags, value, place.host, place.displacement);
        self.close_group();
        if releases {
            self.b.ins().fence();
        }
    }

    /// Whether plain accesses of the host come in another order than the guest may ask for.
    fn needs_fences(&self) -> bool {
        self.isa != HostIsa::X86_64 && self.plan.key.parallel
    }

    /// Only reached where the probed range is touched by an access behind it; that access finds the fault unless the
    /// range crosses a page.
    pub fn probe(&mut self, addr: IrValue, size: u32) {
        let addr = self.value(addr);
        let within = self.b.ins().band_imm_u(addr, 4095);
        let crosses = self.b.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, within, 4096 - i64::from(size));
        self.interpret_if(crosses);
    }

    pub fn cas(
        &mut self,
        addr: IrValue,
        expected: IrValue,
        new: IrValue,
        ty: Type,
        order: Order,
    ) -> ir::Value {
        let (expected, new) = (self.value(expected), self.value(new));
        self.interpret_misaligned(addr, ty);
        let old = self.compare_and_swap(addr, ty, expected, new);
        self.fence_behind(order);
        old
    }

    fn compare_and_swap(
        &mut self,
        addr: IrValue,
        ty: Type,
        expected: ir::Value,
        new: ir::Value,
    ) -> ir::Value {
        if !self.plan.key.parallel {
            return self.update(addr, ty, |emitter, old| {
                let same = emitter.b.ins().icmp(IntCC::Equal, old, expected);
                emitter.b.ins().select(same, new, old)
            });
        }
        if !self.features.cas_always_writes && self.plan.key.memory == MemoryMode::Direct {
            // An atomic that changes nothing finds out whether the memory can be written.
            let place = self.atomic_place(addr, ty);
            let host = self.displace(&place);
            let nothing = self.b.ins().iconst(clif_type(ty), 0);
            self.b.ins().atomic_rmw(clif_type(ty), place.flags, AtomicRmwOp::Or, host, nothing);
            self.b.set_srcloc(SourceLoc::default());
        }
        let place = self.atomic_place(addr, ty);
        let host = self.displace(&place);
        let old = self.b.ins().atomic_cas(place.flags, host, expected, new);
        self.b.set_srcloc(SourceLoc::default());
        old
    }

    /// The atomic of a vCPU that is alone: loads, and stores what `new` makes of that. A fault of the store goes back to
    /// before the load.
    fn update(
        &mut self,
        addr: IrValue,
        ty: Type,
        new: impl FnOnce(&mut Self, ir::Value) -> ir::Value,
    ) -> ir::Value {
        let place = self.place(addr, ty.bytes(), Access::Read);
        let old = self.load_at(&place, ty);
        let value = new(self, old);
        let place = self.place(addr, ty.bytes(), Access::Write);
        self.b.ins().store(place.flags, value, place.host, place.displacement);
        self.close_group();
        old
    }

    fn rmw_alone(&mut self, addr: IrValue, value: ir::Value, ty: Type, op: RmwOp) -> ir::Value {
        self.update(addr, ty, |emitter, old| {
            let ins = emitter.b.ins();
            let cond = match op {
                RmwOp::Exchange => return value,
                RmwOp::Add => return ins.iadd(old, value),
                RmwOp::Sub => return ins.isub(old, value),
                RmwOp::And => return ins.band(old, value),
                RmwOp::AndNot => return ins.band_not(old, value),
                RmwOp::Or => return ins.bor(old, value),
                RmwOp::Xor => return ins.bxor(old, value),
                RmwOp::Smin => IntCC::SignedLessThan,
                RmwOp::Smax => IntCC::SignedGreaterThan,
                RmwOp::Umin => IntCC::UnsignedLessThan,
                RmwOp::Umax => IntCC::UnsignedGreaterThan,
            };
            let stays = ins.icmp(cond, old, value);
            emitter.b.ins().select(stays, old, value)
        })
    }

    pub fn rmw(&mut self, addr: IrValue, value: IrValue, ty: Type, op: RmwOp, order: Order) -> ir::Value {
        let mut value = self.value(value);
        if !self.plan.key.parallel {
            self.interpret_misaligned(addr, ty);
            return self.rmw_alone(addr, value, ty, op);
        }
        let op = match op {
            RmwOp::Exchange => AtomicRmwOp::Xchg,
            RmwOp::Add => AtomicRmwOp::Add,
            RmwOp::Sub => AtomicRmwOp::Sub,
            RmwOp::And => AtomicRmwOp::And,
            RmwOp::AndNot => {
                value = self.b.ins().bnot(value);
                AtomicRmwOp::And
            }
            RmwOp::Or => AtomicRmwOp::Or,
            RmwOp::Xor => AtomicRmwOp::Xor,
            RmwOp::Smin => AtomicRmwOp::Smin,
            RmwOp::Smax => AtomicRmwOp::Smax,
            RmwOp::Umin => AtomicRmwOp::Umin,
            RmwOp::Umax => AtomicRmwOp::Umax,
        };
        self.interpret_misaligned(addr, ty);
        let place = self.atomic_place(addr, ty);
        let host = self.displace(&place);
        let old = self.b.ins().atomic_rmw(clif_type(ty), place.flags, op, host, value);
        self.b.set_srcloc(SourceLoc::default());
        self.fence_behind(order);
        old
    }

    pub fn load_exclusive(&mut self, addr: IrValue, ty: Type, order: Order) -> ir::Value {
        self.interpret_misaligned(addr, ty);
        let value = self.load(addr, ty, order);
        let wide = self.extend_to_i64(value, ty);
        let address = self.value(addr);
        let size = self.b.ins().iconst(types::I64, i64::from(ty.bytes()));
        let zero = self.b.ins().iconst(types::I64, 0);
        self.store_state(address, offset_of!(VcpuState, exclusive_addr));
        self.store_state(size, offset_of!(VcpuState, exclusive_size));
        self.store_state(wide, offset_of!(VcpuState, exclusive_value));
        self.store_state(zero, offset_of!(VcpuState, exclusive_value) + 8);
        value
    }

    /// A compare-and-swap where the reservation fits, else failure. The fault comes before the reservation is cleared.
    pub fn store_exclusive(&mut self, addr: IrValue, value: IrValue, ty: Type, order: Order) -> ir::Value {
        let (address, new) = (self.value(addr), self.value(value));
        self.interpret_misaligned(addr, ty);
        let reserved = self.load_state(types::I64, offset_of!(VcpuState, exclusive_addr));
        let size = self.load_state(types::I64, offset_of!(VcpuState, exclusive_size));
        let same = self.b.ins().icmp(IntCC::Equal, reserved, address);
        let fits = self.b.ins().icmp_imm_s(IntCC::Equal, size, i64::from(ty.bytes()));
        let holds = self.b.ins().band(same, fits);
        // Where the reservation is gone the store must still fault as it would; the interpreter sees to that.
        let lost = self.b.ins().bxor_imm_u(holds, 1);
        self.interpret_if(lost);
        let seen = self.load_state(clif_type(ty), offset_of!(VcpuState, exclusive_value));
        let old = self.compare_and_swap(addr, ty, seen, new);
        self.fence_behind(order);
        self.clear_exclusive();
        self.b.ins().icmp(IntCC::Equal, old, seen)
    }

    pub fn clear_exclusive(&mut self) {
        let none = self.b.ins().iconst(types::I64, -1);
        self.store_state(none, offset_of!(VcpuState, exclusive_addr));
    }

    pub fn fence(&mut self, before: FenceSet, after: FenceSet) {
        let store_load = before != FenceSet::Read && after != FenceSet::Write;
        if self.plan.key.parallel && (self.isa != HostIsa::X86_64 || store_load) {
            self.b.ins().fence();
        } else {
            self.b.ins().sequence_point();
        }
    }

    /// As `place`, for an atomic that writes.
    fn atomic_place(&mut self, addr: IrValue, ty: Type) -> Place {
        if self.isa == HostIsa::Riscv64 && self.plan.key.memory == MemoryMode::Direct {
            // Cranelift drops the trap code of RISC-V atomics, so that a host fault in one would find no site.
            let always = self.b.ins().iconst(types::I8, 1);
            self.interpret_if(always);
        }
        self.place(addr, ty.bytes(), Access::Write)
    }

    /// Behind an atomic access.
    fn fence_behind(&mut self, order: Order) {
        if self.needs_fences() && releases(order) {
            self.b.ins().fence();
        }
    }

    fn interpret_misaligned(&mut self, addr: IrValue, ty: Type) {
        if ty.bytes() > 1 {
            let addr = self.value(addr);
            let low = self.b.ins().band_imm_u(addr, i64::from(ty.bytes()) - 1);
            self.interpret_if(low);
        }
    }

    fn displace(&mut self, place: &Place) -> ir::Value {
        if place.displacement == 0 {
            place.host
        } else {
            self.b.ins().iadd_imm_s(place.host, i64::from(place.displacement))
        }
    }

    /// Checks an address and leaves the builder at the access, with the site's source location set.
    fn place(&mut self, addr: IrValue, size: u32, access: Access) -> Place {
        self.b.ins().sequence_point();
        match self.plan.key.memory {
            MemoryMode::Direct => {
                let (base, displacement) = match displaced(self.block, addr) {
                    (base, displacement) if folds(displacement) || self.is_displacement_hole(addr) => {
                        (base, displacement as i32)
                    }
                    _ => (addr, 0),
                };
                let checked = self.bounded_base(base);
                let (base, checked) = (self.value(base), self.value(checked));
                self.place_in_window(base, displacement, checked)
            }
            MemoryMode::Paged => {
                let addr = self.value(addr);
                self.place_through_tlb(addr, size, access)
            }
        }
    }

    /// `checked` is checked, `base` itself or close to it; with the displacement the access stays inside of the guards.
    pub(super) fn place_in_window(
        &mut self,
        base: ir::Value,
        displacement: i32,
        checked: ir::Value,
    ) -> Place {
        let site = self.checked_site(checked);
        self.b.set_srcloc(access_location(site));
        let window = self.memory_base.expect("loaded in direct mode");
        let host = self.b.ins().iadd(window, base);
        Place { host, displacement, flags: self.guest_flags }
    }

    pub(super) fn place_through_tlb(&mut self, addr: ir::Value, size: u32, access: Access) -> Place {
        let tlb = match access {
            Access::Write => offset_of!(VcpuState, write_tlb),
            Access::Read | Access::Fetch => offset_of!(VcpuState, read_tlb),
        };
        let tlb = self.load_state(types::I64, tlb);
        // Index of the page, times 16: bits 12 and up of the address moved to bit 4.
        let index = self.b.ins().ushr_imm_u(addr, 8);
        let offset = self.b.ins().band_imm_u(index, (TLB_ENTRIES as i64 - 1) << 4);
        let entry = self.b.ins().iadd(tlb, offset);
        let tag = self.b.ins().load(types::I64, self.state_flags, entry, 0);
        // The page of the last byte: an access that crosses pages never hits.
        let last = self.b.ins().iadd_imm_s(addr, i64::from(size) - 1);
        let page = self.b.ins().band_imm_s(last, -4096);
        let hit = self.b.ins().icmp(IntCC::Equal, tag, page);
        let addend = self.b.ins().load(types::I64, self.state_flags, entry, 8);
        let (miss, filled, failed, go_on) =
            (self.b.create_block(), self.b.create_block(), self.b.create_block(), self.b.create_block());
        let chosen = self.b.append_block_param(go_on, types::I64);
        for cold in [miss, filled, failed] {
            self.b.set_cold_block(cold);
        }
        self.b.ins().brif(hit, go_on, &[BlockArg::Value(addend)], miss, &[]);
        self.b.seal_block(miss);
        self.b.switch_to_block(miss);
        let what = i64::from(access == Access::Write) | i64::from(size) << 8;
        let what = self.b.ins().iconst(types::I64, what);
        self.call_helper(Helper::FillTlb, addr, what);
        let addend = self.load_state(types::I64, offset_of!(VcpuState, scratch));
        let ok = self.load_state(types::I64, offset_of!(VcpuState, scratch) + 8);
        self.b.ins().brif(ok, filled, &[], failed, &[]);
        self.b.seal_block(filled);
        self.b.seal_block(failed);
        self.b.switch_to_block(failed);
        self.leave_to_interpreter();
        self.b.switch_to_block(filled);
        self.b.ins().jump(go_on, &[BlockArg::Value(addend)]);
        self.b.seal_block(go_on);
        self.b.switch_to_block(go_on);
        let host = self.b.ins().iadd(addr, chosen);
        Place { host, displacement: 0, flags: self.guest_flags }
    }
}
