"""The Python package on real guest code."""

import gc
import mmap
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import xlat
from xlat import (
    Access,
    Engine,
    Execution,
    ExitReason,
    FaultKind,
    Guest,
    Host,
    EventKind,
    MemoryMode,
    Monitor,
    Prot,
    Status,
    Text,
    Tier,
    Trap,
)

ROOT = Path(__file__).resolve().parents[2]
HELLO = ROOT / "tests" / "quickstart"
CODE = 0x10000

# loop: sum += count; count -= 1; if count != 0 goto loop; system call
SUMS = {
    Guest.X86_64: ("4801f8 48ffcf 75f8 0f05", "rax", "rdi"),
    Guest.AARCH64: ("0000018b 210400f1 c1ffff54 010000d4", "x0", "x1"),
    Guest.RISCV64: ("3305b500 9385f5ff e39c05fe 73000000", "a0", "a1"),
}


@pytest.fixture
def engine():
    with Engine() as made:
        yield made


def machine(engine, guest, code, **options):
    vm = engine.vm(guest, **options)
    vm.map(CODE, 0x1000, Prot.READ | Prot.WRITE | Prot.EXEC)
    vm.write(CODE, bytes.fromhex(code))
    cpu = vm.vcpu()
    cpu.pc = CODE
    return vm, cpu


def test_generated_prototypes_are_current():
    generate = ROOT / "bindings-python" / "generate.py"
    subprocess.run([sys.executable, generate, "--check"], check=True)


def test_version_and_features():
    assert xlat.version() == xlat.features()["version"]
    assert xlat.features()["guests"] == ["x86_64", "aarch64", "riscv64"]


@pytest.mark.parametrize("mode", list(MemoryMode))
@pytest.mark.parametrize("execution", list(Execution))
@pytest.mark.parametrize("guest", list(Guest))
def test_a_loop_runs_to_its_system_call(guest, execution, mode):
    code, total, count = SUMS[guest]
    with Engine(execution=execution, threshold=2) as engine:
        _, cpu = machine(engine, guest, code, memory_mode=mode)
        cpu[count] = 1000
        end = cpu.run()
        assert (end.reason, end.fault, end.retired) == (ExitReason.SYSCALL, None, None)
        assert cpu[total] == 500500
        assert end.pc == cpu.pc == CODE + len(bytes.fromhex(code))


@pytest.mark.parametrize("guest", list(Guest))
def test_budgets_are_exact(engine, guest):
    code, total, count = SUMS[guest]
    _, cpu = machine(engine, guest, code)
    for budget in range(40):
        cpu.pc = CODE
        cpu.write({total: 0, count: 1000})
        end = cpu.run(budget=budget)
        assert (end.reason, end.retired) == (ExitReason.BUDGET, budget)
        assert cpu[total] == sum(1000 - i for i in range((budget + 2) // 3))


def test_stop_addresses(engine):
    vm, cpu = machine(engine, Guest.RISCV64, SUMS[Guest.RISCV64][0])
    cpu["a1"] = 3
    vm.add_stop(CODE + 4)
    assert cpu.run().reason == ExitReason.STOP_ADDRESS
    assert (cpu.pc, cpu["a0"]) == (CODE + 4, 3)
    vm.remove_stop(CODE + 4)
    assert cpu.run(stop_at=CODE + 8).pc == CODE + 8
    assert cpu.run().reason == ExitReason.SYSCALL


def test_registers(engine):
    for guest in Guest:
        cpu = engine.vm(guest).vcpu()
        table = xlat.registers(guest)
        assert cpu.read().keys() == {register.name for register in table.values()}
        for register in table.values():
            if register.bytes == 16:
                # The x87 registers have 80 bits.
                cpu[register.name] = 1 << 79 | register.id
                assert cpu[register.name] == 1 << 79 | register.id
    cpu["sp"] = -16
    assert cpu["x2"] == 2**64 - 16
    with pytest.raises(KeyError):
        cpu["rax"]


def test_faults_and_traps(engine):
    # ld a0, 8(a1)
    vm, cpu = machine(engine, Guest.RISCV64, "03b58500")
    cpu["a1"] = 0x5000
    end = cpu.run()
    assert end.reason == ExitReason.FAULT
    assert end.fault == xlat.Fault(0x5008, Access.READ, 8, FaultKind.UNMAPPED)
    assert end.pc == CODE
    vm.protect(CODE, 0x1000, Prot.READ)
    end = cpu.run()
    assert (end.fault.access, end.fault.kind) == (Access.FETCH, FaultKind.PERMISSION)
    vm.protect(CODE, 0x1000, Prot.READ | Prot.EXEC)
    vm.write(CODE, bytes.fromhex("73001000"))  # ebreak
    end = cpu.run()
    assert (end.reason, end.trap) == (ExitReason.BREAKPOINT, Trap.BREAKPOINT)
    vm.write(CODE, bytes(4))
    assert cpu.run().reason == ExitReason.ILLEGAL
    _, cpu = machine(engine, Guest.X86_64, "f7f7")  # div edi
    assert cpu.run().trap == Trap.DIVIDE_ERROR


def test_memory(engine):
    vm = engine.vm(Guest.X86_64)
    vm.map(0x1000, 0x1000, Prot.READ)
    vm.write(0x1ffc, b"data")
    assert vm.read(0x1ffc, 4) == b"data"
    assert vm.read_some(0x1ffe, 100) == b"ta"
    for call, status in [
        (lambda: vm.read(0x1ffe, 100), Status.NOT_MAPPED),
        (lambda: vm.map(0x1000, 0x1000, Prot.READ), Status.OVERLAP),
        (lambda: vm.map(0x1001, 0x1000, Prot.READ), Status.ALIGNMENT),
        (lambda: vm.remove_stop(1), Status.NOT_FOUND),
    ]:
        with pytest.raises(xlat.Error) as caught:
            call()
        assert caught.value.status == status
        assert str(caught.value)
    vm.unmap(0x1000, 0x1000)
    assert vm.read_some(0x1000, 1) == b""


def test_memory_of_the_host_program(engine):
    # sd a0, 0(a1); ecall
    vm, cpu = machine(engine, Guest.RISCV64, "23b0a500 73000000")
    shared = mmap.mmap(-1, 0x1000)
    vm.map_host(0x40000, shared, Prot.READ | Prot.WRITE)
    cpu.write({"a0": 0x1122, "a1": 0x40000})
    assert cpu.run().reason == ExitReason.SYSCALL
    assert shared[:3] == b"\x22\x11\x00"


def test_translations(engine):
    code = bytes.fromhex("1385b5ff 73000000")
    assert "addi a0, a1, -5" in xlat.translate(Guest.RISCV64, code, 0x1000)
    assert "add" in xlat.translate(Guest.RISCV64, code, text=Text.IR)
    assert xlat.translate(Guest.RISCV64, code, text=Text.OPTIMIZED)
    returns = {Host.X86_64: "ret", Host.AARCH64: "ret", Host.RISCV64: "jalr zero, 0(ra)"}
    for host, end in returns.items():
        assert end in xlat.translate(Guest.RISCV64, code, text=Text.HOST, host=host)
    vm, _ = machine(engine, Guest.RISCV64, code.hex())
    assert "ecall" in vm.translate(CODE)
    with pytest.raises(xlat.Error) as caught:
        vm.translate(0x7000_0000)
    assert caught.value.status == Status.NOT_MAPPED


def test_statistics(engine):
    vm, cpu = machine(engine, Guest.RISCV64, SUMS[Guest.RISCV64][0])
    cpu["a1"] = 10
    cpu.run()
    stats = vm.stats()
    assert stats.interpreted + stats.entries > 0


def test_objects_close_once_and_outlive_their_parents(engine):
    vm, cpu = machine(engine, Guest.RISCV64, SUMS[Guest.RISCV64][0])
    cpu["a1"] = 1
    vm.close()
    vm.close()
    assert vm.closed
    assert cpu.run().reason == ExitReason.SYSCALL
    with pytest.raises(ValueError, match="closed"):
        vm.read(0, 1)
    del cpu
    gc.collect()


def test_many_machines_leave_nothing_behind(engine):
    for _ in range(300):
        machine(engine, Guest.RISCV64, SUMS[Guest.RISCV64][0])
    gc.collect()
    # Direct-mode windows and arenas would have used up the address space or the maps long before.
    assert len(Path("/proc/self/maps").read_text().splitlines()) < 2000


def test_two_vcpus_on_two_threads(engine):
    # loop: li t0, 1; amoadd.d zero, t0, (a0); addi a1, a1, -1; bnez a1, loop; ecall
    vm, first = machine(engine, Guest.RISCV64, "93021000 2f305500 9385f5ff e39a05fe 73000000")
    vm.map(0x20000, 0x1000, Prot.READ | Prot.WRITE)
    cpus = [first, vm.vcpu()]
    for cpu in cpus:
        cpu.pc = CODE
        cpu.write({"a0": 0x20000, "a1": 20000})
    threads = [threading.Thread(target=cpu.run) for cpu in cpus]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert int.from_bytes(vm.read(0x20000, 8), "little") == 40000


def test_interrupt_from_another_thread(engine):
    _, cpu = machine(engine, Guest.RISCV64, "6f000000")  # j .
    cpu.interrupt()
    assert cpu.run().reason == ExitReason.INTERRUPTED
    timer = threading.Timer(0.05, cpu.interrupt)
    timer.start()
    assert cpu.run().reason == ExitReason.INTERRUPTED
    timer.join()


@pytest.fixture
def interruptible():
    """Python leaves SIGINT alone where it was started with the signal ignored, as in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_stops_a_run(engine):
    _, cpu = machine(engine, Guest.RISCV64, "6f000000")
    for _ in range(3):
        timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            cpu.run()
        timer.join()
    # An interrupt that came together with the end of the last run may be left.
    assert cpu.run(budget=100).reason in (ExitReason.BUDGET, ExitReason.INTERRUPTED)
    assert signal.set_wakeup_fd(-1) == -1


def test_a_vcpu_in_use_is_busy(engine):
    _, cpu = machine(engine, Guest.RISCV64, "6f000000")
    thread = threading.Thread(target=cpu.run)
    thread.start()
    busy = None
    for _ in range(1000):
        try:
            cpu.pc
        except xlat.Error as error:
            busy = error
            break
        time.sleep(0.001)
    assert busy is not None and busy.status == Status.BUSY
    with pytest.raises(xlat.Error) as caught:
        cpu.close()
    assert caught.value.status == Status.BUSY
    cpu.interrupt()
    thread.join()
    cpu.close()


@pytest.mark.parametrize("guest", list(Guest))
def test_programs(engine, guest, capfd):
    path = HELLO / f"hello-{guest.name.lower()}"
    with engine.process(str(path), [str(path), "one", "two words"], {"LANG": "C"}) as process:
        end = process.run()
    assert (end.reason, end.status) == (ExitReason.EXITED, 0)
    expected = (HELLO / "expected.txt").read_text().replace("GUEST", guest.name.lower())
    assert capfd.readouterr().out == expected


def test_a_callback_sees_and_answers_system_calls(engine):
    written = bytearray()
    with engine.process(str(HELLO / "hello-riscv64")) as process, process.vm() as vm:

        def answer(call):
            if call.number == 64:  # write
                written.extend(vm.read(call.arguments[1], call.arguments[2]))
                return call.arguments[2]
            return None

        process.on_syscall(answer)
        assert process.run().reason == ExitReason.EXITED
    assert written.startswith(b"hello from riscv64\n")


def test_an_exception_in_a_callback_is_raised_by_run(engine):
    class Mine(Exception):
        pass

    with engine.process(str(HELLO / "hello-riscv64")) as process:

        def fail(call):
            # A nested run of the same process is an error, not a deadlock.
            with pytest.raises(xlat.Error) as caught:
                process.run()
            assert caught.value.status == Status.BUSY
            raise Mine(call.number)

        process.on_syscall(fail)
        with pytest.raises(Mine):
            process.run()
        process.on_syscall(lambda call: call.arguments[2] if call.number == 64 else None)
        while (end := process.run()).reason == ExitReason.INTERRUPTED:
            pass
        assert end.reason == ExitReason.EXITED


def test_files_that_are_no_programs(engine):
    for path, status in [("/", Status.FILE), ("/nonexistent", Status.FILE), (__file__, Status.FORMAT)]:
        with pytest.raises(xlat.Error) as caught:
            engine.process(path)
        assert caught.value.status == status
        assert path in str(caught.value)


def test_events_and_a_report_tell_what_became_of_a_loop():
    events = []
    with Engine(threshold=2, promotion=10, monitor=Monitor.RECORD) as engine:
        listener = engine.on_event(events.append)
        vm, cpu = machine(engine, Guest.RISCV64, SUMS[Guest.RISCV64][0])
        with vm, cpu:
            cpu["a1"] = 100_000
            assert cpu.run().reason == ExitReason.SYSCALL
            vm.write(CODE, bytes(4))
            engine.forget(listener)
            report = vm.report()
            assert report["vm"] == vm.id
    kinds = [event.kind for event in events if event.pc == CODE]
    assert kinds == [EventKind.COMPILED, EventKind.HOT_SPOT, EventKind.PROMOTED, EventKind.INVALIDATED]
    assert {event.vm for event in events} == {report["vm"]}
    assert events[-1].tier == Tier.REGION
    states = {(unit["tier"], unit["state"]) for unit in report["units"] if unit["pc"] == CODE}
    assert states == {("stencils", "replaced"), ("region", "invalidated")}
    assert report["exits"]["hot"] >= 1


def test_a_monitor_that_was_not_asked_for_is_an_error(engine):
    with pytest.raises(xlat.Error, match="XLAT_MONITOR_RECORD"):
        engine.on_event(print)
    with engine.vm(Guest.RISCV64) as vm, pytest.raises(xlat.Error, match="XLAT_MONITOR_RECORD"):
        vm.report()
    with pytest.raises(xlat.Error, match="RECORD goes with"):
        Engine(monitor=Monitor.SAMPLE)
