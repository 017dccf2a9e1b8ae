//! Errors in words: what failed, with which file, and what to do.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use super::kinds::{Error, without_number};
use crate::message::{ECHOED_CHARS, bounded, cut, listed};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&bounded(fmt::from_fn(|f| self.write_service_error(f))))
    }
}

/// The advice of [`Error::OutcomeUnknown`], for whoever has advice of another kind.
pub(crate) const FINDS_OUT: &str = ". Run the same upload again: it finds out, and continues";

impl Error {
    /// What the service, or something before it, has to do with.
    fn write_service_error(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authentication { host, status, message } => {
                let verb = if *status == 403 { "allow this" } else { "accept the API key" };
                write!(f, "the service at {host} does not {verb} (HTTP {status}): {message}")
            }
            Self::DatasetNotFound { dataset_id, message } if message.contains(dataset_id) => {
                f.write_str(message)
            }
            Self::DatasetNotFound { dataset_id, message } => {
                write!(f, "no dataset {}: {message}", cut(dataset_id, ECHOED_CHARS))
            }
            Self::NamesTaken { dataset_id, names, reason } => {
                write!(f, "the dataset {dataset_id} already holds {}, {reason}", listed(names))
            }
            Self::Refused { file_name, status, message }
            | Self::NameTaken { file_name, status, message } => {
                write!(
                    f,
                    "the service refused{} (HTTP {status}): {message}",
                    in_file(file_name.as_ref())
                )
            }
            Self::Unavailable { file_name, status, message, .. } => {
                write!(
                    f,
                    "the service failed{} (HTTP {status}): {message}",
                    in_file(file_name.as_ref())
                )
            }
            Self::Intermediary { host, file_name, size_bytes, status } => {
                write_intermediary(f, host, file_name.as_deref(), *size_bytes, *status)
            }
            Self::Connection { host, file_name, message } => {
                write!(f, "cannot reach {host}{}: {message}", in_file(file_name.as_ref()))
            }
            Self::Certificate { host, message } => {
                write!(f, "the certificate of {host} cannot be trusted: {message}")
            }
            Self::Timeout { host, file_name, what, waited } => {
                write!(f, "{host} {what}{} for {} s", in_file(file_name.as_ref()), waited.as_secs())
            }
            Self::NotTheApi { host, message } => write!(
                f,
                "{host} does not answer like the dataset API: {message}. Is the API URL right?"
            ),
            Self::OutcomeUnknown { file_name, message } => {
                write!(f, "outcome unknown for {file_name}: {message}{FINDS_OUT}")
            }
            Self::ForeignWriter { dataset_id, message } => write!(
                f,
                "the dataset {dataset_id} does not hold what this upload has put there: \
                 {message}. Does someone else write into it, or was its list of files old when this \
                 upload began?"
            ),
            _ => self.write_local_error(f),
        }
    }

    /// What this machine alone has to do with.
    fn write_local_error(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration(message) => f.write_str(message),
            Self::FolderInUse { folder, holder } => {
                let folder = folder.display();
                write!(
                    f,
                    "{folder} is open in {holder}, and one at a time can use it: wait until it is \
                     done, or run `sutro serve --data {folder}` and let all use its URL"
                )
            }
            Self::File { path, source } => {
                let words = source.to_string();
                write!(f, "{}: {}{}", path.display(), without_number(&words), hint_at(path))
            }
            Self::OtherContent { paths } => {
                let (paths, are) = (names_of(paths), if paths.len() == 1 { "is" } else { "are" });
                write!(
                    f,
                    "{} {are} there already, with other content than in the dataset. Nothing was \
                     overwritten; overwrite=True replaces what is there",
                    listed(&paths)
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
            // Written above; listed here so that a new kind of error cannot be without words.
            Self::Authentication { .. }
            | Self::DatasetNotFound { .. }
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
            | Self::ForeignWriter { .. } => Ok(()),
        }
    }
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
            "the proxy in front of {host} asks for a user name and a password (HTTP 407): put \
             them into HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT"
        );
    }
    if status == 511 {
        return f.write_str("this network asks for a login before it lets anything out (HTTP 511)");
    }
    write!(f, "something between here and {host} refuses ")?;
    match (file_name, size_bytes) {
        (Some(name), Some(size)) => write!(f, "{name} ({size} bytes)")?,
        (Some(name), None) => f.write_str(name)?,
        _ => f.write_str("this call")?,
    }
    let what_to_do = match status {
        404 | 405 => "It does not pass on this path or method: ask whoever runs it",
        411 => "It takes no bodies whose length it does not know: ask whoever runs it",
        413 => {
            "It takes no bodies of this size: ask whoever runs it for a higher limit \
             (client_max_body_size of nginx), or write smaller files"
        }
        414 | 431 => "It takes no requests with so long a head: ask whoever runs it",
        415 => "It does not pass on multipart/form-data: ask whoever runs it",
        451 => "It may not pass this on, for legal reasons",
        _ => "It is no answer of the service: ask whoever runs it",
    };
    write!(f, " (HTTP {status}). {what_to_do}")
}

fn names_of(paths: &[PathBuf]) -> Vec<impl fmt::Display> {
    paths.iter().map(|path| path.display()).collect()
}

fn hint_at(path: &Path) -> &'static str {
    if path == std::env::temp_dir() {
        ". It is the folder for temporary files; TMPDIR names another one"
    } else {
        ""
    }
}

fn in_file(file_name: Option<&String>) -> String {
    file_name.map_or_else(String::new, |name| format!(" at {name}"))
}

#[cfg(test)]
mod tests {
    use std::{io, time::Duration};

    use crate::{Error, location::Location, message::MAX_MESSAGE_BYTES};

    /// Every variant, with this text wherever it has one.
    fn all_with(text: &str) -> Vec<Error> {
        let text = || text.to_owned();
        let name = || Some(text());
        let source = || io::Error::other(text());
        vec![
            Error::Configuration(text()),
            Error::FolderInUse { folder: text().into(), holder: text() },
            Error::Authentication { host: text(), status: 401, message: text() },
            Error::DatasetNotFound { dataset_id: text(), message: text() },
            Error::DatasetNotFound { dataset_id: text(), message: String::new() },
            Error::NamesTaken { dataset_id: text(), names: vec![text(); 20], reason: text() },
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
                what: "did not answer",
                waited: Duration::MAX,
            },
            Error::NotTheApi { host: text(), message: text() },
            Error::OutcomeUnknown { file_name: text(), message: text() },
            Error::ForeignWriter { dataset_id: text(), message: text() },
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
    fn every_error_has_words_and_none_has_more_than_2_kb() {
        for text in ["", "x", &"\u{e9}".repeat(1_000), &"line\n".repeat(20_000)] {
            let errors = all_with(text);
            let kinds: std::collections::HashSet<_> =
                errors.iter().map(std::mem::discriminant).collect();
            assert_eq!(kinds.len(), 21, "a new variant belongs into this test");
            for error in errors {
                let message = error.to_string();
                assert!(message.len() <= MAX_MESSAGE_BYTES, "{} bytes", message.len());
                assert!(!message.is_empty() || text.is_empty(), "{error:?}");
            }
        }
    }

    #[test]
    fn names_that_are_taken_are_counted_and_what_to_do_is_said() {
        let names = (0..20_000).map(|n| format!("part-{n}.parquet")).collect();
        let taken = Error::NamesTaken {
            dataset_id: "d".to_owned(),
            names,
            reason: "what to do".to_owned(),
        };
        let message = taken.to_string();
        assert!(message.contains("part-4.parquet and 19995 more"), "{message}");
        assert!(message.ends_with(", what to do"), "{message}");
    }
}
