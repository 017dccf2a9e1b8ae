//! Stages the files of concurrent requests in one transaction, because each transaction takes
//! several syncs of the disk, however little it writes.

use tokio::sync::{Mutex, oneshot};

use super::{
    database::Database,
    error::StorageError,
    staging::{NewStaged, Quota, StageFiles, Staged},
};

/// The files that wait for the next transaction.
#[derive(Default)]
pub(super) struct StagingQueue {
    waiting: std::sync::Mutex<Vec<Waiting>>,
    /// Held by the request that stages all waiting files.
    turn: Mutex<()>,
}

struct Waiting {
    file: NewStaged,
    outcome: oneshot::Sender<Result<Staged, StorageError>>,
}

impl StagingQueue {
    /// Stages a file durably, in one transaction with all other files that wait.
    pub(super) async fn stage(
        &self,
        database: &Database,
        has_records: bool,
        file: NewStaged,
        quota: Quota,
    ) -> Result<Staged, StorageError> {
        let (sender, mut outcome) = oneshot::channel();
        self.waiting().push(Waiting { file, outcome: sender });
        tokio::select! {
            biased;
            staged = &mut outcome => return staged.unwrap_or_else(|_| Err(cancelled())),
            turn = self.turn.lock() => {
                self.stage_waiting(database, has_records, quota).await;
                drop(turn);
            }
        }
        outcome.await.unwrap_or_else(|_| Err(cancelled()))
    }

    async fn stage_waiting(&self, database: &Database, has_records: bool, quota: Quota) {
        let waiting = std::mem::take(&mut *self.waiting());
        let (files, outcomes): (Vec<_>, Vec<_>) =
            waiting.into_iter().map(|waiting| (waiting.file, waiting.outcome)).unzip();
        if files.is_empty() {
            return;
        }
        // If a receiver was dropped, its request was cancelled.
        match database.write(&StageFiles { files: &files, quota, has_records }).await {
            Ok(staged) => {
                for (outcome, staged) in outcomes.into_iter().zip(staged) {
                    let _ = outcome.send(Ok(staged));
                }
            }
            Err(error) => {
                for outcome in outcomes {
                    let _ = outcome.send(Err(error.clone()));
                }
            }
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The request that was staging the file was cancelled.
fn cancelled() -> StorageError {
    StorageError::OutcomeUnknown("the transaction of a staged file was cancelled".to_owned())
}
