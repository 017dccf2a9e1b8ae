//! From files to a plan: their order, names and identities.

use std::{collections::HashMap, path::PathBuf};

use super::{check::Problem, parallel::in_threads};
use crate::{
    client::SourceFile,
    error::{Error, Result},
    wire::file_name::{folded, refusal},
};

/// A file with its place and name in the batch.
#[derive(Clone, Debug)]
pub(super) struct PlannedFile {
    /// Its name in the dataset.
    pub name: String,
    /// The file, pinned.
    pub source: SourceFile,
}

/// Names and pins the files. What cannot be uploaded is a problem, not an error: all
/// problems are reported together.
///
/// `names` gives each file its name; otherwise it is the last part of its path.
///
/// # Errors
/// [`Error::Configuration`] where `names` has another length than `paths`.
pub(super) fn plan(
    paths: &[PathBuf],
    names: Option<&[String]>,
) -> Result<(Vec<PlannedFile>, Vec<Problem>)> {
    if let Some(names) = names
        && names.len() != paths.len()
    {
        return Err(Error::Configuration(format!(
            "names has {} entries for {} files",
            names.len(),
            paths.len()
        )));
    }
    let mut files = Vec::with_capacity(paths.len());
    let mut problems = Vec::new();
    let pinned =
        in_threads(paths, |paths| paths.iter().map(|path| SourceFile::pin(path)).collect());
    for (index, (path, pinned)) in paths.iter().zip(pinned).enumerate() {
        let name = names.map_or_else(|| base_name(path), |names| Some(names[index].clone()));
        match (name, pinned) {
            (Some(name), Ok(source)) => files.push(PlannedFile { name, source }),
            (_, Err(error)) => problems.push(Problem::unreadable(path, &error)),
            (None, _) => problems.push(Problem::new(path, "its name is not valid UTF-8")),
        }
    }
    let mut taken = Names::default();
    problems.extend(files.iter().flat_map(|file| taken.add(file)));
    Ok((files, problems))
}

fn base_name(path: &std::path::Path) -> Option<String> {
    Some(path.file_name()?.to_str()?.to_owned())
}

/// Names that are planned already, with the files that have them.
#[derive(Default)]
pub(super) struct Names {
    first_of: HashMap<String, (String, PathBuf)>,
}

impl Names {
    /// Takes in a file's name and says what is wrong with it.
    pub(super) fn add(&mut self, file: &PlannedFile) -> Vec<Problem> {
        let (name, path) = (&file.name, file.source.path());
        let mut problems = Vec::new();
        if let Some(why) = refusal(name) {
            problems.push(Problem::new(path, format!("the name {name:?} {why}; pass names=")));
        }
        let key = folded(name);
        if let Some((first, first_path)) = self.first_of.get(&key) {
            let message = format!(
                "the name {first} is taken by {}; a dataset holds each name once, pass names=",
                first_path.display(),
            );
            problems.push(Problem::new(path, message));
        } else {
            self.first_of.insert(key, (name.clone(), path.to_owned()));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::plan;

    fn file(folder: &tempfile::TempDir, path: &str) -> PathBuf {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        path
    }

    #[test]
    fn two_files_of_one_name_are_a_problem_that_names_both() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [file(&folder, "a/x.parquet"), file(&folder, "b/X.parquet")];
        let (_, problems) = plan(&paths, None).unwrap();
        let message = problems[0].to_string();
        assert!(message.contains("b/X.parquet") && message.contains("a/x.parquet"), "{message}");
    }

    #[test]
    fn given_names_take_the_place_of_the_paths() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [file(&folder, "a/x.parquet"), file(&folder, "b/x.parquet")];
        let names = ["1.parquet".to_owned(), "2.parquet".to_owned()];
        let (files, problems) = plan(&paths, Some(&names)).unwrap();
        assert!(problems.is_empty());
        assert_eq!(files[1].name, "2.parquet");
        assert!(plan(&paths, Some(&names[..1])).is_err());
    }

    #[test]
    fn all_missing_files_are_problems_at_once() {
        let paths = [PathBuf::from("/none/a.parquet"), PathBuf::from("/none/b.parquet")];
        assert_eq!(plan(&paths, None).unwrap().1.len(), 2);
    }
}
