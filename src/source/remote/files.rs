//! The files of a bucket: how they are listed, and where their bytes are.

use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore, path::Path};

use super::{
    contents::Contents, error::ReadError, hub::Repository, identity::Identity, store::Store,
};
use crate::error::Result;

/// Folders that are looked at at the same time.
const LISTINGS_AT_ONCE: usize = 16;

/// Cheap to clone.
#[derive(Clone)]
pub(super) enum Files {
    Store(Arc<dyn ObjectStore>),
    Hub(Arc<Repository>),
}

impl Files {
    pub(super) fn at(&self, path: Path) -> Result<Store> {
        Ok(match self {
            Self::Store(store) => Store::Object(Arc::clone(store), path),
            Self::Hub(repository) => Store::Web(Arc::new(repository.file(path.as_ref())?)),
        })
    }

    /// Lists what is directly in a folder, or everything below it.
    pub(super) async fn list(
        &self,
        folder: &Path,
        is_recursive: bool,
    ) -> Result<Contents, ReadError> {
        let store = match self {
            Self::Store(store) => store,
            Self::Hub(repository) => return repository.list(folder.as_ref(), is_recursive).await,
        };
        let failed = |error| ReadError::of_store(&error);
        let file = |meta: ObjectMeta| (meta.location.clone(), Identity::from(&meta));
        if is_recursive {
            let files = store.list(Some(folder)).map_ok(file).try_collect().await;
            return Ok(Contents { files: files.map_err(failed)?, folders: Vec::new() });
        }
        let listed = store.list_with_delimiter(Some(folder)).await.map_err(failed)?;
        Ok(Contents {
            files: listed.objects.into_iter().map(file).collect(),
            folders: listed.common_prefixes.into_iter().map(String::from).collect(),
        })
    }

    /// For each folder, whether anything is in it. A store that does not allow to list has none.
    pub(super) async fn have_entries(&self, folders: Vec<Path>) -> Vec<bool> {
        let store = match self {
            Self::Store(store) => store,
            Self::Hub(repository) => return repository.have_entries(&folders).await,
        };
        let has_entry =
            |path: Path| async move { matches!(store.list(Some(&path)).next().await, Some(Ok(_))) };
        stream::iter(folders).map(has_entry).buffered(LISTINGS_AT_ONCE).collect().await
    }
}
