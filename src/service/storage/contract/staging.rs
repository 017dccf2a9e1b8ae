//! The contract of a catalog for staged files.

use futures_util::{StreamExt, future::join_all, stream};

use super::{
    super::{
        catalog::Catalog,
        commit_staged::{Committed, StagedCommit},
        staged_totals::{Quota, StagedTotals},
        staging::{Expired, NewStaged, SchemaText, Staged, StagedSchema},
        writes::{Appended, Created, NewFile},
    },
    catalog::{append, names},
    data_schema,
    fixture::{Fixture, stage_file},
    new_file,
};
use crate::wire::staging::CommittedFile;

pub(super) const QUOTA: Quota = Quota { max_files: 100_000, max_bytes: u64::MAX };

/// Every staged file of this module expires then.
const EXPIRY: i64 = 100;

pub(super) fn staged_file(id: &str, name: &str, column: &str) -> NewStaged {
    NewStaged {
        owner: String::new(),
        dataset_id: id.to_owned(),
        file: NewFile { file_name: name.to_owned(), ..new_file(&format!("{id}-{name}")) },
        schema: StagedSchema::Own(SchemaText::of(&data_schema(column))),
        expires_at: EXPIRY,
    }
}

/// A file that was compared with the schema of its dataset.
pub(super) async fn with_the_datasets(catalog: &Catalog, id: &str, name: &str) -> NewStaged {
    let place = catalog.place_for(None, id, name).await.unwrap().unwrap();
    assert!(place.schema.is_some());
    let schema = StagedSchema::OfDataset { created_at: place.created_at };
    NewStaged { schema, ..staged_file(id, name, "a") }
}

async fn stage(catalog: &Catalog, id: &str, names: &[&str]) {
    for name in names {
        let staged = stage_file(catalog, staged_file(id, name, "a"), QUOTA).await;
        assert_eq!(staged, Staged::Done);
    }
}

fn ids(id: &str, names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("file_{id}-{name}")).collect()
}

pub(super) async fn commit(
    catalog: &Catalog,
    id: &str,
    expected: u64,
    names: &[&str],
) -> Committed {
    commit_at(catalog, id, expected, names, 0).await
}

async fn commit_at(
    catalog: &Catalog,
    dataset_id: &str,
    expected_file_count: u64,
    names: &[&str],
    now: i64,
) -> Committed {
    let staged_ids = &ids(dataset_id, names);
    let commit = StagedCommit { owner: None, dataset_id, expected_file_count, staged_ids, now };
    catalog.commit_staged(commit).await.unwrap()
}

pub(super) fn files(id: &str, names: &[&str]) -> Vec<CommittedFile> {
    let file =
        |(name, file_id): (&&str, String)| CommittedFile { file_name: (*name).to_owned(), file_id };
    names.iter().zip(ids(id, names)).map(file).collect()
}

pub(super) fn done(id: &str, names: &[&str]) -> Committed {
    Committed::Done { files: files(id, names), bytes: 7 * names.len() as u64 }
}

fn totals(files: u64) -> StagedTotals {
    StagedTotals { files, bytes: 7 * files }
}

async fn a_commit_appends_in_its_order_and_ends_the_staging_of_its_files(fixture: &Fixture) {
    let catalog = fixture.with_dataset("staged").await;
    stage(&catalog, "staged", &["a", "b", "c", "d"]).await;
    assert!(names(&catalog, "staged").await.is_empty());
    assert_eq!(catalog.has_name(None, "staged", "a").await.unwrap(), Some(false));
    assert_eq!(commit(&catalog, "staged", 0, &["c", "a"]).await, done("staged", &["c", "a"]));
    assert_eq!(catalog.staged_by("").await.unwrap(), totals(2));
    catalog.close().await;
    let catalog = fixture.open().await;
    assert_eq!(commit(&catalog, "staged", 2, &["d"]).await, done("staged", &["d"]));
    assert_eq!(append(&catalog, "staged", &["0"]).await, Appended::Done);
    assert_eq!(names(&catalog, "staged").await, ["c", "a", "d", "0"]);
    let info = catalog.datasets(None).await.unwrap().remove(0);
    assert_eq!((info.file_count, info.total_size_bytes), (4, 28));
    let records = catalog.upload_records("staged").await.unwrap();
    assert!(records.iter().all(|record| (record.first_byte_at, record.last_byte_at) == (1, 2)));
    let left = catalog.staged(None, 10).await.unwrap();
    assert_eq!(left.iter().map(|file| &file.file_name).collect::<Vec<_>>(), ["b"]);
    catalog.close().await;
}

async fn a_commit_again_gives_the_same_files_whatever_was_appended_since(fixture: &Fixture) {
    let catalog = fixture.with_dataset("again").await;
    stage(&catalog, "again", &["a", "b", "c"]).await;
    assert_eq!(commit(&catalog, "again", 0, &["a", "b"]).await, done("again", &["a", "b"]));
    assert_eq!(append(&catalog, "again", &["x"]).await, Appended::Done);
    assert_eq!(commit(&catalog, "again", 3, &["c"]).await, done("again", &["c"]));
    catalog.close().await;
    let catalog = fixture.open().await;
    for (expected, again) in [(0, vec!["a", "b"]), (3, vec!["c"])] {
        // Expiry concerns staged files only.
        let told = commit_at(&catalog, "again", expected, &again, EXPIRY).await;
        assert_eq!(told, Committed::Before(files("again", &again)));
    }
    for (expected, other) in
        [(1, vec!["a", "b"]), (0, vec!["b", "a"]), (0, vec!["a", "c"]), (3, vec!["c", "d"])]
    {
        let told = commit(&catalog, "again", expected, &other).await;
        assert_eq!(told, Committed::CountDiffers(4), "{other:?}");
    }
    assert_eq!(names(&catalog, "again").await, ["a", "b", "x", "c"]);
    catalog.close().await;
}

async fn a_rejected_commit_changes_nothing(fixture: &Fixture) {
    let catalog = fixture.with_dataset("unchanged").await;
    stage(&catalog, "unchanged", &["a", "b", "A", "c", "taken"]).await;
    stage_file(&catalog, staged_file("unchanged", "other", "b"), QUOTA).await;
    let before = catalog.staged_by("").await.unwrap();
    // The first schema that a file has is that of the commit, while the dataset has none.
    let told = commit(&catalog, "unchanged", 0, &["other", "a"]).await;
    let Committed::SchemaDiffers(different) = told else { panic!("{told:?}") };
    assert_eq!((different.file_name.as_str(), different.other_file), ("a", Some("other".into())));
    assert_eq!((different.expected, different.schema), (data_schema("b"), data_schema("a")));
    assert_eq!(catalog.schema("unchanged").await.unwrap(), None);

    assert_eq!(append(&catalog, "unchanged", &["taken"]).await, Appended::Done);
    for (expected, batch, told) in [
        (0, vec!["b", "c"], Committed::CountDiffers(1)),
        (2, vec!["b", "c"], Committed::CountDiffers(1)),
        (1, vec!["b", "none"], Committed::Unknown("file_unchanged-none".to_owned())),
        (1, vec!["b", "taken"], Committed::NameTaken("taken".to_owned())),
        (1, vec!["a", "b", "A"], Committed::NameTaken("A".to_owned())),
    ] {
        assert_eq!(commit(&catalog, "unchanged", expected, &batch).await, told, "{batch:?}");
    }
    let told = commit(&catalog, "unchanged", 1, &["b", "other"]).await;
    let Committed::SchemaDiffers(different) = told else { panic!("{told:?}") };
    assert_eq!((different.file_name.as_str(), different.other_file), ("other", None));
    let told = commit_at(&catalog, "unchanged", 1, &["b"], EXPIRY).await;
    assert_eq!(told, Committed::Unknown("file_unchanged-b".to_owned()));
    assert_eq!(commit(&catalog, "nowhere", 0, &["b"]).await, Committed::NoDataset);

    assert_eq!(names(&catalog, "unchanged").await, ["taken"]);
    assert_eq!(catalog.staged_by("").await.unwrap(), before);
    assert_eq!(commit(&catalog, "unchanged", 1, &["b", "A"]).await, done("unchanged", &["b", "A"]));
    catalog.close().await;
}

async fn files_are_staged_with_a_schema_of_their_own_or_the_datasets(fixture: &Fixture) {
    let catalog = fixture.with_dataset("schemas").await;
    stage(&catalog, "schemas", &["a", "late"]).await;
    assert_eq!(commit(&catalog, "schemas", 0, &["a"]).await, done("schemas", &["a"]));
    assert_eq!(catalog.schema("schemas").await.unwrap(), Some(data_schema("a")));
    let staged = stage_file(&catalog, with_the_datasets(&catalog, "schemas", "b").await, QUOTA);
    assert_eq!(staged.await, Staged::Done);
    let committed = commit(&catalog, "schemas", 1, &["b", "late"]).await;
    assert_eq!(committed, done("schemas", &["b", "late"]));
    catalog.close().await;
}

async fn of_two_drivers_exactly_one_commits(fixture: &Fixture) {
    let catalog = fixture.with_dataset("raced").await;
    let drivers: Vec<_> = (0..8).map(|driver| format!("driver-{driver}")).collect();
    for driver in &drivers {
        stage(&catalog, "raced", &[driver]).await;
    }
    let told =
        join_all(drivers.iter().map(async |driver| commit(&catalog, "raced", 0, &[driver]).await))
            .await;
    let won = |told: &&Committed| matches!(told, Committed::Done { .. });
    assert_eq!(told.iter().filter(won).count(), 1);
    assert_eq!(told.iter().filter(|told| **told == Committed::CountDiffers(1)).count(), 7);
    assert_eq!(names(&catalog, "raced").await.len(), 1);
    catalog.close().await;
}

async fn no_owner_stages_more_than_it_may(fixture: &Fixture) {
    let catalog = fixture.with_dataset("limited").await;
    let stage = async |owner: &str, number: usize, quota: Quota| {
        let name = format!("{owner}-{number}");
        let file = staged_file("limited", &name, "a");
        stage_file(&catalog, NewStaged { owner: owner.to_owned(), ..file }, quota).await
    };
    let few = Quota { max_files: 5, ..QUOTA };
    let told = join_all((0..20).map(|number| stage("one", number, few))).await;
    assert_eq!(told.iter().filter(|told| **told == Staged::Done).count(), 5);
    assert_eq!(told.iter().filter(|told| **told == Staged::TooMuch(totals(5))).count(), 15);
    let short = Quota { max_bytes: 20, ..QUOTA };
    let told = join_all((0..20).map(|number| stage("other", number, short))).await;
    assert_eq!(told.iter().filter(|told| **told == Staged::Done).count(), 2);
    assert_eq!(catalog.staged_by("one").await.unwrap(), totals(5));
    assert_eq!(catalog.staged_by("other").await.unwrap(), totals(2));
    assert_eq!(catalog.staged(Some("one"), 3).await.unwrap().len(), 3);
    assert_eq!(catalog.staged(Some("nobody"), 3).await.unwrap().len(), 0);
    catalog.close().await;
}

async fn a_file_is_committed_by_its_owner_only(fixture: &Fixture) {
    let catalog = fixture.open().await;
    for (owner, id) in [("mine", "owned"), ("mine", "owned-2")] {
        let created = catalog.create_dataset(Some(owner), id, None, 9).await.unwrap();
        assert_eq!(created, Created::Done);
    }
    let file = NewStaged { owner: "mine".to_owned(), ..staged_file("owned", "a", "a") };
    stage_file(&catalog, file, QUOTA).await;
    let staged_ids = &ids("owned", &["a"]);
    let commit = async |owner, dataset_id| {
        let commit = StagedCommit { owner, dataset_id, expected_file_count: 0, staged_ids, now: 0 };
        catalog.commit_staged(commit).await.unwrap()
    };
    let unknown = Committed::Unknown(staged_ids[0].clone());
    assert_eq!(commit(Some("theirs"), "owned").await, unknown);
    assert_eq!(commit(Some("mine"), "owned-2").await, unknown);
    assert_eq!(commit(Some("mine"), "owned").await, done("owned", &["a"]));
    assert_eq!(catalog.staged_by("mine").await.unwrap(), totals(0));
    catalog.close().await;
}

async fn what_has_expired_is_forgotten_some_at_a_time_and_nothing_else(fixture: &Fixture) {
    let catalog = fixture.with_dataset("expired").await;
    let before = catalog.staged_by("").await.unwrap();
    stage(&catalog, "expired", &["a", "b", "c"]).await;
    let later = NewStaged { expires_at: 1_000, ..staged_file("expired", "later", "a") };
    stage_file(&catalog, later, QUOTA).await;
    let (mut gone, mut rounds) = (Vec::new(), 0);
    loop {
        let expired = catalog.expire_staged(EXPIRY, 2).await.unwrap();
        rounds += 1;
        if expired.file_count == 0 {
            break;
        }
        gone.extend(expired.blobs);
    }
    assert!(rounds > 2);
    gone.retain(|id| id.starts_with("file_expired-"));
    assert_eq!(gone, ids("expired", &["a", "b", "c"]));
    let all = ids("expired", &["a", "b", "c", "later"]);
    assert_eq!(catalog.kept_among(&all).await.unwrap(), [all[3].clone()].into());
    assert_eq!(catalog.staged_by("").await.unwrap(), totals(1));
    assert!(before.files > 0, "others were forgotten, too");
    let told = commit_at(&catalog, "expired", 0, &["later"], EXPIRY).await;
    assert_eq!(told, done("expired", &["later"]));
    // Nothing has expired, but a schema is no longer used.
    assert_eq!(catalog.expire_staged(EXPIRY, 2).await.unwrap(), Expired::default());
    catalog.close().await;
}

async fn keeps_the_contract(fixture: &Fixture) {
    a_commit_appends_in_its_order_and_ends_the_staging_of_its_files(fixture).await;
    a_commit_again_gives_the_same_files_whatever_was_appended_since(fixture).await;
    a_rejected_commit_changes_nothing(fixture).await;
    files_are_staged_with_a_schema_of_their_own_or_the_datasets(fixture).await;
    of_two_drivers_exactly_one_commits(fixture).await;
    no_owner_stages_more_than_it_may(fixture).await;
    a_file_is_committed_by_its_owner_only(fixture).await;
    what_has_expired_is_forgotten_some_at_a_time_and_nothing_else(fixture).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_staged_files() {
    keeps_the_contract(&Fixture::sqlite()).await;
    keeps_the_contract(&Fixture::sqlite_with_records()).await;
}

#[tokio::test]
async fn postgresql_keeps_the_contract_of_staged_files() {
    if let Some(fixture) = Fixture::postgres().await {
        keeps_the_contract(&fixture).await;
    }
}

/// `--nocapture` shows how long each step takes.
async fn ten_thousand_files(fixture: &Fixture) {
    let catalog = &fixture.with_dataset("many").await;
    let names: Vec<_> = (0..10_000).map(|number| format!("part-{number:05}.parquet")).collect();
    let begun = std::time::Instant::now();
    // As many at a time as a server accepts.
    let staged: Vec<_> = stream::iter(&names)
        .map(async |name| stage_file(catalog, staged_file("many", name, "a"), QUOTA).await)
        .buffered(256)
        .collect()
        .await;
    eprintln!("staged in {:?}", begun.elapsed());
    assert!(staged.iter().all(|staged| *staged == Staged::Done));
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let begun = std::time::Instant::now();
    assert_eq!(commit(catalog, "many", 0, &names).await, done("many", &names));
    eprintln!("committed in {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    let again = commit(catalog, "many", 0, &names).await;
    assert_eq!(again, Committed::Before(files("many", &names)));
    eprintln!("committed again in {:?}", begun.elapsed());
    assert_eq!(catalog.end("many").await.unwrap(), 10_000);
}

#[tokio::test]
async fn ten_thousand_files_are_staged_together_and_committed_at_once() {
    ten_thousand_files(&Fixture::sqlite()).await;
    if let Some(fixture) = Fixture::postgres().await {
        ten_thousand_files(&fixture).await;
    }
}
