//! Host mappings: the reserved window of direct mode and the blocks of paged mode.
//!
//! Everything here takes host addresses and knows nothing of guest permissions. Host memory is never executable.
//! The window stays completely mapped for its whole life (inaccessible where the guest has nothing), so that no other
//! host mapping can get into it.

use super::{Error, GUARD_SIZE, PAGE_SIZE, Prot, touch};
use std::os::fd::{AsRawFd, BorrowedFd};

/// What a new host mapping shows.
#[derive(Clone, Copy)]
pub(super) enum HostSource<'a> {
    /// Zeroed memory.
    Anonymous {
        shared: bool,
    },
    File {
        fd: BorrowedFd<'a>,
        offset: u64,
        shared: bool,
    },
}

/// Host protection of guest permissions: never executable.
pub(super) fn host_prot(prot: Prot) -> i32 {
    match (prot.readable(), prot.writable()) {
        (_, true) => libc::PROT_READ | libc::PROT_WRITE,
        (true, false) => libc::PROT_READ,
        (false, false) => libc::PROT_NONE,
    }
}

fn failure(call: &'static str, len: usize) -> Error {
    Error::Host {
        call,
        len: len as u64,
        errno: std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL),
    }
}

/// Private memory that is mapped in one piece of at least so many bytes is backed by huge pages, if the host gives them to
/// who asks: then address translation, the host's, no longer takes most of the time of programs that walk through much
/// memory. Not what is smaller, nor stacks: a small part of them may be all that is ever touched.
const HUGE_FROM: usize = 16 << 20;

/// Maps new memory; `fixed` replaces what is at that address.
///
/// # Safety
/// If `fixed` is given, `fixed..fixed + len` belongs to the caller, and nobody else relies on what is there.
unsafe fn mmap(
    fixed: Option<usize>,
    len: usize,
    prot: i32,
    source: HostSource<'_>,
    extra: i32,
) -> Result<usize, Error> {
    let (mut flags, fd, offset) = match source {
        HostSource::Anonymous { shared } => {
            (libc::MAP_ANONYMOUS | if shared { libc::MAP_SHARED } else { libc::MAP_PRIVATE }, -1, 0)
        }
        HostSource::File { fd, offset, shared } => {
            (if shared { libc::MAP_SHARED } else { libc::MAP_PRIVATE }, fd.as_raw_fd(), offset)
        }
    };
    flags |= extra;
    if fixed.is_some() && extra & libc::MAP_FIXED_NOREPLACE == 0 {
        flags |= libc::MAP_FIXED;
    }
    let offset = libc::off_t::try_from(offset).map_err(|_| Error::Host {
        call: "mmap",
        len: len as u64,
        errno: libc::EOVERFLOW,
    })?;
    // SAFETY: without an address this makes a mapping that nobody knows yet; with one the caller owns the range.
    let at = unsafe { libc::mmap(fixed.unwrap_or(0) as *mut libc::c_void, len, prot, flags, fd, offset) };
    if at == libc::MAP_FAILED {
        return Err(failure("mmap", len));
    }
    if len >= HUGE_FROM
        && prot != libc::PROT_NONE
        && matches!(source, HostSource::Anonymous { shared: false })
    {
        // SAFETY: advice on what was just mapped. A host without huge pages refuses it, and nothing else changes.
        unsafe { libc::madvise(at, len, libc::MADV_HUGEPAGE) };
    }
    Ok(at as usize)
}

/// Asks the host for the pages of a range that is about to be written: one call instead of a fault for each. A host that does
/// not know the call (Linux before 5.14) gives them when they are touched.
///
/// # Safety
/// `host..host + len` is guest memory of xlat.
pub(super) unsafe fn populate(host: usize, len: usize) {
    let start = host & !(page_size() as usize - 1);
    // SAFETY: the call changes no bytes.
    unsafe { libc::madvise(start as *mut libc::c_void, host + len - start, libc::MADV_POPULATE_WRITE) };
}

/// The reserved range of host addresses of direct mode.
pub(super) struct Window {
    base: usize,
    size: usize,
}

impl Window {
    /// Largest window that is tried.
    const LARGEST: u64 = 1 << 47;
    /// Smallest window that is accepted when the size is left open.
    const SMALLEST: u64 = 1 << 28;

    /// Reserves `size` bytes and the guards around them.
    pub(super) fn reserve(size: Option<u64>) -> Result<Window, Error> {
        if page_size() != PAGE_SIZE {
            return Err(Error::Unsupported(
                "direct mode needs host pages of 4096 bytes; paged mode does not",
            ));
        }
        if let Some(size) = size {
            if size == 0 {
                return Err(Error::ZeroLength("window"));
            }
            if !size.is_multiple_of(PAGE_SIZE) {
                return Err(Error::Misaligned { what: "window size", value: size });
            }
            return Window::try_reserve(size);
        }
        // Reserved addresses count against RLIMIT_AS: leave half of it to the rest of the process.
        let mut size = Window::LARGEST;
        while size > Window::SMALLEST && size > address_space_limit() / 2 {
            size /= 2;
        }
        loop {
            match Window::try_reserve(size) {
                Err(error) if size == Window::SMALLEST => return Err(error),
                Err(_) => size /= 2,
                done => return done,
            }
        }
    }

    fn try_reserve(size: u64) -> Result<Window, Error> {
        let too_large = Error::Host { call: "mmap", len: size, errno: libc::ENOMEM };
        let size = usize::try_from(size).map_err(|_| too_large.clone())?;
        let total = size.checked_add(2 * GUARD_SIZE as usize).ok_or(too_large)?;
        let source = HostSource::Anonymous { shared: false };
        // SAFETY: no address is given.
        let at = unsafe { mmap(None, total, libc::PROT_NONE, source, libc::MAP_NORESERVE)? };
        Ok(Window { base: at + GUARD_SIZE as usize, size })
    }

    /// Host address of guest address 0.
    pub(super) fn base(&self) -> usize {
        self.base
    }

    /// Highest guest address.
    pub(super) fn last(&self) -> u64 {
        self.size as u64 - 1
    }

    /// Host address of a guest address of the window.
    pub(super) fn host(&self, addr: u64) -> usize {
        self.check(addr, 0);
        self.base + addr as usize
    }

    /// Guards the whole module: a range outside of the window is a bug of the caller that must not touch other memory.
    fn check(&self, addr: u64, len: u64) {
        assert!(
            addr.checked_add(len).is_some_and(|end| end <= self.size as u64),
            "{len:#x} bytes at {addr:#x} are not in the window"
        );
    }

    /// Maps something at a guest range, replacing what is there.
    ///
    /// `Err((error, false))`: what was there is still there; `Err((error, true))`: the host dropped it before it failed
    /// (Linux before 6.12 does), and the range is inaccessible now.
    pub(super) fn map(
        &self,
        addr: u64,
        len: u64,
        prot: Prot,
        source: HostSource<'_>,
        noreserve: bool,
    ) -> Result<(), (Error, bool)> {
        self.check(addr, len);
        let at = self.base + addr as usize;
        let extra = if noreserve { libc::MAP_NORESERVE } else { 0 };
        // SAFETY: the range lies in the window, which this object owns.
        match unsafe { mmap(Some(at), len as usize, host_prot(prot), source, extra) } {
            Ok(_) => Ok(()),
            Err(error) => Err((error, self.close_hole(addr, len))),
        }
    }

    /// Makes a guest range inaccessible and frees its memory.
    pub(super) fn unmap(&self, addr: u64, len: u64) -> Result<(), Error> {
        self.check(addr, len);
        let (at, size) = (self.base + addr as usize, len as usize);
        let source = HostSource::Anonymous { shared: false };
        // SAFETY: the range lies in the window.
        if unsafe { mmap(Some(at), size, libc::PROT_NONE, source, libc::MAP_NORESERVE) }.is_ok() {
            return Ok(());
        }
        if self.close_hole(addr, len) {
            return Ok(());
        }
        // No mapping could be made (their number is limited): close the pages and free them in place.
        self.protect(addr, len, Prot::NONE)?;
        // SAFETY: the range lies in the window and the guest has given it up.
        unsafe { libc::madvise(at as *mut libc::c_void, size, libc::MADV_DONTNEED) };
        Ok(())
    }

    /// Sets the protection of a guest range.
    pub(super) fn protect(&self, addr: u64, len: u64, prot: Prot) -> Result<(), Error> {
        self.check(addr, len);
        let at = (self.base + addr as usize) as *mut libc::c_void;
        // SAFETY: the range lies in the window.
        match unsafe { libc::mprotect(at, len as usize, host_prot(prot)) } {
            0 => Ok(()),
            _ => Err(failure("mprotect", len as usize)),
        }
    }

    /// Moves the host mapping of `old` to `new` (replacing what is there) with another length. On failure the second
    /// part says whether the host dropped what was at `new`.
    pub(super) fn relocate(
        &self,
        old: u64,
        old_len: u64,
        new: u64,
        new_len: u64,
    ) -> Result<(), (Error, bool)> {
        self.check(old, old_len);
        self.check(new, new_len);
        let (from, to) = ((self.base + old as usize), (self.base + new as usize));
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        // SAFETY: both ranges lie in the window.
        let at = unsafe {
            libc::mremap(
                from as *mut libc::c_void,
                old_len as usize,
                new_len as usize,
                flags,
                to as *mut libc::c_void,
            )
        };
        if at == libc::MAP_FAILED {
            let error = failure("mremap", new_len as usize);
            return Err((error, self.close_hole(new, new_len)));
        }
        self.close_hole(old, old_len);
        Ok(())
    }

    /// Copies private memory of the guest within the window; the source may get readable for that (`prot` is what it
    /// has).
    pub(super) fn copy(&self, from: u64, to: u64, len: u64, prot: Prot) -> Result<(), Error> {
        self.check(from, len);
        self.check(to, len);
        if !prot.readable() {
            self.protect(from, len, Prot::READ)?;
        }
        // SAFETY: both lie in the window, the source is readable private memory and the target was just mapped.
        let done =
            unsafe { touch::copy(self.host(to) as *mut u8, self.host(from) as *const u8, len as usize) };
        if done as u64 == len { Ok(()) } else { Err(Error::Host { call: "copy", len, errno: libc::EFAULT }) }
    }

    /// Shows the shared host memory at `source` a second time, at a guest range.
    ///
    /// # Safety
    /// `source..source + len` is mapped host memory.
    pub(super) unsafe fn duplicate(
        &self,
        source: usize,
        addr: u64,
        len: u64,
        prot: Prot,
    ) -> Result<(), Error> {
        self.check(addr, len);
        let to = (self.base + addr as usize) as *mut libc::c_void;
        // An old length of 0 duplicates a shared mapping and fails for a private one.
        let flags = libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED;
        // SAFETY: the source is only shown again, the target lies in the window.
        let at = unsafe { libc::mremap(source as *mut libc::c_void, 0, len as usize, flags, to) };
        if at == libc::MAP_FAILED {
            let error = failure("mremap", len as usize);
            self.close_hole(addr, len);
            return Err(error);
        }
        self.protect(addr, len, prot)
    }

    /// Frees the pages of a guest range; private memory reads as zeros afterwards, files as the file.
    pub(super) fn discard(&self, addr: u64, len: u64) -> Result<(), Error> {
        self.check(addr, len);
        let at = (self.base + addr as usize) as *mut libc::c_void;
        // SAFETY: the range lies in the window.
        match unsafe { libc::madvise(at, len as usize, libc::MADV_DONTNEED) } {
            0 => Ok(()),
            _ => Err(failure("madvise", len as usize)),
        }
    }

    /// Reserves a range again that a failed call may have left unmapped; true if it was.
    fn close_hole(&self, addr: u64, len: u64) -> bool {
        let source = HostSource::Anonymous { shared: false };
        let extra = libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
        let at = self.base + addr as usize;
        // SAFETY: the range lies in the window, and nothing that is mapped is replaced.
        match unsafe { mmap(Some(at), len as usize, libc::PROT_NONE, source, extra) } {
            Ok(got) if got == at => true,
            Ok(elsewhere) => {
                // A kernel without MAP_FIXED_NOREPLACE took the address for a hint.
                // SAFETY: the mapping was just made and nobody knows it.
                unsafe { libc::munmap(elsewhere as *mut libc::c_void, len as usize) };
                false
            }
            Err(_) => false,
        }
    }
}

impl Drop for Window {
    fn drop(&mut self) {
        let start = self.base - GUARD_SIZE as usize;
        // SAFETY: the whole reservation belongs to this object, and its owner is gone.
        unsafe { libc::munmap(start as *mut libc::c_void, self.size + 2 * GUARD_SIZE as usize) };
    }
}

/// Host memory of paged mode; unmapped when the last guest mapping of it is gone. Always readable, writable unless the
/// host forbids it.
#[derive(Debug)]
pub(super) struct Block {
    at: usize,
    len: usize,
    pub(super) writable: bool,
}

impl Block {
    /// Maps new host memory.
    pub(super) fn new(len: u64, source: HostSource<'_>, noreserve: bool) -> Result<Block, Error> {
        let too_large = Error::Host { call: "mmap", len, errno: libc::ENOMEM };
        let len = usize::try_from(len).map_err(|_| too_large)?;
        let extra = if noreserve { libc::MAP_NORESERVE } else { 0 };
        let both = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: no address is given.
        match unsafe { mmap(None, len, both, source, extra) } {
            Ok(at) => Ok(Block { at, len, writable: true }),
            Err(Error::Host { errno: libc::EACCES, .. }) => {
                // A shared file that was opened for reading only.
                // SAFETY: no address is given.
                let at = unsafe { mmap(None, len, libc::PROT_READ, source, extra)? };
                Ok(Block { at, len, writable: false })
            }
            Err(error) => Err(error),
        }
    }

    /// Host address of the first byte.
    pub(super) fn start(&self) -> usize {
        self.at
    }

    /// Frees the pages of a part.
    pub(super) fn discard(&self, host: usize, len: u64) -> Result<(), Error> {
        assert!(host >= self.at && len as usize <= self.len - (host - self.at));
        // Host pages may be larger than guest pages: only whole ones are freed, the rest is left as it is.
        // SAFETY: the range lies in the block.
        match unsafe { libc::madvise(host as *mut libc::c_void, len as usize, libc::MADV_DONTNEED) } {
            0 => Ok(()),
            _ => Err(failure("madvise", len as usize)),
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the block owns its mapping, and no region or slice refers to it any more.
        unsafe { libc::munmap(self.at as *mut libc::c_void, self.len) };
    }
}

/// Device, inode and size of an open file.
pub(super) fn file_identity(fd: BorrowedFd<'_>) -> Result<(u64, u64), Error> {
    // SAFETY: `stat` is plain data that the call fills in.
    let mut stat: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: the descriptor is open and `stat` is writable.
    match unsafe { libc::fstat(fd.as_raw_fd(), &mut stat) } {
        0 => Ok((stat.st_dev, stat.st_ino)),
        _ => Err(failure("fstat", 0)),
    }
}

/// What RLIMIT_AS allows.
fn address_space_limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: `limit` is writable.
    unsafe { libc::getrlimit(libc::RLIMIT_AS, &mut limit) };
    limit.rlim_cur
}

/// Size of a host page.
pub(super) fn page_size() -> u64 {
    // SAFETY: no arguments that could be wrong.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(PAGE_SIZE)
}

/// Copies through the kernel, which ignores page protection for private memory: the number of bytes copied.
///
/// # Safety
/// `host..host + buf.len()` is guest memory of xlat.
pub(super) unsafe fn read_behind_protection(host: usize, buf: &mut [u8]) -> usize {
    use std::os::unix::fs::FileExt;
    let Ok(file) = std::fs::File::open("/proc/self/mem") else { return 0 };
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], (host + done) as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    done
}

/// Likewise for writing.
///
/// # Safety
/// `host..host + bytes.len()` is guest memory of xlat.
pub(super) unsafe fn write_behind_protection(host: usize, bytes: &[u8]) -> usize {
    use std::os::unix::fs::FileExt;
    let Ok(file) = std::fs::OpenOptions::new().write(true).open("/proc/self/mem") else { return 0 };
    let mut done = 0;
    while done < bytes.len() {
        match file.write_at(&bytes[done..], (host + done) as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    done
}
