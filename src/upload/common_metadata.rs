//! The metadata of the files that are joined into one file.

use parquet::{
    file::metadata::{FileMetaData, KeyValue},
    schema::types::SchemaDescPtr,
};

/// The file metadata for the footer of a new file.
pub(super) struct CommonMetadata {
    /// The schema of the first source.
    pub(super) schema: SchemaDescPtr,
    pub(super) version: i32,
    /// `None` if the sources have several.
    pub(super) created_by: Option<String>,
    pub(super) key_values: Vec<KeyValue>,
}

impl CommonMetadata {
    pub(super) fn of(file: &FileMetaData) -> Self {
        Self {
            schema: file.schema_descr_ptr(),
            version: file.version(),
            created_by: file.created_by().map(str::to_owned),
            key_values: file.key_value_metadata().cloned().unwrap_or_default(),
        }
    }

    /// Keeps metadata that all sources agree on. An exception is what tools store about the schema:
    /// it differs in details that depend on the rows of a file, such as the index of pandas.
    pub(super) fn add(&mut self, file: &FileMetaData) {
        self.version = self.version.max(file.version());
        if self.created_by.as_deref() != file.created_by() {
            self.created_by = None;
        }
        let others = file.key_value_metadata().map_or(&[][..], Vec::as_slice);
        let is_about_schema = |key: &str| key == "ARROW:schema" || key == "pandas";
        self.key_values.retain(|note| is_about_schema(&note.key) || others.contains(note));
    }
}
