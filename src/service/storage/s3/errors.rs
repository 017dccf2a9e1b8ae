//! What failures of the store mean.

use std::error::Error;

use crate::{
    message::{QUOTED_CHARS, cut},
    service::storage::error::StorageError,
};

pub(super) fn of_store(error: &object_store::Error) -> StorageError {
    let words = words(error);
    match status(&words) {
        Some(507) => StorageError::Full,
        // The request is refused whenever it is repeated. But keys, clocks and rates change.
        Some(status) if (400..500).contains(&status) && ![401, 403, 408, 429].contains(&status) => {
            StorageError::BlobFailed(words)
        }
        _ => StorageError::StoreAway(words),
    }
}

/// A description without secrets, for the log and for whoever starts a server.
pub(in super::super) fn words(error: &object_store::Error) -> String {
    let words = error.to_string();
    let causes =
        std::iter::successors(Some(error as &(dyn Error + 'static)), |error| (*error).source());
    let root = causes.last().map(ToString::to_string).unwrap_or_default();
    let words = if words.contains(&root) { words } else { format!("{}: {root}", words.trim_end()) };
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The status of the response that is described.
pub(super) fn status(words: &str) -> Option<u16> {
    let (_, after) = words.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// The code and the message of an error response, without the rest.
pub(super) fn shortened(response: &str) -> String {
    let part = |tag: &str| {
        let (_, after) = response.split_once(&format!("<{tag}>"))?;
        let (text, _) = after.split_once(&format!("</{tag}>"))?;
        Some(cut(text, QUOTED_CHARS))
    };
    match (part("Code"), part("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{StorageError, of_store, shortened, status};

    fn generic(words: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: words.into() }
    }

    #[test]
    fn an_error_response_is_shortened_to_what_has_no_secrets() {
        let response = "<?xml?><Error><Code>SignatureDoesNotMatch</Code><Message>no\n match\
            </Message><CanonicalRequest>x-amz-security-token:hush</CanonicalRequest></Error>";
        let words = shortened(response);
        assert!(words.starts_with("SignatureDoesNotMatch: no") && !words.contains("hush"));
        assert_eq!(shortened("<html>hush</html>"), "");
        assert!(shortened(&format!("<Code>{}</Code>", "x".repeat(10_000))).len() < 1_000);
    }

    #[test]
    fn only_a_refusal_that_stays_is_a_failure_of_the_blob() {
        for (words, is_away) in [
            ("Server returned non-2xx status code: 503 Service Unavailable: SlowDown", true),
            ("Server returned non-2xx status code: 403 Forbidden: ExpiredToken", true),
            ("Server returned non-2xx status code: 429 Too Many Requests: ", true),
            ("HTTP error: error sending request", true),
            ("Server returned non-2xx status code: 400 Bad Request: InvalidPart", false),
            ("Server returned non-2xx status code: 404 Not Found: NoSuchUpload", false),
        ] {
            let error = of_store(&generic(words));
            assert_eq!(matches!(error, StorageError::StoreAway(_)), is_away, "{words}");
            assert_eq!(matches!(error, StorageError::BlobFailed(_)), !is_away, "{words}");
        }
        let full = of_store(&generic("status code: 507 Insufficient Storage: XMinioStorageFull"));
        assert!(matches!(full, StorageError::Full));
        assert_eq!(status("nothing"), None);
    }
}
