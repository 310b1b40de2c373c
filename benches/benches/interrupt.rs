//! From `interrupt` on one thread to the return of a run on another: a loop of one jump in compiled code.

use criterion::{Criterion, criterion_group, criterion_main};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};
use translator::guest::Guest;
use translator::guest::registers::State;
use translator::memory::{Permissions, Prot};
use translator::run::{Engine, EngineOptions, Reason, RunOptions, Vcpu, Vm, VmOptions};

const CODE: u64 = 0x1_0000;
const COUNTER: u64 = 0x2_0000;

fn interrupt(c: &mut Criterion) {
    let engine = Engine::new(EngineOptions::default()).expect("an engine");
    let vm = Vm::new(&engine, Guest::Riscv64, &VmOptions::default()).expect("a machine");
    let memory = vm.memory();
    memory.map(CODE, 0x1000, Prot::READ | Prot::EXEC).expect("free");
    memory.map(COUNTER, 0x1000, Prot::READ | Prot::WRITE).expect("free");
    // lui t1, 0x20; loop: addi t0, t0, 1; sd t0, 0(t1); j loop
    let words = [0x0002_0337u32, 0x0012_8293, 0x0053_3023, 0xff9f_f06f];
    let code: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    memory.write(CODE, &code, Permissions::Ignore).expect("mapped");
    let count = || {
        let mut bytes = [0; 8];
        memory.read(COUNTER, &mut bytes, Permissions::Ignore).expect("mapped");
        u64::from_le_bytes(bytes)
    };
    let mut vcpu = Vcpu::new(&vm).expect("a vCPU");
    vcpu.set_pc(CODE);
    let interrupter = vcpu.interrupter();
    let (start, started) = channel::<()>();
    let (done, ended) = channel::<Instant>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while started.recv().is_ok() {
                let exit = vcpu.run(&RunOptions::default());
                assert_eq!(exit.reason, Reason::Interrupted);
                done.send(Instant::now()).expect("the bench waits for it");
            }
        });
        c.bench_function("interrupt", |b| {
            b.iter_custom(|rounds| {
                (0..rounds).fold(Duration::ZERO, |sum, _| {
                    let before = count();
                    start.send(()).expect("the thread runs");
                    // Under way, and long in compiled code.
                    while count() < before + 10_000 {
                        std::hint::spin_loop();
                    }
                    let begun = Instant::now();
                    interrupter.interrupt();
                    sum + ended.recv().expect("the thread runs").duration_since(begun)
                })
            });
        });
        drop(start);
    });
}

criterion_group!(benches, interrupt);
criterion_main!(benches);
