//! Decides which row groups become which file.

use std::ops::Range;

use crate::{
    content_hash::{ContentHasher, fingerprint},
    upload::{
        recipe::{Part, Recipe},
        report::Change,
        runs::merged_counts,
    },
};

/// The row groups of a file are numbered with 16 bits.
const MAX_ROW_GROUPS: usize = i16::MAX as usize;

/// Regroups the row groups of files, in order, into files with at most `target_size` bytes of
/// pages. A larger row group becomes a file by itself. With `merges`, neighbouring row groups that
/// are far too small are merged. Equal files give equal names.
pub(in crate::upload) fn regroup(
    files: Vec<Recipe>,
    target_size: u64,
    merges: bool,
) -> Vec<Recipe> {
    let mut packs = Packs { target_size, merges, done: Vec::new(), open: Pack::default() };
    for file in files {
        packs.add(&file);
    }
    packs.close();
    packs.done
}

struct Packs {
    target_size: u64,
    merges: bool,
    done: Vec<Recipe>,
    open: Pack,
}

/// The file that is being assembled.
#[derive(Default)]
struct Pack {
    parts: Vec<Part>,
    row_groups: usize,
    size: u64,
    schema: Option<parquet::schema::types::TypePtr>,
    changes: Vec<Change>,
}

impl Packs {
    fn add(&mut self, file: &Recipe) {
        for part in &file.parts {
            if !part.has_consistent_row_count() {
                // Readers disagree about the rows of this file, so it stays as it is.
                self.close();
                self.open.add(file, part.clone(), 0);
                self.close();
                continue;
            }
            let mut begin = part.row_groups.start;
            let mut size = 0;
            for index in part.row_groups.clone() {
                let row_group = part.footer.row_groups[index].size_bytes;
                let count = index - begin;
                if self.open.row_groups + count > 0 && !self.fits(size + row_group, count + 1) {
                    self.take(file, part, begin..index, size);
                    self.close();
                    (begin, size) = (index, 0);
                }
                size += row_group;
            }
            self.take(file, part, begin..part.row_groups.end, size);
        }
    }

    fn fits(&self, more_bytes: u64, more_row_groups: usize) -> bool {
        self.open.size + more_bytes <= self.target_size
            && self.open.row_groups + more_row_groups <= MAX_ROW_GROUPS
    }

    /// Adds row groups to the current file. A file without rows is a part as well: reports list it.
    fn take(&mut self, file: &Recipe, part: &Part, row_groups: Range<usize>, size: u64) {
        if row_groups.is_empty() && !part.row_groups.is_empty() {
            return;
        }
        let rows = part.footer.row_groups[row_groups.clone()].iter();
        let row_count = rows.map(|row_group| row_group.row_count).sum();
        self.open.add(file, Part { row_groups, row_count, ..part.clone() }, size);
    }

    fn close(&mut self) {
        let Pack { parts, schema, mut changes, .. } = std::mem::take(&mut self.open);
        if parts.is_empty() {
            return;
        }
        if self.merges && merged_counts(&parts).0 > 0 {
            changes.push(Change::Merged);
        }
        let position = self.done.len();
        let name = name(position, &parts, &changes);
        self.done.push(Recipe { position, name, parts, schema, changes });
    }
}

impl Pack {
    fn add(&mut self, file: &Recipe, part: Part, size: u64) {
        self.row_groups += part.row_groups.len();
        self.size += size;
        self.parts.push(part);
        if self.schema.is_none() {
            self.schema.clone_from(&file.schema);
        }
        let changes = file.changes.iter().filter(|change| !self.changes.contains(change));
        let changes: Vec<_> = changes.copied().collect();
        self.changes.extend(changes);
    }
}

/// The name has the position in the upload, zero-padded so that every sort order keeps it, and a
/// fingerprint of the footers and the row groups used.
fn name(position: usize, parts: &[Part], changes: &[Change]) -> String {
    let mut hasher = ContentHasher::default();
    for part in parts {
        let Range { start, end } = part.row_groups;
        hasher.update(&part.footer.digest.to_le_bytes());
        hasher.update(&part.content.size().to_le_bytes());
        hasher.update(&(start as u64).to_le_bytes());
        hasher.update(&(end as u64).to_le_bytes());
    }
    for change in changes {
        hasher.update(change.as_str().as_bytes());
    }
    format!("part-{position:05}-{}.parquet", fingerprint(&hasher.hash()))
}
