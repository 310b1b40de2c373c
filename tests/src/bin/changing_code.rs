//! What code that changes costs. See `--help`.

use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::changing_code::{
    CODE, DATA, FUNCTION, GUESTS, PAGE, Program, Settings, WAYS, adder, adder_word, code, expected_sum,
    machine, set_word, start, sum, vcpu, write,
};
use translator::guest::Guest;
use translator::run::{Reason, RunOptions, Vcpu, VmOptions};

const USAGE: &str = "\
usage: scripts/changing-code

Prints, for each guest and way of execution, the shortest of several interleaved measurements:

  store      nanoseconds a store, in a loop of a million that stores to a page of its own
  beside     the same to a place 64 bytes from the loop's code, as a multiple of the former
  patch      microseconds a round that changes a function and calls it, of 100,000 rounds
  same page  the same with the function in the page of the caller
  change     microseconds of a change of a function on a watched page by the host program, and of the calls until it has
             been translated anew
";

const STORES: u64 = 1_000_000;
/// What a patched word has room for.
const CALLS: u64 = 4000;
const REPEATS: u32 = 25;
const CHANGES: u32 = 200;

fn run(vcpu: &mut Vcpu) {
    let exit = vcpu.run(&RunOptions::default());
    assert_eq!(exit.reason, Reason::Syscall, "{exit:x?}");
}

/// The loop of stores, with its code in the first page and the data where it is told.
fn stores(guest: Guest, settings: &Settings, target: u64) -> Duration {
    let vm = machine(guest, settings);
    write(&vm, CODE, &code(guest, Program::Store));
    let mut vcpu = vcpu(&vm, CODE, target, STORES);
    let begun = Instant::now();
    run(&mut vcpu);
    begun.elapsed()
}

fn calls(guest: Guest, settings: &Settings, function: u64) -> Duration {
    let vm = machine(guest, settings);
    write(&vm, CODE, &code(guest, Program::PatchAndCall));
    write(&vm, function, &adder(guest, 0));
    let mut vcpu = vcpu(&vm, CODE, function, CALLS);
    let begun = Instant::now();
    for _ in 0..REPEATS {
        start(&mut vcpu, CODE, function, CALLS);
        run(&mut vcpu);
        assert_eq!(sum(&vcpu), expected_sum(guest, CALLS));
    }
    begun.elapsed()
}

/// Changes by the host program, so far apart that the page stays watched.
fn changes(guest: Guest, settings: &Settings) -> Duration {
    let mut settings = settings.clone();
    settings.vm.memory_options.writes_until_self_checking = u32::MAX;
    let vm = machine(guest, &settings);
    write(&vm, CODE, &code(guest, Program::CallUntilChanged));
    write(&vm, CODE + PAGE, &code(guest, Program::PatchOnce));
    write(&vm, FUNCTION, &adder(guest, 0));
    let mut caller = vcpu(&vm, CODE, FUNCTION, 0);
    let mut patcher = vcpu(&vm, CODE + PAGE, FUNCTION, 0);
    let mut time = Duration::ZERO;
    for round in 0..CHANGES {
        // Enough calls for everything to be compiled.
        write(&vm, FUNCTION, &adder(guest, 0));
        start(&mut caller, CODE, FUNCTION, 0);
        caller.run(&RunOptions { budget: Some(1000), ..RunOptions::default() });
        start(&mut patcher, CODE + PAGE, FUNCTION, 0);
        set_word(&mut patcher, adder_word(guest, 1 + u64::from(round)));
        let begun = Instant::now();
        run(&mut patcher);
        start(&mut caller, CODE, FUNCTION, 0);
        run(&mut caller);
        time += begun.elapsed();
    }
    time
}

fn shortest(rounds: u32, mut measure: impl FnMut() -> Duration) -> f64 {
    (0..rounds).map(|_| measure()).min().unwrap_or_default().as_secs_f64()
}

fn main() -> ExitCode {
    if std::env::args().len() > 1 {
        print!("{USAGE}");
        return ExitCode::from(u8::from(!std::env::args().any(|argument| argument == "--help")) * 2);
    }
    println!(
        "{:32} {:>9} {:>7} {:>9} {:>10} {:>9}",
        "", "store ns", "beside", "patch us", "same page", "change us"
    );
    for guest in GUESTS {
        for (way, mode, memory) in WAYS {
            let vm = VmOptions { memory, ..VmOptions::default() };
            let settings = Settings { mode, threshold: 24, shuffle: None, arena_bytes: 0, vm };
            let (mut elsewhere, mut beside) = (f64::MAX, f64::MAX);
            for _ in 0..15 {
                elsewhere = elsewhere.min(stores(guest, &settings, DATA).as_secs_f64());
                beside = beside.min(stores(guest, &settings, CODE + 64).as_secs_f64());
            }
            let rounds = (CALLS * u64::from(REPEATS)) as f64;
            let apart = shortest(3, || calls(guest, &settings, FUNCTION)) / rounds;
            let together = shortest(3, || calls(guest, &settings, CODE + 512)) / rounds;
            let change = shortest(3, || changes(guest, &settings)) / f64::from(CHANGES);
            println!(
                "{:32} {:9.2} {:6.2}x {:9.2} {:10.2} {:9.2}",
                format!("{guest}, {way}"),
                elsewhere * 1e9 / STORES as f64,
                beside / elsewhere,
                apart * 1e6,
                together * 1e6,
                change * 1e6
            );
        }
    }
    ExitCode::SUCCESS
}
