//! Values that belong to one process, and are recreated after a fork.

use std::{convert::Infallible, mem, process, sync::Arc};

use arc_swap::ArcSwapOption;

/// A value that a forked child does not inherit: after a fork, threads are gone and locks stay
/// locked. So it is stored with the id of its process, without a lock.
pub(super) struct PerProcess<T>(ArcSwapOption<Owned<T>>);

pub(super) struct Owned<T> {
    process_id: u32,
    pub(super) value: T,
}

impl<T> PerProcess<T> {
    pub(super) const fn new() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    /// The value of this process, if it was created.
    pub(super) fn get(&self) -> Option<Arc<Owned<T>>> {
        self.0.load_full().filter(|owned| owned.process_id == process::id())
    }

    /// The value of this process; creates it on first use.
    pub(super) fn get_or_try<E>(
        &self,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<Owned<T>>, E> {
        let process_id = process::id();
        let known = self.0.load();
        if let Some(owned) = &*known
            && owned.process_id == process_id
        {
            return Ok(Arc::clone(owned));
        }
        let owned = Arc::new(Owned { process_id, value: make()? });
        let before = self.0.compare_and_swap(&known, Some(Arc::clone(&owned)));
        match &*before {
            // Another thread was first.
            Some(first) if first.process_id == process_id => return Ok(Arc::clone(first)),
            // Never dropped: a parent's runtime would wait for threads that do not exist in this
            // process.
            of_parent => mem::forget(of_parent.clone()),
        }
        Ok(owned)
    }

    /// The same as [`PerProcess::get_or_try`], for values whose creation cannot fail.
    pub(super) fn get_or(&self, make: impl FnOnce() -> T) -> Arc<Owned<T>> {
        match self.get_or_try(|| Ok::<_, Infallible>(make())) {
            Ok(owned) => owned,
        }
    }
}
