"""The header's numbers as enumerations."""

from enum import IntEnum, IntFlag

from . import _prototypes as c


class Status(IntEnum):
    """How a function of the library ended."""

    OK = c.XLAT_OK
    NULL = c.XLAT_ERROR_NULL
    HANDLE = c.XLAT_ERROR_HANDLE
    ARGUMENT = c.XLAT_ERROR_ARGUMENT
    STRUCT_SIZE = c.XLAT_ERROR_STRUCT_SIZE
    BUSY = c.XLAT_ERROR_BUSY
    POISONED = c.XLAT_ERROR_POISONED
    INTERNAL = c.XLAT_ERROR_INTERNAL
    BUFFER = c.XLAT_ERROR_BUFFER
    ALIGNMENT = c.XLAT_ERROR_ALIGNMENT
    RANGE = c.XLAT_ERROR_RANGE
    OVERLAP = c.XLAT_ERROR_OVERLAP
    NOT_MAPPED = c.XLAT_ERROR_NOT_MAPPED
    PERMISSION = c.XLAT_ERROR_PERMISSION
    NO_SPACE = c.XLAT_ERROR_NO_SPACE
    HOST = c.XLAT_ERROR_HOST
    UNSUPPORTED = c.XLAT_ERROR_UNSUPPORTED
    NOT_FOUND = c.XLAT_ERROR_NOT_FOUND
    FILE = c.XLAT_ERROR_FILE
    FORMAT = c.XLAT_ERROR_FORMAT


class Guest(IntEnum):
    """Whose code runs."""

    X86_64 = c.XLAT_GUEST_X86_64
    AARCH64 = c.XLAT_GUEST_AARCH64
    RISCV64 = c.XLAT_GUEST_RISCV64


class Host(IntEnum):
    """For whom code is made."""

    X86_64 = c.XLAT_HOST_X86_64
    AARCH64 = c.XLAT_HOST_AARCH64
    RISCV64 = c.XLAT_HOST_RISCV64


class Execution(IntEnum):
    """What executes guest code."""

    INTERPRET = c.XLAT_EXECUTION_INTERPRET
    COMPILE = c.XLAT_EXECUTION_COMPILE
    STENCILS = c.XLAT_EXECUTION_STENCILS
    REGIONS = c.XLAT_EXECUTION_REGIONS


class Monitor(IntFlag):
    """What is kept of translation. RECORD goes with every other."""

    RECORD = c.XLAT_MONITOR_RECORD
    SAMPLE = c.XLAT_MONITOR_SAMPLE
    PERF_MAP = c.XLAT_MONITOR_PERF_MAP
    JITDUMP = c.XLAT_MONITOR_JITDUMP


class EventKind(IntEnum):
    """What happened to a unit of translated code."""

    COMPILED = c.XLAT_EVENT_COMPILED
    LOADED = c.XLAT_EVENT_LOADED
    PROMOTED = c.XLAT_EVENT_PROMOTED
    INVALIDATED = c.XLAT_EVENT_INVALIDATED
    EVICTED = c.XLAT_EVENT_EVICTED
    HOT_SPOT = c.XLAT_EVENT_HOT_SPOT


class Tier(IntEnum):
    """How a unit is made."""

    STENCILS = c.XLAT_TIER_STENCILS
    REGION = c.XLAT_TIER_REGION


class MemoryMode(IntEnum):
    """How guest memory is reached."""

    DIRECT = c.XLAT_MEMORY_DIRECT
    PAGED = c.XLAT_MEMORY_PAGED


class Prot(IntFlag):
    """What the guest may do with memory."""

    NONE = 0
    READ = c.XLAT_PROT_READ
    WRITE = c.XLAT_PROT_WRITE
    EXEC = c.XLAT_PROT_EXEC


class ExitReason(IntEnum):
    """Why a run ended."""

    BUDGET = c.XLAT_EXIT_BUDGET
    INTERRUPTED = c.XLAT_EXIT_INTERRUPTED
    STOP_ADDRESS = c.XLAT_EXIT_STOP_ADDRESS
    BREAKPOINT = c.XLAT_EXIT_BREAKPOINT
    SYSCALL = c.XLAT_EXIT_SYSCALL
    FAULT = c.XLAT_EXIT_FAULT
    ARITHMETIC = c.XLAT_EXIT_ARITHMETIC
    ILLEGAL = c.XLAT_EXIT_ILLEGAL
    UNSUPPORTED = c.XLAT_EXIT_UNSUPPORTED
    HALT = c.XLAT_EXIT_HALT
    HOOK = c.XLAT_EXIT_HOOK
    MMIO = c.XLAT_EXIT_MMIO
    INTERNAL = c.XLAT_EXIT_INTERNAL
    PROTECTION = c.XLAT_EXIT_PROTECTION
    EXITED = c.XLAT_EXIT_EXITED
    KILLED = c.XLAT_EXIT_KILLED


class Access(IntEnum):
    """Kind of an access; UNKNOWN where the guest's exception does not tell."""

    UNKNOWN = 0
    READ = c.XLAT_ACCESS_READ
    WRITE = c.XLAT_ACCESS_WRITE
    FETCH = c.XLAT_ACCESS_FETCH


class FaultKind(IntEnum):
    """Why an access faults."""

    UNMAPPED = c.XLAT_FAULT_UNMAPPED
    PERMISSION = c.XLAT_FAULT_PERMISSION
    MISALIGNED = c.XLAT_FAULT_MISALIGNED


class Trap(IntEnum):
    """An exception of the guest that is no memory fault."""

    NONE = 0
    ILLEGAL = c.XLAT_TRAP_ILLEGAL
    UNSUPPORTED = c.XLAT_TRAP_UNSUPPORTED
    BREAKPOINT = c.XLAT_TRAP_BREAKPOINT
    DIVIDE_ERROR = c.XLAT_TRAP_DIVIDE_ERROR
    FLOAT_ERROR = c.XLAT_TRAP_FLOAT_ERROR
    MISALIGNED = c.XLAT_TRAP_MISALIGNED
    GENERAL_PROTECTION = c.XLAT_TRAP_GENERAL_PROTECTION
    HALT = c.XLAT_TRAP_HALT


class Text(IntEnum):
    """What to show of a translation."""

    GUEST = c.XLAT_TEXT_GUEST
    IR = c.XLAT_TEXT_IR
    OPTIMIZED = c.XLAT_TEXT_OPTIMIZED
    HOST = c.XLAT_TEXT_HOST
