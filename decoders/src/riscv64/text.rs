//! Instructions as assembler text, without pseudo-instructions: what is printed is the name in the table, so that a
//! listing, the manual and the lifter's functions use one word.
//!
//! In the operands of a row `rd`, `rs1`, `rs2` are integer registers, `fd`, `fs1`, `fs2`, `fs3` floating-point ones;
//! `imm`, `uimm`, `csr`, `sets` (of a fence) and `rm` what they say; `target` an address; `upper` bits 31-12 of the
//! immediate; `exact` a rounding mode that does not matter; `hint` an immediate that does nothing.

use super::{Insn, Op, compressed, csr};
use std::fmt::Write;

/// How registers are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// As the calling convention calls them: `a0`, `ft1`.
    Abi,
    /// By number: `x10`, `f1`.
    Numeric,
}

const X: [&str; 32] = [
    "zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1", "a0", "a1", "a2", "a3", "a4", "a5", "a6",
    "a7", "s2", "s3", "s4", "s5", "s6", "s7", "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6",
];
const F: [&str; 32] = [
    "ft0", "ft1", "ft2", "ft3", "ft4", "ft5", "ft6", "ft7", "fs0", "fs1", "fa0", "fa1", "fa2", "fa3", "fa4",
    "fa5", "fa6", "fa7", "fs2", "fs3", "fs4", "fs5", "fs6", "fs7", "fs8", "fs9", "fs10", "fs11", "ft8",
    "ft9", "ft10", "ft11",
];
const ROUNDING: [&str; 8] = ["rne", "rtz", "rdn", "rup", "rmm", "", "", "dyn"];
const DYNAMIC: u8 = 7;

/// The instruction as text, with the registers' names of the calling convention.
pub fn text(insn: &Insn, pc: u64) -> String {
    text_with(insn, pc, Names::Abi)
}

/// The instruction as text: name, operands separated by commas, branch targets as addresses. A dynamic rounding mode
/// is left out.
pub fn text_with(insn: &Insn, pc: u64, names: Names) -> String {
    let row = insn.op.row();
    let (name, operands) = match compressed::row_of(insn.raw as u16) {
        Some(form) if insn.len == 2 => (form.name, form.operands),
        _ => (row.name, row.operands),
    };
    let mut line = name.to_owned();
    if row.pattern.contains("ql") {
        line += ["", ".rl", ".aq", ".aqrl"][usize::from(insn.aq()) << 1 | usize::from(insn.rl())];
    }
    if is_tso(insn) {
        return line + ".tso";
    }
    let mut separator = " ";
    for operand in operands.split(", ").filter(|operand| !operand.is_empty()) {
        let Some(operand) = format_operand(insn, pc, names, operand) else { continue };
        line += separator;
        line += &operand;
        separator = ", ";
    }
    line
}

/// `fence.tso` is a fence with a mode of its own in its upper four bits.
fn is_tso(insn: &Insn) -> bool {
    insn.op == Op::Fence && insn.imm == 0x833
}

fn format_operand(insn: &Insn, pc: u64, names: Names, operand: &str) -> Option<String> {
    let x = |number: u8| match names {
        Names::Abi => X[number as usize].to_owned(),
        Names::Numeric => format!("x{number}"),
    };
    let f = |number: u8| match names {
        Names::Abi => F[number as usize].to_owned(),
        Names::Numeric => format!("f{number}"),
    };
    Some(match operand {
        "rd" => x(insn.rd),
        "rs1" => x(insn.rs1),
        "rs2" => x(insn.rs2),
        "fd" => f(insn.rd),
        "fs1" => f(insn.rs1),
        "fs2" => f(insn.rs2),
        "fs3" => f(insn.rs3),
        "imm" => insn.imm.to_string(),
        "imm(rs1)" => format!("{}({})", insn.imm, x(insn.rs1)),
        "(rs1)" => format!("({})", x(insn.rs1)),
        "uimm" => insn.rs1.to_string(),
        "upper" => format!("{:#x}", insn.imm as u32 >> 12),
        "target" => format!("{:#x}", pc.wrapping_add(insn.imm as i64 as u64)),
        "csr" => match csr::name(insn.imm as u16) {
            Some(name) => name.to_owned(),
            None => format!("{:#x}", insn.imm),
        },
        "sets" => format!("{}, {}", set(insn.imm >> 4), set(insn.imm)),
        "rm" if insn.rm == DYNAMIC => return None,
        "exact" if insn.rm == 0 => return None,
        "rm" | "exact" => ROUNDING[insn.rm as usize].to_owned(),
        "hint" if insn.imm == 0 => return None,
        "hint" => insn.imm.to_string(),
        other => unreachable!("no such operand: {other}"),
    })
}

/// The predecessor or successor set of a fence, in the lowest four bits.
fn set(bits: i32) -> String {
    let mut text = String::new();
    for (bit, letter) in [(8, 'i'), (4, 'o'), (2, 'r'), (1, 'w')] {
        if bits & bit != 0 {
            let _ = text.write_char(letter);
        }
    }
    if text.is_empty() { "0".to_owned() } else { text }
}
