//! When encrypted connections stop being reused.

use crate::upload::commit::RequestId;

/// So many connections in a row do not open before others are idle: the server serves no more.
/// Those that are still being opened would come one by one, and each would stay idle for a while.
const MOST_OVERTAKEN: usize = 8;

/// An encrypted connection was served when its handshake ended, and requests are opened one after
/// the other, so nothing is overtaken unless a connection is kept waiting.
#[derive(Default)]
pub(super) struct Overtaken {
    /// The request that waits for its connection, and whether another one was answered meanwhile.
    opening: Option<(RequestId, bool)>,
    /// Requests in a row that waited for their connection until another one was answered, and took
    /// that one's.
    count: usize,
}

impl Overtaken {
    pub(super) fn started(&mut self, request: RequestId) {
        self.opening = Some((request, false));
    }

    /// This request has a connection. Returns whether the server serves no more connections.
    pub(super) fn opened(&mut self, request: RequestId) -> bool {
        let Some((_, was_overtaken)) = self.opening.take_if(|(it, _)| *it == request) else {
            return false;
        };
        self.count = if was_overtaken { self.count + 1 } else { 0 };
        self.count == MOST_OVERTAKEN
    }

    /// A request was answered: its connection is idle.
    pub(super) fn answered(&mut self) {
        if let Some((_, was_overtaken)) = &mut self.opening {
            *was_overtaken = true;
        }
    }
}
