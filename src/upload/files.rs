//! The files of a batch, before and after the check.

use super::sources::Partition;
use crate::{schema::Footer, source::Content};

/// A file with its position and name in the batch.
#[derive(Clone, Debug)]
pub(super) struct PlannedFile {
    /// Its position in the upload, from 0.
    pub position: usize,
    /// Its name in the dataset.
    pub name: String,
    /// Its content, pinned.
    pub content: Content,
    /// The columns in the names of its folders.
    pub partition: Partition,
}

/// A planned file with a valid footer.
#[derive(Clone, Debug)]
pub(super) struct CheckedFile {
    /// Its position, name and content.
    pub planned: PlannedFile,
    /// Its footer.
    pub footer: Footer,
}
