//! Which module of `src/` uses which. Names are followed through re-exports to the module that
//! defines them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use super::rust_paths::{Source, read_source};

/// The path of a module below the crate, such as `["upload", "gate"]`.
pub(crate) type ModulePath = Vec<String>;

/// Modules by the names of those that they use.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// All modules of a crate.
pub(crate) struct ModuleGraph {
    modules: BTreeMap<ModulePath, Source>,
    folders: BTreeSet<ModulePath>,
}

impl ModuleGraph {
    /// Reads all sources below a folder.
    pub(crate) fn read(folder: &Path) -> Self {
        let mut sources = Vec::new();
        read_folder(folder, "", &mut sources);
        Self::of(&sources)
    }

    /// Of sources by their paths, such as `upload/gate/mod.rs`; `lib.rs` is the crate itself.
    pub(crate) fn of<T: AsRef<str>>(sources: &[(T, T)]) -> Self {
        let mut texts: BTreeMap<ModulePath, &str> = BTreeMap::new();
        let mut folders = BTreeSet::new();
        for (path, text) in sources {
            let path = path.as_ref().trim_end_matches(".rs");
            let mut module: ModulePath = path.split('/').map(str::to_owned).collect();
            if module.last().is_some_and(|name| name == "mod" || name == "lib") {
                module.pop();
                folders.insert(module.clone());
            }
            texts.insert(module, text.as_ref());
        }
        let read = |(module, text): (&ModulePath, &&str)| {
            let children = texts.keys().filter_map(|child| {
                let (name, parent) = child.split_last()?;
                (parent == module).then(|| name.clone())
            });
            (module.clone(), read_source(text, module, &children.collect()))
        };
        Self { modules: texts.iter().map(read).collect(), folders }
    }

    /// Names of the modules directly below the crate.
    pub(crate) fn top_level(&self) -> BTreeSet<&str> {
        self.modules.keys().filter_map(|path| path.first()).map(String::as_str).collect()
    }

    pub(crate) fn folders(&self) -> &BTreeSet<ModulePath> {
        &self.folders
    }

    /// A circle of imports between the modules of a folder, each of which is a file or a folder.
    /// The folder's own `mod.rs` or `lib.rs` is `mod`.
    pub(crate) fn circle_in(&self, folder: &[String]) -> Option<Vec<String>> {
        let edges = self.edges_in(folder);
        let mut done = BTreeSet::new();
        edges.keys().find_map(|module| circle_from(module, &edges, &mut Vec::new(), &mut done))
    }

    fn edges_in(&self, folder: &[String]) -> Edges {
        let member = |module: &[String]| -> Option<String> {
            let below = module.strip_prefix(folder)?;
            Some(below.first().map_or("mod", String::as_str).to_owned())
        };
        let mut edges = Edges::new();
        for (module, source) in &self.modules {
            let Some(from) = member(module) else { continue };
            let used = source.paths.iter().map(|path| self.defining(path, 0));
            let used = used.filter_map(|used| member(&used)).filter(|used| *used != from);
            edges.entry(from.clone()).or_default().extend(used.collect::<Vec<_>>());
        }
        edges
    }

    /// The module that defines what a path names.
    fn defining(&self, path: &[String], depth: usize) -> ModulePath {
        const DEEPEST: usize = 16;
        let mut module = ModulePath::new();
        for (index, name) in path.iter().enumerate() {
            let child: ModulePath = module.iter().chain([name]).cloned().collect();
            if !self.modules.contains_key(&child) {
                let rest = &path[index..];
                let target = if depth < DEEPEST { self.imported(&module, rest) } else { None };
                return target.map_or(module, |target| self.defining(&target, depth + 1));
            }
            module = child;
        }
        module
    }

    /// What the first name of `path` stands for where a module has imported it.
    fn imported(&self, module: &[String], path: &[String]) -> Option<Vec<String>> {
        let (name, rest) = path.split_first()?;
        let source = self.modules.get(module)?;
        if source.items.contains(name) {
            return None;
        }
        let named = source.imports.iter().find(|import| import.name.as_ref() == Some(name));
        if let Some(import) = named {
            return Some(import.path.iter().chain(rest).cloned().collect());
        }
        let globs = source.imports.iter().filter(|import| import.name.is_none());
        let has_name = |target: &&Vec<String>| {
            let target = self.modules.get(*target);
            target.is_some_and(|target| target.items.contains(name))
        };
        let target = globs.map(|import| &import.path).find(has_name)?;
        Some(target.iter().chain(path).cloned().collect())
    }
}

fn read_folder(folder: &Path, prefix: &str, sources: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap().path();
        let name = format!("{prefix}{}", entry.file_name().unwrap().to_str().unwrap());
        if entry.is_dir() {
            read_folder(&entry, &format!("{name}/"), sources);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            sources.push((name, fs::read_to_string(entry).unwrap()));
        }
    }
}

fn circle_from(
    module: &String,
    edges: &Edges,
    way: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(start) = way.iter().position(|passed| passed == module) {
        return Some(way[start..].iter().chain([module]).cloned().collect());
    }
    if !done.insert(module.clone()) {
        return None;
    }
    way.push(module.clone());
    let mut used = edges.get(module).into_iter().flatten();
    let circle = used.find_map(|used| circle_from(used, edges, way, done));
    way.pop();
    circle
}
