//! Collections of the code cache while four vCPUs run: how long one takes whoever does it, and how long a vCPU stands still.
//!
//! Each vCPU calls functions out of more than the cache's 256 MB can hold: most that it uses often for some time and then
//! no more, which are for major collections, and others once, which are for minor ones. The collections are those that come
//! of it, on the threads of the vCPUs. What a vCPU sees of time (`rdtime` after
//! each call) is compared with the same program in a cache that holds everything.

use criterion::{Criterion, criterion_group, criterion_main};
use std::sync::Arc;
use std::time::{Duration, Instant};
use translator::guest::Guest;
use translator::guest::registers::{State, by_name};
use translator::memory::{Permissions, Prot};
use translator::run::{
    Engine, EngineOptions, ExecutionMode, Interrupter, RunOptions, Stats, Vcpu, Vm, VmOptions,
};

const VCPUS: u64 = 4;
const BOUND: usize = 256 << 20;
const DRIVER: u64 = 0x1_0000;
const FUNCTIONS: u64 = 0x1000_0000;
/// Their number, and bytes of each.
const COUNT: u64 = 1 << 18;
const STRIDE: u64 = 256;
/// Instructions of a function, the return apart: one unit of stencils.
const LENGTH: u64 = 46;

/// Calls functions at random for ever: in one case of sixteen any, else one of a thousand that follow each other, of which
/// the first is another one every sixteenth time. The longest time between two calls stands in `s3`.
fn driver() -> Vec<u32> {
    vec![
        0x0344_84b3, // mul s1, s1, s4
        0x0014_8493, // addi s1, s1, 1
        0x0214_d293, // srli t0, s1, 33
        0x001b_0b13, // addi s6, s6, 1
        0x004b_5393, // srli t2, s6, 4
        0x01e4_d313, // srli t1, s1, 30
        0x00f3_7313, // andi t1, t1, 15
        0x0003_0663, // beqz t1, any
        0x3ff2_f293, // andi t0, t0, 1023
        0x0072_82b3, // add t0, t0, t2
        0x0152_f2b3, // and t0, t0, s5
        0x0082_9293, // slli t0, t0, 8
        0x0082_82b3, // add t0, t0, s0
        0x0002_80e7, // jalr t0
        0xc010_2373, // rdtime t1
        0x4123_03b3, // sub t2, t1, s2
        0x0019_3e13, // seqz t3, s2
        0x0003_0913, // mv s2, t1
        0xfa0e_1ce3, // bnez t3, loop
        0xfa79_fae3, // bgeu s3, t2, loop
        0x0003_8993, // mv s3, t2
        0xfadf_f06f, // j loop
    ]
}

fn machine(bound: usize) -> Arc<Vm> {
    let options = EngineOptions {
        mode: ExecutionMode::Stencils,
        threshold: 0,
        arena_bytes: bound,
        ..EngineOptions::default()
    };
    let vm = Vm::new(&Engine::new(options).expect("an engine"), Guest::Riscv64, &VmOptions::default())
        .expect("a machine");
    let memory = vm.memory();
    memory.map(DRIVER, 0x1000, Prot::READ | Prot::EXEC).expect("free");
    memory.map(FUNCTIONS, COUNT * STRIDE, Prot::READ | Prot::EXEC).expect("free");
    let bytes = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    memory.write(DRIVER, &bytes(&driver()), Permissions::Ignore).expect("mapped");
    // addi, xori, add, sltu on a0 and a1, then ret.
    let mut function: Vec<u32> = [0x0075_0513, 0x0555_4513, 0x00b5_0533, 0x00b5_35b3]
        .into_iter()
        .cycle()
        .take(LENGTH as usize)
        .collect();
    function.push(0x0000_8067);
    let function = bytes(&function);
    for at in 0..COUNT {
        memory.write(FUNCTIONS + at * STRIDE, &function, Permissions::Ignore).expect("mapped");
    }
    vm
}

fn vcpu(vm: &Arc<Vm>, number: u64) -> Vcpu {
    let mut vcpu = Vcpu::new(vm).expect("a vCPU");
    let values = [
        ("s0", FUNCTIONS),
        ("s1", number),
        ("s4", 0x5851_f42d_4c95_7f2d),
        ("s5", COUNT - 1),
        ("s6", number << 20),
    ];
    for (name, value) in values {
        by_name(Guest::Riscv64, name).expect("a register").write(&mut vcpu, value.into());
    }
    vcpu.set_pc(DRIVER);
    vcpu
}

/// Runs the program on all vCPUs while `measure` runs; the longest time between two calls that each of them saw after
/// `measure` had begun.
fn running(vm: &Arc<Vm>, ready: impl Fn(&Stats) -> bool, measure: impl FnOnce()) -> Vec<Duration> {
    let mut vcpus: Vec<Vcpu> = (0..VCPUS).map(|number| vcpu(vm, number)).collect();
    let interrupters: Vec<Interrupter> = vcpus.iter().map(Vcpu::interrupter).collect();
    let mut measure = Some(measure);
    for measured in [false, true] {
        std::thread::scope(|scope| {
            for vcpu in &mut vcpus {
                // No time was seen yet, and no time between two.
                for name in ["s2", "s3"] {
                    by_name(Guest::Riscv64, name).expect("a register").write(vcpu, 0);
                }
                scope.spawn(move || vcpu.run(&RunOptions::default()));
            }
            match measured {
                false => {
                    while !ready(&vm.stats()) {
                        std::thread::sleep(Duration::from_millis(10));
                    }
                }
                true => measure.take().expect("once")(),
            }
            interrupters.iter().for_each(Interrupter::interrupt);
        });
    }
    let gap = by_name(Guest::Riscv64, "s3").expect("a register");
    vcpus.iter().map(|vcpu| Duration::from_nanos(gap.read(vcpu) as u64)).collect()
}

/// The collections of a kind so far, and the nanoseconds that they took.
type Sums = fn(&Stats) -> (u64, u64);

/// Waits for the next collection of a kind; what it took.
fn next(vm: &Vm, of: Sums) -> Duration {
    let before = of(&vm.stats());
    loop {
        let now = of(&vm.stats());
        if now.0 > before.0 {
            return Duration::from_nanos((now.1 - before.1) / (now.0 - before.0));
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn collect(c: &mut Criterion) {
    let vm = machine(BOUND);
    let begun = Instant::now();
    let gaps = running(
        &vm,
        |stats| stats.collections_major >= 4,
        || {
            let stats = vm.stats();
            println!(
                "{} units, {} MB, after {} minor and {} major collections in {:.1} s",
                stats.cache_units,
                stats.cache_bytes >> 20,
                stats.collections_minor,
                stats.collections_major,
                begun.elapsed().as_secs_f64()
            );
            let mut group = c.benchmark_group("collect");
            group
                .sample_size(20)
                .warm_up_time(Duration::from_millis(1))
                .measurement_time(Duration::from_secs(10));
            let kinds: [(&str, Sums); 2] = [
                ("minor", |stats| (stats.collections_minor, stats.minor_nanos)),
                ("major", |stats| (stats.collections_major, stats.major_nanos)),
            ];
            for (kind, of) in kinds {
                let mut seen = Vec::new();
                group.bench_function(kind, |b| {
                    b.iter_custom(|rounds| {
                        (0..rounds).fold(Duration::ZERO, |sum, _| {
                            let took = next(&vm, of);
                            seen.push(took);
                            sum + took
                        })
                    });
                });
                seen.sort();
                if let Some(most) = seen.last() {
                    let [median, high] = [50, 99].map(|percent| seen[seen.len() * percent / 100]);
                    let count = seen.len();
                    println!(
                        "{kind}: {count} seen, median {median:?}, 99 of 100 up to {high:?}, most {most:?}"
                    );
                }
            }
            group.finish();
        },
    );
    println!("longest time between two calls, by vCPU: {gaps:?}");
    let everything = machine(2 * BOUND);
    let half = (BOUND / 2) as u64;
    let gaps = running(
        &everything,
        |stats| stats.cache_bytes >= half,
        || std::thread::sleep(Duration::from_secs(5)),
    );
    println!("the same without collections ({}): {gaps:?}", everything.stats().collections_major);
}

criterion_group!(benches, collect);
criterion_main!(benches);
