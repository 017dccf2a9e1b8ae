//! What an upload would do, without doing it.

use std::sync::Arc;

use super::{
    check,
    dataset_schema::Held,
    error::UploadError,
    feed::{MadeFile, name_of_made},
    files::{CheckedFile, PlannedFile},
    hive,
    options::{Hive, Mending, UploadOptions},
    plan::{self, Names},
    problem::Problem,
    resume::{self, Target},
    rewrite::Rewrite,
    sent_record::SentRecord,
    sources::Found,
};
use crate::{
    background::in_background,
    client::ApiClient,
    error::{Error, Result},
    schema::{Schema, groups},
    wire::messages::DatasetFile,
};

/// What a check has found. Nothing was sent.
#[derive(Debug)]
pub struct CheckReport {
    /// The dataset that was compared with.
    pub dataset_id: Option<String>,
    /// The files that can be read, in order.
    pub files: Vec<FileFacts>,
    /// For each schema, the most common one first: its columns with their types in words.
    pub schemas: Vec<Vec<(String, String)>>,
    /// What is wrong with single files.
    pub problems: Vec<Problem>,
    /// Why an upload would be refused; `None` when it would be accepted.
    pub refusal: Option<UploadError>,
    /// What the sources name and would not be uploaded, and what else the caller should know.
    pub notes: Vec<String>,
}

/// A file as its footer describes it.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// Its name in the dataset.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// Size in bytes.
    pub size_bytes: u64,
    /// Number of rows.
    pub row_count: u64,
    /// Number of row groups.
    pub row_groups: usize,
    /// Names of the codecs in use.
    pub codecs: Vec<String>,
    /// Index of its schema in [`CheckReport::schemas`].
    pub schema_group: usize,
}

impl From<&CheckedFile> for FileFacts {
    fn from(CheckedFile { planned, footer, .. }: &CheckedFile) -> Self {
        Self {
            name: planned.name.clone(),
            path: planned.content.location().to_string(),
            size_bytes: planned.content.size(),
            row_count: footer.row_count,
            row_groups: footer.row_groups,
            codecs: footer.codecs.iter().map(ToString::to_string).collect(),
            schema_group: 0,
        }
    }
}

/// Checks files one by one, and keeps of each what its footer says.
#[derive(Default)]
pub struct Checker {
    mending: Mending,
    ordered: bool,
    hive: Hive,
    names: Names,
    file_count: usize,
    /// Of the bytes of files that were made only the hash is kept.
    files: Vec<CheckedFile>,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

/// Checks what [`upload`](super::upload) would check of the files. `client` is asked for what
/// the dataset of `options` holds, where there is one.
///
/// # Errors
/// As of `upload`, but for what the report tells.
pub async fn check_files(
    client: Option<&ApiClient>,
    found: Found,
    options: UploadOptions,
) -> Result<CheckReport> {
    let UploadOptions { dataset_id, names, ordered, mending, hive, .. } = options;
    let checker = in_background(move || {
        let Found { files: found, notes } = found;
        let (files, mut problems) = plan::plan(&found, names.as_deref(), &hive)?;
        let mut files = check::read(files, &mut problems, mending);
        hive::apply(&hive, &mut files, &mut problems);
        let mut checker = Checker { problems, notes, ..Checker::new(mending, hive, ordered) };
        for file in files {
            checker.keep(file);
        }
        checker.file_count = found.len();
        Ok(checker)
    });
    checker.await?.finish(client, dataset_id).await
}

impl Checker {
    /// Begins a check of files that are made one after the other, for an upload in order or not.
    #[must_use]
    pub fn new(mending: Mending, hive: Hive, ordered: bool) -> Self {
        Self { mending, ordered, hive, ..Self::default() }
    }

    /// Takes in a file; only its footer is kept.
    pub fn add(&mut self, file: MadeFile) {
        let is_given = file.name.is_some();
        let name = name_of_made(file.name, self.file_count, &file.content);
        let (position, partition) = (self.file_count, file.partition);
        let planned = PlannedFile { position, name, content: file.content, partition };
        self.file_count += 1;
        self.problems.extend(self.names.add(&planned.name, planned.content.location(), is_given));
        let files = check::read(vec![planned], &mut self.problems, self.mending);
        hive::apply_to_made(&self.hive, &files, &mut self.problems);
        for file in files {
            self.keep(file);
        }
    }

    fn keep(&mut self, mut file: CheckedFile) {
        file.planned.content = file.planned.content.released();
        self.files.push(file);
    }

    /// Says whether an upload of all files would be accepted.
    ///
    /// # Errors
    /// Where the dataset cannot be listed.
    pub async fn finish(
        self,
        client: Option<&ApiClient>,
        dataset_id: Option<String>,
    ) -> Result<CheckReport> {
        let footers: Vec<_> =
            self.files.iter().map(|file| (file.planned.name.as_str(), &file.footer)).collect();
        let listing = match (client, &dataset_id) {
            (Some(client), Some(dataset_id)) if self.problems.is_empty() => {
                let mut listing = client.list_dataset(dataset_id).await?;
                if let Some(record) = SentRecord::of_client(client, dataset_id) {
                    record.complete(&mut listing.files);
                }
                Some(listing)
            }
            _ => None,
        };
        let held = Held::by(listing.as_ref());
        let (problems, count) = (self.problems.clone(), self.file_count);
        let judged = check::judge(&footers, problems, count, self.mending, &held);
        let refusal = match (judged, &listing, &dataset_id) {
            (Err(error), ..) => Some(error.into()),
            (Ok(rewrite), Some(listing), Some(dataset_id)) => {
                self.compare_with_dataset(&listing.files, &held, dataset_id, &rewrite).await?
            }
            (Ok(_), ..) => None,
        };
        let groups = groups(self.files.iter().map(|file| &*file.footer.schema));
        let columns = |schema: &Schema| {
            let fields = schema.summary().fields.into_iter();
            fields.map(|field| (field.name, field.data_type)).collect()
        };
        let schemas = groups.iter().map(|group| columns(group.schema)).collect();
        let mut files: Vec<_> = self.files.iter().map(FileFacts::from).collect();
        for (index, group) in groups.iter().enumerate() {
            group.files.iter().for_each(|&file| files[file].schema_group = index);
        }
        let Self { problems, notes, .. } = self;
        Ok(CheckReport { dataset_id, files, schemas, problems, refusal, notes })
    }

    /// The refusal, where names are taken or the schema is another one.
    async fn compare_with_dataset(
        &self,
        listing: &[DatasetFile],
        held: &Held,
        dataset_id: &str,
        rewrite: &Rewrite,
    ) -> Result<Option<UploadError>> {
        let tracker = Arc::default();
        let target = Target { dataset_id, listing, ordered: self.ordered };
        match resume::among_files(&target, &self.files, rewrite, &tracker).await {
            Ok(_) => {}
            Err(error @ Error::NamesTaken { .. }) => return Ok(Some(error.into())),
            Err(error) => return Err(error),
        }
        let common = rewrite.schema.as_ref().map(|schema| Schema::from_parquet(schema));
        let Some(first) = self.files.first() else { return Ok(None) };
        let schema = common.as_ref().unwrap_or(&first.footer.schema);
        let names = self.files.iter().map(|file| file.planned.name.clone()).collect();
        Ok(held.check_summary(names, schema).err().map(UploadError::from))
    }
}
