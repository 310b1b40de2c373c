//! x86-64 instructions to IR.
//!
//! Instructions are lifted by mnemonic: each file beside this one holds a group of the manual (Intel SDM volume 1, chapter 5)
//! with a table of its mnemonics and one function an instruction or family. Here: the table of tables, and
//! [`Lifter`], what those functions work on. `operand` reads and writes operands, `flags` sets and tests RFLAGS.
//!
//! Rules that all of them keep: memory is read before anything is `set`, and written before registers and flags are, so that a
//! fault leaves the instruction's start state. Encodings of a lifted mnemonic that are not lifted (segment registers) end in
//! [`Trap::Unsupported`] like mnemonics that are in no table. Of VEX there are BMI1's and BMI2's general-register instructions alone.

mod aes;
mod binary_arithmetic;
mod bit_and_byte;
mod bit_manipulation;
mod control_transfer;
mod data_transfer;
mod flag_control;
mod flags;
mod logical;
mod miscellaneous;
mod mmx;
mod operand;
mod shift_and_rotate;
mod shuffle;
mod sse2_integer;
mod sse4_1;
mod sse4_2;
mod sse_arithmetic;
mod sse_comparison;
mod sse_conversion;
mod sse_data_transfer;
mod sse_exceptions;
mod ssse3;
mod state_management;
mod string;
mod x87;
mod x87_control;
mod x87_environment;
mod x87_transcendental;

use super::Context;
use crate::guest::{FpEnv, Guest};
use crate::ir::{Builder, Trap, Value};
use decoders::x86_64::{Insn, MemorySize, Mnemonic, OpKind};

/// What the frontend remembers within a block.
#[derive(Default)]
pub struct Frontend {
    last: flags::Last,
    /// The x87's registers are known to be in MMX's state: the top is 0, all are in use.
    in_mmx: bool,
}

/// The function of an instruction.
type Lift = fn(&mut Lifter<'_>);

/// Rows of a group's table.
type Rows = &'static [(Mnemonic, Lift)];

const GROUPS: &[Rows] = &[
    data_transfer::ROWS,
    binary_arithmetic::ROWS,
    logical::ROWS,
    shift_and_rotate::ROWS,
    bit_and_byte::ROWS,
    control_transfer::ROWS,
    string::ROWS,
    flag_control::ROWS,
    miscellaneous::ROWS,
    sse_data_transfer::ROWS,
    sse_arithmetic::ROWS,
    sse_comparison::ROWS,
    sse_conversion::ROWS,
    shuffle::ROWS,
    sse2_integer::ROWS,
    ssse3::ROWS,
    sse4_1::ROWS,
    sse4_1::FLOAT_ROWS,
    sse4_2::ROWS,
    aes::ROWS,
    bit_manipulation::ROWS,
    mmx::ROWS,
    mmx::FLOAT_ROWS,
    state_management::ROWS,
    x87_control::ROWS,
    x87_environment::ROWS,
    x87::ROWS,
    x87_transcendental::ROWS,
];

/// Room for every mnemonic that iced-x86 knows.
const MNEMONICS: usize = 2048;

static TABLE: [Option<Lift>; MNEMONICS] = {
    let mut table: [Option<Lift>; MNEMONICS] = [None; MNEMONICS];
    let mut group = 0;
    while group < GROUPS.len() {
        let mut row = 0;
        while row < GROUPS[group].len() {
            let (mnemonic, lift) = GROUPS[group][row];
            assert!(table[mnemonic as usize].is_none(), "a mnemonic stands in two tables");
            table[mnemonic as usize] = Some(lift);
            row += 1;
        }
        group += 1;
    }
    table
};

/// Lifts one instruction.
pub fn lift(b: &mut Builder, insn: &Insn, context: &mut Context<'_, Frontend>) {
    let Some(function) = TABLE.get(insn.mnemonic() as usize).copied().flatten() else {
        return b.trap(Trap::Unsupported);
    };
    let frontend = &mut *context.frontend;
    let env = context.options.env;
    let mut x = Lifter {
        b,
        insn,
        next: context.next,
        env,
        last: &mut frontend.last,
        address: None,
        mmx: None,
        gathered: None,
        in_mmx: &mut frontend.in_mmx,
    };
    if x.has_foreign_operand() {
        return x.unsupported();
    }
    if x.is_mmx() {
        return x.with_mmx_registers(function);
    }
    if env.traps(crate::float::flags::ALL) && x.raises_float_exceptions() {
        return x.with_unmasked_exceptions(env, function);
    }
    function(&mut x);
}

/// Every mnemonic that has a function here; some of their encodings may be without.
pub fn mnemonics() -> impl Iterator<Item = Mnemonic> {
    GROUPS.iter().flat_map(|rows| rows.iter().map(|row| row.0))
}

/// Whether this encoding is lifted, whatever its operands' values: what the generated table of instructions shows.
pub fn is_lifted(insn: &Insn) -> bool {
    let mut b = Builder::new(Guest::X86_64, insn.ip());
    b.instruction(insn.ip(), insn.len() as u8);
    let mut frontend = Frontend::default();
    let options = super::LiftOptions::default();
    let mut context =
        Context { pc: insn.ip(), next: insn.next_ip(), options: &options, frontend: &mut frontend };
    lift(&mut b, insn, &mut context);
    b.jump(insn.next_ip());
    b.finish(insn.next_ip()).terminator != crate::ir::Terminator::Trap { trap: Trap::Unsupported }
}

/// One instruction on its way to IR.
struct Lifter<'a> {
    b: &'a mut Builder,
    insn: &'a Insn,
    /// Address of the instruction behind this one.
    next: u64,
    /// The float environment that the block is lifted for.
    env: FpEnv,
    last: &'a mut flags::Last,
    /// The effective address, once it has been computed.
    address: Option<Value>,
    /// The MMX registers, in an instruction that works on them.
    mmx: Option<[Value; 8]>,
    /// What its steps have raised, where exceptions are unmasked.
    gathered: Option<sse_exceptions::Gathered>,
    in_mmx: &'a mut bool,
}

impl Lifter<'_> {
    /// Ends the block: a valid instruction that is not lifted.
    fn unsupported(&mut self) {
        self.b.trap(Trap::Unsupported);
    }

    /// Whether an operand is of a kind that no function here handles: mask, control, debug and segment registers, far
    /// pointers.
    fn has_foreign_operand(&self) -> bool {
        (0..self.insn.op_count()).any(|n| match self.insn.op_kind(n) {
            OpKind::Register => {
                let register = self.insn.op_register(n);
                !(register.is_gpr() || register.is_xmm() || register.is_mm() || register.is_st())
            }
            OpKind::FarBranch16 | OpKind::FarBranch32 => true,
            OpKind::Memory => matches!(
                self.insn.memory_size(),
                MemorySize::SegPtr16 | MemorySize::SegPtr32 | MemorySize::SegPtr64
            ),
            _ => false,
        })
    }
}
