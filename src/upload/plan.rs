//! Plans a batch: order, names and identities of its files.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use super::{
    files::PlannedFile,
    mismatch::CheckError,
    options::{Hive, UploadOptions},
    parallel::{Work, in_threads, threads_for},
    problem::Problem,
    sources::FoundFile,
};
use crate::{
    config::FILE_TIMEOUT,
    error::{Error, Result},
    hint::{Hint, Message},
    location::Location,
    regular_file::hangs,
    source::{Content, Source},
    wire::file_name::{folded, has_parquet_extension, refusal},
};

/// How the files of a plan get their names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Naming<'a> {
    /// A name for each file, with or without `.parquet`.
    Given(&'a [String]),
    /// A file keeps its name, or gets one from its path if its folders define columns.
    Own,
    /// Names only appear in messages, because the files are regrouped.
    Regrouped,
}

impl<'a> Naming<'a> {
    /// # Errors
    /// [`Error::Configuration`] if files that were given names are to be regrouped.
    pub(super) fn of(options: &'a UploadOptions) -> Result<Self> {
        match (&options.names, options.target_file_size) {
            (Some(_), Some(_)) => Err(Error::configuration(
                "names cannot be set for files that are regrouped to a target size",
            )),
            (Some(names), None) => Ok(Self::Given(names)),
            (None, Some(_)) => Ok(Self::Regrouped),
            (None, None) => Ok(Self::Own),
        }
    }
}

/// Pins the identity of files.
#[derive(Clone)]
struct Pin;

impl Work<FoundFile> for Pin {
    type Found = Result<Source>;

    fn each(&mut self, file: &FoundFile) -> Self::Found {
        match &file.object {
            Some(object) => Source::pin_remote(object),
            None => Source::pin(&file.path),
        }
    }

    fn stuck(&self, file: &FoundFile, limit: Duration) -> Self::Found {
        Err(Error::in_file(&file.path)(hangs(limit)))
    }
}

/// Names and pins the files. A file that cannot be uploaded is a problem, not an error: all
/// problems are reported together.
///
/// # Errors
/// [`Error::Configuration`] if there are not as many names as files.
pub(super) fn plan(
    found: &[FoundFile],
    naming: Naming<'_>,
    hive: &Hive,
) -> Result<(Vec<PlannedFile>, Vec<Problem>)> {
    if let Naming::Given(names) = naming
        && names.len() != found.len()
    {
        let are =
            if names.len() == 1 { "is 1 name" } else { &format!("are {} names", names.len()) };
        let files = if found.len() == 1 { "1 file" } else { &format!("{} files", found.len()) };
        return Err(Error::configuration(format!("there {are} for {files}")));
    }
    let mut files = Vec::with_capacity(found.len());
    let mut problems = Vec::new();
    let threads = threads_for(found.iter().any(|file| file.object.is_some()));
    let pinned = in_threads(found, &Pin, threads, FILE_TIMEOUT);
    for (index, (file, pinned)) in found.iter().zip(pinned).enumerate() {
        let location = file.location();
        let name = match naming {
            Naming::Given(names) => Some(with_extension(&names[index])),
            // Files in such folders often have the same name.
            Naming::Own if matches!(hive, Hive::Columns(_)) => file.path_name.clone(),
            Naming::Own => file.name.clone(),
            Naming::Regrouped => file.path_name.clone().or_else(|| Some(location.to_string())),
        };
        match (name, pinned) {
            (Some(name), Ok(source)) => {
                let partition = file.partition.clone();
                let position = files.len();
                let content = Content::from(source);
                files.push(PlannedFile { position, name, content, partition });
            }
            (_, Err(error)) => problems.push(Problem::missing(&location, &error)),
            (None, _) => problems.push(Problem::new(&location, "its name is not valid UTF-8")),
        }
    }
    if !matches!(naming, Naming::Regrouped) {
        let mut taken = Names::default();
        let is_given = matches!(naming, Naming::Given(_));
        problems.extend(
            files.iter().flat_map(|file| taken.add(&file.name, file.content.location(), is_given)),
        );
    }
    Ok((files, problems))
}

/// Adds `.parquet` to a caller's name that lacks it.
pub(super) fn with_extension(name: &str) -> String {
    if has_parquet_extension(name) { name.to_owned() } else { format!("{name}.parquet") }
}

/// Checks the names that a caller chose, before any file is created.
///
/// # Errors
/// [`CheckError`] with every name that cannot be used.
pub fn check_names(names: &[String]) -> Result<(), CheckError> {
    let mut taken = Names::default();
    let add = |name: &String| {
        taken.add(&with_extension(name), &Location::Label(name.as_str().into()), true)
    };
    let problems: Vec<_> = names.iter().flat_map(add).collect();
    if problems.is_empty() { Ok(()) } else { Err(CheckError::of_problems(names.len(), problems)) }
}

/// Names in use by the plan, with their files.
#[derive(Default)]
pub(super) struct Names {
    first_of: HashMap<String, (String, Location)>,
}

impl Names {
    /// Adds a file's name, and returns its problems. `is_given`: the caller chose the name.
    pub(super) fn add(&mut self, name: &str, location: &Location, is_given: bool) -> Vec<Problem> {
        let mut problems = Vec::new();
        if let Some(why) = refusal(name) {
            let message = Message::from(format!("the name {name:?} {why}"));
            let message = if is_given { message } else { message.hint(Hint::Rename) };
            problems.push(Problem::of_name(location, message));
        }
        match self.first_of.entry(folded(name)) {
            Entry::Occupied(first) => {
                let (first, first_location) = first.get();
                let message = taken(name, first, location, first_location, is_given);
                problems.push(Problem::of_name(location, message));
            }
            Entry::Vacant(place) => {
                place.insert((name.to_owned(), location.clone()));
            }
        }
        problems
    }
}

fn taken(
    name: &str,
    first: &str,
    location: &Location,
    first_location: &Location,
    is_given: bool,
) -> Message {
    let once = "names in a dataset must be unique";
    let differs = if first == name {
        String::new()
    } else {
        format!(", which equals {name} except for case or accents")
    };
    if is_given {
        return format!("the name {first} is used twice{differs}; {once}").into();
    }
    if first_location == location {
        return "it is listed twice; a dataset contains each file once".into();
    }
    Message::from(format!("the name {first} is in use by {first_location}{differs}; {once}"))
        .hint(Hint::NamesFromPaths)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::{Naming, plan};
    use crate::upload::{
        options::Hive,
        sources::{FoundFile, Paths},
    };

    fn file(folder: &tempfile::TempDir, path: &str) -> PathBuf {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "x").unwrap();
        path
    }

    fn found(paths: &[PathBuf]) -> Vec<FoundFile> {
        let paths = paths.iter().map(|path| path.display().to_string()).collect();
        Paths { paths, ..Paths::default() }.find().unwrap().files
    }

    #[test]
    fn two_files_with_one_name_are_a_problem_that_names_both() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [file(&folder, "a/x.parquet"), file(&folder, "b/X.parquet")];
        let (_, problems) = plan(&found(&paths), Naming::Own, &Hive::Ignore).unwrap();
        let message = problems[0].to_string();
        assert!(message.contains("b/X.parquet") && message.contains("a/x.parquet"), "{message}");
    }

    #[test]
    fn given_names_replace_the_names_from_paths() {
        let folder = tempfile::tempdir().unwrap();
        let paths = [file(&folder, "a/x.parquet"), file(&folder, "b/x.parquet")];
        let names = ["1.parquet".to_owned(), "2".to_owned()];
        let (files, problems) = plan(&found(&paths), Naming::Given(&names), &Hive::Ignore).unwrap();
        assert!(problems.is_empty());
        assert_eq!(files[1].name, "2.parquet");
        let one_name = plan(&found(&paths), Naming::Given(&names[..1]), &Hive::Ignore);
        assert_eq!(one_name.unwrap_err().to_string(), "there is 1 name for 2 files");
    }

    #[test]
    fn all_missing_files_are_reported_together() {
        let paths = [PathBuf::from("/none/a.parquet"), PathBuf::from("/none/b.parquet")];
        assert_eq!(plan(&found(&paths), Naming::Own, &Hive::Ignore).unwrap().1.len(), 2);
    }
}
