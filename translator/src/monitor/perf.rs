//! Files from which Linux's `perf` takes the names of generated code: the map (`tools/perf/Documentation/jit-interface.txt`)
//! and the dump with code and times (`jitdump-specification.txt` beside it).
#![allow(unsafe_code, reason = "perf notices a dump by an executable mapping of it")]

use rustix::fs::{Mode, OFlags};
use rustix::mm::{MapFlags, ProtFlags};
use rustix::time::{ClockId, clock_gettime};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::ptr::{self, NonNull};

/// `/tmp/perf-PID.map`: a line for each unit. Nothing takes lines back; `perf` believes the last one.
#[derive(Debug)]
pub(super) struct PerfMap(File);

impl PerfMap {
    pub(super) fn create() -> io::Result<PerfMap> {
        create(Path::new(&format!("/tmp/perf-{}.map", std::process::id()))).map(PerfMap)
    }

    pub(super) fn add(&mut self, address: u64, size: usize, name: &str) -> io::Result<()> {
        self.0.write_all(format!("{address:x} {size:x} {name}\n").as_bytes())
    }
}

/// `jit-PID.dump`.
#[derive(Debug)]
pub(super) struct JitDump {
    file: File,
    /// The mapping of the first page.
    mark: NonNull<std::ffi::c_void>,
    index: u64,
}

// SAFETY: the mapping is only unmapped, by whoever drops the value.
unsafe impl Send for JitDump {}

const MAGIC: u32 = 0x4a69_5444;
const VERSION: u32 = 1;
const HEADER_BYTES: u32 = 40;
const CODE_LOAD: u32 = 0;
/// Size of a `CODE_LOAD` record without its name and code.
const LOAD_BYTES: usize = 56;
const PAGE: usize = 4096;

/// ELF machine of the host.
const MACHINE: u32 = if cfg!(target_arch = "x86_64") {
    62
} else if cfg!(target_arch = "aarch64") {
    183
} else {
    243
};

impl JitDump {
    pub(super) fn create(directory: &Path) -> io::Result<JitDump> {
        let mut file = create(&directory.join(format!("jit-{}.dump", std::process::id())))?;
        let mut header = Vec::with_capacity(HEADER_BYTES as usize);
        for word in [MAGIC, VERSION, HEADER_BYTES, MACHINE, 0, std::process::id()] {
            header.extend(word.to_ne_bytes());
        }
        header.extend(now().to_ne_bytes());
        header.extend(0u64.to_ne_bytes());
        file.write_all(&header)?;
        // SAFETY: a new mapping at an address of the kernel's choice replaces nothing, and nobody reads it.
        let mark = unsafe {
            rustix::mm::mmap(
                ptr::null_mut(),
                PAGE,
                ProtFlags::READ | ProtFlags::EXEC,
                MapFlags::PRIVATE,
                &file,
                0,
            )
        }?;
        let mark = NonNull::new(mark).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(JitDump { file, mark, index: 0 })
    }

    pub(super) fn add(&mut self, address: u64, code: &[u8], name: &str) -> io::Result<()> {
        let size = LOAD_BYTES + name.len() + 1 + code.len();
        let mut record = Vec::with_capacity(size);
        record.extend(CODE_LOAD.to_ne_bytes());
        record.extend((size as u32).to_ne_bytes());
        record.extend(now().to_ne_bytes());
        record.extend(std::process::id().to_ne_bytes());
        record.extend((rustix::thread::gettid().as_raw_nonzero().get() as u32).to_ne_bytes());
        for word in [address, address, code.len() as u64, self.index] {
            record.extend(word.to_ne_bytes());
        }
        record.extend(name.as_bytes());
        record.push(0);
        record.extend(code);
        self.index += 1;
        self.file.write_all(&record)
    }
}

impl Drop for JitDump {
    fn drop(&mut self) {
        // SAFETY: mapped by `create` with this length; nobody has a pointer into it.
        let _ = unsafe { rustix::mm::munmap(self.mark.as_ptr(), PAGE) };
    }
}

/// `perf record -k mono` uses this clock.
fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// A new file of this name; an old one, of an earlier process with this number, goes. Nobody else's link is followed.
fn create(path: &Path) -> io::Result<File> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(named(error)),
        _ => {}
    }
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::from_raw_mode(0o600))
        .map(File::from)
        .map_err(|error| named(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_has_a_header_and_a_record_for_each_unit() {
        let directory = tempfile::tempdir().unwrap();
        let mut dump = JitDump::create(directory.path()).unwrap();
        dump.add(0x1000, &[1, 2, 3], "f").unwrap();
        dump.add(0x2000, &[4], "long name").unwrap();
        let bytes = std::fs::read(directory.path().join(format!("jit-{}.dump", std::process::id()))).unwrap();
        let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((word(0), word(8)), (MAGIC, HEADER_BYTES));
        let first = HEADER_BYTES as usize;
        assert_eq!((word(first), word(first + 4)), (CODE_LOAD, LOAD_BYTES as u32 + 2 + 3));
        let second = first + word(first + 4) as usize;
        assert_eq!(&bytes[second + LOAD_BYTES..], b"long name\0\x04");
        assert_eq!(word(second + 40), 1, "the size of the code");
    }

    #[test]
    fn a_file_that_cannot_be_made_is_an_error_with_its_name() {
        let error = JitDump::create(Path::new("/nonexistent/folder")).unwrap_err();
        assert!(error.to_string().contains("/nonexistent/folder/jit-"), "{error}");
    }
}
