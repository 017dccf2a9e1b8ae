//! From what the caller names (paths, folders, globs) to files, in order.

use std::{
    cmp::Ordering,
    fs, io,
    path::{Path, PathBuf},
};

use alphanumeric_sort::compare_str;

use crate::{
    client::in_file,
    error::{Error, Result},
    wire::file_name::is_parquet_extension,
};

/// Expands sources to files: those named in the order given, the files of a folder
/// (`*.parquet`, `*.pq`; not below it, not hidden) and of a glob in natural order.
///
/// A name that exists is taken as it is, whatever characters it has.
///
/// # Errors
/// [`Error::Configuration`] where a source names nothing, [`Error::File`] where a folder
/// cannot be read.
pub(super) fn expand(sources: &[String]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for source in sources {
        if source.is_empty() {
            return Err(Error::Configuration("a source is an empty path".to_owned()));
        }
        let path = Path::new(source);
        if path.is_dir() {
            files.extend(files_of_folder(path)?);
        } else if path.exists() || !source.contains(['*', '?', '[']) {
            // A missing file is reported by the plan, together with all others.
            files.push(path.to_owned());
        } else {
            files.extend(files_of_glob(source)?);
        }
    }
    if files.is_empty() {
        return Err(Error::Configuration(
            "there is nothing to upload: the list of sources is empty".to_owned(),
        ));
    }
    Ok(files)
}

/// `part-2` before `part-10`; a total order, the same on every machine.
#[must_use]
pub fn natural_order(left: &str, right: &str) -> Ordering {
    compare_str(left, right).then_with(|| left.cmp(right))
}

fn files_of_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)
        .and_then(Iterator::collect::<io::Result<Vec<_>>>)
        .map_err(in_file(folder))?;
    let files =
        entries.into_iter().map(|entry| entry.path()).filter(|path| is_data_file(path)).collect();
    in_natural_order(files, || format!("no *.parquet or *.pq file in {}", folder.display()))
}

fn files_of_glob(pattern: &str) -> Result<Vec<PathBuf>> {
    let options = glob::MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..glob::MatchOptions::new()
    };
    let matches = glob::glob_with(pattern, options).map_err(|error| {
        Error::Configuration(format!("the glob {pattern} cannot be read: {error}"))
    })?;
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

fn is_data_file(path: &Path) -> bool {
    let is_hidden =
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(['.', '_']));
    let is_parquet = path
        .extension()
        .is_some_and(|extension| is_parquet_extension(&extension.to_string_lossy()));
    is_parquet && !is_hidden && path.is_file()
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

    use super::{expand, natural_order};

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
        expand(&[source]).unwrap().into_iter().map(name).collect()
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

    #[test]
    fn a_list_keeps_its_order() {
        let folder = folder_with(&["b.parquet", "a.parquet"]);
        let path = |name| folder.path().join(name).display().to_string();
        let files = expand(&[path("b.parquet"), path("a.parquet")]).unwrap();
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
            let error = expand(std::slice::from_ref(&source)).unwrap_err().to_string();
            assert!(error.contains(&source), "{error}");
        }
        assert!(expand(&[]).is_err());
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
