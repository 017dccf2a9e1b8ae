//! The server that staged uploads are simulated against: the truth.

use std::collections::HashMap;

use crate::upload::commit::GroupEnding;

/// Who put a file into the dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Writer {
    /// Another upload, before this one.
    Before,
    Us,
    /// The second client with the same plan.
    Rival,
    Foreign,
}

/// A file of the dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) writer: Writer,
    /// Its place in the plan, if it is one of its files.
    pub(super) file: usize,
    /// The id under which it was staged.
    id: Option<u64>,
}

/// A request to commit staged files.
#[derive(Clone, Debug)]
pub(super) struct CommitRequest {
    pub(super) expected: usize,
    pub(super) ids: Vec<u64>,
    /// Place of the first of them in what the client sends.
    pub(super) start: usize,
}

#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) dataset: Vec<Stored>,
    /// Staged files, by their ids: places in the plan.
    pub(super) staged: HashMap<u64, usize>,
    next_id: u64,
}

impl Server {
    pub(super) fn with(before: usize) -> Self {
        let stored = Stored { writer: Writer::Before, file: usize::MAX, id: None };
        Self { dataset: vec![stored; before], ..Self::default() }
    }

    pub(super) fn stage(&mut self, file: usize) -> u64 {
        self.next_id += 1;
        self.staged.insert(self.next_id, file);
        self.next_id
    }

    pub(super) fn holds(&self, file: usize) -> bool {
        self.dataset.iter().any(|stored| stored.file == file)
    }

    /// Somebody else adds a file.
    pub(super) fn add(&mut self, writer: Writer, file: usize) {
        self.dataset.push(Stored { writer, file, id: None });
    }

    /// One transaction: all of the request, or nothing of it.
    pub(super) fn commit(
        &mut self,
        request: &CommitRequest,
        rejected: Option<usize>,
        names_files: bool,
    ) -> GroupEnding {
        let named = |place: usize| names_files.then_some(request.start + place);
        let there = self.dataset.iter().skip(request.expected).map(|stored| stored.id);
        if there.take(request.ids.len()).eq(request.ids.iter().map(|&id| Some(id))) {
            return GroupEnding::Committed;
        }
        if self.dataset.len() != request.expected {
            return GroupEnding::CountDiffers;
        }
        let files: Vec<_> = request.ids.iter().map(|id| self.staged.get(id).copied()).collect();
        if let Some(place) = files.iter().position(Option::is_none) {
            return GroupEnding::Gone { file: named(place) };
        }
        let files: Vec<_> = files.into_iter().flatten().collect();
        let is_refused = |&file: &usize| Some(file) == rejected || self.holds(file);
        if let Some(place) = files.iter().position(is_refused) {
            return GroupEnding::Refused { file: named(place) };
        }
        for (&id, file) in request.ids.iter().zip(files) {
            self.staged.remove(&id);
            self.dataset.push(Stored { writer: Writer::Us, file, id: Some(id) });
        }
        GroupEnding::Committed
    }
}
