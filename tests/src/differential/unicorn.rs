//! What Unicorn can say about a program. (`oracles/unicorn_judge.py` runs it, in a process of its own.)
//!
//! Unicorn 2.1 is a machine without a system: AArch64 runs at EL1, RISC-V in machine mode. So it judges programs that end at
//! their breakpoint and hold no system instruction. It is beside qemu-user, not in its place: other translations
//! of the same instructions, from an older and changed QEMU.

use super::{Case, DATA, PAGE};
use decoders::{aarch64, riscv64};
use translator::guest::Guest;
use translator::guest::registers::registers;
use translator::ir::Trap;
use translator::run::{Exit, Reason};

/// Whether it judges guests of this kind here.
pub fn knows(guest: Guest) -> bool {
    matches!(guest, Guest::Aarch64 | Guest::Riscv64)
}

/// Whether it has a say in how this program ends.
pub fn judges(case: &Case, exit: &Exit) -> bool {
    let ended = matches!(exit.reason, Reason::Trap { trap: Trap::Breakpoint, .. });
    // EL1 does not ignore the top byte of addresses.
    let tagged = registers(case.guest).iter().any(|register| {
        let value = register.read(&case.state) as u64;
        register.bytes == 8
            && (DATA..DATA + 4 * PAGE as u64).contains(&(value & u64::MAX >> 8))
            && value >> 56 != 0
    });
    ended
        && !tagged
        && match case.guest {
            Guest::Aarch64 => {
                case.code.as_chunks().0.iter().all(|&word| aarch64_word(u32::from_le_bytes(word)))
            }
            Guest::Riscv64 => {
                let mut at = 0;
                while at < case.code.len() {
                    let Ok(insn) = riscv64::decode(&case.code[at..], 0) else { return false };
                    if !riscv64_instruction(&insn) {
                        return false;
                    }
                    at += usize::from(insn.len);
                }
                true
            }
            Guest::X86_64 => false,
        }
}

fn riscv64_instruction(insn: &riscv64::Insn) -> bool {
    use riscv64::table::Extension;
    let row = insn.op.row();
    // It has no bit manipulation and no Zicond; what it says of CSRs is machine mode's; its singles need no NaN box; and its
    // minimum of a signalling NaN and a number is a NaN, as IEEE 754-2008 had it.
    !matches!(
        row.extension,
        Extension::Zba
            | Extension::Zbb
            | Extension::Zbs
            | Extension::Zicond
            | Extension::Zicsr
            | Extension::F
    ) && !row.name.contains(".s")
        && !matches!(insn.op, riscv64::Op::FminD | riscv64::Op::FmaxD)
}

fn aarch64_word(word: u32) -> bool {
    use aarch64::{Branch, Extension, Memory, Op};
    let Ok(insn) = aarch64::decode_word(word) else { return false };
    let system = matches!(
        insn.op,
        Op::Branch(
            Branch::Mrs | Branch::Msr | Branch::MsrImmediate | Branch::Sys | Branch::Sysl | Branch::Hint
        )
    );
    // It compares less than 32 bits without their sign.
    let narrow =
        insn.op == Op::Memory(Memory::Atomic) && insn.bits(30, 2) < 2 && matches!(insn.bits(12, 3), 4 | 5);
    // It has no bfloat16, and raises other flags for half precision and for complex numbers than the qemu of today.
    let other = matches!(
        insn.extension,
        Extension::Bf16
            | Extension::I8mm
            | Extension::Fp16
            | Extension::Fp16Fcma
            | Extension::Fcma
            | Extension::Fhm
    );
    !system && !narrow && !other
}
