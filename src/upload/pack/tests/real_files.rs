//! Packs of the test files of the Parquet project and of files from the field. They are kept next
//! to the project, not in it.

use std::path::{Path, PathBuf};

use super::super::damage::{Packed, pack_and_compare};

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { files_in(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|it| it == "parquet")).collect()
}

#[test]
fn packs_of_real_files_have_their_rows_and_statistics() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if !corpus.exists() {
        eprintln!("not run: there is no corpus at {}", corpus.display());
        return;
    }
    let mut equal = 0;
    for path in files_in(&corpus) {
        let bytes = std::fs::read(&path).unwrap().into();
        for target_size in [1, u64::MAX] {
            let packed = pack_and_compare(&bytes, &bytes, target_size);
            let packed = packed.unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
            equal += usize::from(packed == Packed::Equal);
        }
    }
    assert!(equal > 200, "{equal} packs are equal");
}
