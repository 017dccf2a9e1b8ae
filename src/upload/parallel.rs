//! Work on many files, in threads that wait for disks.

use std::{panic::resume_unwind, thread};

use crate::config::CHECK_THREADS;

/// Splits `items` among threads; `work` gets a share. Results come in the order of the items.
pub(super) fn in_threads<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&[T]) -> Vec<R> + Sync,
) -> Vec<R> {
    let share = items.len().div_ceil(CHECK_THREADS).max(1);
    thread::scope(|scope| {
        let workers: Vec<_> =
            items.chunks(share).map(|share| scope.spawn(|| work(share))).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}
