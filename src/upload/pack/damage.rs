//! Damaged files, packed as an upload packs them. For the tests and for `make fuzz`.
#![cfg_attr(not(fuzzing), allow(unreachable_pub))]

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::{ArrayRef, RecordBatch};
use arrow_select::concat::concat_batches;
use bytes::Bytes;
use parquet::{
    arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder},
    file::reader::{FileReader, SerializedFileReader},
};

use super::{join, regroup};
use crate::{
    location::Location,
    source::{Content, Piece},
    upload::{
        check, dataset_schema::Held, files::PlannedFile, options::RewriteOptions, recipe::Recipe,
        sources::Partition,
    },
};

/// The damaged file, in errors.
const DAMAGED: &str = "damaged.parquet";
const INTACT: &str = "intact.parquet";
/// No file of a test has so many rows. A damaged one may claim any number.
const MAX_ROWS: usize = 100_000;
const BATCH_ROWS: usize = 1024;
/// Bytes that describe one edit.
const EDIT_BYTES: usize = 4;

/// The outcome for a damaged file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packed {
    /// Rejected by the check, or when it was packed, with this error.
    Refused(String),
    /// Its packs can be read, and have its rows.
    Equal,
    /// It was packed, but cannot be read itself.
    Illegible,
}

/// Damages the footer of a Parquet file, as `edits` says: four bytes for each edit.
pub fn damaged(file: &[u8], edits: &[u8]) -> Vec<u8> {
    let end = file.len() - 8;
    let length = u32::from_le_bytes([file[end], file[end + 1], file[end + 2], file[end + 3]]);
    let (pages, thrift) = file[..end].split_at(end - length as usize);
    let mut thrift = thrift.to_vec();
    let mut wrong_length = 0;
    for edit in edits.chunks_exact(EDIT_BYTES) {
        let place = usize::from(u16::from_le_bytes([edit[1], edit[2]])) % thrift.len().max(1);
        match edit[0] % 8 {
            0 => thrift.insert(place, edit[3]),
            1 if thrift.len() > 1 => drop(thrift.remove(place)),
            2 => thrift.truncate(place),
            3 => wrong_length = u32::from(edit[3]),
            // Large numbers are several bytes long.
            4 => thrift[place..].iter_mut().take(8).for_each(|byte| *byte = edit[3] | 0x80),
            _ if !thrift.is_empty() => thrift[place] ^= 1 << (edit[3] % 8),
            _ => {}
        }
    }
    let length = u32::try_from(thrift.len()).unwrap_or(u32::MAX) ^ wrong_length;
    [pages, &*thrift, &length.to_le_bytes(), b"PAR1"].concat()
}

/// Packs `file`, alone and between two copies of `intact`, and compares what is read from it with
/// what is read from its packs. Whether a file is legible depends on the reader of the parquet
/// crate.
///
/// # Errors
/// If packs are wrong, or an error does not name the file.
pub fn pack_and_compare(file: &Bytes, intact: &Bytes, target_size: u64) -> Result<Packed, String> {
    let content = |name: &str, bytes: &Bytes| {
        Content::new(Location::Label(name.into()), [Piece::Bytes(bytes.clone())])
    };
    let neighbour = if intact == file { DAMAGED } else { INTACT };
    let (damaged, intact) = (content(DAMAGED, file), content(neighbour, intact));
    let alone = packed_and_compared(std::slice::from_ref(&damaged), target_size)?;
    packed_and_compared(&[intact.clone(), damaged, intact], target_size)?;
    Ok(alone)
}

fn packed_and_compared(files: &[Content], target_size: u64) -> Result<Packed, String> {
    let packs = match packs(files, target_size) {
        Ok(packs) => packs,
        Err(error) if error.contains(DAMAGED) => return Ok(Packed::Refused(error)),
        Err(error) => return Err(format!("an error that does not name its file: {error}")),
    };
    let Some(before) = rows(files) else { return Ok(Packed::Illegible) };
    let after = rows(&packs).ok_or("the file can be read, and its packs cannot")?;
    if after != before {
        return Err(format!("other rows: {before:?}, and in packs {after:?}"));
    }
    match (statistics(files), statistics(&packs)) {
        (Some(before), Some(after)) if before.len() == after.len() => {
            let is_wrong = |(before, after): (&String, &String)| after != before && after != "None";
            match before.iter().zip(&after).find(|pair| is_wrong(*pair)) {
                Some((before, after)) => Err(format!("statistics {before} became {after}")),
                None => Ok(Packed::Equal),
            }
        }
        (None, _) => Ok(Packed::Illegible),
        (before, after) => Err(format!("other column chunks: {before:?}, and in packs {after:?}")),
    }
}

/// The steps of an upload up to the bytes that it sends.
fn packs(files: &[Content], target_size: u64) -> Result<Vec<Content>, String> {
    let (rewrite, mut problems) = (RewriteOptions::default(), Vec::new());
    let planned = files.iter().enumerate().map(|(position, content)| PlannedFile {
        position,
        name: content.location().to_string(),
        content: content.clone(),
        partition: Partition::default(),
    });
    let planned: Vec<_> = planned.collect();
    let read = |file| check::read_one(file, &mut problems, rewrite);
    let checked: Vec<_> = planned.into_iter().filter_map(read).collect();
    let recipes = check::recipes(checked, problems, files.len(), rewrite, &Held::by(None));
    let recipes = recipes.map_err(|error| error.to_string())?;
    let packs = regroup(recipes, target_size, false);
    packs.iter().map(|pack| content(pack).map_err(|error| error.to_string())).collect()
}

fn content(pack: &Recipe) -> crate::Result<Content> {
    pack.as_is().map_or_else(|| join(&pack.name, &pack.parts), |content| Ok(content.clone()))
}

/// The columns of all rows, if they can be read. The crate panics on some damaged files.
fn rows(files: &[Content]) -> Option<Vec<ArrayRef>> {
    let read = || {
        let mut batches = Vec::new();
        for file in files {
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let open = file.open().ok()?;
            let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(open, options);
            for batch in reader.ok()?.with_batch_size(BATCH_ROWS).build().ok()? {
                batches.push(batch.ok()?);
                if batches.iter().map(RecordBatch::num_rows).sum::<usize>() > MAX_ROWS {
                    return None;
                }
            }
        }
        let Some(first) = batches.first() else { return Some(Vec::new()) };
        Some(concat_batches(&first.schema(), &batches).ok()?.columns().to_vec())
    };
    catch_unwind(AssertUnwindSafe(read)).ok()?
}

/// The statistics of all column chunks.
fn statistics(files: &[Content]) -> Option<Vec<String>> {
    let read = || {
        let mut all = Vec::new();
        for file in files {
            let reader = SerializedFileReader::new(file.open().ok()?).ok()?;
            for row_group in reader.metadata().row_groups() {
                let columns = row_group.columns().iter();
                all.extend(columns.map(|column| format!("{:?}", column.statistics())));
            }
        }
        Some(all)
    };
    catch_unwind(AssertUnwindSafe(read)).ok()?
}
