//! Rejects frames before their rows are read: by their names and types, compared with the dataset.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use parquet::schema::types::TypePtr;

use super::{
    already_there::can_be_an_earlier_run,
    check::judge,
    compare::Comparison,
    dataset::{Dataset, names_taken},
    dataset_schema::Held,
    error::UploadError,
    feed::{Coming, Feed, MadeFiles},
    frames::{FrameOutline, differing_leaves},
    made::MadeFile,
    mismatch::CheckError,
    options::{RewriteOptions, UploadOptions},
    order::Order,
    plan::with_extension,
    resume,
    sent_record::SentRecord,
};
use crate::{
    client::ApiClient,
    error::{Result, TakenReason},
    schema::Schema,
    wire::{messages::DatasetFile, places::Places},
};

/// The files of a dataset before an upload.
#[derive(Clone, Debug)]
pub struct Preflight {
    dataset_id: String,
    files: Vec<DatasetFile>,
    held: Held,
}

impl Preflight {
    /// Lists a dataset. Without `names`, the first files are enough: they show the schema.
    ///
    /// # Errors
    /// If the dataset cannot be listed.
    pub async fn of(client: &ApiClient, dataset_id: String, names: bool) -> Result<Self> {
        let mut list = if names {
            client.list_dataset(&dataset_id).await?
        } else {
            client.list_beginning(&dataset_id).await?
        };
        if let Some(record) = SentRecord::of_client(client, &dataset_id) {
            record.complete(&mut list.files);
        }
        Ok(Self { dataset_id, held: Held::by(Some(&list)), files: list.files })
    }

    /// Asks for the schema of a dataset alone. The names are left to the server, so the request
    /// does not grow with the dataset.
    ///
    /// # Errors
    /// If the dataset cannot be listed.
    pub async fn of_schema(client: &ApiClient, dataset_id: String) -> Result<Self> {
        let list = client.list_first(&dataset_id).await?;
        Ok(Self { dataset_id, held: Held::by(Some(&list)), files: Vec::new() })
    }

    /// What is known about the dataset's schema.
    #[must_use]
    pub fn held(&self) -> Held {
        self.held.clone()
    }

    /// Returns the positions of the names that the dataset has. Only the contents show whether
    /// these are the same files.
    ///
    /// # Errors
    /// [`Error::NamesTaken`] if no earlier run can have added them, whatever their content.
    /// `is_all` says that the upload has no more files.
    pub fn names_there(&self, names: &[String], ordered: bool, is_all: bool) -> Result<Vec<usize>> {
        let names: Vec<_> = names.iter().map(|name| with_extension(name)).collect();
        let places = Places::of(names.iter().map(String::as_str), &self.files);
        let taken = |(position, name): (usize, &String)| Some((position, places.get(name)?));
        let taken: Vec<_> = names.iter().enumerate().filter_map(taken).collect();
        let plan = is_all.then_some(names.len());
        if ordered && !can_be_an_earlier_run(&taken, self.files.len(), plan) {
            let names = taken.iter().map(|(position, _)| names[*position].clone()).collect();
            return Err(names_taken(&self.dataset_id, names, TakenReason::OtherPlace));
        }
        Ok(taken.into_iter().map(|(position, _)| position).collect())
    }

    /// Compares the first files of an upload with those of the dataset that have their names.
    ///
    /// # Errors
    /// [`Error::NamesTaken`] if the contents differ; errors of reading a file.
    pub async fn check_files(
        &self,
        files: Vec<MadeFile>,
        options: UploadOptions,
    ) -> Result<(), UploadError> {
        let UploadOptions { rewrite, hive, ordered, .. } = options;
        let coming = Coming::of_made_files(MadeFiles::of(files), rewrite, hive, self.held());
        let (id, listing) = (self.dataset_id.clone(), self.files.clone());
        let dataset = Dataset { id, listing, order: Order::of(ordered) };
        let rest = resume::missing(&dataset, Feed::of_coming(coming), &Arc::default()).await?;
        let mut rest = stream::iter(rest.coming).flat_map(Coming::into_stream).boxed();
        while let Some(file) = rest.next().await {
            file?;
        }
        Ok(())
    }
}

/// For each frame, the leaves whose values may matter for a cast, as indexes. If the dataset's
/// schema is known, these are all leaves of frames with another schema; otherwise, the leaves of
/// columns that differ between frames.
#[must_use]
pub fn leaves_to_look_at(frames: &[FrameOutline], held: &Held) -> Vec<Vec<u32>> {
    let Held::Schema(held) = held else {
        return differing_leaves(frames);
    };
    let leaves = |frame: &FrameOutline| {
        if *frame.named_footer().1.schema == *held { Vec::new() } else { frame.leaves() }
    };
    frames.iter().map(leaves).collect()
}

/// Compares the schemas of frames with the dataset's schema, if it is known, or else with each
/// other. Returns the schema that all files get, or with `rewrite.cast` their common schema; `None`
/// if there is nothing to compare with. A single frame is only compared with a dataset.
///
/// # Errors
/// [`UploadError::Check`] with all schemas that differ from the dataset's or the most common one.
pub fn check_schemas(
    frames: &[FrameOutline],
    rewrite: RewriteOptions,
    held: &Held,
) -> Result<Option<TypePtr>, UploadError> {
    let [first, others @ ..] = frames else { return Ok(None) };
    if others.is_empty() && matches!(held, Held::Nothing) {
        return Ok(None);
    }
    let footers: Vec<_> = frames.iter().map(FrameOutline::named_footer).collect();
    if rewrite.cast && matches!(held, Held::Schema(_)) {
        // Before the frames are encoded, only schemas that certainly cannot be cast are rejected.
        let at_best: Vec<_> = frames.iter().map(FrameOutline::at_best).collect();
        let at_best: Vec<_> = at_best.iter().map(FrameOutline::named_footer).collect();
        if let Err(error) = judge(&at_best, Vec::new(), frames.len(), rewrite, held) {
            let outliers = Comparison::of(&footers, held).outliers();
            return Err(CheckError { outliers, ..error }.into());
        }
        return Ok(None);
    }
    let target = judge(&footers, Vec::new(), frames.len(), rewrite, held)?;
    let own = &first.named_footer().1.parquet_schema;
    let schema = Arc::clone(target.schema().map_or(own, |(schema, _)| schema));
    let names = footers.iter().map(|(name, _)| (*name).to_owned()).collect();
    held.check_summary(names, &Schema::from_parquet(&schema))?;
    Ok(Some(schema))
}
