//! Requests that send a file.

use std::{sync::Arc, time::Duration};

use futures_util::future::AbortHandle;
use tokio::sync::mpsc;

use super::shell::{Accepted, News, Request, Shell};
use crate::{
    client::{BodyEvent, BodyState, TailOrder, UploadAttempt},
    error::Error,
    upload::commit::{Ending, Event, FileIndex, Mode, RequestId},
};

impl Shell {
    pub(super) fn start(&mut self, id: RequestId) {
        let file = &self.transfer.files[id.file];
        let Some(content) = file.content.clone() else {
            self.end_without_content(id);
            return;
        };
        if !self.deadline.allows(id.file, Duration::ZERO) {
            self.happened(Event::Ended(id, Ending::Final));
            return;
        }
        let body = Arc::new(BodyState::default());
        let (orders, receiver) = mpsc::unbounded_channel();
        self.transfer.tracker.started(self.position(id.file), Arc::clone(&body));
        let attempt = UploadAttempt {
            dataset_id: self.transfer.dataset_id.clone(),
            file_name: file.name.clone(),
            content,
            is_to_be_hashed: self.transfer.record.is_some() && !self.transfer.client.tells_hashes(),
            orders: receiver,
            listener: self.listener(id),
            state: Arc::clone(&body),
        };
        let task = if self.is_staging() {
            // Nothing waits for its turn.
            let _ = orders.send(TailOrder::Release);
            self.stage(id, attempt)
        } else {
            self.upload(id, attempt)
        };
        let attempt = id.attempt;
        self.requests.insert(id.file, Request { attempt, orders, body, task });
    }

    fn is_staging(&self) -> bool {
        matches!(self.transfer.mode, Mode::Stages(_))
    }

    /// Tells the strategy how far the body of a request is.
    fn listener(&self, id: RequestId) -> Box<dyn Fn(BodyEvent) + Send> {
        let (news, tracker) = (self.news.clone(), Arc::clone(&self.transfer.tracker));
        let (position, is_staging) = (self.position(id.file), self.is_staging());
        Box::new(move |event| {
            let event = match event {
                BodyEvent::Started => Event::Started(id),
                BodyEvent::TailReached => {
                    if !is_staging {
                        tracker.transferred(position);
                    }
                    Event::TailReached(id)
                }
            };
            // The shell is gone only when the run is over.
            let _ = news.send(News::Event(event));
        })
    }

    fn stage(&mut self, id: RequestId, attempt: UploadAttempt) -> AbortHandle {
        let client = self.transfer.client.clone();
        self.send(
            async move { News::Ended(id, client.stage_file(attempt).await.map(Accepted::Staged)) },
        )
    }

    fn upload(&mut self, id: RequestId, attempt: UploadAttempt) -> AbortHandle {
        let client = self.connections.client_for(id).clone();
        self.send(async move {
            News::Ended(id, client.upload_to_dataset(attempt).await.map(Accepted::Uploaded))
        })
    }

    /// A file that somebody else staged is ready. Once that has expired, nothing is left to send.
    fn end_without_content(&mut self, id: RequestId) {
        let file = &self.transfer.files[id.file];
        let is_staged = file.staged.is_some() && id.attempt == 1;
        if !is_staged {
            let error = || Error::Internal(format!("{} has no content any more", file.name));
            self.last_errors.entry(id.file).or_insert_with(error);
        }
        let ending = if is_staged { Ending::Accepted } else { Ending::Final };
        self.happened(Event::Ended(id, ending));
    }

    pub(super) fn order(&self, file: FileIndex, order: TailOrder) {
        if let Some(request) = self.requests.get(&file) {
            // A request that is over has told so, or is about to.
            let _ = request.orders.send(order);
        }
    }

    pub(super) fn drop_request(&mut self, file: FileIndex) {
        if let Some(request) = self.requests.remove(&file) {
            request.task.abort();
            self.connections.failed();
        }
        self.transfer.tracker.ended(self.position(file));
    }
}
