"""Engines, and translations that need no machine."""

import sys
from ctypes import POINTER, byref, c_uint8, c_uint64, c_void_p, cast
from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

from . import _prototypes as c
from ._library import Managed, check, lib, new_struct, text_of
from ._numbers import EventKind, Execution, Guest, Host, MemoryMode, Monitor, Text, Tier
from .process import Process
from .vm import Vm


# What ctypes made of callbacks of events: machines may outlive their engine, and another thread may be in one that has been
# taken away.
_FOR_EVER: list[Any] = []


@dataclass(frozen=True)
class Event:
    """Something that happened to a unit of translated code."""

    kind: EventKind
    vm: int
    """`Vm.id` of the machine."""
    pc: int
    """Guest address of the unit's entry."""
    seconds: float
    """Since the engine was made."""
    tier: Tier


class Engine(Managed):
    """Configuration and compiler, shared by machines."""

    def __init__(
        self,
        *,
        execution: Execution | None = None,
        threshold: int | None = None,
        region_instructions: int | None = None,
        arena_bytes: int | None = None,
        promotion: int | None = None,
        compile_threads: int | None = None,
        compile_budget: int | None = None,
        monitor: Monitor | None = None,
    ) -> None:
        """`threshold`: how often a block is interpreted before host code is made for it; 0 makes it at once.
        `promotion`: how often a unit of stencils is entered before a region is compiled; without it, when a region is
        expected to pay. `compile_budget`: the most time for that, in percent of the processor time of the process.
        `monitor`: what is kept for `Vm.report` and `on_event`.
        """
        options = new_struct(c.xlat_engine_options)
        options.execution = execution or 0
        if threshold is not None:
            options.threshold = threshold or 0xFFFF_FFFF
        options.region_instructions = region_instructions or 0
        options.arena_bytes = arena_bytes or 0
        options.promotion = promotion or 0
        options.compile_threads = compile_threads or 0
        options.compile_budget = compile_budget or 0
        options.monitor = monitor or 0
        handle = c_void_p()
        check(lib.xlat_engine_new(byref(options), byref(handle)))
        self._own(handle, lib.xlat_engine_free)

    def on_event(self, callback: Callable[[Event], None]) -> int:
        """Has each event of the engine's machines told to `callback`, on the thread where it happens. It must not use the
        machine. An exception in it is printed. Returns a number for `forget`.
        """

        def call_back(found: Any, _user: object) -> None:
            event = found.contents
            try:
                callback(Event(EventKind(event.kind), event.vm, event.pc, event.nanos / 1e9, Tier(event.tier)))
            except BaseException:
                sys.excepthook(*sys.exc_info())

        function = c.xlat_event_callback(call_back)
        listener = c_uint64()
        check(
            lib.xlat_engine_add_listener(self.handle, function, c.xlat_release_callback(), None, byref(listener))
        )
        _FOR_EVER.append(function)
        return listener.value

    def forget(self, listener: int) -> None:
        """Takes a callback of `on_event` away."""
        check(lib.xlat_engine_remove_listener(self.handle, listener))

    def __enter__(self) -> "Engine":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def vm(self, guest: Guest, *, memory_mode: MemoryMode | None = None, window: int | None = None) -> Vm:
        """Makes a machine with an empty address space."""
        return Vm(self, guest, memory_mode=memory_mode, window=window)

    def process(
        self,
        path: str | bytes,
        arguments: Sequence[str | bytes] | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        memory_mode: MemoryMode | None = None,
        strace: bool = False,
    ) -> Process:
        """Loads a Linux program. `arguments` begins with the program's name; by default it is the path alone."""
        return Process(self, path, arguments, environment, memory_mode=memory_mode, strace=strace)


def translation_options(text: Text, host: Host | None, max_instructions: int | None) -> c.xlat_translate_options:
    """The header's struct."""
    options = new_struct(c.xlat_translate_options)
    options.text = text
    options.host = host or 0
    options.max_instructions = max_instructions or 0
    assert isinstance(options, c.xlat_translate_options)
    return options


def translate(
    guest: Guest,
    code: bytes,
    address: int = 0,
    *,
    text: Text = Text.GUEST,
    host: Host | None = None,
    max_instructions: int | None = None,
) -> str:
    """The translation of machine code that stands at `address`, as text."""
    options = translation_options(text, host, max_instructions)
    array = (c_uint8 * max(len(code), 1)).from_buffer_copy(code or b"\0")
    pointer = cast(array, POINTER(c_uint8))
    return text_of(lib.xlat_translate, guest, pointer, len(code), address, byref(options))
