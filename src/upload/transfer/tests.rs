//! Steps of the shell that no server brings about.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;

use super::shell::{News, Shell, Transfer};
use crate::{
    client::ApiClient,
    credentials::ApiKey,
    error::Error,
    location::Location,
    source::{Content, Piece},
    upload::{
        commit::{CommitConfig, Ending, Event, Grace, Mode, Order, RequestId},
        outgoing::OutgoingFile,
    },
};

fn content() -> Content {
    let bytes = Piece::Bytes(Bytes::from_static(b"PAR1"));
    Content::new(Location::Label("a frame".into()), [bytes])
}

/// A shell of an upload to a server that is not asked.
fn shell(contents: Vec<Option<Content>>) -> (Shell, UnboundedReceiver<News>) {
    let client = ApiClient::new("http://127.0.0.1:1", ApiKey::new("key").unwrap()).unwrap();
    let file = |(position, content)| OutgoingFile {
        position,
        name: format!("part-{position}.parquet"),
        size_bytes: 4,
        row_count: 1,
        changes: Vec::new(),
        content,
        staged: None,
        is_committed: false,
    };
    let transfer = Transfer {
        client,
        dataset_id: "dataset".to_owned(),
        files: contents.into_iter().enumerate().map(file).collect(),
        coming: None,
        before: Vec::new(),
        mode: Mode::Uploads(Order::Planned),
        config: CommitConfig { concurrency: 1, max_held: 1, max_retries: 0 },
        tracker: Arc::default(),
        record: None,
    };
    Shell::new(transfer, None, None)
}

/// Otherwise, the strategy would wait for its end for ever.
#[tokio::test]
async fn a_request_that_cannot_start_ends_the_run() {
    let (mut shell, mut news) = shell(vec![None]);
    let request = RequestId { file: 0, attempt: 1 };
    shell.start(request);
    let Ok(News::Event(event)) = news.try_recv() else { panic!("nothing was told") };
    assert_eq!(event, Event::Ended(request, Ending::Final));
    assert!(matches!(shell.last_errors[&0], Error::Internal(_)));
}

#[tokio::test]
async fn settling_a_file_copies_nothing_of_the_other_files() {
    let (mut shell, _news) = shell((0..3).map(|_| Some(content())).collect());
    shell.settle(1, Grace::None);
    let contents = shell.transfer.files.iter().filter_map(|file| file.content.as_ref());
    assert_eq!(contents.map(Content::clones).collect::<Vec<_>>(), [0, 1, 0]);
}
