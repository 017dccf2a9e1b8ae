//! Limits the number of connections. They share the process's file handles with the server's
//! files, so they get a part of the handles; connections without a key get a smaller part.

use std::{
    collections::VecDeque,
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, sleep_until},
};

use crate::lock::Lock;

/// File handles that the server always has open.
const OWN_HANDLES: usize = 16;

/// Time for a connection to send a key before it is closed in favour of others: its request may
/// have arrived already, but not be read yet.
const GRACE: Duration = Duration::from_millis(100);

/// Time for a rejected connection to send its request and read the response.
const REFUSED_GRACE: Duration = Duration::from_secs(2);

/// All connections of a server.
#[derive(Clone)]
pub(super) struct Connections {
    shares: Shares,
    open: Arc<Lock<Open>>,
    /// A connection has ended.
    ended: Arc<Notify>,
}

/// Numbers of connections.
#[derive(Clone, Copy)]
struct Shares {
    /// Another connection without a key closes the oldest one without a key.
    strangers: usize,
    /// Another connection ends the least recently used one that has a key.
    kept: usize,
    /// Another connection is rejected with 503.
    served: usize,
    /// Another connection is not accepted.
    accepted: usize,
}

#[derive(Default)]
struct Open {
    count: usize,
    with_key: usize,
    /// Connections without a key that were not told to close, oldest first.
    strangers: VecDeque<Arc<Signals>>,
    /// Connections with a key that were not told to end, least recently used first.
    known: VecDeque<Arc<Signals>>,
}

/// Signals to a connection.
struct Signals {
    /// Close at `close_at` or later, even within a request, unless a key was sent by then.
    close: Notify,
    close_at: Instant,
    /// End after the current request, if any.
    end: Notify,
    is_known: AtomicBool,
}

/// One connection; dropping it removes it from [`Connections`].
pub(super) struct Connection {
    all: Connections,
    signals: Arc<Signals>,
    is_refused: bool,
}

impl Connections {
    /// At most `strangers` connections are without a key.
    pub(super) fn new(strangers: usize) -> Self {
        Self {
            shares: Shares::new(strangers, handles()),
            open: Arc::default(),
            ended: Arc::default(),
        }
    }

    /// Waits until another connection may be accepted.
    pub(super) async fn room(&self) {
        loop {
            let ended = self.ended.notified();
            if self.open().count < self.shares.accepted {
                return;
            }
            ended.await;
        }
    }

    /// Adds a connection.
    pub(super) fn admit(&self) -> Connection {
        let mut open = self.open();
        // The others are about to close.
        let staying = open.strangers.len() + open.with_key;
        let is_refused = staying >= self.shares.served;
        let signals = Arc::new(Signals {
            close: Notify::new(),
            close_at: Instant::now() + if is_refused { REFUSED_GRACE } else { GRACE },
            end: Notify::new(),
            is_known: AtomicBool::new(false),
        });
        if staying >= self.shares.kept
            && let Some(unused) = open.known.pop_front()
        {
            unused.end.notify_one();
        }
        if is_refused {
            signals.close.notify_one();
        } else {
            if open.strangers.len() >= self.shares.strangers
                && let Some(oldest) = open.strangers.pop_front()
            {
                oldest.close.notify_one();
            }
            open.strangers.push_back(Arc::clone(&signals));
        }
        open.count += 1;
        Connection { all: self.clone(), signals, is_refused }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock()
    }
}

impl Shares {
    fn new(strangers: usize, handles: usize) -> Self {
        let handles = handles.saturating_sub(OWN_HANDLES);
        let served = (handles / 2).max(2);
        Self {
            strangers: strangers.min(handles / 4).max(1),
            kept: (served - served / 4).max(1),
            served,
            accepted: served + (served / 4).max(1),
        }
    }
}

impl Open {
    fn forget(&mut self, signals: &Arc<Signals>) {
        self.strangers.retain(|other| !Arc::ptr_eq(other, signals));
        self.known.retain(|other| !Arc::ptr_eq(other, signals));
    }
}

impl Connection {
    /// Whether all its requests are rejected because there are too many connections.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused
    }

    /// Records that a request had a valid key.
    pub(super) fn is_used(&self) {
        let mut open = self.all.open();
        if !self.signals.is_known.swap(true, Ordering::Relaxed) {
            open.with_key += 1;
        }
        open.forget(&self.signals);
        open.known.push_back(Arc::clone(&self.signals));
    }

    /// Waits until the connection must be closed at once.
    pub(super) async fn is_to_close(&self) {
        self.signals.close.notified().await;
        sleep_until(self.signals.close_at).await;
        if self.signals.is_known.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
    }

    /// Waits until the connection must end after the current request.
    pub(super) async fn is_to_end(&self) {
        self.signals.end.notified().await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut open = self.all.open();
        open.forget(&self.signals);
        open.count -= 1;
        if self.signals.is_known.load(Ordering::Relaxed) {
            open.with_key -= 1;
        }
        drop(open);
        self.all.ended.notify_waiters();
    }
}

/// The number of files that this process may have open.
#[cfg(unix)]
fn handles() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
fn handles() -> usize {
    usize::MAX
}

#[cfg(test)]
mod tests {
    use super::{OWN_HANDLES, Shares};

    #[test]
    fn connections_get_a_share_of_the_file_handles_and_files_the_rest() {
        for handles in (0..5_000).chain([1 << 20, usize::MAX]) {
            for setting in [0, 1, 1_000, usize::MAX] {
                let Shares { strangers, kept, served, accepted } = Shares::new(setting, handles);
                assert!(1 <= strangers && 1 <= kept, "{handles}");
                assert!(strangers <= served && kept <= served && served < accepted, "{handles}");
                if handles >= 2 * OWN_HANDLES {
                    assert!(strangers <= handles / 4, "{handles}");
                    assert!(accepted <= handles / 3 * 2 && OWN_HANDLES + accepted < handles);
                }
            }
        }
    }
}
