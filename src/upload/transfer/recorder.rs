//! Records what was sent, for the next run, many files at a time.

use std::{sync::Arc, time::Duration};

use tokio::{runtime::Handle, task::spawn_blocking, time::sleep};

use crate::{
    lock::Lock,
    upload::sent_record::{SentFile, SentRecord},
};

/// How long files gather before they are recorded together. A record file is opened for each group,
/// in another thread.
const GATHER: Duration = Duration::from_millis(20);

/// Nobody waits for the record: a home folder may be slow.
pub(super) struct Recorder {
    record: SentRecord,
    gathered: Arc<Lock<Vec<SentFile>>>,
}

impl Recorder {
    pub(super) fn new(record: SentRecord) -> Self {
        Self { record, gathered: Arc::default() }
    }

    pub(super) fn add(&self, file: SentFile) {
        let is_first = {
            let mut gathered = self.gathered.lock();
            gathered.push(file);
            gathered.len() == 1
        };
        if is_first {
            let (record, gathered) = (self.record.clone(), Arc::clone(&self.gathered));
            tokio::spawn(async move {
                sleep(GATHER).await;
                write(&record, &gathered);
            });
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // Nothing is dropped outside of a runtime but when the process exits.
        if Handle::try_current().is_ok() {
            write(&self.record, &self.gathered);
        }
    }
}

fn write(record: &SentRecord, gathered: &Lock<Vec<SentFile>>) {
    let files = std::mem::take(&mut *gathered.lock());
    if !files.is_empty() {
        let record = record.clone();
        spawn_blocking(move || record.add(&files));
    }
}
