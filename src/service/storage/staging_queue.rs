//! Stages the files of concurrent requests in one transaction, because each transaction takes
//! several syncs of the disk, regardless of its size.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use super::{
    database::Database,
    error::StorageError,
    shared_work::SharedWork,
    staged_totals::Quota,
    staging::{NewStaged, StageFiles, Staged},
};

/// How long files gather while several arrive at the same time: about as long as a transaction
/// takes.
const GATHERING: Duration = Duration::from_millis(4);

/// The files that wait for the next transaction.
#[derive(Default)]
pub(super) struct StagingQueue {
    waiting: SharedWork<NewStaged, Result<Staged, StorageError>>,
    /// Whether the last transaction staged several files. A client that sends one file after the
    /// other does not wait for more.
    is_busy: AtomicBool,
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
        let stage = |files: Vec<NewStaged>| async move {
            self.is_busy.store(files.len() > 1, Ordering::Relaxed);
            let staged = database.write(&StageFiles { files: &files, quota, has_records }).await;
            match staged {
                Ok(staged) => staged.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error); files.len()],
            }
        };
        let is_busy = self.is_busy.load(Ordering::Relaxed);
        let pause = if is_busy { GATHERING } else { Duration::ZERO };
        self.waiting.outcome_after(pause, file, stage).await.unwrap_or_else(|| {
            let why = "the request that staged it together with others was cancelled";
            Err(StorageError::OutcomeUnknown(why.to_owned()))
        })
    }
}
