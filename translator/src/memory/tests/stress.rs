//! Threads that change mappings while others access memory and translate code.

use super::*;
use crate::ir::{Order, RmwOp, Type};
use crate::lift::Fetch;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

const AT: u64 = 0x100_0000;
const PAGES: u64 = 32;

/// xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 33) % limit
    }
}

/// Every 8 bytes hold their own address, or zero where they were not written since they were mapped.
#[test]
fn accesses_race_with_changes_of_mappings() {
    for mode in MODES {
        let memory = memory(mode);
        let stop = AtomicBool::new(false);
        let file = memfd(PAGES);
        std::thread::scope(|scope| {
            for seed in 1..=2 {
                let (memory, stop, file) = (&memory, &stop, &file);
                scope.spawn(move || {
                    let mut random = Random(seed);
                    while !stop.load(Ordering::Relaxed) {
                        change(memory, &mut random, file);
                    }
                });
            }
            for seed in 11..=13 {
                let (memory, stop) = (&memory, &stop);
                scope.spawn(move || {
                    let mut random = Random(seed);
                    let mut done = 0u64;
                    while !stop.load(Ordering::Relaxed) || done < 1000 {
                        done += access(memory, &mut random);
                    }
                });
            }
            let end = Instant::now() + Duration::from_millis(700);
            while Instant::now() < end {
                // The main thread looks at the whole.
                let regions = memory.regions();
                assert!(regions.windows(2).all(|pair| pair[0].last < pair[1].start));
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}

fn change(memory: &Memory, random: &mut Random, file: &OwnedFd) {
    let first = random.below(PAGES);
    let len = (1 + random.below(4)).min(PAGES - first) * PAGE;
    let addr = AT + first * PAGE;
    let prot = Prot::from_bits(random.below(8) as u32);
    let fixed = Placement::Fixed(addr);
    let private = Source::Memory { shared: false };
    match random.below(8) {
        0 => memory.unmap(addr, len).unwrap(),
        1 | 2 => {
            let _ = memory.protect(addr, len, prot);
        }
        3 => {
            let _ = memory.map_file(fixed, len, prot, file.as_fd(), first * PAGE, true).unwrap();
        }
        4 => {
            let to = AT + random.below(PAGES - 4) * PAGE;
            let _ = memory.remap(addr, len, len, Move::To(to));
            // Moved bytes hold another address: take them away.
            memory.zero(to, len as usize, Permissions::Ignore).ok();
        }
        5 => {
            let _ = memory.discard(addr, len);
        }
        _ => {
            memory.map_at(fixed, len, prot, private, MapOptions::default()).unwrap();
        }
    }
}

fn access(memory: &Memory, random: &mut Random) -> u64 {
    let addr = AT + random.below(PAGES * PAGE / 8) * 8;
    match random.below(8) {
        0..=2 => u64::from(memory.load(addr, Type::I64, Order::Plain).is_ok()),
        3 => u64::from(memory.store(addr, Type::I64, addr.into(), Order::Release).is_ok()),
        4 => {
            // Crosses pages now and then.
            u64::from(memory.load(addr | 5, Type::V128, Order::Plain).is_ok())
        }
        5 => u64::from(memory.rmw(addr, Type::I64, RmwOp::Or, 0, Order::SeqCst).is_ok()),
        6 => {
            let mut buf = [0; 6000];
            let done = match memory.read(addr, &mut buf, Permissions::Ignore) {
                Ok(()) => buf.len(),
                Err(partial) => partial.done,
            };
            let _ = memory.write(addr, &buf[..done.min(8)], Permissions::Honour);
            1
        }
        _ => {
            let watch = memory.watch_code(addr..addr + 1);
            memory.fetch(addr, &mut [0; 15]);
            memory.unwatch_code(watch);
            1
        }
    }
}

/// Translations that a listener keeps, as the code cache does.
#[derive(Default)]
struct Cache {
    /// Page: the bytes that its unit was made from, and the watch.
    units: StdMutex<HashMap<u64, (u64, CodeWatch)>>,
    memory: OnceLock<Weak<Memory>>,
}

impl Listener for Cache {
    fn invalidate_code(&self, ranges: &[Range<u64>]) {
        let memory = self.memory.get().unwrap().upgrade().unwrap();
        let mut units = self.units.lock().unwrap();
        for range in ranges {
            for page in range.clone().step_by(PAGE as usize) {
                if let Some((_, watch)) = units.remove(&page) {
                    memory.unwatch_code(watch);
                }
            }
        }
    }

    fn mappings_changed(&self) {}
}

/// No unit made from old bytes is left once a store, a patch by the host or a remapping has returned.
#[test]
fn no_stale_translation_survives_a_write() {
    for mode in MODES {
        let memory = Arc::new(memory(mode));
        let cache = Arc::new(Cache::default());
        cache.memory.set(Arc::downgrade(&memory)).unwrap();
        let weak: Weak<Cache> = Arc::downgrade(&cache);
        memory.set_listener(weak);
        let file = memfd(2);
        // Two pages of shared memory seen at two places each, two private ones.
        map_file(&memory, AT, 2, Prot::RX, &file, true);
        map_file(&memory, AT + 0x10_0000, 2, Prot::RWX, &file, true);
        memory.map(AT + 0x20_0000, 2 * PAGE, Prot::RWX).unwrap();
        let pages = [0, PAGE, 0x10_0000, 0x10_1000, 0x20_0000, 0x20_1000].map(|offset| AT + offset);
        let stop = AtomicBool::new(false);
        let published = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for seed in 1..=2 {
                let (memory, cache, stop, published) = (&memory, &cache, &stop, &published);
                scope.spawn(move || {
                    let mut random = Random(seed);
                    while !stop.load(Ordering::Relaxed) {
                        let page = pages[random.below(6) as usize];
                        let reader = memory.code_reader();
                        let mut bytes = [0; 8];
                        if reader.fetch(page, &mut bytes) < 8 {
                            continue;
                        }
                        let watch = reader.finish(std::slice::from_ref(&(page..page + 8)));
                        // A unit that checks itself may outlive the bytes: nothing to see here.
                        let mut units = cache.units.lock().unwrap();
                        if watch.mode() == CodePage::Watched
                            && memory.is_current(&watch)
                            && !units.contains_key(&page)
                        {
                            units.insert(page, (u64::from_le_bytes(bytes), watch));
                            published.fetch_add(1, Ordering::Relaxed);
                        } else {
                            memory.unwatch_code(watch);
                        }
                    }
                });
            }
            // One writer a page, writing rising numbers.
            for writer in 0..2u64 {
                let (memory, cache, stop) = (&memory, &cache, &stop);
                scope.spawn(move || {
                    let mut random = Random(writer + 77);
                    let shared = [AT + writer * PAGE, AT + 0x10_0000 + writer * PAGE];
                    let private = AT + 0x20_0000 + writer * PAGE;
                    let mut number = 0u64;
                    while !stop.load(Ordering::Relaxed) {
                        number += 1;
                        let bytes = number.to_le_bytes();
                        let check: &[u64] = match random.below(5) {
                            0 => {
                                memory.store(shared[1], Type::I64, number.into(), Order::Plain).unwrap();
                                &shared
                            }
                            1 => {
                                memory.write(shared[1], &bytes, Permissions::Ignore).unwrap();
                                &shared
                            }
                            2 => {
                                memory.store(private, Type::I64, number.into(), Order::Plain).unwrap();
                                &[private]
                            }
                            3 => {
                                memory.write(private, &bytes, Permissions::Ignore).unwrap();
                                &[private]
                            }
                            _ => {
                                // Also makes the page watchable again.
                                memory.unmap(private, PAGE).unwrap();
                                memory.map(private, PAGE, Prot::RWX).unwrap();
                                memory.write(private, &bytes, Permissions::Ignore).unwrap();
                                &[private]
                            }
                        };
                        let units = cache.units.lock().unwrap();
                        for page in check {
                            if let Some((seen, _)) = units.get(page) {
                                assert!(*seen >= number, "{mode:?}: a unit of {page:#x} has old bytes");
                            }
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(700));
            stop.store(true, Ordering::Relaxed);
        });
        assert!(published.load(Ordering::Relaxed) > 10);
    }
}

/// Counters in one page under every kind of atomic, misaligned ones too, while the page is watched again and again.
#[test]
fn no_atomic_update_is_lost() {
    for mode in MODES {
        let memory = memory(mode);
        memory.map(AT, 2 * PAGE, Prot::RWX).unwrap();
        const ROUNDS: u64 = 3000;
        let counters =
            [(8, Type::I64), (17, Type::I32), (32, Type::I128), (61, Type::I64), (PAGE - 3, Type::I64)];
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for round in 0..ROUNDS {
                        for (offset, ty) in counters {
                            memory.rmw(AT + offset, ty, RmwOp::Add, 1, Order::SeqCst).unwrap();
                        }
                        if round % 64 == 0 {
                            let watch = memory.watch_code(AT..AT + PAGE + 1);
                            memory.unwatch_code(watch);
                        }
                    }
                });
            }
        });
        for (offset, ty) in counters {
            assert_eq!(
                memory.load(AT + offset, ty, Order::Plain),
                Ok((3 * ROUNDS).into()),
                "{mode:?} {offset}"
            );
        }
    }
}
