"""Runs that Ctrl-C can stop.

Python's handler of SIGINT only sets a flag that is looked at between bytecodes, and a run is one call. So while the main
thread runs a guest, a thread of our own waits for the byte that Python writes when a signal arrives, and interrupts the
run; Python looks at the flag as soon as the run has returned.
"""

import os
import signal
import socket
import threading
from ctypes import byref, c_void_p
from typing import Any, Callable

from . import _prototypes as c
from ._library import check, new_struct

Interrupt = Callable[[c_void_p], int]


class _Watcher:
    """The thread, and what it interrupts."""

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._writer.setblocking(False)
        self.running: tuple[Interrupt, c_void_p] | None = None
        self.before = -1
        threading.Thread(target=self._watch, name="xlat signals", daemon=True).start()

    def fileno(self) -> int:
        """Where Python writes."""
        return self._writer.fileno()

    def _watch(self) -> None:
        while number := self._reader.recv(1):
            running = self.running
            if running is not None:
                # If the run has just ended and its object is gone, the handle is dead, and this does nothing.
                interrupt, handle = running
                interrupt(handle)
            if self.before >= 0:
                # Somebody else waits for signals too.
                os.write(self.before, number)


_watcher: _Watcher | None = None


def _forget_watcher() -> None:
    # Its thread did not come along.
    global _watcher
    _watcher = None


os.register_at_fork(after_in_child=_forget_watcher)


def run(
    call: Callable[..., int],
    interrupt: Interrupt,
    handle: c_void_p,
    budget: int | None,
    stop_at: int | None,
) -> Any:
    """One run; the struct of its end."""
    options = new_struct(c.xlat_run_options)
    if budget is not None:
        options.flags |= c.XLAT_RUN_BUDGET
        options.budget = budget
    if stop_at is not None:
        options.flags |= c.XLAT_RUN_STOP_AT
        options.stop_at = stop_at
    end = new_struct(c.xlat_exit)
    global _watcher
    if threading.current_thread() is not threading.main_thread() or (_watcher and _watcher.running):
        # Signals do not come here, or a callback of the main thread's run got here: its run is the one to stop.
        check(call(handle, byref(options), byref(end)))
        return end
    if _watcher is None:
        _watcher = _Watcher()
    watcher = _watcher
    watcher.before = signal.set_wakeup_fd(watcher.fileno(), warn_on_full_buffer=False)
    try:
        watcher.running = (interrupt, handle)
        status = call(handle, byref(options), byref(end))
    finally:
        watcher.running = None
        signal.set_wakeup_fd(watcher.before)
    check(status)
    return end
