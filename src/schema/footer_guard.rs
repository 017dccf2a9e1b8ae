//! A bounded walk over a footer, before the parquet crate parses it.
//!
//! The crate trusts counts: files of less than 100 bytes make it reserve hundreds of gigabytes,
//! spin for a minute or overflow the stack. This walk rejects such files. It also collects what the
//! checks need: rows, codecs, encryption, positions of pages. Field ids: `parquet.thrift` of the
//! Parquet format.

use super::{
    codec::{Codec, UnsupportedCodec},
    footer::RowGroup,
    invalid::InvalidParquet,
    thrift::{Kind, Reader, malformed},
    tree::MAX_DEPTH,
};

/// Maximum number of columns and groups of a schema.
const MAX_SCHEMA_ELEMENTS: usize = 100_000;
/// Maximum length of all names together, because schemas are stored, listed and compared.
const MAX_NAME_BYTES: usize = 8 * 1024 * 1024;
/// Maximum sum of the names on the paths of all columns, in bytes, with [`PATH_PART_BYTES`] of
/// overhead per name: the crate stores all paths.
const MAX_PATH_BYTES: usize = 64 * 1024 * 1024;
const PATH_PART_BYTES: usize = 32;

/// Bytes of a Parquet file before its first page: `PAR1`.
const FIRST_PAGE: i64 = 4;

/// The results of the walk.
#[derive(Debug, Default)]
pub(super) struct Facts<'a> {
    /// The schema as stored in the footer.
    pub(super) encoded_schema: &'a [u8],
    pub(super) row_count: u64,
    pub(super) row_groups: Vec<RowGroup>,
    /// Codecs in use, without duplicates, in order of appearance.
    pub(super) codecs: Vec<Codec>,
    /// Whether each column has a value, as far as its statistics show.
    pub(super) has_values: Vec<bool>,
    /// The first column with a codec that the API does not accept, and the codec's name.
    pub(super) unsupported_codec: Option<UnsupportedCodec>,
}

/// Walks over `thrift`, a `FileMetaData` struct, of a file whose pages end at `pages_end`.
pub(super) fn inspect(thrift: &[u8], pages_end: u64) -> Result<Facts<'_>, InvalidParquet> {
    let mut facts = Facts::default();
    let mut columns = None;
    let mut row_count = None;
    let mut has_groups = false;
    Reader::new(thrift).fields(|reader, id, kind| match (id, kind) {
        (2, Kind::List) if columns.is_none() => {
            let (count, encoded) = reader.encoded(schema)?;
            columns = Some(count);
            facts.has_values = vec![false; count];
            facts.encoded_schema = encoded;
            Ok(true)
        }
        (3, Kind::Integer) => {
            row_count = Some(reader.integer()?);
            Ok(true)
        }
        (4, Kind::List) if !has_groups => {
            let columns = columns.ok_or_else(|| malformed("row groups before the schema"))?;
            reader.structs(|reader| {
                let pages_end = i64::try_from(pages_end).unwrap_or(i64::MAX);
                row_group(reader, columns, pages_end, &mut facts)
            })?;
            has_groups = true;
            Ok(true)
        }
        (8, Kind::Struct) => Err(InvalidParquet::Encrypted),
        (2 | 4, _) => Err(malformed("the schema or the row groups occur twice")),
        _ => Ok(false),
    })?;
    if columns.is_none() {
        return Err(malformed("it has no schema"));
    }
    let row_count = row_count.ok_or_else(|| malformed("it has no row count"))?;
    facts.row_count = u64::try_from(row_count).map_err(|_| malformed("a negative row count"))?;
    if !has_groups {
        return Err(malformed("it has no row groups"));
    }
    Ok(facts)
}

/// Walks over the schema, a tree written depth first, and returns the number of columns.
fn schema(reader: &mut Reader<'_>) -> Result<usize, InvalidParquet> {
    let mut columns = 0;
    let mut elements = 0;
    let (mut name_bytes, mut path_bytes) = (0, 0);
    // For each open group: the number of children to come, and the length of the path so far.
    let mut open: Vec<(usize, usize)> = Vec::new();
    reader.structs(|reader| {
        let element = SchemaElement::read(reader)?;
        elements += 1;
        name_bytes += element.name_length;
        if elements > MAX_SCHEMA_ELEMENTS {
            return Err(InvalidParquet::TooManyColumns);
        }
        let path = match open.last_mut() {
            None if elements > 1 => return Err(malformed("columns outside of the schema's tree")),
            // The root is not part of a path.
            None => 0,
            Some((to_come, path)) => {
                *to_come -= 1;
                *path + element.name_length + PATH_PART_BYTES
            }
        };
        match element.children {
            0 => {
                columns += usize::from(elements > 1);
                path_bytes += path;
            }
            children => open.push((children, path)),
        }
        if open.len() > MAX_DEPTH {
            return Err(InvalidParquet::SchemaTooDeep);
        }
        if name_bytes > MAX_NAME_BYTES || path_bytes > MAX_PATH_BYTES {
            return Err(InvalidParquet::NamesTooLong);
        }
        while open.last().is_some_and(|(to_come, _)| *to_come == 0) {
            open.pop();
        }
        Ok(())
    })?;
    if elements == 0 || !open.is_empty() {
        return Err(malformed("its schema lacks columns"));
    }
    Ok(columns)
}

struct SchemaElement {
    name_length: usize,
    children: usize,
}

impl SchemaElement {
    fn read(reader: &mut Reader<'_>) -> Result<Self, InvalidParquet> {
        let mut name_length = None;
        let mut children = 0;
        reader.fields(|reader, id, kind| match (id, kind) {
            (4, Kind::Binary) => {
                name_length = Some(reader.binary()?.len());
                Ok(true)
            }
            (5, Kind::Integer) => {
                children = reader.integer()?;
                Ok(true)
            }
            _ => Ok(false),
        })?;
        Ok(Self {
            name_length: name_length.ok_or_else(|| malformed("a column without a name"))?,
            children: usize::try_from(children)
                .map_err(|_| malformed("a negative number of columns"))?,
        })
    }
}

fn row_group(
    reader: &mut Reader<'_>,
    columns: usize,
    pages_end: i64,
    facts: &mut Facts<'_>,
) -> Result<(), InvalidParquet> {
    let (mut chunks, mut place) = (0, 0);
    let mut group = RowGroup::default();
    reader.fields(|reader, id, kind| match (id, kind) {
        (1, Kind::List) => {
            chunks += reader.structs(|reader| {
                let column = column_chunk(reader, pages_end)?;
                if let Some(has_value) = facts.has_values.get_mut(place) {
                    *has_value |= column.values != column.nulls;
                }
                place += 1;
                group.size_bytes += u64::try_from(column.size).unwrap_or(0);
                let codec = Codec::from_thrift(column.codec);
                if let Some(codec) = codec
                    && !facts.codecs.contains(&codec)
                {
                    facts.codecs.push(codec);
                }
                if !codec.is_some_and(Codec::is_supported) {
                    let name = codec.map_or_else(
                        || format!("codec {}", column.codec),
                        |codec| codec.to_string(),
                    );
                    facts.unsupported_codec.get_or_insert_with(|| UnsupportedCodec {
                        column: column.path(),
                        codec: name,
                        is_readable: codec.is_some_and(Codec::is_readable),
                    });
                }
                Ok(())
            })?;
            Ok(true)
        }
        (3, Kind::Integer) => {
            group.row_count = u64::try_from(reader.integer()?).unwrap_or(0);
            Ok(true)
        }
        _ => Ok(false),
    })?;
    if chunks == columns {
        facts.row_groups.push(group);
        Ok(())
    } else {
        Err(malformed("the number of columns in a row group differs from the schema"))
    }
}

fn column_chunk<'a>(
    reader: &mut Reader<'a>,
    pages_end: i64,
) -> Result<ColumnMetaData<'a>, InvalidParquet> {
    let mut meta_data = None;
    let (mut is_encrypted, mut is_elsewhere) = (false, false);
    reader.fields(|reader, id, kind| match (id, kind) {
        (1, Kind::Binary) => {
            is_elsewhere = !reader.binary()?.is_empty();
            Ok(true)
        }
        (3, Kind::Struct) => {
            meta_data = Some(ColumnMetaData::read(reader)?);
            Ok(true)
        }
        (8 | 9, _) => {
            is_encrypted = true;
            Ok(false)
        }
        _ => Ok(false),
    })?;
    if is_encrypted {
        return Err(InvalidParquet::Encrypted);
    }
    let column = meta_data.ok_or_else(|| malformed("a column without its description"))?;
    if is_elsewhere {
        return Err(InvalidParquet::ColumnElsewhere { column: column.path() });
    }
    if !column.lies_within(pages_end) {
        return Err(InvalidParquet::PagesOutside { column: column.path() });
    }
    Ok(column)
}

/// Reads the null count from a column's statistics.
fn null_count(reader: &mut Reader<'_>) -> Result<Option<i64>, InvalidParquet> {
    let mut count = None;
    reader.fields(|reader, id, kind| match (id, kind) {
        (3, Kind::Integer) => {
            count = Some(reader.integer()?);
            Ok(true)
        }
        _ => Ok(false),
    })?;
    Ok(count)
}

#[derive(Default)]
struct ColumnMetaData<'a> {
    /// An encoded list; it is decoded only for error messages.
    path: &'a [u8],
    codec: i64,
    /// Number of values, including nulls and empty lists.
    values: i64,
    /// Number of nulls; 0 if it is unknown.
    nulls: i64,
    size: i64,
    data_page: i64,
    dictionary_page: Option<i64>,
}

impl<'a> ColumnMetaData<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, InvalidParquet> {
        let mut column = Self { codec: -1, values: -1, ..Self::default() };
        let mut nulls = None;
        reader.fields(|reader, id, kind| {
            match (id, kind) {
                (3, Kind::List) => column.path = reader.encoded(|reader| reader.binaries(drop))?.1,
                (4, Kind::Integer) => column.codec = reader.integer()?,
                (5, Kind::Integer) => column.values = reader.integer()?,
                (7, Kind::Integer) => column.size = reader.integer()?,
                (9, Kind::Integer) => column.data_page = reader.integer()?,
                (11, Kind::Integer) => column.dictionary_page = Some(reader.integer()?),
                (12, Kind::Struct) => nulls = null_count(reader)?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        column.nulls = nulls.unwrap_or(0);
        Ok(column)
    }

    fn path(&self) -> String {
        let mut parts = Vec::new();
        // This was parsed before, so it cannot fail.
        let _ = Reader::new(self.path).binaries(|part| parts.push(String::from_utf8_lossy(part)));
        parts.join(".")
    }

    /// Some writers store position 0 for missing pages: a dictionary page, or the data pages of a
    /// row group without rows.
    fn lies_within(&self, pages_end: i64) -> bool {
        let pages = [self.dictionary_page, Some(self.data_page)];
        let start = pages.into_iter().flatten().filter(|&page| page != 0).min().unwrap_or(0);
        let end = start.checked_add(self.size);
        self.size == 0
            || (self.size > 0 && start >= FIRST_PAGE && end.is_some_and(|end| end <= pages_end))
    }
}
