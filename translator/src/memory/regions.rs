//! The interval map of guest mappings: which guest ranges are mapped, with which permissions, from which object.
//!
//! Safe code only; host addresses are plain numbers here. Ranges have inclusive ends, so that the last page of the
//! 64-bit address space can be mapped. All starts and lengths are multiples of the page size.
//!
//! Every page has a [`PageKey`], the object that its bytes belong to and the page's number in that object; two guest
//! pages with the same key show the same bytes. Code is tracked by key.

use super::PAGE_SIZE;
use super::host::Block;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::ops::{BitAnd, BitOr, Range};
use std::sync::Arc;

/// Guest page permissions.
///
/// Writing implies reading, as on every guest's hardware; execution alone does not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Prot(u8);

impl Prot {
    /// No access.
    pub const NONE: Prot = Prot(0);
    /// Loads.
    pub const READ: Prot = Prot(1);
    /// Stores, and loads.
    pub const WRITE: Prot = Prot(3);
    /// Instruction fetch.
    pub const EXEC: Prot = Prot(4);
    /// Loads and stores.
    pub const RW: Prot = Prot(3);
    /// Loads and instruction fetch.
    pub const RX: Prot = Prot(5);
    /// Everything.
    pub const RWX: Prot = Prot(7);

    /// From read, write and execute bits (1, 2, 4: the values of `PROT_READ`, `PROT_WRITE` and `PROT_EXEC`); other
    /// bits are ignored.
    pub const fn from_bits(bits: u32) -> Prot {
        let bits = (bits & 7) as u8;
        Prot(if bits & 2 != 0 { bits | 1 } else { bits })
    }

    /// Read, write and execute as bits 1, 2 and 4.
    pub const fn bits(self) -> u32 {
        self.0 as u32
    }

    /// Whether all of `other` is allowed.
    pub const fn allows(self, other: Prot) -> bool {
        self.0 & other.0 == other.0
    }

    /// Loads are allowed.
    pub const fn readable(self) -> bool {
        self.0 & 1 != 0
    }

    /// Stores are allowed.
    pub const fn writable(self) -> bool {
        self.0 & 2 != 0
    }

    /// Instruction fetch is allowed.
    pub const fn executable(self) -> bool {
        self.0 & 4 != 0
    }

    /// The same without stores.
    pub const fn without_write(self) -> Prot {
        Prot(self.0 & !2)
    }

    /// Whether an access of this kind is allowed.
    pub(crate) const fn permits(self, access: crate::ir::Access) -> bool {
        match access {
            crate::ir::Access::Read => self.readable(),
            crate::ir::Access::Write => self.writable(),
            crate::ir::Access::Fetch => self.executable(),
        }
    }
}

impl BitOr for Prot {
    type Output = Prot;
    fn bitor(self, other: Prot) -> Prot {
        Prot(self.0 | other.0)
    }
}

impl BitAnd for Prot {
    type Output = Prot;
    fn bitand(self, other: Prot) -> Prot {
        Prot::from_bits((self.0 & other.0).into())
    }
}

impl std::fmt::Display for Prot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (set, letter) in [(self.readable(), 'r'), (self.writable(), 'w'), (self.executable(), 'x')] {
            write!(f, "{}", if set { letter } else { '-' })?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Prot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Where the bytes of a mapping come from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RegionKind {
    /// Private zeroed memory.
    Private,
    /// Zeroed memory that forked processes share.
    Shared,
    /// A private copy of a file.
    PrivateFile,
    /// A file; stores reach it.
    SharedFile,
    /// Memory of the host program.
    Host,
}

impl RegionKind {
    /// Forked processes see each other's stores.
    pub const fn is_shared(self) -> bool {
        !matches!(self, RegionKind::Private | RegionKind::PrivateFile)
    }
}

/// One mapping, as a list of mappings shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegionInfo {
    /// First guest address.
    pub start: u64,
    /// Last guest address (inclusive).
    pub last: u64,
    /// The guest's permissions.
    pub prot: Prot,
    /// Where the bytes come from.
    pub kind: RegionKind,
    /// Offset in the file; 0 for memory.
    pub offset: u64,
    /// Name given by who mapped it: a path, `[stack]`.
    pub name: Option<Arc<str>>,
}

/// Identity of the object that a page's bytes belong to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct ObjectId(u32);

impl ObjectId {
    /// Private memory: never mapped twice; offsets are guest addresses.
    pub(super) const PRIVATE: ObjectId = ObjectId(0);
    /// The host program's memory: offsets are host addresses.
    pub(super) const HOST: ObjectId = ObjectId(1);
}

/// Gives identities to files and shared memory.
pub(super) struct Objects {
    next: u32,
    files: FxHashMap<(u64, u64), ObjectId>,
}

impl Default for Objects {
    fn default() -> Objects {
        Objects { next: 2, files: FxHashMap::default() }
    }
}

impl Objects {
    /// A new object.
    pub(super) fn fresh(&mut self) -> ObjectId {
        self.next += 1;
        ObjectId(self.next - 1)
    }

    /// The object of a file, by device and inode.
    pub(super) fn file(&mut self, device: u64, inode: u64) -> ObjectId {
        if let Some(&id) = self.files.get(&(device, inode)) {
            return id;
        }
        let id = self.fresh();
        self.files.insert((device, inode), id);
        id
    }
}

/// A page of an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct PageKey {
    pub(super) object: ObjectId,
    pub(super) page: u64,
}

/// One mapping.
#[derive(Clone, Debug)]
pub(super) struct Region {
    /// Last guest address, inclusive.
    pub(super) last: u64,
    pub(super) prot: Prot,
    /// What `prot` may ever become.
    pub(super) max: Prot,
    pub(super) kind: RegionKind,
    pub(super) object: ObjectId,
    /// Offset of the first byte in the object (guest address for private memory, host address for host memory).
    pub(super) object_offset: u64,
    /// Offset in the file, for listings.
    pub(super) file_offset: u64,
    /// Host address of the first byte.
    pub(super) host: usize,
    /// Paged mode: keeps the host memory alive.
    pub(super) block: Option<Arc<Block>>,
    pub(super) name: Option<Arc<str>>,
}

impl Region {
    /// Key of the page that holds `addr`; `start` is the region's first address.
    pub(super) fn key(&self, start: u64, addr: u64) -> PageKey {
        PageKey { object: self.object, page: self.object_offset.wrapping_add(addr - start) / PAGE_SIZE }
    }

    /// Host address of `addr`.
    pub(super) fn host(&self, start: u64, addr: u64) -> usize {
        self.host.wrapping_add((addr - start) as usize)
    }

    /// The part `first..=last` of the region that starts at `start`.
    pub(super) fn part(&self, start: u64, first: u64, last: u64) -> Region {
        Region { last, ..self.advanced(first - start) }
    }

    /// As a list of mappings shows it.
    pub(super) fn info(&self, start: u64) -> RegionInfo {
        RegionInfo {
            start,
            last: self.last,
            prot: self.prot,
            kind: self.kind,
            offset: self.file_offset,
            name: self.name.clone(),
        }
    }

    /// The part of it from `start + skip` on.
    fn advanced(&self, skip: u64) -> Region {
        Region {
            object_offset: self.object_offset.wrapping_add(skip),
            file_offset: if self.file_offset_counts() { self.file_offset.wrapping_add(skip) } else { 0 },
            host: self.host.wrapping_add(skip as usize),
            ..self.clone()
        }
    }

    fn file_offset_counts(&self) -> bool {
        matches!(self.kind, RegionKind::PrivateFile | RegionKind::SharedFile)
    }

    /// Whether `next`, which starts right behind it, is its continuation.
    fn continues(&self, start: u64, next: &Region) -> bool {
        let len = (self.last - start).wrapping_add(1);
        let same_block = match (&self.block, &next.block) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        self.prot == next.prot
            && self.max == next.max
            && self.kind == next.kind
            && self.object == next.object
            && self.object_offset.wrapping_add(len) == next.object_offset
            && self.host.wrapping_add(len as usize) == next.host
            && same_block
            && self.name == next.name
            && (!self.file_offset_counts() || self.file_offset.wrapping_add(len) == next.file_offset)
    }
}

/// The mappings, ordered by address, never overlapping.
#[derive(Default)]
pub(super) struct Regions {
    map: BTreeMap<u64, Region>,
}

impl Regions {
    /// The mapping that holds `addr`, with its start.
    pub(super) fn find(&self, addr: u64) -> Option<(u64, &Region)> {
        let (&start, region) = self.map.range(..=addr).next_back()?;
        (addr <= region.last).then_some((start, region))
    }

    /// The mappings that overlap `first..=last`, with their starts.
    pub(super) fn overlapping(&self, first: u64, last: u64) -> impl Iterator<Item = (u64, &Region)> {
        let from = self.find(first).map_or(first, |(start, _)| start);
        self.map.range(from..=last).map(|(&start, region)| (start, region))
    }

    /// All mappings in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Region)> {
        self.map.iter().map(|(&start, region)| (start, region))
    }

    /// The first address of `first..=last` that is not mapped.
    pub(super) fn first_hole(&self, first: u64, last: u64) -> Option<u64> {
        let mut at = first;
        for (start, region) in self.overlapping(first, last) {
            if start > at {
                return Some(at);
            }
            if region.last >= last {
                return None;
            }
            at = region.last + 1;
        }
        Some(at)
    }

    /// Removes `first..=last` and returns the pieces.
    pub(super) fn remove(&mut self, first: u64, last: u64) -> Vec<(u64, Region)> {
        self.split(first);
        if let Some(behind) = last.checked_add(1) {
            self.split(behind);
        }
        let starts: Vec<u64> = self.map.range(first..=last).map(|(&start, _)| start).collect();
        starts.into_iter().filter_map(|start| Some((start, self.map.remove(&start)?))).collect()
    }

    /// Adds a mapping where nothing is, merged with its neighbours if it continues them.
    pub(super) fn insert(&mut self, start: u64, region: Region) {
        debug_assert!(self.overlapping(start, region.last).next().is_none());
        self.map.insert(start, region);
        self.merge_at(start);
    }

    /// Applies `change` to every mapping of `first..=last`, cut to that range.
    pub(super) fn update(&mut self, first: u64, last: u64, mut change: impl FnMut(u64, &mut Region)) {
        for (start, mut region) in self.remove(first, last) {
            change(start, &mut region);
            self.insert(start, region);
        }
    }

    /// The highest free range of `len` bytes within `lowest..highest`, or at `hint` if that is free.
    pub(super) fn find_free(&self, len: u64, hint: u64, lowest: u64, highest: u64) -> Option<u64> {
        if len == 0 || highest.checked_sub(lowest)? < len {
            return None;
        }
        let hint = hint & !(PAGE_SIZE - 1);
        if hint >= lowest
            && hint <= highest - len
            && self.overlapping(hint, hint + (len - 1)).next().is_none()
        {
            return Some(hint);
        }
        // Downwards from the top; `end` is exclusive.
        let mut end = highest;
        for (&start, region) in self.map.range(..highest).rev() {
            if region.last < end {
                let free_from = region.last + 1;
                if free_from < lowest {
                    break;
                }
                if end - free_from >= len {
                    return Some(end - len);
                }
            }
            end = end.min(start);
            if end < lowest + len {
                return None;
            }
        }
        (end >= lowest + len).then(|| end - len)
    }

    /// Guest addresses of all pages that show the page of this key.
    pub(super) fn aliases(&self, key: PageKey) -> Vec<u64> {
        if key.object == ObjectId::PRIVATE {
            let addr = key.page * PAGE_SIZE;
            return match self.find(addr) {
                Some((start, region)) if region.key(start, addr) == key => vec![addr],
                _ => Vec::new(),
            };
        }
        let mut found = Vec::new();
        for (start, region) in self.iter().filter(|(_, region)| region.object == key.object) {
            let first = region.object_offset / PAGE_SIZE;
            if let Some(skip) = key.page.checked_sub(first)
                && skip <= (region.last - start) / PAGE_SIZE
            {
                found.push(start + skip * PAGE_SIZE);
            }
        }
        found
    }

    /// The keys of the pages of `first..=last` that are mapped, as ranges of page numbers within their objects.
    pub(super) fn keys(&self, first: u64, last: u64) -> Vec<(ObjectId, Range<u64>)> {
        self.overlapping(first, last)
            .map(|(start, region)| {
                let from = region.key(start, first.max(start)).page;
                let to = region.key(start, last.min(region.last)).page;
                (region.object, from..to + 1)
            })
            .collect()
    }

    /// The list of mappings.
    pub(super) fn list(&self) -> Vec<RegionInfo> {
        self.iter().map(|(start, region)| region.info(start)).collect()
    }

    /// Makes `at` a boundary.
    fn split(&mut self, at: u64) {
        let Some((start, region)) = self.find(at) else { return };
        if start == at {
            return;
        }
        let tail = region.advanced(at - start);
        if let Some(head) = self.map.get_mut(&start) {
            head.last = at - 1;
        }
        self.map.insert(at, tail);
    }

    fn merge_at(&mut self, start: u64) {
        if let Some(behind) = self.map[&start].last.checked_add(1)
            && let Some(next) = self.map.get(&behind)
            && self.map[&start].continues(start, next)
        {
            let last = next.last;
            self.map.remove(&behind);
            self.map.get_mut(&start).expect("it is there").last = last;
        }
        let Some((&before, previous)) = self.map.range(..start).next_back() else { return };
        let region = &self.map[&start];
        if previous.last.checked_add(1) == Some(start) && previous.continues(before, region) {
            let last = region.last;
            self.map.remove(&start);
            self.map.get_mut(&before).expect("it is there").last = last;
        }
    }
}
