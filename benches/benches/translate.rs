//! What it takes to translate regions of about 10, 100 and 1000 instructions of real code (glibc's `vfprintf`): lifting,
//! the passes, compiling what they leave, and putting stencils together instead. Throughput is in guest instructions.

use benches::Program;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use translator::codegen::{Assembly, CompileOptions, Compiler, HostIsa, Options, Stencils, Trace, UnitKey};
use translator::guest::Guest;
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

fn key(guest: Guest) -> UnitKey {
    UnitKey::plain(guest)
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
        let key = key(guest);
        b.iter(|| compiler.compile(&region, &key, &CompileOptions::default()).expect("it compiles"));
    });
}

/// Tier 1 with all stencils known: units of about so many instructions one after the other from the entry on, lifted and put
/// together. Where the host has no stencils there is nothing to measure.
fn assemble(c: &mut Criterion) {
    let compiler = Compiler::new(HostIsa::native(), &Options::default()).expect("this host");
    let Some(stencils) = Stencils::new(compiler, None) else { return };
    let mut group = c.benchmark_group("assemble");
    for guest in Guest::ALL {
        let program = Program::built(guest, "strings");
        let entry = program.symbol("__vfprintf_internal");
        let key = key(guest);
        for size in SIZES {
            let units = || {
                let (mut pc, mut instructions) = (entry, 0);
                while instructions < size {
                    let trace = Trace::follow(&stencils, &key, &program, pc, |_| false)
                        .expect("code behind the symbol");
                    let (count, last) = (trace.ranges().count(), trace.ranges().last());
                    instructions += count as u32;
                    pc = last.expect("one at least").end;
                    black_box(Assembly::unit(&stencils, &key, &trace, 3000, true).ok());
                }
                instructions
            };
            group.throughput(Throughput::Elements(units().into()));
            group.bench_function(BenchmarkId::new(guest.name(), size), |b| b.iter(units));
        }
    }
    group.finish();
}

criterion_group!(benches, lift, passes, compile, assemble);
criterion_main!(benches);
