//! Runs blocking work away from the threads that serve connections, and counts what must be
//! cleaned up before the process exits.

use std::{
    process,
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::error::{Error, Result};

/// Runs file I/O in a thread that may block.
pub(crate) async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(Error::Internal(error.to_string())))
}

/// Something in another place that this process must remove, unless it completes it. The process
/// waits a while for the last one before it exits.
#[derive(Debug)]
pub(crate) struct Cleanup(());

/// Their number, and their process: a forked child does not continue those of its parent.
static CLEANUPS: AtomicUsize = AtomicUsize::new(0);
static OWNER: AtomicU32 = AtomicU32::new(0);

const PAUSE: Duration = Duration::from_millis(10);

impl Cleanup {
    pub(crate) fn begin() -> Self {
        if OWNER.swap(process::id(), Ordering::AcqRel) != process::id() {
            CLEANUPS.store(0, Ordering::Release);
        }
        CLEANUPS.fetch_add(1, Ordering::AcqRel);
        Self(())
    }

    /// Waits until there are none.
    #[cfg_attr(not(feature = "python"), expect(dead_code, reason = "for whoever ends the process"))]
    pub(crate) fn wait_for_all(limit: Duration) {
        let begun = Instant::now();
        let are_left = || {
            OWNER.load(Ordering::Acquire) == process::id() && CLEANUPS.load(Ordering::Acquire) > 0
        };
        while are_left() && begun.elapsed() < limit {
            thread::sleep(PAUSE);
        }
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        CLEANUPS.fetch_sub(1, Ordering::AcqRel);
    }
}
