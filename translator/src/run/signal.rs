//! Host faults of guest accesses, and the trapping instructions of checks: the handler of SIGSEGV, SIGBUS and SIGILL in
//! direct mode.
//!
//! The handler looks the faulting host pc up in lock-free tables, writes a new pc into the interrupted context and
//! returns: to the access's cold block, to the end of [`enter`](super::enter), or to where
//! [`memory::recover`] says. It allocates nothing, takes no lock and calls nothing that
//! might. Every other fault goes to the handler that was installed before, as if this one were not there.
//!
//! Invariant: while a thread runs host code its [`Entered`] guard is alive, so that the handler knows its state.
#![allow(unsafe_code, reason = "signal handlers, alternate stacks and machine contexts")]

use super::state::{ExitKind, VcpuState};
use crate::codegen::MAX_MOVES;
use crate::codegen::arena::{Landing, find_site};
use crate::memory;
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The handlers or a thread's alternate stack could not be set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("handling of host faults: {call}: {}", std::io::Error::from_raw_os_error(*errno))]
pub struct Error {
    /// System call.
    pub call: &'static str,
    /// Host error number.
    pub errno: i32,
}

impl Error {
    fn last(call: &'static str) -> Error {
        Error { call, errno: std::io::Error::last_os_error().raw_os_error().unwrap_or(0) }
    }
}

const SIGNALS: [libc::c_int; 3] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL];

/// What was installed before, leaked, in the order of `SIGNALS`; null before installation.
static PREVIOUS: [AtomicPtr<libc::sigaction>; 3] = [const { AtomicPtr::new(ptr::null_mut()) }; 3];

/// Installs the handlers, once in the life of the process. They stay: a later handler that chains to them works, too.
///
/// # Errors
/// The host refuses; the first refusal is remembered.
pub fn install() -> Result<(), Error> {
    static INSTALLED: OnceLock<Result<(), Error>> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        for (signal, previous) in SIGNALS.into_iter().zip(&PREVIOUS) {
            let mut old = MaybeUninit::<libc::sigaction>::uninit();
            // SAFETY: a null new action only asks; `old` is written on success.
            if unsafe { libc::sigaction(signal, ptr::null(), old.as_mut_ptr()) } != 0 {
                return Err(Error::last("sigaction"));
            }
            // SAFETY: written just now. It must be known before the new handler can run.
            previous.store(Box::into_raw(Box::new(unsafe { old.assume_init() })), Ordering::Release);
            // SAFETY: all zero is a valid `sigaction`.
            let mut new: libc::sigaction = unsafe { std::mem::zeroed() };
            new.sa_sigaction = handle as *const () as usize;
            // Without SA_NODEFER a fault inside the handler ends the process instead of recursing.
            new.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
            // SAFETY: `handle` has the signature that SA_SIGINFO asks for and is async-signal-safe.
            if unsafe { libc::sigaction(signal, &new, ptr::null_mut()) } != 0 {
                return Err(Error::last("sigaction"));
            }
        }
        Ok(())
    })
}

/// Size of the alternate stacks made here: room for the largest register frames and for a chained handler.
const STACK: usize = 64 << 10;

/// An alternate signal stack of this thread; unmapped when the thread ends.
struct AlternateStack(*mut libc::c_void);

impl Drop for AlternateStack {
    fn drop(&mut self) {
        let off = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: the stack is not in use, as this is not a handler; nobody else knows the mapping.
        unsafe {
            libc::sigaltstack(&off, ptr::null_mut());
            libc::munmap(self.0, STACK);
        }
    }
}

/// Sees to it that the calling thread has an alternate signal stack; one that it has already is kept.
///
/// # Errors
/// The host gives no memory.
pub fn prepare_thread() -> Result<(), Error> {
    thread_local! {
        static OWN: Cell<Option<AlternateStack>> = const { Cell::new(None) };
        static PREPARED: Cell<bool> = const { Cell::new(false) };
    }
    if PREPARED.get() {
        return Ok(());
    }
    let mut present = MaybeUninit::<libc::stack_t>::uninit();
    // SAFETY: only asks; `present` is written on success.
    if unsafe { libc::sigaltstack(ptr::null(), present.as_mut_ptr()) } != 0 {
        return Err(Error::last("sigaltstack"));
    }
    // SAFETY: written just now.
    if unsafe { present.assume_init() }.ss_flags & libc::SS_DISABLE != 0 {
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing.
        let memory = unsafe {
            libc::mmap(
                ptr::null_mut(),
                STACK,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
                -1,
                0,
            )
        };
        if memory == libc::MAP_FAILED {
            return Err(Error::last("mmap"));
        }
        let stack = AlternateStack(memory);
        let new = libc::stack_t { ss_sp: memory, ss_flags: 0, ss_size: STACK };
        // SAFETY: the mapping has this size and lives until the thread ends.
        if unsafe { libc::sigaltstack(&new, ptr::null_mut()) } != 0 {
            return Err(Error::last("sigaltstack"));
        }
        OWN.set(Some(stack));
    }
    PREPARED.set(true);
    Ok(())
}

thread_local! {
    /// The state that this thread runs host code with. Constant initialisation and no destructor: the handler may read
    /// it.
    static CURRENT: Cell<*mut VcpuState> = const { Cell::new(ptr::null_mut()) };
}

/// Tells the handler which state this thread's host code works on, while it lives.
pub(super) struct Entered(*mut VcpuState);

impl Entered {
    pub(super) fn new(state: *mut VcpuState) -> Entered {
        Entered(CURRENT.replace(state))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// Host address at which a signal found a thread.
pub(super) fn interrupted_pc(context: &libc::ucontext_t) -> usize {
    machine::pc(context)
}

extern "C" fn handle(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives a handler with SA_SIGINFO a valid context, which nobody else uses meanwhile.
    let machine = unsafe { &mut *context.cast::<libc::ucontext_t>() };
    let pc = machine::pc(machine);
    let state = CURRENT.get();
    let (landing, restart) = find_site(pc).unzip();
    if let Some(restart) = restart
        && !state.is_null()
    {
        // SAFETY: as below.
        unsafe { (*state).restart = restart };
    }
    match landing {
        Some(Landing::Cold(to)) => return machine::set_pc(machine, to),
        Some(Landing::Moved(to, moves)) => {
            // All are read before any is written.
            let mut values = [0; MAX_MOVES];
            for (value, of) in values.iter_mut().zip(moves) {
                *value = machine::read(machine, of.from);
            }
            for (value, of) in values.iter().zip(moves) {
                machine::write(machine, of.to, *value);
            }
            return machine::set_pc(machine, to);
        }
        Some(Landing::Leave(guest_pc)) if !state.is_null() => {
            // SAFETY: `enter` keeps the state alive while its host code runs, which was just interrupted at a
            // guest access: nobody uses the state meanwhile.
            let host = unsafe {
                (*state).pc = guest_pc;
                (*state).host
            };
            return machine::leave(machine, host, ExitKind::Interpret as u64);
        }
        Some(Landing::Leave(_)) | None => {}
    }
    if let Some(to) = memory::recover(pc) {
        return machine::set_pc(machine, to);
    }
    chain(signal, info, context);
}

/// Lets the handler that was there before have the signal.
fn chain(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let index = SIGNALS.iter().position(|&of| of == signal).unwrap_or(0);
    // SAFETY: set before the handler was installed, never freed.
    let previous = unsafe { &*PREVIOUS[index].load(Ordering::Acquire) };
    // SAFETY: the kernel gives a handler with SA_SIGINFO valid information.
    let sent = unsafe { (*info).si_code } <= 0;
    match previous.sa_sigaction {
        libc::SIG_IGN if sent => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // The access faults again (the kernel ignores no faults), or the signal that was sent comes again, and then
            // the process dies as it would have.
            // SAFETY: all zero is the default action; `sigaction` and `raise` are async-signal-safe.
            unsafe {
                let default: libc::sigaction = std::mem::zeroed();
                libc::sigaction(signal, &default, ptr::null_mut());
                if sent {
                    libc::raise(signal);
                }
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: installed by the host program with SA_SIGINFO, so it has this signature.
            unsafe {
                let handler: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) =
                    std::mem::transmute(handler);
                handler(signal, info, context);
            }
        }
        handler => {
            // SAFETY: installed by the host program without SA_SIGINFO, so it has this signature.
            unsafe {
                let handler: extern "C" fn(libc::c_int) = std::mem::transmute(handler);
                handler(signal);
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod machine {
    use crate::codegen::Place;
    use libc::{
        REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15, REG_RAX, REG_RBP, REG_RBX,
        REG_RCX, REG_RDI, REG_RDX, REG_RIP, REG_RSI, REG_RSP, ucontext_t,
    };

    /// The context's indices of the general registers, in the order of their encoding.
    const GENERAL: [libc::c_int; 16] = [
        REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10,
        REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
    ];

    fn stack(context: &ucontext_t, offset: i32) -> *mut u8 {
        (context.uc_mcontext.gregs[REG_RSP as usize] as usize).wrapping_add_signed(offset as isize) as *mut u8
    }

    /// The value at a place of the interrupted unit.
    pub(super) fn read(context: &ucontext_t, place: Place) -> u128 {
        match place {
            Place::General(register) => {
                context.uc_mcontext.gregs[GENERAL[register as usize & 15] as usize] as u64 as u128
            }
            Place::Vector(register) => {
                // SAFETY: the kernel saves the vector registers of every thread; there are sixteen.
                let words = unsafe { (*context.uc_mcontext.fpregs)._xmm[register as usize & 15].element };
                words.iter().rev().fold(0, |value, &word| value << 32 | u128::from(word))
            }
            // SAFETY: `sites` saw the unit's own code access these bytes of its frame.
            Place::Stack { offset, wide: false } => unsafe {
                stack(context, offset).cast::<u64>().read_unaligned().into()
            },
            // SAFETY: as above.
            Place::Stack { offset, wide: true } => unsafe {
                stack(context, offset).cast::<u128>().read_unaligned()
            },
        }
    }

    /// Changes the value at a place of the interrupted unit.
    pub(super) fn write(context: &mut ucontext_t, place: Place, value: u128) {
        match place {
            Place::General(register) => {
                context.uc_mcontext.gregs[GENERAL[register as usize & 15] as usize] = value as i64;
            }
            Place::Vector(register) => {
                let words = [0, 32, 64, 96].map(|shift| (value >> shift) as u32);
                // SAFETY: as in `read`; the kernel restores the registers from there.
                unsafe { (*context.uc_mcontext.fpregs)._xmm[register as usize & 15].element = words };
            }
            // SAFETY: as in `read`; nothing else refers to the unit's frame.
            Place::Stack { offset, wide: false } => unsafe {
                stack(context, offset).cast::<u64>().write_unaligned(value as u64);
            },
            // SAFETY: as above.
            Place::Stack { offset, wide: true } => unsafe {
                stack(context, offset).cast::<u128>().write_unaligned(value);
            },
        }
    }

    pub(super) fn pc(context: &ucontext_t) -> usize {
        context.uc_mcontext.gregs[REG_RIP as usize] as usize
    }

    pub(super) fn set_pc(context: &mut ucontext_t, to: usize) {
        context.uc_mcontext.gregs[REG_RIP as usize] = to as i64;
    }

    /// Goes on as if the unit had returned to `enter`.
    pub(super) fn leave(context: &mut ucontext_t, host: [u64; 4], word: u64) {
        let registers = &mut context.uc_mcontext.gregs;
        registers[REG_RSP as usize] = host[0] as i64;
        registers[REG_RIP as usize] = host[1] as i64;
        registers[REG_RAX as usize] = word as i64;
    }
}

#[cfg(target_arch = "aarch64")]
mod machine {
    use crate::codegen::Place;
    use libc::ucontext_t;

    /// Only x86-64 units have sites with moves.
    pub(super) fn read(_: &ucontext_t, _: Place) -> u128 {
        0
    }

    /// See `read`.
    pub(super) fn write(_: &mut ucontext_t, _: Place, _: u128) {}

    pub(super) fn pc(context: &ucontext_t) -> usize {
        context.uc_mcontext.pc as usize
    }

    pub(super) fn set_pc(context: &mut ucontext_t, to: usize) {
        context.uc_mcontext.pc = to as u64;
    }

    /// Goes on as if the unit had returned to `enter`, which takes the word from x2.
    pub(super) fn leave(context: &mut ucontext_t, host: [u64; 4], word: u64) {
        context.uc_mcontext.sp = host[0];
        context.uc_mcontext.pc = host[1];
        context.uc_mcontext.regs[2] = word;
    }
}

#[cfg(target_arch = "riscv64")]
mod machine {
    use crate::codegen::Place;
    use libc::ucontext_t;

    /// Only x86-64 units have sites with moves.
    pub(super) fn read(_: &ucontext_t, _: Place) -> u128 {
        0
    }

    /// See `read`.
    pub(super) fn write(_: &mut ucontext_t, _: Place, _: u128) {}

    // Places in `__gregs`: the pc, then x1 and on.
    const PC: usize = 0;
    const SP: usize = 2;
    const A0: usize = 10;

    pub(super) fn pc(context: &ucontext_t) -> usize {
        context.uc_mcontext.__gregs[PC] as usize
    }

    pub(super) fn set_pc(context: &mut ucontext_t, to: usize) {
        context.uc_mcontext.__gregs[PC] = to as u64;
    }

    /// Goes on as if the unit had returned to `enter`.
    pub(super) fn leave(context: &mut ucontext_t, host: [u64; 4], word: u64) {
        let registers = &mut context.uc_mcontext.__gregs;
        registers[SP] = host[0];
        registers[PC] = host[1];
        registers[A0] = word;
    }
}
