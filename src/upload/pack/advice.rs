//! Notes about the sizes of files.

use std::fmt::Write;

use crate::{
    hint::{Hint, Message},
    upload::{recipe::Recipe, report::Change, runs::merged_counts},
};

/// No advice below this number of files.
const MANY: usize = 100;
/// The mean size in bytes below which waiting for a response takes longer than sending the file.
const SMALL: u64 = 1_000_000;
/// The typical response time of a server on the internet, in milliseconds.
const ANSWER_MS: u64 = 50;

/// Describes the regrouping.
pub(in crate::upload) fn regrouped(before: usize, after: &[Recipe]) -> String {
    let files = |count| if count == 1 { "1 file".to_owned() } else { format!("{count} files") };
    let mut words = format!("{} regrouped into {}", files(before), files(after.len()));
    let merged = after.iter().filter(|file| file.changes.contains(&Change::Merged));
    let counts = merged.map(|file| merged_counts(&file.parts));
    let (row_groups, into) = counts.fold((0, 0), |all, file| (all.0 + file.0, all.1 + file.1));
    if row_groups > 0 {
        let _ = write!(words, "; {row_groups} small row groups merged into {into}");
    }
    words
}

/// Advice for an ordered upload of many small files to a server that commits one at a time.
pub(in crate::upload) fn many_small_files(files: &[Recipe]) -> Option<Message> {
    let count = u64::try_from(files.len()).ok().filter(|_| files.len() >= MANY)?;
    let mean = files.iter().map(Recipe::source_bytes).sum::<u64>() / count;
    let seconds = count * ANSWER_MS / 1000;
    (mean < SMALL).then(|| {
        let size = mean.div_ceil(1000);
        Message::from(format!(
            "{count} files of about {size} kB: this server commits one file at a time, which takes \
             about {seconds} s if it needs {ANSWER_MS} ms for each"
        ))
        .hint(Hint::PackFiles)
    })
}
