//! Requests and responses of the dataset API, as JSON.

use std::{num::NonZeroU32, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

pub use super::summary::{FieldSummary, SchemaSummary};
use super::{
    digest::{ContentHash, Sha256Digest},
    lenient,
};

/// Response of `POST /upload-to-dataset`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadedFile {
    /// The server's id of the file.
    pub file_id: String,
}

/// Response of `GET /create-dataset`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedDataset {
    /// `dataset-<uuid>`.
    pub dataset_id: String,
}

/// Response of `POST /list-datasets`, newest first.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetList {
    /// All datasets that the key may see.
    pub datasets: Vec<DatasetInfo>,
}

/// One dataset of [`DatasetList`].
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetInfo {
    /// `dataset-<uuid>`.
    pub dataset_id: String,
    /// A human-readable name, if one was given.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// RFC 3339, UTC.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<String>,
    /// The same time, under the name by which the official SDK, release 0.1.60, sorts.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub datetime_added: Option<String>,
    /// Files in the dataset.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub file_count: u64,
    /// Sum of the files' sizes in bytes.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub total_size_bytes: u64,
    /// The columns; `None` before the first file.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub schema: Option<SchemaSummary>,
}

/// Request of `POST /list-dataset-files`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ListDatasetFiles {
    /// The dataset to list.
    pub dataset_id: String,
    /// Requests pages of files without their schemas. A server that does not know this field
    /// returns all files at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compact: bool,
    /// `next` of the previous page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// Maximum number of files in a page. Only used with `compact`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u32>, minimum = 1)]
    pub limit: Option<NonZeroU32>,
}

impl ListDatasetFiles {
    /// Requests all files at once.
    #[must_use]
    pub fn of(dataset_id: &str) -> Self {
        Self { dataset_id: dataset_id.to_owned(), compact: false, after: None, limit: None }
    }

    /// Requests the first page.
    #[must_use]
    pub fn compact(dataset_id: &str) -> Self {
        Self { compact: true, ..Self::of(dataset_id) }
    }

    /// Requests the first file: the page shows the schema of the dataset.
    #[must_use]
    pub fn first_file(dataset_id: &str) -> Self {
        Self { limit: Some(NonZeroU32::MIN), ..Self::compact(dataset_id) }
    }

    /// Whether this requests the first of several pages.
    #[must_use]
    pub fn is_first_page(&self) -> bool {
        self.compact && self.after.is_none()
    }
}

/// Response of `POST /list-dataset-files`, in the dataset's order.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct DatasetFileList {
    /// The files, first uploaded first.
    pub files: Vec<DatasetFile>,
    /// The whole schema of the dataset as text, in the format of this server. It includes nested
    /// columns and nullability, so a client can tell whether the dataset would accept a file. Only
    /// the first page has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_schema: Option<String>,
    /// More files follow: send this as `after` to get them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One file of [`DatasetFileList`]. Some deployments return plain names; these are parsed as files
/// with only a name. Values of unexpected types are treated as missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DatasetFile {
    /// Unique in the dataset.
    pub file_name: String,
    /// The server's id of the file.
    pub file_id: Option<String>,
    /// When the file was committed: RFC 3339, UTC.
    pub uploaded_at: Option<String>,
    /// Size in bytes.
    pub size_bytes: Option<u64>,
    /// Rows, from the footer.
    pub row_count: Option<u64>,
    /// SHA-256 of its bytes in hexadecimal, if the server stores one.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// The hash of what this machine has sent, from its record. No message has it. Boxed, because
    /// long listings have none.
    #[serde(skip)]
    pub recorded_hash: Option<Box<ContentHash>>,
    /// The file's columns. Files of one list share them if they are equal.
    #[schema(value_type = Option<SchemaSummary>)]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shared")]
    pub schema: Option<Arc<SchemaSummary>>,
}

impl DatasetFile {
    /// A file with only a name.
    #[must_use]
    pub fn named(file_name: &str) -> Self {
        Self {
            file_name: file_name.to_owned(),
            file_id: None,
            uploaded_at: None,
            size_bytes: None,
            row_count: None,
            sha256: None,
            recorded_hash: None,
            schema: None,
        }
    }

    /// The hash of its content: as the server reports it, or else as this machine has recorded it.
    #[must_use]
    pub fn content_hash(&self) -> Option<ContentHash> {
        self.sha256.map(ContentHash::Sha256).or(self.recorded_hash.as_deref().copied())
    }
}

/// Response of `POST /legacy/list-dataset-files`, in the dataset's order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DatasetFileNames {
    /// The files' names, first uploaded first.
    pub files: Vec<String>,
}

/// Request of `POST /download-from-dataset`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DownloadFromDataset {
    /// The dataset that contains the file.
    pub dataset_id: String,
    /// The file's name in the dataset.
    pub file_name: String,
}

/// Response of `GET /try-authentication`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Authentication {
    /// Always true in a 2xx response.
    pub authenticated: bool,
}

/// Response of `GET /health`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok` in a 2xx response.
    pub status: String,
}

/// Body of every rejection.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorAnswer {
    /// What was wrong.
    pub error: String,
}

#[allow(clippy::ref_option, reason = "serde asks for it so")]
fn shared<S: Serializer>(
    schema: &Option<Arc<SchemaSummary>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    schema.as_deref().serialize(serializer)
}
