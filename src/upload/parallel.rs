//! Runs work on many files in threads. A file on a disk that hangs does not stop the others.

use std::{
    ops::Range,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use crate::config::{CHECK_THREADS, REMOTE_CHECK_THREADS};

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
    let files: Arc<[T]> = files.into();
    let mut found: Vec<_> = files.iter().map(|_| None).collect();
    let (sender, results) = channel();
    let share = files.len().div_ceil(threads).max(1);
    let mut workers: Vec<_> = (0..files.len())
        .step_by(share)
        .map(|start| start..files.len().min(start + share))
        .map(|range| Worker::start(&files, range, work, &sender))
        .collect();
    let mut looked = Instant::now();
    while workers.iter().any(|worker| !worker.left.is_empty()) {
        if let Ok((index, result)) = results.recv_timeout(LOOK_AGAIN)
            && found[index].is_none()
        {
            found[index] = Some(result);
            if let Some(worker) = workers.iter_mut().find(|worker| worker.left.contains(&index)) {
                worker.left.start = index + 1;
                worker.moved = Instant::now();
            }
        }
        if looked.elapsed() < LOOK_AGAIN {
            continue;
        }
        looked = Instant::now();
        for worker in workers.iter_mut().filter(|worker| !worker.left.is_empty()) {
            worker.rethrow();
            if worker.moved.elapsed() >= limit {
                let Range { start: stuck, end } = worker.left.clone();
                found[stuck] = Some(work.stuck(&files[stuck], limit));
                worker.is_left_behind.store(true, Ordering::Relaxed);
                *worker = Worker::start(&files, stuck + 1..end, work, &sender);
            }
        }
    }
    found.into_iter().flatten().collect()
}

struct Worker {
    /// The current file of the thread, and those after it.
    left: Range<usize>,
    moved: Instant,
    is_left_behind: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn start<T: Send + Sync + 'static, W: Work<T>>(
        files: &Arc<[T]>,
        left: Range<usize>,
        work: &W,
        results: &Sender<(usize, W::Found)>,
    ) -> Self {
        let is_left_behind = Arc::new(AtomicBool::new(false));
        let (files, range, results) = (Arc::clone(files), left.clone(), results.clone());
        let (work, is_over) = (work.clone(), Arc::clone(&is_left_behind));
        let look = move || {
            let mut work = work.clone();
            for index in range.clone() {
                let found = work.each(&files[index]);
                if is_over.load(Ordering::Relaxed) || results.send((index, found)).is_err() {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().spawn(look.clone()).ok();
        if thread.is_none() {
            // The operating system starts no more threads, so this one does the work.
            look();
        }
        Self { left, moved: Instant::now(), is_left_behind, thread }
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
