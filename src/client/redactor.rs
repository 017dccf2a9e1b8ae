//! Removes the API key from text of others.

use std::{fmt, sync::Arc};

use secrecy::{ExposeSecret, SecretString};

use crate::credentials::ApiKey;

/// Replaces the key.
const STARS: &[u8] = b"***";

/// A shorter key may also be a word in names, ids and sentences: see [`Place`].
const SHORTEST_UNMISTAKABLE: usize = 8;

/// Shorter base64 occurs in other text by chance.
const SHORTEST_BASE64: usize = 6;

/// Longest encoding of one character: `&#x0041;`, `\u0041`.
const LONGEST_SPELLING: usize = 8;

/// Number of bytes before the key that show whether it is a separate word.
const CONTEXT: usize = LONGEST_ESCAPE;

/// `\u0020`
const LONGEST_ESCAPE: usize = 6;

/// Where a short key counts as the key. A long one counts everywhere.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In text for people: as a separate word.
    Words,
    /// In data, whose names and ids must not change: after `Key `, as in the header.
    Data,
}

/// Finds the API key in text of others, in any encoding: plain, percent-encoded, with escapes of
/// JSON or HTML, or in base64.
#[derive(Clone)]
pub(crate) struct Redactor(Arc<Spellings>);

struct Spellings {
    key: Option<ApiKey>,
    /// The base64 of the key for its three possible offsets in groups of three bytes.
    base64: Vec<SecretString>,
    /// Whether an encoding of the key can begin with each byte.
    is_first: [bool; 256],
}

impl Default for Redactor {
    fn default() -> Self {
        Self(Arc::new(Spellings { key: None, base64: Vec::new(), is_first: [false; 256] }))
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor")
    }
}

impl Redactor {
    pub(super) fn new(key: &ApiKey) -> Self {
        let standard = (0..3).map(|place| base64(key.expose().as_bytes(), place));
        let standard = standard.filter(|text| text.len() >= SHORTEST_BASE64);
        let both = standard.flat_map(|text| [text.replace('+', "-").replace('/', "_"), text]);
        let base64: Vec<_> = both.map(SecretString::from).collect();
        let encoded = base64.iter().map(SecretString::expose_secret);
        let first = encoded.chain([key.expose()]).filter_map(|text| text.bytes().next());
        let first = first.flat_map(|byte| [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()]);
        let mut is_first = [false; 256];
        first.chain(*b"%\\&").for_each(|byte| is_first[usize::from(byte)] = true);
        Self(Arc::new(Spellings { key: Some(key.clone()), base64, is_first }))
    }

    /// Removes the key from text for people.
    pub(super) fn text(&self, text: &str) -> String {
        let mut stream = self.stream_of(Place::Words);
        let mut redacted = stream.push(text.as_bytes());
        redacted.extend(stream.end());
        String::from_utf8_lossy(&redacted).into_owned()
    }

    /// For a response that is data and arrives in pieces.
    pub(super) fn stream(&self) -> RedactedStream {
        self.stream_of(Place::Data)
    }

    fn stream_of(&self, place: Place) -> RedactedStream {
        RedactedStream { spellings: Arc::clone(&self.0), place, held: Vec::new(), given: 0 }
    }
}

/// Removes the key from bytes that arrive in pieces, even if it spans two of them.
pub(super) struct RedactedStream {
    spellings: Arc<Spellings>,
    place: Place,
    /// The last bytes so far, in which the key may begin, and the bytes before them.
    held: Vec<u8>,
    /// The number of bytes of `held` that were returned.
    given: usize,
}

impl RedactedStream {
    /// Adds a piece. Returns the bytes that cannot be part of the key any more.
    pub(super) fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        // One more byte than the key shows where its word ends.
        let certain = self.held.len().saturating_sub(self.spellings.longest());
        self.give(certain)
    }

    /// Returns the rest.
    pub(super) fn end(&mut self) -> Vec<u8> {
        self.give(self.held.len())
    }

    /// Returns what begins before `certain`.
    fn give(&mut self, certain: usize) -> Vec<u8> {
        let mut given = Vec::with_capacity(certain.saturating_sub(self.given));
        let (mut kept, mut at) = (self.given, self.given);
        while at < certain {
            let is_candidate = self.spellings.is_first[usize::from(self.held[at])];
            let find = || self.spellings.find(&self.held[..at], &self.held[at..], self.place);
            match is_candidate.then(find).flatten() {
                Some(length) => {
                    given.extend_from_slice(&self.held[kept..at]);
                    given.extend_from_slice(STARS);
                    at += length;
                    kept = at;
                }
                None => at += 1,
            }
        }
        given.extend_from_slice(&self.held[kept..at]);
        self.held.drain(..at.saturating_sub(CONTEXT));
        self.given = at.min(CONTEXT);
        given
    }
}

impl Spellings {
    fn longest(&self) -> usize {
        self.key.as_ref().map_or(0, |key| key.expose().len() * LONGEST_SPELLING)
    }

    /// The length of the key if the text begins with it and it counts as the key there.
    fn find(&self, before: &[u8], text: &[u8], place: Place) -> Option<usize> {
        let key = self.key.as_ref()?.expose().as_bytes();
        let spelled = key.iter().try_fold(0, |at, &byte| Some(at + spelled(&text[at..], byte)?));
        let is_short = key.len() < SHORTEST_UNMISTAKABLE;
        let counts = |length: &usize| {
            !is_short
                || match place {
                    Place::Words => !is_in_word(before) && !begins_in_word(&text[*length..]),
                    Place::Data => ends_with(before, b"key ") && !begins_in_word(&text[*length..]),
                }
        };
        let encoded = || {
            let mut encodings = self.base64.iter().map(|text| text.expose_secret().as_bytes());
            encodings.find(|encoded| text.starts_with(encoded)).map(<[u8]>::len)
        };
        let may_be_encoded = !is_short || place == Place::Words;
        spelled.filter(counts).or_else(|| may_be_encoded.then(encoded).flatten())
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') || !byte.is_ascii()
}

fn begins_in_word(text: &[u8]) -> bool {
    text.first().copied().is_some_and(is_word)
}

/// Whether the text ends in the middle of a word, not with an escape: `%20`, `\u0020`, `\n`.
fn is_in_word(text: &[u8]) -> bool {
    let is_escape = |prefix: &[u8], digits: usize| {
        let Some(start) = text.len().checked_sub(prefix.len() + digits) else { return false };
        let rest = text[start..].strip_prefix(prefix);
        rest.is_some_and(|rest| rest.iter().all(u8::is_ascii_hexdigit))
    };
    let is_letter = text.len() >= 2 && text[text.len() - 2] == b'\\';
    text.last().copied().is_some_and(is_word)
        && !is_escape(b"%", 2)
        && !is_escape(b"\\u", 4)
        && !is_letter
}

fn ends_with(text: &[u8], word: &[u8]) -> bool {
    let start = text.len().checked_sub(word.len());
    start.is_some_and(|start| text[start..].eq_ignore_ascii_case(word))
}

/// The number of bytes that encode the first character of the text.
fn spelled(text: &[u8], byte: u8) -> Option<usize> {
    let digits = |prefix: &str, radix, end: &str, most| {
        let rest = text.strip_prefix(prefix.as_bytes())?;
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
        let count = rest.iter().take(most).take_while(is_digit).count();
        let value = std::str::from_utf8(&rest[..count]).ok()?;
        let code = u32::from_str_radix(value, radix).ok().and_then(|code| u8::try_from(code).ok());
        let is_it = code.is_some_and(|code| code.eq_ignore_ascii_case(&byte));
        let is_whole = is_it && rest[count..].starts_with(end.as_bytes());
        is_whole.then_some(prefix.len() + count + end.len())
    };
    // Host names are in lower case.
    let is_byte = |at: usize| text.get(at).is_some_and(|other| other.eq_ignore_ascii_case(&byte));
    match text.first()? {
        b'%' => digits("%", 16, "", 2),
        b'\\' => digits("\\u", 16, "", 4).or_else(|| is_byte(1).then_some(2)),
        b'&' => digits("&#x", 16, ";", 4)
            .or_else(|| digits("&#", 10, ";", 4))
            .or_else(|| named(text, byte)),
        _ => None,
    }
    .or_else(|| is_byte(0).then_some(1))
}

/// Characters with names in HTML.
fn named(text: &[u8], byte: u8) -> Option<usize> {
    let name: &[u8] = match byte {
        b'&' => b"&amp;",
        b'<' => b"&lt;",
        b'>' => b"&gt;",
        b'"' => b"&quot;",
        b'\'' => b"&apos;",
        _ => return None,
    };
    text.starts_with(name).then_some(name.len())
}

/// The base64 characters (RFC 4648, section 4) that depend only on `bytes`, if `place` other bytes
/// precede them in their group of three.
fn base64(bytes: &[u8], place: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padded = [&[0; 2][..place], bytes].concat();
    let bit = |at: usize| usize::from(padded[at / 8] >> (7 - at % 8) & 1);
    let first = (place * 8).div_ceil(6);
    let characters = (first..padded.len() * 8 / 6)
        .map(|at| ALPHABET[(0..6).fold(0, |value, n| value << 1 | bit(at * 6 + n))]);
    characters.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Redactor, base64};
    use crate::credentials::ApiKey;

    const KEY: &str = "sk-1/a+b&c<d>\"e\\f%g";

    fn redactor() -> Redactor {
        Redactor::new(&ApiKey::new(KEY).unwrap())
    }

    #[test]
    fn the_key_is_replaced_in_every_encoding() {
        let each = |spell: fn(char) -> String| KEY.chars().map(spell).collect::<String>();
        let percent = |byte: char| format!("%{:02X}", u32::from(byte));
        let in_json = serde_json::to_string(KEY).unwrap();
        for spelled in [
            KEY.to_owned(),
            KEY.to_uppercase(),
            in_json[1..in_json.len() - 1].to_owned(),
            each(percent),
            each(percent).to_lowercase(),
            KEY.replace('%', "%25").replace('/', "%2F").replace('+', "%2b"),
            each(|byte| format!("\\u{:04x}", u32::from(byte))),
            KEY.replace('\\', "\\\\")
                .replace('/', "\\/")
                .replace('"', "\\\"")
                .replace('<', "\\u003C"),
            KEY.replace('&', "&amp;")
                .replace('<', "&lt;")
                .replace('>', "&gt;")
                .replace('"', "&#34;"),
            each(|byte| format!("&#x{:X};", u32::from(byte))),
        ] {
            let text = format!("Key {spelled}, {spelled}");
            assert_eq!(redactor().text(&text), "Key ***, ***", "{spelled}");
        }
    }

    #[test]
    fn the_key_is_replaced_in_base64_at_every_offset() {
        assert_eq!(base64(b"Man", 0), "TWFu");
        for before in ["", "K", "Ke", "Key ", "user:"] {
            // `base64` leaves out characters that depend on other bytes; here, all bytes are known.
            let whole = base64(format!("{before}{KEY} and more").as_bytes(), 0);
            let shown = redactor().text(&whole);
            assert!(shown.contains("***") && shown.len() < whole.len() - 15, "{before}: {shown}");
        }
    }

    /// As data of a response, in two pieces split anywhere.
    fn data(redactor: &Redactor, text: &str, cut: usize) -> String {
        let mut stream = redactor.stream();
        let (first, second) = text.as_bytes().split_at(cut);
        let pieces = [stream.push(first), stream.push(second), stream.end()].concat();
        String::from_utf8(pieces).unwrap()
    }

    #[test]
    fn a_short_key_is_replaced_in_text_only_as_a_separate_word() {
        for key in ["k", "my-key", "data", "1234567"] {
            let redactor = Redactor::new(&ApiKey::new(key).unwrap());
            let upper = key.to_uppercase();
            for (text, shown) in [
                (format!("bad key {key}"), "bad key ***"),
                (format!("Authorization: Key {key}, {key}."), "Authorization: Key ***, ***."),
                (format!("X-API-Key: {upper}\nHost: x"), "X-API-Key: ***\nHost: x"),
                (format!("Key%20{key}%20&a={key}"), "Key%20***%20&a=***"),
                (
                    format!("'{key}' \"{key}\" ({key}) <b>{key}</b>"),
                    "'***' \"***\" (***) <b>***</b>",
                ),
                (format!("\\u0027{key}\\u0027 \\n{key}\\n"), "\\u0027***\\u0027 \\n***\\n"),
                (key.to_owned(), "***"),
            ] {
                assert_eq!(redactor.text(&text), shown, "{key}");
            }
            let inside = format!("x{key} {key}x {key}-1 1-{key} {key}_{key} {key}\u{e9}");
            assert_eq!(redactor.text(&inside), inside);
        }
    }

    #[test]
    fn a_short_key_that_is_a_name_or_an_id_stays_in_data() {
        let redactor = Redactor::new(&ApiKey::new("data").unwrap());
        let text = r#"{"dataset_id":"data","files":["data.parquet","ab data"],"note":"KEY data"}"#;
        for cut in 0..=text.len() {
            let shown = text.replace("KEY data", "KEY ***");
            assert_eq!(data(&redactor, text, cut), shown, "{cut}");
        }
    }

    proptest! {
        #[test]
        fn a_stream_is_redacted_like_the_complete_text(
            parts in prop::collection::vec(prop_oneof![Just(KEY.to_owned()), ".{0,40}"], 0..8),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let whole = parts.concat().into_bytes();
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(whole.len() + 1)).collect();
            cuts.extend([0, whole.len()]);
            cuts.sort_unstable();
            let mut stream = redactor().stream();
            let mut joined: Vec<u8> =
                cuts.windows(2).flat_map(|cut| stream.push(&whole[cut[0]..cut[1]])).collect();
            joined.extend(stream.end());
            prop_assert!(!String::from_utf8_lossy(&joined).contains(KEY));
            let whole = String::from_utf8(whole).unwrap();
            prop_assert_eq!(String::from_utf8(joined).unwrap(), redactor().text(&whole));
        }

        #[test]
        fn other_text_is_not_changed(text in "[ -~\u{e9}\n]{0,200}") {
            prop_assume!(!text.contains("sk-1"));
            prop_assert_eq!(redactor().text(&text), text);
        }
    }
}
