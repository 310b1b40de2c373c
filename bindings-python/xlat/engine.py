"""Engines, and translations that need no machine."""

from ctypes import POINTER, byref, c_uint8, c_void_p, cast
from typing import Mapping, Sequence

from . import _prototypes as c
from ._library import Managed, check, lib, new_struct, text_of
from ._numbers import Execution, Guest, Host, MemoryMode, Text
from .process import Process
from .vm import Vm


class Engine(Managed):
    """Configuration and compiler, shared by machines."""

    def __init__(
        self,
        *,
        execution: Execution | None = None,
        threshold: int | None = None,
        region_instructions: int | None = None,
        arena_bytes: int | None = None,
    ) -> None:
        """`threshold`: how often a block is interpreted before it is compiled; 0 compiles at once."""
        options = new_struct(c.xlat_engine_options)
        options.execution = execution or 0
        if threshold is not None:
            options.threshold = threshold or 0xFFFF_FFFF
        options.region_instructions = region_instructions or 0
        options.arena_bytes = arena_bytes or 0
        handle = c_void_p()
        check(lib.xlat_engine_new(byref(options), byref(handle)))
        self._own(handle, lib.xlat_engine_free)

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
