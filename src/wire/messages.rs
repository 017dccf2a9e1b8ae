//! Requests and answers of the dataset API, as JSON.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::digest::Sha256Digest;

/// Header that carries the API key, as `Key <api key>`.
pub const AUTHORIZATION: &str = "authorization";

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
    #[serde(default)]
    pub name: Option<String>,
    /// RFC 3339, UTC.
    #[serde(default)]
    pub created_at: Option<String>,
    /// The same under the name that the service's SDK, release 0.1.60, sorts by.
    #[serde(default)]
    pub datetime_added: Option<String>,
    /// Files in the dataset.
    #[serde(default)]
    pub file_count: u64,
    /// Sum of the files' sizes in bytes.
    #[serde(default)]
    pub total_size_bytes: u64,
    /// The columns; `None` while the dataset is empty.
    #[serde(default)]
    pub schema: Option<SchemaSummary>,
}

/// Columns of a dataset or file, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchemaSummary {
    /// Top-level columns in order.
    pub fields: Vec<FieldSummary>,
}

/// One top-level column of [`SchemaSummary`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldSummary {
    /// The column's name.
    pub name: String,
    /// The column's type in words.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// Request of `POST /list-dataset-files`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ListDatasetFiles {
    /// The dataset to list.
    pub dataset_id: String,
}

/// Answer of `POST /list-dataset-files`, in the dataset's order.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DatasetFileList {
    /// The files, first uploaded first.
    pub files: Vec<DatasetFile>,
    /// The whole schema of the dataset, as text of a form of this service: nested columns and
    /// nullability, too, by which a client can say whether a file would be taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_schema: Option<String>,
}

/// One file of [`DatasetFileList`]. Deployments exist that answer plain names: they are
/// read as a file of which only the name is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(from = "FileOrName")]
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
    /// The file's columns.
    pub schema: Option<SchemaSummary>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum FileOrName {
    Name(String),
    File {
        file_name: String,
        #[serde(default)]
        file_id: Option<String>,
        #[serde(default)]
        uploaded_at: Option<String>,
        #[serde(default)]
        size_bytes: Option<u64>,
        #[serde(default)]
        row_count: Option<u64>,
        #[serde(default)]
        sha256: Option<String>,
        #[serde(default)]
        schema: Option<SchemaSummary>,
    },
}

impl From<FileOrName> for DatasetFile {
    fn from(entry: FileOrName) -> Self {
        match entry {
            FileOrName::Name(file_name) => Self {
                file_name,
                file_id: None,
                uploaded_at: None,
                size_bytes: None,
                row_count: None,
                sha256: None,
                schema: None,
            },
            FileOrName::File {
                file_name,
                file_id,
                uploaded_at,
                size_bytes,
                row_count,
                sha256,
                schema,
            } => {
                // What is no digest is as good as none.
                let sha256 = sha256.and_then(|text| text.parse().ok());
                Self { file_name, file_id, uploaded_at, size_bytes, row_count, sha256, schema }
            }
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

/// Body of every refusal.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorAnswer {
    /// What was wrong, in words.
    pub error: String,
}

#[cfg(test)]
mod tests {
    use super::DatasetFileList;

    #[test]
    fn a_listing_of_objects_and_one_of_plain_names_are_both_read() {
        let objects = r#"{"files":[{"file_name":"a.parquet","file_id":"file_1","size_bytes":7}]}"#;
        let names = r#"{"files":["a.parquet"]}"#;
        for listing in [objects, names] {
            let listing: DatasetFileList = serde_json::from_str(listing).unwrap();
            assert_eq!(listing.files[0].file_name, "a.parquet");
        }
    }
}
