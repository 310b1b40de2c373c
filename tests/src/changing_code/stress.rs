//! Many vCPUs of one machine execute a function while other threads change its code and the mappings around it.
//!
//! Each vCPU calls the function for ever, stores the version that it returned, then the number of its round. The
//! patcher changes the version, waits until each vCPU has begun and ended a round since the change had returned, and
//! looks at what that round saw: nothing but the new version will do.

use super::{
    ALIAS, CODE, DATA, FUNCTION, PAGE, Program, Settings, VERSIONS, adder_word, code, machine, set_word,
    vcpu, version_function, write,
};
use crate::random::Random;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use translator::guest::Guest;
use translator::ir::{Access, Order, Type};
use translator::memory::{Permissions, Prot};
use translator::run::{Interrupter, Reason, RunOptions, Vcpu, Vm};

/// vCPUs that execute.
pub const VCPUS: u64 = 8;

/// Where the vCPUs say what they saw, 16 bytes each.
const SEEN: u64 = DATA + PAGE;
/// A second function, whose page comes and goes.
const RESTLESS: u64 = 0x50_0000;
/// How long a vCPU may take for two rounds, on a machine with other work.
const PATIENCE: Duration = Duration::from_secs(60);

/// Changes and remappings that a run does at least, however long it takes.
const LEAST: u64 = 3;

/// What a run did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Changes of the function that were checked.
    pub patches: u64,
    /// Changes of mappings.
    pub remaps: u64,
    /// Rounds that all vCPUs did.
    pub rounds: u64,
}

struct Stress {
    vm: Arc<Vm>,
    guest: Guest,
    stop: AtomicBool,
    remaps: AtomicU64,
}

/// Runs for as long as `time`, and until something was done; what went wrong if something did.
///
/// # Errors
/// A vCPU ran old code, stopped, or ended in another way than it should.
pub fn run(guest: Guest, settings: &Settings, seed: u64, time: Duration) -> Result<Summary, String> {
    let stress = Stress {
        vm: machine(guest, settings),
        guest,
        stop: AtomicBool::new(false),
        remaps: AtomicU64::new(0),
    };
    write(&stress.vm, FUNCTION, &version_function(guest, 0));
    write(&stress.vm, CODE, &code(guest, Program::CallForEver));
    write(&stress.vm, CODE + PAGE, &code(guest, Program::PatchOnce));
    stress.vm.memory().map(RESTLESS, 2 * PAGE, Prot::RWX).map_err(|error| error.to_string())?;
    std::thread::scope(|scope| {
        let mut interrupters: Vec<Interrupter> = Vec::new();
        let mut runners = Vec::new();
        for index in 0..VCPUS {
            let mut caller = vcpu(&stress.vm, CODE, FUNCTION, 0);
            set_word(&mut caller, SEEN + 16 * index);
            if guest == Guest::X86_64 {
                super::set(&mut caller, "rsp", DATA + 256 * (index + 1));
            }
            interrupters.push(caller.interrupter());
            let stress = &stress;
            runners.push(scope.spawn(move || stress.execute(caller)));
        }
        let remapper = scope.spawn(|| stress.remap(seed));
        let patched = stress.patch(seed, time);
        stress.stop.store(true, Ordering::SeqCst);
        interrupters.iter().for_each(Interrupter::interrupt);
        let mut result = patched;
        for runner in runners {
            let ended = runner.join().unwrap_or_else(|_| Err("a vCPU's thread panicked".to_owned()));
            result = result.and_then(|patches| ended.map(|()| patches));
        }
        remapper.join().map_err(|_| "the remapping thread panicked".to_owned())?;
        let rounds = (0..VCPUS).map(|index| stress.seen(index).1).sum();
        let remaps = stress.remaps.load(Ordering::Relaxed);
        result.map(|patches| Summary { patches, remaps, rounds })
    })
}

impl Stress {
    /// A vCPU's thread: the function's page may be away for a moment.
    fn execute(&self, mut vcpu: Vcpu) -> Result<(), String> {
        loop {
            let exit = vcpu.run(&RunOptions::default());
            match exit.reason {
                Reason::Interrupted if self.stop.load(Ordering::SeqCst) => return Ok(()),
                Reason::Fault(fault)
                    if fault.access == Access::Fetch && exit.pc / PAGE == FUNCTION / PAGE =>
                {
                    std::thread::yield_now();
                }
                _ => return Err(format!("a vCPU ended with {exit:x?}")),
            }
        }
    }

    /// Version and round that a vCPU has stored last.
    fn seen(&self, index: u64) -> (u64, u64) {
        let load = |addr| self.vm.memory().load(addr, Type::I64, Order::SeqCst).expect("mapped") as u64;
        // The round is stored last, so it is looked at first.
        let round = load(SEEN + 16 * index + 8);
        (load(SEEN + 16 * index), round)
    }

    /// Changes the function and checks that it is seen; the number of changes.
    fn patch(&self, seed: u64, time: Duration) -> Result<u64, String> {
        let mut random = Random::new(seed);
        let mut patcher = vcpu(&self.vm, CODE + PAGE, FUNCTION, 0);
        let end = Instant::now() + time;
        let mut version = 0;
        while Instant::now() < end || version < LEAST || self.remaps.load(Ordering::Relaxed) < LEAST {
            version += 1;
            let how = self.change(&mut random, &mut patcher, version % VERSIONS)?;
            let begun: Vec<u64> = (0..VCPUS).map(|index| self.seen(index).1).collect();
            let late = Instant::now() + PATIENCE;
            for (index, &round) in (0..).zip(&begun) {
                // One round was under way, the next one began after the change.
                while self.seen(index).1 < round + 2 {
                    if Instant::now() > late {
                        return Err(format!("vCPU {index} is stuck in round {round}"));
                    }
                    std::thread::yield_now();
                }
                let (seen, _) = self.seen(index);
                if seen != version % VERSIONS {
                    return Err(format!(
                        "vCPU {index} ran version {seen} after {how} to {} had returned",
                        version % VERSIONS
                    ));
                }
            }
        }
        Ok(version)
    }

    /// Puts a version in place, in one way or another; which.
    fn change(&self, random: &mut Random, patcher: &mut Vcpu, version: u64) -> Result<&'static str, String> {
        let memory = self.vm.memory();
        let bytes = version_function(self.guest, version);
        let word = {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes);
            u64::from_le_bytes(word)
        };
        let target = if random.below(2) == 0 { FUNCTION } else { ALIAS };
        let failed = |error: &dyn std::fmt::Display| format!("changing the code: {error}");
        Ok(match random.below(8) {
            0 => {
                memory.write(target, &bytes, Permissions::Ignore).map_err(|error| failed(&error))?;
                "a patch by the host program"
            }
            1 => {
                // Any page may be taken away and come back with the same bytes.
                memory.protect(FUNCTION, PAGE, Prot::RW).map_err(|error| failed(&error))?;
                memory.write(target, &bytes, Permissions::Ignore).map_err(|error| failed(&error))?;
                memory.protect(FUNCTION, PAGE, Prot::RWX).map_err(|error| failed(&error))?;
                "a patch without execution"
            }
            2 => {
                memory
                    .store(target, Type::I64, word.into(), Order::SeqCst)
                    .map_err(|fault| format!("{fault:?}"))?;
                "a store"
            }
            _ => {
                super::start(patcher, CODE + PAGE, target, 0);
                set_word(patcher, word);
                let exit = patcher.run(&RunOptions::default());
                if exit.reason != Reason::Syscall {
                    return Err(format!("the patching vCPU ended with {exit:x?}"));
                }
                "a guest's store"
            }
        })
    }

    /// Maps, unmaps, protects and runs code elsewhere.
    fn remap(&self, seed: u64) {
        let mut random = Random::new(!seed);
        let memory = self.vm.memory();
        let mut runner = vcpu(&self.vm, CODE + PAGE, RESTLESS, 0);
        let mut done = 0;
        while !self.stop.load(Ordering::SeqCst) {
            let _ = match random.below(6) {
                0 => memory.unmap(RESTLESS, PAGE << random.below(2)),
                1 => memory.protect(RESTLESS, PAGE, Prot::from_bits(random.below(8) as u32)),
                2 => memory.protect(CODE, 2 * PAGE, Prot::RX),
                3 => memory.protect(CODE, 2 * PAGE, Prot::RWX),
                _ => memory.map(RESTLESS, 2 * PAGE, Prot::RWX),
            };
            // Execute there, so that it has translations; whatever comes of it.
            if memory.write(RESTLESS, &code(self.guest, Program::PatchOnce), Permissions::Ignore).is_ok() {
                super::start(&mut runner, RESTLESS, RESTLESS + 512, 0);
                set_word(&mut runner, adder_word(self.guest, done % 100));
                runner.run(&RunOptions { budget: Some(64), ..RunOptions::default() });
            }
            done += 1;
            self.remaps.store(done, Ordering::Relaxed);
        }
    }
}
