//! Work on many files, in threads that wait for disks.

use std::{
    panic::resume_unwind,
    thread::{self, ScopedJoinHandle},
};

use crate::config::CHECK_THREADS;

/// Splits `items` among threads; `work` gets a share. Results come in the order of the items.
/// A share for which the operating system starts no thread is worked on by the caller's.
pub(super) fn in_threads<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&[T]) -> Vec<R> + Sync,
) -> Vec<R> {
    let share = items.len().div_ceil(CHECK_THREADS).max(1);
    let work = &work;
    thread::scope(|scope| {
        let start = |share| {
            let worker = thread::Builder::new().spawn_scoped(scope, move || work(share));
            worker.map_err(|_no_thread| share)
        };
        let workers: Vec<_> = items.chunks(share).map(start).collect();
        let result = |worker: Result<ScopedJoinHandle<'_, Vec<R>>, _>| match worker {
            Ok(worker) => worker.join().unwrap_or_else(|panic| resume_unwind(panic)),
            Err(share) => work(share),
        };
        workers.into_iter().flat_map(result).collect()
    })
}
