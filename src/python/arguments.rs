//! Converts arguments of calls.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use pyo3::{exceptions::PyValueError, prelude::*};

use crate::{
    client::ClientOptions,
    config::CONCURRENCY,
    schema::ColumnType,
    upload::{Hive, RewriteOptions, Staging, UploadOptions},
    wire::staging::StagedFile,
};

/// Converts a `sutro.options.ClientOptions`. Times are in seconds; None is the default.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct ClientArguments {
    connect_timeout: Option<f64>,
    progress_timeout: Option<f64>,
    answer_timeout: Option<f64>,
    max_retries: Option<u32>,
    retry_deadline: Option<f64>,
    certificates: Vec<PathBuf>,
    state_folder: Option<PathBuf>,
}

impl From<ClientArguments> for ClientOptions {
    fn from(arguments: ClientArguments) -> Self {
        let default = Self::default();
        // A timeout too long to represent never expires.
        let seconds = |time| Duration::try_from_secs_f64(time).unwrap_or(Duration::MAX);
        let or = |time: Option<f64>, default| time.map_or(default, seconds);
        Self {
            connect_timeout: or(arguments.connect_timeout, default.connect_timeout),
            progress_timeout: or(arguments.progress_timeout, default.progress_timeout),
            answer_timeout: or(arguments.answer_timeout, default.answer_timeout),
            max_retries: arguments.max_retries.unwrap_or(default.max_retries),
            retry_deadline: or(arguments.retry_deadline, default.retry_deadline),
            certificates: arguments.certificates,
            state_folder: arguments.state_folder,
            ..default
        }
    }
}

/// Converts a `sutro.options.UploadOptions`.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
#[expect(clippy::struct_excessive_bools, reason = "options of a call")]
pub(super) struct UploadArguments {
    dataset_id: Option<String>,
    names: Option<Vec<String>>,
    target_file_size: Option<u64>,
    merge_row_groups: bool,
    concurrency: Option<usize>,
    pub(super) ordered: bool,
    atomic: bool,
    pub(super) cast: bool,
    pub(super) recompress: bool,
    hive: Option<HiveArgument>,
    dry_run: bool,
}

/// Converts a `sutro.StagedFile`.
#[derive(FromPyObject)]
pub(super) struct StagedArgument {
    staged_id: String,
    file_name: String,
    size_bytes: u64,
    row_count: u64,
    sha256: String,
    expires_at: Option<String>,
}

impl StagedArgument {
    pub(super) fn into_staged(self) -> PyResult<StagedFile> {
        let Self { staged_id, file_name, size_bytes, row_count, sha256, expires_at } = self;
        let sha256 = sha256.parse().map_err(|_| {
            PyValueError::new_err(format!("{file_name} has an invalid sha256: {sha256:?}"))
        })?;
        Ok(StagedFile { staged_id, file_name, size_bytes, row_count, sha256, expires_at })
    }
}

/// Converts the `hive` argument; None means that it was not passed.
#[derive(FromPyObject)]
enum HiveArgument {
    Flag(bool),
    Types(HashMap<String, String>),
}

impl From<Option<HiveArgument>> for Hive {
    fn from(argument: Option<HiveArgument>) -> Self {
        match argument {
            None => Self::Refuse,
            Some(HiveArgument::Flag(false)) => Self::Ignore,
            Some(HiveArgument::Flag(true)) => Self::Columns(HashMap::new()),
            Some(HiveArgument::Types(types)) => {
                let known = |(key, name): (String, String)| Some((key, ColumnType::named(&name)?));
                Self::Columns(types.into_iter().filter_map(known).collect())
            }
        }
    }
}

impl From<UploadArguments> for UploadOptions {
    fn from(arguments: UploadArguments) -> Self {
        let UploadArguments {
            dataset_id,
            names,
            target_file_size,
            merge_row_groups,
            concurrency,
            ordered,
            atomic,
            cast,
            recompress,
            hive,
            dry_run,
        } = arguments;
        let (rewrite, hive) = (RewriteOptions { cast, recompress }, hive.into());
        let concurrency = concurrency.unwrap_or(CONCURRENCY);
        Self {
            dataset_id,
            names,
            target_file_size,
            merge_row_groups,
            concurrency,
            ordered,
            rewrite,
            hive,
            dry_run,
            staging: if atomic { Staging::Atomic } else { Staging::IfAnnounced },
        }
    }
}
