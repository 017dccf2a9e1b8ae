//! What the end of a request means for the strategy, and the end of a run for its caller.

use super::commit::{Ending, Failure, StopCause};
use crate::{
    client::BodyState,
    config::MAX_STALE_LISTINGS,
    error::{Error, Result},
    hint::{Hint, Message},
};

/// Why a run ended before all files were committed.
pub(super) fn stop_error(
    cause: StopCause,
    file_name: String,
    dataset_id: String,
    last_error: Option<Error>,
) -> Error {
    let words = last_error.as_ref().map(ToString::to_string).unwrap_or_default();
    let message: Message = match cause {
        StopCause::Failed => {
            return last_error.unwrap_or_else(|| {
                Error::Internal(format!("{file_name} failed without an error"))
            });
        }
        StopCause::ListingBehind => return listing_stays_behind(file_name, last_error.as_ref()),
        StopCause::OutcomeUnknown => return Error::OutcomeUnknown { file_name, message: words },
        StopCause::ForeignWriter => {
            let found = format!("expected {file_name} next, but found other files; {words}");
            found.trim_end_matches("; ").into()
        }
        StopCause::NameTaken => format!(
            "the name {file_name} was in use when this upload first sent the file, so another \
             upload has stored it. It is unknown whether its content is the same"
        )
        .into(),
        StopCause::CommittedEarly => {
            Message::from(format!("the server committed {file_name} before its last byte was sent"))
                .hint(Hint::OneAtATime)
        }
    };
    Error::ForeignWriter { dataset_id, message }
}

/// As [`stop_error`], for files that are committed together.
pub(super) fn none_or_all_error(
    cause: StopCause,
    file_name: String,
    dataset_id: String,
    last_error: Option<Error>,
) -> Error {
    match (cause, last_error) {
        (StopCause::ForeignWriter, Some(Error::Refused { status: 412, message, .. })) => {
            Error::NotCommitted { dataset_id, message }
        }
        (cause, last_error) => match stop_error(cause, file_name, dataset_id, last_error) {
            Error::OutcomeUnknown { file_name, message } => Error::OutcomeUnknown {
                file_name,
                message: format!("all files are in the dataset, or none: {message}"),
            },
            error => error,
        },
    }
}

/// The listing kept lacking a file that the server had acknowledged.
pub(super) fn listing_stays_behind(file_name: String, last_error: Option<&Error>) -> Error {
    let before = last_error.map(|error| format!("{error}; then ")).unwrap_or_default();
    let message = format!(
        "{before}the server's list of files lacked a file that the server had acknowledged, {} times \
         in a row",
        MAX_STALE_LISTINGS + 1
    );
    Error::OutcomeUnknown { file_name, message }
}

/// A server that rejects a large body and closes at once looks like a broken connection, because
/// its response is usually lost.
pub(super) fn with_likely_cause(error: Error, body: &BodyState) -> Error {
    match error {
        Error::Connection { host, file_name, message } if body.sent() > 0 => {
            let name = file_name.as_deref().unwrap_or("it");
            let message =
                format!("{message} during the transfer; does {name} exceed a size limit?");
            Error::Connection { host, file_name, message }
        }
        error => error,
    }
}

/// What the end of a request means for the strategy.
pub(super) fn ending<T>(outcome: &Result<T>) -> Ending {
    match outcome {
        Ok(_) => Ending::Accepted,
        Err(Error::Authentication { .. } | Error::Refused { status: 404, .. }) => {
            Ending::RefusedAll
        }
        Err(Error::NameTaken { .. }) => Ending::NameTaken,
        Err(Error::Refused { .. }) => Ending::Refused,
        Err(error) if error.is_temporary() => {
            Ending::Temporary { failure: failure(error), retry_after: error.retry_after() }
        }
        Err(_) => Ending::Final,
    }
}

/// What a failure that may be temporary says about the server.
fn failure(error: &Error) -> Failure {
    match error {
        Error::Unavailable { status: 429 | 503, .. } | Error::File { .. } => Failure::NoRoom,
        Error::Unavailable { status: 504 | 524, .. } | Error::Timeout { .. } => {
            Failure::StillAtWork
        }
        _ => Failure::Broken,
    }
}
