//! Recognises files that are not Parquet, and says how to convert them.

use std::path::Path;

/// Recognises a format by the first bytes of a file; completes "is not a Parquet file: ".
pub(super) fn resembles(start: &[u8]) -> Option<&'static str> {
    Some(match start {
        _ if start.starts_with(b"version https://git-lfs.github.com/spec/") => {
            "it is a Git LFS pointer instead of the file; git lfs pull downloads the file"
        }
        [b'A', b'R', b'R', b'O', b'W', b'1', ..] => {
            "it is an Arrow IPC file (Feather); pass its table, pyarrow.feather.read_table(path)"
        }
        [b'F', b'E', b'A', b'1', ..] => {
            "it is a Feather file; pass its table, pyarrow.feather.read_table(path)"
        }
        [0xff, 0xff, 0xff, 0xff, _, _, 0, 0, ..] => {
            "it is an Arrow IPC stream; pass it as a stream, pyarrow.ipc.open_stream(path)"
        }
        [b'O', b'R', b'C', ..] => "it is an ORC file; pass its table, pyarrow.orc.read_table(path)",
        [b'O', b'b', b'j', 1, ..] => "it is an Avro file; pass its frame, polars.read_avro(path)",
        [0x1f, 0x8b, ..] => "it is compressed with gzip; decompress it first",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is compressed with zstd; decompress it first",
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => "it is compressed with bzip2; decompress it first",
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => "it is compressed with xz; decompress it first",
        [4, 0x22, 0x4d, 0x18, ..] => "it is compressed with lz4; decompress it first",
        [b'7', b'z', 0xbc, 0xaf, ..] => "it is a 7z archive; unpack it first",
        [b'P', b'K', 3, 4, ..] => of_zip(start),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => EXCEL,
        [0x89, b'H', b'D', b'F', ..] => "it is an HDF5 file; pass its frame, pandas.read_hdf(path)",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => {
            "it is a NumPy array; pass a frame, pandas.DataFrame(numpy.load(path))"
        }
        [0x80, 2..=5, ..] => "it is a pickle; load it and pass the frame",
        _ if start.starts_with(b"SQLite format 3\0") => {
            "it is an SQLite database; pass the result of a query, polars.read_database(...)"
        }
        _ if start.get(8..12) == Some(b"DUCK") => {
            "it is a duckdb database; pass the result of a query, duckdb.connect(path).sql(...)"
        }
        _ => return of_text(start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start)),
    })
}

const EXCEL: &str =
    "it is an Excel workbook; write it as Parquet: pandas.read_excel(path).to_parquet(...)";
const CSV: &str = "it looks like CSV; write it as Parquet: pandas.read_csv(path).to_parquet(...)";
const JSON: &str =
    "it looks like JSON; write it as Parquet: pandas.read_json(path).to_parquet(...)";

/// The name of the first file in an archive follows 30 bytes of its head.
fn of_zip(start: &[u8]) -> &'static str {
    let name = start.get(30..).unwrap_or_default();
    if [&b"[Content_Types].xml"[..], b"xl/", b"_rels/"].iter().any(|first| name.starts_with(first))
    {
        EXCEL
    } else {
        "it is a zip archive; unpack it first"
    }
}

fn of_text(start: &[u8]) -> Option<&'static str> {
    Some(match start.trim_ascii_start() {
        [b'{' | b'[', ..] => JSON,
        [b'<', ..] => "it looks like HTML or XML: is it an error page?",
        text if text.is_ascii() && text.iter().any(|byte| matches!(byte, b',' | b'\t' | b';')) => {
            CSV
        }
        _ => return None,
    })
}

/// Recognises a format by the file's name, if the content does not show it.
pub(crate) fn resembles_by_name(path: &Path) -> Option<&'static str> {
    let extension = path.extension()?.to_string_lossy().to_lowercase();
    Some(match extension.as_str() {
        "csv" | "tsv" | "txt" => CSV,
        "json" | "jsonl" | "ndjson" => JSON,
        "xls" | "xlsx" | "xlsm" => EXCEL,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::resembles;

    #[test]
    fn a_file_of_another_format_is_recognized_by_its_content_with_advice_that_works() {
        let excel = [&b"PK\x03\x04"[..], &[0; 26], b"[Content_Types].xml"].concat();
        for (start, words) in [
            (&b"version https://git-lfs.github.com/spec/v1\noid sha256:"[..], "git lfs pull"),
            (b"ARROW1\0\0", "feather.read_table"),
            (b"FEA1\0\0\0\0", "feather.read_table"),
            (b"\xff\xff\xff\xff\x10\x01\0\0", "open_stream"),
            (b"ORC\x0a", "orc.read_table"),
            (b"\x1f\x8b\x08", "gzip"),
            (b"\x28\xb5\x2f\xfd", "zstd"),
            (b"PK\x03\x04\x14", "zip archive"),
            (&excel, "read_excel"),
            (b"a,b\n1,2\n", "read_csv"),
            (b"\xef\xbb\xbfa;b\n", "read_csv"),
            (b"a\tb\n", "read_csv"),
            (b" {\"a\": 1}", "read_json"),
            (b"<!doctype html>", "HTML"),
        ] {
            assert!(resembles(start).unwrap().contains(words), "{start:?}");
        }
        assert_eq!(resembles(b"abc"), None);
    }
}
