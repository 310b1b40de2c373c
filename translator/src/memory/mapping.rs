//! Calls that change mappings.
//!
//! Each holds `changes`, invalidates the code that it takes away (with `state` free), changes host and region map
//! under `state`, and in paged mode has every TLB flushed before replaced memory is freed. A call that fails changes
//! nothing.

use super::host::{Block, HostSource, Window, file_identity};
use super::regions::{ObjectId, Region};
use super::{Error, Memory, PAGE_SIZE, Prot, RegionInfo, RegionKind, State};
use std::os::fd::BorrowedFd;
use std::sync::Arc;

/// Where a mapping goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// At this address; what is mapped there is replaced.
    Fixed(u64),
    /// At this address, if nothing is mapped there.
    FixedNoReplace(u64),
    /// At the hint (rounded down to a page) if that is free, else where there is room.
    Anywhere {
        /// Guest address; 0 for none.
        hint: u64,
    },
}

/// What a new mapping shows.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// Zeroed memory; with `shared`, forked processes see each other's stores.
    Memory {
        /// Shared across `fork`.
        shared: bool,
    },
    /// A file from an offset on.
    File {
        /// Open file; may be closed afterwards.
        fd: BorrowedFd<'a>,
        /// Offset in bytes.
        offset: u64,
        /// Stores reach the file.
        shared: bool,
    },
}

/// Settings of a new mapping.
#[derive(Clone, Default, Debug)]
pub struct MapOptions {
    /// Shown in listings.
    pub name: Option<Arc<str>>,
    /// Reserve no swap space for it.
    pub noreserve: bool,
}

/// What a new mapping is, besides its place.
pub(super) struct New {
    pub(super) prot: Prot,
    pub(super) max: Prot,
    pub(super) kind: RegionKind,
    pub(super) object: ObjectId,
    pub(super) object_offset: u64,
    pub(super) file_offset: u64,
    pub(super) name: Option<Arc<str>>,
}

impl Memory {
    /// Maps zeroed private memory where nothing is mapped.
    ///
    /// # Errors
    /// Misaligned or empty ranges, overlaps, no memory.
    pub fn map(&self, addr: u64, len: u64, prot: Prot) -> Result<(), Error> {
        let source = Source::Memory { shared: false };
        self.map_at(Placement::FixedNoReplace(addr), len, prot, source, MapOptions::default()).map(|_| ())
    }

    /// Maps a file.
    ///
    /// # Errors
    /// As [`Memory::map_at`].
    pub fn map_file(
        &self,
        place: Placement,
        len: u64,
        prot: Prot,
        fd: BorrowedFd<'_>,
        offset: u64,
        shared: bool,
    ) -> Result<u64, Error> {
        self.map_at(place, len, prot, Source::File { fd, offset, shared }, MapOptions::default())
    }

    /// Maps memory or a file and returns the guest address.
    ///
    /// # Errors
    /// Misaligned or empty ranges, overlaps, no room, or what the host's `mmap` says about the file or its memory.
    pub fn map_at(
        &self,
        place: Placement,
        len: u64,
        prot: Prot,
        source: Source<'_>,
        options: MapOptions,
    ) -> Result<u64, Error> {
        check_length("map", len)?;
        let (kind, host_source, file, file_offset) = match source {
            Source::Memory { shared: false } => {
                (RegionKind::Private, HostSource::Anonymous { shared: false }, None, 0)
            }
            Source::Memory { shared: true } => {
                (RegionKind::Shared, HostSource::Anonymous { shared: true }, None, 0)
            }
            Source::File { fd, offset, shared } => {
                check_aligned("file offset", offset)?;
                let kind = if shared { RegionKind::SharedFile } else { RegionKind::PrivateFile };
                (kind, HostSource::File { fd, offset, shared }, Some(file_identity(fd)?), offset)
            }
        };
        let _changes = self.lock_changes();
        let addr = self.place(place, len)?;
        let last = addr + (len - 1);
        // Private pages of a file are tracked as private memory: whether they still show the file is not known.
        let (object, object_offset) = match (kind.is_shared(), file) {
            (false, _) => (ObjectId::PRIVATE, addr),
            (true, Some((device, inode))) => (self.write_state().objects.file(device, inode), file_offset),
            (true, None) => (self.write_state().objects.fresh(), 0),
        };
        let mut new =
            New { prot, max: Prot::RWX, kind, object, object_offset, file_offset, name: options.name };
        if let Some(window) = &self.window {
            self.close_code(&[(addr, last)]);
            let mut state = self.write_state();
            // Pages of a shared object may be watched through another mapping.
            let shown = if kind.is_shared() && !state.code.is_empty() { prot.without_write() } else { prot };
            if let Err((error, dropped)) = window.map(addr, len, shown, host_source, options.noreserve) {
                if dropped {
                    self.forget_code(&mut state, &[(addr, last)]);
                    state.regions.remove(addr, last);
                } else {
                    self.reopen_code(&mut state);
                }
                return Err(error);
            }
            return self.enter_window(&mut state, addr, last, new, window).map(|()| addr);
        }
        let block = Block::new(len, host_source, options.noreserve)?;
        if !block.writable {
            new.max = Prot::RX;
            if prot.writable() {
                return Err(Error::Host { call: "mmap", len, errno: libc::EACCES });
            }
        }
        let host = block.start();
        self.replace_paged(addr, last, new, host, Some(Arc::new(block)));
        Ok(addr)
    }

    /// Shows memory of the host program at a guest range. Mapped twice, it is the same memory for self-modifying code
    /// too.
    ///
    /// In direct mode the memory must be a shared mapping of the host (`MAP_SHARED`), as private pages cannot be shown
    /// at a second address.
    ///
    /// # Errors
    /// Misaligned or empty ranges, overlaps, or private memory in direct mode.
    ///
    /// # Safety
    /// `ptr..ptr + len` is mapped, readable and (with write permission) writable host memory until it is unmapped here
    /// and no vCPU runs, and the host program treats it as memory that other threads may change at any time.
    pub unsafe fn map_host(
        &self,
        place: Placement,
        ptr: *mut u8,
        len: u64,
        prot: Prot,
    ) -> Result<u64, Error> {
        check_length("map_host", len)?;
        check_aligned("host pointer", ptr as u64)?;
        let too_large = Error::Host { call: "map_host", len, errno: libc::ENOMEM };
        if ptr.is_null() || (ptr as u64).checked_add(len).is_none() {
            return Err(too_large);
        }
        let _changes = self.lock_changes();
        let addr = self.place(place, len)?;
        let last = addr + (len - 1);
        let new = New {
            prot,
            max: Prot::RWX,
            kind: RegionKind::Host,
            object: ObjectId::HOST,
            object_offset: ptr as u64,
            file_offset: 0,
            name: None,
        };
        let Some(window) = &self.window else {
            self.replace_paged(addr, last, new, ptr as usize, None);
            return Ok(addr);
        };
        if let Placement::Fixed(_) = place {
            // What is there must go first, and could not be brought back if the memory turned out to be private.
            if let Some((at, _)) = self.read_state().regions.overlapping(addr, last).next() {
                return Err(Error::Overlap { addr, len, at: at.max(addr) });
            }
        }
        let mut state = self.write_state();
        // SAFETY: the caller's contract about the source.
        unsafe { window.duplicate(ptr as usize, addr, len, prot.without_write()) }.map_err(|error| match error {
            Error::Host { errno: libc::EINVAL | libc::EFAULT, .. } => Error::Unsupported(
                "direct mode shows host memory only if it is a shared mapping (MAP_SHARED); use paged mode",
            ),
            other => other,
        })?;
        self.enter_window(&mut state, addr, last, new, window).map(|()| addr)
    }

    /// Removes all mappings of a range; what is not mapped there is no error.
    ///
    /// # Errors
    /// Misaligned or empty ranges.
    pub fn unmap(&self, addr: u64, len: u64) -> Result<(), Error> {
        check_length("unmap", len)?;
        let _changes = self.lock_changes();
        let last = self.check_range(addr, len)?;
        if self.read_state().regions.overlapping(addr, last).next().is_none() {
            return Ok(());
        }
        self.close_code(&[(addr, last)]);
        let mut state = self.write_state();
        if let Some(window) = &self.window
            && let Err(error) = window.unmap(addr, len)
        {
            self.reopen_code(&mut state);
            return Err(error);
        }
        self.forget_code(&mut state, &[(addr, last)]);
        let removed = state.regions.remove(addr, last);
        drop(state);
        self.tell_mappings_changed();
        free(removed, true);
        Ok(())
    }

    /// Sets the permissions of a range, all of which must be mapped.
    ///
    /// # Errors
    /// Misaligned or empty ranges, holes, a shared file that cannot become writable.
    pub fn protect(&self, addr: u64, len: u64, prot: Prot) -> Result<(), Error> {
        check_length("protect", len)?;
        let _changes = self.lock_changes();
        let last = self.check_range(addr, len)?;
        let (loses_execution, loses_any) = {
            let state = self.read_state();
            if let Some(addr) = state.regions.first_hole(addr, last) {
                return Err(Error::NotMapped { addr });
            }
            let parts = || state.regions.overlapping(addr, last);
            if let Some((start, _)) = parts().find(|(_, region)| !region.max.allows(prot)) {
                return Err(Error::NotPermitted { addr: start.max(addr) });
            }
            (
                !prot.executable() && parts().any(|(_, region)| region.prot.executable()),
                parts().any(|(_, region)| !prot.allows(region.prot)),
            )
        };
        if loses_execution {
            self.close_code(&[(addr, last)]);
        }
        let mut state = self.write_state();
        if let Err(error) = self.protect_host(&state, addr, last, prot, loses_execution) {
            self.reopen_code(&mut state);
            return Err(error);
        }
        if loses_execution {
            self.forget_code(&mut state, &[(addr, last)]);
        }
        state.regions.update(addr, last, |_, region| region.prot = prot);
        drop(state);
        if loses_any {
            self.tell_mappings_changed();
        }
        Ok(())
    }

    /// Direct mode: host protection of a range, without write permission where code is watched. On failure the old
    /// protection is brought back.
    fn protect_host(
        &self,
        state: &State,
        first: u64,
        last: u64,
        prot: Prot,
        ignore_code: bool,
    ) -> Result<(), Error> {
        let Some(window) = &self.window else { return Ok(()) };
        let mut watched: Vec<u64> = Vec::new();
        if !ignore_code {
            let keys = state.code.watched_in(&state.regions.keys(first, last));
            watched = keys.into_iter().flat_map(|key| state.regions.aliases(key)).collect();
            watched.retain(|page| (first..=last).contains(page));
            watched.sort_unstable();
        }
        let set = |from: u64, to: u64, prot: Prot| -> Result<(), Error> {
            if from < to { window.protect(from, to - from, prot) } else { Ok(()) }
        };
        let apply = |from: u64, end: u64, prot: Prot| -> Result<(), Error> {
            let mut at = from;
            for &page in watched.iter().filter(|page| (from..end).contains(*page)) {
                set(at, page, prot)?;
                set(page, page + PAGE_SIZE, prot.without_write())?;
                at = page + PAGE_SIZE;
            }
            set(at, end, prot)
        };
        let result = apply(first, last + 1, prot);
        if result.is_err() {
            for (start, region) in state.regions.overlapping(first, last) {
                let _ = apply(start.max(first), region.last.min(last) + 1, region.prot);
            }
        }
        result
    }

    /// A free range of `len` bytes: at `hint` if that is free. Nothing is reserved; [`Placement::Anywhere`] finds and
    /// maps in one step.
    pub fn find_free(&self, len: u64, hint: u64) -> Option<u64> {
        let len = len.checked_next_multiple_of(PAGE_SIZE)?;
        self.read_state().regions.find_free(len, hint, self.lowest, self.highest)
    }

    /// All mappings in order.
    pub fn regions(&self) -> Vec<RegionInfo> {
        self.read_state().regions.list()
    }

    /// The mapping that holds `addr`.
    pub fn region(&self, addr: u64) -> Option<RegionInfo> {
        let state = self.read_state();
        let (start, region) = state.regions.find(addr)?;
        Some(region.info(start))
    }

    /// Frees the pages of a range, all of which must be mapped: private memory reads as zeros afterwards, a private
    /// copy of a file as the file.
    ///
    /// # Errors
    /// Misaligned or empty ranges, holes, memory of the host program.
    pub fn discard(&self, addr: u64, len: u64) -> Result<(), Error> {
        check_length("discard", len)?;
        let _changes = self.lock_changes();
        let last = self.check_range(addr, len)?;
        let pin = self.pin(addr, last, true);
        let state = self.read_state();
        if let Some(addr) = state.regions.first_hole(addr, last) {
            return Err(Error::NotMapped { addr });
        }
        for (start, region) in state.regions.overlapping(addr, last) {
            let (from, to) = (start.max(addr), region.last.min(last));
            match (&self.window, &region.block) {
                _ if region.kind == RegionKind::Host => {}
                (Some(window), _) => window.discard(from, to - from + 1)?,
                (None, Some(block)) => block.discard(region.host(start, from), to - from + 1)?,
                (None, None) => {}
            }
        }
        drop(state);
        drop(pin);
        Ok(())
    }

    /// Puts a new mapping in the place of what was there; host memory is in place already (direct mode).
    pub(super) fn enter(
        &self,
        state: &mut State,
        addr: u64,
        last: u64,
        new: New,
        host: usize,
        block: Option<Arc<Block>>,
    ) -> Vec<(u64, Region)> {
        self.forget_code(state, &[(addr, last)]);
        let removed = state.regions.remove(addr, last);
        state.regions.insert(
            addr,
            Region {
                last,
                prot: new.prot,
                max: new.max,
                kind: new.kind,
                object: new.object,
                object_offset: new.object_offset,
                file_offset: new.file_offset,
                host,
                block,
                name: new.name,
            },
        );
        removed
    }

    /// Direct mode: enters a mapping whose host memory is in place, and protects it where its object is watched.
    fn enter_window(
        &self,
        state: &mut State,
        addr: u64,
        last: u64,
        new: New,
        window: &Window,
    ) -> Result<(), Error> {
        let (prot, shared) = (new.prot, new.kind.is_shared());
        self.enter(state, addr, last, new, window.host(addr), None);
        if !shared {
            return Ok(());
        }
        self.protect_host(state, addr, last, prot, false).inspect_err(|_| {
            state.regions.remove(addr, last);
            let _ = window.unmap(addr, last - addr + 1);
        })
    }

    fn replace_paged(&self, addr: u64, last: u64, new: New, host: usize, block: Option<Arc<Block>>) {
        self.close_code(&[(addr, last)]);
        let mut state = self.write_state();
        let removed = self.enter(&mut state, addr, last, new, host, block);
        drop(state);
        if !removed.is_empty() {
            self.tell_mappings_changed();
            free(removed, true);
        }
    }

    /// Chooses and checks the address of a new mapping.
    pub(super) fn place(&self, place: Placement, len: u64) -> Result<u64, Error> {
        match place {
            Placement::Fixed(addr) => self.check_range(addr, len).map(|_| addr),
            Placement::FixedNoReplace(addr) => {
                let last = self.check_range(addr, len)?;
                match self.read_state().regions.overlapping(addr, last).next() {
                    Some((at, _)) => Err(Error::Overlap { addr, len, at: at.max(addr) }),
                    None => Ok(addr),
                }
            }
            Placement::Anywhere { hint } => {
                let state = self.read_state();
                let found = state.regions.find_free(len, hint, self.lowest, self.highest);
                found.ok_or(Error::NoSpace { len })
            }
        }
    }

    /// The last address of a range.
    pub(super) fn check_range(&self, addr: u64, len: u64) -> Result<u64, Error> {
        check_aligned("address", addr)?;
        match addr.checked_add(len - 1) {
            Some(last) if last <= self.last => Ok(last),
            _ => Err(Error::OutOfRange { addr, len, last: self.last }),
        }
    }
}

/// Frees removed mappings: with the last reference to a block goes its host memory; parts of a block that lives on are
/// emptied if nothing else shows them.
pub(super) fn free(removed: Vec<(u64, Region)>, empty: bool) {
    for (start, region) in removed {
        if let Some(block) = &region.block
            && empty
            && region.kind == RegionKind::Private
            && Arc::strong_count(block) > 1
        {
            let _ = block.discard(region.host, region.last - start + 1);
        }
    }
}

pub(super) fn check_length(what: &'static str, len: u64) -> Result<(), Error> {
    if len == 0 {
        return Err(Error::ZeroLength(what));
    }
    check_aligned("length", len)
}

fn check_aligned(what: &'static str, value: u64) -> Result<(), Error> {
    if value.is_multiple_of(PAGE_SIZE) { Ok(()) } else { Err(Error::Misaligned { what, value }) }
}
