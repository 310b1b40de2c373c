//! The passes: text cases of `tests/opt/<pass>.txt`, and random blocks that must mean the same before and after.
//!
//! A case is a comment that says what holds, a block (or `code GUEST ADDRESS: BYTES`, which is lifted), a line `becomes`,
//! and indented the ops afterwards. BLESS=1 rewrites those; the rest is written by hand. The cases of a pass's file go
//! through that pass and `dead_code`; those of `optimize.txt` through all of them.

use libtest_mimic::{Arguments, Failed, Trial};
use tests::{opt_property, text_cases};
use translator::guest::Guest;
use translator::ir::Block;
use translator::lift::{Bytes, LiftOptions, lift_block};
use translator::opt;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for pass in opt::PASSES.iter().map(|(name, _)| *name).chain(["optimize"]) {
        let name = |case: &str| {
            format!("{pass}/{}", case.lines().next().unwrap_or_default().trim_start_matches("# "))
        };
        trials.extend(text_cases::trials(&format!("opt/{pass}.txt"), name, |case| run(pass, case)));
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
    let (guest, start, bytes) = text_cases::code(code)?;
    lift_block(guest, &Bytes { start, bytes: &bytes }, start, &LiftOptions::default())
        .map_err(|fault| format!("{fault:?}"))
}
