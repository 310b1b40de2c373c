//! RV64GC: recoverable accesses.
//!
//! Each function is a leaf without a stack frame, so for a fault between two labels it is enough to go to a landing place:
//! one that returns "failed", or, out of a loop over 8 bytes, the loop over single bytes that finds the first bad one.
//!
//! There is no atomic access of 16 bytes: those of this module are atomic against each other only, by a table of locks,
//! and compiled code leaves 16-byte atomics to it. Misaligned accesses go byte by byte, because the machine may not have
//! them.

use super::HostFault;
use std::arch::global_asm;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Status and value, returned in a0 and a1.
#[repr(C)]
struct Outcome {
    ok: u64,
    value: u64,
}

// A compare-and-swap stores in any case, the old value if it must, so that it faults on memory that cannot be written.
global_asm!(
    r#"
    .pushsection .text.xlat_memory_touch, "ax", @progbits
    .macro xlat_touch_function name
    .hidden xlat_touch_\name
    .globl xlat_touch_\name
    .type xlat_touch_\name, @function
xlat_touch_\name:
    .endm
    .macro xlat_touch_label name
    .hidden xlat_touch_\name
    .globl xlat_touch_\name
xlat_touch_\name:
    .endm
    # t0 the word, t1 where the value is in it, t2 the mask there, a1 and a2 moved there; value in a1
    .macro xlat_touch_cas_part mask
    andi t1, a0, 3
    andi t0, a0, -4
    slliw t1, t1, 3
    li t2, \mask
    sllw t2, t2, t1
    sllw a1, a1, t1
    sllw a2, a2, t1
1:
    lr.w.aqrl t3, (t0)
    and t4, t3, t2
    mv t5, t3
    bne t4, a1, 2f
    xor t5, t3, a2
    and t5, t5, t2
    xor t5, t3, t5
2:
    sc.w.rl t6, t5, (t0)
    bnez t6, 1b
    srlw a1, t4, t1
    li a0, 1
    ret
    .endm
    .balign 16
    xlat_touch_label begin
    xlat_touch_function load8
    lbu a1, 0(a0)
    li a0, 1
    ret
    xlat_touch_function load16
    lhu a1, 0(a0)
    li a0, 1
    ret
    xlat_touch_function load32
    lwu a1, 0(a0)
    li a0, 1
    ret
    xlat_touch_function load64
    ld a1, 0(a0)
    li a0, 1
    ret
    xlat_touch_function store8
    sb a1, 0(a0)
    li a0, 1
    ret
    xlat_touch_function store16
    sh a1, 0(a0)
    li a0, 1
    ret
    xlat_touch_function store32
    sw a1, 0(a0)
    li a0, 1
    ret
    xlat_touch_function store64
    sd a1, 0(a0)
    li a0, 1
    ret
    xlat_touch_function cas8
    xlat_touch_cas_part 0xff
    xlat_touch_function cas16
    xlat_touch_cas_part 0xffff
    xlat_touch_function cas32
    sext.w a1, a1
1:
    lr.w.aqrl t3, (a0)
    mv t5, t3
    bne t3, a1, 2f
    mv t5, a2
2:
    sc.w.rl t6, t5, (a0)
    bnez t6, 1b
    slli a1, t3, 32
    srli a1, a1, 32
    li a0, 1
    ret
    xlat_touch_function cas64
1:
    lr.d.aqrl t3, (a0)
    mv t5, t3
    bne t3, a1, 2f
    mv t5, a2
2:
    sc.d.rl t6, t5, (a0)
    bnez t6, 1b
    mv a1, t3
    li a0, 1
    ret
    xlat_touch_label end
    li a0, 0
    ret

    # Both return how many bytes are left, and count them in a2; eight at a time where everything is aligned
    # (behind a fault there the single bytes go on until they find it).
    xlat_touch_function copy
    or t1, a0, a1
    andi t1, t1, 7
    bnez t1, xlat_touch_copy_bytes
    sltiu t1, a2, 8
    bnez t1, xlat_touch_copy_bytes
    ld t0, 0(a1)
    sd t0, 0(a0)
    addi a0, a0, 8
    addi a1, a1, 8
    addi a2, a2, -8
    j xlat_touch_copy
    xlat_touch_label copy_bytes
    beqz a2, xlat_touch_string_end
    lbu t0, 0(a1)
    sb t0, 0(a0)
    addi a0, a0, 1
    addi a1, a1, 1
    addi a2, a2, -1
    j xlat_touch_copy
    xlat_touch_function zero
    mv a2, a1
1:
    andi t1, a0, 7
    bnez t1, xlat_touch_zero_bytes
    sltiu t1, a2, 8
    bnez t1, xlat_touch_zero_bytes
    sd zero, 0(a0)
    addi a0, a0, 8
    addi a2, a2, -8
    j 1b
    xlat_touch_label zero_bytes
    beqz a2, xlat_touch_string_end
    sb zero, 0(a0)
    addi a0, a0, 1
    addi a2, a2, -1
    j 1b
    xlat_touch_label string_end
    mv a0, a2
    ret
    .purgem xlat_touch_function
    .purgem xlat_touch_label
    .purgem xlat_touch_cas_part
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
    fn xlat_touch_store8(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store16(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store32(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_store64(ptr: *mut u8, value: u64) -> u64;
    fn xlat_touch_cas8(ptr: *mut u8, expected: u64, new: u64) -> Outcome;
    fn xlat_touch_cas16(ptr: *mut u8, expected: u64, new: u64) -> Outcome;
    fn xlat_touch_cas32(ptr: *mut u8, expected: u64, new: u64) -> Outcome;
    fn xlat_touch_cas64(ptr: *mut u8, expected: u64, new: u64) -> Outcome;
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

/// Locks for 16-byte accesses, by address.
static WIDE: [Mutex<()>; 64] = [const { Mutex::new(()) }; 64];

fn wide(address: usize) -> MutexGuard<'static, ()> {
    WIDE[address / 16 % WIDE.len()].lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) unsafe fn load(ptr: *const u8, size: u32) -> Result<u128, HostFault> {
    // SAFETY: the caller's contract.
    unsafe {
        if !(ptr as usize).is_multiple_of(size as usize) {
            let mut bytes = [0; 16];
            let left = xlat_touch_copy(bytes.as_mut_ptr(), ptr, size as usize);
            return if left == 0 { Ok(u128::from_le_bytes(bytes)) } else { Err(HostFault) };
        }
        match size {
            1 => checked(xlat_touch_load8(ptr)),
            2 => checked(xlat_touch_load16(ptr)),
            4 => checked(xlat_touch_load32(ptr)),
            8 => checked(xlat_touch_load64(ptr)),
            _ => {
                let _guard = wide(ptr as usize);
                Ok(checked(xlat_touch_load64(ptr))? | checked(xlat_touch_load64(ptr.add(8)))? << 64)
            }
        }
    }
}

pub(super) unsafe fn store(ptr: *mut u8, size: u32, value: u128) -> Result<(), HostFault> {
    let low = value as u64;
    // SAFETY: the caller's contract.
    unsafe {
        if !(ptr as usize).is_multiple_of(size as usize) {
            let left = xlat_touch_copy(ptr, value.to_le_bytes().as_ptr(), size as usize);
            return if left == 0 { Ok(()) } else { Err(HostFault) };
        }
        match size {
            1 => done(xlat_touch_store8(ptr, low)),
            2 => done(xlat_touch_store16(ptr, low)),
            4 => done(xlat_touch_store32(ptr, low)),
            8 => done(xlat_touch_store64(ptr, low)),
            _ => {
                let _guard = wide(ptr as usize);
                done(xlat_touch_store64(ptr, low))?;
                done(xlat_touch_store64(ptr.add(8), (value >> 64) as u64))
            }
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
                let _guard = wide(ptr as usize);
                let (low, high) = (ptr, ptr.add(8));
                let old = checked(xlat_touch_load64(low))? | checked(xlat_touch_load64(high))? << 64;
                let next = if old == expected { new } else { old };
                done(xlat_touch_store64(low, next as u64))?;
                done(xlat_touch_store64(high, (next >> 64) as u64))?;
                Ok(old)
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
