//! Random instructions of each guest, from the decoders' tables.

use crate::random::Random;
use crate::x86_64::generate::Generator;
use decoders::{aarch64, riscv64};
use std::sync::OnceLock;
use translator::guest::Guest;

/// One random instruction that the guest's decoder accepts, to stand at `pc`; addresses relative to it are mostly in the
/// page at `data`.
pub fn random_code(guest: Guest, random: &mut Random, pc: u64, data: u64) -> Vec<u8> {
    match guest {
        Guest::Riscv64 => {
            if random.below(4) == 0 {
                let rows = &riscv64::compressed::ROWS;
                let row = &rows[random.below(rows.len() as u64) as usize];
                return row.sample(|| random.u32()).to_le_bytes().to_vec();
            }
            let row = &riscv64::table::ROWS[random.below(riscv64::table::ROWS.len() as u64) as usize];
            row.sample(|| random.u32()).to_le_bytes().to_vec()
        }
        Guest::Aarch64 => {
            let rows = aarch64::rows();
            let row = &rows[random.below(rows.len() as u64) as usize];
            row.sample(|| random.u32()).to_le_bytes().to_vec()
        }
        Guest::X86_64 => {
            static GENERATOR: OnceLock<Generator> = OnceLock::new();
            GENERATOR.get_or_init(Generator::new).instruction(random, pc, data).bytes
        }
    }
}

/// The instructions in `code`: address, bytes and text of each.
pub fn disassemble(guest: Guest, code: &[u8], start: u64) -> Vec<(u64, Vec<u8>, String)> {
    let mut lines = Vec::new();
    let mut at = 0;
    while at < code.len() {
        let (rest, pc) = (&code[at..], start + at as u64);
        let decoded = match guest {
            Guest::X86_64 => {
                decoders::x86_64::decode(rest, pc).map(|insn| (insn.len(), decoders::x86_64::text(&insn, pc)))
            }
            Guest::Aarch64 => aarch64::decode(rest, pc).map(|insn| (4, aarch64::text(&insn, pc))),
            Guest::Riscv64 => {
                riscv64::decode(rest, pc).map(|insn| (insn.len.into(), riscv64::text(&insn, pc)))
            }
        };
        let smallest = (guest.instruction_alignment() as usize).min(rest.len());
        let (len, text) = decoded.unwrap_or((smallest, "illegal".to_owned()));
        lines.push((pc, rest[..len].to_vec(), text));
        at += len;
    }
    lines
}
