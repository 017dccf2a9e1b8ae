//! "Did it commit?": what a listing of the dataset says about the plan.

use std::collections::HashSet;

use super::gate::Verdict;
use crate::wire::{
    file_name::{are_one, folded},
    messages::DatasetFile,
};

/// A file of the plan as it should stand in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Its name in the dataset.
    pub name: &'a str,
    /// Its size in bytes, where it is known before the file is made.
    pub size_bytes: Option<u64>,
    /// Its rows.
    pub row_count: u64,
}

impl Expected<'_> {
    /// A file that another system names has its characters composed otherwise.
    pub(super) fn has_name_of(&self, listed: &DatasetFile) -> bool {
        are_one(&listed.file_name, self.name)
    }

    /// The name agrees, and the size where both sides tell it; else the rows.
    pub(super) fn is(&self, listed: &DatasetFile) -> bool {
        let has_content = match (listed.size_bytes, self.size_bytes) {
            (Some(listed), Some(expected)) => listed == expected,
            _ => listed.row_count.is_none_or(|rows| rows == self.row_count),
        };
        self.has_name_of(listed) && has_content
    }
}

/// Names of the plan that the dataset holds already, but not as the end of an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The names, in plan order.
    pub names: Vec<String>,
    /// What does not fit, in words.
    pub reason: String,
}

/// How many files of the plan an earlier run has put into the dataset: the longest prefix
/// of the plan that ends the listing.
///
/// # Errors
/// [`Conflict`] where any other name of the plan is in the listing, or a size differs.
pub fn resume(listing: &[DatasetFile], plan: &[Expected<'_>]) -> Result<usize, Conflict> {
    let mut missing: HashSet<_> = plan.iter().map(|file| folded(file.name)).collect();
    for listed in listing {
        missing.remove(&folded(&listed.file_name));
    }
    let taken: Vec<_> = plan.iter().filter(|file| !missing.contains(&folded(file.name))).collect();
    let done = taken.len();
    let conflict = |reason: &str| {
        let names = taken.iter().map(|file| file.name.to_owned()).collect();
        Err(Conflict { names, reason: reason.to_owned() })
    };
    let end = &listing[listing.len().saturating_sub(done)..];
    let same_names = |(listed, file): (&DatasetFile, &Expected<'_>)| file.has_name_of(listed);
    if end.len() < done || !end.iter().zip(plan).all(same_names) {
        return conflict("it does not end with the first files of this upload, in its order");
    }
    match end.iter().zip(plan).find(|(listed, file)| !file.is(listed)) {
        Some((_, file)) => conflict(&another_content(file.name)),
        None => Ok(done),
    }
}

/// A reason for a conflict.
pub(super) fn another_content(name: &str) -> String {
    format!("{name} has another size or number of rows there")
}

/// What a listing says about the file `plan[committed]`, all files before it being
/// committed, and `before` being the dataset before them.
#[must_use]
pub fn verdict(
    before: &[String],
    plan: &[Expected<'_>],
    committed: usize,
    listing: &[DatasetFile],
) -> Verdict {
    let certain = before.len() + committed;
    let is_expected = |(index, listed): (usize, &DatasetFile)| match before.get(index) {
        Some(name) => listed.file_name == *name,
        None => plan[index - before.len()].is(listed),
    };
    let known = listing.len().min(certain + 1);
    if listing.len() > certain + 1
        || committed >= plan.len()
        || !listing[..known].iter().enumerate().all(is_expected)
    {
        Verdict::Foreign
    } else if listing.len() > certain {
        Verdict::Committed
    } else if listing.len() == certain {
        Verdict::Absent
    } else {
        Verdict::Stale
    }
}

/// What a listing says about a file that may stand anywhere (`ordered=False`).
#[must_use]
pub fn verdict_unordered(file: Expected<'_>, listing: &[DatasetFile]) -> Verdict {
    match listing.iter().find(|listed| file.has_name_of(listed)) {
        Some(listed) if file.is(listed) => Verdict::Committed,
        Some(_) => Verdict::Foreign,
        None => Verdict::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::{Expected, Verdict, resume, verdict};
    use crate::wire::messages::DatasetFile;

    fn listing(names: &str) -> Vec<DatasetFile> {
        let names = serde_json::to_value(names.split_whitespace().collect::<Vec<_>>());
        serde_json::from_value(names.unwrap()).unwrap()
    }

    fn plan(names: &'static str) -> Vec<Expected<'static>> {
        let expected = |name| Expected { name, size_bytes: Some(7), row_count: 1 };
        names.split_whitespace().map(expected).collect()
    }

    #[test]
    fn resume_finds_the_longest_prefix_of_the_plan_that_ends_the_listing() {
        for (listed, planned, done) in [
            ("", "a b", 0),
            ("x y", "a b", 0),
            ("a", "a b", 1),
            ("x a b", "a b", 2),
            ("x a b", "a b c", 2),
        ] {
            assert_eq!(resume(&listing(listed), &plan(planned)), Ok(done), "{listed} | {planned}");
        }
    }

    #[test]
    fn any_other_name_of_the_plan_in_the_dataset_is_a_conflict_that_names_it() {
        for (listed, planned, names) in
            [("b", "a b", "b"), ("a x", "a b", "a"), ("b a", "a b", "a b"), ("a c", "a b c", "a c")]
        {
            let conflict = resume(&listing(listed), &plan(planned)).unwrap_err();
            assert_eq!(conflict.names.join(" "), names, "{listed} | {planned}");
        }
    }

    #[test]
    fn a_file_of_another_size_is_a_conflict() {
        let mut listing = listing("a");
        listing[0].size_bytes = Some(8);
        assert!(resume(&listing, &plan("a b")).unwrap_err().reason.contains("size"));
    }

    #[test]
    fn the_listing_settles_whether_the_file_in_doubt_was_committed() {
        let before = ["x".to_owned()];
        for (listed, expected) in [
            ("x a b", Verdict::Committed),
            ("x a", Verdict::Absent),
            ("x", Verdict::Stale),
            ("", Verdict::Stale),
            ("x a c", Verdict::Foreign),
            ("x a b c", Verdict::Foreign),
            ("a b", Verdict::Foreign),
            ("x b", Verdict::Foreign),
        ] {
            let found = verdict(&before, &plan("a b c"), 1, &listing(listed));
            assert_eq!(found, expected, "{listed}");
        }
    }

    /// CPU time that this thread has had, in nanoseconds.
    #[cfg(target_os = "linux")]
    fn cpu_time() -> u64 {
        let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        times.split_whitespace().next().unwrap().parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn resume_of_a_hundred_thousand_files_takes_at_most_a_second_of_cpu_and_is_linear() {
        let taken = |count: usize| {
            let names: Vec<_> = (0..count).map(|file| format!("pärt-{file:06}.parquet")).collect();
            let listing: Vec<_> = names.iter().map(|name| DatasetFile::named(name)).collect();
            let expected = |name| Expected { name, size_bytes: Some(7), row_count: 1 };
            let plan: Vec<_> = names.iter().map(|name| expected(name.as_str())).collect();
            let begun = cpu_time();
            assert_eq!(resume(&listing[..count - 1], &plan), Ok(count - 1));
            cpu_time() - begun
        };
        let (half, whole) = (taken(50_000), taken(100_000));
        eprintln!("CPU of resume: 50,000 files {half} ns, 100,000 files {whole} ns");
        assert!(whole < 1_000_000_000, "{whole} ns");
        // Quadratic were four times as much.
        assert!(whole < 3 * half, "{half} ns, {whole} ns");
    }
}
