//! Steps of the shell that no server brings about.

use std::collections::HashMap;

use bytes::Bytes;
use futures_util::stream::FuturesUnordered;
use tokio::{
    sync::mpsc::{UnboundedReceiver, unbounded_channel},
    task::JoinSet,
};

use super::{
    connections::Connections,
    shell::{News, Shell, Transfer},
};
use crate::{
    client::ApiClient,
    credentials::ApiKey,
    error::Error,
    location::Location,
    source::{Content, Piece},
    upload::{
        commit::{CommitConfig, Ending, Event, Grace, Mode, Order, RequestId},
        deadline::HeadDeadline,
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
    let mode = Mode::Uploads(Order::Planned);
    let transfer = Transfer {
        client: client.clone(),
        dataset_id: "dataset".to_owned(),
        files: contents.into_iter().enumerate().map(file).collect(),
        coming: None,
        before: Vec::new(),
        mode,
        config: CommitConfig { concurrency: 1, max_held: 1, max_retries: 0 },
        tracker: std::sync::Arc::default(),
        record: None,
    };
    let (news, received) = unbounded_channel();
    let shell = Shell {
        connections: Connections::new(&client, mode),
        recorder: None,
        transfer,
        sending: FuturesUnordered::new(),
        tasks: JoinSet::new(),
        news,
        requests: HashMap::new(),
        last_errors: HashMap::new(),
        deadline: HeadDeadline::default(),
        commit_deadline: HeadDeadline::default(),
        feed_error: None,
        note: None,
    };
    (shell, received)
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
