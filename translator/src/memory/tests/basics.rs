//! Mapping, permissions, accesses, errors: the same in both modes.

use super::*;
use crate::ir::{Order, RmwOp, Type};
use crate::lift::Fetch;

fn fault(addr: u64, access: Access, size: u32, kind: FaultKind) -> Fault {
    Fault { addr, access, size, kind }
}

#[test]
fn stored_values_are_loaded_in_every_size_and_alignment() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(0x1_0000, 2 * PAGE, Prot::RW).unwrap();
        let value = 0x1122_3344_5566_7788_99aa_bbcc_ddee_ff01_u128;
        for ty in [Type::I1, Type::I8, Type::I16, Type::I32, Type::I64, Type::I128, Type::F64, Type::V128] {
            for order in Order::ALL {
                for offset in (0..40).chain(PAGE - 17..PAGE + 2) {
                    let addr = 0x1_0000 + offset;
                    memory.store(addr, ty, value & ty.mask(), *order).unwrap();
                    assert_eq!(
                        memory.load(addr, ty, *order),
                        Ok(value & ty.mask()),
                        "{mode:?} {ty} {offset}"
                    );
                }
            }
        }
    }
}

#[test]
fn permissions_are_kept_and_the_first_faulting_byte_is_named() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(0x1_0000, PAGE, Prot::RW).unwrap();
        memory.map(0x1_1000, PAGE, Prot::READ).unwrap();
        memory.map(0x1_2000, PAGE, Prot::EXEC).unwrap();
        memory.map(0x1_3000, PAGE, Prot::NONE).unwrap();
        let store = |addr| memory.store(addr, Type::I64, 1, Order::Plain);
        let load = |addr| memory.load(addr, Type::I64, Order::Plain);
        let denied = FaultKind::Permission;
        assert_eq!(store(0x1_1000), Err(fault(0x1_1000, Access::Write, 8, denied)));
        assert_eq!(store(0x1_0ffc), Err(fault(0x1_1000, Access::Write, 8, denied)));
        assert_eq!(memory.load(0x1_0ffc, Type::I32, Order::Plain), Ok(0), "nothing was stored");
        assert_eq!(load(0x1_1ffc), Err(fault(0x1_2000, Access::Read, 8, denied)));
        assert_eq!(load(0x1_3000), Err(fault(0x1_3000, Access::Read, 8, denied)));
        assert_eq!(load(0x1_4000), Err(fault(0x1_4000, Access::Read, 8, FaultKind::Unmapped)));
        assert_eq!(load(0x1_3ffc), Err(fault(0x1_3ffc, Access::Read, 8, denied)));
        assert_eq!(load(0xfffc), Err(fault(0xfffc, Access::Read, 8, FaultKind::Unmapped)));
        let cas = memory.cas(0x1_1008, Type::I32, 1, 2, Order::SeqCst);
        assert_eq!(cas, Err(fault(0x1_1008, Access::Write, 4, denied)));
        let rmw = memory.rmw(0x1_4008, Type::I32, RmwOp::Add, 2, Order::SeqCst);
        assert_eq!(rmw, Err(fault(0x1_4008, Access::Write, 4, FaultKind::Unmapped)));
        assert_eq!(
            memory.probe(0x1_0000, 0x1001, Access::Write),
            Err(fault(0x1_1000, Access::Write, 0x1001, denied))
        );
        assert_eq!(memory.probe(0x1_0000, 0x2000, Access::Read), Ok(()));
    }
}

#[test]
fn every_address_outside_of_memory_faults() {
    for mode in MODES {
        let memory = memory(mode);
        for addr in
            [0, 1, memory.limit(), memory.limit() - 3, u64::MAX, u64::MAX - 7, 1 << 63, 1 << 47, 1 << 32]
        {
            for ty in [Type::I8, Type::I64, Type::V128] {
                assert!(memory.load(addr, ty, Order::Plain).is_err());
                assert!(memory.store(addr, ty, 0, Order::Plain).is_err());
                assert!(memory.cas(addr, ty, 0, 0, Order::Plain).is_err());
            }
            assert_eq!(memory.fetch(addr, &mut [0; 15]), 0);
        }
    }
}

#[test]
fn the_last_page_of_the_address_space_works_and_nothing_wraps() {
    for mode in MODES {
        let memory = memory(mode);
        let page = memory.limit() - (PAGE - 1);
        memory.map(page, PAGE, Prot::RWX).unwrap();
        memory.store(page + (PAGE - 8), Type::I64, 7, Order::Plain).unwrap();
        assert_eq!(memory.load(page + (PAGE - 8), Type::I64, Order::Plain), Ok(7));
        let fault = memory.load(page + (PAGE - 4), Type::I64, Order::Plain).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Unmapped);
        assert_eq!(fault.addr, memory.limit().wrapping_add(1));
        assert_eq!(memory.fetch(page + (PAGE - 4), &mut [0; 15]), 4);
        let mut buf = [0; 16];
        let partial = memory.read(page + (PAGE - 8), &mut buf, Permissions::Ignore).unwrap_err();
        assert_eq!((partial.done, partial.fault.kind), (8, FaultKind::Unmapped));
        memory.unmap(page, PAGE).unwrap();
        assert!(memory.regions().is_empty());
    }
}

#[test]
fn misuse_is_an_error_and_changes_nothing() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(0x10_0000, 4 * PAGE, Prot::RW).unwrap();
        memory.store(0x10_1000, Type::I64, 42, Order::Plain).unwrap();
        let before = memory.regions();
        let rw = Prot::RW;
        assert_eq!(memory.map(0x20_0000, 0, rw), Err(Error::ZeroLength("map")));
        assert_eq!(
            memory.map(0x20_0010, PAGE, rw),
            Err(Error::Misaligned { what: "address", value: 0x20_0010 })
        );
        assert_eq!(memory.map(0x20_0000, 100, rw), Err(Error::Misaligned { what: "length", value: 100 }));
        let overlap = Error::Overlap { addr: 0xf_f000, len: 2 * PAGE, at: 0x10_0000 };
        assert_eq!(memory.map(0xf_f000, 2 * PAGE, rw), Err(overlap));
        let huge = !(PAGE - 1);
        assert!(matches!(memory.map(0x20_0000, huge, rw), Err(Error::OutOfRange { .. })));
        assert!(matches!(memory.unmap(0x20_0000, huge), Err(Error::OutOfRange { .. })));
        assert!(matches!(memory.protect(0x20_0000, huge, rw), Err(Error::OutOfRange { .. })));
        assert_eq!(memory.protect(0x10_0000, 5 * PAGE, rw), Err(Error::NotMapped { addr: 0x10_4000 }));
        assert_eq!(
            memory.unmap(0x10_0001, PAGE),
            Err(Error::Misaligned { what: "address", value: 0x10_0001 })
        );
        assert_eq!(memory.unmap(0x10_0000, 0), Err(Error::ZeroLength("unmap")));
        assert_eq!(memory.unmap(0x40_0000, PAGE), Ok(()), "unmapping nothing is fine");
        assert_eq!(memory.find_free(u64::MAX, 0), None);
        assert_eq!(memory.find_free(0, 0), None);
        let huge_anywhere = memory.map_at(
            Placement::Anywhere { hint: 0 },
            1 << 62,
            rw,
            Source::Memory { shared: false },
            MapOptions::default(),
        );
        assert_eq!(huge_anywhere, Err(Error::NoSpace { len: 1 << 62 }));
        assert_eq!(memory.regions(), before);
        assert_eq!(memory.load(0x10_1000, Type::I64, Order::Plain), Ok(42));
    }
}

#[test]
fn regions_split_and_merge() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(0x10_0000, 8 * PAGE, Prot::RW).unwrap();
        memory.zero(0x10_0000, 8 * PAGE as usize, Permissions::Honour).unwrap();
        memory.write(0x10_0000, &[0xab; 8 * 4096], Permissions::Honour).unwrap();
        memory.protect(0x10_2000, 2 * PAGE, Prot::READ).unwrap();
        let shape =
            |memory: &Memory| memory.regions().iter().map(|r| (r.start, r.last, r.prot)).collect::<Vec<_>>();
        let split = vec![
            (0x10_0000, 0x10_1fff, Prot::RW),
            (0x10_2000, 0x10_3fff, Prot::READ),
            (0x10_4000, 0x10_7fff, Prot::RW),
        ];
        assert_eq!(shape(&memory), split);
        memory.protect(0x10_0000, 8 * PAGE, Prot::RWX).unwrap();
        assert_eq!(shape(&memory), [(0x10_0000, 0x10_7fff, Prot::RWX)]);
        memory.unmap(0x10_3000, PAGE).unwrap();
        assert_eq!(shape(&memory), [(0x10_0000, 0x10_2fff, Prot::RWX), (0x10_4000, 0x10_7fff, Prot::RWX)]);
        assert_eq!(memory.load(0x10_4000, Type::I8, Order::Plain), Ok(0xab));
        memory.map(0x10_3000, PAGE, Prot::RWX).unwrap();
        assert_eq!(memory.load(0x10_3000, Type::I8, Order::Plain), Ok(0), "new memory is zero");
        let place = Placement::Fixed(0x10_0000);
        let source = Source::Memory { shared: false };
        memory.map_at(place, 8 * PAGE, Prot::READ, source, MapOptions::default()).unwrap();
        assert_eq!(shape(&memory), [(0x10_0000, 0x10_7fff, Prot::READ)]);
        assert_eq!(memory.load(0x10_0000, Type::I8, Order::Plain), Ok(0), "replaced memory is zero");
    }
}

#[test]
fn free_ranges_are_found_from_the_top_and_at_the_hint() {
    for mode in MODES {
        let memory = memory(mode);
        let anywhere = |hint, len| {
            let source = Source::Memory { shared: false };
            memory.map_at(Placement::Anywhere { hint }, len, Prot::RW, source, MapOptions::default())
        };
        let first = anywhere(0, 3 * PAGE).unwrap();
        let second = anywhere(0, PAGE).unwrap();
        assert_eq!(second + PAGE, first);
        assert_eq!(anywhere(0x50_0123, PAGE), Ok(0x50_0000));
        assert_eq!(anywhere(first, PAGE), Ok(second - PAGE), "an occupied hint is ignored");
        memory.unmap(first + PAGE, PAGE).unwrap();
        assert_eq!(anywhere(0, PAGE), Ok(first + PAGE), "the highest hole is used");
        assert_eq!(
            memory.find_free(PAGE, 0x1000),
            Some(second - 2 * PAGE),
            "a hint below the lowest is ignored"
        );
    }
}

#[test]
fn the_host_reads_and_writes_behind_guest_permissions() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(0x1_0000, PAGE, Prot::RW).unwrap();
        memory.map(0x1_1000, PAGE, Prot::RX).unwrap();
        memory.map(0x1_2000, PAGE, Prot::NONE).unwrap();
        let bytes: Vec<u8> = (0..3 * PAGE).map(|i| i as u8 ^ (i >> 8) as u8).collect();
        let partial = memory.write(0x1_0000, &bytes, Permissions::Honour).unwrap_err();
        assert_eq!(partial.done, PAGE as usize);
        assert_eq!(partial.fault.addr, 0x1_1000);
        memory.write(0x1_0000, &bytes, Permissions::Ignore).unwrap();
        let mut back = vec![0; 3 * PAGE as usize];
        let partial = memory.read(0x1_0000, &mut back, Permissions::Honour).unwrap_err();
        assert_eq!((partial.done, partial.fault.addr), (2 * PAGE as usize, 0x1_2000));
        memory.read(0x1_0000, &mut back, Permissions::Ignore).unwrap();
        assert_eq!(back, bytes);
        memory.zero(0x1_0ff0, 0x1020, Permissions::Ignore).unwrap();
        memory.read(0x1_0000, &mut back, Permissions::Ignore).unwrap();
        assert!(back[0xff0..0x2010].iter().all(|&byte| byte == 0));
        assert_eq!(back[0xfef], bytes[0xfef]);
        assert_eq!(back[0x2010], bytes[0x2010]);
        assert!(memory.store(0x1_1000, Type::I8, 1, Order::Plain).is_err(), "still protected");
    }
}

#[test]
fn only_executable_bytes_are_fetched() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(0x1_0000, PAGE, Prot::RX).unwrap();
        memory.map(0x1_1000, PAGE, Prot::EXEC).unwrap();
        memory.map(0x1_2000, PAGE, Prot::RW).unwrap();
        memory.write(0x1_0ff8, &[1, 2, 3, 4, 5, 6, 7, 8, 9], Permissions::Ignore).unwrap();
        let mut buf = [0; 9];
        assert_eq!(memory.fetch(0x1_0ff8, &mut buf), 9);
        assert_eq!(buf, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(memory.fetch(0x1_1ffe, &mut buf), 2);
        assert_eq!(memory.fetch(0x1_2000, &mut buf), 0);
    }
}

#[test]
fn atomics_have_their_meaning_at_every_alignment() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(0x1_0000, PAGE, Prot::RW).unwrap();
        memory.map(0x1_1000, PAGE, Prot::RW).unwrap();
        for ty in [Type::I8, Type::I16, Type::I32, Type::I64, Type::I128] {
            let all = ty.mask();
            for addr in (0x1_0000..0x1_0020).chain(0x1_0ff0..0x1_1000) {
                memory.store(addr, ty, 5, Order::Plain).unwrap();
                let rmw = |op, value| memory.rmw(addr, ty, op, value, Order::SeqCst).unwrap();
                assert_eq!(rmw(RmwOp::Add, 3), 5);
                assert_eq!(rmw(RmwOp::Sub, 9), 8);
                assert_eq!(rmw(RmwOp::Umax, 1), all, "8 - 9 wraps");
                assert_eq!(rmw(RmwOp::Smax, 1), all);
                assert_eq!(rmw(RmwOp::Smin, all), 1);
                assert_eq!(rmw(RmwOp::Umin, 0x3c), all);
                assert_eq!(rmw(RmwOp::And, 0x1c), 0x3c);
                assert_eq!(rmw(RmwOp::AndNot, 0x04), 0x1c);
                assert_eq!(rmw(RmwOp::Or, 0x01), 0x18);
                assert_eq!(rmw(RmwOp::Xor, 0x10), 0x19);
                assert_eq!(rmw(RmwOp::Exchange, all), 0x09);
                let cas = |expected, new| memory.cas(addr, ty, expected, new, Order::SeqCst).unwrap();
                assert_eq!(cas(1, 2), all);
                assert_eq!(cas(all, 2), all);
                assert_eq!(cas(3, 4), 2);
                assert_eq!(memory.load(addr, ty, Order::Plain), Ok(2));
            }
        }
    }
}
