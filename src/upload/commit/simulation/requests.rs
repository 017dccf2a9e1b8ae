//! The server's open requests and files.

use super::super::RequestId;

/// The state of a request, seen from the client's side of the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Stage {
    Connecting,
    Sending,
    Held,
    Released,
}

#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) stage: Stage,
    /// The server has a place for it. Without a place, bodies fill the buffers.
    pub(super) is_served: bool,
}

/// A file in the dataset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) file: usize,
    /// Its content is ours, not the rival's.
    pub(super) is_ours: bool,
}
