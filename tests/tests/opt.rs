//! The passes: text cases of `tests/opt/<pass>.txt`, and random blocks that must mean the same before and after.
//!
//! A case is a comment that says what holds, a block (or `code GUEST ADDRESS: BYTES`, which is lifted), a line `becomes`,
//! and indented the ops afterwards. BLESS=1 rewrites those; the rest is written by hand. The cases of a pass's file go
//! through that pass and `dead_code`; those of `optimize.txt` through all of them.

use libtest_mimic::{Arguments, Failed, Trial};
use std::path::Path;
use tests::opt_property;
use translator::guest::Guest;
use translator::ir::Block;
use translator::lift::{Bytes, LiftOptions, lift_block};
use translator::opt;

fn main() {
    let arguments = Arguments::from_args();
    let bless = std::env::var_os("BLESS").is_some_and(|value| value == "1");
    let mut trials = Vec::new();
    for name in opt::PASSES.iter().map(|(name, _)| *name).chain(["optimize"]) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("opt").join(format!("{name}.txt"));
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut blessed = String::new();
        for case in text.split_inclusive("\n\n") {
            let case = case.trim_end();
            let title = case.lines().next().unwrap_or_default().trim_start_matches("# ").to_owned();
            let expected = run(name, case);
            blessed += expected.as_deref().unwrap_or(case);
            blessed += "\n\n";
            let case = case.to_owned();
            trials.push(Trial::test(format!("{name}/{title}"), move || match expected {
                Ok(expected) if bless || expected == case => Ok(()),
                Ok(expected) => Err(format!("BLESS=1 would write\n{expected}").into()),
                Err(error) => Err(Failed::from(error)),
            }));
        }
        let blessed = blessed.trim_end().to_owned() + "\n";
        if bless && blessed != text {
            std::fs::write(&path, blessed).expect("the case file can be written");
        }
    }
    for guest in Guest::ALL {
        trials.push(Trial::test(format!("random code of {guest} means the same"), move || {
            opt_property::code(guest, 2_000, 1).map_err(Failed::from)
        }));
        trials.push(Trial::test(format!("random ops over the slots of {guest} mean the same"), move || {
            opt_property::ops(guest, 2_000, 2).map_err(Failed::from)
        }));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// The case with what the passes make of it today.
fn run(name: &str, case: &str) -> Result<String, String> {
    let (given, _) = case.split_once("\nbecomes").ok_or("a case has a line `becomes`")?;
    let body: Vec<&str> = given.lines().filter(|line| !line.starts_with('#')).collect();
    let mut block = match body.first().and_then(|line| line.strip_prefix("code ")) {
        Some(code) => lift(code)?,
        None => Block::parse(&body.join("\n")).map_err(|error| error.to_string())?,
    };
    for (pass, run) in opt::PASSES {
        if name == *pass || name == "optimize" || *pass == "dead_code" {
            run(&mut block);
            translator::ir::verify::verify(&block).map_err(|error| format!("{error}\n{block}"))?;
        }
    }
    let lines: Vec<String> = block.lines().into_iter().map(|line| format!("    {line}")).collect();
    Ok(format!("{given}\nbecomes\n{}", lines.join("\n")))
}

fn lift(code: &str) -> Result<Block, String> {
    let wrong = || format!("`code GUEST ADDRESS: BYTES` is expected, not {code}");
    let (head, bytes) = code.split_once(": ").ok_or_else(wrong)?;
    let (guest, start) = head.split_once(' ').ok_or_else(wrong)?;
    let guest = Guest::from_name(guest).ok_or_else(wrong)?;
    let start = u64::from_str_radix(start.trim_start_matches("0x"), 16).map_err(|_| wrong())?;
    let bytes: Vec<u8> = bytes
        .split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16))
        .collect::<Result<_, _>>()
        .map_err(|_| wrong())?;
    lift_block(guest, &Bytes { start, bytes: &bytes }, start, &LiftOptions::default())
        .map_err(|fault| format!("{fault:?}"))
}
