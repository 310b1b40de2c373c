//! Random blocks through the passes: the interpreter must see no difference where someone may look.

use crate::code::random_code;
use crate::random::Random;
use crate::world::TestWorld;
use translator::guest::Guest;
use translator::ir::interpret::{Interpreter, World};
use translator::ir::{
    Block, Builder, Cond, Hint, Lane, Op, Order, Round, Slot, Terminator, Trap, Type, Value,
};
use translator::lift::{Bytes, LiftOptions, lift_block};
use translator::opt;

/// Where the random states point to: a writable page, a read-only one, and nothing behind it.
const DATA: u64 = 0x10_0000;

/// Random guest code, lifted.
///
/// # Errors
/// Says what differs.
pub fn code(guest: Guest, cases: u64, seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    for case in 0..cases {
        let count = 1 + random.below(12);
        let bytes: Vec<u8> =
            (0..count).flat_map(|_| random_code(guest, &mut random, 0x1000, 0x2000)).collect();
        let code = Bytes { start: 0x1000, bytes: &bytes };
        if let Ok(block) = lift_block(guest, &code, 0x1000, &LiftOptions::default()) {
            check(&block, &mut random).map_err(|error| format!("case {case} of seed {seed}: {error}"))?;
        }
    }
    Ok(())
}

/// Random IR that uses few slots, so that sets meet gets.
///
/// # Errors
/// Says what differs.
pub fn ops(guest: Guest, cases: u64, seed: u64) -> Result<(), String> {
    let mut random = Random::new(seed);
    for case in 0..cases {
        let block = random_block(guest, &mut random);
        check(&block, &mut random).map_err(|error| format!("case {case} of seed {seed}: {error}"))?;
    }
    Ok(())
}

/// Runs the block as it is and optimised from the same random states, whole and stopped where state must be exact.
fn check(block: &Block, random: &mut Random) -> Result<(), String> {
    let mut optimized = block.clone();
    opt::optimize(&mut optimized);
    translator::ir::verify::verify(&optimized).map_err(|error| format!("{error}\n{block}{optimized}"))?;
    let mut limits = exact_starts(&optimized);
    limits.push(u64::MAX);
    for _ in 0..3 {
        let start = random_state(block.guest, random);
        for &limit in &limits {
            let (mut expected, mut seen) = (start.clone(), start.clone());
            let expected_outcome = Interpreter::new().run(block, &mut expected, limit);
            let outcome = Interpreter::new().run(&optimized, &mut seen, limit);
            if outcome != expected_outcome || seen != expected {
                let slots = block.guest.register_file().slots.iter().enumerate();
                let differences: Vec<String> = slots
                    .map(|(at, info)| (info.name, expected.get(Slot(at as u16)), seen.get(Slot(at as u16))))
                    .filter(|(_, expected, seen)| expected != seen)
                    .map(|(name, expected, seen)| format!("{name}: {expected:#x} became {seen:#x}"))
                    .collect();
                return Err(format!(
                    "limit {limit}: {expected_outcome:?} became {outcome:?}\n{}\n{block}{optimized}",
                    differences.join("\n")
                ));
            }
        }
    }
    Ok(())
}

/// The numbers of instructions that may be left in their middle: compiled code goes back to their start.
fn exact_starts(block: &Block) -> Vec<u64> {
    let mut starts = Vec::new();
    let mut instructions = 0;
    for op in &block.ops {
        instructions += u64::from(matches!(op, Op::Instruction { .. }));
        if op.effect().may_exit() && starts.last() != Some(&(instructions - 1)) {
            starts.push(instructions - 1);
        }
    }
    starts
}

fn random_state(guest: Guest, random: &mut Random) -> TestWorld {
    let mut world = TestWorld::new(guest);
    world.map(DATA, 4096, true);
    world.map(DATA + 4096, 4096, false);
    for (at, info) in guest.register_file().slots.iter().enumerate().skip(2) {
        let value = if info.ty == Type::I64 && random.below(2) == 0 {
            (DATA + 4096 - 256 + random.below(512)).into()
        } else {
            (u128::from(random.u64()) << 64 | u128::from(random.u64())) & info.ty.mask()
        };
        world.set(Slot(at as u16), value);
    }
    world
}

/// The values of each type made so far, and what makes more of them.
struct Maker<'a> {
    b: Builder,
    random: &'a mut Random,
    slots: Vec<(Slot, Type)>,
}

impl Maker<'_> {
    /// A value of a type: an earlier one, a slot or a constant.
    fn value(&mut self, ty: Type) -> Value {
        let earlier: Vec<Value> = (0..self.b.block().ops.len() as u32)
            .map(Value)
            .filter(|value| self.b.type_of(*value) == Some(ty))
            .collect();
        let slots: Vec<Slot> =
            self.slots.iter().filter(|(_, slot)| *slot == ty).map(|(slot, _)| *slot).collect();
        match self.random.below(4) {
            0 | 1 if !earlier.is_empty() => earlier[self.random.below(earlier.len() as u64) as usize],
            2 if !slots.is_empty() => {
                let slot = slots[self.random.below(slots.len() as u64) as usize];
                self.b.get(slot)
            }
            _ => self.constant(ty),
        }
    }

    fn constant(&mut self, ty: Type) -> Value {
        let choices = [0, 1, 2, 31, 64, u64::MAX, 1 << 63, self.random.u64()];
        let imm = choices[self.random.below(choices.len() as u64) as usize];
        match ty {
            Type::V128 => self.b.vconst(u128::from(imm) << 64 | u128::from(imm)),
            Type::I128 => {
                let low = self.value(Type::I64);
                let high = self.value(Type::I64);
                self.b.concat(low, high)
            }
            ty if ty.is_float() => {
                let bits = self.value(Type::int_of_bytes(ty.bytes()));
                self.b.bitcast(bits, ty)
            }
            ty => self.b.iconst(ty, imm),
        }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.random.below(from.len() as u64) as usize]
    }

    fn op(&mut self) {
        let int = self.pick(&[Type::I1, Type::I8, Type::I16, Type::I32, Type::I64]);
        let word = self.pick(&[Type::I8, Type::I16, Type::I32, Type::I64]);
        match self.random.below(24) {
            0 => {
                let (a, b) = (self.value(int), self.value(int));
                let op = self.pick(&[
                    Op::Add { a, b },
                    Op::Sub { a, b },
                    Op::Mul { a, b },
                    Op::And { a, b },
                    Op::Or { a, b },
                    Op::Xor { a, b },
                    Op::AndNot { a, b },
                ]);
                self.b.push(op);
            }
            1 => {
                let (a, b) = (self.value(word), self.value(word));
                let op = self.pick(&[
                    Op::Shl { a, b },
                    Op::LShr { a, b },
                    Op::AShr { a, b },
                    Op::RotL { a, b },
                    Op::RotR { a, b },
                    Op::UDiv { a, b },
                    Op::SRem { a, b },
                    Op::UMulHigh { a, b },
                ]);
                self.b.push(op);
            }
            2 => {
                let (a, b, carry_in) = (self.value(word), self.value(word), self.value(Type::I1));
                let op = self.pick(&[Op::Carry { a, b, carry_in }, Op::Overflow { a, b, carry_in }]);
                self.b.push(op);
            }
            3 | 4 => {
                let (a, b) = (self.value(int), self.value(int));
                let cond = self.pick(Cond::ALL);
                self.b.icmp(a, b, cond);
            }
            5 => {
                let ty = self.pick(&[int, Type::V128, Type::F64]);
                let (a, b, cond) = (self.value(ty), self.value(ty), self.value(Type::I1));
                self.b.select(a, b, cond);
            }
            6..=8 => {
                let (a, ty) =
                    (self.value(int), self.pick(&[Type::I1, Type::I8, Type::I16, Type::I32, Type::I64]));
                match (int.bits().cmp(&ty.bits()), self.random.below(2)) {
                    (std::cmp::Ordering::Less, 0) => drop(self.b.zext(a, ty)),
                    (std::cmp::Ordering::Less, _) => drop(self.b.sext(a, ty)),
                    (std::cmp::Ordering::Greater, _) => drop(self.b.trunc(a, ty)),
                    (std::cmp::Ordering::Equal, _) => {}
                }
            }
            9 => {
                let (from, to) =
                    self.pick(&[(Type::I64, Type::F64), (Type::F64, Type::I64), (Type::I128, Type::V128)]);
                let a = self.value(from);
                self.b.bitcast(a, to);
            }
            10 => {
                let a = self.value(Type::I128);
                let op = self.pick(&[Op::Low { a }, Op::High { a }]);
                self.b.push(op);
            }
            11 => {
                let (v, x) = (self.value(Type::V128), self.value(Type::I32));
                let v = self.b.vinsert(v, x, Lane::B32, 1);
                let index = self.random.below(4) as u8;
                self.b.vextract(v, Lane::B32, index);
            }
            12 => {
                let (a, b, lane) = (self.value(Type::V128), self.value(Type::V128), self.pick(Lane::ALL));
                let cond = self.pick(Cond::ALL);
                let op = self.pick(&[
                    Op::VXor { a, b },
                    Op::VAnd { a, b },
                    Op::VOr { a, b },
                    Op::VAndNot { a, b },
                    Op::VSub { a, b, lane },
                    Op::VICmp { a, b, lane, cond },
                ]);
                self.b.push(op);
            }
            13 => {
                let (a, b) = (self.value(Type::F64), self.value(Type::F64));
                self.b.fadd(a, b, Round::Current);
            }
            14 => {
                let (cond, info) = (self.value(Type::I1), self.value(Type::I64));
                self.b.trap_if(cond, info, Trap::DivideError);
            }
            15 => {
                let address = self.value(Type::I64);
                self.b.load(address, word, Order::Plain);
            }
            16 => {
                let (address, value) = (self.value(Type::I64), self.value(word));
                self.b.store(address, value, Order::Plain);
            }
            17 => {
                let cond = self.value(Type::I1);
                self.b.skip_if(cond);
            }
            _ => {
                let (slot, ty) = self.slots[self.random.below(self.slots.len() as u64) as usize];
                let value = self.value(ty);
                self.b.set(value, slot);
            }
        }
    }
}

fn random_block(guest: Guest, random: &mut Random) -> Block {
    let file = guest.register_file();
    let mut slots = vec![(Slot::FP_FLAGS, Type::I32)];
    for ty in Type::ALL {
        let of_type = (2..file.slots.len() as u16).map(Slot).filter(|slot| file.slot(*slot).ty == *ty);
        slots.extend(of_type.take(3).map(|slot| (slot, *ty)));
    }
    let mut maker = Maker { b: Builder::new(guest, 0x1000), random, slots };
    let instructions = 1 + maker.random.below(6);
    for instruction in 0..instructions {
        maker.b.instruction(0x1000 + 4 * instruction, 4);
        for _ in 0..maker.random.below(10) {
            maker.op();
        }
    }
    let terminator = match maker.random.below(5) {
        0 => Terminator::Jump { target: 0x2000 },
        1 => Terminator::Indirect { target: maker.value(Type::I64), hint: Hint::Other },
        2 => Terminator::Trap { trap: Trap::Illegal },
        _ => Terminator::Branch { cond: maker.value(Type::I1), taken: 0x3000, fallthrough: 0x2000 },
    };
    maker.b.terminate(terminator);
    maker.b.finish(0x1000 + 4 * instructions)
}
