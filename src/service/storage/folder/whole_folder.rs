//! The folder itself, while a service has it.

use std::path::Path;

use super::{
    lock::{FolderLock, LOCK_FILE},
    private_files::Found,
};
use crate::error::{Error, Result};

/// A folder that nobody else has, and what makes it up.
pub(crate) struct WholeFolder {
    parts: Vec<Found>,
    _lock: FolderLock,
}

impl WholeFolder {
    /// Waits for a moment for a service of this process that is about to free the folder.
    pub(crate) async fn lock(folder: &Path) -> Result<Self> {
        let lock = FolderLock::take(folder).await?;
        let mut whole = Self { parts: Vec::new(), _lock: lock };
        whole.expect(folder, LOCK_FILE)?;
        Ok(whole)
    }

    /// From now on, this part of the folder has to stay in place.
    pub(crate) fn expect(&mut self, folder: &Path, part: &str) -> Result<()> {
        let path = folder.join(part);
        let found = Found::at(path.clone()).map_err(|source| Error::File { path, source })?;
        self.parts.push(found);
        Ok(())
    }

    /// Whether nothing of it was removed or replaced.
    pub(crate) fn is_in_place(&self) -> bool {
        self.parts.iter().all(Found::is_in_place)
    }
}
