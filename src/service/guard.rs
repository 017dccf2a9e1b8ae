//! Checks before a request reaches its handler: its origin, and its key.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header,
        uri::{Authority, Scheme},
    },
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::{
    app_state::AppState,
    connections::Connection,
    hosts::Hosts,
    keys::{Caller, given_key},
    receive::discard,
    refusal::Refusal,
};

/// Headers that decide something. If one occurred twice, a proxy might use the first value and this
/// server the last, so a request may have each of them only once.
const SINGLE_HEADERS: [HeaderName; 5] = [
    header::HOST,
    header::ORIGIN,
    header::AUTHORIZATION,
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
];

/// Runs before the body is read. No response reveals which keys or datasets exist.
pub(super) async fn require_key(
    State(app): State<Arc<AppState>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match caller(&app, request.headers()).await {
        Ok(caller) => caller,
        Err(refusal) => return refuse(request, refusal),
    };
    if let Some(caller) = caller {
        if let Some(connection) = request.extensions().get::<Arc<Connection>>() {
            connection.is_used();
        }
        request.extensions_mut().insert(caller);
        return next.run(request).await;
    }
    let message = "missing or wrong API key (header Authorization: Key <api key>)";
    refuse(request, Refusal::new(StatusCode::UNAUTHORIZED, message))
}

/// The holder of the key of a request; `None` if the key is not accepted.
async fn caller(app: &AppState, headers: &HeaderMap) -> Result<Option<Caller>, Refusal> {
    let Some(given) = headers.get(header::AUTHORIZATION).and_then(given_key) else {
        return Ok(None);
    };
    if let Some(caller) = app.access.keys.caller(&given) {
        return Ok(Some(caller));
    }
    let owner = app.access.catalog_keys.owner(app.storage.catalog(), &given).await?;
    Ok(owner.map(Caller::of_owner))
}

/// Rejects requests of connections for which there are not enough file handles.
pub(super) async fn refuse_surplus(request: Request, next: Next) -> Response {
    let connection = request.extensions().get::<Arc<Connection>>();
    if !connection.is_some_and(|connection| connection.is_refused()) {
        return next.run(request).await;
    }
    let mut answer = refuse(request, Refusal::too_many_connections());
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// Rejects requests of other web pages. A page in the user's browser can send requests to this
/// machine too; the browser says where the page comes from (`Origin`), and which name it has looked
/// up (`Host`).
pub(super) async fn refuse_foreign_pages(
    State(app): State<Arc<AppState>>,
    request: Request,
    next: Next,
) -> Response {
    match admit_origin(&app.access.hosts, &request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refuse(request, refusal),
    }
}

fn refuse(request: Request, refusal: Refusal) -> Response {
    discard(request.into_body());
    refusal.into_response()
}

fn admit_origin(hosts: &Hosts, request: &Request) -> Result<(), Refusal> {
    let headers = request.headers();
    for name in &SINGLE_HEADERS {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err(Refusal::bad_request(format!("the request has two {name} headers")));
        }
    }
    // A target in absolute form also names a host (RFC 9112, section 3.2.2).
    let target = request.uri().authority().cloned();
    let host = host(headers)?;
    if host.is_none() && request.version() == Version::HTTP_11 {
        // RFC 9112, section 3.2.
        return Err(Refusal::bad_request("the request has no host header"));
    }
    let origin = origin(headers)?;
    for named in target.iter().chain(&host) {
        if !hosts.allow(named.host()) {
            let message = "the server does not accept requests for this host; its operator can \
                           allow it";
            return Err(Refusal::new(StatusCode::FORBIDDEN, message));
        }
    }
    match origin {
        Origin::None => Ok(()),
        Origin::Page(page) if Some(&page) == host.as_ref() => Ok(()),
        Origin::Page(_) | Origin::Opaque => {
            let message = "requests from other web pages are not accepted";
            Err(Refusal::new(StatusCode::FORBIDDEN, message))
        }
    }
}

/// The origin of a request (RFC 6454, section 7).
enum Origin {
    /// The request has no `Origin` header.
    None,
    /// A page from this host and port.
    Page(Authority),
    /// A page whose browser hides its origin: `null`.
    Opaque,
}

fn origin(headers: &HeaderMap) -> Result<Origin, Refusal> {
    let Some(value) = headers.get(header::ORIGIN) else { return Ok(Origin::None) };
    if value == "null" {
        return Ok(Origin::Opaque);
    }
    let page = value.to_str().ok().and_then(|origin| {
        let (scheme, authority) = origin.split_once("://")?;
        let is_scheme = !scheme.is_empty() && scheme.parse::<Scheme>().is_ok();
        is_scheme.then(|| plain_authority(authority)).flatten()
    });
    page.map(Origin::Page).ok_or_else(|| unreadable(&header::ORIGIN, value))
}

fn host(headers: &HeaderMap) -> Result<Option<Authority>, Refusal> {
    let Some(value) = headers.get(header::HOST) else { return Ok(None) };
    let host = value.to_str().ok().and_then(plain_authority);
    host.map(Some).ok_or_else(|| unreadable(&header::HOST, value))
}

/// Parses `HOST[:PORT]` without a user name.
fn plain_authority(text: &str) -> Option<Authority> {
    let authority: Authority = text.parse().ok()?;
    let has_user = authority.as_str().contains('@');
    // The crate ignores a port that is not a number.
    let has_odd_port = authority.port().is_none() && authority.as_str() != authority.host();
    (!has_user && !has_odd_port && !authority.host().is_empty()).then_some(authority)
}

fn unreadable(name: &HeaderName, value: &HeaderValue) -> Refusal {
    let value: String = String::from_utf8_lossy(value.as_bytes()).chars().take(100).collect();
    Refusal::bad_request(format!("the header {name} cannot be read: {value:?}"))
}
