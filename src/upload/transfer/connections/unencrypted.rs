//! Which unencrypted connections a server is known to serve.

use std::time::{Duration, Instant};

use crate::{config::IDLE_TIMEOUT, upload::commit::RequestId};

/// An unencrypted connection opens in the queue of the server's kernel, which a client cannot see.
/// It is known to be served after its first response. Until then, no other request starts: on an
/// idle connection, it could overtake this one, whose file comes before.
pub(super) struct Served {
    /// The maximum number of open requests. More would only hold their tails.
    concurrency: usize,
    open: usize,
    /// Connections that had a response and have no request now.
    idle: usize,
    /// The request whose connection had no response yet.
    unknown: Option<RequestId>,
    last_response: Instant,
}

/// The server may be waiting for an idle connection to close if no response comes within this time.
const PATIENCE: Duration = IDLE_TIMEOUT;

impl Served {
    pub(super) fn new(concurrency: usize) -> Self {
        // While one request is answered, the next one is sent.
        let concurrency = concurrency.max(2);
        Self { concurrency, open: 0, idle: 0, unknown: None, last_response: Instant::now() }
    }

    /// Whether another request may start now.
    pub(super) fn may_start(&self) -> bool {
        self.unknown.is_none() && self.open < self.concurrency
    }

    /// So many connections are idle, if this is known better.
    pub(super) fn are_idle(&mut self, count: Option<usize>) {
        self.idle = count.unwrap_or(self.idle);
    }

    pub(super) fn started(&mut self, request: RequestId) {
        self.open += 1;
        if self.idle > 0 {
            self.idle -= 1;
        } else {
            self.unknown = Some(request);
        }
    }

    pub(super) fn answered(&mut self, request: RequestId) {
        self.open = self.open.saturating_sub(1);
        self.idle += 1;
        self.unknown.take_if(|it| *it == request);
        self.last_response = Instant::now();
    }

    /// How long to wait for a response before connections are no longer reused.
    pub(super) fn patience(&self) -> Duration {
        PATIENCE.saturating_sub(self.last_response.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use super::{RequestId, Served};

    fn request(file: usize) -> RequestId {
        RequestId { file, attempt: 1 }
    }

    #[test]
    fn no_request_starts_while_a_connection_has_had_no_response() {
        let mut served = Served::new(8);
        served.started(request(0));
        assert!(!served.may_start());
        served.answered(request(0));
        served.started(request(1));
        assert!(served.may_start(), "it has the connection of the first one");
        served.started(request(2));
        assert!(!served.may_start(), "it has a new one");
        served.answered(request(1));
        assert!(!served.may_start(), "an idle connection would overtake it");
        served.answered(request(2));
        assert!(served.may_start());
    }

    #[test]
    fn no_more_requests_are_open_than_the_concurrency_but_two() {
        for (concurrency, expected) in [(1, 2), (2, 2), (3, 3), (8, 8)] {
            let mut served = Served::new(concurrency);
            let mut most = 0;
            for file in 0..100 {
                if !served.may_start() {
                    // All of them are answered, one after the other.
                    (file - served.open..file).for_each(|file| served.answered(request(file)));
                }
                served.started(request(file));
                most = most.max(served.open);
            }
            assert_eq!(most, expected);
        }
    }
}
