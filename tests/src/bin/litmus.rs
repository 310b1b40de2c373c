//! Litmus tests of each guest on several threads of one machine. See `--help`.

use std::process::ExitCode;
use std::time::Instant;
use tests::litmus;
use translator::guest::Guest;
use translator::memory::Mode;

const USAGE: &str = "\
usage: scripts/litmus [--rounds N] [--guest GUEST] [--test TEXT]

Runs small parallel programs of each guest as compiled code, on several vCPUs of one machine, in direct and in paged memory.
No round may have an outcome that the guest's memory model forbids; how many have the one that it allows and that a
sequentially consistent machine does not have is shown.

  --rounds N     rounds a guest, shared by its tests (default 10000000)
  --guest GUEST  x86_64, aarch64 or riscv64 (default: all)
  --test TEXT    only the tests with this text in their name
";

struct Options {
    rounds: u64,
    guests: Vec<Guest>,
    text: String,
}

fn options() -> Result<Options, String> {
    let mut options = Options { rounds: 10_000_000, guests: Guest::ALL.to_vec(), text: String::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        if name == "--help" || name == "-h" {
            print!("{USAGE}");
            std::process::exit(0);
        }
        let value = arguments.next().ok_or_else(|| format!("{name} is no option, or needs a value"))?;
        match name.as_str() {
            "--rounds" => {
                options.rounds = value.parse().map_err(|_| format!("{name} needs a number, not {value}"))?;
            }
            "--guest" => {
                let guest = Guest::from_name(&value).ok_or_else(|| format!("no guest is called {value}"))?;
                options.guests = vec![guest];
            }
            "--test" => options.text = value,
            _ => return Err(format!("there is no option {name}")),
        }
    }
    Ok(options)
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("litmus: {error}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut failed = false;
    for &guest in &options.guests {
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
