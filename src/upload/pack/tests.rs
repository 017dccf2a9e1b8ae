//! Packs of any layout of row groups.

mod damaged_footers;
mod real_files;

use std::{path::Path, sync::Arc};

use arrow_array::{
    Array, ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, StructArray, types::Int32Type,
};
use arrow_select::concat::concat_batches;
use fastrand::Rng;
use parquet::{
    arrow::{ArrowWriter, arrow_reader::ParquetRecordBatchReaderBuilder},
    file::{
        metadata::{KeyValue, ParquetMetaData, RowGroupMetaData},
        properties::{EnabledStatistics, WriterProperties},
        reader::{FileReader, SerializedFileReader},
    },
};
use tempfile::TempDir;

use super::{join, merge, regroup};
use crate::{
    schema::{FooterError, FooterReader},
    source::{Content, Source},
    upload::{
        files::{CheckedFile, PlannedFile},
        recipe::{Recipe, Target},
        report::Change,
        sources::Partition,
    },
    wire::digest::HashKind,
};

/// Rows with nulls, repeated strings, lists and structs.
fn rows(rng: &mut Rng, count: usize) -> RecordBatch {
    let numbers: Int64Array = (0..count).map(|_| rng.bool().then(|| rng.i64(..))).collect();
    let words = ["", "a", "ä long text that repeats", "ß"];
    let texts: StringArray = (0..count).map(|_| rng.choice(words)).collect();
    let list = |rng: &mut Rng| {
        rng.bool().then(|| (0..rng.usize(..4)).map(|_| rng.bool().then(|| rng.i32(..))).collect())
    };
    let lists = (0..count).map(|_| list(rng)).collect::<Vec<Option<Vec<_>>>>();
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
    let columns: [(&str, ArrayRef); 3] =
        [("number", Arc::new(numbers)), ("text", Arc::new(texts)), ("list", Arc::new(lists))];
    let all = RecordBatch::try_from_iter_with_nullable(
        columns.map(|(name, column)| (name, column, true)),
    )
    .unwrap();
    let nested: ArrayRef = Arc::new(StructArray::from(all.clone()));
    let mut columns: Vec<_> = all
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .zip(all.columns().to_vec())
        .collect();
    columns.push(("nested".to_owned(), nested));
    RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    )
    .unwrap()
}

/// Writes a file with row groups of these numbers of rows, and returns its rows.
fn write(path: &Path, rng: &mut Rng, row_groups: &[usize]) -> RecordBatch {
    let statistics = *rng
        .choice(&[EnabledStatistics::None, EnabledStatistics::Chunk, EnabledStatistics::Page])
        .unwrap();
    let properties = WriterProperties::builder()
        .set_statistics_enabled(statistics)
        .set_dictionary_enabled(rng.bool())
        .set_bloom_filter_enabled(rng.bool())
        .set_data_page_row_count_limit(rng.usize(1..40))
        .set_write_batch_size(8)
        .set_created_by("a writer".to_owned())
        .set_key_value_metadata(Some(vec![
            KeyValue::new("shared".to_owned(), "yes".to_owned()),
            KeyValue::new("own".to_owned(), path.display().to_string()),
        ]))
        .build();
    let all: Vec<_> = row_groups.iter().map(|&count| rows(rng, count)).collect();
    let schema = rows(rng, 0).schema();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).unwrap();
    for batch in &all {
        writer.write(batch).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    concat_batches(&schema, &all).unwrap()
}

/// The recipe of a file that is sent as it is.
fn recipe(position: usize, content: Content) -> Recipe {
    let open = content.open().unwrap();
    let footer = FooterReader::default().read(content.size(), |range| open.read(range));
    let footer = footer.map_err(|error: FooterError<_>| error.to_string()).unwrap();
    let planned = PlannedFile {
        position,
        name: position.to_string(),
        content,
        partition: Partition::default(),
    };
    Target::default().recipe(CheckedFile { planned, footer })
}

fn content(recipe: &Recipe) -> Content {
    recipe.as_is().cloned().unwrap_or_else(|| join(&recipe.name, &recipe.parts).unwrap())
}

fn metadata(content: &Content) -> ParquetMetaData {
    SerializedFileReader::new(content.open().unwrap()).unwrap().metadata().clone()
}

fn read(content: &Content) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(content.open().unwrap()).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    // Schemas include metadata of their writers.
    let batches = concat_batches(&schema, &batches).unwrap();
    RecordBatch::try_new(rows(&mut Rng::with_seed(0), 0).schema(), batches.columns().to_vec())
        .unwrap()
}

/// The footer's facts about a row group, except for offsets.
fn facts(metadata: &ParquetMetaData) -> Vec<String> {
    let row_groups = metadata.row_groups().iter();
    let columns = row_groups.flat_map(|row_group| {
        let rows = row_group.num_rows();
        row_group.columns().iter().map(move |column| {
            format!(
                "{rows} rows, {}: {:?} {:?} {} {} {} {:?} {:?} {:?}",
                column.column_path(),
                column.statistics(),
                column.encodings_mask(),
                column.num_values(),
                column.compressed_size(),
                column.uncompressed_size(),
                column.unencoded_byte_array_data_bytes(),
                column.repetition_level_histogram(),
                column.definition_level_histogram(),
            )
        })
    });
    columns.collect()
}

fn any_files(rng: &mut Rng, folder: &TempDir) -> (Vec<Recipe>, RecordBatch) {
    let mut all = Vec::new();
    let count = rng.usize(1..7);
    let files = (0..count).map(|position| {
        let path = folder.path().join(position.to_string());
        let row_groups: Vec<_> = (0..rng.usize(..5)).map(|_| rng.usize(1..120)).collect();
        all.push(write(&path, rng, &row_groups));
        recipe(position, Content::from(Source::pin(&path).unwrap()))
    });
    let files: Vec<_> = files.collect();
    let all = concat_batches(&all[0].schema(), &all).unwrap();
    (files, all)
}

#[test]
fn packs_have_the_same_row_groups_in_the_same_order() {
    for seed in 0..150 {
        let (mut rng, folder) = (Rng::with_seed(seed), TempDir::new().unwrap());
        let (files, all) = any_files(&mut rng, &folder);
        let target_size = *rng.choice(&[1, 2_000, 10_000, 50_000, u64::MAX]).unwrap();
        let packs = regroup(files.clone(), target_size, false);
        let contents: Vec<_> = packs.iter().map(content).collect();
        let read: Vec<_> = contents.iter().map(read).collect();
        assert_eq!(concat_batches(&all.schema(), &read).unwrap(), all, "seed {seed}");
        let before: Vec<_> =
            files.iter().flat_map(|file| facts(&metadata(file.as_is().unwrap()))).collect();
        let after: Vec<_> = contents.iter().flat_map(|content| facts(&metadata(content))).collect();
        assert_eq!(after.len(), before.len(), "seed {seed}");
        for (after, before) in after.iter().zip(&before) {
            assert_eq!(after, before, "seed {seed}");
        }
        for (place, pack) in packs.iter().enumerate() {
            let metadata = metadata(&contents[place]);
            let pages: i64 = metadata
                .row_groups()
                .iter()
                .map(parquet::file::metadata::RowGroupMetaData::compressed_size)
                .sum();
            let is_within = u64::try_from(pages).unwrap() <= target_size;
            assert!(is_within || metadata.num_row_groups() == 1, "seed {seed}");
            let is_numbered = pack.name.starts_with(&format!("part-{place:05}-"));
            assert!(pack.position == place && is_numbered, "seed {seed}: {}", pack.name);
            assert_eq!(
                u64::try_from(metadata.file_metadata().num_rows()).unwrap(),
                pack.row_count()
            );
        }
        // The checks of client and server accept the content, and see the same rows.
        for (pack, content) in packs.iter().zip(&contents) {
            assert_eq!(recipe(0, content.clone()).row_count(), pack.row_count(), "seed {seed}");
        }
    }
}

#[test]
fn files_split_to_single_row_groups_and_packed_again_have_the_same_rows() {
    for seed in 0..30 {
        let (mut rng, folder) = (Rng::with_seed(seed), TempDir::new().unwrap());
        let (files, all) = any_files(&mut rng, &folder);
        let row_groups: usize = files.iter().map(|file| file.parts[0].row_groups.len()).sum();
        let single = regroup(files, 1, false);
        assert!(single.len() >= row_groups.max(1), "seed {seed}");
        let single = single.iter().enumerate().map(|(place, pack)| recipe(place, content(pack)));
        let [packed] = &regroup(single.collect(), u64::MAX, false)[..] else {
            panic!("seed {seed}")
        };
        assert_eq!(read(&content(packed)), all, "seed {seed}");
    }
}

#[test]
fn names_depend_only_on_the_files() {
    let folder = TempDir::new().unwrap();
    let file = |seed: u64| {
        let path = folder.path().join(seed.to_string());
        write(&path, &mut Rng::with_seed(seed), &[50, 50]);
        recipe(0, Content::from(Source::pin(&path).unwrap()))
    };
    let names = |files: Vec<Recipe>, target_size| {
        regroup(files, target_size, false).into_iter().map(|pack| pack.name).collect::<Vec<_>>()
    };
    let first = names(vec![file(1), file(2)], u64::MAX);
    assert_eq!(first, names(vec![file(1), file(2)], u64::MAX));
    for other in [names(vec![file(2), file(1)], u64::MAX), names(vec![file(1)], u64::MAX)] {
        assert_ne!(first, other);
    }
    let mut each = names(vec![file(1), file(2)], 1);
    each.sort();
    each.dedup();
    assert_eq!(each.len(), 4);
}

#[test]
fn metadata_that_all_files_share_is_kept() {
    let (mut rng, folder) = (Rng::with_seed(3), TempDir::new().unwrap());
    let files = [0, 1].map(|position| {
        let path = folder.path().join(position.to_string());
        write(&path, &mut rng, &[10]);
        recipe(position, Content::from(Source::pin(&path).unwrap()))
    });
    let [pack] = &regroup(files.to_vec(), u64::MAX, false)[..] else { panic!("one pack") };
    let metadata = metadata(&content(pack));
    let notes = metadata.file_metadata().key_value_metadata().unwrap();
    let mut keys: Vec<_> = notes.iter().map(|note| note.key.as_str()).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["ARROW:schema", "shared"]);
    assert_eq!(metadata.file_metadata().created_by(), Some("a writer"));
}

#[test]
fn a_file_whose_row_groups_contradict_its_row_count_stays_as_it_is() {
    let (mut rng, folder) = (Rng::with_seed(4), TempDir::new().unwrap());
    let files = [0, 1, 2].map(|position| {
        let path = folder.path().join(position.to_string());
        write(&path, &mut rng, &[10, 10]);
        recipe(position, Content::from(Source::pin(&path).unwrap()))
    });
    let mut files = files.to_vec();
    files[1].parts[0].footer.row_count += 1;
    let packs = regroup(files, u64::MAX, false);
    let parts: Vec<_> = packs.iter().map(|pack| pack.parts.len()).collect();
    assert_eq!(parts, [1, 1, 1]);
    assert!(packs[1].as_is().is_some());
}

fn content_of(pack: &Recipe) -> Content {
    pack.as_is().cloned().unwrap_or_else(|| {
        let is_merged = pack.changes.contains(&Change::Merged);
        let parts = if is_merged { merge(&pack.parts).unwrap() } else { pack.parts.clone() };
        join(&pack.name, &parts).unwrap()
    })
}

#[test]
fn merged_row_groups_have_the_same_rows_and_their_statistics() {
    for seed in 0..60 {
        let (mut rng, folder) = (Rng::with_seed(seed), TempDir::new().unwrap());
        let (files, all) = any_files(&mut rng, &folder);
        let row_groups: usize = files.iter().map(|file| file.parts[0].row_groups.len()).sum();

        let packs = regroup(files.clone(), u64::MAX, true);

        let [pack] = &packs[..] else { panic!("seed {seed}: {} packs", packs.len()) };
        let content = content_of(pack);
        assert_eq!(read(&content), all, "seed {seed}");
        let metadata = metadata(&content);
        assert_eq!(metadata.num_row_groups(), row_groups.min(1), "seed {seed}");
        assert_eq!(pack.changes.contains(&Change::Merged), row_groups > 1, "seed {seed}");
        if let [row_group] = metadata.row_groups() {
            let numbers = row_group.column(0).statistics();
            let nulls = numbers.and_then(parquet::file::statistics::Statistics::null_count_opt);
            let expected = all.column(0).null_count() as u64;
            // A single row group is copied, perhaps without statistics.
            assert!(nulls == Some(expected) || row_groups == 1, "seed {seed}: {nulls:?}");
        }
        let hash =
            |pack: &Recipe| content_of(pack).read_hash(HashKind::Sha256, |_| Ok(())).unwrap();
        assert_eq!(hash(pack), hash(&regroup(files, u64::MAX, true)[0]), "seed {seed}");
    }
}

#[test]
fn only_small_neighbours_are_merged() {
    let (mut rng, folder) = (Rng::with_seed(9), TempDir::new().unwrap());
    let mut all = Vec::new();
    let files = [10, 20, 130_000, 5, 140_000, 7, 8].iter().enumerate().map(|(position, &rows)| {
        let path = folder.path().join(position.to_string());
        let numbers: Int64Array = (0..rows).map(|_| Some(rng.i64(..))).collect();
        let batch = RecordBatch::try_from_iter([("a", Arc::new(numbers) as ArrayRef)]).unwrap();
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        all.push(batch);
        recipe(position, Content::from(Source::pin(&path).unwrap()))
    });
    let files: Vec<_> = files.collect();

    let [pack] = &regroup(files.clone(), u64::MAX, true)[..] else { panic!("one pack") };

    let content = content_of(pack);
    let metadata = metadata(&content);
    let rows: Vec<_> = metadata.row_groups().iter().map(RowGroupMetaData::num_rows).collect();
    assert_eq!(rows, [30, 130_000, 5, 140_000, 15]);
    for (group, file) in [(1, 2), (3, 4)] {
        let size = metadata.row_group(group).compressed_size();
        let before = files[file].parts[0].footer.row_groups[0].size_bytes;
        assert_eq!(u64::try_from(size).unwrap(), before);
    }
    let reader = ParquetRecordBatchReaderBuilder::try_new(content.open().unwrap()).unwrap();
    let read: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    let schema = all[0].schema();
    assert_eq!(concat_batches(&schema, &read).unwrap(), concat_batches(&schema, &all).unwrap());
    assert_ne!(pack.name, regroup(files, u64::MAX, false)[0].name);
}
