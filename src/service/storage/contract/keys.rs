//! The contract of a catalog for API keys.

use std::collections::HashMap;

use futures_util::future::join_all;

use super::{
    super::{
        api_keys::{AddKey, AddedKey, KeyInfo},
        catalog::Catalog,
        writes::Created,
    },
    fixture::Fixture,
};
use crate::{content_hash::ContentHasher, wire::digest::Sha256Digest};

fn hash(key: &str) -> Sha256Digest {
    ContentHasher::hash_of(key.as_bytes())
}

pub(super) async fn add(catalog: &Catalog, name: &str, key: &str, created_at: i64) -> AddedKey {
    catalog.add_key(&AddKey { name, hash: hash(key), created_at }).await.unwrap()
}

fn names(keys: &[KeyInfo]) -> Vec<&str> {
    keys.iter().map(|key| key.name.as_str()).collect()
}

async fn all_keys_of_a_name_have_the_owner_of_the_first(fixture: &Fixture) {
    let catalog = fixture.open().await;
    assert!(!catalog.has_keys().await.unwrap());
    for (name, key, created_at) in [("b", "key b", 1), ("a", "key a", 2), ("b", "new b", 3)] {
        assert_eq!(add(&catalog, name, key, created_at).await, AddedKey::Done);
    }
    catalog.close().await;
    let catalog = fixture.open().await;
    assert!(catalog.has_keys().await.unwrap());
    let owners = [("key a", "key a"), ("key b", "key b"), ("new b", "key b")];
    let owners = owners.map(|(key, owner)| (hash(key), hash(owner).to_string()));
    assert_eq!(catalog.owners_by_key().await.unwrap(), HashMap::from(owners));
    let keys = catalog.keys().await.unwrap();
    assert_eq!(names(&keys), ["a", "b", "b"]);
    assert_eq!(keys[2].created_at.as_deref(), Some("1970-01-01T00:00:00.000003Z"));
    for (key, info) in ["key a", "key b", "new b"].iter().zip(&keys) {
        assert!(hash(key).to_string().starts_with(&info.key_id));
    }
    catalog.close().await;
}

async fn a_key_has_one_name_and_an_owner_one_too(fixture: &Fixture) {
    let catalog = fixture.open().await;
    // Like an earlier run of the same transaction.
    assert_eq!(add(&catalog, "a", "key a", 2).await, AddedKey::Done);
    assert_eq!(add(&catalog, "a", "key a", 4).await, AddedKey::Known);
    assert_eq!(add(&catalog, "a", "new b", 4).await, AddedKey::Known);
    assert_eq!(add(&catalog, "c", "key a", 4).await, AddedKey::OfAnother);
    assert_eq!(add(&catalog, "c", "new b", 4).await, AddedKey::Known);
    assert_eq!(names(&catalog.keys().await.unwrap()), ["a", "b", "b"]);
    catalog.close().await;
}

async fn a_replaced_key_keeps_its_datasets_and_others_do_not_see_them(fixture: &Fixture) {
    let catalog = fixture.open().await;
    let owner_of = async |key: &str| catalog.owners_by_key().await.unwrap().remove(&hash(key));
    let owner = owner_of("key b").await;
    let created = catalog.create_dataset(owner.as_deref(), "of-b", None, 10).await.unwrap();
    assert_eq!(created, Created::Done);
    let first = &hash("key b").to_string()[..12];
    assert_eq!(names(&catalog.revoke_keys(first, 5).await.unwrap()), ["b"]);
    // Like an earlier run of the same transaction.
    assert_eq!(names(&catalog.revoke_keys(first, 5).await.unwrap()), ["b"]);
    assert!(catalog.revoke_keys(first, 6).await.unwrap().is_empty());
    assert_eq!(owner_of("key b").await, None);
    let sees = async |key: &str| {
        let owner = owner_of(key).await.unwrap();
        catalog.has_dataset(Some(&owner), "of-b").await.unwrap()
    };
    assert!(sees("new b").await && !sees("key a").await);
    // A revoked key is not accepted again, and a new one of the name has the datasets.
    assert_eq!(add(&catalog, "b", "key b", 7).await, AddedKey::Known);
    assert_eq!(names(&catalog.revoke_keys("b", 8).await.unwrap()), ["b"]);
    assert_eq!(add(&catalog, "b", "third b", 9).await, AddedKey::Done);
    assert!(sees("third b").await);
    assert!(catalog.revoke_keys("nobody", 10).await.unwrap().is_empty());
    assert_eq!(names(&catalog.keys().await.unwrap()), ["a", "b"]);
    catalog.close().await;
}

async fn keys_that_are_added_at_once_for_a_new_name_have_one_owner(fixture: &Fixture) {
    let catalog = &fixture.open().await;
    let keys: Vec<_> = (0..6).map(|number| format!("at once {number}")).collect();
    let added = join_all(keys.iter().map(|key| add(catalog, "new", key, 11))).await;
    assert_eq!(added, [AddedKey::Done; 6]);
    let owners = catalog.owners_by_key().await.unwrap();
    let of_new: Vec<_> = keys.iter().map(|key| &owners[&hash(key)]).collect();
    assert!(of_new.iter().all(|owner| *owner == of_new[0]));
    catalog.close().await;
}

async fn keeps_the_contract(fixture: &Fixture) {
    all_keys_of_a_name_have_the_owner_of_the_first(fixture).await;
    a_key_has_one_name_and_an_owner_one_too(fixture).await;
    a_replaced_key_keeps_its_datasets_and_others_do_not_see_them(fixture).await;
    keys_that_are_added_at_once_for_a_new_name_have_one_owner(fixture).await;
}

#[tokio::test]
async fn sqlite_keeps_the_contract_of_keys() {
    keeps_the_contract(&Fixture::sqlite()).await;
}

#[tokio::test]
async fn postgresql_keeps_the_contract_of_keys() {
    if let Some(fixture) = Fixture::postgres().await {
        keeps_the_contract(&fixture).await;
    }
}
