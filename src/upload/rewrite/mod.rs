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

use futures_util::{Stream, StreamExt, stream};
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
    error::UploadError,
    files::CheckedFile,
    report::Change,
    temporary::{HashedFile, while_writing},
};
use crate::{
    background::in_background,
    config::REWRITES_AHEAD,
    error::{Error, Result},
    schema::{Footer, FooterError, FooterReader, Schema},
    source::OpenContent,
};

/// What files are to be made alike in.
#[derive(Clone, Debug, Default)]
pub(super) struct Rewrite {
    /// The schema of all files; `None` where they have one.
    pub(super) schema: Option<TypePtr>,
}

impl Rewrite {
    /// What has to be changed of a file.
    pub(super) fn changes(&self, footer: &Footer) -> Vec<Change> {
        let cast = self.changes_schema(footer).then_some(Change::Cast);
        let hive = (!footer.added.is_empty()).then_some(Change::Hive);
        let recompressed = footer.check_codecs().is_err().then_some(Change::Recompressed);
        cast.into_iter().chain(hive).chain(recompressed).collect()
    }

    fn changes_schema(&self, footer: &Footer) -> bool {
        self.schema.as_ref().is_some_and(|schema| Schema::from_parquet(schema) != *footer.schema)
    }

    /// The files in their order, those that need it rewritten, some ahead of those that are
    /// sent.
    pub(super) fn feed(
        self,
        files: Vec<CheckedFile>,
    ) -> impl Stream<Item = Result<CheckedFile, UploadError>> + Send + 'static {
        stream::iter(files)
            .map(move |file| {
                let rewrite = self.clone();
                async move {
                    if rewrite.changes(&file.footer).is_empty() {
                        return Ok(file);
                    }
                    Ok(in_background(move || rewrite.file(file)).await?)
                }
            })
            .buffered(REWRITES_AHEAD)
    }

    /// Writes the file again, into a temporary one.
    ///
    /// # Errors
    /// [`Error::Rewrite`] where its pages cannot be read, or a value would be lost.
    pub(super) fn file(&self, mut file: CheckedFile) -> Result<CheckedFile> {
        let content = &file.planned.content;
        let location = content.location().clone();
        let failed = |message: String| Error::Rewrite { location: location.clone(), message };
        let open = content.open()?;
        // The crate panics on some damaged pages.
        let temporary = HashedFile::new()?;
        let write = AssertUnwindSafe(|| self.write(open, &file.footer, temporary));
        let written = catch_unwind(write)
            .unwrap_or_else(|_| Err(ParquetError::General("its pages are damaged".to_owned())))
            .map_err(|error| while_writing(error, failed))?;
        content.verify()?;
        let content = written.into_content(location.clone())?;
        file.changes = self.changes(&file.footer);
        let open = content.open()?;
        let footer = FooterReader::default().read(content.size(), |range| open.read(range));
        file.footer = footer.map_err(|error| match error {
            FooterError::Read(error) => error,
            FooterError::Invalid(invalid) => failed(invalid.to_string()),
        })?;
        file.planned.content = content;
        Ok(file)
    }

    fn write(
        &self,
        content: OpenContent,
        footer: &Footer,
        temporary: HashedFile,
    ) -> parquet::errors::Result<HashedFile> {
        let reader = SerializedFileReader::new(content)?;
        let found = reader.metadata().file_metadata().schema_descr().root_schema_ptr();
        let schema = match &self.schema {
            Some(schema) if self.changes_schema(footer) => Arc::clone(schema),
            _ if footer.added.is_empty() => Arc::clone(&found),
            _ => Arc::clone(&footer.parquet_schema),
        };
        let sources = sources(&schema, &found, footer)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(self.key_values(&reader, footer))
            .build();
        let mut writer = SerializedFileWriter::new(temporary, schema, Arc::new(properties))?;
        for index in 0..reader.num_row_groups() {
            let from = reader.get_row_group(index)?;
            let mut to = writer.next_row_group()?;
            for source in &sources {
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
        }
        writer.into_inner()
    }

    /// What other tools noted about a schema does not hold for another one.
    fn key_values(
        &self,
        reader: &SerializedFileReader<OpenContent>,
        footer: &Footer,
    ) -> Option<Vec<KeyValue>> {
        let file = reader.metadata().file_metadata();
        let notes = file.key_value_metadata()?.iter();
        let is_about_schema = |note: &&KeyValue| note.key == "ARROW:schema" || note.key == "pandas";
        let changes = self.changes_schema(footer);
        let kept = notes.filter(|note| !(changes && is_about_schema(note)));
        Some(kept.filter_map(|note| with_added(note, file, &footer.added)).collect())
    }
}
