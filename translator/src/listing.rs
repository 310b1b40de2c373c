//! Guest instructions as text, for messages and listings.

use crate::guest::Guest;
use decoders::DecodeError;
use std::fmt::Write;

/// Length and text of the first instruction of `bytes`, which stand at `pc`.
///
/// # Errors
/// The bytes are no instruction, or end within one.
pub fn instruction(guest: Guest, bytes: &[u8], pc: u64) -> Result<(usize, String), DecodeError> {
    Ok(match guest {
        Guest::X86_64 => {
            let insn = decoders::x86_64::decode(bytes, pc)?;
            (insn.len(), decoders::x86_64::text(&insn, pc))
        }
        Guest::Aarch64 => {
            let insn = decoders::aarch64::decode(bytes, pc)?;
            (4, decoders::aarch64::text(&insn, pc))
        }
        Guest::Riscv64 => {
            let insn = decoders::riscv64::decode(bytes, pc)?;
            (insn.len.into(), decoders::riscv64::text(&insn, pc))
        }
    })
}

/// Bytes and text of the first instruction of `bytes`, which stand at `pc`: `13 85 b5 ff  addi x10, x11, -5`.
pub fn line(guest: Guest, bytes: &[u8], pc: u64) -> String {
    // How much of what is no instruction is worth showing.
    let unknown = if guest == Guest::X86_64 { bytes.len().min(8) } else { bytes.len().min(4) };
    let (length, text) = match instruction(guest, bytes, pc) {
        Ok((length, text)) => (length, text),
        Err(error) => (unknown, format!("({error})")),
    };
    let mut line = String::new();
    for byte in &bytes[..length] {
        // Writing to a String cannot fail.
        let _ = write!(line, "{byte:02x} ");
    }
    line + " " + &text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_show_bytes_and_text() {
        assert_eq!(line(Guest::X86_64, &[0xc3, 0x90], 0), "c3  ret");
        assert_eq!(line(Guest::Riscv64, &[0x13, 0x85, 0xb5, 0xff, 0], 0), "13 85 b5 ff  addi a0, a1, -5");
        assert_eq!(line(Guest::Aarch64, &[0xc0, 0x03, 0x5f, 0xd6], 0), "c0 03 5f d6  ret");
        assert_eq!(line(Guest::Aarch64, &[0; 4], 0), "00 00 00 00  udf #0");
    }
}
