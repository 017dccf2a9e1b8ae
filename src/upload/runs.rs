//! Row groups that are far too small, and may be merged with their neighbours.

use super::recipe::Part;
use crate::config::{MERGED_ROW_GROUP_BYTES, MERGED_ROW_GROUP_ROWS, SMALL_ROW_GROUP_BYTES};

/// A row group of one of several parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GroupOfPart {
    /// Position of its part.
    pub(super) part: usize,
    /// Its number in the part's file.
    pub(super) index: usize,
}

/// Consecutive row groups that become one row group of the new file.
pub(super) type Run = Vec<GroupOfPart>;

/// The row groups of parts, in order. Without `merges`, each is a run by itself; with it, small
/// neighbours are one run, up to a size and a number of rows.
pub(super) fn runs(parts: &[Part], merges: bool) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    // What the last run can still take, if it consists of small row groups.
    let mut room = None;
    for (place, part) in parts.iter().enumerate() {
        let may_merge = merges && part.has_consistent_row_count();
        for index in part.row_groups.clone() {
            let Some(group) = part.footer.row_groups.get(index) else { continue };
            let (bytes, rows) = (group.size_bytes, group.row_count);
            let is_small = may_merge && bytes < SMALL_ROW_GROUP_BYTES;
            let left = |(bytes_left, rows_left): (u64, u64)| {
                Some((bytes_left.checked_sub(bytes)?, rows_left.checked_sub(rows)?))
            };
            let next = GroupOfPart { part: place, index };
            let continued = if is_small { room.and_then(left) } else { None };
            match (continued, runs.last_mut()) {
                (Some(_), Some(run)) => run.push(next),
                _ => runs.push(vec![next]),
            }
            let begun = || left((MERGED_ROW_GROUP_BYTES, MERGED_ROW_GROUP_ROWS));
            room = if is_small { continued.or_else(begun) } else { None };
        }
    }
    runs
}

/// Numbers of row groups that are merged, and of those that they become.
pub(super) fn merged_counts(parts: &[Part]) -> (usize, usize) {
    let merged = runs(parts, true).into_iter().filter(|run| run.len() > 1);
    merged.fold((0, 0), |(before, after), run| (before + run.len(), after + 1))
}
