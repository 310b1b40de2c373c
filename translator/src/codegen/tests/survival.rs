//! What an optimiser would like to remove and must not: guest accesses, and polls of the interrupt word.

use super::faults::{DATA, block, get, memory, set};
use super::oracle::{bench, compiler, key};
use crate::codegen::*;
use crate::guest::{Guest, riscv64};
use crate::ir::{Block, Builder, Cond, Order, Type};
use crate::memory::{Memory, Mode, Options as MemoryOptions, Permissions, Prot};
use crate::region::Region;
use crate::run::enter::Bench;
use crate::run::state::{ExitKind, TLB_ENTRIES, TlbEntry, VcpuState, interrupt};
use iced_x86::{Decoder, DecoderOptions, OpKind, Register};
use std::sync::OnceLock;
use std::sync::atomic::Ordering;

/// Two loads of one address, two equal stores, a store that is overwritten; then `loop while *x6 == 0`.
fn repetitive(order: Order) -> Block {
    let mut b = Builder::new(Guest::Riscv64, 0x1000);
    b.instruction(0x1000, 4);
    let (x6, x8) = (b.get(riscv64::X6), b.get(riscv64::X8));
    let first = b.load(x6, Type::I64, order);
    b.instruction(0x1004, 4);
    let second = b.load(x6, Type::I64, order);
    b.instruction(0x1008, 4);
    b.store(x8, first, order);
    b.instruction(0x100c, 4);
    b.store(x8, first, order);
    b.instruction(0x1010, 4);
    b.store(x8, second, order);
    b.instruction(0x1014, 4);
    // A load that nobody uses.
    b.load(x8, Type::I32, order);
    let zero = b.i64(0);
    let again = b.icmp(second, zero, Cond::Eq);
    b.branch(again, 0x1000, 0x1018);
    b.finish(0x1018)
}

#[test]
fn accesses_survive_the_optimiser() {
    for optimize in [false, true] {
        let compiler = Compiler::new(HostIsa::X86_64, &Options { verify: true, optimize }).unwrap();
        for order in [Order::Plain, Order::Tso] {
            for write_back in [false, true] {
                let options = CompileOptions { clif: false, write_back };
                let region = Region::single(repetitive(order));
                let unit = compiler.compile(&region, &key(Guest::Riscv64, 0, 0), &options).unwrap();
                // In a group the checks of x6 and x8 are sites of their own; write-back checks by branches.
                let sites = if write_back { 6 } else { 8 };
                assert_eq!(unit.sites.len(), sites, "optimize {optimize}, {order}, write_back {write_back}");
            }
        }
    }
}

#[test]
fn polls_survive_the_optimiser() {
    for optimize in [false, true] {
        let compiler = Compiler::new(HostIsa::X86_64, &Options { verify: true, optimize }).unwrap();
        let mut region = Region::single(repetitive(Order::Plain));
        // A second block in front, so that entry and loop head are two places.
        let mut b = Builder::new(Guest::Riscv64, 0xf00);
        b.instruction(0xf00, 4);
        b.jump(0x1000);
        let blocks = [b.finish(0xf04), region.blocks.remove(0)];
        let region = Region::grow(
            0xf00,
            &Default::default(),
            |pc| blocks.iter().find(|block| block.start == pc).cloned().ok_or(()),
            |_| 0,
        )
        .unwrap();
        assert_eq!(region.loop_heads, [false, true]);
        let unit = compiler.compile(&region, &key(Guest::Riscv64, 0, 0), &Default::default()).unwrap();
        // The interrupt word is the first field of the state; nothing else is read without displacement or index.
        let polls = Decoder::new(64, &unit.code, DecoderOptions::NONE)
            .into_iter()
            .filter(|instruction| {
                (0..instruction.op_count()).any(|operand| {
                    instruction.op_kind(operand) == OpKind::Memory
                        && instruction.memory_displacement64() == 0
                        && instruction.memory_index() == Register::None
                        && instruction.memory_size().size() == 4
                        && !instruction.is_invalid()
                })
            })
            .count();
        assert_eq!(polls, 2, "optimize {optimize}");
    }
}

#[test]
fn an_interrupt_stops_a_loop() {
    let memory = memory();
    let compiler = compiler();
    let mut bench = bench(&compiler);
    (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit());
    let unit =
        compiler.compile(&Region::single(block()), &key(Guest::Riscv64, 0, 0), &Default::default()).unwrap();
    let unit = bench.runtime.arena().install(&unit).unwrap();
    set(&mut bench, riscv64::X5, 0);
    set(&mut bench, riscv64::X6, DATA);
    set(&mut bench, riscv64::X8, DATA + 64);
    set(&mut bench, riscv64::X9, 1);
    bench.state.interrupt.store(interrupt::STOP, Ordering::SeqCst);
    assert_eq!(bench.run(&unit), ExitKind::Poll as u64);
    assert_eq!((bench.state.pc, get(&bench, riscv64::X5)), (0x1000, 0));
}

static PAGED: OnceLock<Memory> = OnceLock::new();

extern "C" fn fill(state: &mut VcpuState, addr: u64, what: u64) {
    let access = if what & 1 != 0 { crate::ir::Access::Write } else { crate::ir::Access::Read };
    let inside = addr % 4096 + (what >> 8) <= 4096;
    let entry = inside.then(|| PAGED.get().unwrap().tlb_entry(addr, access).ok().flatten()).flatten();
    // Nothing is entered into the table, so that every access comes here.
    state.scratch[0] = entry.map_or(0, |entry: TlbEntry| 1 << 64 | u128::from(entry.addend));
}

#[test]
fn paged_mode_asks_the_tlb_and_leaves_exact_state() {
    let memory = PAGED.get_or_init(|| {
        let memory = Memory::new(Mode::Paged, &MemoryOptions::default()).unwrap();
        memory.map(DATA, 4096, Prot::READ | Prot::WRITE).unwrap();
        memory
    });
    assert_eq!(TLB_ENTRIES % 2, 0);
    memory.write(DATA + 8, &3u64.to_le_bytes(), Permissions::Honour).unwrap();
    let compiler = compiler();
    let runtime = Runtime::new(&compiler, 1 << 20, 64, &Helpers { fill_tlb: fill }).unwrap();
    let mut bench = Bench::new(runtime);
    let key = UnitKey { memory: MemoryMode::Paged, ..key(Guest::Riscv64, 0, 0) };
    let unit = compiler.compile(&Region::single(block()), &key, &Default::default()).unwrap();
    assert!(unit.sites.is_empty());
    let unit = bench.runtime.arena().install(&unit).unwrap();
    for (load, store, expected) in [
        (0x5000_0000, DATA, (ExitKind::Interpret, 0x1004, 11)),
        (DATA, 0x5000_0000, (ExitKind::Interpret, 0x100c, 14)),
        (DATA, DATA + 4092, (ExitKind::Interpret, 0x100c, 14)),
        (DATA, DATA + 64, (ExitKind::Link, 0x1018, 20)),
    ] {
        set(&mut bench, riscv64::X5, 10);
        set(&mut bench, riscv64::X6, load);
        set(&mut bench, riscv64::X8, store);
        set(&mut bench, riscv64::X9, 20);
        let word = bench.run(&unit);
        let found = (word, bench.state.pc, get(&bench, riscv64::X5));
        assert_eq!(found, (expected.0 as u64, expected.1, expected.2));
    }
}
