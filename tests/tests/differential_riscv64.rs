//! Random RV64 programs on the interpreter and on qemu-user: registers, flags, memory and how it ended must be equal.
//!
//! `XLAT_CASES` and `XLAT_SEED` ask for another number of programs and other ones.

use decoders::riscv64::{Names, decode, text_with};
use std::fmt::Write;
use std::path::Path;
use tests::random::Random;
use tests::riscv64::oracle::{CODE, CODE_PAGES, DATA, Input, Oracle, PAGE, State, Stop, WINDOW};
use tests::riscv64::program;
use tests::world::TestWorld;
use translator::guest::riscv64 as registers;
use translator::guest::{FpEnv, Guest};
use translator::ir::interpret::{End, Interpreter, World};
use translator::ir::{Slot, Trap};
use translator::lift::{Bytes, LiftOptions, lift_block};
use translator::memory::Fault;
use translator::opt;

fn number_from(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")),
        Err(_) => default,
    }
}

#[test]
fn random_programs_end_as_on_qemu() {
    let (cases, seed) = (number_from("XLAT_CASES", 10_000), number_from("XLAT_SEED", 1));
    println!("{cases} programs, seed {seed}");
    let oracle = Oracle::build(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let mut random = Random::new(seed);
    let mut differences = 0;
    let mut report = String::new();
    let mut left = cases;
    let mut completed = 0;
    while left > 0 {
        let count = left.min(10_000);
        left -= count;
        let inputs: Vec<Input> = (0..count)
            .map(|case| program::generate(&mut random, if case % 2 == 0 { 1 } else { 40 }))
            .collect();
        for (input, expected) in inputs.iter().zip(oracle.run(&inputs)) {
            completed += u64::from(expected.1 == Stop::Breakpoint);
            for (how, optimize) in [("interpreter", false), ("interpreter after the passes", true)] {
                let got = interpret(input, optimize);
                if got != expected {
                    differences += 1;
                    if differences <= 10 {
                        let _ = writeln!(report, "{how}:");
                        describe(&mut report, input, &expected, &got);
                    }
                }
            }
        }
    }
    println!("{completed} programs ran to their end");
    assert!(
        differences == 0,
        "{differences} differences in {cases} programs (seed {seed}), the first:\n{report}"
    );
}

/// Runs a program on the interpreter until it stops, its blocks as they are lifted or after the passes.
fn interpret(input: &Input, optimize: bool) -> (State, Stop) {
    let mut world = TestWorld::new(Guest::Riscv64);
    world.map(DATA, PAGE, true);
    world.map(DATA + PAGE, PAGE, false);
    world.write(DATA + PAGE - WINDOW as u64, &input.state.window);
    for number in 0..32 {
        if let Some(slot) = registers::x(number) {
            world.set(slot, input.state.x[usize::from(number)].into());
        }
        world.set(registers::f(number), input.state.f[usize::from(number)].into());
    }
    world.set(Slot::FP_FLAGS, (input.state.fcsr & 0x1f).into());
    world.set(Slot::FP_ENV, (input.state.fcsr >> 5).into());

    let mut page = [0x02, 0x90].repeat(CODE_PAGES * PAGE as usize / 2);
    page[..input.code.len()].copy_from_slice(&input.code);
    let code = Bytes { start: CODE, bytes: &page };
    let mut pc = CODE;
    let stop = loop {
        let env = FpEnv(world.get(Slot::FP_ENV) as u32);
        let Ok(mut block) =
            lift_block(Guest::Riscv64, &code, pc, &LiftOptions { env, ..LiftOptions::default() })
        else {
            break Stop::Segment(pc);
        };
        if optimize {
            opt::optimize(&mut block);
        }
        match Interpreter::default().run(&block, &mut world, u64::MAX).end {
            End::Next(next) | End::Resync { next } => pc = next,
            End::Trap { trap, pc: at, info } => {
                pc = at;
                break match trap {
                    Trap::Breakpoint => Stop::Breakpoint,
                    Trap::Illegal => Stop::Illegal,
                    Trap::Misaligned => Stop::Bus(info),
                    other => panic!("{other} is no trap of RISC-V"),
                };
            }
            End::Fault { pc: at, fault: Fault { addr, .. } } => {
                pc = at;
                break Stop::Segment(addr);
            }
            end => panic!("{end:?} cannot be"),
        }
    };
    let mut state = input.state.clone();
    for number in 0..32 {
        if let Some(slot) = registers::x(number) {
            state.x[usize::from(number)] = world.get(slot) as u64;
        }
        state.f[usize::from(number)] = world.get(registers::f(number)) as u64;
    }
    state.x[0] = pc;
    state.fcsr = (world.get(Slot::FP_ENV) << 5 | world.get(Slot::FP_FLAGS)) as u64;
    let window = world.read(DATA + PAGE - WINDOW as u64, WINDOW).expect("mapped");
    state.window = window.try_into().expect("the window's size");
    (state, stop)
}

/// The program, and both states with `*` on what differs.
fn describe(report: &mut String, input: &Input, expected: &(State, Stop), got: &(State, Stop)) {
    let mut at = 0;
    while at < input.code.len() {
        let pc = CODE + at as u64;
        let insn = decode(&input.code[at..], pc).expect("generated");
        let bytes = &input.code[at..at + usize::from(insn.len)];
        let _ = writeln!(report, "{pc:#x}: {:<12} {}", hex(bytes), text_with(&insn, pc, Names::Numeric));
        at += bytes.len();
    }
    let mut line = |name: String, before: u64, expected: u64, got: u64| {
        if before != expected || expected != got {
            let mark = if expected == got { ' ' } else { '*' };
            let _ = writeln!(
                report,
                "  {mark} {name:<6} before {before:#018x}  qemu {expected:#018x}  interpreter {got:#018x}"
            );
        }
    };
    for number in 0..32 {
        let name = if number == 0 { "pc".to_owned() } else { format!("x{number}") };
        line(name, input.state.x[number], expected.0.x[number], got.0.x[number]);
    }
    for number in 0..32 {
        line(format!("f{number}"), input.state.f[number], expected.0.f[number], got.0.f[number]);
    }
    line("fcsr".to_owned(), input.state.fcsr, expected.0.fcsr, got.0.fcsr);
    let all = |state: &State| (state.x, state.f, state.fcsr, state.window);
    if expected.0.window != got.0.window {
        for (at, (expected, got)) in expected.0.window.iter().zip(&got.0.window).enumerate() {
            if expected != got {
                let addr = DATA + PAGE - (WINDOW - at) as u64;
                let _ = writeln!(report, "  * [{addr:#x}] qemu {expected:#04x}  interpreter {got:#04x}");
            }
        }
    }
    let _ = writeln!(report, "  qemu {:?}, interpreter {:?}", expected.1, got.1);
    debug_assert!(expected.1 != got.1 || all(&expected.0) != all(&got.0));
    // The operands, for a text case.
    let _ = writeln!(
        report,
        "  at {CODE:#x}: {}\n  run {}",
        hex(&input.code),
        (1..32)
            .map(|n| format!("x{n}={:#x}", input.state.x[n]))
            .chain((0..32).map(|n| format!("f{n}={:#x}", input.state.f[n])))
            .chain([format!("fp_flags={:#x} fp_env={}", input.state.fcsr & 0x1f, input.state.fcsr >> 5)])
            .collect::<Vec<_>>()
            .join(" ")
    );
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
