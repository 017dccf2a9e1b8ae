//! The model of a server that stages files: its true state.

use std::collections::HashMap;

use crate::upload::commit::GroupEnding;

/// Who committed a file to the dataset.
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
    /// Its position in the plan, if it is a file of the plan.
    pub(super) file: usize,
    /// The id under which it was staged.
    id: Option<u64>,
}

/// A request to commit staged files.
#[derive(Clone, Debug)]
pub(super) struct CommitRequest {
    pub(super) expected: usize,
    pub(super) ids: Vec<u64>,
    /// The position of the first of them among the files that the client sends.
    pub(super) start: usize,
}

#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) dataset: Vec<Stored>,
    /// Staged files by id, with their positions in the plan.
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

    /// A foreign client adds a file.
    pub(super) fn add(&mut self, writer: Writer, file: usize) {
        self.dataset.push(Stored { writer, file, id: None });
    }

    /// One transaction: all files of the request, or none.
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
