"""Guest Linux processes."""

import os
from ctypes import byref, c_char_p, c_void_p
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Iterable, Mapping, Sequence

from . import _prototypes as c
from . import _running
from ._library import Managed, check, lib, new_struct
from ._numbers import MemoryMode
from .exits import Exit, from_struct
from .vcpu import read_registers
from .vm import Vm

if TYPE_CHECKING:
    from .engine import Engine

EINTR = 4


@dataclass(frozen=True)
class SystemCall:
    """A system call that is about to be made."""

    number: int
    arguments: tuple[int, int, int, int, int, int]


class Process(Managed):
    """A Linux program in a machine of its own, with its system calls."""

    def __init__(
        self,
        engine: "Engine",
        path: str | bytes,
        arguments: Sequence[str | bytes] | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        memory_mode: MemoryMode | None = None,
        strace: bool = False,
    ) -> None:
        """To be called by Engine.process."""
        argv = [os.fsencode(argument) for argument in arguments or ()]
        envp = [os.fsencode(f"{name}={value}") for name, value in (environment or {}).items()]
        options = new_struct(c.xlat_process_options)
        options.path = os.fsencode(path)
        options.argv = (c_char_p * len(argv))(*argv)
        options.argc = len(argv)
        options.envp = (c_char_p * len(envp))(*envp)
        options.envc = len(envp)
        options.memory_mode = memory_mode or 0
        options.strace = strace
        handle = c_void_p()
        check(lib.xlat_process_new(engine.handle, byref(options), byref(handle)))
        self._own(handle, lib.xlat_process_free)
        # What ctypes made of the callback lives as long as the library may call it.
        self._callback: Any = None
        self._raised: list[BaseException] = []

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def vm(self) -> Vm:
        """The machine of the process, for its memory and counters."""
        handle = c_void_p()
        check(lib.xlat_process_vm(self.handle, byref(handle)))
        return Vm(None, None, handle=handle)

    def read(self, names: Iterable[str]) -> dict[str, int]:
        """Registers of the process, while it does not run."""
        with self.vm() as vm:
            guest = vm.guest
        return read_registers(lib.xlat_process_read_registers, self.handle, guest, names)

    def on_syscall(self, callback: Callable[[SystemCall], int | None] | None) -> None:
        """Sets what sees each system call before it is made: an int that it returns answers the call, None lets xlat make
        it. An exception stops the run, which raises it.
        """
        if callback is None:
            check(lib.xlat_process_on_syscall(self.handle, c.xlat_syscall_callback(), c.xlat_release_callback(), None))
            self._callback = None
            return
        seen, raised = callback, self._raised

        def call_back(call: Any, result: Any, _user: object) -> int:
            try:
                found = call.contents
                answer = seen(SystemCall(found.number, tuple(found.arguments)))
                if answer is None:
                    return c.XLAT_SYSCALL_CONTINUE
                result[0] = answer & 0xFFFF_FFFF_FFFF_FFFF
                return c.XLAT_SYSCALL_ANSWERED
            except BaseException as error:  # raised again by run
                raised.append(error)
                result[0] = -EINTR & 0xFFFF_FFFF_FFFF_FFFF
                return c.XLAT_SYSCALL_STOP

        function = c.xlat_syscall_callback(call_back)
        check(lib.xlat_process_on_syscall(self.handle, function, c.xlat_release_callback(), None))
        self._callback = function

    def run(self, *, budget: int | None = None, stop_at: int | None = None) -> Exit:
        """Runs the program until it ends or something stops it. Ctrl-C ends the run with KeyboardInterrupt."""
        self._raised.clear()
        try:
            end = _running.run(lib.xlat_process_run, lib.xlat_process_interrupt, self.handle, budget, stop_at)
        finally:
            if self._raised:
                raise self._raised.pop(0)
        return from_struct(end)

    def interrupt(self) -> None:
        """Stops the run under way, or the next one; from any thread."""
        check(lib.xlat_process_interrupt(self.handle))
