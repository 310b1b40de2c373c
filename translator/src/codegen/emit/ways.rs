//! Ways out of a block: to another block of the region, to another unit, and to whoever runs the unit.

use super::{Emitter, namespace, unit_signature};
use crate::codegen::UnitKey;
use crate::codegen::stencil::Role;
use crate::ir::{Slot, Terminator};
use crate::region::Edge;
use crate::run::state::{ExitKind, JUMP_CACHE_ENTRIES, VcpuState};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, BlockArg, ExternalName, GlobalValueData, InstBuilder, MemFlagsData, UserExternalName, types,
};
use std::mem::offset_of;

impl Emitter<'_, '_> {
    pub(super) fn terminator(&mut self, index: usize) {
        let started = self.started;
        match self.block.terminator {
            Terminator::Jump { .. } => {
                let edge = self.plan.region.edges[index][0];
                // An instruction in the middle of a stencil unit is paid for later, together with others.
                if edge != Edge::Next {
                    self.spend(started);
                }
                self.follow(edge);
            }
            Terminator::Repeat { again, .. } => {
                let again = self.value(again);
                let ways = [self.b.create_block(), self.b.create_block()];
                self.b.ins().brif(again, ways[0], &[], ways[1], &[]);
                for (edge, retired) in [(0, started - 1), (1, started)] {
                    self.b.seal_block(ways[edge]);
                    self.b.switch_to_block(ways[edge]);
                    self.spend(retired);
                    self.follow(self.plan.region.edges[index][edge]);
                }
            }
            Terminator::Branch { cond, .. } => {
                self.spend(started);
                let mut cond = self.value(cond);
                let mut edges = [0, 1].map(|edge| self.plan.region.edges[index][edge]);
                // Cranelift lays the second way out behind the branch: where one goes back to a loop's head, that one.
                if let Edge::Inside(target) = edges[0]
                    && self.plan.polls_on_edge(index, target)
                    && let Some(inverse) = self.inverse(cond)
                {
                    (cond, edges) = (inverse, [edges[1], edges[0]]);
                }
                let falls_through = edges.contains(&Edge::Next);
                // An edge that does more than pass values is a block of its own.
                let [taken, other] = edges.map(|edge| match edge {
                    Edge::Inside(target)
                        if self.plan.flushed(index, target).is_empty()
                            && !self.plan.leaves_loop(index, target)
                            && !self.plan.polls_on_edge(index, target) =>
                    {
                        (self.labels[target], self.arguments(target, &self.current), None)
                    }
                    Edge::Next => (self.next(), Vec::new(), None),
                    edge => {
                        let block = self.b.create_block();
                        let unlikely =
                            matches!(edge, Edge::Outside(target) if self.plan.region.unlikely.contains(&target));
                        if falls_through || unlikely {
                            self.b.set_cold_block(block);
                        }
                        (block, Vec::new(), Some(edge))
                    }
                });
                self.b.ins().brif(cond, taken.0, &taken.1, other.0, &other.1);
                for (block, _, edge) in [taken, other] {
                    if let Some(edge) = edge {
                        self.b.seal_block(block);
                        self.b.switch_to_block(block);
                        self.follow(edge);
                    }
                }
            }
            Terminator::Indirect { target, .. } => {
                let target = self.value(target);
                self.spend(started);
                self.predicted_returns(index, target);
                self.store_dirty(0);
                self.indirect(target);
            }
            Terminator::Syscall { next } => {
                self.store_dirty(started);
                self.leave(next, ExitKind::Syscall as u64);
            }
            Terminator::Resync { next } => {
                self.spend(started);
                self.store_dirty(0);
                // What most of these instructions write is what was there before: then the key still holds.
                let (cold, same) = (self.b.create_block(), self.b.create_block());
                self.b.set_cold_block(cold);
                let env = self.load_slot(Slot::FP_ENV);
                let flags = self.load_slot(Slot::FP_FLAGS);
                let mask = i64::from(UnitKey::sticky_mask(self.plan.key.guest));
                let promised = self.b.ins().band_imm_u(flags, mask);
                let expected = [(env, self.plan.key.env.0), (promised, self.plan.key.sticky)];
                for (position, (value, expected)) in expected.into_iter().enumerate() {
                    let equal = self.b.ins().icmp_imm_u(IntCC::Equal, value, i64::from(expected));
                    let go_on = if position == 0 { self.b.create_block() } else { same };
                    self.b.ins().brif(equal, go_on, &[], cold, &[]);
                    self.b.seal_block(go_on);
                    self.b.switch_to_block(go_on);
                }
                self.jump_to_unit(next);
                self.b.seal_block(cold);
                self.b.switch_to_block(cold);
                self.leave(next, ExitKind::Resync as u64);
            }
            Terminator::Trap { trap } => {
                self.store_dirty(started - 1);
                self.leave(self.pc, ExitKind::Trap as u64 | (trap as u64) << 8);
            }
        }
    }

    fn follow(&mut self, edge: Edge) {
        match edge {
            Edge::Inside(target) => {
                for slot in self.plan.flushed(self.index, target).iter() {
                    let value = self.slot_value(slot);
                    self.store_slot(slot, value);
                }
                if self.plan.polls_on_edge(self.index, target) {
                    self.poll(target);
                }
                let arguments = match self.plan.leaves_loop(self.index, target) {
                    true => self.late_arguments(target),
                    false => self.arguments(target, &self.current),
                };
                self.b.ins().jump(self.labels[target], &arguments);
            }
            Edge::Next => {
                let next = self.next();
                self.b.ins().jump(next, &[]);
            }
            Edge::Again => self.jump_to(namespace::ENTRY, &[self.state, self.state]),
            Edge::Outside(target) => {
                self.store_dirty(0);
                self.jump_to_unit(target);
            }
        }
    }

    /// Jumps through the link to `target`. State is stored.
    fn jump_to_unit(&mut self, target: u64) {
        let slot = self.link_slot(target);
        let flags = MemFlagsData::trusted();
        let code = self.b.ins().load(types::I64, flags, slot, 0);
        self.b.ins().return_call_indirect(self.unit_signature, code, &[self.state, slot]);
    }

    /// Goes to the block behind a call of this region if that is the target.
    fn predicted_returns(&mut self, index: usize, target: ir::Value) {
        for &edge in &self.plan.region.edges[index] {
            let Edge::Inside(block) = edge else { continue };
            let start = self.plan.region.blocks[block].start;
            let expected = self.b.ins().iconst(types::I64, start as i64);
            let equal = self.b.ins().icmp(IntCC::Equal, target, expected);
            let (hit, miss) = (self.b.create_block(), self.b.create_block());
            self.b.ins().brif(equal, hit, &[], miss, &[]);
            self.b.seal_block(hit);
            self.b.seal_block(miss);
            self.b.switch_to_block(hit);
            self.follow(edge);
            self.b.switch_to_block(miss);
        }
    }

    /// Address of the link slot to `target`, filled in when the unit is installed.
    fn link_slot(&mut self, target: u64) -> ir::Value {
        let next = self.links.len() as u32;
        let index = *self.link_index.entry(target).or_insert(next);
        if index == next {
            self.links.push(target);
        }
        self.symbol(namespace::LINK_SLOT, index)
    }

    /// A 64-bit value that is filled in later.
    pub fn symbol(&mut self, namespace: u32, index: u32) -> ir::Value {
        let name = self.b.func.declare_imported_user_function(UserExternalName { namespace, index });
        let global = self.b.func.create_global_value(GlobalValueData::Symbol {
            name: ExternalName::user(name),
            offset: 0.into(),
            colocated: false,
            tls: false,
        });
        self.b.ins().symbol_value(types::I64, global)
    }

    /// The block that goes on behind a stencil.
    fn next(&mut self) -> ir::Block {
        let b = &mut self.b;
        *self.next.get_or_insert_with(|| b.create_block())
    }

    /// Goes on with the code behind a stencil: a tail call that is cut off when the stencil is copied.
    pub(super) fn next_block(&mut self) {
        let Some(next) = self.next else { return };
        self.b.switch_to_block(next);
        self.jump_to(namespace::NEXT, &[self.state]);
    }

    /// A tail call of code of the same unit.
    fn jump_to(&mut self, namespace: u32, arguments: &[ir::Value]) {
        let mut signature = unit_signature();
        signature.params.truncate(arguments.len());
        let signature = self.b.func.import_signature(signature);
        let name = self.b.func.declare_imported_user_function(UserExternalName { namespace, index: 0 });
        let callee = self.b.func.import_function(ir::ExtFuncData {
            name: ExternalName::user(name),
            signature,
            colocated: true,
            patchable: false,
        });
        self.b.ins().return_call(callee, arguments);
    }

    /// At the unit's entry and in every cycle, before a block: leave if another thread asks for it, or the budget may not
    /// last to the next poll.
    pub(super) fn poll(&mut self, index: usize) {
        self.pc = self.plan.region.blocks[index].start;
        // Without the sequence point Cranelift would merge this load with an earlier one.
        self.b.ins().sequence_point();
        let word = self.load_state(types::I32, offset_of!(VcpuState, interrupt));
        self.leave_if(word, ExitKind::Poll, 0);
        if self.plan.key.budget {
            let left = match self.budget {
                Some(budget) => self.b.use_var(budget),
                None => self.load_state(types::I64, offset_of!(VcpuState, budget)),
            };
            let short =
                self.b.ins().icmp_imm_s(IntCC::SignedLessThan, left, i64::from(self.plan.longest[index]));
            self.leave_if(short, ExitKind::Budget, 0);
        }
        if self.plan.region.checks.iter().any(Option::is_some) {
            self.count_check();
        }
    }

    /// Leaves if `cond` is not zero, with `retired` instructions of this block done.
    pub fn leave_if(&mut self, cond: ir::Value, kind: ExitKind, retired: u32) {
        let (cold, go_on) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(cold);
        self.b.ins().brif(cond, cold, &[], go_on, &[]);
        self.b.seal_block(cold);
        self.b.seal_block(go_on);
        self.b.switch_to_block(cold);
        self.store_dirty(retired);
        self.leave(self.pc, kind as u64);
        self.b.switch_to_block(go_on);
    }

    /// What is no guest instruction: the entry of a unit of stencils, and the payment for some of its instructions.
    pub(super) fn frame_stencil(&mut self, role: Role) {
        if role == Role::Entry {
            self.poll(0);
            self.count_entry();
        } else {
            self.spend_in_memory(self.plan.longest[0]);
        }
        self.follow(Edge::Next);
    }

    /// Counts an entry of the unit; leaves when it is due for the next tier.
    fn count_entry(&mut self) {
        let counter = self.symbol(namespace::COUNTER, 0);
        let flags = MemFlagsData::trusted();
        let left = self.b.ins().load(types::I64, flags, counter, 0);
        let left = self.b.ins().iadd_imm_s(left, -1);
        self.b.ins().store(flags, left, counter, 0);
        let due = self.b.ins().icmp_imm_s(IntCC::SignedLessThan, left, 0);
        self.leave_if(due, ExitKind::Hot, 0);
    }

    /// Jumps through the jump cache, or leaves on a miss. State is stored.
    fn indirect(&mut self, target: ir::Value) {
        let shift = self.plan.key.guest.instruction_alignment().trailing_zeros();
        let cache = self.load_state(types::I64, offset_of!(VcpuState, jump_cache));
        // The entry is 16 bytes: index << 4, made of the pc's bits in place.
        let mask = (JUMP_CACHE_ENTRIES as i64 - 1) << 4;
        let scaled = if shift <= 4 {
            self.b.ins().ishl_imm_u(target, i64::from(4 - shift))
        } else {
            self.b.ins().ushr_imm_u(target, i64::from(shift - 4))
        };
        let offset = self.b.ins().band_imm_u(scaled, mask);
        let entry = self.b.ins().iadd(cache, offset);
        let pc = self.b.ins().load(types::I64, self.state_flags, entry, 0);
        let equal = self.b.ins().icmp(IntCC::Equal, pc, target);
        let (hit, miss) = (self.b.create_block(), self.b.create_block());
        self.b.set_cold_block(miss);
        self.b.ins().brif(equal, hit, &[], miss, &[]);
        self.b.seal_block(hit);
        self.b.seal_block(miss);
        self.b.switch_to_block(hit);
        let code = self.b.ins().load(types::I64, self.state_flags, entry, 8);
        self.b.ins().return_call_indirect(self.unit_signature, code, &[self.state, entry]);
        self.b.switch_to_block(miss);
        let word = self.b.ins().iconst(types::I64, ExitKind::Indirect as i64);
        self.b.ins().jump(self.leave, &[BlockArg::Value(target), BlockArg::Value(word)]);
    }

    pub(in crate::codegen) fn leave(&mut self, pc: u64, word: u64) {
        let pc = match self.plan.holes {
            Some(holes) => match holes.address(pc == self.plan.region.entry()) {
                Some(placeholder) => self.b.ins().iconst(types::I64, placeholder),
                None => self.symbol(namespace::HOLE, u32::from(pc != self.plan.region.entry())),
            },
            None => self.b.ins().iconst(types::I64, pc as i64),
        };
        let word = self.b.ins().iconst(types::I64, word as i64);
        self.b.ins().jump(self.leave, &[BlockArg::Value(pc), BlockArg::Value(word)]);
    }

    /// The one place that returns.
    pub(super) fn leave_block(&mut self) {
        self.b.switch_to_block(self.leave);
        self.b.set_cold_block(self.leave);
        let &[pc, word] = self.b.block_params(self.leave) else { unreachable!("made with two") };
        self.store_state(pc, offset_of!(VcpuState, pc));
        self.b.ins().return_(&[word]);
    }

    /// Takes `count` instructions off the budget.
    fn spend(&mut self, count: u32) {
        if let Some(budget) = self.budget {
            let left = self.b.use_var(budget);
            let left = self.b.ins().iadd_imm_s(left, -i64::from(count));
            self.b.def_var(budget, left);
        } else {
            self.spend_in_memory(count);
        }
    }

    /// Stencils keep the budget in memory; each pays for what it retires.
    fn spend_in_memory(&mut self, count: u32) {
        if self.plan.key.budget && count != 0 {
            let left = self.load_state(types::I64, offset_of!(VcpuState, budget));
            let left = self.b.ins().iadd_imm_s(left, -i64::from(count));
            self.store_state(left, offset_of!(VcpuState, budget));
        }
    }

    /// Stores the dirty slots, and the budget less `retired` instructions of this block.
    pub(in crate::codegen) fn store_dirty(&mut self, retired: u32) {
        debug_assert!(self.chain.is_empty(), "what is stored is settled");
        let state: Vec<_> = self.dirty.iter().map(|slot| (slot, self.slot_value(slot))).collect();
        self.save_late(&state);
        self.store_budget(retired);
    }

    /// Stores the budget less `retired` instructions of this block.
    pub(in crate::codegen) fn store_budget(&mut self, retired: u32) {
        if let Some(budget) = self.budget {
            let mut left = self.b.use_var(budget);
            if retired != 0 {
                left = self.b.ins().iadd_imm_s(left, -i64::from(retired));
            }
            self.store_state(left, offset_of!(VcpuState, budget));
        } else {
            self.spend_in_memory(retired);
        }
    }

    /// Leaves at the present instruction, from a cold block.
    pub fn leave_here(&mut self, kind: ExitKind) {
        self.store_dirty(self.started - 1);
        self.leave(self.pc, kind as u64);
    }

    /// Leaves to the interpreter at the present instruction if `cond` is not zero.
    pub fn interpret_if(&mut self, cond: ir::Value) {
        self.leave_here_if(cond, ExitKind::Interpret);
    }

    /// Leaves before the present instruction if `cond` is not zero.
    pub fn leave_here_if(&mut self, cond: ir::Value, kind: ExitKind) {
        self.leave_if(cond, kind, self.started - 1);
    }
}
