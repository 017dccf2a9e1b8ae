//! The keys of a catalog, for `sutro keys`. Servers may be running.

use std::path::Path;

use uuid::Uuid;

use super::{
    api_keys::{AddKey, AddedKey, ID_DIGITS, KeyInfo, key_id},
    catalog::Catalog,
    database::Database,
    error::StorageError,
    folder::UsedFolders,
    place::{CatalogPlace, catalog_of},
    postgres::PostgresDatabase,
    sqlite::{SqliteDatabase, folder_of},
    staging_queue::StagingQueue,
};
use crate::{
    content_hash::ContentHasher,
    credentials::ApiKey,
    error::{Error, Result},
    service::clock::{now, rfc3339},
};

/// Number of connections to a database server.
const CONNECTIONS: u32 = 1;

/// Number of characters of a name.
const LONGEST_NAME: usize = 64;

/// The place of a catalog, whose keys are to be seen or changed.
#[derive(Clone, Debug)]
pub struct KeyCatalog {
    place: CatalogPlace,
}

/// A catalog, and the lock of its folder if no server has it.
struct Opened {
    catalog: Catalog,
    _folders: UsedFolders,
}

impl KeyCatalog {
    /// `folder` has the default of `catalog`, as for a server.
    ///
    /// # Errors
    /// [`Error::Configuration`] if none of them is given, or one cannot be used.
    pub fn of(folder: Option<&Path>, catalog: Option<&str>) -> Result<Self> {
        Ok(Self { place: catalog_of(folder, catalog)? })
    }

    /// Adds a key for a name: a `given` one, or a random one. Creates the catalog if it is missing.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the name cannot be used, if the catalog has the key, or if the
    /// catalog cannot be opened.
    pub async fn add(&self, name: &str, given: Option<ApiKey>) -> Result<(KeyInfo, ApiKey)> {
        check_name(name)?;
        let key = given.map_or_else(random_key, Ok)?;
        let hash = ContentHasher::hash_of(key.expose().as_bytes());
        let add = AddKey { name, hash, created_at: now() };
        let opened = self.open_or_create().await?;
        let added = opened.catalog.add_key(&add).await;
        opened.catalog.close().await;
        let key_id = key_id(&hash.to_string()).to_owned();
        match added.map_err(|error| failed(&error))? {
            AddedKey::Done => {
                let created_at = rfc3339(add.created_at);
                Ok((KeyInfo { key_id, name: name.to_owned(), created_at }, key))
            }
            AddedKey::Known => Err(Error::configuration(format!(
                "the catalog already has the key {key_id}, or it was revoked; use another key"
            ))),
            AddedKey::OfAnother => Err(Error::configuration(format!(
                "the key {key_id} was the first key of another name, which owns its datasets; use \
                 that name, or another key"
            ))),
        }
    }

    /// The keys that are not revoked, in the order of their names.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the catalog cannot be read.
    pub async fn list(&self) -> Result<Vec<KeyInfo>> {
        let opened = self.open().await?;
        let keys = opened.catalog.keys().await;
        opened.catalog.close().await;
        keys.map_err(|error| failed(&error))
    }

    /// Revokes all keys of a name, or the key with an id, and returns them.
    ///
    /// # Errors
    /// [`Error::Configuration`] if there is no such key, or if the catalog cannot be opened.
    pub async fn revoke(&self, name_or_id: &str) -> Result<Vec<KeyInfo>> {
        let opened = self.open().await?;
        let revoked = opened.catalog.revoke_keys(name_or_id, now()).await;
        opened.catalog.close().await;
        let revoked = revoked.map_err(|error| failed(&error))?;
        if revoked.is_empty() {
            let message = format!("the catalog has no key with the name or id {name_or_id:?}");
            return Err(Error::configuration(message));
        }
        Ok(revoked)
    }

    /// Opens an existing catalog, which servers may have open.
    async fn open(&self) -> Result<Opened> {
        let database = match &self.place {
            CatalogPlace::Sqlite(file) => {
                Database::Sqlite(SqliteDatabase::open_shared(file).await?)
            }
            CatalogPlace::Postgres(url) => {
                Database::Postgres(PostgresDatabase::open_to_read(url, CONNECTIONS).await?)
            }
        };
        let catalog = Catalog { database, staging: StagingQueue::default(), has_records: false };
        Ok(Opened { catalog, _folders: UsedFolders::default() })
    }

    /// Creates or migrates the catalog if necessary. For a folder, this needs its lock.
    async fn open_or_create(&self) -> Result<Opened> {
        if let Ok(opened) = self.open().await {
            return Ok(opened);
        }
        let mut folders = UsedFolders::default();
        if let CatalogPlace::Sqlite(file) = &self.place {
            folders.lock(folder_of(file)).await?;
        }
        let catalog = Catalog::open(&self.place, false, CONNECTIONS).await?;
        Ok(Opened { catalog, _folders: folders })
    }
}

/// 244 random bits. The first word lets scanners of secrets find it.
fn random_key() -> Result<ApiKey> {
    let (first, second) = (Uuid::new_v4().simple(), Uuid::new_v4().simple());
    ApiKey::new(&format!("sutro_{first}{second}"))
        .ok_or_else(|| Error::Internal("no key".to_owned()))
}

/// A name stands in commands and tables, and must not be taken for an id.
fn check_name(name: &str) -> Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.@".contains(c);
    let fits = (1..=LONGEST_NAME).contains(&name.len())
        && name.chars().all(is_plain)
        && !name.starts_with('-');
    let is_id = name.len() == ID_DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    if fits && !is_id {
        return Ok(());
    }
    Err(Error::configuration(format!(
        "the name {name:?} cannot be used: it must be 1 to {LONGEST_NAME} of the characters \
         A-Z a-z 0-9 _ - . @, and must not look like the id of a key ({ID_DIGITS} hexadecimal digits)"
    )))
}

fn failed(error: &StorageError) -> Error {
    Error::configuration(format!("the keys of the catalog cannot be read or changed: {error}"))
}

#[cfg(test)]
mod tests {
    use super::check_name;

    #[test]
    fn a_name_is_plain_and_no_id() {
        for name in ["a", "team-1", "me@example.com", "0123456789a", "0123456789abc"] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        let long = "a".repeat(65);
        for name in ["", "a b", "ä", "-a", "a\n", "0123456789ab", "0123456789AB", &long] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
