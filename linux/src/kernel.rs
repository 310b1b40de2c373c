//! The host kernel: the only module of this crate with `unsafe`, and the only one that makes system calls.
//!
//! Callers hand over integers, byte slices and C strings; what is a pointer here was a reference there, with its own
//! length beside it. Calls that may block go through [`Gate::enter`], a few instructions of assembly that look at the
//! interrupt word and enter the kernel within a known range of code: a signal handler that finds the thread in that
//! range moves it to the exit that reports [`Entered::Interrupted`], so that no wake-up is lost between the look and
//! the entry.
#![allow(unsafe_code, reason = "the host's system calls are made here and nowhere else")]

use crate::errno::{EINTR, EINVAL, Errno};
use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a system call returned.
pub type Result<T> = std::result::Result<T, Errno>;

/// Calls whose arguments are integers only, so that no value of them can touch xlat's memory.
#[allow(missing_docs, reason = "named as the kernel names them")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Integers {
    Close,
    CloseRange,
    Dup,
    Dup3,
    Lseek,
    Fsync,
    Fdatasync,
    SyncFileRange,
    Sync,
    Syncfs,
    Ftruncate,
    Fallocate,
    Fadvise,
    Readahead,
    Fchmod,
    Fchown,
    Fchdir,
    Flock,
    Umask,
    Getpid,
    Getppid,
    Getpgid,
    Setpgid,
    Getsid,
    Setsid,
    Getuid,
    Geteuid,
    Getgid,
    Getegid,
    Kill,
    Tgkill,
    SchedYield,
    SchedGetscheduler,
    SchedPriorityMax,
    SchedPriorityMin,
    Getpriority,
    Setpriority,
    EpollCreate,
    Eventfd,
    IoctlInteger,
    FcntlInteger,
}

impl Integers {
    const fn number(self) -> libc::c_long {
        match self {
            Integers::Close => libc::SYS_close,
            Integers::CloseRange => libc::SYS_close_range,
            Integers::Dup => libc::SYS_dup,
            Integers::Dup3 => libc::SYS_dup3,
            Integers::Lseek => libc::SYS_lseek,
            Integers::Fsync => libc::SYS_fsync,
            Integers::Fdatasync => libc::SYS_fdatasync,
            Integers::SyncFileRange => libc::SYS_sync_file_range,
            Integers::Sync => libc::SYS_sync,
            Integers::Syncfs => libc::SYS_syncfs,
            Integers::Ftruncate => libc::SYS_ftruncate,
            Integers::Fallocate => libc::SYS_fallocate,
            Integers::Fadvise => libc::SYS_fadvise64,
            Integers::Readahead => libc::SYS_readahead,
            Integers::Fchmod => libc::SYS_fchmod,
            Integers::Fchown => libc::SYS_fchown,
            Integers::Fchdir => libc::SYS_fchdir,
            Integers::Flock => libc::SYS_flock,
            Integers::Umask => libc::SYS_umask,
            Integers::Getpid => libc::SYS_getpid,
            Integers::Getppid => libc::SYS_getppid,
            Integers::Getpgid => libc::SYS_getpgid,
            Integers::Setpgid => libc::SYS_setpgid,
            Integers::Getsid => libc::SYS_getsid,
            Integers::Setsid => libc::SYS_setsid,
            Integers::Getuid => libc::SYS_getuid,
            Integers::Geteuid => libc::SYS_geteuid,
            Integers::Getgid => libc::SYS_getgid,
            Integers::Getegid => libc::SYS_getegid,
            Integers::Kill => libc::SYS_kill,
            Integers::Tgkill => libc::SYS_tgkill,
            Integers::SchedYield => libc::SYS_sched_yield,
            Integers::SchedGetscheduler => libc::SYS_sched_getscheduler,
            Integers::SchedPriorityMax => libc::SYS_sched_get_priority_max,
            Integers::SchedPriorityMin => libc::SYS_sched_get_priority_min,
            Integers::Getpriority => libc::SYS_getpriority,
            Integers::Setpriority => libc::SYS_setpriority,
            Integers::EpollCreate => libc::SYS_epoll_create1,
            Integers::Eventfd => libc::SYS_eventfd2,
            Integers::IoctlInteger => libc::SYS_ioctl,
            Integers::FcntlInteger => libc::SYS_fcntl,
        }
    }
}

/// Calls on one path: directory descriptor, path, then integers.
#[allow(missing_docs, reason = "named as the kernel names them")]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnPath {
    Mkdirat,
    Unlinkat,
    Mknodat,
    Fchmodat,
    Fchownat,
    Faccessat,
    Faccessat2,
}

impl OnPath {
    const fn number(self) -> libc::c_long {
        match self {
            OnPath::Mkdirat => libc::SYS_mkdirat,
            OnPath::Unlinkat => libc::SYS_unlinkat,
            OnPath::Mknodat => libc::SYS_mknodat,
            OnPath::Fchmodat => libc::SYS_fchmodat,
            OnPath::Fchownat => libc::SYS_fchownat,
            OnPath::Faccessat => libc::SYS_faccessat,
            OnPath::Faccessat2 => libc::SYS_faccessat2,
        }
    }
}

/// A word of a system call: an integer, or the address of something borrowed for the length of the call.
trait Word {
    fn word(self) -> libc::c_long;
}

macro_rules! integer_words {
    ($($ty:ty)*) => { $(impl Word for $ty { fn word(self) -> libc::c_long { self as libc::c_long } })* };
}
integer_words!(i32 u32 i64 u64 usize);

impl Word for &CStr {
    fn word(self) -> libc::c_long {
        self.as_ptr() as libc::c_long
    }
}

impl Word for &[u8] {
    fn word(self) -> libc::c_long {
        self.as_ptr() as libc::c_long
    }
}

impl Word for &mut [u8] {
    fn word(self) -> libc::c_long {
        self.as_mut_ptr() as libc::c_long
    }
}

impl<T: Word> Word for Option<T> {
    fn word(self) -> libc::c_long {
        self.map_or(0, Word::word)
    }
}

fn checked(value: libc::c_long) -> Result<u64> {
    if value == -1 { Err(Errno::last()) } else { Ok(value as u64) }
}

/// A call that does not block (or not for long), its operands turned into words.
macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {
        // SAFETY: operands are integers and addresses of borrowed bytes (`Word`); each function below passes with every
        // address a length within the borrow, or the borrow is as long as the structure that the kernel uses.
        checked(unsafe { libc::syscall(libc::$number $(, Word::word($argument))*) })
    };
}

/// A call through the gate.
macro_rules! enter {
    ($gate:expr, $number:ident $(, $argument:expr)*) => {{
        let mut words = [0; 6];
        let given = [$(Word::word($argument)),*];
        words[..given.len()].copy_from_slice(&given);
        // SAFETY: as in `call`.
        unsafe { $gate.enter(libc::$number, words) }
    }};
}

/// Makes a call that takes integers only.
///
/// # Errors
/// Those of the call. `IoctlInteger` and `FcntlInteger` refuse requests that are not known to take an integer.
pub fn integers(call: Integers, words: [u64; 6]) -> Result<u64> {
    let known = match call {
        Integers::IoctlInteger => matches!(words[1], libc::FIOCLEX | libc::FIONCLEX),
        Integers::FcntlInteger => matches!(
            words[1] as i32,
            libc::F_DUPFD
                | libc::F_DUPFD_CLOEXEC
                | libc::F_GETFD
                | libc::F_SETFD
                | libc::F_GETFL
                | libc::F_SETFL
                | libc::F_GETPIPE_SZ
                | libc::F_SETPIPE_SZ
                | libc::F_GETOWN
                | libc::F_SETOWN
                | libc::F_GET_SEALS
                | libc::F_ADD_SEALS
                | libc::F_GETLEASE
                | libc::F_SETLEASE
        ),
        _ => true,
    };
    if !known {
        return Err(EINVAL);
    }
    let [a, b, c, d, e, f] = words.map(|word| word as libc::c_long);
    // SAFETY: no call of the enumeration takes an address, given the check above.
    checked(unsafe { libc::syscall(call.number(), a, b, c, d, e, f) })
}

/// Makes a call on a path.
///
/// # Errors
/// Those of the call.
pub fn on_path(call: OnPath, directory: i32, path: &CStr, words: [u64; 3]) -> Result<u64> {
    let [a, b, c] = words.map(|word| word as libc::c_long);
    // SAFETY: the path is a C string borrowed for the call; the other operands are integers.
    checked(unsafe { libc::syscall(call.number(), directory.word(), path.word(), a, b, c) })
}

/// How a call through the gate ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entered {
    /// The kernel's answer.
    Returned(Result<u64>),
    /// The interrupt word was set: the call was not made, or was left before it had any effect.
    Interrupted,
}

/// The way into the kernel for calls that may block.
#[derive(Clone, Copy, Debug)]
pub struct Gate<'a> {
    /// The word that tells the thread to come out: with [`STOP`] set, calls are not entered.
    pub word: &'a AtomicU32,
}

/// The bit of the interrupt word that the gate looks at (the assembly below knows it as 1); the others concern
/// translated code only.
pub const STOP: u32 = 1;
const _: () = assert!(STOP == translator::run::state::interrupt::STOP);

/// The stub's answer when the word was set; a number that the kernel never returns to a program (ERESTARTSYS).
const INTERRUPTED: i64 = -512;

unsafe extern "C" {
    fn xlat_gate_enter(word: *const AtomicU32, number: i64, words: *const i64) -> i64;
    // Labels within the function above: the look at the word, and the instruction behind the entry.
    static xlat_gate_check: u8;
    static xlat_gate_done: u8;
    static xlat_gate_leave: u8;
}

#[cfg(target_arch = "x86_64")]
std::arch::global_asm!(
    ".pushsection .text.xlat_gate,\"ax\",@progbits",
    ".hidden xlat_gate_enter, xlat_gate_check, xlat_gate_done, xlat_gate_leave",
    ".globl xlat_gate_enter",
    ".globl xlat_gate_check",
    ".globl xlat_gate_done",
    ".globl xlat_gate_leave",
    ".type xlat_gate_enter,@function",
    "xlat_gate_enter:",
    "mov rcx, rdi",
    "mov rax, rsi",
    "mov r11, rdx",
    "mov rdi, [r11]",
    "mov rsi, [r11 + 8]",
    "mov rdx, [r11 + 16]",
    "mov r10, [r11 + 24]",
    "mov r8, [r11 + 32]",
    "mov r9, [r11 + 40]",
    "xlat_gate_check:",
    "test dword ptr [rcx], 1",
    "jne xlat_gate_leave",
    "syscall",
    "xlat_gate_done:",
    "ret",
    "xlat_gate_leave:",
    "mov rax, -512",
    "ret",
    ".size xlat_gate_enter, . - xlat_gate_enter",
    ".popsection",
);

#[cfg(target_arch = "aarch64")]
std::arch::global_asm!(
    ".pushsection .text.xlat_gate,\"ax\",@progbits",
    ".hidden xlat_gate_enter, xlat_gate_check, xlat_gate_done, xlat_gate_leave",
    ".globl xlat_gate_enter",
    ".globl xlat_gate_check",
    ".globl xlat_gate_done",
    ".globl xlat_gate_leave",
    ".type xlat_gate_enter,@function",
    "xlat_gate_enter:",
    "mov x9, x0",
    "mov x8, x1",
    "mov x10, x2",
    "ldp x0, x1, [x10]",
    "ldp x2, x3, [x10, #16]",
    "ldp x4, x5, [x10, #32]",
    "xlat_gate_check:",
    "ldr w10, [x9]",
    "tbnz w10, #0, xlat_gate_leave",
    "svc #0",
    "xlat_gate_done:",
    "ret",
    "xlat_gate_leave:",
    "mov x0, #-512",
    "ret",
    ".size xlat_gate_enter, . - xlat_gate_enter",
    ".popsection",
);

#[cfg(target_arch = "riscv64")]
std::arch::global_asm!(
    ".pushsection .text.xlat_gate,\"ax\",@progbits",
    ".hidden xlat_gate_enter, xlat_gate_check, xlat_gate_done, xlat_gate_leave",
    ".globl xlat_gate_enter",
    ".globl xlat_gate_check",
    ".globl xlat_gate_done",
    ".globl xlat_gate_leave",
    ".type xlat_gate_enter,@function",
    "xlat_gate_enter:",
    "mv t0, a0",
    "mv a7, a1",
    "mv t1, a2",
    "ld a0, 0(t1)",
    "ld a1, 8(t1)",
    "ld a2, 16(t1)",
    "ld a3, 24(t1)",
    "ld a4, 32(t1)",
    "ld a5, 40(t1)",
    "xlat_gate_check:",
    "lw t1, 0(t0)",
    "andi t1, t1, 1",
    "bnez t1, xlat_gate_leave",
    "ecall",
    "xlat_gate_done:",
    "ret",
    "xlat_gate_leave:",
    "li a0, -512",
    "ret",
    ".size xlat_gate_enter, . - xlat_gate_enter",
    ".popsection",
);

impl Gate<'_> {
    /// Enters the kernel unless the word is set.
    ///
    /// # Safety
    /// As for the call itself: addresses among `words` must be good for what the kernel does with them.
    unsafe fn enter(self, number: libc::c_long, words: [libc::c_long; 6]) -> Entered {
        // SAFETY: the stub reads the word and the six operands, which live across the call; the caller answers for the
        // operands.
        match unsafe { xlat_gate_enter(self.word, number, words.as_ptr()) } {
            INTERRUPTED => Entered::Interrupted,
            // A handler that was not ours ran before we could leave; the word decides what that means.
            value if value == EINTR.reply() as i64 && self.word.load(Ordering::Relaxed) & STOP != 0 => {
                Entered::Interrupted
            }
            value if (-4095..0).contains(&value) => Entered::Returned(Err(Errno(-value as i32))),
            value => Entered::Returned(Ok(value as u64)),
        }
    }
}

/// Where a thread stopped at host address `pc` by a signal must go on so that it leaves the gate without having made its
/// call; `None` if it is not in the gate. Async-signal-safe.
fn leave_gate(pc: usize) -> Option<usize> {
    let (check, done, leave) =
        (&raw const xlat_gate_check, &raw const xlat_gate_done, &raw const xlat_gate_leave);
    // The kernel backs up to the system call instruction when it is going to restart the call, so that this is in range.
    (check.addr()..done.addr()).contains(&pc).then(|| leave.addr())
}

/// The signal that brings a thread out of the gate: the last but one of the real-time signals.
pub const WAKE: i32 = 63;

/// Installs the handler of [`WAKE`]; the first call counts.
pub fn install_wake_handler() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: all zero is a valid `sigaction`; the handler is async-signal-safe and has the signature that
        // SA_SIGINFO asks for.
        unsafe {
            let action = action.assume_init_mut();
            action.sa_sigaction = wake_handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | libc::SA_ONSTACK;
            libc::sigaction(WAKE, action, std::ptr::null_mut());
        }
    });
}

/// Moves a thread that is in the gate to its exit. Elsewhere it does nothing: the interrupt word is set, and is looked at
/// before the gate is entered.
extern "C" fn wake_handler(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel hands the handler the context of the interrupted thread, which it may change.
    let machine = unsafe { &mut (*context.cast::<libc::ucontext_t>()).uc_mcontext };
    #[cfg(target_arch = "x86_64")]
    let pc = &mut machine.gregs[libc::REG_RIP as usize];
    #[cfg(target_arch = "aarch64")]
    let pc = &mut machine.pc;
    #[cfg(target_arch = "riscv64")]
    let pc = &mut machine.__gregs[libc::REG_PC];
    if let Some(leave) = leave_gate(*pc as usize) {
        *pc = leave as _;
    }
}

/// The calling host thread, for [`wake`].
pub fn host_thread() -> i32 {
    // SAFETY: the call has no operands and does not fail.
    unsafe { libc::syscall(libc::SYS_gettid) as i32 }
}

/// Sends [`WAKE`] to a thread of this process; a thread that is gone is no error. Async-signal-safe.
pub fn wake(thread: i32) {
    let _ = integers(Integers::Tgkill, [std::process::id().into(), thread as u64, WAKE as u64, 0, 0, 0]);
}

/// `read`, `pread64` (with an offset) into `buffer`.
pub fn read(gate: Gate<'_>, fd: i32, buffer: &mut [u8], offset: Option<u64>) -> Entered {
    let length = buffer.len();
    match offset {
        None => enter!(gate, SYS_read, fd, buffer, length),
        Some(offset) => enter!(gate, SYS_pread64, fd, buffer, length, offset),
    }
}

/// `write`, `pwrite64` (with an offset) of `buffer`.
pub fn write(gate: Gate<'_>, fd: i32, buffer: &[u8], offset: Option<u64>) -> Entered {
    match offset {
        None => enter!(gate, SYS_write, fd, buffer, buffer.len()),
        Some(offset) => enter!(gate, SYS_pwrite64, fd, buffer, buffer.len(), offset),
    }
}

/// What the kernel says to a read or write of `length` bytes at an address that is not accessible: usually `EFAULT`, but
/// a wrong descriptor, the end of a file or `/dev/null` come first.
pub fn transfer_nothing(gate: Gate<'_>, fd: i32, length: u64, write: bool, offset: Option<u64>) -> Entered {
    // Address 0 is never mapped, so that no byte can be transferred.
    match (write, offset) {
        (false, None) => enter!(gate, SYS_read, fd, 0, length),
        (true, None) => enter!(gate, SYS_write, fd, 0, length),
        (false, Some(offset)) => enter!(gate, SYS_pread64, fd, 0, length, offset),
        (true, Some(offset)) => enter!(gate, SYS_pwrite64, fd, 0, length, offset),
    }
}

/// `openat`, flags in the host's numbers.
pub fn openat(gate: Gate<'_>, directory: i32, path: &CStr, flags: i32, mode: u32) -> Entered {
    enter!(gate, SYS_openat, directory, path, flags, mode)
}

/// `flock` and the blocking `fcntl` locks; `lock` is a `struct flock`.
pub fn fcntl_lock(gate: Gate<'_>, fd: i32, command: i32, lock: &mut [u8; 32]) -> Entered {
    if !matches!(
        command,
        libc::F_GETLK
            | libc::F_SETLK
            | libc::F_SETLKW
            | libc::F_OFD_GETLK
            | libc::F_OFD_SETLK
            | libc::F_OFD_SETLKW
    ) {
        return Entered::Returned(Err(EINVAL));
    }
    enter!(gate, SYS_fcntl, fd, command, lock.as_mut_slice())
}

/// `clock_nanosleep` until an absolute time (16 bytes, a `timespec`).
pub fn sleep_until(gate: Gate<'_>, clock: i32, until: &[u8; 16]) -> Entered {
    enter!(gate, SYS_clock_nanosleep, clock, libc::TIMER_ABSTIME, until.as_slice(), 0)
}

/// `ppoll` over `struct pollfd`s of 8 bytes each, with a `timespec`.
pub fn ppoll(gate: Gate<'_>, polled: &mut [u8], timeout: Option<&[u8; 16]>) -> Entered {
    // The kernel writes the time that is left into the timeout.
    let mut left = timeout.copied();
    let count = polled.len() / 8;
    enter!(gate, SYS_ppoll, polled, count, left.as_mut().map(|time| time.as_mut_slice()), 0, 8)
}

/// A duplicate of a descriptor of the guest, for the time of a call that needs the file.
///
/// # Errors
/// Those of `dup`.
pub fn duplicate(fd: i32) -> Result<OwnedFd> {
    let copy = integers(Integers::FcntlInteger, [fd as u64, libc::F_DUPFD_CLOEXEC as u64, 64, 0, 0, 0])?;
    // SAFETY: the descriptor was made just now and belongs to nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(copy as i32) })
}

/// `pselect6` over the sets of the first `count` descriptors; each set has a bit for each, in whole 8-byte words. The
/// kernel writes the time that is left into `timeout`.
///
/// # Panics
/// A set is too short.
pub fn pselect(
    gate: Gate<'_>,
    count: usize,
    sets: &mut [Option<Vec<u8>>; 3],
    timeout: Option<&mut [u8; 16]>,
) -> Entered {
    assert!(sets.iter().flatten().all(|set| set.len() >= count.div_ceil(64) * 8));
    let [read, write, except] = sets.each_mut().map(|set| set.as_deref_mut());
    enter!(gate, SYS_pselect6, count, read, write, except, timeout.map(|time| time.as_mut_slice()), 0)
}

/// `epoll_pwait`; `events` are `struct epoll_event`s of the host.
pub fn epoll_wait(gate: Gate<'_>, fd: i32, events: &mut [libc::epoll_event], timeout: i32) -> Entered {
    let words = [fd.word(), events.as_mut_ptr() as libc::c_long, events.len().word(), timeout.word(), 0, 8];
    // SAFETY: the kernel writes at most `events.len()` events.
    unsafe { gate.enter(libc::SYS_epoll_pwait, words) }
}

/// `epoll_ctl`.
///
/// # Errors
/// Those of the call.
pub fn epoll_ctl(epoll: i32, operation: i32, fd: i32, event: Option<libc::epoll_event>) -> Result<u64> {
    let event = event.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: the event is null or lives across the call.
    checked(unsafe { libc::syscall(libc::SYS_epoll_ctl, epoll, operation, fd, event) })
}

/// `statx` with the flags given; an empty path with `AT_EMPTY_PATH` is the descriptor itself.
///
/// # Errors
/// Those of the call.
pub fn statx(directory: i32, path: &CStr, flags: i32, mask: u32) -> Result<libc::statx> {
    let mut status = MaybeUninit::<libc::statx>::zeroed();
    // SAFETY: `status` is a `struct statx`.
    checked(unsafe {
        libc::syscall(libc::SYS_statx, directory, path.as_ptr(), flags, mask, status.as_mut_ptr())
    })?;
    // SAFETY: all zero is a valid value, and the kernel has filled it.
    Ok(unsafe { status.assume_init() })
}

/// The bytes of a `struct statx`, which has one layout everywhere.
pub fn statx_bytes(status: &libc::statx) -> &[u8] {
    // SAFETY: the structure has no implicit padding (its reserved fields are spelled out) and was zeroed before it was
    // filled.
    unsafe { std::slice::from_raw_parts(std::ptr::from_ref(status).cast(), size_of::<libc::statx>()) }
}

/// Size of `struct statfs` on 64-bit machines.
pub const STATFS_SIZE: usize = 120;

/// `statfs` or, without a path, `fstatfs`: the structure has one layout on the three machines.
///
/// # Errors
/// Those of the call.
pub fn statfs(path: Option<&CStr>, fd: i32, out: &mut [u8; STATFS_SIZE]) -> Result<u64> {
    match path {
        Some(path) => call!(SYS_statfs, path, out.as_mut_slice()),
        None => call!(SYS_fstatfs, fd, out.as_mut_slice()),
    }
}

/// `renameat2`.
///
/// # Errors
/// Those of the call.
pub fn renameat2(from: (i32, &CStr), to: (i32, &CStr), flags: u32) -> Result<u64> {
    call!(SYS_renameat2, from.0, from.1, to.0, to.1, flags)
}

/// `linkat`.
///
/// # Errors
/// Those of the call.
pub fn linkat(from: (i32, &CStr), to: (i32, &CStr), flags: i32) -> Result<u64> {
    call!(SYS_linkat, from.0, from.1, to.0, to.1, flags)
}

/// `symlinkat`.
///
/// # Errors
/// Those of the call.
pub fn symlinkat(target: &CStr, directory: i32, path: &CStr) -> Result<u64> {
    call!(SYS_symlinkat, target, directory, path)
}

/// `readlinkat`.
///
/// # Errors
/// Those of the call.
pub fn readlinkat(directory: i32, path: &CStr, out: &mut [u8]) -> Result<usize> {
    let length = out.len();
    call!(SYS_readlinkat, directory, path, out, length).map(|count| count as usize)
}

/// `utimensat`; `times` is two `timespec`s.
///
/// # Errors
/// Those of the call.
pub fn utimensat(directory: i32, path: Option<&CStr>, times: Option<&[u8; 32]>, flags: i32) -> Result<u64> {
    call!(SYS_utimensat, directory, path, times.map(|times| times.as_slice()), flags)
}

/// `truncate`.
///
/// # Errors
/// Those of the call.
pub fn truncate(path: &CStr, length: u64) -> Result<u64> {
    call!(SYS_truncate, path, length)
}

/// `chdir`.
///
/// # Errors
/// Those of the call.
pub fn chdir(path: &CStr) -> Result<u64> {
    call!(SYS_chdir, path)
}

/// `getcwd`: the number of bytes with the final zero.
///
/// # Errors
/// Those of the call.
pub fn getcwd(out: &mut [u8]) -> Result<usize> {
    let length = out.len();
    call!(SYS_getcwd, out, length).map(|count| count as usize)
}

/// `getdents64`: the records have one layout everywhere.
///
/// # Errors
/// Those of the call.
pub fn getdents64(fd: i32, out: &mut [u8]) -> Result<usize> {
    let length = out.len();
    call!(SYS_getdents64, fd, out, length).map(|count| count as usize)
}

/// `pipe2`.
///
/// # Errors
/// Those of the call.
pub fn pipe2(flags: i32) -> Result<[u8; 8]> {
    let mut ends = [0; 8];
    call!(SYS_pipe2, ends.as_mut_slice(), flags).map(|_| ends)
}

/// `memfd_create`.
///
/// # Errors
/// Those of the call.
pub fn memfd_create(name: &CStr, flags: u32) -> Result<u64> {
    call!(SYS_memfd_create, name, flags)
}

/// An `ioctl` whose argument is a structure that the kernel fills, of `out.len()` bytes.
///
/// # Errors
/// Those of the call; `EINVAL` for a structure shorter than the request's.
pub fn ioctl_out(fd: i32, request: u64, out: &mut [u8]) -> Result<u64> {
    if ioctl_size(request).is_none_or(|size| out.len() < size) {
        return Err(EINVAL);
    }
    call!(SYS_ioctl, fd, request, out)
}

/// An `ioctl` whose argument is a structure that the kernel reads.
///
/// # Errors
/// Those of the call; `EINVAL` for a structure shorter than the request's.
pub fn ioctl_in(fd: i32, request: u64, value: &[u8]) -> Result<u64> {
    if ioctl_size(request).is_none_or(|size| value.len() < size) {
        return Err(EINVAL);
    }
    call!(SYS_ioctl, fd, request, value)
}

/// Size of the structure of the requests that are passed on; `None` for others.
pub fn ioctl_size(request: u64) -> Option<usize> {
    Some(match request {
        // The kernel's `struct termios`, not libc's.
        libc::TCGETS | libc::TCSETS | libc::TCSETSW | libc::TCSETSF => 36,
        libc::TIOCGWINSZ | libc::TIOCSWINSZ => 8,
        libc::FIONREAD
        | libc::FIONBIO
        | libc::TIOCGPGRP
        | libc::TIOCSPGRP
        | libc::TIOCOUTQ
        | libc::TIOCGSID => 4,
        _ => return None,
    })
}

/// `clock_gettime` or `clock_getres`: a `timespec`.
///
/// # Errors
/// Those of the call.
pub fn clock(clock: i32, resolution: bool) -> Result<[u8; 16]> {
    let mut time = [0; 16];
    let out = time.as_mut_slice();
    if resolution { call!(SYS_clock_getres, clock, out) } else { call!(SYS_clock_gettime, clock, out) }?;
    Ok(time)
}

/// `gettimeofday`: a `timeval` and the time zone (two `int`s).
///
/// # Errors
/// Those of the call.
pub fn gettimeofday() -> Result<([u8; 16], [u8; 8])> {
    let (mut time, mut zone) = ([0; 16], [0; 8]);
    call!(SYS_gettimeofday, time.as_mut_slice(), zone.as_mut_slice())?;
    Ok((time, zone))
}

/// `times`: the ticks and a `struct tms`.
///
/// # Errors
/// Those of the call.
pub fn times() -> Result<(u64, [u8; 32])> {
    let mut spent = [0; 32];
    let ticks = call!(SYS_times, spent.as_mut_slice())?;
    Ok((ticks, spent))
}

/// `setitimer` (with a new value) or `getitimer`: the old `struct itimerval`.
///
/// # Errors
/// Those of the call.
pub fn itimer(which: i32, new: Option<&[u8; 32]>) -> Result<[u8; 32]> {
    let mut old = [0; 32];
    match new {
        Some(new) => call!(SYS_setitimer, which, new.as_slice(), old.as_mut_slice()),
        None => call!(SYS_getitimer, which, old.as_mut_slice()),
    }?;
    Ok(old)
}

/// `getrusage`: a `struct rusage`.
///
/// # Errors
/// Those of the call.
pub fn getrusage(who: i32) -> Result<[u8; 144]> {
    let mut usage = [0; 144];
    call!(SYS_getrusage, who, usage.as_mut_slice()).map(|_| usage)
}

/// `sysinfo`: a `struct sysinfo`.
///
/// # Errors
/// Those of the call.
pub fn sysinfo() -> Result<[u8; 112]> {
    let mut info = [0; 112];
    call!(SYS_sysinfo, info.as_mut_slice()).map(|_| info)
}

/// `uname`: six fields of 65 bytes.
///
/// # Errors
/// Those of the call.
pub fn uname() -> Result<[u8; 390]> {
    let mut names = [0; 390];
    call!(SYS_uname, names.as_mut_slice()).map(|_| names)
}

/// `getrandom`.
///
/// # Errors
/// Those of the call.
pub fn getrandom(out: &mut [u8], flags: u32) -> Result<usize> {
    let length = out.len();
    call!(SYS_getrandom, out, length, flags).map(|count| count as usize)
}

/// `prlimit64` of process `pid`: the old limit (soft, hard), after setting a new one if there is one.
///
/// # Errors
/// Those of the call.
pub fn prlimit(pid: i32, resource: u32, new: Option<[u64; 2]>) -> Result<[u64; 2]> {
    let new = new.map(|limit| to_bytes(&limit));
    let mut old = [0; 16];
    call!(SYS_prlimit64, pid, resource, new.as_ref().map(|n| n.as_slice()), old.as_mut_slice())?;
    Ok([from_bytes(&old, 0), from_bytes(&old, 1)])
}

/// `sched_getaffinity`: the number of bytes filled.
///
/// # Errors
/// Those of the call.
pub fn sched_getaffinity(pid: i32, out: &mut [u8]) -> Result<usize> {
    let length = out.len();
    call!(SYS_sched_getaffinity, pid, length, out).map(|count| count as usize)
}

/// The process id.
pub fn process_id() -> i32 {
    std::process::id() as i32
}

/// User, effective user, group and effective group.
pub fn user_ids() -> [u32; 4] {
    // These calls do not fail.
    [Integers::Getuid, Integers::Geteuid, Integers::Getgid, Integers::Getegid]
        .map(|call| integers(call, [0; 6]).unwrap_or(0) as u32)
}

/// Stops the host process, as a stop signal stops the guest, until it is continued.
pub fn stop_by(signal: i32) {
    let _ = integers(Integers::Kill, [std::process::id().into(), signal as u64, 0, 0, 0, 0]);
}

/// `getgroups`: group numbers of four bytes each.
///
/// # Errors
/// Those of the call.
pub fn getgroups(out: &mut [u8]) -> Result<u64> {
    let count = out.len() / 4;
    call!(SYS_getgroups, count, out)
}

/// What the host process does with a signal when it starts a guest.
pub fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null new action asks; all zero is a valid `sigaction`.
    let (result, action) =
        unsafe { (libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()), action.assume_init()) };
    result == 0 && action.sa_sigaction == libc::SIG_IGN
}

/// Makes the host process ignore a signal or die of it, as the guest asks, so that signals from other processes do what
/// they do to a native program.
pub fn set_ignored(signal: i32, ignored: bool) {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: all zero is a valid `sigaction`; a disposition without handler runs no code of ours. Signals that the
    // engine handles are left alone by the caller.
    unsafe {
        (*action.as_mut_ptr()).sa_sigaction = if ignored { libc::SIG_IGN } else { libc::SIG_DFL };
        libc::sigaction(signal, action.as_ptr(), std::ptr::null_mut());
    }
}

/// Sets the host thread's signal mask to the signals of `mask` (bit `n - 1` for signal `n`).
pub fn set_signal_mask(mask: u64) {
    let mask = mask.to_ne_bytes();
    // A kernel's signal set is 8 bytes; errors are impossible with a good address and size.
    let _ = call!(SYS_rt_sigprocmask, libc::SIG_SETMASK, mask.as_slice(), 0, 8);
}

/// Ends the host process by `signal`, as the guest ended; does not return.
pub fn die_by(signal: i32) -> ! {
    // A core file of xlat says nothing about the guest.
    if let Ok([_, hard]) = prlimit(0, libc::RLIMIT_CORE, None) {
        let _ = prlimit(0, libc::RLIMIT_CORE, Some([0, hard]));
    }
    set_ignored(signal, false);
    set_signal_mask(0);
    let _ = integers(Integers::Getpid, [0; 6])
        .and_then(|pid| integers(Integers::Kill, [pid, signal as u64, 0, 0, 0, 0]));
    // Only reached if the signal's default is not to end the process.
    std::process::exit(128 + signal)
}

fn to_bytes(words: &[u64; 2]) -> [u8; 16] {
    std::array::from_fn(|i| words[i / 8].to_ne_bytes()[i % 8])
}

fn from_bytes(bytes: &[u8; 16], word: usize) -> u64 {
    u64::from_ne_bytes(std::array::from_fn(|i| bytes[word * 8 + i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_word_keeps_the_gate_shut() {
        let word = AtomicU32::new(0);
        let gate = Gate { word: &word };
        let zero = c"/dev/zero";
        let Entered::Returned(Ok(fd)) = openat(gate, libc::AT_FDCWD, zero, libc::O_RDONLY, 0) else {
            panic!()
        };
        let mut byte = [1];
        assert_eq!(read(gate, fd as i32, &mut byte, None), Entered::Returned(Ok(1)));
        assert_eq!(byte, [0]);
        word.store(STOP, Ordering::Relaxed);
        assert_eq!(read(gate, fd as i32, &mut byte, None), Entered::Interrupted);
        assert_eq!(integers(Integers::Close, [fd, 0, 0, 0, 0, 0]), Ok(0));
    }

    #[test]
    fn transfers_at_bad_addresses_fail_as_the_kernel_says() {
        let word = AtomicU32::new(0);
        let gate = Gate { word: &word };
        assert_eq!(transfer_nothing(gate, -1, 4, true, None), Entered::Returned(Err(crate::errno::EBADF)));
        let Entered::Returned(Ok(fd)) = openat(gate, libc::AT_FDCWD, c"/dev/zero", libc::O_RDONLY, 0) else {
            panic!()
        };
        assert_eq!(
            transfer_nothing(gate, fd as i32, 4, false, None),
            Entered::Returned(Err(crate::errno::EFAULT))
        );
        assert_eq!(integers(Integers::Close, [fd, 0, 0, 0, 0, 0]), Ok(0));
    }

    #[test]
    fn no_wake_up_of_a_sleeping_thread_is_lost() {
        install_wake_handler();
        let mut ends = pipe2(0).unwrap();
        let read_end = i32::from_ne_bytes(std::array::from_fn(|i| ends[i]));
        let (word, thread) = (AtomicU32::new(0), std::sync::atomic::AtomicI32::new(0));
        for round in 0..300 {
            word.store(0, Ordering::SeqCst);
            thread.store(0, Ordering::SeqCst);
            std::thread::scope(|scope| {
                let reader = scope.spawn(|| {
                    thread.store(host_thread(), Ordering::SeqCst);
                    read(Gate { word: &word }, read_end, &mut [0], None)
                });
                while thread.load(Ordering::SeqCst) == 0 {
                    std::hint::spin_loop();
                }
                // From all around the entry of the kernel.
                for _ in 0..round * 7 {
                    std::hint::spin_loop();
                }
                word.store(STOP, Ordering::SeqCst);
                wake(thread.load(Ordering::SeqCst));
                assert_eq!(reader.join().unwrap(), Entered::Interrupted);
            });
        }
        for end in ends.as_chunks_mut::<4>().0 {
            let fd = i32::from_ne_bytes(*end);
            assert_eq!(integers(Integers::Close, [fd as u64, 0, 0, 0, 0, 0]), Ok(0));
        }
    }

    #[test]
    fn the_gate_can_be_left_only_before_the_call_is_made() {
        let (check, done) = ((&raw const xlat_gate_check).addr(), (&raw const xlat_gate_done).addr());
        assert!(leave_gate(check).is_some());
        assert!(leave_gate(done - 1).is_some());
        assert_eq!(leave_gate(done), None);
        assert_eq!(leave_gate(check - 1), None);
    }
}
