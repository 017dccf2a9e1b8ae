//! Arguments of calls, as Python gives them.

use std::{collections::HashMap, path::PathBuf, time::Duration};

use pyo3::prelude::*;

use crate::{
    client::ClientOptions,
    schema::ColumnType,
    upload::{Hive, Mending, UploadOptions},
};

/// Converts a `sutro.options.ClientOptions`: times in seconds.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(super) struct ClientArguments {
    connect_timeout: f64,
    progress_timeout: f64,
    answer_timeout: f64,
    max_retries: u32,
    retry_deadline: f64,
    certificates: Vec<PathBuf>,
    state_folder: Option<PathBuf>,
}

impl From<ClientArguments> for ClientOptions {
    fn from(arguments: ClientArguments) -> Self {
        // A timeout too long to represent never expires.
        let seconds = |time| Duration::try_from_secs_f64(time).unwrap_or(Duration::MAX);
        Self {
            connect_timeout: seconds(arguments.connect_timeout),
            progress_timeout: seconds(arguments.progress_timeout),
            answer_timeout: seconds(arguments.answer_timeout),
            max_retries: arguments.max_retries,
            retry_deadline: seconds(arguments.retry_deadline),
            certificates: arguments.certificates,
            state_folder: arguments.state_folder,
            ..Self::default()
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
    concurrency: usize,
    pub(super) ordered: bool,
    pub(super) cast: bool,
    pub(super) recompress: bool,
    hive: Option<HiveArgument>,
    dry_run: bool,
}

/// Converts the `hive` argument; None means that it was not given.
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
            concurrency,
            ordered,
            cast,
            recompress,
            hive,
            dry_run,
        } = arguments;
        let (mending, hive) = (Mending { cast, recompress }, hive.into());
        Self { dataset_id, names, concurrency, ordered, mending, hive, dry_run }
    }
}
