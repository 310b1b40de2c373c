//! Units that leave the cache: who is told of them, when they are freed, and which go to make room.

use super::*;
use crate::codegen::{Compiler, Helpers, HostIsa, LinkSite, Options, Usage};
use crate::guest::Guest;
use crate::memory::{self, Mode};
use crate::run::state::VcpuState;

const PAGE: u64 = PAGE_SIZE;

/// Bytes of the arena.
const ARENA: usize = 1 << 20;

fn name(pc: u64) -> UnitName {
    let key = UnitKey { parallel: true, ..UnitKey::plain(Guest::Riscv64) };
    UnitName { pc, key }
}

extern "C" fn fill_tlb(_: &mut VcpuState, _: u64, _: u64) {}

/// A cache, and memory that no unit is made from: only its locks matter here.
fn empty() -> (Cache, Memory) {
    let compiler = Compiler::new(HostIsa::native(), &Options::default()).unwrap();
    let arena = Arena::new(ARENA, 1024).unwrap();
    let runtime = Runtime::in_arena(&compiler, arena, &Helpers { fill_tlb }, None).unwrap();
    (Cache::new(runtime), Memory::new(Mode::Paged, &memory::Options::default()).unwrap())
}

/// Publishes a unit that was made from these ranges.
fn publish(cache: &Cache, memory: &Memory, tier: Tier, pc: u64, ranges: &[Range<u64>]) {
    let unit = compiled(tier, pc, 64, &[], ranges);
    assert!(cache.publish(memory, &unit, memory.watch_code(0..0)).unwrap().is_some());
}

fn compiled(tier: Tier, pc: u64, size: usize, links: &[u64], ranges: &[Range<u64>]) -> CompiledUnit {
    let UnitName { pc, key } = name(pc);
    CompiledUnit {
        isa: HostIsa::native(),
        pc,
        key,
        tier,
        code: vec![0; size],
        hot_bytes: 0,
        relocations: Vec::new(),
        links: links.iter().map(|&target| LinkSite { target }).collect(),
        counter: None,
        interprets: false,
        sites: Vec::new(),
        moves: Vec::new(),
        ranges: ranges.to_vec(),
        checks: Vec::new(),
        instructions: 1,
        write_back: false,
        compile_time: Default::default(),
        clif: None,
    }
}

/// Publishes a region of some size at `pc` with direct jumps to `links`.
fn publish_linked(cache: &Cache, memory: &Memory, pc: u64, size: usize, links: &[u64]) {
    let unit = compiled(Tier::Region, pc, size, links, &[pc..pc + 4]);
    assert!(cache.publish(memory, &unit, memory.watch_code(0..0)).unwrap().is_some());
}

/// Where the links of a live unit lead: to a unit, or nowhere.
fn links(cache: &Cache, pc: u64) -> Vec<Option<u64>> {
    let inner = cache.lock();
    let slots: Vec<LinkSlot> = inner.units[&name(pc)].installed.links.iter().map(|link| link.slot).collect();
    let at = |entry| inner.units.values().find(|unit| unit.installed.entry == entry).unwrap().name.pc;
    slots.iter().map(|slot| cache.arena().linked(*slot).map(at)).collect()
}

/// Collects, and frees what went: its entries.
fn collect(cache: &Cache, memory: &Memory, collection: Collection) -> Vec<u64> {
    let leaving = cache.collect(collection);
    let freed = free(cache, memory, &leaving);
    assert!(freed.iter().all(|(_, why)| *why == Gone::Evicted));
    freed.into_iter().map(|(pc, _)| pc).collect()
}

/// Publishes `count` regions of a sixty-fourth of the arena, one after the other.
fn fill(cache: &Cache, memory: &Memory, first: u64, count: u64) {
    (first..first + count).for_each(|pc| publish_linked(cache, memory, 16 * pc, ARENA / 64, &[]));
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

#[test]
fn code_that_is_taken_while_a_unit_of_it_is_being_published_is_not_published() {
    let (cache, memory) = empty();
    let unit = |pc: u64| {
        let compiled = compiled(Tier::Region, pc, 64, &[], &[pc..pc + 4]);
        let installed = cache.arena().install(&compiled).unwrap();
        Box::new(Unit::new(&compiled, installed, memory.watch_code(0..0)))
    };
    let (taken, other) = (unit(0), unit(PAGE));
    let (note, note_of_other) = (cache.note(&taken.ranges), cache.note(&other.ranges));
    // The bytes were still current when that was asked.
    let leaving = cache.take(&[0..4], Gone::Invalidated);
    assert_eq!((leaving.taken, leaving.entries.len()), (0, 0));
    assert!(matches!(cache.show(note, true, taken), Err((_, Some(Refused::Stale)))));
    assert!(cache.show(note_of_other, true, other).is_ok_and(|promoted| !promoted));
    assert!(!cache.contains(&name(0)) && cache.contains(&name(PAGE)));
}

#[test]
fn a_unit_that_was_cut_off_is_linked_again_when_it_is_used() {
    let (cache, memory) = empty();
    publish_linked(&cache, &memory, 0x100, 64, &[0x200, 0x100, 0x300]);
    publish_linked(&cache, &memory, 0x200, 64, &[0x100]);
    assert_eq!(links(&cache, 0x100), [Some(0x200), Some(0x100), None]);
    let leaving = cache.collect(Collection::Minor);
    // Jump caches forget both, so that their use is seen; nothing is freed.
    assert_eq!((leaving.entries.as_slice(), leaving.taken), ([0x100, 0x200].as_slice(), 0));
    assert_eq!(free(&cache, &memory, &leaving), []);
    assert_eq!((links(&cache, 0x100), links(&cache, 0x200)), (vec![None; 3], vec![None]));
    // A new unit does not link to one that is cut off, nor to one that does not exist.
    publish_linked(&cache, &memory, 0x300, 64, &[0x200, 0x400]);
    assert_eq!((links(&cache, 0x100), links(&cache, 0x300)), (vec![None, None, Some(0x300)], vec![None; 2]));
    assert!(cache.look_up(&name(0x200)).is_some());
    assert_eq!(links(&cache, 0x100), [Some(0x200), None, Some(0x300)]);
    assert_eq!(links(&cache, 0x300), [Some(0x200), None]);
    assert!(cache.look_up(&name(0x100)).is_some());
    assert_eq!((links(&cache, 0x100)[1], links(&cache, 0x200)[0]), (Some(0x100), Some(0x100)));
}

#[test]
fn what_is_evicted_gives_everything_back() {
    let (cache, memory) = empty();
    let before = cache.arena().usage();
    for round in 0..3 {
        for pc in 0..500 {
            publish_linked(&cache, &memory, 16 * pc, 64 + pc as usize, &[16 * (pc + 1), 16 * (pc / 2)]);
        }
        assert_eq!(cache.counters().units, 500);
        let mut gone = 0;
        while gone < 500 {
            gone += collect(&cache, &memory, Collection::Major).len();
        }
        let (now, inner) = (cache.arena().usage(), cache.lock());
        assert_eq!(now, Usage { pieces: 1, ..before }, "bytes and link slots, in one piece");
        assert!(inner.incoming.len() == 0 && inner.pages.is_empty() && inner.leaving.is_empty());
        assert_eq!((inner.live, inner.watched, inner.units.len()), (Load::default(), 0, 0));
        assert_eq!(inner.counters.evictions, 500 * (round + 1));
    }
}

#[test]
fn evicted_units_leave_no_link_that_leads_to_them() {
    let (cache, memory) = empty();
    publish_linked(&cache, &memory, 0x100, 64, &[0x200]);
    publish_linked(&cache, &memory, 0x200, 64, &[0x100]);
    collect(&cache, &memory, Collection::Minor);
    assert!(cache.look_up(&name(0x100)).is_some() && cache.look_up(&name(0x200)).is_some());
    assert_eq!(links(&cache, 0x100), [Some(0x200)]);
    let name = name(0x200);
    let mut inner = cache.lock();
    let unit = cache.remove(&mut inner, &name).unwrap();
    inner.leave(unit, Gone::Evicted);
    drop(inner);
    assert_eq!(links(&cache, 0x100), [None]);
    free(&cache, &memory, &cache.take(&[], Gone::Evicted));
    publish_linked(&cache, &memory, 0x200, 64, &[]);
    assert_eq!(links(&cache, 0x100), [Some(0x200)], "the link is repaired when the unit comes back");
}

#[test]
fn a_minor_collection_evicts_what_died_young_if_room_is_short() {
    let (cache, memory) = empty();
    let use_even = |units: Range<u64>| {
        units.filter(|pc| pc % 2 == 0).for_each(|pc| assert!(cache.look_up(&name(16 * pc)).is_some()));
    };
    // A quarter of the arena, cut off and then used by halves: nothing goes, as there is room.
    fill(&cache, &memory, 0, 16);
    assert_eq!(collect(&cache, &memory, Collection::Minor), []);
    use_even(0..16);
    fill(&cache, &memory, 16, 8);
    assert_eq!(collect(&cache, &memory, Collection::Minor), []);
    // Over three quarters: of the watched all but a sixteenth of the arena are judged, the oldest first. From the first
    // time four are left, and from the second eight came.
    fill(&cache, &memory, 24, 30);
    use_even(16..24);
    assert_eq!(collect(&cache, &memory, Collection::Minor), [13, 15, 17, 19].map(|pc| 16 * pc));
    assert!((0..12).all(|pc| cache.contains(&name(16 * pc))), "what was judged before stays");
}

#[test]
fn a_major_collection_evicts_what_was_used_least_recently() {
    let (cache, memory) = empty();
    // All of them become old, as they are used after they were cut off, except for the last, which are still watched.
    fill(&cache, &memory, 0, 40);
    collect(&cache, &memory, Collection::Minor);
    (0..40).for_each(|pc| assert!(cache.look_up(&name(16 * pc)).is_some()));
    collect(&cache, &memory, Collection::Minor);
    assert!(!cache.is_crowded());
    fill(&cache, &memory, 40, 20);
    assert!(cache.is_crowded());
    // All of the old were in use: the first are cut off, and the next go for want of better ones.
    let first = collect(&cache, &memory, Collection::Major);
    assert_eq!(
        first,
        [16 * 4, 16 * 5],
        "a thirty-second of the arena, behind twice as much that was passed over"
    );
    // Once round the clock, so that all that is left of the old is cut off.
    (0..5).for_each(|_| assert_eq!(collect(&cache, &memory, Collection::Major).len(), 2));
    let survivors: Vec<u64> = (0..36).map(|pc| 16 * pc).filter(|pc| cache.contains(&name(*pc))).collect();
    assert_eq!(survivors.len(), 24);
    // Those that are used from now on outlive those that are not.
    let used: Vec<u64> = survivors.iter().copied().step_by(3).collect();
    used.iter().for_each(|pc| assert!(cache.look_up(&name(*pc)).is_some()));
    let gone: Vec<u64> = (0..8).flat_map(|_| collect(&cache, &memory, Collection::Major)).collect();
    assert_eq!(gone.len(), 16);
    assert!(gone.iter().all(|pc| !used.contains(pc)), "{gone:x?} of {used:x?}");
}

#[test]
fn a_collection_gives_way_to_look_ups_and_publishers() {
    // Eight threads use, publish, take and collect; the lock of the cache is a leaf lock, which debug builds check, so
    // that all of them come to an end. Afterwards nothing has leaked.
    let (cache, memory) = empty();
    let before = cache.arena().usage();
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let (cache, memory) = (&cache, &memory);
            scope.spawn(move || {
                let mut state = thread;
                for round in 0..2000 {
                    state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
                    let pc = 16 * (state >> 40) % 4096;
                    if cache.look_up(&name(pc)).is_none() {
                        let unit = compiled(Tier::Region, pc, 1024, &[pc ^ 16, pc ^ 32], &[pc..pc + 4]);
                        let _ = cache.publish(memory, &unit, memory.watch_code(0..0));
                    }
                    match round % 64 {
                        1 => _ = cache.collect(Collection::Minor),
                        2 => _ = cache.collect(Collection::Major),
                        3 => _ = cache.take(&[pc..pc + 64], Gone::Invalidated),
                        _ => {}
                    }
                    if round % 256 == thread {
                        // Nobody runs code here.
                        cache.free(memory, &cache.take(&[], Gone::Invalidated), |_| {});
                    }
                }
            });
        }
    });
    cache.free(&memory, &cache.take(&[0..u64::MAX], Gone::Invalidated), |_| {});
    let after = cache.arena().usage();
    assert_eq!((after.free_bytes, after.free_slots), (before.free_bytes, before.free_slots));
    assert!(cache.lock().incoming.len() == 0);
}

/// Publishes a unit of stencils of 10 instructions at `pc` with a jump to its own entry.
fn publish_counting(cache: &Cache, memory: &Memory, pc: u64) {
    let mut unit = compiled(Tier::Stencils, pc, 64, &[pc], &[pc..pc + 40]);
    (unit.counter, unit.instructions) = (Some(1000), 10);
    assert!(cache.publish(memory, &unit, memory.watch_code(0..0)).unwrap().is_some());
}

/// Lets a unit of stencils count entries as its code does.
fn enter(cache: &Cache, pc: u64, entries: i64) {
    let inner = cache.lock();
    let counter = inner.units[&name(pc)].installed.counter.unwrap();
    cache.arena().set_counter(counter, cache.arena().counter(counter) - entries);
}

#[test]
fn entries_are_counted_across_every_setting_of_the_counter() {
    let (cache, memory) = empty();
    publish_counting(&cache, &memory, 0);
    let entries = || cache.profile(&name(0)).unwrap().entries;
    assert_eq!(entries(), 0);
    enter(&cache, 0, 1001);
    cache.set_counter(&name(0), i64::MAX);
    assert_eq!(entries(), 1001);
    enter(&cache, 0, 10);
    assert_eq!(entries(), 1011);
    cache.set_counter(&name(0), 5);
    assert_eq!(entries(), 1011);
    let profile = cache.profile(&name(0)).unwrap();
    assert_eq!((profile.instructions, profile.exits, profile.loops), (10, 1, true));
}

#[test]
fn a_region_takes_the_work_of_the_units_over_whose_entries_it_covers() {
    let (cache, memory) = empty();
    for pc in [0, 100, 200, 300] {
        publish_counting(&cache, &memory, pc);
        enter(&cache, pc, 7 + pc as i64);
    }
    // Over the units at 100 and 200, and the end of the one at 0.
    publish(&cache, &memory, Tier::Region, 80, &[20..40, 80..104, 200..208]);
    assert_eq!(cache.take_over(&name(80), 50), 10 * (107 + 207));
    let entries = |pc| cache.profile(&name(pc)).unwrap().entries;
    assert_eq!([0, 100, 200, 300].map(entries), [7, 0, 0, 307]);
    enter(&cache, 100, 3);
    assert_eq!(entries(100), 3);
    assert_eq!(cache.profile(&name(80)), None, "a region does not count");
}
