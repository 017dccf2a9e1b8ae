//! Performs the actions of a strategy, and checks that each was right.

use super::{
    super::{Action, FileIndex, Order, RequestId},
    requests::{Request, Stage},
    world::World,
};

impl World {
    pub(super) fn perform(&mut self, action: Action) -> Result<(), String> {
        match action {
            Action::Start(id) => self.start(id),
            Action::Release(file) => {
                let is_in_order = self.schedule.order == Order::Planned;
                if is_in_order && self.positions[file] != self.head() {
                    return Err(format!("tail of {file} released with {:?}", self.confirmed));
                }
                self.request(file)?.stage = Stage::Released;
                Ok(())
            }
            Action::Drop(file) => self.close(file),
            Action::Commit(file) => self.confirm(self.positions[file]),
            Action::Pause { request, at_least, .. } => {
                self.pauses.push(request);
                self.throttled.extend(at_least.map(|_| request.file));
                if self.positions[request.file] == self.head() {
                    self.count_pause_of_head(request)?;
                }
                Ok(())
            }
            Action::Settle(file, grace) => {
                self.settling.push((file, grace));
                Ok(())
            }
            Action::Drip(_) | Action::Finish(_) => Ok(()),
            Action::CommitGroup(_)
            | Action::GatherGroup
            | Action::PauseGroup { .. }
            | Action::Compare(_) => Err(format!("{action:?} of an upload that stages nothing")),
        }
    }

    fn start(&mut self, id: RequestId) -> Result<(), String> {
        if self.requests.iter().any(|request| request.id.file == id.file) {
            return Err(format!("{id:?} opened twice"));
        }
        if !self.throttled.is_empty() {
            return Err(format!("{id:?} started although the server asked the client to wait"));
        }
        if id.attempt == 1 && id.file != self.started {
            return Err(format!("{id:?} started before {}", self.started));
        }
        self.started = self.started.max(id.file + 1);
        self.starts += 1;
        self.requests.push(Request { id, stage: Stage::Connecting, is_served: false });
        Ok(())
    }

    fn close(&mut self, file: FileIndex) -> Result<(), String> {
        let request = self.request(file)?;
        if request.stage == Stage::Released {
            return Err(format!("{file} dropped after its tail was released"));
        }
        // The server notices later that the client is gone.
        let had_a_place = request.is_served;
        self.ghosts += usize::from(had_a_place);
        self.requests.retain(|request| request.id.file != file);
        Ok(())
    }

    /// The strategy reports a file of the plan as committed.
    fn confirm(&mut self, file: usize) -> Result<(), String> {
        let stored = self.dataset.iter().find(|stored| stored.file == file);
        let Some(stored) = stored else {
            return Err(format!("{file} reported as committed, but the dataset lacks it"));
        };
        let could_be_told = self.schedule.tells_hashes || !self.in_doubt.contains(&file);
        if !stored.is_ours && could_be_told {
            return Err(format!(
                "{file} reported as committed, but another client's content is there"
            ));
        }
        self.confirmed.insert(file);
        self.pauses_of_head = (0, 0);
        Ok(())
    }

    /// The head must not be tried more often than the retries allow. Attempts with other uploads in
    /// its way do not count; there are at most two of them.
    fn count_pause_of_head(&mut self, request: RequestId) -> Result<(), String> {
        let (all, alone) = &mut self.pauses_of_head;
        *all += 1;
        *alone += u32::from(self.open_before == 0);
        let most = self.schedule.config.max_retries;
        if *alone > most || (self.schedule.order == Order::Planned && *all > most + 2) {
            return Err(format!("{request:?} is tried again and again: {:?}", self.schedule));
        }
        Ok(())
    }

    fn request(&mut self, file: FileIndex) -> Result<&mut Request, String> {
        let found = self.requests.iter_mut().find(|request| request.id.file == file);
        found.ok_or_else(|| format!("{file} has no open request"))
    }
}
