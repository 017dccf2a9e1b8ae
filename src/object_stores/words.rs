//! Descriptions of errors of stores, without secrets.

use std::error::Error;

use crate::message::{QUOTED_CHARS, cut};

/// A description without secrets, for the log and for errors at the start of a server.
pub(crate) fn words(error: &object_store::Error) -> String {
    let words = error.to_string();
    let causes =
        std::iter::successors(Some(error as &(dyn Error + 'static)), |error| (*error).source());
    let root = causes.last().map(ToString::to_string).unwrap_or_default();
    let words = if words.contains(&root) { words } else { format!("{}: {root}", words.trim_end()) };
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The status of the response that is described.
pub(crate) fn status(words: &str) -> Option<u16> {
    let (_, after) = words.split_once("status code: ")?;
    after.get(..3)?.parse().ok()
}

/// The code and the message of an error response, without the rest.
pub(crate) fn shortened(response: &str) -> String {
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
    use super::{shortened, status};

    #[test]
    fn an_error_response_is_shortened_to_what_has_no_secrets() {
        let response = "<?xml?><Error><Code>SignatureDoesNotMatch</Code><Message>no\n match\
            </Message><CanonicalRequest>x-amz-security-token:hush</CanonicalRequest></Error>";
        let words = shortened(response);
        assert!(words.starts_with("SignatureDoesNotMatch: no") && !words.contains("hush"));
        assert_eq!(shortened("<html>hush</html>"), "");
        assert!(shortened(&format!("<Code>{}</Code>", "x".repeat(10_000))).len() < 1_000);
        assert_eq!(status("nothing"), None);
    }
}
