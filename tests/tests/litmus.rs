//! No outcome that a guest's memory model forbids: a sample of what `scripts/litmus` runs in any number of rounds.

use tests::litmus;
use translator::guest::Guest;
use translator::memory::Mode;

/// Rounds of each test in each memory mode.
const ROUNDS: u64 = 10_000;

fn forbidden_outcomes_do_not_show(guest: Guest) {
    for test in litmus::tests(guest) {
        for memory in [Mode::Direct, Mode::Paged] {
            let tally = litmus::run(guest, test, memory, ROUNDS);
            assert!(tally.rounds >= ROUNDS);
            assert_eq!(tally.forbidden, 0, "{}", litmus::report(guest, test, memory, &tally));
        }
    }
}

#[test]
fn forbidden_outcomes_of_x86_64_do_not_show() {
    forbidden_outcomes_do_not_show(Guest::X86_64);
}

#[test]
fn forbidden_outcomes_of_aarch64_do_not_show() {
    forbidden_outcomes_do_not_show(Guest::Aarch64);
}

#[test]
fn forbidden_outcomes_of_riscv64_do_not_show() {
    forbidden_outcomes_do_not_show(Guest::Riscv64);
}
