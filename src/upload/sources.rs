//! From what the caller names (paths, folders, globs) to files, in order.

use std::{
    cmp::Ordering,
    fs,
    path::{Path, PathBuf},
};

use alphanumeric_sort::compare_str;
use glob::{MatchOptions, Pattern, PatternError};

use crate::{
    client::in_file,
    error::{Error, Result},
    wire::file_name::is_parquet_extension,
};

/// Paths, folders and globs, in the order in which their files are to be uploaded.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// What the caller names.
    pub paths: Vec<String>,
    /// Whether the folders below a folder are taken, too.
    pub recursive: bool,
    /// Globs of files to leave out: `tmp-*` by name, `tmp/*` by the end of the path.
    pub exclude: Vec<String>,
}

impl Paths {
    /// Expands to files: those named in the order given, the files of a folder (`*.parquet`,
    /// `*.pq`; not hidden) and of a glob in natural order.
    ///
    /// A name that exists is taken as it is, whatever characters it has.
    ///
    /// # Errors
    /// [`Error::Configuration`] where a source names nothing, [`Error::File`] where a folder
    /// cannot be read.
    pub(super) fn expand(&self) -> Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for source in &self.paths {
            if source.is_empty() {
                return Err(Error::Configuration("a source is an empty path".to_owned()));
            }
            let path = Path::new(source);
            if path.is_dir() {
                files.extend(files_of_folder(path, self.recursive)?);
            } else if !source.contains(['*', '?', '[']) || path.exists() {
                // A missing file is reported by the plan, together with all others.
                files.push(path.to_owned());
            } else {
                files.extend(files_of_glob(source)?);
            }
        }
        let found = files.len();
        let excluded =
            self.exclude.iter().map(|glob| excluding(glob)).collect::<Result<Vec<_>>>()?;
        files.retain(|file| !excluded.iter().any(|glob| glob.matches_path_with(file, EXCLUDING)));
        match (found, files.len()) {
            (0, _) => Err(Error::Configuration(
                "there is nothing to upload: the list of sources is empty".to_owned(),
            )),
            (_, 0) => Err(Error::Configuration(format!(
                "there is nothing to upload: exclude leaves out all {found} files"
            ))),
            _ => Ok(files),
        }
    }
}

/// `*` stops at `/`, and does not match hidden files.
const LIKE_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

const EXCLUDING: MatchOptions = MatchOptions { require_literal_leading_dot: false, ..LIKE_A_SHELL };

/// A glob that is compared with the end of a path.
fn excluding(glob: &str) -> Result<Pattern> {
    Pattern::new(&format!("**/{glob}")).map_err(|error| unreadable_glob(glob, &error))
}

fn unreadable_glob(glob: &str, error: &PatternError) -> Error {
    Error::Configuration(format!("the glob {glob} cannot be read: {error}"))
}

/// `part-2` before `part-10`; a total order, the same on every machine.
#[must_use]
pub fn natural_order(left: &str, right: &str) -> Ordering {
    compare_str(left, right).then_with(|| left.cmp(right))
}

fn files_of_folder(folder: &Path, recursive: bool) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(in_file(&folder))? {
            let entry = entry.map_err(in_file(&folder))?;
            let path = entry.path();
            if is_data_file(&path) {
                files.push(path);
            } else if recursive && !is_hidden(&path) {
                // Links are not followed: they may lead round in circles.
                let is_folder = entry.file_type().map_err(in_file(&path))?.is_dir();
                folders.extend(is_folder.then_some(path));
            }
        }
    }
    in_natural_order(files, || {
        let hint = if recursive { "" } else { "; recursive=True looks into the folders below it" };
        format!("no *.parquet or *.pq file in {}{hint}", folder.display())
    })
}

fn files_of_glob(pattern: &str) -> Result<Vec<PathBuf>> {
    let matches =
        glob::glob_with(pattern, LIKE_A_SHELL).map_err(|error| unreadable_glob(pattern, &error))?;
    let mut files = Vec::new();
    for entry in matches {
        let path = entry.map_err(|error| {
            let path = error.path().to_owned();
            in_file(&path)(error.into())
        })?;
        if path.is_file() {
            files.push(path);
        }
    }
    in_natural_order(files, || format!("no file matches {pattern}"))
}

/// `_SUCCESS`, `_temporary`, `._x`, `.ipynb_checkpoints`: what other tools leave beside data.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['.', '_']))
}

fn is_data_file(path: &Path) -> bool {
    let is_parquet = path
        .extension()
        .is_some_and(|extension| is_parquet_extension(&extension.to_string_lossy()));
    is_parquet && !is_hidden(path) && path.is_file()
}

fn in_natural_order(mut files: Vec<PathBuf>, nothing: impl Fn() -> String) -> Result<Vec<PathBuf>> {
    if files.is_empty() {
        return Err(Error::Configuration(nothing()));
    }
    files.sort_by(|left, right| natural_order(&left.to_string_lossy(), &right.to_string_lossy()));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::{Paths, natural_order};

    fn folder_with(names: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in names {
            fs::write(folder.path().join(name), "x").unwrap();
        }
        folder
    }

    fn names_of(source: String) -> Vec<String> {
        let name =
            |path: std::path::PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        paths(&[source]).expand().unwrap().into_iter().map(name).collect()
    }

    fn paths(paths: &[String]) -> Paths {
        Paths { paths: paths.to_vec(), ..Paths::default() }
    }

    #[test]
    fn a_folder_gives_its_parquet_files_in_natural_order() {
        let folder = folder_with(&[
            "part-10.parquet",
            "part-2.parquet",
            "part-1.pq",
            "notes.txt",
            "_SUCCESS",
            "._part-1.parquet",
            ".part-1.parquet.crc",
            "_metadata.parquet",
        ]);
        fs::create_dir(folder.path().join("below.parquet")).unwrap();
        let names = names_of(folder.path().display().to_string());
        assert_eq!(names, ["part-1.pq", "part-2.parquet", "part-10.parquet"]);
    }

    #[test]
    fn a_glob_gives_its_files_in_natural_order_and_stops_at_slashes() {
        let folder = folder_with(&["b10.parquet", "b9.parquet", "a.parquet", ".b1.parquet"]);
        fs::create_dir(folder.path().join("b")).unwrap();
        fs::write(folder.path().join("b/b1.parquet"), "x").unwrap();
        let names = names_of(format!("{}/b*.parquet", folder.path().display()));
        assert_eq!(names, ["b9.parquet", "b10.parquet"]);
    }

    fn folder_with_folders() -> tempfile::TempDir {
        let folder = folder_with(&["a2.parquet", "a10.parquet"]);
        for (below, name) in [
            ("b", "b1.parquet"),
            ("b/c", "c1.parquet"),
            ("_temporary", "t.parquet"),
            (".x", "x.parquet"),
        ] {
            fs::create_dir_all(folder.path().join(below)).unwrap();
            fs::write(folder.path().join(below).join(name), "x").unwrap();
        }
        folder
    }

    #[test]
    fn folders_below_a_folder_are_taken_only_when_asked_for() {
        let folder = folder_with_folders();
        let source = folder.path().display().to_string();
        assert_eq!(names_of(source.clone()), ["a2.parquet", "a10.parquet"]);
        let all =
            Paths { recursive: true, ..paths(std::slice::from_ref(&source)) }.expand().unwrap();
        let relative: Vec<_> = all
            .iter()
            .map(|path| path.strip_prefix(folder.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(relative, ["a2.parquet", "a10.parquet", "b/b1.parquet", "b/c/c1.parquet"]);
        assert_eq!(names_of(format!("{source}/**/*1.parquet")), ["b1.parquet", "c1.parquet"]);
    }

    #[test]
    fn what_is_excluded_is_left_out() {
        let folder = folder_with_folders();
        let source = folder.path().display().to_string();
        let left = |exclude: &[&str]| {
            let exclude = exclude.iter().map(|&glob| glob.to_owned()).collect();
            let paths = Paths { recursive: true, exclude, ..paths(std::slice::from_ref(&source)) };
            paths.expand().map(|files| files.len())
        };
        assert_eq!(left(&["a*"]).unwrap(), 2);
        assert_eq!(left(&["b/*"]).unwrap(), 3);
        assert_eq!(left(&["b/**", "a2.parquet"]).unwrap(), 1);
        assert!(left(&["*"]).unwrap_err().to_string().contains("all 4 files"));
        assert!(left(&["[a"]).unwrap_err().to_string().contains("[a"));
    }

    #[test]
    fn a_list_keeps_its_order() {
        let folder = folder_with(&["b.parquet", "a.parquet"]);
        let path = |name| folder.path().join(name).display().to_string();
        let files = paths(&[path("b.parquet"), path("a.parquet")]).expand().unwrap();
        assert!(files[0].ends_with("b.parquet"));
    }

    #[test]
    fn a_file_with_the_characters_of_a_glob_is_taken_as_it_is() {
        let folder = folder_with(&["a[1].parquet", "a1.parquet"]);
        let names = names_of(folder.path().join("a[1].parquet").display().to_string());
        assert_eq!(names, ["a[1].parquet"]);
    }

    #[test]
    fn sources_that_name_nothing_are_an_error_that_names_them() {
        let folder = folder_with(&["notes.txt"]);
        let source = folder.path().display().to_string();
        let glob = format!("{source}/*.parquet");
        for source in [source, glob] {
            let error = paths(std::slice::from_ref(&source)).expand().unwrap_err().to_string();
            assert!(error.contains(&source), "{error}");
        }
        assert!(paths(&[]).expand().is_err());
    }

    proptest! {
        #[test]
        fn natural_order_is_a_total_order(mut names in proptest::collection::vec("[a-b0-2.-]{0,6}", 0..12)) {
            let mut reversed: Vec<_> = names.iter().rev().cloned().collect();
            names.sort_by(|a, b| natural_order(a, b));
            reversed.sort_by(|a, b| natural_order(a, b));
            prop_assert_eq!(names, reversed);
        }
    }
}
