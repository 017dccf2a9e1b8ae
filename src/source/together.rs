//! Small files that are read together: a thread for each of them costs more than its bytes.

use tokio::{sync::oneshot, task::spawn_blocking};

use super::{buffers::Buffers, content::Content, piece::Piece};
use crate::{
    config::READ_BYTES,
    error::{Error, Result},
};

/// A content that is read as a whole, before it is needed.
pub(crate) struct ReadAhead {
    read: oneshot::Receiver<Result<Vec<u8>>>,
    buffers: Buffers,
}

impl ReadAhead {
    /// A buffer that begins with the content, if no source was changed since it was pinned, and
    /// where it comes from.
    pub(super) async fn finished(self) -> Result<(Vec<u8>, Buffers)> {
        let lost = |_| Err(Error::Internal("a file was not read ahead".to_owned()));
        let buffer = self.read.await.unwrap_or_else(lost)?;
        Ok((buffer, self.buffers))
    }
}

/// Starts to read these contents, one after the other. Each should be small.
pub(crate) fn read_together(contents: Vec<Content>, buffers: &Buffers) -> Vec<ReadAhead> {
    let reader = |_| {
        let (sender, read) = oneshot::channel();
        (sender, ReadAhead { read, buffers: buffers.clone() })
    };
    let (senders, readers): (Vec<_>, Vec<_>) = contents.iter().map(reader).unzip();
    let buffers = buffers.clone();
    spawn_blocking(move || {
        for (content, sender) in contents.into_iter().zip(senders) {
            // A request that was given up does not need it any more.
            if !sender.is_closed() {
                let _ = sender.send(content.read_whole(&buffers));
            }
        }
    });
    readers
}

impl Content {
    /// Whether it is a local file that is read at once.
    pub(crate) fn is_small_file(&self) -> bool {
        let is_local = |piece: &Piece| piece.source().is_some_and(|it| it.remote().is_none());
        self.size() <= READ_BYTES as u64 && matches!(self.pieces(), [piece] if is_local(piece))
    }

    fn read_whole(&self, buffers: &Buffers) -> Result<Vec<u8>> {
        let size = usize::try_from(self.size()).unwrap_or(usize::MAX);
        let mut buffer = buffers.take(size);
        self.open()?.fill(&mut buffer[..size], 0)?;
        self.verify()?;
        Ok(buffer)
    }
}
