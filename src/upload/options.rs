//! Options of an upload.

use std::collections::HashMap;

use crate::{config::CONCURRENCY, schema::ColumnType};

/// Options of an upload.
#[derive(Clone, Debug)]
pub struct UploadOptions {
    /// The dataset; `None` creates one after the check.
    pub dataset_id: Option<String>,
    /// Names in the dataset, one for each file; `None` uses the last part of each path.
    pub names: Option<Vec<String>>,
    /// Packs and splits files to files of about this many bytes, between row groups; `None` sends
    /// each file as it is. Frames are cut by their encoder instead (`FileLimits`).
    pub target_file_size: Option<u64>,
    /// Whether such a file merges neighbouring row groups that are far too small.
    pub merge_row_groups: bool,
    /// The number of bodies sent at the same time; at least 1.
    pub concurrency: usize,
    /// Whether the dataset gets the files in the order of the plan.
    pub ordered: bool,
    /// Whether an ordered upload stages its files.
    pub staging: Staging,
    /// Whether files may be rewritten for the upload.
    pub rewrite: RewriteOptions,
    /// What to do with folders named `key=value`.
    pub hive: Hive,
    /// Whether to stop before anything is created or sent.
    pub dry_run: bool,
}

impl Default for UploadOptions {
    fn default() -> Self {
        Self {
            dataset_id: None,
            names: None,
            target_file_size: None,
            merge_row_groups: false,
            concurrency: CONCURRENCY,
            ordered: true,
            staging: Staging::default(),
            rewrite: RewriteOptions::default(),
            hive: Hive::default(),
            dry_run: false,
        }
    }
}

/// How an upload may rewrite files that it could not upload as they are.
#[derive(Clone, Copy, Debug, Default)]
pub struct RewriteOptions {
    /// Cast files with other schemas to a common one, if no value is lost.
    pub cast: bool,
    /// Rewrite files with other codecs as snappy.
    pub recompress: bool,
}

/// What to do with folders named `key=value`.
#[derive(Clone, Debug, Default)]
pub enum Hive {
    /// Reject files without such a column: its values would be lost.
    #[default]
    Refuse,
    /// Upload files as they are.
    Ignore,
    /// Add the columns to the files, some with types that the caller sets.
    Columns(HashMap<String, ColumnType>),
}

/// Whether an ordered upload stages its files, so that groups of them are committed together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Staging {
    /// Each file is uploaded and committed by one request, in order.
    #[default]
    Never,
    /// Files are staged if the server announces staging.
    IfAnnounced,
    /// One transaction commits all files, or none. Fails if the server does not announce staging.
    Atomic,
}
