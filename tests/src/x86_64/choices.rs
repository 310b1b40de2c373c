//! Where processors differ though each is right: what the manuals leave open beyond flags (for those see
//! [`undefined`](super::undefined)), seen on Intel's and on AMD's. xlat decides for one way; no test asks which.

use iced_x86::{Code, Instruction, MemorySize, Mnemonic, OpKind};

/// Whether it is another instruction on some processors: the register form of `prefetchw`'s opcode, which is illegal on
/// AMD's and nothing on Intel's, and `pause` with REX.B, an exchange with r8 on AMD's and `pause` on Intel's.
pub fn differs_entirely(insn: &Instruction, bytes: &[u8]) -> bool {
    use Code::{Reservednop_rm16_r16_0F0D, Reservednop_rm32_r32_0F0D, Reservednop_rm64_r64_0F0D};
    let prefetch = matches!(
        insn.code(),
        Reservednop_rm16_r16_0F0D | Reservednop_rm32_r32_0F0D | Reservednop_rm64_r64_0F0D
    );
    // REX.B is in the byte before the opcode.
    let pause = insn.code() == Code::Pause && bytes[bytes.len() - 2] & 0xf1 == 0x41;
    pause || prefetch && insn.op0_kind() == OpKind::Register
}

/// Whether processors differ in the state at a fault of the instruction, or in whether it faults.
///
/// * A store of an MMX register: some have set the top of the stack to 0, or put the x87 into MMX's state altogether.
/// * A store of an x87 register that an unmasked exception keeps from being done: Intel's processors then do not look at
///   the address.
/// * A store of 80 bits over the border of two pages: Intel's processors store the significand, then the rest, which faults
///   alone.
pub fn differs_at_fault(insn: &Instruction, x87_traps: bool) -> bool {
    use Mnemonic::{Fbstp, Fist, Fistp, Fisttp, Fst, Fstp};
    let stores = insn.op_count() > 0 && insn.op0_kind() == OpKind::Memory;
    let of_mmx = stores && insn.op_count() > 1 && insn.op1_register().is_mm();
    let of_x87 = stores && matches!(insn.mnemonic(), Fst | Fstp | Fist | Fistp | Fisttp | Fbstp);
    let in_parts = matches!(insn.memory_size(), MemorySize::Float80 | MemorySize::Bcd);
    of_mmx || insn.mnemonic() == Mnemonic::Maskmovq || of_x87 && (x87_traps || in_parts)
}

/// Whether the result of a dot product, which is in `destination`, hangs on the order in which it was added up: of several
/// NaNs any may be in it. (Dot Product of Packed Single Precision Floating-Point Values: "Horizontal propagation of NaNs to
/// the destination and the positioning of those NaNs in the destination is implementation dependent")
pub fn may_have_another_nan(insn: &Instruction, destination: u128) -> bool {
    match insn.mnemonic() {
        Mnemonic::Dpps => (0..4).any(|lane| f32::from_bits((destination >> (32 * lane)) as u32).is_nan()),
        Mnemonic::Dppd => (0..2).any(|lane| f64::from_bits((destination >> (64 * lane)) as u64).is_nan()),
        _ => false,
    }
}

/// Whether the instruction is a dot product, whose result has to be looked at.
pub fn is_dot_product(insn: &Instruction) -> bool {
    matches!(insn.mnemonic(), Mnemonic::Dpps | Mnemonic::Dppd)
}
