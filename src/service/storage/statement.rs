//! Statements and rows that are the same for SQLite and PostgreSQL: values are text, 64-bit integers
//! or bytes.

use std::borrow::Cow;

use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use sqlx::{
    AssertSqlSafe, Database, Decode, Encode, PgConnection, Postgres, Row as _, Sqlite,
    SqliteConnection, Type, database::HasStatementCache, postgres::PgRow, query::Query,
    sqlite::SqliteRow,
};

/// A statement and the values of its parameters, in their order.
pub(super) struct Statement<'a> {
    text: Cow<'static, str>,
    values: Vec<Value<'a>>,
}

/// The value of a parameter.
pub(super) enum Value<'a> {
    Integer(i64),
    Text(Option<Cow<'a, str>>),
    Bytes(&'a [u8]),
}

/// A connection to either database.
pub(super) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// A row of either database.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// Starts a statement.
pub(super) fn statement<'a>(text: impl Into<Cow<'static, str>>) -> Statement<'a> {
    Statement { text: text.into(), values: Vec::new() }
}

impl<'a> Statement<'a> {
    pub(super) fn bind(mut self, value: impl Into<Value<'a>>) -> Self {
        self.values.push(value.into());
        self
    }

    pub(super) fn bind_all<V: Into<Value<'a>>>(self, values: impl IntoIterator<Item = V>) -> Self {
        values.into_iter().fold(self, Self::bind)
    }

    fn query<DB: Database + HasStatementCache>(&self) -> Query<'_, DB, DB::Arguments>
    where
        for<'v> i64: Encode<'v, DB> + Type<DB>,
        for<'v> Option<&'v str>: Encode<'v, DB> + Type<DB>,
        for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
    {
        // A text that depends on the number of its parameters is not worth a place among the
        // prepared statements of a connection.
        let is_constant = matches!(self.text, Cow::Borrowed(_));
        // Texts contain no data, only numbers of parameters.
        let query = sqlx::query(AssertSqlSafe(self.text.clone())).persistent(is_constant);
        self.values.iter().fold(query, |query, value| match value {
            Value::Integer(value) => query.bind(*value),
            Value::Text(value) => query.bind(value.as_deref()),
            Value::Bytes(value) => query.bind(*value),
        })
    }
}

impl Connection<'_> {
    /// Returns the number of rows that were changed.
    pub(super) async fn execute(&mut self, statement: Statement<'_>) -> Result<u64, sqlx::Error> {
        Ok(match self {
            Self::Sqlite(connection) => {
                statement.query().execute(&mut **connection).await?.rows_affected()
            }
            Self::Postgres(connection) => {
                statement.query().execute(&mut **connection).await?.rows_affected()
            }
        })
    }

    pub(super) async fn fetch_optional(
        &mut self,
        statement: &Statement<'_>,
    ) -> Result<Option<Row>, sqlx::Error> {
        self.fetch(statement).try_next().await
    }

    pub(super) async fn fetch_one(&mut self, statement: Statement<'_>) -> Result<Row, sqlx::Error> {
        self.fetch_optional(&statement).await?.ok_or(sqlx::Error::RowNotFound)
    }

    pub(super) async fn fetch_all(
        &mut self,
        statement: Statement<'_>,
    ) -> Result<Vec<Row>, sqlx::Error> {
        self.fetch(&statement).try_collect().await
    }

    pub(super) fn fetch<'e>(
        &'e mut self,
        statement: &'e Statement<'_>,
    ) -> BoxStream<'e, Result<Row, sqlx::Error>> {
        match self {
            Self::Sqlite(connection) => {
                statement.query().fetch(&mut **connection).map_ok(Row::Sqlite).boxed()
            }
            Self::Postgres(connection) => {
                statement.query().fetch(&mut **connection).map_ok(Row::Postgres).boxed()
            }
        }
    }
}

impl Row {
    /// The value of a column.
    pub(super) fn get<'r, T>(&'r self, column: &str) -> Result<T, sqlx::Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl From<String> for Value<'_> {
    fn from(value: String) -> Self {
        Self::Text(Some(Cow::Owned(value)))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(Some(Cow::Borrowed(value)))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        value.as_str().into()
    }
}

impl<'a> From<Option<&'a str>> for Value<'a> {
    fn from(value: Option<&'a str>) -> Self {
        Self::Text(value.map(Cow::Borrowed))
    }
}
