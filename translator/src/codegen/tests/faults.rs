//! A fault finds the state exact: pc and registers as they were before the faulting instruction, or before a load that
//! the interpreter does again on its way there.

use super::oracle::{bench, compiler, key};
use crate::codegen::*;
use crate::guest::{Guest, riscv64};
use crate::ir::{Block, Builder, Order, Slot, Type};
use crate::memory::{Memory, Mode, Options as MemoryOptions, Permissions, Prot};
use crate::region::Region;
use crate::run::enter::Bench;
use crate::run::signal;
use crate::run::state::ExitKind;

pub(super) const DATA: u64 = 0x10_0000;

pub(super) fn memory() -> Memory {
    let memory = Memory::new(Mode::Direct, &MemoryOptions::default()).unwrap();
    memory.map(DATA, 4096, Prot::READ | Prot::WRITE).unwrap();
    memory
}

/// `x5 += 1; x7 = load(x6 + 8); x5 += x7; store(x8, x5); x5 += 1; loop while x5 != x9`
pub(super) fn block() -> Block {
    let mut b = Builder::new(Guest::Riscv64, 0x1000);
    let (one, eight) = (1, 8);
    b.instruction(0x1000, 4);
    let x5 = b.get(riscv64::X5);
    let one = b.i64(one);
    let sum = b.add(x5, one);
    b.set(sum, riscv64::X5);
    b.instruction(0x1004, 4);
    let x6 = b.get(riscv64::X6);
    let eight = b.i64(eight);
    let addr = b.add(x6, eight);
    let x7 = b.load(addr, Type::I64, Order::Plain);
    b.set(x7, riscv64::X7);
    b.instruction(0x1008, 4);
    let sum = b.add(sum, x7);
    b.set(sum, riscv64::X5);
    b.instruction(0x100c, 4);
    let x8 = b.get(riscv64::X8);
    b.store(x8, sum, Order::Plain);
    b.instruction(0x1010, 4);
    let sum = b.add(sum, one);
    b.set(sum, riscv64::X5);
    b.instruction(0x1014, 4);
    let x9 = b.get(riscv64::X9);
    let again = b.icmp(sum, x9, crate::ir::Cond::Ne);
    b.branch(again, 0x1000, 0x1018);
    b.finish(0x1018)
}

pub(super) fn set(bench: &mut Bench, slot: Slot, value: u64) {
    bench.state.slots.set(&riscv64::FILE, slot, value.into());
}

pub(super) fn get(bench: &Bench, slot: Slot) -> u64 {
    bench.state.slots.get(&riscv64::FILE, slot) as u64
}

#[test]
fn a_fault_in_a_loop_leaves_exact_state() {
    signal::install().unwrap();
    signal::prepare_thread().unwrap();
    let memory = memory();
    memory.write(DATA + 8, &3u64.to_le_bytes(), Permissions::Honour).unwrap();
    let compiler = compiler();
    let mut bench = bench(&compiler);
    (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit().into());
    for write_back in [false, true] {
        let options = CompileOptions { clif: false, write_back };
        let unit = compiler.compile(&Region::single(block()), &key(Guest::Riscv64, 0, 0), &options).unwrap();
        assert_eq!(unit.write_back, write_back, "plain code is proven on this host");
        let unit = bench.runtime.arena().install(&unit).unwrap();
        // Unmapped in the window, at its very end, outside of it, and not canonical at all.
        for bad in
            [0x5000_0000, memory.limit() - 3, memory.limit(), memory.limit() + 1, 1 << 62, u64::MAX - 7]
        {
            set(&mut bench, riscv64::X5, 10);
            set(&mut bench, riscv64::X6, bad.wrapping_sub(8));
            set(&mut bench, riscv64::X7, 77);
            set(&mut bench, riscv64::X8, DATA);
            set(&mut bench, riscv64::X9, 0);
            assert_eq!(bench.run(&unit), ExitKind::Interpret as u64, "load from {bad:#x}");
            assert_eq!(
                (bench.state.pc, get(&bench, riscv64::X5), get(&bench, riscv64::X7)),
                (0x1004, 11, 77)
            );

            set(&mut bench, riscv64::X5, 10);
            set(&mut bench, riscv64::X6, DATA);
            set(&mut bench, riscv64::X8, bad);
            assert_eq!(bench.run(&unit), ExitKind::Interpret as u64, "store to {bad:#x}");
            // Back to the load, which may be done again, unless the state was written back at the store.
            let exact = if write_back { (0x100c, 14, 3) } else { (0x1004, 11, 77) };
            assert_eq!((bench.state.pc, get(&bench, riscv64::X5), get(&bench, riscv64::X7)), exact);
        }
        // No fault: the loop ends through its link.
        set(&mut bench, riscv64::X5, 10);
        set(&mut bench, riscv64::X8, DATA + 16);
        set(&mut bench, riscv64::X9, 10 + 5 * 1000);
        assert_eq!(bench.run(&unit), ExitKind::Link as u64);
        assert_eq!((bench.state.pc, get(&bench, riscv64::X5)), (0x1018, 5010));
        let mut last = [0; 8];
        memory.read(DATA + 16, &mut last, Permissions::Honour).unwrap();
        assert_eq!(u64::from_le_bytes(last), 5009);
    }
}

#[test]
fn the_budget_is_exact_wherever_a_unit_ends() {
    signal::install().unwrap();
    let memory = memory();
    memory.write(DATA + 8, &3u64.to_le_bytes(), Permissions::Honour).unwrap();
    let compiler = compiler();
    let mut bench = bench(&compiler);
    (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit().into());
    let counted = UnitKey { budget: true, ..key(Guest::Riscv64, 0, 0) };
    for write_back in [false, true] {
        let options = CompileOptions { clif: false, write_back };
        let unit = compiler.compile(&Region::single(block()), &counted, &options).unwrap();
        let unit = bench.runtime.arena().install(&unit).unwrap();
        for budget in 0..40 {
            let mut run = |load: u64, store: u64, end: u64| {
                set(&mut bench, riscv64::X5, 10);
                set(&mut bench, riscv64::X6, load);
                set(&mut bench, riscv64::X8, store);
                set(&mut bench, riscv64::X9, end);
                bench.state.budget = budget;
                (bench.run(&unit), bench.state.pc, bench.state.budget)
            };
            // Six instructions a turn; where fewer are left at the loop head, the rest is the interpreter's.
            let short = budget < 6;
            let at_head = |left| (ExitKind::Budget as u64, 0x1000, left);
            assert_eq!(run(DATA, DATA, 0), at_head(budget % 6));
            let fault = |pc, done| (ExitKind::Interpret as u64, pc, budget - done);
            assert_eq!(run(0x5000_0000, DATA, 0), if short { at_head(budget) } else { fault(0x1004, 1) });
            let stored = if write_back { fault(0x100c, 3) } else { fault(0x1004, 1) };
            assert_eq!(run(DATA, 0x5000_0000, 0), if short { at_head(budget) } else { stored });
            let linked = (ExitKind::Link as u64, 0x1018, budget - 12);
            assert_eq!(run(DATA, DATA + 16, 20), if budget < 12 { at_head(budget % 6) } else { linked });
        }
    }
}

/// Loads of sixteen values that stay in registers or on the stack until the end, each from its own address, with slots
/// written in between; then a store.
fn crowded() -> Block {
    let mut b = Builder::new(Guest::Riscv64, 0x1000);
    let registers: Vec<Slot> = (1..32).map(|n| riscv64::x(n).expect("a slot")).collect();
    let mut sum = None;
    for turn in 0..16 {
        b.instruction(0x1000 + 4 * turn as u64, 4);
        let (pointer, target) = (registers[turn % 3], registers[15 + turn % 14]);
        let base = b.get(pointer);
        let offset = b.i64(8 * turn as u64);
        let addr = b.add(base, offset);
        let loaded = b.load(addr, Type::I64, Order::Plain);
        let before = b.get(target);
        let mixed = b.add(before, loaded);
        b.set(mixed, target);
        sum = Some(sum.map_or(loaded, |sum| b.add(sum, loaded)));
    }
    b.instruction(0x1040, 4);
    let to = b.get(registers[3]);
    b.store(to, sum.expect("sixteen of them"), Order::Plain);
    b.instruction(0x1044, 4);
    let (first, count) = (b.get(registers[4]), b.get(registers[5]));
    let one = b.i64(1);
    let next = b.add(first, one);
    b.set(next, registers[4]);
    let again = b.icmp(next, count, crate::ir::Cond::Ne);
    b.branch(again, 0x1000, 0x1048);
    b.finish(0x1048)
}

/// Whatever access faults, and in whatever turn: going on where the unit left gives what the interpreter gives alone.
#[test]
fn values_that_moved_are_found() {
    signal::install().unwrap();
    signal::prepare_thread().unwrap();
    let memory = memory();
    for word in 0..64u64 {
        let value = word.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        memory.write(DATA + 8 * word, &value.to_le_bytes(), Permissions::Honour).unwrap();
    }
    let compiler = compiler();
    let mut bench = bench(&compiler);
    (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit().into());
    let region = Region::single(crowded());
    let unit = compiler.compile(&region, &key(Guest::Riscv64, 0, 0), &CompileOptions::default()).unwrap();
    assert!(!unit.write_back);
    let moved = unit.sites.iter().any(|site| matches!(site.action, SiteAction::Moved { .. }));
    assert!(moved, "the case is crowded enough for values to move");
    // The disk cache takes units as they were made, in one order.
    let again = compiler.compile(&region, &key(Guest::Riscv64, 0, 0), &CompileOptions::default()).unwrap();
    assert!(
        unit.is_sound() && unit.sites == again.sites && unit.moves == again.moves && unit.code == again.code
    );
    let unit = bench.runtime.arena().install(&unit).unwrap();
    let word = |addr: u64| ((addr - DATA) / 8).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    for pointer in 0..4usize {
        for good_turns in 0..3u64 {
            // The pointers walk out of the page, or one of them is bad from the start.
            let mut expected = [0u64; 32];
            for (n, value) in expected.iter_mut().enumerate().skip(1) {
                *value = 1000 + n as u64;
            }
            expected[1..4].fill(DATA);
            expected[4] = DATA + 2048;
            (expected[5], expected[6]) = (0, good_turns);
            let start = expected;
            // Whole turns before the fault: with the limit of turns the unit ends by its link, before it.
            for _ in 0..good_turns {
                for turn in 0..16usize {
                    let target = 16 + turn % 14;
                    expected[target] =
                        expected[target].wrapping_add(word(expected[1 + turn % 3] + 8 * turn as u64));
                }
                expected[5] += 1;
            }
            for (n, &value) in start.iter().enumerate().skip(1) {
                set(&mut bench, riscv64::x(n as u8).unwrap(), value);
            }
            if good_turns > 0 {
                assert_eq!(bench.run(&unit), ExitKind::Link as u64);
                let found: Vec<u64> = (1..32).map(|n| get(&bench, riscv64::x(n).unwrap())).collect();
                assert_eq!(found, expected[1..]);
            }
            // One turn more, which faults at the first access through the bad pointer.
            let bad = 0x5000_0000;
            set(&mut bench, riscv64::x(1 + pointer as u8).unwrap(), bad);
            set(&mut bench, riscv64::x(6).unwrap(), u64::MAX);
            expected[1 + pointer] = bad;
            expected[6] = u64::MAX;
            assert_eq!(bench.run(&unit), ExitKind::Interpret as u64);
            let left_at = ((bench.state.pc - 0x1000) / 4) as usize;
            let faults_at = if pointer < 3 { pointer } else { 16 };
            assert!(left_at <= faults_at, "{left_at} is behind {faults_at}");
            for turn in 0..left_at {
                let target = 16 + turn % 14;
                expected[target] =
                    expected[target].wrapping_add(word(expected[1 + turn % 3] + 8 * turn as u64));
            }
            let found: Vec<u64> = (1..32).map(|n| get(&bench, riscv64::x(n).unwrap())).collect();
            assert_eq!(found, expected[1..], "pointer {pointer}, left at {left_at}");
        }
    }
}

/// Stores of four registers below one another, as a function's prologue makes them, and a load behind them.
fn prologue() -> Block {
    let mut b = Builder::new(Guest::Riscv64, 0x1000);
    b.instruction(0x1000, 4);
    let sp = b.get(riscv64::X2);
    let step = b.i64(64u64.wrapping_neg());
    let sp = b.add(sp, step);
    b.set(sp, riscv64::X2);
    for n in 0..4u64 {
        b.instruction(0x1004 + 4 * n, 4);
        let value = b.get(riscv64::x(20 + n as u8).unwrap());
        let offset = b.i64(8 * n);
        let addr = b.add(sp, offset);
        b.store(addr, value, Order::Plain);
    }
    b.instruction(0x1014, 4);
    let from = b.get(riscv64::X6);
    let loaded = b.load(from, Type::I64, Order::Plain);
    b.set(loaded, riscv64::X5);
    b.jump(0x1018);
    b.finish(0x1018)
}

#[test]
fn a_fault_behind_stores_that_share_a_cold_block_repeats_none_of_them() {
    signal::install().unwrap();
    signal::prepare_thread().unwrap();
    let memory = memory();
    let compiler = compiler();
    let mut bench = bench(&compiler);
    (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit().into());
    let region = Region::single(prologue());
    let unit = compiler.compile(&region, &key(Guest::Riscv64, 0, 0), &CompileOptions::default()).unwrap();
    assert!(!unit.write_back);
    let restarts = unit.sites.iter().filter(|site| site.restart.is_some()).count();
    assert!(restarts >= 3, "the stores share a group: {:?}", unit.sites);
    let unit = bench.runtime.arena().install(&unit).unwrap();
    let word = |addr: u64| {
        let mut bytes = [0; 8];
        memory.read(addr, &mut bytes, Permissions::Honour).unwrap();
        u64::from_le_bytes(bytes)
    };
    // The first so many stores are inside the page; then those behind its end fault, or the load does.
    for done in 0..=4u64 {
        memory.zero(DATA, 4096, Permissions::Honour).unwrap();
        let sp = DATA + 4096 - 8 * done;
        set(&mut bench, riscv64::X2, sp + 64);
        set(&mut bench, riscv64::X5, 55);
        set(&mut bench, riscv64::X6, 0x5000_0000);
        for n in 0..4 {
            set(&mut bench, riscv64::x(20 + n).unwrap(), 100 + u64::from(n));
        }
        assert_eq!(bench.run(&unit), ExitKind::Interpret as u64);
        assert_eq!(
            (bench.state.pc, get(&bench, riscv64::X2), get(&bench, riscv64::X5)),
            (0x1004 + 4 * done, sp, 55)
        );
        assert!((0..done).all(|n| word(sp + 8 * n) == 100 + n), "{done} stores are done");
    }
    // Nothing of a fault is left for the next exit.
    set(&mut bench, riscv64::X2, DATA + 64);
    set(&mut bench, riscv64::X6, DATA);
    assert_eq!(bench.run(&unit), ExitKind::Link as u64);
    assert_eq!((bench.state.pc, get(&bench, riscv64::X5)), (0x1018, 100));
}
