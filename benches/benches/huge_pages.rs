//! A guest loop that loads from anywhere in much memory, which was mapped in one piece, so that huge pages back it where the
//! host has them, or in pieces that are too small for that.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use translator::guest::Guest;
use translator::guest::registers::{State, by_name};
use translator::ir::Trap;
use translator::memory::{Permissions, Prot};
use translator::run::{Engine, EngineOptions, Reason, RunOptions, Vcpu, Vm, VmOptions};

const CODE: u64 = 0x1_0000;
const DATA: u64 = 0x4000_0000;
const SIZE: u64 = 256 << 20;
const LOADS: u64 = 1_000_000;

fn random_loads(c: &mut Criterion) {
    let mut group = c.benchmark_group("random loads");
    group.throughput(Throughput::Elements(LOADS));
    for (name, piece) in [("one piece", SIZE), ("pieces", 8 << 20)] {
        let engine = Engine::new(EngineOptions::default()).expect("an engine");
        let vm = Vm::new(&engine, Guest::Riscv64, &VmOptions::default()).expect("a machine");
        let memory = vm.memory();
        memory.map(CODE, 0x1000, Prot::READ | Prot::EXEC).expect("free");
        for at in (DATA..DATA + SIZE).step_by(piece as usize) {
            memory.map(at, piece, Prot::READ | Prot::WRITE).expect("free");
        }
        for page in (DATA..DATA + SIZE).step_by(0x1000) {
            memory.write(page, &page.to_le_bytes(), Permissions::Ignore).expect("mapped");
        }
        // loop: mul a1, a1, a2; add a1, a1, a5; srli a6, a1, 20; and a6, a6, a3; add a6, a6, a0; ld a5, 0(a6);
        // addi a4, a4, -1; bnez a4, loop; ebreak
        let words = [
            0x02c5_85b3u32,
            0x00f5_85b3,
            0x0145_d813,
            0x00d8_7833,
            0x00a8_0833,
            0x0008_3783,
            0xfff7_0713,
            0xfe07_12e3,
            0x0010_0073,
        ];
        let code: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        memory.write(CODE, &code, Permissions::Ignore).expect("mapped");
        let mut vcpu = Vcpu::new(&vm).expect("a vCPU");
        let [base, state, factor, mask, count] =
            ["a0", "a1", "a2", "a3", "a4"].map(|name| by_name(Guest::Riscv64, name).expect("a register"));
        base.write(&mut vcpu, DATA.into());
        state.write(&mut vcpu, 1);
        factor.write(&mut vcpu, 0x5851_f42d_4c95_7f2d);
        mask.write(&mut vcpu, (SIZE - 8).into());
        group.bench_function(name, |b| {
            b.iter(|| {
                count.write(&mut vcpu, LOADS.into());
                vcpu.set_pc(CODE);
                let exit = vcpu.run(&RunOptions::default());
                assert!(matches!(exit.reason, Reason::Trap { trap: Trap::Breakpoint, .. }), "{exit:?}");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, random_loads);
criterion_main!(benches);
