//! Footers: real files are accepted, malformed ones refused in words, and nothing aborts.

use std::{
    convert::Infallible,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use sutro::schema::{Footer, FooterError, FooterReader, InvalidParquet, diff};

use crate::support::parquet_files::{file_with_fields, int64_file};

fn read(bytes: &[u8]) -> Result<Footer, InvalidParquet> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    read_path(&path)
}

fn read_path(path: &Path) -> Result<Footer, InvalidParquet> {
    let bytes = Bytes::from(fs::read(path).unwrap());
    let range = |range: Range<u64>| {
        let place = |at| usize::try_from(at).unwrap();
        Ok::<_, Infallible>(bytes.slice(place(range.start)..place(range.end)))
    };
    FooterReader::default().read(bytes.len() as u64, range).map_err(|error| match error {
        FooterError::Invalid(invalid) => invalid,
    })
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

/// `PAR1`, a footer, its length, `PAR1`.
fn wrap(thrift: &[u8]) -> Vec<u8> {
    let length = u32::try_from(thrift.len()).unwrap().to_le_bytes();
    [b"PAR1", thrift, &length, b"PAR1"].concat()
}

#[test]
fn a_footer_has_rows_row_groups_codecs_and_columns() {
    let footer = read(&int64_file(&["a", "b"], 7)).unwrap();
    assert_eq!((footer.row_count, footer.row_groups.len()), (7, 1));
    assert_eq!(footer.codecs.iter().map(ToString::to_string).collect::<Vec<_>>(), ["snappy"]);
    let columns: Vec<_> = footer.schema.summary().fields.into_iter().map(|f| f.name).collect();
    assert_eq!(columns, ["a", "b"]);
}

#[test]
fn a_file_that_is_not_parquet_is_rejected_with_the_reason() {
    for (bytes, words) in [
        (b"".to_vec(), "is empty"),
        (b"id,name\n1,a\n".repeat(9), "it looks like CSV"),
        (b"PAR1".to_vec(), "damaged"),
        (b"PAR1PAR1".to_vec(), "damaged"),
        (b"PAR1\0\0\0\0PAR1".to_vec(), "damaged"),
        ([int64_file(&["a"], 1), b"\n".to_vec()].concat(), "does not end with PAR1"),
        (b"PARE....PARE".to_vec(), "encrypted"),
    ] {
        let refusal = refusal(&bytes);
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let file = int64_file(&["a", "b"], 20);
    for length in 0..file.len() {
        assert!(read(&file[..length]).is_err(), "cut at {length}");
    }
}

#[test]
fn a_flipped_bit_never_aborts() {
    let file = int64_file(&["a", "b"], 20);
    for bit in 0..file.len() * 8 {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        drop(read(&damaged));
    }
}

#[test]
fn wrong_counts_cost_neither_memory_nor_time() {
    let count = [0xFF, 0xFF, 0xFF, 0xFF, 0x07];
    for (what, thrift) in [
        // version 1, then a schema list of 2^31 structs.
        ("schema", [&[0x15, 0x02, 0x19, 0xFC][..], &count].concat()),
        // An unknown field: a list of 2^31 booleans, which take no byte in the crate's reader.
        ("booleans", [&[0x15, 0x02, 0x09, 0x64, 0xF1][..], &count].concat()),
        // An unknown field of many structs within each other.
        ("structs", [vec![0x15, 0x02, 0x0C, 0x64], vec![0x1C; 100_000]].concat()),
        ("lists", [vec![0x15, 0x02, 0x09, 0x64], vec![0x19; 100_000]].concat()),
    ] {
        assert!(read(&wrap(&thrift)).is_err(), "{what}");
    }
}

#[test]
fn deep_and_wide_schemas_fit_into_a_small_stack() {
    let deep = |depth: usize| {
        let groups = "required group g {".repeat(depth);
        format!("{groups} required int64 a; {}", "}".repeat(depth))
    };
    let wide: String = (0..10_000).map(|index| format!("optional int32 c{index};")).collect();
    let files = [(deep(98), true), (deep(100), false), (deep(300), false), (wide, true)];
    // Written on a large stack: the crate's writer and its parser recurse.
    let writer = std::thread::Builder::new().stack_size(256 << 20);
    let write = move || files.map(|(fields, is_legal)| (file_with_fields(&fields), is_legal));
    for (file, is_legal) in writer.spawn(write).unwrap().join().unwrap() {
        let reader = std::thread::Builder::new().stack_size(1 << 20);
        let footer = reader.spawn(move || read(&file)).unwrap().join().unwrap();
        assert_eq!(footer.is_ok(), is_legal, "{footer:?}");
    }
}

#[test]
fn types_that_mean_the_same_are_the_same() {
    let schema = |fields| read(&file_with_fields(fields)).unwrap().schema;
    for (one, other) in [
        ("optional binary a (STRING);", "optional binary a (UTF8);"),
        ("optional int64 a (TIMESTAMP(MILLIS,true));", "optional int64 a (TIMESTAMP_MILLIS);"),
        (
            "optional group a (LIST) { repeated group list { optional int32 element; } }",
            "optional group a (LIST) { repeated group bag { optional int32 item; } }",
        ),
    ] {
        assert_eq!(diff(&schema(one), &schema(other)), [], "{one}");
    }
    for (one, other) in [
        ("optional int64 a;", "optional double a;"),
        ("optional int64 a;", "required int64 a;"),
        (
            "optional int64 a (TIMESTAMP(MILLIS,true));",
            "optional int64 a (TIMESTAMP(MILLIS,false));",
        ),
        (
            "optional int64 a (TIMESTAMP(MILLIS,true));",
            "optional int64 a (TIMESTAMP(MICROS,true));",
        ),
        ("optional int32 a (DECIMAL(9,2));", "optional int32 a (DECIMAL(9,3));"),
    ] {
        assert_eq!(diff(&schema(one), &schema(other)).len(), 1, "{one}");
    }
}

/// Real and malformed files that are kept beside the project, not in it.
fn corpus() -> Option<PathBuf> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if !corpus.exists() {
        eprintln!("not run: there is no corpus at {}", corpus.display());
        return None;
    }
    Some(corpus)
}

fn manifest(folder: &Path) -> Vec<serde_json::Value> {
    let manifest = fs::read_to_string(folder.join("manifest.jsonl")).unwrap();
    manifest.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn no_legal_file_of_the_parquet_projects_test_set_is_refused() {
    let Some(corpus) = corpus() else { return };
    let folder = corpus.join("parquet-testing");
    for entry in manifest(&folder) {
        let name = entry["file"].as_str().unwrap();
        let class = entry["class"].as_str().unwrap();
        let footer = read_path(&folder.join(name));
        let is_ours_to_refuse = match &footer {
            Err(InvalidParquet::Encrypted) => class.starts_with("encrypted"),
            Err(InvalidParquet::PagesOutside { .. }) => class.ends_with("data-bad"),
            Ok(_) | Err(InvalidParquet::Codec { .. }) => true,
            Err(_) => entry["parquet_rs_59_metadata"] == "error",
        };
        assert!(is_ours_to_refuse, "{name} ({class}): {footer:?}");
    }
}

#[test]
fn generated_malformed_files_are_accepted_or_rejected_as_expected() {
    let Some(corpus) = corpus() else { return };
    let folder = tempfile::tempdir().unwrap();
    let generator = corpus.join("gen_malformed.py");
    let made = Command::new("python3").arg(generator).arg(folder.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    for entry in manifest(folder.path()) {
        let name = entry["file"].as_str().unwrap();
        let footer = read_path(&folder.path().join(name));
        match entry["expect"].as_str().unwrap() {
            "accept" => {
                let is_codec = matches!(footer, Err(InvalidParquet::Codec { .. }));
                assert!(footer.is_ok() || is_codec, "{name}: {footer:?}");
            }
            "reject" => assert!(footer.is_err(), "{name}: {footer:?}"),
            _ => {}
        }
    }
}
