//! Random programs on the interpreter and as compiled code: a sample of what `scripts/differential` runs in any number
//! and with a reference beside them. (The tests of each guest compare the interpreter with the references.)

use tests::differential::check::Sides;
use translator::guest::Guest;

/// Cases a guest.
const CASES: u64 = 1_000;

/// Where the seeds start; printed with every difference.
const SEED: u64 = 0x5eed << 40;

fn programs_end_alike(guest: Guest) {
    let mut sides = Sides::new(guest, None);
    let summary = sides.run((0..CASES).map(|case| SEED ^ case), 3, || true);
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
    assert!(summary.programs > CASES / 3, "only {} of {CASES} cases are programs", summary.programs);
}

#[test]
fn x86_64_programs_end_alike() {
    programs_end_alike(Guest::X86_64);
}

#[test]
fn aarch64_programs_end_alike() {
    programs_end_alike(Guest::Aarch64);
}

#[test]
fn riscv64_programs_end_alike() {
    programs_end_alike(Guest::Riscv64);
}
