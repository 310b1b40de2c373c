//! xlat as one side of a comparison: a machine that runs one case after the other.

use super::{CODE, Case, DATA, PAGE, State, with_breakpoints};
use std::sync::Arc;
use std::time::Duration;
use translator::guest::Guest;
use translator::guest::registers::State as _;
use translator::ir::Slot;
use translator::memory::{self, Mode, Permissions, Prot};
use translator::run::{
    Engine, EngineOptions, ExecutionMode, Exit, Interrupter, Promotion, RunOptions, Stats, Vcpu, Vm,
    VmOptions,
};

/// A machine with the differential tests' memory.
pub struct Machine {
    vcpu: Vcpu,
    vm: Arc<Vm>,
    code: Vec<u8>,
}

impl Machine {
    /// Makes one. Compiled code is compiled at once. The page of code stays watched, although each case writes it: it would
    /// be self-checking after a few cases, and such pages have no stencils, nor regions without checks.
    ///
    /// # Panics
    /// If the host refuses the memory.
    pub fn new(guest: Guest, mode: ExecutionMode, memory: Mode) -> Machine {
        Machine::with(guest, mode, memory, u32::MAX)
    }

    /// Makes one whose compiled code compares the bytes that it was made from, as if the code were written often.
    ///
    /// # Panics
    /// If the host refuses the memory.
    pub fn self_checking(guest: Guest, memory: Mode) -> Machine {
        Machine::with(guest, ExecutionMode::Regions, memory, 0)
    }

    fn with(guest: Guest, mode: ExecutionMode, memory: Mode, writes_until_self_checking: u32) -> Machine {
        let options = EngineOptions {
            mode,
            threshold: 0,
            promotion: Promotion::After(2),
            shuffle: (mode == ExecutionMode::Compile).then_some(1),
            arena_bytes: 32 << 20,
            ..EngineOptions::default()
        };
        let memory_options = memory::Options {
            writes_until_self_checking,
            write_memory: Duration::MAX,
            ..memory::Options::default()
        };
        let vm_options = VmOptions { memory, memory_options, ..VmOptions::default() };
        let engine = Engine::new(options).expect("an engine");
        let vm = Vm::new(&engine, guest, &vm_options).expect("a machine");
        vm.memory().map(CODE, PAGE as u64, Prot::RX).expect("memory for code");
        vm.memory().map(DATA, PAGE as u64, Prot::RW).expect("memory for data");
        vm.memory().map(DATA + PAGE as u64, PAGE as u64, Prot::READ).expect("memory that is read");
        let vcpu = Vcpu::new(&vm).expect("a vcpu");
        Machine { vcpu, vm, code: Vec::new() }
    }

    /// Changes what may be done with the writable page.
    ///
    /// # Panics
    /// If the host refuses.
    pub fn protect_data(&self, prot: Prot) {
        self.vm.memory().protect(DATA, PAGE as u64, prot).expect("the data is mapped");
    }

    /// What it translated so far.
    pub fn stats(&self) -> Stats {
        self.vm.stats()
    }

    /// What stops a run that does not end by itself.
    pub fn interrupter(&self) -> Interrupter {
        self.vcpu.interrupter()
    }

    /// Puts the case's code and state in place.
    pub fn load(&mut self, case: &Case) {
        let code = with_breakpoints(case.guest, &case.code, PAGE);
        if self.code != code {
            self.vm.memory().write(CODE, &code, Permissions::Ignore).expect("the code page is mapped");
            self.code = code;
        }
        self.vm.memory().write(DATA, &case.state.data, Permissions::Ignore).expect("the data is mapped");
        for (at, value) in case.state.slots.iter().enumerate() {
            self.vcpu.set_slot(Slot(at as u16), *value);
        }
        self.vcpu.set_pc(case.state.pc);
        self.vcpu.clear_reservation();
    }

    /// Goes on from where the machine is.
    pub fn go(&mut self, budget: Option<u64>) -> Exit {
        self.vcpu.run(&RunOptions { budget, ..RunOptions::default() })
    }

    /// The pc as it is.
    pub fn pc(&self) -> u64 {
        self.vcpu.pc()
    }

    /// A slot as it is.
    pub fn slot(&self, slot: Slot) -> u128 {
        self.vcpu.slot(slot)
    }

    /// The state as it is.
    pub fn state(&self) -> State {
        let mut data = vec![0; PAGE];
        self.vm.memory().read(DATA, &mut data, Permissions::Ignore).expect("the data is mapped");
        let slots = self.vm.guest().register_file().slots.len() as u16;
        State { pc: self.vcpu.pc(), slots: (0..slots).map(|at| self.vcpu.slot(Slot(at))).collect(), data }
    }

    /// Runs the case from its start.
    pub fn run(&mut self, case: &Case, budget: Option<u64>) -> (Exit, State) {
        self.load(case);
        let exit = self.go(budget);
        (exit, self.state())
    }
}
