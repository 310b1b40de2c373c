//! A fault finds the state exact: registers as they were before the faulting instruction, and its pc.

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
    (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit());
    for write_back in [false, true] {
        let options = CompileOptions { clif: false, write_back };
        let unit = compiler.compile(&Region::single(block()), &key(Guest::Riscv64, 0, 0), &options).unwrap();
        assert_eq!(unit.write_back, write_back, "cold edges of plain code are exact on this host");
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
            assert_eq!((bench.state.pc, get(&bench, riscv64::X5), get(&bench, riscv64::X7)), (0x100c, 14, 3));
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
    (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit());
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
            assert_eq!(run(DATA, 0x5000_0000, 0), if short { at_head(budget) } else { fault(0x100c, 3) });
            let linked = (ExitKind::Link as u64, 0x1018, budget - 12);
            assert_eq!(run(DATA, DATA + 16, 20), if budget < 12 { at_head(budget % 6) } else { linked });
        }
    }
}
