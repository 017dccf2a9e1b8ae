//! Files rewritten on the way, never in place: to a common schema, and to snappy.

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
    recipe::Recipe,
    temporary::{HashedFile, while_writing},
};
use crate::{
    error::{Error, Result},
    schema::{Footer, FooterError, FooterReader},
    source::{Content, OpenContent},
};

/// Writes the file of a recipe, into a temporary one. May block.
///
/// # Errors
/// [`Error::Rewrite`] if pages cannot be read, or a value would be lost; [`Error::FileChanged`].
pub(super) fn rewrite(recipe: &Recipe) -> Result<Content> {
    let [first, ..] = &recipe.parts[..] else {
        return Err(Error::Internal(format!("{} is made of nothing", recipe.name)));
    };
    let location = first.content.location().clone();
    let failed = |message: String| Error::Rewrite { location: location.clone(), message };
    let open = recipe.parts.iter().map(|part| part.content.open()).collect::<Result<Vec<_>>>()?;
    let temporary = HashedFile::new()?;
    // The crate panics on some damaged pages.
    let write = AssertUnwindSafe(|| write(recipe, open, temporary));
    let written = catch_unwind(write)
        .unwrap_or_else(|_| Err(ParquetError::General("its pages are damaged".to_owned())))
        .map_err(|error| while_writing(error, failed))?;
    recipe.parts.iter().try_for_each(|part| part.content.verify())?;
    let content = written.into_content(location.clone())?;
    let open = content.open()?;
    match FooterReader::default().read(content.size(), |range| open.read(range)) {
        Ok(_) => Ok(content),
        Err(FooterError::Read(error)) => Err(error),
        Err(FooterError::Invalid(invalid)) => Err(failed(invalid.to_string())),
    }
}

type PartReader = SerializedFileReader<OpenContent>;

fn write(
    recipe: &Recipe,
    parts: Vec<OpenContent>,
    temporary: HashedFile,
) -> parquet::errors::Result<HashedFile> {
    let parts = parts.into_iter().map(PartReader::new).collect::<Result<Vec<_>, _>>()?;
    let parts: Vec<_> = recipe.parts.iter().zip(&parts).collect();
    let Some((first, reader)) = parts.first() else {
        return Err(ParquetError::General("it has no parts".to_owned()));
    };
    let schema = match &recipe.schema {
        Some(schema) => Arc::clone(schema),
        None if first.footer.added.is_empty() => root_of(reader),
        None => Arc::clone(&first.footer.parquet_schema),
    };
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_key_value_metadata(key_values(recipe, &first.footer, reader))
        .build();
    let mut writer =
        SerializedFileWriter::new(temporary, Arc::clone(&schema), Arc::new(properties))?;
    for (part, reader) in parts {
        let sources = sources(&schema, &root_of(reader), &part.footer)?;
        for index in part.row_groups.clone() {
            write_row_group(reader, index, &sources, &mut writer)?;
        }
    }
    writer.into_inner()
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

/// What other tools noted about a schema does not hold for another one.
fn key_values(recipe: &Recipe, footer: &Footer, reader: &PartReader) -> Option<Vec<KeyValue>> {
    let file = reader.metadata().file_metadata();
    let notes = file.key_value_metadata()?.iter();
    let is_about_schema = |note: &&KeyValue| note.key == "ARROW:schema" || note.key == "pandas";
    let is_cast = recipe.schema.is_some();
    let kept = notes.filter(|note| !(is_cast && is_about_schema(note)));
    Some(kept.filter_map(|note| with_added(note, file, &footer.added)).collect())
}
