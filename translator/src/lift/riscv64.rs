//! riscv64 instructions to IR.

use super::Context;
use crate::ir::{Builder, Trap};
use decoders::riscv64::Insn;

/// What the frontend remembers within a block.
#[derive(Default)]
pub struct Frontend {}

/// Lifts one instruction.
pub fn lift(b: &mut Builder, _insn: &Insn, _context: &mut Context<'_, Frontend>) {
    b.trap(Trap::Unsupported);
}
