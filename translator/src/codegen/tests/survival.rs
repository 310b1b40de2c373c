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
use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind, Register};
use std::mem::offset_of;
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
        let compiler =
            Compiler::new(HostIsa::X86_64, &Options { verify: true, optimize, ..Options::default() })
                .unwrap();
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

/// A block in front of a loop, so that entry and loop head are two places.
fn behind_another(looping: Block) -> Region {
    let mut b = Builder::new(Guest::Riscv64, 0xf00);
    b.instruction(0xf00, 4);
    b.jump(0x1000);
    let blocks = [b.finish(0xf04), looping];
    let lift = |pc| blocks.iter().find(|block| block.start == pc).cloned().ok_or(());
    let region = Region::grow(0xf00, &Default::default(), lift, |_| 0).unwrap();
    assert_eq!(region.loop_heads, [false, true]);
    region
}

/// How often the code of a region reads a field of the state that has so many bytes.
fn reads(unit: &CompiledUnit, field: usize, size: usize) -> usize {
    let reads_field = |instruction: &Instruction| {
        (0..instruction.op_count()).any(|operand| {
            instruction.op_kind(operand) == OpKind::Memory
                && instruction.memory_base() == Register::RDI
                && instruction.memory_index() == Register::None
                && instruction.memory_displacement64() == field as u64
                && instruction.memory_size().size() == size
        })
    };
    Decoder::new(64, &unit.code, DecoderOptions::NONE).into_iter().filter(reads_field).count()
}

const WORD: usize = offset_of!(VcpuState, interrupt);

const LIMIT: usize = offset_of!(VcpuState, memory_limit);

#[test]
fn polls_survive_the_optimiser() {
    for optimize in [false, true] {
        let compiler =
            Compiler::new(HostIsa::X86_64, &Options { verify: true, optimize, ..Options::default() })
                .unwrap();
        let compile = |region: &Region, budget| {
            let key = UnitKey { budget, ..key(Guest::Riscv64, 0, 0) };
            compiler.compile(region, &key, &Default::default()).unwrap()
        };
        // A loop without accesses looks at the interrupt word, as the entry does.
        let mut b = Builder::new(Guest::Riscv64, 0x1000);
        b.instruction(0x1000, 4);
        b.jump(0x1000);
        let silent = compile(&behind_another(b.finish(0x1004)), false);
        assert_eq!((reads(&silent, WORD, 4), reads(&silent, LIMIT, 8)), (2, 0), "optimize {optimize}");
        // The accesses of another one poll for it, at the first check; the second is that of the other base.
        let region = behind_another(repetitive(Order::Plain));
        let loud = compile(&region, false);
        assert_eq!((reads(&loud, WORD, 4), reads(&loud, LIMIT, 8)), (1, 2), "optimize {optimize}");
        // Budgets are looked at where the word is.
        assert_eq!(reads(&compile(&region, true), WORD, 4), 2, "optimize {optimize}");
    }
}

/// The base of the accesses does not change, and is checked before the loop: it is checked in the loop as well.
#[test]
fn the_access_that_polls_always_checks() {
    let access = |start: u64, target: u64| {
        let mut b = Builder::new(Guest::Riscv64, start);
        b.instruction(start, 4);
        let base = b.get(riscv64::X6);
        let value = b.load(base, Type::I64, Order::Plain);
        b.set(value, riscv64::X5);
        b.jump(target);
        b.finish(start + 4)
    };
    let blocks = [access(0xf00, 0x1000), access(0x1000, 0x1000)];
    let lift = |pc| blocks.iter().find(|block| block.start == pc).cloned().ok_or(());
    let region = Region::grow(0xf00, &Default::default(), lift, |_| 0).unwrap();
    let unit = compiler().compile(&region, &key(Guest::Riscv64, 0, 0), &Default::default()).unwrap();
    assert_eq!((reads(&unit, WORD, 4), reads(&unit, LIMIT, 8)), (1, 2));
}

/// Runs the loop of `faults::block` after `ask` has changed the state: the exit, the pc and x5.
fn stopped_by(ask: impl FnOnce(&mut VcpuState)) -> (u64, u64, u64) {
    let memory = memory();
    let compiler = compiler();
    let mut bench = bench(&compiler);
    (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit().into());
    let unit =
        compiler.compile(&Region::single(block()), &key(Guest::Riscv64, 0, 0), &Default::default()).unwrap();
    let unit = bench.runtime.arena().install(&unit).unwrap();
    set(&mut bench, riscv64::X5, 0);
    set(&mut bench, riscv64::X6, DATA);
    set(&mut bench, riscv64::X8, DATA + 64);
    set(&mut bench, riscv64::X9, 1);
    ask(&mut bench.state);
    let exit = bench.run(&unit);
    (exit, bench.state.pc, get(&bench, riscv64::X5))
}

#[test]
fn an_interrupt_stops_a_loop() {
    let exit = stopped_by(|state| state.interrupt.store(interrupt::STOP, Ordering::SeqCst));
    assert_eq!(exit, (ExitKind::Poll as u64, 0x1000, 0));
}

/// The word is looked at before the entry only; from then on it is the limit that counts.
#[test]
fn the_check_of_an_access_stops_a_loop() {
    let exit = stopped_by(|state| {
        VcpuState::ask(&state.interrupt, &state.memory_limit, interrupt::STOP);
        state.interrupt.store(0, Ordering::SeqCst);
    });
    assert_eq!(exit, (ExitKind::Interpret as u64, 0x1004, 1));
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
