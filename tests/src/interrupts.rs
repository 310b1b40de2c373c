//! Guest code that does not end by itself, and interrupts that end it: from another thread, and from a signal handler on
//! the thread that runs it.

pub mod host_thread;

use crate::llvm;
use crate::random::Random;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, mpsc};
use std::time::{Duration, Instant};
use translator::guest::Guest;
use translator::guest::registers::{State as _, by_name};
use translator::memory::{Mode, Permissions, Prot};
use translator::run::{Engine, EngineOptions, Exit, Interrupter, Reason, RunOptions, Vcpu, Vm, VmOptions};

const CODE: u64 = 0x10_0000;
const DATA: u64 = 0x20_0000;

/// After this long an interrupt counts as lost.
pub const LOST: Duration = Duration::from_secs(30);

/// A program that does not end.
#[derive(Clone, Copy, Debug)]
pub struct Endless {
    /// What it does.
    pub name: &'static str,
    /// Its text for x86-64, AArch64 and RV64; nothing where the guest has nothing like it. `r8`, `x1` and `s1` point to
    /// a page of data.
    texts: [&'static str; 3],
}

/// The programs.
pub const ENDLESS: &[Endless] = &[
    Endless { name: "a jump to itself", texts: ["1: jmp 1b", "1: b 1b", "1: j 1b"] },
    Endless {
        name: "a loop of loads",
        texts: [
            "1: mov rax, [r8]\n test rax, rax\n je 1b\n int3",
            "1: ldr x0, [x1]\n cbz x0, 1b\n brk #0",
            "1: ld a0, 0(s1)\n beqz a0, 1b\n ebreak",
        ],
    },
    Endless {
        name: "a chain of linked units",
        texts: [
            "1: inc rax\n jmp 3f\n int3\n2: dec rcx\n jmp 1b\n int3\n3: add rbx, rax\n jne 2b\n jmp 2b",
            "1: add x0, x0, #1\n b 3f\n brk #0\n2: sub x3, x3, #1\n b 1b\n brk #0\n3: adds x2, x2, x0\n b.ne 2b\n b 2b",
            "1: addi a0, a0, 1\n j 3f\n ebreak\n2: addi a3, a3, -1\n j 1b\n ebreak\n3: add a2, a2, a0\n bnez a2, 2b\n j 2b",
        ],
    },
    Endless {
        name: "indirect jumps",
        texts: [
            "lea r9, [rip + 2f]\n lea r10, [rip + 1f]\n1: jmp r9\n int3\n2: inc rax\n jmp r10",
            "adr x3, 2f\n adr x4, 1f\n1: br x3\n brk #0\n2: add x0, x0, #1\n br x4",
            "jal s2, 1f\n1: jal s3, 2f\n ebreak\n2: addi a0, a0, 1\n jr s2",
        ],
    },
    Endless {
        name: "calls and returns",
        texts: [
            "lea rsp, [r8 + 2048]\n1: call 2f\n jmp 1b\n2: inc rax\n ret",
            "1: bl 2f\n b 1b\n2: add x0, x0, #1\n ret",
            "1: jal ra, 2f\n j 1b\n2: addi a0, a0, 1\n ret",
        ],
    },
    Endless {
        name: "a wait for a lock",
        texts: [
            "mov qword ptr [r8], 1\n1: mov ecx, 1\n xor eax, eax\n lock cmpxchg [r8], rcx\n jne 1b\n int3",
            "mov x0, #1\n str x0, [x1]\n1: ldaxr x0, [x1]\n cbnz x0, 1b\n brk #0",
            "li t0, 1\n sd t0, 0(s1)\n1: lr.d.aq a0, (s1)\n bnez a0, 1b\n ebreak",
        ],
    },
    Endless {
        name: "exclusive stores",
        texts: [
            "1: lock inc qword ptr [r8]\n jmp 1b",
            "1: ldxr x0, [x1]\n add x0, x0, #1\n stxr w2, x0, [x1]\n cbnz w2, 1b\n b 1b",
            "1: lr.d a0, (s1)\n addi a0, a0, 1\n sc.d a1, a0, (s1)\n bnez a1, 1b\n j 1b",
        ],
    },
    Endless {
        name: "pairs that only the interpreter swaps",
        texts: [
            "1: xor eax, eax\n xor edx, edx\n xor ebx, ebx\n xor ecx, ecx\n lock cmpxchg16b [r8]\n jmp 1b",
            "1: ldxp x2, x3, [x1]\n stxp w4, x2, x3, [x1]\n b 1b",
            "",
        ],
    },
    Endless {
        name: "repeated string instructions",
        texts: ["1: mov rsi, r8\n mov ecx, 4096\n rep lodsb\n jmp 1b", "", ""],
    },
];

impl Endless {
    fn text(&self, guest: Guest) -> Option<&'static str> {
        let at = Guest::ALL.iter().position(|other| *other == guest).expect("one of all");
        debug_assert_eq!(Guest::ALL, [Guest::X86_64, Guest::Aarch64, Guest::Riscv64]);
        (!self.texts[at].is_empty()).then_some(self.texts[at])
    }

    /// The program's machine code; nothing if the guest has none.
    pub fn code(&self, guest: Guest) -> Option<Vec<u8>> {
        let text = self.text(guest)?;
        Some(match guest {
            Guest::X86_64 => llvm::assemble("x86_64", "", &format!(".intel_syntax noprefix\n{text}\n")),
            Guest::Aarch64 => llvm::assemble("aarch64", "", &format!("{text}\n")),
            Guest::Riscv64 => llvm::assemble("riscv64", "+a,+c", &format!("{text}\n")),
        })
    }

    /// A vCPU at the start of a program's machine code. Units are single blocks, so that programs of several blocks are
    /// several units.
    ///
    /// # Panics
    /// If the host refuses the memory.
    pub fn vcpu(guest: Guest, memory: Mode, code: &[u8]) -> Vcpu {
        let options = EngineOptions {
            threshold: 0,
            region_instructions: 1,
            arena_bytes: 4 << 20,
            ..EngineOptions::default()
        };
        let engine = Engine::new(options).expect("an engine");
        let vm = Vm::new(&engine, guest, &VmOptions { memory, ..VmOptions::default() }).expect("a machine");
        vm.memory().map(CODE, 4096, Prot::RX).expect("free guest memory");
        vm.memory().map(DATA, 4096, Prot::RW).expect("free guest memory");
        vm.memory().write(CODE, code, Permissions::Ignore).expect("mapped");
        let mut vcpu = Vcpu::new(&vm).expect("a vcpu");
        let name = match guest {
            Guest::X86_64 => "r8",
            Guest::Aarch64 => "x1",
            Guest::Riscv64 => "s1",
        };
        vcpu.set_register(&by_name(guest, name).expect("a register"), DATA.into());
        vcpu.set_pc(CODE);
        vcpu
    }
}

/// Who interrupts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum By {
    /// Another thread.
    Thread,
    /// A signal handler that runs on the vCPU's thread.
    Handler,
}

/// How long runs go on after the call of `interrupt`, at most.
#[derive(Clone, Copy, Default, Debug)]
pub struct Latency {
    /// Time, with what the host's scheduler adds to it.
    pub time: Duration,
    /// Processor time of the thread that runs guest code.
    pub processor: Duration,
}

/// Runs the program and stops it, `times` times.
///
/// # Errors
/// The run did not end, or not as it should.
pub fn latency(mut vcpu: Vcpu, from: By, times: u32) -> Result<Latency, String> {
    let interrupter = vcpu.interrupter();
    let alarm = (from == By::Handler).then(|| host_thread::Alarm::new(&interrupter));
    let (ended, ends) = mpsc::channel::<(Exit, Instant, Duration)>();
    let (begin, begins) = mpsc::channel::<()>();
    let (told, thread) = mpsc::channel();
    // Not a scoped thread: if the run does not end, the test must.
    std::thread::spawn(move || {
        let this = host_thread::this_thread();
        let _ = told.send(this);
        while begins.recv().is_ok() {
            let exit = vcpu.run(&RunOptions::default());
            if ended.send((exit, Instant::now(), host_thread::processor_time(this))).is_err() {
                break;
            }
        }
    });
    let thread = thread.recv().map_err(|error| error.to_string())?;
    let mut longest = Latency::default();
    let mut random = Random::new(1);
    for _ in 0..times {
        begin.send(()).map_err(|error| error.to_string())?;
        // Mostly soon, and now and then in the middle of a long run.
        let furthest = 1 << random.below(18);
        spin(random.below(furthest));
        let (start, used) = (Instant::now(), host_thread::processor_time(thread));
        match &alarm {
            Some(alarm) => alarm.ring(thread),
            None => interrupter.interrupt(),
        }
        let (exit, end, used_at_end) = ends.recv_timeout(LOST).map_err(|_| "the run goes on".to_owned())?;
        if exit.reason != Reason::Interrupted {
            return Err(format!("{exit:x?}"));
        }
        longest.time = longest.time.max(end.saturating_duration_since(start));
        longest.processor = longest.processor.max(used_at_end.saturating_sub(used));
    }
    Ok(longest)
}

fn spin(rounds: u64) {
    for _ in 0..rounds {
        std::hint::spin_loop();
    }
}

/// Interrupts at random moments, also while nothing runs: each must be reported by one run, and one only. Runs have
/// random budgets or none. Returns how many runs there were.
///
/// # Errors
/// An interrupt was lost, or reported twice, or a run ended otherwise.
pub fn count(mut vcpu: Vcpu, from: By, interrupts: u64, seed: u64) -> Result<u64, String> {
    struct Board {
        reported: AtomicU64,
        over: AtomicBool,
        start: Barrier,
    }
    let board = std::sync::Arc::new(Board {
        reported: AtomicU64::new(0),
        over: AtomicBool::new(false),
        start: Barrier::new(2),
    });
    let interrupter: Interrupter = vcpu.interrupter();
    let alarm = (from == By::Handler).then(|| host_thread::Alarm::new(&interrupter));
    let (told, thread) = mpsc::channel();
    let sender = std::thread::current();
    let runner = {
        let board = board.clone();
        std::thread::spawn(move || -> Result<u64, String> {
            let _ = told.send(host_thread::this_thread());
            let mut random = Random::new(seed ^ 0x7275_6e73);
            let mut runs = 0;
            board.start.wait();
            while !board.over.load(Ordering::Relaxed) {
                let budget = match random.below(4) {
                    0 => Some(random.below(20)),
                    1 => Some(random.below(5_000)),
                    _ => None,
                };
                let exit = vcpu.run(&RunOptions { budget, ..RunOptions::default() });
                runs += 1;
                match exit.reason {
                    Reason::Interrupted => {
                        board.reported.fetch_add(1, Ordering::SeqCst);
                        sender.unpark();
                    }
                    Reason::Budget => {}
                    _ => return Err(format!("{exit:x?}")),
                }
                spin(random.below(300));
            }
            Ok(runs)
        })
    };
    let thread = thread.recv().map_err(|error| error.to_string())?;
    let mut random = Random::new(seed);
    board.start.wait();
    for sent in 1..=interrupts {
        spin(random.below(600));
        match &alarm {
            Some(alarm) => alarm.ring(thread),
            None => interrupter.interrupt(),
        }
        let mut waited = 0u32;
        let begin = Instant::now();
        loop {
            let reported = board.reported.load(Ordering::SeqCst);
            if reported == sent {
                break;
            }
            if reported > sent {
                return Err(format!("{sent} interrupts, {reported} reported"));
            }
            waited += 1;
            // The report is a matter of microseconds, unless the runner needs this processor for it.
            if waited < 2_000 {
                std::hint::spin_loop();
                continue;
            }
            std::thread::park_timeout(Duration::from_millis(100));
            if runner.is_finished() || begin.elapsed() > LOST {
                return Err(format!("interrupt {sent} is lost: {:?}", begin.elapsed()));
            }
        }
    }
    // The last run may have no budget.
    board.over.store(true, Ordering::Relaxed);
    interrupter.interrupt();
    runner.join().map_err(|_| "the runner panicked".to_owned())?
}
