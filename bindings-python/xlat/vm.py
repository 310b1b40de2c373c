"""Machines: guest memory, stop addresses, counters."""

import ctypes
import json
from ctypes import byref, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import _prototypes as c
from ._library import Managed, check, lib, new_struct, text_of
from ._numbers import Guest, Host, MemoryMode, Prot, Text
from .vcpu import Vcpu

if TYPE_CHECKING:
    from .engine import Engine


@dataclass(frozen=True)
class Stats:
    """Counters of a machine since it was made."""

    blocks_lifted: int
    interpreted: int
    units_compiled: int
    compiled_instructions: int
    code_bytes: int
    compile_nanos: int
    entries: int
    links: int
    units_invalidated: int
    invalidations: int
    units_assembled: int
    assembled_instructions: int
    assembled_bytes: int
    assemble_nanos: int
    jump_misses: int
    jump_promotions: int
    jump_evictions: int
    cache_hits: int
    cache_misses: int
    cache_promotions: int
    cache_demotions: int
    cache_evictions: int
    cache_evicted_bytes: int
    cache_units: int
    cache_bytes: int
    collections_minor: int
    collections_major: int
    minor_nanos: int
    major_nanos: int
    collection_nanos_most: int
    code_hot_bytes: int
    code_guest_bytes: int
    assembled_hot_bytes: int
    assembled_guest_bytes: int


class Vm(Managed):
    """One guest address space and the code that was translated from it. May be used by several threads."""

    def __init__(
        self,
        engine: "Engine | None",
        guest: Guest | None,
        *,
        memory_mode: MemoryMode | None = None,
        window: int | None = None,
        handle: c_void_p | None = None,
    ) -> None:
        """To be called by Engine.vm and Process.vm."""
        # Host memory that the guest sees.
        self._host_memory: list[Any] = []
        if handle is None:
            assert engine is not None
            options = new_struct(c.xlat_vm_options)
            options.guest = guest or 0
            options.memory_mode = memory_mode or 0
            options.window = window or 0
            handle = c_void_p()
            check(lib.xlat_vm_new(engine.handle, byref(options), byref(handle)))
        self._own(handle, lib.xlat_vm_free)
        number = c_uint32()
        check(lib.xlat_vm_guest(self.handle, byref(number)))
        self.guest = Guest(number.value)

    def __enter__(self) -> "Vm":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def vcpu(self) -> Vcpu:
        """Makes a vCPU."""
        return Vcpu(self)

    def map(self, address: int, length: int, prot: Prot) -> None:
        """Maps zeroed memory where nothing is mapped."""
        check(lib.xlat_vm_map(self.handle, address, length, prot))

    def map_host(self, address: int, memory: Any, prot: Prot) -> None:
        """Shows a writable buffer (of an `mmap`, say: its address and length are multiples of the page size) to the guest.

        The buffer cannot be resized or closed as long as this object lives. Call `invalidate` after changing code in it.
        """
        view = memoryview(memory).cast("B")
        array = (ctypes.c_char * len(view)).from_buffer(view)
        check(lib.xlat_vm_map_host(self.handle, address, ctypes.addressof(array), len(view), prot))
        self._host_memory.append(array)

    def protect(self, address: int, length: int, prot: Prot) -> None:
        """Changes what the guest may do with a range."""
        check(lib.xlat_vm_protect(self.handle, address, length, prot))

    def unmap(self, address: int, length: int) -> None:
        """Removes all mappings of a range."""
        check(lib.xlat_vm_unmap(self.handle, address, length))

    def read(self, address: int, length: int) -> bytes:
        """Guest memory; an Error if not all of it is mapped."""
        buffer = ctypes.create_string_buffer(max(length, 1))
        check(lib.xlat_vm_read(self.handle, address, buffer, length, None))
        return buffer.raw[:length]

    def read_some(self, address: int, length: int) -> bytes:
        """Guest memory up to the first hole."""
        buffer = ctypes.create_string_buffer(max(length, 1))
        done = c_size_t()
        lib.xlat_vm_read(self.handle, address, buffer, length, byref(done))
        return buffer.raw[: done.value]

    def write(self, address: int, data: bytes) -> None:
        """Writes guest memory, whatever the guest may do there."""
        check(lib.xlat_vm_write(self.handle, address, data, len(data), None))

    def invalidate(self, address: int = 0, length: int = 0) -> None:
        """Drops all code that was translated from a range; of everything by default."""
        check(lib.xlat_vm_invalidate(self.handle, address, length))

    def add_stop(self, address: int) -> None:
        """Lets every run stop before the instruction at `address`."""
        check(lib.xlat_vm_add_stop(self.handle, address))

    def remove_stop(self, address: int) -> None:
        """Takes a stop address away."""
        check(lib.xlat_vm_remove_stop(self.handle, address))

    def translate(
        self,
        address: int,
        *,
        text: Text = Text.GUEST,
        host: Host | None = None,
        max_instructions: int | None = None,
    ) -> str:
        """The translation of what begins at `address`, as text."""
        from .engine import translation_options

        options = translation_options(text, host, max_instructions)
        return text_of(lib.xlat_vm_translate, self.handle, address, byref(options))

    @property
    def id(self) -> int:
        """Its number in events and reports."""
        number = c_uint64()
        check(lib.xlat_vm_id(self.handle, byref(number)))
        return number.value

    def report(self) -> dict[str, Any]:
        """What the monitor knows of its translations, as the documentation of `xlat_vm_report_json` says."""
        report: dict[str, Any] = json.loads(text_of(lib.xlat_vm_report_json, self.handle))
        return report

    def stats(self) -> Stats:
        """Counters as of now."""
        return Stats(**json.loads(text_of(lib.xlat_vm_stats_json, self.handle)))
