//! Bodies on loopback: multipart framing, reads, the held tail and its release, through the
//! public face and to the neutral receiver.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use parquet::{
    data_type::{ByteArray, ByteArrayType},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use sutro::{
    client::ApiClient,
    credentials::ApiKey,
    upload::{Paths, Source, Tracker, UploadOptions, upload},
};
use tokio::runtime::Runtime;

struct Receiver {
    process: Child,
    url: String,
}

impl Receiver {
    fn start() -> Self {
        let mut process =
            Command::new(env!("CARGO_BIN_EXE_receiver")).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned() }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// One value that fills the file.
fn write_file(path: &Path, size: usize) {
    let schema = parse_message_type("message schema { required binary value; }").unwrap();
    let properties = WriterProperties::builder().set_dictionary_enabled(false).build();
    let file = fs::File::create(path).unwrap();
    let mut writer =
        SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let value = ByteArray::from(vec![b'x'; size]);
    column.typed::<ByteArrayType>().write_batch(&[value], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

fn bodies(criterion: &mut Criterion) {
    let runtime = Runtime::new().unwrap();
    let mut group = criterion.benchmark_group("upload");
    group.sample_size(20);
    for (count, size) in [(100, 1_000), (16, 4_000_000)] {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..count {
            write_file(&folder.path().join(format!("{number}.parquet")), size);
        }
        group.throughput(Throughput::Bytes((count * size) as u64));
        group.bench_function(format!("{count} files of {size} bytes"), |bencher| {
            // The listing that ends an upload must be that of this one.
            bencher.iter_batched(
                Receiver::start,
                |receiver| {
                    let key = ApiKey::new("key").unwrap();
                    let client = ApiClient::new(&receiver.url, key).unwrap();
                    let paths = vec![folder.path().display().to_string()];
                    let source = Source::Paths(Paths { paths, ..Paths::default() });
                    let tracker = Arc::new(Tracker::default());
                    let options = UploadOptions::default();
                    runtime.block_on(upload(&client, source, options, tracker)).unwrap();
                    receiver
                },
                criterion::BatchSize::PerIteration,
            );
        });
    }
}

criterion_group!(upload_bodies, bodies);
criterion_main!(upload_bodies);
