//! Walks folders and globs; collects files and the entries that are left out.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use glob::{MatchOptions, PatternError};

use super::{
    left_out::{Kind, LeftOut, has_parquet_name, is_hidden, is_of_a_tool},
    natural_order,
    table_format::{TableFormat, Tables},
};
use crate::error::{Error, Result};

/// `*` stops at `/`, and does not match hidden files.
pub(super) const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

pub(super) fn unreadable_glob(glob: &str, error: &PatternError) -> Error {
    Error::configuration(format!("the glob {glob} cannot be read: {error}"))
}

/// The results of a walk, in any order.
#[derive(Debug, Default)]
pub(super) struct Walk {
    pub(super) files: Vec<PathBuf>,
    pub(super) left_out: LeftOut,
    pub(super) tables: Tables,
}

impl Walk {
    /// Collects the Parquet files of a folder, with `recursive` those of subfolders as well. A
    /// folder `*.parquet` is a table, as Spark, dask and polars write them; its files are always
    /// collected.
    pub(super) fn folder(&mut self, folder: &Path, recursive: bool) -> Result<()> {
        let mut open = vec![(folder.to_owned(), recursive)];
        while let Some((folder, recursive)) = open.pop() {
            for entry in fs::read_dir(&folder).map_err(Error::in_file(&folder))? {
                let entry = entry.map_err(Error::in_file(&folder))?;
                let (path, name) = (entry.path(), entry.file_name());
                let name = name.to_string_lossy();
                if TableFormat::is_marked_by(&name)
                    && let Some(table) = self.tables.at(&folder)
                {
                    return Err(table.refusal());
                }
                let is_link = entry.file_type().map_err(Error::in_file(&path))?.is_symlink();
                if is_of_a_tool(&name) {
                    continue;
                }
                if is_hidden(&name) {
                    if !path.is_dir() || has_parquet_name(&path) {
                        self.left_out.add(Kind::Hidden, &path);
                    } else {
                        self.left_out.add(Kind::Folder, &path);
                    }
                } else if path.is_dir() {
                    let is_table = has_parquet_name(&path);
                    // Links to folders are not followed, because they could loop.
                    if is_link && !is_table {
                        self.left_out.add(Kind::LinkedFolder, &path);
                    } else if recursive || is_table {
                        open.push((path, true));
                    } else {
                        self.left_out.add(Kind::Folder, &path);
                    }
                } else if has_parquet_name(&path) {
                    // The plan reports broken links together with all other problems.
                    self.files.push(path);
                } else {
                    self.left_out.add_other(&path);
                }
            }
        }
        Ok(())
    }

    /// Collects the Parquet files that a glob matches, or if there are none, all files that it
    /// matches.
    pub(super) fn glob(&mut self, pattern: &str) -> Result<()> {
        let matches = glob::glob_with(pattern, LIKE_A_SHELL)
            .map_err(|error| unreadable_glob(pattern, &error))?;
        let (mut others, mut folders) = (Vec::new(), Vec::new());
        for entry in matches {
            let path = entry.map_err(|error| {
                let path = error.path().to_owned();
                Error::in_file(&path)(error.into())
            })?;
            self.refuse_table_around(&path)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if is_of_a_tool(&name) {
                continue;
            }
            match (path.is_dir(), has_parquet_name(&path)) {
                (true, true) => self.folder(&path, true)?,
                (true, false) => folders.push(path),
                (false, true) => self.files.push(path),
                (false, false) => others.push(path),
            }
        }
        if self.files.is_empty() {
            self.files = others;
        } else {
            for path in &others {
                self.left_out.add_other(path);
            }
        }
        // `data/**/*` matches folders as well as the files in them.
        let is_left_out =
            |folder: &&PathBuf| !self.files.iter().any(|file| file.starts_with(folder));
        for folder in folders.iter().filter(is_left_out) {
            let kind = if folder.is_symlink() { Kind::LinkedFolder } else { Kind::MatchedFolder };
            self.left_out.add(kind, folder);
        }
        Ok(())
    }

    /// # Errors
    /// [`Error::Configuration`] if a path or its folder belongs to a table with files that are not
    /// live.
    pub(super) fn refuse_table_around(&mut self, path: &Path) -> Result<()> {
        let folder = if path.is_dir() { path } else { path.parent().unwrap_or(path) };
        self.tables.around(folder).map_or(Ok(()), |table| Err(table.refusal()))
    }

    /// The files so far, in natural order.
    pub(super) fn take_files(&mut self) -> Vec<PathBuf> {
        let mut files = std::mem::take(&mut self.files);
        files.sort_by(|left, right| {
            natural_order(&left.to_string_lossy(), &right.to_string_lossy())
        });
        // A glob may match a table and its files.
        files.dedup();
        files
    }
}

/// The folder of a glob: its parts before the first one with a wildcard.
pub(super) fn folder_of_glob(pattern: &str) -> PathBuf {
    let is_plain =
        |step: &Component<'_>| !step.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    let path = Path::new(pattern);
    let folder: PathBuf = path.components().take_while(is_plain).collect();
    if folder == path { folder.parent().map(Path::to_owned).unwrap_or_default() } else { folder }
}
