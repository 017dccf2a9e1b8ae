//! Whether the connection of an acknowledged upload is reused for the next one.

use crate::{
    client::ApiClient,
    upload::commit::{Mode, RequestId},
};

/// The connections for uploads.
///
/// If a server serves few connections, a file on a connection that is used again would overtake
/// those whose connections wait to be served, among them the next file of the plan. An encrypted
/// connection was served when its handshake ended, and requests are opened one after the other, so
/// nothing is overtaken. Unencrypted connections may wait in the queue of the server's kernel, which
/// a client cannot see: there, each upload has its own.
pub(super) struct Connections {
    own: ApiClient,
    /// Dropped with its idle connections.
    kept: Option<ApiClient>,
    /// The request that waits for its connection, and whether another one got a response meanwhile.
    opening: Option<(RequestId, bool)>,
    /// Requests in a row that waited for their connection until another one got a response, and
    /// then used that one's.
    overtaken: usize,
}

/// If so many connections in a row open only after others are idle, the server serves no more.
/// Connections that are still being opened would be accepted one by one, and each would stay idle
/// for a while.
const MOST_OVERTAKEN: usize = 8;

impl Connections {
    /// Connections for the requests of a `mode`. Staged files use those of other calls.
    pub(super) fn new(client: &ApiClient, mode: Mode) -> Self {
        let is_kept = matches!(mode, Mode::Uploads(_)) && client.is_encrypted();
        let kept = is_kept.then(|| client.keeping_connections().ok()).flatten();
        Self { own: client.clone(), kept, opening: None, overtaken: 0 }
    }

    /// The client that sends this file.
    pub(super) fn client_for(&mut self, request: RequestId) -> &ApiClient {
        self.opening = Some((request, false));
        self.kept.as_ref().unwrap_or(&self.own)
    }

    /// This request has a connection.
    pub(super) fn opened(&mut self, request: RequestId) {
        let Some((_, was_overtaken)) = self.opening.take_if(|(it, _)| *it == request) else {
            return;
        };
        self.overtaken = if was_overtaken { self.overtaken + 1 } else { 0 };
        if self.overtaken == MOST_OVERTAKEN {
            self.kept = None;
        }
    }

    /// A request got its response: its connection is idle.
    pub(super) fn answered(&mut self) {
        if let Some((_, was_overtaken)) = &mut self.opening {
            *was_overtaken = true;
        }
    }

    /// A request has failed, or was dropped because others starve: from now on, no connection is
    /// reused.
    pub(super) fn failed(&mut self) {
        self.kept = None;
    }
}
