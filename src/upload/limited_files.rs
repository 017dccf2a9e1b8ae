//! Files of a frame that are never larger than a given size.
//!
//! A row group is encoded in memory first, so that its exact size is known before a file takes it.
//! If it does not fit, it begins the next file. If it is larger than a whole file may be, it is cut
//! in half, and each half is encoded again. Where files are cut depends only on the rows and their
//! batches, so the same frame makes the same files.

use arrow_array::RecordBatch;
use bytes::Bytes;
use parquet::{
    arrow::ArrowWriter,
    column::writer::ColumnCloseResult,
    errors::Result,
    file::{
        reader::{FileReader, SerializedFileReader},
        serialized_reader::ReadOptionsBuilder,
        writer::SerializedFileWriter,
    },
};

use super::{
    frame_writer::{Step, new_file, properties, writer_of},
    rewrite::rows_of,
    storage::Storage,
    temporary::HashedFile,
};
use crate::config::ROW_GROUP_BYTES;

/// Maximum rows of a row group, as the parquet crate's own default.
const MAX_GROUP_ROWS: usize = 1024 * 1024;

/// Rows that are encoded first, to estimate how large a row is.
const FIRST_ROWS: usize = 64;

/// A file with less than this part of its size left takes no other row group: it would be small.
const LAST_PART: u64 = 8;

pub(super) struct LimitedFiles {
    max_rows: usize,
    max_bytes: u64,
    /// Size of a file without rows.
    empty_bytes: Option<u64>,
    /// The row group that is being encoded.
    group: Option<ArrowWriter<Vec<u8>>>,
    /// Encoded row groups that are in no file yet; the first one is the last of the list.
    encoded: Vec<EncodedGroup>,
    /// The current file.
    file: Option<LimitedFile>,
    estimate: Estimate,
    /// The number of files so far.
    files: usize,
}

/// A row group as a complete file in memory.
struct EncodedGroup {
    file: Bytes,
    rows: usize,
}

struct LimitedFile {
    writer: SerializedFileWriter<HashedFile>,
    rows: usize,
    /// The size that it will not exceed if it is completed now.
    most_bytes: u64,
}

/// Estimates for the next row group, from the ones before.
#[derive(Clone, Copy, Default)]
struct Estimate {
    /// Encoded size of a row; 0 if it is not known.
    row_bytes: usize,
    /// What a row group adds to a file besides its pages: descriptions and page indexes.
    extra_bytes: u64,
}

impl LimitedFiles {
    pub(super) fn new(max_rows: usize, max_bytes: u64) -> Self {
        Self {
            max_rows,
            max_bytes,
            empty_bytes: None,
            group: None,
            encoded: Vec::new(),
            file: None,
            estimate: Estimate::default(),
            files: 0,
        }
    }

    /// The number of rows that the current row group may still have, as far as it can be estimated.
    pub(super) fn room(&self) -> usize {
        let (rows, bytes) = self.in_group();
        let row_bytes = bytes.checked_div(rows).unwrap_or(self.estimate.row_bytes);
        let by_size = (self.group_bytes().saturating_sub(bytes)).checked_div(row_bytes);
        by_size.unwrap_or(FIRST_ROWS).min(self.rows_left().saturating_sub(rows))
    }

    pub(super) fn write(&mut self, storage: &Storage, rows: &RecordBatch) -> Result<()> {
        if self.empty_bytes.is_none() {
            let empty = writer_of(storage, Vec::new(), None)?.into_inner()?.len() as u64;
            self.empty_bytes = Some(empty);
            self.estimate.extra_bytes = empty;
        }
        let mut group = match self.group.take() {
            Some(group) => group,
            None => writer_of(storage, Vec::new(), None)?,
        };
        group.write(rows)?;
        self.group = Some(group);
        Ok(())
    }

    pub(super) fn next(&mut self, storage: &Storage, is_end: bool) -> Result<Step> {
        if let Some(group) = self.encoded.pop() {
            return self.place(storage, group);
        }
        let (rows, bytes) = self.in_group();
        // Estimates do not become exact, so a row group that is nearly full counts as full.
        let is_full = bytes >= self.group_bytes() / 16 * 15 || rows == self.rows_left();
        if rows > 0 && (is_full || is_end) {
            self.close_group()?;
            return Ok(Step::Working);
        }
        if !is_end || self.file.is_none() && self.files > 0 {
            return Ok(Step::NeedsRows);
        }
        self.complete(storage)
    }

    /// Rows and estimated size of the row group that is being encoded.
    fn in_group(&self) -> (usize, usize) {
        let group = self.group.as_ref();
        group.map_or((0, 0), |group| (group.in_progress_rows(), group.in_progress_size()))
    }

    fn rows_left(&self) -> usize {
        let in_file = self.file.as_ref().map_or(0, |file| file.rows);
        (self.max_rows - in_file).min(MAX_GROUP_ROWS)
    }

    fn bytes_left(&self) -> u64 {
        let empty = self.empty_bytes.unwrap_or(0);
        self.max_bytes.saturating_sub(self.file.as_ref().map_or(empty, |file| file.most_bytes))
    }

    /// The size that the pages of the current row group should have.
    fn group_bytes(&self) -> usize {
        let left = self.bytes_left().saturating_sub(self.estimate.extra_bytes);
        // Estimates are not exact, and a row group that is a little too large is cut in half.
        let left = left - left / 64;
        usize::try_from(left).unwrap_or(usize::MAX).min(ROW_GROUP_BYTES)
    }

    fn close_group(&mut self) -> Result<()> {
        let (rows, bytes) = self.in_group();
        let Some(group) = self.group.take() else { return Ok(()) };
        let file = Bytes::from(group.into_inner()?);
        let added = (file.len() as u64).saturating_sub(self.empty_bytes.unwrap_or(0));
        self.estimate = Estimate {
            row_bytes: (bytes / rows.max(1)).max(1),
            extra_bytes: added.saturating_sub(bytes as u64),
        };
        self.encoded.push(EncodedGroup { file, rows });
        Ok(())
    }

    /// Puts a row group into the current file, or completes this file first, or cuts the row group
    /// if it is too large for any file.
    fn place(&mut self, storage: &Storage, group: EncodedGroup) -> Result<Step> {
        let options = ReadOptionsBuilder::new().with_page_index().build();
        let reader = SerializedFileReader::new_with_options(group.file.clone(), options)?;
        let empty = self.empty_bytes.unwrap_or(0);
        let added = (group.file.len() as u64).saturating_sub(empty) + most_growth(&reader);
        if empty + added > self.max_bytes && group.rows > 1 {
            self.cut(&group)?;
            return Ok(Step::Working);
        }
        if let Some(file) = &self.file {
            let is_too_long = group.rows > self.max_rows - file.rows;
            if is_too_long || file.most_bytes + added > self.max_bytes {
                self.encoded.push(group);
                return self.complete(storage);
            }
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => LimitedFile { writer: open(storage)?, rows: 0, most_bytes: empty },
        };
        append(&mut file.writer, &reader, &group.file)?;
        file.rows += group.rows;
        file.most_bytes += added;
        let is_full = file.rows >= self.max_rows
            || self.max_bytes.saturating_sub(file.most_bytes) < self.max_bytes / LAST_PART;
        self.file = Some(file);
        if is_full { self.complete(storage) } else { Ok(Step::Working) }
    }

    fn cut(&mut self, group: &EncodedGroup) -> Result<()> {
        let middle = group.rows / 2;
        for rows in [middle..group.rows, 0..middle] {
            let count = rows.len();
            let file = rows_of(&group.file, rows, properties())?;
            self.encoded.push(EncodedGroup { file, rows: count });
        }
        Ok(())
    }

    fn complete(&mut self, storage: &Storage) -> Result<Step> {
        let writer = match self.file.take() {
            Some(file) => file.writer,
            None => open(storage)?,
        };
        self.files += 1;
        Ok(Step::Complete(writer.into_inner()?))
    }
}

fn open(storage: &Storage) -> Result<SerializedFileWriter<HashedFile>> {
    // The writer of rows adds the metadata about Arrow's schema.
    let (writer, _) = writer_of(storage, new_file()?, None)?.into_serialized_writer()?;
    Ok(writer)
}

/// Appends the only row group of a file, with its page indexes.
fn append(
    writer: &mut SerializedFileWriter<HashedFile>,
    reader: &SerializedFileReader<Bytes>,
    file: &Bytes,
) -> Result<()> {
    let metadata = reader.metadata();
    for (place, group) in metadata.row_groups().iter().enumerate() {
        let mut target = writer.next_row_group()?;
        for (index, column) in group.columns().iter().enumerate() {
            let column_index = metadata.column_index().map(|all| all[place][index].clone());
            let offset_index = metadata.offset_index().map(|all| all[place][index].clone());
            let chunk = ColumnCloseResult {
                bytes_written: u64::try_from(column.compressed_size()).unwrap_or(0),
                rows_written: u64::try_from(group.num_rows()).unwrap_or(0),
                metadata: column.clone(),
                bloom_filter: None,
                column_index,
                offset_index,
            };
            target.append_column(file, chunk)?;
        }
        target.close()?;
    }
    Ok(())
}

/// How much longer the description of a row group can become when it moves behind others: positions
/// are stored in as few bytes as they need, at most 10.
fn most_growth(reader: &SerializedFileReader<Bytes>) -> u64 {
    const POSITIONS_OF_COLUMN: usize = 5;
    const POSITIONS_OF_GROUP: usize = 4;
    let metadata = reader.metadata();
    let columns = metadata.file_metadata().schema_descr().num_columns();
    let indexes = metadata.offset_index().into_iter().flatten().flatten();
    let pages: usize = indexes.map(|index| index.page_locations.len()).sum();
    9 * (columns * POSITIONS_OF_COLUMN + POSITIONS_OF_GROUP + pages) as u64
}
