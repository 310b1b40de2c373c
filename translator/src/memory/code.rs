//! Which pages have translated code, and what happens when they are written.
//!
//! A page is tracked by its [`PageKey`], so all guest addresses that show it are watched together. Its state:
//!
//! * *watched*: units were translated from it; stores must not go unnoticed. Direct mode takes the host's write
//!   permission away at every address that shows it, paged mode has no write TLB entries for it.
//! * *self-checking*: it was written too often; units compare their own bytes on entry, stores go directly. After a
//!   while it is tried whether it can be watched again; each time that fails the next try is later.
//! * *pinned*: somebody writes it now (a store that is being carried out, a system call). Units made meanwhile are
//!   self-checking.
//!
//! A store to a watched page pins it: the units of the page are invalidated, *then* the protection is taken off, then
//! the store is an ordinary one. Nothing is unprotected while a unit that relies on the protection exists, and as the
//! page cannot be watched while it is pinned, no unit made from the old bytes survives the store. That keeps every
//! store and atomic access a real one, also on shared memory, where writing through `/proc/self/mem` is refused.
//!
//! Each invalidation gives the page a new *epoch*. A [`CodeWatch`] remembers the epochs under which its bytes were
//! read; a translation may be published as long as they are the same.

use super::regions::{ObjectId, PageKey};
use super::{Memory, Mode, PAGE_SIZE, State};
use crate::lift::Fetch;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

/// How units of a page notice that its bytes changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CodePage {
    /// Stores are noticed, units need not check.
    Watched,
    /// Units compare the bytes that they were made from on every entry.
    SelfChecking,
}

/// Proof that code pages are watched, for one translation: made before the bytes are read, checked when the
/// translation is published, given back when its unit is freed.
#[derive(Debug)]
pub struct CodeWatch {
    pages: Vec<WatchedPage>,
    mode: CodePage,
}

#[derive(Clone, Copy, Debug)]
struct WatchedPage {
    addr: u64,
    key: PageKey,
    epoch: u64,
    mode: CodePage,
}

impl CodeWatch {
    /// How the unit must be compiled.
    pub fn mode(&self) -> CodePage {
        self.mode
    }

    /// Guest addresses of the pages.
    pub fn pages(&self) -> impl Iterator<Item = u64> {
        self.pages.iter().map(|page| page.addr)
    }

    fn new(pages: Vec<WatchedPage>) -> CodeWatch {
        let mode = pages.iter().map(|page| page.mode).max().unwrap_or(CodePage::Watched);
        CodeWatch { pages, mode }
    }
}

/// State of one page with code.
#[derive(Debug)]
struct Page {
    epoch: u64,
    /// Watches held on it in this epoch.
    units: u32,
    watched: bool,
    /// No vCPU has a write TLB entry from before it was watched.
    flushed: bool,
    /// Writes while it was watched, less those that are long ago.
    writes: u32,
    last_write: Option<Instant>,
    self_checking: bool,
    /// How long it stays self-checking.
    patience: Duration,
}

/// Each time that watching a page again fails the next try is later by this factor.
const MORE_PATIENCE: u32 = 4;

impl Page {
    fn new(epoch: u64, limit: u32, write_memory: Duration) -> Page {
        let self_checking = limit == 0;
        Page {
            epoch,
            units: 0,
            watched: false,
            flushed: true,
            writes: 0,
            last_write: self_checking.then(Instant::now),
            self_checking,
            patience: write_memory,
        }
    }

    /// A store hit the watched page.
    fn count_write(&mut self, limit: u32, write_memory: Duration) {
        let now = Instant::now();
        let quiet = self.last_write.map_or(Duration::ZERO, |last| now.saturating_duration_since(last));
        let forgotten = quiet.as_nanos() / write_memory.as_nanos().max(1);
        self.writes = self.writes.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX)) + 1;
        self.last_write = Some(now);
        if self.writes == 1 {
            self.patience = write_memory;
        }
        if self.writes >= limit {
            self.self_checking = true;
            let longest = write_memory.saturating_mul(MORE_PATIENCE.pow(5));
            self.patience = self.patience.saturating_mul(MORE_PATIENCE).min(longest);
        }
    }

    /// Makes a self-checking page one that may be watched, if it has been self-checking for long enough; the next write
    /// undoes it. Whether it did.
    fn try_to_watch(&mut self, limit: u32) -> bool {
        let patient = self.last_write.is_none_or(|last| last.elapsed() >= self.patience);
        let tried = self.self_checking && patient;
        if tried {
            self.self_checking = false;
            self.writes = limit.saturating_sub(1);
            // The count must not shrink while nobody looked.
            self.last_write = Some(Instant::now());
        }
        tried
    }

    /// A unit, a translation under way or another thread's invalidation relies on it.
    fn is_relied_on(&self) -> bool {
        self.watched || self.units > 0
    }
}

type KeyRange = (ObjectId, Range<u64>);

/// The table of pages with code.
#[derive(Default)]
pub(super) struct CodePages {
    pages: BTreeMap<PageKey, Page>,
    /// Ranges whose mapping is about to change; watching waits for that.
    closing: Vec<KeyRange>,
    pins: Vec<(u64, KeyRange)>,
    last_epoch: u64,
    last_pin: u64,
}

fn covers(range: &KeyRange, key: PageKey) -> bool {
    range.0 == key.object && range.1.contains(&key.page)
}

fn bounds(range: &KeyRange) -> Range<PageKey> {
    PageKey { object: range.0, page: range.1.start }..PageKey { object: range.0, page: range.1.end }
}

impl CodePages {
    /// Whether a store to this page must be noticed.
    pub(super) fn is_watched(&self, key: PageKey) -> bool {
        self.pages.get(&key).is_some_and(|page| page.watched)
    }

    /// No page has code.
    pub(super) fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Some page of memory that others may write has units that rely on their not doing so.
    fn has_untracked(&self) -> bool {
        let first = PageKey { object: ObjectId::HOST, page: 0 };
        self.pages.range(first..).any(|(_, page)| page.watched && page.units > 0)
    }

    /// The watched pages of these ranges.
    pub(super) fn watched_in(&self, ranges: &[KeyRange]) -> Vec<PageKey> {
        let pages = ranges.iter().flat_map(|range| self.pages.range(bounds(range)));
        pages.filter(|(_, page)| page.watched).map(|(&key, _)| key).collect()
    }

    /// The pages of the ranges that are about to change.
    fn closed_pages(&self) -> Vec<PageKey> {
        let pages = self.closing.iter().flat_map(|range| self.pages.range(bounds(range)));
        pages.map(|(&key, _)| key).collect()
    }

    fn is_pinned(&self, key: PageKey) -> bool {
        self.pins.iter().any(|(_, range)| covers(range, key))
    }

    fn pin(&mut self, ranges: &[KeyRange]) -> u64 {
        self.last_pin += 1;
        self.pins.extend(ranges.iter().map(|range| (self.last_pin, range.clone())));
        self.last_pin
    }

    fn unpin(&mut self, pin: u64) {
        self.pins.retain(|(id, _)| *id != pin);
    }

    /// Starts the invalidation of the pages of these ranges that `select` chooses: translations made from them are no
    /// longer current. Returns the chosen pages.
    fn expire(&mut self, ranges: &[KeyRange], select: impl Fn(&Page) -> bool) -> Vec<PageKey> {
        let mut expired = Vec::new();
        for range in ranges {
            for (&key, page) in self.pages.range_mut(bounds(range)) {
                if select(page) {
                    self.last_epoch += 1;
                    page.epoch = self.last_epoch;
                    page.units = 0;
                    expired.push(key);
                }
            }
        }
        expired
    }
}

/// Guest ranges of pages, adjacent ones joined.
fn join_pages(mut pages: Vec<u64>) -> Vec<Range<u64>> {
    pages.sort_unstable();
    pages.dedup();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for page in pages {
        // The last page of a 64-bit address space has no exclusive end: its range lacks the last byte, and overlaps
        // every unit of that page all the same.
        let end = page.saturating_add(PAGE_SIZE);
        match ranges.last_mut() {
            Some(range) if range.end == page => range.end = end,
            _ => ranges.push(page..end),
        }
    }
    ranges
}

impl State {
    /// Every guest range that shows one of these pages.
    fn ranges_of(&self, keys: &[PageKey]) -> Vec<Range<u64>> {
        join_pages(keys.iter().flat_map(|&key| self.regions.aliases(key)).collect())
    }
}

impl Memory {
    /// Watches the pages of a guest range, before a translation reads code there.
    ///
    /// Pages that are not mapped executable are left out. May wait for a mapping call of another thread, and (paged
    /// mode) for all vCPUs to flush their TLBs: no lock that the listener takes may be held.
    pub fn watch_code(&self, range: Range<u64>) -> CodeWatch {
        let first = range.start / PAGE_SIZE;
        let last = range.end.saturating_sub(1).max(range.start) / PAGE_SIZE;
        CodeWatch::new((first..=last).filter_map(|page| self.watch_page(page * PAGE_SIZE)).collect())
    }

    /// Reads code for one translation and watches each page before its bytes are read.
    pub fn code_reader(&self) -> CodeReader<'_> {
        CodeReader { memory: self, pages: RefCell::default() }
    }

    /// How units of the page that holds `addr` notice changes now. Only a hint: [`CodeWatch::mode`] decides.
    pub fn page_mode(&self, addr: u64) -> CodePage {
        let state = self.read_state();
        let Some((start, region)) = state.regions.find(addr) else { return CodePage::Watched };
        let key = region.key(start, addr);
        if state.code.is_pinned(key) || state.code.pages.get(&key).is_some_and(|page| page.self_checking) {
            CodePage::SelfChecking
        } else {
            CodePage::Watched
        }
    }

    /// Whether code at `addr` can be fetched and has these bytes, now.
    pub fn holds_code(&self, addr: u64, bytes: &[u8]) -> bool {
        let mut buf = [0; 256];
        let mut at = addr;
        bytes.chunks(buf.len()).all(|expected| {
            let here = &mut buf[..expected.len()];
            let same = self.fetch(at, here) == expected.len() && here == expected;
            at = at.wrapping_add(expected.len() as u64);
            same
        })
    }

    /// Whether nothing that the watch covers has been invalidated since. To be asked while holding the lock under which
    /// the listener finds units.
    pub fn is_current(&self, watch: &CodeWatch) -> bool {
        let state = self.read_state();
        watch
            .pages
            .iter()
            .all(|watched| state.code.pages.get(&watched.key).is_some_and(|page| page.epoch == watched.epoch))
    }

    /// Gives a watch back: its unit is gone, or was never published. The last one of a page ends the watch on it.
    pub fn unwatch_code(&self, watch: CodeWatch) {
        if watch.pages.is_empty() {
            return;
        }
        let mut state = self.write_state();
        for watched in watch.pages {
            let Some(page) = state.code.pages.get_mut(&watched.key) else { continue };
            if page.epoch != watched.epoch || page.units == 0 {
                continue;
            }
            page.units -= 1;
            if page.units == 0 {
                self.end_watch(&mut state, watched.key, &[]);
            }
        }
    }

    fn watch_page(&self, addr: u64) -> Option<WatchedPage> {
        loop {
            let mut guard = self.write_state();
            let state = &mut *guard;
            let (start, region) = state.regions.find(addr)?;
            if !region.prot.executable() {
                return None;
            }
            let key = region.key(start, addr);
            if state.code.closing.iter().any(|range| covers(range, key)) {
                // The mapping is about to change: look again when it has.
                drop(guard);
                drop(self.lock_changes());
                continue;
            }
            let pinned = state.code.is_pinned(key);
            let fresh = state.code.last_epoch + 1;
            let page = state.code.pages.entry(key).or_insert_with(|| {
                state.code.last_epoch = fresh;
                Page::new(fresh, self.writes_until_self_checking, self.write_memory)
            });
            if !pinned {
                page.try_to_watch(self.writes_until_self_checking);
            }
            if !pinned && !page.self_checking && !page.watched {
                let aliases = state.regions.aliases(key);
                if self.set_write_protection(&state.regions, &aliases, true).is_ok() {
                    page.watched = true;
                    page.flushed = self.mode == Mode::Direct
                        || !aliases.iter().any(|&alias| {
                            state.regions.find(alias).is_some_and(|(_, region)| region.prot.writable())
                        });
                } else {
                    // The host has no mappings left to split: do without protection.
                    page.self_checking = true;
                    page.last_write = Some(Instant::now());
                }
            }
            page.units += 1;
            // While a pin's invalidation is under way the page is still protected, but about to be written.
            let relied_on = page.watched && !pinned && !page.self_checking;
            let mode = if relied_on { CodePage::Watched } else { CodePage::SelfChecking };
            let (epoch, flushed) = (page.epoch, page.flushed);
            drop(guard);
            if !flushed {
                self.tell_mappings_changed();
                if let Some(page) = self.write_state().code.pages.get_mut(&key)
                    && page.epoch == epoch
                {
                    page.flushed = true;
                }
            }
            return Some(WatchedPage { addr, key, epoch, mode });
        }
    }

    /// Direct mode: takes the host's write permission for these pages away or gives it back; all or nothing when taking.
    fn set_write_protection(
        &self,
        regions: &super::Regions,
        aliases: &[u64],
        protect: bool,
    ) -> Result<(), super::Error> {
        let Some(window) = &self.window else { return Ok(()) };
        let writable = |addr: u64| {
            let (_, region) = regions.find(addr)?;
            region.prot.writable().then_some(region.prot)
        };
        for (index, &alias) in aliases.iter().enumerate() {
            let Some(prot) = writable(alias) else { continue };
            let wanted = if protect { prot.without_write() } else { prot };
            if let Err(error) = window.protect(alias, PAGE_SIZE, wanted) {
                if protect {
                    for &done in &aliases[..index] {
                        if let Some(prot) = writable(done) {
                            let _ = window.protect(done, PAGE_SIZE, prot);
                        }
                    }
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Ends the watch on a page without units; its addresses within `replaced` keep their protection. False if the host
    /// refuses to take the protection away (it may have to split a mapping): the page stays watched, without units.
    fn end_watch(&self, state: &mut State, key: PageKey, replaced: &[(u64, u64)]) -> bool {
        let Some(page) = state.code.pages.get_mut(&key) else { return true };
        if page.watched {
            let mut aliases = state.regions.aliases(key);
            aliases.retain(|alias| !replaced.iter().any(|(first, last)| (first..=last).contains(&alias)));
            if self.set_write_protection(&state.regions, &aliases, false).is_err() {
                return false;
            }
            page.watched = false;
        }
        if page.writes == 0 && !page.self_checking {
            state.code.pages.remove(&key);
        }
        true
    }

    /// Makes sure that `first..=last` can be written directly until the pin is dropped: units made from it are
    /// invalidated and its watches end. `all` invalidates self-checking units as well.
    pub(super) fn pin(&self, first: u64, last: u64, all: bool) -> Pin<'_> {
        let mut guard = self.write_state();
        let state = &mut *guard;
        let keys = state.regions.keys(first, last);
        let pin = Pin { memory: self, id: state.code.pin(&keys) };
        if state.code.is_empty() {
            return pin;
        }
        let limit = self.writes_until_self_checking;
        let expired = state.code.expire(&keys, |page| page.watched || (all && page.is_relied_on()));
        if expired.is_empty() {
            return pin;
        }
        for key in &expired {
            if let Some(page) = state.code.pages.get_mut(key)
                && page.watched
            {
                page.count_write(limit, self.write_memory);
            }
        }
        let ranges = state.ranges_of(&expired);
        drop(guard);
        self.tell_invalidate(&ranges);
        let mut state = self.write_state();
        let mut stuck = false;
        for key in expired {
            stuck |= !self.end_watch(&mut state, key, &[]);
        }
        drop(state);
        if stuck {
            self.unwatch_region(first);
        }
        pin
    }

    /// Whether stores to the self-checking page at `addr` can be noticed again is tried after a while: its units are
    /// invalidated then, so that new ones need not check.
    ///
    /// For a vCPU that has run self-checking units for long, with no lock that the listener takes.
    pub fn try_to_watch(&self, addr: u64) {
        let mut guard = self.write_state();
        let state = &mut *guard;
        let Some((start, region)) = state.regions.find(addr) else { return };
        let key = region.key(start, addr);
        let limit = self.writes_until_self_checking;
        let pinned = state.code.is_pinned(key);
        let Some(page) = state.code.pages.get_mut(&key) else { return };
        if pinned || page.self_checking && !page.try_to_watch(limit) {
            return;
        }
        // Also if another vCPU was first, or a pin that the units were made under is gone.
        let expired = state.code.expire(&[(key.object, key.page..key.page + 1)], |page| page.units > 0);
        let ranges = state.ranges_of(&expired);
        drop(guard);
        self.tell_invalidate(&ranges);
    }

    /// Invalidates code in memory that others than this machine may have written unnoticed: mappings that are shared
    /// with other processes, and the host program's memory. For the guest's instructions that make changed code
    /// visible; all other writes are noticed when they are made, or by units that check themselves.
    pub fn refetch_code(&self, range: Range<u64>) {
        if !self.read_state().code.has_untracked() {
            return;
        }
        let ranges = {
            let mut state = self.write_state();
            let mut keys = state.regions.keys(range.start, range.end.saturating_sub(1).max(range.start));
            keys.retain(|(object, _)| *object != ObjectId::PRIVATE);
            let expired = state.code.expire(&keys, |page| page.watched && page.units > 0);
            state.ranges_of(&expired)
        };
        self.tell_invalidate(&ranges);
    }

    /// Ends all watches of the region that holds `addr`, for hosts that have run out of mappings: making a whole region
    /// writable joins mappings where making one page writable may split one.
    fn unwatch_region(&self, addr: u64) {
        let mut guard = self.write_state();
        let state = &mut *guard;
        let Some((start, region)) = state.regions.find(addr) else { return };
        let (last, prot) = (region.last, region.prot);
        let keys = state.regions.keys(start, last);
        let pin = state.code.pin(&keys);
        let expired = state.code.expire(&keys, Page::is_relied_on);
        let ranges = state.ranges_of(&expired);
        drop(guard);
        self.tell_invalidate(&ranges);
        let mut guard = self.write_state();
        let state = &mut *guard;
        let same = state
            .regions
            .find(start)
            .is_some_and(|(at, region)| (at, region.last, region.prot) == (start, last, prot));
        if same
            && let Some(window) = &self.window
            && window.protect(start, last - start + 1, prot).is_ok()
        {
            for key in expired {
                self.end_watch(state, key, &[(start, last)]);
            }
        }
        state.code.unpin(pin);
    }

    /// Invalidates the code of ranges (first and last address) whose mappings are about to change or to lose execution;
    /// until [`Self::forget_code`] or [`Self::reopen_code`] nothing there can be watched. To be called with `changes`
    /// locked.
    pub(super) fn close_code(&self, closing: &[(u64, u64)]) {
        let ranges = {
            let mut state = self.write_state();
            let keys: Vec<KeyRange> =
                closing.iter().flat_map(|&(first, last)| state.regions.keys(first, last)).collect();
            let expired = state.code.expire(&keys, Page::is_relied_on);
            state.code.closing = keys;
            state.ranges_of(&expired)
        };
        self.tell_invalidate(&ranges);
    }

    /// Forgets the code pages of the closed ranges, which are about to be replaced or to get new protections.
    pub(super) fn forget_code(&self, state: &mut State, replaced: &[(u64, u64)]) {
        for key in state.code.closed_pages() {
            if self.end_watch(state, key, replaced) {
                state.code.pages.remove(&key);
            }
        }
        state.code.closing.clear();
    }

    /// Opens the closed ranges again: the change did not take place.
    pub(super) fn reopen_code(&self, state: &mut State) {
        for key in state.code.closed_pages() {
            self.end_watch(state, key, &[]);
        }
        state.code.closing.clear();
    }
}

/// Keeps a range directly writable.
pub(super) struct Pin<'a> {
    memory: &'a Memory,
    id: u64,
}

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        self.memory.write_state().code.unpin(self.id);
    }
}

/// A [`Fetch`] for one translation: watches each page before it reads it, and reads it once, so that all bytes of the
/// translation are of one moment even where stores to the page are not noticed.
pub struct CodeReader<'a> {
    memory: &'a Memory,
    pages: RefCell<Vec<PageCopy>>,
}

/// Bytes that are copied at once.
const CHUNK: usize = 256;

const CHUNKS: usize = PAGE_SIZE as usize / CHUNK;

/// What was read of a page. Each byte is read once, so that all that is made from it is made from the same.
struct PageCopy {
    watched: WatchedPage,
    buffer: Box<Buffer>,
}

struct Buffer {
    bytes: [u8; PAGE_SIZE as usize],
    /// Bytes of each chunk that could be fetched, once that was tried.
    fetched: [Option<u16>; CHUNKS],
}

thread_local! {
    /// Buffers for the next reader.
    ///
    /// PERF: a block takes a few hundred bytes of a page; a new page-sized buffer for each was a quarter of the time of a
    /// short program, most of it spent by the kernel on fresh memory.
    static BUFFERS: RefCell<Vec<Box<Buffer>>> = const { RefCell::new(Vec::new()) };
}

/// Buffers that a thread keeps.
const MOST_BUFFERS: usize = 4;

impl CodeReader<'_> {
    /// The bytes of a range that was fetched, if units made from them must compare them: a store to some page of it is
    /// not noticed.
    pub fn checked_bytes(&self, range: &Range<u64>) -> Option<Box<[u8]>> {
        self.checks(range).then(|| {
            let mut bytes = vec![0; range.end.wrapping_sub(range.start) as usize];
            let available = self.fetch(range.start, &mut bytes);
            bytes.truncate(available);
            bytes.into()
        })
    }

    /// Whether a store to some page of a range that was fetched is not noticed.
    pub fn checks(&self, range: &Range<u64>) -> bool {
        let pages = self.pages.borrow();
        pages.iter().any(|page| page.watched.mode == CodePage::SelfChecking && page.overlaps(range))
    }

    /// The watch for a unit made from these guest ranges; pages that were only looked at are given back.
    pub fn finish(self, ranges: &[Range<u64>]) -> CodeWatch {
        let needed = |page: &mut PageCopy| ranges.iter().any(|range| page.overlaps(range));
        let mut pages = self.pages.borrow_mut();
        let mut watched = Vec::with_capacity(pages.len());
        watched.extend(pages.extract_if(.., needed).map(PageCopy::into_watched));
        drop(pages);
        // The drop of the reader gives the others back.
        CodeWatch::new(watched)
    }
}

impl PageCopy {
    fn new(watched: WatchedPage) -> PageCopy {
        let spare = BUFFERS.try_with(|buffers| buffers.borrow_mut().pop()).ok().flatten();
        let fresh = || Box::new(Buffer { bytes: [0; PAGE_SIZE as usize], fetched: [None; CHUNKS] });
        let mut buffer = spare.unwrap_or_else(fresh);
        buffer.fetched = [None; CHUNKS];
        PageCopy { watched, buffer }
    }

    /// The bytes from an offset to the end of its chunk, as far as they can be fetched.
    fn chunk_at(&mut self, offset: usize, memory: &Memory) -> &[u8] {
        let number = offset / CHUNK;
        let range = number * CHUNK..(number + 1) * CHUNK;
        let addr = self.watched.addr + range.start as u64;
        let bytes = &mut self.buffer.bytes[range];
        let fetched = *self.buffer.fetched[number].get_or_insert_with(|| memory.fetch(addr, bytes) as u16);
        bytes[..usize::from(fetched)].get(offset % CHUNK..).unwrap_or_default()
    }

    /// Gives the buffer back.
    fn into_watched(self) -> WatchedPage {
        // On a thread that is ending it is simply freed.
        let _ = BUFFERS.try_with(|buffers| {
            let mut buffers = buffers.borrow_mut();
            if buffers.len() < MOST_BUFFERS {
                buffers.push(self.buffer);
            }
        });
        self.watched
    }

    fn overlaps(&self, range: &Range<u64>) -> bool {
        let last = self.watched.addr + (PAGE_SIZE - 1);
        range.start <= last && self.watched.addr < range.end
    }
}

impl Drop for CodeReader<'_> {
    fn drop(&mut self) {
        let watches = self.pages.take().into_iter().map(PageCopy::into_watched).collect();
        self.memory.unwatch_code(CodeWatch::new(watches));
    }
}

impl Fetch for CodeReader<'_> {
    fn fetch(&self, addr: u64, buf: &mut [u8]) -> usize {
        let mut pages = self.pages.borrow_mut();
        let mut done = 0;
        while done < buf.len() {
            let Some(at) = addr.checked_add(done as u64) else { break };
            let start = at & !(PAGE_SIZE - 1);
            let known = pages.iter().position(|page| page.watched.addr == start);
            let index = match known {
                Some(index) => index,
                None => {
                    let Some(watched) = self.memory.watch_page(start) else { break };
                    pages.push(PageCopy::new(watched));
                    pages.len() - 1
                }
            };
            let rest = pages[index].chunk_at((at - start) as usize, self.memory);
            let count = rest.len().min(buf.len() - done);
            if count == 0 {
                // The end of what can be fetched: the page may be gone by now.
                break;
            }
            buf[done..done + count].copy_from_slice(&rest[..count]);
            done += count;
        }
        done
    }
}
