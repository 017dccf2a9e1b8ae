//! The first and the last bytes of a blob, kept while it is written, so that its footer is read
//! without the store.

use std::ops::Range;

use bytes::Bytes;

/// Enough to recognise other formats: see [`crate::schema::FooterBytes`].
const START_BYTES: usize = 64;
/// At least this much of the end; most footers are shorter.
const END_BYTES: usize = 64 * 1024;

#[derive(Default)]
pub(super) struct FileEnds {
    size: u64,
    start: Vec<u8>,
    end: Vec<u8>,
}

impl FileEnds {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let missing = START_BYTES.saturating_sub(self.start.len()).min(bytes.len());
        self.start.extend_from_slice(&bytes[..missing]);
        self.size += bytes.len() as u64;
        let last = &bytes[bytes.len().saturating_sub(END_BYTES)..];
        // Twice as much is kept, so that each byte is moved once.
        if self.end.len() + last.len() > 2 * END_BYTES {
            let kept = END_BYTES - last.len();
            self.end.drain(..self.end.len() - kept);
        }
        self.end.extend_from_slice(last);
    }

    /// A range of the blob, if it is among the bytes that were kept.
    pub(super) fn get(&self, range: &Range<u64>) -> Option<Bytes> {
        let within = |bytes: &[u8], offset: u64| {
            let begin = usize::try_from(range.start.checked_sub(offset)?).ok()?;
            let end = usize::try_from(range.end.checked_sub(offset)?).ok()?;
            bytes.get(begin..end).map(Bytes::copy_from_slice)
        };
        within(&self.start, 0).or_else(|| within(&self.end, self.size - self.end.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::{END_BYTES, FileEnds, START_BYTES};

    #[test]
    fn the_ends_of_a_blob_are_kept_however_its_bytes_come() {
        for size in [0, 1, START_BYTES, END_BYTES - 1, END_BYTES, 5 * END_BYTES + 3] {
            let content: Vec<u8> = std::iter::repeat_with(|| fastrand::u8(..)).take(size).collect();
            for chunk in [1, 63, 4096, END_BYTES - 1, END_BYTES + 1, size.max(1)] {
                let mut ends = FileEnds::default();
                content.chunks(chunk).for_each(|bytes| ends.push(bytes));
                let (start, end) = (size.min(START_BYTES), size.saturating_sub(END_BYTES));
                for range in [0..start, end..size, size..size, size.saturating_sub(8)..size] {
                    let kept = ends.get(&(range.start as u64..range.end as u64));
                    assert_eq!(kept.as_deref(), Some(&content[range.clone()]), "{size} {range:?}");
                }
                assert!(ends.end.len() <= 2 * END_BYTES);
                assert_eq!(ends.get(&(0..size as u64 + 1)), None);
                if size > 2 * END_BYTES {
                    assert_eq!(ends.get(&(0..size as u64)), None);
                    assert_eq!(ends.get(&(1000..2000)), None);
                }
            }
        }
    }
}
