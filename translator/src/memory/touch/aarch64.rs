//! AArch64: recoverable accesses.
//!
//! Each function is a leaf without a stack frame, so for a fault between two labels it is enough to go to a landing place:
//! one that returns "failed", or, out of a loop over 16 bytes, the loop over single bytes that finds the first bad one.

use super::HostFault;
use std::arch::{global_asm, is_aarch64_feature_detected};

/// Status and value, returned in x0 and x1.
#[repr(C)]
struct Outcome {
    ok: u64,
    value: u64,
}

// A compare-and-swap stores in any case, the old value if it must: so it faults on memory that cannot be written, and
// the pair of a 16-byte one has been read at once.
global_asm!(
    r#"
    .pushsection .text.xlat_memory_touch, "ax", %progbits
    .macro xlat_touch_function name
    .hidden xlat_touch_\name
    .globl xlat_touch_\name
    .type xlat_touch_\name, %function
xlat_touch_\name:
    .endm
    .macro xlat_touch_label name
    .hidden xlat_touch_\name
    .globl xlat_touch_\name
xlat_touch_\name:
    .endm
    .balign 16
    xlat_touch_label begin
    xlat_touch_function load8
    ldrb w1, [x0]
    mov x0, #1
    ret
    xlat_touch_function load16
    ldrh w1, [x0]
    mov x0, #1
    ret
    xlat_touch_function load32
    ldr w1, [x0]
    mov x0, #1
    ret
    xlat_touch_function load64
    ldr x1, [x0]
    mov x0, #1
    ret
    xlat_touch_function load128
    ldp x2, x3, [x0]
    stp x2, x3, [x1]
    mov x0, #1
    ret
    xlat_touch_function store8
    strb w1, [x0]
    mov x0, #1
    ret
    xlat_touch_function store16
    strh w1, [x0]
    mov x0, #1
    ret
    xlat_touch_function store32
    str w1, [x0]
    mov x0, #1
    ret
    xlat_touch_function store64
    str x1, [x0]
    mov x0, #1
    ret
    xlat_touch_function store128
    ldp x2, x3, [x1]
    stp x2, x3, [x0]
    mov x0, #1
    ret
    xlat_touch_function store128_exclusive
    ldp x2, x3, [x1]
1:
    ldxp x4, x5, [x0]
    stxp w6, x2, x3, [x0]
    cbnz w6, 1b
    mov x0, #1
    ret
    xlat_touch_function cas8
1:
    ldaxrb w3, [x0]
    cmp w3, w1
    csel w4, w2, w3, eq
    stlxrb w5, w4, [x0]
    cbnz w5, 1b
    mov x1, x3
    mov x0, #1
    ret
    xlat_touch_function cas16
1:
    ldaxrh w3, [x0]
    cmp w3, w1
    csel w4, w2, w3, eq
    stlxrh w5, w4, [x0]
    cbnz w5, 1b
    mov x1, x3
    mov x0, #1
    ret
    xlat_touch_function cas32
1:
    ldaxr w3, [x0]
    cmp w3, w1
    csel w4, w2, w3, eq
    stlxr w5, w4, [x0]
    cbnz w5, 1b
    mov x1, x3
    mov x0, #1
    ret
    xlat_touch_function cas64
1:
    ldaxr x3, [x0]
    cmp x3, x1
    csel x4, x2, x3, eq
    stlxr w5, x4, [x0]
    cbnz w5, 1b
    mov x1, x3
    mov x0, #1
    ret
    // x0 address, x1 expected and result, x2 new
    xlat_touch_function cas128
    ldp x3, x4, [x1]
    ldp x5, x6, [x2]
1:
    ldaxp x7, x8, [x0]
    cmp x7, x3
    ccmp x8, x4, #0, eq
    csel x9, x5, x7, eq
    csel x10, x6, x8, eq
    stlxp w11, x9, x10, [x0]
    cbnz w11, 1b
    stp x7, x8, [x1]
    mov x0, #1
    ret
    xlat_touch_label end
    mov x0, #0
    ret

    // Both return how many bytes are left, and count them in x2.
    xlat_touch_function copy
    cmp x2, #16
    b.lo xlat_touch_copy_bytes
    ldp x3, x4, [x1]
    stp x3, x4, [x0]
    add x0, x0, #16
    add x1, x1, #16
    sub x2, x2, #16
    b xlat_touch_copy
    xlat_touch_label copy_bytes
    cbz x2, xlat_touch_string_end
    ldrb w3, [x1]
    strb w3, [x0]
    add x0, x0, #1
    add x1, x1, #1
    sub x2, x2, #1
    b xlat_touch_copy_bytes
    xlat_touch_function zero
    mov x2, x1
1:
    cmp x2, #16
    b.lo xlat_touch_zero_bytes
    stp xzr, xzr, [x0]
    add x0, x0, #16
    sub x2, x2, #16
    b 1b
    xlat_touch_label zero_bytes
    cbz x2, xlat_touch_string_end
    strb wzr, [x0]
    add x0, x0, #1
    sub x2, x2, #1
    b xlat_touch_zero_bytes
    xlat_touch_label string_end
    mov x0, x2
    ret
    .purgem xlat_touch_function
    .purgem xlat_touch_label
    .popsection
"#
);

unsafe extern "C" {
    static xlat_touch_begin: u8;
    static xlat_touch_end: u8;
    static xlat_touch_copy_bytes: u8;
    static xlat_touch_zero_bytes: u8;
    static xlat_touch_string_end: u8;
    fn xlat_touch_load8(ptr: *const u8) -> Outcome;
    fn xlat_touch_load16(ptr: *const u8) -> Outcome;
    fn xlat_touch_load32(ptr: *const u8) -> Outcome;
    fn xlat_touch_load64(ptr: *const u8) -> Outcome;
    fn xlat_touch_load128(ptr: *const u8, value: *mut u128) -> u64;
    fn xlat_touch_store8(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store16(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store32(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store64(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store128(ptr: *mut u8, value: *const u128) -> u64;
    fn xlat_touch_store128_exclusive(ptr: *mut u8, value: *const u128) -> u64;
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
    let copy = xlat_touch_copy as *const () as usize;
    let zero = xlat_touch_zero as *const () as usize;
    let (begin, end) = (at(&raw const xlat_touch_begin), at(&raw const xlat_touch_end));
    let (copy_bytes, zero_bytes) =
        (at(&raw const xlat_touch_copy_bytes), at(&raw const xlat_touch_zero_bytes));
    let string_end = at(&raw const xlat_touch_string_end);
    [
        (begin..end, end),
        (copy..copy_bytes, copy_bytes),
        (copy_bytes..zero, string_end),
        (zero..zero_bytes, zero_bytes),
        (zero_bytes..string_end, string_end),
    ]
    .into_iter()
    .find_map(|(range, landing)| range.contains(&pc).then_some(landing))
}

fn checked(outcome: Outcome) -> Result<u128, HostFault> {
    if outcome.ok != 0 { Ok(outcome.value.into()) } else { Err(HostFault) }
}

fn done(ok: u64) -> Result<(), HostFault> {
    if ok != 0 { Ok(()) } else { Err(HostFault) }
}

pub(super) unsafe fn load(ptr: *const u8, size: u32) -> Result<u128, HostFault> {
    // SAFETY: the caller's contract.
    unsafe {
        match size {
            1 => checked(xlat_touch_load8(ptr)),
            2 => checked(xlat_touch_load16(ptr)),
            4 => checked(xlat_touch_load32(ptr)),
            8 => checked(xlat_touch_load64(ptr)),
            _ => {
                let mut value = 0;
                done(xlat_touch_load128(ptr, &mut value)).map(|()| value)
            }
        }
    }
}

pub(super) unsafe fn store(ptr: *mut u8, size: u32, value: u128) -> Result<(), HostFault> {
    let low = value as u64;
    // SAFETY: the caller's contract.
    unsafe {
        match size {
            1 => done(xlat_touch_store8(ptr, low)),
            2 => done(xlat_touch_store16(ptr, low)),
            4 => done(xlat_touch_store32(ptr, low)),
            8 => done(xlat_touch_store64(ptr, low)),
            // With FEAT_LSE2 an aligned pair is stored at once.
            _ if (ptr as usize).is_multiple_of(16) && !is_aarch64_feature_detected!("lse2") => {
                done(xlat_touch_store128_exclusive(ptr, &value))
            }
            _ => done(xlat_touch_store128(ptr, &value)),
        }
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
