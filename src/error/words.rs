//! Error messages: what failed, for which file, and what to do.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::kinds::{Error, TakenReason, without_number};
use crate::{
    hint::{Hint, NEUTRAL, Words},
    message::{ECHOED_CHARS, bounded, cut, listed},
};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_words(NEUTRAL))
    }
}

impl Error {
    /// The message, with hints worded by `words`.
    #[must_use]
    pub fn in_words(&self, words: Words<'_>) -> String {
        let advice = match self {
            Self::OutcomeUnknown { .. } => {
                ". Run the same call again: it checks the dataset and continues"
            }
            _ => "",
        };
        bounded(format_args!("{}{advice}", self.reason(words)))
    }

    /// The message without advice about the upload that failed.
    pub(crate) fn reason(&self, words: Words<'_>) -> String {
        bounded(fmt::from_fn(|f| self.write_service_error(f, words)))
    }

    /// Writes errors of the server, or of something in front of it.
    fn write_service_error(&self, f: &mut fmt::Formatter<'_>, words: Words<'_>) -> fmt::Result {
        match self {
            Self::Authentication { host, status, message } => {
                let verb = if *status == 403 { "allow this" } else { "accept the API key" };
                write!(f, "the server at {host} does not {verb} (HTTP {status}): {message}")
            }
            Self::DatasetNotFound { dataset_id, message } if message.contains(dataset_id) => {
                f.write_str(message)
            }
            Self::DatasetNotFound { dataset_id, message } => {
                write!(f, "dataset {} not found: {message}", cut(dataset_id, ECHOED_CHARS))
            }
            Self::NoSuchFile { dataset_id, file_name } => {
                write!(f, "the dataset {dataset_id} has no file {file_name:?}")
            }
            Self::NamesTaken { dataset_id, names, reason } => {
                write!(f, "the dataset {dataset_id} already contains {}, ", listed(names))?;
                write_taken(f, reason, words)
            }
            Self::Refused { file_name, status, message }
            | Self::NameTaken { file_name, status, message } => {
                let what = file_name.as_deref().unwrap_or("the request");
                write!(f, "the server rejected {what} (HTTP {status}): {message}")
            }
            Self::Unavailable { file_name, status, message, .. } => {
                let file = for_file(file_name.as_deref());
                write!(f, "the server failed{file} (HTTP {status}): {message}")
            }
            Self::Intermediary { host, file_name, size_bytes, status } => {
                write_intermediary(f, host, file_name.as_deref(), *size_bytes, *status)
            }
            Self::Connection { host, file_name, message } => {
                write!(f, "cannot reach {host}{}: {message}", for_file(file_name.as_deref()))
            }
            Self::Certificate { host, message } => {
                write!(f, "the certificate of {host} cannot be trusted: {message}")
            }
            Self::Timeout { host, file_name, what, waited } => {
                write!(f, "{host} {what} for {} s", waited.as_secs())?;
                file_name.as_ref().map_or(Ok(()), |name| write!(f, " ({name})"))
            }
            Self::NotTheApi { host, message } => write!(
                f,
                "{host} does not respond like the dataset API: {message}. Is the API URL right?"
            ),
            Self::OutcomeUnknown { file_name, message } => {
                write!(f, "outcome unknown for {file_name}: {message}")
            }
            Self::ForeignWriter { dataset_id, message } => write!(
                f,
                "the dataset {dataset_id} does not contain what this upload has sent: {}. Is \
                 another process writing to it, or was its list of files stale when this upload \
                 started?",
                message.in_words(words)
            ),
            Self::NotCommitted { dataset_id, message } => write!(
                f,
                "nothing was committed to the dataset {dataset_id}: {message}. Another process may \
                 have written to it; {}",
                words(&Hint::ListFiles)
            ),
            _ => self.write_local_error(f, words),
        }
    }

    /// Writes errors of this machine.
    fn write_local_error(&self, f: &mut fmt::Formatter<'_>, words: Words<'_>) -> fmt::Result {
        match self {
            Self::Configuration(message) => f.write_str(&message.in_words(words)),
            Self::FolderInUse { folder, holder } => {
                let folder = folder.display().to_string();
                write!(
                    f,
                    "{folder} is open in {holder}, and only one process can use it: wait until it is \
                     done, or {}",
                    words(&Hint::ServeFolder { folder: folder.clone() })
                )
            }
            Self::File { path, source } => {
                let words = source.to_string();
                write!(f, "{}: {}{}", path.display(), without_number(&words), hint_at(path))
            }
            Self::OtherContent { paths } => {
                let exist = if paths.len() == 1 { "exists" } else { "exist" };
                write!(
                    f,
                    "{} already {exist}, with other content than in the dataset. Nothing was \
                     overwritten; {}",
                    listed(&names_of(paths)),
                    words(&Hint::Overwrite)
                )
            }
            Self::Frame { label, message, .. } => write!(f, "{label}: {message}"),
            Self::Rewrite { location, message } => {
                write!(f, "{location} cannot be rewritten: {message}")
            }
            Self::Decode { dataset_id, file_name, message } => {
                write!(f, "{file_name} of the dataset {dataset_id} cannot be decoded: {message}")
            }
            Self::FileChanged { location, change } => {
                write!(f, "{location} changed while it was uploaded: {change}")
            }
            Self::Internal(message) => write!(f, "internal error: {message}. Please report it"),
            // Written above; listed here so that a new variant cannot lack a message.
            Self::Authentication { .. }
            | Self::DatasetNotFound { .. }
            | Self::NoSuchFile { .. }
            | Self::NamesTaken { .. }
            | Self::Refused { .. }
            | Self::NameTaken { .. }
            | Self::Unavailable { .. }
            | Self::Intermediary { .. }
            | Self::Connection { .. }
            | Self::Certificate { .. }
            | Self::Timeout { .. }
            | Self::NotTheApi { .. }
            | Self::OutcomeUnknown { .. }
            | Self::ForeignWriter { .. }
            | Self::NotCommitted { .. } => Ok(()),
        }
    }
}

/// Completes "already contains FILES, ".
fn write_taken(f: &mut fmt::Formatter<'_>, reason: &TakenReason, words: Words<'_>) -> fmt::Result {
    let why = match reason {
        TakenReason::OtherContent => {
            return write!(
                f,
                "with other content. To add files, {}; to start over, upload to another dataset",
                words(&Hint::GiveOtherNames)
            );
        }
        TakenReason::InUse => {
            return write!(
                f,
                "and names are unique. To add files, {}; otherwise leave these files out",
                words(&Hint::GiveOtherNames)
            );
        }
        TakenReason::OtherPlace => {
            "the dataset does not end with the first files of this upload, in order".to_owned()
        }
        TakenReason::OtherFile { found, expected } => {
            format!("it has {found} where this upload has {expected}")
        }
    };
    write!(
        f,
        "but not from an earlier run of this upload: {why}. If an unordered upload was interrupted, \
         {}; otherwise upload to another dataset, or leave these files out",
        words(&Hint::ResumeUnordered)
    )
}

fn write_intermediary(
    f: &mut fmt::Formatter<'_>,
    host: &str,
    file_name: Option<&str>,
    size_bytes: Option<u64>,
    status: u16,
) -> fmt::Result {
    if status == 407 {
        return write!(
            f,
            "the proxy in front of {host} requires a user name and a password (HTTP 407): set \
             them in HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT"
        );
    }
    if status == 511 {
        return f
            .write_str("this network requires a login before it allows connections (HTTP 511)");
    }
    write!(f, "something between this machine and {host} rejected ")?;
    match (file_name, size_bytes) {
        (Some(name), Some(size)) => write!(f, "{name} ({size} bytes)")?,
        (Some(name), None) => f.write_str(name)?,
        _ => f.write_str("the request")?,
    }
    let what_to_do = match status {
        404 | 405 => "It does not forward this path or method: ask its operator",
        411 => "It does not accept bodies of unknown length: ask its operator",
        413 => {
            "It does not accept bodies of this size: ask its operator for a higher limit \
             (client_max_body_size in nginx), or write smaller files"
        }
        414 | 431 => "It does not accept request heads of this size: ask its operator",
        415 => "It does not forward multipart/form-data: ask its operator",
        451 => "It may not forward this, for legal reasons",
        _ => "The response is not from the server: ask the operator of the network or proxy",
    };
    write!(f, " (HTTP {status}). {what_to_do}")
}

fn names_of(paths: &[PathBuf]) -> Vec<impl fmt::Display> {
    paths.iter().map(|path| path.display()).collect()
}

fn hint_at(path: &Path) -> &'static str {
    if path == std::env::temp_dir() {
        ". This is the folder for temporary files; set TMPDIR for another one"
    } else {
        ""
    }
}

fn for_file(file_name: Option<&str>) -> String {
    file_name.map_or_else(String::new, |name| format!(" for {name}"))
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use crate::{Error, error::TakenReason, location::Location, message::MAX_MESSAGE_BYTES};

    /// Every variant, with this text wherever it has one.
    fn all_with(text: &str) -> Vec<Error> {
        let text = || text.to_owned();
        let name = || Some(text());
        let source = || io::Error::other(text());
        let other_file = || TakenReason::OtherFile { found: text(), expected: text() };
        vec![
            Error::configuration(text()),
            Error::FolderInUse { folder: text().into(), holder: text() },
            Error::Authentication { host: text(), status: 401, message: text() },
            Error::DatasetNotFound { dataset_id: text(), message: text() },
            Error::DatasetNotFound { dataset_id: text(), message: String::new() },
            Error::NamesTaken { dataset_id: text(), names: vec![text(); 20], reason: other_file() },
            Error::NoSuchFile { dataset_id: text(), file_name: text() },
            Error::Refused { file_name: name(), status: 422, message: text() },
            Error::NameTaken { file_name: name(), status: 409, message: text() },
            Error::Unavailable {
                file_name: name(),
                status: 503,
                message: text(),
                retry_after: None,
            },
            Error::Intermediary {
                host: text(),
                file_name: name(),
                size_bytes: Some(1),
                status: 413,
            },
            Error::Connection { host: text(), file_name: name(), message: text() },
            Error::Certificate { host: text(), message: text() },
            Error::Timeout {
                host: text(),
                file_name: name(),
                what: "did not respond",
                waited: Duration::MAX,
            },
            Error::NotTheApi { host: text(), message: text() },
            Error::OutcomeUnknown { file_name: text(), message: text() },
            Error::ForeignWriter { dataset_id: text(), message: text().into() },
            Error::NotCommitted { dataset_id: text(), message: text() },
            Error::File { path: text().into(), source: source() },
            Error::OtherContent { paths: vec![text().into(); 20] },
            Error::Frame { label: text(), column: None, message: text() },
            Error::Rewrite { location: Location::Label(text().into()), message: text() },
            Error::Decode { dataset_id: text(), file_name: text(), message: text() },
            Error::FileChanged { location: Location::Label(text().into()), change: "it grew" },
            Error::Internal(text()),
        ]
    }

    #[test]
    fn every_error_has_a_message_of_at_most_2_kb() {
        for text in ["", "x", &"\u{e9}".repeat(1_000), &"line\n".repeat(20_000)] {
            let errors = all_with(text);
            let kinds: std::collections::HashSet<_> =
                errors.iter().map(std::mem::discriminant).collect();
            assert_eq!(kinds.len(), 24, "a new variant belongs into this test");
            for error in errors {
                let message = error.to_string();
                assert!(message.len() <= MAX_MESSAGE_BYTES, "{} bytes", message.len());
                assert!(!message.is_empty() || text.is_empty(), "{error:?}");
            }
        }
    }

    #[test]
    fn names_in_use_are_counted_with_advice() {
        let names = (0..20_000).map(|n| format!("part-{n}.parquet")).collect();
        let taken = Error::NamesTaken {
            dataset_id: "d".to_owned(),
            names,
            reason: TakenReason::OtherContent,
        };
        let message = taken.to_string();
        assert!(message.contains("part-4.parquet and 19995 more"), "{message}");
        assert!(message.ends_with("to start over, upload to another dataset"), "{message}");
    }
}
