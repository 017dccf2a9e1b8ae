//! How many requests may be open, adapted to what the server serves.

/// The number of commits before one more request is tried than the server is known to serve.
const FIRST_PATIENCE: usize = 4;
/// This number doubles at most this often.
const MOST_DOUBLINGS: u32 = 8;

/// Shrinks at once and grows commit by commit, as TCP's window does (RFC 5681). A number that the
/// server rejected is remembered, and tried again less and less often.
#[derive(Clone, Debug)]
pub(super) struct OpenLimit {
    pub(super) requests: usize,
    most: usize,
    /// The server serves this many requests; it rejected more.
    served: usize,
    /// How often in a row it rejected more than `served`.
    refusals: u32,
    commits_since_change: usize,
}

impl OpenLimit {
    pub(super) fn new(most: usize) -> Self {
        Self { requests: most, most, served: most, refusals: 0, commits_since_change: 0 }
    }

    /// Notes a failure that one request too many may have caused.
    pub(super) fn lower_to(&mut self, requests: usize) {
        self.requests = requests.clamp(1, self.requests);
        self.commits_since_change = 0;
    }

    /// Notes that the server was seen to serve `served` requests and no more.
    pub(super) fn serves(&mut self, served: usize) {
        let was_a_trial = self.requests > self.served;
        self.refusals = (self.refusals + u32::from(was_a_trial)).min(MOST_DOUBLINGS);
        self.served = served.clamp(1, self.most);
        self.lower_to(self.served);
    }

    /// It is not known how many requests the server serves.
    pub(super) fn forget(&mut self) {
        self.served = self.most;
    }

    /// Notes that a file was committed.
    pub(super) fn grow(&mut self) {
        self.commits_since_change += 1;
        let needed = if self.requests < self.served {
            1
        } else {
            self.requests.max(FIRST_PATIENCE) << self.refusals
        };
        if self.commits_since_change < needed || self.requests == self.most {
            return;
        }
        if self.requests > self.served {
            // The last trial succeeded.
            self.served = self.requests;
            self.refusals = self.refusals.saturating_sub(1);
        }
        self.requests += 1;
        self.commits_since_change = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::OpenLimit;

    /// The number of rejections by a server with this many `places`, while this many files are
    /// committed.
    fn refusals(places: usize, commits: usize) -> usize {
        let mut limit = OpenLimit::new(40);
        let mut refused = 0;
        for _ in 0..commits {
            if limit.requests > places {
                refused += 1;
                limit.serves(places);
            }
            limit.grow();
        }
        refused
    }

    #[test]
    fn a_rejected_number_is_retried_less_and_less_often() {
        for places in 1..8 {
            assert!(refusals(places, 100) <= 5, "{places}");
            assert!(refusals(places, 10_000) <= 20, "{places}");
        }
    }

    #[test]
    fn a_server_that_serves_more_than_before_gets_more_requests() {
        let mut limit = OpenLimit::new(8);
        limit.serves(2);
        (0..200).for_each(|_| limit.grow());
        assert_eq!(limit.requests, 8);
    }

    #[test]
    fn a_failure_other_than_a_rejection_is_made_up_for_with_each_commit() {
        let mut limit = OpenLimit::new(8);
        limit.lower_to(3);
        (0..5).for_each(|_| limit.grow());
        assert_eq!(limit.requests, 8);
    }
}
