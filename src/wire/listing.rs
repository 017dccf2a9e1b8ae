//! Parses a listing of a dataset's files as a stream. Memory use is bounded by the bytes received:
//! a schema that files share is stored once.

use std::{cell::Cell, fmt, io, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::{
    digest::Sha256Digest,
    lenient::Lenient,
    messages::{DatasetFile, DatasetFileList, SchemaSummary},
};
use crate::config::{LISTING_ALLOWANCE_BYTES, MAX_LISTED_FILE_BYTES, MAX_LISTING_BYTES};

/// Maximum memory per byte received.
const KEPT_PER_BYTE: u64 = 3;
/// The system's allocator does not allocate less.
const ALLOCATION_BYTES: usize = 32;

/// Why a response is not a listing.
#[derive(Debug, thiserror::Error)]
pub enum InvalidListing {
    /// It is not the expected JSON.
    #[error("not the expected JSON: {0}")]
    Json(serde_json::Error),
    /// It would take more memory than its length or any dataset justifies.
    #[error("a list of files that would take more than {0} bytes of memory")]
    TooLarge(u64),
    /// It contains an error message instead of files.
    #[error("{0}")]
    Refused(String),
}

/// The size of a listing, over all responses that it consists of, in bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct ListingSize {
    received: u64,
    /// The memory it uses.
    kept: u64,
}

/// The size while a response is read.
struct Meter {
    received: Cell<u64>,
    /// `received` at the end of the last file.
    at_last_file: Cell<u64>,
    kept: Cell<u64>,
    /// The limit that was exceeded.
    exceeded: Cell<Option<u64>>,
}

impl Meter {
    fn new(size: ListingSize) -> Self {
        Self {
            received: Cell::new(size.received),
            at_last_file: Cell::new(size.received),
            kept: Cell::new(size.kept),
            exceeded: Cell::new(None),
        }
    }

    /// Counts the memory of a file, and the file itself.
    fn keep(&self, bytes: usize) -> bool {
        self.kept.update(|kept| kept.saturating_add(bytes as u64));
        self.at_last_file.set(self.received.get());
        let by_length = KEPT_PER_BYTE * self.received.get() + LISTING_ALLOWANCE_BYTES;
        self.within(self.kept.get(), by_length.min(MAX_LISTING_BYTES))
    }

    fn receive(&self, bytes: usize) -> bool {
        self.received.update(|received| received + bytes as u64);
        self.within(self.received.get() - self.at_last_file.get(), MAX_LISTED_FILE_BYTES)
    }

    fn within(&self, bytes: u64, bound: u64) -> bool {
        if bytes > bound {
            self.exceeded.set(Some(bound));
        }
        bytes <= bound
    }
}

/// Parses one response of `list-dataset-files`, and returns the size of the listing too.
///
/// # Errors
/// [`InvalidListing`] if it is something else, or too large.
pub fn read_listing(
    source: impl io::Read,
    size: ListingSize,
) -> Result<(DatasetFileList, ListingSize), InvalidListing> {
    let meter = &Meter::new(size);
    let mut json = serde_json::Deserializer::from_reader(Metered { source, meter });
    let answer = json.deserialize_map(AnswerVisitor { meter }).and_then(|answer| {
        json.end()?;
        Ok(answer)
    });
    if let Some(bound) = meter.exceeded.get() {
        return Err(InvalidListing::TooLarge(bound));
    }
    let Answer { list, refusal } = answer.map_err(InvalidListing::Json)?;
    match (list, refusal) {
        (Some(list), _) => {
            let size = ListingSize { received: meter.received.get(), kept: meter.kept.get() };
            Ok((list, size))
        }
        (None, Some(refusal)) => Err(InvalidListing::Refused(refusal)),
        (None, None) => Err(InvalidListing::Json(serde_json::Error::missing_field("files"))),
    }
}

struct Metered<'a, R> {
    source: R,
    meter: &'a Meter,
}

impl<R: io::Read> io::Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.source.read(buffer)?;
        let is_within = self.meter.receive(bytes);
        if is_within { Ok(bytes) } else { Err(io::ErrorKind::FileTooLarge.into()) }
    }
}

struct Answer {
    list: Option<DatasetFileList>,
    refusal: Option<String>,
}

struct AnswerVisitor<'a> {
    meter: &'a Meter,
}

impl<'de> Visitor<'de> for AnswerVisitor<'_> {
    type Value = Answer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with files")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Answer, A::Error> {
        let (mut files, mut schema, mut next, mut refusal) = (None, None, None, None);
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "files" => files = Some(entries.next_value_seed(FilesVisitor(self.meter))?),
                "dataset_schema" => schema = entries.next_value::<Lenient<String>>()?.0,
                "next" => next = entries.next_value::<Lenient<String>>()?.0,
                "error" => refusal = entries.next_value::<Lenient<String>>()?.0,
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        let list = files.map(|files| DatasetFileList { files, dataset_schema: schema, next });
        Ok(Answer { list, refusal })
    }
}

struct FilesVisitor<'a>(&'a Meter);

impl<'de> DeserializeSeed<'de> for FilesVisitor<'_> {
    type Value = Vec<DatasetFile>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for FilesVisitor<'_> {
    type Value = Vec<DatasetFile>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of files")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut files: Vec<DatasetFile> = Vec::new();
        let mut schema = None;
        loop {
            let known = schema.clone();
            let Some(file) = items.next_element_seed(FileVisitor { known })? else { break };
            let mut bytes = heap_bytes(&file);
            if file.schema.is_some() && !is_same(file.schema.as_ref(), schema.as_ref()) {
                schema.clone_from(&file.schema);
                bytes += schema.as_deref().map_or(0, schema_bytes);
            }
            if files.len() == files.capacity() {
                let more = (files.len() / 8).max(64);
                files.reserve_exact(more);
                bytes += more * size_of::<DatasetFile>();
            }
            if !self.0.keep(bytes) {
                return Err(A::Error::custom("too large"));
            }
            files.push(file);
        }
        Ok(files)
    }
}

fn is_same(left: Option<&Arc<SchemaSummary>>, right: Option<&Arc<SchemaSummary>>) -> bool {
    left.zip(right).is_some_and(|(left, right)| Arc::ptr_eq(left, right))
}

fn heap_bytes(file: &DatasetFile) -> usize {
    let texts = [Some(&file.file_name), file.file_id.as_ref(), file.uploaded_at.as_ref()];
    texts.into_iter().flatten().map(text_bytes).sum()
}

fn schema_bytes(schema: &SchemaSummary) -> usize {
    let texts =
        schema.fields.iter().map(|field| text_bytes(&field.name) + text_bytes(&field.data_type));
    // A growing vector has up to twice the capacity that it needs.
    texts.sum::<usize>() + 2 * size_of_val(schema.fields.as_slice())
}

fn text_bytes(text: &String) -> usize {
    // The capacity, and the allocator's bookkeeping.
    if text.capacity() == 0 { 0 } else { (text.capacity() + 8).max(ALLOCATION_BYTES) }
}

/// Parses one file; some deployments return plain names.
struct FileVisitor {
    /// The schema of the previous file, so that an equal one is not stored twice.
    known: Option<Arc<SchemaSummary>>,
}

impl<'de> DeserializeSeed<'de> for FileVisitor {
    type Value = DatasetFile;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FileVisitor {
    type Value = DatasetFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file or its name")
    }

    fn visit_str<E>(self, name: &str) -> Result<DatasetFile, E> {
        Ok(DatasetFile::named(name))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<DatasetFile, A::Error> {
        let (mut name, mut file) = (None, DatasetFile::named(""));
        while let Some(key) = entries.next_key::<String>()? {
            match key.as_str() {
                "file_name" => name = Some(entries.next_value::<String>()?),
                "file_id" => file.file_id = entries.next_value::<Lenient<_>>()?.0,
                "uploaded_at" => file.uploaded_at = entries.next_value::<Lenient<_>>()?.0,
                "size_bytes" => file.size_bytes = entries.next_value::<Lenient<_>>()?.0,
                "row_count" => file.row_count = entries.next_value::<Lenient<_>>()?.0,
                "sha256" => file.sha256 = entries.next_value::<Lenient<Sha256Digest>>()?.0,
                "schema" => {
                    let Lenient(schema) = entries.next_value::<Lenient<SchemaSummary>>()?;
                    let known =
                        self.known.as_ref().filter(|known| schema.as_ref() == Some(&***known));
                    file.schema = known.cloned().or_else(|| schema.map(Arc::new));
                }
                _ => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        file.file_name = name.ok_or_else(|| A::Error::missing_field("file_name"))?;
        Ok(file)
    }
}

impl<'de> Deserialize<'de> for DatasetFile {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        FileVisitor { known: None }.deserialize(json)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::{InvalidListing, ListingSize, read_listing};
    use crate::wire::messages::DatasetFileList;

    fn read(json: &str) -> Result<DatasetFileList, InvalidListing> {
        read_listing(json.as_bytes(), ListingSize::default()).map(|(list, _)| list)
    }

    #[test]
    fn a_listing_of_objects_and_one_of_plain_names_are_both_read() {
        let objects = r#"{"files":[{"file_name":"a.parquet","file_id":"file_1","size_bytes":7}]}"#;
        let names = r#"{"files":["a.parquet"]}"#;
        for listing in [objects, names] {
            assert_eq!(read(listing).unwrap().files[0].file_name, "a.parquet");
        }
    }

    #[test]
    fn a_schema_that_all_files_have_is_kept_once() {
        let file = r#"{"file_name":"a","schema":{"fields":[{"name":"x","type":"int64"}]}}"#;
        let list = read(&format!("{{\"files\":[{file},{file},\"b\",{file}]}}")).unwrap();
        let schemas: Vec<_> = list.files.iter().filter_map(|file| file.schema.as_ref()).collect();
        assert_eq!(schemas.len(), 3);
        assert!(schemas.iter().all(|schema| Arc::ptr_eq(schema, schemas[0])));
    }

    #[test]
    fn a_response_that_is_not_a_listing_is_described() {
        let refused = read(r#"{"error": "no"}"#).unwrap_err();
        assert!(matches!(refused, InvalidListing::Refused(words) if words == "no"));
        let others =
            ["", "[]", "{}", "7", r#"{"files":7}"#, r#"{"files":[7]}"#, r#"{"files":[{}]}"#];
        for other in others.into_iter().chain([r#"{"files":["a"]"#, r#"{"files":[]} x"#]) {
            assert!(matches!(read(other), Err(InvalidListing::Json(_))), "{other}");
        }
    }

    proptest! {
        #[test]
        fn any_json_in_the_place_of_an_optional_field_leaves_the_others_readable(
            odd in odd_json(),
            field in "file_id|uploaded_at|size_bytes|row_count|sha256|schema|[a-z]{1,9}",
        ) {
            prop_assume!(field != "file_name");
            let json = format!("{{\"files\":[{{\"{field}\":{odd},\"file_name\":\"a\"}},\"b\"]}}");
            let list = read(&json).unwrap();
            let names: Vec<_> = list.files.iter().map(|file| &file.file_name).collect();
            prop_assert_eq!(names, ["a", "b"]);
        }
    }

    fn odd_json() -> impl Strategy<Value = serde_json::Value> {
        use serde_json::{Value, json};
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            let key =
                prop_oneof![Just("fields".to_owned()), Just("name".to_owned()), any::<String>()];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::hash_map(key, inner, 0..5).prop_map(|map| json!(map)),
            ]
        })
    }
}
