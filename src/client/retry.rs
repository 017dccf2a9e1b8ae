//! Decides which failures are retried, and after which pause.

use std::{io, time::Duration};

use backon::{BackoffBuilder, ExponentialBuilder};
use tokio::time::{Instant, sleep};

use super::{http::ApiClient, options::ClientOptions};
use crate::{
    config::BACKOFF_MAX,
    error::{Error, Result},
};

impl Error {
    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Connection { .. } | Self::Timeout { .. } => true,
            Self::File { source, .. } => is_too_many_files(source),
            _ => false,
        }
    }

    /// What the server asked for in `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

/// `EMFILE` and `ENFILE` have the same numbers on Linux and macOS. Fewer concurrent uploads need
/// fewer files.
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

/// The pause after the `failures`-th failure in a row (1, 2, …). Jitter is added even to
/// `Retry-After`, so that clients do not return all at once.
pub(crate) fn backoff(
    options: &ClientOptions,
    failures: u32,
    retry_after: Option<Duration>,
) -> Duration {
    let exponent = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let pause = exponential(options).build().nth(exponent.min(16)).unwrap_or(BACKOFF_MAX);
    pause + retry_after.unwrap_or_default()
}

/// The time until which retries may begin.
#[derive(Debug)]
pub(crate) struct Deadline {
    since: Instant,
    limit: Duration,
}

impl Deadline {
    /// Starts now.
    pub(crate) fn new(options: &ClientOptions) -> Self {
        Self { since: Instant::now(), limit: options.retry_deadline }
    }

    /// Whether an attempt after this pause begins in time.
    pub(crate) fn allows(&self, pause: Duration) -> bool {
        self.since.elapsed().saturating_add(pause) < self.limit
    }

    /// Ends the time now.
    pub(crate) fn end(&mut self) {
        self.limit = Duration::ZERO;
    }
}

/// When the deadline of a call starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Since {
    /// When the call starts.
    Start,
    /// At the first failure: the transfer of a file may take hours until then.
    FirstFailure,
}

impl ApiClient {
    /// Repeats an idempotent call until it succeeds or fails permanently, or until the retries or
    /// the time are used up.
    pub(super) async fn retrying<T, F: Future<Output = Result<T>>>(
        &self,
        since: Since,
        call: impl FnMut() -> F,
    ) -> Result<T> {
        retrying(self.options(), since, || 0, call).await
    }

    /// The same from the first failure on. After progress, failures are counted anew.
    pub(super) async fn retrying_while_advancing<T, F: Future<Output = Result<T>>>(
        &self,
        progress: impl Fn() -> u64,
        call: impl FnMut() -> F,
    ) -> Result<T> {
        retrying(self.options(), Since::FirstFailure, progress, call).await
    }
}

async fn retrying<T, F: Future<Output = Result<T>>>(
    options: &ClientOptions,
    since: Since,
    progress: impl Fn() -> u64,
    mut call: impl FnMut() -> F,
) -> Result<T> {
    let mut deadline = Deadline::new(options);
    let (mut failures, mut reached) = (0, progress());
    loop {
        let error = match call().await {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        if progress() > reached {
            (failures, reached) = (0, progress());
        }
        if failures == 0 && since == Since::FirstFailure {
            deadline = Deadline::new(options);
        }
        failures += 1;
        let pause = backoff(options, failures, error.retry_after());
        let is_used_up = failures > options.max_retries || !deadline.allows(pause);
        if is_used_up || !error.is_temporary() {
            return Err(error);
        }
        tracing::warn!(pause_ms = pause.as_millis(), "retrying: {error}");
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::{Cell, RefCell},
        time::Duration,
    };

    use proptest::prelude::*;
    use tokio::time::{Instant, sleep};

    use super::{ClientOptions, Error, Result, Since, retrying};

    /// The start times of attempts that take `attempt` each, when the server asks for
    /// `retry_after`.
    fn beginnings(since: Since, deadline: u64, attempt: u64, retry_after: u64) -> Vec<Duration> {
        let options = ClientOptions {
            retry_deadline: Duration::from_millis(deadline),
            max_retries: 1000,
            ..ClientOptions::default()
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let (start, begun) = (Instant::now(), RefCell::new(Vec::new()));
            let call = async || -> Result<()> {
                begun.borrow_mut().push(start.elapsed());
                sleep(Duration::from_millis(attempt)).await;
                Err(Error::Unavailable {
                    file_name: None,
                    status: 503,
                    message: String::new(),
                    retry_after: Some(Duration::from_millis(retry_after)),
                })
            };
            retrying(&options, since, || 0, call).await.unwrap_err();
            begun.into_inner()
        })
    }

    proptest! {
        #[test]
        fn no_attempt_begins_later_than_the_deadline(
            deadline in 0..60_000_u64, attempt in 0..20_000_u64, retry_after in 0..20_000_u64
        ) {
            let last = |since| *beginnings(since, deadline, attempt, retry_after).last().unwrap();
            prop_assert!(last(Since::Start) <= Duration::from_millis(deadline));
            prop_assert!(last(Since::FirstFailure) <= Duration::from_millis(attempt + deadline));
        }
    }

    #[test]
    fn attempts_and_retry_after_count_for_the_deadline() {
        // An attempt of 4 s and a pause of at least 5 s: the next one would begin after 9 s.
        assert_eq!(beginnings(Since::Start, 6_000, 4_000, 5_000).len(), 1);
        assert_eq!(beginnings(Since::Start, 6_000, 4_000, 0).len(), 2);
        assert_eq!(beginnings(Since::FirstFailure, 6_000, 4_000, 5_000).len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn after_progress_failures_are_counted_anew() {
        let options = ClientOptions { max_retries: 1, ..ClientOptions::default() };
        let attempts = Cell::new(0);
        let call = async || -> Result<()> {
            attempts.set(attempts.get() + 1);
            Err(Error::Connection { host: String::new(), file_name: None, message: String::new() })
        };
        let progress = || attempts.get().min(5);
        retrying(&options, Since::FirstFailure, progress, call).await.unwrap_err();
        assert_eq!(attempts.get(), 6);
    }
}
