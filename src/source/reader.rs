//! Reads a content from start to end into reused buffers.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{
    ahead::Ahead,
    buffers::Buffers,
    content::Content,
    piece::Piece,
    pinned::{OpenSource, Source},
    remote::{LOOKS_AT_ONCE, RemoteStream},
    together::ReadAhead,
    waits_for::WaitsFor,
};
use crate::{
    background::in_background,
    config::{READ_BYTES, TAIL_BYTES},
    error::{Error, Result},
    wire::digest::ContentHash,
    xxh3::Xxh3Hasher,
};

/// Reads a content from start to end. Each attempt to send it creates a reader.
pub(crate) struct ContentReader {
    content: Content,
    /// The current piece, and how much of it was read.
    piece: usize,
    read_of_piece: u64,
    /// The number of bytes left in all pieces.
    left: u64,
    /// The source of the current piece, or of an earlier one.
    stream: Option<Stream>,
    ahead: Ahead,
    waits_for: WaitsFor,
    /// The last bytes were read, and no source was changed by then.
    is_verified: bool,
    /// The complete content, if it is read elsewhere.
    read_ahead: Option<ReadAhead>,
    /// Hashes the bytes, if the XXH3 is wanted and not known.
    hasher: Option<Xxh3Hasher>,
    buffers: Buffers,
    /// The number of bytes to read at once.
    read_bytes: usize,
}

impl ContentReader {
    /// With `is_to_be_hashed`, the content's XXH3 is known after its last bytes were read.
    pub(crate) fn new(content: Content, is_to_be_hashed: bool) -> Self {
        let is_unknown = content.known_hashes().xxh3.is_none();
        let hasher = (is_to_be_hashed && is_unknown).then(Xxh3Hasher::default);
        let left = content.size();
        Self {
            content,
            piece: 0,
            read_of_piece: 0,
            left,
            stream: None,
            ahead: Ahead::default(),
            waits_for: WaitsFor::default(),
            is_verified: false,
            read_ahead: None,
            hasher,
            buffers: Buffers::default(),
            read_bytes: READ_BYTES,
        }
    }

    /// The same reader, which reads this many bytes at once.
    pub(crate) fn in_parts_of(self, read_bytes: usize) -> Self {
        Self { read_bytes, ..self }
    }

    /// The same reader, which reports the source that it waits for to `waits_for`.
    pub(crate) fn told_to(self, waits_for: WaitsFor) -> Self {
        Self { waits_for, ..self }
    }

    /// The same reader of a content that is read ahead.
    pub(crate) fn ahead(self, read_ahead: Option<ReadAhead>) -> Self {
        Self { read_ahead, ..self }
    }

    /// Whether the complete content comes next, and soon.
    pub(crate) fn is_ahead(&self) -> bool {
        self.read_ahead.is_some()
    }

    /// The next bytes, and whether they are the last. The last ones contain the complete tail, even
    /// if it spans pieces, and are returned only if no source was changed since it was pinned.
    pub(crate) async fn next(&mut self) -> Result<(Bytes, bool)> {
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let is_last = self.is_ahead() || left <= self.read_bytes + TAIL_BYTES;
        let wanted = if is_last { left } else { self.read_bytes };
        let (buffer, length) = match self.read_ahead.take() {
            Some(read_ahead) => self.complete(read_ahead).await?,
            None => self.read(wanted, is_last).await?,
        };
        self.left -= length as u64;
        if is_last && !self.is_verified && !self.content.cannot_change() {
            verify(self.content.clone(), self.waits_for.clone()).await?;
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&buffer[..length]);
            if is_last {
                self.content.has_hash(ContentHash::Xxh3(hasher.hash()));
            }
        }
        Ok((self.buffers.lend(buffer, length), is_last))
    }

    /// Reads up to `wanted` bytes: as many as are available without waiting, or else those of one
    /// piece.
    async fn read(&mut self, wanted: usize, all: bool) -> Result<(Vec<u8>, usize)> {
        let mut buffer = self.buffer();
        let mut length = 0;
        while length < wanted {
            let Some(piece) = self.content.pieces().get(self.piece) else {
                return Err(Error::Internal("a content ended before its size".to_owned()));
            };
            let left = usize::try_from(piece.size() - self.read_of_piece).unwrap_or(usize::MAX);
            let end = length + left.min(wanted - length);
            let read = match piece {
                Piece::Bytes(bytes) => {
                    let begin = bytes.len() - left;
                    buffer[length..end].copy_from_slice(&bytes[begin..begin + end - length]);
                    end - length
                }
                Piece::Range(source, range) => {
                    let offset = range.start + self.read_of_piece;
                    if self.stream.as_ref().is_none_or(|stream| !stream.is_of(source)) {
                        let requested = self.ahead.take(source);
                        let stream = Stream::new(source.clone(), requested, &self.waits_for);
                        self.stream = Some(stream);
                    }
                    let Some(stream) = &mut self.stream else { continue };
                    if stream.remote.is_some() {
                        let left = range.end - offset;
                        let next = &self.content.pieces()[self.piece + 1..];
                        self.ahead.request(source, left, next, &self.waits_for);
                    }
                    match stream.read_ready(&mut buffer[length..end], offset) {
                        0 if length > 0 && !all => break,
                        0 => {
                            let is_whole = self.content.pieces().len() == 1;
                            let is_end = is_whole && all && end == wanted;
                            let ended = is_end.then(|| self.content.clone());
                            let place = length..end;
                            self.waits_for.set(Some(source.location()));
                            (buffer, self.is_verified) =
                                stream.fill(buffer, place, offset, range.end, ended).await?;
                            self.waits_for.set(None);
                            end - length
                        }
                        read => read,
                    }
                }
            };
            length += read;
            self.read_of_piece += read as u64;
            if read == left {
                (self.piece, self.read_of_piece) = (self.piece + 1, 0);
            }
        }
        Ok((buffer, length))
    }

    async fn complete(&mut self, read_ahead: ReadAhead) -> Result<(Vec<u8>, usize)> {
        self.waits_for.set(Some(self.content.location()));
        let (buffer, home) = read_ahead.finished().await?;
        self.waits_for.set(None);
        (self.buffers, self.is_verified) = (home, true);
        Ok((buffer, usize::try_from(self.content.size()).unwrap_or(usize::MAX)))
    }

    fn buffer(&self) -> Vec<u8> {
        let size = usize::try_from(self.content.size()).unwrap_or(usize::MAX);
        self.buffers.take(size.min(self.read_bytes + TAIL_BYTES))
    }
}

/// Reads a source sequentially from an offset.
struct Stream {
    source: Source,
    /// Opened when the first bytes are read.
    open: Option<OpenSource>,
    /// The stream of an object, which replaces the open file.
    remote: Option<RemoteStream>,
}

impl Stream {
    /// Continues with `requested` if there is one.
    fn new(source: Source, requested: Option<RemoteStream>, waits_for: &WaitsFor) -> Self {
        let stream = |file: &_| RemoteStream::new(Arc::clone(file), waits_for.clone());
        let remote = requested.or_else(|| source.remote().map(stream));
        Self { source, open: None, remote }
    }

    fn is_of(&self, source: &Source) -> bool {
        self.source.is_same(source)
    }

    /// Reads what is in memory, without waiting. Returns 0 if nothing is.
    fn read_ready(&mut self, bytes: &mut [u8], offset: u64) -> usize {
        match (&mut self.remote, &self.open) {
            (Some(remote), _) => remote.take_ready(bytes, offset),
            (None, Some(open)) => open.read_cached(bytes, offset),
            (None, None) => 0,
        }
    }

    /// Fills the range `place` of `buffer` with the bytes from `offset`. Those up to `end` are read
    /// next. If this ends a content of one file, it is verified in the same background task, so that
    /// a small file has only one. Returns whether it was.
    async fn fill(
        &mut self,
        mut buffer: Vec<u8>,
        place: std::ops::Range<usize>,
        offset: u64,
        end: u64,
        ended: Option<Content>,
    ) -> Result<(Vec<u8>, bool)> {
        if let Some(remote) = &mut self.remote {
            remote.fill(&mut buffer[place], offset, end).await?;
            return Ok((buffer, false));
        }
        let is_verified = ended.is_some();
        let (source, open) = (self.source.clone(), self.open.take());
        let read = in_background(move || {
            let open = open.map_or_else(|| source.open(), Ok)?;
            open.fill(&mut buffer[place], offset)?;
            ended.map_or(Ok(()), |content| content.verify())?;
            Ok((open, buffer))
        });
        let (open, buffer) = read.await?;
        self.open = Some(open);
        Ok((buffer, is_verified))
    }
}

/// Checks that no source was changed since it was pinned. A pack may have thousands of objects, and
/// a look at each takes a moment.
async fn verify(content: Content, waits_for: WaitsFor) -> Result<()> {
    let sources = content.sources().into_iter().cloned();
    let (remote, local): (Vec<_>, Vec<_>) = sources.partition(|it| it.remote().is_some());
    let waits = waits_for.clone();
    let verify_local = move || {
        local.iter().try_for_each(|source| {
            waits.set(Some(source.location()));
            Source::verify([source])?;
            waits.arrived();
            Ok(())
        })
    };
    in_background(verify_local).await?;
    let objects: Vec<_> = remote.iter().filter_map(Source::remote).cloned().collect();
    let looks = objects.into_iter().map(|object| async move { object.look().await });
    let mut looks = stream::iter(looks).buffered(LOOKS_AT_ONCE);
    for source in &remote {
        waits_for.set(Some(source.location()));
        looks.next().await.unwrap_or(Ok(()))?;
        waits_for.arrived();
    }
    waits_for.set(None);
    Ok(())
}
