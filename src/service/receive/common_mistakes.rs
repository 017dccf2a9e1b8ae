//! Recognises uploads of two examples in the API's public documentation, which cannot work. The
//! error says what to write instead.

use axum::http::{HeaderMap, header};

use crate::service::refusal::Refusal;

/// Node's `fetch` only understands its own `FormData`. It sends one of npm's `form-data` as
/// `String(form)`.
pub(super) fn object_as_text() -> Refusal {
    Refusal::bad_request(
        "the body is a JavaScript object converted to a string ([object ...]), not a form: fetch \
         accepts only its own FormData, not that of the package form-data. Write: const form = new \
         FormData(); form.set('dataset_id', id); form.set('file', await fs.openAsBlob(path), \
         name), and do not set Content-Type",
    )
}

/// Python's `requests` and `httpx` drop `json=` if `files=` is given.
pub(super) fn without_dataset_id(headers: &HeaderMap) -> Refusal {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let is_python = user_agent.is_some_and(|agent| agent.starts_with("python-"));
    Refusal::bad_request(if is_python {
        "the field 'dataset_id' is missing: pass it as data={'dataset_id': ...} together with files=; \
         json= is ignored if files= is given"
    } else {
        "the field 'dataset_id' is missing"
    })
}
