//! Properties of files with a limited size, over frames of any shape.

use std::{sync::Arc, time::Duration};

use arrow_array::{
    ArrayRef, BooleanArray, Int64Array, ListArray, RecordBatch, RecordBatchIterator, StringArray,
    StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields};
use arrow_select::concat::concat_batches;
use fastrand::Rng;
use parquet::{
    arrow::arrow_reader::ParquetRecordBatchReaderBuilder,
    file::reader::{FileReader, SerializedFileReader},
};

use crate::{
    source::Content,
    upload::frames::{Decimals, FileLimits, FrameEncoder},
};

/// Texts of very different lengths, some of which repeat.
fn texts(rng: &mut Rng, count: usize) -> StringArray {
    let longest = *rng.choice(&[1, 20, 500, 5_000]).unwrap();
    let text = |rng: &mut Rng| match rng.usize(..10) {
        0 => None,
        1 => Some("the same".repeat(rng.usize(1..=longest))),
        _ => {
            let length = rng.usize(..=longest);
            Some((0..length).map(|_| rng.alphanumeric()).collect())
        }
    };
    (0..count).map(|_| text(rng)).collect()
}

fn nested(rng: &mut Rng, count: usize) -> ArrayRef {
    let lengths: Vec<_> = (0..count).map(|_| rng.usize(..4)).collect();
    let offsets = OffsetBuffer::from_lengths(lengths.iter().copied());
    let total = lengths.iter().sum();
    let fields = Fields::from(vec![
        Field::new("flag", DataType::Boolean, true),
        Field::new("text", DataType::Utf8, true),
    ]);
    let flags: BooleanArray = (0..total).map(|_| (rng.u8(..4) > 0).then(|| rng.bool())).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(flags), Arc::new(texts(rng, total))];
    let items = StructArray::new(fields.clone(), columns, None);
    let item = Arc::new(Field::new("item", DataType::Struct(fields), true));
    let nulls: NullBuffer = (0..count).map(|_| rng.u8(..5) > 0).collect();
    Arc::new(ListArray::new(item, offsets, Arc::new(items), Some(nulls)))
}

fn rows(rng: &mut Rng, first: usize, count: usize) -> RecordBatch {
    let ids: Int64Array = (first..first + count).map(|id| i64::try_from(id).ok()).collect();
    let columns: [(&str, ArrayRef, bool); 3] = [
        ("id", Arc::new(ids), true),
        ("text", Arc::new(texts(rng, count)), true),
        ("nested", nested(rng, count), true),
    ];
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn any_frame(rng: &mut Rng) -> Vec<RecordBatch> {
    let mut first = 0;
    let batches = (0..rng.usize(1..6)).map(|_| {
        let count = *rng.choice(&[0, 1, 7, 300, 1_000]).unwrap();
        let batch = rows(rng, first, count);
        first += count;
        batch
    });
    batches.collect()
}

fn files(batches: &[RecordBatch], limits: FileLimits) -> (Vec<Content>, usize) {
    let (owned, schema) = (batches.to_vec(), batches[0].schema());
    let frame = RecordBatchIterator::new(owned.into_iter().map(Ok), schema);
    let mut encoder =
        FrameEncoder::new("frame", Box::new(frame), limits, Decimals::Integers).unwrap();
    let mut files = Vec::new();
    while !encoder.is_exhausted() {
        files.extend(encoder.encode(Duration::from_secs(1)).unwrap());
    }
    (files, encoder.oversized_files())
}

fn read(file: &Content, like: &RecordBatch) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file.open().unwrap()).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    let columns = concat_batches(&schema, &batches).unwrap().columns().to_vec();
    RecordBatch::try_new(like.schema(), columns).unwrap()
}

#[test]
fn no_file_with_several_rows_is_larger_than_its_limit() {
    for seed in 0..40 {
        let mut rng = Rng::with_seed(seed);
        let frame = any_frame(&mut rng);
        let all = concat_batches(&frame[0].schema(), &frame).unwrap();
        let bytes = *rng.choice(&[1, 3_000, 6_000, 20_000, 100_000, 1_000_000]).unwrap();
        let limits = FileLimits {
            rows: *rng.choice(&[None, Some(1), Some(100), Some(5_000)]).unwrap(),
            bytes: Some(bytes),
        };

        let (made, oversized) = files(&frame, limits);

        let read: Vec<_> = made.iter().map(|file| read(file, &all)).collect();
        assert_eq!(concat_batches(&all.schema(), &read).unwrap(), all, "seed {seed}");
        let mut too_large = 0;
        for (file, rows) in made.iter().zip(&read) {
            let rows = rows.num_rows();
            assert!(file.size() <= bytes || rows <= 1, "seed {seed}: {} of {bytes}", file.size());
            assert!(limits.rows.is_none_or(|most| rows <= most), "seed {seed}: {rows} rows");
            assert!(rows > 0 || all.num_rows() == 0 && made.len() == 1, "seed {seed}");
            too_large += usize::from(file.size() > bytes);
        }
        assert_eq!(oversized, too_large, "seed {seed}");

        let hashes =
            |files: &[Content]| files.iter().map(Content::known_hashes).collect::<Vec<_>>();
        assert_eq!(hashes(&files(&frame, limits).0), hashes(&made), "seed {seed}");
    }
}

#[test]
fn files_are_nearly_as_large_as_they_may_be() {
    for (seed, bytes) in [(1, 200_000), (2, 1_000_000), (3, 3_000_000)] {
        let mut rng = Rng::with_seed(seed);
        let ids: Int64Array = (0..1_000_000).map(|_| Some(rng.i64(..))).collect();
        let frame = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
        let (made, oversized) = files(&[frame], FileLimits { rows: None, bytes: Some(bytes) });
        let total: u64 = made.iter().map(Content::size).sum();
        let fewest = usize::try_from(total.div_ceil(bytes)).unwrap();
        assert!(made.len() <= fewest + fewest / 4 + 1, "{} files of {fewest}", made.len());
        let groups: usize = made.iter().map(row_groups).sum();
        assert!(groups <= made.len() * 8, "{groups} row groups in {} files", made.len());
        assert_eq!(oversized, 0);
    }
}

fn row_groups(file: &Content) -> usize {
    let reader = SerializedFileReader::new(file.open().unwrap()).unwrap();
    reader.metadata().num_row_groups()
}

#[test]
fn a_row_that_is_larger_than_the_limit_is_a_file_by_itself() {
    let long: String = (0..50_000).map(|_| fastrand::alphanumeric()).collect();
    let texts: StringArray =
        (0..1_000).map(|row| Some(if row == 500 { long.as_str() } else { "short" })).collect();
    let frame = RecordBatch::try_from_iter([("text", Arc::new(texts) as ArrayRef)]).unwrap();
    let (made, oversized) =
        files(std::slice::from_ref(&frame), FileLimits { rows: None, bytes: Some(20_000) });
    let rows: Vec<_> = made.iter().map(|file| read(file, &frame).num_rows()).collect();
    assert_eq!(rows, [500, 1, 499]);
    assert_eq!(oversized, 1);
}

#[test]
fn page_indexes_and_statistics_survive() {
    let ids: Int64Array = (0..100_000).map(Some).collect();
    let frame = RecordBatch::try_from_iter([("id", Arc::new(ids) as ArrayRef)]).unwrap();
    let (made, _) = files(&[frame], FileLimits { rows: None, bytes: Some(300_000) });
    assert!(made.len() > 1);
    for file in made {
        let options = parquet::file::serialized_reader::ReadOptionsBuilder::new();
        let options = options.with_page_index().build();
        let reader = SerializedFileReader::new_with_options(file.open().unwrap(), options).unwrap();
        let metadata = reader.metadata();
        assert!(metadata.column_index().is_some() && metadata.offset_index().is_some());
        let columns = metadata.row_groups().iter().map(|group| group.column(0));
        for column in columns {
            assert_eq!(column.statistics().unwrap().null_count_opt(), Some(0));
        }
    }
}
