//! Names identify files in a dataset, so a name must survive the wire unchanged. Names that clients
//! and servers encode differently are rejected.

use unicode_normalization::UnicodeNormalization;

use crate::config::MAX_FILE_NAME_BYTES;

/// Why a name cannot be used; completes "the name … ".
///
/// `requests`, browsers and reqwest escape quotes, backslashes and control characters in
/// `filename="…"` in three different ways, and folders, blanks and dots at the ends do not
/// survive every file system.
#[must_use]
pub fn refusal(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.len() > MAX_FILE_NAME_BYTES {
        return Some("is longer than 255 bytes");
    }
    if name.contains(['/', '\\', '"']) {
        return Some("contains one of / \\ \"");
    }
    if name.chars().any(char::is_control) {
        return Some("contains a control character");
    }
    if name.starts_with(|c: char| c == '.' || c.is_whitespace())
        || name.ends_with(|c: char| c == '.' || c.is_whitespace())
    {
        return Some("starts or ends with a space or a dot");
    }
    if !has_parquet_extension(name) {
        return Some("does not end with .parquet or .pq");
    }
    None
}

/// Whether a name has the extension of a Parquet file.
#[must_use]
pub fn has_parquet_extension(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| is_parquet_extension(extension))
}

/// Whether files with this extension are Parquet files.
#[must_use]
pub fn is_parquet_extension(extension: &str) -> bool {
    extension.eq_ignore_ascii_case("parquet") || extension.eq_ignore_ascii_case("pq")
}

/// The key under which names are compared: NFC and lower case. Names with the same key are the same
/// name on some file system or server, so a dataset contains only one of them. The check, resume
/// and the server use this rule.
#[must_use]
pub fn folded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_ascii_lowercase();
    }
    // Character by character, because a Greek sigma at the end of a word has its own lower case.
    name.nfc().flat_map(char::to_lowercase).nfc().collect()
}

/// Whether two names are the same under [`folded`].
#[must_use]
pub fn are_one(left: &str, right: &str) -> bool {
    left == right || folded(left) == folded(right)
}

#[cfg(test)]
mod tests {
    use super::{folded, refusal};

    #[test]
    fn ordinary_names_are_accepted() {
        for name in ["a.parquet", "part-00001.snappy.parquet", "größe 1.PQ", "日本.parquet"] {
            assert_eq!(refusal(name), None, "{name}");
        }
    }

    #[test]
    fn names_that_do_not_survive_the_wire_are_refused() {
        let long = format!("{}.parquet", "x".repeat(255));
        for name in [
            "",
            "a/b.parquet",
            "..\\a.parquet",
            "a\"b.parquet",
            "a\r\nb.parquet",
            "\0.parquet",
            " a.parquet",
            ".a.parquet",
            "a.parquet.",
            "a.parquet ",
            "a.csv",
            "parquet",
            &long,
        ] {
            assert!(refusal(name).is_some(), "{name:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_or_composition_only_are_one() {
        assert_eq!(folded("Gro\u{308}ße.parquet"), folded("gr\u{f6}ße.PARQUET"));
    }
}
