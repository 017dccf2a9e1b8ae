//! Opens a catalog in PostgreSQL: checks the server, and migrates the catalog.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection, PgConnection, Row as _,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgDatabaseError},
};
use tokio::time::{sleep, timeout};

use super::url::PostgresUrl;
use crate::{
    error::{Error, Result},
    service::storage::{
        migrations::{check_version, failure, migrator},
        sql,
    },
};

/// How long a start waits for a server that is starting too.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);
/// How long a server may take to accept a connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// The oldest version with what the statements need.
const OLDEST_VERSION: i32 = 120_000;

/// Instances that start together migrate one after the other. The number only has to be the same
/// in all of them.
const MIGRATION_LOCK: i64 = 0x0073_7574_726f;

pub(super) async fn open(url: &PostgresUrl) -> Result<PgConnectOptions> {
    let options = url.options()?;
    let mut connection = connect(&options).await?;
    let place = place(&options);
    check_server(&mut connection, &place).await?;
    migrate(&mut connection, &place).await?;
    // Nothing is lost if this fails.
    let _ = connection.close().await;
    Ok(options)
}

/// Looks only at the version of the catalog.
pub(super) async fn open_to_read(url: &PostgresUrl) -> Result<PgConnectOptions> {
    let options = url.options()?;
    let (mut connection, place) = (connect(&options).await?, place(&options));
    let row = sqlx::query(sql::VERSION).persistent(false).fetch_one(&mut connection).await;
    let version = row.and_then(|row| row.try_get::<i64, _>("version"));
    let version = version.map_err(|error| failed(&place, &error))?;
    let _ = connection.close().await;
    check_version(version).map_err(|why| {
        Error::configuration(format!("cannot open the catalog in {place}: {why}"))
    })?;
    Ok(options)
}

/// Where the database is, for messages.
fn place(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    let database = options.get_database().unwrap_or(options.get_username());
    format!("the database {database} at {host}")
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let error = match timeout(CONNECT_PATIENCE, options.connect()).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) if !is_starting(&error) || Instant::now() > deadline => {
                error.to_string()
            }
            Ok(Err(_)) => {
                sleep(PAUSE).await;
                continue;
            }
            Err(_) => "it does not respond".to_owned(),
        };
        return Err(Error::configuration(format!(
            "cannot open the catalog in {}: {error}",
            place(options)
        )));
    }
}

fn is_starting(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(error) => {
            matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound)
        }
        sqlx::Error::Database(error) => {
            let error = error.try_downcast_ref::<PgDatabaseError>();
            error.is_some_and(|error| matches!(error.code(), "57P03" | "53300"))
        }
        _ => false,
    }
}

/// Rejects servers that acknowledge data before it is durable.
async fn check_server(connection: &mut PgConnection, place: &str) -> Result<()> {
    let row = sqlx::query(
        "SELECT current_setting('server_version_num') AS version, \
         current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync, \
         current_setting('synchronous_commit') AS synchronous_commit, \
         current_setting('transaction_read_only') AS read_only",
    );
    let row =
        row.persistent(false).fetch_one(connection).await.map_err(|error| failed(place, &error))?;
    let setting = |name| row.try_get::<String, _>(name).map_err(|error| failed(place, &error));
    let refused = |why: String| {
        Err(Error::configuration(format!("cannot store a catalog in {place}: {why}")))
    };
    let version = setting("version")?;
    if version.parse::<i32>().is_ok_and(|version| version < OLDEST_VERSION) {
        return refused("it needs PostgreSQL 12 or newer".to_owned());
    }
    let encoding = setting("encoding")?;
    if encoding != "UTF8" {
        return refused(format!("its encoding is {encoding}; create it with encoding UTF8"));
    }
    for name in ["fsync", "synchronous_commit"] {
        if setting(name)? == "off" {
            return refused(format!("{name} is off, so a crash would lose files; turn it on"));
        }
    }
    if setting("read_only")? != "off" {
        return refused("it is read-only; use the address of the primary".to_owned());
    }
    Ok(())
}

/// In one transaction, so that a pooler may be in between.
async fn migrate(connection: &mut PgConnection, place: &str) -> Result<()> {
    let migrated = async {
        let mut transaction = connection.begin().await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(MIGRATION_LOCK)
            .persistent(false)
            .execute(&mut *transaction)
            .await?;
        migrator().set_locking(false).run(&mut *transaction).await?;
        Ok::<_, MigrateError>(transaction.commit().await?)
    };
    migrated.await.map_err(|error| {
        Error::configuration(format!("cannot open the catalog in {place}: {}", failure(&error)))
    })
}

fn failed(place: &str, error: &sqlx::Error) -> Error {
    Error::configuration(format!("cannot open the catalog in {place}: {error}"))
}
