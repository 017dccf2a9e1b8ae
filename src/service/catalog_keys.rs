//! The keys of the catalog, as this instance knows them.
//!
//! All of them are read in one query, at most once a second. So a request costs no query, and
//! neither does a flood of wrong keys.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::time::{Instant, timeout};

use super::storage::{Catalog, StorageError};
use crate::{lock::Lock, wire::digest::Sha256Digest};

/// How long keys are accepted after they were read: a revoked key is rejected after this time.
const LIFE: Duration = Duration::from_secs(5);
/// The pause between two reads: a new key is accepted after this time.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a read may take.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Default)]
pub(super) struct CatalogKeys {
    known: Lock<Option<Known>>,
    /// One request reads for all that wait.
    turn: tokio::sync::Mutex<Option<Failure>>,
}

#[derive(Clone)]
struct Known {
    /// Taken before the read.
    at: Instant,
    owners: Arc<HashMap<Sha256Digest, String>>,
}

/// The keys have to be read first.
struct Outdated;

struct Failure {
    at: Instant,
    error: StorageError,
}

impl CatalogKeys {
    /// The owner of the key with this hash; `None` if there is no such key.
    ///
    /// # Errors
    /// The catalog cannot be read, so it is not known whether there is such a key.
    pub(super) async fn owner(
        &self,
        catalog: &Catalog,
        hash: &Sha256Digest,
    ) -> Result<Option<String>, StorageError> {
        if let Ok(answer) = self.known_owner(hash) {
            return Ok(answer);
        }
        let mut last_failure = self.turn.lock().await;
        // Another request may have read meanwhile.
        if let Ok(answer) = self.known_owner(hash) {
            return Ok(answer);
        }
        if let Some(Failure { at, error }) = &*last_failure
            && at.elapsed() < PAUSE
        {
            return Err(error.clone());
        }
        let at = Instant::now();
        let read = timeout(PATIENCE, catalog.owners_by_key()).await;
        let read = read.unwrap_or_else(|_| {
            Err(StorageError::Unreachable("reading the keys took too long".to_owned()))
        });
        match read {
            Ok(owners) => {
                *last_failure = None;
                let owner = owners.get(hash).cloned();
                let known = Known { at, owners: Arc::new(owners) };
                *self.known.lock() = Some(known);
                Ok(owner)
            }
            Err(error) => {
                *last_failure = Some(Failure { at: Instant::now(), error: error.clone() });
                Err(error)
            }
        }
    }

    fn known_owner(&self, hash: &Sha256Digest) -> Result<Option<String>, Outdated> {
        let known = self.known.lock().clone();
        let known = known.ok_or(Outdated)?;
        let age = known.at.elapsed();
        match known.owners.get(hash) {
            Some(owner) if age < LIFE => Ok(Some(owner.clone())),
            None if age < PAUSE => Ok(None),
            _ => Err(Outdated),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{task::Poll, time::Duration};

    use axum::{
        http::{StatusCode, header},
        response::IntoResponse,
    };
    use tempfile::TempDir;
    use tokio::time::{advance, pause, resume};

    use super::{CatalogKeys, LIFE, PAUSE};
    use crate::{
        content_hash::ContentHasher,
        credentials::ApiKey,
        service::{
            KeyCatalog, Limits, Place,
            embedded::open_storage,
            refusal::Refusal,
            storage::{Storage, StorageError},
        },
        wire::digest::Sha256Digest,
    };

    fn hash(key: &str) -> Sha256Digest {
        ContentHasher::hash_of(key.as_bytes())
    }

    /// A server's storage with the key `key`, and the commands that change its keys.
    struct Shared {
        folder: TempDir,
        storage: Storage,
        keys: CatalogKeys,
    }

    impl Shared {
        async fn with_a_key() -> Self {
            let folder = TempDir::new().unwrap();
            let place = Place::folder(folder.path());
            let storage = open_storage(&place, Limits::default()).await.unwrap();
            let shared = Self { folder, storage, keys: CatalogKeys::default() };
            shared.add("a", "key").await;
            assert_eq!(shared.owner("key").await.unwrap(), Some(hash("key").to_string()));
            shared
        }

        fn commands(&self) -> KeyCatalog {
            KeyCatalog::of(Some(self.folder.path()), None).unwrap()
        }

        async fn add(&self, name: &str, key: &str) {
            self.commands().add(name, ApiKey::new(key)).await.unwrap();
        }

        async fn owner(&self, key: &str) -> Result<Option<String>, StorageError> {
            self.keys.owner(self.storage.catalog(), &hash(key)).await
        }
    }

    async fn later(time: Duration) {
        pause();
        advance(time).await;
        resume();
    }

    #[tokio::test]
    async fn a_revoked_key_is_rejected_once_the_cached_keys_expire() {
        let shared = Shared::with_a_key().await;
        shared.commands().revoke("a").await.unwrap();
        later(LIFE).await;
        assert_eq!(shared.owner("key").await.unwrap(), None);
        shared.storage.close().await;
    }

    #[tokio::test]
    async fn wrong_keys_do_not_read_the_catalog_again_and_a_new_key_is_accepted_after_a_pause() {
        let shared = Shared::with_a_key().await;
        shared.add("b", "new").await;
        later(PAUSE).await;
        assert_eq!(shared.owner("new").await.unwrap(), Some(hash("new").to_string()));
        pause();
        for wrong in 0..1_000 {
            let (wrong, known) = (wrong.to_string(), "key");
            for (key, is_known) in [(wrong.as_str(), false), (known, true)] {
                // Nothing is read, so nothing has to be waited for.
                let mut answer = Box::pin(shared.owner(key));
                let Poll::Ready(owner) = futures_util::poll!(&mut answer) else { panic!("reads") };
                assert_eq!(owner.unwrap().is_some(), is_known);
            }
        }
        resume();
        shared.storage.close().await;
    }

    #[tokio::test]
    async fn without_the_catalog_known_keys_are_accepted_for_their_life_and_others_get_a_503() {
        let shared = Shared::with_a_key().await;
        shared.storage.catalog().close().await;
        later(PAUSE).await;
        for _ in 0..3 {
            let error = shared.owner("other").await.unwrap_err();
            let answer = Refusal::from(error).into_response();
            assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert!(answer.headers().contains_key(header::RETRY_AFTER));
        }
        assert!(shared.owner("key").await.unwrap().is_some());
        later(LIFE).await;
        assert!(shared.owner("key").await.is_err());
    }
}
