//! Whether the store responded to the last request.

use std::{
    sync::MutexGuard,
    time::{Duration, Instant},
};

use crate::{lock::Lock, service::storage::error::StorageError};

/// While the store does not respond, one request in this time tries again. The others fail
/// immediately, so that they do not pile up.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Health(Lock<Option<Away>>);

struct Away {
    words: String,
    tried_at: Instant,
}

impl Health {
    pub(super) fn note<T>(&self, outcome: Result<T, StorageError>) -> Result<T, StorageError> {
        let mut away = self.away();
        match &outcome {
            Err(StorageError::StoreAway(words)) => {
                let tried_at = Instant::now();
                if away.is_none() {
                    tracing::warn!("the file store does not respond: {words}");
                }
                *away = Some(Away { words: words.clone(), tried_at });
            }
            _ => {
                if away.take().is_some() {
                    tracing::warn!("the file store responds again");
                }
            }
        }
        outcome
    }

    pub(super) fn check(&self) -> Result<(), StorageError> {
        match &*self.away() {
            Some(away) => Err(StorageError::StoreAway(away.words.clone())),
            None => Ok(()),
        }
    }

    /// Whether to send a request.
    pub(super) fn may_try(&self) -> Result<(), StorageError> {
        match &mut *self.away() {
            Some(away) if away.tried_at.elapsed() < PAUSE => {
                Err(StorageError::StoreAway(away.words.clone()))
            }
            Some(away) => {
                away.tried_at = Instant::now();
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn away(&self) -> MutexGuard<'_, Option<Away>> {
        self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::{Health, StorageError};

    #[test]
    fn while_the_store_is_away_requests_fail_at_once_and_the_first_response_ends_this() {
        let health = Health::default();
        let away = || Err::<(), _>(StorageError::StoreAway("refused".to_owned()));
        assert!(health.may_try().is_ok() && health.check().is_ok());
        assert!(health.note(away()).is_err());
        assert!(health.check().is_err() && health.may_try().is_err());
        assert!(health.note(Err::<(), _>(StorageError::BlobFailed("400".to_owned()))).is_err());
        assert!(health.check().is_ok() && health.may_try().is_ok());
    }
}
