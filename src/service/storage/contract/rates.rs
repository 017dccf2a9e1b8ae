//! How many commits a second a catalog takes. These tests assert nothing; run them alone:
//! `cargo test --release --lib commits_a_second -- --ignored --nocapture`.

use std::time::Instant;

use futures_util::future::join_all;

use super::{
    super::{
        catalog::Catalog,
        writes::{Appended, Created, NewFile},
    },
    data_schema,
    fixture::{Fixture, begin},
    new_file,
};

const COMMITS: usize = 2_000;

/// Appends files from several writers at the same time, each to the next of the datasets. The
/// uploads were recorded before.
async fn commits_a_second(catalogs: &[Catalog], writers: usize, datasets: usize) -> f64 {
    let catalog = |writer: usize| &catalogs[writer % catalogs.len()];
    let run = format!("{}-{writers}-{datasets}", catalogs.len());
    for dataset in 0..datasets {
        let id = format!("rate-{run}-{dataset}");
        let created = catalog(0).create_dataset(None, &id, None, 10_000).await.unwrap();
        assert_eq!(created, Created::Done);
    }
    let file = |writer: usize, number: usize| NewFile {
        file_name: format!("{writer}-{number}"),
        ..new_file(&format!("rate-{run}-{writer}-{number}"))
    };
    let each = COMMITS / writers;
    join_all((0..writers).map(async |writer| {
        for number in 0..each {
            begin(catalog(writer), &file(writer, number)).await;
        }
    }))
    .await;
    let (schema, begun) = (&data_schema("a"), Instant::now());
    join_all((0..writers).map(async |writer| {
        let id = format!("rate-{run}-{}", writer % datasets);
        for number in 0..each {
            let file = [file(writer, number)];
            let appended = catalog(writer).append(&id, schema, &file).await.unwrap();
            assert_eq!(appended, Appended::Done);
        }
    }))
    .await;
    f64::from(u32::try_from(each * writers).unwrap()) / begun.elapsed().as_secs_f64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "shows figures, and asserts nothing"]
async fn commits_a_second_of_postgresql() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let mut instances = Vec::new();
    for _ in 0..4 {
        instances.push(fixture.open().await);
    }
    for (catalogs, writers, datasets) in
        [(1, 1, 1), (1, 4, 1), (4, 4, 1), (1, 4, 4), (4, 4, 4), (4, 8, 8), (4, 16, 8), (4, 16, 1)]
    {
        let rate = commits_a_second(&instances[..catalogs], writers, datasets).await;
        eprintln!("{catalogs} instances, {writers} writers, {datasets} datasets: {rate:.0}/s");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "shows figures, and asserts nothing"]
async fn commits_a_second_of_sqlite() {
    for fixture in [Fixture::sqlite(), Fixture::sqlite_with_records()] {
        let instances = [fixture.open().await];
        for (writers, datasets) in [(1, 1), (4, 1), (8, 8)] {
            let rate = commits_a_second(&instances, writers, datasets).await;
            eprintln!("{writers} writers, {datasets} datasets: {rate:.0}/s");
        }
    }
}
