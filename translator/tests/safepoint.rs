//! The safepoint protocol (`src/run/safepoint.rs`, the very file) under every schedule of a few threads: nobody runs code
//! after whoever took it away has ended its wait, and nobody waits for ever.

#[path = "safepoint/atomic.rs"]
mod atomic;
#[path = "safepoint/explore.rs"]
mod explore;
#[path = "../src/run/safepoint.rs"]
mod safepoint;

use atomic::{AtomicBool, AtomicU64};
use safepoint::{Epoch, Place};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

/// What the run loop does with the protocol, reduced to one place in the cache.
#[derive(Default)]
struct Machine {
    epoch: Epoch,
    places: [Place; 2],
    /// The unit that the cache holds; each change replaces it by the next.
    unit: AtomicU64,
    freed: [AtomicBool; 4],
}

impl Machine {
    /// A vCPU's way into code: learns the epoch, looks a unit up, enters.
    fn enter(&self, vcpu: usize) -> Option<u64> {
        let epoch = self.epoch.now();
        self.places[vcpu].learn(epoch);
        let unit = self.unit.load(SeqCst);
        self.places[vcpu].enter(&self.epoch).then_some(unit)
    }

    /// An instruction of a unit.
    fn execute(&self, unit: u64) {
        assert!(!self.freed[unit as usize].load(SeqCst), "a vCPU runs code that is gone");
    }

    fn run(&self, vcpu: usize) {
        if let Some(unit) = self.enter(vcpu) {
            self.execute(unit);
            self.execute(unit);
            self.places[vcpu].leave();
        }
    }

    /// Interprets a block whose first instruction stores to code.
    fn run_a_store_to_code(&self, vcpu: usize) {
        if let Some(unit) = self.enter(vcpu) {
            self.execute(unit);
            self.change(Some(vcpu));
            // The epoch is another one: the block ends.
            self.places[vcpu].leave();
        }
    }

    /// Takes the unit away, waits, frees it; perhaps for a vCPU that is inside.
    fn change(&self, inside: Option<usize>) {
        let unit = self.unit.fetch_add(1, SeqCst);
        let epoch = self.epoch.advance();
        let wait = || {
            for place in &self.places {
                explore::wait_while(|| place.may_run_older_than(epoch));
            }
        };
        match inside {
            Some(vcpu) => self.places[vcpu].outside(wait),
            None => wait(),
        }
        self.freed[unit as usize].store(true, SeqCst);
    }
}

type Thread = Box<dyn FnOnce() + Send>;

fn thread(machine: &Arc<Machine>, act: impl FnOnce(&Machine) + Send + 'static) -> Thread {
    let machine = machine.clone();
    Box::new(move || act(&machine))
}

#[test]
fn no_vcpu_runs_what_was_taken_away() {
    let schedules = explore::every_schedule(3, || {
        let machine = Arc::new(Machine::default());
        vec![
            thread(&machine, |machine| {
                machine.run(0);
                machine.run(0);
            }),
            thread(&machine, |machine| {
                machine.change(None);
                machine.change(None);
            }),
        ]
    });
    assert!(schedules > 1000, "{schedules}");
}

#[test]
fn vcpus_that_store_to_code_do_not_wait_for_each_other() {
    let schedules = explore::every_schedule(3, || {
        let machine = Arc::new(Machine::default());
        vec![
            thread(&machine, |machine| machine.run_a_store_to_code(0)),
            thread(&machine, |machine| {
                machine.run_a_store_to_code(1);
                machine.run(1);
            }),
        ]
    });
    assert!(schedules > 1000, "{schedules}");
}

#[test]
fn two_vcpus_and_the_host_program() {
    let schedules = explore::every_schedule(2, || {
        let machine = Arc::new(Machine::default());
        vec![
            thread(&machine, |machine| machine.run(0)),
            thread(&machine, |machine| machine.run_a_store_to_code(1)),
            thread(&machine, |machine| machine.change(None)),
        ]
    });
    assert!(schedules > 500, "{schedules}");
}
