//! The folders that this server uses.

use std::path::Path;

use super::{
    lock::{FolderLock, LOCK_FILE},
    private_files::Found,
};
use crate::error::{Error, Result};

/// Locked folders, and the parts that must stay in place.
#[derive(Default)]
pub(crate) struct UsedFolders {
    parts: Vec<Found>,
    locks: Vec<FolderLock>,
}

impl UsedFolders {
    /// Waits for a moment if a server of this process is about to release the folder.
    pub(crate) async fn lock(&mut self, folder: &Path) -> Result<()> {
        self.locks.push(FolderLock::take(folder).await?);
        self.expect(&folder.join(LOCK_FILE))
    }

    /// Requires this file or folder to stay in place from now on.
    pub(crate) fn expect(&mut self, part: &Path) -> Result<()> {
        let found = Found::at(part.to_owned()).map_err(Error::in_file(part))?;
        self.parts.push(found);
        Ok(())
    }

    /// Whether no part was removed or replaced.
    pub(crate) fn is_in_place(&self) -> bool {
        self.parts.iter().all(Found::is_in_place)
    }
}
