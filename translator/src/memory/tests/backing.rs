//! What mappings show: files, host memory, moved and grown memory.

use super::*;
use crate::ir::{Order, Type};
use std::os::unix::fs::FileExt;

const AT: u64 = 0x10_0000;

fn load(memory: &Memory, addr: u64) -> u64 {
    memory.load(addr, Type::I64, Order::Plain).unwrap() as u64
}

fn store(memory: &Memory, addr: u64, value: u64) {
    memory.store(addr, Type::I64, value.into(), Order::Plain).unwrap();
}

#[test]
fn shared_mappings_reach_the_file_and_private_ones_do_not() {
    for mode in MODES {
        let memory = memory(mode);
        let fd = memfd(4);
        let file = std::fs::File::from(fd.try_clone().unwrap());
        file.write_all_at(&0x1234_u64.to_le_bytes(), 2 * PAGE).unwrap();
        map_file(&memory, AT, 4, Prot::RW, &fd, false);
        let shared = memory
            .map_file(Placement::Anywhere { hint: 0 }, 2 * PAGE, Prot::RW, fd.as_fd(), 2 * PAGE, true)
            .unwrap();
        assert_eq!(load(&memory, AT + 2 * PAGE), 0x1234);
        assert_eq!(load(&memory, shared), 0x1234);
        store(&memory, AT + 2 * PAGE, 1);
        assert_eq!(load(&memory, shared), 0x1234);
        store(&memory, shared + PAGE, 0x77);
        let mut bytes = [0; 8];
        file.read_exact_at(&mut bytes, 3 * PAGE).unwrap();
        assert_eq!(u64::from_le_bytes(bytes), 0x77);
        let region = memory.region(shared + PAGE + 9).unwrap();
        assert_eq!((region.start, region.kind, region.offset), (shared, RegionKind::SharedFile, 2 * PAGE));
        memory.discard(AT + 2 * PAGE, PAGE).unwrap();
        assert_eq!(load(&memory, AT + 2 * PAGE), 0x1234, "the private copy is gone");
        let misaligned = memory.map_file(Placement::Fixed(AT), PAGE, Prot::RW, fd.as_fd(), 12, false);
        assert_eq!(misaligned, Err(Error::Misaligned { what: "file offset", value: 12 }));
    }
}

#[test]
fn a_read_only_shared_file_never_becomes_writable() {
    for mode in MODES {
        let memory = memory(mode);
        let path = std::env::temp_dir().join(format!("xlat-memory-{}-{mode:?}", std::process::id()));
        std::fs::write(&path, [7; 4096]).unwrap();
        let file = OwnedFd::from(std::fs::File::open(&path).unwrap());
        std::fs::remove_file(&path).unwrap();
        let place = Placement::FixedNoReplace(AT);
        let refused = memory.map_file(place, PAGE, Prot::RW, file.as_fd(), 0, true).unwrap_err();
        assert_eq!(refused.errno(), libc::EACCES);
        map_file(&memory, AT, 1, Prot::READ, &file, true);
        assert_eq!(memory.protect(AT, PAGE, Prot::RW).unwrap_err().errno(), libc::EACCES);
        assert_eq!(memory.region(AT).unwrap().prot, Prot::READ);
        assert_eq!(load(&memory, AT), 0x0707_0707_0707_0707);
        let partial = memory.write(AT, &[1], Permissions::Ignore).unwrap_err();
        assert_eq!((partial.done, partial.fault.kind), (0, FaultKind::Permission));
        map_file(&memory, AT + PAGE, 1, Prot::RW, &file, false);
        store(&memory, AT + PAGE, 3);
    }
}

#[test]
fn host_memory_in_paged_mode_is_the_callers() {
    #[repr(align(4096))]
    struct Buffer([u8; 8192]);
    let mut buffer = Box::new(Buffer([0; 8192]));
    let memory = memory(Mode::Paged);
    let ptr = &raw mut buffer.0;
    let ptr: *mut u8 = ptr.cast();
    let map = |at, ptr, len| {
        // SAFETY: the buffer outlives the memory, and is only looked at through pointers below.
        unsafe { memory.map_host(Placement::FixedNoReplace(at), ptr, len, Prot::RW) }
    };
    assert_eq!(map(AT, ptr, 2 * PAGE), Ok(AT));
    store(&memory, AT + PAGE - 4, 0x1122_3344_5566_7788);
    // SAFETY: the buffer is alive.
    assert_eq!(unsafe { ptr.add(PAGE as usize - 4).cast::<u64>().read_unaligned() }, 0x1122_3344_5566_7788);
    assert!(matches!(map(AT, ptr, PAGE), Err(Error::Overlap { .. })));
    assert!(matches!(map(0x50_0000, ptr.wrapping_add(8), PAGE), Err(Error::Misaligned { .. })));
    assert!(map(0x50_0000, std::ptr::null_mut(), PAGE).is_err());
    let slice = memory.host_range(AT + 8, PAGE, Access::Write).unwrap().unwrap();
    assert_eq!((slice.as_ptr(), slice.len()), (ptr.wrapping_add(8), PAGE as usize));
    drop(slice);
    memory.unmap(AT, 2 * PAGE).unwrap();
    assert!(memory.host_range(AT, 8, Access::Read).is_err());
    drop(memory);
    assert_eq!(buffer.0[PAGE as usize - 4], 0x88);
}

#[test]
fn private_host_memory_is_refused_in_direct_mode() {
    let memory = memory(Mode::Direct);
    let source = Memory::new(Mode::Direct, &Options { window: Some(1 << 20), ..Options::default() }).unwrap();
    source.map(0, PAGE, Prot::RW).unwrap();
    let ptr = source.window_range(0, PAGE).unwrap();
    // SAFETY: `source` is alive.
    let refused = unsafe { memory.map_host(Placement::FixedNoReplace(AT), ptr, PAGE, Prot::RW) };
    assert!(matches!(refused, Err(Error::Unsupported(_))), "{refused:?}");
    assert!(memory.regions().is_empty());
    memory.map(AT, PAGE, Prot::RW).unwrap();
    store(&memory, AT, 1);
}

#[test]
fn split_mappings_of_different_blocks_are_one_range_for_accesses() {
    let memory = memory(Mode::Paged);
    memory.map(AT + PAGE, PAGE, Prot::RW).unwrap();
    memory.map(AT, PAGE, Prot::RW).unwrap();
    store(&memory, AT + PAGE - 3, 0x0102_0304_0506_0708);
    assert_eq!(load(&memory, AT + PAGE - 3), 0x0102_0304_0506_0708);
    match memory.host_range(AT + PAGE - 3, 8, Access::Read) {
        Ok(None) => {}
        Ok(Some(slice)) => assert_eq!(slice.len(), 8, "the host happened to put them side by side"),
        Err(fault) => panic!("{fault:?}"),
    };
}

#[test]
fn remap_keeps_the_bytes() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(AT, 4 * PAGE, Prot::RW).unwrap();
        let fill = |addr: u64, pages: u64| (0..pages).for_each(|i| store(&memory, addr + i * PAGE, i + 1));
        let check = |addr: u64, pages: u64| {
            (0..pages).for_each(|i| assert_eq!(load(&memory, addr + i * PAGE), i + 1, "{mode:?} page {i}"));
        };
        fill(AT, 4);
        // Shrink, grow in place, grow against a neighbour, move.
        assert_eq!(memory.remap(AT, 4 * PAGE, 2 * PAGE, Move::No), Ok(AT));
        assert_eq!(memory.first_unmapped(AT), AT + 2 * PAGE);
        assert_eq!(memory.remap(AT, 2 * PAGE, 3 * PAGE, Move::No), Ok(AT));
        check(AT, 2);
        assert_eq!(load(&memory, AT + 2 * PAGE), 0, "added memory is zero");
        store(&memory, AT + 2 * PAGE, 3);
        memory.map(AT + 4 * PAGE, PAGE, Prot::READ).unwrap();
        if mode == Mode::Direct {
            let refused = memory.remap(AT, 3 * PAGE, 8 * PAGE, Move::No);
            assert_eq!(refused, Err(Error::NoSpace { len: 8 * PAGE }));
            let moved = memory.remap(AT, 3 * PAGE, 8 * PAGE, Move::May).unwrap();
            assert_ne!(moved, AT);
            check(moved, 3);
            assert_eq!(load(&memory, moved + 7 * PAGE), 0);
            assert!(memory.load(AT, Type::I8, Order::Plain).is_err(), "the old place is gone");
            assert_eq!(memory.remap(moved, 8 * PAGE, 3 * PAGE, Move::To(AT)), Ok(AT));
        }
        check(AT, 3);
        assert_eq!(memory.remap(AT, PAGE, PAGE, Move::To(AT + 4 * PAGE)), Ok(AT + 4 * PAGE));
        check(AT + 4 * PAGE, 1);
        store(&memory, AT + 4 * PAGE, 9);
        // Errors change nothing.
        let before = memory.regions();
        assert!(matches!(
            memory.remap(AT + PAGE, 2 * PAGE, 4 * PAGE, Move::To(AT + 2 * PAGE)),
            Err(Error::Overlap { .. })
        ));
        assert!(matches!(memory.remap(AT, PAGE, 2 * PAGE, Move::May), Err(Error::NotMapped { .. })));
        assert!(matches!(
            memory.remap(AT + PAGE, PAGE, u64::MAX - 4095, Move::May),
            Err(Error::NoSpace { .. })
        ));
        assert!(matches!(memory.remap(AT + PAGE, 0, PAGE, Move::May), Err(Error::ZeroLength(_))));
        assert_eq!(memory.regions(), before);
    }
}

impl Memory {
    fn first_unmapped(&self, addr: u64) -> u64 {
        self.read_state().regions.first_hole(addr, self.last).unwrap()
    }
}

#[test]
fn a_moved_file_mapping_still_shows_the_file() {
    for mode in MODES {
        let memory = memory(mode);
        let fd = memfd(4);
        map_file(&memory, AT, 2, Prot::RW, &fd, true);
        store(&memory, AT + PAGE, 5);
        assert_eq!(memory.remap(AT, 2 * PAGE, 2 * PAGE, Move::To(0x40_0000)), Ok(0x40_0000));
        assert_eq!(load(&memory, 0x40_0000 + PAGE), 5);
        let grown = memory.remap(0x40_0000, 2 * PAGE, 3 * PAGE, Move::May);
        match mode {
            Mode::Direct => {
                let file = std::fs::File::from(fd);
                file.write_all_at(&[6], 2 * PAGE).unwrap();
                assert_eq!(load(&memory, grown.unwrap() + 2 * PAGE), 6);
            }
            Mode::Paged => assert!(matches!(grown, Err(Error::Unsupported(_)))),
        }
    }
}

#[test]
fn a_direct_window_has_the_size_that_was_asked_for_and_guards() {
    for size in [PAGE, 1 << 20, (1 << 32) + PAGE] {
        let options = Options { window: Some(size), ..Options::default() };
        let memory = Memory::new(Mode::Direct, &options).unwrap();
        assert_eq!(memory.limit(), size - 1);
        let around = maps_around(memory.base(), size);
        assert_eq!(around, (GUARD_SIZE, GUARD_SIZE), "window of {size:#x}");
    }
    let wrong = Options { window: Some(1000), ..Options::default() };
    assert!(matches!(Memory::new(Mode::Direct, &wrong), Err(Error::Misaligned { .. })));
    let empty = Options { window: Some(0), ..Options::default() };
    assert!(matches!(Memory::new(Mode::Direct, &empty), Err(Error::ZeroLength(_))));
    for size in [1 << 60, !(PAGE - 1)] {
        let huge = Options { window: Some(size), ..Options::default() };
        assert!(matches!(Memory::new(Mode::Direct, &huge), Err(Error::Host { .. })));
    }
    let default = Memory::new(Mode::Direct, &Options::default()).unwrap();
    assert!(default.limit() >= (1 << 38) - 1);
}

/// Bytes of the inaccessible host mapping before and behind a window, from the kernel's list.
fn maps_around(base: u64, size: u64) -> (u64, u64) {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ').unwrap();
        let (from, to) = range.split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        if from <= base && base < to {
            assert!(rest.starts_with("---p"));
            // Windows of other tests may lie side by side and look like one mapping.
            return ((base - from).min(GUARD_SIZE), (to - base - size).min(GUARD_SIZE));
        }
    }
    panic!("the window is not mapped");
}
