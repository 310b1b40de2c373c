//! State is exact wherever a run ends: after every number of instructions, and at a fault in the middle of compiled code.
//!
//! Random programs, whose loops run as compiled regions, must be where the interpreter is, with the same registers, memory,
//! pc and count.

use tests::differential::generate::generate;
use tests::differential::machine::Machine;
use tests::differential::{Case, LONGEST_RUN, check};
use translator::guest::Guest;
use translator::memory::{Mode, Prot};
use translator::run::{ExecutionMode, Reason};

/// Budgets up to this are tried one by one.
const MOST: u64 = 2_000;

fn programs(guest: Guest, count: usize) -> impl Iterator<Item = (u64, Case)> {
    (0..).map(move |seed| (seed, generate(guest, seed))).filter(|(_, case)| case.code.len() > 32).take(count)
}

fn machines(guest: Guest) -> (Machine, [Machine; 2]) {
    let compiled =
        [Mode::Direct, Mode::Paged].map(|memory| Machine::new(guest, ExecutionMode::Compile, memory));
    (Machine::new(guest, ExecutionMode::Interpret, Mode::Direct), compiled)
}

/// Every budget of some programs, in both memory modes.
fn every_budget_ends_where_the_interpreter_does(guest: Guest) {
    let (mut interpreter, mut compiled) = machines(guest);
    for (seed, case) in programs(guest, 12) {
        let (end, _) = interpreter.run(&case, Some(MOST));
        let length = end.retired.expect("a budget counts");
        interpreter.load(&case);
        for budget in 0..=length {
            let expected = interpreter.state();
            for machine in &mut compiled {
                let (exit, state) = machine.run(&case, Some(budget));
                let spent = exit.retired == Some(budget);
                let ended = exit.reason == Reason::Budget || budget == length && exit.reason == end.reason;
                if !spent || !ended || state != expected {
                    let ends = format!("  budget {budget}: {exit:x?}\n");
                    let names = ("interpreted", "compiled");
                    panic!("{}", check::report(seed, &case, &ends, names.0, &expected, names.1, &state));
                }
            }
            interpreter.go(Some(1));
        }
    }
}

/// The writable page may be only read, or not at all.
fn faults_leave_the_state_that_the_interpreter_leaves(guest: Guest) {
    let (mut interpreter, mut compiled) = machines(guest);
    for (seed, case) in programs(guest, 300) {
        for prot in [Prot::READ, Prot::NONE] {
            interpreter.protect_data(prot);
            let (expected_exit, expected) = interpreter.run(&case, Some(LONGEST_RUN));
            for machine in &mut compiled {
                machine.protect_data(prot);
                let (exit, state) = machine.run(&case, Some(LONGEST_RUN));
                if (exit, &state) != (expected_exit, &expected) {
                    let ends = format!("  interpreted: {expected_exit:x?}\n  compiled: {exit:x?}\n");
                    let names = ("interpreted", "compiled");
                    panic!("{}", check::report(seed, &case, &ends, names.0, &expected, names.1, &state));
                }
            }
        }
    }
}

#[test]
fn every_budget_of_x86_64_programs() {
    every_budget_ends_where_the_interpreter_does(Guest::X86_64);
}

#[test]
fn every_budget_of_aarch64_programs() {
    every_budget_ends_where_the_interpreter_does(Guest::Aarch64);
}

#[test]
fn every_budget_of_riscv64_programs() {
    every_budget_ends_where_the_interpreter_does(Guest::Riscv64);
}

#[test]
fn faults_in_x86_64_programs() {
    faults_leave_the_state_that_the_interpreter_leaves(Guest::X86_64);
}

#[test]
fn faults_in_aarch64_programs() {
    faults_leave_the_state_that_the_interpreter_leaves(Guest::Aarch64);
}

#[test]
fn faults_in_riscv64_programs() {
    faults_leave_the_state_that_the_interpreter_leaves(Guest::Riscv64);
}
