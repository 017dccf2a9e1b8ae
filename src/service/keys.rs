//! API keys and their holders.

use axum::http::HeaderValue;
use subtle::ConstantTimeEq;

use crate::{content_hash::ContentHasher, credentials::ApiKey, wire::digest::Sha256Digest};

/// The keys that a server accepts. Only their hashes are kept.
pub struct Keys {
    hashes: Vec<Sha256Digest>,
    is_shared: bool,
}

impl Keys {
    /// Each key sees only the datasets that were created with it.
    #[must_use]
    pub fn separate(keys: &[ApiKey]) -> Self {
        Self { hashes: keys.iter().map(|key| hash(key.expose())).collect(), is_shared: false }
    }

    /// The only key of a server; it sees all datasets.
    #[must_use]
    pub fn shared(key: &ApiKey) -> Self {
        Self { hashes: vec![hash(key.expose())], is_shared: true }
    }

    /// The caller whose key has this hash.
    pub(super) fn caller(&self, given: &Sha256Digest) -> Option<Caller> {
        // All keys are compared, so that the time does not depend on their bytes.
        let matches = self.hashes.iter().map(|known| known.as_bytes().ct_eq(given.as_bytes()));
        let is_known = matches.fold(false, |is_known, matches| is_known | bool::from(matches));
        is_known.then(|| Caller { owner: (!self.is_shared).then(|| given.to_string()) })
    }
}

/// The holder of an accepted key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    owner: Option<String>,
}

/// The hash of the key in an `Authorization` header, `Key <api key>`.
pub(super) fn given_key(header: &HeaderValue) -> Option<Sha256Digest> {
    let given = header.to_str().ok()?.strip_prefix("Key ")?;
    Some(hash(given.trim()))
}

impl Caller {
    /// The holder of a key of the catalog.
    pub(super) fn of_owner(owner: String) -> Self {
        Self { owner: Some(owner) }
    }

    /// The owner of the datasets that the caller creates and sees; `None` sees all.
    pub(super) fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }
}

fn hash(key: &str) -> Sha256Digest {
    ContentHasher::hash_of(key.as_bytes())
}
