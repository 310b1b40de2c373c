//! The way into the kernel for calls that may block, and the signal that leads a thread out of it.

use super::Result;
use super::integers::{Integers, integers};
use crate::errno::{EINTR, Errno};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};

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
    pub(super) unsafe fn enter(self, number: libc::c_long, words: [libc::c_long; 6]) -> Entered {
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

/// The signal that brings a thread out of the gate: the last of the real-time signals that qemu-user has, too.
pub const WAKE: i32 = 60;

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

#[cfg(test)]
mod tests {
    use super::super::{openat, pipe2, read};
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
