//! Blocks that compare the bytes that they were made from with memory.

use super::oracle::{bench, compiler, key};
use super::{faults, faults::get, faults::set};
use crate::codegen::*;
use crate::guest::{Guest, riscv64, x86_64};
use crate::ir::{Block, Builder, Order, Type};
use crate::memory::{Memory, Mode, Options as MemoryOptions, Permissions, Prot};
use crate::region::Region;
use crate::run::state::ExitKind;

/// Checked code lies around the end of the page at this address.
const CODE: u64 = 0x10_0000;

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at * 7 + 1) as u8).collect()
}

fn checked(block: Block) -> Region {
    let mut region = Region::single(block);
    region.set_checks(|range| Some(bytes((range.end - range.start) as usize).into()));
    region
}

/// `x5 += 1`, made from `len` bytes at `start`.
fn increment(start: u64, len: usize) -> Block {
    let mut b = Builder::new(Guest::Riscv64, start);
    b.instruction(start, 4);
    let (x5, one) = (b.get(riscv64::X5), b.i64(1));
    let sum = b.add(x5, one);
    b.set(sum, riscv64::X5);
    b.jump(0x9000);
    b.finish(start + len as u64)
}

#[test]
fn every_byte_of_a_block_counts() {
    let memory = Memory::new(Mode::Direct, &MemoryOptions::default()).unwrap();
    memory.map(CODE, 8192, Prot::RWX).unwrap();
    let compiler = compiler();
    for len in (1..=40).chain([63, 64, 65, 100, 130]) {
        // In the first page, in both, in the second.
        for start in [CODE + 64, CODE + 4096 - len as u64 / 2, CODE + 4096] {
            let mut bench = bench(&compiler);
            (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit().into());
            let region = checked(increment(start, len));
            let unit = compiler.compile(&region, &key(Guest::Riscv64, 0, 0), &Default::default()).unwrap();
            assert_eq!(unit.checks, [(start, bytes(len).into())]);
            assert!(!unit.write_back, "{len} bytes at {start:#x}");
            let unit = bench.runtime.arena().install(&unit).unwrap();
            memory.write(start, &bytes(len), Permissions::Ignore).unwrap();
            set(&mut bench, riscv64::X5, 10);
            assert_eq!(bench.run(&unit), ExitKind::Link as u64);
            assert_eq!(get(&bench, riscv64::X5), 11);
            for at in 0..len {
                let mut other = bytes(len);
                other[at] ^= 1 << (at % 8);
                memory.write(start, &other, Permissions::Ignore).unwrap();
                assert_eq!(bench.run(&unit), ExitKind::Changed as u64, "byte {at} of {len} at {start:#x}");
                assert_eq!((bench.state.pc, get(&bench, riscv64::X5)), (start, 11));
            }
        }
    }
}

#[test]
fn the_rest_of_an_x86_64_block_is_compared_behind_a_store() {
    let memory = Memory::new(Mode::Direct, &MemoryOptions::default()).unwrap();
    memory.map(CODE, 4096, Prot::RWX).unwrap();
    let compiler = compiler();
    let mut bench = bench(&compiler);
    (bench.state.memory_base, bench.state.memory_limit) = (memory.base(), memory.limit().into());
    // `rcx += 1; [rsi] = cl; rcx += 1`, of 4 bytes each.
    let mut b = Builder::new(Guest::X86_64, CODE);
    for at in 0..3 {
        b.instruction(CODE + 4 * at, 4);
        let rcx = b.get(x86_64::RCX);
        if at == 1 {
            let (rsi, low) = (b.get(x86_64::RSI), b.trunc(rcx, Type::I8));
            b.store(rsi, low, Order::Tso);
        } else {
            let one = b.i64(1);
            let sum = b.add(rcx, one);
            b.set(sum, x86_64::RCX);
        }
    }
    b.jump(0x9000);
    let region = checked(b.finish(CODE + 12));
    let unit = compiler.compile(&region, &key(Guest::X86_64, 0, 0), &Default::default()).unwrap();
    assert!(!unit.write_back);
    let unit = bench.runtime.arena().install(&unit).unwrap();
    for at in 0..16 {
        memory.write(CODE, &bytes(16), Permissions::Ignore).unwrap();
        bench.state.slots.set(&x86_64::FILE, x86_64::RCX, 0x7f);
        bench.state.slots.set(&x86_64::FILE, x86_64::RSI, u128::from(CODE + at));
        let exit = bench.run(&unit);
        let rcx = bench.state.slots.get(&x86_64::FILE, x86_64::RCX);
        if (8..12).contains(&at) {
            assert_eq!((exit, bench.state.pc, rcx), (ExitKind::Changed as u64, CODE + 8, 0x80), "byte {at}");
        } else {
            // What has run already may change.
            assert_eq!((exit, rcx), (ExitKind::Link as u64, 0x81), "byte {at}");
        }
    }
}

#[test]
fn checks_are_compiled_for_every_host() {
    for isa in HostIsa::ALL {
        let compiler = Compiler::new(isa, &Options { verify: true, ..Options::default() }).unwrap();
        for memory in [MemoryMode::Direct, MemoryMode::Paged] {
            for budget in [false, true] {
                let key = UnitKey { memory, budget, ..key(Guest::Riscv64, 0, 0) };
                let region = checked(faults::block());
                let unit = compiler.compile(&region, &key, &CompileOptions::default()).unwrap();
                assert_eq!(unit.checks.len(), 1);
                // Where the order of host instructions can be judged, a check costs no write-back.
                let judged = isa == HostIsa::X86_64 || memory == MemoryMode::Paged;
                assert_eq!(unit.write_back, !judged, "{isa}, {memory:?}, budget {budget}");
            }
        }
    }
}
