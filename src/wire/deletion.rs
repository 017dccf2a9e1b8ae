//! The deletion extension: datasets and files are deleted.
//!
//! | call | success | rejections |
//! |---|---|---|
//! | `POST /delete-dataset` | 200, [`DeletedDataset`] | 404: the dataset is unknown |
//! | `POST /delete-dataset-file` | 200, [`DeletedFile`] | 404, a [`DeletionRefusal`] |
//!
//! Both may be repeated: the second response says that the dataset or file is unknown. A client
//! whose first response was lost treats it as success.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lenient;

/// The name of this extension in [`super::extensions::EXTENSIONS_HEADER`].
pub const DELETION: &str = "deletion";

/// The path that deletes a dataset: a [`DeleteDataset`].
pub const DELETE_DATASET: &str = "/delete-dataset";

/// The path that deletes a file of a dataset: a [`DeleteFile`].
pub const DELETE_FILE: &str = "/delete-dataset-file";

/// Request of `POST /delete-dataset`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeleteDataset {
    /// The dataset to delete, with all of its files and staged files.
    pub dataset_id: String,
}

/// Response of `POST /delete-dataset`: the dataset is deleted durably.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeletedDataset {
    /// The dataset of the request.
    pub dataset_id: String,
}

/// Request of `POST /delete-dataset-file`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeleteFile {
    /// The dataset that contains the file.
    pub dataset_id: String,
    /// The file's name in the dataset.
    pub file_name: String,
}

/// Response of `POST /delete-dataset-file`: the file is deleted durably.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DeletedFile {
    /// The dataset of the request.
    pub dataset_id: String,
    /// The name of the request. It can be used again.
    pub file_name: String,
}

/// Body of a response that rejects `POST /delete-dataset-file`. Nothing was deleted.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct DeletionRefusal {
    /// What was wrong.
    pub error: String,
    /// With status 404: the name that the dataset does not contain. A 404 without it means that
    /// the dataset is unknown.
    #[serde(
        default,
        deserialize_with = "lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub file_name: Option<String>,
}
