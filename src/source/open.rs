//! Contents that are open for blocking reads.

use std::{
    io::{self, BufReader, Read},
    ops::Range,
    sync::Arc,
};

use bytes::Bytes;
use parquet::{
    errors::{ParquetError, Result as ParquetResult},
    file::reader::{ChunkReader, Length},
};

use super::{
    piece::Piece,
    pinned::{OpenSource, Source},
};
use crate::{
    error::{Error, Result},
    lock::Lock,
};

/// An open content. Many threads can read its ranges at the same time. Reads may block.
///
/// The parquet crate reads it as a `ChunkReader`.
#[derive(Clone, Debug)]
pub struct OpenContent {
    pieces: Arc<[OpenPiece]>,
    size: u64,
    /// The most recently read sources, newest last. A content may have more sources than a process
    /// may have files open.
    open: Arc<Lock<Vec<OpenSource>>>,
}

/// The number of sources of one content that stay open.
const MAX_OPEN_SOURCES: usize = 4;

#[derive(Debug)]
struct OpenPiece {
    /// Position of its first byte in the content.
    begin: u64,
    end: u64,
    piece: Piece,
}

impl OpenContent {
    /// Opens the first source. The others are opened when they are read.
    pub(super) fn new(pieces: &[Piece]) -> Result<Self> {
        let mut size = 0;
        let place = |piece: &Piece| {
            let begin = size;
            size += piece.size();
            OpenPiece { begin, end: size, piece: piece.clone() }
        };
        let placed: Arc<_> = pieces.iter().map(place).collect();
        let content = Self { pieces: placed, size, open: Arc::default() };
        if let Some(first) = pieces.iter().find_map(Piece::source) {
            content.source(first)?;
        }
        Ok(content)
    }

    /// The source, open.
    fn source(&self, source: &Source) -> Result<OpenSource> {
        let known = self.open.lock().iter().find(|known| known.is_of(source)).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let opened = source.open()?;
        let mut open = self.open.lock();
        if open.len() == MAX_OPEN_SOURCES {
            open.remove(0);
        }
        open.push(opened.clone());
        Ok(opened)
    }

    /// A range of its bytes.
    ///
    /// # Errors
    /// [`Error::File`], or [`Error::FileChanged`] if a file has become shorter.
    pub fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let length = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let mut bytes = vec![0; length];
        self.fill(&mut bytes, range.start)?;
        Ok(bytes.into())
    }

    /// Fills `bytes` from `offset`.
    pub(super) fn fill(&self, mut bytes: &mut [u8], mut offset: u64) -> Result<()> {
        while !bytes.is_empty() {
            let count = self.read_piece(bytes, offset)?;
            if count == 0 {
                return Err(Error::Internal("a content was read behind its end".to_owned()));
            }
            bytes = &mut bytes[count..];
            offset += count as u64;
        }
        Ok(())
    }

    /// Fills `bytes` from `offset`, up to the end of the piece. Returns 0 at the end.
    fn read_piece(&self, bytes: &mut [u8], offset: u64) -> Result<usize> {
        let place = self.pieces.partition_point(|piece| piece.end <= offset);
        let Some(piece) = self.pieces.get(place) else { return Ok(0) };
        let left = usize::try_from(piece.end - offset).unwrap_or(usize::MAX);
        let length = left.min(bytes.len());
        let bytes = &mut bytes[..length];
        let offset = offset - piece.begin;
        match &piece.piece {
            Piece::Bytes(memory) => {
                let begin = usize::try_from(offset).unwrap_or(usize::MAX);
                bytes.copy_from_slice(&memory[begin..begin + bytes.len()]);
            }
            Piece::Range(source, range) => {
                self.source(source)?.fill(bytes, range.start + offset)?;
            }
        }
        Ok(bytes.len())
    }
}

impl Length for OpenContent {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for OpenContent {
    type T = BufReader<ReadFrom>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::new(ReadFrom { content: self.clone(), offset: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let range = start..start.saturating_add(length as u64);
        if range.end > self.size {
            return Err(ParquetError::EOF("its pages lie outside of the file".to_owned()));
        }
        self.read(range).map_err(|error| ParquetError::External(error.into()))
    }
}

/// Reads a content sequentially, independently of other readers.
#[derive(Debug)]
pub struct ReadFrom {
    content: OpenContent,
    offset: u64,
}

impl Read for ReadFrom {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.content.read_piece(bytes, self.offset).map_err(io::Error::other)?;
        self.offset += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Read};

    use bytes::Bytes;
    use parquet::file::reader::ChunkReader;

    use crate::{
        error::Error,
        location::Location,
        source::{Content, Piece, Source},
    };

    #[test]
    fn any_range_of_a_content_is_read_whatever_its_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"0123456789").unwrap();
        let source = Source::pin(&path).unwrap();
        let content = Content::new(
            Location::from(path.as_path()),
            [
                Piece::Range(source.clone(), 2..4),
                Piece::Bytes(Bytes::from_static(b"abc")),
                Piece::Range(source, 7..10),
            ],
        );
        let (open, all) = (content.open().unwrap(), b"23abc789");
        for begin in 0..=all.len() {
            for end in begin..=all.len() {
                let read = open.read(begin as u64..end as u64).unwrap();
                assert_eq!(read, all[begin..end], "{begin}..{end}");
            }
            let mut rest = Vec::new();
            open.get_read(begin as u64).unwrap().read_to_end(&mut rest).unwrap();
            assert_eq!(rest, all[begin..], "{begin}");
        }
        let behind_the_end = open.read(5..9).unwrap_err().to_string();
        assert!(behind_the_end.contains("read behind its end"), "{behind_the_end}");
        let behind_the_end = open.get_bytes(5, 4).unwrap_err().to_string();
        assert!(behind_the_end.contains("lie outside of the file"), "{behind_the_end}");
    }

    #[test]
    fn a_file_that_shrinks_while_open_is_reported_as_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"0123456789").unwrap();
        let open = Content::from(Source::pin(&path).unwrap()).open().unwrap();
        assert_eq!(open.read(8..10).unwrap(), b"89"[..]);
        fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(4).unwrap();
        assert!(matches!(open.read(3..5), Err(Error::FileChanged { change: "it shrank", .. })));
        assert!(open.get_bytes(3, 2).unwrap_err().to_string().contains("it shrank"));
    }
}
