//! Litmus tests of each guest on several threads of one machine. See `--help`.

use clap::Parser;
use std::process::ExitCode;
use std::time::Instant;
use tests::litmus;
use tests::options::Guests;
use translator::memory::Mode;

/// Runs small parallel programs of each guest as compiled code, on several vCPUs of one machine, in direct and in paged
/// memory. No round may have an outcome that the guest's memory model forbids; how many have the one that it allows and
/// that a sequentially consistent machine does not have is shown.
#[derive(Parser)]
#[command(name = "litmus")]
struct Options {
    /// Rounds a guest, shared by its tests
    #[arg(long, value_name = "N", default_value_t = 10_000_000)]
    rounds: u64,
    #[command(flatten)]
    guests: Guests,
    /// Only the tests with this text in their name
    #[arg(long = "test", value_name = "TEXT", default_value = "")]
    text: String,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let mut failed = false;
    for guest in options.guests.chosen() {
        let chosen: Vec<_> =
            litmus::tests(guest).iter().filter(|test| test.name.contains(&options.text)).collect();
        if chosen.is_empty() {
            eprintln!("litmus: {guest} has no test with {} in its name", options.text);
            return ExitCode::from(2);
        }
        let begin = Instant::now();
        let (mut rounds, mut forbidden) = (0, 0);
        let each = options.rounds.div_ceil(2 * chosen.len() as u64);
        for test in &chosen {
            let mut relaxed = 0;
            let before = rounds;
            for memory in [Mode::Direct, Mode::Paged] {
                let tally = litmus::run(guest, test, memory, each);
                rounds += tally.rounds;
                relaxed += tally.relaxed;
                forbidden += tally.forbidden;
                if tally.forbidden != 0 {
                    print!("{}", litmus::report(guest, test, memory, &tally));
                }
            }
            println!("{guest}: {:10} rounds, {relaxed:8} relaxed  {}", rounds - before, test.name);
        }
        println!(
            "{guest}: {} tests, {rounds} rounds, {forbidden} with a forbidden outcome, {:.1} s",
            chosen.len(),
            begin.elapsed().as_secs_f64()
        );
        failed |= forbidden != 0;
    }
    if failed { ExitCode::from(1) } else { ExitCode::SUCCESS }
}
