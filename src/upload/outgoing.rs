//! A file on its way into a dataset.

use super::{check::CheckedFile, settle::Expected};
use crate::client::SourceFile;

/// A file on its way into a dataset.
#[derive(Clone, Debug)]
pub(super) struct OutgoingFile {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) row_count: u64,
    /// Let go when the file is committed: a temporary one takes up disk space.
    pub(super) source: Option<SourceFile>,
}

impl OutgoingFile {
    /// The same file, when the dataset has it.
    pub(super) fn committed(self) -> Self {
        Self { source: None, ..self }
    }
}

impl From<&CheckedFile> for OutgoingFile {
    fn from(file: &CheckedFile) -> Self {
        Self {
            name: file.planned.name.clone(),
            size_bytes: file.planned.source.size(),
            row_count: file.footer.row_count,
            source: Some(file.planned.source.clone()),
        }
    }
}

impl<'a> From<&'a OutgoingFile> for Expected<'a> {
    fn from(file: &'a OutgoingFile) -> Self {
        Self {
            name: &file.name,
            size_bytes: Some(file.size_bytes),
            row_count: file.row_count,
            hash: file.source.as_ref().and_then(SourceFile::known_hash),
        }
    }
}
