//! Calls that change mappings.
//!
//! Each holds `changes`, invalidates the code that it takes away (with `state` free), changes host and region map
//! under `state`, and in paged mode has every TLB flushed before replaced memory is freed. A call that fails changes
//! nothing.

use super::host::{Block, HostSource, file_identity};
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

/// Whether [`Memory::remap`] may move the mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// Grow in place or fail.
    No,
    /// Move if it cannot grow in place.
    May,
    /// Move to this address; what is mapped there is replaced.
    To(u64),
}

/// What `map_with` needs to know besides address and length.
struct New {
    prot: Prot,
    max: Prot,
    kind: RegionKind,
    object: ObjectId,
    object_offset: u64,
    file_offset: u64,
    name: Option<Arc<str>>,
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
            self.close_code(addr, last);
            let mut state = self.write_state();
            if let Err((error, dropped)) = window.map(addr, len, prot, host_source, options.noreserve) {
                if dropped {
                    self.forget_code(&mut state, addr, last);
                    state.regions.remove(addr, last);
                } else {
                    self.reopen_code(&mut state);
                }
                return Err(error);
            }
            self.enter(&mut state, addr, last, new, window.host(addr), None);
            return Ok(addr);
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
        unsafe { window.duplicate(ptr as usize, addr, len, prot) }.map_err(|error| match error {
            Error::Host { errno: libc::EINVAL | libc::EFAULT, .. } => Error::Unsupported(
                "direct mode shows host memory only if it is a shared mapping (MAP_SHARED); use paged mode",
            ),
            other => other,
        })?;
        self.enter(&mut state, addr, last, new, window.host(addr), None);
        Ok(addr)
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
        self.close_code(addr, last);
        let mut state = self.write_state();
        if let Some(window) = &self.window
            && let Err(error) = window.unmap(addr, len)
        {
            self.reopen_code(&mut state);
            return Err(error);
        }
        self.forget_code(&mut state, addr, last);
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
            self.close_code(addr, last);
        }
        let mut state = self.write_state();
        if let Err(error) = self.protect_host(&state, addr, last, prot, loses_execution) {
            self.reopen_code(&mut state);
            return Err(error);
        }
        if loses_execution {
            self.forget_code(&mut state, addr, last);
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

    /// Changes length and place of the mapping of `addr..addr + old_len`, which must be one mapping, and returns its
    /// address (Linux's `mremap`). Bytes are kept; what is added continues the mapping.
    ///
    /// # Errors
    /// Misaligned or empty ranges, holes or several mappings, no room. Growing a mapping of a file or of the host's
    /// memory needs `Move::May` or `Move::To` in direct mode and is not possible in paged mode.
    pub fn remap(&self, addr: u64, old_len: u64, new_len: u64, may_move: Move) -> Result<u64, Error> {
        check_length("remap", old_len)?;
        check_length("remap", new_len)?;
        let (target, fixed) = match may_move {
            Move::To(target) => (target, true),
            _ => (addr, false),
        };
        {
            let _changes = self.lock_changes();
            let last = self.check_range(addr, old_len)?;
            let state = self.read_state();
            if let Some(addr) = state.regions.first_hole(addr, last) {
                return Err(Error::NotMapped { addr });
            }
        }
        if !fixed && new_len <= old_len {
            if new_len < old_len {
                self.unmap(addr + new_len, old_len - new_len)?;
            }
            return Ok(addr);
        }
        let _changes = self.lock_changes();
        let last = self.check_range(addr, old_len)?;
        let region = {
            let state = self.read_state();
            match state.regions.find(addr) {
                Some((start, region)) if region.last >= last => region.part(start, addr, last),
                _ => return Err(Error::Unsupported("remap works on one mapping at a time")),
            }
        };
        if !fixed && self.grow_in_place(addr, old_len, new_len, &region)? {
            return Ok(addr);
        }
        if may_move == Move::No {
            return Err(Error::NoSpace { len: new_len });
        }
        let to = if fixed {
            self.check_range(target, new_len)?;
            if target <= last && addr <= target + (new_len - 1) {
                return Err(Error::Overlap { addr: target, len: new_len, at: addr });
            }
            target
        } else {
            self.place(Placement::Anywhere { hint: 0 }, new_len)?
        };
        self.relocate(addr, old_len, to, new_len, region)?;
        Ok(to)
    }

    /// Adds private memory behind a mapping of private memory, if there is room.
    fn grow_in_place(&self, addr: u64, old_len: u64, new_len: u64, region: &Region) -> Result<bool, Error> {
        if region.kind != RegionKind::Private {
            return Ok(false);
        }
        let (from, extra) = (addr + old_len, new_len - old_len);
        let Ok(last) = self.check_range(from, extra) else { return Ok(false) };
        let mut state = self.write_state();
        if state.regions.overlapping(from, last).next().is_some() {
            return Ok(false);
        }
        let source = HostSource::Anonymous { shared: false };
        let new = New {
            prot: region.prot,
            max: region.max,
            kind: region.kind,
            object: ObjectId::PRIVATE,
            object_offset: from,
            file_offset: 0,
            name: region.name.clone(),
        };
        if let Some(window) = &self.window {
            window.map(from, extra, region.prot, source, false).map_err(|(error, _)| error)?;
            self.enter(&mut state, from, last, new, window.host(from), None);
        } else {
            let block = Block::new(extra, source, false)?;
            let host = block.start();
            self.enter(&mut state, from, last, new, host, Some(Arc::new(block)));
        }
        Ok(true)
    }

    /// Moves a mapping; `changes` is locked, the target does not overlap it.
    fn relocate(&self, from: u64, old_len: u64, to: u64, new_len: u64, region: Region) -> Result<(), Error> {
        let (from_last, to_last) = (from + (old_len - 1), to + (new_len - 1));
        if self.window.is_none() && new_len > old_len && region.kind != RegionKind::Private {
            return Err(Error::Unsupported(
                "paged mode cannot enlarge a mapping of a file or of host memory",
            ));
        }
        // Both ranges lose what they show now.
        self.close_code(from, from_last);
        {
            let mut state = self.write_state();
            self.reopen_code(&mut state);
        }
        self.close_code(to, to_last);
        let mut state = self.write_state();
        let mut moved = region;
        moved.last = to_last;
        if moved.object == ObjectId::PRIVATE {
            moved.object_offset = to;
        }
        let mut trash = Vec::new();
        if let Some(window) = &self.window {
            // One protection, so that the host sees one mapping.
            window.protect(from, old_len, moved.prot)?;
            let result = window.relocate(from, old_len, to, new_len);
            self.forget_code(&mut state, to, to_last);
            trash.extend(state.regions.remove(to, to_last));
            result?;
            moved.host = window.host(to);
            trash.extend(state.regions.remove(from, from_last));
            state.regions.insert(to, moved);
        } else {
            let kept = old_len.min(new_len);
            let tail = if new_len > old_len {
                match Block::new(new_len - old_len, HostSource::Anonymous { shared: false }, false) {
                    Ok(block) => Some(block),
                    Err(error) => {
                        self.reopen_code(&mut state);
                        return Err(error);
                    }
                }
            } else {
                None
            };
            self.forget_code(&mut state, to, to_last);
            trash.extend(state.regions.remove(to, to_last));
            trash.extend(state.regions.remove(from, from_last));
            moved.last = to + (kept - 1);
            let template = moved.clone();
            state.regions.insert(to, moved);
            if let Some(block) = tail {
                let start = to + kept;
                let host = block.start();
                let added = Region {
                    last: to_last,
                    object_offset: start,
                    host,
                    block: Some(Arc::new(block)),
                    ..template
                };
                state.regions.insert(start, added);
            }
        }
        drop(state);
        self.tell_mappings_changed();
        free(trash, false);
        Ok(())
    }

    /// Puts a new mapping in the place of what was there; host memory is in place already (direct mode).
    fn enter(
        &self,
        state: &mut State,
        addr: u64,
        last: u64,
        new: New,
        host: usize,
        block: Option<Arc<Block>>,
    ) -> Vec<(u64, Region)> {
        self.forget_code(state, addr, last);
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
        if new.prot.writable() && new.object != ObjectId::PRIVATE && !state.code.is_empty() {
            // Pages of this object may be watched through another mapping.
            let _ = self.protect_host(state, addr, last, new.prot, false);
        }
        removed
    }

    fn replace_paged(&self, addr: u64, last: u64, new: New, host: usize, block: Option<Arc<Block>>) {
        self.close_code(addr, last);
        let mut state = self.write_state();
        let removed = self.enter(&mut state, addr, last, new, host, block);
        drop(state);
        if !removed.is_empty() {
            self.tell_mappings_changed();
            free(removed, true);
        }
    }

    /// Chooses and checks the address of a new mapping.
    fn place(&self, place: Placement, len: u64) -> Result<u64, Error> {
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
    fn check_range(&self, addr: u64, len: u64) -> Result<u64, Error> {
        check_aligned("address", addr)?;
        match addr.checked_add(len - 1) {
            Some(last) if last <= self.last => Ok(last),
            _ => Err(Error::OutOfRange { addr, len, last: self.last }),
        }
    }
}

/// Frees removed mappings: with the last reference to a block goes its host memory; parts of a block that lives on are
/// emptied if nothing else shows them.
fn free(removed: Vec<(u64, Region)>, empty: bool) {
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

fn check_length(what: &'static str, len: u64) -> Result<(), Error> {
    if len == 0 {
        return Err(Error::ZeroLength(what));
    }
    check_aligned("length", len)
}

fn check_aligned(what: &'static str, value: u64) -> Result<(), Error> {
    if value.is_multiple_of(PAGE_SIZE) { Ok(()) } else { Err(Error::Misaligned { what, value }) }
}
