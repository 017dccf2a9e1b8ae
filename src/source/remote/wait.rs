//! Waits for work of the runtime in a thread that may block.

use std::{future::Future, sync::mpsc, time::Duration};

use tokio::{runtime::Handle, time::sleep};

use super::error::ReadError;
use crate::error::{Error, Result};

/// Attempts in a row without progress before a read fails. Their pauses add up to about 10 s.
const MAX_ATTEMPTS: u32 = 7;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Runs `work` in the runtime, and waits for it. Ends with an error if the runtime ends.
pub(super) fn wait<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::channel();
    runtime.spawn(async move {
        // Fails if nobody waits any more.
        let _ = sender.send(work.await);
    });
    receiver.recv().map_err(|_| Error::Internal("the process is exiting".to_owned()))
}

/// Counts attempts that broke.
#[derive(Debug, Default)]
pub(super) struct Attempts(u32);

impl Attempts {
    pub(super) fn progressed(&mut self) {
        self.0 = 0;
    }

    /// Pauses before another attempt, if the error allows one.
    pub(super) async fn pause_after(&mut self, error: ReadError) -> Result<(), ReadError> {
        self.0 += 1;
        match error {
            ReadError::Broken(words) if self.0 < MAX_ATTEMPTS => {
                tracing::debug!("a read of a remote file broke, and is retried: {words}");
                let pause = FIRST_PAUSE * 2_u32.saturating_pow(self.0 - 1);
                sleep(pause.min(LONGEST_PAUSE)).await;
                Ok(())
            }
            ReadError::Broken(words) => Err(ReadError::Failed(
                std::io::ErrorKind::Other,
                format!("its reads broke {MAX_ATTEMPTS} times in a row: {words}"),
            )),
            error => Err(error),
        }
    }
}
