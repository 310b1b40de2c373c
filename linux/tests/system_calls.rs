//! System calls of the three guests, made one at a time: a page of guest code holds the one instruction.

use linux::elf::{Image, Segment};
use linux::{Ending, Process, ProcessOptions, Program, Stop, SystemCall};
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use translator::guest::registers::State;
use translator::guest::{Guest, aarch64, riscv64, x86_64};
use translator::ir::Slot;
use translator::memory::Permissions;
use translator::run::{Engine, EngineOptions, ExecutionMode, Reason, RunOptions};

const CODE: u64 = 0x40_0000;
/// A page of guest memory for arguments and results.
const DATA: u64 = 0x50_0000;

struct Machine {
    process: Process,
}

/// What a call did that does not return.
#[derive(Debug, PartialEq)]
enum Outcome {
    Returned(i64),
    Ended(Ending),
    Interrupted,
}

impl Machine {
    fn new(guest: Guest) -> Machine {
        let engine =
            Engine::new(EngineOptions { mode: ExecutionMode::Interpret, ..EngineOptions::default() })
                .unwrap();
        let code: &[u8] = match guest {
            Guest::X86_64 => &[0x0f, 0x05],
            Guest::Aarch64 => &[0x01, 0x00, 0x00, 0xd4],
            Guest::Riscv64 => &[0x73, 0x00, 0x00, 0x00],
        };
        let segment = |addr, size: u64, file_size, write| Segment {
            addr,
            size,
            file_offset: 0,
            file_size,
            read: true,
            write,
            execute: !write,
        };
        let image = Image {
            guest,
            relocatable: false,
            entry: CODE,
            segments: vec![segment(CODE, 0x1000, code.len() as u64, false), segment(DATA, 0x1000, 0, true)],
            program_headers: None,
            program_header_count: 0,
            executable_stack: false,
            align: 0x1000,
        };
        let program =
            Program { path: "/bin/sh".into(), arguments: vec![b"test".to_vec()], environment: vec![] };
        let process =
            Process::load_image(&engine, &program, &image, code, &ProcessOptions::default()).unwrap();
        Machine { process }
    }

    fn registers(&self) -> (Slot, [Slot; 6], Slot) {
        let registers = linux::abi::call_registers(self.process.guest());
        (registers.number, registers.arguments, registers.result)
    }

    /// Sets the registers for a call.
    fn prepare(&mut self, number: u64, arguments: &[u64]) {
        let (number_slot, slots, _) = self.registers();
        let vcpu = self.process.vcpu_mut();
        for (slot, value) in slots.into_iter().zip(arguments.iter().chain(std::iter::repeat(&0))) {
            vcpu.set_slot(slot, (*value).into());
        }
        vcpu.set_slot(number_slot, number.into());
        vcpu.set_pc(CODE);
    }

    /// Executes the one instruction.
    fn step(&mut self) -> Outcome {
        let (_, _, result) = self.registers();
        match self.process.run(&RunOptions { budget: Some(1), stop_at: None }) {
            Stop::Ended(ending) => Outcome::Ended(ending),
            Stop::Exit(exit) if exit.reason == Reason::Interrupted => Outcome::Interrupted,
            Stop::Exit(exit) => {
                assert_eq!(exit.reason, Reason::Budget);
                Outcome::Returned(self.process.vcpu().slot(result) as i64)
            }
        }
    }

    fn outcome(&mut self, name: &str, arguments: &[u64]) -> Outcome {
        let number = number(self.process.guest(), name);
        self.prepare(number, arguments);
        self.step()
    }

    fn call(&mut self, name: &str, arguments: &[u64]) -> i64 {
        match self.outcome(name, arguments) {
            Outcome::Returned(value) => value,
            other => panic!("{name} {other:?}"),
        }
    }

    fn write(&self, addr: u64, bytes: &[u8]) {
        self.process.vm().memory().write(addr, bytes, Permissions::Honour).unwrap();
    }

    fn read(&self, addr: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.process.vm().memory().read(addr, &mut bytes, Permissions::Honour).unwrap();
        bytes
    }

    fn word(&self, addr: u64) -> u64 {
        u64::from_le_bytes(self.read(addr, 8).try_into().unwrap())
    }

    fn half(&self, addr: u64) -> u32 {
        u32::from_le_bytes(self.read(addr, 4).try_into().unwrap())
    }

    /// A string at the start of the data page.
    fn string(&self, text: &str) -> u64 {
        self.write(DATA, text.as_bytes());
        self.write(DATA + text.len() as u64, &[0]);
        DATA
    }

    fn map(&mut self, pages: u64, prot: u64) -> u64 {
        let addr = self.call("mmap", &[0, pages * 4096, prot, 0x22, u64::MAX, 0]);
        assert!(addr > 0, "{addr}");
        addr as u64
    }

    fn pipe(&mut self) -> (u64, u64) {
        assert_eq!(self.call("pipe2", &[DATA, 0]), 0);
        (self.half(DATA).into(), self.half(DATA + 4).into())
    }
}

/// The number of a call: x86-64's own, or the generic one.
fn number(guest: Guest, name: &str) -> u64 {
    const NUMBERS: &[(&str, u64, u64)] = &[
        ("read", 0, 63),
        ("write", 1, 64),
        ("close", 3, 57),
        ("fstat", 5, 80),
        ("mmap", 9, 222),
        ("mprotect", 10, 226),
        ("munmap", 11, 215),
        ("brk", 12, 214),
        ("rt_sigaction", 13, 134),
        ("rt_sigprocmask", 14, 135),
        ("rt_sigpending", 127, 136),
        ("ioctl", 16, 29),
        ("writev", 20, 66),
        ("mremap", 25, 216),
        ("madvise", 28, 233),
        ("nanosleep", 35, 101),
        ("getpid", 39, 172),
        ("kill", 62, 129),
        ("uname", 63, 160),
        ("fcntl", 72, 25),
        ("getcwd", 79, 17),
        ("prctl", 157, 167),
        ("gettid", 186, 178),
        ("futex", 202, 98),
        ("getdents64", 217, 61),
        ("exit_group", 231, 94),
        ("tgkill", 234, 131),
        ("openat", 257, 56),
        ("newfstatat", 262, 79),
        ("readlinkat", 267, 78),
        ("prlimit64", 302, 261),
        ("epoll_create1", 291, 20),
        ("epoll_ctl", 233, 21),
        ("epoll_pwait", 281, 22),
        ("pipe2", 293, 59),
        ("getrandom", 318, 278),
        ("clock_gettime", 228, 113),
    ];
    let (_, x86, generic) = NUMBERS.iter().find(|(known, ..)| *known == name).expect("a known call");
    if guest == Guest::X86_64 { *x86 } else { *generic }
}

const AT_FDCWD: u64 = -100i64 as u64;
const EINVAL: i64 = -22;
const EFAULT: i64 = -14;

fn for_each_guest(mut test: impl FnMut(&mut Machine)) {
    for guest in Guest::ALL {
        test(&mut Machine::new(guest));
    }
}

#[test]
fn unknown_and_unsupported_calls_give_enosys_and_a_trace_line() {
    for_each_guest(|m| {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = lines.clone();
        m.process.set_trace(Some(Box::new(move |line: &str| sink.lock().unwrap().push(line.to_owned()))));
        for number in [1 << 20, u64::MAX, 435] {
            m.prepare(number, &[1, 2]);
            assert_eq!(m.step(), Outcome::Returned(-38));
        }
        let text = m.string("hello\n");
        assert_eq!(m.call("write", &[u64::MAX, text, 6]), -9);
        let lines = lines.lock().unwrap();
        assert_eq!(
            lines[0],
            "syscall_1048576(0x1, 0x2, 0x0, 0x0, 0x0, 0x0) = -1 ENOSYS (not supported by xlat)"
        );
        assert_eq!(lines[2], "clone3(0x1, 0x2, 0x0, 0x0, 0x0, 0x0) = -1 ENOSYS (not supported by xlat)");
        assert_eq!(lines[3], "write(-1, \"hello\\n\", 6) = -1 EBADF");
    });
}

#[test]
fn the_host_program_can_answer_calls() {
    for_each_guest(|m| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = seen.clone();
        m.process.set_system_call_hook(Some(Box::new(move |call: &SystemCall| {
            sink.lock().unwrap().push(*call);
            (call.number == 4242).then_some(7)
        })));
        m.prepare(4242, &[9]);
        assert_eq!(m.step(), Outcome::Returned(7));
        assert_eq!(m.call("getpid", &[]), i64::from(std::process::id()));
        assert_eq!(seen.lock().unwrap()[0].arguments[0], 9);
        assert_eq!(seen.lock().unwrap().len(), 2);
    });
}

#[test]
fn transfers_stop_where_memory_ends() {
    for_each_guest(|m| {
        let zero = m.string("/dev/zero");
        let fd = m.call("openat", &[AT_FDCWD, zero, 0, 0]) as u64;
        let area = m.map(3, 3);
        assert_eq!(m.call("mprotect", &[area + 4096, 4096, 1]), 0);
        // Into a page that can only be read: up to there.
        assert_eq!(m.call("read", &[fd, area + 4000, 200]), 96);
        assert_eq!(m.call("read", &[fd, area + 4096, 200]), EFAULT);
        assert_eq!(m.call("read", &[fd, 16, 200]), EFAULT);
        assert_eq!(m.call("read", &[fd, u64::MAX - 5, 200]), EFAULT);
        assert_eq!(m.call("read", &[fd, area, 0]), 0);
        let (read_end, write_end) = m.pipe();
        assert_eq!(m.call("munmap", &[area + 8192, 4096]), 0);
        assert_eq!(m.call("write", &[write_end, area + 8000, 1000]), 192);
        assert_eq!(m.call("write", &[write_end, area + 8192, 1000]), EFAULT);
        // Three pieces, the second cut: what comes behind it is not written.
        for (index, word) in [area, 10, area + 8180, 100, area, 5].into_iter().enumerate() {
            m.write(DATA + 64 + index as u64 * 8, &word.to_le_bytes());
        }
        assert_eq!(m.call("writev", &[write_end, DATA + 64, 3]), 22);
        assert_eq!(m.call("writev", &[write_end, DATA + 64, 1025]), EINVAL);
        assert_eq!(m.call("writev", &[write_end, 16, 3]), EFAULT);
        assert_eq!(m.call("read", &[read_end, area, 1000]), 192 + 22);
        // The kernel looks at the descriptor first.
        assert_eq!(m.call("read", &[999, 16, 200]), -9);
        for fd in [fd, read_end, write_end] {
            assert_eq!(m.call("close", &[fd]), 0);
        }
    });
}

#[test]
fn stat_has_the_guests_layout() {
    let metadata = std::fs::metadata("/dev/null").unwrap();
    for_each_guest(|m| {
        let path = m.string("/dev/null");
        let out = DATA + 256;
        assert_eq!(m.call("newfstatat", &[AT_FDCWD, path, out, 0]), 0);
        assert_eq!([m.word(out), m.word(out + 8)], [metadata.dev(), metadata.ino()]);
        let (mode, rdev, size) = match m.process.guest() {
            Guest::X86_64 => (out + 24, out + 40, out + 48),
            Guest::Aarch64 | Guest::Riscv64 => (out + 16, out + 32, out + 48),
        };
        assert_eq!(m.half(mode), metadata.mode());
        assert_eq!([m.word(rdev), m.word(size)], [metadata.rdev(), metadata.size()]);
        assert_eq!(m.word(out + 88), metadata.mtime() as u64);
        assert_eq!(m.call("newfstatat", &[AT_FDCWD, path, 16, 0]), EFAULT);
        assert_eq!(m.call("newfstatat", &[AT_FDCWD, 16, out, 0]), EFAULT);
    });
}

#[test]
fn directories_open_with_the_guests_flags() {
    for_each_guest(|m| {
        let directory: u64 = if m.process.guest() == Guest::Aarch64 { 0o40000 } else { 0o200000 };
        let file = m.string("/dev/null");
        assert_eq!(m.call("openat", &[AT_FDCWD, file, directory, 0]), -20);
        let root = m.string("/");
        let fd = m.call("openat", &[AT_FDCWD, root, directory, 0]) as u64;
        // The host adds O_LARGEFILE; what the guest sees is its own number of O_DIRECTORY.
        assert_eq!(m.call("fcntl", &[fd, 3]) as u64 & (0o40000 | 0o200000), directory);
        assert!(m.call("getdents64", &[fd, DATA, 4096]) > 0);
        assert_eq!(m.call("getdents64", &[fd, 16, 4096]), EFAULT);
        assert_eq!(m.call("close", &[fd]), 0);
    });
}

#[test]
fn the_programs_link_names_the_guests_program() {
    let expected = std::fs::canonicalize("/bin/sh").unwrap();
    for_each_guest(|m| {
        let own = format!("/proc/{}/exe", std::process::id());
        for path in ["/proc/self/exe", &own] {
            let path = m.string(path);
            let length = m.call("readlinkat", &[AT_FDCWD, path, DATA + 512, 256]) as usize;
            assert_eq!(m.read(DATA + 512, length), expected.as_os_str().as_encoded_bytes());
        }
    });
}

#[test]
fn uname_names_the_guests_machine() {
    for_each_guest(|m| {
        assert_eq!(m.call("uname", &[DATA]), 0);
        let name = m.process.guest().name();
        assert_eq!(m.read(DATA + 4 * 65, name.len() + 1), [name.as_bytes(), &[0]].concat());
        assert_eq!(m.read(DATA, 6), b"Linux\0");
        assert_eq!(m.call("uname", &[16]), EFAULT);
    });
}

#[test]
fn the_break_moves_and_stays_below_other_mappings() {
    for_each_guest(|m| {
        let start = m.call("brk", &[0]) as u64;
        assert_eq!(start, DATA + 4096);
        assert_eq!(m.call("brk", &[start + 5000]) as u64, start + 5000);
        m.write(start + 4999, &[1]);
        assert_eq!(m.call("brk", &[start + 100]) as u64, start + 100);
        assert_eq!(m.call("brk", &[start + 5000]) as u64, start + 5000);
        // What was given back comes again as zeros.
        assert_eq!(m.read(start + 4999, 1), [0]);
        let obstacle = m.call("mmap", &[start + 0x10000, 4096, 3, 0x32, u64::MAX, 0]) as u64;
        assert_eq!(obstacle, start + 0x10000);
        assert_eq!(m.call("brk", &[start + 0x11000]) as u64, start + 5000);
        assert_eq!(m.call("brk", &[start - 1]) as u64, start + 5000);
        assert_eq!(m.call("brk", &[u64::MAX]) as u64, start + 5000);
    });
}

#[test]
fn mappings_refuse_what_the_kernel_refuses() {
    for_each_guest(|m| {
        let area = m.map(2, 3);
        for (arguments, expected) in [
            ([0, 0, 3, 0x22, u64::MAX, 0], EINVAL),
            ([0, 4096, 3, 0x20, u64::MAX, 0], EINVAL),
            ([area + 1, 4096, 3, 0x32, u64::MAX, 0], EINVAL),
            ([0, 4096, 3, 0x02, 0, 1], EINVAL),
            ([0, 4096, 3, 0x02, 999, 0], -9),
            ([0, u64::MAX - 8192, 3, 0x22, u64::MAX, 0], -12),
            ([area, 4096, 3, 0x10_0022, u64::MAX, 0], -17),
        ] {
            assert_eq!(m.call("mmap", &arguments), expected, "{arguments:x?}");
        }
        assert_eq!(m.call("munmap", &[area, 0]), EINVAL);
        assert_eq!(m.call("munmap", &[area + 1, 4096]), EINVAL);
        assert_eq!(m.call("mprotect", &[area + 1, 4096, 1]), EINVAL);
        assert_eq!(m.call("mprotect", &[0x1_0000_0000, 4096, 1]), -12);
        assert_eq!(m.call("mremap", &[0x1_0000_0000, 4096, 8192, 1, 0]), EFAULT);
        assert_eq!(m.call("mremap", &[area, 4096, 8192, 4, 0]), EINVAL);
        assert_eq!(m.call("mremap", &[area, 8192, 0, 1, 0]), EINVAL);
        m.write(area, b"kept");
        let moved = m.call("mremap", &[area, 8192, 1 << 20, 1, 0]) as u64;
        assert_eq!(m.read(moved, 4), b"kept");
        assert_eq!(m.call("madvise", &[moved, 4096, 4]), 0);
        assert_eq!(m.read(moved, 4), [0; 4]);
        assert_eq!(m.call("madvise", &[moved, 4096, 12345]), EINVAL);
    });
}

#[test]
fn limits_of_the_address_space_are_the_guests_own() {
    for_each_guest(|m| {
        const RLIMIT_AS: u64 = 9;
        assert_eq!(m.call("prlimit64", &[0, RLIMIT_AS, 0, DATA]), 0);
        let hard = m.word(DATA + 8);
        m.write(DATA, &(64u64 << 20).to_le_bytes());
        assert_eq!(m.call("prlimit64", &[0, RLIMIT_AS, DATA, 0]), 0);
        assert_eq!(m.call("prlimit64", &[0, RLIMIT_AS, 0, DATA + 16]), 0);
        assert_eq!([m.word(DATA + 16), m.word(DATA + 24)], [64 << 20, hard]);
        m.write(DATA, &u64::MAX.to_le_bytes());
        m.write(DATA + 8, &1u64.to_le_bytes());
        assert_eq!(m.call("prlimit64", &[0, RLIMIT_AS, DATA, 0]), EINVAL);
    });
}

#[test]
fn exit_statuses_are_bytes() {
    for (status, seen) in [(0, 0), (7, 7), (300, 44), (u64::MAX, 255)] {
        for_each_guest(|m| {
            let ended = Outcome::Ended(Ending::Exited { status: seen });
            assert_eq!(m.outcome("exit_group", &[status]), ended);
            // Over is over.
            assert_eq!(m.step(), ended);
        });
    }
}

fn killed_by(outcome: &Outcome, number: i32) -> bool {
    matches!(outcome, Outcome::Ended(Ending::Killed { signal, .. }) if signal.number() == number)
}

#[test]
fn signals_to_oneself_do_what_their_action_says() {
    let pid = u64::from(std::process::id());
    for_each_guest(|m| {
        // Sent to nobody, ignored, ignored by default.
        assert_eq!(m.call("kill", &[pid, 0]), 0);
        assert_eq!(m.call("kill", &[pid, 65]), EINVAL);
        m.write(DATA, &[0; 32]);
        m.write(DATA, &[1]);
        assert_eq!(m.call("rt_sigaction", &[10, DATA, 0, 8]), 0);
        assert_eq!(m.call("rt_sigaction", &[10, 0, DATA + 64, 8]), 0);
        assert_eq!(m.word(DATA + 64), 1);
        assert_eq!(m.call("kill", &[pid, 10]), 0);
        assert_eq!(m.call("kill", &[pid, 17]), 0);
        assert_eq!(m.call("rt_sigaction", &[9, DATA, 0, 8]), EINVAL);
        assert_eq!(m.call("rt_sigaction", &[10, DATA, 0, 16]), EINVAL);
        // Blocked: pending until it is let through.
        m.write(DATA, &(1u64 << 11).to_le_bytes());
        assert_eq!(m.call("rt_sigprocmask", &[0, DATA, 0, 8]), 0);
        let tid = m.call("gettid", &[]) as u64;
        assert_eq!(m.call("tgkill", &[pid, tid, 12]), 0);
        assert_eq!(m.call("rt_sigpending", &[DATA + 8, 8]), 0);
        assert_eq!(m.word(DATA + 8), 1 << 11);
        assert!(killed_by(&m.outcome("rt_sigprocmask", &[1, DATA, 0, 8]), 12));
    });
    for signal in [9, 15] {
        for_each_guest(|m| assert!(killed_by(&m.outcome("kill", &[pid, signal]), signal as i32)));
    }
}

#[test]
fn writing_to_a_pipe_that_nobody_reads_kills() {
    for_each_guest(|m| {
        let (read_end, write_end) = m.pipe();
        assert_eq!(m.call("close", &[read_end]), 0);
        assert!(killed_by(&m.outcome("write", &[write_end, DATA, 1]), 13));
    });
}

#[test]
fn faults_become_the_signals_of_the_guests_kernel() {
    for_each_guest(|m| {
        // Nothing is mapped there: a fetch faults.
        m.process.vcpu_mut().set_pc(0x1000);
        assert!(killed_by(&m.step(), 11));
    });
    let illegal: [(Guest, &[u8]); 3] =
        [(Guest::X86_64, &[0x0f, 0x0b]), (Guest::Aarch64, &[0; 4]), (Guest::Riscv64, &[0; 4])];
    for (guest, bytes) in illegal {
        let mut m = Machine::new(guest);
        m.process.vm().memory().write(CODE, bytes, Permissions::Ignore).unwrap();
        m.process.vcpu_mut().set_pc(CODE);
        let outcome = m.step();
        assert!(killed_by(&outcome, 4), "{outcome:?}");
        let Outcome::Ended(Ending::Killed { note: Some(note), .. }) = outcome else { panic!("no note") };
        assert!(note.starts_with("illegal instruction at 0x400000: "), "{note}");
    }
}

#[test]
fn a_program_asleep_in_a_call_is_interrupted_and_goes_on() {
    for_each_guest(|m| {
        let (read_end, write_end) = m.pipe();
        let interrupter = m.process.interrupter();
        m.prepare(number(m.process.guest(), "read"), &[read_end, DATA + 64, 10]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(20));
                interrupter.interrupt();
            });
            assert_eq!(m.step(), Outcome::Interrupted);
        });
        assert_eq!(m.process.vcpu().pc(), CODE);
        // The other end speaks; the call is made anew.
        let saved: Vec<u128> = m.registers().1.map(|slot| m.process.vcpu().slot(slot)).to_vec();
        assert_eq!(m.call("write", &[write_end, CODE, 2]), 2);
        let arguments: Vec<u64> = saved.iter().map(|value| *value as u64).collect();
        m.prepare(number(m.process.guest(), "read"), &arguments);
        assert_eq!(m.step(), Outcome::Returned(2));
        // Interrupted before it runs at all.
        interrupter.interrupt();
        m.prepare(number(m.process.guest(), "nanosleep"), &[DATA, 0]);
        m.write(DATA, &[0; 16]);
        assert_eq!(m.step(), Outcome::Interrupted);
        assert_eq!(m.step(), Outcome::Returned(0));
    });
}

#[test]
fn futexes_of_one_thread_wait_for_their_timeout_only() {
    for_each_guest(|m| {
        m.write(DATA, &5u32.to_le_bytes());
        assert_eq!(m.call("futex", &[DATA, 128, 4, 0]), -11);
        assert_eq!(m.call("futex", &[DATA, 129, 1]), 0);
        assert_eq!(m.call("futex", &[DATA + 1, 128, 5, 0]), EINVAL);
        assert_eq!(m.call("futex", &[16, 129, 1]), EFAULT);
        m.write(DATA + 8, &[0; 16]);
        m.write(DATA + 16, &20_000_000u64.to_le_bytes());
        let start = Instant::now();
        assert_eq!(m.call("futex", &[DATA, 128, 5, DATA + 8]), -110);
        assert!(start.elapsed() >= Duration::from_millis(20));
    });
}

#[test]
fn epoll_events_have_the_guests_layout() {
    for_each_guest(|m| {
        let (read_end, write_end) = m.pipe();
        let epoll = m.call("epoll_create1", &[0]) as u64;
        let data_at = if m.process.guest() == Guest::X86_64 { 4 } else { 8 };
        m.write(DATA + 64, &1u32.to_le_bytes());
        m.write(DATA + 64 + data_at, &0x1122_3344_5566_7788u64.to_le_bytes());
        assert_eq!(m.call("epoll_ctl", &[epoll, 1, read_end, DATA + 64]), 0);
        assert_eq!(m.call("epoll_pwait", &[epoll, DATA + 128, 4, 0, 0, 8]), 0);
        assert_eq!(m.call("write", &[write_end, DATA, 1]), 1);
        assert_eq!(m.call("epoll_pwait", &[epoll, DATA + 128, 4, -1i64 as u64, 0, 8]), 1);
        assert_eq!(m.half(DATA + 128), 1);
        assert_eq!(m.word(DATA + 128 + data_at), 0x1122_3344_5566_7788);
        assert_eq!(m.call("epoll_pwait", &[epoll, 16, 4, 0, 0, 8]), EFAULT);
        for fd in [read_end, write_end, epoll] {
            assert_eq!(m.call("close", &[fd]), 0);
        }
    });
}

#[test]
fn hwprobe_tells_what_is_there() {
    let mut m = Machine::new(Guest::Riscv64);
    for (index, key) in [3u64, 4, 5, 99].into_iter().enumerate() {
        m.write(DATA + index as u64 * 16, &key.to_le_bytes());
        m.write(DATA + index as u64 * 16 + 8, &u64::MAX.to_le_bytes());
    }
    m.prepare(258, &[DATA, 4, 0, 0, 0]);
    assert_eq!(m.step(), Outcome::Returned(0));
    let answers: Vec<u64> = (0..8).map(|index| m.word(DATA + index * 8)).collect();
    let extensions = 1 | 1 << 1 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 35;
    assert_eq!(answers, [3, 1, 4, extensions, 5, 3, u64::MAX, 0]);
}

#[test]
fn thread_pointers_are_where_the_guest_expects_them() {
    let mut m = Machine::new(Guest::X86_64);
    m.prepare(158, &[0x1002, 0x1234_5678]);
    assert_eq!(m.step(), Outcome::Returned(0));
    assert_eq!(m.process.vcpu().slot(x86_64::FS_BASE), 0x1234_5678);
    m.prepare(158, &[0x1003, DATA]);
    assert_eq!(m.step(), Outcome::Returned(0));
    assert_eq!(m.word(DATA), 0x1234_5678);
    m.prepare(158, &[0x1002, 1 << 47]);
    assert_eq!(m.step(), Outcome::Returned(-1));
    // The others set theirs by instructions; the stack pointer is set by the loader.
    assert_eq!(Machine::new(Guest::Aarch64).process.vcpu().slot(aarch64::TPIDR), 0);
    let stack = Machine::new(Guest::Riscv64).process.vcpu().slot(riscv64::x(2).unwrap());
    assert!(stack != 0 && stack.is_multiple_of(16));
}
