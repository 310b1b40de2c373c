//! Litmus tests: small parallel programs on several vCPUs of one machine, as compiled code, and the outcomes that the
//! guest's memory model forbids.
//!
//! Each guest has its table of tests; a test has a few lines of assembly for each thread. Around them the harness puts a
//! loop over rounds: the threads wait for each other, run their lines on variables x, y and z, and write what they have
//! read to a log; a delay in front of the lines, another one for each thread and round, moves them against each other.
//! (They wait long at the start of a batch and while that helps, else hardly: the machine may have fewer
//! processors.) A batch of rounds is looked at when all
//! threads have ended it.
//!
//! An x86-64 host reorders only stores with later loads, so here the tests find that, the translator's own reordering,
//! and broken atomics; which fences weaker hosts get is what the translator's own tests look at.

pub mod aarch64;
mod pin;
pub mod riscv64;
pub mod x86_64;

use crate::llvm;
use std::fmt::Write as _;
use std::sync::Barrier;
use translator::guest::Guest;
use translator::guest::registers::{State as _, by_name};
use translator::memory::{Mode, Permissions, Prot};
use translator::run::{Engine, EngineOptions, Reason, RunOptions, Vcpu, Vm, VmOptions};

/// Threads at most.
const THREADS: usize = 4;
/// Values that a thread logs each round.
const VALUES: usize = 4;
/// Rounds of a batch.
const BATCH: usize = 4000;
/// From one round's x to the next one's; y and z are 64 and 128 behind x.
const STRIDE: usize = 256;

const CODE: u64 = 0x10_0000;
const CODE_SIZE: u64 = 0x1000;
const VARIABLES: u64 = 0x100_0000;
const LOGS: u64 = 0x200_0000;
/// How far each thread is, a cache line each.
const PROGRESS: u64 = 0x300_0000;

/// What a round left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What each thread logged.
    pub log: [[u64; VALUES]; THREADS],
    /// x, y and z at the end.
    pub x: u64,
    /// As `x`.
    pub y: u64,
    /// As `x`.
    pub z: u64,
}

/// Whether a test's variables are new in every round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Variables {
    /// They are, and zero.
    Fresh,
    /// All rounds of a batch work on the same: `x`, `y` and `z` of an outcome are those at the end of the batch.
    Kept,
}

/// A litmus test.
pub struct Litmus {
    /// Name, and how the accesses are ordered.
    pub name: &'static str,
    /// What each thread does.
    pub threads: &'static [&'static str],
    /// Its variables.
    pub variables: Variables,
    /// Whether the memory model forbids an outcome.
    pub forbidden: fn(&Outcome) -> bool,
    /// An outcome that is allowed and interesting to see, for the table of the command.
    pub relaxed: fn(&Outcome) -> bool,
}

/// What the rounds of a test showed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Rounds.
    pub rounds: u64,
    /// Rounds with a forbidden outcome.
    pub forbidden: u64,
    /// The first of those.
    pub first: Option<Outcome>,
    /// Rounds with the relaxed outcome.
    pub relaxed: u64,
}

/// Rounds of a batch, for tests whose outcome is a sum over them.
pub const ROUNDS_OF_A_BATCH: u64 = BATCH as u64;

/// How often a thread looks for another one: at first, after it was there in time, and after it was not.
const PATIENCE: [u32; 3] = [1_000_000, 20_000, 10];

/// Never.
pub fn never(_: &Outcome) -> bool {
    false
}

/// The tests of a guest.
pub fn tests(guest: Guest) -> &'static [Litmus] {
    match guest {
        Guest::X86_64 => x86_64::TESTS,
        Guest::Aarch64 => aarch64::TESTS,
        Guest::Riscv64 => riscv64::TESTS,
    }
}

fn assemble(guest: Guest, test: &Litmus, thread: usize) -> Vec<u8> {
    let others: Vec<usize> = (0..test.threads.len()).filter(|other| *other != thread).collect();
    let stride = if test.variables == Variables::Fresh { STRIDE } else { 0 };
    let body = test.threads[thread];
    let (triple, features, text) = match guest {
        Guest::X86_64 => ("x86_64", "", x86_64::program(thread, &others, body, stride)),
        Guest::Aarch64 => ("aarch64", "+v8.5a", aarch64::program(thread, &others, body, stride)),
        Guest::Riscv64 => ("riscv64", "+m,+a,+c,+d", riscv64::program(thread, &others, body, stride)),
    };
    llvm::assemble(triple, features, &text)
}

/// Registers of a guest that a batch starts with: x, y, z, log, progress, rounds left, number of the round.
fn start_registers(guest: Guest) -> [&'static str; 7] {
    match guest {
        Guest::X86_64 => ["r8", "r9", "r10", "r13", "rbp", "r12", "r14"],
        Guest::Aarch64 => ["x19", "x20", "x21", "x24", "x25", "x23", "x22"],
        Guest::Riscv64 => ["s2", "s3", "s4", "s7", "s8", "s6", "s5"],
    }
}

fn log_address(thread: usize) -> u64 {
    LOGS + (thread * BATCH * VALUES * 8) as u64
}

/// Runs a test for at least `rounds` rounds.
///
/// # Panics
/// If the harness itself goes wrong.
pub fn run(guest: Guest, test: &Litmus, memory: Mode, rounds: u64) -> Tally {
    let options = EngineOptions { threshold: 0, arena_bytes: 16 << 20, ..EngineOptions::default() };
    let engine = Engine::new(options).expect("an engine");
    let vm = Vm::new(&engine, guest, &VmOptions { memory, ..VmOptions::default() }).expect("a machine");
    let guest_memory = vm.memory();
    let threads = test.threads.len();
    let sizes = [
        (CODE, CODE_SIZE * THREADS as u64, Prot::RX),
        (VARIABLES, (BATCH * STRIDE).next_multiple_of(4096) as u64, Prot::RW),
        (LOGS, (THREADS * BATCH * VALUES * 8).next_multiple_of(4096) as u64, Prot::RW),
        (PROGRESS, 4096, Prot::RW),
    ];
    for (start, len, prot) in sizes {
        guest_memory.map(start, len, prot).expect("free guest memory");
    }
    for thread in 0..threads {
        let code = assemble(guest, test, thread);
        assert!(code.len() < CODE_SIZE as usize);
        guest_memory.write(CODE + thread as u64 * CODE_SIZE, &code, Permissions::Ignore).expect("mapped");
    }
    let mut vcpus: Vec<Vcpu> = (0..threads).map(|_| Vcpu::new(&vm).expect("a vcpu")).collect();
    let barrier = Barrier::new(threads + 1);
    let batches = rounds.div_ceil(BATCH as u64);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        for (thread, vcpu) in vcpus.iter_mut().enumerate() {
            let barrier = &barrier;
            scope.spawn(move || {
                pin::pin(thread);
                for _ in 0..batches {
                    barrier.wait();
                    batch(guest, thread, vcpu);
                    barrier.wait();
                }
            });
        }
        for _ in 0..batches {
            for (start, len, _) in &sizes[1..] {
                guest_memory.zero(*start, *len as usize, Permissions::Ignore).expect("mapped");
            }
            barrier.wait();
            barrier.wait();
            look(&vm, test, &mut tally);
        }
    });
    assert!(vm.stats().units_compiled > 0, "the threads are interpreted");
    tally
}

/// One thread's part of a batch.
fn batch(guest: Guest, thread: usize, vcpu: &mut Vcpu) {
    let values = [VARIABLES, VARIABLES + 64, VARIABLES + 128, log_address(thread), PROGRESS, BATCH as u64, 0];
    for (name, value) in start_registers(guest).into_iter().zip(values) {
        let register = by_name(guest, name).expect("a register");
        vcpu.set_register(&register, value.into());
    }
    vcpu.set_pc(CODE + thread as u64 * CODE_SIZE);
    let exit = vcpu.run(&RunOptions::default());
    assert_eq!(exit.reason, Reason::Syscall, "thread {thread} at {:#x}", exit.pc);
}

fn look(vm: &Vm, test: &Litmus, tally: &mut Tally) {
    let mut variables = vec![0; BATCH * STRIDE];
    vm.memory().read(VARIABLES, &mut variables, Permissions::Ignore).expect("mapped");
    let mut logs = vec![0; THREADS * BATCH * VALUES * 8];
    vm.memory().read(LOGS, &mut logs, Permissions::Ignore).expect("mapped");
    let word = |bytes: &[u8], at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
    for round in 0..BATCH {
        let base = if test.variables == Variables::Fresh { round * STRIDE } else { 0 };
        let mut outcome = Outcome {
            x: word(&variables, base),
            y: word(&variables, base + 64),
            z: word(&variables, base + 128),
            ..Outcome::default()
        };
        for (thread, log) in outcome.log.iter_mut().enumerate() {
            for (value, to) in log.iter_mut().enumerate() {
                *to = word(&logs, ((thread * BATCH + round) * VALUES + value) * 8);
            }
        }
        tally.rounds += 1;
        tally.relaxed += u64::from((test.relaxed)(&outcome));
        if (test.forbidden)(&outcome) {
            tally.forbidden += 1;
            tally.first.get_or_insert(outcome);
        }
    }
}

/// The text of a report about a test with forbidden outcomes.
pub fn report(guest: Guest, test: &Litmus, memory: Mode, tally: &Tally) -> String {
    let mut out = format!(
        "--- {guest} {}, {memory:?} memory: {} of {} rounds are forbidden, the first {:?}\n",
        test.name, tally.forbidden, tally.rounds, tally.first
    );
    for (thread, body) in test.threads.iter().enumerate() {
        let _ = writeln!(out, "  thread {thread}: {}", body.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    out
}
