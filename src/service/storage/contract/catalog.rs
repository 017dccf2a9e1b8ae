//! The contract of a catalog.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::{
    super::{
        catalog::Catalog,
        writes::{Appended, Created, NewFile},
    },
    data_schema,
    fixture::{Fixture, append_files},
    new_file,
};

pub(super) async fn append(catalog: &Catalog, id: &str, names: &[&str]) -> Appended {
    let file = |(index, name): (usize, &&str)| {
        let again = if names[..index].contains(name) { "-again" } else { "" };
        NewFile { file_name: (*name).to_owned(), ..new_file(&format!("{id}-{name}{again}")) }
    };
    let files: Vec<_> = names.iter().enumerate().map(file).collect();
    append_files(catalog, id, &data_schema("a"), &files).await
}

pub(super) async fn names(catalog: &Catalog, id: &str) -> Vec<String> {
    let (mut begin, end) = (0, catalog.end(id).await.unwrap());
    let mut names = Vec::new();
    while begin < end {
        let listed = catalog.files(id, begin, end).await.unwrap();
        assert!(listed.next > begin, "a list does not end");
        begin = listed.next;
        names.extend(listed.files.into_iter().map(|file| file.file_name));
    }
    names
}

async fn files_have_the_order_in_which_they_were_appended_and_keep_it(fixture: &Fixture) {
    let catalog = fixture.with_dataset("ordered").await;
    assert_eq!(append(&catalog, "ordered", &["c"]).await, Appended::Done);
    assert_eq!(append(&catalog, "ordered", &["b", "d", "a"]).await, Appended::Done);
    assert_eq!(append(&catalog, "ordered", &[]).await, Appended::Done);
    catalog.close().await;
    let catalog = fixture.open().await;
    assert_eq!(append(&catalog, "ordered", &["0"]).await, Appended::Done);
    assert_eq!(names(&catalog, "ordered").await, ["c", "b", "d", "a", "0"]);
    let datasets = catalog.datasets(None).await.unwrap();
    let info = datasets.iter().find(|info| info.dataset_id == "ordered").unwrap();
    assert_eq!((info.file_count, info.total_size_bytes), (5, 35));
    let records = catalog.upload_records("ordered").await.unwrap();
    assert!(records.iter().all(|record| (record.first_byte_at, record.last_byte_at) == (1, 2)));
    for name in ["d", "D"] {
        let found = catalog.find_file("ordered", name).await.unwrap().unwrap();
        assert_eq!((&*found.file_id, found.size_bytes), ("file_ordered-d", 7));
        assert_eq!(found.sha256, Some([7; 32].into()));
    }
    assert_eq!(catalog.find_file("ordered", "e").await.unwrap(), None);
    let ids = ["file_ordered-a".to_owned(), "file_other".to_owned()];
    assert_eq!(catalog.kept_among(&ids).await.unwrap(), HashSet::from([ids[0].clone()]));
    catalog.close().await;
}

async fn of_files_that_are_refused_none_is_there(fixture: &Fixture) {
    let catalog = fixture.with_dataset("refused").await;
    assert_eq!(append(&catalog, "refused", &["a", "b"]).await, Appended::Done);
    for (taken, batch) in
        [("a", vec!["c", "a", "d"]), ("B", vec!["B"]), ("c", vec!["c", "c"]), ("C", vec!["c", "C"])]
    {
        let refused = append(&catalog, "refused", &batch).await;
        assert_eq!(refused, Appended::NameTaken(taken.to_owned()));
    }
    let differs = append_files(&catalog, "refused", &data_schema("b"), &[new_file("c")]).await;
    assert_eq!(differs, Appended::SchemaDiffers(data_schema("a")));
    assert_eq!(append(&catalog, "nowhere", &["a"]).await, Appended::NoDataset);
    assert_eq!(names(&catalog, "refused").await, ["a", "b"]);
    assert_eq!(append(&catalog, "refused", &["c"]).await, Appended::Done);
    assert_eq!(catalog.has_name(None, "refused", "C").await.unwrap(), Some(true));
    assert_eq!(catalog.has_name(None, "refused", "d").await.unwrap(), Some(false));
    catalog.close().await;
}

async fn a_dataset_has_the_schema_of_its_first_files(fixture: &Fixture) {
    let catalog = fixture.with_dataset("schema").await;
    assert_eq!(catalog.schema("schema").await.unwrap(), None);
    // A rejected file does not set the schema.
    let twice = [new_file("x"), NewFile { file_id: "file_y".to_owned(), ..new_file("x") }];
    append_files(&catalog, "schema", &data_schema("b"), &twice).await;
    assert_eq!(catalog.schema("schema").await.unwrap(), None);
    assert_eq!(append(&catalog, "schema", &["a"]).await, Appended::Done);
    assert_eq!(catalog.schema("schema").await.unwrap(), Some(data_schema("a")));
    assert_eq!(catalog.schema("nowhere").await.unwrap(), None);
    catalog.close().await;
}

pub(super) async fn writers_side_by_side_leave_no_gap_and_take_no_name_twice(fixture: &Fixture) {
    let catalog = fixture.with_dataset("busy").await;
    let (catalog, names_of) = (&catalog, |number: usize| format!("{}", number % 30));
    let appended = join_all((0..60).map(async |number| {
        let file = NewFile { file_name: names_of(number), ..new_file(&format!("busy-{number}")) };
        append_files(catalog, "busy", &data_schema("a"), &[file]).await
    }))
    .await;
    assert_eq!(appended.iter().filter(|appended| **appended == Appended::Done).count(), 30);
    let names = names(catalog, "busy").await;
    assert_eq!(names.len(), 30);
    assert_eq!(names.into_iter().collect::<HashSet<_>>().len(), 30);
    catalog.close().await;
}

async fn no_owner_gets_more_datasets_than_it_may_have(fixture: &Fixture) {
    let catalog = fixture.with_dataset("others").await;
    let create = async |number: usize| {
        let id = format!("limited-{number}");
        catalog.create_dataset(Some("owner"), &id, None, 7).await.unwrap()
    };
    let created = join_all((0..20).map(create)).await;
    assert_eq!(created.iter().filter(|created| **created == Created::Done).count(), 7);
    assert_eq!(created.iter().filter(|created| **created == Created::TooMany).count(), 13);
    let taken = catalog.create_dataset(Some("another"), "others", None, 7).await.unwrap();
    assert_eq!(taken, Created::IdTaken);
    assert_eq!(catalog.datasets(Some("owner")).await.unwrap().len(), 7);
    catalog.close().await;
}

async fn owners_see_their_own_datasets_newest_first(fixture: &Fixture) {
    let catalog = fixture.open().await;
    let mut ids = Vec::new();
    for number in 0..120 {
        let id = format!("owned-{number}");
        let created = catalog.create_dataset(Some("mine"), &id, Some("name"), 1_000).await.unwrap();
        assert_eq!(created, Created::Done);
        ids.insert(0, id);
    }
    let seen = catalog.datasets(Some("mine")).await.unwrap();
    // Those of one microsecond are in the order of their ids.
    assert!(seen.is_sorted_by(|a, b| a.created_at >= b.created_at));
    let seen: HashSet<_> = seen.into_iter().map(|info| info.dataset_id).collect();
    assert_eq!(seen, ids.iter().cloned().collect());
    for (owner, sees) in [(Some("mine"), true), (Some("theirs"), false), (None, true)] {
        assert_eq!(catalog.has_dataset(owner, &ids[0]).await.unwrap(), sees);
        let all = catalog.datasets(owner).await.unwrap();
        assert_eq!(all.iter().any(|info| info.dataset_id == ids[0]), sees);
    }
    catalog.close().await;
}

async fn keeps_the_contract(fixture: &Fixture) {
    files_have_the_order_in_which_they_were_appended_and_keep_it(fixture).await;
    of_files_that_are_refused_none_is_there(fixture).await;
    a_dataset_has_the_schema_of_its_first_files(fixture).await;
    writers_side_by_side_leave_no_gap_and_take_no_name_twice(fixture).await;
    no_owner_gets_more_datasets_than_it_may_have(fixture).await;
    owners_see_their_own_datasets_newest_first(fixture).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_a_catalog() {
    keeps_the_contract(&Fixture::sqlite()).await;
    keeps_the_contract(&Fixture::sqlite_with_records()).await;
}

#[tokio::test]
async fn postgresql_keeps_the_contract_of_a_catalog() {
    if let Some(fixture) = Fixture::postgres().await {
        keeps_the_contract(&fixture).await;
    }
}
