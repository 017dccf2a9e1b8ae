//! A folder that is in use by this server.

use std::path::Path;

use super::{
    lock::{FolderLock, LOCK_FILE},
    private_files::Found,
};
use crate::error::{Error, Result};

/// A locked folder, and the parts that must stay in place.
pub(crate) struct WholeFolder {
    parts: Vec<Found>,
    _lock: FolderLock,
}

impl WholeFolder {
    /// Waits for a moment if a server of this process is about to release the folder.
    pub(crate) async fn lock(folder: &Path) -> Result<Self> {
        let lock = FolderLock::take(folder).await?;
        let mut whole = Self { parts: Vec::new(), _lock: lock };
        whole.expect(&folder.join(LOCK_FILE))?;
        Ok(whole)
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
