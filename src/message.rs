//! Messages of limited length, regardless of the number of details.

use std::fmt::{self, Display, Write};

/// Maximum length of a message, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 2048;

/// Maximum length of a server's own text in a message, in characters.
pub(crate) const QUOTED_CHARS: usize = 500;

/// Maximum length of an input that a message repeats, in characters.
pub(crate) const ECHOED_CHARS: usize = 100;

/// A message lists this many names and counts the others.
const LISTED: usize = 5;

/// The parts that remain of a message that is too long. Its end says what to do.
const START_BYTES: usize = 1400;
const END_BYTES: usize = 600;

/// How far a cut may move to fall between two lines.
const LINE_BYTES: usize = 200;

/// Cuts the middle out of a message longer than [`MAX_MESSAGE_BYTES`]. All errors are displayed
/// through this function.
pub(crate) fn bounded(message: impl Display) -> String {
    let mut writer = Bounded::default();
    // Fails if a part of the message fails; the text before it is better than nothing.
    let _ = write!(writer, "{message}");
    writer.finish()
}

/// Keeps the start and the end of the written text, in bounded memory.
#[derive(Default)]
struct Bounded {
    start: String,
    end: String,
    is_cut: bool,
}

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = (MAX_MESSAGE_BYTES - self.start.len()) * usize::from(self.end.is_empty());
        let (start, end) = text.split_at(text.floor_char_boundary(room));
        self.start += start;
        // A long text may also come in one piece.
        let dropped = end.ceil_char_boundary(end.len().saturating_sub(MAX_MESSAGE_BYTES));
        self.is_cut |= dropped > 0;
        self.end += &end[dropped..];
        if self.end.len() > 2 * MAX_MESSAGE_BYTES {
            let dropped = self.end.ceil_char_boundary(self.end.len() - MAX_MESSAGE_BYTES);
            self.end.drain(..dropped);
            self.is_cut = true;
        }
        Ok(())
    }
}

impl Bounded {
    fn finish(self) -> String {
        let whole = self.start + &self.end;
        if !self.is_cut && whole.len() <= MAX_MESSAGE_BYTES {
            return whole;
        }
        let start = &whole[..whole.floor_char_boundary(START_BYTES)];
        let end = &whole[whole.ceil_char_boundary(whole.len() - END_BYTES)..];
        let last_line = start.rfind('\n').filter(|&at| start.len() - at <= LINE_BYTES);
        let first_line = end.find('\n').filter(|&at| at <= LINE_BYTES);
        match (last_line, first_line) {
            (Some(last), Some(first)) => format!("{}\n  ...{}", &start[..last], &end[first..]),
            _ => format!("{start} ... {end}"),
        }
    }
}

/// The first names of a list, and the number of others.
pub(crate) fn listed<T: Display>(names: &[T]) -> impl Display {
    fmt::from_fn(move |f| {
        for (place, name) in names.iter().take(LISTED).enumerate() {
            f.write_str(if place == 0 { "" } else { ", " })?;
            name.fmt(f)?;
        }
        match names.len().saturating_sub(LISTED) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    })
}

/// The first characters of a text, followed by `...` if there are more.
pub(crate) fn cut(text: &str, most_chars: usize) -> String {
    match text.char_indices().nth(most_chars) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use proptest::prelude::*;

    use super::{MAX_MESSAGE_BYTES, bounded, cut, listed};

    proptest! {
        #[test]
        fn a_message_is_limited_and_keeps_its_start_and_its_end(
            pieces in prop::collection::vec("[a-z\u{e9}\u{1f600}\n ]{0,900}", 0..12)
        ) {
            let whole = pieces.concat();
            let shown = bounded(fmt::from_fn(|f| pieces.iter().try_for_each(|p| f.write_str(p))));
            prop_assert!(shown.len() <= MAX_MESSAGE_BYTES);
            let (start, end) = (shown.floor_char_boundary(1000), shown.len().saturating_sub(300));
            let is_cut = whole.len() > MAX_MESSAGE_BYTES;
            prop_assert!(is_cut || shown == whole);
            prop_assert!(whole.starts_with(&shown[..start]));
            prop_assert!(whole.ends_with(&shown[shown.ceil_char_boundary(end)..]));
            prop_assert!(!is_cut || shown.contains("..."));
        }
    }

    #[test]
    fn a_long_list_is_counted_and_a_long_text_is_cut_between_characters() {
        let names: Vec<_> = (0..20_000).map(|n| n.to_string()).collect();
        assert_eq!(listed(&names).to_string(), "0, 1, 2, 3, 4 and 19995 more");
        assert_eq!(listed(&names[..2]).to_string(), "0, 1");
        assert_eq!(cut("\u{e9}\u{e9}\u{e9}", 2), "\u{e9}\u{e9}...");
        assert_eq!(cut("\u{e9}\u{e9}", 2), "\u{e9}\u{e9}");
    }
}
