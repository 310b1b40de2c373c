//! A region as a Cranelift function: state slots in variables, cold edges, polls, budget, links.
//!
//! # Exact state
//! Inside a guest instruction `set`s are held back until the next instruction begins, so whatever leaves in the middle
//! (a fault, a taken trap, an op that only the interpreter runs) finds the variables as they were at the instruction's
//! start, and the interpreter does the instruction anew. Each guest access stands at the head of a block of its own,
//! right behind a branch to a *cold block*, which stores the dirty slots and leaves; a host fault in the access is led
//! to that block too. That is sound only if no register that the cold block reads changes between the branch and the
//! access, which `sites` checks on the finished code; if it does not hold, the region is compiled again with
//! *write-back*: dirty slots are stored before each access, and a fault needs no registers at all.
//!
//! Cranelift's optimiser would move pure instructions from before the branch to behind it, so it is off by default.
//!
//! `fp_flags` and `fp_env` live in memory only: helpers read and write them.

use super::compiler::Features;
use super::stencil::{Holes, Role};
use super::unit::UnitKey;
use super::{HostIsa, MemoryMode};
use crate::guest::{Guest, RegisterFile};
use crate::ir::{Block, Op, Quietness, Slot, Terminator, Type, Value as IrValue};
use crate::region::{Edge, Region, only_interpreted};
use crate::run::state::{ExitKind, JUMP_CACHE_ENTRIES, VcpuState};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, AbiParam, AliasRegionData, BlockArg, ExternalName, GlobalValueData, InstBuilder, MemFlagsData,
    Signature, SourceLoc, UserExternalName, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use rustc_hash::FxHashMap;
use std::mem::offset_of;

/// A set of slots.
pub(super) type SlotSet = u128;

/// The bit of a slot that is kept in a variable.
fn bit(slot: Slot) -> SlotSet {
    if in_memory(slot) { 0 } else { 1 << slot.0 }
}

/// Slots that are never kept in a variable.
fn in_memory(slot: Slot) -> bool {
    slot == Slot::FP_FLAGS || slot == Slot::FP_ENV
}

fn slots_of(set: SlotSet) -> impl Iterator<Item = Slot> {
    (0..128).filter(move |index| set >> index & 1 != 0).map(Slot)
}

/// What is known of a region before code is made for it.
pub(super) struct Plan<'a> {
    pub region: &'a Region,
    pub key: &'a UnitKey,
    pub write_back: bool,
    /// Set for stencils: all slots stay in memory, and what differs between instructions of a shape is a hole.
    pub holes: Option<&'a Holes>,
    /// Slots that may be dirty at the start of each block.
    dirty_in: Vec<SlotSet>,
    /// Slots whose value the entry must load.
    live_in: SlotSet,
    /// Guest instructions from the start of each block to the next check of the budget, the longest way.
    longest: Vec<u32>,
}

/// How one op of a block concerns the sets of slots.
enum Event {
    Use(Slot),
    Define(Slot),
    /// May leave to the interpreter.
    Leave,
    /// All dirty slots are stored.
    WriteBack,
}

impl<'a> Plan<'a> {
    pub fn new(region: &'a Region, key: &'a UnitKey, write_back: bool) -> Plan<'a> {
        assert!(key.guest.register_file().slots.len() <= 128);
        let count = region.blocks.len();
        let mut plan = Plan {
            region,
            key,
            write_back,
            holes: None,
            dirty_in: vec![0; count],
            live_in: 0,
            longest: vec![0; count],
        };
        plan.find_dirty();
        plan.find_live();
        for block in 0..count {
            plan.longest_from(block);
        }
        plan
    }

    /// The plan of a stencil: one block without loops, nothing kept in variables.
    pub fn stencil(region: &'a Region, key: &'a UnitKey, holes: &'a Holes) -> Plan<'a> {
        Plan {
            region,
            key,
            write_back: true,
            holes: Some(holes),
            dirty_in: vec![0],
            live_in: 0,
            longest: vec![holes.longest],
        }
    }

    fn inside(&self, block: usize) -> impl Iterator<Item = usize> + '_ {
        self.region.edges[block].iter().filter_map(|edge| match *edge {
            Edge::Inside(target) => Some(target),
            Edge::Outside(_) | Edge::Next | Edge::Again => None,
        })
    }

    fn find_dirty(&mut self) {
        let mut queue: Vec<usize> = (0..self.region.blocks.len()).rev().collect();
        while let Some(block) = queue.pop() {
            let mut dirty = self.dirty_in[block];
            self.events(block, |event| match event {
                Event::Define(slot) => dirty |= bit(slot),
                Event::WriteBack => dirty = 0,
                Event::Use(_) | Event::Leave => {}
            });
            for target in self.inside(block).collect::<Vec<_>>() {
                if dirty & !self.dirty_in[target] != 0 {
                    self.dirty_in[target] |= dirty;
                    queue.push(target);
                }
            }
        }
    }

    /// Backward: which slots are read before they are written. Stores of dirty slots at exits are reads.
    fn find_live(&mut self) {
        let count = self.region.blocks.len();
        let mut exposed = vec![0; count];
        let mut defined = vec![0; count];
        for index in 0..count {
            let (mut used, mut made, mut dirty): (SlotSet, SlotSet, SlotSet) = (0, 0, self.dirty_in[index]);
            if self.region.loop_heads[index] {
                used |= dirty;
            }
            self.events(index, |event| match event {
                Event::Use(slot) => used |= bit(slot) & !made,
                Event::Define(slot) => {
                    made |= bit(slot);
                    dirty |= bit(slot);
                }
                Event::Leave => used |= dirty & !made,
                Event::WriteBack => {
                    used |= dirty & !made;
                    dirty = 0;
                }
            });
            if self.region.edges[index].iter().all(|edge| matches!(edge, Edge::Outside(_)))
                || self.region.edges[index].iter().any(|edge| matches!(edge, Edge::Outside(_)))
            {
                used |= dirty & !made;
            }
            (exposed[index], defined[index]) = (used, made);
        }
        let mut live = exposed.clone();
        let mut changed = true;
        while changed {
            changed = false;
            for index in (0..count).rev() {
                let out = self.inside(index).fold(0, |set, target| set | live[target]);
                let now = exposed[index] | out & !defined[index];
                changed |= now != live[index];
                live[index] = now;
            }
        }
        self.live_in = live[0];
    }

    fn longest_from(&mut self, block: usize) -> u32 {
        // Loop heads cut every cycle, so this ends; zero means not computed yet, as a block has an instruction.
        if self.longest[block] == 0 {
            let behind = self
                .inside(block)
                .filter(|&target| !self.region.loop_heads[target])
                .collect::<Vec<_>>()
                .into_iter()
                .map(|target| self.longest_from(target))
                .max()
                .unwrap_or(0);
            self.longest[block] = self.region.blocks[block].instructions + behind;
        }
        self.longest[block]
    }

    /// The events of a block, `set`s at the end of their instruction.
    fn events(&self, index: usize, mut event: impl FnMut(Event)) {
        let block = &self.region.blocks[index];
        let mut pending: Vec<Slot> = Vec::new();
        let mut check = self.region.checks[index].is_some();
        for op in &block.ops {
            match *op {
                Op::Instruction { .. } => {
                    pending.drain(..).for_each(|slot| event(Event::Define(slot)));
                    if std::mem::take(&mut check) {
                        event(if self.write_back { Event::WriteBack } else { Event::Leave });
                        // The check itself leaves too, behind its accesses.
                        event(Event::Leave);
                    }
                }
                Op::Get { slot } if !pending.contains(&slot) => event(Event::Use(slot)),
                Op::Set { slot, .. } => pending.push(slot),
                _ if only_interpreted(block, op) => {
                    event(Event::Leave);
                    return;
                }
                _ if is_access(op) && self.write_back => event(Event::WriteBack),
                _ if op.effect().may_exit() => event(Event::Leave),
                _ => {}
            }
            check |= self.is_checked_behind(index, op);
        }
        pending.drain(..).for_each(|slot| event(Event::Define(slot)));
    }

    /// Whether the instruction behind this op must not begin before the rest of the block has been compared with memory:
    /// an x86-64 store is seen by the next instruction.
    fn is_checked_behind(&self, index: usize, op: &Op) -> bool {
        self.region.checks[index].is_some() && self.key.guest == Guest::X86_64 && is_store(op)
    }
}

/// Whether the op touches guest memory, so that it is a site with a cold block.
fn is_access(op: &Op) -> bool {
    matches!(
        op,
        Op::Load { .. }
            | Op::Store { .. }
            | Op::Cas { .. }
            | Op::Rmw { .. }
            | Op::LoadExclusive { .. }
            | Op::StoreExclusive { .. }
    )
}

/// Whether the op may change guest memory.
fn is_store(op: &Op) -> bool {
    matches!(op, Op::Store { .. } | Op::Cas { .. } | Op::Rmw { .. } | Op::StoreExclusive { .. })
}

/// What `emit` made besides the function.
pub(super) struct Emitted {
    /// Guest targets of links, by index.
    pub links: Vec<u64>,
    /// Guest pc of each access site.
    pub sites: Vec<u64>,
}

/// Source location of the branch and the access of a site.
pub(super) fn access_location(site: u32) -> SourceLoc {
    SourceLoc::new(2 * site)
}

/// Source location of the cold block of a site.
pub(super) fn cold_location(site: u32) -> SourceLoc {
    SourceLoc::new(2 * site + 1)
}

/// Trap code of guest accesses.
pub(super) const GUEST_ACCESS: ir::TrapCode = ir::TrapCode::unwrap_user(1);

/// Makes code for one region.
pub(super) struct Emitter<'a, 'f> {
    pub b: FunctionBuilder<'f>,
    pub plan: &'a Plan<'a>,
    pub features: Features,
    pub isa: HostIsa,
    file: &'static RegisterFile,
    pub state: ir::Value,
    pub memory_base: Option<ir::Value>,
    /// State other than slots, and slots: nothing of the guest's memory aliases them.
    pub state_flags: MemFlagsData,
    pub guest_flags: MemFlagsData,
    variables: Vec<Option<Variable>>,
    budget: Option<Variable>,
    labels: Vec<ir::Block>,
    leave: ir::Block,
    /// What follows a stencil, once it is needed.
    next: Option<ir::Block>,
    unit_signature: ir::SigRef,
    pub helper_signature: Option<ir::SigRef>,
    /// The single in each NaN box that was made.
    pub boxed: FxHashMap<ir::Value, ir::Value>,
    link_index: FxHashMap<u64, u32>,
    links: Vec<u64>,
    sites: Vec<u64>,
    // Of the block that is being emitted:
    pub block: &'a Block,
    /// Index of the op that is being emitted.
    pub at: usize,
    values: Vec<Option<ir::Value>>,
    pending: Vec<(Slot, ir::Value)>,
    /// Float comparisons of this block whose flags have been raised.
    pub compared: Vec<(IrValue, IrValue, Quietness)>,
    /// Singles of this block that slots hold in their NaN boxes: a cold block can box them as well.
    singles: FxHashMap<Slot, ir::Value>,
    dirty: SlotSet,
    pub pc: u64,
    /// Instructions begun in this block, the present one included.
    started: u32,
    /// The bytes that the block was made from, if it compares them.
    pub check: Option<&'a [u8]>,
}

/// Offset of a slot in the state.
pub(super) fn slot_offset(file: &RegisterFile, slot: Slot) -> i32 {
    (offset_of!(VcpuState, slots) + file.slot(slot).offset as usize) as i32
}

/// The Cranelift type that carries an IR type. Half floats are their bits; a condition is a byte, 0 or 1.
pub(super) fn clif_type(ty: Type) -> ir::Type {
    match ty {
        Type::I1 | Type::I8 => types::I8,
        Type::I16 | Type::F16 | Type::Bf16 => types::I16,
        Type::I32 => types::I32,
        Type::I64 => types::I64,
        Type::I128 => types::I128,
        Type::F32 => types::F32,
        Type::F64 => types::F64,
        Type::V128 => types::I8X16,
    }
}

/// Signature of units and of the stubs that jumps between them go through.
pub(super) fn unit_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature.params = vec![AbiParam::new(types::I64); 2];
    signature.returns = vec![AbiParam::new(types::I64)];
    signature
}

/// Signature of stencils and of what follows them.
fn stencil_signature() -> Signature {
    let mut signature = unit_signature();
    signature.params.truncate(1);
    signature
}

/// Names of symbols: link slots by index, holes by index, the unit's counter, what follows a stencil, its unit's entry.
pub(super) mod namespace {
    pub const LINK_SLOT: u32 = 0;
    pub const HOLE: u32 = 1;
    pub const COUNTER: u32 = 2;
    pub const NEXT: u32 = 3;
    pub const ENTRY: u32 = 4;
}

/// Emits the function of a region.
pub(super) fn emit(
    func: &mut ir::Function,
    context: &mut FunctionBuilderContext,
    target: &dyn TargetIsa,
    features: Features,
    isa: HostIsa,
    plan: &Plan<'_>,
) -> Emitted {
    func.signature = match plan.holes.map(|holes| holes.role) {
        None | Some(Role::Entry) => unit_signature(),
        Some(Role::Spend | Role::Instruction) => stencil_signature(),
    };
    let region =
        func.dfg.alias_regions.insert(AliasRegionData { user_id: 1, description: "vcpu state".into() });
    let mut b = FunctionBuilder::new(func, context);
    let unit_signature = b.func.import_signature(unit_signature());
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    b.seal_block(entry);
    let state = b.block_params(entry)[0];
    let leave = b.create_block();
    b.append_block_param(leave, types::I64);
    b.append_block_param(leave, types::I64);
    let labels = plan.region.blocks.iter().map(|_| b.create_block()).collect();
    let file = plan.key.guest.register_file();
    let mut emitter = Emitter {
        b,
        plan,
        features,
        isa,
        file,
        state,
        memory_base: None,
        state_flags: MemFlagsData::trusted().with_alias_region(Some(region)),
        // In paged mode the TLB has said that the access is good.
        guest_flags: MemFlagsData::new()
            .with_trap_code((plan.key.memory == MemoryMode::Direct).then_some(GUEST_ACCESS))
            .with_endianness(ir::Endianness::Little),
        variables: vec![None; file.slots.len()],
        budget: None,
        labels,
        leave,
        next: None,
        unit_signature,
        helper_signature: None,
        boxed: FxHashMap::default(),
        link_index: FxHashMap::default(),
        links: Vec::new(),
        sites: Vec::new(),
        block: &plan.region.blocks[0],
        at: 0,
        values: Vec::new(),
        pending: Vec::new(),
        compared: Vec::new(),
        singles: FxHashMap::default(),
        dirty: 0,
        pc: plan.region.entry(),
        started: 0,
        check: None,
    };
    match plan.holes.map(|holes| holes.role) {
        None | Some(Role::Instruction) => {
            emitter.prologue();
            for index in 0..plan.region.blocks.len() {
                emitter.region_block(index);
            }
        }
        Some(role) => emitter.frame_stencil(role),
    }
    emitter.leave_block();
    emitter.next_block();
    emitter.b.seal_all_blocks();
    let Emitter { b, links, sites, .. } = emitter;
    b.finalize(target.frontend_config());
    Emitted { links, sites }
}

impl<'a> Emitter<'a, '_> {
    fn prologue(&mut self) {
        if self.plan.key.memory == MemoryMode::Direct {
            let flags = self.state_flags.with_readonly().with_can_move();
            self.memory_base = Some(self.b.ins().load(
                types::I64,
                flags,
                self.state,
                offset_of!(VcpuState, memory_base) as i32,
            ));
        }
        if self.plan.holes.is_some() {
            self.b.ins().jump(self.labels[0], &[]);
            return;
        }
        if self.plan.key.budget {
            let variable = self.b.declare_var(types::I64);
            let left = self.load_state(types::I64, offset_of!(VcpuState, budget));
            self.b.def_var(variable, left);
            self.budget = Some(variable);
        }
        if !self.plan.region.loop_heads[0] {
            self.poll(0);
        }
        for slot in slots_of(self.plan.live_in) {
            let value = self.load_slot(slot);
            self.write_variable(slot, value);
        }
        self.b.ins().jump(self.labels[0], &[]);
    }

    /// At the unit's entry and at loop heads: leave if another thread asks for it, or the budget may not last to the
    /// next check.
    fn poll(&mut self, index: usize) {
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

    fn region_block(&mut self, index: usize) {
        let block = &self.plan.region.blocks[index];
        self.b.switch_to_block(self.labels[index]);
        self.block = block;
        self.values.clear();
        self.pending.clear();
        self.compared.clear();
        self.singles.clear();
        self.dirty = self.plan.dirty_in[index];
        self.pc = block.start;
        self.started = 0;
        self.check = self.plan.region.checks[index].as_deref();
        if self.plan.region.loop_heads[index] {
            self.poll(index);
        }
        let mut check = self.check.is_some();
        for (at, op) in block.ops.iter().enumerate() {
            self.at = at;
            match *op {
                Op::Instruction { pc, .. } => {
                    self.flush_pending();
                    self.pc = pc;
                    self.started += 1;
                    if std::mem::take(&mut check) {
                        self.check_code();
                    }
                    self.values.push(None);
                }
                _ if only_interpreted(block, op) => {
                    self.store_dirty(self.started - 1);
                    self.leave(self.pc, ExitKind::Interpret as u64);
                    return;
                }
                _ => {
                    let value = self.op(op);
                    self.values.push(value);
                }
            }
            check |= self.plan.is_checked_behind(index, op);
        }
        self.flush_pending();
        self.terminator(index);
    }

    fn terminator(&mut self, index: usize) {
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
                let cond = self.value(cond);
                let edges = &self.plan.region.edges[index];
                let falls_through = edges.contains(&Edge::Next);
                let [taken, other] = [0, 1].map(|edge| match edges[edge] {
                    Edge::Inside(target) => (self.labels[target], None),
                    Edge::Next => (self.next(), None),
                    edge @ (Edge::Outside(_) | Edge::Again) => {
                        let block = self.b.create_block();
                        if falls_through {
                            self.b.set_cold_block(block);
                        }
                        (block, Some(edge))
                    }
                });
                self.b.ins().brif(cond, taken.0, &[], other.0, &[]);
                for (block, edge) in [taken, other] {
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
                self.b.ins().jump(self.labels[target], &[]);
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
    fn next_block(&mut self) {
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

    /// The number of the hole that the op at hand is, if it is one of 64 bits.
    pub fn wide_hole(&self) -> Option<u32> {
        self.plan.holes.and_then(|holes| holes.wide(self.at))
    }

    /// Whether an address is a sum with a hole that belongs into the access.
    pub fn is_displacement_hole(&self, addr: IrValue) -> bool {
        self.plan.holes.is_some_and(|holes| match self.block.ops[addr.index()] {
            Op::Add { a, b } => holes.is_displacement(a) || holes.is_displacement(b),
            _ => false,
        })
    }

    /// What is no guest instruction: the entry of a unit of stencils, and the payment for some of its instructions.
    fn frame_stencil(&mut self, role: Role) {
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

    fn leave(&mut self, pc: u64, word: u64) {
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
    fn leave_block(&mut self) {
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
    fn store_dirty(&mut self, retired: u32) {
        for slot in slots_of(self.dirty) {
            if let Some(&single) = self.singles.get(&slot) {
                let offset = slot_offset(self.file, slot);
                let ones = self.b.ins().iconst(types::I32, i64::from(u32::MAX));
                self.b.ins().store(self.state_flags, single, self.state, offset);
                self.b.ins().store(self.state_flags, ones, self.state, offset + 4);
                continue;
            }
            let variable = self.variable(slot);
            let value = self.b.use_var(variable);
            self.store_slot(slot, value);
        }
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

    /// Starts an access: a new site and its cold block, still empty. `write_back` regions store the dirty slots first.
    pub fn cold_site(&mut self) -> (u32, ir::Block) {
        let site = self.sites.len() as u32;
        self.sites.push(self.pc);
        if self.plan.write_back {
            self.store_dirty(self.started - 1);
            self.dirty = 0;
        }
        let cold = self.b.create_block();
        self.b.set_cold_block(cold);
        (site, cold)
    }

    /// Branches to the cold block of `site` if `cond` is not zero; what follows is in a block of its own, and the cold
    /// block stores the dirty slots and leaves.
    pub fn cold_branch(&mut self, site: u32, cold: ir::Block, cond: ir::Value) {
        let go_on = self.b.create_block();
        self.b.set_srcloc(access_location(site));
        self.b.ins().brif(cond, cold, &[], go_on, &[]);
        self.b.seal_block(go_on);
        self.b.seal_block(cold);
        self.b.switch_to_block(cold);
        self.b.set_srcloc(cold_location(site));
        if !self.plan.write_back {
            self.store_dirty(self.started - 1);
        }
        self.leave(self.pc, ExitKind::Interpret as u64);
        self.b.set_srcloc(SourceLoc::default());
        self.b.switch_to_block(go_on);
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

    fn flush_pending(&mut self) {
        for (slot, value) in std::mem::take(&mut self.pending) {
            if self.in_memory(slot) {
                self.store_slot(slot, value);
            } else {
                match self.boxed.get(&value) {
                    Some(&single) => self.singles.insert(slot, single),
                    None => self.singles.remove(&slot),
                };
                self.write_variable(slot, value);
                self.dirty |= bit(slot);
            }
        }
    }

    fn variable(&mut self, slot: Slot) -> Variable {
        let ty = clif_type(self.file.slot(slot).ty);
        let b = &mut self.b;
        *self.variables[slot.index()].get_or_insert_with(|| b.declare_var(ty))
    }

    fn write_variable(&mut self, slot: Slot, value: ir::Value) {
        let variable = self.variable(slot);
        self.b.def_var(variable, value);
    }

    /// `get`.
    pub fn read_slot(&mut self, slot: Slot) -> ir::Value {
        if let Some(&(_, value)) = self.pending.iter().rev().find(|pending| pending.0 == slot) {
            return value;
        }
        if self.in_memory(slot) {
            return self.load_slot(slot);
        }
        let variable = self.variable(slot);
        self.b.use_var(variable)
    }

    /// `set`.
    pub fn write_slot(&mut self, slot: Slot, value: ir::Value) {
        self.pending.retain(|pending| pending.0 != slot);
        self.pending.push((slot, value));
    }

    fn in_memory(&self, slot: Slot) -> bool {
        in_memory(slot) || self.plan.holes.is_some()
    }

    fn slot_offset(&self, slot: Slot) -> i32 {
        let hole = self.plan.holes.and_then(|holes| holes.slot(slot));
        hole.unwrap_or_else(|| slot_offset(self.file, slot))
    }

    fn load_slot(&mut self, slot: Slot) -> ir::Value {
        let offset = self.slot_offset(slot);
        self.b.ins().load(clif_type(self.file.slot(slot).ty), self.state_flags, self.state, offset)
    }

    fn store_slot(&mut self, slot: Slot, value: ir::Value) {
        let offset = self.slot_offset(slot);
        self.b.ins().store(self.state_flags, value, self.state, offset);
    }

    /// Loads a field of the state.
    pub fn load_state(&mut self, ty: ir::Type, offset: usize) -> ir::Value {
        self.b.ins().load(ty, self.state_flags, self.state, offset as i32)
    }

    /// Stores a field of the state.
    pub fn store_state(&mut self, value: ir::Value, offset: usize) {
        self.b.ins().store(self.state_flags, value, self.state, offset as i32);
    }

    /// The Cranelift value of an IR value of this block.
    pub fn value(&self, value: IrValue) -> ir::Value {
        self.values[value.index()].expect("an operand has a value")
    }

    /// Its IR type.
    pub fn ty(&self, value: IrValue) -> Type {
        self.block.ty(value)
    }
}
