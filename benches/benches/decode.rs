//! Nanoseconds per instruction to decode the whole `.text` of the cross compilers' libc.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use object::{Object, ObjectSection};
use std::hint::black_box;
use std::process::Command;

/// The code of the libc that `compiler` links with.
fn libc_code(compiler: &str) -> Vec<u8> {
    let found = Command::new(compiler).arg("-print-file-name=libc.so.6").output();
    let found = found.unwrap_or_else(|error| panic!("{compiler}: {error}; run scripts/setup"));
    let path = String::from_utf8(found.stdout).expect("a path");
    let file =
        std::fs::read(path.trim()).unwrap_or_else(|error| panic!("{path}: {error}; run scripts/setup"));
    let file = object::File::parse(&*file).expect("libc is an object file");
    file.section_by_name(".text").expect("libc has code").data().expect("in the file").to_vec()
}

fn riscv64(c: &mut Criterion) {
    use decoders::riscv64::decode;
    let code = libc_code("riscv64-linux-gnu-gcc");
    let sweep = || {
        let (mut at, mut count) = (0, 0);
        while at < code.len() {
            // Padding between functions is not code.
            let insn = decode(&code[at..], at as u64).ok();
            at += insn.map_or(2, |insn| usize::from(black_box(insn).len));
            count += 1;
        }
        count
    };
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(sweep()));
    group.bench_function("riscv64", |b| b.iter(sweep));
    group.finish();
}

fn x86_64(c: &mut Criterion) {
    use decoders::x86_64::decode;
    // The host's own libc need not be x86-64: code of the instructions that compilers emit most.
    let code = [
        &[0x48, 0x89, 0xe5][..],
        &[0x48, 0x8b, 0x44, 0x9e, 0x10],
        &[0x85, 0xc0],
        &[0x0f, 0x84, 0x10, 0x00, 0x00, 0x00],
        &[0x48, 0x8d, 0x05, 0x00, 0x01, 0x00, 0x00],
        &[0xf3, 0x0f, 0x6f, 0x06],
    ];
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(code.len() as u64));
    group.bench_function("x86_64", |b| {
        b.iter(|| code.iter().filter(|bytes| decode(bytes, 0x1000).is_ok()).count())
    });
    group.finish();
}

criterion_group!(benches, riscv64, x86_64);
criterion_main!(benches);
