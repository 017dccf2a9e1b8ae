//! Tells URLs from paths.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

/// Splits `s3://bucket/x` into `s3` and `bucket/x` (RFC 3986, 3.1), and `file:/x` (as Spark and
/// Java write it) into `file` and `/x`. A scheme of one letter is a drive of Windows.
pub(crate) fn scheme_of(source: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = source.split_once(":/")?;
    let is_of_a_scheme = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let begins_well = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_scheme = scheme.len() > 1 && begins_well && scheme.chars().all(is_of_a_scheme);
    let is_folder = || Path::new(&source[..=scheme.len()]).is_dir();
    let below = rest.strip_prefix('/').unwrap_or(&source[scheme.len() + 1..]);
    (is_scheme && !is_folder()).then_some((scheme, below))
}

/// `rest` is `/path` or `localhost/path`, with `%20` for a space (RFC 8089). Some tools do not
/// encode their paths.
pub(crate) fn of_file_url(rest: &str) -> PathBuf {
    let path = rest.strip_prefix("localhost").filter(|path| path.starts_with('/')).unwrap_or(rest);
    let decoded = percent_decode_str(path).decode_utf8_lossy().into_owned();
    if Path::new(path).exists() { PathBuf::from(path) } else { PathBuf::from(decoded) }
}
