//! Lists of a dataset's files. Few files of a list are in memory at a time, and no connection to
//! the catalog is held while a client reads.

use std::{num::NonZeroU32, sync::Arc};

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use serde::Serialize;

use crate::{
    schema::Schema,
    service::{
        app_state::AppState,
        refusal::Refusal,
        storage::{Catalog, StorageError},
    },
    wire::messages::{DatasetFile, DatasetFileList},
};

/// Maximum number of files in a page.
const PAGE_FILES: i64 = 5_000;
/// A schema that is longer is not copied for each file.
const LONG_SCHEMA_BYTES: usize = 16 * 1024;

type StreamError = Box<dyn std::error::Error + Send + Sync>;

/// The content of a list in one piece, for each file.
enum Form {
    Name,
    /// All fields, and this schema as JSON.
    File(Bytes),
}

/// Files without their schemas, and the start of the next page. Positions are not used again, so
/// they stay valid.
pub(crate) async fn page(
    catalog: &Catalog,
    dataset_id: &str,
    after: Option<&str>,
    limit: Option<NonZeroU32>,
) -> Result<DatasetFileList, Refusal> {
    let begin = match after {
        None => 0,
        Some(after) => after.parse::<u32>().map_err(|_| {
            Refusal::bad_request("'after' must be the value of 'next' from an earlier page")
        })?,
    };
    let begin = i64::from(begin);
    let all = catalog.end(dataset_id).await?;
    let most = limit.map_or(PAGE_FILES, |limit| i64::from(limit.get()).min(PAGE_FILES));
    let end = all.min(begin + most);
    let mut files = Vec::new();
    let mut read = begin;
    while read < end {
        let more = catalog.files(dataset_id, read, end).await?;
        if more.files.is_empty() {
            must_exist(catalog, dataset_id).await?;
        }
        read = more.next;
        files.extend(more.files);
    }
    // Read after the files: a dataset that has files has a schema, which all of them share.
    let dataset_schema = match after {
        None => catalog.schema(dataset_id).await?.as_ref().map(Schema::to_text),
        Some(_) => None,
    };
    let next = (read < all).then(|| read.to_string());
    Ok(DatasetFileList { files, dataset_schema, next })
}

/// A dataset that was deleted since it was looked up is not an empty one.
async fn must_exist(catalog: &Catalog, dataset_id: &str) -> Result<(), Refusal> {
    if catalog.has_dataset(None, dataset_id).await? {
        return Ok(());
    }
    Err(Refusal::unknown_dataset(dataset_id))
}

/// All current files, each with the dataset's schema.
pub(crate) async fn whole_list(
    app: Arc<AppState>,
    dataset_id: String,
) -> Result<Response, Refusal> {
    let end = app.storage.catalog().end(&dataset_id).await?;
    let schema = app.storage.catalog().schema(&dataset_id).await?;
    let summary = json(&schema.as_ref().map(Schema::summary))?;
    let tail = match schema {
        Some(schema) => format!("],\"dataset_schema\":{}}}", json(&schema.to_text())?),
        None => "]}".to_owned(),
    };
    let form = Form::File(summary.into());
    Ok(answer(WholeList { app, dataset_id, form, next: 0, end, is_begun: false }, tail))
}

/// The names of all current files.
pub(crate) async fn whole_list_of_names(
    app: Arc<AppState>,
    dataset_id: String,
) -> Result<Response, Refusal> {
    let end = app.storage.catalog().end(&dataset_id).await?;
    let list = WholeList { app, dataset_id, form: Form::Name, next: 0, end, is_begun: false };
    Ok(answer(list, "]}".to_owned()))
}

struct WholeList {
    app: Arc<AppState>,
    dataset_id: String,
    form: Form,
    /// The position of the next file.
    next: i64,
    /// The position behind the last one.
    end: i64,
    /// Whether the list has a file already.
    is_begun: bool,
}

impl WholeList {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes, StreamError>> {
        stream::try_unfold(self, Self::batch)
            .map_ok(|pieces| stream::iter(pieces).map(Ok))
            .try_flatten()
    }

    async fn batch(mut self) -> Result<Option<(Vec<Bytes>, Self)>, StreamError> {
        if self.next >= self.end {
            return Ok(None);
        }
        let catalog = self.app.storage.catalog();
        let listed = catalog.files(&self.dataset_id, self.next, self.end).await?;
        if listed.files.is_empty() && !catalog.has_dataset(None, &self.dataset_id).await? {
            return Err("the dataset was deleted".into());
        }
        self.next = listed.next;
        let (mut pieces, mut piece) = (Vec::new(), BytesMut::new());
        for file in listed.files {
            if std::mem::replace(&mut self.is_begun, true) {
                piece.extend_from_slice(b",");
            }
            match &self.form {
                Form::Name => piece.extend_from_slice(&serde_json::to_vec(&file.file_name)?),
                Form::File(schema) => {
                    let text = serde_json::to_vec(&DatasetFile { schema: None, ..file })?;
                    let open = text.strip_suffix(b"}").unwrap_or(&text);
                    piece.extend_from_slice(open);
                    piece.extend_from_slice(b",\"schema\":");
                    if schema.len() > LONG_SCHEMA_BYTES {
                        pieces.extend([piece.split().freeze(), schema.clone()]);
                    } else {
                        piece.extend_from_slice(schema);
                    }
                    piece.extend_from_slice(b"}");
                }
            }
        }
        pieces.push(piece.freeze());
        Ok(Some((pieces, self)))
    }
}

fn answer(list: WholeList, tail: String) -> Response {
    let piece = |text: Bytes| stream::iter([Ok::<_, StreamError>(text)]);
    let head = piece(Bytes::from_static(b"{\"files\":["));
    let body = head.chain(list.into_stream()).chain(piece(tail.into()));
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(body)).into_response()
}

fn json(value: &impl Serialize) -> Result<String, Refusal> {
    serde_json::to_string(value).map_err(|error| StorageError::Damaged(error.to_string()).into())
}
