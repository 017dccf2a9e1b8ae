//! Writes row groups of parts to a new file, one by one or several merged into one.

use std::{
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

use parquet::{
    errors::{ParquetError, Result},
    file::{
        metadata::FileMetaData,
        reader::{FileReader, RowGroupReader, SerializedFileReader},
        writer::SerializedFileWriter,
    },
    schema::types::TypePtr,
};

use super::{
    columns::copy_column,
    constant::write_constant,
    pages::LoadedGroup,
    plan::{Source, sources},
};
use crate::{
    error::Error,
    source::OpenContent,
    upload::{recipe::Part, runs::GroupOfPart, temporary::while_writing},
};

pub(super) type PartReader = SerializedFileReader<OpenContent>;

/// Reads row groups of parts, in order. At most one part is open at a time: a file may have more
/// parts than a process may have files open.
pub(super) struct RowGroups<'a> {
    parts: &'a [Part],
    schema: &'a TypePtr,
    open: Option<(usize, Rc<OpenPart<'a>>)>,
}

struct OpenPart<'a> {
    file: OpenContent,
    reader: PartReader,
    sources: Rc<[Source<'a>]>,
}

/// A row group, and where each column of the new file comes from.
struct Group<'r> {
    part: &'r Part,
    reader: Box<dyn RowGroupReader + 'r>,
    sources: &'r [Source<'r>],
}

impl<'a> RowGroups<'a> {
    pub(super) fn new(parts: &'a [Part], schema: &'a TypePtr) -> Self {
        Self { parts, schema, open: None }
    }

    /// Writes the row groups of a run as one. `look` sees the metadata of their files.
    pub(super) fn write<W: Write + Send>(
        &mut self,
        run: &[GroupOfPart],
        writer: &mut SerializedFileWriter<W>,
        mut look: impl FnMut(&FileMetaData),
    ) -> Result<()> {
        if let [GroupOfPart { part: place, index }] = *run {
            let part = &self.parts[place];
            let open = self.open(place)?;
            look(open.reader.metadata().file_metadata());
            return of_part(part, || {
                let reader = open.reader.get_row_group(index)?;
                write_group(&[Group { part, reader, sources: &open.sources }], writer)
            });
        }
        let mut loaded = Vec::with_capacity(run.len());
        for &GroupOfPart { part: place, index } in run {
            let open = self.open(place)?;
            look(open.reader.metadata().file_metadata());
            let group = of_part(&self.parts[place], || {
                let metadata = open.reader.metadata().row_group(index);
                LoadedGroup::read(&open.file, metadata)
            })?;
            loaded.push((&self.parts[place], group, Rc::clone(&open.sources)));
        }
        let groups = loaded.iter().map(|(part, group, sources)| {
            Ok(Group { part, reader: Box::new(group.reader()?), sources })
        });
        write_group(&groups.collect::<Result<Vec<_>>>()?, writer)
    }

    fn open(&mut self, place: usize) -> Result<Rc<OpenPart<'a>>> {
        if let Some((known, open)) = &self.open
            && *known == place
        {
            return Ok(Rc::clone(open));
        }
        self.open = None;
        let (part, schema) = (&self.parts[place], self.schema);
        let open = of_part(part, || {
            let file = open(part)?;
            let reader = PartReader::new(file.clone())?;
            let sources = sources(schema, &root_of(&reader), &part.footer)?.into();
            Ok(Rc::new(OpenPart { file, reader, sources }))
        })?;
        self.open = Some((place, Rc::clone(&open)));
        Ok(open)
    }
}

fn write_group<W: Write + Send>(
    groups: &[Group<'_>],
    writer: &mut SerializedFileWriter<W>,
) -> Result<()> {
    let columns = groups.first().map_or(0, |group| group.sources.len());
    let mut to = writer.next_row_group()?;
    for column in 0..columns {
        let Some(mut target) = to.next_column()? else { break };
        for Group { part, reader, sources } in groups {
            of_part(part, || match &sources[column] {
                Source::Copied(leaf) => {
                    copy_column(reader.get_column_reader(leaf.place)?, leaf, &mut target)
                }
                Source::Added(added) => {
                    write_constant(added, reader.metadata().num_rows(), &mut target)
                }
            })?;
        }
        target.close()?;
    }
    to.close()?;
    Ok(())
}

pub(super) fn open(part: &Part) -> Result<OpenContent> {
    part.content.open().map_err(|error| ParquetError::External(error.into()))
}

pub(super) fn root_of(reader: &PartReader) -> TypePtr {
    reader.metadata().file_metadata().schema_descr().root_schema_ptr()
}

/// Runs `work` on a part, and names its file in errors. The crate panics on some damaged pages.
pub(super) fn of_part<T>(part: &Part, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let failed = |message: String| {
        let location = part.content.location().clone();
        Error::Rewrite { location, message }
    };
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(ParquetError::General("its pages are damaged".to_owned())))
        .map_err(|error| ParquetError::External(while_writing(error, failed).into()))
}
