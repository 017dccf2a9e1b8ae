//! What is looked at before a request reaches its call: where it comes from, and its key.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, StatusCode, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{Service, body::discard, refusal::Refusal};

/// Before the body is read; no answer tells which keys or datasets there are.
pub(super) async fn require_key(
    State(service): State<Service>,
    mut request: Request,
    next: Next,
) -> Response {
    let header = request.headers().get(header::AUTHORIZATION);
    if let Some(reader) = header.and_then(|header| service.state.keys.reader(header)) {
        request.extensions_mut().insert(reader);
        return next.run(request).await;
    }
    let message = "missing or wrong API key (header Authorization: Key <api key>)";
    refuse(request, Refusal::new(StatusCode::UNAUTHORIZED, message))
}

/// A web page that the user looks at can send requests to this machine, too. Its browser says
/// where it comes from (`Origin`), and under which name it looked for the service (`Host`).
pub(super) async fn refuse_foreign_pages(
    State(service): State<Service>,
    request: Request,
    next: Next,
) -> Response {
    let host = authority(request.headers(), header::HOST);
    let is_own_host = host.as_ref().is_none_or(|host| service.state.is_own_host(host.host()));
    if !is_own_host {
        let message = "this service is not known under the host of the request \
                       (sutro serve --allow-host HOST)";
        return refuse(request, Refusal::new(StatusCode::FORBIDDEN, message));
    }
    if request.headers().contains_key(header::ORIGIN)
        && authority(request.headers(), header::ORIGIN) != host
    {
        let message = "requests of other web pages are not taken";
        return refuse(request, Refusal::new(StatusCode::FORBIDDEN, message));
    }
    next.run(request).await
}

fn refuse(request: Request, refusal: Refusal) -> Response {
    discard(request.into_body());
    refusal.into_response()
}

/// `HOST[:PORT]` of a header, without the scheme that `Origin` has.
fn authority(headers: &HeaderMap, name: header::HeaderName) -> Option<Authority> {
    let value = headers.get(name)?.to_str().ok()?;
    value.rsplit_once("://").map_or(value, |(_, authority)| authority).parse().ok()
}
