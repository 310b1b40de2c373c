//! Float operations as compiled code, on the interpreter and on the reference, on special values and in every kind of float
//! environment: a sample of what `scripts/differential --floats` runs.

use std::path::Path;
use tests::differential::check::Sides;
use tests::differential::floats::Floats;
use tests::random::Random;
use translator::guest::Guest;

/// Chooses the sample.
const SEED: u64 = 1;
/// Cases of each operation.
const EACH: u64 = 16;

fn results_and_flags_are_the_references(guest: Guest, known: &[&str]) {
    let table = Floats::new(guest);
    for text in known {
        assert!(
            table.texts().any(|other| other == *text || other.starts_with(&format!("{text} "))),
            "no {text}"
        );
    }
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracles");
    let mut sides = Sides::new(guest, Some(directory.as_path()));
    let sample = table.sample(EACH, &mut Random::new(SEED));
    let cases = sample.iter().map(|&number| table.case(number));
    let summary = sides.run(cases, |so_far| so_far.failures.len() < 3);
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
    assert_eq!(summary.cases, sample.len() as u64);
    let least = summary.cases * 9 / 10;
    assert!(summary.judged >= least, "only {} of {} cases have a reference", summary.judged, summary.cases);
}

#[test]
fn x86_64_results_and_flags_are_the_processors() {
    let known =
        ["addsd", "divps", "sqrtss", "cmppd", "cvttss2si", "roundsd", "fadd", "fsqrt", "fistp", "fild"];
    results_and_flags_are_the_references(Guest::X86_64, &known);
}

#[test]
fn aarch64_results_and_flags_are_qemus() {
    let known = [
        "fadd", "fmadd", "fmla", "fcvtzs", "frinti", "fcmpe", "scvtf", "fmulx", "frecpe", "fcvtn", "faddp",
        "bfcvt", "bfdot", "bfmmla", "bfmlalt",
    ];
    results_and_flags_are_the_references(Guest::Aarch64, &known);
}

#[test]
fn riscv64_results_and_flags_are_qemus() {
    let known =
        ["fadd.s", "fmadd.d", "fsqrt.d", "fcvt.w.d", "fcvt.s.d", "fcvt.d.lu", "fmin.s", "flt.d", "fdiv.s"];
    results_and_flags_are_the_references(Guest::Riscv64, &known);
}
