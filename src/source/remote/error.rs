//! Why an object cannot be read.

use std::io;

use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::{
    error::Error,
    location::Location,
    object_stores::{status, words},
};

/// Codes of S3 for keys that it does not accept.
const REFUSED_KEYS: [&str; 5] =
    ["AccessDenied", "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "SignatureDoesNotMatch"];

/// What to do on a machine that has no keys.
pub(super) const NO_CREDENTIALS: &str = "no credentials for s3:// were found in storage_options (aws_access_key_id, \
     aws_secret_access_key), in the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), in the \
     profile (AWS_PROFILE, ~/.aws/credentials), or on a machine of AWS; for a public bucket, set \
     the option aws_skip_signature to true";

/// Bytes as they arrive, until the connection breaks.
pub(super) type Body = BoxStream<'static, Result<Bytes, ReadError>>;

/// Why an object, or a part of it, cannot be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It is not the one that was pinned: "it was replaced", …
    Changed(&'static str),
    /// It is not there.
    Missing,
    /// The store refused, or did not respond to several attempts.
    Failed(io::ErrorKind, String),
    /// The connection broke, or the store is overloaded; another attempt may succeed.
    Broken(String),
}

impl ReadError {
    pub(super) fn of_store(error: &object_store::Error) -> Self {
        use object_store::Error as Of;
        let said = words(error);
        match error {
            _ if said.contains("NoSuchBucket") => {
                Self::Failed(io::ErrorKind::NotFound, format!("there is no such bucket ({said})"))
            }
            // The service that gives credentials to machines of AWS.
            _ if said.contains("/latest/api/token") => {
                Self::Failed(io::ErrorKind::PermissionDenied, NO_CREDENTIALS.to_owned())
            }
            Of::NotFound { .. } => Self::Missing,
            Of::Precondition { .. } | Of::NotModified { .. } => Self::Changed("it was replaced"),
            Of::PermissionDenied { .. } | Of::Unauthenticated { .. } => Self::denied(&said),
            _ if status(&said) == Some(416) => Self::Changed("it shrank"),
            // Says no more than that, and is what S3 responds with when a token has expired.
            _ if status(&said) == Some(400) && said.contains("performing HEAD") => {
                Self::denied(&said)
            }
            _ if REFUSED_KEYS.iter().any(|code| said.contains(code)) => Self::denied(&said),
            _ if said.contains("redirect without LOCATION") => Self::Failed(
                io::ErrorKind::Other,
                format!("the bucket is in another region; set aws_region ({said})"),
            ),
            _ => Self::Failed(io::ErrorKind::Other, said),
        }
    }

    fn denied(said: &str) -> Self {
        let advice = "the store refused access; check the credentials in storage_options, the \
                      environment or the profile";
        Self::Failed(io::ErrorKind::PermissionDenied, format!("{advice} ({said})"))
    }

    /// The error of a read of a pinned object.
    pub(super) fn while_reading(self, location: &Location) -> Error {
        match self {
            Self::Missing => Self::Changed("it was deleted").of(location),
            error => error.of(location),
        }
    }

    pub(super) fn of(self, location: &Location) -> Error {
        let failed = |kind, words: String| Error::File {
            path: location.into(),
            source: io::Error::new(kind, words),
        };
        match self {
            Self::Changed(change) => Error::FileChanged { location: location.clone(), change },
            Self::Missing => failed(io::ErrorKind::NotFound, "there is no such object".to_owned()),
            Self::Failed(kind, words) => failed(kind, words),
            Self::Broken(words) => failed(io::ErrorKind::Other, words),
        }
    }
}
