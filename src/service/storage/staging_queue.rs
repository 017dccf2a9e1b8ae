//! Stages the files of concurrent requests in one transaction, because each transaction takes
//! several syncs of the disk, however little it writes.

use super::{
    database::Database,
    error::StorageError,
    shared_work::SharedWork,
    staged_totals::Quota,
    staging::{NewStaged, StageFiles, Staged},
};

/// The files that wait for the next transaction.
#[derive(Default)]
pub(super) struct StagingQueue(SharedWork<NewStaged, Result<Staged, StorageError>>);

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
            let staged = database.write(&StageFiles { files: &files, quota, has_records }).await;
            match staged {
                Ok(staged) => staged.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error); files.len()],
            }
        };
        self.0.outcome_of(file, stage).await.unwrap_or_else(|| {
            let why = "the request that staged it together with others was cancelled";
            Err(StorageError::OutcomeUnknown(why.to_owned()))
        })
    }
}
