//! Times are given, never waited for.

use super::*;
use crate::codegen::UnitKey;
use crate::guest::Guest;

const START: Duration = Duration::from_secs(1000);

fn name(pc: u64) -> UnitName {
    UnitName { pc, key: UnitKey::plain(Guest::Riscv64) }
}

fn profile(entries: u64) -> Profile {
    Profile { entries, instructions: 10, accesses: 3, exits: 1, bytes: 200, interprets: false, loops: false }
}

/// A table of a machine that was made at `START`.
fn table(promotion: Promotion, budget: Option<u32>) -> Hotness {
    let hotness = Hotness::new(promotion, budget, 0);
    {
        let mut state = hotness.lock();
        state.born = START;
        state.budget = Budget::new(budget, 0, START);
    }
    hotness
}

fn ask(hotness: &Hotness, pc: u64, entries: u64, now: Duration) -> Verdict {
    hotness.ask(&name(pc), &profile(entries), now, 0)
}

fn score(hotness: &Hotness, pc: u64, now: Duration) -> f64 {
    hotness.lock().records[&name(pc)].score(now)
}

#[test]
fn without_a_clock_a_unit_is_hot_after_exactly_so_many_entries() {
    let hotness = Hotness::new(Promotion::After(100), None, 0);
    assert_eq!(hotness.now(), Duration::ZERO);
    assert_eq!(hotness.time(|| 1), (1, Duration::ZERO));
    assert_eq!(ask(&hotness, 0, 60, hotness.now()), Verdict::Wait { entries: 40 });
    // Little is missing: not at each entry.
    assert_eq!(ask(&hotness, 0, 99, hotness.now()), Verdict::Wait { entries: 13 });
    assert_eq!(ask(&hotness, 0, 100, hotness.now()), Verdict::Compile { rank: 1000 });
}

#[test]
fn an_entry_counts_half_after_each_half_life() {
    let hotness = table(Promotion::After(1000), None);
    ask(&hotness, 0, 400, START);
    assert_eq!(score(&hotness, 0, START), 400.0);
    assert_eq!(score(&hotness, 0, START + HALF_LIFE), 200.0);
    assert_eq!(score(&hotness, 0, START + 2 * HALF_LIFE), 100.0);
    // Those that come meanwhile count between one and a half: 1 / (2 ln 2).
    ask(&hotness, 0, 800, START + HALF_LIFE);
    let expected = 200.0 + 400.0 / (2.0 * std::f64::consts::LN_2);
    assert!((score(&hotness, 0, START + HALF_LIFE) - expected).abs() < 1e-9);
}

#[test]
fn however_the_entries_are_noted_the_score_is_the_same() {
    // The more often a unit asks, the less is averaged; entries at a constant rate are the case where nothing is lost.
    let (seldom, often) = (table(Promotion::After(1 << 30), None), table(Promotion::After(1 << 30), None));
    let end = START + Duration::from_secs(64);
    for step in 1..=64 {
        ask(&often, 0, step * 1000, START + Duration::from_secs(step));
    }
    ask(&seldom, 0, 64_000, end);
    let (seldom, often) = (score(&seldom, 0, end), score(&often, 0, end));
    assert!((seldom / often - 1.0).abs() < 1e-9, "{seldom} {often}");
}

#[test]
fn a_unit_that_is_entered_seldom_never_becomes_hot() {
    let hotness = table(Promotion::After(3000), None);
    // 150 a second are 2164 at most.
    for step in 1..1000 {
        let verdict = ask(&hotness, 0, step * 1500, START + Duration::from_secs(10 * step));
        assert!(matches!(verdict, Verdict::Wait { .. }), "{step}: {verdict:?}");
    }
    // It becomes hot when it is entered more often.
    let now = START + Duration::from_secs(10_000);
    assert!(matches!(ask(&hotness, 0, 1_502_500, now), Verdict::Compile { .. }));
}

#[test]
fn a_unit_that_counts_anew_begins_at_nothing() {
    let hotness = Hotness::new(Promotion::After(1000), None, 0);
    ask(&hotness, 0, 900, Duration::ZERO);
    // A region has taken its work over meanwhile.
    assert_eq!(ask(&hotness, 0, 200, Duration::ZERO), Verdict::Wait { entries: 800 });
}

#[test]
fn what_is_compiled_is_not_asked_for_twice() {
    let hotness = Hotness::new(Promotion::After(100), None, 2);
    let now = hotness.now();
    let hot = profile(1000);
    assert!(matches!(hotness.ask(&name(0), &hot, now, 0), Verdict::Compile { .. }));
    assert_eq!(hotness.ask(&name(0), &hot, now, 0), Verdict::Wait { entries: 100 });
    hotness.finish(&name(0), Duration::ZERO, None);
    assert!(matches!(hotness.ask(&name(0), &hot, now, 0), Verdict::Compile { .. }));
}

#[test]
fn what_is_over_the_budget_waits_until_time_has_passed() {
    let hotness = table(Promotion::After(100), Some(50));
    assert!(matches!(ask(&hotness, 0, 100, START), Verdict::Compile { .. }));
    // 500 ms were allowed.
    hotness.finish(&name(0), Duration::from_millis(600), None);
    assert_eq!(ask(&hotness, 4, 100, START), Verdict::Wait { entries: 13 });
    assert_eq!(hotness.counters(), Counters { asked: 2, put_off: 1, over_budget: 1, forgotten: 0 });
    let later = START + Duration::from_millis(201);
    // The window that has ended was without anything left to spend.
    assert!(matches!(ask(&hotness, 4, 230, later), Verdict::Compile { .. }));
}

#[test]
fn cold_units_are_forgotten() {
    let hotness = table(Promotion::After(3200), None);
    ask(&hotness, 0, 100, START);
    ask(&hotness, 4, 3100, START);
    // Cold is below 100: the first one, as soon as somebody looks.
    ask(&hotness, 8, 200, START + HALF_LIFE);
    let names = |hotness: &Hotness| hotness.top(9).iter().map(|hot| hot.name.pc).collect::<Vec<_>>();
    assert_eq!(names(&hotness), [4, 8]);
    assert_eq!(hotness.counters().forgotten, 1);
    // After five half-lives the second one.
    ask(&hotness, 12, 3000, START + 6 * HALF_LIFE);
    assert!(!names(&hotness).contains(&4));
}

#[test]
fn the_table_is_bounded_and_keeps_the_hottest() {
    let hotness = Hotness::new(Promotion::After(1 << 20), None, 0);
    let units = 4 * MAX_RECORDS as u64;
    for pc in 0..units {
        // In no order of heat.
        let entries = 1 + pc.wrapping_mul(0x9e37_79b9_7f4a_7c15) % ((1 << 20) - 1);
        ask(&hotness, pc, entries, Duration::ZERO);
    }
    ask(&hotness, units, (1 << 20) - 1, Duration::ZERO);
    let top = hotness.top(usize::MAX);
    assert!(top.len() <= MAX_RECORDS);
    assert_eq!(top[0].name.pc, units);
    assert!(top.is_sorted_by(|a, b| a.score >= b.score));
    assert!(hotness.lock().cold > 2.0 * COLD, "cold adapts");
    // Also if all are alike.
    let alike = Hotness::new(Promotion::After(100), None, 0);
    (0..units).for_each(|pc| _ = ask(&alike, pc, 50, Duration::ZERO));
    assert!(alike.top(usize::MAX).len() <= MAX_RECORDS);
}

#[test]
fn entries_recorded_by_many_threads_are_all_counted() {
    let hotness = Hotness::new(Promotion::After(u32::MAX), None, 0);
    const THREADS: u64 = 4;
    const ROUNDS: u64 = 1000;
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let hotness = &hotness;
            // Each thread has a unit of its own beside the one that all enter.
            scope.spawn(move || {
                for round in 1..=ROUNDS {
                    ask(hotness, 4 + thread, round, Duration::ZERO);
                    hotness.ask(&name(0), &profile(round), Duration::ZERO, 0);
                }
            });
        }
    });
    assert_eq!(hotness.counters().asked, 2 * THREADS * ROUNDS);
    for thread in 0..THREADS {
        assert_eq!(score(&hotness, 4 + thread, Duration::ZERO), ROUNDS as f64);
    }
    assert!(score(&hotness, 0, Duration::ZERO) <= ROUNDS as f64);
}

#[test]
fn what_was_learned_decides() {
    let hotness = table(Promotion::Learned, None);
    let verdict = |entries| ask(&hotness, 0, entries, START);
    let Verdict::Wait { entries: first } = verdict(4000) else { panic!("{:?}", verdict(4000)) };
    // Compiles that cost a hundredth of what was expected.
    for pc in 0..50 {
        let profile = profile(4000);
        let cost = Duration::from_micros(5);
        let compiled = Compiled { profile, cost, executed: 2 * 40_000 };
        hotness.finish(&name(4 * pc), cost, Some(&compiled));
    }
    assert!(matches!(verdict(4000), Verdict::Compile { .. }), "{first} were missing before");
}
