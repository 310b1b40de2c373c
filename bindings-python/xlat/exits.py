"""How runs end."""

from dataclasses import dataclass
from typing import Any

from . import _prototypes as c
from ._library import Error, check, last_error
from ._numbers import Access, ExitReason, FaultKind, Trap


@dataclass(frozen=True)
class Fault:
    """A guest access that failed."""

    address: int
    access: Access
    size: int
    kind: FaultKind


@dataclass(frozen=True)
class Exit:
    """The end of a run."""

    reason: ExitReason
    pc: int
    #: For ExitReason.FAULT.
    fault: Fault | None
    trap: Trap
    #: Instructions retired, if a budget was given.
    retired: int | None
    #: Exit status or signal, for ExitReason.EXITED and KILLED.
    status: int
    #: For ExitReason.KILLED: what xlat knows of the death (an instruction that it does not translate), or None.
    note: str | None


def from_struct(end: Any) -> Exit:
    """The header's struct as an Exit; a bug in xlat is raised."""
    if end.reason == c.XLAT_EXIT_INTERNAL:
        try:
            check(c.XLAT_ERROR_INTERNAL)
        except Error as error:
            raise error from None
    fault = None
    if end.reason == c.XLAT_EXIT_FAULT:
        fault = Fault(end.fault_address, Access(end.fault_access), end.fault_size, FaultKind(end.fault_kind))
    return Exit(
        reason=ExitReason(end.reason),
        pc=end.pc,
        fault=fault,
        trap=Trap(end.trap),
        retired=end.retired if end.counted else None,
        status=end.status,
        note=(last_error() or None) if end.reason == c.XLAT_EXIT_KILLED else None,
    )
