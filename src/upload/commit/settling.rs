//! Settles a file in doubt. Nothing moves until the listing shows whether it was committed.

use super::{
    decision::{Cause, Decision, Room, Scope},
    events::{Ending, Failure, Grace, StopCause, Verdict},
};
use crate::config::MAX_STALE_LISTINGS;

/// The lookup of a file in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settling {
    /// How its request ended.
    ending: Ending,
    /// Listings so far that lacked the file.
    polls: u32,
    /// Listings in a row that were not available.
    unavailable: u32,
    /// The part of these without an open upload that could have been in the way.
    unavailable_alone: u32,
}

/// The rest of what the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    /// An earlier request may have committed the file.
    pub(super) may_be_there: bool,
    /// The number of open uploads.
    pub(super) others: usize,
    pub(super) max_retries: u32,
}

impl Settling {
    pub(super) fn after(ending: Ending) -> Self {
        Self { ending, polls: 0, unavailable: 0, unavailable_alone: 0 }
    }

    /// Whether the request itself may have committed the file. If it was rejected because the name
    /// is in use, it certainly has not.
    pub(super) fn is_of_a_possible_commit(self) -> bool {
        self.ending != Ending::NameTaken
    }

    pub(super) fn weigh(&mut self, verdict: Verdict, around: Surroundings) -> Decision {
        match verdict {
            Verdict::Committed => Decision::Commit,
            Verdict::Alike if around.may_be_there => Decision::Commit,
            Verdict::Alike => Decision::Stop(StopCause::NameTaken, Scope::All),
            Verdict::Foreign => Decision::Stop(StopCause::ForeignWriter, Scope::All),
            Verdict::Unknown => Decision::Stop(StopCause::OutcomeUnknown, Scope::All),
            Verdict::Unavailable { retry_after } => {
                self.unavailable += 1;
                self.unavailable_alone += u32::from(around.others == 0);
                if self.unavailable_alone > around.max_retries {
                    return Decision::Stop(StopCause::OutcomeUnknown, Scope::All);
                }
                // Held uploads may occupy all connections that the server serves, so that none is
                // left for the listing.
                let room = Room { kept: 0, served: around.others };
                let room = (around.others > 0).then_some(room);
                let failures = self.unavailable;
                let grace = Grace::Retry { failures, at_least: retry_after };
                Decision::SettleAgain { grace, room }
            }
            // The server just reported that the name is in use, so a listing without it is stale.
            Verdict::Absent if self.ending != Ending::NameTaken => self.absent(),
            Verdict::Absent | Verdict::Stale => self.stale(around),
        }
    }

    fn absent(&mut self) -> Decision {
        match self.ending {
            // The first listing proves nothing: the request may still be on its way.
            _ if self.polls == 0 => self.look_again(),
            Ending::Temporary { failure, retry_after } => {
                Decision::Retry { cause: Cause::told(failure, retry_after), retry_after }
            }
            _ => Decision::Stop(StopCause::Failed, Scope::FromHere),
        }
    }

    fn stale(&mut self, around: Surroundings) -> Decision {
        if self.polls < MAX_STALE_LISTINGS {
            return self.look_again();
        }
        let is_refused = self.ending == Ending::NameTaken && !around.may_be_there;
        let cause = if is_refused { StopCause::Failed } else { StopCause::ListingBehind };
        Decision::Stop(cause, Scope::All)
    }

    fn look_again(&mut self) -> Decision {
        let is_at_work =
            matches!(self.ending, Ending::Temporary { failure: Failure::StillAtWork, .. });
        let grace = if is_at_work { Grace::Long } else { Grace::Short };
        *self = Self { polls: self.polls + 1, ..Self::after(self.ending) };
        Decision::SettleAgain { grace, room: None }
    }
}
