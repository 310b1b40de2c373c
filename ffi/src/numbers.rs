//! Every number of the C interface. A number never changes its meaning and is never used again.

/// How a function ended: `XLAT_OK` or one of `XLAT_ERROR_*`.
pub type xlat_status = i32;

/// Done.
pub const XLAT_OK: i32 = 0;
/// A pointer that must not be NULL is NULL.
pub const XLAT_ERROR_NULL: i32 = 1;
/// Not a live handle of this kind: freed, of another kind, or never one.
pub const XLAT_ERROR_HANDLE: i32 = 2;
/// A value that the function does not take.
pub const XLAT_ERROR_ARGUMENT: i32 = 3;
/// The `struct_size` is too small, or fields that this version does not know are not zero.
pub const XLAT_ERROR_STRUCT_SIZE: i32 = 4;
/// Another call, perhaps on another thread, is using the object now.
pub const XLAT_ERROR_BUSY: i32 = 5;
/// An earlier call on the object ended in `XLAT_ERROR_INTERNAL`: it can only be freed.
pub const XLAT_ERROR_POISONED: i32 = 6;
/// A bug in xlat. The object can only be freed.
pub const XLAT_ERROR_INTERNAL: i32 = 7;
/// The buffer is too small; what fits was written, and how much it should have been.
pub const XLAT_ERROR_BUFFER: i32 = 8;
/// An address, length or pointer is not a multiple of the page size (4096).
pub const XLAT_ERROR_ALIGNMENT: i32 = 9;
/// A range of guest addresses does not fit the address space.
pub const XLAT_ERROR_RANGE: i32 = 10;
/// Something is mapped there already.
pub const XLAT_ERROR_OVERLAP: i32 = 11;
/// Nothing is mapped there.
pub const XLAT_ERROR_NOT_MAPPED: i32 = 12;
/// The mapping does not allow it.
pub const XLAT_ERROR_PERMISSION: i32 = 13;
/// No room is left.
pub const XLAT_ERROR_NO_SPACE: i32 = 14;
/// The host's system refused.
pub const XLAT_ERROR_HOST: i32 = 15;
/// Not possible in this mode, for this guest or on this host.
pub const XLAT_ERROR_UNSUPPORTED: i32 = 16;
/// No such register, stop address or the like.
pub const XLAT_ERROR_NOT_FOUND: i32 = 17;
/// A file that cannot be read or executed.
pub const XLAT_ERROR_FILE: i32 = 18;
/// A file that is no program xlat runs.
pub const XLAT_ERROR_FORMAT: i32 = 19;

/// Guest x86-64.
pub const XLAT_GUEST_X86_64: u32 = 1;
/// Guest AArch64.
pub const XLAT_GUEST_AARCH64: u32 = 2;
/// Guest RV64.
pub const XLAT_GUEST_RISCV64: u32 = 3;

/// Host x86-64.
pub const XLAT_HOST_X86_64: u32 = 1;
/// Host AArch64.
pub const XLAT_HOST_AARCH64: u32 = 2;
/// Host RV64.
pub const XLAT_HOST_RISCV64: u32 = 3;

/// The interpreter only.
pub const XLAT_EXECUTION_INTERPRET: u32 = 1;
/// The interpreter first, then stencils, then compiled regions for what runs often (the default).
pub const XLAT_EXECUTION_COMPILE: u32 = 2;
/// Stencils, after the first executions.
pub const XLAT_EXECUTION_STENCILS: u32 = 3;
/// Compiled regions, after the first executions.
pub const XLAT_EXECUTION_REGIONS: u32 = 4;

/// Keep a record of units and tell events.
pub const XLAT_MONITOR_RECORD: u32 = 1;
/// Also take samples of where time goes (SIGPROF and the process's profiling timer).
pub const XLAT_MONITOR_SAMPLE: u32 = 2;
/// Also write `/tmp/perf-PID.map`, from which `perf report` takes names.
pub const XLAT_MONITOR_PERF_MAP: u32 = 4;
/// Also write `jit-PID.dump` into the working directory, for `perf inject --jit`.
pub const XLAT_MONITOR_JITDUMP: u32 = 8;

/// A unit was made.
pub const XLAT_EVENT_COMPILED: u32 = 1;
/// A unit was taken from the disk cache.
pub const XLAT_EVENT_LOADED: u32 = 2;
/// A unit has taken the place of one of a lower tier.
pub const XLAT_EVENT_PROMOTED: u32 = 3;
/// A unit went because its code was written or unmapped.
pub const XLAT_EVENT_INVALIDATED: u32 = 4;
/// A unit went to make room.
pub const XLAT_EVENT_EVICTED: u32 = 5;
/// A unit of stencils has been entered often enough for the next tier.
pub const XLAT_EVENT_HOT_SPOT: u32 = 6;

/// Copies of stencils, one an instruction.
pub const XLAT_TIER_STENCILS: u32 = 1;
/// A region that was compiled as a whole.
pub const XLAT_TIER_REGION: u32 = 2;

/// Guest memory in one reserved window of host addresses: fastest.
pub const XLAT_MEMORY_DIRECT: u32 = 1;
/// Guest memory found page by page (the default of bare machines): any host memory can be mapped.
pub const XLAT_MEMORY_PAGED: u32 = 2;

/// The guest may load.
pub const XLAT_PROT_READ: u32 = 1;
/// The guest may store; it may then also load.
pub const XLAT_PROT_WRITE: u32 = 2;
/// The guest may fetch instructions.
pub const XLAT_PROT_EXEC: u32 = 4;

/// As many instructions as asked for have retired.
pub const XLAT_EXIT_BUDGET: u32 = 1;
/// Interrupted; the pc is the next instruction.
pub const XLAT_EXIT_INTERRUPTED: u32 = 2;
/// The pc is a stop address, whose instruction has not run.
pub const XLAT_EXIT_STOP_ADDRESS: u32 = 3;
/// A breakpoint instruction of the guest, at the pc.
pub const XLAT_EXIT_BREAKPOINT: u32 = 4;
/// A system call: it has retired, the pc is the instruction behind it.
pub const XLAT_EXIT_SYSCALL: u32 = 5;
/// The instruction at the pc cannot access memory: see the fields `fault_*`.
pub const XLAT_EXIT_FAULT: u32 = 6;
/// The instruction at the pc raises an arithmetic exception: see `trap`.
pub const XLAT_EXIT_ARITHMETIC: u32 = 7;
/// The guest's illegal-instruction exception, at the pc.
pub const XLAT_EXIT_ILLEGAL: u32 = 8;
/// The instruction at the pc is valid, but xlat does not translate it.
pub const XLAT_EXIT_UNSUPPORTED: u32 = 9;
/// A halting or privileged instruction, at the pc.
pub const XLAT_EXIT_HALT: u32 = 10;
/// A hook asked to stop.
pub const XLAT_EXIT_HOOK: u32 = 11;
/// Reserved: an access to memory-mapped input and output.
pub const XLAT_EXIT_MMIO: u32 = 12;
/// A bug in xlat: see `xlat_last_error`. Guest state is that of some moment before.
pub const XLAT_EXIT_INTERNAL: u32 = 13;
/// x86-64: a general-protection exception, at the pc.
pub const XLAT_EXIT_PROTECTION: u32 = 14;
/// The process has exited: `status` is its exit status.
pub const XLAT_EXIT_EXITED: u32 = 15;
/// A signal has ended the process: `status` is the signal's number. `xlat_last_error` names the instruction if that was
/// one that xlat does not translate, and is empty if there is nothing to say.
pub const XLAT_EXIT_KILLED: u32 = 16;

/// A load.
pub const XLAT_ACCESS_READ: u32 = 1;
/// A store.
pub const XLAT_ACCESS_WRITE: u32 = 2;
/// An instruction fetch.
pub const XLAT_ACCESS_FETCH: u32 = 3;

/// Nothing is mapped there.
pub const XLAT_FAULT_UNMAPPED: u32 = 1;
/// Mapped, without the permission.
pub const XLAT_FAULT_PERMISSION: u32 = 2;
/// The access must be aligned and is not.
pub const XLAT_FAULT_MISALIGNED: u32 = 3;

/// The guest's illegal-instruction exception.
pub const XLAT_TRAP_ILLEGAL: u32 = 1;
/// A valid instruction that xlat does not translate.
pub const XLAT_TRAP_UNSUPPORTED: u32 = 2;
/// A breakpoint instruction.
pub const XLAT_TRAP_BREAKPOINT: u32 = 3;
/// Integer division by zero or overflow (x86-64).
pub const XLAT_TRAP_DIVIDE_ERROR: u32 = 4;
/// An unmasked floating-point exception.
pub const XLAT_TRAP_FLOAT_ERROR: u32 = 5;
/// An access that must be aligned and is not.
pub const XLAT_TRAP_MISALIGNED: u32 = 6;
/// A general-protection exception (x86-64).
pub const XLAT_TRAP_GENERAL_PROTECTION: u32 = 7;
/// A halting or privileged instruction.
pub const XLAT_TRAP_HALT: u32 = 8;

/// `xlat_run_options.budget` counts.
pub const XLAT_RUN_BUDGET: u32 = 1;
/// `xlat_run_options.stop_at` counts.
pub const XLAT_RUN_STOP_AT: u32 = 2;

/// Translation: the guest's instructions as text.
pub const XLAT_TEXT_GUEST: u32 = 1;
/// Translation: the intermediate representation as lifted.
pub const XLAT_TEXT_IR: u32 = 2;
/// Translation: the intermediate representation after the optimiser.
pub const XLAT_TEXT_OPTIMIZED: u32 = 3;
/// Translation: host code.
pub const XLAT_TEXT_HOST: u32 = 4;

/// Callback of a system call: xlat makes the call.
pub const XLAT_SYSCALL_CONTINUE: u32 = 0;
/// Callback of a system call: it is answered with `*result`.
pub const XLAT_SYSCALL_ANSWERED: u32 = 1;
/// Callback of a system call: it is answered with `*result`, and the run ends.
pub const XLAT_SYSCALL_STOP: u32 = 2;
