//! What is remembered of encodings changes nothing: units come out as if everything were lifted where it stands.

use super::{Assembly, Stencils, Trace};
use crate::codegen::{CompiledUnit, Compiler, HostIsa, Options, UnitKey};
use crate::guest::Guest;
use crate::lift::{Bytes, FetchFault};

fn stencils() -> Option<Stencils> {
    Stencils::new(Compiler::new(HostIsa::native(), &Options::default()).unwrap(), None)
}

fn unit(stencils: &Stencils, guest: Guest, pc: u64, bytes: &[u8]) -> CompiledUnit {
    let key = UnitKey::plain(guest);
    let trace = Trace::follow(stencils, &key, &Bytes { start: pc, bytes }, pc, |_| false).unwrap();
    let mut unit = Assembly::unit(stencils, &key, &trace, 1000, true).unwrap();
    unit.compile_time = std::time::Duration::ZERO;
    unit
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Code with addresses of every kind, and flags that are seen by one copy of an instruction and not by the other.
fn programs() -> [(Guest, Vec<u8>); 3] {
    let x86_64 = [
        &[0x48, 0x8d, 0x05, 0x10, 0, 0, 0][..], // lea rax, [rip+16]
        &[0x48, 0x01, 0xd8],                    // add rax, rbx: flags dead
        &[0x48, 0x01, 0xd8],                    // add rax, rbx: CF seen
        &[0x48, 0x11, 0xd1],                    // adc rcx, rdx
        &[0x8b, 0x15, 0, 0, 0, 0],              // mov edx, [rip]
        &[0x74, 0x02],                          // je .+4
        &[0xe8, 0, 1, 0, 0],                    // call .+261
    ]
    .concat();
    // adr x0, .+8; adrp x1, .+0x1000; ldr x2, .+16; adds x3, x3, x4; adds x3, x3, x4; b.eq .+8; bl .+16
    let aarch64 = [0x1000_0040, 0xb000_0001, 0x5800_0082, 0xab04_0063, 0xab04_0063, 0x5400_0040, 0x9400_0004];
    // auipc a0, 1; ld a1, 8(a0); bne a1, a0, .+8; auipc a0, 1; jal ra, .+16
    let riscv64 = [0x0000_1517, 0x0085_3583, 0x00a5_9463, 0x0000_1517, 0x0100_00ef];
    [(Guest::X86_64, x86_64), (Guest::Aarch64, words(&aarch64)), (Guest::Riscv64, words(&riscv64))]
}

#[test]
fn an_encoding_is_lifted_once_and_right_everywhere() {
    // Offsets in a page, an instruction over two pages, and both sides of where addresses need more than 31 bits.
    let places = [0x1_0000, 0x1_0ff4, 0x2_1238, 0x7fff_fff0, 0x8000_0000, 0x5555_5555_5ff8, 0x1_0000];
    let Some(known) = stencils() else { return };
    for (guest, bytes) in programs() {
        for pc in places {
            let fresh = stencils().unwrap();
            let (unit, expected) = (unit(&known, guest, pc, &bytes), unit(&fresh, guest, pc, &bytes));
            assert_eq!(format!("{unit:?}"), format!("{expected:?}"), "{guest} at {pc:#x}");
        }
    }
}

#[test]
fn a_trace_ends_where_nothing_can_be_executed() {
    let Some(stencils) = stencils() else { return };
    let key = UnitKey::plain(Guest::Riscv64);
    // addi a0, a0, 1; a word that is no instruction
    let bytes = words(&[0x0015_0513, 0xffff_ffff]);
    let code = Bytes { start: 0x1000, bytes: &bytes };
    let trace = Trace::follow(&stencils, &key, &code, 0x1000, |_| false).unwrap();
    assert_eq!(trace.ranges().collect::<Vec<_>>(), [0x1000..0x1004]);
    for pc in [0x1004, 0x1008, 0x1001] {
        let nothing = Trace::follow(&stencils, &key, &code, pc, |_| false);
        assert_eq!(nothing.unwrap_err(), FetchFault { addr: pc });
    }
}
