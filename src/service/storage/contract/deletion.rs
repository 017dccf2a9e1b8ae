//! The contract of a catalog for deletions.

use std::collections::HashSet;

use futures_util::future::join;

use super::{
    super::{
        catalog::Catalog,
        commit_staged::Committed,
        deletion::Deleted,
        staged_totals::StagedTotals,
        staging::{NewStaged, Staged},
        writes::{Appended, Created},
    },
    catalog::{append, names},
    data_schema,
    fixture::{Fixture, append_files, delete, stage_file},
    new_file,
    staging::{QUOTA, commit, done, files, staged_file},
};

fn deleted(ids: &[&str]) -> Deleted {
    Deleted::Done(ids.iter().map(|id| format!("file_{id}")).collect())
}

async fn a_deleted_file_leaves_the_order_of_the_rest_and_its_name_is_free(fixture: &Fixture) {
    let catalog = fixture.with_dataset("fewer").await;
    assert_eq!(append(&catalog, "fewer", &["a", "b", "c", "d"]).await, Appended::Done);
    assert_eq!(delete(&catalog, None, "fewer", Some("B")).await, deleted(&["fewer-b"]));
    assert_eq!(delete(&catalog, None, "fewer", Some("b")).await, Deleted::NoFile);
    assert_eq!(names(&catalog, "fewer").await, ["a", "c", "d"]);
    let again = new_file("again");
    let again = super::NewFile { file_name: "b".to_owned(), ..again };
    let appended = append_files(&catalog, "fewer", &data_schema("a"), &[again]).await;
    assert_eq!(appended, Appended::Done);
    assert_eq!(names(&catalog, "fewer").await, ["a", "c", "d", "b"]);
    for (name, id) in [("d", "fewer-d"), ("a", "fewer-a"), ("c", "fewer-c"), ("b", "again")] {
        assert_eq!(delete(&catalog, None, "fewer", Some(name)).await, deleted(&[id]));
    }
    catalog.close().await;
    let catalog = fixture.open().await;
    assert!(names(&catalog, "fewer").await.is_empty());
    // The dataset keeps its schema: staged files may have been compared with it.
    let other = append_files(&catalog, "fewer", &data_schema("b"), &[new_file("other")]).await;
    assert_eq!(other, Appended::SchemaDiffers(data_schema("a")));
    assert_eq!(append(&catalog, "fewer", &["e"]).await, Appended::Done);
    assert_eq!(names(&catalog, "fewer").await, ["e"]);
    let datasets = catalog.datasets(None).await.unwrap();
    let info = datasets.iter().find(|info| info.dataset_id == "fewer").unwrap();
    assert_eq!((info.file_count, info.total_size_bytes), (1, 7));
    catalog.close().await;
}

async fn a_position_stays_valid_while_files_are_deleted(fixture: &Fixture) {
    let catalog = fixture.with_dataset("paged").await;
    append(&catalog, "paged", &["a", "b", "c", "d"]).await;
    let end = catalog.end("paged").await.unwrap();
    let first = catalog.files("paged", 0, 2).await.unwrap();
    delete(&catalog, None, "paged", Some("a")).await;
    let rest = catalog.files("paged", first.next, end).await.unwrap();
    let names: Vec<_> = rest.files.iter().map(|file| file.file_name.as_str()).collect();
    assert_eq!(names, ["c", "d"]);
    catalog.close().await;
}

async fn a_commit_counts_the_files_that_are_there(fixture: &Fixture) {
    let catalog = fixture.with_dataset("counted").await;
    append(&catalog, "counted", &["a", "b"]).await;
    delete(&catalog, None, "counted", Some("a")).await;
    for name in ["c", "d", "e"] {
        stage_file(&catalog, staged_file("counted", name, Some("a")), QUOTA).await;
    }
    let refused = commit(&catalog, "counted", 2, &["c", "d"]).await;
    assert_eq!(refused, Committed::CountDiffers(1));
    let committed = commit(&catalog, "counted", 1, &["c", "d"]).await;
    assert_eq!(committed, done("counted", &["c", "d"]));
    delete(&catalog, None, "counted", Some("b")).await;
    let again = commit(&catalog, "counted", 1, &["c", "d"]).await;
    assert_eq!(again, Committed::Before(files("counted", &["c", "d"])));
    assert_eq!(commit(&catalog, "counted", 2, &["e"]).await, done("counted", &["e"]));
    delete(&catalog, None, "counted", Some("d")).await;
    // A commit with a missing file is not recognised any more.
    let again = commit(&catalog, "counted", 1, &["c", "d"]).await;
    assert_eq!(again, Committed::CountDiffers(2));
    assert_eq!(names(&catalog, "counted").await, ["c", "e"]);
    catalog.close().await;
}

async fn a_deleted_dataset_is_unknown_and_leaves_nothing(fixture: &Fixture) {
    let catalog = fixture.open().await;
    for id in ["gone", "stays"] {
        catalog.create_dataset(Some("mine"), id, None, 100).await.unwrap();
        append(&catalog, id, &["a", "b"]).await;
        let staged = NewStaged { owner: "mine".to_owned(), ..staged_file(id, "c", Some("a")) };
        assert_eq!(stage_file(&catalog, staged, QUOTA).await, Staged::Done);
    }
    assert_eq!(delete(&catalog, Some("theirs"), "gone", None).await, Deleted::NoDataset);
    assert_eq!(delete(&catalog, Some("theirs"), "gone", Some("a")).await, Deleted::NoDataset);
    assert_eq!(names(&catalog, "gone").await, ["a", "b"]);

    let Deleted::Done(ids) = delete(&catalog, Some("mine"), "gone", None).await else { panic!() };
    let expected = ["file_gone-a", "file_gone-b", "file_gone-c"].map(str::to_owned);
    assert_eq!(HashSet::from_iter(ids.clone()), HashSet::from(expected));
    assert_eq!(delete(&catalog, Some("mine"), "gone", None).await, Deleted::NoDataset);
    assert_eq!(delete(&catalog, None, "gone", Some("a")).await, Deleted::NoDataset);
    assert_eq!(append(&catalog, "gone", &["d"]).await, Appended::NoDataset);
    let late = staged_file("gone", "d", Some("a"));
    assert_eq!(stage_file(&catalog, late, QUOTA).await, Staged::NoDataset);
    assert_eq!(commit(&catalog, "gone", 2, &["c"]).await, Committed::NoDataset);
    assert!(catalog.kept_among(&ids).await.unwrap().is_empty());
    assert_eq!(catalog.staged_by("mine").await.unwrap(), StagedTotals { files: 1, bytes: 7 });
    assert_eq!(catalog.staged_by("").await.unwrap(), StagedTotals::default());
    assert_eq!(names(&catalog, "stays").await, ["a", "b"]);
    assert_eq!(catalog.datasets(Some("mine")).await.unwrap().len(), 1);
    blobs_are_recorded_until_they_are_removed(&catalog, &ids).await;
    catalog.close().await;
}

async fn blobs_are_recorded_until_they_are_removed(catalog: &Catalog, ids: &[String]) {
    let recorded = catalog.expired_records(i64::MAX, "", 100).await.unwrap();
    assert!(!catalog.has_records || ids.iter().all(|id| recorded.contains(id)), "{recorded:?}");
}

/// Otherwise an upload in progress could end in the dataset of another owner.
async fn only_its_owner_can_use_the_id_of_a_deleted_dataset_again(fixture: &Fixture) {
    let catalog = fixture.open().await;
    let create = async |owner| catalog.create_dataset(owner, "again", None, 100).await.unwrap();
    assert_eq!(create(Some("first")).await, Created::Done);
    delete(&catalog, Some("first"), "again", None).await;
    for other in [Some("second"), None] {
        assert_eq!(create(other).await, Created::IdTaken);
    }
    assert_eq!(create(Some("first")).await, Created::Done);
    assert!(names(&catalog, "again").await.is_empty());
    catalog.close().await;
}

async fn what_arrives_while_a_dataset_is_deleted_is_deleted_with_it_or_refused(fixture: &Fixture) {
    let catalog = &fixture.open().await;
    for round in 0..20 {
        let id = &format!("race-{round}");
        catalog.create_dataset(None, id, None, 1_000).await.unwrap();
        let write = async |name: String| {
            let file = new_file(&format!("{id}-{name}"));
            let appended = append_files(catalog, id, &data_schema("a"), &[file]).await;
            let staged =
                stage_file(catalog, staged_file(id, &format!("s{name}"), Some("a")), QUOTA).await;
            assert!([Appended::Done, Appended::NoDataset].contains(&appended), "{appended:?}");
            assert!([Staged::Done, Staged::NoDataset].contains(&staged), "{staged:?}");
        };
        let writes = futures_util::future::join_all((0..6).map(|number| write(number.to_string())));
        let (deleted, _) = join(delete(catalog, None, id, None), writes).await;
        assert!(matches!(deleted, Deleted::Done(_)), "{deleted:?}");
        assert!(names(catalog, id).await.is_empty());
    }
    assert_eq!(catalog.staged_by("").await.unwrap(), StagedTotals::default());
    catalog.close().await;
}

async fn keeps_the_contract(fixture: &Fixture) {
    a_deleted_file_leaves_the_order_of_the_rest_and_its_name_is_free(fixture).await;
    a_position_stays_valid_while_files_are_deleted(fixture).await;
    a_commit_counts_the_files_that_are_there(fixture).await;
    a_deleted_dataset_is_unknown_and_leaves_nothing(fixture).await;
    only_its_owner_can_use_the_id_of_a_deleted_dataset_again(fixture).await;
    let only_unstaged = fixture.open().await;
    delete(&only_unstaged, None, "counted", None).await;
    delete(&only_unstaged, None, "stays", None).await;
    only_unstaged.close().await;
    what_arrives_while_a_dataset_is_deleted_is_deleted_with_it_or_refused(fixture).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_deletions() {
    keeps_the_contract(&Fixture::sqlite()).await;
    keeps_the_contract(&Fixture::sqlite_with_records()).await;
}

#[tokio::test]
async fn postgresql_keeps_the_contract_of_deletions() {
    if let Some(fixture) = Fixture::postgres().await {
        keeps_the_contract(&fixture).await;
    }
}
