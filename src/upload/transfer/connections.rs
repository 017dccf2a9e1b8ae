//! Whether the connection of an acknowledged upload is reused for the next one.

mod encrypted;
mod unencrypted;

use std::time::Duration;

use self::{encrypted::Overtaken, unencrypted::Served};
use crate::{
    client::ApiClient,
    config::READ_BYTES,
    upload::commit::{Mode, Order, RequestId},
};

/// The connections for uploads.
///
/// If a server serves few connections, a file on a connection that is used again would overtake
/// those whose connections wait to be served, among them the next file of the plan. So a connection
/// is used again only while all files that were started are known to be served.
pub(super) struct Connections {
    own: ApiClient,
    kept: Option<Kept>,
}

/// Connections that are used again.
struct Kept {
    client: ApiClient,
    knowledge: Knowledge,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.client.end_connections();
    }
}

/// What is known of the connections that a server serves.
enum Knowledge {
    Encrypted(Overtaken),
    Unencrypted(Served),
}

/// For larger files, a connection costs little, and many of them fill the link.
const MAX_UNENCRYPTED_BYTES: u64 = READ_BYTES as u64;

impl Connections {
    /// Connections for the requests of a `mode`. Staged files use those of other calls.
    pub(super) fn new(client: &ApiClient, mode: Mode, concurrency: usize) -> Self {
        let knowledge = match mode {
            Mode::Uploads(_) if client.is_encrypted() => {
                Some(Knowledge::Encrypted(Overtaken::default()))
            }
            // They come one after the other in any case.
            Mode::Uploads(Order::Planned) => Some(Knowledge::Unencrypted(Served::new(concurrency))),
            Mode::Uploads(Order::Any) | Mode::Stages(_) => None,
        };
        let keeping = |knowledge| {
            // Without it, each file has its own connection.
            let client = client.keeping_connections().ok()?;
            Some(Kept { client, knowledge })
        };
        Self { own: client.clone(), kept: knowledge.and_then(keeping) }
    }

    /// Whether the requests drive their connections, which have no tasks of their own.
    pub(super) fn are_driven(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| kept.client.drives_connections())
    }

    /// How long a file of this size waits for a response to another one; `None` if it may start.
    pub(super) fn wait(&mut self, size_bytes: u64) -> Option<Duration> {
        let Knowledge::Unencrypted(served) = &self.kept.as_ref()?.knowledge else { return None };
        if size_bytes > MAX_UNENCRYPTED_BYTES {
            self.kept = None;
            return None;
        }
        (!served.may_start()).then(|| served.patience())
    }

    /// The client that sends this file.
    pub(super) fn client_for(&mut self, request: RequestId) -> &ApiClient {
        let Some(Kept { client, knowledge }) = &mut self.kept else { return &self.own };
        match knowledge {
            Knowledge::Encrypted(overtaken) => overtaken.started(request),
            Knowledge::Unencrypted(served) => {
                served.are_idle(client.close_unused_connections());
                served.started(request);
            }
        }
        client
    }

    /// Leaves no connection idle for long: others may wait for its place.
    pub(super) fn close_unused(&self) {
        if let Some(kept) = &self.kept {
            kept.client.close_unused_connections();
        }
    }

    /// This request has a connection.
    pub(super) fn opened(&mut self, request: RequestId) {
        if let Some(Kept { knowledge: Knowledge::Encrypted(overtaken), .. }) = &mut self.kept
            && overtaken.opened(request)
        {
            self.kept = None;
        }
    }

    /// A request got its response: its connection is idle.
    pub(super) fn answered(&mut self, request: RequestId) {
        match self.kept.as_mut().map(|kept| &mut kept.knowledge) {
            Some(Knowledge::Encrypted(overtaken)) => overtaken.answered(),
            Some(Knowledge::Unencrypted(served)) => served.answered(request),
            None => {}
        }
    }

    /// From now on, no connection is reused: a request has failed, was dropped because others
    /// starve, or has waited for a response in vain.
    pub(super) fn failed(&mut self) {
        self.kept = None;
    }
}
