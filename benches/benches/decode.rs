//! Nanoseconds per instruction to decode a whole statically linked program (`scripts/build-programs` makes it).

use benches::Program;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use translator::guest::Guest;

/// Decodes from one end to the other; the bytes of what is no instruction (padding, constants) are skipped by `step`.
fn sweep(code: &[u8], step: usize, length: impl Fn(&[u8], u64) -> Option<usize>) -> u64 {
    let (mut at, mut count) = (0, 0);
    while at < code.len() {
        at += length(&code[at..], at as u64).unwrap_or(step);
        count += 1;
    }
    count
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    for guest in Guest::ALL {
        let program = Program::built(guest, "strings");
        let code = program.text();
        let run = || match guest {
            Guest::X86_64 => {
                sweep(code, 1, |code, pc| decoders::x86_64::decode(code, pc).ok().map(|i| black_box(i).len()))
            }
            Guest::Aarch64 => sweep(code, 4, |code, pc| {
                black_box(decoders::aarch64::decode(code, pc)).ok();
                None
            }),
            Guest::Riscv64 => sweep(code, 2, |code, pc| {
                decoders::riscv64::decode(code, pc).ok().map(|i| usize::from(black_box(i).len))
            }),
        };
        group.throughput(Throughput::Elements(run()));
        group.bench_function(guest.name(), |b| b.iter(run));
    }
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
