//! The files of a bucket: how they are listed, and where their bytes are.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{StreamExt, stream};
use object_store::{list::PaginatedListOptions, path::Path};

use super::{
    contents::Contents,
    error::ReadError,
    hub::Repository,
    identity::Identity,
    store::{ListedStore, Store},
};
use crate::error::Result;

/// Number of folders that are checked at the same time.
const LISTINGS_AT_ONCE: usize = 16;

/// Cheap to clone.
#[derive(Clone)]
pub(super) enum Files {
    Store(Arc<dyn ListedStore>),
    Hub(Arc<Repository>),
}

impl Files {
    pub(super) fn at(&self, path: Path) -> Result<Store> {
        Ok(match self {
            Self::Store(store) => Store::Object(Arc::clone(store) as _, path),
            Self::Hub(repository) => Store::Web(Arc::new(repository.file(path.as_ref())?)),
        })
    }

    /// Lists the keys that start with `prefix`, which need not be a folder: all of them, or those in
    /// its folder and the folders in it.
    pub(super) async fn list(
        &self,
        prefix: &str,
        is_recursive: bool,
    ) -> Result<Contents, ReadError> {
        let mut contents = match self {
            Self::Store(store) => list(&**store, prefix, is_recursive).await?,
            Self::Hub(repository) => {
                let folder = prefix.rsplit_once('/').map_or("", |(folder, _)| folder);
                repository.list(folder, is_recursive).await?
            }
        };
        // An empty object whose key is that of a folder is not in it.
        contents.files.retain(|(path, _)| path.as_ref().starts_with(prefix));
        contents.folders.retain(|folder| folder.starts_with(prefix));
        Ok(contents)
    }

    /// For each folder, whether anything is in it. A store that does not allow to list has none.
    pub(super) async fn have_entries(&self, folders: Vec<Path>) -> Vec<bool> {
        let store = match self {
            Self::Store(store) => store,
            Self::Hub(repository) => return repository.have_entries(&folders).await,
        };
        let has_entry = |path: Path| async move { has_entry(&**store, &format!("{path}/")).await };
        stream::iter(folders).map(has_entry).buffered(LISTINGS_AT_ONCE).collect().await
    }
}

async fn list(
    store: &dyn ListedStore,
    prefix: &str,
    is_recursive: bool,
) -> Result<Contents, ReadError> {
    let (mut files, mut folders, mut page_token) = (Vec::new(), BTreeSet::new(), None);
    loop {
        let delimiter = (!is_recursive).then_some("/".into());
        let options = PaginatedListOptions { delimiter, page_token, ..Default::default() };
        let page = store.list_paginated(Some(prefix), options).await;
        let page = page.map_err(|error| ReadError::of_store(&error))?;
        let listed = page.result.objects.into_iter();
        files.extend(listed.map(|meta| (meta.location.clone(), Identity::from(&meta))));
        folders.extend(page.result.common_prefixes.into_iter().map(String::from));
        page_token = page.page_token;
        if page_token.is_none() {
            return Ok(Contents { files, folders: folders.into_iter().collect() });
        }
    }
}

/// Whether a key starts with `prefix`.
async fn has_entry(store: &dyn ListedStore, prefix: &str) -> bool {
    let mut page_token = None;
    loop {
        let options = PaginatedListOptions { max_keys: Some(1), page_token, ..Default::default() };
        match store.list_paginated(Some(prefix), options).await {
            Ok(page) if !page.result.objects.is_empty() => return true,
            // Some stores return empty pages before others.
            Ok(page) if page.page_token.is_some() => page_token = page.page_token,
            _ => return false,
        }
    }
}
