//! A region as a Cranelift function: state slots in values, restart groups, cold edges, polls, budget, links.
//!
//! # Exact state
//! Inside a guest instruction `set`s are held back until the next instruction begins, so whatever leaves in the middle
//! (a fault, a taken trap, an op that only the interpreter runs) finds the slots as they were at the instruction's
//! start, and the interpreter does the instruction anew.
//!
//! Guest accesses come in restart groups, of which `groups` knows more.
//!
//! Cranelift's optimiser would move pure instructions from before a check to behind it, so it is off by default.
//!
//! `fp_flags` and `fp_env` live in memory only: helpers read and write them.

mod ways;

use super::chain::Link;
use super::cold;
use super::compiler::Features;
use super::groups::{Checked, Closing, GUEST_ACCESS, Group, Site};
use super::plan::{Origin, Plan, bit, in_memory};
use super::stencil::Role;
use super::{HostIsa, MemoryMode};
use crate::guest::RegisterFile;
use crate::ir::{Block, Op, Quietness, Slot, SlotSet, Type, Value as IrValue};
use crate::region::only_interpreted;
use crate::run::state::{ExitKind, VcpuState};
use cranelift_codegen::ir::{
    self, AbiParam, AliasRegionData, BlockArg, InstBuilder, MemFlagsData, Signature, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use rustc_hash::FxHashMap;
use std::mem::offset_of;

/// What `emit` made besides the function.
pub(super) struct Emitted {
    /// Guest targets of links, by index.
    pub links: Vec<u64>,
    /// Each access.
    pub sites: Vec<Site>,
}

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
    budget: Option<Variable>,
    /// How often `sites` could not prove an access.
    pub(super) unproven: &'a FxHashMap<u32, u32>,
    /// Values of the slots: as they were at the unit's entry (where each block or a dominator of it has loaded that), as
    /// parameters of each block, at the end of each block.
    initial: Vec<Vec<Option<ir::Value>>>,
    parameters: Vec<Vec<Option<ir::Value>>>,
    pub(super) ends: Vec<Vec<Option<ir::Value>>>,
    /// What is made anew at the start of each block, instead of in the loop before it.
    pub(super) late: Vec<Vec<(Slot, Option<ir::Value>)>>,
    /// Addresses that each block has found inside the window, with those of the blocks that dominate it.
    checked_by: Vec<Vec<Checked>>,
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
    pub(super) sites: Vec<Site>,
    pub(super) groups: u32,
    // Of the block that is being emitted:
    pub block: &'a Block,
    /// Index of the op that is being emitted.
    pub at: usize,
    pub(super) values: Vec<Option<ir::Value>>,
    /// What made the values of this block, and where in the block each is used last.
    pub(super) made_by: FxHashMap<ir::Value, usize>,
    pub(super) last_uses: Vec<usize>,
    /// Loads that are made together with an extension of them, by the load: the extension.
    pub extensions: FxHashMap<usize, usize>,
    /// What was loaded together with an extension: by load, the extended value and whether by its sign.
    pub extended: FxHashMap<usize, (ir::Value, bool)>,
    pub(super) index: usize,
    pub(super) current: Vec<Option<ir::Value>>,
    pub(super) checked: Vec<Checked>,
    pub(super) group: Option<Group>,
    /// The group to close behind the access at hand.
    pub(super) closing: Option<Closing>,
    pub(super) pending: Vec<(Slot, ir::Value)>,
    /// Float comparisons of this block whose flags have been raised.
    pub compared: Vec<(IrValue, IrValue, Quietness)>,
    /// Float arithmetic whose results have not been looked at.
    pub(super) chain: Vec<Link>,
    pub(super) dirty: SlotSet,
    pub pc: u64,
    /// Instructions begun in this block, the present one included.
    pub(super) started: u32,
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
    unproven: &FxHashMap<u32, u32>,
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
    let count = plan.region.blocks.len();
    let labels = (0..count).map(|_| b.create_block()).collect();
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
        budget: None,
        unproven,
        initial: vec![vec![None; file.slots.len()]; count],
        parameters: vec![Vec::new(); count],
        ends: vec![Vec::new(); count],
        late: vec![Vec::new(); count],
        checked_by: vec![Vec::new(); count],
        labels,
        leave,
        next: None,
        unit_signature,
        helper_signature: None,
        boxed: FxHashMap::default(),
        link_index: FxHashMap::default(),
        links: Vec::new(),
        sites: Vec::new(),
        groups: 0,
        block: &plan.region.blocks[0],
        at: 0,
        values: Vec::new(),
        made_by: FxHashMap::default(),
        last_uses: Vec::new(),
        extensions: FxHashMap::default(),
        extended: FxHashMap::default(),
        index: 0,
        current: Vec::new(),
        checked: Vec::new(),
        group: None,
        closing: None,
        pending: Vec::new(),
        compared: Vec::new(),
        chain: Vec::new(),
        dirty: SlotSet::NONE,
        pc: plan.region.entry(),
        started: 0,
        check: None,
    };
    for block in 0..count {
        emitter.make_parameters(block);
    }
    match plan.holes.map(|holes| holes.role) {
        None | Some(Role::Instruction) => {
            emitter.prologue();
            for &index in &plan.order {
                emitter.region_block(index);
            }
        }
        Some(role) => emitter.frame_stencil(role),
    }
    emitter.leave_block();
    emitter.next_block();
    emitter.b.seal_all_blocks();
    let Emitter { b, links, sites, .. } = emitter;
    cold::mark(b.func);
    b.finalize(target.frontend_config());
    Emitted { links, sites }
}

impl<'a> Emitter<'a, '_> {
    /// Gives a block its parameters, in the order of the slots.
    fn make_parameters(&mut self, block: usize) {
        let mut values = vec![None; self.file.slots.len()];
        for slot in self.plan.parameters[block].iter() {
            let boxed = self.plan.boxed[block].contains(slot);
            let ty = if boxed { types::F32 } else { clif_type(self.file.slot(slot).ty) };
            values[slot.index()] = Some(self.b.append_block_param(self.labels[block], ty));
        }
        self.parameters[block] = values;
    }

    /// What a jump to `target` passes, from where the slots have the values `current`.
    pub(super) fn arguments(&self, target: usize, current: &[Option<ir::Value>]) -> Vec<BlockArg> {
        let value = |slot: Slot| {
            let value = current[slot.index()].expect("a live slot has a value");
            let boxed = self.plan.boxed[target].contains(slot);
            BlockArg::Value(if boxed { self.boxed[&value] } else { value })
        };
        self.plan.parameters[target].iter().map(value).collect()
    }

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
        if !self.plan.polls_at_head(0) {
            self.poll(0);
        }
        for slot in self.plan.loaded_first.iter() {
            self.initial[0][slot.index()] = Some(self.load_slot(slot));
        }
        let arguments = self.arguments(0, &self.initial[0]);
        self.b.ins().jump(self.labels[0], &arguments);
    }

    fn region_block(&mut self, index: usize) {
        let block = &self.plan.region.blocks[index];
        self.b.switch_to_block(self.labels[index]);
        self.block = block;
        self.index = index;
        self.values.clear();
        self.find_last_uses();
        self.find_extensions();
        let dominator = self.plan.dominators[index];
        if index != 0 {
            self.initial[index] = self.initial[dominator].clone();
        }
        for slot in self.plan.boxed[index].iter() {
            // Where the box is not needed this makes no code.
            let single = self.parameters[index][slot.index()].expect("a parameter has a value");
            self.parameters[index][slot.index()] = Some(self.make_box(single));
        }
        self.current = vec![None; self.file.slots.len()];
        for slot in self.plan.live_in[index].iter() {
            self.current[slot.index()] = match self.plan.origin(index, slot) {
                Origin::Unknown => None,
                Origin::Entry => self.initial[index][slot.index()],
                Origin::Made(block) => self.end_value(block, slot),
                Origin::Parameter(block) => self.parameters[block][slot.index()],
            };
        }
        self.make_late();
        self.checked.clear();
        if index != 0 {
            self.checked.clone_from(&self.checked_by[dominator]);
        }
        self.pending.clear();
        self.compared.clear();
        self.dirty = self.plan.dirty_in[index];
        self.pc = block.start;
        self.started = 0;
        self.check = self.plan.region.checks[index].as_deref();
        if self.plan.polls_at_head(index) {
            self.poll(index);
        }
        let mut check = self.check.is_some();
        for (at, op) in block.ops.iter().enumerate() {
            self.at = at;
            self.settle_before(op);
            match *op {
                Op::Instruction { pc, .. } => {
                    self.flush_pending();
                    self.send_home();
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
                    self.note_dependent(op, value);
                    self.values.push(value);
                    if let Some(value) = value {
                        self.made_by.insert(value, at);
                    }
                    self.derive_checked(at);
                }
            }
            check |= self.plan.is_checked_behind(index, op);
        }
        self.flush_pending();
        self.at = block.ops.len();
        if !self.chain.is_empty() {
            self.settle_chain();
        }
        debug_assert!(self.group.is_none(), "the last access of a group closes it");
        for slot in self.plan.loaded[index].iter() {
            self.entry_value(slot);
        }
        self.send_home();
        self.ends[index].clone_from(&self.current);
        self.checked_by[index].clone_from(&self.checked);
        self.terminator(index);
    }

    /// Loads whose value is extended later in the block, each with its first extension.
    fn find_extensions(&mut self) {
        self.extensions.clear();
        self.extended.clear();
        for (at, op) in self.block.ops.iter().enumerate() {
            if let Op::Zext { a, ty } | Op::Sext { a, ty } = *op
                && matches!(ty, Type::I32 | Type::I64)
                && let Op::Load { ty: Type::I8 | Type::I16 | Type::I32, .. } = self.block.ops[a.index()]
            {
                self.extensions.entry(a.index()).or_insert(at);
            }
        }
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

    fn flush_pending(&mut self) {
        for (slot, value) in std::mem::take(&mut self.pending) {
            if self.in_memory(slot) {
                self.store_slot(slot, value);
            } else {
                self.current[slot.index()] = Some(value);
                self.dirty |= bit(slot);
            }
        }
    }

    /// Stores the slots that are to be clean behind the block and are not written again in it. Not while a restart group is open:
    /// it would go back to where they were not stored yet. Nor while a chain is: it may be what they hold.
    fn send_home(&mut self) {
        let due = self.dirty & self.plan.homes[self.index];
        if self.group.is_some() || !self.chain.is_empty() || due.is_empty() {
            return;
        }
        for slot in due.iter() {
            let sets_again = |op: &Op| matches!(op, Op::Set { slot: other, .. } if *other == slot);
            if !self.block.ops[self.at..].iter().any(sets_again) {
                let value = self.slot_value(slot);
                self.save_slot(slot, value);
                self.dirty &= !bit(slot);
            }
        }
    }

    /// The value of a slot at the start of the present instruction.
    pub(super) fn slot_value(&self, slot: Slot) -> ir::Value {
        self.current[slot.index()].expect("a live slot has a value")
    }

    /// `get`.
    pub fn read_slot(&mut self, slot: Slot) -> ir::Value {
        if let Some(&(_, value)) = self.pending.iter().rev().find(|pending| pending.0 == slot) {
            return value;
        }
        if self.in_memory(slot) {
            return self.load_slot(slot);
        }
        if self.plan.loaded[self.index].contains(slot) {
            self.entry_value(slot);
        }
        self.slot_value(slot)
    }

    /// Loads what a slot held when the unit was entered, unless that was done: this is the block that does.
    fn entry_value(&mut self, slot: Slot) {
        if self.initial[self.index][slot.index()].is_none() {
            let value = self.load_slot(slot);
            self.initial[self.index][slot.index()] = Some(value);
            self.current[slot.index()] = Some(value);
        }
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

    /// Stores a slot that was kept in a value. A single in a NaN box need not be boxed for that.
    pub(super) fn save_slot(&mut self, slot: Slot, value: ir::Value) {
        let Some(&single) = self.boxed.get(&value) else { return self.store_slot(slot, value) };
        let offset = slot_offset(self.file, slot);
        let ones = self.b.ins().iconst(types::I32, i64::from(u32::MAX));
        self.b.ins().store(self.state_flags, single, self.state, offset);
        self.b.ins().store(self.state_flags, ones, self.state, offset + 4);
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
