//! Bugs that tests plant, each in its own thread, and must find.

use std::cell::Cell;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mutant {
    /// An append does not lock the row of its dataset.
    NoLockOfTheDataset,
    /// After an unknown outcome of a `COMMIT`, no lookup follows.
    NoLookUpAfterCommit,
    /// The sweep treats records of every age as expired.
    SweepWithoutAge,
}

thread_local! {
    static PLANTED: Cell<Option<Mutant>> = const { Cell::new(None) };
}

/// Removes a bug when it is dropped.
#[must_use]
pub(super) struct Planted;

impl Drop for Planted {
    fn drop(&mut self) {
        PLANTED.set(None);
    }
}

/// Plants a bug in this thread.
pub(super) fn plant(mutant: Mutant) -> Planted {
    PLANTED.set(Some(mutant));
    Planted
}

pub(super) fn is_planted(mutant: Mutant) -> bool {
    PLANTED.get() == Some(mutant)
}
