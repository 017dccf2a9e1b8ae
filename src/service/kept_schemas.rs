//! Every schema that the server accepts can be listed, returned and appended to, also after a
//! restart.

use std::{cell::Cell, path::Path, sync::Arc};

use parquet::{
    basic::{LogicalType, Repetition, Type as Physical},
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::types::{Type, TypePtr},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::{Value, json};

use super::local::{LocalServer, ServerConfig};
use crate::schema::StoredAsBefore;

/// The shape of a schema: the number of nested groups and of columns, and a name.
type Shape = (usize, usize, String, u8);

fn any_shape() -> impl Strategy<Value = Shape> {
    let name = prop_oneof![Just("a".to_owned()), any::<String>(), "\\PC{1,300}"];
    (1..110_usize, 1..40_usize, name, any::<u8>())
}

fn leaf(name: &str) -> TypePtr {
    let builder = Type::primitive_type_builder(name, Physical::INT64);
    Arc::new(builder.with_repetition(Repetition::OPTIONAL).build().unwrap())
}

/// `kind` alternates structs and lists by its bits.
fn file((depth, width, name, kind): &Shape) -> Vec<u8> {
    let group = |name: &str, repetition, logical, fields| {
        let builder = Type::group_type_builder(name).with_repetition(repetition);
        Arc::new(builder.with_logical_type(logical).with_fields(fields).build().unwrap())
    };
    let mut column = leaf(name);
    for level in 1..*depth {
        column = if kind >> (level % 8) & 1 == 0 {
            group(name, Repetition::OPTIONAL, None, vec![column])
        } else {
            let list = group("list", Repetition::REPEATED, None, vec![column]);
            group(name, Repetition::OPTIONAL, Some(LogicalType::List), vec![list])
        };
    }
    let mut columns = vec![column];
    columns.extend((1..*width).map(|place| leaf(&format!("{name}{place}"))));
    let root = Type::group_type_builder("schema").with_fields(columns).build().unwrap();
    let properties = Arc::new(WriterProperties::builder().build());
    SerializedFileWriter::new(Vec::new(), Arc::new(root), properties).unwrap().into_inner().unwrap()
}

struct Caller {
    server: LocalServer,
    http: reqwest::Client,
}

impl Caller {
    async fn on(folder: &Path) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = LocalServer::start(ServerConfig::loopback(folder)).await.unwrap();
        Self { server, http: reqwest::Client::new() }
    }

    async fn send(&self, call: &str, request: reqwest::RequestBuilder) -> Result<Vec<u8>, String> {
        let key = self.server.api_key().unwrap().header_value();
        let answer = request.header("authorization", key).send().await.unwrap();
        let (status, body) = (answer.status(), answer.bytes().await.unwrap());
        let words = || format!("{call}: {status} {}", String::from_utf8_lossy(&body));
        if status.is_success() { Ok(body.to_vec()) } else { Err(words()) }
    }

    async fn ask(&self, call: &str, question: Value) -> Result<Vec<u8>, String> {
        let url = format!("{}/{call}", self.server.api_url());
        self.send(call, self.http.post(url).json(&question)).await
    }

    async fn upload(&self, id: &str, name: &str, file: &[u8]) -> Result<Vec<u8>, String> {
        let mut body = format!(
            "--b\r\nContent-Disposition: form-data; name=\"dataset_id\"\r\n\r\n{id}\r\n--b\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        )
        .into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--b--\r\n");
        let url = format!("{}/upload-to-dataset", self.server.api_url());
        let request = self.http.post(url).header("content-type", "multipart/form-data; boundary=b");
        self.send("upload", request.body(body)).await
    }

    /// All calls about a dataset with one file.
    async fn use_all(&self, id: &str, names: [&str; 2], file: &[u8]) -> Result<(), String> {
        self.upload(id, names[1], file).await?;
        let listing = self.ask("list-dataset-files", json!({"dataset_id": id})).await?;
        let listing: Value = serde_json::from_slice(&listing).map_err(|error| error.to_string())?;
        let listed = listing["files"].as_array().map_or(0, Vec::len);
        if listed < 2 {
            return Err(format!("{listed} files are listed"));
        }
        self.ask("list-datasets", json!({})).await?;
        let what = json!({"dataset_id": id, "file_name": names[1]});
        let same = self.ask("download-from-dataset", what).await? == file;
        if same { Ok(()) } else { Err("other bytes came back".to_owned()) }
    }
}

/// Uploads a file of the shape and uses its dataset, before and after a restart. False if the
/// server rejects the schema.
async fn take_and_use(folder: &Path, id: &str, shape: &Shape) -> Result<bool, String> {
    let file = file(shape);
    let caller = Caller::on(folder).await;
    caller.ask(&format!("create-dataset?dataset_id={id}"), json!({})).await?;
    let first = caller.upload(id, "a.parquet", &file).await;
    let used = match &first {
        Ok(_) => caller.use_all(id, ["a.parquet", "b.parquet"], &file).await,
        Err(_) => caller.ask("list-datasets", json!({})).await.map(drop),
    };
    caller.server.stop().await;
    let caller = Caller::on(folder).await;
    let after = match &first {
        Ok(_) => caller.use_all(id, ["a.parquet", "c.parquet"], &file).await,
        Err(words) if words.contains("nested more than") => Ok(()),
        Err(words) => Err(words.clone()),
    };
    caller.server.stop().await;
    used.and(after).map(|()| first.is_ok())
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// The first shape for which an acknowledged upload could not be used as it should.
fn first_broken(cases: u32) -> (u32, u32, Option<String>) {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let (taken, refused) = (Cell::new(0), Cell::new(0));
    let outcome = TestRunner::new(Config {
        cases,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..Config::default()
    })
    .run(&any_shape(), |shape| {
        let count = taken.get() + refused.get();
        let used =
            runtime.block_on(take_and_use(folder.path(), &format!("dataset-{count}"), &shape));
        match used {
            Ok(true) => taken.set(taken.get() + 1),
            Ok(false) => refused.set(refused.get() + 1),
            Err(words) => return Err(TestCaseError::fail(format!("{shape:?}: {words}"))),
        }
        Ok(())
    });
    (taken.get(), refused.get(), outcome.err().map(|error| error.to_string()))
}

#[test]
fn every_accepted_schema_is_listed_returned_and_appended_to() {
    let (taken, refused, broken) = first_broken(64);
    assert_eq!(broken, None);
    eprintln!("{taken} schemas taken, {refused} refused");
    assert!(taken > 16);
}

#[test]
fn the_mutant_that_stores_schemas_with_their_depth_is_found() {
    let _planted = StoredAsBefore::plant();
    let (_, _, broken) = first_broken(64);
    let broken = broken.expect("the planted bug is found");
    assert!(broken.contains("500"), "{broken}");
}

#[test]
fn wide_schemas_and_long_names_are_accepted_and_usable() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let shapes = [
        (1, 6_000, "a".to_owned(), 0),
        (60, 2_000, "\u{0}\"\\é\u{1F600} ".repeat(20), 0),
        (2, 3, "n".repeat(1_000_000), 1),
    ];
    for (place, shape) in shapes.iter().enumerate() {
        let used = runtime.block_on(take_and_use(folder.path(), &format!("d{place}"), shape));
        assert_eq!(used, Ok(true), "{place}");
    }
}

#[test]
fn a_dataset_that_an_earlier_release_had_locked_out_opens() {
    let (runtime, folder) = (runtime(), tempfile::tempdir().unwrap());
    let shape = (40, 2, "a".to_owned(), 0);
    {
        let _planted = StoredAsBefore::plant();
        let locked = runtime.block_on(take_and_use(folder.path(), "d", &shape));
        assert!(locked.unwrap_err().contains("500"));
    }
    let used = runtime.block_on(async {
        let caller = Caller::on(folder.path()).await;
        caller.use_all("d", ["a.parquet", "d.parquet"], &file(&shape)).await
    });
    assert_eq!(used, Ok(()));
}
