//! Which arithmetic flags the manual leaves undefined, so that no test depends on what one processor makes of them.
//!
//! A program is followed in the order of its bytes. That is enough for programs whose branches stand where no flag is undefined: at a
//! place that a branch leads to, what the bytes before it leave undefined is all that can be.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind, Register, RflagsBits};

/// The flags that are undefined at a place in a program.
#[derive(Clone, Copy, Default, Debug)]
pub struct Undefined(u32);

impl Undefined {
    /// At address `stop` of a program that starts at `start`.
    pub fn at(code: &[u8], start: u64, stop: u64) -> Undefined {
        let mut undefined = Undefined::default();
        let mut decoder = Decoder::with_ip(64, code, start, DecoderOptions::NONE);
        while decoder.can_decode() && decoder.ip() < stop {
            undefined.follow(&decoder.decode());
        }
        undefined
    }

    /// Where a program may have been left: at any of its jumps, or at its end.
    pub fn at_exits(code: &[u8], start: u64) -> Undefined {
        let (mut undefined, mut all) = (Undefined::default(), 0);
        for insn in Decoder::with_ip(64, code, start, DecoderOptions::NONE).iter() {
            undefined.follow(&insn);
            if insn.flow_control() != FlowControl::Next {
                all |= undefined.0;
            }
        }
        Undefined(all | undefined.0)
    }

    /// Goes on behind an instruction.
    pub fn follow(&mut self, insn: &Instruction) {
        let by_register = (0..insn.op_count())
            .any(|n| insn.op_kind(n) == OpKind::Register && insn.op_register(n) == Register::CL);
        let repeats = insn.has_rep_prefix() || insn.has_repne_prefix();
        // A count of zero changes no flag.
        if !by_register && !repeats {
            self.0 &= !(insn.rflags_written() | insn.rflags_cleared() | insn.rflags_set());
        }
        self.0 |= insn.rflags_undefined();
        // By the manual a rotation by more than one leaves OF undefined, whether by an immediate or by `cl`.
        let rotates =
            matches!(insn.mnemonic(), Mnemonic::Rol | Mnemonic::Ror | Mnemonic::Rcl | Mnemonic::Rcr);
        if rotates && (by_register || insn.op_kind(1) == OpKind::Immediate8 && insn.immediate8() & 31 > 1) {
            self.0 |= RflagsBits::OF;
        }
    }

    /// Whether the instruction looks at an undefined flag.
    pub fn is_read_by(self, insn: &Instruction) -> bool {
        self.0 & insn.rflags_read() != 0
    }

    /// Whether every flag is defined.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags as bits of RFLAGS.
    pub fn mask(self) -> u64 {
        const PLACES: [(u32, u32); 6] = [
            (RflagsBits::CF, 0),
            (RflagsBits::PF, 2),
            (RflagsBits::AF, 4),
            (RflagsBits::ZF, 6),
            (RflagsBits::SF, 7),
            (RflagsBits::OF, 11),
        ];
        PLACES.into_iter().filter(|(flag, _)| self.0 & flag != 0).map(|(_, bit)| 1 << bit).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_defines_what_a_scan_left_undefined() {
        // bsf eax, ecx; cmp eax, ecx
        let code = [0x0f, 0xbc, 0xc1, 0x39, 0xc8];
        assert_eq!(Undefined::at(&code, 0x1000, 0x1003).mask(), 0x895);
        assert!(Undefined::at(&code, 0x1000, 0x1005).is_empty());
    }
}
