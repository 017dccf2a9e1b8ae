//! A file in doubt: nothing moves until the listing has said whether it was committed.

use std::time::Duration;

use super::{
    Action, Ending, Failure, FileIndex, Gate, Grace, Phase, StopCause, Verdict, file::Unavailable,
    head::lacks_room, planted,
};
use crate::config::MAX_STALE_LISTINGS;

impl Gate {
    pub(super) fn settle(&mut self, file: FileIndex, ending: Ending, actions: &mut Vec<Action>) {
        // That a name is taken says for certain that this request has not taken it.
        let is_certain = ending == Ending::NameTaken && !planted!(self, TakenNameTakenForOurs);
        self.files[file].may_be_there |= !is_certain;
        self.files[file].phase =
            Phase::Settling { polls: 0, ending, unavailable: Unavailable::default() };
        actions.push(Action::Settle(file, Grace::None));
    }

    pub(super) fn settled(&mut self, file: FileIndex, verdict: Verdict, actions: &mut Vec<Action>) {
        let Phase::Settling { polls, ending, .. } = self.files[file].phase else {
            return;
        };
        let verdict = match verdict {
            // The service has just said that the name is taken: a list without it is old.
            Verdict::Absent if ending == Ending::NameTaken => Verdict::Stale,
            Verdict::Stale if planted!(self, StaleListingBelieved) => Verdict::Absent,
            _ if verdict == Verdict::Unknown && planted!(self, MissingListingBelieved) => {
                Verdict::Absent
            }
            verdict => verdict,
        };
        let polls = if planted!(self, GraceSkipped) { 1 } else { polls };
        match verdict {
            Verdict::Committed => self.commit(file, actions),
            Verdict::Alike if self.files[file].may_be_there => self.commit(file, actions),
            Verdict::Alike => self.stop(file, StopCause::NameTaken, true, actions),
            Verdict::Foreign => self.stop(file, StopCause::ForeignWriter, true, actions),
            Verdict::Unknown => self.stop(file, StopCause::OutcomeUnknown, true, actions),
            Verdict::Unavailable { retry_after } => {
                self.ask_again(file, retry_after, actions);
            }
            Verdict::Stale if polls >= MAX_STALE_LISTINGS => {
                let is_refused = ending == Ending::NameTaken && !self.files[file].may_be_there;
                let cause = if is_refused { StopCause::Failed } else { StopCause::ListingBehind };
                self.stop(file, cause, true, actions);
            }
            Verdict::Absent if polls > 0 => match ending {
                Ending::Temporary { failure, retry_after } => {
                    let lacks_room = lacks_room(failure, retry_after, false);
                    self.pause(file, lacks_room, retry_after, actions);
                }
                _ => self.stop(file, StopCause::Failed, false, actions),
            },
            // The first look came too early to believe: the request may be on its way.
            Verdict::Absent | Verdict::Stale => {
                let failure = match ending {
                    Ending::Temporary { failure, .. } => failure,
                    _ => Failure::Broken,
                };
                let grace =
                    if failure == Failure::StillAtWork { Grace::Long } else { Grace::Short };
                let unavailable = Unavailable::default();
                self.files[file].phase = Phase::Settling { polls: polls + 1, ending, unavailable };
                actions.push(Action::Settle(file, grace));
            }
        }
    }

    /// What is held may have all connections that the service serves, so that none is left for
    /// the listing. Asks again with that out of the way, as often as anything is tried.
    fn ask_again(
        &mut self,
        file: FileIndex,
        retry_after: Option<Duration>,
        actions: &mut Vec<Action>,
    ) {
        let others = self.open();
        let Phase::Settling { unavailable, .. } = &mut self.files[file].phase else {
            return;
        };
        unavailable.times += 1;
        unavailable.alone += u32::from(others == 0);
        let Unavailable { times, alone } = *unavailable;
        if alone > self.config.max_retries {
            return self.stop(file, StopCause::OutcomeUnknown, true, actions);
        }
        if others > 0 && !planted!(self, ListingStarved) {
            self.make_room(0, others, actions);
        }
        actions.push(Action::Settle(file, Grace::Retry { failures: times, at_least: retry_after }));
    }
}
