//! Chains of float arithmetic: whichever of their results is in doubt, compiled code gives what the interpreter gives.

use super::oracle::{SPECIAL, bench, compiler, key, random};
use crate::codegen::evaluate::StateWorld;
use crate::codegen::{Compiler, UnitKey};
use crate::float::flags;
use crate::guest::{FpEnv, Guest, aarch64, riscv64, x86_64};
use crate::ir::interpret::Interpreter;
use crate::ir::{Block, Builder, FloatCond, Quietness, Round, Slot, Type, Value};
use crate::region::Region;
use crate::run::enter::Bench;
use crate::run::state::VcpuState;

/// Float registers that the blocks read and write.
const REGISTERS: u8 = 6;
/// Blocks for each guest, format and key.
const BLOCKS: usize = 60;
/// Runs of each block.
const ROUNDS: usize = 60;

fn register(guest: Guest, number: u8) -> Slot {
    match guest {
        Guest::X86_64 => x86_64::xmm(number),
        Guest::Aarch64 => aarch64::v(number),
        Guest::Riscv64 => riscv64::f(number),
    }
}

/// Reads and writes of scalars as the lifters make them.
struct Scalars {
    b: Builder,
    guest: Guest,
    ty: Type,
}

impl Scalars {
    fn read(&mut self, number: u8) -> Value {
        let register = self.b.get(register(self.guest, number));
        match self.guest {
            Guest::Riscv64 if self.ty == Type::F64 => register,
            Guest::Riscv64 => self.b.funbox(register),
            Guest::X86_64 | Guest::Aarch64 => self.b.vextract_float(register, self.ty, 0),
        }
    }

    fn write(&mut self, value: Value, number: u8) {
        let slot = register(self.guest, number);
        let register = match self.guest {
            Guest::Riscv64 if self.ty == Type::F64 => value,
            Guest::Riscv64 => self.b.fbox(value),
            Guest::Aarch64 => self.b.vfrom_scalar(value),
            Guest::X86_64 => {
                let old = self.b.get(slot);
                self.b.vinsert_float(old, value, 0)
            }
        };
        self.b.set(register, slot);
    }
}

/// A block of a few instructions of float arithmetic, with something else between them now and then.
fn block(guest: Guest, ty: Type, seed: &mut u64) -> Block {
    let mut s = Scalars { b: Builder::new(guest, 0x1000), guest, ty };
    let count = 2 + random(seed) % 9;
    for index in 0..count {
        s.b.instruction(0x1000 + 4 * index, 4);
        let pick = random(seed);
        let [a, b, c, to] = [8, 16, 24, 32].map(|at| ((pick >> at) % u64::from(REGISTERS)) as u8);
        let (x, y) = (s.read(a), s.read(b));
        let result = match pick % 16 {
            0..3 => s.b.fadd(x, y, Round::Current),
            3..5 => s.b.fsub(x, y, Round::Current),
            5..9 => s.b.fmul(x, y, Round::Current),
            9 => s.b.fdiv(x, y, Round::Current),
            10 => s.b.fsqrt(x, Round::Current),
            11..13 => {
                let z = s.read(c);
                s.b.fma(x, y, z, Round::Current)
            }
            13 => s.b.fneg(x),
            14 => s.b.fabs(x),
            _ => {
                let less = s.b.fcmp(x, y, FloatCond::Less, Quietness::Signaling);
                s.b.select(x, y, less)
            }
        };
        s.write(result, to);
        if pick >> 60 == 0 {
            let flags = s.b.get(Slot::FP_FLAGS);
            s.b.set(flags, Slot::FP_FLAGS);
        }
    }
    let end = 0x1000 + 4 * count;
    s.b.jump(end);
    s.b.finish(end)
}

/// Mostly numbers near one, so that what is special is met alone.
fn input(ty: Type, seed: &mut u64) -> u64 {
    let pick = random(seed);
    let special = SPECIAL[(pick >> 8) as usize % SPECIAL.len()];
    match (pick % 4, ty) {
        (0, _) => special,
        (_, Type::F32) => (0x3f00_0000 + (pick >> 40)) | (pick & 8) << 28,
        // Now and then so small that a product of two underflows.
        (1, _) if pick & 0x70 == 0 => 0x1e60_0000_0000_0000 + (pick >> 16),
        _ => (0x3fe0_0000_0000_0000 + (pick >> 11)) | (pick & 8) << 60,
    }
}

/// A block that was compiled, and everything to run it.
struct Both {
    compiler: Compiler,
    bench: Bench,
    interpreter: Interpreter,
}

impl Both {
    fn new() -> Both {
        let compiler = compiler();
        Both { bench: bench(&compiler), compiler, interpreter: Interpreter::new() }
    }

    /// Compiles a block and holds it against the interpreter, on each of these contents of the registers.
    fn hold(&mut self, block: &Block, env: u32, sticky: u32, inputs: impl Iterator<Item = Vec<u64>>) {
        let guest = block.guest;
        let file = guest.register_file();
        let region = Region::single(block.clone());
        let unit = self.compiler.compile(&region, &key(guest, env, sticky), &Default::default()).unwrap();
        let installed = self.bench.runtime.arena().install(&unit).unwrap();
        for input in inputs {
            let mut start = Box::new(VcpuState::new());
            start.slots.set(file, Slot::FP_FLAGS, sticky.into());
            start.slots.set(file, Slot::FP_ENV, env.into());
            for (number, &value) in (0..).zip(&input) {
                start.slots.set(file, register(guest, number), value.into());
            }
            self.bench.state.slots = start.slots;
            self.bench.state.interrupt.store(0, std::sync::atomic::Ordering::Relaxed);
            self.interpreter.run(block, &mut StateWorld { state: &mut start, file }, u64::MAX);
            self.bench.run(&installed);
            for slot in (0..REGISTERS).map(|number| register(guest, number)).chain([Slot::FP_FLAGS]) {
                let [compiled, right] = [&self.bench.state, &start].map(|state| state.slots.get(file, slot));
                assert_eq!(compiled, right, "{slot:?} of {input:x?}, sticky {sticky:#x}\n{block}");
            }
        }
        self.bench.runtime.arena().free(installed.id);
    }
}

#[test]
fn chains_of_arithmetic_compiled_equal_interpreted() {
    let mut both = Both::new();
    let mut seed = 7;
    for guest in Guest::ALL {
        for (ty, env) in [(Type::F64, 0), (Type::F32, 0), (Type::F64, FpEnv::DEFAULT_NAN)] {
            for sticky in [flags::INEXACT, UnitKey::sticky_mask(guest)] {
                for _ in 0..BLOCKS {
                    let block = block(guest, ty, &mut seed);
                    let boxed = guest == Guest::Riscv64 && ty == Type::F32;
                    let inputs = std::iter::repeat_with(|| {
                        let value = |_| {
                            let value = input(ty, &mut seed);
                            let is_boxed = boxed && !random(&mut seed).is_multiple_of(16);
                            if is_boxed { value | 0xffff_ffff << 32 } else { value }
                        };
                        (0..REGISTERS).map(value).collect()
                    });
                    both.hold(&block, env, sticky, inputs.take(ROUNDS));
                }
            }
        }
    }
}

/// Zero divided by an infinity is an exact zero: the sum that overflowed has to be looked at all the same.
#[test]
fn a_quotient_does_not_hide_that_its_divisor_has_overflowed() {
    for guest in Guest::ALL {
        let mut s = Scalars { b: Builder::new(guest, 0x1000), guest, ty: Type::F64 };
        s.b.instruction(0x1000, 4);
        let (x, y) = (s.read(0), s.read(1));
        let sum = s.b.fadd(x, y, Round::Current);
        let dividend = s.read(2);
        let quotient = s.b.fdiv(dividend, sum, Round::Current);
        s.write(quotient, 3);
        s.b.jump(0x1004);
        let block = s.b.finish(0x1004);
        let inputs = vec![f64::MAX.to_bits(), f64::MAX.to_bits(), 0];
        Both::new().hold(&block, 0, UnitKey::sticky_mask(guest), std::iter::once(inputs));
    }
}
