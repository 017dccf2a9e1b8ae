//! Bugs that a test plants.

/// A bug that a test plants. None of it is in the strategies: events are changed before them, and
/// actions after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    TailReleasedEarly,
    DoubtTakenForCommit,
    IncompleteTakenForNotSent,
    RetryAfterIgnored,
    HeadWaitsForSlot,
    StaleListingBelieved,
    MissingListingBelieved,
    GraceSkipped,
    DroppedAfterRelease,
    RefusedFileSkipped,
    RetriesWithoutBound,
    EarlyResponseBelieved,
    StartedOutOfOrder,
    HeldForgotten,
    StarvationIgnored,
    HeadRefusedForOthers,
    LineLeftOpen,
    ListingStarved,
    TakenNameTakenForOurs,
}
