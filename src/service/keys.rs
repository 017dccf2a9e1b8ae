//! Who may ask, and for which datasets.

use axum::http::HeaderValue;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::credentials::ApiKey;

type Hash = [u8; 32];

/// The keys that a service accepts. It keeps their hashes only.
pub struct Keys {
    hashes: Vec<Hash>,
    is_shared: bool,
}

impl Keys {
    /// Each key sees the datasets that were made with it, and no others.
    #[must_use]
    pub fn separate(keys: &[ApiKey]) -> Self {
        Self { hashes: keys.iter().map(|key| hash(key.expose())).collect(), is_shared: false }
    }

    /// The only key of a service for one person: it sees all datasets.
    #[must_use]
    pub fn shared(key: &ApiKey) -> Self {
        Self { hashes: vec![hash(key.expose())], is_shared: true }
    }

    /// Whom the value of an `Authorization` header, `Key <api key>`, stands for.
    pub(super) fn reader(&self, header: &HeaderValue) -> Option<Reader> {
        let given = header.to_str().ok()?.strip_prefix("Key ")?;
        let given = hash(given.trim());
        // All keys are compared, whichever fits, in a time that does not depend on the bytes.
        let matches = self.hashes.iter().map(|known| bool::from(known.ct_eq(&given)));
        let is_known = matches.fold(false, |is_known, matches| is_known | matches);
        is_known.then(|| Reader { owner: (!self.is_shared).then(|| hex(&given)) })
    }
}

/// Whoever has given a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reader {
    owner: Option<String>,
}

impl Reader {
    /// Whose datasets can be seen; `None` for everybody's.
    pub(super) fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }
}

fn hash(key: &str) -> Hash {
    Sha256::digest(key.as_bytes()).into()
}

fn hex(hash: &Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
