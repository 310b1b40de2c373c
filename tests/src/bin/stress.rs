//! Eight vCPUs execute code that other threads change and remap. See `--help`.

use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::changing_code::{GUESTS, Settings, stress};
use translator::guest::Guest;
use translator::memory::{self, Mode};
use translator::run::{ExecutionMode, VmOptions};

const USAGE: &str = "\
usage: scripts/stress [--seconds T] [--seed S] [--guest GUEST]

Eight vCPUs of one machine execute a function while one thread changes it, as guest, as host program and through a second
mapping, and another maps, unmaps, protects and runs code around it. After each change has returned, no vCPU may run the
old function.

  --seconds T    for each guest (default 60), divided between direct and paged memory, pages that are watched, that check
                 themselves, or that do what is best, and each tier alone, all of them, and all with promotion and
                 eviction at random
  --seed S       where the random numbers start (default 1)
  --guest GUEST  x86_64, aarch64 or riscv64 (default: all)
";

struct Options {
    seconds: u64,
    seed: u64,
    guests: Vec<Guest>,
}

fn options() -> Result<Options, String> {
    let mut options = Options { seconds: 60, seed: 1, guests: GUESTS.to_vec() };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--help" || name == "-h" {
            print!("{USAGE}");
            std::process::exit(0);
        }
        let value = arguments.next().ok_or_else(|| format!("{name} is no option, or needs a value"))?;
        let number = || value.parse().map_err(|_| format!("{name} needs a number, not {value}"));
        match name.as_str() {
            "--seconds" => options.seconds = number()?,
            "--seed" => options.seed = number()?,
            "--guest" => {
                let guest = Guest::from_name(&value).ok_or_else(|| format!("no guest is called {value}"))?;
                options.guests = vec![guest];
            }
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("stress: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut failed = false;
    for &guest in &options.guests {
        let begun = Instant::now();
        let mut total = stress::Summary::default();
        let policies = [("watched", u32::MAX), ("as best", 8), ("self-checking", 0)];
        let tiers = [
            ("all tiers", ExecutionMode::Compile, None),
            ("tiers at random", ExecutionMode::Compile, Some(options.seed)),
            ("stencils", ExecutionMode::Stencils, None),
            ("regions", ExecutionMode::Regions, None),
        ];
        let mut ways = Vec::new();
        for memory in [Mode::Direct, Mode::Paged] {
            for policy in policies {
                ways.extend(tiers.map(|tier| (memory, policy, tier)));
            }
        }
        let share = Duration::from_secs(options.seconds) / ways.len() as u32;
        for (memory, (policy, writes_until_self_checking), (tier, mode, shuffle)) in ways {
            let memory_options = memory::Options { writes_until_self_checking, ..memory::Options::default() };
            let settings = Settings {
                mode,
                threshold: 4,
                shuffle,
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
