//! Random programs on the interpreter, as compiled code and on the reference: a sample of what `scripts/differential`
//! runs in any number.

use std::path::Path;
use tests::differential::check::Sides;
use translator::guest::Guest;

/// Cases a guest; they take some twenty seconds.
const CASES: u64 = 6_000;

/// Where the seeds start; printed with every difference.
const SEED: u64 = 0x5eed << 40;

fn programs_end_alike_everywhere(guest: Guest) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut sides = Sides::new(guest, Some(directory));
    let summary = sides.run((0..CASES).map(|case| SEED ^ case), 3, || true);
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
    assert!(summary.judged > CASES / 2, "only {} of {CASES} cases were judged", summary.judged);
}

#[test]
fn x86_64_programs_end_alike_everywhere() {
    programs_end_alike_everywhere(Guest::X86_64);
}

#[test]
fn aarch64_programs_end_alike_everywhere() {
    programs_end_alike_everywhere(Guest::Aarch64);
}

#[test]
fn riscv64_programs_end_alike_everywhere() {
    programs_end_alike_everywhere(Guest::Riscv64);
}
