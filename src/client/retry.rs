//! Which failures are worth another attempt, and how long to wait before it.

use std::{io, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder, Retryable};

use super::{http::ApiClient, options::ClientOptions};
use crate::{
    config::BACKOFF_MAX,
    error::{Error, Result},
};

impl Error {
    /// Whether the same request may well succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Connection { .. } | Self::Timeout { .. } => true,
            Self::File { source, .. } => is_too_many_files(source),
            _ => false,
        }
    }

    /// What the service asked for in `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// `EMFILE` and `ENFILE` have the same numbers on Linux and macOS. Fewer uploads at a time
/// need fewer files.
fn is_too_many_files(error: &io::Error) -> bool {
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

fn exponential(options: &ClientOptions) -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(options.first_pause)
        .with_max_delay(BACKOFF_MAX)
        .without_max_times()
        .with_jitter()
}

/// The pause after the `failures`-th failure in a row (1, 2, …); jitter comes on top of
/// what the service asked for, so that clients do not come back all at once.
pub(crate) fn backoff(
    options: &ClientOptions,
    failures: u32,
    retry_after: Option<Duration>,
) -> Duration {
    let exponent = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let pause = exponential(options).build().nth(exponent.min(16)).unwrap_or(BACKOFF_MAX);
    pause + retry_after.unwrap_or_default()
}

impl ApiClient {
    /// Makes an idempotent call until it succeeds, fails for good, or the retries are used up.
    pub(super) async fn retrying<T, F: Future<Output = Result<T>>>(
        &self,
        call: impl FnMut() -> F,
    ) -> Result<T> {
        let options = self.options();
        let pauses = exponential(options)
            .with_max_times(usize::try_from(options.max_retries).unwrap_or(usize::MAX))
            .with_total_delay(Some(options.retry_deadline));
        call.retry(pauses)
            .when(Error::is_temporary)
            .adjust(|error, pause| {
                pause.map(|pause| pause + error.retry_after().unwrap_or_default())
            })
            .notify(|error, pause| {
                tracing::warn!(pause_ms = pause.as_millis(), "trying again: {error}");
            })
            .await
    }
}
