use std::fs;

use proptest::prelude::*;

use super::{Found, FoundFile, Paths, natural_order};

fn folder_with(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        fs::write(folder.path().join(name), "x").unwrap();
    }
    folder
}

fn names_of(source: String) -> Vec<String> {
    found(&paths(&[source])).into_iter().map(|file| file.name.unwrap()).collect()
}

fn found(paths: &Paths) -> Vec<FoundFile> {
    paths.find().unwrap().files
}

fn paths(paths: &[String]) -> Paths {
    Paths { paths: paths.to_vec(), ..Paths::default() }
}

#[test]
fn a_folder_yields_its_parquet_files_in_natural_order() {
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
    let names = names_of(folder.path().display().to_string());
    assert_eq!(names, ["part-1.pq", "part-2.parquet", "part-10.parquet"]);
}

#[test]
fn a_glob_yields_its_files_in_natural_order_and_stops_at_slashes() {
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
fn subfolders_are_searched_only_if_enabled() {
    let folder = folder_with_folders();
    let source = folder.path().display().to_string();
    assert_eq!(names_of(source.clone()), ["a2.parquet", "a10.parquet"]);
    let all = found(&Paths { recursive: true, ..paths(std::slice::from_ref(&source)) });
    let relative: Vec<_> = all
        .iter()
        .map(|file| file.path.strip_prefix(folder.path()).unwrap().to_str().unwrap())
        .collect();
    assert_eq!(relative, ["a2.parquet", "a10.parquet", "b/b1.parquet", "b/c/c1.parquet"]);
    assert_eq!(names_of(format!("{source}/**/*1.parquet")), ["b1.parquet", "c1.parquet"]);
}

#[test]
fn excluded_files_are_left_out() {
    let folder = folder_with_folders();
    let source = folder.path().display().to_string();
    let left = |exclude: &[&str]| {
        let exclude = exclude.iter().map(|&glob| glob.to_owned()).collect();
        let paths = Paths { recursive: true, exclude, ..paths(std::slice::from_ref(&source)) };
        paths.find().map(|found| found.files.len())
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
    let files = found(&paths(&[path("b.parquet"), path("a.parquet")]));
    assert!(files[0].path.ends_with("b.parquet"));
}

#[test]
fn an_existing_file_with_glob_characters_is_not_a_glob() {
    let folder = folder_with(&["a[1].parquet", "a1.parquet"]);
    let names = names_of(folder.path().join("a[1].parquet").display().to_string());
    assert_eq!(names, ["a[1].parquet"]);
}

#[test]
fn sources_that_match_nothing_are_an_error_that_names_them() {
    let folder = folder_with(&["notes.txt"]);
    let source = folder.path().display().to_string();
    let glob = format!("{source}/*.parquet");
    for source in [source, glob] {
        let error = paths(std::slice::from_ref(&source)).find().unwrap_err().to_string();
        assert!(error.contains(&source), "{error}");
    }
    let error = paths(&[]).find().unwrap_err().to_string();
    assert_eq!(error, "there is nothing to upload");
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

fn text_of(found: &Found) -> String {
    found.notes.iter().map(|note| format!("{note}\n")).collect()
}

fn notes_of(paths: &Paths) -> String {
    text_of(&paths.find().unwrap())
}

/// Makes files, and the folders that they are in.
fn tree(files: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    folder
}

fn in_folder(folder: &tempfile::TempDir, path: &str) -> String {
    folder.path().join(path).display().to_string()
}

#[test]
fn the_note_counts_each_kind_of_entry_that_is_left_out() {
    let folder = tree(&[
        "a.parquet",
        "b.csv",
        "c.parq",
        "d.parquet.gz",
        "e",
        "_f.parquet",
        "_SUCCESS",
        ".a.parquet.crc",
        "2024/g.parquet",
    ]);
    let source = folder.path().display().to_string();
    for source in [source.clone(), format!("{source}/*")] {
        let found = paths(std::slice::from_ref(&source)).find().unwrap();
        let notes = text_of(&found);
        let told = ["1 folder (2024)", "1 .csv file", "1 .parq file", "1 .parquet.gz file"];
        for words in told.into_iter().chain(["1 file without an extension"]) {
            assert!(notes.contains(words), "{source}: {words}: {notes}");
        }
        assert_eq!(notes.contains("recursive search"), !source.ends_with('*'), "{notes}");
        assert!(!notes.contains("_SUCCESS") && !notes.contains(".crc"), "{notes}");
        let is_taken = found.files.iter().any(|file| file.path.ends_with("_f.parquet"));
        assert_ne!(is_taken, notes.contains("1 hidden file"), "{source}: {notes}");
    }
    let all = Paths { recursive: true, ..paths(std::slice::from_ref(&source)) };
    assert!(!notes_of(&all).contains("folder"), "{}", notes_of(&all));
    let exclude = ["2024/*", "*.csv", "*.parq", "*.gz", "e", "_f*"].map(str::to_owned).to_vec();
    assert_eq!(notes_of(&Paths { exclude, ..paths(&[source]) }), "");
}

#[cfg(unix)]
#[test]
fn linked_folders_are_noted_and_broken_links_count_as_files() {
    let folder = tree(&["a.parquet"]);
    let elsewhere = tree(&["b.parquet"]);
    let link = |name: &str, target: &std::path::Path| {
        std::os::unix::fs::symlink(target, folder.path().join(name)).unwrap();
    };
    link("2024", elsewhere.path());
    link("part-1.parquet", &elsewhere.path().join("none"));
    let source = folder.path().display().to_string();
    for recursive in [false, true] {
        let paths = Paths { recursive, ..paths(std::slice::from_ref(&source)) };
        assert!(notes_of(&paths).contains("1 linked folder"), "{}", notes_of(&paths));
        assert!(found(&paths)[1].path.ends_with("part-1.parquet"));
    }
    assert_eq!(found(&paths(&[format!("{source}/*.parquet")])).len(), 2);
}

#[test]
fn a_folder_named_like_a_file_is_a_table_whose_files_take_its_place() {
    let files =
        ["a.parquet", "t.parquet/part.0.parquet", "t.parquet/y=1/part.0.parquet", "z.parquet"];
    let folder = tree(&files);
    let source = folder.path().display().to_string();
    let names =
        ["a.parquet", "t.parquet,part.0.parquet", "t.parquet,y=1,part.0.parquet", "z.parquet"];
    for source in [source.clone(), format!("{source}/*.parquet"), format!("{source}/**/*.parquet")]
    {
        let found = found(&paths(std::slice::from_ref(&source)));
        let found: Vec<_> = found.into_iter().map(|file| file.name.unwrap()).collect();
        assert_eq!(found, names, "{source}");
    }
    assert_eq!(names_of(format!("{source}/t.parquet/y=1")), ["part.0.parquet"]);
    assert_eq!(names_of(format!("{source}/t.parquet")), ["part.0.parquet"]);
}

#[test]
fn names_from_paths_contain_the_parts_below_all_sources() {
    let folder = tree(&["t/2024/a.parquet", "t/2025/a.parquet", "u/a.parquet"]);
    let names = |sources: &[&str]| -> Vec<_> {
        let sources: Vec<_> = sources.iter().map(|path| in_folder(&folder, path)).collect();
        let paths = Paths { recursive: true, ..paths(&sources) };
        found(&paths).into_iter().map(|file| file.path_name.unwrap()).collect()
    };
    assert_eq!(names(&["t"]), ["2024,a.parquet", "2025,a.parquet"]);
    assert_eq!(names(&["t/*/a.parquet"]), ["2024,a.parquet", "2025,a.parquet"]);
    assert_eq!(names(&["t", "u"]), ["t,2024,a.parquet", "t,2025,a.parquet", "u,a.parquet"]);
    assert_eq!(
        names(&["t/2024/a.parquet", "u/../u/a.parquet"]),
        ["t,2024,a.parquet", "u,a.parquet"]
    );
    assert_eq!(names(&["t/2024/a.parquet"]), ["a.parquet"]);
}

#[test]
fn a_folder_of_a_table_format_is_rejected_however_it_is_named() {
    for (mark, words) in [
        ("_delta_log/0.json", "file_uris()"),
        (".hoodie/hoodie.properties", "Hudi"),
        ("metadata/v1.metadata.json", "pyiceberg"),
        ("metadata/00000-1f.gz.metadata.json", "pyiceberg"),
        ("_symlink_format_manifest/manifest", "manifest"),
        ("_versions/1.manifest", "lance.dataset"),
    ] {
        let folder =
            tree(&["t/a.parquet", "t/data/y=1/b.parquet", "u.parquet", &format!("t/{mark}")]);
        for source in ["t", "t/data", "t/data/y=1", "t/*.parquet", "t/**/*.parquet", "t/../t/data"]
        {
            let error = paths(&[in_folder(&folder, source)]).find().unwrap_err().to_string();
            assert!(error.contains(words), "{mark}: {source}: {error}");
        }
        let all = Paths { recursive: true, ..paths(&[in_folder(&folder, "")]) };
        assert!(all.find().unwrap_err().to_string().contains(words), "{mark}");
        let of_a_shell = ["t/a.parquet", "t/data"].map(|path| in_folder(&folder, path));
        let of_a_shell = Paths { is_of_a_shell: true, ..paths(&of_a_shell) };
        let error = of_a_shell.find().unwrap_err().to_string();
        assert!(error.contains(words), "{mark}: {error}");
        // Files next to it are not part of it.
        assert_eq!(names_of(in_folder(&folder, "")), ["u.parquet"]);
        // `DeltaTable.file_uris()` names files one by one.
        let named = paths(&[in_folder(&folder, "t/a.parquet")]).find().unwrap();
        let notes = text_of(&named);
        assert!(notes.contains("1 file is named directly"), "{notes}");
    }
}

#[test]
fn a_list_from_a_shell_leaves_out_what_a_folder_leaves_out() {
    let folder = tree(&["_SUCCESS", "a.parquet", "b.csv", "empty/x.csv"]);
    let all = ["_SUCCESS", "a.parquet", "b.csv", "empty"].map(|path| in_folder(&folder, path));
    let of_a_shell = Paths { is_of_a_shell: true, ..paths(&all) };
    let found = of_a_shell.find().unwrap();
    assert_eq!(found.files.len(), 1);
    let notes = text_of(&found);
    assert!(notes.contains(".csv file") && notes.contains("1 folder without"), "{notes}");
    assert!(!notes.contains("_SUCCESS"), "{notes}");
}

#[test]
fn the_error_about_an_empty_folder_hints_at_its_subfolders() {
    let folder = tree(&["with/a/b.parquet", "without/b.csv"]);
    let error = |path| paths(&[in_folder(&folder, path)]).find().unwrap_err().to_string();
    assert!(error("with").contains("1 folder") && error("with").contains("recursive search"));
    assert!(error("without").contains("1 .csv file") && !error("without").contains("recursive"));
}
