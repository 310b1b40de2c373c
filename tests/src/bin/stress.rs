//! Eight vCPUs execute code that other threads change and remap. See `--help`.

use clap::Parser;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::changing_code::{Settings, stress};
use tests::options::{Guests, number};
use translator::memory::{self, Mode};
use translator::run::{ExecutionMode, VmOptions};

/// Eight vCPUs of one machine execute a function while one thread changes it, as guest, as host program and through a
/// second mapping, and another maps, unmaps, protects and runs code around it. After each change has returned, no vCPU
/// may run the old function.
#[derive(Parser)]
#[command(name = "stress")]
struct Options {
    /// For each guest, divided between direct and paged memory, and pages that are watched, that check themselves, or
    /// that do what is best
    #[arg(long, value_name = "T", default_value_t = 60)]
    seconds: u64,
    /// Where the random numbers start
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = number)]
    seed: u64,
    #[command(flatten)]
    guests: Guests,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut failed = false;
    for guest in options.guests.chosen() {
        let begun = Instant::now();
        let mut total = stress::Summary::default();
        let policies = [("watched", u32::MAX), ("as best", 8), ("self-checking", 0)];
        let ways = [Mode::Direct, Mode::Paged].map(|mode| policies.map(|policy| (mode, policy))).concat();
        let share = Duration::from_secs(options.seconds) / ways.len() as u32;
        for (mode, (policy, writes_until_self_checking)) in ways {
            let memory_options = memory::Options { writes_until_self_checking, ..memory::Options::default() };
            let settings = Settings {
                mode: ExecutionMode::Compile,
                threshold: 4,
                vm: VmOptions { memory: mode, memory_options },
            };
            match stress::run(guest, &settings, options.seed, share) {
                Ok(summary) => {
                    total.patches += summary.patches;
                    total.remaps += summary.remaps;
                    total.rounds += summary.rounds;
                }
                Err(error) => {
                    failed = true;
                    eprintln!("{guest}, {mode:?} memory, pages {policy}, seed {}: {error}", options.seed);
                }
            }
        }
        println!(
            "{guest}: {} changes seen by {} vCPUs, {} remappings, {} calls, {:.0} s",
            total.patches,
            stress::VCPUS,
            total.remaps,
            total.rounds,
            begun.elapsed().as_secs_f64()
        );
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
