//! A virtual CPU and its dispatch loop.

use super::engine::Error;
use super::exit::{Exit, Reason};
use super::state::{SharedState, StateHandle, Tables, interrupt};
use super::vm::Vm;
use super::world::VcpuWorld;
use crate::guest::registers::{self, Register, State};
use crate::guest::{FpEnv, SlotInfo};
use crate::ir::interpret::{End, Interpreter};
use crate::ir::{Access, Block, Slot};
use crate::lift::{FetchFault, LiftOptions, lift_block};
use crate::memory::{CodePage, CodeWatch, Fault, FaultKind, Memory, Mode};
use rustc_hash::FxHashMap;
use std::ops::Range;
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
        self.shared.interrupt().fetch_or(interrupt::STOP, Ordering::SeqCst);
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
    tables: Box<Tables>,
    vm: Arc<Vm>,
    interpreter: Interpreter,
    blocks: BlockCache,
    epoch: u64,
}

impl Vcpu {
    /// Makes a vCPU with every register zero (x86-64: `rflags` 0x202, `mxcsr` 0x1f80, x87 control word 0x37f).
    ///
    /// # Errors
    /// None today; the host may refuse memory for tables one day.
    pub fn new(vm: &Arc<Vm>) -> Result<Vcpu, Error> {
        let tables = Box::new(Tables::new());
        let mut state = StateHandle::new();
        state.set_memory(vm.memory().base(), vm.memory().limit());
        let (jumps, reads, writes) = tables.pointers();
        state.set_tables(jumps, reads, writes, std::ptr::null(), std::ptr::null_mut());
        vm.register(state.shared());
        let mut vcpu = Vcpu {
            state,
            tables,
            vm: vm.clone(),
            interpreter: Interpreter::new(),
            blocks: BlockCache::default(),
            epoch: 0,
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
        let mut run = Run { vm: &vm, stops: &stops, left: options.budget, retired: 0, first: true };
        let reason = loop {
            if let Some(reason) = self.step(&mut run) {
                break reason;
            }
        };
        vm.count(|stats| stats.interpreted += run.retired);
        Exit { reason, pc: self.state.pc(), retired: options.budget.map(|_| run.retired) }
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
        let pc = self.state.pc();
        if !std::mem::take(&mut run.first) && run.stops.binary_search(&pc).is_ok() {
            return Some(Reason::StopAddress);
        }
        if run.left == Some(0) {
            return Some(Reason::Budget);
        }
        self.interpret(run, pc, run.left.unwrap_or(u64::MAX))
    }

    /// Interprets the block at `pc`, at most `limit` instructions.
    fn interpret(&mut self, run: &mut Run<'_>, pc: u64, limit: u64) -> Option<Reason> {
        let guest = run.vm.guest();
        if !pc.is_multiple_of(guest.instruction_alignment()) {
            let fault = Fault { addr: pc, access: Access::Fetch, size: 1, kind: FaultKind::Misaligned };
            return Some(Reason::Fault(fault));
        }
        let env = FpEnv(self.slot(Slot::FP_ENV) as u32);
        let block = match self.blocks.find(run.vm, pc, env) {
            Ok(block) => block,
            Err(FetchFault { addr }) => {
                let kind = match run.vm.memory().region(addr) {
                    Some(_) => FaultKind::Permission,
                    None => FaultKind::Unmapped,
                };
                return Some(Reason::Fault(Fault { addr, access: Access::Fetch, size: 1, kind }));
            }
        };
        let limit = limit.min(run.distance_to_stop(&block));
        let mut world = VcpuWorld { state: &mut self.state, vm: run.vm };
        let outcome = self.interpreter.run(&block, &mut world, limit);
        run.retire(outcome.retired);
        let (pc, reason) = match outcome.end {
            End::Next(pc) | End::Limit { pc } | End::Resync { next: pc } => (pc, None),
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
        let epoch = vm.epoch().load(Ordering::SeqCst);
        if epoch == self.epoch {
            return;
        }
        match vm.invalidated_since(self.epoch) {
            Some(ranges) => self.blocks.drop_ranges(vm.memory(), &ranges),
            None => self.blocks.clear(vm.memory()),
        }
        self.tables.flush_jumps();
        if vm.memory().mode() == Mode::Paged {
            self.tables.flush_pages();
        }
        self.epoch = epoch;
        self.state.shared().epoch.store(epoch, Ordering::SeqCst);
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
    vm: &'a Vm,
    stops: &'a [u64],
    left: Option<u64>,
    retired: u64,
    first: bool,
}

impl Run<'_> {
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

/// Blocks that this vCPU interpreted, by address and float environment.
#[derive(Debug, Default)]
struct BlockCache {
    blocks: FxHashMap<(u64, u32), CachedBlock>,
}

#[derive(Debug)]
struct CachedBlock {
    block: Arc<Block>,
    watch: CodeWatch,
    /// The bytes it was made from, where writes to them are not noticed.
    bytes: Option<Box<[u8]>>,
}

/// Blocks kept at most; then the cache starts anew.
const MAX_BLOCKS: usize = 1 << 16;

impl BlockCache {
    /// The block at `pc`, lifted if it is not here or no longer what memory holds.
    fn find(&mut self, vm: &Vm, pc: u64, env: FpEnv) -> Result<Arc<Block>, FetchFault> {
        let key = (pc, env.0);
        if let Some(cached) = self.blocks.get(&key) {
            if cached.is_current(vm.memory()) {
                return Ok(cached.block.clone());
            }
            self.remove(vm.memory(), key);
        }
        if self.blocks.len() >= MAX_BLOCKS {
            self.clear(vm.memory());
        }
        let reader = vm.memory().code_reader();
        let options = LiftOptions { env, ..LiftOptions::default() };
        let block = Arc::new(lift_block(vm.guest(), &reader, pc, &options)?);
        let watch = reader.finish(std::slice::from_ref(&(block.start..block.end)));
        let bytes = (watch.mode() == CodePage::SelfChecking).then(|| code_bytes(vm.memory(), &block));
        vm.count(|stats| stats.blocks_lifted += 1);
        self.blocks.insert(key, CachedBlock { block: block.clone(), watch, bytes });
        Ok(block)
    }

    fn remove(&mut self, memory: &Memory, key: (u64, u32)) {
        if let Some(cached) = self.blocks.remove(&key) {
            memory.unwatch_code(cached.watch);
        }
    }

    fn drop_ranges(&mut self, memory: &Memory, ranges: &[Range<u64>]) {
        let stale: Vec<_> = self
            .blocks
            .iter()
            .filter(|(_, cached)| {
                ranges.iter().any(|range| cached.block.start < range.end && range.start < cached.block.end)
            })
            .map(|(key, _)| *key)
            .collect();
        for key in stale {
            self.remove(memory, key);
        }
    }

    fn clear(&mut self, memory: &Memory) {
        for (_, cached) in self.blocks.drain() {
            memory.unwatch_code(cached.watch);
        }
    }
}

impl CachedBlock {
    fn is_current(&self, memory: &Memory) -> bool {
        self.bytes.as_ref().is_none_or(|bytes| *bytes == code_bytes(memory, &self.block))
    }
}

/// The bytes of a block as memory holds them now, as far as they may be executed.
fn code_bytes(memory: &Memory, block: &Block) -> Box<[u8]> {
    use crate::lift::Fetch;
    let mut bytes = vec![0; block.end.wrapping_sub(block.start) as usize];
    let available = memory.fetch(block.start, &mut bytes);
    bytes.truncate(available);
    bytes.into()
}
