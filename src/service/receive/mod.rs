//! Request bodies: multipart uploads, streamed into storage, and short JSON.

mod body;
mod closing_boundary;
mod common_mistakes;
mod json;
mod upload;

pub(super) use self::{
    body::discard,
    json::json,
    upload::{receive, receive_staged},
};
