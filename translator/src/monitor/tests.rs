use super::*;

fn event(monitor: &Monitor, pc: u64) {
    monitor.hot(7, pc, Tier::Stencils);
}

#[test]
fn listeners_and_channels_hear_events_until_they_go() {
    let monitor = Monitor::new(&MonitorOptions::default()).unwrap();
    let heard = Arc::new(AtomicU64::new(0));
    let count = heard.clone();
    let id = monitor.on_event(move |event| {
        count.fetch_add(event.pc, Ordering::Relaxed);
    });
    let channel = monitor.subscribe();
    event(&monitor, 1);
    assert!(monitor.forget(id) && !monitor.forget(id));
    event(&monitor, 10);
    assert_eq!(heard.load(Ordering::Relaxed), 1);
    let seen: Vec<u64> = channel.try_iter().map(|event| event.pc).collect();
    assert_eq!(seen, [1, 10]);
    drop(channel);
    event(&monitor, 100);
}

#[test]
fn a_listener_may_use_the_monitor() {
    let monitor = Monitor::new(&MonitorOptions::default()).unwrap();
    let weak = Arc::downgrade(&monitor);
    monitor.on_event(move |_| drop(weak.upgrade().unwrap().subscribe()));
    event(&monitor, 1);
    event(&monitor, 2);
}

#[test]
fn addresses_are_named_by_the_function_that_holds_them() {
    let symbols =
        Symbols::new(vec![(0x100, 0x10, "f".into()), (0x108, 0, "label".into()), (0x120, 0x10, "g".into())]);
    let name = |pc| symbols.describe(pc);
    assert_eq!(name(0x100).as_deref(), Some("f"));
    assert_eq!(name(0x104).as_deref(), Some("f+0x4"));
    assert_eq!(name(0x10c).as_deref(), Some("label+0x4"));
    assert_eq!(name(0x12f).as_deref(), Some("g+0xf"));
    assert_eq!((name(0xff), name(0x130)), (None, None));
}
