//! Interrupts end what does not end by itself, and none is lost: a sample of `scripts/interrupts`, which also measures how
//! long runs go on. (The bounds here are only there to fail rather than hang.)

use tests::interrupts::{By, ENDLESS, Endless, count, latency};
use translator::guest::Guest;
use translator::memory::Mode;
use translator::run::{Reason, RunOptions, Vcpu};

fn every_program(guest: Guest, mut test: impl FnMut(&str, Vcpu, By)) {
    let mut programs = 0;
    for endless in ENDLESS {
        let Some(code) = endless.code(guest) else { continue };
        for memory in [Mode::Direct, Mode::Paged] {
            for from in [By::Thread, By::Handler] {
                let vcpu = Endless::vcpu(guest, memory, &code);
                programs += 1;
                test(&format!("{guest}, {memory:?} memory, from {from:?}: {}", endless.name), vcpu, from);
            }
        }
    }
    assert!(programs >= 28, "{programs} programs");
}

fn endless_programs_stop(guest: Guest) {
    every_program(guest, |name, vcpu, from| {
        if let Err(error) = latency(vcpu, from, 10) {
            panic!("{name}: {error}");
        }
    });
}

fn no_interrupt_is_lost(guest: Guest) {
    every_program(guest, |name, vcpu, from| {
        let runs = count(vcpu, from, 200, 1).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(runs >= 200, "{name}: {runs} runs");
    });
}

#[test]
fn endless_programs_of_x86_64_stop() {
    endless_programs_stop(Guest::X86_64);
}

#[test]
fn endless_programs_of_aarch64_stop() {
    endless_programs_stop(Guest::Aarch64);
}

#[test]
fn endless_programs_of_riscv64_stop() {
    endless_programs_stop(Guest::Riscv64);
}

#[test]
fn no_interrupt_of_x86_64_is_lost() {
    no_interrupt_is_lost(Guest::X86_64);
}

#[test]
fn no_interrupt_of_aarch64_is_lost() {
    no_interrupt_is_lost(Guest::Aarch64);
}

#[test]
fn no_interrupt_of_riscv64_is_lost() {
    no_interrupt_is_lost(Guest::Riscv64);
}

#[test]
fn interrupts_before_a_report_are_one() {
    every_program(Guest::Riscv64, |name, mut vcpu, _| {
        for _ in 0..3 {
            vcpu.interrupter().interrupt();
        }
        let options = RunOptions { budget: Some(1000), ..RunOptions::default() };
        let before = vcpu.run(&options);
        assert_eq!((before.reason, before.retired), (Reason::Interrupted, Some(0)), "{name}");
        let after = vcpu.run(&options);
        assert_eq!((after.reason, after.retired), (Reason::Budget, Some(1000)), "{name}");
    });
}
