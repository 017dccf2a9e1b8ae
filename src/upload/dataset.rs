//! The dataset that an upload goes into.

use super::order::Order;
use crate::{
    error::{Error, TakenReason},
    wire::messages::DatasetFile,
};

/// The dataset that an upload goes into.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Its id; empty for one that is not created, in a dry run.
    pub(super) id: String,
    /// What it held before.
    pub(super) listing: Vec<DatasetFile>,
    /// The order that its new files must have.
    pub(super) order: Order,
}

impl Dataset {
    /// It has files of these names, and not from an earlier run of the upload.
    pub(super) fn has_taken(&self, names: Vec<String>, reason: TakenReason) -> Error {
        names_taken(&self.id, names, reason)
    }
}

/// A dataset has files of these names, and not from an earlier run of the upload.
pub(super) fn names_taken(dataset_id: &str, names: Vec<String>, reason: TakenReason) -> Error {
    Error::NamesTaken { dataset_id: dataset_id.to_owned(), names, reason }
}
