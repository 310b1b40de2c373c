//! Changing the length and the place of mappings.

use super::host::{Block, HostSource, Window};
use super::mapping::{New, Placement, check_length, free};
use super::regions::{ObjectId, Region};
use super::{Error, Memory, Mode, Prot, RegionKind, State};
use std::sync::Arc;

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

/// A move that is being carried out; ranges as first and last address.
struct Plan {
    from: (u64, u64),
    to: (u64, u64),
}

impl Plan {
    fn old_len(&self) -> u64 {
        self.from.1 - self.from.0 + 1
    }

    fn new_len(&self) -> u64 {
        self.to.1 - self.to.0 + 1
    }
}

impl Memory {
    /// Changes length and place of the mapping of `addr..addr + old_len` and returns its address (Linux's `mremap`).
    /// Bytes are kept; what is added continues the mapping.
    ///
    /// # Errors
    /// Misaligned or empty ranges, holes or several mappings, no room. A mapping that is not private memory grows only
    /// by moving, and not at all in paged mode.
    pub fn remap(&self, addr: u64, old_len: u64, new_len: u64, may_move: Move) -> Result<u64, Error> {
        check_length("remap", old_len)?;
        check_length("remap", new_len)?;
        let changes = self.lock_changes();
        let last = self.check_range(addr, old_len)?;
        let pieces = self.pieces(addr, last)?;
        let to = match may_move {
            Move::To(target) => {
                let target_last = self.check_range(target, new_len)?;
                if target <= last && addr <= target_last {
                    return Err(Error::Overlap { addr: target, len: new_len, at: addr.max(target) });
                }
                target
            }
            _ if new_len == old_len => return Ok(addr),
            _ if new_len < old_len => {
                drop(changes);
                self.unmap(addr + new_len, old_len - new_len)?;
                return Ok(addr);
            }
            _ => {
                let (_, end) = pieces.last().expect("the range is mapped");
                if self.grow_in_place(last, new_len - old_len, end)? {
                    return Ok(addr);
                }
                if may_move == Move::No {
                    return Err(Error::NoSpace { len: new_len });
                }
                self.place(Placement::Anywhere { hint: 0 }, new_len)?
            }
        };
        self.relocate(&Plan { from: (addr, last), to: (to, to + (new_len - 1)) }, pieces)?;
        Ok(to)
    }

    /// The mappings of a range, cut to it: one, or in paged mode several blocks of the same kind.
    fn pieces(&self, addr: u64, last: u64) -> Result<Vec<(u64, Region)>, Error> {
        let state = self.read_state();
        if let Some(addr) = state.regions.first_hole(addr, last) {
            return Err(Error::NotMapped { addr });
        }
        let cut = |(start, region): (u64, &Region)| {
            let first = start.max(addr);
            (first, region.part(start, first, region.last.min(last)))
        };
        let pieces: Vec<_> = state.regions.overlapping(addr, last).map(cut).collect();
        let alike = |(_, piece): &(u64, Region)| {
            let (_, first) = &pieces[0];
            self.mode == Mode::Paged
                && (piece.prot, piece.kind, RegionKind::Private) == (first.prot, first.kind, first.kind)
        };
        if pieces.len() > 1 && !pieces.iter().all(alike) {
            return Err(Error::Unsupported("remap works on one mapping at a time"));
        }
        Ok(pieces)
    }

    /// Adds private memory behind `last`, where `end` is mapped, if there is room.
    fn grow_in_place(&self, last: u64, extra: u64, end: &Region) -> Result<bool, Error> {
        let Some(from) = last.checked_add(1).filter(|_| end.kind == RegionKind::Private) else {
            return Ok(false);
        };
        let Ok(last) = self.check_range(from, extra) else { return Ok(false) };
        let mut state = self.write_state();
        if state.regions.overlapping(from, last).next().is_some() {
            return Ok(false);
        }
        let source = HostSource::Anonymous { shared: false };
        let new = New {
            prot: end.prot,
            max: end.max,
            kind: end.kind,
            object: ObjectId::PRIVATE,
            object_offset: from,
            file_offset: 0,
            name: end.name.clone(),
        };
        if let Some(window) = &self.window {
            window.map(from, extra, end.prot, source, false).map_err(|(error, _)| error)?;
            self.enter(&mut state, from, last, new, window.host(from), None);
        } else {
            let block = Block::new(extra, source, false)?;
            let host = block.start();
            self.enter(&mut state, from, last, new, host, Some(Arc::new(block)));
        }
        Ok(true)
    }

    /// Moves a mapping; `changes` is locked, the ranges do not overlap.
    fn relocate(&self, plan: &Plan, pieces: Vec<(u64, Region)>) -> Result<(), Error> {
        let ranges = [plan.from, plan.to];
        self.close_code(&ranges);
        let mut guard = self.write_state();
        let state = &mut *guard;
        let prepared = match &self.window {
            Some(window) => prepare_in_window(window, plan, &pieces[0].1),
            None => prepare_paged(plan, pieces),
        };
        let moved = match prepared {
            Ok(moved) => moved,
            Err((error, dropped)) => {
                self.reopen_code(state);
                if dropped {
                    state.regions.remove(plan.to.0, plan.to.1);
                }
                return Err(error);
            }
        };
        self.forget_code(state, &ranges);
        let trash = self.swap(state, plan, moved);
        drop(guard);
        self.tell_mappings_changed();
        // What was moved lives on in the same blocks.
        free(trash, false);
        Ok(())
    }

    fn swap(&self, state: &mut State, plan: &Plan, moved: Vec<(u64, Region)>) -> Vec<(u64, Region)> {
        let mut removed = state.regions.remove(plan.to.0, plan.to.1);
        removed.extend(state.regions.remove(plan.from.0, plan.from.1));
        for (start, region) in moved {
            state.regions.insert(start, region);
        }
        removed
    }
}

/// Direct mode: moves host memory within the window and gives the new region. On failure the second part says whether
/// what was at the target is gone.
fn prepare_in_window(
    window: &Window,
    plan: &Plan,
    region: &Region,
) -> Result<Vec<(u64, Region)>, (Error, bool)> {
    let (from, to) = (plan.from.0, plan.to.0);
    let (old_len, new_len) = (plan.old_len(), plan.new_len());
    // One protection throughout, so that the host sees one mapping; no watch is left.
    window.protect(from, old_len, region.prot).map_err(|error| (error, false))?;
    match window.relocate(from, old_len, to, new_len) {
        Err((Error::Host { errno: libc::EFAULT, .. }, dropped)) if region.kind == RegionKind::Private => {
            // The host sees several mappings all the same: copy.
            let source = HostSource::Anonymous { shared: false };
            window
                .map(to, new_len, Prot::RW, source, false)
                .map_err(|(error, also)| (error, dropped || also))?;
            window
                .copy(from, to, old_len.min(new_len), region.prot)
                .and_then(|()| window.protect(to, new_len, region.prot))
                .and_then(|()| window.unmap(from, old_len))
                .map_err(|error| (error, true))?;
        }
        result => result?,
    }
    let mut moved = Region { last: plan.to.1, host: window.host(to), ..region.clone() };
    if moved.object == ObjectId::PRIVATE {
        moved.object_offset = to;
    }
    Ok(vec![(to, moved)])
}

/// Paged mode: the regions as they will be at the new place, with new memory behind them where it grows.
fn prepare_paged(plan: &Plan, pieces: Vec<(u64, Region)>) -> Result<Vec<(u64, Region)>, (Error, bool)> {
    let (from, to) = (plan.from.0, plan.to.0);
    let mut moved = Vec::new();
    for (start, piece) in pieces {
        let at = to + (start - from);
        if start - from >= plan.new_len() {
            break;
        }
        let last = (to + (piece.last - from)).min(plan.to.1);
        let mut region = Region { last, ..piece };
        if region.object == ObjectId::PRIVATE {
            region.object_offset = at;
        }
        moved.push((at, region));
    }
    let (_, end) = moved.last().expect("the range is mapped");
    if end.last < plan.to.1 {
        if end.kind != RegionKind::Private {
            let reason = "paged mode cannot enlarge a mapping of a file or of host memory";
            return Err((Error::Unsupported(reason), false));
        }
        let (start, len) = (end.last + 1, plan.to.1 - end.last);
        let block = Block::new(len, HostSource::Anonymous { shared: false }, false)
            .map_err(|error| (error, false))?;
        let host = block.start();
        let region = Region {
            last: plan.to.1,
            object_offset: start,
            host,
            block: Some(Arc::new(block)),
            ..end.clone()
        };
        moved.push((start, region));
    }
    Ok(moved)
}
