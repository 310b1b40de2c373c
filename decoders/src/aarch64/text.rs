//! Instructions as text, by capstone.

use super::Insn;
use capstone::prelude::*;

thread_local! {
    /// A capstone handle belongs to one thread. None where capstone cannot be set up.
    static CAPSTONE: Option<Capstone> =
        Capstone::new().arm64().mode(arch::arm64::ArchMode::Arm).build().ok();
}

/// The instruction at `pc` as an assembler reads it. What capstone does not know is a `.inst` directive with the
/// manual's name behind it.
pub fn text(insn: &Insn, pc: u64) -> String {
    capstone_text(insn.word, pc)
        .unwrap_or_else(|| format!(".inst {:#010x} // {}", insn.word, insn.row().name))
}

fn capstone_text(word: u32, pc: u64) -> Option<String> {
    CAPSTONE.with(|capstone| {
        let found = capstone.as_ref()?.disasm_count(&word.to_le_bytes(), pc, 1).ok()?;
        let first = found.first()?;
        let (mnemonic, operands) = (first.mnemonic()?, first.op_str()?);
        Some(if operands.is_empty() { mnemonic.to_owned() } else { format!("{mnemonic} {operands}") })
    })
}
