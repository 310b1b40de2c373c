//! How much host code hot loops become: text cases of `tests/host_code/loops.txt`.
//!
//! A case is a comment that says what the loop does, a line `GUEST ADDRESS: BYTES`, and indented what came out for each host: host
//! instructions that come before the cold blocks, and of these on an x86-64 host the ones in the loop (from the target of
//! its last jump back to that jump); bytes before the cold blocks, and all. BLESS=1 rewrites the indented lines: a change that
//! makes loops longer is seen in them.

use iced_x86::{Decoder, DecoderOptions, Instruction};
use libtest_mimic::Arguments;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use tests::text_cases;
use translator::codegen::{CompileOptions, CompiledUnit, Compiler, HostFeatures, HostIsa, Options, UnitKey};
use translator::guest::Guest;
use translator::lift::{Bytes, LiftOptions, lift_block};
use translator::opt;
use translator::region::{Region, RegionOptions};

fn main() {
    let name = |case: &str| {
        let lines = case.lines().take(2).map(|line| line.split(" 0x").next().unwrap_or(line));
        lines.collect::<Vec<_>>().join(" ").trim_start_matches("# ").to_owned()
    };
    let trials = text_cases::trials("host_code/loops.txt", name, run);
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The case with what comes out today.
fn run(case: &str) -> Result<String, String> {
    let given: Vec<&str> = case.lines().take(2).collect();
    let (guest, start, bytes) = text_cases::code(given.get(1).ok_or("a case has two lines")?)?;
    let region = region(guest, start, &bytes)?;
    let mut out = given.join("\n");
    let _ = write!(out, "\n    {} guest instructions, {} bytes", region.instructions(), bytes.len());
    // As in a program that has been running for a while.
    let key = UnitKey { sticky: UnitKey::sticky_mask(guest), ..UnitKey::plain(guest) };
    for host in HostIsa::ALL {
        let options = Options { features: HostFeatures::Common, ..Options::default() };
        let compiler = Compiler::new(host, &options).map_err(|error| error.to_string())?;
        let unit = compiler.compile(&region, &key, &CompileOptions::default());
        let unit = unit.map_err(|error| error.to_string())?;
        let _ = write!(out, "\n    {}: {}", host.name(), describe(&unit)?);
    }
    Ok(out)
}

fn region(guest: Guest, start: u64, bytes: &[u8]) -> Result<Region, String> {
    let code = Bytes { start, bytes };
    let lift = |pc| {
        lift_block(guest, &code, pc, &LiftOptions::default()).map(|mut block| {
            opt::optimize(&mut block);
            block
        })
    };
    Region::grow(start, &RegionOptions::default(), lift, |_| 0).map_err(|fault| format!("{fault:?}"))
}

fn describe(unit: &CompiledUnit) -> Result<String, String> {
    let hot = &unit.code[..unit.hot_bytes as usize];
    let mut text = String::new();
    match unit.isa {
        HostIsa::X86_64 => {
            let instructions: Vec<Instruction> = Decoder::new(64, hot, DecoderOptions::NONE).iter().collect();
            let back = instructions.iter().rev().find_map(|insn| {
                let jumps = insn.is_jcc_short_or_near() || insn.is_jmp_short_or_near();
                let target = insn.near_branch_target();
                (jumps && target < insn.ip()).then_some(target..=insn.ip())
            });
            let inside = |range| {
                instructions.iter().filter(|insn| RangeInclusive::contains(&range, &insn.ip())).count()
            };
            let inside = back.map_or(0, inside);
            let _ = write!(text, "{} instructions, {inside} of them in the loop", instructions.len());
        }
        // Cranelift makes no compressed instructions unless it is asked to.
        HostIsa::Aarch64 | HostIsa::Riscv64 => _ = write!(text, "{} instructions", hot.len() / 4),
    }
    let _ = write!(text, "; {} bytes, {} with cold blocks", hot.len(), unit.code.len());
    Ok(text)
}
