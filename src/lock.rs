//! A lock that a panic does not close for others.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A value that one thread uses at a time. What a panic left of it is used on: nothing here panics
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
    /// The value, for the first who asks.
    pub(crate) fn take(&self) -> Option<T> {
        self.lock().take()
    }
}
