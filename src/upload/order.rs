//! The order of files in a dataset.

/// The order that the files of an upload must have in their dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The order of the plan. At any moment the dataset holds a prefix of it.
    Planned,
    /// Any order: each file is committed as soon as it is sent.
    Any,
}

impl Order {
    /// The order that `ordered=True` or `ordered=False` asks for.
    #[must_use]
    pub fn of(ordered: bool) -> Self {
        if ordered { Self::Planned } else { Self::Any }
    }
}
