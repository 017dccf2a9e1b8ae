//! What the server has: open requests, and files.

use super::super::RequestId;

/// How far a request is, seen from the client's side of the connection.
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
    /// The service has a place for it; bodies move into buffers without one.
    pub(super) is_served: bool,
}

/// A file in the dataset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) file: usize,
    /// Its content is ours, and not the rival's.
    pub(super) is_ours: bool,
}
