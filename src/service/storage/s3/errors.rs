//! Maps failures of the store to what they mean for the caller.

use crate::{
    object_stores::{status, words},
    service::storage::error::StorageError,
};

pub(super) fn of_store(error: &object_store::Error) -> StorageError {
    let words = words(error);
    match status(&words) {
        Some(507) => StorageError::Full,
        // The request would be rejected again if it is repeated at once. But keys, clocks and rates
        // change.
        Some(status) if (400..500).contains(&status) && ![401, 403, 408, 429].contains(&status) => {
            StorageError::BlobFailed(words)
        }
        _ => StorageError::StoreAway(words),
    }
}

#[cfg(test)]
mod tests {
    use super::{StorageError, of_store};

    fn generic(words: &str) -> object_store::Error {
        object_store::Error::Generic { store: "S3", source: words.into() }
    }

    #[test]
    fn only_a_persistent_rejection_fails_a_blob() {
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
    }
}
