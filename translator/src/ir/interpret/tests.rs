//! Tests: the tables of `ir::cases` on the interpreter, then state, memory, exits and the run loop.

use super::*;
use crate::guest::{FpEnv, Guest, riscv64};
use crate::ir::{Builder, Effect, Hint, OPS, cases};
use crate::memory::FaultKind;
use std::collections::{BTreeMap, HashSet};

/// Slots in a map, 256 bytes of memory at 0x100 of which the second half is read-only, and a log of the rest.
#[derive(Default)]
struct Arrays {
    slots: BTreeMap<u16, u128>,
    memory: Vec<u8>,
    reservation: Option<(u64, Type, u128)>,
    log: Vec<String>,
    stop_hook: u32,
}

const MEMORY: u64 = 0x100;
const READ_ONLY: u64 = 0x180;

impl Arrays {
    fn new() -> Arrays {
        Arrays { memory: (0..=255).collect(), ..Arrays::default() }
    }

    fn check(&self, addr: u64, size: u32, access: Access) -> Result<usize, Fault> {
        let fault = |addr, kind| Fault { addr, access, size, kind };
        for byte in addr..addr + u64::from(size) {
            if !(MEMORY..MEMORY + self.memory.len() as u64).contains(&byte) {
                return Err(fault(byte, FaultKind::Unmapped));
            }
            if access == Access::Write && byte >= READ_ONLY {
                return Err(fault(byte, FaultKind::Permission));
            }
        }
        Ok((addr - MEMORY) as usize)
    }

    fn read(&self, addr: u64, ty: Type) -> Result<u128, Fault> {
        let at = self.check(addr, ty.bytes(), Access::Read)?;
        let bytes = &self.memory[at..at + ty.bytes() as usize];
        Ok(bytes.iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte)))
    }

    fn write(&mut self, addr: u64, ty: Type, value: u128) -> Result<(), Fault> {
        let at = self.check(addr, ty.bytes(), Access::Write)?;
        let size = ty.bytes() as usize;
        self.memory[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        Ok(())
    }
}

impl World for Arrays {
    fn get(&self, slot: Slot) -> u128 {
        self.slots.get(&slot.0).copied().unwrap_or(0)
    }

    fn set(&mut self, slot: Slot, value: u128) {
        self.slots.insert(slot.0, value);
    }

    fn load(&mut self, addr: u64, ty: Type, order: Order) -> Result<u128, Fault> {
        self.log.push(format!("load {order}"));
        self.read(addr, ty)
    }

    fn store(&mut self, addr: u64, ty: Type, value: u128, order: Order) -> Result<(), Fault> {
        self.log.push(format!("store {order}"));
        self.write(addr, ty, value)
    }

    fn probe(&mut self, addr: u64, size: u32, access: Access) -> Result<(), Fault> {
        self.check(addr, size, access).map(|_| ())
    }

    fn cas(&mut self, addr: u64, ty: Type, expected: u128, new: u128, _: Order) -> Result<u128, Fault> {
        self.check(addr, ty.bytes(), Access::Write)?;
        let old = self.read(addr, ty)?;
        if old == expected {
            self.write(addr, ty, new)?;
        }
        Ok(old)
    }

    fn rmw(&mut self, addr: u64, ty: Type, op: RmwOp, value: u128, _: Order) -> Result<u128, Fault> {
        self.check(addr, ty.bytes(), Access::Write)?;
        let old = self.read(addr, ty)?;
        self.write(addr, ty, op.apply(ty, old, value))?;
        Ok(old)
    }

    fn load_exclusive(&mut self, addr: u64, ty: Type, _: Order) -> Result<u128, Fault> {
        let value = self.read(addr, ty)?;
        self.reservation = Some((addr, ty, value));
        Ok(value)
    }

    fn store_exclusive(&mut self, addr: u64, ty: Type, value: u128, _: Order) -> Result<bool, Fault> {
        let holds = self.reservation.take() == Some((addr, ty, self.read(addr, ty)?));
        if holds {
            self.write(addr, ty, value)?;
        }
        Ok(holds)
    }

    fn clear_exclusive(&mut self) {
        self.reservation = None;
    }

    fn fence(&mut self, before: FenceSet, after: FenceSet) {
        self.log.push(format!("fence {before} {after}"));
    }

    fn env(&mut self, call: EnvCall, a: u64, b: u64) -> u64 {
        self.log.push(format!("env {call} {a} {b}"));
        77
    }

    fn hook(&mut self, id: u32) -> bool {
        self.log.push(format!("hook {id}"));
        id == self.stop_hook
    }
}

#[test]
fn every_case_gives_its_result_and_flags() {
    let mut failures = Vec::new();
    for case in cases::all() {
        let mut world = Arrays::new();
        world.set(Slot::FP_ENV, case.env.into());
        for &(slot, value) in &case.inputs {
            world.set(slot, value.into());
        }
        let outcome = Interpreter::new().run(&case.block, &mut world, u64::MAX);
        assert_eq!(outcome, Outcome { retired: 1, end: End::Next(0x1004) });
        let got = world.get(cases::RESULT) | world.get(cases::RESULT_HIGH) << 64;
        let flags = world.get(Slot::FP_FLAGS);
        if (got, flags) != (case.expected, case.flags.into()) {
            failures.push(format!("{}\n    gives {got:#x}, flags {flags:06b}", case.text));
        }
    }
    assert!(failures.is_empty(), "{} cases fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn every_op_has_a_case() {
    let tested: HashSet<&str> =
        cases::all().iter().filter_map(|case| case.text.split_whitespace().next()).collect();
    let missing: Vec<&str> = cases::testable().filter(|name| !tested.contains(name)).collect();
    assert!(missing.is_empty(), "no case in ir/cases for {missing:?}");
    // The others have effects; each is used by a test of this file.
    let source = include_str!("tests.rs");
    let effects = OPS.iter().filter(|op| !matches!(op.effect, Effect::Pure | Effect::Float));
    let missing: Vec<&str> =
        effects.map(|op| op.name).filter(|name| !source.contains(&format!("b.{name}("))).collect();
    assert!(missing.is_empty(), "no test of {missing:?}");
}

#[test]
fn flags_are_sticky_and_the_environment_is_the_slots() {
    let block = block(|b| {
        let (one, three) = (b.i64(1f64.to_bits()), b.i64(3f64.to_bits()));
        let (one, three) = (b.bitcast(one, Type::F64), b.bitcast(three, Type::F64));
        let third = b.fdiv(one, three, crate::ir::Round::Current);
        b.set(third, riscv64::F0);
    });
    let mut world = Arrays::new();
    world.set(Slot::FP_FLAGS, 16);
    world.set(Slot::FP_ENV, 3);
    run(&block, &mut world);
    assert_eq!(world.get(Slot::FP_FLAGS), 17);
    assert_eq!(world.get(riscv64::F0), 0x3fd5_5555_5555_5556);
    assert_eq!(FpEnv(3).rounding(), Some(crate::float::Rounding::Up));
}

/// A block of one instruction at 0x1000.
fn block(build: impl FnOnce(&mut Builder)) -> Block {
    let mut b = Builder::new(Guest::Riscv64, 0x1000);
    b.instruction(0x1000, 4);
    build(&mut b);
    b.jump(0x1004);
    let block = b.finish(0x1004);
    crate::ir::verify::verify(&block).unwrap();
    block
}

fn run(block: &Block, world: &mut Arrays) -> Outcome {
    Interpreter::new().run(block, world, u64::MAX)
}

/// Run one instruction that must succeed, and give x1.
fn result(world: &mut Arrays, build: impl FnOnce(&mut Builder) -> Value) -> u64 {
    let block = block(|b| {
        let value = build(b);
        let value = match b.ty(value) {
            Type::I64 => value,
            Type::I128 => b.low(value),
            _ => b.zext(value, Type::I64),
        };
        b.set(value, riscv64::X1);
    });
    assert_eq!(run(&block, world), Outcome { retired: 1, end: End::Next(0x1004) });
    world.get(riscv64::X1) as u64
}

/// Run one instruction that must fault.
fn fault(world: &mut Arrays, build: impl FnOnce(&mut Builder)) -> Fault {
    let outcome = run(&block(build), world);
    assert_eq!(outcome.retired, 0);
    match outcome.end {
        End::Fault { pc: 0x1000, fault } => fault,
        other => panic!("no fault: {other:?}"),
    }
}

#[test]
fn loads_and_stores_are_little_endian_of_their_type() {
    let mut world = Arrays::new();
    let load = |world: &mut Arrays, addr, ty| {
        result(world, |b| {
            let addr = b.i64(addr);
            b.load(addr, ty, Order::Acquire)
        })
    };
    assert_eq!(load(&mut world, 0x105, Type::I8), 5);
    assert_eq!(load(&mut world, 0x105, Type::I32), 0x0807_0605);
    assert_eq!(load(&mut world, 0x108, Type::I64), 0x0f0e_0d0c_0b0a_0908);
    run(
        &block(|b| {
            let (addr, value) = (b.i64(0x111), b.i32(0xaabb_ccdd));
            b.store(addr, value, Order::Release);
        }),
        &mut world,
    );
    assert_eq!(load(&mut world, 0x110, Type::I64), 0x1716_15aa_bbcc_dd10);
    assert_eq!(world.log[..1], ["load acquire"]);
    assert_eq!(world.log[3], "store release");
}

#[test]
fn faults_name_the_instruction_and_keep_what_was_set_before() {
    let mut world = Arrays::new();
    let faulting = block(|b| {
        let (addr, one) = (b.i64(0x1fc), b.i64(1));
        b.set(one, riscv64::X5);
        let value = b.load(addr, Type::I64, Order::Plain);
        b.set(value, riscv64::X6);
    });
    let outcome = run(&faulting, &mut world);
    let fault_of = |addr, access, size, kind| Fault { addr, access, size, kind };
    let expected = fault_of(0x200, Access::Read, 8, FaultKind::Unmapped);
    assert_eq!(outcome, Outcome { retired: 0, end: End::Fault { pc: 0x1000, fault: expected } });
    assert_eq!((world.get(riscv64::X5), world.get(riscv64::X6)), (1, 0));

    let got = fault(&mut world, |b| {
        let addr = b.i64(0x17e);
        b.store(addr, addr, Order::Plain);
    });
    assert_eq!(got, fault_of(0x180, Access::Write, 8, FaultKind::Permission));
    let got = fault(&mut world, |b| {
        let addr = b.i64(0x17e);
        b.probe(addr, Access::Write, 4);
    });
    assert_eq!(got, fault_of(0x180, Access::Write, 4, FaultKind::Permission));
    // A comparison that fails on read-only memory still faults.
    let got = fault(&mut world, |b| {
        let (addr, zero) = (b.i64(0x180), b.i64(0));
        b.cas(addr, zero, zero, Type::I64, Order::SeqCst);
    });
    assert_eq!(got.kind, FaultKind::Permission);
    let got = fault(&mut world, |b| {
        let (addr, zero) = (b.i64(0x180), b.i64(0));
        b.rmw(addr, zero, Type::I64, RmwOp::Add, Order::SeqCst);
    });
    assert_eq!(got.kind, FaultKind::Permission);
}

#[test]
fn compare_and_swap_stores_on_equality_only() {
    let mut world = Arrays::new();
    let mut cas = |expected, new| {
        result(&mut world, |b| {
            let (addr, expected, new) = (b.i64(0x100), b.i32(expected), b.i32(new));
            b.cas(addr, expected, new, Type::I32, Order::SeqCst)
        })
    };
    assert_eq!(cas(0x0302_0101, 7), 0x0302_0100);
    assert_eq!(cas(0x0302_0100, 7), 0x0302_0100);
    assert_eq!(cas(7, 8), 7);
    let wide = result(&mut world, |b| {
        let (addr, low, high) = (b.i64(0x110), b.i64(0x1716_1514_1312_1110), b.i64(0x1f1e_1d1c_1b1a_1918));
        let (expected, new) = (b.concat(low, high), b.concat(high, low));
        b.cas(addr, expected, new, Type::I128, Order::AcquireRelease)
    });
    assert_eq!(wide, 0x1716_1514_1312_1110);
    assert_eq!(world.memory[16..24], [0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f]);
}

#[test]
fn every_read_modify_write_stores_its_function_and_gives_the_old_value() {
    let expected = [
        (RmwOp::Exchange, 3),
        (RmwOp::Add, 0x83),
        (RmwOp::Sub, 0x7d),
        (RmwOp::And, 0),
        (RmwOp::AndNot, 0x80),
        (RmwOp::Or, 0x83),
        (RmwOp::Xor, 0x83),
        (RmwOp::Smin, 0x80),
        (RmwOp::Smax, 3),
        (RmwOp::Umin, 3),
        (RmwOp::Umax, 0x80),
    ];
    assert_eq!(expected.len(), RmwOp::ALL.len());
    for (op, new) in expected {
        let mut world = Arrays::new();
        world.memory[0] = 0x80;
        let old = result(&mut world, |b| {
            let (addr, three) = (b.i64(0x100), b.iconst(Type::I8, 3));
            b.rmw(addr, three, Type::I8, op, Order::SeqCst)
        });
        assert_eq!((old, world.memory[0], world.memory[1]), (0x80, new, 1), "{op}");
    }
}

#[test]
fn store_exclusive_needs_the_reservation() {
    let mut world = Arrays::new();
    let load = |world: &mut Arrays| {
        result(world, |b| {
            let addr = b.i64(0x100);
            b.load_exclusive(addr, Type::I32, Order::Acquire)
        })
    };
    let store = |world: &mut Arrays, addr| {
        result(world, |b| {
            let (addr, value) = (b.i64(addr), b.i32(9));
            b.store_exclusive(addr, value, Type::I32, Order::Release)
        })
    };
    assert_eq!(store(&mut world, 0x100), 0);
    assert_eq!(load(&mut world), 0x0302_0100);
    assert_eq!(store(&mut world, 0x104), 0);
    load(&mut world);
    assert_eq!(store(&mut world, 0x100), 1);
    assert_eq!(store(&mut world, 0x100), 0);
    assert_eq!(load(&mut world), 9);
    run(&block(|b| b.clear_exclusive()), &mut world);
    assert_eq!(store(&mut world, 0x100), 0);
}

#[test]
fn fences_and_questions_reach_the_world() {
    let mut world = Arrays::new();
    run(&block(|b| b.fence(FenceSet::Read, FenceSet::ReadWrite)), &mut world);
    let answer = result(&mut world, |b| {
        let (a, c) = (b.i64(5), b.i64(6));
        b.env(a, c, EnvCall::CpuidAb)
    });
    assert_eq!(answer, 77);
    assert_eq!(world.log, ["fence r rw", "env cpuid_ab 5 6"]);
}

/// Two instructions that count in x1, the second ended by `end`.
fn counting(middle: impl FnOnce(&mut Builder), end: impl FnOnce(&mut Builder)) -> Block {
    let mut b = Builder::new(Guest::Riscv64, 0x1000);
    for (pc, len) in [(0x1000, 4), (0x1004, 2)] {
        b.instruction(pc, len);
        let (old, one) = (b.get(riscv64::X1), b.i64(1));
        let new = b.add(old, one);
        b.set(new, riscv64::X1);
        if pc == 0x1004 {
            middle(&mut b);
            let hundred = b.i64(100);
            b.set(hundred, riscv64::X2);
            end(&mut b);
            break;
        }
    }
    b.finish(0x1006)
}

#[test]
fn every_terminator_ends_as_it_says() {
    let end = |end: &dyn Fn(&mut Builder)| run(&counting(|_| (), |b| end(b)), &mut Arrays::new());
    let retired = |retired, end| Outcome { retired, end };
    assert_eq!(end(&|b| b.jump(0x2000)), retired(2, End::Next(0x2000)));
    for (cond, target) in [(true, 0x2000), (false, 0x3000)] {
        let branch = |b: &mut Builder| {
            let cond = b.i1(cond);
            b.branch(cond, 0x2000, 0x3000);
        };
        assert_eq!(end(&branch), retired(2, End::Next(target)));
    }
    for (again, outcome) in
        [(true, retired(1, End::Repeat { pc: 0x1004 })), (false, retired(2, End::Next(0x1006)))]
    {
        let repeat = |b: &mut Builder| {
            let again = b.i1(again);
            b.repeat(again, 0x1004, 0x1006);
        };
        assert_eq!(end(&repeat), outcome);
    }
    let indirect = |b: &mut Builder| {
        let target = b.i64(0x4000);
        b.indirect(target, Hint::Return);
    };
    assert_eq!(end(&indirect), retired(2, End::Next(0x4000)));
    let syscall = |b: &mut Builder| b.terminate(Terminator::Syscall { next: 0x1006 });
    assert_eq!(end(&syscall), retired(2, End::Syscall { next: 0x1006 }));
    let resync = |b: &mut Builder| b.terminate(Terminator::Resync { next: 0x1006 });
    assert_eq!(end(&resync), retired(2, End::Resync { next: 0x1006 }));
    let trap = End::Trap { trap: Trap::Breakpoint, pc: 0x1004, info: 0 };
    assert_eq!(end(&|b| b.trap(Trap::Breakpoint)), retired(1, trap));
}

#[test]
fn limits_stop_before_the_next_instruction() {
    let block = counting(|_| (), |b| b.jump(0x2000));
    for (limit, retired, end) in [
        (0, 0, End::Limit { pc: 0x1000 }),
        (1, 1, End::Limit { pc: 0x1004 }),
        (2, 2, End::Next(0x2000)),
        (3, 2, End::Next(0x2000)),
    ] {
        let mut world = Arrays::new();
        let outcome = Interpreter::new().run(&block, &mut world, limit);
        assert_eq!(outcome, Outcome { retired, end });
        assert_eq!(world.get(riscv64::X1), u128::from(retired));
    }
}

#[test]
fn conditional_exits_leave_in_the_middle() {
    let outcome = |middle: &dyn Fn(&mut Builder)| {
        let mut world = Arrays { stop_hook: 5, ..Arrays::new() };
        let block = counting(|b| middle(b), |b| b.jump(0x2000));
        let outcome = run(&block, &mut world);
        assert_eq!(world.get(riscv64::X1), 2);
        (outcome, world.get(riscv64::X2))
    };
    let done = (Outcome { retired: 2, end: End::Next(0x2000) }, 100);
    let trap_if = |cond| {
        move |b: &mut Builder| {
            let (cond, info) = (b.i1(cond), b.i64(0xbad));
            b.trap_if(cond, info, Trap::Misaligned);
        }
    };
    let trap = End::Trap { trap: Trap::Misaligned, pc: 0x1004, info: 0xbad };
    assert_eq!(outcome(&trap_if(true)), (Outcome { retired: 1, end: trap }, 0));
    assert_eq!(outcome(&trap_if(false)), done);
    let skip_if = |cond| {
        move |b: &mut Builder| {
            let cond = b.i1(cond);
            b.skip_if(cond);
        }
    };
    assert_eq!(outcome(&skip_if(true)), (Outcome { retired: 2, end: End::Next(0x1006) }, 0));
    assert_eq!(outcome(&skip_if(false)), done);
    assert_eq!(outcome(&|b| b.hook(5)), (Outcome { retired: 1, end: End::HookStop { pc: 0x1004 } }, 0));
    assert_eq!(outcome(&|b| b.hook(6)), done);
}
