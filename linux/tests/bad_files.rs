//! Files that are no programs: each gets a sentence that says why, and none harms xlat.

use linux::elf::{ElfError, Image};
use linux::{Error, Process, ProcessOptions, Program, Stop};
use std::path::{Path, PathBuf};
use translator::run::{Engine, EngineOptions, ExecutionMode, Reason, RunOptions};

fn quick_start(guest: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/quickstart/hello-{guest}"))
}

fn good() -> Vec<u8> {
    std::fs::read(quick_start("riscv64")).expect("the quick-start program is committed")
}

fn put<const N: usize>(data: &mut [u8], at: usize, bytes: [u8; N]) {
    data[at..at + N].copy_from_slice(&bytes);
}

fn word(data: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(data[at..at + 8].try_into().unwrap())
}

/// Offsets in the file of the program headers of a type.
fn headers(data: &[u8], wanted: u32) -> Vec<usize> {
    let count = usize::from(data[56]);
    let all = (0..count).map(|index| word(data, 32) as usize + index * 56);
    all.filter(|at| data[*at..*at + 4] == wanted.to_le_bytes()).collect()
}

const LOAD: u32 = 1;

fn text_of(data: &[u8]) -> String {
    match Image::parse(data) {
        Ok(image) => format!("accepted: {image:?}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_defect_has_its_sentence() {
    type Change = fn(&mut Vec<u8>);
    let cases: &[(Change, &str)] = &[
        (|d| d.clear(), "the file is empty"),
        (|d| d.splice(.., *b"#!/bin/sh\n").for_each(drop), "a script, not an ELF program"),
        (|d| d[0] = 0, "not an ELF file"),
        (|d| d.truncate(3), "not an ELF file"),
        (|d| d.truncate(4), "the ELF file is truncated: the ELF header ends at byte 64, the file at byte 4"),
        (
            |d| d.truncate(63),
            "the ELF file is truncated: the ELF header ends at byte 64, the file at byte 63",
        ),
        (|d| d[4] = 1, "a 32-bit ELF file; xlat runs 64-bit programs"),
        (|d| d[4] = 7, "a corrupt ELF file: unknown ELF class 7"),
        (|d| d[5] = 2, "a big-endian ELF file; xlat runs little-endian programs"),
        (|d| d[5] = 0, "a corrupt ELF file: unknown byte order 0"),
        (|d| d[6] = 9, "a corrupt ELF file: unknown ELF version 9"),
        (|d| put(d, 16, 1u16.to_le_bytes()), "an object file (.o), not a program"),
        (|d| put(d, 16, 4u16.to_le_bytes()), "a core file, not a program"),
        (|d| put(d, 16, 77u16.to_le_bytes()), "a corrupt ELF file: unknown file type 77"),
        (
            |d| put(d, 18, 3u16.to_le_bytes()),
            "an ELF file for i386; xlat runs x86_64, aarch64 and riscv64 programs",
        ),
        (
            |d| put(d, 18, 999u16.to_le_bytes()),
            "an ELF file for machine 999; xlat runs x86_64, aarch64 and riscv64 programs",
        ),
        (|d| put(d, 20, 2u32.to_le_bytes()), "a corrupt ELF file: unknown ELF version 2"),
        (|d| put(d, 48, 8u32.to_le_bytes()), "a program for RV64E (16 registers); xlat runs RV64I programs"),
        (
            |d| put(d, 54, 32u16.to_le_bytes()),
            "a corrupt ELF file: program headers of 32 bytes instead of 56",
        ),
        (|d| put(d, 56, 0u16.to_le_bytes()), "a corrupt ELF file: no program headers"),
        (|d| put(d, 56, 0xffffu16.to_le_bytes()), "an ELF file with more than 65534 program headers"),
        (
            |d| put(d, 32, u64::MAX.to_le_bytes()),
            "a corrupt ELF file: the program header table at 0xffffffffffffffff has",
        ),
        (
            |d| put(d, 32, (1u64 << 40).to_le_bytes()),
            "the ELF file is truncated: the program header table ends at byte",
        ),
        (
            |d| put(d, 24, 0u64.to_le_bytes()),
            "a corrupt ELF file: the entry point 0x0 is not in an executable segment",
        ),
        (
            |d| {
                let entry = word(d, 24);
                put(d, 24, (entry + 1).to_le_bytes())
            },
            "a corrupt ELF file: the entry point",
        ),
        (
            |d| {
                for at in headers(d, LOAD) {
                    put(d, at, 0u32.to_le_bytes())
                }
            },
            "a corrupt ELF file: nothing to load (no PT_LOAD segment)",
        ),
        (
            |d| {
                for at in headers(d, LOAD) {
                    put(d, at + 4, 4u32.to_le_bytes())
                }
            },
            "a corrupt ELF file: the entry point",
        ),
        (
            |d| {
                let at = headers(d, LOAD)[0];
                put(d, at + 32, (1u64 << 30).to_le_bytes())
            },
            "the ELF file is truncated: segment",
        ),
        (
            |d| {
                let at = headers(d, LOAD)[0];
                put(d, at + 8, u64::MAX.to_le_bytes())
            },
            "a corrupt ELF file: segment",
        ),
        (
            |d| {
                let at = headers(d, LOAD)[0];
                put(d, at + 40, u64::MAX.to_le_bytes())
            },
            "a corrupt ELF file: segment",
        ),
        (
            |d| {
                let at = headers(d, LOAD)[0];
                put(d, at + 40, 1u64.to_le_bytes())
            },
            "a corrupt ELF file: segment",
        ),
        (
            |d| {
                let at = headers(d, LOAD)[0];
                put(d, at + 48, 3u64.to_le_bytes())
            },
            "a corrupt ELF file: segment",
        ),
        (
            |d| {
                let at = headers(d, LOAD)[0];
                let addr = word(d, at + 16);
                put(d, at + 16, (addr + 8).to_le_bytes())
            },
            "a corrupt ELF file: segment",
        ),
        (
            |d| {
                let at = headers(d, LOAD)[0];
                put(d, at + 16, (u64::MAX - 0xfff).to_le_bytes())
            },
            "a corrupt ELF file: segment",
        ),
    ];
    for (number, (change, expected)) in cases.iter().enumerate() {
        let mut data = good();
        change(&mut data);
        let text = text_of(&data);
        assert!(text.starts_with(expected), "case {number}: {text:?} does not start with {expected:?}");
    }
    assert!(text_of(&good()).starts_with("accepted"));
}

#[test]
fn overlapping_segments_are_refused() {
    let mut data = std::fs::read(quick_start("x86_64")).unwrap();
    let loads = headers(&data, LOAD);
    assert!(loads.len() > 1, "the x86-64 program has several segments");
    // The second starts where the first does.
    let offset = word(&data, loads[0] + 8);
    let addr = word(&data, loads[0] + 16);
    put(&mut data, loads[1] + 8, offset.to_le_bytes());
    put(&mut data, loads[1] + 16, addr.to_le_bytes());
    assert!(text_of(&data).contains("segments overlap at"), "{}", text_of(&data));
}

#[test]
fn dynamically_linked_programs_are_refused() {
    // This test itself is one.
    let data = std::fs::read("/proc/self/exe").unwrap();
    let Err(error) = Image::parse(&data[..]) else { panic!("accepted") };
    assert!(matches!(error, ElfError::Dynamic(_)), "{error}");
    assert!(error.to_string().starts_with("dynamically linked (interpreter /"), "{error}");
}

#[test]
fn every_truncation_is_refused_or_harmless() {
    for guest in ["x86_64", "aarch64", "riscv64"] {
        let data = std::fs::read(quick_start(guest)).unwrap();
        for length in 0..data.len() {
            // Section headers and symbols may be missing: programs do not need them.
            if let Ok(image) = Image::parse(&data[..length]) {
                assert!(image.segments.iter().all(|s| s.file_offset + s.file_size <= length as u64));
            }
        }
    }
}

fn engine() -> std::sync::Arc<Engine> {
    Engine::new(EngineOptions { mode: ExecutionMode::Interpret, ..EngineOptions::default() }).unwrap()
}

/// Whatever is in a header, loading gives a process or an error.
#[test]
fn corrupt_headers_never_harm_the_loader() {
    let engine = engine();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let interesting = [
        0,
        1,
        7,
        0xfff,
        0x1000,
        0x7fff_ffff,
        0xffff_ffff,
        1 << 40,
        (1 << 46) - 0x1000,
        1 << 47,
        u64::MAX - 0xfff,
        u64::MAX,
    ];
    let originals: Vec<Vec<u8>> =
        ["x86_64", "aarch64", "riscv64"].map(|guest| std::fs::read(quick_start(guest)).unwrap()).to_vec();
    let program =
        Program { path: quick_start("riscv64"), arguments: vec![b"x".to_vec()], environment: vec![] };
    let (mut loaded, mut refused) = (0, 0);
    for round in 0..30_000usize {
        let mut data = originals[round % 3].clone();
        let end = word(&data, 32) as usize + usize::from(data[56]) * 56;
        for _ in 0..1 + random() % 3 {
            // A field of the header or the program headers, or a single byte of them.
            let at = random() as usize % end;
            if random() % 2 == 0 {
                data[at] = random() as u8;
            } else {
                let at = (at & !7).min(end - 8);
                let value = interesting[random() as usize % interesting.len()];
                put(&mut data, at, value.to_le_bytes());
            }
        }
        let Ok(image) = Image::parse(&data[..]) else {
            refused += 1;
            continue;
        };
        // Loading costs a machine each: a sample.
        if round % 16 == 0 {
            match Process::load_image(&engine, &program, &image, &data, &ProcessOptions::default()) {
                Ok(_) => loaded += 1,
                Err(Error::Memory(_) | Error::Elf(_)) => refused += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    assert!(loaded > 100 && refused > 1000, "{loaded} loaded, {refused} refused");
}

#[test]
fn segments_that_do_not_fit_are_refused() {
    let engine = engine();
    let program = Program { path: quick_start("riscv64"), ..Program::default() };
    // The segment is data behind the code, so that the entry point stays good.
    for (addr, size) in [(1u64 << 47, 0x1000), (0x10_0000_0000, 1 << 60), ((1 << 47) - 0x1000, 0x1000)] {
        let data = good();
        let mut image = Image::parse(&data[..]).unwrap();
        image.segments.push(linux::elf::Segment {
            addr,
            size,
            file_offset: 0,
            file_size: 0,
            read: true,
            write: true,
            execute: false,
        });
        let error = Process::load_image(&engine, &program, &image, &data, &ProcessOptions::default());
        let Err(error) = error else { panic!("{addr:#x} was accepted") };
        assert!(error.to_string().starts_with("it does not fit the guest's address space: "), "{error}");
    }
}

#[test]
fn what_is_no_file_is_said_so() {
    let load = |path: &str| {
        let program = Program { path: path.into(), ..Program::default() };
        Process::load(&engine(), &program, &ProcessOptions::default()).map(|_| ()).unwrap_err()
    };
    assert_eq!(load("/no/such/program").to_string(), "no such file");
    assert!(load("/no/such/program").is_not_found());
    assert_eq!(load("/tmp").to_string(), "it is a directory");
    assert_eq!(load("/dev/null").to_string(), "not a regular file");
    assert!(!load("/tmp").is_not_found());
}

/// Whatever the bytes of a program are, running it ends by itself or by its budget.
#[test]
fn corrupt_programs_run_to_an_end_of_their_own() {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let compile = Engine::new(EngineOptions { threshold: 8, ..EngineOptions::default() }).unwrap();
    let engines = [(engine(), 2000), (compile, 150)];
    for (engine, rounds) in engines {
        let (mut ran, mut ended) = (0, 0);
        for round in 0..rounds {
            let guest = ["x86_64", "aarch64", "riscv64"][round % 3];
            let mut data = std::fs::read(quick_start(guest)).unwrap();
            for _ in 0..1 + random() % 64 {
                // Behind the ELF header, whose damage the other tests see to.
                let at = 64 + random() as usize % (data.len() - 64);
                data[at] = random() as u8;
            }
            let Ok(image) = Image::parse(&data[..]) else { continue };
            let program =
                Program { path: quick_start(guest), arguments: vec![b"x".to_vec()], environment: vec![] };
            let Ok(mut process) =
                Process::load_image(&engine, &program, &image, &data, &ProcessOptions::default())
            else {
                continue;
            };
            // A damaged program must not reach the host's kernel.
            process.set_system_call_hook(Some(Box::new(|_| Some(linux::errno::ENOSYS.reply()))));
            ran += 1;
            match process.run(&RunOptions { budget: Some(20_000), ..RunOptions::default() }) {
                Stop::Ended(_) => ended += 1,
                Stop::Exit(exit) => assert_eq!(exit.reason, Reason::Budget, "round {round}: {exit:?}"),
            }
        }
        assert!(ran > rounds / 4 && ended > rounds / 20, "{ran} ran, {ended} ended of {rounds}");
    }
}

#[test]
fn a_large_file_that_is_no_program_is_not_read() {
    let path = std::env::temp_dir().join(format!("xlat-sparse-{}", std::process::id()));
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(1 << 40).unwrap();
    let program = Program { path: path.clone(), ..Program::default() };
    let error = Process::load(&engine(), &program, &ProcessOptions::default()).map(|_| ()).unwrap_err();
    std::fs::remove_file(path).unwrap();
    assert_eq!(error.to_string(), "not an ELF file");
}
