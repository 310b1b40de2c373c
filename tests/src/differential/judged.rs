//! What the reference has a say in: where it, or every processor, may do otherwise than xlat, with the reasons.

use super::reference::Stop;
use super::{CODE, Case, DATA, PAGE, State};
use crate::code::disassemble;
use crate::x86_64::choices;
use crate::x86_64::undefined::Undefined;
use decoders::{aarch64, riscv64};
use iced_x86::{Decoder, DecoderOptions, Instruction};
use std::collections::BTreeSet;
use translator::guest::registers::{Register, by_name};
use translator::guest::{FpEnv, Guest, aarch64 as aarch64_registers, x86_64};
use translator::ir::{Access, Slot, Trap};
use translator::memory::Fault;
use translator::run::{Exit, Reason};

/// Whether the reference must end this case as xlat did.
pub fn by_reference(case: &Case, exit: &Exit, state: &State) -> bool {
    let ending = match exit.reason {
        Reason::Fault(fault) => is_nowhere(case.guest, fault),
        // qemu does not check that AArch64's stack pointer is aligned.
        Reason::Trap { trap: Trap::Misaligned, info } if case.guest == Guest::Aarch64 => {
            info != case.guest.untagged(state.slots[aarch64_registers::SP.index()] as u64) || info % 16 == 0
        }
        Reason::Trap { trap, .. } => !matches!(trap, Trap::Unsupported | Trap::Halt),
        _ => false,
    };
    // To stop at a breakpoint, qemu reads a few bytes behind it.
    let at_the_end = case.guest == Guest::Riscv64 && exit.pc.saturating_add(8) > CODE + PAGE as u64;
    ending
        && !at_the_end
        && !is_listed(case)
        && !faults_by_choice(case, exit, state)
        && !stores_by_choice(case)
}

/// Whether what faults here is not mapped in the reference either.
fn is_nowhere(guest: Guest, fault: Fault) -> bool {
    // The reference's code page is writable, and its own program is below the data.
    let page = fault.addr / PAGE as u64;
    let shared = page != CODE / PAGE as u64 && (page == 0 || fault.addr >= DATA - PAGE as u64);
    // Its stack is where qemu puts what has no address of its own, and natively, without random addresses, at the end.
    let native = guest.name() == std::env::consts::ARCH;
    let stack = fault.addr >> 32 == if native { 0x7fff } else { 0x40 };
    // A processor refuses a jump out of the address space, where xlat refuses to fetch there.
    let far = fault.addr >= 1 << 47 && fault.access == Access::Fetch;
    shared && !stack && !far
}

/// Instructions that a reference has no or another say in, by a part of their text, with the reason.
const NOT_JUDGED: &[(Guest, &str, &str)] = &[
    (Guest::Riscv64, "czero", "qemu 7.2 has no Zicond"),
    (Guest::Riscv64, "ctzw", "qemu 7.2 looks at 64 bits"),
    (Guest::Riscv64, "csrr", "counters and supervisor registers are qemu's own"),
    (Guest::Aarch64, "msr tco", "qemu's processor has memory tagging"),
    (Guest::Aarch64, "msr dit", "qemu's processor has data-independent timing"),
    (Guest::Aarch64, "tpidr_el0", "the thread pointer is the judge's own"),
    (Guest::Aarch64, "dczid_el0", "qemu's processor zeroes 512 bytes at a time"),
    (Guest::Aarch64, "dc zva", "qemu's processor zeroes 512 bytes at a time"),
    (Guest::Aarch64, ", id_", "qemu's processor has other features"),
    (Guest::Aarch64, "msr s0_0_c4_c", "cfinv, axflag and xaflag: qemu refuses bits that should be zero"),
    (Guest::Aarch64, "fcvtzs h", "qemu 7.2 leaves the sign above a half-precision fixed-point result"),
    (Guest::Aarch64, ".inst", "constrained unpredictable: pairs loaded to one register, and their like"),
    (Guest::X86_64, "popf", "the trap flag would be the processor's"),
    (Guest::X86_64, "xgetbv", "the guest has no XSAVE"),
    (Guest::X86_64, "fsin", "the last bit differs from processor to processor"),
    (Guest::X86_64, "fcos", "the last bit differs from processor to processor"),
    (Guest::X86_64, "fptan", "the last bit differs from processor to processor"),
    (Guest::X86_64, "fpatan", "the last bit differs from processor to processor"),
    (Guest::X86_64, "f2xm1", "the last bit differs from processor to processor"),
    (Guest::X86_64, "fyl2x", "the last bit differs from processor to processor"),
    (Guest::X86_64, "fnstenv", "x87 instruction and data pointers are not kept"),
    (Guest::X86_64, "fnsave", "x87 instruction and data pointers are not kept"),
    (Guest::X86_64, "rcp", "estimates differ from processor to processor"),
    (Guest::X86_64, "rsqrt", "estimates differ from processor to processor"),
    (Guest::X86_64, "fxsave", "x87 instruction and data pointers are not kept"),
];

/// Whether the program ended in a fault on which processors may differ: of a store-exclusive, where they may look at the
/// reservation before or after they look at the address (xlat's fault in any case, qemu's without reservation do
/// not); and of an access in many parts, or of a store over the border of two pages, of which some may have been done. Nor
/// does qemu 7.2 check that LDAPR is aligned. For x86-64 see [`choices`].
fn faults_by_choice(case: &Case, exit: &Exit, state: &State) -> bool {
    let at = exit.pc.wrapping_sub(case.state.pc) as usize;
    let Some(code) = case.code.get(at..) else { return false };
    let trap = match exit.reason {
        Reason::Trap { trap, .. } => Some(trap),
        _ => None,
    };
    let misaligned = trap == Some(Trap::Misaligned);
    let faults = misaligned || matches!(exit.reason, Reason::Fault(_));
    match case.guest {
        Guest::X86_64 => decoders::x86_64::decode(code, exit.pc).is_ok_and(|insn| {
            let traps = state.slots[Slot::FP_ENV.index()] as u32 & FpEnv::X87_TRAPS != 0;
            let faults = faults || trap == Some(Trap::GeneralProtection);
            faults && choices::differs_at_fault(&insn, traps)
        }),
        Guest::Aarch64 => {
            let over_the_border =
                |fault: Fault| fault.access == Access::Write && fault.addr == DATA + PAGE as u64;
            matches!(exit.reason, Reason::Fault(fault) if over_the_border(fault))
                || faults
                    && aarch64::decode(code, exit.pc).is_ok_and(|insn| {
                        use aarch64::{Memory, Op};
                        match insn.op {
                            Op::Memory(Memory::StoreExclusive | Memory::StoreExclusivePair) => true,
                            Op::Memory(Memory::Multiple | Memory::MultiplePost) => true,
                            Op::Memory(Memory::Single | Memory::SinglePost) => true,
                            Op::Memory(Memory::Replicate | Memory::ReplicatePost) => true,
                            Op::Memory(Memory::LoadAcquirePc) => misaligned,
                            _ => false,
                        }
                    })
        }
        Guest::Riscv64 => {
            faults
                && riscv64::decode(code, exit.pc).is_ok_and(|insn| {
                    use riscv64::Op;
                    matches!(insn.op, Op::ScW | Op::ScD)
                })
        }
    }
}

/// Where the program has instructions that may have other results on other processors, with what they write.
pub fn dot_products(case: &Case) -> Vec<(Instruction, Slot)> {
    if case.guest != Guest::X86_64 {
        return Vec::new();
    }
    Decoder::with_ip(64, &case.code, case.state.pc, DecoderOptions::NONE)
        .iter()
        .filter(choices::is_dot_product)
        .map(|insn| (insn, x86_64::xmm(insn.op0_register().number() as u8)))
        .collect()
}

fn is_listed(case: &Case) -> bool {
    let env = case.state.slots[Slot::FP_ENV.index()] as u32;
    disassemble(case.guest, &case.code, case.state.pc).iter().any(|(_, _, text)| {
        // Of a positive number that is flushed to zero, qemu 7.2 says that nothing was lost.
        let flushed = text.starts_with("fjcvtzs") && env & FpEnv::FLUSH_INPUT != 0;
        let known = NOT_JUDGED.iter().any(|(guest, part, _)| *guest == case.guest && text.contains(part));
        flushed || known
    })
}

/// Whether a store-exclusive may meet a reservation of another size, which qemu takes for one of its own.
fn stores_by_choice(case: &Case) -> bool {
    let mut sizes = BTreeSet::new();
    let mut at = 0;
    while let Some(code) = case.code.get(at..).filter(|code| !code.is_empty()) {
        match case.guest {
            Guest::Aarch64 => {
                use aarch64::{Memory, Op};
                let Ok(insn) = aarch64::decode(code, 0) else { break };
                let loads = matches!(insn.op, Op::Memory(Memory::LoadExclusive | Memory::LoadExclusivePair));
                let stores =
                    matches!(insn.op, Op::Memory(Memory::StoreExclusive | Memory::StoreExclusivePair));
                if loads || stores {
                    // Size, and whether it is a pair.
                    sizes.insert((insn.bits(30, 2), insn.bits(21, 1)));
                }
                at += 4;
            }
            Guest::Riscv64 => {
                use riscv64::Op;
                let Ok(insn) = riscv64::decode(code, 0) else { break };
                if matches!(insn.op, Op::LrW | Op::LrD | Op::ScW | Op::ScD) {
                    sizes.insert((u32::from(matches!(insn.op, Op::LrD | Op::ScD)), 0));
                }
                at += usize::from(insn.len);
            }
            Guest::X86_64 => break,
        }
    }
    sizes.len() > 1
}

/// Whether the exit is what the signal says.
pub fn ends_alike(exit: &Exit, stop: Stop) -> bool {
    match (exit.reason, stop.signal) {
        (Reason::Trap { trap: Trap::Breakpoint, .. }, libc::SIGTRAP)
        | (Reason::Trap { trap: Trap::Illegal, .. }, libc::SIGILL)
        | (Reason::Trap { trap: Trap::DivideError | Trap::FloatError, .. }, libc::SIGFPE)
        | (Reason::Trap { trap: Trap::GeneralProtection, .. }, libc::SIGSEGV) => true,
        // An address that is not canonical is a stack exception through rsp and rbp, also where it is misaligned.
        (Reason::Trap { trap: Trap::GeneralProtection, info }, libc::SIGBUS) => {
            (1 << 47..=u64::MAX << 47).contains(&info)
        }
        (Reason::Trap { trap: Trap::Misaligned, info }, libc::SIGBUS | libc::SIGSEGV) => {
            // qemu tries some accesses, and the host has no address for one that is not canonical.
            stop.address == Some(info)
                || info >= 1 << 47 && stop == Stop { signal: libc::SIGSEGV, address: Some(0) }
        }
        // Of an access in several parts the processor reports the part.
        (Reason::Fault(fault), libc::SIGSEGV | libc::SIGBUS) => {
            // And none where the address is not canonical on the host, under qemu too.
            let far = fault.addr >= 1 << 47 || fault.addr.wrapping_add(fault.size.into()) >= 1 << 47;
            let near =
                |address: u64| address.wrapping_sub(fault.addr).min(fault.addr.wrapping_sub(address)) < 512;
            // And with 32-bit addresses it may look at the last byte's, which begins anew at the segment's start, first.
            let is_same = |address: u64| near(address) || near(address.wrapping_add(1 << 32));
            stop.address.is_none_or(|address| is_same(address) || far && address == 0)
        }
        _ => false,
    }
}

/// Registers that the reference has no say in.
pub fn is_compared(register: &Register) -> bool {
    register.name != "tpidr_el0"
}

/// Takes over from `ours` what the manual leaves undefined where the program ended: flags of x86-64, and the vector
/// registers of an AArch64 load of a pair that faulted. The second word of such a pair may fault alone, and qemu has
/// written the first register by then.
pub fn take_undefined(case: &Case, exit: &Exit, ours: &State, reference: &mut State) {
    match case.guest {
        Guest::X86_64 => {
            let undefined = u128::from(Undefined::at(&case.code, case.state.pc, ours.pc).mask());
            let flags = by_name(case.guest, "rflags").expect("a register");
            let value = flags.read(reference) & !undefined | flags.read(ours) & undefined;
            flags.write(reference, value);
        }
        Guest::Aarch64 if matches!(exit.reason, Reason::Fault(_)) => {
            for slot in loaded_pair(case, exit.pc).into_iter().flatten() {
                reference.slots[slot.index()] = ours.slots[slot.index()];
            }
        }
        Guest::Aarch64 | Guest::Riscv64 => {}
    }
}

/// The registers of the vector pair that the instruction at `pc` loads.
fn loaded_pair(case: &Case, pc: u64) -> Option<[Slot; 2]> {
    use aarch64::{Memory, Op};
    let code = case.code.get(pc.wrapping_sub(case.state.pc) as usize..)?;
    let insn = aarch64::decode(code, pc).ok()?;
    let pair = matches!(
        insn.op,
        Op::Memory(
            Memory::PairNoAllocateVector
                | Memory::PairPostVector
                | Memory::PairOffsetVector
                | Memory::PairPreVector
        )
    );
    let loads = insn.bits(22, 1) == 1;
    (pair && loads).then(|| [0, 10].map(|at| aarch64_registers::v(insn.bits(at, 5) as u8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_load_of_a_vector_pair_leaves_registers_undefined_at_its_fault() {
        let registers = |word: u32| {
            let guest = Guest::Aarch64;
            let slots = vec![0; guest.register_file().slots.len()];
            let state = State { pc: CODE, slots, data: vec![0; PAGE] };
            loaded_pair(&Case { guest, code: word.to_le_bytes().to_vec(), state }, CODE)
        };
        let pair = |a, b| Some([aarch64_registers::v(a), aarch64_registers::v(b)]);
        assert_eq!(registers(0x2dee_ad47), pair(7, 11), "ldp s7, s11, [x10, #-0x8c]!");
        assert_eq!(registers(0xad40_0420), pair(0, 1), "ldp q0, q1, [x1]");
        assert_eq!(registers(0xad00_0420), None, "stp q0, q1, [x1]");
        assert_eq!(registers(0xa940_0440), None, "ldp x0, x1, [x2]");
        assert_eq!(registers(0x3dc0_0020), None, "ldr q0, [x1]");
    }
}
