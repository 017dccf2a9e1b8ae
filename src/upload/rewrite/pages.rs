//! The pages of a small row group, in memory.

use std::{ops::Range, sync::Arc};

use bytes::{Buf, Bytes, buf::Reader};
use parquet::{
    errors::{ParquetError, Result},
    file::{
        metadata::{ColumnChunkMetaData, RowGroupMetaData},
        properties::ReaderProperties,
        reader::{ChunkReader, Length},
        serialized_reader::SerializedRowGroupReader,
    },
};

/// The range of a column chunk's pages. Some writers store offset 0 for a missing page.
///
/// # Errors
/// If the data begins before its dictionary: readers disagree about where such a chunk begins.
pub(in crate::upload) fn page_range(column: &ColumnChunkMetaData) -> Result<Range<u64>> {
    let data = column.data_page_offset();
    let dictionary = column.dictionary_page_offset().filter(|&position| position > 0);
    if data > 0 && dictionary.is_some_and(|dictionary| dictionary > data) {
        return Err(ParquetError::General(format!(
            "its footer is damaged: the data of column {} begins before its dictionary",
            column.column_path().string()
        )));
    }
    let begin = u64::try_from(dictionary.unwrap_or(data)).unwrap_or(0);
    let size = u64::try_from(column.compressed_size()).unwrap_or(0);
    Ok(if size == 0 { 0..0 } else { begin..begin.saturating_add(size) })
}

/// A row group that was read: its file does not have to stay open.
pub(super) struct LoadedGroup {
    pub(super) metadata: RowGroupMetaData,
    pages: Arc<Pages>,
}

impl LoadedGroup {
    /// Reads the pages. Column chunks that follow each other are read at once.
    pub(super) fn read(file: &impl ChunkReader, metadata: &RowGroupMetaData) -> Result<Self> {
        let mut ranges: Vec<_> =
            metadata.columns().iter().map(page_range).collect::<Result<_>>()?;
        ranges.sort_by_key(|range| range.start);
        let mut joined: Vec<Range<u64>> = Vec::new();
        for range in ranges.into_iter().filter(|range| !range.is_empty()) {
            match joined.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => joined.push(range),
            }
        }
        let read = |range: Range<u64>| {
            let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
            Ok((range.start, file.get_bytes(range.start, length)?))
        };
        let pieces = joined.into_iter().map(read).collect::<Result<_>>()?;
        Ok(Self { metadata: metadata.clone(), pages: Arc::new(Pages { pieces }) })
    }

    pub(super) fn reader(&self) -> Result<SerializedRowGroupReader<'_, Pages>> {
        let properties = Arc::new(ReaderProperties::builder().build());
        SerializedRowGroupReader::new(Arc::clone(&self.pages), &self.metadata, None, properties)
    }
}

/// Parts of a file at their positions, in ascending order.
pub(super) struct Pages {
    pieces: Vec<(u64, Bytes)>,
}

impl Pages {
    fn from(&self, start: u64) -> Result<Bytes> {
        let after = self.pieces.partition_point(|(begin, _)| *begin <= start);
        let piece = after.checked_sub(1).and_then(|place| self.pieces.get(place));
        piece
            .and_then(|(begin, bytes)| {
                let within = usize::try_from(start - begin).ok()?;
                (within < bytes.len()).then(|| bytes.slice(within..))
            })
            .ok_or_else(|| ParquetError::EOF("its pages lie outside of its columns".to_owned()))
    }
}

impl Length for Pages {
    fn len(&self) -> u64 {
        self.pieces.last().map_or(0, |(begin, bytes)| begin + bytes.len() as u64)
    }
}

impl ChunkReader for Pages {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF("its pages lie outside of its columns".to_owned()));
        }
        Ok(bytes.slice(..length))
    }
}
