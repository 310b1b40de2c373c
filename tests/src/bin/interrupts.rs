//! Interrupts: how long runs go on, and whether one is lost. See `--help`.

use clap::Parser;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::interrupts::{By, ENDLESS, Endless, count, latency};
use tests::options::{Guests, number};
use translator::memory::Mode;

/// Interrupts guest programs that do not end: jumps, loads, linked units, indirect jumps, locks. First a table: for how
/// long a run goes on after the call of interrupt at most, from another thread and from a signal handler, in both memory
/// modes, in processor time (which may be 10 ms) and in time (which is the scheduler's affair on a busy machine). Then
/// interrupts at random moments, also while nothing runs, each of which must be reported once.
#[derive(Parser)]
#[command(name = "interrupts")]
struct Options {
    /// Random interrupts in all
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    interrupts: u64,
    /// Interrupts of each program for the table
    #[arg(long, value_name = "T", default_value_t = 100)]
    times: u32,
    #[command(flatten)]
    guests: Guests,
    /// Where the random numbers start
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = number)]
    seed: u64,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut failures = 0;
    let mut all = Vec::new();
    for guest in options.guests.chosen() {
        for endless in ENDLESS {
            let Some(code) = endless.code(guest) else { continue };
            for memory in [Mode::Direct, Mode::Paged] {
                for from in [By::Thread, By::Handler] {
                    let vcpu = Endless::vcpu(guest, memory, &code);
                    all.push((guest, endless, memory, from, code.clone()));
                    match latency(vcpu, from, options.times) {
                        Ok(longest) => {
                            let late = longest.processor > Duration::from_millis(10);
                            failures += u32::from(late);
                            println!(
                                "{:8} {:6} {:7} {:9.3} ms {:9.3} ms  {}{}",
                                guest.name(),
                                format!("{memory:?}"),
                                format!("{from:?}"),
                                longest.processor.as_secs_f64() * 1e3,
                                longest.time.as_secs_f64() * 1e3,
                                endless.name,
                                if late { "  FAIL" } else { "" }
                            );
                        }
                        Err(error) => {
                            failures += 1;
                            println!("{guest} {memory:?} {from:?} {}: {error}", endless.name);
                        }
                    }
                }
            }
        }
    }
    let begin = Instant::now();
    let each = options.interrupts.div_ceil(all.len() as u64);
    let (mut interrupts, mut runs) = (0, 0);
    for (at, (guest, endless, memory, from, code)) in all.into_iter().enumerate() {
        let vcpu = Endless::vcpu(guest, memory, &code);
        match count(vcpu, from, each, options.seed << 32 ^ at as u64) {
            Ok(ran) => {
                interrupts += each;
                runs += ran;
            }
            Err(error) => {
                failures += 1;
                println!("{guest} {memory:?} {from:?} {}: {error}", endless.name);
            }
        }
    }
    println!(
        "{interrupts} interrupts at random moments of {runs} runs, each reported once; {failures} failures, {:.1} s",
        begin.elapsed().as_secs_f64()
    );
    if failures != 0 { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
