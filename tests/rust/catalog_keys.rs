//! Keys of the catalog, as a server accepts them.

use reqwest::{Method, StatusCode};
use sutro::{
    credentials::ApiKey,
    service::{KeyCatalog, LocalServer, ServerConfig},
};

use crate::support::server::{TestServer, answer, client};

fn catalog_of(server: &TestServer) -> KeyCatalog {
    KeyCatalog::of(Some(&server.folder.path().join("service")), None).unwrap()
}

async fn status(server: &TestServer, url: &str, key: &ApiKey) -> StatusCode {
    let request = server.http.request(Method::GET, format!("{url}/try-authentication"));
    answer(request.header("authorization", key.header_value())).await.0
}

#[tokio::test]
async fn a_running_server_accepts_a_key_that_is_added_and_a_key_moved_from_a_file_keeps_its_datasets()
 {
    let given = ApiKey::new("key-of-a-file").unwrap();
    let server = TestServer::start_with(|config| config.api_keys = vec![given.clone()]).await;
    let id = server.client().create_dataset().await.unwrap();
    let (_, key) = catalog_of(&server).add("team", None).await.unwrap();
    assert_eq!(status(&server, &server.server.api_url(), &key).await, StatusCode::OK);
    server.server.stop().await;

    catalog_of(&server).add("mover", Some(given.clone())).await.unwrap();
    let (_, second) = catalog_of(&server).add("mover", None).await.unwrap();
    let mut config = ServerConfig::loopback(&server.folder.path().join("service"));
    config.prefers_catalog_keys = true;
    let again = LocalServer::start(config).await.unwrap();
    assert!(again.api_key().is_none());
    for (key, seen) in [(&given, 1), (&second, 1), (&key, 0)] {
        let datasets = client(&again.api_url(), key).list_datasets().await;
        let datasets = datasets.unwrap();
        assert_eq!(datasets.len(), seen);
        assert!(datasets.iter().all(|dataset| dataset.dataset_id == id));
    }
    let wrong = ApiKey::new("wrong").unwrap();
    assert_eq!(status(&server, &again.api_url(), &wrong).await, StatusCode::UNAUTHORIZED);
    again.stop().await;
}

#[tokio::test]
async fn keys_of_the_catalog_let_a_server_listen_for_other_machines() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = ServerConfig::loopback(folder.path());
    config.address.set_ip([0, 0, 0, 0].into());
    config.prefers_catalog_keys = true;
    let refused = LocalServer::start(config.clone()).await.err().unwrap().to_string();
    assert!(refused.contains("sutro keys add"), "{refused}");
    let catalog = KeyCatalog::of(Some(folder.path()), None).unwrap();
    catalog.add("team", None).await.unwrap();
    LocalServer::start(config).await.unwrap().stop().await;
}

#[tokio::test]
async fn a_catalog_that_is_missing_is_created_only_for_a_new_key() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("service");
    let catalog = KeyCatalog::of(Some(&place), None).unwrap();
    assert!(catalog.list().await.is_err());
    assert!(catalog.revoke("team").await.is_err());
    assert!(!place.exists());
    let (added, key) = catalog.add("team", None).await.unwrap();
    assert_eq!(catalog.list().await.unwrap(), std::slice::from_ref(&added));
    let stored = std::fs::read(place.join("catalog.sqlite")).unwrap();
    let key = key.expose().as_bytes();
    assert!(!stored.windows(key.len()).any(|bytes| bytes == key));
    let unknown = catalog.revoke("nobody").await.unwrap_err().to_string();
    assert!(unknown.contains("nobody"), "{unknown}");
    assert_eq!(catalog.revoke(&added.key_id).await.unwrap(), [added]);
    assert_eq!(catalog.list().await.unwrap(), []);
}
