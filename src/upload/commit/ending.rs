//! What the end of a request means for its file.

use super::{
    decision::{Cause, Decision, Scope, Turn},
    events::{Ending, StopCause},
    files::{File, Phase},
};

/// The state of a request's connection when the request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    /// The connection has not asked for the body.
    Opening,
    Open,
}

/// Decides from what was sent, never from the kind of error. A file whose tail was not released
/// cannot be in the dataset. Any other outcome but a success must be looked up.
pub(super) fn decide(file: &File, ending: Ending, turn: Turn, connection: Connection) -> Decision {
    let in_doubt = file.phase == Phase::Released;
    // A tail that an earlier request released may be committed at any time.
    let may_be_there = file.may_be_there;
    let must_settle = match ending {
        Ending::Temporary { .. } => in_doubt,
        Ending::Refused => may_be_there,
        // When it is this file's turn, the listing shows whether the content is the same.
        Ending::NameTaken if turn == Turn::Now => true,
        Ending::NameTaken | Ending::Final => in_doubt || may_be_there,
        Ending::Accepted | Ending::RefusedAll => false,
    };
    match ending {
        _ if must_settle => Decision::Settle,
        Ending::Accepted if in_doubt => Decision::Commit,
        Ending::Accepted => Decision::Stop(StopCause::CommittedEarly, Scope::All),
        Ending::Refused | Ending::Final => Decision::Stop(StopCause::Failed, Scope::FromHere),
        Ending::RefusedAll => Decision::Stop(StopCause::Failed, Scope::All),
        Ending::NameTaken => Decision::Stop(StopCause::NameTaken, Scope::FromHere),
        Ending::Temporary { failure, retry_after } => {
            let cause = match connection {
                Connection::Opening => Cause::NoRoom,
                Connection::Open => Cause::told(failure, retry_after),
            };
            Decision::Retry { cause, retry_after }
        }
    }
}
