//! Pages with translated code: who is told what and when, and what stores do.

use super::*;
use crate::ir::{Order, Type};
use crate::lift::Fetch;
use std::io::Write as _;
use std::os::fd::AsRawFd;
use std::slice::from_ref;

const CODE: u64 = 0x10_0000;

/// Something that is done to memory.
type Change = fn(&Memory);

/// A unit made from the 8 bytes at `addr`.
fn unit(memory: &Memory, addr: u64) -> CodeWatch {
    let reader = memory.code_reader();
    assert_eq!(reader.fetch(addr, &mut [0; 8]), 8);
    reader.finish(from_ref(&(addr..addr + 8)))
}

fn store(memory: &Memory, addr: u64, value: u128) {
    memory.store(addr, Type::I64, value, Order::Plain).unwrap();
}

fn page(addr: u64) -> Range<u64> {
    addr..addr + PAGE
}

#[test]
fn a_store_to_watched_code_invalidates_first_and_is_seen_after() {
    for mode in MODES {
        let memory = Arc::new(memory(mode));
        memory.map(CODE, 2 * PAGE, Prot::RWX).unwrap();
        let recorder = Recorder::attach(&memory);
        let watch = unit(&memory, CODE + 8);
        assert_eq!(watch.mode(), CodePage::Watched);
        assert!(memory.is_current(&watch));
        let seen = Arc::clone(&memory);
        let check = move || {
            // No lock is held, and nothing has changed yet.
            assert_eq!(seen.load(CODE, Type::I64, Order::Plain), Ok(0));
        };
        let _ = recorder.check.set(Box::new(check));
        store(&memory, CODE + PAGE, 3);
        assert!(recorder.take().is_empty(), "another page");
        store(&memory, CODE, 7);
        assert_eq!(recorder.take(), [page(CODE)]);
        assert!(!memory.is_current(&watch));
        assert_eq!(memory.load(CODE, Type::I64, Order::Plain), Ok(7));
        store(&memory, CODE, 8);
        assert!(recorder.take().is_empty(), "nothing is watched any more");
        memory.unwatch_code(watch);
    }
}

#[test]
fn every_kind_of_write_invalidates() {
    let writes: [(&str, Change); 7] = [
        ("store", |memory| store(memory, CODE + 0x800, 1)),
        ("store across pages", |memory| store(memory, CODE - 4, 1)),
        ("cas", |memory| {
            memory.cas(CODE + 16, Type::I128, 0, 1, Order::SeqCst).unwrap();
        }),
        ("rmw", |memory| {
            memory.rmw(CODE + 3, Type::I16, crate::ir::RmwOp::Add, 1, Order::SeqCst).unwrap();
        }),
        ("write", |memory| memory.write(CODE - 1, &[1; 3], Permissions::Honour).unwrap()),
        ("zero", |memory| memory.zero(CODE, 1, Permissions::Honour).unwrap()),
        ("discard", |memory| memory.discard(CODE, PAGE).unwrap()),
    ];
    for mode in MODES {
        for (name, write) in writes {
            let memory = memory(mode);
            memory.map(CODE - PAGE, 2 * PAGE, Prot::RWX).unwrap();
            let recorder = Recorder::attach(&memory);
            let watch = unit(&memory, CODE);
            write(&memory);
            assert_eq!(recorder.take(), [page(CODE)], "{mode:?} {name}");
            assert!(!memory.is_current(&watch));
        }
    }
}

#[test]
fn the_kernel_may_write_a_watched_page_only_under_a_guard() {
    let memory = memory(Mode::Direct);
    memory.map(CODE, PAGE, Prot::RWX).unwrap();
    let recorder = Recorder::attach(&memory);
    let watch = unit(&memory, CODE);
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"patched!").unwrap();
    let ptr = memory.window_range(CODE, 8).unwrap();
    let read = || {
        // SAFETY: the kernel checks the range, which lies in the window.
        unsafe { libc::read(reader.as_raw_fd(), ptr.cast(), 8) }
    };
    assert_eq!(read(), -1);
    assert_eq!(std::io::Error::last_os_error().raw_os_error(), Some(libc::EFAULT));
    let guard = memory.host_write(CODE, 8);
    assert_eq!(recorder.take(), [page(CODE)]);
    assert!(!memory.is_current(&watch));
    let during = unit(&memory, CODE);
    assert_eq!(during.mode(), CodePage::SelfChecking, "the kernel may write at any moment");
    assert_eq!(read(), 8);
    drop(guard);
    assert_eq!(unit(&memory, CODE).mode(), CodePage::Watched);
    assert_eq!(memory.load(CODE, Type::I64, Order::Plain), Ok(u64::from_le_bytes(*b"patched!").into()));
}

#[test]
fn a_page_that_is_written_often_gets_self_checking_units() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(CODE, 2 * PAGE, Prot::RWX).unwrap();
        let recorder = Recorder::attach(&memory);
        for round in 0..8 {
            let watch = unit(&memory, CODE);
            assert_eq!(watch.mode(), CodePage::Watched, "{round}");
            store(&memory, CODE + 64, round);
            assert_eq!(recorder.take(), [page(CODE)]);
        }
        assert_eq!(memory.page_mode(CODE + 5), CodePage::SelfChecking);
        assert_eq!(memory.page_mode(CODE + PAGE), CodePage::Watched);
        let watch = unit(&memory, CODE);
        assert_eq!(watch.mode(), CodePage::SelfChecking);
        store(&memory, CODE + 64, 9);
        assert!(recorder.take().is_empty(), "stores go directly");
        assert!(memory.is_current(&watch));
        if mode == Mode::Paged {
            assert!(memory.tlb_entry(CODE, Access::Write).unwrap().is_some());
        }
        memory.write(CODE, &[1], Permissions::Ignore).unwrap();
        assert_eq!(recorder.take(), [page(CODE)], "the host program's patch stops running units");
        assert!(!memory.is_current(&watch));
        // The last unit's end does not make the page forget.
        let watch = unit(&memory, CODE);
        memory.unwatch_code(watch);
        assert_eq!(memory.page_mode(CODE), CodePage::SelfChecking);
        // A new mapping does.
        memory.unmap(CODE, 2 * PAGE).unwrap();
        memory.map(CODE, 2 * PAGE, Prot::RWX).unwrap();
        assert_eq!(unit(&memory, CODE).mode(), CodePage::Watched);
    }
}

#[test]
fn the_watch_ends_with_the_last_unit_of_the_page() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(CODE, PAGE, Prot::RWX).unwrap();
        let recorder = Recorder::attach(&memory);
        let (first, second) = (unit(&memory, CODE), unit(&memory, CODE + 16));
        memory.unwatch_code(first);
        assert_eq!(memory.tlb_entry(CODE, Access::Write).unwrap(), None, "one unit is left");
        memory.unwatch_code(second);
        assert!(memory.tlb_entry(CODE, Access::Write).unwrap().is_some());
        store(&memory, CODE, 1);
        assert!(recorder.take().is_empty());
        // A watch that is given back after its page was invalidated does not count against new units.
        let old = unit(&memory, CODE);
        store(&memory, CODE, 2);
        let new = unit(&memory, CODE);
        memory.unwatch_code(old);
        assert!(memory.is_current(&new));
        assert_eq!(memory.tlb_entry(CODE, Access::Write).unwrap(), None);
    }
}

#[test]
fn pages_that_were_only_looked_at_are_not_watched() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(CODE, 2 * PAGE, Prot::RWX).unwrap();
        let recorder = Recorder::attach(&memory);
        let reader = memory.code_reader();
        assert_eq!(reader.fetch(CODE + PAGE - 4, &mut [0; 15]), 15);
        let watch = reader.finish(from_ref(&(CODE + PAGE - 4..CODE + PAGE)));
        assert_eq!(watch.pages().collect::<Vec<_>>(), [CODE]);
        store(&memory, CODE + PAGE, 1);
        assert!(recorder.take().is_empty());
        // A reader that is dropped leaves nothing behind.
        memory.code_reader().fetch(CODE + PAGE, &mut [0; 4]);
        store(&memory, CODE + PAGE, 2);
        assert!(recorder.take().is_empty());
        assert!(memory.is_current(&watch));
    }
}

#[test]
fn one_file_mapped_twice_is_watched_at_both_addresses() {
    for mode in MODES {
        let memory = memory(mode);
        let file = memfd(3);
        let (rx, rw, late) = (CODE, 0x20_0000, 0x30_0000);
        map_file(&memory, rx, 3, Prot::RX, &file, true);
        map_file(&memory, rw, 3, Prot::RW, &file, true);
        let recorder = Recorder::attach(&memory);
        let watch = unit(&memory, rx + PAGE);
        assert_eq!(watch.mode(), CodePage::Watched);
        map_file(&memory, late, 3, Prot::RW, &file, true);
        for addr in [rw, late] {
            assert_eq!(memory.tlb_entry(addr + PAGE, Access::Write).unwrap(), None);
            assert!(memory.tlb_entry(addr, Access::Write).unwrap().is_some());
        }
        store(&memory, rw, 1);
        assert!(recorder.take().is_empty());
        store(&memory, late + PAGE + 8, 5);
        assert_eq!(recorder.take(), [page(rx + PAGE), page(rw + PAGE), page(late + PAGE)]);
        assert!(!memory.is_current(&watch));
        assert_eq!(memory.load(rx + PAGE + 8, Type::I64, Order::Plain), Ok(5));
        // Unmapping one alias of a watched page keeps the others right.
        unit(&memory, rx + PAGE);
        memory.unmap(late, 3 * PAGE).unwrap();
        recorder.take();
        store(&memory, rw + PAGE, 6);
        assert_eq!(memory.load(rx + PAGE, Type::I64, Order::Plain), Ok(6));
        assert!(recorder.take().is_empty(), "unmapping an alias ended the watch");
    }
}

#[test]
fn one_buffer_of_the_host_mapped_twice_is_watched_at_both_addresses() {
    for mode in MODES {
        let memory = memory(mode);
        let buffer = SharedBuffer::new(2);
        for addr in [CODE, 0x20_0000] {
            let place = Placement::FixedNoReplace(addr);
            // SAFETY: the buffer outlives the memory's use.
            unsafe { memory.map_host(place, buffer.ptr, 2 * PAGE, Prot::RWX).unwrap() };
        }
        let recorder = Recorder::attach(&memory);
        unit(&memory, 0x20_0000 + PAGE);
        store(&memory, CODE + PAGE, 0x55);
        assert_eq!(recorder.take(), [page(CODE + PAGE), page(0x20_0000 + PAGE)]);
        assert_eq!(memory.load(0x20_0000 + PAGE, Type::I64, Order::Plain), Ok(0x55));
        // SAFETY: the buffer is mapped and nobody else uses it.
        assert_eq!(unsafe { buffer.ptr.add(PAGE as usize).read() }, 0x55);
    }
}

/// Shared memory of the host program.
struct SharedBuffer {
    ptr: *mut u8,
    len: usize,
}

impl SharedBuffer {
    fn new(pages: u64) -> SharedBuffer {
        let len = (pages * PAGE) as usize;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        let prot = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping.
        let ptr = unsafe { libc::mmap(std::ptr::null_mut(), len, prot, flags, -1, 0) };
        assert_ne!(ptr, libc::MAP_FAILED);
        SharedBuffer { ptr: ptr.cast(), len }
    }
}

impl Drop for SharedBuffer {
    fn drop(&mut self) {
        // SAFETY: the mapping made above.
        unsafe { libc::munmap(self.ptr.cast(), self.len) };
    }
}

#[test]
fn losing_execution_invalidates_and_gaining_write_permission_does_not() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(CODE, 3 * PAGE, Prot::RX).unwrap();
        let recorder = Recorder::attach(&memory);
        let watch = unit(&memory, CODE + PAGE);
        memory.protect(CODE, 3 * PAGE, Prot::RWX).unwrap();
        assert!(recorder.take().is_empty());
        assert!(memory.is_current(&watch));
        store(&memory, CODE, 1);
        store(&memory, CODE + 2 * PAGE, 1);
        assert!(recorder.take().is_empty());
        store(&memory, CODE + PAGE, 1);
        assert_eq!(recorder.take(), [page(CODE + PAGE)]);
        let watch = unit(&memory, CODE + PAGE);
        memory.protect(CODE, 3 * PAGE, Prot::RW).unwrap();
        assert_eq!(recorder.take(), [page(CODE + PAGE)]);
        assert!(!memory.is_current(&watch));
        assert_eq!(memory.watch_code(page(CODE + PAGE)).pages().count(), 0, "not executable");
    }
}

#[test]
fn replacing_unmapping_and_moving_invalidate() {
    for mode in MODES {
        let memory = memory(mode);
        let recorder = Recorder::attach(&memory);
        let ways: [(&str, Change); 4] = [
            ("unmap", |memory| memory.unmap(CODE, PAGE).unwrap()),
            ("map over it", |memory| {
                let source = Source::Memory { shared: false };
                let place = Placement::Fixed(CODE);
                memory.map_at(place, 4 * PAGE, Prot::RWX, source, MapOptions::default()).unwrap();
            }),
            ("move away", |memory| {
                memory.remap(CODE, PAGE, PAGE, Move::To(0x50_0000)).unwrap();
            }),
            ("move over it", |memory| {
                memory.map(0x70_0000, PAGE, Prot::RWX).unwrap();
                memory.remap(0x70_0000, PAGE, PAGE, Move::To(CODE)).unwrap();
            }),
        ];
        for (name, change) in ways {
            let _ = memory.unmap(CODE, 4 * PAGE);
            memory.map(CODE, PAGE, Prot::RWX).unwrap();
            let watch = unit(&memory, CODE);
            recorder.take();
            change(&memory);
            assert_eq!(recorder.take(), [page(CODE)], "{mode:?} {name}");
            assert!(!memory.is_current(&watch));
            let at = if name == "move away" { 0x50_0000 } else { CODE };
            if name != "unmap" {
                store(&memory, at, 1);
                assert!(recorder.take().is_empty());
            }
        }
    }
}

#[test]
fn tlbs_are_flushed_when_something_is_taken_away_and_only_then() {
    let memory = memory(Mode::Paged);
    let recorder = Recorder::attach(&memory);
    let flushed = |what: &str, times: u64| assert_eq!(recorder.changes(), times, "{what}");
    memory.map(CODE, 4 * PAGE, Prot::RX).unwrap();
    flushed("new mapping", 0);
    let generation = memory.generation();
    unit(&memory, CODE);
    flushed("watch of a page that nobody can write", 0);
    memory.protect(CODE, 4 * PAGE, Prot::RWX).unwrap();
    flushed("more permissions", 0);
    assert_eq!(memory.generation(), generation);
    let entry = memory.tlb_entry(CODE + PAGE + 123, Access::Write).unwrap().unwrap();
    assert_eq!(entry.tag, CODE + PAGE);
    let first = unit(&memory, CODE + PAGE);
    flushed("watch of a writable page", 1);
    assert_ne!(memory.generation(), generation);
    unit(&memory, CODE + PAGE);
    flushed("second watch", 0);
    memory.unwatch_code(first);
    store(&memory, CODE + PAGE, 1);
    flushed("end of a watch", 0);
    memory.protect(CODE, PAGE, Prot::READ).unwrap();
    flushed("fewer permissions", 1);
    memory.unmap(CODE, PAGE).unwrap();
    flushed("unmap", 1);
    let source = Source::Memory { shared: false };
    let place = Placement::Fixed(CODE + PAGE);
    memory.map_at(place, PAGE, Prot::RWX, source, MapOptions::default()).unwrap();
    flushed("replacement", 1);
}

#[test]
fn writes_that_are_long_ago_do_not_count() {
    for mode in MODES {
        let memory = memory_with(mode, 2, Duration::ZERO);
        memory.map(CODE, PAGE, Prot::RWX).unwrap();
        for round in 0..100 {
            let watch = unit(&memory, CODE);
            assert_eq!(watch.mode(), CodePage::Watched, "{round}");
            store(&memory, CODE + 64, round);
        }
    }
}

#[test]
fn watching_a_self_checking_page_is_tried_again() {
    for mode in MODES {
        let memory = memory_with(mode, 1, Duration::ZERO);
        memory.map(CODE, PAGE, Prot::RWX).unwrap();
        let recorder = Recorder::attach(&memory);
        let watch = unit(&memory, CODE);
        let pin = memory.host_write(CODE, 8);
        assert_eq!(recorder.take(), [page(CODE)]);
        assert!(!memory.is_current(&watch));
        let checking = unit(&memory, CODE);
        memory.try_to_watch(CODE);
        assert!(recorder.take().is_empty(), "it is being written");
        assert!(memory.is_current(&checking));
        drop(pin);
        memory.try_to_watch(CODE);
        assert_eq!(recorder.take(), [page(CODE)], "its units need not check themselves any more");
        assert!(!memory.is_current(&checking));
        assert_eq!(unit(&memory, CODE).mode(), CodePage::Watched);
        store(&memory, CODE, 1);
        assert_eq!(recorder.take(), [page(CODE)]);
        assert_eq!(memory.page_mode(CODE), CodePage::SelfChecking, "one write is enough then");
    }
}

#[test]
fn refetching_drops_what_others_may_have_changed_unnoticed() {
    for mode in MODES {
        let memory = memory(mode);
        let file = memfd(1);
        memory.map(CODE, PAGE, Prot::RWX).unwrap();
        map_file(&memory, CODE + PAGE, 1, Prot::RWX, &file, true);
        let recorder = Recorder::attach(&memory);
        let (private, shared) = (unit(&memory, CODE), unit(&memory, CODE + PAGE));
        memory.refetch_code(CODE..CODE + PAGE);
        assert!(recorder.take().is_empty(), "stores to private memory are noticed");
        memory.refetch_code(0..u64::MAX);
        assert_eq!(recorder.take(), [page(CODE + PAGE)]);
        assert!(memory.is_current(&private) && !memory.is_current(&shared));
        memory.refetch_code(0..u64::MAX);
        assert!(recorder.take().is_empty(), "no unit is left");
    }
}

#[test]
fn one_translation_sees_one_moment_of_a_page() {
    for mode in MODES {
        let memory = memory_with(mode, 0, Duration::MAX);
        memory.map(CODE, PAGE, Prot::RWX).unwrap();
        let reader = memory.code_reader();
        let mut bytes = [1; 8];
        assert_eq!(reader.fetch(CODE, &mut bytes), 8);
        store(&memory, CODE, 7);
        assert_eq!((reader.fetch(CODE, &mut bytes), bytes), (8, [0; 8]));
        assert_eq!(reader.checked_bytes(&(CODE..CODE + 4)).as_deref(), Some(&[0; 4][..]));
        let watch = reader.finish(from_ref(&(CODE..CODE + 8)));
        assert_eq!(watch.mode(), CodePage::SelfChecking);
        assert!(!memory.holds_code(CODE, &[0; 8]));
        assert!(memory.holds_code(CODE, &[7, 0]));
        assert!(memory.holds_code(CODE + PAGE - 2, &[0; 2]));
        assert!(!memory.holds_code(CODE + PAGE - 2, &[0; 3]), "the last byte cannot be fetched");
    }
}
