//! Creates files from their recipes, ready to be sent.

use super::{
    outgoing::OutgoingFile,
    pack::{join, merge},
    recipe::Recipe,
    report::Change,
    rewrite::rewrite,
};
use crate::{background::in_background, error::Result, source::Content};

impl Recipe {
    /// The file to send, unless its content must be created first.
    pub(super) fn ready(self) -> Option<OutgoingFile> {
        let content = self.as_is()?.clone();
        Some(self.outgoing(content))
    }

    /// Creates the content, if needed.
    ///
    /// # Errors
    /// [`Error::Rewrite`](crate::Error::Rewrite) if a page cannot be read or a value would be lost;
    /// [`Error::FileChanged`](crate::Error::FileChanged).
    pub(super) async fn made(self) -> Result<OutgoingFile> {
        match self.as_is().cloned() {
            Some(content) => Ok(self.outgoing(content)),
            None => in_background(move || self.make()).await,
        }
    }

    /// Like [`Recipe::made`], but may block.
    pub(super) fn make(self) -> Result<OutgoingFile> {
        let content = self.content()?;
        Ok(self.outgoing(content))
    }

    /// The same file with its content created, as one part. May block.
    ///
    /// # Errors
    /// The errors of [`Recipe::made`].
    pub(super) fn fixed(mut self) -> Result<Self> {
        if self.as_is().is_none() {
            let (content, row_count) = (self.content()?, self.row_count());
            self.parts.truncate(1);
            self.changes.clear();
            for part in &mut self.parts {
                part.content = content.clone();
                part.row_groups = 0..part.footer.row_groups.len();
                part.row_count = row_count;
            }
        }
        Ok(self)
    }

    /// The content of the file. Decodes pages only if something in them must change.
    fn content(&self) -> Result<Content> {
        match self.as_is() {
            Some(content) => Ok(content.clone()),
            None if self.changes.is_empty() => join(&self.name, &self.parts),
            None if self.changes == [Change::Merged] => join(&self.name, &merge(&self.parts)?),
            None => rewrite(self),
        }
    }

    fn outgoing(self, content: Content) -> OutgoingFile {
        OutgoingFile {
            position: self.position,
            row_count: self.row_count(),
            size_bytes: content.size(),
            name: self.name,
            content: Some(content),
            changes: self.changes,
            staged: None,
            is_committed: false,
        }
    }
}
