//! Requests the next objects of a content while one is read: a pack may have many small ones.

use std::collections::VecDeque;

use super::{piece::Piece, pinned::Source, remote::RemoteStream, waits_for::WaitsFor};

/// Objects that begin within so many bytes are requested.
const AHEAD_BYTES: u64 = 4 << 20;
/// The number of such requests of one content. Their bytes wait in the buffers of connections.
const AHEAD_REQUESTS: usize = 8;

/// Objects that were requested, in the order of the content.
#[derive(Default)]
pub(super) struct Ahead(VecDeque<(Source, RemoteStream)>);

impl Ahead {
    /// Takes the stream of a source, if it was requested.
    pub(super) fn take(&mut self, source: &Source) -> Option<RemoteStream> {
        let place = self.0.iter().position(|(requested, _)| requested.is_same(source))?;
        // The content is past those before it.
        self.0.drain(..place);
        self.0.pop_front().map(|(_, stream)| stream)
    }

    /// Requests what follows `left` bytes of the source that is being read.
    pub(super) fn request(
        &mut self,
        reading: &Source,
        left: u64,
        next: &[Piece],
        waits_for: &WaitsFor,
    ) {
        let mut distance = left;
        for piece in next {
            if distance > AHEAD_BYTES || self.0.len() >= AHEAD_REQUESTS {
                return;
            }
            distance += piece.size();
            let Piece::Range(source, range) = piece else { continue };
            let Some(file) = source.remote() else { continue };
            let is_known = |known: &Source| known.is_same(source);
            if !is_known(reading) && !self.0.iter().any(|(requested, _)| is_known(requested)) {
                let stream =
                    RemoteStream::requested(file.clone(), range.clone(), waits_for.clone());
                self.0.push_back((source.clone(), stream));
            }
        }
    }
}
