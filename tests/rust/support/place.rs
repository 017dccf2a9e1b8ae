//! Where a server of the tests keeps its datasets, and tests for every kind of place.

use std::path::PathBuf;

use sqlx::{ConnectOptions, Connection, PgConnection, sqlite::SqliteConnectOptions};
use sutro::service::Place;
use tempfile::TempDir;

use super::{postgres, s3::S3Server, server::count_files};

/// A folder; or a database of PostgreSQL and a prefix of an S3 store.
pub(crate) struct TestPlace {
    pub(crate) folder: TempDir,
    shared: Option<Shared>,
}

struct Shared {
    catalog: String,
    blobs: String,
    store: &'static S3Server,
}

impl TestPlace {
    pub(crate) fn folder() -> Self {
        Self::in_folder(TempDir::new().unwrap())
    }

    pub(crate) fn in_folder(folder: TempDir) -> Self {
        Self { folder, shared: None }
    }

    /// Without PostgreSQL or an S3 server, prints why the test is skipped.
    pub(crate) async fn postgresql_and_s3() -> Option<Self> {
        let store = S3Server::shared()?;
        let shared =
            Shared { catalog: postgres::database().await?, blobs: S3Server::new_place(), store };
        Some(Self { shared: Some(shared), ..Self::folder() })
    }

    /// What a server is told.
    pub(crate) fn place(&self) -> Place {
        match &self.shared {
            None => Place::folder(&self.folder.path().join("service")),
            Some(Shared { catalog, blobs, store }) => {
                Place::of(None, Some(catalog), Some(blobs), &store.options(&[])).unwrap()
            }
        }
    }

    /// The number of stored blobs and small blobs, whether they belong to a dataset or not.
    pub(crate) fn blobs(&self) -> usize {
        let blobs = match &self.shared {
            None => count_files(&self.folder.path().join("service/blobs")),
            Some(Shared { blobs, store, .. }) => store.blobs(blobs),
        };
        blobs + self.small_blobs()
    }

    /// The number of files whose bytes are in the catalog. Tests ask for it in the middle of
    /// something else, so another thread waits for it.
    fn small_blobs(&self) -> usize {
        const COUNT: &str = "SELECT COUNT(*) FROM small_blobs";
        let count = async || -> i64 {
            match &self.shared {
                None => {
                    let file = self.folder.path().join("service/catalog.sqlite");
                    let options = SqliteConnectOptions::new().filename(file).read_only(true);
                    let mut catalog = options.connect().await.unwrap();
                    sqlx::query_scalar(COUNT).fetch_one(&mut catalog).await.unwrap()
                }
                Some(Shared { catalog, .. }) => {
                    let mut catalog = PgConnection::connect(catalog).await.unwrap();
                    sqlx::query_scalar(COUNT).fetch_one(&mut catalog).await.unwrap()
                }
            }
        };
        let waited = || tokio::runtime::Runtime::new().unwrap().block_on(count());
        let counted = std::thread::scope(|scope| scope.spawn(waited).join().unwrap());
        usize::try_from(counted).unwrap()
    }

    /// Replaces a blob, as a failing disk does.
    pub(crate) fn replace_blob(&self, file_id: &str, content: &[u8]) {
        match &self.shared {
            None => std::fs::write(self.path_of(file_id), content).unwrap(),
            Some(Shared { blobs, store, .. }) => {
                store.replace(&format!("{blobs}/{file_id}"), content);
            }
        }
    }

    pub(crate) fn remove_blob(&self, file_id: &str) {
        match &self.shared {
            None => std::fs::remove_file(self.path_of(file_id)).unwrap(),
            Some(Shared { blobs, store, .. }) => store.remove(&format!("{blobs}/{file_id}")),
        }
    }

    fn path_of(&self, file_id: &str) -> PathBuf {
        self.folder.path().join("service/blobs").join(file_id)
    }
}

/// Makes two tests of each function: one in a folder, one with PostgreSQL and S3.
macro_rules! in_every_place {
    ($($test:ident)*) => {
        mod in_a_folder {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::support::place::TestPlace::folder()).await;
            })*
        }

        mod in_postgresql_and_s3 {
            $(#[tokio::test]
            async fn $test() {
                let place = crate::support::place::TestPlace::postgresql_and_s3().await;
                if let Some(place) = place {
                    super::$test(place).await;
                }
            })*
        }
    };
}
pub(crate) use in_every_place;
