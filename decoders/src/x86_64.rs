//! x86-64 instructions: iced-x86 in the shape of the other guests.
//!
//! iced-x86 knows every encoding up to AVX-512; what of it the lifter supports is the lifter's business. It has
//! neither APX nor AVX10.2. Its types are re-exported, so that the lifter and this crate cannot disagree on a version.

use crate::DecodeError;
use iced_x86::{Decoder, DecoderError, DecoderOptions};

pub use iced_x86::{
    Code, ConditionCode, FlowControl, Instruction as Insn, MemorySize, Mnemonic, OpKind, Register,
    RflagsBits, RoundingControl,
};

/// Longest instruction in bytes.
pub const MAX_LEN: usize = 15;

/// Decode the first instruction of `bytes`, which stand at `pc` (branch targets and rip-relative addresses come out
/// absolute).
///
/// `NeedMore` is returned only for fewer than [`MAX_LEN`] bytes, also where an undefined opcode is the last byte.
/// Longer encodings are illegal, as on the processor.
#[inline]
pub fn decode(bytes: &[u8], pc: u64) -> Result<Insn, DecodeError> {
    let bytes = &bytes[..bytes.len().min(MAX_LEN)];
    let mut decoder = Decoder::with_ip(64, bytes, pc, DecoderOptions::NONE);
    let mut insn = Insn::default();
    decoder.decode_out(&mut insn);
    if insn.code() == Code::Pause && bytes[insn.len() - 2] & 0xf1 == 0x41 {
        // With REX.B it is an exchange with r8 on AMD's processors (on Intel's it is not), where iced-x86 sees `pause`.
        return Ok(exchange_with_r8(bytes, pc, insn.len()));
    }
    if !insn.is_invalid() {
        return Ok(insn);
    }
    match decoder.last_error() {
        DecoderError::NoMoreBytes if bytes.len() < MAX_LEN => Err(DecodeError::NeedMore),
        _ => Err(DecodeError::Illegal),
    }
}

/// Decodes the exchange behind meaningless prefixes, without them.
fn exchange_with_r8(bytes: &[u8], pc: u64, len: usize) -> Insn {
    let narrow = bytes[..len - 2].contains(&0x66);
    let mut plain = if narrow { vec![0x66] } else { Vec::new() };
    plain.extend(&bytes[len - 2..len]);
    let mut insn = Decoder::with_ip(64, &plain, pc, DecoderOptions::NONE).decode();
    insn.set_len(len);
    insn.set_next_ip(pc.wrapping_add(len as u64));
    insn
}

/// The instruction in Intel's syntax. It carries its own address, `_pc` is there for the common shape.
#[cfg(feature = "text")]
pub fn text(insn: &Insn, _pc: u64) -> String {
    use iced_x86::{Formatter, IntelFormatter};
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_space_after_operand_separator(true);
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_uppercase_hex(false);
    options.set_small_hex_numbers_in_decimal(true);
    options.set_branch_leading_zeros(false);
    options.set_rip_relative_addresses(true);
    let mut line = String::new();
    formatter.format(insn, &mut line);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_page_asks_for_more_and_overlong_encodings_are_illegal() {
        let call = [0xe8, 0xfb, 0x0f, 0x00, 0x00];
        for end in 0..call.len() {
            assert_eq!(decode(&call[..end], 0x1000), Err(DecodeError::NeedMore));
        }
        let insn = decode(&call, 0x1000).expect("a call");
        assert_eq!((insn.len(), insn.near_branch_target()), (5, 0x2000));
        assert_eq!(decode(&[0x66; 14], 0), Err(DecodeError::NeedMore));
        assert_eq!(decode(&[0x66; 15], 0), Err(DecodeError::Illegal));
        assert_eq!(decode(&[0x66; 40], 0), Err(DecodeError::Illegal));
        assert_eq!(decode(&[0x06, 0x00], 0), Err(DecodeError::Illegal), "push es is gone in 64-bit mode");
    }

    #[test]
    fn pause_with_an_extended_register_is_an_exchange() {
        assert_eq!(decode(&[0xf3, 0x90], 0).expect("pause").code(), Code::Pause);
        let insn = decode(&[0xf3, 0x2e, 0x4d, 0x90], 0x1000).expect("an exchange");
        assert_eq!((insn.code(), insn.op0_register()), (Code::Xchg_r64_RAX, Register::R8));
        assert_eq!((insn.len(), insn.next_ip()), (4, 0x1004));
    }

    #[cfg(feature = "text")]
    #[test]
    fn text_is_intel_syntax_with_absolute_targets() {
        let line = |bytes: &[u8]| text(&decode(bytes, 0x1000).expect("an instruction"), 0x1000);
        assert_eq!(line(&[0xe8, 0xfb, 0x0f, 0x00, 0x00]), "call 0x2000");
        assert_eq!(line(&[0x48, 0x8b, 0x44, 0x9e, 0x10]), "mov rax, [rsi+rbx*4+0x10]");
        assert_eq!(line(&[0x48, 0x8d, 0x05, 0x00, 0x01, 0x00, 0x00]), "lea rax, [rip+0x100]");
    }
}
