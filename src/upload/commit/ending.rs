//! What the end of a request means for its file.

use super::{
    decision::{Cause, Decision, Scope, Turn},
    events::{Ending, StopCause},
    files::{File, Phase},
};

/// How far the connection of a request was when the request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connection {
    /// Nobody has asked for the body.
    Opening,
    Open,
}

/// Decides from what was sent, never from the kind of error: a file whose tail was not released
/// cannot be in the dataset, and any other outcome but a success must be looked up.
pub(super) fn decide(file: &File, ending: Ending, turn: Turn, connection: Connection) -> Decision {
    let in_doubt = file.phase == Phase::Released;
    // What an earlier request has released may turn up at any time.
    let may_be_there = file.may_be_there;
    let must_settle = match ending {
        Ending::Temporary { .. } => in_doubt,
        Ending::Refused => may_be_there,
        // The listing tells whether the content is the same, as soon as it is this file's turn.
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
