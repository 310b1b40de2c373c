//! The tables of `docs/isa`: what each guest's decoder knows, and what of it is translated.
//!
//! No list says what is supported: a few encodings of each row of the decoder's table (for x86-64 every encoding that the
//! opcode maps hold) are lifted, and those that end in [`Trap::Unsupported`] are not.

mod relocatable;
mod x86_64;

use crate::random::Random;
use decoders::{aarch64, riscv64};
use std::collections::BTreeMap;
use std::fmt::Write;
use translator::guest::Guest;
use translator::ir::{Op, Terminator, Trap};
use translator::lift::{Bytes, LiftOptions, lift_block};

/// What becomes of an encoding.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Support {
    /// It is translated.
    Lifted,
    /// It raises an exception in user mode, as on a processor.
    Refused,
    /// It is missing.
    Missing,
}

/// The page of one guest.
pub fn page(guest: Guest) -> String {
    match guest {
        Guest::Aarch64 => aarch64_page(),
        Guest::Riscv64 => riscv64_page(),
        Guest::X86_64 => x86_64::page(),
    }
}

/// What becomes of the instruction at the start of `bytes`, which must be the same wherever it stands.
fn support(guest: Guest, bytes: &[u8]) -> Support {
    const PC: u64 = 0x1000;
    relocatable::assert_relocatable(guest, bytes);
    let code = Bytes { start: PC, bytes };
    let options = LiftOptions { max_instructions: 1, ..LiftOptions::default() };
    let block = lift_block(guest, &code, PC, &options).expect("there is code");
    let trap = match block.terminator {
        Terminator::Trap { trap } => Some(trap),
        _ => block.ops.iter().find_map(|op| match op {
            Op::TrapIf { trap: Trap::Unsupported, .. } => Some(Trap::Unsupported),
            _ => None,
        }),
    };
    match trap {
        Some(Trap::Unsupported) => Support::Missing,
        Some(Trap::Illegal | Trap::GeneralProtection | Trap::Halt) => Support::Refused,
        _ => Support::Lifted,
    }
}

/// The best that a row's encodings get: a system instruction is lifted if one of its registers is.
fn best(samples: impl Iterator<Item = Support>) -> Support {
    let mut best = Support::Refused;
    for sample in samples {
        match sample {
            Support::Missing => return Support::Missing,
            Support::Lifted => best = Support::Lifted,
            Support::Refused => {}
        }
    }
    best
}

/// Encodings of a row that are looked at.
const SAMPLES: usize = 64;

/// Instructions on system registers that user mode may touch, which random fields seldom name.
const SYSTEM: &[(Guest, u32)] = &[
    // mrs x0, nzcv; msr nzcv, x0; ic ivau, x0
    (Guest::Aarch64, 0xd53b_4200),
    (Guest::Aarch64, 0xd51b_4200),
    (Guest::Aarch64, 0xd50b_7520),
    // csrrw, csrrs, csrrc and their immediate forms on fcsr
    (Guest::Riscv64, 0x0035_1573),
    (Guest::Riscv64, 0x0035_2573),
    (Guest::Riscv64, 0x0035_3573),
    (Guest::Riscv64, 0x0035_5573),
    (Guest::Riscv64, 0x0035_6573),
    (Guest::Riscv64, 0x0035_7573),
];

/// What becomes of a row, whose encodings `sample` gives and `is_instance` knows.
fn row_support(
    guest: Guest,
    is_instance: impl Fn(u32) -> bool,
    mut sample: impl FnMut() -> Vec<u8>,
) -> Support {
    let system = SYSTEM.iter().filter(|(of, word)| *of == guest && is_instance(*word));
    let known: Vec<_> = system.map(|(_, word)| word.to_le_bytes().to_vec()).collect();
    best(known.into_iter().chain((0..SAMPLES).map(|_| sample())).map(|bytes| support(guest, &bytes)))
}

/// Rows of one kind, by what becomes of them.
#[derive(Default)]
struct Tally {
    lifted: usize,
    refused: usize,
    missing: usize,
}

impl Tally {
    fn count(&mut self, support: Support) {
        match support {
            Support::Lifted => self.lifted += 1,
            Support::Refused => self.refused += 1,
            Support::Missing => self.missing += 1,
        }
    }

    fn cells(&self) -> String {
        format!("{} | {} | {}", self.lifted, self.refused, self.missing)
    }
}

/// The start of a page.
fn head(guest: Guest, what: &str) -> String {
    format!(
        "# Instructions of {guest}\n\n<!-- Written by `BLESS=1 cargo test -p tests --test isa`; do not edit. -->\n\n{what}\n\n\
         *Refused* are instructions that raise an exception in user mode, as on a processor. A *missing* one raises the \
         guest's illegal-instruction exception, and `xlat run` names it.\n"
    )
}

/// One table by a row's key, in the order of the keys.
fn overview(title: &str, tallies: &BTreeMap<String, Tally>) -> String {
    let mut out = format!("\n| {title} | lifted | refused | missing |\n| --- | --: | --: | --: |\n");
    let mut all = Tally::default();
    for (name, tally) in tallies {
        let _ = writeln!(out, "| {name} | {} |", tally.cells());
        all.lifted += tally.lifted;
        all.refused += tally.refused;
        all.missing += tally.missing;
    }
    let _ = writeln!(out, "| all | {} |", all.cells());
    out
}

/// A row of a page: the section it stands in, its name, its extension.
#[derive(PartialEq, Eq)]
struct Line {
    section: String,
    name: String,
    extension: String,
    support: Support,
}

/// Overview and sections of a page whose rows are the decoder's.
fn sections(lines: &[Line]) -> String {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for line in lines {
        tallies.entry(line.extension.clone()).or_default().count(line.support);
    }
    let mut out = overview("extension", &tallies);
    let mut last = "";
    for line in lines {
        if line.section != last {
            last = &line.section;
            let _ = write!(out, "\n## {last}\n\n| instruction | extension | |\n| --- | --- | --- |\n");
        }
        let state = match line.support {
            Support::Lifted => "lifted",
            Support::Refused => "refused",
            Support::Missing => "**missing**",
        };
        let _ = writeln!(out, "| {} | {} | {state} |", line.name, line.extension);
    }
    out
}

fn riscv64_page() -> String {
    let mut random = Random::new(1);
    let mut lines = Vec::new();
    for row in &riscv64::table::ROWS {
        let is_instance =
            |word: u32| riscv64::decode(&word.to_le_bytes(), 0).is_ok_and(|insn| insn.op == row.op);
        let sample = || row.sample(|| random.u32()).to_le_bytes().to_vec();
        lines.push(Line {
            section: row.section.to_owned(),
            name: row.name.to_owned(),
            extension: format!("{:?}", row.extension),
            support: row_support(Guest::Riscv64, is_instance, sample),
        });
    }
    for row in &riscv64::compressed::ROWS {
        let sample = || row.sample(|| random.u32()).to_le_bytes().to_vec();
        lines.push(Line {
            section: row.section.to_owned(),
            name: row.name.to_owned(),
            extension: "C".to_owned(),
            support: row_support(Guest::Riscv64, |_| false, sample),
        });
    }
    head(
        Guest::Riscv64,
        "The rows of the decoder's tables, by section of The RISC-V Instruction Set Manual, Volume I.",
    ) + &sections(&lines)
}

fn aarch64_page() -> String {
    let mut random = Random::new(1);
    let mut lines: Vec<Line> = Vec::new();
    for row in aarch64::rows() {
        let sample = || row.sample(|| random.u32()).to_le_bytes().to_vec();
        let line = Line {
            section: row.class.to_owned(),
            name: row.name.to_owned(),
            extension: format!("{:?}", row.extension),
            support: row_support(Guest::Aarch64, |word| row.matches(word), sample),
        };
        // Scalar and vector forms of one instruction are rows of their own.
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    head(
        Guest::Aarch64,
        "The encodings of the decoder's table, by class of the index by encoding in the Arm Architecture Reference Manual. \
         SVE, SME, MTE and what came after Armv8.6 are not in the table: illegal instructions.",
    ) + &sections(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn support_is_what_lifting_gives() {
        // nop, hvc #0
        assert_eq!(support(Guest::Aarch64, &0xd503_201fu32.to_le_bytes()), Support::Lifted);
        assert_eq!(support(Guest::Aarch64, &0xd400_0002u32.to_le_bytes()), Support::Refused);
        // pacga x0, x1, x2 and hlt
        assert_eq!(support(Guest::Aarch64, &0x9ac2_3020u32.to_le_bytes()), Support::Missing);
        assert_eq!(support(Guest::X86_64, &[0xf4]), Support::Refused);
        assert_eq!(best([Support::Refused, Support::Lifted].into_iter()), Support::Lifted);
        assert_eq!(best([Support::Lifted, Support::Missing].into_iter()), Support::Missing);
    }
}
