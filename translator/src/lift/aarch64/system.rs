//! System instructions: hints, barriers, PSTATE, system registers, cache maintenance.
//!
//! What Linux lets user mode do is here: the registers that are accessible at EL0, those that the kernel emulates for
//! programs that see `HWCAP_CPUID` (reads of the identification registers), and cache maintenance by address. Everything
//! else is an illegal instruction. [`HWCAP`] and the identification registers tell of what this frontend lifts.

use super::Lifter;
use crate::guest::FpEnv;
use crate::guest::aarch64::{C, FPCR, N, QC, TPIDR, V, Z};
use crate::ir::{Access, Cond, EnvCall, FenceSet, Order, Slot, Terminator, Trap, Type, Value};
use decoders::aarch64::{Branch, Insn};

/// AT_HWCAP: what the extensions lifted are called there, and CPUID, the emulated identification registers.
pub const HWCAP: u64 = hwcap::FP
    | hwcap::ASIMD
    | hwcap::CRC32
    | hwcap::ATOMICS
    | hwcap::CPUID
    | hwcap::LRCPC
    | hwcap::ILRCPC
    | hwcap::FLAGM
    | hwcap::ASIMDRDM
    | hwcap::FCMA
    | hwcap::FPHP
    | hwcap::ASIMDHP
    | hwcap::ASIMDDP
    | hwcap::AES
    | hwcap::PMULL
    | hwcap::SHA1
    | hwcap::SHA2
    | hwcap::SHA3
    | hwcap::SHA512
    | hwcap::SM3
    | hwcap::SM4
    | hwcap::JSCVT
    | hwcap::ASIMDFHM
    | hwcap::SB;

/// AT_HWCAP2: FLAGM2, FRINT, I8MM, BF16.
pub const HWCAP2: u64 = 1 << 7 | 1 << 8 | 1 << 13 | 1 << 14;

/// Bits of AT_HWCAP (Linux, `arch/arm64/include/uapi/asm/hwcap.h`).
mod hwcap {
    pub const FP: u64 = 1 << 0;
    pub const ASIMD: u64 = 1 << 1;
    pub const AES: u64 = 1 << 3;
    pub const PMULL: u64 = 1 << 4;
    pub const SHA1: u64 = 1 << 5;
    pub const SHA2: u64 = 1 << 6;
    pub const CRC32: u64 = 1 << 7;
    pub const ATOMICS: u64 = 1 << 8;
    pub const CPUID: u64 = 1 << 11;
    pub const FPHP: u64 = 1 << 9;
    pub const ASIMDHP: u64 = 1 << 10;
    pub const ASIMDRDM: u64 = 1 << 12;
    pub const JSCVT: u64 = 1 << 13;
    pub const FCMA: u64 = 1 << 14;
    pub const LRCPC: u64 = 1 << 15;
    pub const SHA3: u64 = 1 << 17;
    pub const SM3: u64 = 1 << 18;
    pub const SM4: u64 = 1 << 19;
    pub const ASIMDDP: u64 = 1 << 20;
    pub const SHA512: u64 = 1 << 21;
    pub const ASIMDFHM: u64 = 1 << 23;
    pub const ILRCPC: u64 = 1 << 26;
    pub const FLAGM: u64 = 1 << 27;
    pub const SB: u64 = 1 << 29;
}

/// Ticks a second of CNTVCT_EL0: CNTFRQ_EL0.
pub const COUNTER_FREQUENCY: u64 = 1_000_000_000;

/// Bytes that `dc zva` clears, and the line size of the caches that CTR_EL0 tells of.
const LINE: u64 = 64;

/// A system register's number: op0, op1, CRn, CRm, op2 as in bits 20 to 5 of the instruction.
const fn register(op0: u32, op1: u32, crn: u32, crm: u32, op2: u32) -> u32 {
    op0 << 14 | op1 << 11 | crn << 7 | crm << 3 | op2
}

const NZCV: u32 = register(3, 3, 4, 2, 0);
const FPCR_EL0: u32 = register(3, 3, 4, 4, 0);
const FPSR_EL0: u32 = register(3, 3, 4, 4, 1);
const TPIDR_EL0: u32 = register(3, 3, 13, 0, 2);
const TPIDRRO_EL0: u32 = register(3, 3, 13, 0, 3);
const CTR_EL0: u32 = register(3, 3, 0, 0, 1);
const DCZID_EL0: u32 = register(3, 3, 0, 0, 7);
const CNTFRQ_EL0: u32 = register(3, 3, 14, 0, 0);
const CNTVCT_EL0: u32 = register(3, 3, 14, 0, 2);

const ISAR0: u64 = 2 << 4
    | 1 << 8
    | 2 << 12
    | 1 << 16
    | 2 << 20
    | 1 << 28
    | 1 << 32
    | 1 << 36
    | 1 << 40
    | 1 << 44
    | 1 << 48
    | 2 << 52;

/// The identification registers that Linux shows to user mode, as far as they are not zero. (op1 = 0, CRn = 0.)
const ID_REGISTERS: &[(u32, u64)] = &[
    // MIDR_EL1: no implementer's product ("reserved for software use").
    (register(3, 0, 0, 0, 0), 0x000f_0510),
    // MPIDR_EL1: bit 31 is one.
    (register(3, 0, 0, 0, 5), 0x8000_0000),
    // ID_AA64PFR0_EL1: EL0 and EL1 are AArch64 only; FP and AdvSIMD with half precision.
    (register(3, 0, 0, 4, 0), 0x11_0011),
    // ID_AA64ISAR0_EL1: AES with PMULL, SHA1, SHA2 with SHA512, CRC32, Atomic, RDM, SHA3, SM3, SM4, DP, FHM, TS (FlagM and
    // FlagM2).
    (register(3, 0, 0, 6, 0), ISAR0),
    // ID_AA64ISAR1_EL1: JSCVT, FCMA, LRCPC, FRINTTS, SB, BF16, I8MM.
    (register(3, 0, 0, 6, 1), 1 << 12 | 1 << 16 | 2 << 20 | 1 << 32 | 1 << 36 | 1 << 44 | 1 << 52),
];

/// FPCR bits that are implemented: FZ16, RMode, FZ, DN. AHP and the trap enables read as zero.
const FPCR_BITS: u64 = 1 << 19 | 3 << 22 | 1 << 24 | 1 << 25;

pub(super) fn lift(l: &mut Lifter, op: Branch, i: Insn) {
    match op {
        // Hints may do nothing, and without their extensions BTI and pointer authentication are hints.
        Branch::Hint => {}
        Branch::Clrex => l.clear_exclusive(),
        Branch::Dsb | Branch::Dmb => barrier(l, i),
        // Instruction memory is coherent here from `ic ivau` on; speculation is not modelled.
        Branch::Isb | Branch::Sb => {}
        Branch::Cfinv => cfinv(l),
        Branch::Xaflag => xaflag(l),
        Branch::Axflag => axflag(l),
        // The PSTATE fields of extensions that are not there, and those that only the kernel may write.
        Branch::MsrImmediate => l.trap(Trap::Illegal),
        Branch::Sys => sys(l, i),
        Branch::Sysl => l.trap(Trap::Illegal),
        Branch::Msr => msr(l, i),
        Branch::Mrs => mrs(l, i),
        _ => unreachable!("branches and exceptions are lifted by their own module"),
    }
}

/// `dmb option`, `dsb option`: loads, stores or both before it are ordered against those behind it. (Barriers)
fn barrier(l: &mut Lifter, i: Insn) {
    match i.bits(8, 2) {
        1 => l.fence(FenceSet::Read, FenceSet::ReadWrite),
        2 => l.fence(FenceSet::Write, FenceSet::Write),
        _ => l.fence(FenceSet::ReadWrite, FenceSet::ReadWrite),
    }
}

/// `cfinv`: inverts C. (PSTATE)
fn cfinv(l: &mut Lifter) {
    let word = l.flags_word();
    let bit = l.i64(1 << 29);
    let word = l.xor(word, bit);
    l.set_flags_word(word);
}

/// The flags as bits: N, Z, C, V.
fn flag_bits(l: &mut Lifter) -> [Value; 4] {
    let zero = l.i64(0);
    let (n, z) = (l.get(N), l.get(Z));
    let (n, z) = (l.icmp(n, zero, Cond::Slt), l.icmp(z, zero, Cond::Eq));
    [n, z, l.get(C), l.get(V)]
}

/// `axflag`: from Arm's flags of a float comparison to the external format. (PSTATE)
fn axflag(l: &mut Lifter) {
    let [_, z, c, v] = flag_bits(l);
    let zero = l.i1(false);
    let (z, c) = (l.or(z, v), l.andnot(c, v));
    l.set_flag_bits(zero, z, c, zero);
}

/// `xaflag`: from the external format to Arm's flags of a float comparison. (PSTATE)
fn xaflag(l: &mut Lifter) {
    let [_, z, c, _] = flag_bits(l);
    let (not_z, not_c) = (l.not(z), l.not(c));
    let (less, equal) = (l.and(not_c, not_z), l.and(z, c));
    let (at_least, unordered) = (l.or(c, z), l.and(not_c, z));
    l.set_flag_bits(less, equal, at_least, unordered);
}

/// `dc zva, xt`, `dc cvac, xt`, `dc cvau, xt`, `dc civac, xt`, `ic ivau, xt`. (System instructions)
fn sys(l: &mut Lifter, i: Insn) {
    const OP0: u32 = 1;
    let addr = l.x(i.rd());
    match i.bits(5, 16) {
        op if op == register(OP0, 3, 7, 4, 1) => zero_line(l, addr),
        op if op == register(OP0, 3, 7, 10, 1)
            || op == register(OP0, 3, 7, 11, 1)
            || op == register(OP0, 3, 7, 14, 1) =>
        {
            l.probe(addr, Access::Read, 1);
        }
        op if op == register(OP0, 3, 7, 5, 1) => {
            l.probe(addr, Access::Read, 1);
            let size = l.i64(LINE);
            l.env(addr, size, EnvCall::InvalidateCode);
            let next = l.next;
            l.terminate(Terminator::Resync { next });
        }
        _ => l.trap(Trap::Illegal),
    }
}

/// `dc zva, xt`: clears the line that holds the address.
fn zero_line(l: &mut Lifter, addr: Value) {
    let mask = l.i64(!(LINE - 1));
    let start = l.and(addr, mask);
    l.probe(start, Access::Write, LINE as u32);
    let zero = l.vconst(0);
    for offset in (0..LINE).step_by(16) {
        let offset = l.i64(offset);
        let part = l.add(start, offset);
        l.store(part, zero, Order::Plain);
    }
}

/// `mrs xt, register`. (System register move)
fn mrs(l: &mut Lifter, i: Insn) {
    let value = match i.bits(5, 16) {
        NZCV => l.flags_word(),
        FPCR_EL0 => {
            let raw = l.get(FPCR);
            l.zext(raw, Type::I64)
        }
        FPSR_EL0 => fpsr(l),
        TPIDR_EL0 => l.get(TPIDR),
        // The kernel leaves it zero.
        TPIDRRO_EL0 => l.i64(0),
        // Lines of 64 bytes, instruction cache physically tagged, data cleaning and invalidation both required.
        CTR_EL0 => l.i64(0x8444_c004),
        // 2^4 words a block, `dc zva` permitted.
        DCZID_EL0 => l.i64(LINE.trailing_zeros() as u64 - 2),
        CNTFRQ_EL0 => l.i64(COUNTER_FREQUENCY),
        CNTVCT_EL0 => {
            let zero = l.i64(0);
            l.env(zero, zero, EnvCall::Counter)
        }
        // Linux answers reads of the whole identification space: CRn 0, CRm 0 and 4 to 7.
        id if id >> 7 == register(3, 0, 0, 0, 0) >> 7 && matches!(id >> 3 & 15, 0 | 4..=7) => {
            if id >> 3 & 15 == 0 && !matches!(id & 7, 0 | 5 | 6) {
                return l.trap(Trap::Illegal);
            }
            let found = ID_REGISTERS.iter().find(|(register, _)| *register == id);
            l.i64(found.map_or(0, |(_, value)| *value))
        }
        _ => return l.trap(Trap::Illegal),
    };
    l.set_reg(i.rd(), value);
}

/// `msr register, xt`. (System register move)
fn msr(l: &mut Lifter, i: Insn) {
    let value = l.x(i.rd());
    match i.bits(5, 16) {
        NZCV => l.set_flags_word(value),
        FPCR_EL0 => set_fpcr(l, value),
        FPSR_EL0 => set_fpsr(l, value),
        TPIDR_EL0 => l.set(value, TPIDR),
        _ => l.trap(Trap::Illegal),
    }
}

/// One bit or field of `value`, moved from `from` to `to`.
fn moved(l: &mut Lifter, value: Value, from: u32, to: u32, mask: u64) -> Value {
    let amount = l.i64(from.into());
    let low = l.lshr(value, amount);
    let mask = l.i64(mask);
    let field = l.and(low, mask);
    let amount = l.i64(to.into());
    l.shl(field, amount)
}

/// Where FPSR has the flags of `float::flags`, from inexact (bit 0) to denormal (bit 5).
const FPSR_FLAGS: [u32; 6] = [4, 3, 2, 1, 0, 7];

/// FPSR: the cumulative flags and QC.
fn fpsr(l: &mut Lifter) -> Value {
    let flags = l.get(Slot::FP_FLAGS);
    let flags = l.zext(flags, Type::I64);
    let qc = l.get(QC);
    let qc = l.zext(qc, Type::I64);
    let mut word = moved(l, qc, 0, 27, 1);
    for (from, to) in (0..).zip(FPSR_FLAGS) {
        let flag = moved(l, flags, from, to, 1);
        word = l.or(word, flag);
    }
    word
}

fn set_fpsr(l: &mut Lifter, value: Value) {
    let mut flags = l.i64(0);
    for (to, from) in (0..).zip(FPSR_FLAGS) {
        let flag = moved(l, value, from, to, 1);
        flags = l.or(flags, flag);
    }
    let flags = l.trunc(flags, Type::I32);
    l.set(flags, Slot::FP_FLAGS);
    let qc = moved(l, value, 27, 0, 1);
    let qc = l.trunc(qc, Type::I1);
    l.set(qc, QC);
    // Units may take a flag that is set for granted.
    let next = l.next;
    l.terminate(Terminator::Resync { next });
}

fn set_fpcr(l: &mut Lifter, value: Value) {
    let implemented = l.i64(FPCR_BITS);
    let raw = l.and(value, implemented);
    let narrow = l.trunc(raw, Type::I32);
    l.set(narrow, FPCR);
    // RMode counts nearest, up, down, zero; FpEnv nearest, zero, down, up.
    let mode = moved(l, raw, 22, 0, 3);
    let negative = l.neg(mode);
    let three = l.i64(3);
    let rounding = l.and(negative, three);
    let flush_output = moved(l, raw, 24, FpEnv::FLUSH_OUTPUT.trailing_zeros(), 1);
    let flush_input = moved(l, raw, 24, FpEnv::FLUSH_INPUT.trailing_zeros(), 1);
    let default_nan = moved(l, raw, 25, FpEnv::DEFAULT_NAN.trailing_zeros(), 1);
    let flush_half = moved(l, raw, 19, FpEnv::FLUSH_HALF.trailing_zeros(), 1);
    let env = [flush_output, flush_input, default_nan, flush_half]
        .into_iter()
        .fold(rounding, |env, bit| l.or(env, bit));
    let env = l.trunc(env, Type::I32);
    l.set(env, Slot::FP_ENV);
    let next = l.next;
    l.terminate(Terminator::Resync { next });
}
