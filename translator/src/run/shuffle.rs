//! Promotion and eviction at random, for tests: whatever a vCPU found at an address, the next time it may be code of another
//! tier, or nothing, and the state must be the same.

use super::translate::{Job, Translator};
use super::vm::Vm;
use crate::cache::Collection;
use crate::codegen::Tier;

/// What decides (SplitMix64; Steele, Lea and Flood, 2014).
#[derive(Debug)]
pub(super) struct Shuffle {
    state: u64,
}

impl Shuffle {
    pub fn new(seed: u64) -> Shuffle {
        Shuffle { state: seed }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ mixed >> 31) % bound
    }

    /// Changes what there is at the address that a vCPU comes to, or leaves it as it is; whether the interpreter is to go
    /// on there in any case. The vCPU is outside of guest code.
    pub fn turn(&mut self, vm: &Vm, job: &Job) -> bool {
        let pc = job.name.pc;
        let cache = vm.translator().and_then(Translator::cache);
        match self.below(16) {
            0 | 1 => vm.evict_at(pc),
            2 => match (cache, self.below(3)) {
                (Some(cache), 0) => _ = vm.collect(cache, Collection::Minor),
                (Some(cache), 1) => _ = vm.collect(cache, Collection::Major),
                _ => vm.evict_all(),
            },
            3 | 4 if cache.is_none_or(|cache| cache.tier(&job.name) != Some(Tier::Region)) => {
                vm.compile_region(job);
            }
            5 | 6 => return true,
            // Soon it asks for its region, in the middle of a loop.
            7..=9 => {
                if let Some(cache) = cache {
                    cache.set_counter(&job.name, self.below(4) as i64);
                }
            }
            _ => {}
        }
        false
    }
}
