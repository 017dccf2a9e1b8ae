//! The client's diff and the service's rule cannot disagree.

use std::{fs, path::Path, sync::Arc};

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use sutro::{
    client::ApiClient,
    schema::{FooterReader, Schema, diff},
    upload::{
        Paths, RewriteOptions, Source, Tracker, UploadError, UploadOptions, check_files, upload,
    },
};

use crate::support::{
    parquet_files::file_with_fields,
    server::{Part, TestServer},
};

/// Fields in the language of parquet's schema parser, with groups, lists and maps.
fn any_fields() -> impl Strategy<Value = String> {
    let repetition = prop_oneof![Just("required"), Just("optional")];
    let leaf = prop_oneof![
        Just("int32 {}"),
        Just("int64 {}"),
        Just("double {}"),
        Just("binary {}"),
        Just("binary {} (STRING)"),
        Just("int64 {} (TIMESTAMP(MICROS,true))"),
        Just("int64 {} (TIMESTAMP(MICROS,false))"),
        Just("int32 {} (DECIMAL(9,2))"),
    ];
    let name = prop_oneof![Just("a"), Just("b"), Just("c")];
    let field = (repetition.clone(), leaf, name.clone())
        .prop_map(|(repetition, leaf, name)| format!("{repetition} {};", leaf.replace("{}", name)));
    let nested = field.prop_recursive(3, 8, 2, move |inner| {
        let group =
            (repetition.clone(), name.clone(), proptest::collection::vec(inner.clone(), 1..3));
        let list = (repetition.clone(), name.clone(), inner.clone(), any::<bool>());
        prop_oneof![
            group.prop_map(|(repetition, name, fields)| {
                format!("{repetition} group {name} {{ {} }}", fields.concat())
            }),
            list.prop_map(|(repetition, name, element, is_spark)| {
                let middle = if is_spark { "bag" } else { "list" };
                format!(
                    "{repetition} group {name} (LIST) {{ repeated group {middle} {{ {element} }} }}"
                )
            }),
        ]
    });
    proptest::collection::vec(nested, 1..4).prop_map(|fields| fields.concat())
}

fn schema_of(file: &[u8]) -> Schema {
    let thrift_length = u32::from_le_bytes(file[file.len() - 8..][..4].try_into().unwrap());
    let end = file.len() - 8;
    let thrift = &file[end - usize::try_from(thrift_length).unwrap()..end];
    let footer = FooterReader::default().parse(thrift, file.len() as u64).unwrap();
    Arc::unwrap_or_clone(footer.schema)
}

#[test]
fn a_diff_is_empty_exactly_when_the_service_accepts_both_files() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let accepts_both = |first: &[u8], second: &[u8]| {
        runtime.block_on(async {
            let dataset_id = server.client().create_dataset().await.unwrap();
            let mut accepted = Vec::new();
            for (name, file) in [("a.parquet", first), ("b.parquet", second)] {
                let parts = [Part::Text("dataset_id", &dataset_id), Part::File(name, file)];
                accepted.push(server.upload(&parts).await.0.is_success());
            }
            assert!(accepted[0]);
            accepted[1]
        })
    };
    let mut runner = TestRunner::new(Config { cases: 96, ..Config::default() });
    // Two random schemas are hardly ever equal, so half of the pairs differ in nothing but
    // what does not matter, or in little.
    let pair = (any_fields(), any_fields(), any::<u8>());
    runner
        .run(&pair, |(one, other, how)| {
            let other = match how % 4 {
                0 => one.clone(),
                1 => one.replace("bag", "list"),
                2 => one.replacen("required", "optional", 1),
                _ => other,
            };
            let (first, second) = (file_with_fields(&one), file_with_fields(&other));
            let (a, b) = (schema_of(&first), schema_of(&second));
            prop_assert_eq!(diff(&a, &a), []);
            prop_assert_eq!(diff(&a, &b).is_empty(), accepts_both(&first, &second));
            Ok(())
        })
        .unwrap();
}

/// The same fields, or others that differ in what a cast can fix or not.
fn changed(fields: &str, how: u8) -> String {
    match how % 6 {
        0 => fields.replacen("required", "optional", 1),
        1 => fields.replacen("int32", "int64", 1),
        2 => fields.replacen("double", "int32", 1),
        3 => fields.replacen("(STRING)", "(JSON)", 1),
        4 => fields.replacen("MICROS", "MILLIS", 1),
        _ => fields.to_owned(),
    }
}

/// Whether a check says that the upload of a folder is accepted, and whether it is.
async fn verdicts(api: &ApiClient, folder: &Path, options: UploadOptions) -> (bool, bool) {
    let found = || {
        let paths = vec![folder.display().to_string()];
        Paths { paths, ..Paths::default() }.find().unwrap()
    };
    let checked = check_files(Some(api), found(), options.clone()).await.unwrap();
    let uploaded = upload(api, Source::Files(found()), options, Arc::new(Tracker::default())).await;
    if let Err(error) = &uploaded {
        assert!(matches!(error, UploadError::Check(_)), "{error}");
    }
    (checked.refusal.is_none(), uploaded.is_ok())
}

#[test]
fn a_check_says_what_the_upload_says_with_a_dataset_and_without() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(TestServer::start());
    let api = server.client();
    let mut runner = TestRunner::new(Config { cases: 96, ..Config::default() });
    let files = proptest::collection::vec((any_fields(), any::<u8>()), 1..4);
    let case = (proptest::option::of(any_fields()), files, any::<bool>(), any::<bool>());
    runner
        .run(&case, |(held, files, cast, ordered)| {
            let folder = tempfile::tempdir().unwrap();
            // Files without rows are cast wherever their schema can be.
            let base = held.clone().unwrap_or_else(|| files[0].0.clone());
            for (place, (other, how)) in files.iter().enumerate() {
                let fields = if how % 7 == 6 { other.clone() } else { changed(&base, *how) };
                let path = folder.path().join(format!("{place}.parquet"));
                fs::write(path, file_with_fields(&fields)).unwrap();
            }
            let (checked, uploaded) = runtime.block_on(async {
                let mut dataset_id = None;
                if let Some(fields) = &held {
                    let id = api.create_dataset().await.unwrap();
                    let file = file_with_fields(fields);
                    let parts = [Part::Text("dataset_id", &id), Part::File("held.parquet", &file)];
                    assert!(server.upload(&parts).await.0.is_success());
                    dataset_id = Some(id);
                }
                let rewrite = RewriteOptions { cast, recompress: false };
                let options =
                    UploadOptions { dataset_id, ordered, rewrite, ..UploadOptions::default() };
                verdicts(&api, folder.path(), options).await
            });
            prop_assert_eq!(checked, uploaded);
            Ok(())
        })
        .unwrap();
}
