//! The guest's address space as its kernel sees it: where things go, the break, and reads and writes for system calls.
//!
//! Addresses from the bottom: a program with fixed addresses, its break behind it; a static-PIE program at two thirds of
//! the space; mappings from the top downwards; a gap; the stack.

use crate::elf::{Image, PAGE, Segment};
use crate::errno::{EACCES, EEXIST, EFAULT, EINVAL, ENOMEM, Errno};
use crate::process::Error;
use crate::program_file::{self, CHUNK, ProgramFile};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use translator::memory::{self, MapOptions, Memory, Permissions, Placement, Prot, Source};
use translator::run::Vm;

/// Inaccessible memory below the stack, so that an overflow meets nothing else. (The kernel's `stack_guard_gap`.)
const STACK_GAP: u64 = 1 << 20;

/// The smallest and the largest stack; the limit of the process decides between them.
const STACK_SIZES: (u64, u64) = (128 << 10, 1 << 30);

/// What an unlimited stack gets.
const STACK_UNLIMITED: u64 = 64 << 20;

/// A guest address space of a process.
#[derive(Debug)]
pub struct Space {
    vm: Arc<Vm>,
    program_break: Mutex<Break>,
}

/// The break: the end of the heap that `brk` moves.
#[derive(Clone, Copy, Debug)]
struct Break {
    start: u64,
    current: u64,
}

/// Where the stack was mapped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackRange {
    /// Lowest address.
    pub start: u64,
    /// The address behind the last byte.
    pub top: u64,
}

/// The error number for a refusal of the memory.
pub fn errno_of(error: &memory::Error) -> Errno {
    match error {
        memory::Error::Overlap { .. } => EEXIST,
        memory::Error::OutOfRange { .. }
        | memory::Error::NotMapped { .. }
        | memory::Error::NoSpace { .. } => ENOMEM,
        memory::Error::NotPermitted { .. } => EACCES,
        memory::Error::Host { errno, .. } => Errno(*errno),
        memory::Error::ZeroLength(_) | memory::Error::Misaligned { .. } | memory::Error::Unsupported(_) => {
            EINVAL
        }
    }
}

impl Space {
    /// The address space of a machine in which nothing is mapped yet.
    pub fn new(vm: Arc<Vm>) -> Space {
        Space { vm, program_break: Mutex::new(Break { start: 0, current: 0 }) }
    }

    /// The memory.
    pub fn memory(&self) -> &Memory {
        self.vm.memory()
    }

    /// The address behind the last that a program may use: the canonical lower half at most.
    fn end(&self) -> u64 {
        self.memory().limit().saturating_add(1).min(1 << 47)
    }

    /// Maps a program and sets the break behind it. Returns what to add to the image's addresses.
    ///
    /// # Errors
    /// The address space or the host has no room, or the file cannot be read.
    pub(crate) fn load(&self, image: &Image, file: &ProgramFile<'_>) -> Result<u64, Error> {
        let bias = if image.relocatable {
            let room = image.end() - image.start();
            // The base is aligned as the segments ask; the whole program stays below the stack.
            let base = (self.end() / 3 * 2) & !(image.align - 1);
            if base == 0 || room > self.end() - base {
                return Err(memory::Error::NoSpace { len: room }.into());
            }
            base - image.start()
        } else {
            0
        };
        let name: Arc<str> = "program".into();
        let mut mapped_to = 0;
        for segment in &image.segments {
            let start = (bias + segment.addr) & !(PAGE - 1);
            // No overflow: the image's end is an address, and a biased one lies below the end of the space.
            let end = (bias + segment.end()).next_multiple_of(PAGE);
            let from = start.max(mapped_to);
            if from < end {
                let options = MapOptions { name: Some(name.clone()), noreserve: true };
                let place = Placement::FixedNoReplace(from);
                self.memory().map_at(
                    place,
                    end - from,
                    Prot::RW,
                    Source::Memory { shared: false },
                    options,
                )?;
            }
            mapped_to = end;
            self.fill(segment, bias, file)?;
        }
        self.protect_segments(image, bias)?;
        *self.lock_break() = Break { start: mapped_to, current: mapped_to };
        Ok(bias)
    }

    /// Copies a segment's bytes to where it has been mapped.
    fn fill(&self, segment: &Segment, bias: u64, file: &ProgramFile<'_>) -> Result<(), Error> {
        let mut buffer = vec![0; CHUNK.min(segment.file_size as usize)];
        let mut done = 0;
        while done < segment.file_size {
            let piece = &mut buffer[..CHUNK.min((segment.file_size - done) as usize)];
            file.read_at(segment.file_offset + done, piece).map_err(program_file::failed)?;
            // Just mapped, and nobody else knows the machine yet.
            if let Err(error) = self.memory().write(bias + segment.addr + done, piece, Permissions::Honour) {
                return Err(memory::Error::NotMapped { addr: error.fault.addr }.into());
            }
            done += piece.len() as u64;
        }
        Ok(())
    }

    /// Gives each page the permissions of the segments on it.
    fn protect_segments(&self, image: &Image, bias: u64) -> Result<(), memory::Error> {
        let first_page = |segment: &Segment| (bias + segment.addr) & !(PAGE - 1);
        let mut shared: Option<(u64, Prot)> = None;
        for (index, segment) in image.segments.iter().enumerate() {
            let prot = prot_of(segment);
            let (mut start, end) = (first_page(segment), (bias + segment.end()).next_multiple_of(PAGE));
            if let Some((page, others)) = shared.filter(|(page, _)| *page == start) {
                self.memory().protect(page, PAGE, prot | others)?;
                start += PAGE;
            }
            if start < end {
                self.memory().protect(start, end - start, prot)?;
            }
            let next = image.segments.get(index + 1).map(first_page);
            let last_page = end - PAGE;
            shared = (next == Some(last_page)).then(|| {
                let before =
                    shared.filter(|(page, _)| *page == last_page).map_or(Prot::NONE, |(_, prot)| prot);
                (last_page, prot | before)
            });
        }
        Ok(())
    }

    /// Maps the stack at the top of the address space, `limit` bytes if that is reasonable.
    ///
    /// # Errors
    /// The host has no room.
    pub fn map_stack(&self, limit: u64, executable: bool) -> Result<StackRange, memory::Error> {
        let size = if limit == u64::MAX { STACK_UNLIMITED } else { limit };
        // A small address space keeps most of itself for other things.
        let size = size.clamp(STACK_SIZES.0, STACK_SIZES.1).min(self.end() / 8) & !(PAGE - 1);
        // The last page stays free, so that no address of the program is the highest.
        let top = self.end() - PAGE;
        let start = top - size;
        let prot = if executable { Prot::RWX } else { Prot::RW };
        let options = |name: &str| MapOptions { name: Some(name.into()), noreserve: true };
        let memory = || Source::Memory { shared: false };
        self.memory().map_at(Placement::FixedNoReplace(start), size, prot, memory(), options("[stack]"))?;
        let gap = Placement::FixedNoReplace(start - STACK_GAP);
        self.memory().map_at(gap, STACK_GAP, Prot::NONE, memory(), options("[stack gap]"))?;
        Ok(StackRange { start, top })
    }

    /// Moves the break and returns where it is: unmoved if it cannot go there.
    pub fn set_break(&self, to: u64) -> u64 {
        let mut at = self.lock_break();
        if to < at.start || to > self.end() {
            return at.current;
        }
        let (old, new) = (at.current.next_multiple_of(PAGE), to.next_multiple_of(PAGE));
        let done = match new.cmp(&old) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Less => self.memory().unmap(new, old - new),
            std::cmp::Ordering::Greater => {
                let options = MapOptions { name: Some("[heap]".into()), noreserve: false };
                let place = Placement::FixedNoReplace(old);
                self.memory()
                    .map_at(place, new - old, Prot::RW, Source::Memory { shared: false }, options)
                    .map(|_| ())
            }
        };
        if done.is_ok() {
            at.current = to;
        }
        at.current
    }

    fn lock_break(&self) -> MutexGuard<'_, Break> {
        self.program_break.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads guest memory as the program could.
    ///
    /// # Errors
    /// `EFAULT`.
    pub fn read(&self, addr: u64, bytes: &mut [u8]) -> Result<(), Errno> {
        self.memory().read(addr, bytes, Permissions::Honour).map_err(|_| EFAULT)
    }

    /// Writes guest memory as the program could; translated code there is invalidated.
    ///
    /// # Errors
    /// `EFAULT`; what lies before the bad address has been written.
    pub fn write(&self, addr: u64, bytes: &[u8]) -> Result<(), Errno> {
        self.memory().write(addr, bytes, Permissions::Honour).map_err(|_| EFAULT)
    }

    /// How many of `length` bytes at `addr` can be read, up to the first that cannot.
    pub fn readable(&self, addr: u64, length: u64) -> u64 {
        self.accessible(addr, length, Prot::readable)
    }

    /// How many of `length` bytes at `addr` can be written, up to the first that cannot.
    pub fn writable(&self, addr: u64, length: u64) -> u64 {
        self.accessible(addr, length, Prot::writable)
    }

    fn accessible(&self, addr: u64, length: u64, allows: impl Fn(Prot) -> bool) -> u64 {
        let mut done = 0;
        while done < length {
            let Some(at) = addr.checked_add(done) else { break };
            let Some(region) = self.memory().region(at).filter(|region| allows(region.prot)) else { break };
            done = (region.last - addr).saturating_add(1).min(length);
        }
        done
    }

    /// Whether all of a range is mapped.
    pub fn is_mapped(&self, addr: u64, length: u64) -> bool {
        self.accessible(addr, length, |_| true) == length
    }
}

fn prot_of(segment: &Segment) -> Prot {
    let bits = u32::from(segment.read) | u32::from(segment.write) << 1 | u32::from(segment.execute) << 2;
    Prot::from_bits(bits)
}
