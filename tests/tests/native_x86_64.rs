//! The x86-64 lifter against this machine's processor: random programs from random states. `XLAT_CASES` and `XLAT_SEED`
//! choose how many and which.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use std::collections::BTreeMap;
use tests::random::Random;
use tests::x86_64::differential::Differential;
use tests::x86_64::generate::{EXCLUDED, Generator};

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn interpreted_programs_leave_the_state_that_the_processor_leaves() {
    let cases = number("XLAT_CASES", 100_000);
    let seed = number("XLAT_SEED", 1);
    let verbose = number("XLAT_VERBOSE", 3);
    let mut differential = Differential::new();
    println!("{cases} cases, seed {seed}, {} encodings", differential.encodings());
    let mut random = Random::new(seed);
    let mut failures: BTreeMap<String, (u64, Vec<String>)> = BTreeMap::new();
    for _ in 0..cases {
        let case = differential.case(&mut random);
        if let Some(report) = differential.check(&case) {
            let single = case.program.len() == 1;
            let key =
                if single { format!("{:?}", case.program[0].insn.mnemonic()) } else { "(sequences)".into() };
            let entry = failures.entry(key).or_default();
            entry.0 += 1;
            if (entry.1.len() as u64) < verbose {
                entry.1.push(report);
            }
        }
    }
    for (key, (count, reports)) in &failures {
        println!("== {key}: {count} cases");
        for report in reports {
            println!("{report}");
        }
    }
    assert!(failures.is_empty(), "{} kinds of instructions differ", failures.len());
}

#[test]
fn every_lifted_mnemonic_is_generated() {
    let generated = Generator::new().mnemonics();
    let missing: Vec<_> = translator::lift::x86_64::mnemonics()
        .filter(|mnemonic| !EXCLUDED.contains(mnemonic) && !generated.contains(&(*mnemonic as u32)))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
