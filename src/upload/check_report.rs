//! Checks what an upload would do, without sending anything.

use std::sync::Arc;

use super::{
    check,
    dataset::Dataset,
    dataset_schema::Held,
    error::UploadError,
    files::CheckedFile,
    frames::FrameOutline,
    hive,
    made::{MadeChecks, MadeFile},
    mismatch::CheckError,
    options::UploadOptions,
    order::Order,
    pack,
    plan::{self, Naming},
    preflight::check_schemas,
    problem::Problem,
    recipe::Recipe,
    resume,
    sent_record::SentRecord,
    sources::Found,
};
use crate::{
    background::in_background,
    client::ApiClient,
    error::{Error, Result},
    hint::Message,
    schema::{Schema, groups},
    wire::messages::DatasetFileList,
};

/// The result of a check. Nothing was sent.
#[derive(Debug)]
pub struct CheckReport {
    /// The dataset with which the files were compared.
    pub dataset_id: Option<String>,
    /// The files that can be read, in order.
    pub files: Vec<FileFacts>,
    /// For each schema, most common first: its columns with descriptions of their types.
    pub schemas: Vec<Vec<(String, String)>>,
    /// Problems of single files.
    pub problems: Vec<Problem>,
    /// Why an upload would be rejected; `None` if it would be accepted.
    pub refusal: Option<UploadError>,
    /// Entries of the sources that would not be uploaded, and other notes.
    pub notes: Vec<Message>,
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
            row_groups: footer.row_groups.len(),
            codecs: footer.codecs.iter().map(ToString::to_string).collect(),
            schema_group: 0,
        }
    }
}

/// Checks files as [`upload`](super::upload) does, without sending them. If `options` name a
/// dataset, `client` lists its files.
///
/// # Errors
/// The errors of `upload` that are not part of the report.
pub async fn check_files(
    client: Option<&ApiClient>,
    found: Found,
    options: UploadOptions,
) -> Result<CheckReport> {
    let UploadOptions { ordered, rewrite, target_file_size, merge_row_groups, .. } = options;
    let dataset_id = options.dataset_id.clone();
    let read = in_background(move || {
        let Found { files: found, notes } = found;
        let (files, mut problems) = plan::plan(&found, Naming::of(&options)?, &options.hive)?;
        let mut files = check::read(files, &mut problems, rewrite);
        hive::apply(&options.hive, &mut files, &mut problems);
        let mut findings = Findings { ordered, problems, notes, ..Findings::default() };
        findings.notes.extend(check::notes(&files).into_iter().map(Message::from));
        for file in &files {
            findings.learn(file);
        }
        Ok((findings, files, found.len()))
    });
    let (mut findings, files, file_count) = read.await?;
    let listing = findings.listed(client, dataset_id.as_deref()).await?;
    let footers: Vec<_> =
        files.iter().map(|file| (file.planned.name.as_str(), &file.footer)).collect();
    let (problems, held) = (findings.problems.clone(), Held::by(listing.as_ref()));
    match check::judge(&footers, problems, file_count, rewrite, &held) {
        Ok(target) => {
            findings.files = files.into_iter().map(|file| target.recipe(file)).collect();
            if let Some(target_size) = target_file_size {
                findings.files = pack::regroup(findings.files, target_size, merge_row_groups);
                let note = pack::regrouped(file_count, &findings.files);
                findings.notes.push(note.into());
            } else if ordered && listing.is_some() && client.is_some_and(|client| !client.stages())
            {
                findings.notes.extend(pack::many_small_files(&findings.files));
            }
        }
        Err(error) => findings.refusal = Some(error.into()),
    }
    findings.report(dataset_id, listing).await
}

/// Checks files that are created one after the other, without sending them.
pub struct Checker {
    checks: MadeChecks,
    findings: Findings,
    /// The files whose schema does not match.
    mismatch: Option<CheckError>,
}

impl Checker {
    /// Begins the check of an upload with these `options` into a dataset of which `held` is known.
    /// `frames` are those known in advance.
    #[must_use]
    pub fn new(options: UploadOptions, frames: &[FrameOutline], held: &Held) -> Self {
        let UploadOptions { ordered, rewrite, hive, .. } = options;
        let (schema, refusal) = match check_schemas(frames, rewrite, held) {
            Ok(schema) => (schema, None),
            Err(refusal) => (None, Some(refusal)),
        };
        let checks = MadeChecks::new(held, schema.as_ref(), rewrite, hive);
        let findings = Findings { ordered, refusal, ..Findings::default() };
        Self { checks, findings, mismatch: None }
    }

    /// Checks a file. Only its facts are kept.
    pub fn add(&mut self, file: MadeFile) {
        let file = match self.checks.read(file) {
            Ok(file) => file,
            Err(problems) => return self.findings.problems.extend(problems),
        };
        self.findings.learn(&file);
        if self.findings.refusal.is_some() {
            return;
        }
        match self.checks.fitted(file).map(Recipe::fixed) {
            Ok(Ok(file)) => self.findings.files.push(file.released()),
            Ok(Err(error)) => self.findings.refusal = Some(error.into()),
            Err(error) => match &mut self.mismatch {
                Some(mismatch) => mismatch.extend(error),
                None => self.mismatch = Some(error),
            },
        }
    }

    /// Returns whether an upload of all files would be accepted.
    ///
    /// # Errors
    /// If the dataset cannot be listed.
    pub async fn finish(
        self,
        client: Option<&ApiClient>,
        dataset_id: Option<String>,
    ) -> Result<CheckReport> {
        let Self { checks, mut findings, mismatch } = self;
        let file_count = checks.count();
        if let Some(mut mismatch) = mismatch {
            mismatch.is_under_way = false;
            mismatch.file_count = file_count;
            mismatch.problems.clone_from(&findings.problems);
            findings.refusal = Some(mismatch.into());
        } else if !findings.problems.is_empty() {
            let problems = findings.problems.clone();
            findings.refusal = Some(CheckError::of_problems(file_count, problems).into());
        }
        let listing = findings.listed(client, dataset_id.as_deref()).await?;
        findings.report(dataset_id, listing).await
    }
}

/// What is known about the files so far.
#[derive(Default)]
struct Findings {
    ordered: bool,
    facts: Vec<FileFacts>,
    schemas: Vec<Arc<Schema>>,
    /// The files as they would be sent. For files that were created, only the hash is kept.
    files: Vec<Recipe>,
    problems: Vec<Problem>,
    notes: Vec<Message>,
    refusal: Option<UploadError>,
}

impl Findings {
    fn learn(&mut self, file: &CheckedFile) {
        self.facts.push(FileFacts::from(file));
        self.schemas.push(Arc::clone(&file.footer.schema));
    }

    /// Lists the dataset, unless the files alone are rejected.
    async fn listed(
        &self,
        client: Option<&ApiClient>,
        dataset_id: Option<&str>,
    ) -> Result<Option<DatasetFileList>> {
        let (Some(client), Some(dataset_id)) = (client, dataset_id) else { return Ok(None) };
        if !self.problems.is_empty() || self.refusal.is_some() {
            return Ok(None);
        }
        let mut listing = client.list_dataset(dataset_id).await?;
        if let Some(record) = SentRecord::of_client(client, dataset_id) {
            record.complete(&mut listing.files);
        }
        Ok(Some(listing))
    }

    async fn report(
        mut self,
        dataset_id: Option<String>,
        listing: Option<DatasetFileList>,
    ) -> Result<CheckReport> {
        if self.refusal.is_none()
            && let (Some(listing), Some(dataset_id)) = (listing, &dataset_id)
        {
            self.refusal = self.compare_with_dataset(listing, dataset_id).await?;
        }
        let Self { facts: mut files, schemas, problems, notes, refusal, .. } = self;
        let groups = groups(schemas.iter().map(|schema| &**schema));
        for (index, group) in groups.iter().enumerate() {
            group.files.iter().for_each(|&file| files[file].schema_group = index);
        }
        let columns = |schema: &Schema| {
            let fields = schema.summary().fields.into_iter();
            fields.map(|field| (field.name, field.data_type)).collect()
        };
        let schemas = groups.iter().map(|group| columns(group.schema)).collect();
        Ok(CheckReport { dataset_id, files, schemas, problems, refusal, notes })
    }

    /// Returns an error if the dataset already has one of the names, or another schema.
    async fn compare_with_dataset(
        &self,
        listing: DatasetFileList,
        dataset_id: &str,
    ) -> Result<Option<UploadError>> {
        let (id, order) = (dataset_id.to_owned(), Order::of(self.ordered));
        let held = Held::by(Some(&listing));
        let dataset = Dataset { id, listing: listing.files, order };
        match resume::among_known(&dataset, &self.files, &Arc::default()).await {
            Ok(_) => {}
            Err(error @ Error::NamesTaken { .. }) => return Ok(Some(error.into())),
            Err(error) => return Err(error),
        }
        Ok(check::check_summary(&self.files, &held).err().map(UploadError::from))
    }
}
