//! Finds the end of a multipart body: its first closing boundary (RFC 2046, section 5.1.1).

use memchr::memmem::Finder;

const LINE_BREAK: &[u8] = b"\r\n";

/// Looks for the first closing boundary of a body that arrives in pieces. A parser may ignore bytes
/// after the boundary; the server rejects them.
pub(super) struct ClosingBoundary {
    finder: Finder<'static>,
    /// The last bytes that arrived, which may contain the start of the boundary.
    before: Vec<u8>,
    /// The first bytes after the boundary, at most one more than a line break.
    behind: Option<Vec<u8>>,
}

impl ClosingBoundary {
    pub(super) fn new(boundary: &str) -> Self {
        let finder = Finder::new(&format!("\r\n--{boundary}--")).into_owned();
        Self { finder, before: Vec::new(), behind: None }
    }

    pub(super) fn note(&mut self, chunk: &[u8]) {
        if let Some(behind) = &mut self.behind {
            extend_by_line_break_and_more(behind, chunk);
            return;
        }
        let length = self.finder.needle().len();
        let overlap = (length - 1).min(chunk.len());
        let before = self.before.len();
        self.before.extend_from_slice(&chunk[..overlap]);
        let end = match self.finder.find(&self.before) {
            Some(start) => Some(start + length - before),
            None => self.finder.find(chunk).map(|start| start + length),
        };
        if let Some(end) = end {
            let behind = self.behind.insert(Vec::new());
            extend_by_line_break_and_more(behind, &chunk[end..]);
            return;
        }
        if chunk.len() > overlap {
            self.before.clear();
            self.before.extend_from_slice(&chunk[chunk.len() - overlap..]);
        }
        self.before.drain(..self.before.len().saturating_sub(length - 1));
    }

    /// Whether the boundary arrived, and at most a line break after it.
    pub(super) fn is_the_end(&self) -> bool {
        self.behind.as_ref().is_some_and(|behind| behind.is_empty() || behind == LINE_BREAK)
    }
}

fn extend_by_line_break_and_more(behind: &mut Vec<u8>, chunk: &[u8]) {
    let enough = LINE_BREAK.len() + 1;
    behind.extend(chunk.iter().take(enough - behind.len()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ClosingBoundary;

    fn is_the_end(pieces: &[&[u8]]) -> bool {
        let mut boundary = ClosingBoundary::new("b");
        for piece in pieces {
            boundary.note(piece);
        }
        boundary.is_the_end()
    }

    proptest! {
        #[test]
        fn the_closing_boundary_is_found_however_a_body_is_split(
            body in "(\r|\n|-|b|x|\r\n--b--|\r\n){0,12}",
            cuts in prop::collection::vec(0_usize..40, 0..8),
        ) {
            let found = body.split_once("\r\n--b--").map(|(_, behind)| behind);
            let expected = found.is_some_and(|behind| behind.is_empty() || behind == "\r\n");
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(body.len())).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> =
                cuts.windows(2).map(|cut| &body.as_bytes()[cut[0]..cut[1]]).collect();
            prop_assert_eq!(is_the_end(&pieces), expected);
        }
    }

    #[test]
    fn a_second_body_after_the_closing_boundary_is_detected() {
        assert!(is_the_end(&[b"file\r\n--b--", b"\r", b"\n"]));
        assert!(!is_the_end(&[b"file\r\n--b--\r\nfile\r\n--b--\r\n"]));
    }
}
