//! Unit tests of guest memory. What needs a process of its own (signal handlers, limits, fork) is in
//! `tests/memory_process.rs`.

mod backing;
mod basics;
mod code;
mod stress;

use super::*;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::sync::{Arc, Mutex as StdMutex};

const MODES: [Mode; 2] = [Mode::Direct, Mode::Paged];
const PAGE: u64 = PAGE_SIZE;

fn memory(mode: Mode) -> Memory {
    memory_with(mode, 8, Duration::MAX)
}

/// With the number of writes that make a page self-checking, and how long one counts.
fn memory_with(mode: Mode, writes_until_self_checking: u32, write_memory: Duration) -> Memory {
    let window = Some(1 << 32);
    let options = Options { window, writes_until_self_checking, write_memory, ..Options::default() };
    Memory::new(mode, &options).unwrap()
}

/// A file of `pages` pages in memory.
fn memfd(pages: u64) -> OwnedFd {
    // SAFETY: the name is a C string; the descriptor is new.
    let fd = unsafe { OwnedFd::from_raw_fd(libc::memfd_create(c"test".as_ptr(), libc::MFD_CLOEXEC)) };
    std::fs::File::from(fd.try_clone().unwrap()).set_len(pages * PAGE).unwrap();
    fd
}

fn map_file(memory: &Memory, addr: u64, pages: u64, prot: Prot, file: &OwnedFd, shared: bool) {
    let place = Placement::FixedNoReplace(addr);
    memory.map_file(place, pages * PAGE, prot, file.as_fd(), 0, shared).unwrap();
}

/// Remembers what it was told; on every call `check` runs first.
#[derive(Default)]
struct Recorder {
    invalidated: StdMutex<Vec<Range<u64>>>,
    changes: AtomicU64,
    check: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Recorder {
    fn attach(memory: &Memory) -> Arc<Recorder> {
        let recorder = Arc::new(Recorder::default());
        let weak: Weak<Recorder> = Arc::downgrade(&recorder);
        memory.set_listener(weak);
        recorder
    }

    fn take(&self) -> Vec<Range<u64>> {
        std::mem::take(&mut *self.invalidated.lock().unwrap())
    }

    fn changes(&self) -> u64 {
        self.changes.swap(0, Ordering::Relaxed)
    }
}

impl Listener for Recorder {
    fn invalidate_code(&self, ranges: &[Range<u64>]) {
        if let Some(check) = self.check.get() {
            check();
        }
        self.invalidated.lock().unwrap().extend_from_slice(ranges);
    }

    fn mappings_changed(&self) {
        if let Some(check) = self.check.get() {
            check();
        }
        self.changes.fetch_add(1, Ordering::Relaxed);
    }
}
