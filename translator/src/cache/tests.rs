//! Units that leave the cache: who is told of them, and when they are freed.

use super::*;
use crate::codegen::{Compiler, Helpers, HostIsa, Options};
use crate::guest::Guest;
use crate::memory::{self, Mode};
use crate::run::state::VcpuState;

const PAGE: u64 = PAGE_SIZE;

fn name(pc: u64) -> UnitName {
    let key = UnitKey { parallel: true, ..UnitKey::plain(Guest::Riscv64) };
    UnitName { pc, key }
}

extern "C" fn fill_tlb(_: &mut VcpuState, _: u64, _: u64) {}

/// A cache, and memory that no unit is made from: only its locks matter here.
fn empty() -> (Cache, Memory) {
    let compiler = Compiler::new(HostIsa::native(), &Options::default()).unwrap();
    let arena = Arena::new(1 << 20, 1024).unwrap();
    let runtime = Runtime::in_arena(&compiler, arena, &Helpers { fill_tlb }, None).unwrap();
    (Cache::new(runtime), Memory::new(Mode::Paged, &memory::Options::default()).unwrap())
}

/// Publishes a unit that was made from these ranges.
fn publish(cache: &Cache, memory: &Memory, tier: Tier, pc: u64, ranges: &[Range<u64>]) {
    let UnitName { pc, key } = name(pc);
    let unit = CompiledUnit {
        isa: HostIsa::native(),
        pc,
        key,
        tier,
        code: vec![0; 64],
        relocations: Vec::new(),
        links: Vec::new(),
        counter: None,
        sites: Vec::new(),
        moves: Vec::new(),
        ranges: ranges.to_vec(),
        checks: Vec::new(),
        instructions: 1,
        write_back: false,
        compile_time: Default::default(),
        clif: None,
    };
    assert!(cache.publish(memory, &unit, memory.watch_code(0..0)).unwrap().is_some());
}

/// Frees what is leaving, and says what that was: entry, and why it went.
fn free(cache: &Cache, memory: &Memory, leaving: &Leaving) -> Vec<(u64, Gone)> {
    let mut freed = Vec::new();
    cache.free(memory, leaving, |units| {
        freed.extend(units.iter().map(|leaving| (leaving.unit.name().pc, leaving.why)));
    });
    freed
}

#[test]
fn whoever_takes_units_is_told_of_those_that_others_took_and_not_freed() {
    let (cache, memory) = empty();
    // One unit of two pages. A vCPU may have it in its jump cache until it is told to forget it: if the second
    // caller was not told, its wait would be no proof that the bytes of its page are no longer executed.
    publish(&cache, &memory, Tier::Region, 0, &[0..4, PAGE..PAGE + 4]);
    let first = cache.take(&[0..PAGE], Gone::Invalidated);
    assert_eq!((first.entries.as_slice(), first.taken), ([0].as_slice(), 1));
    let second = cache.take(&[PAGE..2 * PAGE], Gone::Invalidated);
    assert_eq!((second.entries.as_slice(), second.taken), ([0].as_slice(), 0));
    assert_eq!(free(&cache, &memory, &second), [(0, Gone::Invalidated)]);
    assert_eq!(free(&cache, &memory, &first), [], "the second call did it");
    assert_eq!(cache.take(&[0..2 * PAGE], Gone::Invalidated).entries, []);
}

#[test]
fn a_replaced_unit_stays_among_the_leaving_until_it_is_freed() {
    let (cache, memory) = empty();
    publish(&cache, &memory, Tier::Stencils, 0, &[0..4]);
    publish(&cache, &memory, Tier::Region, 0, &[0..4]);
    assert_eq!(cache.replaced(), 1);
    // A change of mappings takes nothing, and learns of the replaced unit.
    let mapping = cache.take(&[], Gone::Invalidated);
    assert_eq!((mapping.entries.as_slice(), mapping.taken), ([0].as_slice(), 0));
    let store = cache.take(&[0..PAGE], Gone::Invalidated);
    assert_eq!((store.entries.as_slice(), store.taken), ([0, 0].as_slice(), 1));
    assert_eq!(free(&cache, &memory, &mapping), [(0, Gone::Replaced)]);
    assert_eq!(cache.replaced(), 0);
    assert_eq!(free(&cache, &memory, &store), [(0, Gone::Invalidated)]);
}

#[test]
fn what_left_later_is_not_freed_even_in_the_same_place() {
    let (cache, memory) = empty();
    publish(&cache, &memory, Tier::Region, 0, &[0..4]);
    let early = cache.take(&[0..PAGE], Gone::Invalidated);
    let other = cache.take(&[], Gone::Invalidated);
    free(&cache, &memory, &other);
    // Of the same name and, as the arena reuses what is free, at the same place.
    publish(&cache, &memory, Tier::Region, 0, &[0..4]);
    let late = cache.take(&[0..PAGE], Gone::Invalidated);
    assert_eq!(free(&cache, &memory, &early), []);
    assert_eq!(free(&cache, &memory, &late), [(0, Gone::Invalidated)]);
}
