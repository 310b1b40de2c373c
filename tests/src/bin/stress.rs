//! Eight vCPUs execute code that other threads change and remap. See `--help`.

use clap::Parser;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::changing_code::{Settings, stress};
use tests::options::{Guests, number};
use translator::memory::{self, Mode};
use translator::run::{ExecutionMode, VmOptions};

/// Bytes of a cache in which units have to make room for each other all the time.
const SMALL: usize = 16 << 10;

/// Eight vCPUs of one machine execute a function while one thread changes it, as guest, as host program and through a
/// second mapping, and another maps, unmaps, protects and runs code around it. After each change has returned, no vCPU
/// may run the old function.
#[derive(Parser)]
#[command(name = "stress")]
struct Options {
    /// For each guest, divided between direct and paged memory, pages that are watched, that check themselves, or that
    /// do what is best, and each tier alone, all of them, all with promotion and eviction at random, and all in a cache that
    /// has no room for them
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
        let tiers = [
            ("all tiers", ExecutionMode::Compile, None, 0),
            ("tiers at random", ExecutionMode::Compile, Some(options.seed), 0),
            ("all tiers in a small cache", ExecutionMode::Compile, None, SMALL),
            ("stencils", ExecutionMode::Stencils, None, 0),
            ("regions", ExecutionMode::Regions, None, 0),
        ];
        let mut ways = Vec::new();
        for memory in [Mode::Direct, Mode::Paged] {
            for policy in policies {
                ways.extend(tiers.map(|tier| (memory, policy, tier)));
            }
        }
        let share = Duration::from_secs(options.seconds) / ways.len() as u32;
        for (memory, (policy, writes_until_self_checking), (tier, mode, shuffle, arena_bytes)) in ways {
            let memory_options = memory::Options { writes_until_self_checking, ..memory::Options::default() };
            let settings = Settings {
                mode,
                threshold: 4,
                shuffle,
                arena_bytes,
                vm: VmOptions { memory, memory_options, ..VmOptions::default() },
            };
            match stress::run(guest, &settings, options.seed, share) {
                Ok(summary) => {
                    total.patches += summary.patches;
                    total.remaps += summary.remaps;
                    total.rounds += summary.rounds;
                }
                Err(error) => {
                    failed = true;
                    eprintln!(
                        "{guest}, {tier}, {memory:?} memory, pages {policy}, seed {}: {error}",
                        options.seed
                    );
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
