//! Removes blobs that no upload will make a file any more.

use futures_util::TryStreamExt;

use super::{blobs::Blobs, catalog::Catalog, error::StorageError, pending::Pending};

/// Removes what expired uploads have left behind, and nothing else.
pub(super) async fn sweep(
    catalog: &Catalog,
    blobs: &dyn Blobs,
    pending: &dyn Pending,
) -> Result<(), StorageError> {
    let mut expired = pending.expired();
    while let Some(ids) = expired.try_next().await? {
        let files = catalog.files_among(&ids).await?;
        for id in ids.iter().filter(|id| !files.contains(*id)) {
            blobs.delete(id).await?;
            pending.end(id).await?;
        }
    }
    Ok(())
}
