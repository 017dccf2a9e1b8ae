//! Recognises table formats: a log in the folder decides which files are part of the table.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::order::lexical;
use crate::error::{Error, Result};

/// The format of a table whose folder may contain files that were removed from the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TableFormat {
    Delta,
    Hudi,
    Iceberg,
    Lance,
    Paimon,
    SymlinkManifest,
}

impl TableFormat {
    /// The format of the table whose root is `folder`.
    fn of(folder: &Path) -> Option<Self> {
        let is_partition_of_hudi = folder.join(".hoodie_partition_metadata").exists();
        let of_folders = || {
            let is_of_iceberg = || Ok(is_of_iceberg(&folder.join("metadata")));
            Self::of_folders(|name| folder.join(name).is_dir(), is_of_iceberg).ok().flatten()
        };
        is_partition_of_hudi.then_some(Self::Hudi).or_else(of_folders)
    }

    /// The format of the table whose root has these folders. `is_of_iceberg` looks into `metadata`.
    pub(super) fn of_folders(
        has_folder: impl Fn(&str) -> bool,
        is_of_iceberg: impl FnOnce() -> Result<bool>,
    ) -> Result<Option<Self>> {
        Ok(if has_folder("_delta_log") {
            Some(Self::Delta)
        } else if has_folder(".hoodie") {
            Some(Self::Hudi)
        } else if has_folder("_symlink_format_manifest") {
            Some(Self::SymlinkManifest)
        } else if has_folder("metadata") && is_of_iceberg()? {
            Some(Self::Iceberg)
        } else if has_folder("_versions") && has_folder("data") {
            Some(Self::Lance)
        } else if has_folder("snapshot") && has_folder("schema") && has_folder("manifest") {
            Some(Self::Paimon)
        } else {
            None
        })
    }

    /// Whether an entry with this name suggests a table.
    pub(super) fn is_marked_by(name: &str) -> bool {
        const MARKS: [&str; 7] = [
            "_delta_log",
            ".hoodie",
            ".hoodie_partition_metadata",
            "_symlink_format_manifest",
            "metadata",
            "_versions",
            "snapshot",
        ];
        MARKS.contains(&name)
    }

    fn words(self) -> &'static str {
        match self {
            Self::Delta => "a Delta table",
            Self::Hudi => "a Hudi table",
            Self::Iceberg => "an Iceberg table",
            Self::Lance => "a Lance dataset",
            Self::Paimon => "a Paimon table",
            Self::SymlinkManifest => "a table with a symlink manifest",
        }
    }

    /// How to get the rows of the table, or its files.
    fn way(self, root: &Path) -> String {
        let root = root.display();
        match self {
            Self::Delta => format!(
                "pass its files, deltalake.DeltaTable(\"{root}\").file_uris(), or its rows, \
                 .to_pyarrow_table()"
            ),
            Self::Hudi => "read it with Spark or hudi and pass the frame".to_owned(),
            Self::Iceberg => "pass its rows: with pyiceberg, \
                 catalog.load_table(...).scan().to_arrow(); or its files, \
                 [task.file.file_path for task in catalog.load_table(...).scan().plan_files()]"
                .to_owned(),
            Self::Lance => format!("pass its rows: lance.dataset(\"{root}\").to_table()"),
            Self::Paimon => "read it with pypaimon and pass the frame".to_owned(),
            Self::SymlinkManifest => {
                format!("pass the files listed in {root}/_symlink_format_manifest/manifest")
            }
        }
    }
}

/// Iceberg names them `v3.metadata.json` or `00003-<uuid>.metadata.json`, sometimes compressed.
pub(super) fn is_metadata_of_iceberg(name: &str) -> bool {
    name.ends_with(".metadata.json")
        || name.ends_with(".metadata.json.gz")
        || name == "version-hint.text"
}

fn is_of_iceberg(metadata: &Path) -> bool {
    let is_metadata =
        |entry: fs::DirEntry| is_metadata_of_iceberg(&entry.file_name().to_string_lossy());
    fs::read_dir(metadata).is_ok_and(|entries| entries.flatten().any(is_metadata))
}

/// A table and its root folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    format: TableFormat,
    root: PathBuf,
}

impl Table {
    pub(super) fn new(format: TableFormat, root: PathBuf) -> Self {
        Self { format, root }
    }

    /// Why a folder or glob in it is rejected.
    pub(super) fn refusal(&self) -> Error {
        let (words, root) = (self.format.words(), self.root.display());
        Error::configuration(format!(
            "{root} is {words}, but not all files in its folder belong to it: {}",
            self.format.way(&self.root)
        ))
    }

    /// A note for a caller who passes single files of it.
    pub(super) fn note(&self, count: usize) -> String {
        let (words, root) = (self.format.words(), self.root.display());
        let files = if count == 1 { "1 file is" } else { &format!("{count} files are") };
        format!(
            "{files} named directly in {root}, which is {words}: sutro cannot tell whether the table \
             has removed them"
        )
    }
}

/// Finds tables; looks into each folder once.
#[derive(Debug, Default)]
pub(super) struct Tables {
    known: HashMap<PathBuf, Option<TableFormat>>,
    around: HashMap<PathBuf, Option<Table>>,
}

impl Tables {
    /// The table whose root is `folder`.
    pub(super) fn at(&mut self, folder: &Path) -> Option<Table> {
        let format = match self.known.get(folder) {
            Some(format) => *format,
            None => *self.known.entry(folder.to_owned()).or_insert_with(|| TableFormat::of(folder)),
        };
        format.map(|format| Table { format, root: folder.to_owned() })
    }

    /// The table that contains `folder`, which may be a subfolder or a link.
    pub(super) fn around(&mut self, folder: &Path) -> Option<Table> {
        if let Some(known) = self.around.get(folder) {
            return known.clone();
        }
        let table = self.find_around(folder);
        self.around.insert(folder.to_owned(), table.clone());
        table
    }

    fn find_around(&mut self, folder: &Path) -> Option<Table> {
        if let Some(table) = self.at(folder) {
            return Some(table);
        }
        let lexical = lexical(folder);
        let real = folder.canonicalize().ok().filter(|real| *real != lexical);
        let paths = std::iter::once(lexical).chain(real);
        paths
            .flat_map(|path| path.ancestors().map(Path::to_owned).collect::<Vec<_>>())
            .find_map(|path| self.at(&path))
    }
}
