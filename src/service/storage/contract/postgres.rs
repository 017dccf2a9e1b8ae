//! Faults between a catalog and PostgreSQL. Results are correct, and each write happens once.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, SocketAddr},
    panic::AssertUnwindSafe,
    time::Duration,
};

use bytes::Bytes;
use futures_util::FutureExt;
use sqlx::{Connection as _, PgConnection, Row as _};
use tokio::{sync::watch, task::JoinSet, time::sleep};

use super::{
    super::{
        api_keys::AddedKey,
        catalog::Catalog,
        commit_staged::Committed,
        deletion::Deleted,
        error::StorageError,
        mutants::{Mutant, plant},
        records::ChangeRecords,
        staging::Staged,
        writes::{Appended, Created, NewFile},
    },
    catalog::{names, writers_side_by_side_leave_no_gap_and_take_no_name_twice},
    commit_proxy::{CommitProxy, Cut},
    data_schema,
    fixture::{Fixture, begin, delete},
    keys::add as add_key,
    new_file, postgres_server,
    staging::{QUOTA, commit, done, files as committed_files, staged_file},
};

/// The URL of a database through another port.
fn through(url: &str, port: u16) -> String {
    let (start, rest) = url.rsplit_once(':').unwrap();
    format!("{start}:{port}/{}", rest.split_once('/').unwrap().1)
}

fn address(url: &str) -> SocketAddr {
    let port = url.rsplit_once(':').unwrap().1.split_once('/').unwrap().0;
    (Ipv4Addr::LOCALHOST, port.parse().unwrap()).into()
}

/// A file whose upload was recorded.
async fn recorded(catalog: &Catalog, id: &str) -> NewFile {
    let file = new_file(id);
    begin(catalog, &file).await;
    file
}

async fn append(
    catalog: &Catalog,
    dataset: &str,
    file: &NewFile,
) -> Result<Appended, StorageError> {
    catalog.append(dataset, &data_schema("a"), std::slice::from_ref(file)).await
}

/// Repeats each write until all cuts were used: every result is correct, and each write happens
/// once.
async fn commits_are_looked_up(url: &str, cuts: &[Cut]) {
    let direct = Fixture::at(url).with_dataset("cut").await;
    let proxy = CommitProxy::start(address(url)).await;
    let catalog = Fixture::at(&through(url, proxy.port)).open().await;
    proxy.plan(cuts);
    let mut expected = Vec::new();
    for number in 0.. {
        if proxy.left() == 0 {
            break;
        }
        let (id, name) = (format!("cut-{number}"), format!("staged-{number}"));
        let created = catalog.create_dataset(Some("owner"), &id, None, 1_000).await.unwrap();
        assert_eq!(created, Created::Done);
        let file = recorded(&direct, &format!("appended-{number}")).await;
        assert_eq!(append(&catalog, "cut", &file).await.unwrap(), Appended::Done);
        // Every second file is small, and has no record.
        let bytes = (number % 2 == 1).then(|| Bytes::from_static(b"content"));
        let small = NewFile { small: bytes.clone(), ..new_file(&format!("small-{number}")) };
        if bytes.is_some() {
            assert_eq!(append(&catalog, "cut", &small).await.unwrap(), Appended::Done);
            let deleted = delete(&direct, None, "cut", Some(&small.file_name)).await;
            assert_eq!(deleted, Deleted::Done(Vec::new()));
        }
        let mut staged = staged_file("cut", &name, "a");
        staged.file.small = bytes;
        begin(&direct, &staged.file).await;
        assert_eq!(catalog.stage(staged, QUOTA).await.unwrap(), Staged::Done);
        let committed = commit(&catalog, "cut", expected.len() as u64 + 1, &[&name]).await;
        let before = Committed::Before(committed_files("cut", &[&name]));
        assert!([done("cut", &[&name]), before].contains(&committed), "{committed:?}");
        expected.push(name);
        let (key, at) = (format!("key {number}"), i64::from(number));
        assert_eq!(add_key(&catalog, "holder", &key, at).await, AddedKey::Done);
        assert_eq!(catalog.revoke_keys("holder", at).await.unwrap().len(), 1);
        let deleted = delete(&catalog, None, "cut", Some(&file.file_name)).await;
        assert!(matches!(deleted, Deleted::Done(_)), "{deleted:?}");
        let deleted = delete(&catalog, Some("owner"), &id, None).await;
        assert!(matches!(deleted, Deleted::Done(_)), "{deleted:?}");
    }
    assert_eq!(names(&direct, "cut").await, expected);
    assert_eq!(direct.staged_by("").await.unwrap().files, 0);
    assert_eq!(direct.datasets(Some("owner")).await.unwrap().len(), 0);
}

const CUTS: [Cut; 12] = [
    Cut::Before,
    Cut::After,
    Cut::Pass,
    Cut::After,
    Cut::After,
    Cut::Before,
    Cut::Before,
    Cut::Pass,
    Cut::Pass,
    Cut::After,
    Cut::Pass,
    Cut::After,
];

#[tokio::test]
async fn an_unknown_commit_is_looked_up_until_it_is_known() {
    let Some(url) = postgres_server::database().await else { return };
    let rotated = |shift: usize| {
        let mut cuts = CUTS;
        cuts.rotate_left(shift % CUTS.len());
        cuts
    };
    let cuts: Vec<_> = (0..40).flat_map(rotated).collect();
    commits_are_looked_up(&url, &cuts).await;
}

/// The server ends such a transaction by itself. Until then, it holds its locks.
#[tokio::test]
async fn a_commit_that_never_arrives_is_found_not_to_have_happened() {
    let Some(url) = postgres_server::database().await else { return };
    commits_are_looked_up(&url, &[Cut::Pass, Cut::Silence, Cut::Silence]).await;
}

#[tokio::test]
async fn the_mutant_that_looks_up_no_unknown_commit_is_found() {
    let Some(url) = postgres_server::database().await else { return };
    let _planted = plant(Mutant::NoLookUpAfterCommit);
    // The dataset is created, and a file is appended.
    let test = commits_are_looked_up(&url, &[Cut::Pass, Cut::After]);
    assert!(AssertUnwindSafe(test).catch_unwind().await.is_err());
}

#[tokio::test]
async fn the_mutant_that_does_not_lock_the_dataset_is_found() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let _planted = plant(Mutant::NoLockOfTheDataset);
    let test = writers_side_by_side_leave_no_gap_and_take_no_name_twice(&fixture);
    assert!(AssertUnwindSafe(test).catch_unwind().await.is_err());
}

/// Writers that append until they are stopped. Returns what was acknowledged, by dataset.
struct Load {
    writers: JoinSet<Vec<(String, String)>>,
    is_over: watch::Sender<bool>,
}

impl Load {
    /// Each writer has its own instance. The datasets are `load-0`, `load-1`, ….
    async fn start(url: &str, writers: usize, datasets: usize) -> Self {
        let setup = Fixture::at(url).open().await;
        for dataset in 0..datasets {
            let id = format!("load-{dataset}");
            setup.create_dataset(None, &id, None, 1_000).await.unwrap();
        }
        setup.close().await;
        let (is_over, over) = watch::channel(false);
        let mut load = Self { writers: JoinSet::new(), is_over };
        for writer in 0..writers {
            let catalog = Fixture::at(url).open().await;
            let dataset = format!("load-{}", writer % datasets);
            load.writers.spawn(write_until(catalog, writer, dataset, over.clone()));
        }
        load
    }

    /// Checks that each dataset has what was acknowledged, each file once and in the order of its
    /// writer, and nothing else. Returns the number of files.
    async fn stop(mut self, url: &str) -> usize {
        self.is_over.send_replace(true);
        let mut acknowledged: HashMap<String, Vec<Vec<String>>> = HashMap::new();
        while let Some(files) = self.writers.join_next().await {
            let files = files.unwrap();
            let dataset = files.first().expect("a writer wrote nothing").0.clone();
            let names = files.into_iter().map(|(_, name)| name).collect();
            acknowledged.entry(dataset).or_default().push(names);
        }
        let (catalog, mut count) = (Fixture::at(url).open().await, 0);
        for (dataset, of_writers) in acknowledged {
            let names = names(&catalog, &dataset).await;
            count += names.len();
            assert_eq!(names.len(), of_writers.iter().map(Vec::len).sum::<usize>(), "{dataset}");
            let places: HashMap<_, _> =
                names.iter().enumerate().map(|(at, name)| (name, at)).collect();
            assert_eq!(places.len(), names.len(), "a file is there twice");
            for of_writer in of_writers {
                let places: Vec<_> = of_writer.iter().map(|name| places[name]).collect();
                assert!(places.is_sorted(), "{dataset}: another order");
            }
        }
        assert_eq!(catalog.expired_records(i64::MAX, "", 10).await.unwrap(), Vec::<String>::new());
        count
    }
}

/// If the catalog is temporarily unavailable, the file is sent again, as clients do.
async fn write_until(
    catalog: Catalog,
    writer: usize,
    dataset: String,
    over: watch::Receiver<bool>,
) -> Vec<(String, String)> {
    let mut acknowledged = Vec::new();
    for number in 0.. {
        if *over.borrow() {
            break;
        }
        let file = new_file(&format!("{writer}-{number}"));
        loop {
            let change = ChangeRecords::Begin { file_id: &file.file_id, expires_at: i64::MAX };
            let appended = match catalog.change_records(change).await {
                Ok(()) => append(&catalog, &dataset, &file).await,
                Err(error) => Err(error),
            };
            match appended {
                Ok(Appended::Done) => break,
                Err(StorageError::Unreachable(_)) => {}
                wrong => panic!("{wrong:?}"),
            }
        }
        acknowledged.push((dataset.clone(), file.file_name));
    }
    catalog.close().await;
    acknowledged
}

#[tokio::test]
async fn sessions_that_are_ended_at_any_moment_leave_each_commit_once() {
    let Some(url) = postgres_server::database().await else { return };
    let load = Load::start(&url, 8, 3).await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    let (mut ended, mut random) = (0, fastrand::Rng::with_seed(7));
    while ended < 250 {
        sleep(Duration::from_micros(random.u64(100..20_000))).await;
        let end = "SELECT count(pg_terminate_backend(pid)) AS ended FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid() \
                   AND random() < 0.3";
        let row = sqlx::query(end).fetch_one(&mut connection).await.unwrap();
        ended += row.get::<i64, _>("ended");
    }
    let count = load.stop(&url).await;
    eprintln!("{ended} sessions ended, {count} files appended");
}
