//! Opens the catalog of a folder, and migrates catalogs of earlier releases.

use std::{io::ErrorKind, path::Path};

use sqlx::{
    ConnectOptions, Connection, Row as _, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{readers::Readers, writer::Writer};
use crate::{
    error::Error,
    service::storage::{
        folder::private_files,
        migrations::{check_version, failure, migrator},
        sql,
    },
    wire::file_name::folded,
};

/// The journal of a larger transaction is cut to this size after its commit.
const MAX_JOURNAL_BYTES: u32 = 4 * 1024 * 1024;

/// Pages that a connection may keep in memory. A transaction that changes more of them syncs its
/// journal twice.
const CACHE_KIB: u32 = 8 * 1024;

/// The folder that a file is in.
pub(crate) fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

pub(crate) async fn open(file: &Path) -> Result<(Readers, Writer), Error> {
    open_connections(file).await.map_err(|error| failed(file, error))
}

/// Opens an existing catalog, which another process may have open.
pub(super) async fn open_to_read(file: &Path) -> Result<(Readers, Writer), Error> {
    open_existing(file, SqliteConnectOptions::new().filename(file).read_only(true)).await
}

/// Opens an existing catalog to change it, which another process may have open.
pub(super) async fn open_shared(file: &Path) -> Result<(Readers, Writer), Error> {
    open_existing(file, durable_options(file)).await
}

async fn open_existing(
    file: &Path,
    options: SqliteConnectOptions,
) -> Result<(Readers, Writer), Error> {
    let opened = async {
        let mut connection = options.connect().await?;
        let row = sqlx::query(sql::VERSION).fetch_one(&mut connection).await?;
        let version = row.try_get::<i64, _>("version")?;
        let writer = Writer::open(folder_of(file), options.clone()).await?;
        connection.close().await?;
        Ok((version, Readers::open(options).await?, writer))
    };
    let (version, readers, writer) = opened.await.map_err(|error| failed(file, error))?;
    check_version(version).map_err(|why| cannot_open(file, &why))?;
    Ok((readers, writer))
}

fn failed(file: &Path, error: sqlx::Error) -> Error {
    match error {
        // Each connection to SQLite has a thread.
        sqlx::Error::Io(error) if error.kind() == ErrorKind::WouldBlock => {
            Error::no_more_threads(&error)
        }
        sqlx::Error::Migrate(error) => cannot_open(file, &failure(&error)),
        error => cannot_open(file, &error.to_string()),
    }
}

fn cannot_open(file: &Path, why: &str) -> Error {
    let folder = folder_of(file).display();
    Error::configuration(format!("the catalog in {folder} cannot be opened: {why}"))
}

async fn open_connections(file: &Path) -> Result<(Readers, Writer), sqlx::Error> {
    // SQLite gives its journal the same mode as the file.
    private_files::open(file)?;
    let options = durable_options(file);
    let writer = Writer::open(folder_of(file), options.clone()).await?;
    migrate(&options).await?;
    Ok((Readers::open(options).await?, writer))
}

fn durable_options(file: &Path) -> SqliteConnectOptions {
    // No write-ahead log: it does not work on network file systems, and notebooks often have their
    // home on one.
    SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(true)
        // A commit overwrites the journal's header. Deleting the journal instead costs two syncs
        // of its folder, and a new file for each commit.
        .journal_mode(SqliteJournalMode::Persist)
        .pragma("journal_size_limit", MAX_JOURNAL_BYTES.to_string())
        .pragma("cache_size", format!("-{CACHE_KIB}"))
        .synchronous(SqliteSynchronous::Extra)
}

async fn migrate(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    let mut connection = options.connect().await?;
    migrator().run(&mut connection).await?;
    fold_names(&mut connection).await?;
    connection.close().await
}

/// Fills in `folded_name` for files of releases that did not store it.
async fn fold_names(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(sql::WITHOUT_FOLDED_NAME).fetch_all(&mut *connection).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut transaction = connection.begin().await?;
    for row in rows {
        sqlx::query(sql::FOLD_NAME)
            .bind(folded(row.try_get("file_name")?))
            .bind(row.try_get::<&str, _>("file_id")?)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await
}
