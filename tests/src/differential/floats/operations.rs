//! The float operations of a guest.

use super::Format;
use crate::code::{disassemble, random_code};
use crate::differential::{CODE, DATA};
use crate::random::Random;
use decoders::{aarch64, riscv64};
use iced_x86::OpKind;
use std::collections::BTreeMap;
use translator::guest::Guest;
use translator::guest::registers::{Register, RegisterId, by_id, by_name};
use translator::ir::{Block, Effect, Op};
use translator::lift::{Bytes, LiftOptions, lift_block};

/// Where x86-64's operands in memory are.
pub const ADDRESS: u64 = DATA + 2048;

/// One encoding.
pub struct Operation {
    pub code: Vec<u8>,
    pub text: String,
    /// What it reads, but for addresses and environment.
    pub sources: Vec<Source>,
    /// The formats of its operands.
    pub formats: Vec<Format>,
    /// How many values a register holds.
    pub lanes: u32,
    /// Registers with the same value in all cases: x87 tags, and what makes the address.
    pub fixed: Vec<(&'static str, u64)>,
}

/// An operand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    Register(&'static str),
    Memory,
}

/// Encodings that are tried for each row of a table.
const TRIES: u32 = 400;
/// Encodings of one row at most: those with an immediate have many.
const OF_A_ROW: usize = 12;
/// Instructions that are tried for x86-64.
const X86_64_TRIES: u32 = 150_000;

/// All of them, sorted by their text.
pub fn operations(guest: Guest) -> Vec<Operation> {
    let mut random = Random::new(1);
    let mut found: BTreeMap<String, Operation> = BTreeMap::new();
    let mut keep = |key: String, operation: Operation| {
        // Of the same shape, the one whose operands are in different registers.
        let better = found.get(&key).is_none_or(|known| known.sources.len() < operation.sources.len());
        if better {
            found.insert(key, operation);
        }
    };
    match guest {
        Guest::X86_64 => {
            for _ in 0..X86_64_TRIES {
                let code = random_code(guest, &mut random, CODE, DATA);
                if let Some((key, operation)) = x86_64(code) {
                    keep(key, operation);
                }
            }
        }
        Guest::Aarch64 => {
            for row in aarch64::rows() {
                let mut shapes: Vec<String> = Vec::new();
                for attempt in 0..TRIES {
                    let code = row.sample(|| random.u32()).to_le_bytes().to_vec();
                    let operation = operation(guest, code);
                    if operation.is_none() && attempt >= 8 && shapes.is_empty() {
                        break;
                    }
                    let Some(operation) = operation else { continue };
                    let shape = shape(&operation.text);
                    if !shapes.contains(&shape) && shapes.len() == OF_A_ROW {
                        continue;
                    }
                    if !shapes.contains(&shape) {
                        shapes.push(shape.clone());
                    }
                    keep(shape, operation);
                }
            }
        }
        Guest::Riscv64 => {
            use riscv64::table::Extension::{D, F};
            for row in riscv64::table::ROWS.iter().filter(|row| matches!(row.extension, F | D)) {
                for _ in 0..TRIES {
                    let word = row.sample(|| random.u32());
                    if let Some(operation) = operation(guest, word.to_le_bytes().to_vec()) {
                        // The rounding mode, or another part of the opcode.
                        keep(format!("{} {}", row.name, word >> 12 & 7), operation);
                    }
                }
            }
        }
    }
    found.into_values().collect()
}

fn lift(guest: Guest, code: &[u8]) -> Option<Block> {
    let options = LiftOptions { max_instructions: 1, ..LiftOptions::default() };
    lift_block(guest, &Bytes { start: CODE, bytes: code }, CODE, &options).ok()
}

fn is_float(op: &Op) -> bool {
    op.effect() == Effect::Float || matches!(op, Op::X87 { .. } | Op::VBf16Dot { .. })
}

/// The operation, if it is a float operation that touches no memory.
fn operation(guest: Guest, code: Vec<u8>) -> Option<Operation> {
    let block = lift(guest, &code)?;
    let touches = |op: &Op| matches!(op.effect(), Effect::Load | Effect::Store | Effect::Atomic);
    if !block.ops.iter().any(is_float) || block.ops.iter().any(touches) {
        return None;
    }
    of_block(guest, code, &block)
}

/// Operands and formats, read off the IR.
fn of_block(guest: Guest, code: Vec<u8>, block: &Block) -> Option<Operation> {
    let file = guest.register_file();
    let mut sources = Vec::new();
    for op in &block.ops {
        let Op::Get { slot } = op else { continue };
        let name = file.slot(*slot).name;
        let known = by_name(guest, name).filter(|register| {
            !matches!(register.name, "fcw" | "fsw" | "ftw" | "mxcsr" | "rflags" | "nzcv" | "tpidr_el0")
        });
        let source = known.map(|register| Source::Register(register.name));
        sources.extend(source.filter(|source| !sources.contains(source)));
    }
    let ir = block.to_string();
    let has = |text: &str| ir.contains(text);
    let x87 = block.ops.iter().any(|op| matches!(op, Op::X87 { .. }));
    let integers = has("int_to_float");
    let formats = [
        (Format::Half, has("f16") && !has("bf16") && !integers),
        (Format::Brain, has("bf16")),
        (Format::Single, has("f32") && !integers),
        (Format::Double, has("f64") && !integers),
        (Format::Extended, x87),
        (Format::Integer, integers),
    ];
    let formats: Vec<Format> = formats.into_iter().filter_map(|(format, is)| is.then_some(format)).collect();
    let lanes = match () {
        () if integers || x87 => 1,
        () if has("f16x8") || has("bf16_dot") => 8,
        () if has("f32x4") => 4,
        () if has("f64x2") => 2,
        () => 1,
    };
    // Everything is in use.
    let fixed = if has("slot=st0") { vec![("ftw", 0xff)] } else { Vec::new() };
    let text = disassemble(guest, &code, CODE).into_iter().next()?.2;
    (!sources.is_empty() && !formats.is_empty()).then_some(Operation {
        code,
        text,
        sources,
        formats,
        lanes,
        fixed,
    })
}

/// A register form, or one with a simple address that can be made to lead to [`ADDRESS`]; and what tells it from others.
fn x86_64(code: Vec<u8>) -> Option<(String, Operation)> {
    let insn = decoders::x86_64::decode(&code, CODE).ok()?;
    let block = lift(Guest::X86_64, &code)?;
    if !block.ops.iter().any(is_float) {
        return None;
    }
    let memory = (0..insn.op_count()).any(|n| insn.op_kind(n) == OpKind::Memory);
    let mut operation = of_block(Guest::X86_64, code, &block)?;
    if memory {
        let register = |register: iced_x86::Register| -> Option<Register> {
            register.is_gpr64().then(|| by_id(Guest::X86_64, RegisterId(register.number() as u32)))?
        };
        let base = register(insn.memory_base())?;
        let index = register(insn.memory_index());
        let displacement = insn.memory_displacement64();
        let far = displacement.wrapping_add(256) >= 512;
        if far || insn.has_segment_prefix() || index.as_ref().is_some_and(|index| index.id == base.id) {
            return None;
        }
        operation.fixed.push((base.name, ADDRESS.wrapping_sub(displacement)));
        operation.fixed.extend(index.map(|index| (index.name, 0)));
        let address: Vec<_> = operation.fixed.iter().map(|(name, _)| Source::Register(name)).collect();
        operation.sources.retain(|source| !address.contains(source));
        operation.sources.push(Source::Memory);
    }
    let immediate = if insn.op_kind(insn.op_count().max(1) - 1) == OpKind::Immediate8 {
        u32::from(insn.immediate8()) & 15
    } else {
        0
    };
    Some((format!("{:?} {memory} {immediate}", insn.code()), operation))
}

/// An AArch64 text without the numbers of its registers.
fn shape(text: &str) -> String {
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
    let mut in_register = false;
    let letters = operands.chars().scan('\0', |before, c| {
        // The digits behind a letter, and those behind them.
        in_register = c.is_ascii_digit() && (before.is_ascii_alphabetic() || in_register);
        *before = c;
        Some((c, in_register))
    });
    let operands: String = letters.filter_map(|(c, digit)| (!digit).then_some(c)).collect();
    format!("{mnemonic} {operands}")
}
