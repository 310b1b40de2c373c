//! Running, and how runs end.

use crate::error::{Failure, record};
use crate::guard::{Sized32, check_out_struct, guard, read_struct, write_struct};
use crate::handle;
use crate::numbers::*;
use crate::vcpu::xlat_vcpu;
use std::ffi::c_char;
use translator::ir::{Access, Trap};
use translator::memory::FaultKind;
use translator::run::{Exit, Reason, RunOptions};

/// What limits a run. Zero fields mean no limit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct xlat_run_options {
    /// `sizeof(xlat_run_options)`.
    pub struct_size: u32,
    /// `XLAT_RUN_*`: which of the fields below count.
    pub flags: u32,
    /// With `XLAT_RUN_BUDGET`: most instructions to retire.
    pub budget: u64,
    /// With `XLAT_RUN_STOP_AT`: stop before the instruction at this address, unless the run starts there.
    pub stop_at: u64,
}

// SAFETY: repr(C), 2 * 4 + 2 * 8 bytes without padding, integers only.
unsafe impl Sized32 for xlat_run_options {
    const NAME: &'static str = "xlat_run_options";
    const FIRST: usize = 24;
}

/// How a run ended. Guest state is exact: as if the guest had executed one instruction after the other.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct xlat_exit {
    /// `sizeof(xlat_exit)`, to be set before the call.
    pub struct_size: u32,
    /// `XLAT_EXIT_*`.
    pub reason: u32,
    /// The guest pc.
    pub pc: u64,
    /// `XLAT_EXIT_FAULT`: the first byte that cannot be accessed.
    pub fault_address: u64,
    /// `XLAT_EXIT_FAULT`: `XLAT_ACCESS_*`, or 0 if it is not known.
    pub fault_access: u32,
    /// `XLAT_EXIT_FAULT`: size of the access in bytes, or 0 if it is not known.
    pub fault_size: u32,
    /// `XLAT_EXIT_FAULT`: `XLAT_FAULT_*`.
    pub fault_kind: u32,
    /// `XLAT_TRAP_*` if the guest raised an exception that is no fault, else 0.
    pub trap: u32,
    /// Instructions retired in this run, if `counted` is 1: whenever a budget was given.
    pub retired: u64,
    /// Whether `retired` counts.
    pub counted: u32,
    /// `XLAT_EXIT_EXITED` and `XLAT_EXIT_KILLED`: exit status or signal.
    pub status: u32,
}

// SAFETY: repr(C), 2 * 4 + 2 * 8 + 4 * 4 + 8 + 2 * 4 bytes without padding, integers only.
unsafe impl Sized32 for xlat_exit {
    const NAME: &'static str = "xlat_exit";
    const FIRST: usize = 56;
}

/// Runs guest code from the pc until something ends the run; guest faults are ends, not errors. `options` may be NULL.
///
/// The vCPU is used exclusively: on another thread only `xlat_vcpu_interrupt` may be called with it meanwhile. Different
/// vCPUs of a machine run in parallel.
///
/// # Safety
/// `options` is NULL or points to `struct_size` bytes, `exit` to as many as its `struct_size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn xlat_vcpu_run(
    vcpu: *mut xlat_vcpu,
    options: *const xlat_run_options,
    exit: *mut xlat_exit,
) -> xlat_status {
    guard(|| {
        let object = handle::acquire(vcpu.cast_const())?;
        // SAFETY: the caller's contract.
        let options = limits(&unsafe { read_struct(options) }?)?;
        // SAFETY: the caller's contract.
        unsafe { check_out_struct(exit.cast_const()) }?;
        let ended = object.lock()?.run(&options);
        // SAFETY: the caller's contract.
        unsafe { write_struct(exit, describe(&ended)) }
    })
}

/// A short fixed text for an `XLAT_EXIT_*`, or for any other number; never NULL, not to be freed.
#[unsafe(no_mangle)]
pub extern "C" fn xlat_exit_text(reason: u32) -> *const c_char {
    let text = match reason {
        XLAT_EXIT_BUDGET => c"budget spent",
        XLAT_EXIT_INTERRUPTED => c"interrupted",
        XLAT_EXIT_STOP_ADDRESS => c"stop address",
        XLAT_EXIT_BREAKPOINT => c"breakpoint",
        XLAT_EXIT_SYSCALL => c"system call",
        XLAT_EXIT_FAULT => c"memory fault",
        XLAT_EXIT_ARITHMETIC => c"arithmetic exception",
        XLAT_EXIT_ILLEGAL => c"illegal instruction",
        XLAT_EXIT_UNSUPPORTED => c"unsupported instruction",
        XLAT_EXIT_HALT => c"halting or privileged instruction",
        XLAT_EXIT_HOOK => c"stopped by a hook",
        XLAT_EXIT_MMIO => c"memory-mapped input or output",
        XLAT_EXIT_INTERNAL => c"internal error",
        XLAT_EXIT_PROTECTION => c"general protection",
        XLAT_EXIT_EXITED => c"exited",
        XLAT_EXIT_KILLED => c"killed by a signal",
        _ => c"unknown reason",
    };
    text.as_ptr()
}

/// The engine's limits of a run.
pub(crate) fn limits(given: &xlat_run_options) -> Result<RunOptions, Failure> {
    if given.flags & !(XLAT_RUN_BUDGET | XLAT_RUN_STOP_AT) != 0 {
        return Err(Failure::argument(format!("{:#x} is no combination of XLAT_RUN_*", given.flags)));
    }
    let field = |flag: u32, value: u64, name: &str| match (given.flags & flag != 0, value) {
        (true, value) => Ok(Some(value)),
        (false, 0) => Ok(None),
        (false, _) => Err(Failure::argument(format!("xlat_run_options.{name} is set, its flag is not"))),
    };
    Ok(RunOptions {
        budget: field(XLAT_RUN_BUDGET, given.budget, "budget")?,
        stop_at: field(XLAT_RUN_STOP_AT, given.stop_at, "stop_at")?,
    })
}

/// The header's view of an exit. The text of an internal error becomes the last error.
pub(crate) fn describe(exit: &Exit) -> xlat_exit {
    let mut out = xlat_exit {
        pc: exit.pc,
        retired: exit.retired.unwrap_or(0),
        counted: exit.retired.is_some().into(),
        ..xlat_exit::default()
    };
    out.reason = match exit.reason {
        Reason::Budget => XLAT_EXIT_BUDGET,
        Reason::Interrupted => XLAT_EXIT_INTERRUPTED,
        Reason::StopAddress => XLAT_EXIT_STOP_ADDRESS,
        Reason::Syscall => XLAT_EXIT_SYSCALL,
        Reason::Hook => XLAT_EXIT_HOOK,
        Reason::Fault(fault) => {
            out.fault_address = fault.addr;
            out.fault_size = fault.size;
            out.fault_access = match fault.access {
                Access::Read => XLAT_ACCESS_READ,
                Access::Write => XLAT_ACCESS_WRITE,
                Access::Fetch => XLAT_ACCESS_FETCH,
            };
            out.fault_kind = match fault.kind {
                FaultKind::Unmapped => XLAT_FAULT_UNMAPPED,
                FaultKind::Permission => XLAT_FAULT_PERMISSION,
                FaultKind::Misaligned => XLAT_FAULT_MISALIGNED,
            };
            XLAT_EXIT_FAULT
        }
        Reason::Trap { trap, info } => {
            let (number, reason) = match trap {
                Trap::Illegal => (XLAT_TRAP_ILLEGAL, XLAT_EXIT_ILLEGAL),
                Trap::Unsupported => (XLAT_TRAP_UNSUPPORTED, XLAT_EXIT_UNSUPPORTED),
                Trap::Breakpoint => (XLAT_TRAP_BREAKPOINT, XLAT_EXIT_BREAKPOINT),
                Trap::DivideError => (XLAT_TRAP_DIVIDE_ERROR, XLAT_EXIT_ARITHMETIC),
                Trap::FloatError => (XLAT_TRAP_FLOAT_ERROR, XLAT_EXIT_ARITHMETIC),
                Trap::Misaligned => (XLAT_TRAP_MISALIGNED, XLAT_EXIT_FAULT),
                Trap::GeneralProtection => (XLAT_TRAP_GENERAL_PROTECTION, XLAT_EXIT_PROTECTION),
                Trap::Halt => (XLAT_TRAP_HALT, XLAT_EXIT_HALT),
            };
            out.trap = number;
            if trap == Trap::Misaligned {
                out.fault_address = info;
                out.fault_kind = XLAT_FAULT_MISALIGNED;
            }
            reason
        }
        Reason::Internal(text) => {
            record(Failure::new(XLAT_ERROR_INTERNAL, text.to_owned()));
            XLAT_EXIT_INTERNAL
        }
    };
    out
}
