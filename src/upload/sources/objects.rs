//! Expands URLs to objects, by the rules of folders and globs.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
};

use glob::Pattern;
use percent_encoding::percent_decode_str;

use super::{
    left_out::{Kind, LeftOut, has_parquet_name, is_hidden, is_of_a_tool, with_hint},
    order::natural_order,
    table_format::{Table, TableFormat, is_metadata_of_iceberg},
    walk::{LIKE_A_SHELL, unreadable_glob},
};
use crate::{
    error::{Error, Result},
    hint::Message,
    source::remote::{Bucket, Listing, RemoteObject},
};

/// Folders that tables have.
const MARKS: [&str; 9] = [
    "_delta_log",
    ".hoodie",
    "_symlink_format_manifest",
    "metadata",
    "_versions",
    "data",
    "snapshot",
    "schema",
    "manifest",
];

/// The objects of a source, in order.
#[derive(Debug)]
pub(super) struct Collected {
    /// The URL of the source's folder.
    pub(super) root: String,
    pub(super) files: Vec<RemoteObject>,
}

impl Collected {
    pub(super) fn of_one(object: RemoteObject) -> Self {
        let root = object.url().rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        Self { root, files: vec![object] }
    }
}

/// The path of a URL below its scheme, for names and columns.
pub(super) fn plain(url: &str) -> PathBuf {
    let path = url.split_once("://").map_or(url, |(_, path)| path);
    if url.starts_with("http") {
        percent_decode_str(path).decode_utf8_lossy().into_owned().into()
    } else {
        path.into()
    }
}

/// Finds objects in a bucket.
pub(super) struct Objects<'a> {
    bucket: &'a Bucket,
    left_out: &'a mut LeftOut,
    left_out_folders: BTreeSet<String>,
    files: Vec<RemoteObject>,
}

impl<'a> Objects<'a> {
    pub(super) fn new(bucket: &'a Bucket, left_out: &'a mut LeftOut) -> Self {
        Self { bucket, left_out, left_out_folders: BTreeSet::new(), files: Vec::new() }
    }

    /// Finds what is at a key that is not that of an object.
    ///
    /// # Errors
    /// [`Error::Configuration`] if the key matches nothing, or if it is in a table with files that
    /// are not live; [`Error::File`] if the bucket cannot be listed.
    pub(super) fn find(mut self, key: &str, recursive: bool) -> Result<Collected> {
        let folder = key.strip_suffix('/').unwrap_or(key);
        if is_glob(key) {
            return self.glob(key);
        }
        if may_be_object(key) && has_parquet_name(Path::new(key)) {
            let is_folder = self.bucket.have_entries(&[key.to_owned()])?.contains(&true);
            if !is_folder {
                // The plan reports it together with all others that are missing.
                return Ok(Collected::of_one(self.bucket.object(key)?));
            }
        }
        self.refuse_table_above(folder)?;
        let is_there = if recursive { self.tree(folder)? } else { self.folder(folder)? };
        let url = self.url_of(folder);
        self.collected(url.clone(), || {
            if is_there {
                format!("no *.parquet or *.pq file in {url}").into()
            } else {
                format!("there is no object or folder {url}").into()
            }
        })
    }

    /// Collects what is directly in a folder. Returns whether anything is.
    fn folder(&mut self, folder: &str) -> Result<bool> {
        let Listing { objects, folders } = self.bucket.folder(folder)?;
        let is_there = !objects.is_empty() || !folders.is_empty();
        let marks = folders.iter().map(|key| name_of(key).to_owned()).collect();
        self.refuse_table(folder, &marks)?;
        for key in folders {
            let name = name_of(&key);
            if is_of_a_tool(name) {
            } else if is_hidden(name) || !has_parquet_name(Path::new(name)) {
                self.leave_out_folder(&key);
            } else {
                self.tree(&key)?;
            }
        }
        for (key, object) in objects {
            if !is_marker(&key, folder, &object) {
                self.add(name_of(&key), object);
            }
        }
        Ok(is_there)
    }

    /// Collects everything below a folder. Returns whether anything is there.
    fn tree(&mut self, folder: &str) -> Result<bool> {
        let objects = self.bucket.tree(folder)?;
        let is_there = !objects.is_empty();
        self.refuse_tables_in(&objects)?;
        for (key, object) in objects {
            if is_marker(&key, folder, &object) {
                continue;
            }
            let hidden = folders_below(&key, folder).find(|key| {
                let name = name_of(key);
                is_of_a_tool(name) || is_hidden(name)
            });
            match hidden {
                Some(hidden) if is_of_a_tool(name_of(hidden)) => {}
                Some(hidden) => self.leave_out_folder(hidden),
                None => self.add(name_of(&key), object),
            }
        }
        Ok(is_there)
    }

    /// Adds an object of a folder.
    fn add(&mut self, name: &str, object: RemoteObject) {
        let path = Path::new(object.url());
        if is_of_a_tool(name) {
        } else if is_hidden(name) {
            self.left_out.add(Kind::Hidden, path);
        } else if has_parquet_name(path) {
            self.files.push(object);
        } else {
            self.left_out.add_other(path);
        }
    }

    fn leave_out_folder(&mut self, key: &str) {
        if self.left_out_folders.insert(key.to_owned()) {
            self.left_out.add(Kind::Folder, Path::new(&self.url_of(key)));
        }
    }

    fn glob(mut self, key: &str) -> Result<Collected> {
        let pattern = Pattern::new(key).map_err(|error| unreadable_glob(key, &error))?;
        let is_match = |key: &str| pattern.matches_with(key, LIKE_A_SHELL);
        let wild = key.find(['*', '?', '[']).unwrap_or(key.len());
        let folder = key[..wild].rsplit_once('/').map_or("", |(folder, _)| folder);
        self.refuse_table_above(folder)?;
        let prefix = &key[..wild];
        if !(prefix.is_empty() || prefix.ends_with('/')) {
            // The listing has only some of what is in the folder.
            self.refuse_tables_at(&[folder])?;
        }
        let is_deep = key[wild..].contains('/') || key.contains("**");
        let Listing { objects, folders } = self.bucket.with_prefix(prefix, is_deep)?;
        let folders: BTreeSet<_> = if is_deep {
            self.refuse_tables_in(&objects)?;
            let folders = objects.iter().flat_map(|(key, _)| folders_below(key, folder));
            folders.map(str::to_owned).collect()
        } else {
            let marks = folders.iter().map(|key| name_of(key).to_owned()).collect();
            self.refuse_table(folder, &marks)?;
            folders.into_iter().collect()
        };
        let others = self.add_matching(objects, folder, is_match);
        let plain_folders = self.add_matching_folders(folders, is_match)?;
        self.leave_out_matching(others, plain_folders);
        let (root, url) = (self.url_of(folder), self.url_of(key));
        self.collected(root, || format!("no object matches {url}").into())
    }

    /// Adds the objects that a glob matches. Returns those without the name of a Parquet file.
    fn add_matching(
        &mut self,
        objects: Vec<(String, RemoteObject)>,
        folder: &str,
        is_match: impl Fn(&str) -> bool,
    ) -> Vec<RemoteObject> {
        let mut others = Vec::new();
        for (key, object) in objects {
            let name = name_of(&key);
            if is_marker(&key, folder, &object) || !is_match(&key) || is_of_a_tool(name) {
            } else if has_parquet_name(Path::new(name)) {
                self.files.push(object);
            } else {
                others.push(object);
            }
        }
        others
    }

    /// Adds the folders that a glob matches and that are named like files. Returns the URLs of the
    /// others.
    fn add_matching_folders(
        &mut self,
        folders: BTreeSet<String>,
        is_match: impl Fn(&str) -> bool,
    ) -> Result<Vec<String>> {
        let mut plain_folders = Vec::new();
        for key in folders.into_iter().filter(|key| is_match(key) && !is_of_a_tool(name_of(key))) {
            if has_parquet_name(Path::new(&key)) {
                self.tree(&key)?;
            } else {
                plain_folders.push(self.url_of(&key));
            }
        }
        Ok(plain_folders)
    }

    /// If a glob matches nothing else, objects with other names are what the caller means.
    fn leave_out_matching(&mut self, others: Vec<RemoteObject>, plain_folders: Vec<String>) {
        if self.files.is_empty() {
            self.files = others;
        } else {
            for object in &others {
                self.left_out.add_other(Path::new(object.url()));
            }
        }
        for url in plain_folders {
            let is_in = |file: &RemoteObject| Path::new(file.url()).starts_with(&url);
            if !self.files.iter().any(is_in) {
                self.left_out.add(Kind::MatchedFolder, Path::new(&url));
            }
        }
    }

    fn collected(self, root: String, nothing: impl FnOnce() -> Message) -> Result<Collected> {
        let Self { mut files, left_out, .. } = self;
        if files.is_empty() {
            let words = left_out.words(Path::new(""));
            let words = words.map(|words| with_hint(format!("found {words}"), left_out));
            return Err(Error::configuration(nothing().and(words)));
        }
        files.sort_by(|left, right| natural_order(left.url(), right.url()));
        // A glob may match a table and its files.
        files.dedup();
        Ok(Collected { root, files })
    }

    /// Rejects a folder in a table whose root is above it.
    fn refuse_table_above(&self, folder: &str) -> Result<()> {
        self.refuse_tables_at(&ancestors(folder).collect::<Vec<_>>())
    }

    /// Rejects folders that are tables.
    fn refuse_tables_at(&self, folders: &[&str]) -> Result<()> {
        let marks = |folder: &&str| MARKS.map(|mark| join(folder, mark));
        let found =
            self.bucket.have_entries(&folders.iter().flat_map(marks).collect::<Vec<_>>())?;
        for (folder, found) in folders.iter().zip(found.chunks(MARKS.len())) {
            let marks = MARKS.iter().zip(found).filter(|(_, is_there)| **is_there);
            self.refuse_table(folder, &marks.map(|(mark, _)| (*mark).to_owned()).collect())?;
        }
        Ok(())
    }

    /// Rejects tables among listed objects.
    fn refuse_tables_in(&self, objects: &[(String, RemoteObject)]) -> Result<()> {
        let mut marks: HashMap<&str, BTreeSet<String>> = HashMap::new();
        for folder in objects.iter().flat_map(|(key, _)| ancestors(key)) {
            if MARKS.contains(&name_of(folder)) {
                let root = folder.rsplit_once('/').map_or("", |(root, _)| root);
                marks.entry(root).or_default().insert(name_of(folder).to_owned());
            }
        }
        marks.iter().try_for_each(|(root, marks)| self.refuse_table(root, marks))
    }

    fn refuse_table(&self, root: &str, folders: &BTreeSet<String>) -> Result<()> {
        let is_of_iceberg = || {
            let metadata = self.bucket.folder(&join(root, "metadata"))?;
            Ok(metadata.objects.iter().any(|(key, _)| is_metadata_of_iceberg(name_of(key))))
        };
        let format = TableFormat::of_folders(|name| folders.contains(name), is_of_iceberg)?;
        let root = || PathBuf::from(self.url_of(root));
        format.map_or(Ok(()), |format| Err(Table::new(format, root()).refusal()))
    }

    fn url_of(&self, key: &str) -> String {
        join(self.bucket.url(), key)
    }
}

fn is_glob(key: &str) -> bool {
    key.contains(['*', '?', '['])
}

/// Whether a key may be that of one object.
pub(super) fn may_be_object(key: &str) -> bool {
    !(key.is_empty() || key.ends_with('/') || is_glob(key))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() || name.is_empty() {
        format!("{folder}{name}")
    } else {
        format!("{folder}/{name}")
    }
}

fn name_of(key: &str) -> &str {
    key.rsplit_once('/').map_or(key, |(_, name)| name)
}

/// The folders of a key, innermost first, and the bucket as an empty key.
fn ancestors(key: &str) -> impl Iterator<Item = &str> {
    let folders = key.rmatch_indices('/').map(|(end, _)| &key[..end]);
    folders.chain((!key.is_empty()).then_some(""))
}

/// The folders of a key that are below `folder`.
fn folders_below<'a>(key: &'a str, folder: &str) -> impl Iterator<Item = &'a str> {
    let least = folder.len();
    let mut below: Vec<_> = ancestors(key).filter(|key| key.len() > least).collect();
    below.reverse();
    below.into_iter()
}

/// Whether an object only stands for a folder, as consoles of stores create it.
fn is_marker(key: &str, folder: &str, object: &RemoteObject) -> bool {
    key == folder || (object.size() == Some(0) && Path::new(key).extension().is_none())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ancestors, folders_below, join, plain};

    #[test]
    fn keys_have_folders() {
        assert_eq!(ancestors("a/b/c").collect::<Vec<_>>(), ["a/b", "a", ""]);
        assert_eq!(ancestors("a").collect::<Vec<_>>(), [""]);
        assert_eq!(ancestors("").count(), 0);
        assert_eq!(folders_below("a/b/c/d", "a").collect::<Vec<_>>(), ["a/b", "a/b/c"]);
        assert_eq!(folders_below("a/b", "").collect::<Vec<_>>(), ["a"]);
        assert_eq!((join("", "a"), join("a", "")), ("a".to_owned(), "a".to_owned()));
    }

    #[test]
    fn only_urls_of_the_web_are_decoded() {
        assert_eq!(plain("https://h/a%20b.parquet"), Path::new("h/a b.parquet"));
        assert_eq!(plain("s3://bucket/a%20b.parquet"), Path::new("bucket/a%20b.parquet"));
    }
}
