//! The URL of a database. It may contain a password.

use std::{fmt, str::FromStr};

use sqlx::postgres::PgConnectOptions;

use crate::error::{Error, Result};

/// Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PostgresUrl(String);

impl PostgresUrl {
    /// # Errors
    /// [`Error::Configuration`] if a part of the URL cannot be used.
    pub(crate) fn parse(url: &str) -> Result<Self> {
        let parsed = Self(url.to_owned());
        parsed.options().map(|_| parsed)
    }

    /// The options of connections. What the URL does not say comes from the environment of
    /// PostgreSQL's clients (`PGPASSWORD`, `PGSSLROOTCERT`, …) and from `~/.pgpass`.
    pub(super) fn options(&self) -> Result<PgConnectOptions> {
        let options = PgConnectOptions::from_str(&self.0).map_err(|error| {
            // The text of an error may repeat a part of the URL.
            let what = match error {
                sqlx::Error::Configuration(_) => "a part of it is not valid",
                _ => "it is not a URL",
            };
            Error::configuration(format!("the URL of the catalog cannot be used: {what}"))
        })?;
        Ok(match options.get_application_name() {
            Some(_) => options,
            None => options.application_name("sutro"),
        })
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("postgres://…")
    }
}
