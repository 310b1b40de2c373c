//! Compile threads: started when there is work for them, ended when their owner goes.
//!
//! The job of the highest rank is done first, of equal ones the one that came first.
//!
//! Invariant: no lock is held while a job is done.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// A queue and the threads that serve it.
#[derive(Debug)]
pub struct Workers<J> {
    shared: Arc<Shared<J>>,
    /// Most threads.
    most: usize,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared<J> {
    state: Mutex<State<J>>,
    wake: Condvar,
}

#[derive(Debug)]
struct State<J> {
    jobs: BinaryHeap<Queued<J>>,
    /// Jobs that ever came.
    queued: u64,
    idle: usize,
    closed: bool,
}

/// A job that waits.
#[derive(Debug)]
struct Queued<J> {
    /// Rank, then who came first.
    order: (u64, Reverse<u64>),
    job: J,
}

impl<J> PartialEq for Queued<J> {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}

impl<J> Eq for Queued<J> {}

impl<J> PartialOrd for Queued<J> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<J> Ord for Queued<J> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order.cmp(&other.order)
    }
}

impl<J: Send + 'static> Workers<J> {
    /// No threads yet, and never more than `most`.
    pub fn new(most: usize) -> Workers<J> {
        let state = State { jobs: BinaryHeap::new(), queued: 0, idle: 0, closed: false };
        Workers {
            shared: Arc::new(Shared { state: Mutex::new(state), wake: Condvar::new() }),
            most,
            threads: Mutex::default(),
        }
    }

    /// Queues a job for `work`, on a thread that is idle or a new one. The job comes back if there is no thread and
    /// none can be started: the caller has to do it.
    pub fn submit(&self, rank: u64, job: J, work: impl Fn(J) + Send + 'static) -> Result<(), J> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = {
            let state = self.shared.lock();
            state.idle > state.jobs.len()
        };
        if !idle && threads.len() < self.most {
            let shared = self.shared.clone();
            let name = "xlat-compile".to_owned();
            if let Ok(thread) = std::thread::Builder::new().name(name).spawn(move || serve(&shared, work)) {
                threads.push(thread);
            }
        }
        if threads.is_empty() {
            return Err(job);
        }
        {
            let mut state = self.shared.lock();
            state.queued += 1;
            let order = (rank, Reverse(state.queued));
            state.jobs.push(Queued { order, job });
        }
        self.shared.wake.notify_one();
        Ok(())
    }

    /// Jobs that no thread has taken yet.
    pub fn waiting(&self) -> usize {
        self.shared.lock().jobs.len()
    }
}

impl<J> Shared<J> {
    fn lock(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve<J>(shared: &Shared<J>, work: impl Fn(J)) {
    loop {
        let mut state = shared.lock();
        state.idle += 1;
        let job = loop {
            if state.closed {
                return;
            }
            match state.jobs.pop() {
                Some(queued) => break queued.job,
                None => state = shared.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        };
        state.idle -= 1;
        drop(state);
        work(job);
    }
}

impl<J> Drop for Workers<J> {
    /// Waits for jobs under way; those that wait are dropped. A job may itself hold the last handle to the owner: its
    /// thread is not waited for then.
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.shared.lock();
            state.closed = true;
            std::mem::take(&mut state.jobs)
        };
        drop(waiting);
        self.shared.wake.notify_all();
        let threads = self.threads.get_mut().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            if thread.thread().id() != std::thread::current().id() {
                // A panic of a worker is a bug that has been reported on its own.
                let _ = thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn jobs_are_done_by_rank_and_threads_end_with_their_owner() {
        let (done, results) = mpsc::channel();
        let (start, started) = mpsc::channel::<()>();
        let started = Mutex::new(started);
        let workers = Workers::new(1);
        let work = move |job: u64| {
            // The first one holds the thread until all are there.
            if job == 0 {
                started.lock().unwrap().recv().unwrap();
            }
            done.send(job).unwrap();
        };
        let work = Arc::new(work);
        for job in 0..100 {
            let work = work.clone();
            assert!(workers.submit(job / 10, job, move |job| work(job)).is_ok());
            while job == 0 && workers.waiting() != 0 {
                std::thread::yield_now();
            }
        }
        assert_eq!(workers.waiting(), 99);
        start.send(()).unwrap();
        let seen: Vec<u64> = results.iter().take(100).collect();
        let mut expected: Vec<u64> = (1..100).collect();
        expected.sort_by_key(|job| Reverse(job / 10));
        expected.insert(0, 0);
        assert_eq!(seen, expected);
        drop(work);
        drop(workers);
        assert!(results.recv().is_err(), "every thread has ended");
    }

    #[test]
    fn without_threads_the_caller_has_to_work() {
        assert_eq!(Workers::new(0).submit(0, 5, |_| unreachable!("there is no thread")), Err(5));
    }

    #[test]
    fn the_last_handle_may_go_in_a_job() {
        let (done, results) = mpsc::channel();
        let (start, started) = mpsc::channel::<()>();
        let inner: Arc<Workers<mpsc::Receiver<()>>> = Arc::new(Workers::new(1));
        let held = inner.clone();
        let held = Mutex::new(Some(held));
        let submitted = inner.submit(0, started, move |started| {
            started.recv().unwrap();
            drop(held.lock().unwrap().take());
            done.send(()).unwrap();
        });
        assert!(submitted.is_ok());
        drop(inner);
        start.send(()).unwrap();
        results.recv().unwrap();
    }
}
