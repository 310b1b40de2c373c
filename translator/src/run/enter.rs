//! The one way into host code: a naked function that saves what the host's calling convention wants back, and the place
//! where the signal handler lets a faulting unit end.
//!
//! Invariant: while a thread is in [`enter`], `VcpuState::host` holds the stack pointer (0) and the address (1) at
//! which `enter` goes on after the unit; jumping there with that stack pointer and the exit word in the result
//! register is the same as a return from the unit.
#![allow(unsafe_code, reason = "the entry into host code")]

use super::state::VcpuState;
use std::mem::offset_of;

const HOST: usize = offset_of!(VcpuState, host);

/// Runs the unit at `entry` and whatever it links to; the exit word.
///
/// # Safety
/// `entry` is the entry of a live unit of this host that was compiled for the guest, the unit key and the helper
/// table of `state`, and stays alive, as does everything that its links and the jump cache lead to, until it returns.
/// `state`'s pointers are valid.
pub unsafe fn enter(state: &mut VcpuState, entry: u64) -> u64 {
    // Without an alternate stack the handler runs on this one, which host code leaves alone.
    let _ = super::signal::prepare_thread();
    let state: *mut VcpuState = state;
    let _entered = super::signal::Entered::new(state);
    // SAFETY: the caller's contract.
    unsafe { enter_unit(state, entry) }
}

#[cfg(target_arch = "x86_64")]
#[unsafe(naked)]
unsafe extern "sysv64" fn enter_unit(state: *mut VcpuState, entry: u64) -> u64 {
    std::arch::naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "push rbx",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "sub rsp, 8",
        "mov [rdi + {host}], rsp",
        "lea rax, [rip + 2f]",
        "mov [rdi + {host} + 8], rax",
        "mov rax, rsi",
        "xor esi, esi",
        "call rax",
        "2:",
        "add rsp, 8",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbx",
        "pop rbp",
        "ret",
        host = const HOST,
    )
}

/// Cranelift's tail convention passes the first two integers in x2 and x3, and returns the first in x2.
#[cfg(target_arch = "aarch64")]
#[unsafe(naked)]
unsafe extern "C" fn enter_unit(state: *mut VcpuState, entry: u64) -> u64 {
    std::arch::naked_asm!(
        "stp x29, x30, [sp, #-160]!",
        "mov x29, sp",
        "stp x19, x20, [sp, #16]",
        "stp x21, x22, [sp, #32]",
        "stp x23, x24, [sp, #48]",
        "stp x25, x26, [sp, #64]",
        "stp x27, x28, [sp, #80]",
        "stp d8, d9, [sp, #96]",
        "stp d10, d11, [sp, #112]",
        "stp d12, d13, [sp, #128]",
        "stp d14, d15, [sp, #144]",
        "mov x9, sp",
        "str x9, [x0, #{host}]",
        "adr x9, 2f",
        "str x9, [x0, #{host} + 8]",
        "mov x2, x0",
        "mov x3, #0",
        "blr x1",
        "2:",
        "mov x0, x2",
        "ldp x19, x20, [sp, #16]",
        "ldp x21, x22, [sp, #32]",
        "ldp x23, x24, [sp, #48]",
        "ldp x25, x26, [sp, #64]",
        "ldp x27, x28, [sp, #80]",
        "ldp d8, d9, [sp, #96]",
        "ldp d10, d11, [sp, #112]",
        "ldp d12, d13, [sp, #128]",
        "ldp d14, d15, [sp, #144]",
        "ldp x29, x30, [sp], #160",
        "ret",
        host = const HOST,
    )
}

#[cfg(target_arch = "riscv64")]
#[unsafe(naked)]
unsafe extern "C" fn enter_unit(state: *mut VcpuState, entry: u64) -> u64 {
    std::arch::naked_asm!(
        "addi sp, sp, -208",
        "sd ra, 0(sp)",
        "sd s0, 8(sp)",
        "sd s1, 16(sp)",
        "sd s2, 24(sp)",
        "sd s3, 32(sp)",
        "sd s4, 40(sp)",
        "sd s5, 48(sp)",
        "sd s6, 56(sp)",
        "sd s7, 64(sp)",
        "sd s8, 72(sp)",
        "sd s9, 80(sp)",
        "sd s10, 88(sp)",
        "sd s11, 96(sp)",
        "fsd fs0, 104(sp)",
        "fsd fs1, 112(sp)",
        "fsd fs2, 120(sp)",
        "fsd fs3, 128(sp)",
        "fsd fs4, 136(sp)",
        "fsd fs5, 144(sp)",
        "fsd fs6, 152(sp)",
        "fsd fs7, 160(sp)",
        "fsd fs8, 168(sp)",
        "fsd fs9, 176(sp)",
        "fsd fs10, 184(sp)",
        "fsd fs11, 192(sp)",
        "sd sp, {host}(a0)",
        "lla t0, 2f",
        "sd t0, {host} + 8(a0)",
        "mv t0, a1",
        "li a1, 0",
        "jalr t0",
        "2:",
        "ld ra, 0(sp)",
        "ld s0, 8(sp)",
        "ld s1, 16(sp)",
        "ld s2, 24(sp)",
        "ld s3, 32(sp)",
        "ld s4, 40(sp)",
        "ld s5, 48(sp)",
        "ld s6, 56(sp)",
        "ld s7, 64(sp)",
        "ld s8, 72(sp)",
        "ld s9, 80(sp)",
        "ld s10, 88(sp)",
        "ld s11, 96(sp)",
        "fld fs0, 104(sp)",
        "fld fs1, 112(sp)",
        "fld fs2, 120(sp)",
        "fld fs3, 128(sp)",
        "fld fs4, 136(sp)",
        "fld fs5, 144(sp)",
        "fld fs6, 152(sp)",
        "fld fs7, 160(sp)",
        "fld fs8, 168(sp)",
        "fld fs9, 176(sp)",
        "fld fs10, 184(sp)",
        "fld fs11, 192(sp)",
        "addi sp, sp, 208",
        "ret",
        host = const HOST,
    )
}

/// One vCPU without a machine around it: runs single units of a [`Runtime`](crate::codegen::Runtime).
#[cfg(test)]
pub(crate) struct Bench {
    pub state: Box<VcpuState>,
    pub runtime: crate::codegen::Runtime,
    _tables: super::state::Tables,
}

#[cfg(test)]
impl Bench {
    pub fn new(runtime: crate::codegen::Runtime) -> Bench {
        let tables = super::state::Tables::new();
        let mut state = Box::new(VcpuState::new());
        (state.jump_cache, state.read_tlb, state.write_tlb) = tables.pointers();
        state.helpers = runtime.helper_table();
        Bench { state, runtime, _tables: tables }
    }

    /// Runs a unit that was installed in the runtime's arena.
    pub fn run(&mut self, unit: &crate::codegen::InstalledUnit) -> u64 {
        // SAFETY: the unit is in the arena, links lead to units of it, and the state's pointers were set by `new`.
        let word = unsafe { enter(&mut self.state, unit.entry) };
        self.state.apply_restart();
        word
    }
}
