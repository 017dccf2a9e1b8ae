//! A file with a damaged footer goes through the packer: it is refused with an error that names it,
//! or its packs have its rows.
//!
//! The input is edits of the footer of a valid file, so that most of it gets past the first field.
#![no_main]

use std::sync::{Arc, LazyLock};

use arrow_array::{
    ArrayRef, Int64Array, ListArray, RecordBatch, StringArray, StructArray, types::Int32Type,
};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use parquet::{arrow::ArrowWriter, file::properties::WriterProperties};
use sutro::upload::{damaged, pack_and_compare};

/// Two row groups with nulls, dictionaries, lists, structs, page indexes and bloom filters.
static INTACT: LazyLock<Bytes> = LazyLock::new(|| {
    // The crate panics on some damaged footers, and the packer recovers. By default, libFuzzer would
    // end at each panic; it still does at those of this target.
    std::panic::set_hook(Box::new(|panic| {
        if !panic.location().is_some_and(|place| place.file().contains("/parquet-")) {
            eprintln!("{panic}");
        }
    }));
    let numbers: Int64Array = (0..20).map(|row| (row % 3 > 0).then_some(row)).collect();
    let texts: StringArray = (0..20).map(|row| Some(["a", "a longer text"][row % 2])).collect();
    let lists = (0..20).map(|row| (row % 4 > 0).then(|| vec![Some(row), None]));
    let lists = ListArray::from_iter_primitive::<Int32Type, _, _>(lists);
    let columns: [(&str, ArrayRef); 3] =
        [("number", Arc::new(numbers)), ("text", Arc::new(texts)), ("list", Arc::new(lists))];
    let rows = RecordBatch::try_from_iter(columns.clone()).unwrap();
    let nested: ArrayRef = Arc::new(StructArray::from(rows));
    let all = columns.into_iter().chain([("nested", nested)]);
    let rows = RecordBatch::try_from_iter_with_nullable(all.map(|(name, it)| (name, it, true)));
    let rows = rows.unwrap();
    let properties = WriterProperties::builder()
        .set_bloom_filter_enabled(true)
        .set_data_page_row_count_limit(7)
        .set_write_batch_size(4)
        .build();
    let mut file = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut file, rows.schema(), Some(properties)).unwrap();
    for _ in 0..2 {
        writer.write(&rows).unwrap();
        writer.flush().unwrap();
    }
    writer.close().unwrap();
    file.into()
});

fuzz_target!(|input: &[u8]| {
    let intact = &*INTACT;
    let Some((first, edits)) = input.split_first() else { return };
    let target_size = [1, 500, u64::MAX][usize::from(first % 3)];
    let file = Bytes::from(damaged(intact, edits));
    let outcome = pack_and_compare(&file, intact, target_size);
    assert!(outcome.is_ok(), "{outcome:?}");
});
