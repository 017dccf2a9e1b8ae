//! Expands the caller's paths, URLs, folders and globs to files, in order.

mod left_out;
mod location;
mod names;
mod objects;
mod order;
mod partition;
mod table_format;
#[cfg(test)]
mod tests;
mod walk;

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use glob::{MatchOptions, Pattern};

use self::{
    left_out::{Kind, LeftOut, has_parquet_name, is_of_a_tool, with_hint},
    location::Located,
    objects::{Collected, Objects},
    order::lexical,
    walk::{LIKE_A_SHELL, Walk, folder_of_glob, unreadable_glob},
};
use crate::{
    error::{Error, Result},
    hint::Message,
    location::Location,
    source::{
        StorageOptions,
        remote::{BucketName, RemoteObject, RemoteUrl, Stores},
    },
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
    /// Options of stores, for sources with a URL.
    pub storage_options: StorageOptions,
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
    /// Its path, or its URL.
    pub path: PathBuf,
    /// The object, if it is not on this machine.
    pub(super) object: Option<RemoteObject>,
    /// Its name in the dataset, unless the caller chooses one; `None` if it is not UTF-8.
    pub name: Option<String>,
    /// A name derived from its path below the source: `year=2024,part-0.parquet`.
    pub path_name: Option<String>,
    /// Index of its source.
    pub source: usize,
    /// The columns in the names of its folders.
    pub partition: Partition,
}

impl FoundFile {
    pub(super) fn location(&self) -> Location {
        let local = || Location::from(self.path.as_path());
        self.object.as_ref().map_or_else(local, RemoteObject::location)
    }
}

impl Paths {
    /// Expands sources to files: single files in the order given, then the files of each folder
    /// (`*.parquet` and `*.pq`, not hidden) and of each glob in natural order.
    ///
    /// An existing file with glob characters in its name is not a glob. May block; sources with a URL
    /// need a runtime.
    ///
    /// # Errors
    /// [`Error::Configuration`] if a source matches nothing, or is a table with files that are not
    /// live;
    /// [`Error::File`] if a folder cannot be read.
    pub fn find(&self) -> Result<Found> {
        let located = self.paths.iter().map(|source| location::locate(source));
        let located = located.collect::<Result<Vec<_>>>()?;
        let mut finder = Finder::new(self);
        finder.look_up(&located)?;
        for (index, located) in located.into_iter().enumerate() {
            finder.add(index, located)?;
        }
        finder.finish()
    }
}

struct Finder<'a> {
    sources: &'a Paths,
    files: Vec<Candidate>,
    /// The folder of each source.
    roots: Vec<Root>,
    /// Files in a shell's list that are not named like Parquet files.
    others: Vec<(usize, PathBuf)>,
    /// Files that were named directly.
    named: Vec<PathBuf>,
    /// The folders looked at so far.
    walk: Walk,
    stores: Stores,
    /// Objects that were named directly, by bucket and key.
    looked_up: HashMap<(BucketName, String), RemoteObject>,
}

/// A file of a source.
struct Candidate {
    source: usize,
    /// The path or the URL.
    path: PathBuf,
    object: Option<RemoteObject>,
    /// The path for names and columns: absolute, or below the bucket or host.
    plain: PathBuf,
}

/// The folder of a source.
struct Root {
    shown: PathBuf,
    plain: PathBuf,
}

impl Candidate {
    fn local(source: usize, path: PathBuf) -> Self {
        let plain = lexical(&path);
        Self { source, path, object: None, plain }
    }
}

impl Root {
    fn local(folder: PathBuf) -> Self {
        let plain = lexical(&folder);
        Self { shown: folder, plain }
    }
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
            stores: Stores::new(sources.storage_options.clone()),
            looked_up: HashMap::new(),
        }
    }

    /// Looks up all objects that are named, at the same time.
    fn look_up(&mut self, located: &[Located]) -> Result<()> {
        let mut keys: BTreeMap<&BucketName, Vec<&str>> = BTreeMap::new();
        for located in located {
            if let Located::Remote(RemoteUrl::Bucket { bucket, key }) = located
                && objects::may_be_object(key)
            {
                keys.entry(bucket).or_default().push(key);
            }
        }
        for (bucket, keys) in keys {
            let found = self.stores.bucket(bucket)?.look_up(&keys)?;
            let object = |(key, object): (&str, Option<RemoteObject>)| {
                Some(((bucket.clone(), key.to_owned()), object?))
            };
            self.looked_up.extend(keys.into_iter().zip(found).filter_map(object));
        }
        Ok(())
    }

    fn add(&mut self, index: usize, located: Located) -> Result<()> {
        let path = match located {
            Located::Local(path) => path,
            Located::Remote(url) => return self.remote(index, &url),
        };
        if path.is_dir() {
            self.roots.push(Root::local(path.clone()));
            self.folder(index, &path)
        } else if !is_glob(&path) || path.symlink_metadata().is_ok() {
            self.roots.push(Root::local(path.parent().map(Path::to_owned).unwrap_or_default()));
            self.file(index, path)
        } else {
            let pattern = path.to_string_lossy();
            self.roots.push(Root::local(folder_of_glob(&pattern)));
            self.glob(index, &pattern)
        }
    }

    fn remote(&mut self, index: usize, url: &RemoteUrl) -> Result<()> {
        let Collected { root, files } = match url {
            RemoteUrl::Bucket { bucket, key } => {
                let known = self.looked_up.get(&(bucket.clone(), key.clone()));
                if let Some(object) = known {
                    Collected::of_one(object.clone())
                } else {
                    let bucket = self.stores.bucket(bucket)?;
                    let objects = Objects::new(&bucket, &mut self.walk.left_out);
                    objects.find(key, self.sources.recursive)?
                }
            }
            RemoteUrl::Web(url) => Collected::of_one(self.stores.web(url)?),
        };
        self.roots.push(Root { shown: PathBuf::from(&root), plain: objects::plain(&root) });
        self.files.extend(files.into_iter().map(|object| Candidate {
            source: index,
            path: PathBuf::from(object.url()),
            plain: objects::plain(object.url()),
            object: Some(object),
        }));
        Ok(())
    }

    fn file(&mut self, index: usize, path: PathBuf) -> Result<()> {
        if !self.sources.is_of_a_shell {
            self.named.push(path.clone());
            // A missing file is reported by the plan, together with all others.
            self.files.push(Candidate::local(index, path));
            return Ok(());
        }
        self.walk.refuse_table_around(&path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if is_of_a_tool(&name) {
            return Ok(());
        }
        if has_parquet_name(&path) {
            self.files.push(Candidate::local(index, path));
        } else {
            self.others.push((index, path));
        }
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
        self.files.extend(files.into_iter().map(|path| Candidate::local(index, path)));
        Ok(())
    }

    fn finish(mut self) -> Result<Found> {
        if self.files.is_empty() {
            let others = std::mem::take(&mut self.others).into_iter();
            self.files = others.map(|(index, path)| Candidate::local(index, path)).collect();
        }
        for (_, path) in &self.others {
            self.walk.left_out.add_other(path);
        }
        let found = self.files.len();
        let exclude = Exclude::new(&self.sources.exclude)?;
        self.files.retain(|file| !exclude.matches(&file.path));
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
        let roots: Vec<_> = self.roots.iter().map(|root| root.plain.clone()).collect();
        let common = common_folder(&roots);
        let file = |Candidate { source, path, object, plain }| FoundFile {
            name: names::default_name(&plain, &roots[source]),
            path_name: names::of_path(&plain, &common),
            partition: partition::of_path(&plain, &roots[source]),
            source,
            path,
            object,
        };
        Ok(Found { files: self.files.into_iter().map(file).collect(), notes })
    }

    fn note_about_what_is_left_out(&self) -> Option<Message> {
        let left_out = &self.walk.left_out;
        let (folder, of) = match &self.roots[..] {
            [Root { shown, .. }] if !shown.as_os_str().is_empty() => {
                (shown.as_path(), format!("left out of {}", shown.display()))
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
