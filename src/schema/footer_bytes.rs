//! Locates the footer of a file: which bytes to read next. Does no I/O.

use std::ops::Range;

use bytes::Bytes;

use super::{footer::Footer, invalid::InvalidParquet};

/// Enough bytes from the start of a file to recognise other formats.
const START_BYTES: u64 = 64;
/// Number of bytes read at once from the end of a file; most footers are shorter. A file of this
/// size is read in one piece.
const END_BYTES: u64 = 16 * 1024;
/// The same for a remote file, where each request takes long: nearly all footers are shorter.
const REMOTE_END_BYTES: u64 = 64 * 1024;

/// Finds the bytes of a footer without any I/O: threads, tasks and stores read what it
/// [needs](FooterBytes::needs) and [push](FooterBytes::push) it.
#[derive(Clone, Debug)]
pub struct FooterBytes {
    file_size: u64,
    end_bytes: u64,
    step: Step,
}

#[derive(Clone, Debug)]
enum Step {
    Start,
    End,
    /// Length of the footer and its trailer, which is more than was read.
    Footer(u64),
    /// The thrift of the footer.
    Found(Bytes),
}

impl FooterBytes {
    /// Starts with a file of `file_size` bytes.
    #[must_use]
    pub fn of(file_size: u64) -> Self {
        Self { file_size, end_bytes: END_BYTES, step: Step::Start }
    }

    /// Starts at the end of a file, without a look at its start unless it is small: a remote file
    /// takes one request.
    #[must_use]
    pub fn from_end_of(file_size: u64) -> Self {
        let step = if file_size > REMOTE_END_BYTES { Step::End } else { Step::Start };
        Self { file_size, end_bytes: REMOTE_END_BYTES, step }
    }

    /// The range that identifies the format of a file that is not Parquet.
    #[must_use]
    pub fn start(&self) -> Range<u64> {
        0..self.file_size.min(START_BYTES)
    }

    /// The next range to read; `None` when the footer is complete.
    #[must_use]
    pub fn needs(&self) -> Option<Range<u64>> {
        let size = self.file_size;
        match self.step {
            Step::Start if size <= self.end_bytes => Some(0..size),
            Step::Start => Some(0..START_BYTES),
            Step::End => Some(size - self.end_bytes..size),
            Step::Footer(length) => Some(size - length..size),
            Step::Found(_) => None,
        }
    }

    /// Adds the bytes of the range that was needed.
    ///
    /// # Errors
    /// [`InvalidParquet`] if no acceptable Parquet file has these bytes.
    pub fn push(&mut self, bytes: Bytes) -> Result<(), InvalidParquet> {
        let Some(range) = self.needs() else { return Ok(()) };
        if bytes.len() as u64 != range.end - range.start {
            return Err(InvalidParquet::FooterOutside(range.end - range.start));
        }
        if matches!(self.step, Step::Start) {
            Footer::check_start(&bytes)?;
            if range.end < self.file_size {
                self.step = Step::End;
                return Ok(());
            }
        }
        self.step = self.after(bytes)?;
        Ok(())
    }

    /// `end` contains the last bytes of the file.
    fn after(&self, mut end: Bytes) -> Result<Step, InvalidParquet> {
        let trailer = end.last_chunk().ok_or(InvalidParquet::FooterOutside(0))?;
        let length = Footer::encoded_len(*trailer, self.file_size)? + Footer::TRAILER_BYTES;
        let Some(begin) = (end.len() as u64).checked_sub(length) else {
            return Ok(Step::Footer(length));
        };
        // Both fit: they are at most the length of what is in memory.
        let begin = usize::try_from(begin).unwrap_or(usize::MAX);
        end.truncate(end.len() - usize::try_from(Footer::TRAILER_BYTES).unwrap_or(usize::MAX));
        Ok(Step::Found(end.split_off(begin)))
    }

    /// The thrift of the footer; empty before it is complete.
    #[must_use]
    pub fn into_thrift(self) -> Bytes {
        match self.step {
            Step::Found(thrift) => thrift,
            _ => Bytes::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{END_BYTES, FooterBytes, REMOTE_END_BYTES, START_BYTES};
    use crate::schema::InvalidParquet;

    /// A file of `size` bytes with a footer of `length` bytes, all 7.
    fn file(size: usize, length: usize) -> Vec<u8> {
        let mut file = vec![0; size];
        file[..4].copy_from_slice(b"PAR1");
        file[size - 8 - length..size - 8].fill(7);
        file[size - 8..size - 4].copy_from_slice(&u32::try_from(length).unwrap().to_le_bytes());
        file[size - 4..].copy_from_slice(b"PAR1");
        file
    }

    /// The footer of a file, and how often it was read for it.
    fn find(file: &[u8]) -> Result<(Bytes, usize), InvalidParquet> {
        find_with(FooterBytes::of(file.len() as u64), file)
    }

    fn find_with(mut footer: FooterBytes, file: &[u8]) -> Result<(Bytes, usize), InvalidParquet> {
        let mut reads = 0;
        while let Some(range) = footer.needs() {
            reads += 1;
            assert!(reads <= 3);
            let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
            footer.push(Bytes::copy_from_slice(&file[range]))?;
        }
        Ok((footer.into_thrift(), reads))
    }

    #[test]
    fn a_footer_of_any_length_in_a_file_of_any_size_is_found_in_at_most_three_reads() {
        let end = usize::try_from(END_BYTES).unwrap();
        for (size, length, reads) in [
            (12, 0, 1),
            (end, end - 12, 1),
            (end + 4, end - 8, 2),
            (end + 1, end - 11, 2),
            (3 * end, 100, 2),
            (3 * end, end - 8, 2),
            (3 * end, end - 7, 3),
            (3 * end, 3 * end - 12, 3),
        ] {
            assert_eq!(
                find(&file(size, length)).unwrap(),
                (vec![7; length].into(), reads),
                "{size}"
            );
        }
    }

    #[test]
    fn a_footer_of_a_remote_file_is_found_in_at_most_two_reads() {
        let end = usize::try_from(REMOTE_END_BYTES).unwrap();
        for (size, length, reads) in [
            (12, 0, 1),
            (end, end - 12, 1),
            (3 * end, 100, 1),
            (3 * end, end - 8, 1),
            (3 * end, end - 7, 2),
            (3 * end, 3 * end - 12, 2),
        ] {
            let file = file(size, length);
            let found = find_with(FooterBytes::from_end_of(size as u64), &file).unwrap();
            assert_eq!(found, (vec![7; length].into(), reads), "{size}");
        }
    }

    #[test]
    fn a_file_that_is_not_parquet_is_rejected_at_the_first_bytes_that_show_it() {
        let start = usize::try_from(START_BYTES).unwrap();
        let mut other = file(100_000, 100);
        other[..4].copy_from_slice(b"ORC1");
        let mut footer = FooterBytes::of(other.len() as u64);
        let refused = footer.push(Bytes::copy_from_slice(&other[..start]));
        assert!(matches!(refused, Err(InvalidParquet::NotParquet(_))), "{refused:?}");
        assert_eq!(find(&[]), Err(InvalidParquet::Empty));
        assert_eq!(find(b"PAR1PAR1"), Err(InvalidParquet::FooterOutside(0x3152_4150)));
        assert_eq!(find(b"PAR1"), Err(InvalidParquet::FooterOutside(0)));
        let mut long = file(100, 10);
        long[92] = 89;
        assert_eq!(find(&long), Err(InvalidParquet::FooterOutside(89)));
        let mut footer = FooterBytes::of(100);
        assert!(footer.push(Bytes::from_static(b"PAR1")).is_err(), "fewer bytes than it needs");
    }
}
