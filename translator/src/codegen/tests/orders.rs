//! Which fences each host gets for each order of a guest: the table of `codegen::access`, read off the host code.

use super::oracle::key;
use crate::codegen::*;
use crate::guest::{Guest, riscv64};
use crate::ir::{Block, Builder, FenceSet, Order, RmwOp, Type};
use crate::region::Region;
use decoders::{aarch64 as arm, riscv64 as riscv, x86_64 as x86};

/// A block of one instruction that does something with the address in x6 and the value of x7.
fn block(access: impl FnOnce(&mut Builder, crate::ir::Value, crate::ir::Value)) -> Block {
    let mut b = Builder::new(Guest::Riscv64, 0x1000);
    b.instruction(0x1000, 4);
    let (x6, x7) = (b.get(riscv64::X6), b.get(riscv64::X7));
    access(&mut b, x6, x7);
    b.jump(0x1004);
    b.finish(0x1004)
}

/// Fences and guest accesses of the host code in their order: `F`, and the access's mnemonic.
fn events(isa: HostIsa, block: Block) -> String {
    events_of(isa, block, true)
}

fn events_of(isa: HostIsa, block: Block, parallel: bool) -> String {
    let compiler = Compiler::new(isa, &Options { verify: true, ..Options::default() }).unwrap();
    let key = UnitKey { parallel, ..key(block.guest, 0, 0) };
    let unit = compiler.compile(&Region::single(block), &key, &Default::default()).unwrap();
    let mut events = Vec::new();
    let mut at = 0;
    while at < unit.code.len() {
        let (code, pc) = (&unit.code[at..], at as u64);
        let (len, text) = match isa {
            HostIsa::X86_64 => x86::decode(code, pc).map(|insn| (insn.len(), x86::text(&insn, pc))),
            HostIsa::Aarch64 => arm::decode(code, pc).map(|insn| (4, arm::text(&insn, pc))),
            HostIsa::Riscv64 => riscv::decode(code, pc).map(|insn| (insn.len.into(), riscv::text(&insn, pc))),
        }
        .unwrap_or((if isa == HostIsa::X86_64 { 1 } else { 4 }, String::new()));
        // With AVX the vector moves have their other names.
        let text = text.trim_start_matches("lock ").replace("vmov", "mov");
        let mnemonic = text.split_whitespace().next().unwrap_or_default().to_owned();
        if ["mfence", "fence", "dmb"].contains(&mnemonic.as_str()) {
            assert!(
                ["mfence", "fence", "fence rw, rw", "fence iorw, iorw", "dmb ish"].contains(&text.as_str()),
                "{text} is no full fence"
            );
            events.push("F".to_owned());
        } else if unit.sites.iter().any(|site| site.offset as usize == at) || is_riscv_atomic(&mnemonic) {
            events.push(mnemonic);
        }
        at += len;
    }
    events.join(" ")
}

/// Those have no sites; see `access`.
fn is_riscv_atomic(mnemonic: &str) -> bool {
    ["amo", "lr.", "sc."].iter().any(|start| mnemonic.starts_with(start))
}

const WEAK: [HostIsa; 2] = [HostIsa::Aarch64, HostIsa::Riscv64];

/// `L` and `S` stand for the hosts' plain load and store.
fn check(isa: HostIsa, what: &str, expected: &str, block: Block) {
    let (load, store) = match isa {
        HostIsa::X86_64 => ("mov", "mov"),
        HostIsa::Aarch64 => ("ldr", "str"),
        HostIsa::Riscv64 => ("ld", "sd"),
    };
    let expected: Vec<&str> = expected
        .split(' ')
        .map(|event| match event {
            "L" => load,
            "S" => store,
            event => event,
        })
        .collect();
    assert_eq!(events(isa, block), expected.join(" "), "{what} on {isa}");
}

#[test]
fn loads_get_the_fences_of_their_order() {
    for (order, weak) in [
        (Order::Plain, "L"),
        (Order::Acquire, "L F"),
        (Order::AcquirePc, "L F"),
        (Order::Tso, "L F"),
        (Order::AcquireRelease, "F L F"),
        (Order::SeqCst, "F L F"),
    ] {
        let load = || {
            block(|b, addr, _| {
                let value = b.load(addr, Type::I64, order);
                b.set(value, riscv64::X7);
            })
        };
        check(HostIsa::X86_64, &format!("{order} load"), "L", load());
        for isa in WEAK {
            check(isa, &format!("{order} load"), weak, load());
        }
    }
}

#[test]
fn stores_get_the_fences_of_their_order() {
    for (order, strong, weak) in [
        (Order::Plain, "S", "S"),
        (Order::Tso, "S", "F S"),
        (Order::Release, "xchg", "F S F"),
        (Order::SeqCst, "xchg", "F S F"),
    ] {
        let store = || block(|b, addr, value| b.store(addr, value, order));
        check(HostIsa::X86_64, &format!("{order} store"), strong, store());
        for isa in WEAK {
            check(isa, &format!("{order} store"), weak, store());
        }
    }
    // Sixteen bytes have no exchange.
    let wide = block(|b, addr, value| {
        let pair = b.concat(value, value);
        b.store(addr, pair, Order::Release);
    });
    check(HostIsa::X86_64, "release store of 16 bytes", "movdqu F", wide);
}

#[test]
fn atomics_with_release_end_in_a_full_fence_on_weak_hosts() {
    for order in Order::ALL.iter().copied() {
        let fenced = matches!(order, Order::Release | Order::AcquireRelease | Order::SeqCst);
        let blocks: [(&str, &str, &dyn Fn() -> Block); 3] = [
            ("cas", "cmpxchg", &|| {
                block(|b, addr, value| {
                    let old = b.cas(addr, value, value, Type::I64, order);
                    b.set(old, riscv64::X7);
                })
            }),
            ("rmw", "xadd", &|| {
                block(|b, addr, value| {
                    let old = b.rmw(addr, value, Type::I64, RmwOp::Add, order);
                    b.set(old, riscv64::X7);
                })
            }),
            ("exclusive store", "cmpxchg", &|| {
                block(|b, addr, value| {
                    let stored = b.store_exclusive(addr, value, Type::I64, order);
                    let stored = b.zext(stored, Type::I64);
                    b.set(stored, riscv64::X7);
                })
            }),
        ];
        for (what, locked, block) in blocks {
            check(HostIsa::X86_64, &format!("{order} {what}"), locked, block());
            for isa in WEAK {
                let events = events(isa, block());
                assert!(!events.starts_with('F'), "{order} {what} on {isa}: {events}");
                assert_eq!(events.ends_with('F'), fenced, "{order} {what} on {isa}: {events}");
                // `casal`, `ldaddal`; `lr.d.aqrl` and `sc.d.aqrl`, `amoadd.d.aqrl`.
                let ordered = if isa == HostIsa::Riscv64 { ".aqrl" } else { "al" };
                assert!(events.contains(ordered), "{order} {what} on {isa}: {events}");
            }
        }
    }
}

#[test]
fn a_fence_is_free_only_where_the_host_keeps_the_order() {
    for before in FenceSet::ALL.iter().copied() {
        for after in FenceSet::ALL.iter().copied() {
            let fence = || block(|b, _, _| b.fence(before, after));
            let store_to_load = before != FenceSet::Read && after != FenceSet::Write;
            let what = format!("fence {before}, {after}");
            check(HostIsa::X86_64, &what, if store_to_load { "F" } else { "" }, fence());
            for isa in WEAK {
                check(isa, &what, "F", fence());
            }
        }
    }
}

/// A store of the guest and a load behind it, for each way that a guest has to keep them in order: on every host a full
/// fence or a locked instruction lies between.
#[test]
fn store_to_load_order_of_each_guest_is_kept() {
    use crate::lift::{Bytes, LiftOptions, lift_block};
    let cases: [(Guest, &str, &[u8]); 9] = [
        (Guest::X86_64, "mov [rdi], eax; mfence; mov ecx, [rsi]", &[0x89, 7, 0xf, 0xae, 0xf0, 0x8b, 0xe]),
        (Guest::X86_64, "xchg [rdi], eax; mov ecx, [rsi]", &[0x87, 7, 0x8b, 0xe]),
        (Guest::X86_64, "lock inc dword ptr [rdi]; mov ecx, [rsi]", &[0xf0, 0xff, 7, 0x8b, 0xe]),
        // str w0, [x1]; dmb ish; ldr w2, [x3]
        (Guest::Aarch64, "dmb ish", &[0x20, 0, 0, 0xb9, 0xbf, 0x3b, 3, 0xd5, 0x62, 0, 0x40, 0xb9]),
        // stlr w0, [x1]; ldar w2, [x3]
        (Guest::Aarch64, "stlr, ldar", &[0x20, 0xfc, 0x9f, 0x88, 0x62, 0xfc, 0xdf, 0x88]),
        // swpal w0, w4, [x1]; ldar w2, [x3]
        (Guest::Aarch64, "swpal, ldar", &[0x24, 0x80, 0xe0, 0xb8, 0x62, 0xfc, 0xdf, 0x88]),
        // sw a0, 0(a1); fence w, r; lw a2, 0(a3)
        (Guest::Riscv64, "fence w, r", &[0x23, 0xa0, 0xa5, 0, 0xf, 0, 0x20, 1, 3, 0xa6, 6, 0]),
        // amoswap.w.rl a4, a0, (a1); lr.w.aq a2, (a3)
        (Guest::Riscv64, "amoswap.rl, lr.aq", &[0x2f, 0xa7, 0xa5, 0xa, 0x2f, 0xa6, 6, 0x14]),
        // amoswap.w.aqrl a4, a0, (a1); lw a2, 0(a3)
        (Guest::Riscv64, "amoswap.aqrl, lw", &[0x2f, 0xa7, 0xa5, 0xe, 3, 0xa6, 6, 0]),
    ];
    for (guest, what, bytes) in cases {
        let mut block =
            lift_block(guest, &Bytes { start: 0x1000, bytes }, 0x1000, &LiftOptions::default()).unwrap();
        crate::opt::optimize(&mut block);
        for isa in HostIsa::ALL {
            let events = events(isa, block.clone());
            let events: Vec<&str> = events.split(' ').collect();
            let load = events.len() - 1 - events.iter().rev().take_while(|event| **event == "F").count();
            let locked = ["xchg", "xadd", "cmpxchg"];
            let before = &events[..load];
            // The accesses of the store come first, so a fence among what stands before the load lies between, unless it
            // is the very first.
            let fenced = before.iter().skip(1).any(|event| *event == "F");
            let kept = fenced || isa == HostIsa::X86_64 && before.iter().any(|event| locked.contains(event));
            assert!(kept, "{guest} {what} on {isa}: {events:?}");
        }
    }
}

#[test]
fn a_vcpu_that_is_alone_needs_no_fences_and_no_locks() {
    for order in Order::ALL.iter().copied() {
        let everything = block(|b, addr, value| {
            let first = b.load(addr, Type::I64, order);
            b.fence(FenceSet::ReadWrite, FenceSet::ReadWrite);
            b.store(addr, first, order);
            b.rmw(addr, value, Type::I64, RmwOp::Add, order);
            b.cas(addr, value, first, Type::I64, order);
        });
        let alone = events_of(HostIsa::X86_64, everything.clone(), false);
        assert!(!alone.contains('F') && alone.split(' ').all(|event| event == "mov"), "{order}: {alone}");
        for isa in WEAK {
            let alone = events_of(isa, everything.clone(), false);
            assert!(!alone.contains('F'), "{order} on {isa}: {alone}");
        }
    }
}
