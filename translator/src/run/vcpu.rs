//! A virtual CPU and its dispatch loop.

use super::blocks::BlockCache;
use super::engine::Error;
use super::enter::enter;
use super::exit::{Exit, Reason};
use super::shuffle::Shuffle;
use super::state::{
    ExitKind, JUMP_CACHE_ENTRIES, JumpCacheEntry, Running, SharedState, StateHandle, Tables, interrupt,
};
use super::translate::{Job, Outcome, Translator};
use super::vm::{Change, Vm};
use super::world::VcpuWorld;
use crate::cache::{Cache, UnitName};
use crate::codegen::{MemoryMode, UnitKey};
use crate::guest::registers::{self, Register, State};
use crate::guest::{FpEnv, SlotInfo};
use crate::ir::interpret::{End, Interpreter};
use crate::ir::{Access, Block, Slot, Trap};
use crate::lift::FetchFault;
use crate::memory::{Fault, FaultKind, Memory, Mode};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What limits a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RunOptions {
    /// Most instructions to retire.
    pub budget: Option<u64>,
    /// Stop before the instruction at this address, unless the run starts there.
    pub stop_at: Option<u64>,
}

/// Makes a vCPU's run return; works from any thread and from signal handlers.
#[derive(Clone, Debug)]
pub struct Interrupter {
    shared: Arc<SharedState>,
}

impl Interrupter {
    /// Asks the vCPU to stop: the run under way, or the next one if none is, returns [`Reason::Interrupted`] before long.
    /// Several calls before that count as one. Async-signal-safe.
    pub fn interrupt(&self) {
        self.shared.ask(interrupt::STOP);
    }

    /// The interrupt word itself, for host code that sleeps and must look at it; [`interrupt`] has its bits.
    pub fn word(&self) -> &std::sync::atomic::AtomicU32 {
        self.shared.interrupt()
    }
}

/// A virtual CPU: registers, and the loop that runs guest code.
#[derive(Debug)]
pub struct Vcpu {
    state: StateHandle,
    /// What units probe: made before the first one is entered.
    tables: Option<Box<Tables>>,
    vm: Arc<Vm>,
    interpreter: Interpreter,
    blocks: BlockCache,
    /// Names that there can be no host code for, until code changes.
    refused: FxHashSet<UnitName>,
    /// The key whose units the jump cache holds.
    jumps_of: Option<UnitKey>,
    epoch: u64,
    /// Instructions interpreted since the vCPU was made.
    interpreted: u64,
    /// Host code was made for this name, and has not been entered since.
    made: Option<UnitName>,
    shuffle: Option<Shuffle>,
}

impl Vcpu {
    /// Makes a vCPU with every register zero (x86-64: `rflags` 0x202, `mxcsr` 0x1f80, x87 control word 0x37f).
    ///
    /// # Errors
    /// None today; the host may refuse memory for tables one day.
    pub fn new(vm: &Arc<Vm>) -> Result<Vcpu, Error> {
        let mut state = StateHandle::new();
        state.set_memory(vm.memory().base(), vm.memory().limit());
        vm.register(state.shared());
        let mut vcpu = Vcpu {
            state,
            tables: None,
            vm: vm.clone(),
            interpreter: Interpreter::new(),
            blocks: BlockCache::new(vm.guest()),
            refused: FxHashSet::default(),
            jumps_of: None,
            epoch: 0,
            interpreted: 0,
            made: None,
            shuffle: vm.engine().options().shuffle.map(Shuffle::new),
        };
        for (name, value) in vm.guest().reset_values() {
            if let Some(register) = registers::by_name(vm.guest(), name) {
                register.write(&mut vcpu, *value);
            }
        }
        for (slot, value) in vm.guest().reset_slots() {
            vcpu.set_slot(*slot, *value);
        }
        Ok(vcpu)
    }

    /// The machine it belongs to.
    pub fn vm(&self) -> &Arc<Vm> {
        &self.vm
    }

    /// A handle that stops runs.
    pub fn interrupter(&self) -> Interrupter {
        Interrupter { shared: self.state.shared().clone() }
    }

    /// The value of a register, zero-extended.
    pub fn register(&self, register: &Register) -> u128 {
        register.read(self)
    }

    /// Writes a register. Every write forgets the LL/SC reservation.
    pub fn set_register(&mut self, register: &Register, value: u128) {
        self.state.set_reservation(None);
        register.write(self, value);
    }

    /// Forgets the LL/SC reservation, as an exception or a context switch does.
    pub fn clear_reservation(&mut self) {
        self.state.set_reservation(None);
    }

    /// Runs guest code from the pc until something ends the run.
    pub fn run(&mut self, options: &RunOptions) -> Exit {
        let vm = self.vm.clone();
        let mut stops = vm.stops();
        if let Some(addr) = options.stop_at
            && let Err(at) = stops.binary_search(&addr)
        {
            Arc::make_mut(&mut stops).insert(at, addr);
        }
        let mut run = Run::new(&vm, &stops, options.budget);
        let running = Running::new(self.state.shared());
        let reason = loop {
            if let Some(reason) = self.step(&mut run) {
                break reason;
            }
        };
        drop(running);
        vm.count(|stats| {
            stats.interpreted += run.interpreted;
            stats.entries += run.entries;
            stats.jump_misses += run.jump_misses;
            // What enters a unit from the dispatcher finds it in the jump cache the next time.
            stats.jump_promotions += run.entries;
            stats.jump_evictions += run.jump_evictions;
        });
        if let Some(monitor) = &vm.engine().options().monitor {
            monitor.exits(vm.id(), run.exits.drain());
        }
        Exit { reason, pc: self.state.pc(), retired: options.budget.map(|_| run.retired) }
    }

    /// Compiles the region at `pc` without running it, or takes it from the disk cache; the addresses that its direct
    /// jumps lead to, or `None` where nothing can be compiled. The float environment is the vCPU's present one.
    pub fn compile_ahead(&mut self, pc: u64) -> Option<Vec<u64>> {
        let vm = self.vm.clone();
        let translator = vm.translator()?;
        self.synchronise(&vm);
        let stops = vm.stops();
        let job = Run::new(&vm, &stops, None).job(self, pc);
        let is_unit = translator.cache().is_some_and(|cache| cache.contains(&job.name));
        if !is_unit && !vm.load(&job.name) {
            vm.compile_region(&job);
        }
        translator.cache()?.targets(&job.name)
    }

    /// One turn of the dispatch loop; the reason if the run ends.
    fn step(&mut self, run: &mut Run<'_>) -> Option<Reason> {
        self.synchronise(run.vm);
        let word = self.state.shared().interrupt().load(Ordering::SeqCst);
        if word != 0 {
            // Whoever set SAFEPOINT or RESELECT wanted the vCPU here; STOP stays until it is reported.
            self.state.shared().interrupt().fetch_and(interrupt::STOP, Ordering::SeqCst);
            if word & interrupt::STOP != 0 {
                self.state.shared().interrupt().fetch_and(!interrupt::STOP, Ordering::SeqCst);
                return Some(Reason::Interrupted);
            }
        }
        let pc = run.vm.guest().untagged(self.state.pc());
        self.state.set_pc(pc);
        let at_stop = run.stops.binary_search(&pc).is_ok();
        if !run.first && at_stop {
            return Some(Reason::StopAddress);
        }
        if run.left == Some(0) {
            return Some(Reason::Budget);
        }
        // No unit starts at a stop address, or links would lead there past the check above.
        if let Some(translator) = run.vm.translator()
            && !at_stop
        {
            let name = UnitName { pc, key: self.key(run) };
            if let Some(shuffle) = &mut self.shuffle {
                let job = Job { name, stops: run.stops.clone() };
                if shuffle.turn(run.vm, &job) {
                    return self.interpret(run, pc, run.left.unwrap_or(u64::MAX));
                }
            }
            if let Some(cache) = translator.cache()
                && let Some(code) = cache.look_up(&name)
            {
                return self.execute(run, cache, name, code);
            }
            if run.vm.load(&name) {
                return None;
            }
            // What went before it could be entered, to make room for others', must not keep the vCPU from going on.
            if self.is_hot(run, &name) && self.made.take() != Some(name) {
                self.translate(run, name);
                self.made = Some(name);
                return None;
            }
        }
        self.interpret(run, pc, run.left.unwrap_or(u64::MAX))
    }

    /// What compiled code may rely on now.
    fn key(&self, run: &Run<'_>) -> UnitKey {
        let guest = run.vm.guest();
        UnitKey {
            guest,
            env: FpEnv(self.slot(Slot::FP_ENV) as u32),
            sticky: self.slot(Slot::FP_FLAGS) as u32 & UnitKey::sticky_mask(guest),
            memory: match run.vm.memory().mode() {
                Mode::Direct => MemoryMode::Direct,
                Mode::Paged => MemoryMode::Paged,
            },
            parallel: run.vm.is_shared(),
            budget: run.left.is_some(),
            hooks: run.stop_set,
        }
    }

    /// Enters a unit and does what its exit asks for.
    #[allow(unsafe_code, reason = "the entry into host code")]
    fn execute(&mut self, run: &mut Run<'_>, cache: &Cache, name: UnitName, code: u64) -> Option<Reason> {
        self.state.set_helpers(cache.runtime().helper_table());
        let tables = self.tables.get_or_insert_with(|| {
            let tables = Box::new(Tables::new());
            let (jumps, reads, writes) = tables.pointers();
            let memory: *const Memory = run.vm.memory();
            self.state.set_tables(jumps, reads, writes, memory.cast_mut().cast());
            tables
        });
        if self.jumps_of != Some(name.key) {
            tables.flush_jumps();
            self.jumps_of = Some(name.key);
        }
        let index = JumpCacheEntry::index(name.key.guest, name.pc);
        let pushed_out = tables.insert_jump(index, JumpCacheEntry { pc: name.pc, code });
        run.jump_evictions += u64::from(pushed_out);
        let before = i64::try_from(run.left.unwrap_or(0)).unwrap_or(i64::MAX);
        self.state.set_budget(before);
        if !self.state.open_window() {
            return None;
        }
        if !self.state.shared().place.enter(run.vm.epoch()) {
            // Something was invalidated since the unit was looked up.
            return None;
        }
        run.entries += 1;
        self.made = None;
        // SAFETY: the unit was found in the cache under the epoch that is still the vm's, and this vCPU is marked as
        // inside: whoever takes units out waits for it before it frees them. The unit's key is this vCPU's; helper
        // table, tables and memory live as long as the vm, which this vCPU keeps.
        let word = unsafe { enter(&mut *self.state.as_ptr(), code) };
        self.state.shared().place.leave();
        self.state.apply_restart();
        if run.left.is_some() {
            run.retire(u64::try_from(before - self.state.budget()).unwrap_or(0));
        }
        run.first = false;
        if run.monitored {
            *run.exits.entry((word as u8, self.state.pc())).or_default() += 1;
        }
        self.leave(run, word)
    }

    fn leave(&mut self, run: &mut Run<'_>, word: u64) -> Option<Reason> {
        let pc = self.state.pc();
        match word as u8 {
            kind if kind == ExitKind::Interpret as u8 => self.interpret(run, pc, 1),
            kind if kind == ExitKind::Budget as u8 => self.interpret(run, pc, run.left.unwrap_or(u64::MAX)),
            kind if kind == ExitKind::Hot as u8 => {
                run.vm.promote(run.job(self, pc));
                None
            }
            kind if kind == ExitKind::Syscall as u8 => Some(Reason::Syscall),
            kind if kind == ExitKind::Trap as u8 => {
                let trap = Trap::ALL.get((word >> 8 & 0xff) as usize).copied();
                Some(trap.map_or(Reason::Internal("an unknown trap"), |trap| Reason::Trap { trap, info: 0 }))
            }
            kind if kind == ExitKind::Internal as u8 => {
                Some(Reason::Internal("a helper of compiled code failed"))
            }
            kind if kind == ExitKind::Changed as u8 => self.code_has_changed(run, pc),
            kind if kind == ExitKind::Recheck as u8 => {
                self.state.reset_checks();
                let cache = run.vm.translator().and_then(Translator::cache);
                let pages = cache.map(|cache| cache.checked_pages(pc));
                pages.into_iter().flatten().for_each(|page| run.vm.memory().try_to_watch(page));
                None
            }
            kind if kind == ExitKind::Indirect as u8 => {
                run.jump_misses += 1;
                None
            }
            kind if kind <= ExitKind::Recheck as u8 => None,
            _ => Some(Reason::Internal("an unknown exit of compiled code")),
        }
    }

    /// The bytes at `pc` are not those that a unit was made from: they are interpreted until they have lasted for as long
    /// as any other code has to before it is compiled.
    fn code_has_changed(&mut self, run: &mut Run<'_>, pc: u64) -> Option<Reason> {
        let name = UnitName { pc, key: self.key(run) };
        if run.vm.translator().is_some() && run.stops.binary_search(&pc).is_err() && self.is_hot(run, &name) {
            self.translate(run, name);
        }
        // In any case, so that code which is changed before each look makes progress.
        self.interpret(run, pc, run.left.unwrap_or(u64::MAX))
    }

    /// Makes host code for a name, and remembers where none can be made.
    fn translate(&mut self, run: &Run<'_>, name: UnitName) {
        let job = Job { name, stops: run.stops.clone() };
        match run.vm.translate(&job, self.makes_stencils(run)) {
            Outcome::Published | Outcome::Again => {}
            Outcome::Missing => self.blocks.put_off(name.pc, name.key.env),
            Outcome::Refused => {
                self.refused.insert(name);
            }
        }
    }

    /// Whether stencils are worth their compilation by now.
    fn makes_stencils(&self, run: &Run<'_>) -> bool {
        let engine = run.vm.engine();
        self.interpreted >= engine.options().stencil_delay || engine.stencil_stats().made != 0
    }

    /// Whether the block at this address ran often enough to be compiled.
    fn is_hot(&mut self, run: &Run<'_>, name: &UnitName) -> bool {
        let threshold = run.vm.engine().options().threshold;
        let runs = self.blocks.runs(name.pc, name.key.env);
        (runs.is_some_and(|runs| runs >= threshold) || threshold == 0)
            && !self.refused.contains(name)
            && (!self.blocks.is_put_off(name.pc, name.key.env) || self.makes_stencils(run))
    }

    /// Interprets the block at `pc`, at most `limit` instructions.
    fn interpret(&mut self, run: &mut Run<'_>, pc: u64, limit: u64) -> Option<Reason> {
        let guest = run.vm.guest();
        if !pc.is_multiple_of(guest.instruction_alignment()) {
            let fault = Fault { addr: pc, access: Access::Fetch, size: 1, kind: FaultKind::Misaligned };
            return Some(Reason::Fault(fault));
        }
        let env = FpEnv(self.slot(Slot::FP_ENV) as u32);
        let code = match self.blocks.find(run.vm, pc, env) {
            Ok(code) => code,
            Err(FetchFault { addr }) => {
                let kind = match run.vm.memory().region(addr) {
                    Some(_) => FaultKind::Permission,
                    None => FaultKind::Unmapped,
                };
                return Some(Reason::Fault(Fault { addr, access: Access::Fetch, size: 1, kind }));
            }
        };
        let limit = limit.min(run.distance_to_stop(&code.block));
        if !self.state.open_window() {
            return None;
        }
        if !self.state.shared().place.enter(run.vm.epoch()) {
            // Something was invalidated since the block was looked up.
            return None;
        }
        let mut world = VcpuWorld::new(&mut self.state, run.vm, &code, self.epoch);
        let outcome = self.interpreter.run(&code.block, &mut world, limit);
        self.state.shared().place.leave();
        run.retire(outcome.retired);
        run.interpreted += outcome.retired;
        self.interpreted += outcome.retired;
        // Between iterations the run is at an instruction that it has begun: no stop address holds it there.
        run.first = matches!(outcome.end, End::Repeat { .. });
        let (pc, reason) = match outcome.end {
            End::Repeat { pc } | End::Next(pc) | End::Limit { pc } | End::Resync { next: pc } => (pc, None),
            End::Syscall { next } => (next, Some(Reason::Syscall)),
            End::Trap { trap, pc, info } => (pc, Some(Reason::Trap { trap, info })),
            End::Fault { pc, fault } => (pc, Some(Reason::Fault(fault))),
            End::HookStop { pc } => (pc, Some(Reason::Hook)),
        };
        self.state.set_pc(pc);
        reason
    }

    /// Drops what was invalidated since the vCPU looked last.
    fn synchronise(&mut self, vm: &Vm) {
        let epoch = vm.epoch().now();
        if epoch == self.epoch {
            return;
        }
        match vm.changes_since(self.epoch) {
            Some(changes) => changes.iter().for_each(|change| self.forget(vm, change)),
            None => {
                self.blocks.clear(vm.memory());
                if let Some(tables) = &mut self.tables {
                    tables.flush_jumps();
                    tables.flush_pages();
                }
                self.refused.clear();
            }
        }
        self.epoch = epoch;
        self.state.shared().place.learn(epoch);
    }

    /// Drops what one change made wrong.
    fn forget(&mut self, vm: &Vm, change: &Change) {
        self.blocks.drop_ranges(vm.memory(), &change.ranges);
        if let Some(tables) = &mut self.tables {
            if change.entries.len() > JUMP_CACHE_ENTRIES {
                tables.flush_jumps();
            } else {
                for &pc in &change.entries {
                    tables.forget_jump(JumpCacheEntry::index(vm.guest(), pc), pc);
                }
            }
            if change.mappings {
                tables.flush_pages();
            }
        }
        // What was evicted has to run as often again before it is made anew: a cache that is too small for the program must
        // not cost more than the interpreter.
        let env = FpEnv(self.slot(Slot::FP_ENV) as u32);
        change.entries.iter().for_each(|&pc| self.blocks.cool(pc, env));
        if !change.ranges.is_empty() {
            self.refused.clear();
        }
    }

    fn info(&self, slot: Slot) -> &'static SlotInfo {
        self.vm.guest().register_file().slot(slot)
    }
}

impl State for Vcpu {
    fn slot(&self, slot: Slot) -> u128 {
        self.state.slot(self.info(slot))
    }

    fn set_slot(&mut self, slot: Slot, value: u128) {
        let info = self.info(slot);
        self.state.set_slot(info, value);
    }

    fn pc(&self) -> u64 {
        self.state.pc()
    }

    fn set_pc(&mut self, pc: u64) {
        self.state.set_pc(pc);
    }
}

impl Drop for Vcpu {
    fn drop(&mut self) {
        self.blocks.clear(self.vm.memory());
    }
}

/// What one call of `run` keeps.
struct Run<'a> {
    vm: &'a Arc<Vm>,
    stops: &'a Arc<Vec<u64>>,
    stop_set: u32,
    left: Option<u64>,
    retired: u64,
    interpreted: u64,
    entries: u64,
    jump_misses: u64,
    jump_evictions: u64,
    /// Whether a monitor wants to know of exits.
    monitored: bool,
    /// Exits from host code by kind and guest address.
    exits: FxHashMap<(u8, u64), u64>,
    /// At an instruction that the run begins with or has begun: no stop address holds it there.
    first: bool,
}

impl<'a> Run<'a> {
    fn new(vm: &'a Arc<Vm>, stops: &'a Arc<Vec<u64>>, budget: Option<u64>) -> Run<'a> {
        Run {
            vm,
            stops,
            stop_set: vm.stop_set(stops),
            left: budget,
            retired: 0,
            interpreted: 0,
            entries: 0,
            jump_misses: 0,
            jump_evictions: 0,
            monitored: vm.engine().options().monitor.is_some(),
            exits: FxHashMap::default(),
            first: true,
        }
    }

    /// Host code for `pc` under the vCPU's present key.
    fn job(&self, vcpu: &Vcpu, pc: u64) -> Job {
        Job { name: UnitName { pc, key: vcpu.key(self) }, stops: self.stops.clone() }
    }

    fn retire(&mut self, instructions: u64) {
        self.retired += instructions;
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(instructions);
        }
    }

    /// Instructions of the block up to the first stop address behind its first instruction.
    fn distance_to_stop(&self, block: &Block) -> u64 {
        if self.stops.is_empty() {
            return u64::MAX;
        }
        block
            .ops
            .iter()
            .filter_map(|op| match *op {
                crate::ir::Op::Instruction { pc, .. } => Some(pc),
                _ => None,
            })
            .enumerate()
            .skip(1)
            .find(|(_, pc)| self.stops.binary_search(pc).is_ok())
            .map_or(u64::MAX, |(index, _)| index as u64)
    }
}
