//! A lock that stays usable after a panic.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value that one thread uses at a time. It stays usable after a panic: no code here panics
/// between two writes that belong together.
#[derive(Debug, Default)]
pub(crate) struct Lock<T>(Mutex<T>);

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Lock<Option<T>> {
    /// Takes the value; later callers get `None`.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().take()
    }
}
