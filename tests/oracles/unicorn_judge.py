"""Unicorn as the judge of whole programs: speaks as programs.c does.

Reads records from standard input, executes their code, and writes them back as they are afterwards. The guest is the
argument: aarch64 or riscv64. Runs in a process of its own, with the interpreter of .venv.
"""
import signal
import struct
import sys

import unicorn
from unicorn import arm64_const as a64
from unicorn import riscv_const as rv

DATA, CODE, PAGE, CODE_BYTES = 0x10000000, 0x20000000, 4096, 512
WORDS = 39
RECORD = WORDS * 8 + 32 * 16 + CODE_BYTES + PAGE
# Places of the words: see struct record.
GENERAL, FLAGS, CONTROL, STATUS, SIGNAL, ADDRESS, NO_ADDRESS = 1, 33, 34, 35, 36, 37, 38
LONGEST_RUN = 100_000


class Aarch64:
    breakpoint = bytes.fromhex("000020d4")
    # Exceptions as Unicorn numbers them.
    signals = {1: signal.SIGILL, 3: signal.SIGSEGV, 4: signal.SIGSEGV, 7: signal.SIGTRAP, 22: signal.SIGBUS}
    general = [getattr(a64, f"UC_ARM64_REG_X{n}") for n in range(31)] + [a64.UC_ARM64_REG_SP]
    vectors = [getattr(a64, f"UC_ARM64_REG_Q{n}") for n in range(32)]
    words = {FLAGS: a64.UC_ARM64_REG_NZCV, CONTROL: a64.UC_ARM64_REG_FPCR, STATUS: a64.UC_ARM64_REG_FPSR}
    pc = a64.UC_ARM64_REG_PC

    def machine(self):
        machine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        machine.ctl_set_cpu_model(a64.UC_CPU_ARM64_MAX)
        return machine


class Riscv64:
    breakpoint = bytes.fromhex("0290")
    signals = {2: signal.SIGILL, 3: signal.SIGTRAP, 4: signal.SIGBUS, 6: signal.SIGBUS}
    general = [None] + [getattr(rv, f"UC_RISCV_REG_X{n}") for n in range(1, 32)]
    vectors = [getattr(rv, f"UC_RISCV_REG_F{n}") for n in range(32)]
    words = {CONTROL: rv.UC_RISCV_REG_FCSR}
    pc = rv.UC_RISCV_REG_PC

    def machine(self):
        machine = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV64)
        # The float unit is off after reset: mstatus.FS.
        machine.reg_write(rv.UC_RISCV_REG_MSTATUS, 3 << 13)
        return machine


class Judge:
    def __init__(self, guest):
        self.guest = guest
        self.machine = guest.machine()
        self.machine.mem_map(DATA, PAGE, unicorn.UC_PROT_READ | unicorn.UC_PROT_WRITE)
        self.machine.mem_map(DATA + PAGE, PAGE, unicorn.UC_PROT_READ)
        self.machine.mem_map(CODE, PAGE, unicorn.UC_PROT_ALL)
        self.machine.mem_write(CODE, guest.breakpoint * (PAGE // len(guest.breakpoint)))
        self.machine.hook_add(unicorn.UC_HOOK_INTR, self.interrupt)
        self.machine.hook_add(
            unicorn.UC_HOOK_MEM_READ_UNMAPPED
            | unicorn.UC_HOOK_MEM_WRITE_UNMAPPED
            | unicorn.UC_HOOK_MEM_FETCH_UNMAPPED
            | unicorn.UC_HOOK_MEM_WRITE_PROT
            | unicorn.UC_HOOK_MEM_READ_PROT
            | unicorn.UC_HOOK_MEM_FETCH_PROT,
            self.fault,
        )

    def interrupt(self, machine, number, _):
        self.stop = (self.guest.signals.get(number, 0), None)
        machine.emu_stop()

    def fault(self, _machine, _access, address, _size, _value, _):
        self.stop = (signal.SIGSEGV, address)
        return False

    def at_breakpoint(self):
        pc, breakpoint = self.machine.reg_read(self.guest.pc), self.guest.breakpoint
        return CODE <= pc < CODE + PAGE and self.machine.mem_read(pc, len(breakpoint)) == breakpoint

    def run(self, record):
        words = list(struct.unpack_from(f"<{WORDS}Q", record))
        vectors = WORDS * 8
        code = vectors + 32 * 16
        data = code + CODE_BYTES
        machine, guest = self.machine, self.guest
        machine.mem_write(CODE, bytes(record[code : code + CODE_BYTES]))
        machine.ctl_remove_cache(CODE, CODE + PAGE)
        machine.mem_write(DATA, bytes(record[data : data + PAGE]))
        for at, register in enumerate(guest.general):
            if register is not None:
                machine.reg_write(register, words[GENERAL + at])
        for at, register in guest.words.items():
            machine.reg_write(register, words[at])
        for at, register in enumerate(guest.vectors):
            low, high = struct.unpack_from("<QQ", record, vectors + at * 16)
            machine.reg_write(register, low | high << 64 if isinstance(guest, Aarch64) else low)
        self.stop = (signal.SIGALRM, None)
        try:
            machine.emu_start(words[0], 0, count=LONGEST_RUN)
        except unicorn.UcError as error:
            # What a hook has said counts.
            if self.stop[0] == signal.SIGALRM:
                invalid = error.errno == unicorn.UC_ERR_INSN_INVALID
                self.stop = (signal.SIGILL if invalid else signal.SIGSEGV, None)
            # RISC-V's breakpoint is an invalid instruction to it.
            if self.stop[0] == signal.SIGILL and self.at_breakpoint():
                self.stop = (signal.SIGTRAP, None)
        number, address = self.stop
        words[0] = machine.reg_read(guest.pc)
        for at, register in enumerate(guest.general):
            words[GENERAL + at] = 0 if register is None else machine.reg_read(register)
        for at, register in guest.words.items():
            words[at] = machine.reg_read(register)
        words[SIGNAL] = int(number)
        words[ADDRESS] = (address or 0) & (1 << 64) - 1
        words[NO_ADDRESS] = int(address is None)
        answer = bytearray(record)
        struct.pack_into(f"<{WORDS}Q", answer, 0, *words)
        for at, register in enumerate(guest.vectors):
            value = machine.reg_read(register)
            struct.pack_into("<QQ", answer, vectors + at * 16, value & (1 << 64) - 1, value >> 64)
        answer[data:] = machine.mem_read(DATA, PAGE)
        return answer


def main():
    judge = Judge({"aarch64": Aarch64, "riscv64": Riscv64}[sys.argv[1]]())
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while len(record := source.read(RECORD)) == RECORD:
        sink.write(judge.run(record))
        sink.flush()


main()
