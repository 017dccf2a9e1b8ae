//! Entries of folders and globs that an upload leaves out.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::order::natural_order;
use crate::{
    hint::{Hint, Message},
    wire::file_name::is_parquet_extension,
};

/// A message names this many entries of a kind, and counts the others.
const NAMED: usize = 3;

/// Folders and files of a source that are not uploaded, by kind.
#[derive(Debug, Default)]
pub(super) struct LeftOut {
    entries: BTreeMap<Kind, Vec<PathBuf>>,
}

/// Why an entry is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A subfolder of the source.
    Folder,
    /// A folder that a glob matches.
    MatchedFolder,
    /// A folder in a list that has no Parquet file.
    EmptyFolder,
    /// A link to a folder. Following links could loop.
    LinkedFolder,
    /// Its name begins with `.` or `_`.
    Hidden,
    /// A file with another extension; empty if it has none.
    Other(String),
}

impl LeftOut {
    pub(super) fn add(&mut self, kind: Kind, path: &Path) {
        self.entries.entry(kind).or_default().push(path.to_owned());
    }

    /// A file that is not named like a Parquet file.
    pub(super) fn add_other(&mut self, path: &Path) {
        self.add(Kind::Other(extension(path)), path);
    }

    /// Drops entries that the caller left out on purpose.
    pub(super) fn retain(&mut self, is_news: impl Fn(&Path) -> bool) {
        for (kind, paths) in &mut self.entries {
            // A glob for the files of a folder also matches the folder.
            let is_folder = kind.is_of_folders();
            paths.retain(|path| is_news(path) && (!is_folder || is_news(&path.join("_"))));
        }
        self.entries.retain(|_, paths| !paths.is_empty());
    }

    pub(super) fn has(&self, kind: &Kind) -> bool {
        self.entries.contains_key(kind)
    }

    /// `2 folders (2024, 2025), 1 .csv file (a.csv)`, with paths below `folder`; `None` if
    /// nothing is left out.
    pub(super) fn words(&self, folder: &Path) -> Option<String> {
        let parts: Vec<_> =
            self.entries.iter().map(|(kind, paths)| kind.words(paths, folder)).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// Adds a hint if subfolders are left out.
pub(super) fn with_hint(text: String, left_out: &LeftOut) -> Message {
    let message = Message::from(text);
    if left_out.has(&Kind::Folder) { message.hint(Hint::SearchSubfolders) } else { message }
}

impl Kind {
    fn is_of_folders(&self) -> bool {
        !matches!(self, Self::Hidden | Self::Other(_))
    }

    fn words(&self, paths: &[PathBuf], folder: &Path) -> String {
        let below =
            |path: &PathBuf| path.strip_prefix(folder).unwrap_or(path).display().to_string();
        let mut names: Vec<_> = paths.iter().map(below).collect();
        names.sort_by(|left, right| natural_order(left, right));
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        format!("{} ({}{more})", self.counted(paths.len()), names.join(", "))
    }

    fn counted(&self, count: usize) -> String {
        let s = if count == 1 { "" } else { "s" };
        match self {
            Self::Folder | Self::MatchedFolder => format!("{count} folder{s}"),
            Self::EmptyFolder => format!("{count} folder{s} without a Parquet file"),
            Self::LinkedFolder => format!("{count} linked folder{s}"),
            Self::Hidden => format!("{count} hidden file{s}"),
            Self::Other(extension) if extension.is_empty() => {
                format!("{count} file{s} without an extension")
            }
            Self::Other(extension) => format!("{count} {extension} file{s}"),
        }
    }
}

/// The extension: `.csv`, or `.parquet.gz` for a compressed Parquet file.
fn extension(path: &Path) -> String {
    let Some(extension) = path.extension() else { return String::new() };
    let extension = extension.to_string_lossy();
    let inner = path.file_stem().map(Path::new).and_then(Path::extension);
    match inner.map(|inner| inner.to_string_lossy()) {
        Some(inner) if is_parquet_extension(&inner) => format!(".{inner}.{extension}"),
        _ => format!(".{extension}"),
    }
}

/// Whether this entry needs no note: files that Spark, macOS and notebooks create next to data, and
/// names that begin with a dot.
pub(super) fn is_of_a_tool(name: &str) -> bool {
    const NAMES: [&str; 7] = [
        "_SUCCESS",
        "_metadata",
        "_common_metadata",
        "_temporary",
        "_spark_metadata",
        "__pycache__",
        "__MACOSX",
    ];
    // Databricks writes `_started_1234` and `_committed_1234`.
    const PREFIXES: [&str; 2] = ["_started_", "_committed_"];
    let is_dotted = name.starts_with("._")
        || (name.starts_with('.') && !Path::new(name).extension().is_some_and(is_parquet));
    is_dotted || NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a folder leaves this entry out.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_'])
}

fn is_parquet(extension: &std::ffi::OsStr) -> bool {
    is_parquet_extension(&extension.to_string_lossy())
}

/// Whether a file or folder is named like a Parquet file.
pub(super) fn has_parquet_name(path: &Path) -> bool {
    path.extension().is_some_and(is_parquet)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Kind, LeftOut, is_of_a_tool};

    #[test]
    fn each_kind_is_shown_with_a_count_and_its_first_names() {
        let mut left_out = LeftOut::default();
        left_out.add(Kind::Folder, Path::new("data/2024"));
        for name in ["d.csv", "c.csv", "b.csv", "a.csv"] {
            left_out.add_other(&Path::new("data").join(name));
        }
        left_out.add_other(Path::new("data/x.parquet.gz"));
        left_out.add_other(Path::new("data/y"));
        assert_eq!(
            left_out.words(Path::new("data")).unwrap(),
            "1 folder (2024), 1 file without an extension (y), 4 .csv files (a.csv, b.csv, c.csv \
             and 1 more), 1 .parquet.gz file (x.parquet.gz)"
        );
    }

    #[test]
    fn files_that_tools_create_beside_data_need_no_note_but_hidden_parquet_files_do() {
        for name in ["_SUCCESS", ".part-0.parquet.crc", "._a.parquet", "_metadata", ".git"] {
            assert!(is_of_a_tool(name), "{name}");
        }
        for name in ["_a.parquet", ".a.parquet", "_old", "a.parquet"] {
            assert!(!is_of_a_tool(name), "{name}");
        }
    }
}
