//! Ids of datasets, from any source.

/// Maximum length of an id, in bytes.
const MAX_ID_BYTES: usize = 128;

/// Whether a text can be the id of a dataset: ASCII letters, digits and `-_.:`, starting with a
/// letter or digit. No request contains any other id.
#[must_use]
pub fn is_id(text: &str) -> bool {
    text.len() <= MAX_ID_BYTES
        && text.starts_with(|first: char| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn an_id_contains_nothing_that_a_request_or_a_path_could_misread() {
        for id in ["dataset-880962c5-7a06-4ca3-9253-d10b338c2969", "d1", "org:a_b.c"] {
            assert!(is_id(id), "{id}");
        }
        let long = "x".repeat(129);
        for text in [
            "", "../x", "a/b", "a\\b", "a\r\n--b", "a\"", "a b", "a\0", ".", "\u{e9}", "***", &long,
        ] {
            assert!(!is_id(text), "{text}");
        }
    }
}
