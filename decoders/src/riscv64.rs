//! RV64 instructions: I, M, A, F, D, C, Zicsr, Zifencei, Zba, Zbb, Zbs and Zicond.
//!
//! [`table`] holds one row an instruction, and everything else follows from it: [`Op`], the decoder, the text, the
//! random encodings that tests use, and the coverage tables. [`compressed`] holds the 16-bit forms; each decodes to
//! the base instruction that the manual expands it to, so that semantics exist once. Only [`Insn::raw`] and
//! [`Insn::len`] still tell them apart, and [`text`] uses the former to print the name that was written.
//!
//! Reserved encodings are refused where the manual reserves them. HINTs are what their base instruction is. Fields
//! that the manual tells implementations to ignore (`fence`, `fence.i`) are ignored. Whether a CSR exists is not a
//! question of decoding.

pub mod compressed;
pub mod csr;
pub mod table;
mod text;

pub use table::{Extension, Op};
pub use text::{Names, text, text_with};

use crate::DecodeError;

/// One decoded instruction. Fields that the instruction does not have are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insn {
    /// What it does. A compressed instruction has the op of its expansion.
    pub op: Op,
    /// Destination register, integer or floating-point as the op says.
    pub rd: u8,
    /// First source register; the 5-bit immediate in `csrrwi`, `csrrsi` and `csrrci`.
    pub rs1: u8,
    /// Second source register.
    pub rs2: u8,
    /// Third source register, of the fused multiply-adds.
    pub rs3: u8,
    /// Rounding mode field: 0-4, or 7 for the dynamic mode.
    pub rm: u8,
    /// Length in bytes: 2 or 4.
    pub len: u8,
    /// Immediate: sign-extended, and scaled as it is used (`lui` holds the value shifted left by 12). Shift amounts,
    /// CSR numbers and the 12 bits of `fence` (fm, predecessors, successors) are unsigned.
    pub imm: i32,
    /// The instruction as it stood in memory, zero-extended if it has 16 bits.
    pub raw: u32,
}

impl Insn {
    /// The acquire bit of an atomic instruction.
    pub fn aq(&self) -> bool {
        self.raw >> 26 & 1 != 0
    }

    /// The release bit of an atomic instruction.
    pub fn rl(&self) -> bool {
        self.raw >> 25 & 1 != 0
    }
}

/// Decode the first instruction of `bytes`.
///
/// The length follows from the first two bytes, so `NeedMore` is returned when fewer than two bytes are there, or
/// fewer than four of a 32-bit instruction. Encodings of more than 32 bits are illegal.
#[inline]
pub fn decode(bytes: &[u8], _pc: u64) -> Result<Insn, DecodeError> {
    if let Some(&[b0, b1, b2, b3]) = bytes.first_chunk() {
        let word = u32::from_le_bytes([b0, b1, b2, b3]);
        return if word & 3 == 3 { decode_word(word) } else { compressed::decode(word as u16) };
    }
    let Some(&[b0, b1]) = bytes.first_chunk() else { return Err(DecodeError::NeedMore) };
    let half = u16::from_le_bytes([b0, b1]);
    match half & 0x1f {
        0x1f => Err(DecodeError::Illegal),
        low if low & 3 == 3 => Err(DecodeError::NeedMore),
        _ => compressed::decode(half),
    }
}

/// Decode a 32-bit instruction.
#[inline]
fn decode_word(word: u32) -> Result<Insn, DecodeError> {
    let entry = table::find(word).ok_or(DecodeError::Illegal)?;
    let fields = entry.fields;
    let rm = (word >> 12 & 7) as u8 & fields.rm;
    if rm == 5 || rm == 6 {
        return Err(DecodeError::Illegal);
    }
    Ok(Insn {
        op: entry.op,
        rd: (word >> 7) as u8 & fields.rd,
        rs1: (word >> 15) as u8 & fields.rs1,
        rs2: (word >> 20) as u8 & fields.rs2,
        rs3: (word >> 27) as u8 & fields.rs3,
        rm,
        len: 4,
        imm: fields.imm.of(word),
        raw: word,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_takes_16_bytes() {
        assert_eq!(size_of::<Insn>(), 16);
    }

    #[test]
    fn the_end_of_a_page_asks_for_more_only_where_more_is_needed() {
        assert_eq!(decode(&[], 0), Err(DecodeError::NeedMore));
        assert_eq!(decode(&[0x13], 0), Err(DecodeError::NeedMore));
        assert_eq!(decode(&[0x13, 0x85], 0), Err(DecodeError::NeedMore));
        assert_eq!(decode(&[0x13, 0x85, 0xb5], 0), Err(DecodeError::NeedMore));
        assert_eq!(decode(&[0x13, 0x85, 0xb5, 0xff], 0).map(|i| i.op), Ok(Op::Addi));
        assert_eq!(decode(&[0x01, 0x00], 0).map(|i| i.len), Ok(2));
        assert_eq!(decode(&[0x00, 0x00], 0), Err(DecodeError::Illegal));
        assert_eq!(decode(&[0x1f, 0x00], 0), Err(DecodeError::Illegal), "encodings of 48 bits and more");
    }
}
