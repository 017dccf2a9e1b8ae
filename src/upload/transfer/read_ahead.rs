//! Small files that are read before their requests start.

use std::collections::HashMap;

use crate::{
    source::{Buffers, Content, ReadAhead, read_together},
    upload::{commit::FileIndex, outgoing::OutgoingFile},
};

/// Files that were read, or are being read. They are in memory.
pub(super) struct FilesAhead {
    read: HashMap<FileIndex, ReadAhead>,
    /// Those before it were requested.
    end: FileIndex,
    at_once: usize,
    buffers: Buffers,
}

/// Read together at most. More would save little.
const MAX_AT_ONCE: usize = 8;

impl FilesAhead {
    pub(super) fn new(concurrency: usize) -> Self {
        let at_once = concurrency.min(MAX_AT_ONCE);
        Self { read: HashMap::new(), end: 0, at_once, buffers: Buffers::default() }
    }

    /// Takes a file that is small, and has the next ones read. Called once for each file, in the
    /// order of the plan.
    pub(super) fn take(&mut self, file: FileIndex, files: &[OutgoingFile]) -> Option<ReadAhead> {
        if file >= self.end {
            self.request(file, files);
        }
        let read = self.read.remove(&file);
        // Nothing waits if the next ones are read while some are left.
        if read.is_some() && self.read.len() <= self.at_once / 2 {
            self.request(self.end, files);
        }
        read
    }

    fn request(&mut self, begin: FileIndex, files: &[OutgoingFile]) {
        let content = |file: &OutgoingFile| file.content.clone().filter(Content::is_small_file);
        let next = files.get(begin..).unwrap_or_default();
        let contents: Vec<_> = next.iter().take(self.at_once).map_while(content).collect();
        if contents.len() > 1 {
            self.end = begin + contents.len();
            self.read.extend((begin..).zip(read_together(contents, &self.buffers)));
        }
    }
}
