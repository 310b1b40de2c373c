//! Interrupts: how long runs go on, and whether one is lost. See `--help`.

use std::process::ExitCode;
use std::time::{Duration, Instant};
use tests::interrupts::{By, ENDLESS, count, latency};
use translator::guest::Guest;
use translator::memory::Mode;

const USAGE: &str = "\
usage: scripts/interrupts [--interrupts N] [--times T] [--guest GUEST] [--seed S]

Interrupts guest programs that do not end: jumps, loads, linked units, indirect jumps, locks. First a table: for how long a
run goes on after the call of interrupt at most, from another thread and from a signal handler, in both memory modes, in
processor time (which may be 10 ms) and in time (which is the scheduler's affair on a busy machine). Then interrupts at random
moments, also while nothing runs, each of which must be reported once.

  --interrupts N  random interrupts in all (default 1000000)
  --times T       interrupts of each program for the table (default 100)
  --guest GUEST   x86_64, aarch64 or riscv64 (default: all)
  --seed S        where the random numbers start (default 1)
";

struct Options {
    interrupts: u64,
    times: u32,
    guests: Vec<Guest>,
    seed: u64,
}

fn options() -> Result<Options, String> {
    let mut options = Options { interrupts: 1_000_000, times: 100, guests: Guest::ALL.to_vec(), seed: 1 };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--help" || name == "-h" {
            print!("{USAGE}");
            std::process::exit(0);
        }
        let value = arguments.next().ok_or_else(|| format!("{name} is no option, or needs a value"))?;
        let number = || value.parse::<u64>().map_err(|_| format!("{name} needs a number, not {value}"));
        match name.as_str() {
            "--interrupts" => options.interrupts = number()?,
            "--times" => options.times = number()? as u32,
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
            eprintln!("interrupts: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut failures = 0;
    let mut all = Vec::new();
    for &guest in &options.guests {
        for endless in ENDLESS {
            for memory in [Mode::Direct, Mode::Paged] {
                for from in [By::Thread, By::Handler] {
                    let Some(vcpu) = endless.vcpu(guest, memory) else { continue };
                    all.push((guest, endless, memory, from));
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
    for (at, (guest, endless, memory, from)) in all.into_iter().enumerate() {
        let vcpu = endless.vcpu(guest, memory).expect("there was one");
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
