//! The bytes of small files, which the catalog stores in the transaction that stores the file.
//!
//! A blob costs a file, two syncs and a record, regardless of its size. In the catalog, small files
//! share the syncs of their transaction, and nothing can be left of them.

use std::{collections::HashSet, ops::Range};

use bytes::Bytes;

use super::{
    records::STATEMENT_IDS,
    sql,
    statement::{Connection, statement},
};

/// The bytes of larger files are blobs. SQLite writes pages of 4 KiB, so for larger files a folder
/// is faster.
pub(super) const SMALL_BYTES: usize = 64 * 1024;

/// Number of files whose bytes one statement stores: it copies them.
const STATEMENT_BLOBS: usize = 16;

/// Stores the bytes of files. Returns false if some were stored before, by an earlier run of the same
/// transaction, which has ended.
pub(super) async fn store_small(
    connection: &mut Connection<'_>,
    files: &[(&str, &Bytes)],
) -> Result<bool, sqlx::Error> {
    let mut stored = 0;
    for files in files.chunks(STATEMENT_BLOBS) {
        let mut insert = statement(sql::insert_small(files.len()));
        for (file_id, bytes) in files {
            insert = insert.bind(*file_id).bind(&bytes[..]);
        }
        stored += connection.execute(insert).await?;
    }
    Ok(stored == files.len() as u64)
}

/// Deletes the bytes of those of these files that are small. Returns the ids of the others, whose
/// bytes are blobs.
pub(super) async fn delete_small(
    connection: &mut Connection<'_>,
    mut ids: Vec<String>,
) -> Result<Vec<String>, sqlx::Error> {
    let mut deleted = HashSet::new();
    for ids in ids.chunks(STATEMENT_IDS) {
        let delete = statement(sql::delete_small(ids.len())).bind_all(ids);
        for row in connection.fetch_all(delete).await? {
            deleted.insert(row.get::<String>("file_id")?);
        }
    }
    ids.retain(|id| !deleted.contains(id));
    Ok(ids)
}

/// A range of bytes, if they have it.
pub(super) fn slice(bytes: &Bytes, range: &Range<u64>) -> Option<Bytes> {
    let (begin, end) = (usize::try_from(range.start).ok()?, usize::try_from(range.end).ok()?);
    (begin <= end && end <= bytes.len()).then(|| bytes.slice(begin..end))
}
