//! Rewrites files during an upload, never in place: casts them to a common schema or recompresses
//! them.

mod columns;
mod constant;
mod levels;
mod physical;
mod plan;
mod value;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use parquet::{
    basic::Compression,
    errors::ParquetError,
    file::{
        metadata::KeyValue,
        properties::WriterProperties,
        reader::{FileReader, SerializedFileReader},
        writer::SerializedFileWriter,
    },
    schema::types::TypePtr,
};

use self::{
    columns::copy_column,
    constant::write_constant,
    plan::{Source, sources, with_added},
};
use super::{
    recipe::{Part, Recipe},
    temporary::{HashedFile, while_writing},
};
use crate::{
    error::{Error, Result},
    schema::{Footer, FooterError, FooterReader},
    source::{Content, OpenContent},
};

/// Writes the file of a recipe to a temporary file. May block.
///
/// # Errors
/// [`Error::Rewrite`] if a page cannot be read or a value would be lost; [`Error::FileChanged`].
pub(super) fn rewrite(recipe: &Recipe) -> Result<Content> {
    let Some(first) = recipe.parts.first() else {
        return Err(Error::Internal(format!("{} is made of nothing", recipe.name)));
    };
    let location = first.content.location().clone();
    let failed = |message: String| Error::Rewrite { location: location.clone(), message };
    let written = write(recipe, first).map_err(|error| while_writing(error, failed))?;
    Content::verify_all(recipe.parts.iter().map(|part| &part.content))?;
    let content = written.into_content(location.clone())?;
    let open = content.open()?;
    match FooterReader::default().read(content.size(), |range| open.read(range)) {
        Ok(_) => Ok(content),
        Err(FooterError::Read(error)) => Err(error),
        Err(FooterError::Invalid(invalid)) => Err(failed(invalid.to_string())),
    }
}

type PartReader = SerializedFileReader<OpenContent>;

/// Opens one part at a time: a file may have more parts than a process may have files open.
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
            .set_key_value_metadata(key_values(recipe, &first.footer, &reader))
            .build();
        Ok((schema, properties))
    })?;
    let temporary = HashedFile::new().map_err(|error| ParquetError::External(error.into()))?;
    let mut writer =
        SerializedFileWriter::new(temporary, Arc::clone(&schema), Arc::new(properties))?;
    for part in &recipe.parts {
        of_part(part, || write_part(part, &schema, &mut writer))?;
    }
    writer.into_inner()
}

fn open(part: &Part) -> parquet::errors::Result<OpenContent> {
    part.content.open().map_err(|error| ParquetError::External(error.into()))
}

/// Runs `work` on a part, and names its file in errors. The crate panics on some damaged pages.
fn of_part<T>(
    part: &Part,
    work: impl FnOnce() -> parquet::errors::Result<T>,
) -> parquet::errors::Result<T> {
    let failed = |message: String| {
        let location = part.content.location().clone();
        Error::Rewrite { location, message }
    };
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ParquetError::General("its pages are damaged".to_owned())))
        .map_err(|error| ParquetError::External(while_writing(error, failed).into()))
}

fn write_part(
    part: &Part,
    schema: &TypePtr,
    writer: &mut SerializedFileWriter<HashedFile>,
) -> parquet::errors::Result<()> {
    let reader = PartReader::new(open(part)?)?;
    let sources = sources(schema, &root_of(&reader), &part.footer)?;
    let mut row_groups = part.row_groups.clone();
    row_groups.try_for_each(|index| write_row_group(&reader, index, &sources, writer))
}

fn root_of(reader: &PartReader) -> TypePtr {
    reader.metadata().file_metadata().schema_descr().root_schema_ptr()
}

fn write_row_group(
    reader: &PartReader,
    index: usize,
    sources: &[Source<'_>],
    writer: &mut SerializedFileWriter<HashedFile>,
) -> parquet::errors::Result<()> {
    let from = reader.get_row_group(index)?;
    let mut to = writer.next_row_group()?;
    for source in sources {
        let Some(mut target) = to.next_column()? else { break };
        match source {
            Source::Copied(leaf) => {
                copy_column(from.get_column_reader(leaf.place)?, leaf, &mut target)?;
            }
            Source::Added(column) => {
                write_constant(column, from.metadata().num_rows(), &mut target)?;
            }
        }
        target.close()?;
    }
    to.close()?;
    Ok(())
}

/// Drops what other tools noted about the old schema if the file is cast to another one.
fn key_values(recipe: &Recipe, footer: &Footer, reader: &PartReader) -> Option<Vec<KeyValue>> {
    let file = reader.metadata().file_metadata();
    let notes = file.key_value_metadata()?.iter();
    let is_about_schema = |note: &&KeyValue| note.key == "ARROW:schema" || note.key == "pandas";
    let is_cast = recipe.schema.is_some();
    let kept = notes.filter(|note| !(is_cast && is_about_schema(note)));
    Some(kept.filter_map(|note| with_added(note, file, &footer.added)).collect())
}
