//! Reads JSON requests up to a limit.

use axum::{body::Body, http::HeaderMap};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;

use super::body::{IncomingBody, is_timeout};
use crate::service::refusal::Refusal;

/// Keeps reading a rejected body for a moment, so that its client gets the response.
pub(crate) async fn json<T: DeserializeOwned>(
    limit: u64,
    headers: &HeaderMap,
    body: Body,
) -> Result<T, Refusal> {
    let too_large = || Refusal::too_large("the request", limit);
    let mut body = IncomingBody::new(body, headers);
    if body.declared().is_some_and(|bytes| bytes > limit) {
        body.discard();
        return Err(too_large());
    }
    let mut text = Vec::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| {
            if is_timeout(error.as_ref()) {
                Refusal::too_slow()
            } else {
                Refusal::bad_request("the request's body ended early")
            }
        })?;
        text.extend_from_slice(&chunk);
        if text.len() as u64 > limit {
            body.discard();
            return Err(too_large());
        }
    }
    serde_json::from_slice(&text).map_err(|error| {
        Refusal::bad_request(format!("the request is not the expected JSON: {error}"))
    })
}
