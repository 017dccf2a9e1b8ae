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
    staging::{QUOTA, commit, done, files, staged_file, with_the_datasets},
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
        stage_file(&catalog, staged_file("counted", name, "a"), QUOTA).await;
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

/// The same request again has the same answer, although nothing of it is staged any more.
async fn a_commit_is_recognised_although_deletions_restored_the_expected_count(fixture: &Fixture) {
    let catalog = fixture.with_dataset("restored").await;
    append(&catalog, "restored", &["a", "b", "x", "y"]).await;
    for name in ["c", "d", "e"] {
        stage_file(&catalog, staged_file("restored", name, "a"), QUOTA).await;
    }
    let committed = commit(&catalog, "restored", 4, &["c", "d"]).await;
    assert_eq!(committed, done("restored", &["c", "d"]));
    for gone in ["a", "x"] {
        delete(&catalog, None, "restored", Some(gone)).await;
    }
    let again = commit(&catalog, "restored", 4, &["c", "d"]).await;
    assert_eq!(again, Committed::Before(files("restored", &["c", "d"])));
    // With an id that is still staged, it is another commit, and changes nothing.
    let other = commit(&catalog, "restored", 4, &["c", "e"]).await;
    assert_eq!(other, Committed::Unknown("file_restored-c".to_owned()));
    assert_eq!(names(&catalog, "restored").await, ["b", "y", "c", "d"]);
    assert_eq!(commit(&catalog, "restored", 4, &["e"]).await, done("restored", &["e"]));
    catalog.close().await;
}

async fn a_deleted_dataset_is_unknown_and_leaves_nothing(fixture: &Fixture) {
    let catalog = fixture.open().await;
    for id in ["gone", "stays"] {
        catalog.create_dataset(Some("mine"), id, None, 100).await.unwrap();
        append(&catalog, id, &["a", "b"]).await;
        let staged = NewStaged { owner: "mine".to_owned(), ..staged_file(id, "c", "a") };
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
    let late = staged_file("gone", "d", "a");
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

async fn a_file_is_not_staged_for_a_dataset_that_was_created_again_since_it_was_compared(
    fixture: &Fixture,
) {
    let catalog = fixture.with_dataset("twice").await;
    append(&catalog, "twice", &["a"]).await;
    let compared = with_the_datasets(&catalog, "twice", "b").await;
    delete(&catalog, None, "twice", None).await;
    assert_eq!(catalog.create_dataset(None, "twice", None, 1_000).await.unwrap(), Created::Done);
    assert_eq!(stage_file(&catalog, compared, QUOTA).await, Staged::NoDataset);
    let own = staged_file("twice", "c", "b");
    assert_eq!(stage_file(&catalog, own, QUOTA).await, Staged::Done);
    assert_eq!(commit(&catalog, "twice", 0, &["c"]).await, done("twice", &["c"]));
    catalog.close().await;
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
                stage_file(catalog, staged_file(id, &format!("s{name}"), "a"), QUOTA).await;
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
    a_commit_is_recognised_although_deletions_restored_the_expected_count(fixture).await;
    a_deleted_dataset_is_unknown_and_leaves_nothing(fixture).await;
    a_file_is_not_staged_for_a_dataset_that_was_created_again_since_it_was_compared(fixture).await;
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
