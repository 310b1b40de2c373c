//! Random x86-64 instructions: every encoding that is lifted, with registers, addresses and immediates at random.

use super::{CODE, CODE_SIZE, DATA_SIZE, choices};
use crate::random::Random;
use iced_x86::{
    Code, ConstantOffsets, CpuidFeature, Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind,
    Register,
};
use std::collections::{BTreeMap, BTreeSet};
use translator::lift::x86_64::is_lifted;

/// Instructions that the processor and the translator answer differently by design, or that leave the program.
pub const EXCLUDED: &[Mnemonic] = &[
    Mnemonic::Cpuid,
    Mnemonic::Rdtsc,
    Mnemonic::Rdtscp,
    Mnemonic::Syscall,
    Mnemonic::Int3,
    // The processor has XSAVE, the guest has not.
    Mnemonic::Xgetbv,
    // Estimates differ from processor to processor.
    Mnemonic::Rcpss,
    Mnemonic::Rcpps,
    Mnemonic::Rsqrtss,
    Mnemonic::Rsqrtps,
    // Write the processor's own last-instruction pointers.
    Mnemonic::Fxsave,
    Mnemonic::Fxsave64,
    Mnemonic::Fnstenv,
    Mnemonic::Fnsave,
    // Processors differ in the last bit: `x87_transcendental` holds them against ours with that in mind.
    Mnemonic::Fsin,
    Mnemonic::Fcos,
    Mnemonic::Fsincos,
    Mnemonic::Fptan,
    Mnemonic::Fpatan,
    Mnemonic::F2xm1,
    Mnemonic::Fyl2x,
    Mnemonic::Fyl2xp1,
];

/// Programs start here or a few bytes further on.
pub const START: u64 = CODE + 512;

/// The bytes up to ModRM of an encoding.
#[derive(Clone, Debug)]
struct Template {
    bytes: Vec<u8>,
    /// A ModRM byte that gives this encoding, where there is one.
    modrm: Option<u8>,
}

/// Every lifted encoding.
pub struct Generator {
    templates: Vec<(Code, Vec<Template>)>,
}

/// An instruction and where its displacement is.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Decoded at its address.
    pub insn: Instruction,
}

fn decode(bytes: &[u8], pc: u64) -> Option<(Instruction, ConstantOffsets)> {
    let mut decoder = Decoder::with_ip(64, bytes, pc, DecoderOptions::NONE);
    let insn = decoder.decode();
    (!insn.is_invalid()).then(|| (insn, decoder.get_constant_offsets(&insn)))
}

/// Whether the instruction works on the x87's registers, as numbers or as MMX's.
pub fn uses_x87(insn: &Instruction) -> bool {
    use CpuidFeature::{FPU, FPU287, FPU387, MMX};
    insn.cpuid_features().iter().any(|feature| matches!(feature, FPU | FPU287 | FPU387 | MMX))
        || (0..insn.op_count()).any(|n| insn.op_kind(n) == OpKind::Register && insn.op_register(n).is_mm())
}

impl Generator {
    /// Looks through the opcode maps for what is lifted.
    pub fn new() -> Generator {
        let mut found: BTreeMap<u32, (Code, Vec<Template>)> = BTreeMap::new();
        for before in openings() {
            for opcode in 0..=255u8 {
                let mut bytes = before.clone();
                bytes.push(opcode);
                let length = bytes.len();
                let with_modrm = uses_modrm(&bytes);
                for modrm in 0..if with_modrm { 256 } else { 1 } {
                    let modrm = modrm as u8;
                    let mut sample = bytes.clone();
                    sample.push(modrm);
                    sample.extend([0; 12]);
                    let Some((insn, _)) = decode(&sample, CODE) else { continue };
                    if insn.len() < length || EXCLUDED.contains(&insn.mnemonic()) {
                        continue;
                    }
                    let known = found.get(&(insn.code() as u32));
                    let enough = known.is_some_and(|(_, templates)| {
                        templates.len() == 8 || templates.last().is_some_and(|last| last.bytes == bytes)
                    });
                    if !enough && is_lifted(&insn) {
                        let (_, templates) =
                            found.entry(insn.code() as u32).or_insert((insn.code(), Vec::new()));
                        templates.push(Template { bytes: bytes.clone(), modrm: with_modrm.then_some(modrm) });
                    }
                }
            }
        }
        Generator { templates: found.into_values().collect() }
    }

    /// The mnemonics of all encodings.
    pub fn mnemonics(&self) -> BTreeSet<u32> {
        self.templates.iter().map(|(code, _)| code.mnemonic() as u32).collect()
    }

    /// Number of encodings.
    pub fn len(&self) -> usize {
        self.templates.len()
    }

    /// Whether nothing is lifted.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// A random instruction for address `pc`, whose branch targets lie outside of it, in the code page, and whose constant addresses
    /// are in the page at `data`.
    pub fn instruction(&self, random: &mut Random, pc: u64, data: u64) -> Encoded {
        loop {
            let (code, templates) = &self.templates[random.below(self.templates.len() as u64) as usize];
            let template = &templates[random.below(templates.len() as u64) as usize];
            for _ in 0..20 {
                if let Some(encoded) = fill(template, *code, random, pc, data) {
                    return encoded;
                }
            }
        }
    }
}

impl Default for Generator {
    fn default() -> Generator {
        Generator::new()
    }
}

/// What may stand in front of an opcode: prefixes and map, or a VEX prefix.
fn openings() -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for prefix in [&[][..], &[0x66], &[0xf2], &[0xf3], &[0xf0], &[0x67], &[0x66, 0xf2], &[0x66, 0xf0]] {
        for rex in [&[][..], &[0x48]] {
            for map in [&[][..], &[0x0f], &[0x0f, 0x38], &[0x0f, 0x3a]] {
                all.push([prefix, rex, map].concat());
            }
        }
    }
    for map in 1..=3 {
        for prefix in 0..4 {
            for wide in [0, 0x80] {
                all.push(vec![VEX, 0xe0 | map, wide | 0x78 | prefix]);
            }
        }
    }
    all
}

/// First byte of a three-byte VEX prefix.
const VEX: u8 = 0xc4;

/// Whether a ModRM byte follows: what comes next then decides the length or the encoding, if only of one row of a group.
fn uses_modrm(bytes: &[u8]) -> bool {
    let with = |modrm: u8| {
        let mut sample = bytes.to_vec();
        sample.push(modrm);
        sample.extend([0; 12]);
        decode(&sample, CODE).map(|(insn, _)| (insn.code(), insn.len()))
    };
    (0..8).map(|row| row << 3).any(|row| with(0x05 | row) != with(0xc1 | row))
}

fn fill(template: &Template, code: Code, random: &mut Random, pc: u64, data: u64) -> Option<Encoded> {
    let mut bytes = template.bytes.clone();
    // A random REX prefix in front of the opcode, instead of the one that is there.
    let at = bytes.iter().position(|byte| !matches!(byte, 0x66 | 0x67 | 0xf0 | 0xf2 | 0xf3))?;
    if bytes[0] == VEX {
        bytes[1] ^= random.u64() as u8 & 0xe0;
        bytes[2] ^= random.u64() as u8 & 0x78;
    } else if bytes[at] & 0xf0 == 0x40 {
        bytes[at] |= random.below(8) as u8;
    } else if random.below(2) == 0 {
        bytes.insert(at, 0x40 | random.below(8) as u8);
    }
    match random.below(64) {
        0 => bytes.insert(0, 0x67),
        1..4 => bytes.insert(0, 0x64),
        4..6 => bytes.insert(0, 0x65),
        _ => {}
    }
    if let Some(sample) = template.modrm {
        let any = random.u64() as u8;
        bytes.push(match random.below(4) {
            0 => any,
            1 => any | 0xc0,
            // Keeps what belongs to the opcode.
            2 => sample & 0xf8 | any & 7,
            _ => sample & 0x38 | any & 0xc7,
        });
    }
    let fixed = bytes.len();
    for _ in 0..12 {
        let byte = random.u64() as u8;
        bytes.push(if random.below(4) == 0 {
            [0, 1, 0x7f, 0x80, 0xff][random.below(5) as usize]
        } else {
            byte
        });
    }
    let (insn, offsets) = decode(&bytes, pc)?;
    if insn.code() != code || insn.len() < fixed.min(insn.len()) || !is_lifted(&insn) {
        return None;
    }
    bytes.truncate(insn.len());
    if insn.is_ip_rel_memory_operand() || absolute(&insn) {
        // Aim the displacement at the data.
        let target = data + random.below(DATA_SIZE);
        let displacement = if absolute(&insn) { target } else { target.wrapping_sub(insn.next_ip()) };
        let at = offsets.displacement_offset();
        let size = offsets.displacement_size();
        if size >= 4 {
            bytes[at..at + size].copy_from_slice(&displacement.to_le_bytes()[..size]);
        }
    }
    let (insn, _) = decode(&bytes, pc)?;
    let branch = matches!(
        insn.flow_control(),
        FlowControl::ConditionalBranch
            | FlowControl::UnconditionalBranch
            | FlowControl::Call
            | FlowControl::IndirectBranch
            | FlowControl::IndirectCall
            | FlowControl::Return
    );
    // AMD's processors cut the target to 16 bits, Intel's do not.
    if branch && bytes.contains(&0x66) {
        return None;
    }
    if choices::differs_entirely(&insn, &bytes) {
        return None;
    }
    // AMD's processors read 32 bits of memory here, Intel's 16.
    if code == Code::Movsxd_r16_rm16 && insn.op_kind(1) == OpKind::Memory {
        return None;
    }
    // Flags after counts above 16 are undefined, and follow no rule that we know.
    let double = matches!(
        code,
        Code::Shld_rm16_r16_imm8 | Code::Shrd_rm16_r16_imm8 | Code::Shld_rm16_r16_CL | Code::Shrd_rm16_r16_CL
    );
    if double && (insn.op_kind(2) != OpKind::Immediate8 || insn.immediate8() & 31 > 15) {
        return None;
    }
    // AMD's processors take these prefixes as a condition of their own.
    let loops = matches!(insn.mnemonic(), Mnemonic::Loop | Mnemonic::Loope | Mnemonic::Loopne);
    if loops && bytes.iter().any(|byte| matches!(byte, 0xf2 | 0xf3)) {
        return None;
    }
    if branch && insn.op_kind(0) == OpKind::NearBranch64 {
        let target = insn.near_branch64();
        // Before the program, or behind its last instruction.
        let outside = target < START || target >= pc + 100;
        if !outside || target.wrapping_sub(CODE) >= CODE_SIZE {
            return None;
        }
    }
    Some(Encoded { bytes, insn })
}

fn absolute(insn: &Instruction) -> bool {
    (0..insn.op_count()).any(|n| insn.op_kind(n) == OpKind::Memory)
        && insn.memory_base() == Register::None
        && insn.memory_index() == Register::None
}

/// An x87 number, with the places of the format that are hard more often than others.
pub(crate) fn interesting_extended(random: &mut Random) -> u128 {
    let sign = u128::from(random.below(2)) << 79;
    let exponent = match random.below(8) {
        0 => 0,
        1 => 0x7fff,
        2 => 1,
        3 => 0x7ffe,
        4 => random.below(0x8000),
        _ => 0x3fff - 40 + random.below(80),
    };
    let significand = match random.below(6) {
        0 => 1 << 63,
        1 => u64::MAX,
        2 => random.u64() | 1 << 63,
        3 => 0xc000_0000_0000_0000,
        4 => (random.u64() | 1 << 63) & u64::MAX << random.below(64),
        _ => random.u64() | 1 << 63,
    };
    let significand = match exponent {
        0 => (significand >> random.below(64)) & (u64::MAX >> 1),
        _ => significand,
    };
    sign | u128::from(exponent) << 64 | u128::from(significand)
}
