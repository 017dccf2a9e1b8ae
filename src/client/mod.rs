//! The dataset API over HTTP: one method for each call.

mod answer;
mod body;
mod calls;
mod deletion;
mod download;
mod http;
mod kept_connections;
mod listing;
mod object_download;
mod options;
mod redactor;
mod retry;
mod staging;
mod tls;
mod tls_words;
mod transfer;

pub(crate) use body::{BodyEvent, BodyHandle, BodyState, TailOrder, body_line};
pub(crate) use calls::UploadAttempt;
pub use download::DownloadOptions;
pub use http::ApiClient;
pub use listing::ListingCursor;
pub use options::ClientOptions;
pub(crate) use retry::{Deadline, backoff};
pub(crate) use staging::CommitOutcome;
