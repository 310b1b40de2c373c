//! Folds constants (with the interpreter's own functions) and rewrites by algebraic identities, so that what the
//! lifters write plainly costs nothing: flags computed from constants, conditions behind `not`, address arithmetic,
//! bit casts back and forth.
//!
//! The block is built anew, op by op; what an op becomes may be an older value, a constant, or another op.
//!
//! AArch64 and RISC-V order an access behind the load that its address, data or control depends on *syntactically*, also
//! where the value does not matter: `eor x1, x0, x0; ldr x2, [x3, x1]` is how programs ask for that. For these guests an
//! integer that hangs on a value that is not constant stays so. (The carry and the overflow of adding zero are constant
//! all the same: no program orders by them.)

use crate::guest::Guest;
use crate::ir::interpret;
use crate::ir::{Block, Builder, Cond, Effect, Op, Terminator, Type, Value};

/// The pass.
pub fn run(block: &mut Block) {
    let mut folder = Folder {
        b: Builder::new(block.guest, block.start),
        bits: Vec::with_capacity(block.ops.len()),
        known: Vec::with_capacity(block.ops.len()),
    };
    let mut becomes: Vec<Value> = Vec::with_capacity(block.ops.len());
    for op in &block.ops {
        let mut op = *op;
        op.map_operands(|value| becomes[value.index()]);
        becomes.push(folder.emit(op));
    }
    let mut terminator = block.terminator;
    terminator.map_operand(|value| becomes[value.index()]);
    let terminator = folder.terminator(terminator);
    folder.b.terminate(terminator);
    *block = folder.b.finish(block.end);
}

/// No value: what an op without result becomes. Nobody uses it.
const NOTHING: Value = Value(u32::MAX);

struct Folder {
    b: Builder,
    /// Bits of the values that are constants, by position.
    bits: Vec<u128>,
    known: Vec<bool>,
}

impl Folder {
    /// Appends what `op` becomes.
    fn emit(&mut self, op: Op) -> Value {
        if op.effect() == Effect::Pure {
            if let Some(bits) = self.evaluate(&op) {
                return self.evaluated(op, bits);
            }
            return self.simplify(op).unwrap_or_else(|| self.append(op));
        }
        match op {
            Op::TrapIf { cond, .. } | Op::SkipIf { cond } if self.constant(cond) == Some(0) => NOTHING,
            _ => self.append(op),
        }
    }

    fn append(&mut self, op: Op) -> Value {
        let value = self.b.push(op);
        self.bits.push(0);
        self.known.push(false);
        value
    }

    /// The bits of a pure op whose operands are all constants.
    fn evaluate(&self, op: &Op) -> Option<u128> {
        // An address moves with its code; it is no constant here.
        let mut constant = !matches!(op, Op::Address { .. });
        op.for_each_operand(|value| constant &= self.known[value.index()]);
        constant.then(|| interpret::evaluate(self.b.block(), &self.bits, op))
    }

    /// Appends the constant that `op` is. Floats and 128-bit integers have no constants: the op stays.
    fn evaluated(&mut self, op: Op, bits: u128) -> Value {
        let value = self.append(op);
        let op = match self.b.ty(value) {
            Type::V128 => Op::VConst { bits },
            ty if ty.is_int() => Op::Const { ty, imm: bits as u64 },
            _ => op,
        };
        self.b.replace_last(op);
        self.bits[value.index()] = bits;
        self.known[value.index()] = true;
        value
    }

    fn int(&mut self, ty: Type, imm: u64) -> Value {
        let imm = imm & ty.mask() as u64;
        self.evaluated(Op::Const { ty, imm }, imm.into())
    }

    fn vector(&mut self, bits: u128) -> Value {
        self.evaluated(Op::VConst { bits }, bits)
    }

    fn not(&mut self, cond: Value) -> Value {
        let one = self.int(Type::I1, 1);
        self.emit(Op::Xor { a: cond, b: one })
    }

    /// Whether a value may become a constant though its operands are none; see the module.
    fn may_forget(&self) -> bool {
        self.b.block().guest == Guest::X86_64
    }

    /// The value if it is a constant of at most 64 bits.
    fn constant(&self, value: Value) -> Option<u64> {
        let small = self.known[value.index()] && self.b.ty(value).bits() <= 64;
        small.then(|| self.bits[value.index()] as u64)
    }

    /// If `value` is `not x`, `x`.
    fn inverted(&self, value: Value) -> Option<Value> {
        match *self.b.op(value) {
            Op::Xor { a, b } if self.b.ty(value) == Type::I1 && self.constant(b) == Some(1) => Some(a),
            _ => None,
        }
    }

    /// What a pure op that is no constant becomes, if anything simpler.
    fn simplify(&mut self, op: Op) -> Option<Value> {
        match op {
            Op::And { a, b } | Op::Or { a, b } | Op::Xor { a, b } | Op::AndNot { a, b } => {
                self.arithmetic(op).or_else(|| self.bits_of_extended(op, a, b))
            }
            Op::Add { .. } | Op::Sub { .. } | Op::Mul { .. } | Op::Carry { .. } | Op::Overflow { .. } => {
                self.arithmetic(op)
            }
            Op::Shl { a, b }
            | Op::LShr { a, b }
            | Op::AShr { a, b }
            | Op::RotL { a, b }
            | Op::RotR { a, b } => {
                let amount = self.constant(b)? % u64::from(self.b.ty(a).bits());
                if amount == 0 { Some(a) } else { self.shift_of_shift(op, a, amount as u32) }
            }
            Op::ICmp { a, b, cond } => {
                self.comparison(a, b, cond).or_else(|| self.comparison_of_extended(a, b, cond))
            }
            Op::Select { a, b, cond } => self.select(a, b, cond),
            Op::Zext { .. } | Op::Sext { .. } | Op::Trunc { .. } | Op::Bitcast { .. } => self.conversion(op),
            _ => self.wide(op),
        }
    }

    fn arithmetic(&mut self, op: Op) -> Option<Value> {
        match op {
            // Constants to the right.
            Op::Add { a, b } if self.constant(a).is_some() => Some(self.emit(Op::Add { a: b, b: a })),
            Op::Mul { a, b } if self.constant(a).is_some() => Some(self.emit(Op::Mul { a: b, b: a })),
            Op::And { a, b } if self.constant(a).is_some() => Some(self.emit(Op::And { a: b, b: a })),
            Op::Or { a, b } if self.constant(a).is_some() => Some(self.emit(Op::Or { a: b, b: a })),
            Op::Xor { a, b } if self.constant(a).is_some() => Some(self.emit(Op::Xor { a: b, b: a })),

            Op::Sub { a, b } | Op::Xor { a, b } | Op::AndNot { a, b } if a == b && self.may_forget() => {
                Some(self.int(self.b.ty(a), 0))
            }
            Op::And { a, b } | Op::Or { a, b } if a == b => Some(a),
            Op::Or { a, b } if self.rotation(a, b).is_some() => self.rotation(a, b).map(|op| self.emit(op)),
            // RV64's word instructions extend both halves of a 32-bit rotation.
            Op::Or { a, b } if self.extended_rotation(a, b).is_some() => {
                let op = self.extended_rotation(a, b)?;
                let rotated = self.emit(op);
                Some(self.emit(Op::Sext { a: rotated, ty: self.b.ty(a) }))
            }
            Op::AndNot { a, .. } if self.constant(a) == Some(0) => Some(a),
            Op::Carry { b, carry_in, .. } | Op::Overflow { b, carry_in, .. }
                if self.constant(b) == Some(0) && self.constant(carry_in) == Some(0) =>
            {
                Some(carry_in)
            }
            Op::Add { a, b }
            | Op::Sub { a, b }
            | Op::Mul { a, b }
            | Op::And { a, b }
            | Op::Or { a, b }
            | Op::Xor { a, b }
            | Op::AndNot { a, b } => {
                let imm = self.constant(b)?;
                self.with_constant(op, a, b, imm)
            }
            _ => None,
        }
    }

    /// The narrow values that two operands are the sign extensions of; a constant is the extension of its low bits, if
    /// those give it back.
    fn sign_extended(&mut self, a: Value, b: Value) -> Option<(Value, Value)> {
        match (*self.b.op(a), *self.b.op(b)) {
            (Op::Sext { a: x, .. }, Op::Sext { a: y, .. }) if self.b.ty(x) == self.b.ty(y) => Some((x, y)),
            (Op::Sext { a: x, .. }, _) => {
                let (narrow, imm) = (self.b.ty(x), self.constant(b)?);
                let unused = self.b.ty(a).bits() - narrow.bits();
                let top = 64 - self.b.ty(a).bits();
                let extended = ((imm << top << unused) as i64 >> unused) as u64 >> top;
                (extended == imm).then(|| (x, self.int(narrow, imm)))
            }
            _ => None,
        }
    }

    /// An op of single bits on sign-extended words, as RV64 has them all the time: the narrow op, extended.
    fn bits_of_extended(&mut self, op: Op, x: Value, y: Value) -> Option<Value> {
        let ty = self.b.ty(x);
        if let (Op::And { .. }, &Op::Sext { a, .. }, Some(imm)) = (op, self.b.op(x), self.constant(y))
            && imm <= self.b.ty(a).mask() as u64
        {
            // None of the copies of the sign is left.
            let b = self.int(self.b.ty(a), imm);
            let narrow = self.emit(Op::And { a, b });
            return Some(self.emit(Op::Zext { a: narrow, ty }));
        }
        let (a, b) = self.sign_extended(x, y)?;
        let narrow = match op {
            Op::And { .. } => Op::And { a, b },
            Op::Or { .. } => Op::Or { a, b },
            Op::Xor { .. } => Op::Xor { a, b },
            _ => Op::AndNot { a, b },
        };
        let narrow = self.emit(narrow);
        Some(self.emit(Op::Sext { a: narrow, ty }))
    }

    /// Sign extension keeps the order, of unsigned numbers too: those above the middle move to the top.
    fn comparison_of_extended(&mut self, x: Value, y: Value, cond: Cond) -> Option<Value> {
        let (a, b) = self.sign_extended(x, y)?;
        Some(self.emit(Op::ICmp { a, b, cond }))
    }

    /// A shift right by `amount` of a shift left by a constant that leaves 8, 16 or 32 bits: an extension, and a shift by
    /// what is left.
    fn shift_of_shift(&mut self, op: Op, a: Value, amount: u32) -> Option<Value> {
        let signed = match op {
            Op::LShr { .. } => false,
            Op::AShr { .. } => true,
            _ => return None,
        };
        let Op::Shl { a: x, b: left } = *self.b.op(a) else { return None };
        let ty = self.b.ty(a);
        let left = (self.constant(left)? % u64::from(ty.bits())) as u32;
        let narrow = integer_of(ty.bits() - left)?;
        let low = self.emit(Op::Trunc { a: x, ty: narrow });
        let whole = self.emit(if signed { Op::Sext { a: low, ty } } else { Op::Zext { a: low, ty } });
        let b = self.int(ty, left.abs_diff(amount).into());
        Some(match (amount < left, signed) {
            (true, _) => self.emit(Op::Shl { a: whole, b }),
            (false, false) => self.emit(Op::LShr { a: whole, b }),
            (false, true) => self.emit(Op::AShr { a: whole, b }),
        })
    }

    /// Two shifts in opposite directions by constants that add up to the width are one rotation.
    fn rotation(&self, a: Value, b: Value) -> Option<Op> {
        let ((&Op::Shl { a: x, b: left }, &Op::LShr { a: y, b: right })
        | (&Op::LShr { a: y, b: right }, &Op::Shl { a: x, b: left })) = (self.b.op(a), self.b.op(b))
        else {
            return None;
        };
        let width = u64::from(self.b.ty(a).bits());
        let (amount, rest) = (self.constant(left)?, self.constant(right)?);
        (x == y && amount < width && rest == width - amount).then_some(Op::RotL { a: x, b: left })
    }

    fn extended_rotation(&self, a: Value, b: Value) -> Option<Op> {
        match (self.b.op(a), self.b.op(b)) {
            (&Op::Sext { a: x, .. }, &Op::Sext { a: y, .. }) if self.b.ty(x) == self.b.ty(y) => {
                self.rotation(x, y)
            }
            _ => None,
        }
    }

    /// An op whose right operand is the constant `imm`.
    fn with_constant(&mut self, op: Op, a: Value, b: Value, imm: u64) -> Option<Value> {
        let ty = self.b.ty(a);
        let ones = ty.mask() as u64;
        match (op, *self.b.op(a)) {
            (Op::Add { .. } | Op::Sub { .. } | Op::Or { .. } | Op::Xor { .. } | Op::AndNot { .. }, _)
                if imm == 0 =>
            {
                Some(a)
            }
            (Op::Mul { .. } | Op::And { .. }, _) if imm == 0 => self.may_forget().then_some(b),
            (Op::Or { .. }, _) if imm == ones => self.may_forget().then_some(b),
            (Op::And { .. }, _) if imm == ones => Some(a),
            (Op::And { .. }, _)
                if imm & (imm + 1) == 0 && self.b.block().significant_bits(a) <= imm.trailing_ones() =>
            {
                Some(a)
            }
            (Op::Mul { .. }, _) if imm == 1 => Some(a),
            (Op::Sub { .. }, _) => {
                let b = self.int(ty, imm.wrapping_neg());
                Some(self.emit(Op::Add { a, b }))
            }
            (Op::AndNot { .. }, _) => {
                let b = self.int(ty, !imm);
                Some(self.emit(Op::And { a, b }))
            }
            (Op::Add { .. }, Op::Address { imm: base }) => {
                Some(self.append(Op::Address { imm: base.wrapping_add(imm) }))
            }
            // The load bias is a multiple of the page size, so bits below it may be cleared.
            (Op::And { .. }, Op::Address { imm: base }) if imm | 0xfff == u64::MAX => {
                Some(self.append(Op::Address { imm: base & imm }))
            }
            (Op::Add { .. }, Op::Add { a: x, b: c }) => {
                let b = self.constant(c)?.wrapping_add(imm);
                let b = self.int(ty, b);
                Some(self.emit(Op::Add { a: x, b }))
            }
            (Op::And { .. }, Op::And { a: x, b: c }) => {
                let b = self.constant(c)? & imm;
                let b = self.int(ty, b);
                Some(self.emit(Op::And { a: x, b }))
            }
            (Op::Xor { .. }, Op::Xor { a: x, b: c }) => {
                let b = self.constant(c)? ^ imm;
                let b = self.int(ty, b);
                Some(self.emit(Op::Xor { a: x, b }))
            }
            (Op::And { .. }, _) if imm & (imm + 1) == 0 && integer_of(imm.trailing_ones()).is_some() => {
                let narrow = integer_of(imm.trailing_ones())?;
                let low = self.emit(Op::Trunc { a, ty: narrow });
                Some(self.emit(Op::Zext { a: low, ty }))
            }
            // !(x == y) is x != y.
            (Op::Xor { .. }, Op::ICmp { a: x, b: y, cond }) if imm == 1 => {
                Some(self.emit(Op::ICmp { a: x, b: y, cond: inverse(cond) }))
            }
            _ => None,
        }
    }

    fn comparison(&mut self, a: Value, b: Value, cond: Cond) -> Option<Value> {
        if a == b && self.may_forget() {
            let holds = matches!(cond, Cond::Eq | Cond::Sle | Cond::Sge | Cond::Ule | Cond::Uge);
            return Some(self.int(Type::I1, holds.into()));
        }
        if self.constant(a).is_some() {
            return Some(self.emit(Op::ICmp { a: b, b: a, cond: mirrored(cond) }));
        }
        let imm = self.constant(b)?;
        match (cond, imm) {
            (Cond::Ult, 0) if self.may_forget() => return Some(self.int(Type::I1, 0)),
            (Cond::Uge, 0) if self.may_forget() => return Some(self.int(Type::I1, 1)),
            _ => {}
        }
        // Of a choice between constants: the condition itself.
        let (if_true, if_false, choice) = match *self.b.op(a) {
            Op::Select { a: x, b: y, cond } => (self.constant(x)?, self.constant(y)?, cond),
            Op::Zext { a: x, .. } if self.b.ty(x) == Type::I1 => (1, 0, x),
            _ if self.b.ty(a) == Type::I1 => (1, 0, a),
            Op::Zext { a: x, ty } if matches!(cond, Cond::Eq | Cond::Ne) => {
                let narrow = self.b.ty(x);
                if imm > narrow.mask() as u64 {
                    return self.may_forget().then(|| self.int(Type::I1, (cond == Cond::Ne).into()));
                }
                debug_assert!(ty.bits() > narrow.bits());
                let b = self.int(narrow, imm);
                return Some(self.emit(Op::ICmp { a: x, b, cond }));
            }
            _ => return None,
        };
        let ty = self.b.ty(a);
        let holds = |x: u64| interpret::compare(cond, ty, x.into(), imm.into());
        Some(match (holds(if_true), holds(if_false)) {
            (true, false) => choice,
            (false, true) => self.not(choice),
            (same, _) if self.may_forget() => self.int(Type::I1, same.into()),
            _ => return None,
        })
    }

    fn select(&mut self, a: Value, b: Value, cond: Value) -> Option<Value> {
        if let Some(cond) = self.constant(cond) {
            return Some(if cond != 0 { a } else { b });
        }
        if a == b && self.may_forget() {
            return Some(a);
        }
        if let Some(cond) = self.inverted(cond) {
            return Some(self.emit(Op::Select { a: b, b: a, cond }));
        }
        let ty = self.b.ty(a);
        if !ty.is_int() {
            return None;
        }
        let bit = match (self.constant(a)?, self.constant(b)?) {
            (1, 0) => cond,
            (0, 1) => self.not(cond),
            _ => return None,
        };
        Some(if ty == Type::I1 { bit } else { self.emit(Op::Zext { a: bit, ty }) })
    }

    fn conversion(&mut self, op: Op) -> Option<Value> {
        match op {
            Op::Zext { a, ty } => match *self.b.op(a) {
                Op::Zext { a, .. } => Some(self.emit(Op::Zext { a, ty })),
                Op::Trunc { a: x, ty: narrow }
                    if self.b.ty(x) == ty && self.b.block().significant_bits(x) <= narrow.bits() =>
                {
                    Some(x)
                }
                _ => None,
            },
            Op::Sext { a, ty } => match *self.b.op(a) {
                Op::Sext { a, .. } => Some(self.emit(Op::Sext { a, ty })),
                // Zero-extended at least by one bit: the sign is clear.
                Op::Zext { a, .. } => Some(self.emit(Op::Zext { a, ty })),
                _ => None,
            },
            Op::Trunc { a, ty } => match *self.b.op(a) {
                Op::Trunc { a, .. } => Some(self.emit(Op::Trunc { a, ty })),
                Op::Zext { a: x, .. } | Op::Sext { a: x, .. } if self.b.ty(x) == ty => Some(x),
                Op::Zext { a: x, .. } | Op::Sext { a: x, .. } if self.b.ty(x).bits() > ty.bits() => {
                    Some(self.emit(Op::Trunc { a: x, ty }))
                }
                Op::Zext { a: x, .. } => Some(self.emit(Op::Zext { a: x, ty })),
                Op::Sext { a: x, .. } => Some(self.emit(Op::Sext { a: x, ty })),
                _ => None,
            },
            Op::Bitcast { a, ty } if self.b.ty(a) == ty => Some(a),
            Op::Bitcast { a, ty } => match *self.b.op(a) {
                Op::Bitcast { a, .. } => Some(self.emit(Op::Bitcast { a, ty })),
                _ => None,
            },
            _ => None,
        }
    }

    /// 128-bit integers and vectors.
    fn wide(&mut self, op: Op) -> Option<Value> {
        match op {
            Op::Concat { low, high } => match (*self.b.op(low), *self.b.op(high)) {
                (Op::Low { a }, Op::High { a: same }) if a == same => Some(a),
                _ => None,
            },
            Op::Low { a } => match *self.b.op(a) {
                Op::Concat { low, .. } => Some(low),
                _ => None,
            },
            Op::High { a } => match *self.b.op(a) {
                Op::Concat { high, .. } => Some(high),
                _ => None,
            },
            Op::VExtract { v, lane, index } => match *self.b.op(v) {
                Op::VInsert { x, lane: same, index: here, .. } if lane == same && index == here => Some(x),
                Op::VInsert { v, lane: same, .. } if lane == same => {
                    Some(self.emit(Op::VExtract { v, lane, index }))
                }
                Op::VFromScalar { x } if index == 0 && self.b.ty(x) == lane.ty() => Some(x),
                Op::VSplat { x, lane: same } if lane == same => Some(x),
                _ => None,
            },
            Op::VExtractFloat { v, ty, index } => match *self.b.op(v) {
                Op::VInsertFloat { v, x, index: here } if self.b.ty(x) == ty => {
                    Some(if index == here { x } else { self.emit(Op::VExtractFloat { v, ty, index }) })
                }
                Op::VFromScalar { x } if index == 0 && self.b.ty(x) == ty => Some(x),
                _ => None,
            },
            Op::VAnd { a, b } | Op::VOr { a, b } if a == b => Some(a),
            Op::VXor { a, b } | Op::VAndNot { a, b } | Op::VSub { a, b, .. } if a == b => {
                Some(self.vector(0))
            }
            Op::VICmp { a, b, cond, .. } if a == b => {
                let holds = matches!(cond, Cond::Eq | Cond::Sle | Cond::Sge | Cond::Ule | Cond::Uge);
                Some(self.vector(if holds { u128::MAX } else { 0 }))
            }
            _ => None,
        }
    }

    fn terminator(&self, terminator: Terminator) -> Terminator {
        match terminator {
            Terminator::Branch { taken, fallthrough, .. } if taken == fallthrough && self.may_forget() => {
                Terminator::Jump { target: taken }
            }
            Terminator::Branch { cond, taken, fallthrough } => {
                match (self.constant(cond), self.inverted(cond)) {
                    (Some(cond), _) => {
                        Terminator::Jump { target: if cond != 0 { taken } else { fallthrough } }
                    }
                    (None, Some(cond)) => Terminator::Branch { cond, taken: fallthrough, fallthrough: taken },
                    (None, None) => terminator,
                }
            }
            // The other way it stays: a jump would retire the instruction.
            Terminator::Repeat { again, next, .. } if self.constant(again) == Some(0) => {
                Terminator::Jump { target: next }
            }
            // Only an address moves with the code; a plain constant may be a jump out of it.
            Terminator::Indirect { target, .. } => match *self.b.op(target) {
                Op::Address { imm } => Terminator::Jump { target: imm },
                _ => terminator,
            },
            _ => terminator,
        }
    }
}

/// The integer type of so many bits that values are extended from.
fn integer_of(bits: u32) -> Option<Type> {
    [Type::I8, Type::I16, Type::I32].into_iter().find(|ty| ty.bits() == bits)
}

/// The comparison that holds when this one does not.
fn inverse(cond: Cond) -> Cond {
    match cond {
        Cond::Eq => Cond::Ne,
        Cond::Ne => Cond::Eq,
        Cond::Slt => Cond::Sge,
        Cond::Sle => Cond::Sgt,
        Cond::Sgt => Cond::Sle,
        Cond::Sge => Cond::Slt,
        Cond::Ult => Cond::Uge,
        Cond::Ule => Cond::Ugt,
        Cond::Ugt => Cond::Ule,
        Cond::Uge => Cond::Ult,
    }
}

/// The comparison with its operands exchanged.
fn mirrored(cond: Cond) -> Cond {
    match cond {
        Cond::Eq | Cond::Ne => cond,
        Cond::Slt => Cond::Sgt,
        Cond::Sle => Cond::Sge,
        Cond::Sgt => Cond::Slt,
        Cond::Sge => Cond::Sle,
        Cond::Ult => Cond::Ugt,
        Cond::Ule => Cond::Uge,
        Cond::Ugt => Cond::Ult,
        Cond::Uge => Cond::Ule,
    }
}
