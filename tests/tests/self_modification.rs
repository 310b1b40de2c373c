//! Code that changes: by itself, through another mapping, by the host program, by another vCPU; and what it costs.

use std::time::Duration;
use tests::changing_code::{
    self as programs, ALIAS, CODE, DATA, FUNCTION, GUESTS, PAGE, Program, Settings, WAYS, adder, adder_word,
    expected_sum, patched_offset, stress, sum,
};
use translator::guest::Guest;
use translator::guest::registers::State as _;
use translator::memory::{self, CodePage};
use translator::run::{ExecutionMode, Reason, RunOptions, Stats, Vcpu, VmOptions};

/// When pages become self-checking: never, after a few writes, at once. No second try, so that counts are the same in
/// every run.
const LIMITS: [(&str, u32); 3] = [("watched", u32::MAX), ("mixed", 8), ("self-checking", 0)];

fn settings(mode: ExecutionMode, memory: memory::Mode, limit: u32) -> Settings {
    let memory_options = memory::Options {
        writes_until_self_checking: limit,
        write_memory: Duration::MAX,
        ..memory::Options::default()
    };
    Settings {
        mode,
        threshold: 4,
        shuffle: None,
        arena_bytes: 0,
        vm: VmOptions { memory, memory_options, ..VmOptions::default() },
    }
}

/// Runs `test` for each guest, way of execution and kind of page.
fn everywhere(test: impl Fn(Guest, &Settings, &str)) {
    for guest in GUESTS {
        for (way, mode, memory) in WAYS {
            for (kind, limit) in LIMITS {
                let plain = settings(mode, memory, limit);
                test(guest, &plain, &format!("{guest}, {way}, {kind}"));
                if mode == ExecutionMode::Compile {
                    let shuffled = Settings { shuffle: Some(u64::from(limit)), ..plain };
                    test(guest, &shuffled, &format!("{guest}, {way} at random, {kind}"));
                }
            }
        }
    }
}

fn run(vcpu: &mut Vcpu, what: &str) {
    let exit = vcpu.run(&RunOptions::default());
    assert_eq!(exit.reason, Reason::Syscall, "{what}: {exit:x?}");
}

#[test]
fn a_loop_executes_what_it_has_just_stored() {
    everywhere(|guest, settings, what| {
        let vm = programs::machine(guest, settings);
        programs::write(&vm, CODE, &programs::code(guest, Program::PatchLoop));
        let mut vcpu = programs::vcpu(&vm, CODE, CODE + patched_offset(guest), 200);
        run(&mut vcpu, what);
        assert_eq!(sum(&vcpu), expected_sum(guest, 200), "{what}");
    });
}

/// On x86-64 this is the next instruction of a straight line: the processor finds stores to it by their physical address.
#[test]
fn a_loop_executes_what_it_has_just_stored_through_another_mapping() {
    everywhere(|guest, settings, what| {
        let vm = programs::machine(guest, settings);
        programs::write(&vm, FUNCTION, &programs::code(guest, Program::PatchLoop));
        let mut vcpu = programs::vcpu(&vm, FUNCTION, ALIAS + patched_offset(guest), 200);
        run(&mut vcpu, what);
        assert_eq!(sum(&vcpu), expected_sum(guest, 200), "{what}");
    });
}

/// The instruction that an x86-64 store changes would have set the flags anew; what has taken its place does not, so those of the
/// store's own instruction are looked at.
#[test]
fn flags_of_a_store_last_if_what_would_set_them_again_is_changed_by_it() {
    const CODE_BYTES: [u8; 19] = [
        0x30, 0x0e, // xor [rsi], cl
        0x38, 0xc0, // cmp al, al; every other round mov al, al
        0x0f, 0x98, 0xc2, // sets dl
        0x0f, 0xb6, 0xd2, // movzx edx, dl
        0x48, 0x01, 0xd3, // add rbx, rdx
        0xff, 0xcf, 0x75, 0xef, // dec edi; jnz -17
        0x0f, 0x05, // syscall
    ];
    everywhere(|guest, settings, what| {
        if guest == Guest::X86_64 {
            let vm = programs::machine(guest, settings);
            programs::write(&vm, CODE, &CODE_BYTES);
            let mut vcpu = programs::vcpu(&vm, CODE, CODE + 2, 0x38 ^ 0x88);
            programs::set_word(&mut vcpu, 200);
            run(&mut vcpu, what);
            assert_eq!(sum(&vcpu), 100, "{what}");
        }
    });
}

/// Budgets cut the loop between the store and the instruction that it changes.
#[test]
fn every_budget_ends_a_loop_that_changes_itself_in_the_same_state() {
    for guest in GUESTS {
        let at = |mode, memory, limit, budget| {
            let vm = programs::machine(guest, &settings(mode, memory, limit));
            programs::write(&vm, CODE, &programs::code(guest, Program::PatchLoop));
            let mut vcpu = programs::vcpu(&vm, CODE, CODE + patched_offset(guest), 12);
            let mut state = Vec::new();
            loop {
                let exit = vcpu.run(&RunOptions { budget: Some(budget), ..RunOptions::default() });
                state.push((exit.pc, exit.retired, sum(&vcpu)));
                if exit.reason == Reason::Syscall {
                    return state;
                }
                assert_eq!(exit.reason, Reason::Budget);
            }
        };
        for budget in 1..12 {
            let expected = at(ExecutionMode::Interpret, memory::Mode::Direct, 8, budget);
            for (way, mode, memory) in WAYS {
                for (kind, limit) in LIMITS {
                    let seen = at(mode, memory, limit, budget);
                    assert_eq!(seen, expected, "{guest}, {way}, {kind}, budget {budget}");
                }
            }
        }
    }
}

#[test]
fn a_function_is_changed_and_called() {
    everywhere(|guest, settings, what| {
        for function in [FUNCTION, CODE + 512] {
            let vm = programs::machine(guest, settings);
            programs::write(&vm, CODE, &programs::code(guest, Program::PatchAndCall));
            programs::write(&vm, function, &adder(guest, 0));
            let mut vcpu = programs::vcpu(&vm, CODE, function, 300);
            run(&mut vcpu, what);
            assert_eq!(sum(&vcpu), expected_sum(guest, 300), "{what}, function at {function:#x}");
        }
    });
}

#[test]
fn code_written_by_the_host_program_runs_at_once() {
    everywhere(|guest, settings, what| {
        let vm = programs::machine(guest, settings);
        programs::write(&vm, CODE, &programs::code(guest, Program::CallUntilChanged));
        let mut vcpu = programs::vcpu(&vm, CODE, FUNCTION, 0);
        for round in 0..40 {
            // First a run that calls the old function often, so that it is compiled.
            programs::write(&vm, FUNCTION, &adder(guest, 0));
            programs::start(&mut vcpu, CODE, FUNCTION, 0);
            let budget = Some(600);
            let exit = vcpu.run(&RunOptions { budget, ..RunOptions::default() });
            assert_eq!(exit.reason, Reason::Budget, "{what}");
            let word = adder(guest, 1 + round);
            match round % 4 {
                0 => programs::write(&vm, FUNCTION, &word),
                1 => programs::write(&vm, ALIAS, &word),
                2 => {
                    // As a system call writes.
                    let guard = vm.memory().host_write(FUNCTION, 8);
                    let value = adder_word(guest, 1 + round).into();
                    let ty = translator::ir::Type::I32;
                    let order = translator::ir::Order::Plain;
                    vm.memory().store(ALIAS, ty, value, order).unwrap();
                    if guest == Guest::X86_64 {
                        vm.memory().store(FUNCTION + 4, ty, value >> 32, order).unwrap();
                    }
                    drop(guard);
                }
                _ => {
                    vm.memory().zero(FUNCTION, 4, memory::Permissions::Ignore).unwrap();
                    programs::write(&vm, FUNCTION, &word);
                }
            }
            run(&mut vcpu, what);
            let expected = if guest == Guest::X86_64 { 0 } else { 1 + round };
            assert_eq!(sum(&vcpu), expected, "{what}, round {round}");
        }
    });
}

#[test]
fn code_changed_by_another_vcpu_is_seen_by_one_that_runs_it() {
    everywhere(|guest, settings, what| {
        for target in [FUNCTION, ALIAS] {
            let vm = programs::machine(guest, settings);
            programs::write(&vm, CODE, &programs::code(guest, Program::CallUntilChanged));
            programs::write(&vm, CODE + PAGE, &programs::code(guest, Program::PatchOnce));
            programs::write(&vm, FUNCTION, &adder(guest, 0));
            let mut caller = programs::vcpu(&vm, CODE, FUNCTION, 0);
            let interrupter = caller.interrupter();
            std::thread::scope(|scope| {
                let running = scope.spawn(move || caller.run(&RunOptions::default()).reason);
                // Until it has run for a while: compiled, if anything is.
                let busy = |stats: Stats| match settings.mode {
                    ExecutionMode::Interpret => stats.blocks_lifted > 2,
                    _ => stats.units_assembled + stats.units_compiled > 0,
                };
                while !busy(vm.stats()) && !running.is_finished() {
                    std::thread::yield_now();
                }
                let mut patcher = programs::vcpu(&vm, CODE + PAGE, target, 0);
                programs::set_word(&mut patcher, adder_word(guest, 5));
                run(&mut patcher, what);
                // It ends by itself; if it does not, not the test's time limit shall say so.
                let end = std::time::Instant::now() + Duration::from_secs(60);
                while !running.is_finished() && std::time::Instant::now() < end {
                    std::thread::yield_now();
                }
                interrupter.interrupt();
                assert_eq!(running.join().unwrap(), Reason::Syscall, "{what}, written at {target:#x}");
            });
        }
    });
}

/// Counts of what the machine did for one program.
fn cost(guest: Guest, memory: memory::Mode, program: Program, target: u64, rounds: &[u64]) -> Stats {
    let vm = programs::machine(guest, &settings(ExecutionMode::Compile, memory, 8));
    programs::write(&vm, CODE, &programs::code(guest, program));
    if program == Program::PatchAndCall {
        programs::write(&vm, target, &adder(guest, 0));
    }
    let mut vcpu = programs::vcpu(&vm, CODE, target, 0);
    for &count in rounds {
        programs::start(&mut vcpu, CODE, target, count);
        run(&mut vcpu, "cost");
        if program == Program::PatchAndCall {
            assert_eq!(sum(&vcpu), expected_sum(guest, count));
        }
    }
    vm.stats()
}

/// The time that it takes is what `scripts/changing-code` measures.
#[test]
fn a_million_stores_beside_the_code_leave_compiled_code_a_few_times_only() {
    for guest in GUESTS {
        for memory in [memory::Mode::Direct, memory::Mode::Paged] {
            for target in [DATA, CODE + 64] {
                let stats = cost(guest, memory, Program::Store, target, &[1_000_000]);
                assert!(stats.interpreted < 1000, "{guest} {memory:?} {target:#x}: {stats:?}");
                assert!(stats.entries < 100, "{guest} {memory:?} {target:#x}: {stats:?}");
                assert!(stats.units_compiled <= 12, "{guest} {memory:?} {target:#x}: {stats:?}");
                let most = if target == DATA { 0 } else { 8 };
                assert!(stats.invalidations <= most, "{guest} {memory:?} {target:#x}: {stats:?}");
            }
        }
    }
}

#[test]
fn a_hundred_thousand_rounds_of_patch_and_call_compile_and_invalidate_a_few_times_only() {
    for guest in GUESTS {
        for memory in [memory::Mode::Direct, memory::Mode::Paged] {
            for target in [FUNCTION, CODE + 512] {
                let stats = cost(guest, memory, Program::PatchAndCall, target, &[4000; 25]);
                assert!(stats.invalidations <= 16, "{guest} {memory:?} {target:#x}: {stats:?}");
                assert!(stats.units_compiled <= 64, "{guest} {memory:?} {target:#x}: {stats:?}");
            }
        }
    }
}

/// A page that is left alone after it was written often gets units without checks again.
#[test]
fn a_page_that_is_written_no_more_is_watched_again() {
    for guest in GUESTS {
        for memory in [memory::Mode::Direct, memory::Mode::Paged] {
            let mut settings = settings(ExecutionMode::Compile, memory, 8);
            settings.vm.memory_options.write_memory = Duration::from_millis(1);
            let vm = programs::machine(guest, &settings);
            programs::write(&vm, CODE, &programs::code(guest, Program::Store));
            // Until the page is self-checking: a slow machine may forget some writes.
            let mut vcpu = programs::vcpu(&vm, CODE, CODE + 64, 0);
            loop {
                programs::start(&mut vcpu, CODE, CODE + 64, 1000);
                run(&mut vcpu, "self-checking");
                if vm.memory().page_mode(CODE) == CodePage::SelfChecking {
                    break;
                }
            }
            // Loops on the same page that store elsewhere, until the checks have lasted long enough.
            for round in 0.. {
                programs::start(&mut vcpu, CODE, DATA, 1 << 22);
                run(&mut vcpu, "left alone");
                if vm.memory().page_mode(CODE) == CodePage::Watched {
                    break;
                }
                assert!(round < 1000, "{guest} {memory:?}: {:?}", vm.stats());
            }
            // And back, when it is written.
            programs::start(&mut vcpu, CODE, CODE + 64, 1000);
            run(&mut vcpu, "written again");
            assert_eq!(vcpu.pc(), CODE + programs::code(guest, Program::Store).len() as u64);
        }
    }
}

/// A sample of what `scripts/stress` does for longer.
#[test]
fn no_vcpu_runs_old_code_after_a_change_has_returned() {
    for guest in GUESTS {
        for memory in [memory::Mode::Direct, memory::Mode::Paged] {
            for (kind, limit) in LIMITS {
                for mode in [ExecutionMode::Compile, ExecutionMode::Interpret] {
                    if mode == ExecutionMode::Interpret && limit != 8 {
                        continue;
                    }
                    let mut settings = settings(mode, memory, limit);
                    settings.vm.memory_options.write_memory = Duration::from_millis(50);
                    let what = format!("{guest}, {memory:?}, {kind}, {mode:?}");
                    let summary = stress::run(guest, &settings, 1, Duration::from_millis(100));
                    let summary = summary.unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert!(summary.rounds > summary.patches, "{what}: {summary:?}");
                }
            }
        }
    }
}
