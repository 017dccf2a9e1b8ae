//! A file to send.

use super::{report::Change, settle::Expected};
use crate::{
    background::in_background,
    content_hash::KnownHashes,
    error::Result,
    source::Content,
    wire::{messages::DatasetFile, staging::StagedFile},
};

/// A file to send.
#[derive(Clone, Debug)]
pub(super) struct OutgoingFile {
    /// Its position in the upload, from 0.
    pub(super) position: usize,
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) row_count: u64,
    /// Changes to its sources.
    pub(super) changes: Vec<Change>,
    /// Dropped when the file is committed, because a temporary file takes up disk space. A file
    /// that another process staged has none.
    pub(super) content: Option<Content>,
    /// What the server knows about it, if it is staged.
    pub(super) staged: Option<StagedFile>,
    pub(super) is_committed: bool,
}

impl OutgoingFile {
    /// Called when the dataset has the file.
    pub(super) fn committed(&mut self) {
        self.is_committed = true;
        self.content = None;
    }

    fn hashes(&self) -> KnownHashes {
        let known = self.content.as_ref().map(Content::known_hashes).unwrap_or_default();
        let staged = self.staged.as_ref().map(|staged| staged.sha256);
        KnownHashes { sha256: staged.or(known.sha256), ..known }
    }

    /// Reads the content again to compute its hash, if the listing has a hash for a file that may
    /// be this one.
    ///
    /// # Errors
    /// [`Error::File`](crate::Error::File) and [`Error::FileChanged`](crate::Error::FileChanged).
    pub(super) async fn hash_to_compare(&self, listing: &[DatasetFile]) -> Result<()> {
        let expected = Expected::from(self);
        let Some(content) = self.content.clone() else { return Ok(()) };
        let mut latest_first = listing.iter().rev();
        if let Some(kind) = latest_first.find_map(|listed| expected.hash_to_compare(listed)) {
            in_background(move || content.read_hash(kind, |_| Ok(()))).await?;
        }
        Ok(())
    }
}

impl<'a> From<&'a OutgoingFile> for Expected<'a> {
    fn from(file: &'a OutgoingFile) -> Self {
        Self {
            name: &file.name,
            size_bytes: Some(file.size_bytes),
            row_count: file.row_count,
            hashes: file.hashes(),
        }
    }
}
