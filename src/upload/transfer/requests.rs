//! Requests that send a file.

use std::{future::poll_fn, sync::Arc, task::Poll, time::Duration};

use futures_util::{StreamExt, future::AbortHandle};
use tokio::{task::yield_now, time::Instant};

use super::shell::{Accepted, News, Request, Shell, Waiting};
use crate::{
    client::{BodyEvent, TailOrder, UploadAttempt, body_line},
    error::Error,
    upload::commit::{Ending, Event, FileIndex, Mode, RequestId},
};

impl Shell {
    /// Starts the request, at once or when the connections allow it. The strategy starts no other
    /// one before this one is open.
    pub(super) fn start(&mut self, id: RequestId) {
        match self.connections.wait(self.transfer.files[id.file].size_bytes) {
            Some(patience) => {
                self.waiting = Some(Waiting { id, until: Instant::now() + patience });
            }
            None => self.send_file(id),
        }
    }

    /// What a request waits for may have happened.
    pub(super) fn start_waiting(&mut self) {
        if let Some(Waiting { id, .. }) = self.waiting.take() {
            self.start(id);
        }
    }

    /// If no response has come in the meantime, connections are not used again any more.
    pub(super) fn end_patience(&mut self) {
        let Some(Waiting { id, .. }) = self.waiting else { return };
        let wait = self.connections.wait(self.transfer.files[id.file].size_bytes);
        if wait.is_some_and(|patience| patience.is_zero()) {
            self.connections.failed();
        }
    }

    /// Everything waits for a released tail, so it goes out before another request starts.
    pub(super) async fn let_tail_go(&mut self) {
        if !std::mem::take(&mut self.has_released) {
            return;
        }
        if self.connections.are_driven() {
            let sending = &mut self.sending;
            poll_fn(|context| {
                while let Poll::Ready(Some(_)) = sending.poll_next_unpin(context) {}
                Poll::Ready(())
            })
            .await;
        } else {
            yield_now().await;
        }
    }

    fn send_file(&mut self, id: RequestId) {
        let file = &self.transfer.files[id.file];
        let Some(content) = file.content.clone() else {
            self.end_without_content(id);
            return;
        };
        if !self.deadline.allows(id.file, Duration::ZERO) {
            self.happened(Event::Ended(id, Ending::Final));
            return;
        }
        // Later attempts see what the file is by then.
        let is_first = id.attempt == 1;
        let read_ahead =
            is_first.then(|| self.files_ahead.take(id.file, &self.transfer.files)).flatten();
        let (body, end) = body_line(self.listener(id));
        self.transfer.tracker.started(self.position(id.file), Arc::clone(body.state()));
        let attempt = UploadAttempt {
            dataset_id: self.transfer.dataset_id.clone(),
            file_name: file.name.clone(),
            content,
            read_ahead,
            is_to_be_hashed: self.transfer.record.is_some() && !self.transfer.client.tells_hashes(),
            end,
        };
        let task = if self.is_staging() {
            // Nothing waits for its turn.
            body.order(TailOrder::Release);
            self.stage(id, attempt)
        } else {
            self.upload(id, attempt)
        };
        let attempt = id.attempt;
        self.requests.insert(id.file, Request { attempt, body, task });
    }

    fn is_staging(&self) -> bool {
        matches!(self.transfer.mode, Mode::Stages(_))
    }

    /// Tells the strategy how far the body of a request is.
    fn listener(&self, id: RequestId) -> impl Fn(BodyEvent) + Send + 'static {
        let (news, tracker) = (self.news.clone(), Arc::clone(&self.transfer.tracker));
        let (position, is_staging) = (self.position(id.file), self.is_staging());
        move |event| {
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
        }
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
            request.body.order(order);
        }
    }

    pub(super) fn drop_request(&mut self, file: FileIndex) {
        self.waiting.take_if(|waiting| waiting.id.file == file);
        if let Some(request) = self.requests.remove(&file) {
            request.task.abort();
            self.connections.failed();
        }
        self.transfer.tracker.ended(self.position(file));
    }
}
