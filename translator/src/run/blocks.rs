//! The blocks that one vCPU interprets.

use super::vm::Vm;
use crate::guest::{FpEnv, Guest};
use crate::ir::Block;
use crate::lift::{FetchFault, LiftOptions, lift_block_into};
use crate::memory::{CodeWatch, Memory, PAGE_SIZE};
use rustc_hash::FxHashMap;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

/// A block, and the bytes that it was made from where writes to them are not noticed.
#[derive(Debug)]
pub(super) struct LiftedCode {
    pub(super) block: Block,
    bytes: Option<Box<[u8]>>,
}

impl LiftedCode {
    /// Whether memory still holds the bytes that the block was made from, as far as stores are not noticed otherwise.
    pub(super) fn is_current(&self, memory: &Memory) -> bool {
        self.bytes.as_ref().is_none_or(|bytes| memory.holds_code(self.block.start, bytes))
    }
}

/// Blocks by address and float environment.
#[derive(Debug)]
pub(super) struct BlockCache {
    blocks: FxHashMap<Key, CachedBlock>,
    /// Keys of the blocks that cover a page, by its number.
    pages: FxHashMap<u64, Vec<Key>>,
    /// What was lifted last.
    ///
    /// PERF: most blocks are run once or twice and kept. A builder of its own for each, with room allocated ahead and given back,
    /// took 2 to 4 % of the time of a short program.
    lifted: Block,
}

/// Address and float environment.
pub(super) type Key = (u64, u32);

#[derive(Debug)]
struct CachedBlock {
    code: Arc<LiftedCode>,
    watch: CodeWatch,
    runs: u32,
    /// Host code for it waits for stencils to be compiled.
    put_off: bool,
}

/// Blocks kept at most; then the cache starts anew.
const MAX_BLOCKS: usize = 1 << 16;

impl BlockCache {
    /// An empty cache.
    pub(super) fn new(guest: Guest) -> BlockCache {
        BlockCache {
            blocks: FxHashMap::default(),
            pages: FxHashMap::default(),
            lifted: Block::with_room(guest, 0),
        }
    }

    /// The block at `pc`, lifted if it is not here or no longer what memory holds.
    pub(super) fn find(&mut self, vm: &Vm, pc: u64, env: FpEnv) -> Result<Arc<LiftedCode>, FetchFault> {
        let key = (pc, env.0);
        if let Some(cached) = self.blocks.get_mut(&key) {
            if cached.code.is_current(vm.memory()) {
                cached.runs = cached.runs.saturating_add(1);
                return Ok(cached.code.clone());
            }
            self.remove(vm.memory(), key);
        }
        if self.blocks.len() >= MAX_BLOCKS {
            self.clear(vm.memory());
        }
        let reader = vm.memory().code_reader();
        let options = LiftOptions { env, ..LiftOptions::default() };
        lift_block_into(&mut self.lifted, &reader, pc, &options)?;
        let block = self.lifted.clone();
        let range = block.start..block.end;
        let code = Arc::new(LiftedCode { bytes: reader.checked_bytes(&range), block });
        let watch = reader.finish(std::slice::from_ref(&range));
        vm.count(|stats| stats.blocks_lifted += 1);
        for page in pages(&range) {
            self.pages.entry(page).or_default().push(key);
        }
        vm.note_interpreted(key);
        self.blocks.insert(key, CachedBlock { code: code.clone(), watch, runs: 1, put_off: false });
        Ok(code)
    }

    /// How often the block at this address was interpreted, if it is here.
    pub(super) fn runs(&self, pc: u64, env: FpEnv) -> Option<u32> {
        self.blocks.get(&(pc, env.0)).map(|cached| cached.runs)
    }

    /// A block is as hot as one that has never run.
    pub(super) fn cool(&mut self, pc: u64, env: FpEnv) {
        if let Some(cached) = self.blocks.get_mut(&(pc, env.0)) {
            cached.runs = 0;
        }
    }

    /// No host code is to be made for a block until stencils are compiled.
    pub(super) fn put_off(&mut self, pc: u64, env: FpEnv) {
        if let Some(cached) = self.blocks.get_mut(&(pc, env.0)) {
            cached.put_off = true;
        }
    }

    /// Whether [`BlockCache::put_off`] was called for the block at this address.
    pub(super) fn is_put_off(&self, pc: u64, env: FpEnv) -> bool {
        self.blocks.get(&(pc, env.0)).is_some_and(|cached| cached.put_off)
    }

    fn remove(&mut self, memory: &Memory, key: Key) {
        let Some(cached) = self.blocks.remove(&key) else { return };
        for page in pages(&(cached.code.block.start..cached.code.block.end)) {
            if let Some(keys) = self.pages.get_mut(&page) {
                keys.retain(|other| *other != key);
                if keys.is_empty() {
                    self.pages.remove(&page);
                }
            }
        }
        memory.unwatch_code(cached.watch);
    }

    /// Drops the blocks of the pages that these ranges touch.
    pub(super) fn drop_ranges(&mut self, memory: &Memory, ranges: &[Range<u64>]) {
        for range in ranges {
            let touched = pages(range);
            let few = touched.end().saturating_sub(*touched.start()) < self.pages.len() as u64;
            let hit: Vec<u64> = if few {
                touched.filter(|page| self.pages.contains_key(page)).collect()
            } else {
                self.pages.keys().copied().filter(|page| touched.contains(page)).collect()
            };
            for page in hit {
                for key in self.pages.get(&page).cloned().unwrap_or_default() {
                    self.remove(memory, key);
                }
            }
        }
    }

    pub(super) fn clear(&mut self, memory: &Memory) {
        self.pages.clear();
        for (_, cached) in self.blocks.drain() {
            memory.unwatch_code(cached.watch);
        }
    }
}

/// Numbers of the pages that a range touches.
fn pages(range: &Range<u64>) -> RangeInclusive<u64> {
    range.start / PAGE_SIZE..=range.end.saturating_sub(1).max(range.start) / PAGE_SIZE
}
