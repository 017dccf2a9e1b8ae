//! Rewrites files during an upload, never in place: casts them to a common schema, recompresses
//! them, or merges row groups that are far too small.

mod columns;
mod constant;
mod levels;
mod pages;
mod physical;
mod plan;
mod row_groups;
mod rows;
mod value;

use std::sync::Arc;

use parquet::{
    basic::Compression,
    errors::ParquetError,
    file::{
        metadata::{KeyValue, RowGroupMetaData},
        properties::{WriterProperties, WriterPropertiesBuilder},
        reader::FileReader,
        writer::SerializedFileWriter,
    },
    schema::types::TypePtr,
};

pub(super) use self::{pages::page_range, rows::rows_of};
use self::{
    plan::with_added,
    row_groups::{PartReader, RowGroups, of_part, open, root_of},
};
use super::{
    common_metadata::CommonMetadata,
    recipe::{Part, Recipe},
    report::Change,
    runs::{Run, runs},
    temporary::{HashedFile, while_writing},
};
use crate::{
    error::{Error, Result},
    schema::{Footer, FooterError, FooterReader},
    source::Content,
};

/// Writes the file of a recipe to a temporary file. May block.
///
/// # Errors
/// [`Error::Rewrite`] if a page cannot be read or a value would be lost; [`Error::FileChanged`].
pub(super) fn rewrite(recipe: &Recipe) -> Result<Content> {
    let Some(first) = recipe.parts.first() else {
        return Err(Error::Internal(format!("{} has no parts", recipe.name)));
    };
    Ok(finished(&recipe.parts, first, write(recipe, first))?.0)
}

/// Writes the row groups of each of these runs to a temporary file, as one row group. The columns
/// have the codecs of the first one. May block.
///
/// # Errors
/// [`Error::Rewrite`] if a page cannot be read; [`Error::FileChanged`].
pub(super) fn merged(parts: &[Part], runs: &[&Run]) -> Result<(Content, Footer)> {
    let first = runs.first().and_then(|run| run.first());
    let Some((first, index)) = first.and_then(|first| Some((parts.get(first.part)?, first.index)))
    else {
        return Err(Error::Internal("there is nothing to merge".to_owned()));
    };
    finished(parts, first, write_merged(parts, runs, first, index))
}

/// Checks a file that was written from these parts.
fn finished(
    parts: &[Part],
    first: &Part,
    written: parquet::errors::Result<HashedFile>,
) -> Result<(Content, Footer)> {
    let location = first.content.location().clone();
    let failed = |message: String| Error::Rewrite { location: location.clone(), message };
    let written = written.map_err(|error| while_writing(error, failed))?;
    Content::verify_all(parts.iter().map(|part| &part.content))?;
    let content = written.into_content(location.clone())?;
    let open = content.open()?;
    match FooterReader::default().read(content.size(), |range| open.read(range)) {
        Ok(footer) => Ok((content, footer)),
        Err(FooterError::Read(error)) => Err(error),
        Err(FooterError::Invalid(invalid)) => Err(failed(invalid.to_string())),
    }
}

fn write(recipe: &Recipe, first: &Part) -> parquet::errors::Result<HashedFile> {
    let (schema, properties) = of_part(first, || {
        let reader = PartReader::new(open(first)?)?;
        let schema = match &recipe.schema {
            Some(schema) => Arc::clone(schema),
            None if first.footer.added.is_empty() => root_of(&reader),
            None => Arc::clone(&first.footer.parquet_schema),
        };
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(key_values(recipe, &first.footer, &reader));
        Ok((schema, properties))
    })?;
    let mut writer = new_file(&schema, properties)?;
    let mut row_groups = RowGroups::new(&recipe.parts, &schema);
    let merges = recipe.changes.contains(&Change::Merged);
    for run in runs(&recipe.parts, merges) {
        row_groups.write(&run, &mut writer, |_| {})?;
    }
    writer.into_inner()
}

fn write_merged(
    parts: &[Part],
    runs: &[&Run],
    first: &Part,
    index: usize,
) -> parquet::errors::Result<HashedFile> {
    let (schema, properties) = of_part(first, || {
        let reader = PartReader::new(open(first)?)?;
        Ok((root_of(&reader), with_codecs_of(reader.metadata().row_group(index))))
    })?;
    let mut writer = new_file(&schema, properties)?;
    let mut row_groups = RowGroups::new(parts, &schema);
    let mut metadata: Option<CommonMetadata> = None;
    for run in runs {
        row_groups.write(run, &mut writer, |file| match &mut metadata {
            None => metadata = Some(CommonMetadata::of(file)),
            Some(known) => known.add(file),
        })?;
    }
    for note in metadata.map(|metadata| metadata.key_values).unwrap_or_default() {
        writer.append_key_value_metadata(note);
    }
    writer.into_inner()
}

fn new_file(
    schema: &TypePtr,
    properties: WriterPropertiesBuilder,
) -> parquet::errors::Result<SerializedFileWriter<HashedFile>> {
    let temporary = HashedFile::new().map_err(|error| ParquetError::External(error.into()))?;
    SerializedFileWriter::new(temporary, Arc::clone(schema), Arc::new(properties.build()))
}

/// Files with other codecs than these two are recompressed.
fn with_codecs_of(row_group: &RowGroupMetaData) -> WriterPropertiesBuilder {
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY);
    row_group.columns().iter().fold(properties, |properties, column| match column.compression() {
        Compression::UNCOMPRESSED => properties
            .set_column_compression(column.column_path().clone(), Compression::UNCOMPRESSED),
        _ => properties,
    })
}

/// Removes the metadata of other tools about the old schema if the file is cast to another one.
fn key_values(recipe: &Recipe, footer: &Footer, reader: &PartReader) -> Option<Vec<KeyValue>> {
    let file = reader.metadata().file_metadata();
    let notes = file.key_value_metadata()?.iter();
    let is_about_schema = |note: &&KeyValue| note.key == "ARROW:schema" || note.key == "pandas";
    let is_cast = recipe.schema.is_some();
    let kept = notes.filter(|note| !(is_cast && is_about_schema(note)));
    Some(kept.filter_map(|note| with_added(note, file, &footer.added)).collect())
}
