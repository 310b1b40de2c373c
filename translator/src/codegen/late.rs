//! Values that are made where they are stored, not where the guest makes them.
//!
//! Most of what a cold block or an exit of a unit stores is at hand: the guest's registers, which the code goes on with.
//! Flags are not, nor are extensions of words and constants: nobody else may want them. Made where they are stored they
//! cost nothing on the way that matters: the value that the guest's instruction gave is then without uses, and Cranelift
//! makes no code for it.

use super::emit::Emitter;
use super::plan::bit;
use crate::ir::{Op, Slot};
use cranelift_codegen::ir::condcodes::CondCode as _;
use cranelift_codegen::ir::{self, InstBuilder, InstructionData, Opcode};

/// Instructions for one value at most.
const MAX_INSTRUCTIONS: u32 = 12;

impl Emitter<'_, '_> {
    /// Finds where the values of the block at hand are used last, stores at exits not counted.
    pub(super) fn find_last_uses(&mut self) {
        let block = self.block;
        self.made_by.clear();
        self.last_uses.clear();
        self.last_uses.resize(block.ops.len(), 0);
        for (at, op) in block.ops.iter().enumerate() {
            if !matches!(op, Op::Set { .. }) {
                op.for_each_operand(|value| self.last_uses[value.index()] = at);
            }
        }
        let mut terminator = block.terminator;
        terminator.map_operand(|value| {
            self.last_uses[value.index()] = block.ops.len();
            value
        });
        // What other blocks of the region start with.
        let mut live = self.plan.live_out(self.index);
        for op in block.ops.iter().rev() {
            if let Op::Set { slot, value } = *op
                && live.contains(slot)
            {
                live &= !bit(slot);
                if !self.plan.key.guest.is_flag(slot) {
                    self.last_uses[value.index()] = usize::MAX;
                }
            }
        }
    }

    /// Stores slots at the end of a way out of the unit.
    pub(super) fn save_late(&mut self, state: &[(Slot, ir::Value)]) {
        let guest = self.plan.key.guest;
        let registers = state.iter().filter(|(slot, _)| !guest.is_flag(*slot));
        let at_hand: Vec<ir::Value> = registers.map(|&(_, value)| value).collect();
        for &(slot, value) in state {
            let made_here = self.made_by.get(&value);
            let needed_later = made_here.is_some_and(|&op| self.last_uses[op] > self.at);
            let value = match (guest.is_flag(slot), self.maker(value)) {
                (true, _) if !needed_later => {
                    let mut left = MAX_INSTRUCTIONS;
                    self.made_again(value, &at_hand, &mut left)
                }
                (_, Some(InstructionData::UnaryImm { opcode: Opcode::Iconst, .. })) => {
                    self.made_again(value, &[], &mut 1)
                }
                (_, Some(InstructionData::Unary { opcode: Opcode::Sextend | Opcode::Uextend, .. }))
                    if made_here.is_some() && !needed_later =>
                {
                    self.made_again(value, &[], &mut 1)
                }
                _ => value,
            };
            self.save_slot(slot, value);
        }
    }

    /// The value, made anew from values that are at hand and such as cannot be made anew, by at most so many instructions.
    fn made_again(&mut self, value: ir::Value, at_hand: &[ir::Value], left: &mut u32) -> ir::Value {
        if at_hand.contains(&value) || *left == 0 {
            return value;
        }
        *left -= 1;
        let ty = self.b.func.dfg.value_type(value);
        match self.maker(value) {
            Some(InstructionData::UnaryImm { opcode: Opcode::Iconst, imm }) => self.b.ins().iconst(ty, imm),
            Some(InstructionData::Unary {
                opcode:
                    opcode @ (Opcode::Sextend | Opcode::Uextend | Opcode::Ireduce | Opcode::Bnot | Opcode::Ineg),
                arg,
            }) => {
                let arg = self.made_again(arg, at_hand, left);
                let (inst, dfg) = self.b.ins().Unary(opcode, ty, arg);
                dfg.first_result(inst)
            }
            Some(InstructionData::Binary {
                opcode:
                    opcode @ (Opcode::Iadd
                    | Opcode::Isub
                    | Opcode::Band
                    | Opcode::Bor
                    | Opcode::Bxor
                    | Opcode::Ishl
                    | Opcode::Ushr
                    | Opcode::Sshr),
                args: [a, b],
            }) => {
                let (a, b) = (self.made_again(a, at_hand, left), self.made_again(b, at_hand, left));
                let (inst, dfg) = self.b.ins().Binary(opcode, ty, a, b);
                dfg.first_result(inst)
            }
            Some(InstructionData::IntCompare { cond, args: [a, b], .. }) => {
                let (a, b) = (self.made_again(a, at_hand, left), self.made_again(b, at_hand, left));
                self.b.ins().icmp(cond, a, b)
            }
            _ => value,
        }
    }

    /// A comparison made the other way round.
    pub(super) fn inverse(&mut self, cond: ir::Value) -> Option<ir::Value> {
        match self.maker(cond)? {
            InstructionData::IntCompare { cond, args: [a, b], .. } => {
                Some(self.b.ins().icmp(cond.complement(), a, b))
            }
            _ => None,
        }
    }

    /// The instruction that makes a value, unless it is a parameter.
    fn maker(&self, value: ir::Value) -> Option<InstructionData> {
        let dfg = &self.b.func.dfg;
        dfg.value_def(value).inst().map(|inst| dfg.insts[inst])
    }
}
