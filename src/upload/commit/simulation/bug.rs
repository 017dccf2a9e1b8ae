//! Bugs that a test plants.

/// A bug that a test plants. The strategies do not know about it: events are changed before they
/// reach them, and actions afterwards.
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
