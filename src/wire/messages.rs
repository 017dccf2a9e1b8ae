//! Requests and answers of the dataset API, as JSON.

use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

pub use super::summary::{FieldSummary, SchemaSummary};
use super::{digest::Sha256Digest, lenient};

/// Answer of `POST /upload-to-dataset`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadedFile {
    /// The service's id of the file.
    pub file_id: String,
}

/// Answer of `GET /create-dataset`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CreatedDataset {
    /// `dataset-<uuid>`.
    pub dataset_id: String,
}

/// Answer of `POST /list-datasets`, newest first.
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
    /// A name for people, where one was given.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub name: Option<String>,
    /// RFC 3339, UTC.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub created_at: Option<String>,
    /// The same under the name that the service's SDK, release 0.1.60, sorts by.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub datetime_added: Option<String>,
    /// Files in the dataset.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub file_count: u64,
    /// Sum of the files' sizes in bytes.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub total_size_bytes: u64,
    /// The columns; `None` while the dataset is empty.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub schema: Option<SchemaSummary>,
}

/// Request of `POST /list-dataset-files`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ListDatasetFiles {
    /// The dataset to list.
    pub dataset_id: String,
    /// Asks for pages of files without their schemas. A service that does not know it answers
    /// with all files at once, as it does without it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub compact: bool,
    /// `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl ListDatasetFiles {
    /// All files at once.
    #[must_use]
    pub fn of(dataset_id: &str) -> Self {
        Self { dataset_id: dataset_id.to_owned(), compact: false, after: None }
    }

    /// The first page.
    #[must_use]
    pub fn compact(dataset_id: &str) -> Self {
        Self { compact: true, ..Self::of(dataset_id) }
    }

    /// Whether it asks for the first of several pages.
    #[must_use]
    pub fn is_first_page(&self) -> bool {
        self.compact && self.after.is_none()
    }
}

/// Answer of `POST /list-dataset-files`, in the dataset's order.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct DatasetFileList {
    /// The files, first uploaded first.
    pub files: Vec<DatasetFile>,
    /// The whole schema of the dataset, as text of a form of this service: nested columns and
    /// nullability, too, by which a client can say whether a file would be taken. Of several
    /// pages, the first one has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_schema: Option<String>,
    /// More files follow: ask again with this as `after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One file of [`DatasetFileList`]. Deployments exist that answer plain names: they are
/// read as a file of which only the name is known. So is what is not as expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DatasetFile {
    /// Unique in the dataset.
    pub file_name: String,
    /// The service's id of the file.
    pub file_id: Option<String>,
    /// When the file was committed: RFC 3339, UTC.
    pub uploaded_at: Option<String>,
    /// Size in bytes.
    pub size_bytes: Option<u64>,
    /// Rows, out of the footer.
    pub row_count: Option<u64>,
    /// SHA-256 of its bytes in hexadecimal, where the service keeps one.
    #[schema(value_type = Option<String>, pattern = "^[0-9a-f]{64}$")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256Digest>,
    /// The file's columns. Files of one list share it where it is the same.
    #[schema(value_type = Option<SchemaSummary>)]
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shared")]
    pub schema: Option<Arc<SchemaSummary>>,
}

impl DatasetFile {
    /// A file of which only the name is known.
    #[must_use]
    pub fn named(file_name: &str) -> Self {
        Self {
            file_name: file_name.to_owned(),
            file_id: None,
            uploaded_at: None,
            size_bytes: None,
            row_count: None,
            sha256: None,
            schema: None,
        }
    }
}

/// Answer of `POST /legacy/list-dataset-files`, in the dataset's order.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DatasetFileNames {
    /// The files' names, first uploaded first.
    pub files: Vec<String>,
}

/// Request of `POST /download-from-dataset`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DownloadFromDataset {
    /// The dataset that holds the file.
    pub dataset_id: String,
    /// The file's name in the dataset.
    pub file_name: String,
}

/// Answer of `GET /try-authentication`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Authentication {
    /// Always true in a 2xx answer.
    pub authenticated: bool,
}

/// Answer of `GET /health`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok` in a 2xx answer.
    pub status: String,
}

/// Body of every refusal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorAnswer {
    /// What was wrong, in words.
    pub error: String,
}

#[allow(clippy::ref_option, reason = "serde asks for it so")]
fn shared<S: Serializer>(
    schema: &Option<Arc<SchemaSummary>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    schema.as_deref().serialize(serializer)
}
