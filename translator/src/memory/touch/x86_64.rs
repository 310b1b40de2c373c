//! x86-64: recoverable accesses.
//!
//! Each function is a leaf that neither moves the stack pointer nor writes callee-saved registers before its access
//! (`cmpxchg16b` needs rbx and keeps the caller's in r10), so for a fault between two labels it is enough to go to the
//! landing place behind them, which returns "failed".

use super::HostFault;
use crate::ir::Order;
use std::arch::{asm, global_asm};

/// Status and value, returned in rax and rdx.
#[repr(C)]
struct Outcome {
    ok: u64,
    value: u64,
}

global_asm!(
    r#"
    .pushsection .text.xlat_memory_touch, "ax", @progbits
    .hidden xlat_touch_begin
    .hidden xlat_touch_end
    .hidden xlat_touch_wide_end
    .hidden xlat_touch_string_end
    .globl xlat_touch_begin, xlat_touch_end, xlat_touch_wide_end, xlat_touch_string_end
    .globl xlat_touch_load8, xlat_touch_load16, xlat_touch_load32, xlat_touch_load64, xlat_touch_load128
    .globl xlat_touch_load128_aligned
    .globl xlat_touch_store8, xlat_touch_store16, xlat_touch_store32, xlat_touch_store64, xlat_touch_store128
    .globl xlat_touch_store128_aligned
    .globl xlat_touch_swap8, xlat_touch_swap16, xlat_touch_swap32, xlat_touch_swap64
    .globl xlat_touch_cas8, xlat_touch_cas16, xlat_touch_cas32, xlat_touch_cas64, xlat_touch_cas128
    .globl xlat_touch_copy, xlat_touch_zero
    .hidden xlat_touch_load8, xlat_touch_load16, xlat_touch_load32, xlat_touch_load64, xlat_touch_load128
    .hidden xlat_touch_load128_aligned
    .hidden xlat_touch_store8, xlat_touch_store16, xlat_touch_store32, xlat_touch_store64, xlat_touch_store128
    .hidden xlat_touch_store128_aligned
    .hidden xlat_touch_swap8, xlat_touch_swap16, xlat_touch_swap32, xlat_touch_swap64
    .hidden xlat_touch_cas8, xlat_touch_cas16, xlat_touch_cas32, xlat_touch_cas64, xlat_touch_cas128
    .hidden xlat_touch_copy, xlat_touch_zero
    .balign 16
xlat_touch_begin:
xlat_touch_load8:
    movzx edx, byte ptr [rdi]
    mov eax, 1
    ret
xlat_touch_load16:
    movzx edx, word ptr [rdi]
    mov eax, 1
    ret
xlat_touch_load32:
    mov edx, dword ptr [rdi]
    mov eax, 1
    ret
xlat_touch_load64:
    mov rdx, qword ptr [rdi]
    mov eax, 1
    ret
xlat_touch_load128:
    movdqu xmm0, xmmword ptr [rdi]
    movdqu xmmword ptr [rsi], xmm0
    mov eax, 1
    ret
xlat_touch_load128_aligned:
    movdqa xmm0, xmmword ptr [rdi]
    movdqu xmmword ptr [rsi], xmm0
    mov eax, 1
    ret
xlat_touch_store8:
    mov byte ptr [rdi], sil
    mov eax, 1
    ret
xlat_touch_store16:
    mov word ptr [rdi], si
    mov eax, 1
    ret
xlat_touch_store32:
    mov dword ptr [rdi], esi
    mov eax, 1
    ret
xlat_touch_store64:
    mov qword ptr [rdi], rsi
    mov eax, 1
    ret
xlat_touch_store128:
    movdqu xmm0, xmmword ptr [rsi]
    movdqu xmmword ptr [rdi], xmm0
    mov eax, 1
    ret
xlat_touch_store128_aligned:
    movdqu xmm0, xmmword ptr [rsi]
    movdqa xmmword ptr [rdi], xmm0
    mov eax, 1
    ret
xlat_touch_swap8:
    xchg byte ptr [rdi], sil
    mov eax, 1
    ret
xlat_touch_swap16:
    xchg word ptr [rdi], si
    mov eax, 1
    ret
xlat_touch_swap32:
    xchg dword ptr [rdi], esi
    mov eax, 1
    ret
xlat_touch_swap64:
    xchg qword ptr [rdi], rsi
    mov eax, 1
    ret
xlat_touch_cas8:
    mov rax, rsi
    lock cmpxchg byte ptr [rdi], dl
    movzx edx, al
    mov eax, 1
    ret
xlat_touch_cas16:
    mov rax, rsi
    lock cmpxchg word ptr [rdi], dx
    movzx edx, ax
    mov eax, 1
    ret
xlat_touch_cas32:
    mov rax, rsi
    lock cmpxchg dword ptr [rdi], edx
    mov edx, eax
    mov eax, 1
    ret
xlat_touch_cas64:
    mov rax, rsi
    lock cmpxchg qword ptr [rdi], rdx
    mov rdx, rax
    mov eax, 1
    ret
xlat_touch_end:
    xor eax, eax
    ret

    # rdi address, rsi expected and result, rdx new
xlat_touch_cas128:
    mov r10, rbx
    mov r11, rdx
    mov rax, qword ptr [rsi]
    mov rdx, qword ptr [rsi + 8]
    mov rbx, qword ptr [r11]
    mov rcx, qword ptr [r11 + 8]
    lock cmpxchg16b xmmword ptr [rdi]
    mov qword ptr [rsi], rax
    mov qword ptr [rsi + 8], rdx
    mov rbx, r10
    mov eax, 1
    ret
xlat_touch_wide_end:
    mov rbx, r10
    xor eax, eax
    ret

    # both return how many bytes are left
xlat_touch_copy:
    mov rcx, rdx
    rep movsb
    mov rax, rcx
    ret
xlat_touch_zero:
    mov rcx, rsi
    xor eax, eax
    rep stosb
    mov rax, rcx
    ret
xlat_touch_string_end:
    mov rax, rcx
    ret
    .popsection
"#
);

unsafe extern "C" {
    static xlat_touch_begin: u8;
    static xlat_touch_end: u8;
    static xlat_touch_wide_end: u8;
    static xlat_touch_string_end: u8;
    fn xlat_touch_load8(ptr: *const u8) -> Outcome;
    fn xlat_touch_load16(ptr: *const u8) -> Outcome;
    fn xlat_touch_load32(ptr: *const u8) -> Outcome;
    fn xlat_touch_load64(ptr: *const u8) -> Outcome;
    fn xlat_touch_load128(ptr: *const u8, value: *mut u128) -> u64;
    fn xlat_touch_load128_aligned(ptr: *const u8, value: *mut u128) -> u64;
    fn xlat_touch_store8(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store16(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store32(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store64(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store128(ptr: *mut u8, value: *const u128) -> u64;
    fn xlat_touch_store128_aligned(ptr: *mut u8, value: *const u128) -> u64;
    fn xlat_touch_swap8(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_swap16(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_swap32(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_swap64(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_cas8(ptr: *mut u8, expected: u64, new: u64) -> Outcome;
    fn xlat_touch_cas16(ptr: *mut u8, expected: u64, new: u64) -> Outcome;
    fn xlat_touch_cas32(ptr: *mut u8, expected: u64, new: u64) -> Outcome;
    fn xlat_touch_cas64(ptr: *mut u8, expected: u64, new: u64) -> Outcome;
    fn xlat_touch_cas128(ptr: *mut u8, value: *mut u128, new: *const u128) -> u64;
    fn xlat_touch_copy(to: *mut u8, from: *const u8, len: usize) -> usize;
    fn xlat_touch_zero(to: *mut u8, len: usize) -> usize;
}

pub(super) fn recover(pc: usize) -> Option<usize> {
    let at = |label: *const u8| label as usize;
    let (begin, end) = (at(&raw const xlat_touch_begin), at(&raw const xlat_touch_end));
    let (wide, string) = (at(&raw const xlat_touch_wide_end), at(&raw const xlat_touch_string_end));
    if pc < begin || pc >= string {
        None
    } else if pc < end {
        Some(end)
    } else if pc < wide {
        Some(wide)
    } else {
        Some(string)
    }
}

fn checked(outcome: Outcome) -> Result<u128, HostFault> {
    if outcome.ok != 0 { Ok(outcome.value.into()) } else { Err(HostFault) }
}

fn done(ok: u64) -> Result<(), HostFault> {
    if ok != 0 { Ok(()) } else { Err(HostFault) }
}

/// Aligned 16-byte moves are single-copy atomic on processors with AVX.
fn wide_moves_are_atomic() -> bool {
    std::arch::is_x86_feature_detected!("avx")
}

pub(super) unsafe fn load(ptr: *const u8, size: u32, _order: Order) -> Result<u128, HostFault> {
    // Loads are never reordered with loads, so every order is the plain instruction.
    // SAFETY: the caller's contract.
    unsafe {
        match size {
            1 => checked(xlat_touch_load8(ptr)),
            2 => checked(xlat_touch_load16(ptr)),
            4 => checked(xlat_touch_load32(ptr)),
            8 => checked(xlat_touch_load64(ptr)),
            _ => {
                let mut value = 0;
                let ok = if (ptr as usize).is_multiple_of(16) {
                    xlat_touch_load128_aligned(ptr, &mut value)
                } else {
                    xlat_touch_load128(ptr, &mut value)
                };
                done(ok).map(|()| value)
            }
        }
    }
}

pub(super) unsafe fn store(ptr: *mut u8, size: u32, value: u128, order: Order) -> Result<(), HostFault> {
    let low = value as u64;
    // A release store followed by an acquire load must stay in order (Arm's RCsc), which a plain store does not give.
    let ordered = matches!(order, Order::Release | Order::AcquireRelease | Order::SeqCst);
    // SAFETY: the caller's contract.
    unsafe {
        match (size, ordered) {
            (1, false) => done(xlat_touch_store8(ptr, low)),
            (2, false) => done(xlat_touch_store16(ptr, low)),
            (4, false) => done(xlat_touch_store32(ptr, low)),
            (8, false) => done(xlat_touch_store64(ptr, low)),
            (1, true) => done(xlat_touch_swap8(ptr, low)),
            (2, true) => done(xlat_touch_swap16(ptr, low)),
            (4, true) => done(xlat_touch_swap32(ptr, low)),
            (8, true) => done(xlat_touch_swap64(ptr, low)),
            _ => {
                let aligned = (ptr as usize).is_multiple_of(16);
                if aligned && !wide_moves_are_atomic() {
                    return exchange(ptr, value);
                }
                let store = if aligned { xlat_touch_store128_aligned } else { xlat_touch_store128 };
                done(store(ptr, &value))?;
                if ordered {
                    asm!("mfence", options(nostack, preserves_flags));
                }
                Ok(())
            }
        }
    }
}

/// A 16-byte atomic store out of compare-and-swaps.
unsafe fn exchange(ptr: *mut u8, value: u128) -> Result<(), HostFault> {
    let mut seen = 0;
    loop {
        // SAFETY: the caller's contract.
        let old = unsafe { cas(ptr, 16, seen, value)? };
        if old == seen {
            return Ok(());
        }
        seen = old;
    }
}

pub(super) unsafe fn cas(ptr: *mut u8, size: u32, expected: u128, new: u128) -> Result<u128, HostFault> {
    let (e, n) = (expected as u64, new as u64);
    // SAFETY: the caller's contract.
    unsafe {
        match size {
            1 => checked(xlat_touch_cas8(ptr, e, n)),
            2 => checked(xlat_touch_cas16(ptr, e, n)),
            4 => checked(xlat_touch_cas32(ptr, e, n)),
            8 => checked(xlat_touch_cas64(ptr, e, n)),
            _ => {
                let mut value = expected;
                done(xlat_touch_cas128(ptr, &mut value, &new)).map(|()| value)
            }
        }
    }
}

pub(super) unsafe fn copy(to: *mut u8, from: *const u8, len: usize) -> usize {
    // SAFETY: the caller's contract.
    len - unsafe { xlat_touch_copy(to, from, len) }
}

pub(super) unsafe fn zero(to: *mut u8, len: usize) -> usize {
    // SAFETY: the caller's contract.
    len - unsafe { xlat_touch_zero(to, len) }
}
