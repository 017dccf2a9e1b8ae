//! Runs work on many files in threads. A file on a disk that hangs does not stop the others.

use std::{
    ops::Range,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle, Thread},
    time::{Duration, Instant},
};

use crate::{
    config::{CHECK_THREADS, REMOTE_CHECK_THREADS},
    lock::Lock,
};

/// How often the threads are checked.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Work on each of many files.
pub(super) trait Work<T>: Clone + Send + 'static {
    /// The result for one file.
    type Found: Send + 'static;

    /// Runs on the files of one thread, one after the other.
    fn each(&mut self, file: &T) -> Self::Found;

    /// The result for a file that blocked a thread for longer than `limit`.
    fn stuck(&self, file: &T, limit: Duration) -> Self::Found;
}

/// The number of threads for files, some of which may be remote.
pub(super) fn threads_for(any_is_remote: bool) -> usize {
    if any_is_remote { REMOTE_CHECK_THREADS } else { CHECK_THREADS }
}

/// Splits `files` among threads, each with a copy of `work`, and returns the results in the order
/// of the files. If a file blocks its thread for longer than `limit` (a mount that hangs), another
/// thread takes over the files after it.
pub(super) fn in_threads<T: Clone + Send + Sync + 'static, W: Work<T>>(
    files: &[T],
    work: &W,
    threads: usize,
    limit: Duration,
) -> Vec<W::Found> {
    let batch = Batch {
        files: files.into(),
        found: files.iter().map(|_| Lock::new(None)).collect(),
        waits: thread::current(),
    };
    let share = files.len().div_ceil(threads).max(1);
    let mut workers: Vec<_> = (0..files.len())
        .step_by(share)
        .map(|start| start..files.len().min(start + share))
        .map(|range| Worker::start(&batch, range, work))
        .collect();
    while !workers.iter_mut().all(Worker::look) {
        thread::park_timeout(LOOK_AGAIN);
        for worker in &mut workers {
            worker.rethrow();
            if !worker.look() && worker.moved.elapsed() >= limit {
                let stuck = worker.seen;
                *batch.found[stuck].lock() = Some(work.stuck(&files[stuck], limit));
                worker.is_left_behind.store(true, Ordering::Relaxed);
                *worker = Worker::start(&batch, stuck + 1..worker.end, work);
            }
        }
    }
    batch.found.iter().filter_map(Lock::take).collect()
}

/// The files, and what was found.
struct Batch<T, F> {
    files: Arc<[T]>,
    found: Arc<[Lock<Option<F>>]>,
    /// The thread that waits for all results. To wake it for each would cost more than a file.
    waits: Thread,
}

struct Worker {
    /// The file that the thread works on.
    at: Arc<AtomicUsize>,
    end: usize,
    /// That file at the last look, and since when it is that one.
    seen: usize,
    moved: Instant,
    is_left_behind: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start<T, W: Work<T>>(batch: &Batch<T, W::Found>, range: Range<usize>, work: &W) -> Self
    where
        T: Send + Sync + 'static,
    {
        let Range { start, end } = range;
        let at = Arc::new(AtomicUsize::new(start));
        let is_left_behind = Arc::new(AtomicBool::new(false));
        let (files, found) = (Arc::clone(&batch.files), Arc::clone(&batch.found));
        let (work, waits) = (work.clone(), batch.waits.clone());
        let (progress, is_over) = (Arc::clone(&at), Arc::clone(&is_left_behind));
        let run = move || {
            let mut work = work.clone();
            for index in start..end {
                let result = work.each(&files[index]);
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                *found[index].lock() = Some(result);
                progress.store(index + 1, Ordering::Release);
            }
            waits.unpark();
        };
        let thread = thread::Builder::new().spawn(run.clone()).ok();
        if thread.is_none() {
            // The operating system starts no more threads, so this one does the work.
            run();
        }
        Self { at, end, seen: start, moved: Instant::now(), is_left_behind, thread }
    }

    /// Looks how far the thread is; returns whether all of its results are there.
    fn look(&mut self) -> bool {
        let at = self.at.load(Ordering::Acquire);
        if at != self.seen {
            (self.seen, self.moved) = (at, Instant::now());
        }
        at == self.end
    }

    /// Passes on the panic of a thread.
    fn rethrow(&mut self) {
        if let Some(thread) = self.thread.take_if(|thread| thread.is_finished())
            && let Err(panic) = thread.join()
        {
            resume_unwind(panic);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{thread::sleep, time::Duration};

    use super::{Work, in_threads, threads_for};

    #[derive(Clone)]
    struct Doubled;

    impl Work<u64> for Doubled {
        type Found = Option<u64>;

        fn each(&mut self, number: &u64) -> Option<u64> {
            match number {
                // Hangs like a dead mount.
                7 | 8 | 70 => sleep(Duration::from_mins(10)),
                99 => panic!("a defect"),
                _ => {}
            }
            Some(2 * number)
        }

        fn stuck(&self, _number: &u64, _limit: Duration) -> Option<u64> {
            None
        }
    }

    #[test]
    fn a_file_that_blocks_a_thread_is_reported_and_the_others_are_processed() {
        for count in [0, 1, 3, 8, 9, 90] {
            let numbers: Vec<_> = (0..count).collect();
            let found =
                in_threads(&numbers, &Doubled, threads_for(false), Duration::from_millis(300));
            let expected = numbers.iter().map(|number| {
                let hangs = [7, 8, 70].contains(number);
                (!hangs).then_some(2 * number)
            });
            assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }

    #[test]
    #[should_panic(expected = "a defect")]
    fn a_panic_in_a_thread_is_passed_on_at_once() {
        in_threads(&[99], &Doubled, 1, Duration::from_mins(10));
    }
}
