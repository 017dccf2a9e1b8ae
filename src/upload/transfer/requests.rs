//! Requests that send a file.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;

use super::shell::{Accepted, News, Request, Shell};
use crate::{
    client::{BodyEvent, BodyState, TailOrder, UploadAttempt},
    error::Error,
    upload::commit::{Ending, Event, FileIndex, Mode, RequestId},
};

impl Shell {
    pub(super) fn start(&mut self, id: RequestId) {
        let position = self.position(id.file);
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
        let is_staged = matches!(self.transfer.mode, Mode::Stages(_));
        let (news, tracker) = (self.news.clone(), Arc::clone(&self.transfer.tracker));
        tracker.started(position, Arc::clone(&body));
        let listener = move |event| {
            let event = match event {
                BodyEvent::Started => Event::Started(id),
                BodyEvent::TailReached => {
                    if !is_staged {
                        tracker.transferred(position);
                    }
                    Event::TailReached(id)
                }
            };
            // The shell is gone only when the run is over.
            let _ = news.send(News::Event(event));
        };
        let upload = UploadAttempt {
            dataset_id: self.transfer.dataset_id.clone(),
            file_name: file.name.clone(),
            content,
            is_to_be_hashed: self.transfer.record.is_some() && !self.transfer.client.tells_hashes(),
            orders: receiver,
            listener: Box::new(listener),
            state: Arc::clone(&body),
        };
        let client = if is_staged {
            self.transfer.client.clone()
        } else {
            self.connections.client_for(id).clone()
        };
        if is_staged {
            // Nothing waits for its turn.
            let _ = orders.send(TailOrder::Release);
        }
        let task = self.send(async move {
            let outcome = if is_staged {
                client.stage_file(upload).await.map(Accepted::Staged)
            } else {
                client.upload_to_dataset(upload).await.map(Accepted::Uploaded)
            };
            News::Ended(id, outcome)
        });
        let attempt = id.attempt;
        self.requests.insert(id.file, Request { attempt, orders, body, task });
    }

    /// A file that another process staged is ready. Once it has expired, there is nothing left to
    /// send.
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
            // A request that has ended has reported it, or is about to.
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
