//! Random programs on the interpreter, as compiled code, and on the references: a sample of what `scripts/differential` runs
//! in any number.

use decoders::{aarch64, riscv64};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use tests::differential::check::{Sides, Summary};
use tests::differential::generate::{generate, is_drawn, numbered};
use tests::differential::reference::Reference;
use tests::random::Random;
use translator::guest::Guest;

/// Cases a guest.
const CASES: u64 = 3_000;

/// Where the seeds start; printed with every difference.
const SEED: u64 = 0x5eed << 40;

/// Three differences are enough to look at.
fn few(so_far: &Summary) -> bool {
    so_far.failures.len() < 3
}

fn programs_end_alike(guest: Guest) {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracles");
    let mut sides = Sides::new(guest, Some(directory.as_path()));
    let summary = sides.run((0..CASES).map(|case| numbered(guest, SEED ^ case)), few);
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
    assert!(summary.programs > CASES / 3, "only {} of {CASES} cases are programs", summary.programs);
    let least = CASES / 2;
    assert!(summary.judged >= least, "only {} of {CASES} cases have a reference", summary.judged);
    for (name, stats) in sides.translated() {
        let tiers = [stats.units_compiled, stats.units_assembled].map(|units| units > CASES / 100);
        // Other hosts have no stencils, and interpret instead.
        let has_stencils = cfg!(target_arch = "x86_64");
        let expected = match name.split(',').next() {
            Some("stencils") => [false, has_stencils],
            Some("tiers at random") => [true, has_stencils],
            _ => [true, false],
        };
        assert_eq!(tiers, expected, "{name} has other tiers: {stats:?}");
    }
}

#[test]
fn x86_64_programs_end_as_on_a_processor() {
    programs_end_alike(Guest::X86_64);
}

#[test]
fn aarch64_programs_end_as_on_qemu() {
    programs_end_alike(Guest::Aarch64);
}

#[test]
fn riscv64_programs_end_as_on_qemu() {
    programs_end_alike(Guest::Riscv64);
}

/// The same against Unicorn, for what it knows.
fn programs_end_as_on_unicorn(guest: Guest) {
    const CASES: u64 = 800;
    let mut sides = Sides::new(guest, None).judged_by(Reference::unicorn(guest));
    let summary = sides.run((0..CASES).map(|case| numbered(guest, SEED ^ 1 << 39 ^ case)), few);
    assert!(summary.failures.is_empty(), "{}", summary.failures.join("\n"));
    assert!(summary.judged >= CASES / 8, "only {} of {CASES} cases are judged by Unicorn", summary.judged);
}

#[test]
fn aarch64_programs_end_as_on_unicorn() {
    programs_end_as_on_unicorn(Guest::Aarch64);
}

#[test]
fn riscv64_programs_end_as_on_unicorn() {
    programs_end_as_on_unicorn(Guest::Riscv64);
}

/// The encoding that the instruction at the start of `code` has, by its bit string (which no other has), and its length.
fn encoding(guest: Guest, code: &[u8]) -> Option<(&'static str, usize)> {
    match guest {
        Guest::Aarch64 => {
            let insn = aarch64::decode(code, 0).ok()?;
            Some((insn.row().pattern, 4))
        }
        _ => {
            let insn = riscv64::decode(code, 0).ok()?;
            let half = u16::from_le_bytes([code[0], code[1]]);
            let row = riscv64::compressed::row_of(half).map(|row| row.pattern);
            Some((row.unwrap_or(insn.op.row().pattern), insn.len.into()))
        }
    }
}

/// Everything in the decoder's table that programs may hold: bit string and name.
fn drawn(guest: Guest) -> BTreeMap<&'static str, &'static str> {
    let mut random = Random::new(1);
    let mut any = |sample: &mut dyn FnMut(&mut Random) -> Vec<u8>| {
        (0..200).any(|_| is_drawn(guest, &sample(&mut random)))
    };
    let mut found = BTreeMap::new();
    if guest == Guest::Aarch64 {
        for row in aarch64::rows() {
            if any(&mut |random| row.sample(|| random.u32()).to_le_bytes().to_vec()) {
                found.insert(row.pattern, row.name);
            }
        }
        return found;
    }
    for row in &riscv64::table::ROWS {
        if any(&mut |random| row.sample(|| random.u32()).to_le_bytes().to_vec()) {
            found.insert(row.pattern, row.name);
        }
    }
    for row in &riscv64::compressed::ROWS {
        if any(&mut |random| row.sample(|| random.u32()).to_le_bytes().to_vec()) {
            found.insert(row.pattern, row.name);
        }
    }
    found
}

/// Cases are made, not run, until they hold every instruction that they may.
fn programs_reach_every_instruction(guest: Guest) {
    let mut missing = drawn(guest);
    assert!(missing.len() > 100);
    for case in 0..60_000 {
        if missing.is_empty() {
            return;
        }
        let code = generate(guest, SEED ^ case).code;
        let mut at = 0;
        while at < code.len() {
            let (encoding, len) = encoding(guest, &code[at..]).expect("programs hold instructions");
            missing.remove(encoding);
            at += len;
        }
    }
    let names: BTreeSet<_> = missing.values().collect();
    panic!("no program holds {names:?}");
}

#[test]
fn aarch64_programs_reach_every_instruction() {
    programs_reach_every_instruction(Guest::Aarch64);
}

#[test]
fn riscv64_programs_reach_every_instruction() {
    programs_reach_every_instruction(Guest::Riscv64);
}
