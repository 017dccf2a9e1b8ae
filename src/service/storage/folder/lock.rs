//! Only one server can use a folder.

use std::{
    fs::{File, TryLockError},
    io::{Read, Seek, Write},
    path::Path,
    time::Duration,
};

use super::private_files;
use crate::error::{Error, Result};

/// A server that stops in this process needs a moment to release the folder.
const PATIENCE: Duration = Duration::from_millis(900);
const PAUSE: Duration = Duration::from_millis(30);

/// The file that is locked.
pub(crate) const LOCK_FILE: &str = "catalog.lock";

/// The operating system's lock on the folder, which ends with the process.
pub(crate) struct FolderLock {
    file: File,
    process_id: u32,
}

impl FolderLock {
    pub(crate) async fn take(folder: &Path) -> Result<Self> {
        let in_folder = |source| Error::File { path: folder.to_owned(), source };
        private_files::create_folder(folder).map_err(in_folder)?;
        // A power cut must not remove the folder with everything in it.
        #[cfg(unix)]
        if let Some(parent) = folder.canonicalize().map_err(in_folder)?.parent() {
            // Best effort: the parent may not be readable, but then we did not create it.
            let _ = File::open(parent).and_then(|parent| parent.sync_all());
        }
        let mut file = private_files::open(&folder.join(LOCK_FILE)).map_err(in_folder)?;
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(PAUSE).await;
                }
                Err(TryLockError::WouldBlock) => return Err(in_use(folder, &mut file)),
                Err(TryLockError::Error(source)) => return Err(in_folder(source)),
            }
        }
        // For the error message of a second server; the lock itself needs no content.
        let process_id = std::process::id();
        let written = process_id.to_string();
        file.set_len(0).and_then(|()| file.write_all(written.as_bytes())).map_err(in_folder)?;
        Ok(Self { file, process_id })
    }
}

impl Drop for FolderLock {
    /// Closing the file is not enough while a forked child has it open too. And the end of a child
    /// must not release the lock of its parent's server.
    fn drop(&mut self) {
        if self.process_id == std::process::id() {
            let _ = self.file.unlock();
        }
    }
}

fn in_use(folder: &Path, file: &mut File) -> Error {
    let mut holder = String::new();
    let is_known = file.rewind().and_then(|()| file.read_to_string(&mut holder)).is_ok();
    let holder = if !is_known || holder.is_empty() {
        "another process".to_owned()
    } else if holder == std::process::id().to_string() {
        "this process".to_owned()
    } else {
        format!("another process ({holder})")
    };
    Error::FolderInUse { folder: folder.to_owned(), holder }
}
