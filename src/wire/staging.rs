//! The staging extension: files are stored first, in any order and by any number of clients, and
//! one call then appends them to the dataset, all or none.
//!
//! | call | success | rejections |
//! |---|---|---|
//! | `POST /stage-file` | 200, [`StagedFile`] | as `/upload-to-dataset`; 413 also if the key has
//! too much staged |
//! | `POST /commit-files` | 200, [`CommitAnswer`] | 400, 404, 409, 412, 422, each a
//! [`CommitRefusal`] |

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{digest::Sha256Digest, lenient};

/// The name of this extension in [`super::extensions::EXTENSIONS_HEADER`].
pub const STAGING: &str = "staging";

/// The path that stages one file: the same multipart form as `/upload-to-dataset`.
pub const STAGE_FILE: &str = "/stage-file";

/// The path that commits staged files: a [`CommitRequest`].
pub const COMMIT_FILES: &str = "/commit-files";

/// Maximum number of ids in one [`CommitRequest`]; the minimum is 1.
pub const MAX_COMMIT_FILES: usize = 10_000;

/// The request header of RFC 7240 by which a client of [`COMMIT_FILES`] asks for a short response.
pub const PREFER_HEADER: &str = "prefer";

/// The response header that names the preferences that a server has followed.
pub const PREFERENCE_APPLIED_HEADER: &str = "preference-applied";

/// The preference for a [`CommitAnswer`] without files. Their ids are those of the request.
pub const RETURN_MINIMAL: &str = "return=minimal";

/// Whether the value of [`PREFER_HEADER`] contains [`RETURN_MINIMAL`].
#[must_use]
pub fn prefers_minimal(header: &str) -> bool {
    let is_it = |preference: &str| {
        let preference = preference.split(';').next().unwrap_or_default();
        let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
        name.trim().eq_ignore_ascii_case("return")
            && value.trim().trim_matches('"').eq_ignore_ascii_case("minimal")
    };
    header.split(',').any(is_it)
}

/// Response of `POST /stage-file`: the file is checked and durable, and not part of its dataset
/// yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StagedFile {
    /// The id for [`CommitRequest::staged_ids`]. It becomes the file's id when it is committed.
    pub staged_id: String,
    /// The file's name in the dataset.
    pub file_name: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Rows, from the footer.
    pub row_count: u64,
    /// SHA-256 of its bytes in hexadecimal.
    #[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
    pub sha256: Sha256Digest,
    /// When the server deletes the file if it was not committed: RFC 3339, UTC.
    #[serde(default, deserialize_with = "lenient::optional")]
    pub expires_at: Option<String>,
}

/// Request of `POST /commit-files`: appends staged files to their dataset in this order, all or
/// none. A repeated request returns the same response, even if others have appended since.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitRequest {
    /// The dataset for which the files were staged.
    pub dataset_id: String,
    /// Number of files that the dataset must have before the commit.
    pub expected_file_count: u64,
    /// 1 to 10,000 ids of staged files, without repetitions.
    #[schema(min_items = 1, max_items = 10_000)]
    pub staged_ids: Vec<String>,
}

/// Response of `POST /commit-files`, after the commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitAnswer {
    /// The committed files, in the order of the request. Left out if the request has the header
    /// `Prefer: return=minimal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<CommittedFile>>,
    /// Number of files that the dataset had after this commit.
    pub file_count: u64,
}

/// One file of [`CommitAnswer`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommittedFile {
    /// The file's name in the dataset.
    pub file_name: String,
    /// The server's id of the file.
    pub file_id: String,
}

/// Body of a response that rejects `POST /commit-files`. Nothing was committed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommitRefusal {
    /// What was wrong.
    pub error: String,
    /// With status 412: the number of files that the dataset has.
    #[serde(
        default,
        deserialize_with = "lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub file_count: Option<u64>,
    /// With status 404: the first id that is unknown, expired, or staged for another dataset or
    /// by another key. A 404 without it means that the dataset is unknown.
    #[serde(
        default,
        deserialize_with = "lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub staged_id: Option<String>,
    /// With status 409, the first name that is in use; with status 422, the first file whose
    /// schema differs.
    #[serde(
        default,
        deserialize_with = "lenient::optional",
        skip_serializing_if = "Option::is_none"
    )]
    pub file_name: Option<String>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{CommitRefusal, StagedFile, prefers_minimal};

    #[test]
    fn a_short_response_is_preferred_among_other_preferences() {
        for header in [
            "return=minimal",
            "Return = \"minimal\"",
            "wait=5, return=minimal; x=1",
            "a,return=MINIMAL",
        ] {
            assert!(prefers_minimal(header), "{header}");
        }
        for header in
            ["", "return", "return=representation", "returns=minimal", "x; return=minimal"]
        {
            assert!(!prefers_minimal(header), "{header}");
        }
    }

    #[test]
    fn a_staged_file_is_read_whatever_stands_beside_what_a_commit_needs() {
        let hash = "ab".repeat(32);
        let answer = json!({
            "staged_id": "file_1", "file_name": "a.parquet", "size_bytes": 7, "row_count": 1,
            "sha256": hash, "expires_at": 7, "more": [1],
        });
        let staged: StagedFile = serde_json::from_value(answer).unwrap();
        assert_eq!((staged.staged_id.as_str(), staged.size_bytes), ("file_1", 7));
        assert_eq!((staged.sha256.to_string(), staged.expires_at), (hash, None));
    }

    #[test]
    fn a_refusal_is_read_with_and_without_its_details() {
        for (answer, expected) in [
            (json!({"error": "no"}), CommitRefusal { error: "no".into(), ..Default::default() }),
            (
                json!({"error": "no", "file_count": "12", "file_name": null, "staged_id": 7}),
                CommitRefusal { error: "no".into(), file_count: Some(12), ..Default::default() },
            ),
        ] {
            assert_eq!(serde_json::from_value::<CommitRefusal>(answer).unwrap(), expected);
        }
    }
}
