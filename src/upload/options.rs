//! How to upload.

use std::collections::HashMap;

use crate::{config::CONCURRENCY, schema::ColumnType};

/// How to upload.
#[derive(Clone, Debug)]
pub struct UploadOptions {
    /// The dataset; `None` creates one, after the check.
    pub dataset_id: Option<String>,
    /// Names in the dataset, one for each file; `None` takes the last part of each path.
    pub names: Option<Vec<String>>,
    /// Regroups files into files of about this many bytes, at the borders of row groups; `None` sends
    /// each as it is. Files that come from frames are not regrouped.
    pub target_file_size: Option<u64>,
    /// Bodies sent at the same time; at least 1.
    pub concurrency: usize,
    /// Whether the dataset gets the files in the order of the plan.
    pub ordered: bool,
    /// Whether an ordered upload stages its files.
    pub staging: Staging,
    /// What may be mended on the way.
    pub mending: Mending,
    /// What to do with folders that are called `key=value`.
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
            concurrency: CONCURRENCY,
            ordered: true,
            staging: Staging::default(),
            mending: Mending::default(),
            hive: Hive::default(),
            dry_run: false,
        }
    }
}

/// What may be mended on the way, because the caller asked for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mending {
    /// Files of other schemas are cast to a common one, where that loses nothing.
    pub cast: bool,
    /// Files with other codecs are rewritten as snappy.
    pub recompress: bool,
}

/// What to do with folders that are called `key=value`.
#[derive(Clone, Debug, Default)]
pub enum Hive {
    /// Files are refused that do not have such a column: its values would be lost.
    #[default]
    Refuse,
    /// Files are taken as they are.
    Ignore,
    /// The columns are written into the files, some with types that the caller names.
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
