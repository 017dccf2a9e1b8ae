//! Temporary files without a name: they disappear with their last handle, even after a kill, and no
//! other process can change them.

use std::{fs::File, sync::Arc};

use crate::{
    error::{Error, Result},
    temporary_file::in_temporary_folder,
};

/// A temporary file; `None` after it was released.
#[derive(Clone, Debug)]
pub(super) struct TemporaryFile(Option<Arc<File>>);

impl TemporaryFile {
    pub(super) fn new(file: File) -> Self {
        Self(Some(Arc::new(file)))
    }

    pub(super) fn size(&self) -> Result<u64> {
        Ok(self.open()?.metadata().map_err(in_temporary_folder)?.len())
    }

    pub(super) fn open(&self) -> Result<Arc<File>> {
        self.0
            .clone()
            .ok_or_else(|| Error::Internal("a temporary file was read after its end".to_owned()))
    }

    pub(super) fn release(&mut self) {
        self.0 = None;
    }

    pub(super) fn is_released(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.0.as_ref().zip(other.0.as_ref()).is_some_and(|(left, right)| Arc::ptr_eq(left, right))
    }
}
