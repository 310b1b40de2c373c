//! What it takes to translate regions of about 10, 100 and 1000 instructions of real code (glibc's `vfprintf`): lifting,
//! the passes, and compiling what they leave. Throughput is in guest instructions.

use benches::Program;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use translator::codegen::{CompileOptions, Compiler, HostIsa, MemoryMode, Options, UnitKey};
use translator::guest::{FpEnv, Guest};
use translator::lift::{LiftOptions, lift_block};
use translator::opt;
use translator::region::{Region, RegionOptions};

const SIZES: [u32; 3] = [10, 100, 1000];

fn grow(program: &Program, guest: Guest, entry: u64, size: u32) -> Region {
    let options = RegionOptions { max_instructions: size, max_blocks: u32::MAX };
    let lift = LiftOptions { max_instructions: size.min(64), ..LiftOptions::default() };
    Region::grow(entry, &options, |pc| lift_block(guest, program, pc, &lift), |_| 0)
        .expect("code at the symbol")
}

fn optimized(mut region: Region) -> Region {
    region.blocks.iter_mut().for_each(opt::optimize);
    region
}

/// Runs `measure` for each guest and size, with the region as lifted.
fn each(c: &mut Criterion, name: &str, measure: impl Fn(&mut criterion::Bencher, &Program, Guest, u64, u32)) {
    let mut group = c.benchmark_group(name);
    for guest in Guest::ALL {
        let program = Program::built(guest, "strings");
        let entry = program.symbol("__vfprintf_internal");
        for size in SIZES {
            let instructions = grow(&program, guest, entry, size).instructions();
            group.throughput(Throughput::Elements(instructions.into()));
            group.bench_function(BenchmarkId::new(guest.name(), size), |b| {
                measure(b, &program, guest, entry, size)
            });
        }
    }
    group.finish();
}

fn lift(c: &mut Criterion) {
    each(c, "lift", |b, program, guest, entry, size| {
        b.iter(|| black_box(grow(program, guest, entry, size)));
    });
}

fn passes(c: &mut Criterion) {
    each(c, "passes", |b, program, guest, entry, size| {
        let region = grow(program, guest, entry, size);
        b.iter_batched(|| region.clone(), |region| black_box(optimized(region)), BatchSize::SmallInput);
    });
}

fn compile(c: &mut Criterion) {
    let compiler = Compiler::new(HostIsa::native(), &Options::default()).expect("this host");
    each(c, "compile", |b, program, guest, entry, size| {
        let region = optimized(grow(program, guest, entry, size));
        let key = UnitKey {
            guest,
            env: FpEnv::default(),
            sticky: 0,
            memory: MemoryMode::Direct,
            parallel: false,
            budget: false,
            hooks: 0,
        };
        b.iter(|| compiler.compile(&region, &key, &CompileOptions::default()).expect("it compiles"));
    });
}

criterion_group!(benches, lift, passes, compile);
criterion_main!(benches);
