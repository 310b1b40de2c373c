//! Compiled code against the interpreter at every budget, and with a page taken away. See `--help`.

use clap::Parser;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Instant;
use tests::exactness::check::{Counts, check};
use tests::exactness::windows::{Source, kernels};
use tests::exactness::{MOST, check_program};
use tests::options::{Guests, number, processors};
use tests::random::Random;
use translator::guest::Guest;

/// Runs random programs, and windows out of the middle of the kernels (scripts/build-programs builds them), with every
/// budget up to 2000 instructions, in direct and in paged memory: registers, memory, pc and count of compiled code must
/// be what the interpreter has after as many instructions. Where promotion and eviction are random, a sample of the budgets
/// is run. Then once more with a random page that they use made inaccessible or read-only. What differs is printed.
#[derive(Parser)]
#[command(name = "exactness")]
struct Options {
    /// Random programs a guest
    #[arg(long, value_name = "N", default_value_t = 1000)]
    programs: u64,
    /// Windows of kernels a guest
    #[arg(long, value_name = "N", default_value_t = 200)]
    windows: u64,
    /// Where the random numbers start
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = number)]
    seed: u64,
    #[command(flatten)]
    guests: Guests,
    /// Threads
    #[arg(long, value_name = "J", default_value_t = processors())]
    jobs: u64,
    /// Run the windows of this turn only, as a report names it, and no random program
    #[arg(long, value_name = "TURN")]
    turn: Option<u64>,
    /// Largest budget
    #[arg(long, value_name = "B", default_value_t = MOST)]
    most: u64,
}

/// What the threads have found.
#[derive(Default)]
struct Found {
    programs: Counts,
    windows: Counts,
    failures: usize,
}

/// Differences are printed as they come; after this many the rest is not looked at.
const MOST_FAILURES: usize = 5;

fn main() -> ExitCode {
    let options = Options::parse();
    let mut failed = false;
    for guest in options.guests.chosen() {
        let begin = Instant::now();
        let found = run(guest, &options);
        let line = |what: &str, counts: Counts| {
            println!(
                "{guest}: {} {what}, {} runs compared, {} instructions in them, {} ended at the page taken away",
                counts.images, counts.runs, counts.retired, counts.faults
            );
        };
        line("programs", found.programs);
        line("windows", found.windows);
        println!(
            "{guest}: {} differences, seed {}, budgets up to {}, {:.1} s",
            found.failures,
            options.seed,
            options.most,
            begin.elapsed().as_secs_f64()
        );
        failed |= found.failures != 0;
    }
    if failed { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

fn run(guest: Guest, options: &Options) -> Found {
    let found = Mutex::new(Found::default());
    let failures = AtomicUsize::new(0);
    let note = |windows: bool, result: Result<Counts, String>| {
        let mut found = found.lock().expect("nobody panics with it");
        match result {
            Ok(counts) if windows => found.windows += counts,
            Ok(counts) => found.programs += counts,
            Err(report) => {
                println!("{report}");
                found.failures += 1;
                failures.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    let go_on = || failures.load(Ordering::Relaxed) < MOST_FAILURES;
    let (seeds, done) = (AtomicU64::new(0), AtomicU64::new(0));
    let kernels = kernels();
    let (turns, windows) = (AtomicU64::new(options.turn.unwrap_or(0)), AtomicU64::new(0));
    let programs = if options.turn.is_some() { 0 } else { options.programs };
    std::thread::scope(|scope| {
        for _ in 0..options.jobs {
            scope.spawn(|| {
                while go_on() && done.load(Ordering::Relaxed) < programs {
                    let seed = options.seed << 40 ^ seeds.fetch_add(1, Ordering::Relaxed);
                    if let Some(result) = check_program(guest, seed, options.most) {
                        done.fetch_add(1, Ordering::Relaxed);
                        note(false, result);
                    }
                }
                // A kernel is entered once a turn, and looked at a few times.
                while go_on() && windows.load(Ordering::Relaxed) < options.windows {
                    let turn = turns.fetch_add(1, Ordering::Relaxed);
                    if options.turn.is_some_and(|only| turn != only) {
                        break;
                    }
                    let kernel = &kernels[turn as usize % kernels.len()];
                    let level = ["O2", "O0", "O3"][(turn as usize / kernels.len()) % 3];
                    let seed = options.seed << 40 ^ turn;
                    let mut random = Random::new(seed);
                    let mut source = Source::start(guest, level, kernel);
                    let per_turn = options.windows.div_ceil(kernels.len() as u64).max(2);
                    for _ in 0..per_turn {
                        let Some(image) = source.next(&mut random, 400_000) else { break };
                        if !go_on() || windows.fetch_add(1, Ordering::Relaxed) >= options.windows {
                            break;
                        }
                        let result = check(&image, options.most, &mut random).map_err(|report| {
                            let code = image.listing(image.pc, 64);
                            format!("--- {guest} kernel {kernel} -{level}, turn {turn}\n{report}{code}")
                        });
                        note(true, result);
                    }
                }
            });
        }
    });
    found.into_inner().expect("nobody panics with it")
}
