//! Compile threads: started when there is work for them, ended when their owner goes.
//!
//! Jobs are done in the order in which they come: a unit asks for its region when its counter runs out, so what is
//! hottest asks first.
//!
//! Invariant: no lock is held while a job is done.

use std::collections::VecDeque;
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
    jobs: VecDeque<J>,
    idle: usize,
    closed: bool,
}

impl<J: Send + 'static> Workers<J> {
    /// No threads yet, and never more than `most`.
    pub fn new(most: usize) -> Workers<J> {
        let state = State { jobs: VecDeque::new(), idle: 0, closed: false };
        Workers {
            shared: Arc::new(Shared { state: Mutex::new(state), wake: Condvar::new() }),
            most,
            threads: Mutex::default(),
        }
    }

    /// Queues a job for `work`, on a thread that is idle or a new one. False if there is no thread and none can be started:
    /// the caller has to do the job itself.
    pub fn submit(&self, job: J, work: impl Fn(J) + Send + 'static) -> bool {
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
            return false;
        }
        self.shared.lock().jobs.push_back(job);
        self.shared.wake.notify_one();
        true
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
            match state.jobs.pop_front() {
                Some(job) => break job,
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
    fn jobs_are_done_in_order_and_threads_end_with_their_owner() {
        let (done, results) = mpsc::channel();
        let workers = Workers::new(1);
        for job in 0..100 {
            let done = done.clone();
            assert!(workers.submit(job, move |job: i32| done.send(job).unwrap()));
        }
        let seen: Vec<i32> = results.iter().take(100).collect();
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        drop(workers);
        drop(done);
        assert!(results.recv().is_err(), "every thread has ended");
    }

    #[test]
    fn without_threads_the_caller_has_to_work() {
        assert!(!Workers::new(0).submit((), |()| unreachable!("there is no thread")));
    }

    #[test]
    fn the_last_handle_may_go_in_a_job() {
        let (done, results) = mpsc::channel();
        let (start, started) = mpsc::channel::<()>();
        let inner: Arc<Workers<mpsc::Receiver<()>>> = Arc::new(Workers::new(1));
        let held = inner.clone();
        let held = Mutex::new(Some(held));
        assert!(inner.submit(started, move |started| {
            started.recv().unwrap();
            drop(held.lock().unwrap().take());
            done.send(()).unwrap();
        }));
        drop(inner);
        start.send(()).unwrap();
        results.recv().unwrap();
    }
}
