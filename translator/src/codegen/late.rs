//! Values that are made where they are stored, not where the guest makes them.
//!
//! Most of what a cold block or an exit of a unit stores is at hand: the guest's registers, which the code goes on with.
//! Flags are not, nor are extensions of words and constants: nobody else may want them. Made where they are stored they
//! cost nothing on the way that matters: the value that the guest's instruction gave is then without uses, and Cranelift
//! makes no code for it. Likewise flags that a loop sets and that somebody looks at behind it are made behind it.

use super::emit::Emitter;
use super::plan::{Origin, bit};
use crate::ir::{Op, Slot, SlotSet};
use cranelift_codegen::ir::condcodes::CondCode as _;
use cranelift_codegen::ir::{self, BlockArg, InstBuilder, InstructionData, Opcode};
use rustc_hash::FxHashMap;

/// Instructions that are made anew in one place at most.
const MAX_INSTRUCTIONS: u32 = 24;

/// Values that are being made anew in one place.
struct Making {
    /// What is there already, by the value that it stands for.
    made: FxHashMap<ir::Value, Remade>,
    /// Instructions that may still be made.
    left: u32,
}

/// What stands for a value.
#[derive(Clone, Copy)]
enum Remade {
    /// This one.
    Is(ir::Value),
    /// The low bits of this one.
    LowOf(ir::Value),
}

impl Default for Making {
    fn default() -> Making {
        Making { made: FxHashMap::default(), left: MAX_INSTRUCTIONS }
    }
}

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
        let mut making = self.making(registers.map(|&(_, value)| value));
        for &(slot, value) in state {
            let made_here = self.made_by.get(&value);
            let needed_later = made_here.is_some_and(|&op| self.last_uses[op] > self.at);
            let value = match (guest.is_flag(slot), self.maker(value)) {
                (true, _) if !needed_later => self.made_again(value, &mut making),
                (_, Some(InstructionData::UnaryImm { opcode: Opcode::Iconst, .. })) => {
                    self.made_again(value, &mut Making::default())
                }
                (_, Some(InstructionData::Unary { opcode: Opcode::Sextend | Opcode::Uextend, .. }))
                    if made_here.is_some() && !needed_later =>
                {
                    let mut only_this = Making { left: 1, ..Making::default() };
                    self.made_again(value, &mut only_this)
                }
                _ => value,
            };
            self.save_slot(slot, value);
        }
    }

    /// What a jump out of a loop to `target` passes: flags made here.
    pub(super) fn late_arguments(&mut self, target: usize) -> Vec<BlockArg> {
        let slots = self.plan.parameters[target];
        let mut current = self.current.clone();
        self.make_flags_again(slots, &mut current);
        self.arguments(target, &current)
    }

    /// At the start of a block behind a loop: the loop's flags, made here.
    pub(super) fn make_late(&mut self) {
        let Some(before) = self.plan.loop_before(self.index) else { return };
        let made_there = |slot: &Slot| self.plan.origin(self.index, *slot) == Origin::Made(before);
        let slots = self.plan.live_in[self.index].iter().filter(made_there).collect();
        let mut current = std::mem::take(&mut self.current);
        self.make_flags_again(slots, &mut current);
        for slot in slots.iter().filter(|&slot| self.plan.key.guest.is_flag(slot)) {
            self.late[self.index].push((slot, current[slot.index()]));
        }
        self.current = current;
    }

    fn make_flags_again(&mut self, slots: SlotSet, current: &mut [Option<ir::Value>]) {
        let guest = self.plan.key.guest;
        let registers = slots.iter().filter(|&slot| !guest.is_flag(slot));
        let mut making = self.making(registers.filter_map(|slot| current[slot.index()]));
        for slot in slots.iter().filter(|&slot| guest.is_flag(slot)) {
            if let Some(value) = current[slot.index()] {
                current[slot.index()] = Some(self.made_again(value, &mut making));
            }
        }
    }

    /// What a slot holds at the start of the block at hand if it is what `made` left in it: made anew on the way here, maybe.
    pub(super) fn end_value(&self, made: usize, slot: Slot) -> Option<ir::Value> {
        let mut block = self.index;
        while block != made {
            if let Some(&(_, value)) = self.late[block].iter().find(|late| late.0 == slot) {
                return value;
            }
            let dominator = self.plan.dominators[block];
            if dominator == block {
                break;
            }
            block = dominator;
        }
        self.ends[made][slot.index()]
    }

    /// What making values anew starts with: these are at hand, and with them what they are extensions of.
    fn making(&self, at_hand: impl Iterator<Item = ir::Value>) -> Making {
        let mut making = Making::default();
        for value in at_hand {
            making.made.insert(value, Remade::Is(value));
            if let Some(InstructionData::Unary { opcode: Opcode::Sextend | Opcode::Uextend, arg }) =
                self.maker(value)
            {
                making.made.entry(arg).or_insert(Remade::LowOf(value));
            }
        }
        making
    }

    /// The value, made anew from values that are at hand and such as cannot be made anew, as long as not too much has been
    /// made.
    fn made_again(&mut self, value: ir::Value, making: &mut Making) -> ir::Value {
        let ty = self.b.func.dfg.value_type(value);
        let made = match making.made.get(&value) {
            Some(&Remade::Is(made)) => return made,
            Some(&Remade::LowOf(wide)) => self.b.ins().ireduce(ty, wide),
            None if making.left == 0 => return value,
            None => {
                making.left -= 1;
                self.make_again(value, ty, making)
            }
        };
        making.made.insert(value, Remade::Is(made));
        made
    }

    fn make_again(&mut self, value: ir::Value, ty: ir::Type, making: &mut Making) -> ir::Value {
        match self.maker(value) {
            Some(InstructionData::UnaryImm { opcode: Opcode::Iconst, imm }) => self.b.ins().iconst(ty, imm),
            Some(InstructionData::Unary {
                opcode:
                    opcode @ (Opcode::Sextend | Opcode::Uextend | Opcode::Ireduce | Opcode::Bnot | Opcode::Ineg),
                arg,
            }) => {
                let arg = self.made_again(arg, making);
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
                let (a, b) = (self.made_again(a, making), self.made_again(b, making));
                let (inst, dfg) = self.b.ins().Binary(opcode, ty, a, b);
                dfg.first_result(inst)
            }
            Some(InstructionData::IntCompare { cond, args: [a, b], .. }) => {
                let (a, b) = (self.made_again(a, making), self.made_again(b, making));
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
