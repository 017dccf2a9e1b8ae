//! A file of a batch, from step to step.

use super::sources::Partition;
use crate::{schema::Footer, source::Content};

/// A file with its place and name in the batch.
#[derive(Clone, Debug)]
pub(super) struct PlannedFile {
    /// Its place in the upload, from 0.
    pub position: usize,
    /// Its name in the dataset.
    pub name: String,
    /// What it holds, pinned.
    pub content: Content,
    /// What the folders on its way say.
    pub partition: Partition,
}

/// A planned file whose footer was read and found good.
#[derive(Clone, Debug)]
pub(super) struct CheckedFile {
    /// Its name and identity.
    pub planned: PlannedFile,
    /// What its footer says.
    pub footer: Footer,
}
