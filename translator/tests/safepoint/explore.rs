//! Runs a few threads under every schedule with a bounded number of preemptions.
//!
//! One thread runs at a time. Before each access to an [`atomic`](super::atomic) it may be preempted, so that all accesses
//! have one total order, as sequentially consistent ones have. A thread that waits goes on after another one's next
//! write. A schedule in which no thread can go on is a deadlock.

use std::cell::RefCell;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Clone, Copy, PartialEq)]
enum Status {
    Ready,
    Waiting,
    Done,
}

/// One choice: which of how many.
type Choice = (usize, usize);

struct Schedule {
    threads: Vec<Status>,
    running: usize,
    preemptions_left: u32,
    /// The choices of this run; those of the last run up to the one that differs are given.
    choices: Vec<Choice>,
    taken: usize,
    writes: u64,
    failure: Option<String>,
}

struct Scheduler {
    schedule: Mutex<Schedule>,
    changed: Condvar,
}

thread_local! {
    static ME: RefCell<Option<(Arc<Scheduler>, usize)>> = const { RefCell::new(None) };
}

impl Scheduler {
    fn lock(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calling thread has this status now; another one may run until it is its turn again.
    fn hand_over(&self, me: usize, status: Status) {
        let mut schedule = self.lock();
        schedule.threads[me] = status;
        schedule.choose(me);
        self.changed.notify_all();
        if status != Status::Done {
            self.wait_for_turn(schedule, me);
        }
    }

    fn wait_for_turn(&self, mut schedule: MutexGuard<'_, Schedule>, me: usize) {
        while schedule.running != me && schedule.failure.is_none() {
            schedule = self.changed.wait(schedule).unwrap_or_else(PoisonError::into_inner);
        }
        let failed = schedule.failure.is_some();
        drop(schedule);
        if failed {
            // Ends the thread; what failed is known already.
            std::panic::resume_unwind(Box::new(()));
        }
    }
}

impl Schedule {
    fn choose(&mut self, me: usize) {
        let ready = |thread: &usize| self.threads[*thread] == Status::Ready;
        let others = (0..self.threads.len()).filter(|thread| *thread != me).filter(ready);
        let options: Vec<usize> = if !ready(&me) {
            others.collect()
        } else if self.preemptions_left > 0 {
            std::iter::once(me).chain(others).collect()
        } else {
            vec![me]
        };
        if options.is_empty() {
            if self.threads.iter().any(|status| *status != Status::Done) {
                self.failure.get_or_insert("no thread can go on".to_owned());
            }
            return;
        }
        if self.taken == self.choices.len() {
            self.choices.push((0, options.len()));
        }
        let chosen = options[self.choices[self.taken].0];
        self.taken += 1;
        self.preemptions_left -= u32::from(chosen != me && ready(&me));
        self.running = chosen;
    }
}

fn here(act: impl FnOnce(&Scheduler, usize)) {
    // Clones, because the thread may unwind out of `act`.
    if let Some((scheduler, me)) = ME.with_borrow(Clone::clone) {
        act(&scheduler, me);
    }
}

/// The calling thread is about to access something shared.
pub fn access() {
    here(|scheduler, me| scheduler.hand_over(me, Status::Ready));
}

/// The calling thread has written: those that wait look again.
pub fn written() {
    here(|scheduler, _| {
        let mut schedule = scheduler.lock();
        schedule.writes += 1;
        for status in &mut schedule.threads {
            if *status == Status::Waiting {
                *status = Status::Ready;
            }
        }
    });
}

/// Lets the calling thread wait as long as `cond` holds. It looks again only after a write, as nothing else can change
/// what it sees.
pub fn wait_while(cond: impl Fn() -> bool) {
    here(|scheduler, me| {
        loop {
            let writes = scheduler.lock().writes;
            if !cond() {
                return;
            }
            let written = scheduler.lock().writes != writes;
            scheduler.hand_over(me, if written { Status::Ready } else { Status::Waiting });
        }
    });
}

/// Runs the threads that `make` makes, under every schedule with at most `preemptions` preemptions; the number of
/// schedules.
///
/// # Panics
/// If a thread panics, or none can go on.
pub fn every_schedule(preemptions: u32, make: impl Fn() -> Vec<Box<dyn FnOnce() + Send>>) -> u64 {
    let mut choices: Vec<Choice> = Vec::new();
    for schedules in 1.. {
        let threads = make();
        let scheduler = Arc::new(Scheduler {
            schedule: Mutex::new(Schedule {
                threads: vec![Status::Ready; threads.len()],
                running: 0,
                preemptions_left: preemptions,
                choices,
                taken: 0,
                writes: 0,
                failure: None,
            }),
            changed: Condvar::new(),
        });
        std::thread::scope(|scope| {
            for (me, thread) in threads.into_iter().enumerate() {
                let scheduler = scheduler.clone();
                scope.spawn(move || {
                    ME.set(Some((scheduler.clone(), me)));
                    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        scheduler.wait_for_turn(scheduler.lock(), me);
                        thread();
                    }));
                    if let Err(panic) = result {
                        let what = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                        let what = what.or_else(|| panic.downcast_ref::<String>().cloned());
                        scheduler.lock().failure.get_or_insert(what.unwrap_or_default());
                    }
                    scheduler.hand_over(me, Status::Done);
                });
            }
        });
        let schedule = scheduler.lock();
        if let Some(failure) = &schedule.failure {
            let steps: Vec<usize> = schedule.choices.iter().map(|choice| choice.0).collect();
            panic!("{failure}, in schedule {schedules}: {steps:?}");
        }
        choices = schedule.choices.clone();
        while let Some((chosen, options)) = choices.pop() {
            if chosen + 1 < options {
                choices.push((chosen + 1, options));
                break;
            }
        }
        if choices.is_empty() {
            return schedules;
        }
    }
    unreachable!("there are finitely many schedules")
}
