//! Random differential tests: interpreter, compiled code and a reference on random programs. See `--help`.

use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tests::differential::check::{Sides, Summary};
use tests::differential::floats::Floats;
use tests::differential::generate::numbered;
use tests::differential::reference::Reference;
use tests::differential::{Numbered, unicorn};
use tests::options::{Guests, number, processors};
use tests::random::Random;
use translator::guest::Guest;

/// Runs random programs of each guest on the interpreter, as compiled code, and on a reference: this machine's processor
/// where it is the guest's, else qemu-user. Half of them are single instructions, half programs of 2 to 40 with branches
/// and loops. Registers, flags, memory and faults must be equal; what differs is printed with everything that there is
/// to know.
#[derive(Parser)]
#[command(name = "differential")]
struct Options {
    /// Cases a guest
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    cases: u64,
    /// Where the random numbers start
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = number)]
    seed: u64,
    /// Begin with this case of the seed, so that many cases can be run in parts
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with = "floats")]
    first: u64,
    #[command(flatten)]
    guests: Guests,
    /// Stop after this time for each guest
    #[arg(long, value_name = "T")]
    seconds: Option<u64>,
    /// Threads, each with a reference of its own
    #[arg(long, value_name = "J", default_value_t = processors())]
    jobs: u64,
    /// Instead of random programs: every float operation in every float environment, on special values
    #[arg(long, conflicts_with = "cases")]
    floats: bool,
    /// Of each float operation only about so many cases, chosen by the seed
    #[arg(long, value_name = "N", requires = "floats")]
    each: Option<u64>,
    /// Run this one case only, as a report names it
    #[arg(long = "case", value_name = "SEED", value_parser = number)]
    only: Option<u64>,
    /// Stop after this many differences
    #[arg(long, value_name = "N", default_value_t = 5)]
    most: usize,
    /// Say now and then on standard error how far it is
    #[arg(long)]
    progress: bool,
    /// Let Unicorn be the reference, where it can (not for x86_64)
    #[arg(long, conflicts_with = "no_reference")]
    unicorn: bool,
    /// Compare interpreter and compiled code only
    #[arg(long)]
    no_reference: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut failed = false;
    for guest in options.guests.chosen() {
        let begin = Instant::now();
        let cases = Cases::new(guest, &options);
        let summary = run(guest, &cases, &options);
        println!(
            "{guest}: {} cases{}, {} of them programs, {} judged by the reference, {} instructions, {} differences, {:.1} s",
            summary.cases,
            cases.origin(),
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

/// What is run.
enum Cases {
    Random { guest: Guest, seed: u64, first: u64, count: u64 },
    Floats { table: Floats, sample: Option<Vec<u64>> },
    One(Box<Numbered>),
}

impl Cases {
    fn new(guest: Guest, options: &Options) -> Cases {
        let floats = options.floats.then(|| Floats::new(guest));
        match (options.only, floats) {
            (Some(number), Some(floats)) => Cases::One(Box::new(floats.case(number))),
            (Some(seed), None) => Cases::One(Box::new(numbered(guest, seed))),
            (None, Some(table)) => {
                let sample = options.each.map(|each| table.sample(each, &mut Random::new(options.seed)));
                Cases::Floats { table, sample }
            }
            (None, None) => {
                Cases::Random { guest, seed: options.seed, first: options.first, count: options.cases }
            }
        }
    }

    fn count(&self) -> u64 {
        match self {
            Cases::Random { count, .. } => *count,
            Cases::Floats { table, sample } => sample.as_ref().map_or(table.len(), |some| some.len() as u64),
            Cases::One(_) => 1,
        }
    }

    fn case(&self, index: u64) -> Numbered {
        match self {
            Cases::Random { guest, seed, first, .. } => numbered(*guest, seed << 40 ^ (first + index)),
            Cases::Floats { table, sample } => {
                table.case(sample.as_ref().map_or(index, |some| some[index as usize]))
            }
            Cases::One(case) => (**case).clone(),
        }
    }

    fn origin(&self) -> String {
        match self {
            Cases::Random { seed, first: 0, .. } => format!(" from seed {seed}"),
            Cases::Random { seed, first, .. } => format!(" from seed {seed}, the first of them {first}"),
            Cases::Floats { table, sample: None } => format!(", all of {}", table.description()),
            Cases::Floats { table, .. } => format!(" of {}, of {}", table.len(), table.description()),
            Cases::One(_) => String::new(),
        }
    }
}

/// Cases that a thread takes at once: neighbours in the table of float operations share compiled code.
const SHARE: u64 = 64;

/// How long compiled code may take for a case, on a busy machine too.
const LONGEST: Duration = Duration::from_secs(60);

fn run(guest: Guest, cases: &Cases, options: &Options) -> Summary {
    let (next, found) = (AtomicU64::new(0), AtomicUsize::new(0));
    let begin = Instant::now();
    let count = cases.count();
    let jobs = options.jobs.clamp(1, count.div_ceil(SHARE).max(1));
    let worker = || {
        let mut sides = sides(guest, options);
        let interrupters = sides.interrupters();
        let (beat, done) = (AtomicU64::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            // Compiled code that does not end where the interpreter does is stopped, and so reported.
            let watcher = scope.spawn(|| {
                let mut last = 0;
                while !done.load(Ordering::Relaxed) {
                    std::thread::park_timeout(LONGEST);
                    let now = beat.load(Ordering::Relaxed);
                    if now == last {
                        interrupters.iter().for_each(|interrupter| interrupter.interrupt());
                    }
                    last = now;
                }
            });
            let watched = Watched { done: &done, watcher: watcher.thread() };
            let shares = std::iter::from_fn(|| {
                let first = next.fetch_add(SHARE, Ordering::Relaxed);
                if options.progress && first % (SHARE << 8) == 0 {
                    eprintln!("{guest}: {first} of {count} cases, {:.0} s", begin.elapsed().as_secs_f64());
                }
                (first < count).then(|| first..count.min(first + SHARE))
            });
            let mut printed = 0;
            let summary = sides.run(shares.flatten().map(|index| cases.case(index)), |so_far| {
                beat.fetch_add(1, Ordering::Relaxed);
                for failure in &so_far.failures[printed..] {
                    println!("{failure}");
                    found.fetch_add(1, Ordering::Relaxed);
                }
                printed = so_far.failures.len();
                found.load(Ordering::Relaxed) < options.most
                    && options.seconds.is_none_or(|seconds| begin.elapsed().as_secs() < seconds)
            });
            summary.failures[printed..].iter().for_each(|failure| println!("{failure}"));
            drop(watched);
            summary
        })
    };
    let summaries: Vec<Summary> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..jobs).map(|_| scope.spawn(worker)).collect();
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

/// What ends the watch, after a panic too.
struct Watched<'a> {
    done: &'a AtomicBool,
    watcher: &'a std::thread::Thread,
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        self.watcher.unpark();
    }
}

/// The machines and the reference of one thread.
fn sides(guest: Guest, options: &Options) -> Sides {
    if options.unicorn && unicorn::knows(guest) {
        return Sides::new(guest, None).judged_by(Reference::unicorn(guest));
    }
    let directory = std::env::current_exe()
        .ok()
        .and_then(|program| program.parent().map(|parent| parent.join("oracles")))
        .unwrap_or_else(|| PathBuf::from("target/oracles"));
    Sides::new(guest, (!options.no_reference && !options.unicorn).then_some(directory.as_path()))
}
