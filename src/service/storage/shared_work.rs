//! Work that several requests need at the same time, and that costs hardly more when it is done for
//! all of them at once.

use std::time::Duration;

use tokio::{
    sync::{Mutex, oneshot},
    time::sleep,
};

use crate::lock::Lock;

/// The items of requests that wait for the same work. One of the requests does it for all.
pub(super) struct SharedWork<T, R> {
    waiting: Lock<Vec<Waiting<T, R>>>,
    /// Held by the request that does the work.
    turn: Mutex<()>,
}

struct Waiting<T, R> {
    item: T,
    outcome: oneshot::Sender<R>,
}

impl<T, R> Default for SharedWork<T, R> {
    fn default() -> Self {
        Self { waiting: Lock::default(), turn: Mutex::default() }
    }
}

impl<T, R> SharedWork<T, R> {
    /// Waits until the work was done for this item. `work` takes all items that wait, and returns an
    /// outcome for each. Returns `None` if the request that did the work was cancelled.
    pub(super) async fn outcome_of<W>(&self, item: T, work: impl FnOnce(Vec<T>) -> W) -> Option<R>
    where
        W: Future<Output = Vec<R>>,
    {
        self.outcome_after(Duration::ZERO, item, work).await
    }

    /// As [`Self::outcome_of`]. If this request does the work, it first pauses, so that more items
    /// gather.
    pub(super) async fn outcome_after<W>(
        &self,
        pause: Duration,
        item: T,
        work: impl FnOnce(Vec<T>) -> W,
    ) -> Option<R>
    where
        W: Future<Output = Vec<R>>,
    {
        let (sender, mut outcome) = oneshot::channel();
        self.waiting.lock().push(Waiting { item, outcome: sender });
        tokio::select! {
            biased;
            outcome = &mut outcome => return outcome.ok(),
            turn = self.turn.lock() => {
                if !pause.is_zero() {
                    sleep(pause).await;
                }
                let waiting = std::mem::take(&mut *self.waiting.lock());
                let (items, senders): (Vec<_>, Vec<_>) =
                    waiting.into_iter().map(|waiting| (waiting.item, waiting.outcome)).unzip();
                if !items.is_empty() {
                    for (sender, outcome) in senders.into_iter().zip(work(items).await) {
                        // If a receiver was dropped, its request was cancelled.
                        let _ = sender.send(outcome);
                    }
                }
                drop(turn);
            }
        }
        outcome.await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::{pending, ready},
        sync::Arc,
    };

    use tokio::sync::Semaphore;

    use super::SharedWork;

    type Work = SharedWork<u32, Vec<u32>>;

    /// Each outcome is the list of the items that were worked on together.
    fn all(items: &[u32]) -> Vec<Vec<u32>> {
        vec![items.to_vec(); items.len()]
    }

    #[tokio::test]
    async fn items_that_come_during_the_work_share_the_next_work() {
        let (work, may_end) = (Work::default(), Semaphore::new(0));
        let slow = async |items: Vec<u32>| {
            drop(may_end.acquire().await);
            all(&items)
        };
        let at_once = |items: Vec<u32>| ready(all(&items));
        let outcomes = tokio::join!(
            work.outcome_of(0, slow),
            work.outcome_of(1, at_once),
            work.outcome_of(2, at_once),
            async { may_end.add_permits(1) },
        );
        assert_eq!(outcomes, (Some(vec![0]), Some(vec![1, 2]), Some(vec![1, 2]), ()));
    }

    #[tokio::test]
    async fn cancelled_work_leaves_nobody_waiting() {
        let work = Arc::new(Work::default());
        let (may_end, begun) = (Semaphore::new(0), Semaphore::new(0));
        let slow = async |items: Vec<u32>| {
            drop(may_end.acquire().await);
            all(&items)
        };
        let endless = async |_: Vec<u32>| {
            begun.add_permits(1);
            pending::<Vec<Vec<u32>>>().await
        };
        let cancelled = async {
            tokio::select! {
                biased;
                _ = work.outcome_of(1, endless) => panic!("endless"),
                _ = begun.acquire() => {}
            }
        };
        let outcomes = tokio::join!(
            work.outcome_of(0, slow),
            cancelled,
            work.outcome_of(2, |items| ready(all(&items))),
            async { may_end.add_permits(1) },
        );
        assert_eq!(outcomes, (Some(vec![0]), (), None, ()), "the second worked for the third, too");
        assert_eq!(work.outcome_of(3, |items| ready(all(&items))).await, Some(vec![3]));
    }
}
