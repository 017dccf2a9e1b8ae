//! The actions of the shell for staged files.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    group_commit::{self, Compared},
    shell::{News, Shell, Transfer},
};
use crate::{
    client::{CommitOutcome, backoff},
    error::{Error, Result},
    upload::commit::{Event, Grace, Group, GroupEnding, Verdict},
};

/// How long files gather between two commits. A commit takes a few syncs of the server's disk.
const GATHER: Duration = Duration::from_millis(20);

impl Shell {
    pub(super) fn commit_group(&mut self, group: Group) {
        if !self.commit_deadline.allows(group.start, Duration::ZERO) {
            self.happened(Event::GroupEnded(GroupEnding::Final));
            return;
        }
        if self.transfer.stages_first() {
            self.transfer.tracker.committing();
        }
        let Transfer { client, dataset_id, before, files, .. } = &self.transfer;
        let request = group_commit::request(dataset_id, before.len(), files, group);
        let client = client.clone();
        self.spawn(async move { News::GroupEnded(group, client.commit_files(&request).await) });
    }

    pub(super) fn gather_group(&mut self) {
        self.spawn(async {
            sleep(GATHER).await;
            News::Event(Event::GroupGathered)
        });
    }

    pub(super) fn pause_group(&mut self, failures: u32, at_least: Option<Duration>) {
        let pause = backoff(self.transfer.client.options(), failures, at_least);
        let file = self.first_uncommitted();
        let pause = if self.commit_deadline.allows(file, pause) {
            self.tell_pause(file, pause);
            pause
        } else {
            // The next commit ends the run.
            self.commit_deadline.end();
            Duration::ZERO
        };
        self.spawn(async move {
            sleep(pause).await;
            News::Event(Event::GroupPauseOver)
        });
    }

    pub(super) fn compare(&mut self, grace: Grace) {
        let (wait, file) = (self.wait(grace), self.first_uncommitted());
        if matches!(grace, Grace::Retry { .. }) && !self.commit_deadline.allows(file, wait) {
            self.happened(Event::Compared { ours: 0, verdict: Verdict::Unknown });
            return;
        }
        let Transfer { client, dataset_id, before, files, coming, .. } = &self.transfer;
        let (committed, next) = files.split_at(file);
        let names = committed.iter().map(|file| &file.name);
        let compared = Compared {
            known: before.iter().chain(names).cloned().collect(),
            next: next.to_vec(),
            is_open: coming.is_some(),
        };
        let (client, dataset_id) = (client.clone(), dataset_id.clone());
        self.spawn(async move {
            sleep(wait).await;
            News::Compared(compared.with_listing(&client, &dataset_id).await)
        });
    }

    pub(super) fn group_ended(&mut self, group: Group, outcome: Result<CommitOutcome>) -> Event {
        let ending = group_commit::ending(&outcome, group, &self.transfer.files);
        let file = match ending {
            GroupEnding::Refused { file } | GroupEnding::Gone { file } => file,
            _ => None,
        };
        if matches!(ending, GroupEnding::Temporary { .. }) {
            self.commit_deadline.begin(group.start, self.transfer.client.options());
        }
        let error = match outcome {
            Ok(CommitOutcome::Committed(answer)) => {
                let mut told = answer.files.into_iter().flatten();
                for file in group.start..group.end {
                    let staged = self.transfer.files[file].staged.as_ref();
                    let own = || staged.map(|staged| staged.staged_id.clone());
                    if let Some(id) = told.next().map(|told| told.file_id).or_else(own) {
                        self.transfer.tracker.has_id(self.position(file), &id);
                    }
                }
                return Event::GroupEnded(ending);
            }
            Ok(CommitOutcome::CountDiffers(error) | CommitOutcome::Refused { error, .. })
            | Err(error) => error,
            Ok(CommitOutcome::Gone { error, .. }) => {
                if self.transfer.stages_first() {
                    self.transfer.tracker.staging();
                }
                gone(error, file.map(|file| self.transfer.files[file].name.clone()))
            }
        };
        self.last_errors.insert(file.unwrap_or(group.start), error);
        Event::GroupEnded(ending)
    }

    pub(super) fn compared(&mut self, compared: Result<(usize, Verdict)>) -> Event {
        let (ours, verdict) = compared.unwrap_or_else(|error| {
            let file = self.first_uncommitted();
            self.commit_deadline.begin(file, self.transfer.client.options());
            (0, self.without_listing(file, error))
        });
        Event::Compared { ours, verdict }
    }
}

/// The error of a commit with a file that the server has not staged, or not for this commit.
fn gone(error: Error, file_name: Option<String>) -> Error {
    let Error::Refused { status, message, .. } = error else { return error };
    let message = format!(
        "{message}. It has expired, or was staged for another dataset or with another key: stage \
         it again"
    );
    Error::Refused { file_name, status, message }
}
