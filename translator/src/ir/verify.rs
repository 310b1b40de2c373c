//! The verifier: what every block must satisfy, checked against the op table.

use super::ops::{Class, Effect, Op, ResultRule};
use super::{Block, FloatLane, Slot, Type, Value};
use thiserror::Error;

/// A block that breaks a rule of the IR: a bug in a lifter or in a pass.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{op} at v{position} of block {start:#x}: {what}")]
pub struct VerifyError {
    /// Start of the block.
    pub start: u64,
    /// Position of the op; the number of ops for the terminator.
    pub position: usize,
    /// Name of the op.
    pub op: &'static str,
    /// The broken rule.
    pub what: String,
}

/// Checks a block: definitions before uses, types of operands, results and slots, attributes in range, a marker first.
///
/// # Errors
/// The first rule that is broken.
pub fn verify(block: &Block) -> Result<(), VerifyError> {
    let file = block.guest.register_file();
    let mut instructions = 0;
    for (position, op) in block.ops.iter().enumerate() {
        let fail = |what: String| VerifyError { start: block.start, position, op: op.name(), what };
        if position == 0 && op.effect() != Effect::Marker {
            return Err(fail("the first op is not an instruction marker".into()));
        }
        instructions += u32::from(op.effect() == Effect::Marker);
        if let Op::Get { slot } | Op::Set { slot, .. } = *op
            && slot.index() >= file.slots.len()
        {
            return Err(fail(format!("the guest has no slot {}", slot.0)));
        }
        operands(block, position, op).map_err(fail)?;
        attributes(op).map_err(fail)?;
        let expected = match op.info().result {
            ResultRule::None => None,
            ResultRule::Same => first_operand(op).map(|value| block.ty(value)),
            ResultRule::Ty => op.ty(),
            ResultRule::OfLane => op.lane().map(|lane| lane.ty()),
            ResultRule::OfSlot => match *op {
                Op::Get { slot } => Some(file.slot(slot).ty),
                _ => None,
            },
            ResultRule::Is(ty) => Some(ty),
        };
        if block.types[position] != expected {
            return Err(fail(format!("its result is {:?}, not {expected:?}", block.types[position])));
        }
    }
    let fail =
        |what: String| VerifyError { start: block.start, position: block.ops.len(), op: "terminator", what };
    if instructions != block.instructions {
        return Err(fail(format!("{instructions} markers, but {} instructions", block.instructions)));
    }
    if let Some(value) = block.terminator.operand() {
        let wanted = match block.terminator {
            super::Terminator::Branch { .. } | super::Terminator::Repeat { .. } => Type::I1,
            _ => Type::I64,
        };
        if block.types.get(value.index()).copied().flatten() != Some(wanted) {
            return Err(fail(format!("{value} is not a {wanted}")));
        }
    }
    Ok(())
}

fn first_operand(op: &Op) -> Option<Value> {
    let mut first = None;
    op.for_each_operand(|value| first = first.or(Some(value)));
    first
}

fn operands(block: &Block, position: usize, op: &Op) -> Result<(), String> {
    let mut index = 0;
    let mut first = None;
    let mut result = Ok(());
    op.for_each_operand(|value| {
        let (name, class) = op.info().operands[index];
        index += 1;
        if result.is_err() {
            return;
        }
        let Some(ty) = block.types[..position].get(value.index()).copied().flatten() else {
            result = Err(format!("its operand {name}, {value}, is not defined before it"));
            return;
        };
        let fits = match class {
            Class::Int => ty.is_int(),
            Class::Word => ty.is_int() && ty != Type::I1,
            Class::Float => ty.is_float(),
            Class::Any => true,
            Class::Same => Some(ty) == first,
            Class::OfLane => Some(ty) == op.lane().map(|lane| lane.ty()),
            Class::OfTy => Some(ty) == op.ty(),
            Class::Is(wanted) => ty == wanted,
        };
        if !fits {
            result = Err(format!("its operand {name} is {ty}, which is not {class:?}"));
        }
        first = first.or(Some(ty));
        if let Op::Set { slot, .. } = *op {
            result = slot_type(block, slot, ty);
        }
        if let Op::Zext { ty: to, .. } | Op::Sext { ty: to, .. } = *op
            && !(to.is_int() && to.bits() > ty.bits())
        {
            result = Err(format!("{to} is not wider than {ty}"));
        }
        if let Op::Trunc { ty: to, .. } = *op
            && !(to.is_int() && to.bits() < ty.bits())
        {
            result = Err(format!("{to} is not narrower than {ty}"));
        }
        if let Op::Bitcast { ty: to, .. } = *op
            && to.bits() != ty.bits()
        {
            result = Err(format!("{to} has not the size of {ty}"));
        }
    });
    result
}

fn slot_type(block: &Block, slot: Slot, ty: Type) -> Result<(), String> {
    let info = block.guest.register_file().slot(slot);
    if info.ty == ty { Ok(()) } else { Err(format!("slot {} holds {}, not {ty}", info.name, info.ty)) }
}

fn attributes(op: &Op) -> Result<(), String> {
    let in_range = match *op {
        Op::Const { ty, imm } => ty.is_int() && u128::from(imm) & !ty.mask() == 0,
        Op::VExtract { lane, index, .. } | Op::VInsert { lane, index, .. } => u32::from(index) < lane.count(),
        Op::VExtractFloat { ty, index, .. } => ty.is_float() && u32::from(index) < 128 / ty.bits(),
        Op::VShuffle { pattern, .. } => pattern.to_le_bytes().iter().all(|&byte| byte < 32),
        Op::VShl { lane, amount, .. } => u32::from(amount) < lane.bits(),
        Op::VLShr { lane, amount, .. } | Op::VAShr { lane, amount, .. } => u32::from(amount) <= lane.bits(),
        Op::VWidenLow { lane, .. }
        | Op::VWidenHigh { lane, .. }
        | Op::VMulWidenLow { lane, .. }
        | Op::VMulWidenHigh { lane, .. }
        | Op::VAddPairs { lane, .. } => lane.double().is_some(),
        Op::VNarrow { lane, .. } => lane.half().is_some(),
        Op::VFWiden { lane, .. } => lane != FloatLane::F64,
        Op::VFNarrow { lane, .. } => lane != FloatLane::F16,
        Op::Rmw { ty, .. } => ty.is_int() && ty != Type::I1,
        Op::Cas { ty, .. } | Op::LoadExclusive { ty, .. } | Op::StoreExclusive { ty, .. } => {
            ty == Type::I128 || (ty.is_int() && ty != Type::I1)
        }
        Op::Load { ty, .. } => ty != Type::I1,
        Op::FConvert { ty, .. } | Op::IntToFloat { ty, .. } => ty.is_float(),
        Op::FloatToInt { ty, .. } => ty.is_int() && ty != Type::I1,
        _ => true,
    };
    if in_range { Ok(()) } else { Err("an attribute is out of range".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::{Guest, riscv64};
    use crate::ir::{Builder, Terminator};

    fn block(build: impl FnOnce(&mut Builder)) -> Block {
        let mut b = Builder::new(Guest::Riscv64, 0);
        b.instruction(0, 4);
        build(&mut b);
        b.terminate(Terminator::Jump { target: 4 });
        b.finish(4)
    }

    #[test]
    fn a_sound_block_passes() {
        let good = block(|b| {
            let x = b.get(riscv64::X1);
            let y = b.add(x, x);
            b.set(y, riscv64::X2);
        });
        assert_eq!(verify(&good), Ok(()));
    }

    #[test]
    fn each_broken_rule_is_found() {
        let mut later = block(|b| {
            let x = b.get(riscv64::X1);
            b.set(x, riscv64::X2);
        });
        later.ops[2].map_operands(|_| Value(2));
        assert!(verify(&later).unwrap_err().what.contains("not defined before"));

        let slot = block(|b| {
            let x = b.i32(1);
            b.push(Op::Set { value: x, slot: riscv64::X1 });
        });
        assert!(verify(&slot).unwrap_err().what.contains("slot x1 holds i64"));

        let mixed = block(|b| {
            let (x, y) = (b.i32(1), b.i64(1));
            b.push(Op::Add { a: x, b: y });
        });
        assert!(verify(&mixed).unwrap_err().what.contains("not Same"));

        let wide = block(|b| {
            let x = b.i64(1);
            b.push(Op::Zext { a: x, ty: Type::I32 });
        });
        assert!(verify(&wide).unwrap_err().what.contains("not wider"));

        let mut unmarked = block(|_| ());
        unmarked.ops.clear();
        unmarked.types.clear();
        assert!(verify(&unmarked).unwrap_err().what.contains("markers"));
    }
}
