"""vCPUs and their registers."""

from ctypes import byref, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Iterable, Mapping

from . import _prototypes as c
from . import _running
from ._library import Managed, check, lib, new_struct
from ._numbers import Guest
from .exits import Exit, from_struct

if TYPE_CHECKING:
    from .vm import Vm


@dataclass(frozen=True)
class Register:
    """A register of a guest."""

    id: int
    name: str
    alias: str | None
    bytes: int


@cache
def registers(guest: Guest) -> Mapping[str, Register]:
    """The registers of a guest by name and alias."""
    count = c_size_t()
    check(lib.xlat_register_count(guest, byref(count)))
    table = {}
    for index in range(count.value):
        info = new_struct(c.xlat_register_info)
        check(lib.xlat_register_at(guest, index, byref(info)))
        register = Register(info.id, info.name.decode(), info.alias.decode() or None, info.bytes)
        table[register.name] = register
        if register.alias is not None:
            table[register.alias] = register
    return table


def read_registers(call: object, handle: c_void_p, guest: Guest, names: Iterable[str]) -> dict[str, int]:
    """The values of several registers."""
    wanted = list(names)
    count = len(wanted)
    ids = (c_uint32 * count)(*(registers(guest)[name].id for name in wanted))
    values = (c.xlat_value * count)()
    assert callable(call)
    check(call(handle, ids, values, count))
    return {name: value.high << 64 | value.low for name, value in zip(wanted, values)}


class Vcpu(Managed):
    """Registers, by name: `cpu["a0"]`; and the loop that runs guest code. Used by one thread at a time."""

    def __init__(self, vm: "Vm") -> None:
        """To be called by Vm.vcpu."""
        handle = c_void_p()
        check(lib.xlat_vcpu_new(vm.handle, byref(handle)))
        self._own(handle, lib.xlat_vcpu_free)
        # Keeps what the machine keeps: buffers of the host program.
        self.vm = vm
        self.guest = vm.guest

    def __enter__(self) -> "Vcpu":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pc(self) -> int:
        """The guest pc."""
        value = c_uint64()
        check(lib.xlat_vcpu_pc(self.handle, byref(value)))
        return value.value

    @pc.setter
    def pc(self, value: int) -> None:
        check(lib.xlat_vcpu_set_pc(self.handle, value))

    def __getitem__(self, name: str) -> int:
        return self.read((name,))[name]

    def __setitem__(self, name: str, value: int) -> None:
        self.write({name: value})

    def read(self, names: Iterable[str] | None = None) -> dict[str, int]:
        """Several registers; all, under their names, by default."""
        if names is None:
            names = {register.name: None for register in registers(self.guest).values()}
        return read_registers(lib.xlat_vcpu_read_registers, self.handle, self.guest, names)

    def write(self, values: Mapping[str, int]) -> None:
        """Writes registers, in this order. Negative values are taken modulo their size."""
        count = len(values)
        ids = (c_uint32 * count)(*(registers(self.guest)[name].id for name in values))
        array = (c.xlat_value * count)()
        for field, value in zip(array, values.values()):
            field.low = value & 0xFFFF_FFFF_FFFF_FFFF
            field.high = value >> 64 & 0xFFFF_FFFF_FFFF_FFFF
        check(lib.xlat_vcpu_write_registers(self.handle, ids, array, count))

    def run(self, *, budget: int | None = None, stop_at: int | None = None) -> Exit:
        """Runs guest code until something ends the run. Ctrl-C ends it with KeyboardInterrupt; it can be run on."""
        return from_struct(
            _running.run(lib.xlat_vcpu_run, lib.xlat_vcpu_interrupt, self.handle, budget, stop_at)
        )

    def interrupt(self) -> None:
        """Stops the run under way, or the next one; from any thread."""
        check(lib.xlat_vcpu_interrupt(self.handle))
