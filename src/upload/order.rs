//! The order of files in a dataset.

/// The order that the files of an upload must have in their dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The order of the plan. At any moment, the dataset contains a prefix of it.
    Planned,
    /// Any order: each file is committed as soon as it was sent.
    Any,
}

impl Order {
    /// The order for `ordered=True` or `ordered=False`.
    #[must_use]
    pub fn of(ordered: bool) -> Self {
        if ordered { Self::Planned } else { Self::Any }
    }
}
