//! Runs short x86-64 code on this machine's own processor and reports the state it leaves: the reference of the
//! differential tests of the x86-64 guest.
//!
//! Code, data and the exchanged state live at fixed low addresses, so that guest addresses are the same for the processor and for
//! the interpreter. Every run ends by a signal (`int3` behind the code, or a fault in it), whose handler saves the registers and
//! resumes the harness. Only on x86-64 Linux; one runner at a time in a process.
#![allow(unsafe_code, reason = "runs machine code")]

use std::sync::{Mutex, MutexGuard};

pub use crate::x86_64::{CODE, CODE_SIZE, DATA, DATA_SIZE};

/// Where state is exchanged: [`Exchange`].
const EXCHANGE: u64 = 0x2020_0000;

/// Registers of a program before or after its run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// General registers in encoding order.
    pub gpr: [u64; 16],
    /// RFLAGS.
    pub rflags: u64,
    /// Address of the next instruction, or of the one that faulted.
    pub rip: u64,
    /// Vector registers.
    pub xmm: [u128; 16],
    /// MXCSR.
    pub mxcsr: u32,
    /// x87 control word.
    pub fcw: u16,
    /// x87 status word.
    pub fsw: u16,
    /// x87 tag bits by physical register.
    pub ftw: u8,
    /// x87 registers by place in the stack, 80 bits each.
    pub st: [u128; 8],
}

/// How the run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At a breakpoint: control left the program.
    Left,
    /// SIGSEGV or SIGBUS; the address where the processor gave one.
    Fault(Option<u64>),
    /// SIGFPE.
    Arithmetic,
    /// SIGILL.
    Illegal,
}

/// What the entry code and the signal handler share.
#[repr(C, align(64))]
struct Exchange {
    /// For FXRSTOR, and from the signal frame.
    fx: [u8; 512],
    gpr: [u64; 16],
    rflags: u64,
    rip: u64,
    host_rsp: u64,
    host_resume: u64,
    signal: u64,
    code: u64,
    address: u64,
}

static LOCK: Mutex<()> = Mutex::new(());

/// The processor, mapped and ready.
pub struct Processor {
    _exclusive: MutexGuard<'static, ()>,
}

impl Processor {
    /// Maps the pages and installs the signal handlers, which stay.
    ///
    /// # Panics
    /// If the addresses are taken.
    pub fn new() -> Processor {
        let exclusive = LOCK.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        map(CODE, CODE_SIZE, libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC);
        map(DATA, DATA_SIZE, libc::PROT_READ | libc::PROT_WRITE);
        map(EXCHANGE, 4096, libc::PROT_READ | libc::PROT_WRITE);
        let stack = Box::leak(vec![0u8; 1 << 16].into_boxed_slice());
        // SAFETY: the stack is leaked, so it outlives every signal; the handler is async-signal-safe (plain copies).
        unsafe {
            let alternate =
                libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: stack.len() };
            assert_eq!(libc::sigaltstack(&alternate, std::ptr::null_mut()), 0);
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
            for signal in [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGTRAP] {
                assert_eq!(libc::sigaction(signal, &action, std::ptr::null_mut()), 0);
            }
        }
        Processor { _exclusive: exclusive }
    }

    /// Runs `code` at `CODE` (breakpoints fill the rest of its page) from `state`, whose `rip` counts, with `data` in
    /// the data page, which is updated.
    pub fn run(&mut self, code: &[u8], state: &State, data: &mut [u8; DATA_SIZE as usize]) -> (State, Stop) {
        assert!(code.len() < CODE_SIZE as usize);
        // SAFETY: the pages were mapped by `new`, read and write, and are used by nobody else (the lock is held); `Exchange`
        // holds plain integers only.
        let exchange = unsafe {
            std::ptr::write_bytes(CODE as *mut u8, 0xcc, CODE_SIZE as usize);
            std::ptr::copy_nonoverlapping(code.as_ptr(), CODE as *mut u8, code.len());
            std::ptr::copy_nonoverlapping(data.as_ptr(), DATA as *mut u8, data.len());
            &mut *(EXCHANGE as *mut Exchange)
        };
        exchange.gpr = state.gpr;
        exchange.rflags = state.rflags;
        exchange.rip = state.rip;
        let fx = &mut exchange.fx;
        *fx = [0; 512];
        fx[0..2].copy_from_slice(&state.fcw.to_le_bytes());
        fx[2..4].copy_from_slice(&state.fsw.to_le_bytes());
        fx[4] = state.ftw;
        fx[24..28].copy_from_slice(&state.mxcsr.to_le_bytes());
        for (number, value) in state.st.iter().enumerate() {
            fx[32 + 16 * number..][..10].copy_from_slice(&value.to_le_bytes()[..10]);
        }
        for (number, value) in state.xmm.iter().enumerate() {
            fx[160 + 16 * number..][..16].copy_from_slice(&value.to_le_bytes());
        }
        // SAFETY: everything that `enter` uses is set up; the code cannot reach memory of this process but by a
        // random 64-bit address that happens to be mapped, which the tests accept.
        unsafe { enter() };
        // SAFETY: as above.
        let exchange = unsafe {
            std::ptr::copy_nonoverlapping(DATA as *const u8, data.as_mut_ptr(), data.len());
            &*(EXCHANGE as *const Exchange)
        };
        let fx = &exchange.fx;
        let wide = |at: usize, len: usize| {
            let mut bytes = [0; 16];
            bytes[..len].copy_from_slice(&fx[at..at + len]);
            u128::from_le_bytes(bytes)
        };
        let mut result = State {
            gpr: exchange.gpr,
            // RF is the exception's own.
            rflags: exchange.rflags & !(1 << 16),
            rip: exchange.rip,
            xmm: std::array::from_fn(|number| wide(160 + 16 * number, 16)),
            mxcsr: wide(24, 4) as u32,
            fcw: wide(0, 2) as u16,
            fsw: wide(2, 2) as u16,
            ftw: fx[4],
            st: std::array::from_fn(|number| wide(32 + 16 * number, 10)),
        };
        let stop = match exchange.signal as i32 {
            libc::SIGTRAP => {
                result.rip -= 1;
                Stop::Left
            }
            libc::SIGFPE => Stop::Arithmetic,
            libc::SIGILL => Stop::Illegal,
            // The kernel gives no address for a general protection exception.
            _ => Stop::Fault((exchange.code < 0x80).then_some(exchange.address)),
        };
        (result, stop)
    }
}

impl Default for Processor {
    fn default() -> Processor {
        Processor::new()
    }
}

impl Drop for Processor {
    fn drop(&mut self) {
        for (addr, size) in [(CODE, CODE_SIZE), (DATA, DATA_SIZE), (EXCHANGE, 4096)] {
            // SAFETY: these are the mappings that `new` made.
            unsafe { libc::munmap(addr as *mut _, size as usize) };
        }
    }
}

fn map(addr: u64, size: u64, protection: i32) {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: a fresh mapping that replaces nothing.
    let mapped = unsafe { libc::mmap(addr as *mut _, size as usize, protection, flags, -1, 0) };
    assert_eq!(mapped as u64, addr, "the address is taken: {}", std::io::Error::last_os_error());
}

/// Loads the state, jumps to the code, and comes back through the signal handler.
///
/// # Safety
/// The exchange page is filled in and the handler installed.
#[inline(never)]
unsafe fn enter() {
    // SAFETY: every register that the compiler relies on is pushed or declared clobbered; the exchange page is mapped.
    unsafe {
        std::arch::asm!(
            "push rbx",
            "push rbp",
            "pushfq",
            "mov rbx, {exchange}",
            "mov [rbx + 512 + 144], rsp",
            "lea rax, [rip + 2f]",
            "mov [rbx + 512 + 152], rax",
            "fxrstor64 [rbx]",
            "lea rsp, [rbx + 512 + 128]",
            "popfq",
            "mov rax, [rbx + 512]",
            "mov rcx, [rbx + 512 + 8]",
            "mov rdx, [rbx + 512 + 16]",
            "mov rsp, [rbx + 512 + 32]",
            "mov rbp, [rbx + 512 + 40]",
            "mov rsi, [rbx + 512 + 48]",
            "mov rdi, [rbx + 512 + 56]",
            "mov r8, [rbx + 512 + 64]",
            "mov r9, [rbx + 512 + 72]",
            "mov r10, [rbx + 512 + 80]",
            "mov r11, [rbx + 512 + 88]",
            "mov r12, [rbx + 512 + 96]",
            "mov r13, [rbx + 512 + 104]",
            "mov r14, [rbx + 512 + 112]",
            "mov r15, [rbx + 512 + 120]",
            "mov rbx, [rbx + 512 + 24]",
            "jmp qword ptr [{rip}]",
            "2:",
            "popfq",
            "pop rbp",
            "pop rbx",
            exchange = const EXCHANGE as i64,
            rip = const EXCHANGE as i64 + 512 + 136,
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _, out("r13") _, out("r14") _, out("r15") _,
            clobber_abi("sysv64"),
        );
    }
}

extern "C" fn handler(signal: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // Encoding order of the registers in the signal frame.
    const ORDER: [i32; 16] = [
        libc::REG_RAX,
        libc::REG_RCX,
        libc::REG_RDX,
        libc::REG_RBX,
        libc::REG_RSP,
        libc::REG_RBP,
        libc::REG_RSI,
        libc::REG_RDI,
        libc::REG_R8,
        libc::REG_R9,
        libc::REG_R10,
        libc::REG_R11,
        libc::REG_R12,
        libc::REG_R13,
        libc::REG_R14,
        libc::REG_R15,
    ];
    // SAFETY: the kernel passes a valid frame; the exchange page is mapped while code runs. A signal of the harness itself (its
    // own bug) finds `host_resume` zero and aborts.
    unsafe {
        let exchange = &mut *(EXCHANGE as *mut Exchange);
        if exchange.host_resume == 0 {
            libc::abort();
        }
        let context = &mut *context.cast::<libc::ucontext_t>();
        let registers = &mut context.uc_mcontext.gregs;
        for (number, index) in ORDER.into_iter().enumerate() {
            exchange.gpr[number] = registers[index as usize] as u64;
        }
        exchange.rflags = registers[libc::REG_EFL as usize] as u64;
        exchange.rip = registers[libc::REG_RIP as usize] as u64;
        exchange.signal = signal as u64;
        exchange.code = u64::from((*info).si_code as u32);
        exchange.address = (*info).si_addr() as u64;
        let frame = context.uc_mcontext.fpregs.cast::<u8>();
        std::ptr::copy_nonoverlapping(frame, exchange.fx.as_mut_ptr(), 512);
        // The harness's own environment: x87 as after FNINIT, MXCSR as at start.
        std::ptr::write_bytes(frame, 0, 24);
        frame.cast::<u16>().write_unaligned(0x37f);
        frame.add(24).cast::<u32>().write_unaligned(0x1f80);
        registers[libc::REG_EFL as usize] = 0x202;
        registers[libc::REG_RSP as usize] = exchange.host_rsp as i64;
        registers[libc::REG_RIP as usize] = exchange.host_resume as i64;
        exchange.host_resume = 0;
    }
}
