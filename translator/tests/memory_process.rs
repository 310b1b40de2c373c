//! Guest memory where the process itself matters: host faults inside xlat's accesses, limits, exhausted mappings, fork.
//!
//! Each case runs in a process of its own: this program starts itself with the case's name.

use libtest_mimic::{Arguments, Failed, Trial};
use std::fs::File;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use translator::ir::{Access, Order, RmwOp, Type};
use translator::lift::Fetch;
use translator::memory::*;

const CASE: &str = "XLAT_MEMORY_CASE";
const PAGE: u64 = PAGE_SIZE;
const AT: u64 = 0x10_0000;
const MODES: [Mode; 2] = [Mode::Direct, Mode::Paged];

const CASES: [(&str, fn()); 6] = [
    ("a_file_that_was_cut_short_faults_like_unmapped_memory", cut_file),
    ("direct_accesses_survive_racing_unmaps_without_a_lookup", racing_unmaps),
    ("address_space_limits_are_errors_and_lose_nothing", address_space_limit),
    ("when_the_host_runs_out_of_mappings_nothing_is_lost", out_of_mappings),
    ("fork_copies_private_memory_and_shares_shared_memory", fork),
    ("faults_of_others_are_not_taken", foreign_faults),
];

fn main() {
    if let Ok(name) = std::env::var(CASE) {
        let (_, case) = CASES.iter().find(|(case, _)| *case == name).expect("a case of that name");
        return case();
    }
    let arguments = Arguments::from_args();
    let trials = CASES.iter().map(|(name, _)| Trial::test(*name, || run(name))).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn run(name: &str) -> Result<(), Failed> {
    let program = std::env::current_exe()?;
    // Without host mappings the C library's allocator can only enlarge its heap: let it.
    let output = Command::new(program).env(CASE, name).env("MALLOC_MMAP_THRESHOLD_", "33554432").output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

fn memory(mode: Mode) -> Memory {
    Memory::new(mode, &Options { window: Some(1 << 32), ..Options::default() }).unwrap()
}

fn memfd(len: u64) -> File {
    // SAFETY: the name is a C string; the descriptor is new.
    let fd = unsafe { OwnedFd::from_raw_fd(libc::memfd_create(c"test".as_ptr(), libc::MFD_CLOEXEC)) };
    let file = File::from(fd);
    file.set_len(len).unwrap();
    file
}

static RECOVERED: AtomicU64 = AtomicU64::new(0);

extern "C" fn handler(signal: i32, _info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes a context that is ours to change.
    let pc = unsafe { program_counter(context) };
    // SAFETY: as above.
    match recover(unsafe { *pc } as usize) {
        Some(landing) => {
            RECOVERED.fetch_add(1, Ordering::Relaxed);
            // SAFETY: as above.
            unsafe { *pc = landing as _ };
        }
        // SAFETY: both calls are async-signal-safe; the fault is raised again and ends the process.
        None => unsafe {
            libc::signal(signal, libc::SIG_DFL);
        },
    }
}

#[cfg(target_arch = "x86_64")]
unsafe fn program_counter(context: *mut libc::c_void) -> *mut i64 {
    let context: *mut libc::ucontext_t = context.cast();
    // SAFETY: the caller passes a signal context.
    unsafe { &raw mut (*context).uc_mcontext.gregs[libc::REG_RIP as usize] }
}

#[cfg(target_arch = "aarch64")]
unsafe fn program_counter(context: *mut libc::c_void) -> *mut u64 {
    let context: *mut libc::ucontext_t = context.cast();
    // SAFETY: the caller passes a signal context.
    unsafe { &raw mut (*context).uc_mcontext.pc }
}

#[cfg(target_arch = "riscv64")]
unsafe fn program_counter(context: *mut libc::c_void) -> *mut u64 {
    let context: *mut libc::ucontext_t = context.cast();
    // SAFETY: the caller passes a signal context.
    unsafe { &raw mut (*context).uc_mcontext.__gregs[libc::REG_PC] }
}

fn install_handler() {
    // SAFETY: a zeroed sigaction is valid, the handler is async-signal-safe.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        for signal in [libc::SIGSEGV, libc::SIGBUS] {
            assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
        }
    }
    Memory::trust_fault_handler();
}

fn cut_file() {
    install_handler();
    for mode in MODES {
        for shared in [false, true] {
            let memory = memory(mode);
            let file = memfd(PAGE + 100);
            let place = Placement::FixedNoReplace(AT);
            memory.map_file(place, 4 * PAGE, Prot::RWX, file.as_fd(), 0, shared).unwrap();
            let inside = AT + PAGE + 200;
            memory.store(inside, Type::I64, 1, Order::Plain).unwrap();
            let beyond = AT + 2 * PAGE;
            let denied = |access, size| Fault { addr: beyond, access, size, kind: FaultKind::Permission };
            for ty in [Type::I8, Type::I16, Type::I32, Type::I64, Type::V128] {
                let size = ty.bytes();
                for order in [Order::Plain, Order::SeqCst] {
                    assert_eq!(memory.load(beyond, ty, order), Err(denied(Access::Read, size)));
                    assert_eq!(memory.store(beyond, ty, 0, order), Err(denied(Access::Write, size)));
                }
                let ty = Type::int_of_bytes(size);
                let write = Err(denied(Access::Write, size));
                assert_eq!(memory.cas(beyond, ty, 0, 0, Order::SeqCst), write);
                assert_eq!(memory.rmw(beyond, ty, RmwOp::Add, 0, Order::SeqCst), write);
            }
            // Across the end: the second page has the fault, and nothing is stored.
            let across = memory.load(beyond - 4, Type::I64, Order::Plain).unwrap_err();
            assert_eq!((across.addr, across.kind), (beyond, FaultKind::Permission));
            memory.store(beyond - 4, Type::I64, u64::MAX.into(), Order::Plain).unwrap_err();
            assert_eq!(memory.load(beyond - 4, Type::I32, Order::Plain), Ok(0));
            let mut buf = vec![0; 3 * PAGE as usize];
            let partial = memory.read(AT + 10, &mut buf, Permissions::Honour).unwrap_err();
            assert_eq!((partial.done as u64, partial.fault.addr), (2 * PAGE - 10, beyond));
            let partial = memory.zero(AT + 10, buf.len(), Permissions::Honour).unwrap_err();
            assert_eq!((partial.done as u64, partial.fault.addr), (2 * PAGE - 10, beyond));
            assert_eq!(memory.fetch(beyond - 3, &mut [0; 15]), 3);
            // Cut while it is mapped, and made longer again.
            file.set_len(PAGE).unwrap();
            if shared {
                assert!(memory.load(inside, Type::I64, Order::Plain).is_err());
            }
            file.set_len(4 * PAGE).unwrap();
            assert_eq!(memory.load(beyond, Type::I64, Order::Plain), Ok(0));
        }
    }
    assert_ne!(RECOVERED.load(Ordering::Relaxed), 0);
}

fn racing_unmaps() {
    install_handler();
    let memory = memory(Mode::Direct);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..20_000u64 {
                let addr = AT + round % 8 * PAGE;
                match round / 8 % 4 {
                    0 => memory.unmap(addr, PAGE).unwrap(),
                    1 => memory.map(addr, PAGE, Prot::RW).unwrap(),
                    2 => memory.protect(addr, PAGE, Prot::READ).unwrap(),
                    _ => memory.protect(addr, PAGE, Prot::NONE).unwrap(),
                }
            }
            stop.store(true, Ordering::Relaxed);
        });
        for thread in 0..2u64 {
            let (memory, stop) = (&memory, &stop);
            scope.spawn(move || {
                let (mut good, mut bad, mut at) = (0u64, 0u64, thread);
                while !stop.load(Ordering::Relaxed) {
                    at = (at * 5 + 8) % (8 * PAGE);
                    let ty = [Type::I8, Type::I16, Type::I32, Type::I64, Type::I128][at as usize / 8 % 5];
                    let addr = AT + at;
                    let results = [
                        memory.load(addr, ty, Order::Tso).is_ok(),
                        memory.store(addr, ty, 0, Order::SeqCst).is_ok(),
                        memory.cas(addr & !15, ty, 0, 0, Order::SeqCst).is_ok(),
                    ];
                    for result in results {
                        *if result { &mut good } else { &mut bad } += 1;
                    }
                }
                assert!(good > 0 && bad > 0, "{good} good, {bad} bad");
            });
        }
    });
}

fn address_space_limit() {
    let used = {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmSize:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
    };
    let limit = libc::rlimit { rlim_cur: used + (3 << 30), rlim_max: libc::RLIM_INFINITY };
    // SAFETY: a valid limit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
    let too_large = Options { window: Some(1 << 40), ..Options::default() };
    let refused = Memory::new(Mode::Direct, &too_large).unwrap_err();
    assert!(matches!(refused, Error::Host { call: "mmap", errno: libc::ENOMEM, .. }), "{refused:?}");
    assert!(refused.to_string().contains("Cannot allocate memory"), "{refused}");
    {
        let memory = Memory::new(Mode::Direct, &Options::default()).unwrap();
        assert!(memory.limit() < 2 << 30, "half of the limit is left");
        memory.map(AT, 64 << 20, Prot::RW).unwrap();
        memory.store(AT, Type::I64, 1, Order::Plain).unwrap();
    }
    let memory = Memory::new(Mode::Paged, &Options::default()).unwrap();
    memory.map(AT, 1 << 30, Prot::RWX).unwrap();
    memory.store(AT, Type::I64, 42, Order::Plain).unwrap();
    let watch = memory.watch_code(AT..AT + 8);
    let before = memory.regions();
    for place in [Placement::Fixed(AT), Placement::Anywhere { hint: 0 }] {
        let source = Source::Memory { shared: false };
        let refused = memory.map_at(place, 3 << 30, Prot::RW, source, MapOptions::default()).unwrap_err();
        assert_eq!(refused.errno(), libc::ENOMEM);
    }
    assert_eq!(memory.remap(AT, 1 << 30, 4 << 30, Move::May).unwrap_err().errno(), libc::ENOMEM);
    assert_eq!(memory.regions(), before);
    assert_eq!(memory.load(AT, Type::I64, Order::Plain), Ok(42));
    assert!(memory.is_current(&watch));
    memory.unmap(AT, 1 << 30).unwrap();
    memory.map(AT, 2 << 30, Prot::RW).unwrap();
}

fn out_of_mappings() {
    let most: u64 = std::fs::read_to_string("/proc/sys/vm/max_map_count").unwrap().trim().parse().unwrap();
    if most > 1 << 20 {
        // Too many to use up in a test; the kernel's default is 65,530.
        return;
    }
    let memory = memory(Mode::Direct);
    // Code with writable data around it: each watched page in the middle costs two mappings.
    let code_pages = 64;
    memory.map(AT, code_pages * PAGE, Prot::RWX).unwrap();
    for page in 0..code_pages {
        memory.store(AT + page * PAGE, Type::I64, page.into(), Order::Plain).unwrap();
    }
    let watches: Vec<_> =
        (10..30).map(|page| memory.watch_code(AT + page * PAGE..AT + page * PAGE + 1)).collect();
    assert!(watches.iter().all(|watch| watch.mode() == CodePage::Watched));
    let start = 0x1000_0000;
    memory.map(start, (most + 8) * PAGE, Prot::RW).unwrap();
    let mut page = 1;
    let refused = loop {
        match memory.protect(start + page * PAGE, PAGE, Prot::READ) {
            Ok(()) => page += 2,
            Err(error) => break error,
        }
        assert!(page < most + 8, "the host never refused");
    };
    assert_eq!(refused, Error::Host { call: "mprotect", len: PAGE, errno: libc::ENOMEM });
    // Use up what is left by single pages.
    let mut rest = 0x8000_0000;
    while memory.map(rest, PAGE, if (rest / PAGE).is_multiple_of(2) { Prot::READ } else { Prot::RW }).is_ok()
    {
        rest += PAGE;
    }
    let before = memory.regions();
    let refused = memory.map(0x9000_0000, PAGE, Prot::RW).unwrap_err();
    assert_eq!(refused.errno(), libc::ENOMEM);
    assert_eq!(memory.unmap(start + page * PAGE, PAGE).map_err(|error| error.errno()), Err(libc::ENOMEM));
    assert_eq!(memory.regions(), before);
    // New code pages do without protection, watched ones in the middle of others can be written all the same.
    let unprotected = memory.watch_code(AT + 40 * PAGE..AT + 40 * PAGE + 1);
    assert_eq!(unprotected.mode(), CodePage::SelfChecking);
    memory.store(AT + 20 * PAGE, Type::I64, 7, Order::Plain).unwrap();
    assert_eq!(memory.load(AT + 20 * PAGE, Type::I64, Order::Plain), Ok(7));
    assert!(!memory.is_current(&watches[10]));
    for page in (0..code_pages).filter(|page| *page != 20) {
        assert_eq!(memory.load(AT + page * PAGE, Type::I64, Order::Plain), Ok(page.into()));
    }
    memory.unmap(start, (most + 8) * PAGE).unwrap();
    memory.map(0x9000_0000, PAGE, Prot::RW).unwrap();
}

fn fork() {
    for mode in MODES {
        let memory = memory(mode);
        let rw = Prot::RW;
        memory.map(AT, PAGE, rw).unwrap();
        let shared = Source::Memory { shared: true };
        memory.map_at(Placement::Fixed(0x20_0000), PAGE, rw, shared, MapOptions::default()).unwrap();
        let file = memfd(PAGE);
        memory.map_file(Placement::Fixed(0x30_0000), PAGE, rw, file.as_fd(), 0, true).unwrap();
        memory.map_file(Placement::Fixed(0x40_0000), PAGE, rw, file.as_fd(), 0, false).unwrap();
        let places = [AT, 0x20_0000, 0x30_0000, 0x40_0000];
        let store = |value| {
            for at in places {
                memory.store(at, Type::I64, value, Order::Plain).unwrap();
            }
        };
        let loaded = || places.map(|at| memory.load(at, Type::I64, Order::Plain).unwrap());
        store(1);
        let quiet = memory.quiesce();
        // SAFETY: this process has one thread.
        let child = unsafe { libc::fork() };
        drop(quiet);
        if child == 0 {
            store(2);
            // The child's locks are free, and its mappings are its own.
            let fine =
                loaded() == [2; 4] && memory.unmap(AT, PAGE).is_ok() && memory.map(AT, PAGE, rw).is_ok();
            // SAFETY: ends the child without running the parent's destructors.
            unsafe { libc::_exit(i32::from(!fine)) };
        }
        let mut status = 0;
        // SAFETY: the child of this process.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
        assert_eq!(loaded(), [1, 2, 2, 1], "{mode:?}");
    }
}

fn foreign_faults() {
    assert_eq!(recover(0), None);
    assert_eq!(recover(usize::MAX), None);
    assert_eq!(recover(foreign_faults as *const () as usize), None);
}
