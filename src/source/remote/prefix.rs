//! Lists keys by their start, which need not be a folder.

use std::{collections::BTreeSet, sync::Arc};

use futures_util::{StreamExt, stream};
use object_store::{ObjectMeta, list::PaginatedListOptions};

use super::{
    bucket::{Bucket, Listing},
    store::ListedStore,
    wait::wait,
};
use crate::error::Result;

/// Requests at the same time.
const LISTINGS_AT_ONCE: usize = 16;

impl Bucket {
    /// Lists the keys that start with `prefix`: all of them, or those in its folder and the folders
    /// in it.
    ///
    /// # Errors
    /// [`crate::Error::File`] if the store refuses or does not respond.
    pub(crate) fn with_prefix(&self, prefix: &str, with_subfolders: bool) -> Result<Listing> {
        let listed = listed(self.listed_store(), prefix.to_owned(), with_subfolders);
        let (objects, folders) =
            wait(&self.runtime, listed)?.map_err(|error| self.failed(prefix, &error))?;
        let objects = objects.into_iter().map(|meta| self.listed(meta)).collect();
        Ok(Listing { objects, folders: folders.into_iter().collect() })
    }

    /// For each folder, whether anything is in it. A store that does not allow to list has none.
    pub(crate) fn have_entries(&self, folders: &[String]) -> Result<Vec<bool>> {
        let paths: Vec<_> =
            folders.iter().map(|folder| self.path(folder)).collect::<Result<_>>()?;
        let store = self.listed_store();
        let looks = stream::iter(paths)
            .map(move |path| has_entry(Arc::clone(&store), format!("{path}/")))
            .buffered(LISTINGS_AT_ONCE);
        wait(&self.runtime, looks.collect::<Vec<_>>())
    }
}

async fn listed(
    store: Arc<dyn ListedStore>,
    prefix: String,
    with_subfolders: bool,
) -> object_store::Result<(Vec<ObjectMeta>, BTreeSet<String>)> {
    let (mut objects, mut folders, mut page_token) = (Vec::new(), BTreeSet::new(), None);
    loop {
        let delimiter = (!with_subfolders).then_some("/".into());
        let options = PaginatedListOptions { delimiter, page_token, ..Default::default() };
        let page = store.list_paginated(Some(&prefix), options).await?;
        objects.extend(page.result.objects);
        folders.extend(page.result.common_prefixes.into_iter().map(String::from));
        page_token = page.page_token;
        if page_token.is_none() {
            return Ok((objects, folders));
        }
    }
}

/// Whether a key starts with `prefix`.
async fn has_entry(store: Arc<dyn ListedStore>, prefix: String) -> bool {
    let mut page_token = None;
    loop {
        let options = PaginatedListOptions { max_keys: Some(1), page_token, ..Default::default() };
        match store.list_paginated(Some(&prefix), options).await {
            Ok(page) if !page.result.objects.is_empty() => return true,
            // Some stores return empty pages before others.
            Ok(page) if page.page_token.is_some() => page_token = page.page_token,
            _ => return false,
        }
    }
}
