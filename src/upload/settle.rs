//! "Did it commit?": what a listing of the dataset says about the plan.

use std::collections::{HashMap, HashSet};

use super::gate::Verdict;
use crate::{
    wire::digest::Sha256Digest,
    wire::{
        file_name::{are_one, folded},
        messages::DatasetFile,
    },
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
    /// The hash of its content, where it is known.
    pub hash: Option<Sha256Digest>,
}

/// What a listed file is to one of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It has another name.
    OtherName,
    /// It has the name, and is known to have another content.
    OtherContent,
    /// Name, size and rows agree as far as they are told. The contents were not compared.
    Alike,
    /// Name and content agree.
    Same,
}

impl Expected<'_> {
    /// The one comparison of a file with what a listing tells of one.
    #[must_use]
    pub fn compare(&self, listed: &DatasetFile) -> Comparison {
        let differs = |told: Option<u64>, expected: Option<u64>| {
            told.zip(expected).is_some_and(|(told, expected)| told != expected)
        };
        if !are_one(&listed.file_name, self.name) {
            Comparison::OtherName
        } else if let Some((told, expected)) = listed.sha256.zip(self.hash) {
            if told == expected { Comparison::Same } else { Comparison::OtherContent }
        } else if differs(listed.size_bytes, self.size_bytes)
            || differs(listed.row_count, Some(self.row_count))
        {
            Comparison::OtherContent
        } else {
            Comparison::Alike
        }
    }

    /// Whether the listed file may be taken for this one.
    pub(super) fn is(&self, listed: &DatasetFile) -> bool {
        matches!(self.compare(listed), Comparison::Alike | Comparison::Same)
    }
}

/// The files of a plan that a dataset holds already: its first ones, in a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlreadyThere {
    /// Where they begin in the listing.
    pub begin: usize,
    /// How many they are.
    pub count: usize,
    /// How many of them were compared by name, size and rows alone.
    pub not_compared: usize,
}

/// Names of the plan that the dataset holds already, but not from an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The names, in plan order.
    pub names: Vec<String>,
    /// What does not fit and what to do, in words.
    pub reason: String,
}

/// Which files of the plan the dataset holds already: a prefix of the plan that ends the
/// listing, or the whole plan, wherever it stands.
///
/// # Errors
/// [`Conflict`] where a name of the plan is there with another content, or at another place.
pub fn resume(listing: &[DatasetFile], plan: &[Expected<'_>]) -> Result<AlreadyThere, Conflict> {
    let places = Places::of(plan.iter().map(|file| file.name), listing);
    let taken: Vec<_> =
        plan.iter().filter_map(|file| Some((file, places.get(file.name)?))).collect();
    let conflict = |names: Vec<&str>, reason: &str| {
        let names = names.into_iter().map(str::to_owned).collect();
        Err(Conflict { names, reason: reason.to_owned() })
    };
    let compared: Vec<_> =
        taken.iter().map(|(file, place)| (file.name, file.compare(&listing[*place]))).collect();
    let others: Vec<_> = compared
        .iter()
        .filter(|(_, comparison)| *comparison == Comparison::OtherContent)
        .map(|(name, _)| *name)
        .collect();
    if !others.is_empty() {
        return conflict(others, OTHER_CONTENT);
    }
    let Some(&(_, begin)) = taken.first() else {
        return Ok(AlreadyThere { begin: listing.len(), ..AlreadyThere::default() });
    };
    let count = taken.len();
    let is_in_a_row = taken
        .iter()
        .zip(plan)
        .zip(begin..)
        .all(|(((file, place), planned), expected)| file == &planned && *place == expected);
    if !is_in_a_row || (begin + count < listing.len() && count < plan.len()) {
        return conflict(taken.iter().map(|(file, _)| file.name).collect(), OTHER_PLACE);
    }
    let is_alike = |(_, comparison): &&(&str, Comparison)| *comparison == Comparison::Alike;
    let not_compared = compared.iter().filter(is_alike).count();
    Ok(AlreadyThere { begin, count, not_compared })
}

/// The places of the plan's names in a listing.
pub(super) struct Places<'a> {
    exact: HashMap<&'a str, usize>,
    folded: HashMap<String, usize>,
}

impl<'a> Places<'a> {
    /// Others than `names` are not kept: a dataset may have many more files than the plan.
    pub(super) fn of<'b>(names: impl Iterator<Item = &'b str>, listing: &'a [DatasetFile]) -> Self {
        let wanted: HashSet<_> = names.map(folded).collect();
        let mut places = Self { exact: HashMap::new(), folded: HashMap::new() };
        for (place, listed) in listing.iter().enumerate() {
            let name = folded(&listed.file_name);
            if wanted.contains(&name) {
                places.exact.insert(&listed.file_name, place);
                places.folded.insert(name, place);
            }
        }
        places
    }

    /// Where a name stands, else one that is the same on some systems.
    pub(super) fn get(&self, name: &str) -> Option<usize> {
        self.exact.get(name).or_else(|| self.folded.get(&folded(name))).copied()
    }
}

/// A reason for a conflict.
pub(super) const OTHER_CONTENT: &str = "with other content. To add files, give them other names \
    (names=, or a dict); to start over, upload into another dataset";

/// A reason for a conflict.
pub(super) const OTHER_PLACE: &str = "but not as the end of an earlier run of this upload: it does not end \
    with the first files of this upload, in its order. Upload into another dataset, or leave \
    these files out";

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
    } else if let Some(listed) = listing.get(certain) {
        as_one_of_ours(&plan[committed], listed)
    } else if listing.len() == certain {
        Verdict::Absent
    } else {
        Verdict::Stale
    }
}

/// What a listing says about a file that may stand anywhere (`ordered=False`).
#[must_use]
pub fn verdict_unordered(file: Expected<'_>, listing: &[DatasetFile]) -> Verdict {
    let listed = listing.iter().find(|listed| are_one(&listed.file_name, file.name));
    listed.map_or(Verdict::Absent, |listed| as_one_of_ours(&file, listed))
}

fn as_one_of_ours(file: &Expected<'_>, listed: &DatasetFile) -> Verdict {
    match file.compare(listed) {
        Comparison::Same => Verdict::Committed,
        Comparison::Alike => Verdict::Alike,
        Comparison::OtherContent | Comparison::OtherName => Verdict::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::{Comparison, Expected, OTHER_CONTENT, Verdict, resume, verdict};
    use crate::{content_hash::ContentHasher, wire::messages::DatasetFile};

    fn listing(names: &str) -> Vec<DatasetFile> {
        let names = serde_json::to_value(names.split_whitespace().collect::<Vec<_>>());
        serde_json::from_value(names.unwrap()).unwrap()
    }

    fn expected(name: &str) -> Expected<'_> {
        Expected {
            name,
            size_bytes: Some(7),
            row_count: 1,
            hash: Some(ContentHasher::hash_of(b"this")),
        }
    }

    fn plan(names: &'static str) -> Vec<Expected<'static>> {
        names.split_whitespace().map(expected).collect()
    }

    #[test]
    fn resume_finds_the_prefix_of_the_plan_that_ends_the_listing_or_the_whole_plan() {
        for (listed, planned, begin, count) in [
            ("", "a b", 0, 0),
            ("x y", "a b", 2, 0),
            ("a", "a b", 0, 1),
            ("x a b", "a b", 1, 2),
            ("x a b", "a b c", 1, 2),
            ("x a b y", "a b", 1, 2),
            ("x cafe\u{301} y", "caf\u{e9}", 1, 1),
        ] {
            let found = resume(&listing(listed), &plan(planned)).unwrap();
            assert_eq!((found.begin, found.count), (begin, count), "{listed} | {planned}");
            assert_eq!(found.not_compared, count);
        }
    }

    #[test]
    fn any_other_name_of_the_plan_in_the_dataset_is_a_conflict_that_names_it() {
        for (listed, planned, names) in [
            ("b", "a b", "b"),
            ("a x", "a b", "a"),
            ("b a", "a b", "a b"),
            ("a c", "a b c", "a c"),
            ("a x b", "a b", "a b"),
        ] {
            let conflict = resume(&listing(listed), &plan(planned)).unwrap_err();
            assert_eq!(conflict.names.join(" "), names, "{listed} | {planned}");
        }
    }

    /// All combinations of what a listing can tell, and whether it agrees.
    #[test]
    fn content_is_compared_by_its_hash_else_by_size_and_rows() {
        let values = |right: u64| [None, Some(right), Some(right + 1)];
        let (this, other) = (ContentHasher::hash_of(b"this"), ContentHasher::hash_of(b"other"));
        for size_bytes in values(7) {
            for row_count in values(1) {
                for sha256 in [None, Some(this), Some(other)] {
                    let mut listed = listing("a").remove(0);
                    listed.size_bytes = size_bytes;
                    listed.row_count = row_count;
                    listed.sha256 = sha256;
                    let agrees = size_bytes != Some(8) && row_count != Some(2);
                    let comparison = match sha256 {
                        Some(hash) if hash == this => Comparison::Same,
                        None if agrees => Comparison::Alike,
                        _ => Comparison::OtherContent,
                    };
                    assert_eq!(expected("a").compare(&listed), comparison, "{listed:?}");
                    assert_eq!(expected("b").compare(&listed), Comparison::OtherName);
                }
            }
        }
    }

    #[test]
    fn a_file_of_another_content_is_a_conflict_that_names_only_it() {
        let mut listing = listing("a b x");
        listing[1].size_bytes = Some(8);
        let conflict = resume(&listing, &plan("a b")).unwrap_err();
        assert_eq!(
            (conflict.names.join(" ").as_str(), conflict.reason.as_str()),
            ("b", OTHER_CONTENT)
        );
    }

    #[test]
    fn the_listing_settles_whether_the_file_in_doubt_was_committed() {
        let before = ["x".to_owned()];
        for (listed, expected) in [
            ("x a b", Verdict::Alike),
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
            let expected = |name| Expected { name, size_bytes: Some(7), row_count: 1, hash: None };
            let plan: Vec<_> = names.iter().map(|name| expected(name.as_str())).collect();
            let begun = cpu_time();
            assert_eq!(resume(&listing[..count - 1], &plan).unwrap().count, count - 1);
            cpu_time() - begun
        };
        let (half, whole) = (taken(50_000), taken(100_000));
        eprintln!("CPU of resume: 50,000 files {half} ns, 100,000 files {whole} ns");
        assert!(whole < 1_000_000_000, "{whole} ns");
        // Quadratic were four times as much.
        assert!(whole < 3 * half, "{half} ns, {whole} ns");
    }
}
