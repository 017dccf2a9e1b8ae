//! Expands the caller's paths, folders and globs to files, in order.

mod left_out;
mod location;
mod names;
mod order;
mod partition;
mod table_format;
#[cfg(test)]
mod tests;
mod walk;

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use self::{
    left_out::{Kind, LeftOut, has_parquet_name, is_of_a_tool},
    order::lexical,
    walk::{LIKE_A_SHELL, Walk, folder_of_glob, unreadable_glob},
};
use crate::{
    error::{Error, Result},
    hint::{Hint, Message},
};
pub(super) use location::why_missing;
pub use order::natural_order;
pub use partition::{Partition, partition_of_open_file};

/// Paths, folders and globs, in the order in which their files are uploaded.
#[derive(Clone, Debug, Default)]
pub struct Paths {
    /// The caller's sources.
    pub paths: Vec<String>,
    /// Whether to search subfolders.
    pub recursive: bool,
    /// Globs of files to leave out: `tmp-*` matches a name, `tmp/*` the end of a path.
    pub exclude: Vec<String>,
    /// A shell expanded a glob to this list, so it may contain entries that a folder would leave
    /// out.
    pub is_of_a_shell: bool,
}

/// The files of the sources.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The files, in order; never empty.
    pub files: Vec<FoundFile>,
    /// Notes: entries of the sources that are not uploaded, and more.
    pub notes: Vec<Message>,
}

/// A file that a source names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// Its path.
    pub path: PathBuf,
    /// Its name in the dataset, unless the caller chooses one; `None` if it is not UTF-8.
    pub name: Option<String>,
    /// A name derived from its path below the source: `year=2024,part-0.parquet`.
    pub path_name: Option<String>,
    /// Index of its source.
    pub source: usize,
    /// The columns in the names of its folders.
    pub partition: Partition,
}

impl Paths {
    /// Expands sources to files: single files in the order given, then the files of each folder
    /// (`*.parquet` and `*.pq`, not hidden) and of each glob in natural order.
    ///
    /// An existing file with glob characters in its name is not a glob.
    ///
    /// # Errors
    /// [`Error::Configuration`] if a source matches nothing, or is a table with files that are not
    /// live;
    /// [`Error::File`] if a folder cannot be read.
    pub fn find(&self) -> Result<Found> {
        let mut finder = Finder::new(self);
        for (index, source) in self.paths.iter().enumerate() {
            finder.add(index, source)?;
        }
        finder.finish()
    }
}

struct Finder<'a> {
    sources: &'a Paths,
    files: Vec<(usize, PathBuf)>,
    /// The folder of each source.
    roots: Vec<PathBuf>,
    /// Files in a shell's list that are not named like Parquet files.
    others: Vec<(usize, PathBuf)>,
    /// Files that were named directly.
    named: Vec<PathBuf>,
    /// The folders looked at so far.
    walk: Walk,
}

impl<'a> Finder<'a> {
    fn new(sources: &'a Paths) -> Self {
        Self {
            sources,
            files: Vec::new(),
            roots: Vec::new(),
            others: Vec::new(),
            named: Vec::new(),
            walk: Walk::default(),
        }
    }

    fn add(&mut self, index: usize, source: &str) -> Result<()> {
        let path = location::local(source)?;
        if path.is_dir() {
            self.roots.push(path.clone());
            self.folder(index, &path)
        } else if !is_glob(&path) || path.symlink_metadata().is_ok() {
            self.roots.push(path.parent().map(Path::to_owned).unwrap_or_default());
            self.file(index, path)
        } else {
            let pattern = path.to_string_lossy();
            self.roots.push(folder_of_glob(&pattern));
            self.glob(index, &pattern)
        }
    }

    fn file(&mut self, index: usize, path: PathBuf) -> Result<()> {
        if !self.sources.is_of_a_shell {
            self.named.push(path.clone());
            // A missing file is reported by the plan, together with all others.
            self.files.push((index, path));
            return Ok(());
        }
        self.walk.refuse_table_around(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_of_a_tool(&name) {
            return Ok(());
        }
        let files = if has_parquet_name(&path) { &mut self.files } else { &mut self.others };
        files.push((index, path));
        Ok(())
    }

    fn folder(&mut self, index: usize, folder: &Path) -> Result<()> {
        self.walk.refuse_table_around(folder)?;
        self.walk.folder(folder, self.sources.recursive)?;
        if self.walk.files.is_empty() && self.sources.is_of_a_shell {
            self.walk.left_out.add(Kind::EmptyFolder, folder);
            return Ok(());
        }
        self.take(index, || format!("no *.parquet or *.pq file in {}", folder.display()).into())
    }

    fn glob(&mut self, index: usize, pattern: &str) -> Result<()> {
        self.walk.glob(pattern)?;
        let why = location::why_missing(Path::new(pattern));
        self.take(index, || Message::from(format!("no file matches {pattern}")).and(why))
    }

    fn take(&mut self, index: usize, nothing: impl FnOnce() -> Message) -> Result<()> {
        let files = self.walk.take_files();
        if files.is_empty() {
            return Err(Error::configuration(nothing_in(nothing(), &self.walk.left_out)));
        }
        self.files.extend(files.into_iter().map(|path| (index, path)));
        Ok(())
    }

    fn finish(mut self) -> Result<Found> {
        if self.files.is_empty() {
            self.files = std::mem::take(&mut self.others);
        }
        for (_, path) in &self.others {
            self.walk.left_out.add_other(path);
        }
        let found = self.files.len();
        let exclude = Exclude::new(&self.sources.exclude)?;
        self.files.retain(|(_, file)| !exclude.matches(file));
        self.walk.left_out.retain(|path| !exclude.matches(path));
        match (found, self.files.len()) {
            (0, _) => {
                let nothing = "there is nothing to upload".into();
                return Err(Error::configuration(nothing_in(nothing, &self.walk.left_out)));
            }
            (_, 0) => {
                let files =
                    if found == 1 { "the only file is" } else { &format!("all {found} files are") };
                return Err(Error::configuration(format!(
                    "there is nothing to upload: {files} excluded"
                )));
            }
            _ => {}
        }
        let mut notes: Vec<_> = self.note_about_what_is_left_out().into_iter().collect();
        notes.extend(self.notes_about_tables().into_iter().map(Message::from));
        let roots: Vec<_> = self.roots.iter().map(|root| lexical(root)).collect();
        let common = common_folder(&roots);
        let file = |(source, path): (usize, PathBuf)| {
            let absolute = lexical(&path);
            FoundFile {
                name: names::default_name(&absolute, &roots[source]),
                path_name: names::of_path(&absolute, &common),
                partition: partition::of_path(&absolute, &roots[source]),
                source,
                path,
            }
        };
        Ok(Found { files: self.files.into_iter().map(file).collect(), notes })
    }

    fn note_about_what_is_left_out(&self) -> Option<Message> {
        let left_out = &self.walk.left_out;
        let (folder, of) = match &self.roots[..] {
            [root] if !root.as_os_str().is_empty() => {
                (root.as_path(), format!("left out of {}", root.display()))
            }
            _ => (Path::new(""), "left out".to_owned()),
        };
        let words = left_out.words(folder)?;
        Some(with_hint(format!("{of}: {words}"), left_out))
    }

    fn notes_about_tables(&mut self) -> Vec<String> {
        let mut tables: Vec<(table_format::Table, usize)> = Vec::new();
        for file in &self.named {
            let Some(table) = self.walk.tables.around(file.parent().unwrap_or(file)) else {
                continue;
            };
            match tables.iter_mut().find(|(known, _)| *known == table) {
                Some((_, count)) => *count += 1,
                None => tables.push((table, 1)),
            }
        }
        tables.into_iter().map(|(table, count)| table.note(count)).collect()
    }
}

/// Returns a note if an open file may be part of a table. `path` is the name of the file, which may
/// not be a local path.
#[must_use]
pub fn note_on_open_file(path: &str) -> Option<String> {
    let path = Path::new(path);
    if !path.is_file() {
        return None;
    }
    let table = table_format::Tables::default().around(path.parent()?)?;
    Some(table.note(1))
}

/// Adds a hint if subfolders are left out.
fn with_hint(text: String, left_out: &LeftOut) -> Message {
    let message = Message::from(text);
    if left_out.has(&Kind::Folder) { message.hint(Hint::SearchSubfolders) } else { message }
}

/// Why nothing was found, and what is there instead.
fn nothing_in(nothing: Message, left_out: &LeftOut) -> Message {
    let words = left_out.words(Path::new(""));
    nothing.and(words.map(|words| with_hint(format!("found {words}"), left_out)))
}

const EXCLUDING: MatchOptions = MatchOptions { require_literal_leading_dot: false, ..LIKE_A_SHELL };

/// Globs that match the end of a path.
struct Exclude(Vec<Pattern>);

impl Exclude {
    fn new(globs: &[String]) -> Result<Self> {
        let pattern = |glob: &String| {
            Pattern::new(&format!("**/{glob}")).map_err(|error| unreadable_glob(glob, &error))
        };
        Ok(Self(globs.iter().map(pattern).collect::<Result<_>>()?))
    }

    fn matches(&self, path: &Path) -> bool {
        self.0.iter().any(|glob| glob.matches_path_with(path, EXCLUDING))
    }
}

fn is_glob(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// The longest common parent folder.
fn common_folder(roots: &[PathBuf]) -> PathBuf {
    let Some((first, rest)) = roots.split_first() else { return PathBuf::new() };
    let is_common = |folder: &&Path| rest.iter().all(|root| root.starts_with(folder));
    first.ancestors().find(is_common).map(Path::to_owned).unwrap_or_default()
}
