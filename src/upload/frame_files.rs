//! The Parquet files of a frame: one, or several with a limited number of rows.

use arrow_array::RecordBatch;
use parquet::{
    arrow::ArrowWriter,
    errors::{ParquetError, Result},
    file::metadata::KeyValue,
};

use super::{
    frame_writer::{Step, new_file, writer_of},
    limited_files::LimitedFiles,
    storage::Storage,
    temporary::HashedFile,
};
use crate::{
    config::{BATCH_ROWS, ROW_GROUP_BYTES},
    wire::digest::Sha256Digest,
};

/// When a frame continues in another file: at whichever limit comes first.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileLimits {
    /// Rows of a file; the last file may have fewer.
    pub rows: Option<usize>,
    /// Size of a file in bytes. Only a single row may need more.
    pub bytes: Option<u64>,
}

/// The files of one frame.
pub(super) enum FrameFiles {
    OfRows(Box<FilesOfRows>),
    Limited(Box<LimitedFiles>),
}

impl FrameFiles {
    pub(super) fn new(limits: FileLimits) -> Self {
        let rows = limits.rows.unwrap_or(usize::MAX).max(1);
        match limits.bytes {
            Some(bytes) => Self::Limited(Box::new(LimitedFiles::new(rows, bytes))),
            None => Self::OfRows(Box::new(FilesOfRows {
                rows_per_file: rows,
                ..FilesOfRows::default()
            })),
        }
    }

    /// The number of rows that may be written next, at least 1.
    pub(super) fn room(&self) -> usize {
        let rows = match self {
            Self::OfRows(files) => files.rows_per_file - files.rows,
            Self::Limited(files) => files.room(),
        };
        rows.clamp(1, BATCH_ROWS)
    }

    /// Writes rows in the types of their `storage`.
    pub(super) fn write(&mut self, storage: &Storage, rows: &RecordBatch) -> Result<()> {
        match self {
            // An empty batch would begin a file.
            _ if rows.num_rows() == 0 => Ok(()),
            Self::OfRows(files) => files.write(storage, rows),
            Self::Limited(files) => files.write(storage, rows),
        }
    }

    /// The next step. `is_end`: all rows are written. A frame without rows makes one file.
    pub(super) fn next(&mut self, storage: &Storage, is_end: bool) -> Result<Step> {
        match self {
            Self::OfRows(files) => files.next(storage, is_end),
            Self::Limited(files) => files.next(storage, is_end),
        }
    }

    /// Drops what is not complete.
    pub(super) fn close(&mut self) {
        *self = Self::OfRows(Box::default());
    }
}

/// Files with a fixed number of rows, written as the rows arrive.
#[derive(Default)]
pub(super) struct FilesOfRows {
    rows_per_file: usize,
    /// The current file.
    writer: Option<ArrowWriter<HashedFile>>,
    rows: usize,
    /// The number of files so far.
    files: usize,
}

impl FilesOfRows {
    fn write(&mut self, storage: &Storage, rows: &RecordBatch) -> Result<()> {
        let mut writer = self.take_or_open(storage)?;
        writer.write(rows)?;
        self.rows += rows.num_rows();
        self.writer = Some(writer);
        Ok(())
    }

    fn next(&mut self, storage: &Storage, is_end: bool) -> Result<Step> {
        let is_due = self.writer.is_some() || self.files == 0;
        if self.rows < self.rows_per_file && !(is_end && is_due) {
            return Ok(Step::NeedsRows);
        }
        let writer = self.take_or_open(storage)?;
        (self.rows, self.files) = (0, self.files + 1);
        Ok(Step::Complete(with_padding(writer)?))
    }

    fn take_or_open(&mut self, storage: &Storage) -> Result<ArrowWriter<HashedFile>> {
        match self.writer.take() {
            Some(writer) => Ok(writer),
            None => writer_of(storage, new_file()?, Some(ROW_GROUP_BYTES)),
        }
    }
}

fn with_padding(mut writer: ArrowWriter<HashedFile>) -> Result<HashedFile> {
    writer.flush()?;
    // The writer buffers bytes before the file, and the hash needs all of them.
    writer.sync().map_err(|error| ParquetError::External(error.into()))?;
    let padding = padding(writer.inner().hash());
    writer.append_key_value_metadata(KeyValue::new("sutro.padding".to_owned(), padding));
    writer.into_inner()
}

/// A padding whose length depends on the content before it.
///
/// Some servers report sizes but no hashes, and two frames with equally many numbers make files of
/// the same size. With the padding, frames of different content under one name differ in size as
/// well.
fn padding(content: Sha256Digest) -> String {
    const LONGEST: u16 = 4096;
    " ".repeat(usize::from(
        u16::from_le_bytes([content.as_bytes()[4], content.as_bytes()[5]]) % LONGEST,
    ))
}
