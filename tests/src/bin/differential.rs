//! Random differential tests: interpreter, compiled code and a reference on random programs. See `--help`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tests::differential::check::{Sides, Summary};
use tests::differential::reference::Reference;
use tests::differential::unicorn;
use translator::guest::Guest;

const USAGE: &str = "\
usage: scripts/differential [--cases N] [--seed S] [--guest GUEST] [--seconds T] [--jobs J] [--case SEED] [--most N]
                            [--unicorn | --no-reference]

Runs random programs of each guest on the interpreter, as compiled code, and on a reference: this machine's processor
where it is the guest's, else qemu-user. Half of them are single instructions, half programs of 2 to 40 with branches and
loops. Registers, flags, memory and faults must be equal; what differs is printed with everything that there is to know.

  --cases N        cases a guest (default 100000)
  --seed S         where the random numbers start (default 1)
  --guest GUEST    x86_64, aarch64 or riscv64 (default: all)
  --seconds T      stop after this time for each guest
  --jobs J         processes' worth of threads (default: the number of processors)
  --case SEED      run this one case only, as a report names it
  --most N         stop after this many differences (default 5)
  --unicorn        let Unicorn be the reference, where it can (not for x86_64)
  --no-reference   compare interpreter and compiled code only
";

struct Options {
    cases: u64,
    seed: u64,
    guests: Vec<Guest>,
    seconds: Option<u64>,
    jobs: u64,
    only: Option<u64>,
    most: usize,
    reference: bool,
    unicorn: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        cases: 100_000,
        seed: 1,
        guests: Guest::ALL.to_vec(),
        seconds: None,
        jobs: std::thread::available_parallelism().map_or(1, |count| count.get() as u64),
        only: None,
        most: 5,
        reference: true,
        unicorn: false,
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--no-reference" {
            options.reference = false;
            continue;
        }
        if name == "--unicorn" {
            options.unicorn = true;
            continue;
        }
        if name == "--help" || name == "-h" {
            print!("{USAGE}");
            std::process::exit(0);
        }
        let value = arguments.next().ok_or_else(|| format!("{name} is no option, or needs a value"))?;
        let number = || {
            let parsed = match value.strip_prefix("0x") {
                Some(hex) => u64::from_str_radix(hex, 16),
                None => value.parse(),
            };
            parsed.map_err(|_| format!("{name} needs a number, not {value}"))
        };
        match name.as_str() {
            "--cases" => options.cases = number()?,
            "--seed" => options.seed = number()?,
            "--seconds" => options.seconds = Some(number()?),
            "--jobs" => options.jobs = number()?.max(1),
            "--case" => options.only = Some(number()?),
            "--most" => options.most = number()? as usize,
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
            eprintln!("differential: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut failed = false;
    for &guest in &options.guests {
        let begin = Instant::now();
        let summary = run(guest, &options);
        for failure in &summary.failures {
            println!("{failure}");
        }
        println!(
            "{guest}: {} cases from seed {}, {} of them programs, {} judged by the reference, {} instructions, {} \
             differences, {:.1} s",
            summary.cases,
            options.seed,
            summary.programs,
            summary.judged,
            summary.retired,
            summary.failures.len(),
            begin.elapsed().as_secs_f64()
        );
        failed |= !summary.failures.is_empty();
    }
    if failed { ExitCode::from(1) } else { ExitCode::SUCCESS }
}

fn run(guest: Guest, options: &Options) -> Summary {
    let directory = std::env::current_exe()
        .ok()
        .and_then(|program| program.parent().map(|parent| parent.join("oracles")))
        .unwrap_or_else(|| PathBuf::from("target/oracles"));
    let end = options.seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let next = AtomicU64::new(0);
    let jobs = if options.only.is_some() { 1 } else { options.jobs };
    let finished = AtomicBool::new(false);
    let summaries: Vec<Summary> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs)
            .map(|_| {
                let (next, directory, finished) = (&next, &directory, &finished);
                scope.spawn(move || {
                    let unicorn = options.unicorn && unicorn::knows(guest);
                    let reference = options.reference && !unicorn;
                    let mut sides = Sides::new(guest, reference.then_some(directory.as_path()));
                    if unicorn {
                        sides = sides.judged_by(Reference::unicorn(guest));
                    }
                    let interrupters = sides.interrupters();
                    let beat = AtomicU64::new(0);
                    let done = AtomicBool::new(false);
                    std::thread::scope(|scope| {
                        // Compiled code that does not end where the interpreter does is stopped, and so reported.
                        let watcher = scope.spawn(|| {
                            let mut last = 0;
                            while !done.load(Ordering::Relaxed) {
                                std::thread::park_timeout(Duration::from_secs(10));
                                let now = beat.load(Ordering::Relaxed);
                                if now == last {
                                    interrupters.iter().for_each(|interrupter| interrupter.interrupt());
                                }
                                last = now;
                            }
                        });
                        let seeds = std::iter::from_fn(|| match options.only {
                            Some(seed) => (next.fetch_add(1, Ordering::Relaxed) == 0).then_some(seed),
                            None => {
                                let case = next.fetch_add(1, Ordering::Relaxed);
                                (case < options.cases).then_some(options.seed << 40 ^ case)
                            }
                        });
                        let summary = sides.run(seeds, options.most, || {
                            beat.fetch_add(1, Ordering::Relaxed);
                            !finished.load(Ordering::Relaxed) && end.is_none_or(|end| Instant::now() < end)
                        });
                        if summary.failures.len() >= options.most {
                            finished.store(true, Ordering::Relaxed);
                        }
                        done.store(true, Ordering::Relaxed);
                        watcher.thread().unpark();
                        summary
                    })
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker ends")).collect()
    });
    summaries.into_iter().fold(Summary::default(), |mut all, summary| {
        all.cases += summary.cases;
        all.programs += summary.programs;
        all.judged += summary.judged;
        all.retired += summary.retired;
        all.failures.extend(summary.failures);
        all
    })
}
