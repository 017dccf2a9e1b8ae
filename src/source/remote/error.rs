//! Why an object cannot be read.

use std::io;

use bytes::Bytes;
use futures_util::stream::BoxStream;

use super::credentials::{NO_AZURE, NO_GOOGLE, NO_S3};
use crate::{
    error::Error,
    location::Location,
    object_stores::{status, words},
};

/// Codes of stores for keys that they do not accept.
const REFUSED_KEYS: [&str; 6] = [
    "AccessDenied",
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "PublicAccessNotPermitted",
    "SignatureDoesNotMatch",
];

/// Bytes as they arrive, until the connection breaks.
pub(super) type Body = BoxStream<'static, Result<Bytes, ReadError>>;

/// Why an object, or a part of it, cannot be read.
#[derive(Debug)]
pub(super) enum ReadError {
    /// It is not the one that was pinned: "it was replaced", …
    Changed(&'static str),
    /// It is not there.
    Missing,
    /// The store rejected the request, or did not respond to several attempts.
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
            // The services that give credentials to machines of a cloud.
            _ if said.contains("/latest/api/token") => Self::without_credentials(NO_S3),
            _ if said.contains("/computeMetadata/") => Self::without_credentials(NO_GOOGLE),
            _ if said.contains("/metadata/identity/") => Self::without_credentials(NO_AZURE),
            Of::NotFound { .. } => Self::Missing,
            Of::Precondition { .. } | Of::NotModified { .. } => Self::Changed("it was replaced"),
            Of::PermissionDenied { .. } | Of::Unauthenticated { .. } => Self::denied(&said),
            _ if status(&said) == Some(416) => Self::Changed("it shrank"),
            // The message says no more than this code. S3 sends it when a token has expired.
            _ if status(&said) == Some(400) && said.contains("performing HEAD") => {
                Self::denied(&said)
            }
            _ if matches!(status(&said), Some(401 | 403)) => Self::denied(&said),
            _ if said.contains("token request") && matches!(status(&said), Some(400..=499)) => {
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

    /// The error of a listing, or of a write.
    pub(super) fn in_bucket(self, kind: &str) -> Self {
        match self {
            Self::Failed(_, said) if status(&said) == Some(404) => {
                Self::Failed(io::ErrorKind::NotFound, format!("there is no such {kind} ({said})"))
            }
            Self::Missing => {
                Self::Failed(io::ErrorKind::NotFound, format!("there is no such {kind}"))
            }
            error => error,
        }
    }

    fn without_credentials(words: &str) -> Self {
        Self::Failed(io::ErrorKind::PermissionDenied, words.to_owned())
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
