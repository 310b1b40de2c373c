"""xlat: runs x86-64, AArch64 and RV64 machine code by dynamic binary translation.

    from xlat import Engine, Guest, Prot

    with Engine() as engine, engine.vm(Guest.RISCV64) as vm, vm.vcpu() as cpu:
        vm.map(0x10000, 0x1000, Prot.READ | Prot.EXEC)
        vm.write(0x10000, bytes.fromhex("13051000 73000000"))  # li a0, 1; ecall
        cpu.pc = 0x10000
        print(cpu.run().reason, cpu["a0"])
"""

from ._library import Error, Status, features, version
from ._numbers import (
    Access,
    EventKind,
    Execution,
    ExitReason,
    FaultKind,
    Guest,
    Host,
    MemoryMode,
    Monitor,
    Prot,
    Text,
    Tier,
    Trap,
)
from .engine import Engine, Event, translate
from .exits import Exit, Fault
from .process import Process, SystemCall
from .vcpu import Register, Vcpu, registers
from .vm import Stats, Vm

__all__ = [
    "Access",
    "Engine",
    "Error",
    "Event",
    "EventKind",
    "Execution",
    "Exit",
    "ExitReason",
    "Fault",
    "FaultKind",
    "Guest",
    "Host",
    "MemoryMode",
    "Monitor",
    "Process",
    "Prot",
    "Register",
    "Stats",
    "Status",
    "SystemCall",
    "Text",
    "Tier",
    "Trap",
    "Vcpu",
    "Vm",
    "features",
    "registers",
    "translate",
    "version",
]
