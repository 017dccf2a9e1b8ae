//! API keys in the catalog, as hashes. An owner has a name and any number of keys.

use std::collections::HashMap;

use super::{
    catalog::Catalog,
    error::StorageError,
    key_sql,
    statement::{Connection, Row, statement},
    transaction::{End, Transaction},
};
use crate::{service::clock::rfc3339, wire::digest::Sha256Digest};

/// Number of digits of a key's hash that identify the key.
pub(super) const ID_DIGITS: usize = 12;

/// A key, for display.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    /// The first digits of the key's SHA-256.
    pub key_id: String,
    /// The name of its owner.
    pub name: String,
    /// When it was added: RFC 3339, UTC.
    pub created_at: Option<String>,
}

/// The outcome of adding a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AddedKey {
    Done,
    /// The catalog has this key, or had it until it was revoked.
    Known,
    /// The key was the first one of another name.
    OfAnother,
}

/// Adds a key for a name. The hash of the first key of a name is its permanent owner id. So a key
/// keeps the datasets that were created with it while it was in a file.
pub(crate) struct AddKey<'a> {
    pub(crate) name: &'a str,
    pub(crate) hash: Sha256Digest,
    pub(crate) created_at: i64,
}

impl Transaction for AddKey<'_> {
    type Outcome = AddedKey;

    async fn run(&self, connection: &mut Connection<'_>) -> Result<End<AddedKey>, sqlx::Error> {
        let Self { name, hash, created_at } = self;
        let hash = hash.to_string();
        let owner = statement(key_sql::ADD_OWNER).bind(*name).bind(&hash);
        connection.execute(owner).await?;
        let owner = statement(key_sql::OWNER_OF_NAME).bind(*name);
        if connection.fetch_optional(&owner).await?.is_none() {
            return Ok(End::RollBack(AddedKey::OfAnother));
        }
        let insert = statement(key_sql::ADD_KEY).bind(&hash).bind(key_id(&hash)).bind(*name);
        if connection.execute(insert.bind(*created_at)).await? == 1 {
            return Ok(End::Commit(AddedKey::Done));
        }
        let added = statement(key_sql::IS_ADDED).bind(&hash).bind(*name).bind(*created_at);
        Ok(match connection.fetch_optional(&added).await? {
            // By an earlier run of this transaction.
            Some(_) => End::Commit(AddedKey::Done),
            None => End::RollBack(AddedKey::Known),
        })
    }
}

/// Revokes all keys of a name, or the key with an id.
struct RevokeKeys<'a> {
    name_or_id: &'a str,
    now: i64,
}

impl Transaction for RevokeKeys<'_> {
    type Outcome = Vec<KeyInfo>;

    async fn run(
        &self,
        connection: &mut Connection<'_>,
    ) -> Result<End<Self::Outcome>, sqlx::Error> {
        let revoke = statement(key_sql::REVOKE).bind(self.name_or_id).bind(self.now);
        let revoked = connection.fetch_all(revoke).await?;
        Ok(End::Commit(revoked.iter().map(key_info).collect::<Result<_, _>>()?))
    }
}

impl Catalog {
    /// Adds a key durably.
    pub(crate) async fn add_key(&self, add: &AddKey<'_>) -> Result<AddedKey, StorageError> {
        self.database.write(add).await
    }

    /// Revokes keys durably, and returns them.
    pub(crate) async fn revoke_keys(
        &self,
        name_or_id: &str,
        now: i64,
    ) -> Result<Vec<KeyInfo>, StorageError> {
        self.database.write(&RevokeKeys { name_or_id, now }).await
    }

    /// The keys that are not revoked, in the order of their names.
    pub(crate) async fn keys(&self) -> Result<Vec<KeyInfo>, StorageError> {
        self.database.list(statement(key_sql::KEYS), key_info).await
    }

    pub(crate) async fn has_keys(&self) -> Result<bool, StorageError> {
        Ok(self.database.look_up(statement(key_sql::HAS_KEYS)).await?.is_some())
    }

    /// The owners by the hashes of their keys.
    pub(crate) async fn owners_by_key(
        &self,
    ) -> Result<HashMap<Sha256Digest, String>, StorageError> {
        let select = statement(key_sql::OWNERS_BY_KEY);
        let owners = self.database.look_up_all(select, |row| {
            let hash: String = row.get("key_hash")?;
            let hash = hash.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
            Ok((hash, row.get("owner")?))
        });
        Ok(owners.await?.into_iter().collect())
    }
}

/// The id of a key with this hash.
pub(super) fn key_id(hash: &str) -> &str {
    hash.get(..ID_DIGITS).unwrap_or(hash)
}

fn key_info(row: &Row) -> Result<KeyInfo, sqlx::Error> {
    Ok(KeyInfo {
        key_id: row.get("key_id")?,
        name: row.get("name")?,
        created_at: rfc3339(row.get("created_at")?),
    })
}
