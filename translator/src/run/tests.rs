//! Runs of small RV64 programs: exits, budgets, stops, interrupts, code that changes.

use super::*;
use crate::guest::Guest;
use crate::guest::registers::{State, by_name};
use crate::ir::Access;
use crate::memory::{FaultKind, Mode, Prot};
use std::sync::Arc;

/// `addi x10, x10, 1; bne x10, x11, -4; ecall`
const COUNT: [u32; 3] = [0x0015_0513, 0xfeb5_1ee3, 0x0000_0073];

const CODE: u64 = 0x1_0000;

fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn machine(mode: ExecutionMode, memory: Mode, code: &[u32]) -> Vcpu {
    machine_of(Guest::Riscv64, mode, memory, &bytes_of(code))
}

fn machine_of(guest: Guest, mode: ExecutionMode, memory: Mode, code: &[u8]) -> Vcpu {
    let options = EngineOptions { mode, promotion: Promotion::After(5), ..EngineOptions::default() };
    boot(options, guest, memory, code)
}

/// A machine at the start of the code, of which a block is interpreted three times.
fn boot(options: EngineOptions, guest: Guest, memory: Mode, code: &[u8]) -> Vcpu {
    let engine = Engine::new(EngineOptions { threshold: 3, ..options }).unwrap();
    let options = VmOptions { memory, ..VmOptions::default() };
    let vm = Vm::new(&engine, guest, &options).unwrap();
    vm.memory().map(CODE, 0x1000, Prot::RWX).unwrap();
    vm.memory().write(CODE, code, crate::memory::Permissions::Ignore).unwrap();
    let mut vcpu = Vcpu::new(&vm).unwrap();
    vcpu.set_pc(CODE);
    vcpu
}

fn every_way(test: impl Fn(ExecutionMode, Mode)) {
    use ExecutionMode::{Compile, Interpret, Regions, Stencils};
    for mode in [Interpret, Regions, Stencils, Compile] {
        for memory in [Mode::Direct, Mode::Paged] {
            test(mode, memory);
        }
    }
}

fn set(vcpu: &mut Vcpu, name: &str, value: u64) {
    by_name(vcpu.vm().guest(), name).unwrap().write(vcpu, value.into());
}

fn get(vcpu: &Vcpu, name: &str) -> u64 {
    by_name(vcpu.vm().guest(), name).unwrap().read(vcpu) as u64
}

#[test]
fn a_loop_runs_to_its_system_call() {
    every_way(|mode, memory| {
        let mut vcpu = machine(mode, memory, &COUNT);
        set(&mut vcpu, "a1", 1000);
        let exit = vcpu.run(&RunOptions::default());
        assert_eq!((exit.reason, exit.pc), (Reason::Syscall, CODE + 12));
        assert_eq!(get(&vcpu, "a0"), 1000);
    });
}

#[test]
fn every_budget_ends_exactly() {
    every_way(|mode, memory| {
        for budget in 0..50 {
            let mut vcpu = machine(mode, memory, &COUNT);
            set(&mut vcpu, "a1", 20);
            let exit = vcpu.run(&RunOptions { budget: Some(budget), ..RunOptions::default() });
            let retired = budget.min(41);
            assert_eq!(exit.retired, Some(retired));
            assert_eq!(get(&vcpu, "a0"), retired.div_ceil(2).min(20), "budget {budget}");
            let reason = if budget < 41 { Reason::Budget } else { Reason::Syscall };
            assert_eq!(exit.reason, reason, "budget {budget}");
        }
    });
}

#[test]
fn a_stop_address_is_not_executed_but_can_be_left() {
    every_way(|mode, memory| {
        let mut vcpu = machine(mode, memory, &COUNT);
        set(&mut vcpu, "a1", 100);
        let options = RunOptions { stop_at: Some(CODE + 4), ..RunOptions::default() };
        for round in 1..=100 {
            let exit = vcpu.run(&options);
            assert_eq!((exit.reason, exit.pc), (Reason::StopAddress, CODE + 4));
            assert_eq!(get(&vcpu, "a0"), round);
        }
        assert_eq!(vcpu.run(&options).reason, Reason::Syscall);
    });
}

#[test]
fn an_interrupt_stops_an_endless_loop_and_is_kept_when_nothing_runs() {
    every_way(|mode, memory| {
        // `j .`
        let mut vcpu = machine(mode, memory, &[0x0000_006f]);
        let interrupter = vcpu.interrupter();
        interrupter.interrupt();
        assert_eq!(vcpu.run(&RunOptions::default()).reason, Reason::Interrupted);
        let thread = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            interrupter.interrupt();
        });
        let exit = vcpu.run(&RunOptions::default());
        assert_eq!((exit.reason, exit.pc), (Reason::Interrupted, CODE));
        thread.join().unwrap();
    });
}

#[test]
fn faults_name_address_access_and_instruction() {
    every_way(|mode, memory| {
        // `ld x10, 8(x11)`
        let mut vcpu = machine(mode, memory, &[0x0085_b503]);
        set(&mut vcpu, "a1", 0x5000);
        let exit = vcpu.run(&RunOptions::default());
        let Reason::Fault(fault) = exit.reason else { panic!("{exit:?}") };
        assert_eq!((exit.pc, fault.addr), (CODE, 0x5008));
        assert_eq!((fault.access, fault.kind), (Access::Read, FaultKind::Unmapped));

        set(&mut vcpu, "pc", 0x9000_0000);
        let exit = vcpu.run(&RunOptions::default());
        let Reason::Fault(fault) = exit.reason else { panic!("{exit:?}") };
        assert_eq!((fault.addr, fault.access), (0x9000_0000, Access::Fetch));
    });
}

#[test]
fn a_guest_that_patches_its_own_loop_sees_the_patch() {
    // The loop adds x12 to x10; in round 50 it stores x13 over the add. `sw x13, 0(x14)` is predicated by the count.
    let code = [
        0x00c5_0533, // add x10, x10, x12
        0x0015_8593, // addi x11, x11, 1
        0x0105_9463, // bne x11, x16, +8
        0x00d7_2023, // sw x13, 0(x14)
        0xff15_98e3, // bne x11, x17, -16
        0x0000_0073, // ecall
    ];
    every_way(|mode, memory| {
        let mut vcpu = machine(mode, memory, &code);
        set(&mut vcpu, "x12", 1);
        set(&mut vcpu, "x13", 0x40c5_0533); // sub x10, x10, x12
        set(&mut vcpu, "x14", CODE);
        set(&mut vcpu, "x16", 50);
        set(&mut vcpu, "x17", 80);
        assert_eq!(vcpu.run(&RunOptions::default()).reason, Reason::Syscall);
        assert_eq!(get(&vcpu, "x10"), 50 - 30);
    });
}

#[test]
fn code_patched_by_the_host_runs_at_once() {
    every_way(|mode, memory| {
        let mut vcpu = machine(mode, memory, &COUNT);
        set(&mut vcpu, "a1", 100);
        assert_eq!(vcpu.run(&RunOptions::default()).reason, Reason::Syscall);
        // `addi x10, x10, 2` instead.
        let vm: Arc<Vm> = vcpu.vm().clone();
        vm.memory().write(CODE, &0x0025_0513u32.to_le_bytes(), crate::memory::Permissions::Ignore).unwrap();
        set(&mut vcpu, "a0", 0);
        vcpu.set_pc(CODE);
        let exit = vcpu.run(&RunOptions { budget: Some(101), ..RunOptions::default() });
        assert_eq!(exit.reason, Reason::Syscall);
    });
}

/// Five times over: `mov ecx, 40; rep stosb; inc eax`; then `syscall`.
const REPETITIONS: [u8; 23] = [
    0xb2, 0x05, // mov dl, 5
    0xb9, 0x28, 0, 0, 0, // mov ecx, 40
    0xf3, 0xaa, // rep stosb
    0xff, 0xc0, // inc eax
    0xff, 0xca, // dec edx
    0x75, 0xf3, // jnz to the first mov ecx
    0x0f, 0x05, // syscall
    0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc,
];

/// Address of `rep stosb`.
const STOS: u64 = CODE + 7;
const BYTES: u64 = 0x2_0000;

fn repetitions(mode: ExecutionMode, memory: Mode) -> Vcpu {
    let mut vcpu = machine_of(Guest::X86_64, mode, memory, &REPETITIONS);
    vcpu.vm().memory().map(BYTES, 0x1000, Prot::RW).unwrap();
    set(&mut vcpu, "rdi", BYTES);
    vcpu
}

#[test]
fn a_repeated_string_instruction_retires_once() {
    every_way(|mode, memory| {
        let run = |vcpu: &mut Vcpu, budget| {
            let exit = vcpu.run(&RunOptions { budget: Some(budget), ..RunOptions::default() });
            (exit.reason, exit.pc, exit.retired.unwrap(), get(vcpu, "rcx"), get(vcpu, "rdi") - BYTES)
        };
        for budget in 0..28 {
            let mut vcpu = repetitions(mode, memory);
            let found = run(&mut vcpu, budget);
            if budget == 27 {
                // The instruction leaves its return address in rcx.
                assert_eq!(found, (Reason::Syscall, CODE + 17, 27, CODE + 17, 200));
                continue;
            }
            // Position in the round, and whole repetitions done.
            let (at, done) = match budget {
                0 => (5, 0),
                _ => ((budget - 1) % 5, (budget + 2) / 5),
            };
            let pc = CODE + [2, 7, 9, 11, 13, 0][at as usize];
            let pc = if budget == 26 { CODE + 15 } else { pc };
            let left = if at == 1 { 40 } else { 0 };
            assert_eq!(found, (Reason::Budget, pc, budget, left, 40 * done), "budget {budget}");
        }
        // A fault between iterations: nothing of them has retired.
        let mut vcpu = repetitions(mode, memory);
        set(&mut vcpu, "rdi", BYTES + 0x1000 - 13);
        let found = run(&mut vcpu, 100);
        assert!(matches!(found.0, Reason::Fault(fault) if fault.addr == BYTES + 0x1000));
        assert_eq!((found.1, found.2, found.3), (STOS, 2, 27));
    });
}

#[test]
fn a_stop_address_does_not_hold_a_repetition_that_has_begun() {
    every_way(|mode, memory| {
        let mut vcpu = repetitions(mode, memory);
        let options = RunOptions { stop_at: Some(STOS), ..RunOptions::default() };
        for round in 0..5 {
            let exit = vcpu.run(&options);
            assert_eq!((exit.reason, exit.pc), (Reason::StopAddress, STOS));
            assert_eq!((get(&vcpu, "rcx"), get(&vcpu, "rdi") - BYTES), (40, 40 * round));
        }
        assert_eq!(vcpu.run(&options).reason, Reason::Syscall);
        assert_eq!(get(&vcpu, "rdi") - BYTES, 200);
    });
}

#[test]
fn a_loop_goes_through_every_tier() {
    for memory in [Mode::Direct, Mode::Paged] {
        let mut vcpu = machine(ExecutionMode::Compile, memory, &COUNT);
        set(&mut vcpu, "a1", 100_000);
        assert_eq!(vcpu.run(&RunOptions::default()).reason, Reason::Syscall);
        assert_eq!(get(&vcpu, "a0"), 100_000);
        let stats = vcpu.vm().stats();
        assert!(stats.interpreted < 50 && stats.entries < 20, "{stats:?}");
        assert!(stats.units_assembled > 0 && stats.units_compiled == 1, "{stats:?}");
    }
}

#[test]
fn a_running_loop_goes_on_in_the_region_of_a_compile_thread() {
    let mut vcpu = counting_machine(Promotion::After(5), 2);
    let vm = vcpu.vm().clone();
    // It never gets there.
    set(&mut vcpu, "a1", u64::MAX);
    let interrupter = vcpu.interrupter();
    let exit = std::thread::scope(|scope| {
        let running = scope.spawn(|| vcpu.run(&RunOptions::default()));
        while vm.stats().units_compiled == 0 && !running.is_finished() {
            std::thread::yield_now();
        }
        interrupter.interrupt();
        running.join().unwrap()
    });
    assert_eq!(exit.reason, Reason::Interrupted);
    // Exact state, whichever tier it stopped in.
    let done = get(&vcpu, "a0");
    assert!(exit.pc == CODE || exit.pc == CODE + 4, "{exit:?}");
    set(&mut vcpu, "a1", done + 1000);
    assert_eq!(vcpu.run(&RunOptions::default()).reason, Reason::Syscall);
    assert_eq!(get(&vcpu, "a0"), done + 1000);
}

/// A machine whose loop may be compiled under some rule.
fn counting_machine(promotion: Promotion, compile_threads: usize) -> Vcpu {
    let options = EngineOptions { promotion, compile_threads, ..EngineOptions::default() };
    boot(options, Guest::Riscv64, VmOptions::default().memory, &bytes_of(&COUNT))
}

#[test]
fn a_loop_ends_alike_whatever_rule_decides_about_its_region() {
    for promotion in
        [Promotion::After(0), Promotion::After(5), Promotion::After(u32::MAX), Promotion::Learned]
    {
        for threads in [0, 2] {
            let mut vcpu = counting_machine(promotion, threads);
            // Four times what a region may cost at most before it is expected to pay.
            set(&mut vcpu, "a1", 4_000_000);
            let exit = vcpu.run(&RunOptions::default());
            assert_eq!((exit.reason, exit.pc), (Reason::Syscall, CODE + 12), "{promotion:?}");
            assert_eq!(get(&vcpu, "a0"), 4_000_000, "{promotion:?}");
            let stats = vcpu.vm().stats();
            // On a compile thread it may come too late. On hosts without stencils regions are all there is.
            if threads == 0 && stats.units_assembled != 0 {
                let expected = u64::from(promotion != Promotion::After(u32::MAX));
                assert_eq!(stats.units_compiled, expected, "{promotion:?}, {:?}", vcpu.vm().hottest(1));
            }
        }
    }
}

#[test]
fn a_unit_that_waits_for_its_region_is_among_the_hottest() {
    let mut vcpu = counting_machine(Promotion::Learned, 0);
    // It asks after 4000 entries, and is then expected to pay after some 100000.
    set(&mut vcpu, "a1", 5000);
    assert_eq!(vcpu.run(&RunOptions::default()).reason, Reason::Syscall);
    if vcpu.vm().stats().units_assembled == 0 {
        return;
    }
    let hottest = vcpu.vm().hottest(5);
    assert_eq!(hottest.iter().map(|hot| hot.name.pc).collect::<Vec<_>>(), [CODE]);
    assert!(hottest[0].score > 0.0 && hottest[0].score < hottest[0].threshold, "{hottest:?}");
    let counters = vcpu.vm().hotness_counters().unwrap();
    assert_eq!((counters.asked, counters.put_off, counters.over_budget), (1, 1, 0));
}
