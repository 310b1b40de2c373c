//! State is exact wherever a run ends: a sample of what `scripts/exactness` checks in any number.

use tests::exactness::check::{Counts, check};
use tests::exactness::windows::Source;
use tests::exactness::{MOST, check_program};
use tests::random::Random;
use translator::guest::Guest;

/// Where the seeds start.
const SEED: u64 = 0xe4ac << 40;

/// Random programs a guest.
const PROGRAMS: usize = 20;

fn programs_are_exact(guest: Guest) {
    let mut counts = Counts::default();
    let results = (0..).filter_map(|seed| check_program(guest, SEED ^ seed, MOST)).take(PROGRAMS);
    for result in results {
        counts += result.unwrap_or_else(|report| panic!("{report}"));
    }
    assert!(counts.runs > 1_000 && counts.faults > 2, "too little was compared: {counts:?}");
}

/// Windows of kernels that load, store, call and branch, from other places each.
fn windows_are_exact(guest: Guest) {
    let mut counts = Counts::default();
    for (turn, kernel) in ["quicksort", "binary_trees", "nbody", "strings"].into_iter().enumerate() {
        let mut random = Random::new(SEED ^ turn as u64);
        let mut source = Source::start(guest, "O2", kernel);
        let image = source.next(&mut random, 100_000).expect("kernels run longer");
        counts += check(&image, 500, &mut random).unwrap_or_else(|report| {
            panic!("--- {guest} kernel {kernel}\n{report}{}", image.listing(image.pc, 64))
        });
    }
    assert!(counts.runs > 2_000, "too little was compared: {counts:?}");
}

#[test]
fn x86_64_programs_are_exact() {
    programs_are_exact(Guest::X86_64);
}

#[test]
fn aarch64_programs_are_exact() {
    programs_are_exact(Guest::Aarch64);
}

#[test]
fn riscv64_programs_are_exact() {
    programs_are_exact(Guest::Riscv64);
}

#[test]
fn x86_64_windows_are_exact() {
    windows_are_exact(Guest::X86_64);
}

#[test]
fn aarch64_windows_are_exact() {
    windows_are_exact(Guest::Aarch64);
}

#[test]
fn riscv64_windows_are_exact() {
    windows_are_exact(Guest::Riscv64);
}
