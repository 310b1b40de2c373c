/*
 * xlat: runs x86-64, AArch64 and RV64 machine code by dynamic binary translation.
 *
 * This file is generated from crate ffi; change it there.
 *
 * Conventions
 *
 * - Functions that can fail return an xlat_status: XLAT_OK (0) or an XLAT_ERROR_*. The text of the last failure on a
 *   thread is got by xlat_last_error. Out-parameters are not written on failure, unless it says so.
 * - What the guest does is never an error: faults, illegal instructions and the like are ends of a run (xlat_exit).
 * - Handles (xlat_engine, xlat_vm, xlat_vcpu, xlat_process) are made by *_new and freed, once, by *_free. Freeing NULL is
 *   fine. They are not addresses: a handle that is NULL, freed, forged or of another kind gives XLAT_ERROR_NULL or
 *   XLAT_ERROR_HANDLE. Order does not matter: what a later object needs of an earlier one lives on.
 * - Structs start with their size. Set all bytes to zero and struct_size to sizeof: XLAT_INIT(value). Zero fields mean
 *   the default. A program built with a later header works as long as it leaves the fields added there zero.
 * - Guest addresses are uint64_t, enumerations uint32_t with the constants below, texts UTF-8 with a final zero.
 * - Strings and arrays that are passed in are needed during the call only.
 * - A bug in xlat (a panic) gives XLAT_ERROR_INTERNAL; the objects of that call can then only be freed.
 *
 * Threads
 *
 * - A function that takes a pointer to a const object may be called with it on several threads at once. One that takes
 *   a pointer to a non-const object must be the only call with that object; where another is found under way, it
 *   fails with XLAT_ERROR_BUSY.
 * - So machines (const xlat_vm *) are shared: memory may be mapped, written and patched while vCPUs run. A vCPU is run by
 *   one thread at a time; its registers cannot be read by others meanwhile.
 * - xlat_vcpu_interrupt and xlat_process_interrupt are the exceptions: from any thread at any time, and from signal
 *   handlers.
 * - xlat installs handlers for SIGSEGV and SIGBUS when the first machine runs compiled code; faults that are not its own
 *   go to the handlers that were there before.
 * - Callbacks run on the thread of the call that runs the guest. They must not throw C++ exceptions, call longjmp or end
 *   the thread. They may call any function except those that need the object whose run called them.
 */

#ifndef XLAT_H
#define XLAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** The version of this header. */
#define XLAT_VERSION "0.1.0"
#define XLAT_VERSION_MAJOR 0
#define XLAT_VERSION_MINOR 1
#define XLAT_VERSION_PATCH 0

/** Makes a struct of this header ready: zero, with its size. */
#define XLAT_INIT(value) \
  (memset(&(value), 0, sizeof(value)), (void)((value).struct_size = (uint32_t)sizeof(value)))


/**
 * Done.
 */
#define XLAT_OK 0

/**
 * A pointer that must not be NULL is NULL.
 */
#define XLAT_ERROR_NULL 1

/**
 * Not a live handle of this kind: freed, of another kind, or never one.
 */
#define XLAT_ERROR_HANDLE 2

/**
 * A value that the function does not take.
 */
#define XLAT_ERROR_ARGUMENT 3

/**
 * The `struct_size` is too small, or fields that this version does not know are not zero.
 */
#define XLAT_ERROR_STRUCT_SIZE 4

/**
 * Another call, perhaps on another thread, is using the object now.
 */
#define XLAT_ERROR_BUSY 5

/**
 * An earlier call on the object ended in `XLAT_ERROR_INTERNAL`: it can only be freed.
 */
#define XLAT_ERROR_POISONED 6

/**
 * A bug in xlat. The object can only be freed.
 */
#define XLAT_ERROR_INTERNAL 7

/**
 * The buffer is too small; what fits was written, and how much it should have been.
 */
#define XLAT_ERROR_BUFFER 8

/**
 * An address, length or pointer is not a multiple of the page size (4096).
 */
#define XLAT_ERROR_ALIGNMENT 9

/**
 * A range of guest addresses does not fit the address space.
 */
#define XLAT_ERROR_RANGE 10

/**
 * Something is mapped there already.
 */
#define XLAT_ERROR_OVERLAP 11

/**
 * Nothing is mapped there.
 */
#define XLAT_ERROR_NOT_MAPPED 12

/**
 * The mapping does not allow it.
 */
#define XLAT_ERROR_PERMISSION 13

/**
 * No room is left.
 */
#define XLAT_ERROR_NO_SPACE 14

/**
 * The host's system refused.
 */
#define XLAT_ERROR_HOST 15

/**
 * Not possible in this mode, for this guest or on this host.
 */
#define XLAT_ERROR_UNSUPPORTED 16

/**
 * No such register, stop address or the like.
 */
#define XLAT_ERROR_NOT_FOUND 17

/**
 * A file that cannot be read or executed.
 */
#define XLAT_ERROR_FILE 18

/**
 * A file that is no program xlat runs.
 */
#define XLAT_ERROR_FORMAT 19

/**
 * Guest x86-64.
 */
#define XLAT_GUEST_X86_64 1

/**
 * Guest AArch64.
 */
#define XLAT_GUEST_AARCH64 2

/**
 * Guest RV64.
 */
#define XLAT_GUEST_RISCV64 3

/**
 * Host x86-64.
 */
#define XLAT_HOST_X86_64 1

/**
 * Host AArch64.
 */
#define XLAT_HOST_AARCH64 2

/**
 * Host RV64.
 */
#define XLAT_HOST_RISCV64 3

/**
 * The interpreter only.
 */
#define XLAT_EXECUTION_INTERPRET 1

/**
 * The interpreter first, then stencils, then compiled regions for what runs often (the default).
 */
#define XLAT_EXECUTION_COMPILE 2

/**
 * Stencils, after the first executions.
 */
#define XLAT_EXECUTION_STENCILS 3

/**
 * Compiled regions, after the first executions.
 */
#define XLAT_EXECUTION_REGIONS 4

/**
 * Keep a record of units and tell events.
 */
#define XLAT_MONITOR_RECORD 1

/**
 * Also take samples of where time goes (SIGPROF and the process's profiling timer).
 */
#define XLAT_MONITOR_SAMPLE 2

/**
 * Also write `/tmp/perf-PID.map`, from which `perf report` takes names.
 */
#define XLAT_MONITOR_PERF_MAP 4

/**
 * Also write `jit-PID.dump` into the working directory, for `perf inject --jit`.
 */
#define XLAT_MONITOR_JITDUMP 8

/**
 * A unit was made.
 */
#define XLAT_EVENT_COMPILED 1

/**
 * A unit was taken from the disk cache.
 */
#define XLAT_EVENT_LOADED 2

/**
 * A unit has taken the place of one of a lower tier.
 */
#define XLAT_EVENT_PROMOTED 3

/**
 * A unit went because its code was written or unmapped.
 */
#define XLAT_EVENT_INVALIDATED 4

/**
 * A unit went to make room.
 */
#define XLAT_EVENT_EVICTED 5

/**
 * A unit of stencils has been entered often enough for the next tier.
 */
#define XLAT_EVENT_HOT_SPOT 6

/**
 * Copies of stencils, one an instruction.
 */
#define XLAT_TIER_STENCILS 1

/**
 * A region that was compiled as a whole.
 */
#define XLAT_TIER_REGION 2

/**
 * Guest memory in one reserved window of host addresses: fastest.
 */
#define XLAT_MEMORY_DIRECT 1

/**
 * Guest memory found page by page (the default of bare machines): any host memory can be mapped.
 */
#define XLAT_MEMORY_PAGED 2

/**
 * The guest may load.
 */
#define XLAT_PROT_READ 1

/**
 * The guest may store; it may then also load.
 */
#define XLAT_PROT_WRITE 2

/**
 * The guest may fetch instructions.
 */
#define XLAT_PROT_EXEC 4

/**
 * As many instructions as asked for have retired.
 */
#define XLAT_EXIT_BUDGET 1

/**
 * Interrupted; the pc is the next instruction.
 */
#define XLAT_EXIT_INTERRUPTED 2

/**
 * The pc is a stop address, whose instruction has not run.
 */
#define XLAT_EXIT_STOP_ADDRESS 3

/**
 * A breakpoint instruction of the guest, at the pc.
 */
#define XLAT_EXIT_BREAKPOINT 4

/**
 * A system call: it has retired, the pc is the instruction behind it.
 */
#define XLAT_EXIT_SYSCALL 5

/**
 * The instruction at the pc cannot access memory: see the fields `fault_*`.
 */
#define XLAT_EXIT_FAULT 6

/**
 * The instruction at the pc raises an arithmetic exception: see `trap`.
 */
#define XLAT_EXIT_ARITHMETIC 7

/**
 * The guest's illegal-instruction exception, at the pc.
 */
#define XLAT_EXIT_ILLEGAL 8

/**
 * The instruction at the pc is valid, but xlat does not translate it.
 */
#define XLAT_EXIT_UNSUPPORTED 9

/**
 * A halting or privileged instruction, at the pc.
 */
#define XLAT_EXIT_HALT 10

/**
 * A hook asked to stop.
 */
#define XLAT_EXIT_HOOK 11

/**
 * Reserved: an access to memory-mapped input and output.
 */
#define XLAT_EXIT_MMIO 12

/**
 * A bug in xlat: see `xlat_last_error`. Guest state is that of some moment before.
 */
#define XLAT_EXIT_INTERNAL 13

/**
 * x86-64: a general-protection exception, at the pc.
 */
#define XLAT_EXIT_PROTECTION 14

/**
 * The process has exited: `status` is its exit status.
 */
#define XLAT_EXIT_EXITED 15

/**
 * A signal has ended the process: `status` is the signal's number. `xlat_last_error` names the instruction if that was
 * one that xlat does not translate, and is empty if there is nothing to say.
 */
#define XLAT_EXIT_KILLED 16

/**
 * A load.
 */
#define XLAT_ACCESS_READ 1

/**
 * A store.
 */
#define XLAT_ACCESS_WRITE 2

/**
 * An instruction fetch.
 */
#define XLAT_ACCESS_FETCH 3

/**
 * Nothing is mapped there.
 */
#define XLAT_FAULT_UNMAPPED 1

/**
 * Mapped, without the permission.
 */
#define XLAT_FAULT_PERMISSION 2

/**
 * The access must be aligned and is not.
 */
#define XLAT_FAULT_MISALIGNED 3

/**
 * The guest's illegal-instruction exception.
 */
#define XLAT_TRAP_ILLEGAL 1

/**
 * A valid instruction that xlat does not translate.
 */
#define XLAT_TRAP_UNSUPPORTED 2

/**
 * A breakpoint instruction.
 */
#define XLAT_TRAP_BREAKPOINT 3

/**
 * Integer division by zero or overflow (x86-64).
 */
#define XLAT_TRAP_DIVIDE_ERROR 4

/**
 * An unmasked floating-point exception.
 */
#define XLAT_TRAP_FLOAT_ERROR 5

/**
 * An access that must be aligned and is not.
 */
#define XLAT_TRAP_MISALIGNED 6

/**
 * A general-protection exception (x86-64).
 */
#define XLAT_TRAP_GENERAL_PROTECTION 7

/**
 * A halting or privileged instruction.
 */
#define XLAT_TRAP_HALT 8

/**
 * `xlat_run_options.budget` counts.
 */
#define XLAT_RUN_BUDGET 1

/**
 * `xlat_run_options.stop_at` counts.
 */
#define XLAT_RUN_STOP_AT 2

/**
 * Translation: the guest's instructions as text.
 */
#define XLAT_TEXT_GUEST 1

/**
 * Translation: the intermediate representation as lifted.
 */
#define XLAT_TEXT_IR 2

/**
 * Translation: the intermediate representation after the optimiser.
 */
#define XLAT_TEXT_OPTIMIZED 3

/**
 * Translation: host code.
 */
#define XLAT_TEXT_HOST 4

/**
 * Callback of a system call: xlat makes the call.
 */
#define XLAT_SYSCALL_CONTINUE 0

/**
 * Callback of a system call: it is answered with `*result`.
 */
#define XLAT_SYSCALL_ANSWERED 1

/**
 * Callback of a system call: it is answered with `*result`, and the run ends.
 */
#define XLAT_SYSCALL_STOP 2

/**
 * X86_64: `rax`.
 */
#define XLAT_X86_64_RAX 0

/**
 * X86_64: `rcx`.
 */
#define XLAT_X86_64_RCX 1

/**
 * X86_64: `rdx`.
 */
#define XLAT_X86_64_RDX 2

/**
 * X86_64: `rbx`.
 */
#define XLAT_X86_64_RBX 3

/**
 * X86_64: `rsp`.
 */
#define XLAT_X86_64_RSP 4

/**
 * X86_64: `rbp`.
 */
#define XLAT_X86_64_RBP 5

/**
 * X86_64: `rsi`.
 */
#define XLAT_X86_64_RSI 6

/**
 * X86_64: `rdi`.
 */
#define XLAT_X86_64_RDI 7

/**
 * X86_64: `r8`.
 */
#define XLAT_X86_64_R8 8

/**
 * X86_64: `r9`.
 */
#define XLAT_X86_64_R9 9

/**
 * X86_64: `r10`.
 */
#define XLAT_X86_64_R10 10

/**
 * X86_64: `r11`.
 */
#define XLAT_X86_64_R11 11

/**
 * X86_64: `r12`.
 */
#define XLAT_X86_64_R12 12

/**
 * X86_64: `r13`.
 */
#define XLAT_X86_64_R13 13

/**
 * X86_64: `r14`.
 */
#define XLAT_X86_64_R14 14

/**
 * X86_64: `r15`.
 */
#define XLAT_X86_64_R15 15

/**
 * X86_64: `rip`.
 */
#define XLAT_X86_64_RIP 16

/**
 * X86_64: `pc`.
 */
#define XLAT_X86_64_PC 16

/**
 * X86_64: `rflags`.
 */
#define XLAT_X86_64_RFLAGS 17

/**
 * X86_64: `eflags`.
 */
#define XLAT_X86_64_EFLAGS 17

/**
 * X86_64: `fs_base`.
 */
#define XLAT_X86_64_FS_BASE 18

/**
 * X86_64: `gs_base`.
 */
#define XLAT_X86_64_GS_BASE 19

/**
 * X86_64: `mxcsr`.
 */
#define XLAT_X86_64_MXCSR 20

/**
 * X86_64: `fcw`.
 */
#define XLAT_X86_64_FCW 21

/**
 * X86_64: `fsw`.
 */
#define XLAT_X86_64_FSW 22

/**
 * X86_64: `ftw`.
 */
#define XLAT_X86_64_FTW 23

/**
 * X86_64: `st0`.
 */
#define XLAT_X86_64_ST0 32

/**
 * X86_64: `st1`.
 */
#define XLAT_X86_64_ST1 33

/**
 * X86_64: `st2`.
 */
#define XLAT_X86_64_ST2 34

/**
 * X86_64: `st3`.
 */
#define XLAT_X86_64_ST3 35

/**
 * X86_64: `st4`.
 */
#define XLAT_X86_64_ST4 36

/**
 * X86_64: `st5`.
 */
#define XLAT_X86_64_ST5 37

/**
 * X86_64: `st6`.
 */
#define XLAT_X86_64_ST6 38

/**
 * X86_64: `st7`.
 */
#define XLAT_X86_64_ST7 39

/**
 * X86_64: `xmm0`.
 */
#define XLAT_X86_64_XMM0 64

/**
 * X86_64: `xmm1`.
 */
#define XLAT_X86_64_XMM1 65

/**
 * X86_64: `xmm2`.
 */
#define XLAT_X86_64_XMM2 66

/**
 * X86_64: `xmm3`.
 */
#define XLAT_X86_64_XMM3 67

/**
 * X86_64: `xmm4`.
 */
#define XLAT_X86_64_XMM4 68

/**
 * X86_64: `xmm5`.
 */
#define XLAT_X86_64_XMM5 69

/**
 * X86_64: `xmm6`.
 */
#define XLAT_X86_64_XMM6 70

/**
 * X86_64: `xmm7`.
 */
#define XLAT_X86_64_XMM7 71

/**
 * X86_64: `xmm8`.
 */
#define XLAT_X86_64_XMM8 72

/**
 * X86_64: `xmm9`.
 */
#define XLAT_X86_64_XMM9 73

/**
 * X86_64: `xmm10`.
 */
#define XLAT_X86_64_XMM10 74

/**
 * X86_64: `xmm11`.
 */
#define XLAT_X86_64_XMM11 75

/**
 * X86_64: `xmm12`.
 */
#define XLAT_X86_64_XMM12 76

/**
 * X86_64: `xmm13`.
 */
#define XLAT_X86_64_XMM13 77

/**
 * X86_64: `xmm14`.
 */
#define XLAT_X86_64_XMM14 78

/**
 * X86_64: `xmm15`.
 */
#define XLAT_X86_64_XMM15 79

/**
 * AARCH64: `x0`.
 */
#define XLAT_AARCH64_X0 0

/**
 * AARCH64: `x1`.
 */
#define XLAT_AARCH64_X1 1

/**
 * AARCH64: `x2`.
 */
#define XLAT_AARCH64_X2 2

/**
 * AARCH64: `x3`.
 */
#define XLAT_AARCH64_X3 3

/**
 * AARCH64: `x4`.
 */
#define XLAT_AARCH64_X4 4

/**
 * AARCH64: `x5`.
 */
#define XLAT_AARCH64_X5 5

/**
 * AARCH64: `x6`.
 */
#define XLAT_AARCH64_X6 6

/**
 * AARCH64: `x7`.
 */
#define XLAT_AARCH64_X7 7

/**
 * AARCH64: `x8`.
 */
#define XLAT_AARCH64_X8 8

/**
 * AARCH64: `x9`.
 */
#define XLAT_AARCH64_X9 9

/**
 * AARCH64: `x10`.
 */
#define XLAT_AARCH64_X10 10

/**
 * AARCH64: `x11`.
 */
#define XLAT_AARCH64_X11 11

/**
 * AARCH64: `x12`.
 */
#define XLAT_AARCH64_X12 12

/**
 * AARCH64: `x13`.
 */
#define XLAT_AARCH64_X13 13

/**
 * AARCH64: `x14`.
 */
#define XLAT_AARCH64_X14 14

/**
 * AARCH64: `x15`.
 */
#define XLAT_AARCH64_X15 15

/**
 * AARCH64: `x16`.
 */
#define XLAT_AARCH64_X16 16

/**
 * AARCH64: `x17`.
 */
#define XLAT_AARCH64_X17 17

/**
 * AARCH64: `x18`.
 */
#define XLAT_AARCH64_X18 18

/**
 * AARCH64: `x19`.
 */
#define XLAT_AARCH64_X19 19

/**
 * AARCH64: `x20`.
 */
#define XLAT_AARCH64_X20 20

/**
 * AARCH64: `x21`.
 */
#define XLAT_AARCH64_X21 21

/**
 * AARCH64: `x22`.
 */
#define XLAT_AARCH64_X22 22

/**
 * AARCH64: `x23`.
 */
#define XLAT_AARCH64_X23 23

/**
 * AARCH64: `x24`.
 */
#define XLAT_AARCH64_X24 24

/**
 * AARCH64: `x25`.
 */
#define XLAT_AARCH64_X25 25

/**
 * AARCH64: `x26`.
 */
#define XLAT_AARCH64_X26 26

/**
 * AARCH64: `x27`.
 */
#define XLAT_AARCH64_X27 27

/**
 * AARCH64: `x28`.
 */
#define XLAT_AARCH64_X28 28

/**
 * AARCH64: `x29`.
 */
#define XLAT_AARCH64_X29 29

/**
 * AARCH64: `fp`.
 */
#define XLAT_AARCH64_FP 29

/**
 * AARCH64: `x30`.
 */
#define XLAT_AARCH64_X30 30

/**
 * AARCH64: `lr`.
 */
#define XLAT_AARCH64_LR 30

/**
 * AARCH64: `sp`.
 */
#define XLAT_AARCH64_SP 31

/**
 * AARCH64: `pc`.
 */
#define XLAT_AARCH64_PC 32

/**
 * AARCH64: `nzcv`.
 */
#define XLAT_AARCH64_NZCV 33

/**
 * AARCH64: `fpcr`.
 */
#define XLAT_AARCH64_FPCR 34

/**
 * AARCH64: `fpsr`.
 */
#define XLAT_AARCH64_FPSR 35

/**
 * AARCH64: `tpidr_el0`.
 */
#define XLAT_AARCH64_TPIDR_EL0 36

/**
 * AARCH64: `v0`.
 */
#define XLAT_AARCH64_V0 64

/**
 * AARCH64: `v1`.
 */
#define XLAT_AARCH64_V1 65

/**
 * AARCH64: `v2`.
 */
#define XLAT_AARCH64_V2 66

/**
 * AARCH64: `v3`.
 */
#define XLAT_AARCH64_V3 67

/**
 * AARCH64: `v4`.
 */
#define XLAT_AARCH64_V4 68

/**
 * AARCH64: `v5`.
 */
#define XLAT_AARCH64_V5 69

/**
 * AARCH64: `v6`.
 */
#define XLAT_AARCH64_V6 70

/**
 * AARCH64: `v7`.
 */
#define XLAT_AARCH64_V7 71

/**
 * AARCH64: `v8`.
 */
#define XLAT_AARCH64_V8 72

/**
 * AARCH64: `v9`.
 */
#define XLAT_AARCH64_V9 73

/**
 * AARCH64: `v10`.
 */
#define XLAT_AARCH64_V10 74

/**
 * AARCH64: `v11`.
 */
#define XLAT_AARCH64_V11 75

/**
 * AARCH64: `v12`.
 */
#define XLAT_AARCH64_V12 76

/**
 * AARCH64: `v13`.
 */
#define XLAT_AARCH64_V13 77

/**
 * AARCH64: `v14`.
 */
#define XLAT_AARCH64_V14 78

/**
 * AARCH64: `v15`.
 */
#define XLAT_AARCH64_V15 79

/**
 * AARCH64: `v16`.
 */
#define XLAT_AARCH64_V16 80

/**
 * AARCH64: `v17`.
 */
#define XLAT_AARCH64_V17 81

/**
 * AARCH64: `v18`.
 */
#define XLAT_AARCH64_V18 82

/**
 * AARCH64: `v19`.
 */
#define XLAT_AARCH64_V19 83

/**
 * AARCH64: `v20`.
 */
#define XLAT_AARCH64_V20 84

/**
 * AARCH64: `v21`.
 */
#define XLAT_AARCH64_V21 85

/**
 * AARCH64: `v22`.
 */
#define XLAT_AARCH64_V22 86

/**
 * AARCH64: `v23`.
 */
#define XLAT_AARCH64_V23 87

/**
 * AARCH64: `v24`.
 */
#define XLAT_AARCH64_V24 88

/**
 * AARCH64: `v25`.
 */
#define XLAT_AARCH64_V25 89

/**
 * AARCH64: `v26`.
 */
#define XLAT_AARCH64_V26 90

/**
 * AARCH64: `v27`.
 */
#define XLAT_AARCH64_V27 91

/**
 * AARCH64: `v28`.
 */
#define XLAT_AARCH64_V28 92

/**
 * AARCH64: `v29`.
 */
#define XLAT_AARCH64_V29 93

/**
 * AARCH64: `v30`.
 */
#define XLAT_AARCH64_V30 94

/**
 * AARCH64: `v31`.
 */
#define XLAT_AARCH64_V31 95

/**
 * RISCV64: `x0`.
 */
#define XLAT_RISCV64_X0 0

/**
 * RISCV64: `zero`.
 */
#define XLAT_RISCV64_ZERO 0

/**
 * RISCV64: `x1`.
 */
#define XLAT_RISCV64_X1 1

/**
 * RISCV64: `ra`.
 */
#define XLAT_RISCV64_RA 1

/**
 * RISCV64: `x2`.
 */
#define XLAT_RISCV64_X2 2

/**
 * RISCV64: `sp`.
 */
#define XLAT_RISCV64_SP 2

/**
 * RISCV64: `x3`.
 */
#define XLAT_RISCV64_X3 3

/**
 * RISCV64: `gp`.
 */
#define XLAT_RISCV64_GP 3

/**
 * RISCV64: `x4`.
 */
#define XLAT_RISCV64_X4 4

/**
 * RISCV64: `tp`.
 */
#define XLAT_RISCV64_TP 4

/**
 * RISCV64: `x5`.
 */
#define XLAT_RISCV64_X5 5

/**
 * RISCV64: `t0`.
 */
#define XLAT_RISCV64_T0 5

/**
 * RISCV64: `x6`.
 */
#define XLAT_RISCV64_X6 6

/**
 * RISCV64: `t1`.
 */
#define XLAT_RISCV64_T1 6

/**
 * RISCV64: `x7`.
 */
#define XLAT_RISCV64_X7 7

/**
 * RISCV64: `t2`.
 */
#define XLAT_RISCV64_T2 7

/**
 * RISCV64: `x8`.
 */
#define XLAT_RISCV64_X8 8

/**
 * RISCV64: `s0`.
 */
#define XLAT_RISCV64_S0 8

/**
 * RISCV64: `x9`.
 */
#define XLAT_RISCV64_X9 9

/**
 * RISCV64: `s1`.
 */
#define XLAT_RISCV64_S1 9

/**
 * RISCV64: `x10`.
 */
#define XLAT_RISCV64_X10 10

/**
 * RISCV64: `a0`.
 */
#define XLAT_RISCV64_A0 10

/**
 * RISCV64: `x11`.
 */
#define XLAT_RISCV64_X11 11

/**
 * RISCV64: `a1`.
 */
#define XLAT_RISCV64_A1 11

/**
 * RISCV64: `x12`.
 */
#define XLAT_RISCV64_X12 12

/**
 * RISCV64: `a2`.
 */
#define XLAT_RISCV64_A2 12

/**
 * RISCV64: `x13`.
 */
#define XLAT_RISCV64_X13 13

/**
 * RISCV64: `a3`.
 */
#define XLAT_RISCV64_A3 13

/**
 * RISCV64: `x14`.
 */
#define XLAT_RISCV64_X14 14

/**
 * RISCV64: `a4`.
 */
#define XLAT_RISCV64_A4 14

/**
 * RISCV64: `x15`.
 */
#define XLAT_RISCV64_X15 15

/**
 * RISCV64: `a5`.
 */
#define XLAT_RISCV64_A5 15

/**
 * RISCV64: `x16`.
 */
#define XLAT_RISCV64_X16 16

/**
 * RISCV64: `a6`.
 */
#define XLAT_RISCV64_A6 16

/**
 * RISCV64: `x17`.
 */
#define XLAT_RISCV64_X17 17

/**
 * RISCV64: `a7`.
 */
#define XLAT_RISCV64_A7 17

/**
 * RISCV64: `x18`.
 */
#define XLAT_RISCV64_X18 18

/**
 * RISCV64: `s2`.
 */
#define XLAT_RISCV64_S2 18

/**
 * RISCV64: `x19`.
 */
#define XLAT_RISCV64_X19 19

/**
 * RISCV64: `s3`.
 */
#define XLAT_RISCV64_S3 19

/**
 * RISCV64: `x20`.
 */
#define XLAT_RISCV64_X20 20

/**
 * RISCV64: `s4`.
 */
#define XLAT_RISCV64_S4 20

/**
 * RISCV64: `x21`.
 */
#define XLAT_RISCV64_X21 21

/**
 * RISCV64: `s5`.
 */
#define XLAT_RISCV64_S5 21

/**
 * RISCV64: `x22`.
 */
#define XLAT_RISCV64_X22 22

/**
 * RISCV64: `s6`.
 */
#define XLAT_RISCV64_S6 22

/**
 * RISCV64: `x23`.
 */
#define XLAT_RISCV64_X23 23

/**
 * RISCV64: `s7`.
 */
#define XLAT_RISCV64_S7 23

/**
 * RISCV64: `x24`.
 */
#define XLAT_RISCV64_X24 24

/**
 * RISCV64: `s8`.
 */
#define XLAT_RISCV64_S8 24

/**
 * RISCV64: `x25`.
 */
#define XLAT_RISCV64_X25 25

/**
 * RISCV64: `s9`.
 */
#define XLAT_RISCV64_S9 25

/**
 * RISCV64: `x26`.
 */
#define XLAT_RISCV64_X26 26

/**
 * RISCV64: `s10`.
 */
#define XLAT_RISCV64_S10 26

/**
 * RISCV64: `x27`.
 */
#define XLAT_RISCV64_X27 27

/**
 * RISCV64: `s11`.
 */
#define XLAT_RISCV64_S11 27

/**
 * RISCV64: `x28`.
 */
#define XLAT_RISCV64_X28 28

/**
 * RISCV64: `t3`.
 */
#define XLAT_RISCV64_T3 28

/**
 * RISCV64: `x29`.
 */
#define XLAT_RISCV64_X29 29

/**
 * RISCV64: `t4`.
 */
#define XLAT_RISCV64_T4 29

/**
 * RISCV64: `x30`.
 */
#define XLAT_RISCV64_X30 30

/**
 * RISCV64: `t5`.
 */
#define XLAT_RISCV64_T5 30

/**
 * RISCV64: `x31`.
 */
#define XLAT_RISCV64_X31 31

/**
 * RISCV64: `t6`.
 */
#define XLAT_RISCV64_T6 31

/**
 * RISCV64: `pc`.
 */
#define XLAT_RISCV64_PC 32

/**
 * RISCV64: `f0`.
 */
#define XLAT_RISCV64_F0 64

/**
 * RISCV64: `ft0`.
 */
#define XLAT_RISCV64_FT0 64

/**
 * RISCV64: `f1`.
 */
#define XLAT_RISCV64_F1 65

/**
 * RISCV64: `ft1`.
 */
#define XLAT_RISCV64_FT1 65

/**
 * RISCV64: `f2`.
 */
#define XLAT_RISCV64_F2 66

/**
 * RISCV64: `ft2`.
 */
#define XLAT_RISCV64_FT2 66

/**
 * RISCV64: `f3`.
 */
#define XLAT_RISCV64_F3 67

/**
 * RISCV64: `ft3`.
 */
#define XLAT_RISCV64_FT3 67

/**
 * RISCV64: `f4`.
 */
#define XLAT_RISCV64_F4 68

/**
 * RISCV64: `ft4`.
 */
#define XLAT_RISCV64_FT4 68

/**
 * RISCV64: `f5`.
 */
#define XLAT_RISCV64_F5 69

/**
 * RISCV64: `ft5`.
 */
#define XLAT_RISCV64_FT5 69

/**
 * RISCV64: `f6`.
 */
#define XLAT_RISCV64_F6 70

/**
 * RISCV64: `ft6`.
 */
#define XLAT_RISCV64_FT6 70

/**
 * RISCV64: `f7`.
 */
#define XLAT_RISCV64_F7 71

/**
 * RISCV64: `ft7`.
 */
#define XLAT_RISCV64_FT7 71

/**
 * RISCV64: `f8`.
 */
#define XLAT_RISCV64_F8 72

/**
 * RISCV64: `fs0`.
 */
#define XLAT_RISCV64_FS0 72

/**
 * RISCV64: `f9`.
 */
#define XLAT_RISCV64_F9 73

/**
 * RISCV64: `fs1`.
 */
#define XLAT_RISCV64_FS1 73

/**
 * RISCV64: `f10`.
 */
#define XLAT_RISCV64_F10 74

/**
 * RISCV64: `fa0`.
 */
#define XLAT_RISCV64_FA0 74

/**
 * RISCV64: `f11`.
 */
#define XLAT_RISCV64_F11 75

/**
 * RISCV64: `fa1`.
 */
#define XLAT_RISCV64_FA1 75

/**
 * RISCV64: `f12`.
 */
#define XLAT_RISCV64_F12 76

/**
 * RISCV64: `fa2`.
 */
#define XLAT_RISCV64_FA2 76

/**
 * RISCV64: `f13`.
 */
#define XLAT_RISCV64_F13 77

/**
 * RISCV64: `fa3`.
 */
#define XLAT_RISCV64_FA3 77

/**
 * RISCV64: `f14`.
 */
#define XLAT_RISCV64_F14 78

/**
 * RISCV64: `fa4`.
 */
#define XLAT_RISCV64_FA4 78

/**
 * RISCV64: `f15`.
 */
#define XLAT_RISCV64_F15 79

/**
 * RISCV64: `fa5`.
 */
#define XLAT_RISCV64_FA5 79

/**
 * RISCV64: `f16`.
 */
#define XLAT_RISCV64_F16 80

/**
 * RISCV64: `fa6`.
 */
#define XLAT_RISCV64_FA6 80

/**
 * RISCV64: `f17`.
 */
#define XLAT_RISCV64_F17 81

/**
 * RISCV64: `fa7`.
 */
#define XLAT_RISCV64_FA7 81

/**
 * RISCV64: `f18`.
 */
#define XLAT_RISCV64_F18 82

/**
 * RISCV64: `fs2`.
 */
#define XLAT_RISCV64_FS2 82

/**
 * RISCV64: `f19`.
 */
#define XLAT_RISCV64_F19 83

/**
 * RISCV64: `fs3`.
 */
#define XLAT_RISCV64_FS3 83

/**
 * RISCV64: `f20`.
 */
#define XLAT_RISCV64_F20 84

/**
 * RISCV64: `fs4`.
 */
#define XLAT_RISCV64_FS4 84

/**
 * RISCV64: `f21`.
 */
#define XLAT_RISCV64_F21 85

/**
 * RISCV64: `fs5`.
 */
#define XLAT_RISCV64_FS5 85

/**
 * RISCV64: `f22`.
 */
#define XLAT_RISCV64_F22 86

/**
 * RISCV64: `fs6`.
 */
#define XLAT_RISCV64_FS6 86

/**
 * RISCV64: `f23`.
 */
#define XLAT_RISCV64_F23 87

/**
 * RISCV64: `fs7`.
 */
#define XLAT_RISCV64_FS7 87

/**
 * RISCV64: `f24`.
 */
#define XLAT_RISCV64_F24 88

/**
 * RISCV64: `fs8`.
 */
#define XLAT_RISCV64_FS8 88

/**
 * RISCV64: `f25`.
 */
#define XLAT_RISCV64_F25 89

/**
 * RISCV64: `fs9`.
 */
#define XLAT_RISCV64_FS9 89

/**
 * RISCV64: `f26`.
 */
#define XLAT_RISCV64_F26 90

/**
 * RISCV64: `fs10`.
 */
#define XLAT_RISCV64_FS10 90

/**
 * RISCV64: `f27`.
 */
#define XLAT_RISCV64_F27 91

/**
 * RISCV64: `fs11`.
 */
#define XLAT_RISCV64_FS11 91

/**
 * RISCV64: `f28`.
 */
#define XLAT_RISCV64_F28 92

/**
 * RISCV64: `ft8`.
 */
#define XLAT_RISCV64_FT8 92

/**
 * RISCV64: `f29`.
 */
#define XLAT_RISCV64_F29 93

/**
 * RISCV64: `ft9`.
 */
#define XLAT_RISCV64_FT9 93

/**
 * RISCV64: `f30`.
 */
#define XLAT_RISCV64_F30 94

/**
 * RISCV64: `ft10`.
 */
#define XLAT_RISCV64_FT10 94

/**
 * RISCV64: `f31`.
 */
#define XLAT_RISCV64_F31 95

/**
 * RISCV64: `ft11`.
 */
#define XLAT_RISCV64_FT11 95

/**
 * RISCV64: `fcsr`.
 */
#define XLAT_RISCV64_FCSR 96

/**
 * Configuration and compiler, shared by machines.
 */
typedef struct xlat_engine xlat_engine;

/**
 * A Linux program in a machine of its own, with its system calls.
 */
typedef struct xlat_process xlat_process;

/**
 * Registers, and the loop that runs guest code.
 */
typedef struct xlat_vcpu xlat_vcpu;

/**
 * One guest address space and the code that was translated from it.
 */
typedef struct xlat_vm xlat_vm;

/**
 * How a function ended: `XLAT_OK` or one of `XLAT_ERROR_*`.
 */
typedef int32_t xlat_status;

/**
 * Settings of an engine. Zero fields mean the default.
 */
typedef struct xlat_engine_options {
  /**
   * `sizeof(xlat_engine_options)`.
   */
  uint32_t struct_size;
  /**
   * `XLAT_EXECUTION_*`.
   */
  uint32_t execution;
  /**
   * How often a block is interpreted before it is compiled; `UINT32_MAX`: compile at once.
   */
  uint32_t threshold;
  /**
   * Largest unit of compilation, in guest instructions.
   */
  uint32_t region_instructions;
  /**
   * Memory for the host code of each machine, in bytes: where it is full, what is used least goes.
   */
  uint64_t arena_bytes;
  /**
   * `XLAT_MONITOR_*`, added up.
   */
  uint32_t monitor;
  /**
   * How often a unit of stencils is entered before a region is compiled; `UINT32_MAX`: never. Zero: when a region is
   * expected to pay, as learned from the times of earlier compiles, so that two runs may compile different ones.
   */
  uint32_t promotion;
  /**
   * Threads of each machine that compile regions; with none, a region is compiled on the thread that wants it.
   */
  uint32_t compile_threads;
  /**
   * The most time that compiling regions may take, in percent of the processor time of the process; zero is no bound.
   */
  uint32_t compile_budget;
} xlat_engine_options;

/**
 * A program and the settings of its process. Zero fields mean the default; `path` has none.
 */
typedef struct xlat_process_options {
  /**
   * `sizeof(xlat_process_options)`.
   */
  uint32_t struct_size;
  /**
   * `XLAT_MEMORY_*`; direct by default.
   */
  uint32_t memory_mode;
  /**
   * Path of the program: a static ELF file.
   */
  const char *path;
  /**
   * The arguments, the program's name first; by default the path alone.
   */
  const char *const *argv;
  /**
   * How many arguments there are.
   */
  size_t argc;
  /**
   * The environment, each `NAME=VALUE`; empty by default.
   */
  const char *const *envp;
  /**
   * How many variables there are.
   */
  size_t envc;
  /**
   * 1: print a line for each system call to standard error.
   */
  uint32_t strace;
  /**
   * Zero.
   */
  uint32_t reserved;
} xlat_process_options;

/**
 * What limits a run. Zero fields mean no limit.
 */
typedef struct xlat_run_options {
  /**
   * `sizeof(xlat_run_options)`.
   */
  uint32_t struct_size;
  /**
   * `XLAT_RUN_*`: which of the fields below count.
   */
  uint32_t flags;
  /**
   * With `XLAT_RUN_BUDGET`: most instructions to retire.
   */
  uint64_t budget;
  /**
   * With `XLAT_RUN_STOP_AT`: stop before the instruction at this address, unless the run starts there.
   */
  uint64_t stop_at;
} xlat_run_options;

/**
 * How a run ended. Guest state is exact: as if the guest had executed one instruction after the other.
 */
typedef struct xlat_exit {
  /**
   * `sizeof(xlat_exit)`, to be set before the call.
   */
  uint32_t struct_size;
  /**
   * `XLAT_EXIT_*`.
   */
  uint32_t reason;
  /**
   * The guest pc.
   */
  uint64_t pc;
  /**
   * `XLAT_EXIT_FAULT`: the first byte that cannot be accessed.
   */
  uint64_t fault_address;
  /**
   * `XLAT_EXIT_FAULT`: `XLAT_ACCESS_*`, or 0 if it is not known.
   */
  uint32_t fault_access;
  /**
   * `XLAT_EXIT_FAULT`: size of the access in bytes, or 0 if it is not known.
   */
  uint32_t fault_size;
  /**
   * `XLAT_EXIT_FAULT`: `XLAT_FAULT_*`.
   */
  uint32_t fault_kind;
  /**
   * `XLAT_TRAP_*` if the guest raised an exception that is no fault, else 0.
   */
  uint32_t trap;
  /**
   * Instructions retired in this run, if `counted` is 1: whenever a budget was given.
   */
  uint64_t retired;
  /**
   * Whether `retired` counts.
   */
  uint32_t counted;
  /**
   * `XLAT_EXIT_EXITED` and `XLAT_EXIT_KILLED`: exit status or signal.
   */
  uint32_t status;
} xlat_exit;

/**
 * The value of a register: `low` bits 63:0, `high` bits 127:64.
 */
typedef struct xlat_value {
  /**
   * Bits 63:0.
   */
  uint64_t low;
  /**
   * Bits 127:64; zero in registers of 8 bytes.
   */
  uint64_t high;
} xlat_value;

/**
 * What a callback sees of a system call.
 */
typedef struct xlat_syscall {
  /**
   * `sizeof(xlat_syscall)`.
   */
  uint32_t struct_size;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * The guest's number of the call.
   */
  uint64_t number;
  /**
   * Its arguments.
   */
  uint64_t arguments[6];
} xlat_syscall;

/**
 * Called before each system call of a process. Returns an `XLAT_SYSCALL_*`; for those that answer the call, `*result` is
 * what the guest sees (a negative error number on failure). Any other value stops the run, which then fails.
 */
typedef uint32_t (*xlat_syscall_callback)(const struct xlat_syscall *call, uint64_t *result, void *user);

/**
 * Called when a callback's `user` is not needed any more.
 */
typedef void (*xlat_release_callback)(void *user);

/**
 * Something that happened to a unit of translated code.
 */
typedef struct xlat_event {
  /**
   * `sizeof(xlat_event)`.
   */
  uint32_t struct_size;
  /**
   * `XLAT_EVENT_*`.
   */
  uint32_t kind;
  /**
   * `xlat_vm_id` of the machine.
   */
  uint64_t vm;
  /**
   * Guest address of the unit's entry.
   */
  uint64_t pc;
  /**
   * Nanoseconds since the engine was made.
   */
  uint64_t nanos;
  /**
   * `XLAT_TIER_*` of the unit.
   */
  uint32_t tier;
  /**
   * Zero.
   */
  uint32_t reserved;
} xlat_event;

/**
 * Sees each event. `event` is valid during the call.
 */
typedef void (*xlat_event_callback)(const struct xlat_event *event, void *user);

/**
 * Counters of a machine since it was made.
 */
typedef struct xlat_stats {
  /**
   * `sizeof(xlat_stats)`, to be set before the call.
   */
  uint32_t struct_size;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * Blocks lifted for the interpreter.
   */
  uint64_t blocks_lifted;
  /**
   * Instructions that the interpreter retired.
   */
  uint64_t interpreted;
  /**
   * Regions compiled.
   */
  uint64_t units_compiled;
  /**
   * Guest instructions in compiled regions.
   */
  uint64_t compiled_instructions;
  /**
   * Bytes of host code in compiled regions.
   */
  uint64_t code_bytes;
  /**
   * Time spent compiling, in nanoseconds.
   */
  uint64_t compile_nanos;
  /**
   * Entries from the dispatcher into host code.
   */
  uint64_t entries;
  /**
   * Links made between units.
   */
  uint64_t links;
  /**
   * Units dropped because their code was written or unmapped.
   */
  uint64_t units_invalidated;
  /**
   * Times that code was invalidated.
   */
  uint64_t invalidations;
  /**
   * Units made of stencils.
   */
  uint64_t units_assembled;
  /**
   * Guest instructions in units made of stencils.
   */
  uint64_t assembled_instructions;
  /**
   * Bytes of host code in units made of stencils.
   */
  uint64_t assembled_bytes;
  /**
   * Time spent making units of stencils, in nanoseconds.
   */
  uint64_t assemble_nanos;
  /**
   * First level, the jump caches: indirect jumps that missed. Hits are not counted.
   */
  uint64_t jump_misses;
  /**
   * Units that were entered into a jump cache.
   */
  uint64_t jump_promotions;
  /**
   * Units that were pushed out of a jump cache by others.
   */
  uint64_t jump_evictions;
  /**
   * Second level, the live units: look-ups that found one.
   */
  uint64_t cache_hits;
  /**
   * Look-ups that found none.
   */
  uint64_t cache_misses;
  /**
   * Units that came from the disk cache.
   */
  uint64_t cache_promotions;
  /**
   * Units that went to make room, and that the disk cache has.
   */
  uint64_t cache_demotions;
  /**
   * Units that went to make room.
   */
  uint64_t cache_evictions;
  /**
   * Bytes of their code.
   */
  uint64_t cache_evicted_bytes;
  /**
   * Live units.
   */
  uint64_t cache_units;
  /**
   * Bytes of their code.
   */
  uint64_t cache_bytes;
  /**
   * Minor collections.
   */
  uint64_t collections_minor;
  /**
   * Major collections.
   */
  uint64_t collections_major;
  /**
   * Time that minor collections took, in nanoseconds.
   */
  uint64_t minor_nanos;
  /**
   * Time that major collections took, in nanoseconds.
   */
  uint64_t major_nanos;
  /**
   * What the longest collection took, in nanoseconds.
   */
  uint64_t collection_nanos_most;
  /**
   * Bytes of host code in compiled regions that come before their cold blocks.
   */
  uint64_t code_hot_bytes;
  /**
   * Bytes of guest code that regions were compiled from; what is in several of them counts for each.
   */
  uint64_t code_guest_bytes;
  /**
   * Bytes of host code in units made of stencils that come before their cold parts.
   */
  uint64_t assembled_hot_bytes;
  /**
   * Bytes of guest code that units of stencils were made from.
   */
  uint64_t assembled_guest_bytes;
} xlat_stats;

/**
 * What to translate, and what to show of it. Zero fields mean the default.
 */
typedef struct xlat_translate_options {
  /**
   * `sizeof(xlat_translate_options)`.
   */
  uint32_t struct_size;
  /**
   * `XLAT_TEXT_*`; the guest's instructions by default.
   */
  uint32_t text;
  /**
   * `XLAT_HOST_*`: whose code `XLAT_TEXT_HOST` shows; this host's by default.
   */
  uint32_t host;
  /**
   * Most guest instructions; 200 by default.
   */
  uint32_t max_instructions;
} xlat_translate_options;

/**
 * Settings of a machine. Zero fields mean the default; `guest` has none.
 */
typedef struct xlat_vm_options {
  /**
   * `sizeof(xlat_vm_options)`.
   */
  uint32_t struct_size;
  /**
   * `XLAT_GUEST_*`.
   */
  uint32_t guest;
  /**
   * `XLAT_MEMORY_*`; paged by default.
   */
  uint32_t memory_mode;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * Direct mode: size of the address space in bytes, a multiple of the page size; by default the largest power of two
   * that the host has room for, at most 2^47.
   */
  uint64_t window;
} xlat_vm_options;

/**
 * A register of a guest.
 */
typedef struct xlat_register_info {
  /**
   * `sizeof(xlat_register_info)`.
   */
  uint32_t struct_size;
  /**
   * Number of the register: `XLAT_<GUEST>_<NAME>`.
   */
  uint32_t id;
  /**
   * Its size in bytes: 8 or 16.
   */
  uint32_t bytes;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * Its name, lower case, with a final zero.
   */
  char name[16];
  /**
   * Another usual name, or empty.
   */
  char alias[16];
} xlat_register_info;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes an engine. `options` may be NULL. The engine is freed with `xlat_engine_free`.
 *
 * Requires:
 * `options` is NULL or points to `struct_size` bytes; `engine` points to a handle to be written.
 */
xlat_status xlat_engine_new(const struct xlat_engine_options *options, struct xlat_engine **engine);

/**
 * Frees an engine; NULL is fine. Its machines keep what they need of it.
 */
xlat_status xlat_engine_free(struct xlat_engine *engine);

/**
 * The text of the last failure on this thread, UTF-8 with a final zero; empty if there was none. It says more than the
 * status: names, addresses, sizes.
 *
 * Writes at most `len` bytes to `buf` and, if `needed` is not NULL, how many the whole text takes. `buf` may be NULL if
 * `len` is 0. Does not change the text. Returns `XLAT_ERROR_BUFFER` if `len` is too small and not 0.
 *
 * Requires:
 * `buf` has room for `len` bytes; `needed` is NULL or points to a `size_t`.
 */
xlat_status xlat_last_error(char *buf,
                            size_t len,
                            size_t *needed);

/**
 * A short fixed text for a status, or for any other number; never NULL, not to be freed.
 */
const char *xlat_status_text(xlat_status status);

/**
 * Loads a program into a new machine and prepares its stack and registers. The process is freed with
 * `xlat_process_free`.
 *
 * Requires:
 * `options` points to `struct_size` bytes, `argv` and `envp` in it to as many strings with a final zero as it says;
 * `process` points to a handle to be written.
 */
xlat_status xlat_process_new(const struct xlat_engine *engine,
                             const struct xlat_process_options *options,
                             struct xlat_process **process);

/**
 * Frees a process; NULL is fine. Its callback's `user` is released.
 */
xlat_status xlat_process_free(struct xlat_process *process);

/**
 * The machine of a process, for its memory and counters: a handle of its own, to be freed with `xlat_vm_free`.
 *
 * Requires:
 * `vm` points to a handle to be written.
 */
xlat_status xlat_process_vm(const struct xlat_process *process,
                            struct xlat_vm **vm);

/**
 * Runs a process until it ends (`XLAT_EXIT_EXITED`, `XLAT_EXIT_KILLED`) or something in `options` stops it, or an
 * interrupt; then it can be run on. System calls and signals are dealt with inside. `options` may be NULL. A process that
 * has ended stays ended.
 *
 * Requires:
 * `options` is NULL or points to `struct_size` bytes, `exit` to as many as its `struct_size` says.
 */
xlat_status xlat_process_run(struct xlat_process *process,
                             const struct xlat_run_options *options,
                             struct xlat_exit *exit);

/**
 * Asks a process to stop: as `xlat_vcpu_interrupt`, also out of system calls that wait. A call that is left in this way
 * is made anew when the process runs on.
 */
xlat_status xlat_process_interrupt(const struct xlat_process *process);

/**
 * Reads `count` registers of a process that does not run; as `xlat_vcpu_read_registers`.
 *
 * Requires:
 * `ids` points to `count` numbers, `values` has room for `count` values.
 */
xlat_status xlat_process_read_registers(const struct xlat_process *process,
                                        const uint32_t *ids,
                                        struct xlat_value *values,
                                        size_t count);

/**
 * Sets the callback that sees each system call before it is made; NULL for none. `release`, unless NULL, is called with
 * `user` when the callback is replaced or the process is freed.
 *
 * The callback runs on the thread of `xlat_process_run`. It may call everything but functions with this process.
 *
 * Requires:
 * `callback` and `release` may be called with `user` on any thread that runs or frees the process.
 */
xlat_status xlat_process_on_syscall(struct xlat_process *process,
                                    xlat_syscall_callback callback,
                                    xlat_release_callback release,
                                    void *user);

/**
 * Maps zeroed memory at `address`, where nothing may be mapped. Address and length are multiples of the page size.
 */
xlat_status xlat_vm_map(const struct xlat_vm *vm,
                        uint64_t address,
                        uint64_t length,
                        uint32_t prot);

/**
 * Shows memory of the host program at `address`, where nothing may be mapped. Writes of the guest are seen by the host
 * program and the other way round; who writes guest code through `memory` calls `xlat_vm_invalidate` afterwards.
 *
 * In direct mode only a shared mapping (`MAP_SHARED`) can be shown.
 *
 * Requires:
 * `memory` is aligned to the page size and stays `length` bytes of readable (with `XLAT_PROT_WRITE` writable) memory
 * until it is unmapped here and no vCPU of the machine runs, or until the machine and its vCPUs are freed.
 */
xlat_status xlat_vm_map_host(const struct xlat_vm *vm,
                             uint64_t address,
                             void *memory,
                             uint64_t length,
                             uint32_t prot);

/**
 * Changes what the guest may do with a range, all of which must be mapped.
 */
xlat_status xlat_vm_protect(const struct xlat_vm *vm, uint64_t address, uint64_t length, uint32_t prot);

/**
 * Removes all mappings of a range. Where nothing is mapped, nothing happens.
 */
xlat_status xlat_vm_unmap(const struct xlat_vm *vm, uint64_t address, uint64_t length);

/**
 * Copies guest memory to `buf`, whatever the guest may do there. If not all of it is mapped, copies what is before the
 * hole; `done`, unless NULL, is how many bytes were copied.
 *
 * Requires:
 * `buf` has room for `length` bytes; `done` is NULL or points to a `size_t`.
 */
xlat_status xlat_vm_read(const struct xlat_vm *vm,
                         uint64_t address,
                         void *buf,
                         size_t length,
                         size_t *done);

/**
 * Copies `bytes` to guest memory, whatever the guest may do there. Code that was translated from it is dropped: when
 * this returns, no vCPU runs old code. If not all of it is mapped, writes what is before the hole; `done`, unless NULL,
 * is how many bytes were written.
 *
 * Requires:
 * `bytes` points to `length` bytes; `done` is NULL or points to a `size_t`.
 */
xlat_status xlat_vm_write(const struct xlat_vm *vm,
                          uint64_t address,
                          const void *bytes,
                          size_t length,
                          size_t *done);

/**
 * Drops all code that was translated from a range: to be called after the host program changed code in memory of
 * `xlat_vm_map_host`. A length of 0 drops everything. When this returns, no vCPU runs old code.
 */
xlat_status xlat_vm_invalidate(const struct xlat_vm *vm,
                               uint64_t address,
                               uint64_t length);

/**
 * Has each event of the engine's machines told to a callback. The engine must have been made with
 * `XLAT_MONITOR_RECORD`. `listener`, which may be NULL, gets a number for `xlat_engine_remove_listener`. `release`, unless
 * NULL, is called with `user` when the callback is not needed any more.
 *
 * The callback runs on the thread where the event happens: one that runs a machine, writes its code, or compiles. It must
 * not use the machine, and should be quick.
 *
 * Requires:
 * `callback` and `release` may be called with `user` on any thread, `callback` on several at once.
 */
xlat_status xlat_engine_add_listener(const struct xlat_engine *engine,
                                     xlat_event_callback callback,
                                     xlat_release_callback release,
                                     void *user,
                                     uint64_t *listener);

/**
 * Takes a callback away. A call of it that has begun on another thread may outlast this function; `release` is called after
 * it.
 */
xlat_status xlat_engine_remove_listener(const struct xlat_engine *engine,
                                        uint64_t listener);

/**
 * The number of a machine in events and reports; no other machine of the process has it.
 *
 * Requires:
 * `id` points to a `uint64_t` to be written.
 */
xlat_status xlat_vm_id(const struct xlat_vm *vm, uint64_t *id);

/**
 * What is known of a machine's translations, as a JSON object: events and exits by kind, the most frequent places of exits,
 * and for each unit address, function, tier, state, compile time, instructions, bytes of guest and host code and samples,
 * the hottest units first. The engine must have been made with `XLAT_MONITOR_RECORD`. `buf`, `len` and `needed` as for
 * `xlat_last_error`; a machine that runs meanwhile may need more at the next call.
 *
 * Requires:
 * `buf` has room for `len` bytes; `needed` is NULL or points to a `size_t`.
 */
xlat_status xlat_vm_report_json(const struct xlat_vm *vm,
                                char *buf,
                                size_t len,
                                size_t *needed);

/**
 * Runs guest code from the pc until something ends the run; guest faults are ends, not errors. `options` may be NULL.
 *
 * The vCPU is used exclusively: on another thread only `xlat_vcpu_interrupt` may be called with it meanwhile. Different
 * vCPUs of a machine run in parallel.
 *
 * Requires:
 * `options` is NULL or points to `struct_size` bytes, `exit` to as many as its `struct_size` says.
 */
xlat_status xlat_vcpu_run(struct xlat_vcpu *vcpu,
                          const struct xlat_run_options *options,
                          struct xlat_exit *exit);

/**
 * A short fixed text for an `XLAT_EXIT_*`, or for any other number; never NULL, not to be freed.
 */
const char *xlat_exit_text(uint32_t reason);

/**
 * Counters of a machine as of now.
 *
 * Requires:
 * `stats` points to as many bytes as its `struct_size` says.
 */
xlat_status xlat_vm_stats(const struct xlat_vm *vm, struct xlat_stats *stats);

/**
 * Counters of a machine as of now, as a JSON object with the names of `xlat_stats`. `buf`, `len` and `needed` as for
 * `xlat_last_error`.
 *
 * Requires:
 * `buf` has room for `len` bytes; `needed` is NULL or points to a `size_t`.
 */
xlat_status xlat_vm_stats_json(const struct xlat_vm *vm,
                               char *buf,
                               size_t len,
                               size_t *needed);

/**
 * The translation of what begins at `address` in a machine's memory (the blocks that are reached by
 * direct jumps), as text. `options` may be NULL; `buf`,
 * `len` and `needed` as for `xlat_last_error`. `XLAT_ERROR_NOT_MAPPED` if nothing can be fetched there.
 *
 * Requires:
 * `options` is NULL or points to `struct_size` bytes; `buf` has room for `len` bytes; `needed` is NULL or points to a
 * `size_t`.
 */
xlat_status xlat_vm_translate(const struct xlat_vm *vm,
                              uint64_t address,
                              const struct xlat_translate_options *options,
                              char *buf,
                              size_t len,
                              size_t *needed);

/**
 * The translation of `length` bytes of machine code that stand at guest address `address`, as text. Needs no
 * machine. `options` may be NULL; `buf`, `len` and `needed` as for `xlat_last_error`.
 *
 * Requires:
 * `bytes` points to `length` bytes; the others as for `xlat_vm_translate`.
 */
xlat_status xlat_translate(uint32_t guest_number,
                           const uint8_t *bytes,
                           size_t length,
                           uint64_t address,
                           const struct xlat_translate_options *options,
                           char *buf,
                           size_t len,
                           size_t *needed);

/**
 * Makes a vCPU of a machine, with every register zero (x86-64: `rflags` 0x202, `mxcsr` 0x1f80). It is freed with
 * `xlat_vcpu_free`.
 *
 * Requires:
 * `vcpu` points to a handle to be written.
 */
xlat_status xlat_vcpu_new(const struct xlat_vm *vm,
                          struct xlat_vcpu **vcpu);

/**
 * Frees a vCPU; NULL is fine. `XLAT_ERROR_BUSY` while it runs.
 */
xlat_status xlat_vcpu_free(struct xlat_vcpu *vcpu);

/**
 * Asks a vCPU to stop: the run under way, or the next one if none is, returns `XLAT_EXIT_INTERRUPTED` before long.
 * Several calls before that count as one; none is lost.
 *
 * From any thread, at any time, also while the vCPU runs, and from signal handlers: it takes no lock, allocates nothing
 * and leaves `xlat_last_error` alone.
 */
xlat_status xlat_vcpu_interrupt(const struct xlat_vcpu *vcpu);

/**
 * Reads the guest pc.
 *
 * Requires:
 * `pc` points to a `uint64_t` to be written.
 */
xlat_status xlat_vcpu_pc(const struct xlat_vcpu *vcpu, uint64_t *pc);

/**
 * Sets the guest pc.
 */
xlat_status xlat_vcpu_set_pc(struct xlat_vcpu *vcpu, uint64_t pc);

/**
 * Reads a register of 8 bytes.
 *
 * Requires:
 * `value` points to a `uint64_t` to be written.
 */
xlat_status xlat_vcpu_read_register(const struct xlat_vcpu *vcpu, uint32_t id, uint64_t *value);

/**
 * Writes a register; one of 16 bytes gets zeros above. Bits that the register does not have are dropped. Every write
 * forgets the guest's exclusive reservation.
 */
xlat_status xlat_vcpu_write_register(struct xlat_vcpu *vcpu,
                                     uint32_t id,
                                     uint64_t value);

/**
 * Reads `count` registers, of 8 or 16 bytes. Nothing is written to `values` if an id is wrong.
 *
 * Requires:
 * `ids` points to `count` numbers, `values` has room for `count` values.
 */
xlat_status xlat_vcpu_read_registers(const struct xlat_vcpu *vcpu,
                                     const uint32_t *ids,
                                     struct xlat_value *values,
                                     size_t count);

/**
 * Writes `count` registers, of 8 or 16 bytes, in this order. Nothing is written if an id is wrong.
 *
 * Requires:
 * `ids` points to `count` numbers, `values` to `count` values.
 */
xlat_status xlat_vcpu_write_registers(struct xlat_vcpu *vcpu,
                                      const uint32_t *ids,
                                      const struct xlat_value *values,
                                      size_t count);

/**
 * The version of the library, `MAJOR.MINOR.PATCH`; never NULL, not to be freed. Compare it with `XLAT_VERSION`, which
 * is that of the header.
 */
const char *xlat_version(void);

/**
 * What the library can do, as a JSON object: `version`, `guests`, `hosts` (that code can be made for), `native` (the
 * host it runs on), `memory_modes`, `page_size`.
 *
 * `buf`, `len` and `needed` as for `xlat_last_error`.
 *
 * Requires:
 * `buf` has room for `len` bytes; `needed` is NULL or points to a `size_t`.
 */
xlat_status xlat_features(char *buf,
                          size_t len,
                          size_t *needed);

/**
 * Makes a machine with an empty address space. It is freed with `xlat_vm_free`.
 *
 * Requires:
 * `options` points to `struct_size` bytes; `vm` points to a handle to be written.
 */
xlat_status xlat_vm_new(const struct xlat_engine *engine,
                        const struct xlat_vm_options *options,
                        struct xlat_vm **vm);

/**
 * Frees a machine; NULL is fine. Its memory stays as long as it has vCPUs.
 */
xlat_status xlat_vm_free(struct xlat_vm *vm);

/**
 * The guest of a machine, `XLAT_GUEST_*`.
 *
 * Requires:
 * `number` points to a `uint32_t` to be written.
 */
xlat_status xlat_vm_guest(const struct xlat_vm *vm, uint32_t *number);

/**
 * Lets every run on this machine stop before the instruction at `address`, from the next run of each vCPU on. Adding it
 * twice is adding it once. A run that begins at a stop address does not stop there at once.
 */
xlat_status xlat_vm_add_stop(const struct xlat_vm *vm,
                             uint64_t address);

/**
 * Takes a stop address away; `XLAT_ERROR_NOT_FOUND` if it is none.
 */
xlat_status xlat_vm_remove_stop(const struct xlat_vm *vm, uint64_t address);

/**
 * How many registers a guest has.
 *
 * Requires:
 * `count` points to a `size_t` to be written.
 */
xlat_status xlat_register_count(uint32_t guest_number, size_t *count);

/**
 * The `index`th register of a guest, in the order of their numbers.
 *
 * Requires:
 * `info` points to as many bytes as its `struct_size` says.
 */
xlat_status xlat_register_at(uint32_t guest_number, size_t index, struct xlat_register_info *info);

/**
 * The register of a name or alias.
 *
 * Requires:
 * `name` points to a string with a final zero; `info` to as many bytes as its `struct_size` says.
 */
xlat_status xlat_register_by_name(uint32_t guest_number, const char *name, struct xlat_register_info *info);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* XLAT_H */
