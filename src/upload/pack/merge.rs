//! Merges row groups that are far too small before a file is joined.

use crate::{
    error::Result,
    upload::{
        recipe::Part,
        rewrite::merged,
        runs::{GroupOfPart, Run, runs},
    },
};

/// The same rows as `parts`, with small row groups merged in a temporary file. The others stay in
/// their sources. May block.
///
/// # Errors
/// [`Error::Rewrite`](crate::Error::Rewrite) if a page cannot be read;
/// [`Error::FileChanged`](crate::Error::FileChanged).
pub(in crate::upload) fn merge(parts: &[Part]) -> Result<Vec<Part>> {
    let runs = runs(parts, true);
    let several: Vec<_> = runs.iter().filter(|run| run.len() > 1).collect();
    if several.is_empty() {
        return Ok(parts.to_vec());
    }
    let (content, footer) = merged(parts, &several)?;
    let mut place = 0;
    let joined = runs.iter().map(|run| {
        let row_count = rows_of(parts, run);
        if let [GroupOfPart { part, index }] = run[..] {
            return Part { row_groups: index..index + 1, row_count, ..parts[part].clone() };
        }
        place += 1;
        let (content, footer) = (content.clone(), footer.clone());
        Part { content, row_groups: place - 1..place, row_count, footer }
    });
    Ok(joined.collect())
}

fn rows_of(parts: &[Part], run: &Run) -> u64 {
    let rows = run.iter().map(|group| &parts[group.part].footer.row_groups[group.index]);
    rows.map(|group| group.row_count).sum()
}
