//! The whole engine on a state given as a [`TestWorld`]: what the interpreter alone does must come out of it too.

use crate::world::TestWorld;
use std::sync::{Arc, OnceLock};
use translator::guest::Guest;
use translator::guest::registers::State;
use translator::ir::interpret::World;
use translator::ir::{Slot, Trap};
use translator::memory::{Fault, Mode, Permissions, Prot};
use translator::run::{Engine, EngineOptions, ExecutionMode, Reason, RunOptions, Vcpu, Vm, VmOptions};

/// The ways of execution that must agree.
pub const WAYS: [(&str, ExecutionMode, Mode); 5] = [
    ("region, direct memory", ExecutionMode::Regions, Mode::Direct),
    ("stencils, direct memory", ExecutionMode::Stencils, Mode::Direct),
    ("region, paged memory", ExecutionMode::Regions, Mode::Paged),
    ("stencils, paged memory", ExecutionMode::Stencils, Mode::Paged),
    ("engine, interpreter", ExecutionMode::Interpret, Mode::Direct),
];

/// How a run ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// As many instructions as asked for have retired; the next one is here.
    At(u64),
    /// A system call.
    Syscall,
    /// An exception of the instruction at `pc`.
    Trap {
        /// Which.
        trap: Trap,
        /// Where.
        pc: u64,
        /// Fault address where there is one.
        info: u64,
    },
    /// A fault of the instruction at `pc`.
    Fault {
        /// Where.
        pc: u64,
        /// What.
        fault: Fault,
    },
}

/// Runs `code` at `pc` from the state and memory of `world` until `budget` instructions have retired or something else
/// ends the run, and puts state and memory back into `world`. The code's own pages are executable, and readable as far
/// as `world` has them.
///
/// # Panics
/// If the engine cannot be made, or reports a bug of its own.
pub fn run(
    guest: Guest,
    (mode, memory): (ExecutionMode, Mode),
    alone: bool,
    world: &mut TestWorld,
    (pc, code): (u64, &[u8]),
    budget: Option<u64>,
) -> Stop {
    const PAGE: u64 = 4096;
    let options = VmOptions { memory, alone, ..VmOptions::default() };
    let vm = Vm::new(engine(mode), guest, &options).expect("a machine");
    let code_pages = pc / PAGE..(pc + code.len() as u64).div_ceil(PAGE);
    for page in code_pages.clone() {
        vm.memory().map(page * PAGE, PAGE, Prot::RWX).expect("a page for the code");
    }
    for (addr, writable, bytes) in world.pages() {
        if !code_pages.contains(&(addr / PAGE)) {
            let prot = if writable { Prot::RW } else { Prot::READ };
            vm.memory().map(addr, PAGE, prot).expect("a page");
        }
        vm.memory().write(addr, bytes, Permissions::Ignore).expect("mapped");
    }
    vm.memory().write(pc, code, Permissions::Ignore).expect("mapped");
    let mut vcpu = Vcpu::new(&vm).expect("a vcpu");
    let slots = (0..guest.register_file().slots.len()).map(|slot| Slot(slot as u16));
    for slot in slots.clone() {
        vcpu.set_slot(slot, world.get(slot));
    }
    vcpu.set_pc(pc);
    let exit = vcpu.run(&RunOptions { budget, ..RunOptions::default() });
    for slot in slots {
        world.set(slot, vcpu.slot(slot));
    }
    let pages: Vec<(u64, usize)> = world.pages().map(|(addr, _, bytes)| (addr, bytes.len())).collect();
    for (addr, len) in pages {
        let mut bytes = vec![0; len];
        vm.memory().read(addr, &mut bytes, Permissions::Ignore).expect("mapped");
        world.write(addr, &bytes);
    }
    match exit.reason {
        Reason::Budget => Stop::At(exit.pc),
        Reason::Syscall => Stop::Syscall,
        Reason::Trap { trap, info } => Stop::Trap { trap, pc: exit.pc, info },
        Reason::Fault(fault) => Stop::Fault { pc: exit.pc, fault },
        other => panic!("{other:?} at {:#x}", exit.pc),
    }
}

/// One engine for all runs of a mode; compiled code appears at once.
fn engine(mode: ExecutionMode) -> &'static Arc<Engine> {
    static ENGINES: [OnceLock<Arc<Engine>>; 4] = [const { OnceLock::new() }; 4];
    ENGINES[mode as usize].get_or_init(|| {
        let options = EngineOptions { mode, threshold: 0, arena_bytes: 1 << 20, ..EngineOptions::default() };
        Engine::new(options).expect("an engine")
    })
}
