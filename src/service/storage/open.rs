//! All of a service's storage, opened from one place.

use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use bytes::Bytes;

use super::{
    blobs::{Blobs, ByteStream},
    catalog::Catalog,
    error::StorageError,
    folder::{FolderBlobs, WholeFolder},
    new_blob::{NewBlob, StoredBlob, new_file_id},
    pending::{Pending, PendingBlob},
    sqlite::CATALOG_FILE,
    sweep::sweep,
    writes::{Appended, NewFile},
};
use crate::{
    error::{Error, Result},
    schema::Schema,
    service::clock::now,
};

/// Where datasets are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A folder of this machine: SQLite, and files.
    Folder(PathBuf),
}

impl Place {
    /// # Errors
    /// [`Error::Configuration`] for a URL of something that this release cannot store in.
    pub(crate) fn parse(place: &Path) -> Result<Self> {
        match place.to_str().and_then(|place| place.split_once("://")) {
            Some((scheme, _)) => Err(Error::Configuration(format!(
                "cannot store datasets in {scheme}://…; the place must be a local folder"
            ))),
            None => Ok(Self::Folder(place.to_owned())),
        }
    }
}

/// Catalog and blobs.
pub(crate) struct Storage {
    catalog: Catalog,
    blobs: Box<dyn Blobs>,
    pending: Box<dyn Pending>,
    /// Dropped last: nobody else opens the folder before everything is closed.
    folder: WholeFolder,
}

impl Storage {
    /// Opens what is stored, makes it if it is missing, and sweeps what unfinished uploads have
    /// left behind.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the catalog cannot be read, [`Error::FolderInUse`] if another
    /// process has the folder, [`Error::File`] if it cannot be written.
    pub(crate) async fn open(place: &Place) -> Result<Self> {
        let Place::Folder(path) = place;
        let mut folder = WholeFolder::lock(path).await?;
        let catalog = Catalog::open(path).await?;
        folder.expect(path, CATALOG_FILE)?;
        let blobs = FolderBlobs::open(path)?;
        folder.expect(path, FolderBlobs::FOLDER)?;
        sweep(&catalog, &blobs, &blobs).await.map_err(|error| Error::File {
            path: path.join(FolderBlobs::FOLDER),
            source: io::Error::other(error.to_string()),
        })?;
        let pending = blobs.clone();
        Ok(Self { catalog, blobs: Box::new(blobs), pending: Box::new(pending), folder })
    }

    pub(crate) fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Whether something can be written at this moment.
    pub(crate) fn check_writable(&self) -> Result<(), StorageError> {
        if self.catalog.has_failed() {
            return Err(StorageError::WritesStopped);
        }
        if !self.folder.is_in_place() {
            return Err(StorageError::FolderReplaced);
        }
        Ok(())
    }

    /// Begins a blob, which is recorded first.
    pub(crate) async fn create_blob(&self, owner: Option<&str>) -> Result<NewBlob, StorageError> {
        let file_id = new_file_id();
        self.pending.begin(&PendingBlob { file_id: &file_id, owner, begun_at: now() }).await?;
        let writer = self.blobs.create(&file_id).await?;
        Ok(NewBlob::new(file_id, writer))
    }

    /// Reads a range of a blob that is complete.
    pub(crate) async fn read_range(
        &self,
        blob: &StoredBlob,
        range: Range<u64>,
    ) -> Result<Bytes, StorageError> {
        self.blobs.read_range(&blob.file_id, range).await
    }

    /// Reads the bytes of a file.
    pub(crate) async fn read(&self, file_id: &str, size: u64) -> Result<ByteStream, StorageError> {
        self.blobs.read(file_id, size).await
    }

    /// Makes stored blobs files of a dataset: see [`Catalog::append`]. Those that certainly are
    /// no files are removed.
    pub(crate) async fn append(
        &self,
        dataset_id: &str,
        data_schema: &Schema,
        files: &[NewFile],
    ) -> Result<Appended, StorageError> {
        let appended = self.catalog.append(dataset_id, data_schema, files).await;
        let is_undone = match &appended {
            Ok(appended) => *appended != Appended::Done,
            // Otherwise the file may exist all the same, so its blob stays: the next start knows.
            Err(error) => error.is_undone(),
        };
        if is_undone {
            for file in files {
                self.remove(&file.file_id).await;
            }
        }
        appended
    }

    /// Removes a stored blob of which no file will be made.
    pub(crate) async fn discard(&self, blob: StoredBlob) {
        self.remove(&blob.file_id).await;
    }

    async fn remove(&self, file_id: &str) {
        let removed = async {
            self.blobs.delete(file_id).await?;
            self.pending.end(file_id).await
        };
        // The next start sweeps it.
        if let Err(error) = removed.await {
            tracing::warn!("a refused upload was not removed: {error}");
        }
    }

    pub(crate) async fn close(&self) {
        self.catalog.close().await;
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::Place;

    #[test]
    fn a_place_is_a_folder_and_no_url() {
        for folder in ["data", "/data", "s3/data", "a:b"] {
            assert_eq!(Place::parse(Path::new(folder)).unwrap(), Place::Folder(folder.into()));
        }
        for url in ["s3://bucket/data", "postgres://db/sutro"] {
            let refused = Place::parse(&PathBuf::from(url)).unwrap_err().to_string();
            assert!(refused.contains("must be a local folder"), "{refused}");
        }
    }
}
