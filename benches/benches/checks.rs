//! What a check costs before anything is sent: footers, and schemas compared.

use std::{fs, path::Path, sync::Arc};

use criterion::{Criterion, criterion_group, criterion_main};
use parquet::{
    data_type::Int64Type,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::{parser::parse_message_type, types::TypePtr},
};
use sutro::{
    schema::{Footer, FooterReader, Schema, diff},
    upload::{Paths, UploadOptions, check_files},
};
use tokio::runtime::Runtime;

const FILES: usize = 5_000;
const COLUMNS: usize = 20;

fn schema(columns: usize) -> TypePtr {
    let fields: String = (0..columns).map(|n| format!("required int64 column_{n};")).collect();
    Arc::new(parse_message_type(&format!("message schema {{ {fields} }}")).unwrap())
}

/// One row group of ten rows.
fn file(columns: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema(columns), properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let values: Vec<_> = (0..10).collect();
    while let Some(mut column) = group.next_column().unwrap() {
        column.typed::<Int64Type>().write_batch(&values, None, None).unwrap();
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
    bytes
}

fn footer(file: &[u8]) -> Footer {
    let (rest, trailer) = file.split_last_chunk::<8>().unwrap();
    let length = Footer::encoded_len(*trailer, file.len() as u64).unwrap();
    let thrift = &rest[rest.len() - usize::try_from(length).unwrap()..];
    FooterReader::default().parse(thrift, file.len() as u64).unwrap()
}

fn check_a_folder(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let content = file(COLUMNS);
    for n in 0..FILES {
        fs::write(folder.path().join(format!("part-{n}.parquet")), &content).unwrap();
    }
    let runtime = Runtime::new().unwrap();
    let check = |folder: &Path| {
        let paths = Paths { paths: vec![folder.display().to_string()], ..Paths::default() };
        let report = runtime.block_on(check_files(None, paths.find().unwrap(), UploadOptions::default())).unwrap();
        assert_eq!(report.files.len(), FILES);
    };
    let mut group = criterion.benchmark_group("check");
    group.sample_size(10);
    group.bench_function(format!("{FILES} files of {COLUMNS} columns"), |bencher| {
        bencher.iter(|| check(folder.path()));
    });
}

fn parse_a_footer(criterion: &mut Criterion) {
    for columns in [COLUMNS, 1_000] {
        let content = file(columns);
        criterion.bench_function(&format!("footer of {columns} columns"), |bencher| {
            bencher.iter(|| footer(&content));
        });
    }
}

fn compare_schemas(criterion: &mut Criterion) {
    let of = |columns| -> Arc<Schema> { footer(&file(columns)).schema };
    let (one, other) = (of(1_000), of(999));
    criterion.bench_function("diff of 1,000 columns", |bencher| {
        bencher.iter(|| diff(&one, &other));
    });
}

criterion_group!(checks, parse_a_footer, compare_schemas, check_a_folder);
criterion_main!(checks);
