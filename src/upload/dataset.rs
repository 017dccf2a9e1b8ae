//! The dataset that receives an upload.

use super::order::Order;
use crate::{
    error::{Error, TakenReason},
    wire::messages::DatasetFile,
};

/// The dataset that receives an upload.
#[derive(Debug)]
pub(super) struct Dataset {
    /// Its id; empty in a dry run that would create the dataset.
    pub(super) id: String,
    /// Its files before the upload.
    pub(super) listing: Vec<DatasetFile>,
    /// The order that its new files must have.
    pub(super) order: Order,
}

impl Dataset {
    /// The error if it has files with these names that are not from an earlier run of the upload.
    pub(super) fn has_taken(&self, names: Vec<String>, reason: TakenReason) -> Error {
        names_taken(&self.id, names, reason)
    }
}

/// The error if a dataset has files with these names that are not from an earlier run.
pub(super) fn names_taken(dataset_id: &str, names: Vec<String>, reason: TakenReason) -> Error {
    Error::NamesTaken { dataset_id: dataset_id.to_owned(), names, reason }
}
