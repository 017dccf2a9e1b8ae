//! Decides which files of an upload a dataset already contains, from its listing alone.

use super::settle::{Comparison, Expected};
use crate::{
    error::TakenReason,
    wire::{messages::DatasetFile, places::Places},
};

/// The files of a plan that a dataset already contains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AlreadyThere {
    /// Their positions in the plan, in ascending order.
    pub(super) positions: Vec<usize>,
    /// How many of them were compared only by name, size and rows.
    pub(super) not_compared: usize,
}

impl AlreadyThere {
    pub(super) fn contains(&self, position: usize) -> bool {
        self.positions.binary_search(&position).is_ok()
    }

    pub(super) fn add(&mut self, position: usize, comparison: Comparison) {
        self.positions.push(position);
        self.not_compared += usize::from(comparison == Comparison::Alike);
    }
}

/// Names of the plan that the dataset has, but not from an earlier run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    /// The names, in plan order.
    pub(super) names: Vec<String>,
    /// Why they are not from an earlier run.
    pub(super) reason: TakenReason,
}

impl Conflict {
    fn of<'a>(names: impl Iterator<Item = &'a str>, reason: TakenReason) -> Self {
        Self { names: names.map(str::to_owned).collect(), reason }
    }
}

/// Finds the files that an ordered upload can skip: a prefix of the plan at the end of the listing,
/// or the complete plan anywhere in the listing.
///
/// # Errors
/// [`Conflict`] if the dataset has a name of the plan with other content, or at another place.
pub(super) fn resume(
    listing: &[DatasetFile],
    plan: &[Expected<'_>],
) -> Result<AlreadyThere, Conflict> {
    let taken = taken(listing, plan)?;
    let places: Vec<_> = taken.iter().map(|file| (file.position, file.place)).collect();
    if can_be_an_earlier_run(&places, listing.len(), Some(plan.len())) {
        return Ok(already_there(&taken));
    }
    Err(Conflict::of(taken.iter().map(|file| plan[file.position].name), TakenReason::OtherPlace))
}

/// Whether files at these positions of the plan and places in the listing can come from an earlier
/// ordered upload, judged by their names alone. `plan` is its length, if known.
pub(super) fn can_be_an_earlier_run(
    taken: &[(usize, usize)],
    listing: usize,
    plan: Option<usize>,
) -> bool {
    let begin = taken.first().map_or(listing, |(_, place)| *place);
    let is_in_a_row = taken.iter().copied().eq((0..taken.len()).zip(begin..));
    let ends_the_listing = begin + taken.len() == listing;
    is_in_a_row && (ends_the_listing || plan.is_none_or(|plan| plan == taken.len()))
}

/// Finds the files that an unordered upload can skip: all that the dataset contains, anywhere.
///
/// # Errors
/// [`Conflict`] if the dataset has a name of the plan with other content.
pub(super) fn resume_unordered(
    listing: &[DatasetFile],
    plan: &[Expected<'_>],
) -> Result<AlreadyThere, Conflict> {
    Ok(already_there(&taken(listing, plan)?))
}

/// A file of the plan whose name the dataset has.
struct Taken {
    position: usize,
    /// Index in the listing.
    place: usize,
    comparison: Comparison,
}

fn taken(listing: &[DatasetFile], plan: &[Expected<'_>]) -> Result<Vec<Taken>, Conflict> {
    let places = Places::of(plan.iter().map(|file| file.name), listing);
    let look_up = |(position, file): (usize, &Expected<'_>)| {
        let place = places.get(file.name)?;
        Some(Taken { position, place, comparison: file.compare(&listing[place]) })
    };
    let taken: Vec<_> = plan.iter().enumerate().filter_map(look_up).collect();
    let is_other = |file: &&Taken| file.comparison == Comparison::OtherContent;
    let mut others = taken.iter().filter(is_other).map(|file| plan[file.position].name).peekable();
    if others.peek().is_some() {
        return Err(Conflict::of(others, TakenReason::OtherContent));
    }
    Ok(taken)
}

fn already_there(taken: &[Taken]) -> AlreadyThere {
    let mut there = AlreadyThere::default();
    for file in taken {
        there.add(file.position, file.comparison);
    }
    there
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::{Conflict, resume, resume_unordered};
    use crate::{
        content_hash::{ContentHasher, KnownHashes},
        error::TakenReason,
        upload::settle::{
            Expected,
            tests::{expected, listing},
        },
        wire::messages::DatasetFile,
    };

    fn plan(names: &'static str) -> Vec<Expected<'static>> {
        names.split_whitespace().map(expected).collect()
    }

    #[test]
    fn resume_finds_the_prefix_of_the_plan_that_ends_the_listing_or_the_whole_plan() {
        for (listed, planned, count) in [
            ("", "a b", 0),
            ("x y", "a b", 0),
            ("a", "a b", 1),
            ("x a b", "a b", 2),
            ("x a b", "a b c", 2),
            ("x a b y", "a b", 2),
            ("x cafe\u{301} y", "caf\u{e9}", 1),
        ] {
            let found = resume(&listing(listed), &plan(planned)).unwrap();
            assert_eq!(found.positions, (0..count).collect::<Vec<_>>(), "{listed} | {planned}");
            assert_eq!(found.not_compared, count);
        }
    }

    #[test]
    fn a_name_of_the_plan_in_another_place_is_a_conflict_that_names_it() {
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

    #[test]
    fn different_content_is_a_conflict_that_names_only_this_file() {
        let mut listing = listing("a b x");
        listing[1].size_bytes = Some(8);
        for resume in [resume, resume_unordered] {
            let conflict = resume(&listing, &plan("a b")).unwrap_err();
            let found = (conflict.names.join(" "), conflict.reason);
            assert_eq!(found, ("b".to_owned(), TakenReason::OtherContent));
        }
    }

    /// A listing of some files of a plan in any order, between those of others. Returns the
    /// positions of the plan's files.
    fn any_listing(rng: &mut Rng, plan: &[Expected<'_>]) -> (Vec<DatasetFile>, Vec<usize>) {
        let is_there = rng.u8(..);
        let mut positions: Vec<_> = (0..plan.len()).filter(|_| rng.u8(..) < is_there).collect();
        let as_listed = |&position: &usize| {
            let mut listed = DatasetFile::named(plan[position].name);
            listed.sha256 = plan[position].hashes.sha256.filter(|_| position % 2 == 0);
            listed
        };
        let mut listing: Vec<_> = positions.iter().map(as_listed).collect();
        let foreign = (0..rng.usize(..5)).map(|other| format!("other-{other}.parquet"));
        listing.extend(foreign.map(|name| DatasetFile::named(&name)));
        rng.shuffle(&mut listing);
        positions.sort_unstable();
        (listing, positions)
    }

    #[test]
    fn an_unordered_resume_sends_exactly_the_missing_files() {
        let mut rng = Rng::with_seed(15);
        for round in 0..5_000 {
            let names: Vec<_> = (0..rng.usize(..12)).map(|file| format!("é-{file}.pq")).collect();
            let plan: Vec<_> = names.iter().map(|name| expected(name)).collect();
            let (listing, positions) = any_listing(&mut rng, &plan);
            let there = resume_unordered(&listing, &plan).unwrap();
            assert_eq!(there.positions, positions, "round {round}: {listing:?}");
            let not_compared = positions.iter().filter(|position| *position % 2 == 1).count();
            assert_eq!(there.not_compared, not_compared, "round {round}: {listing:?}");
        }
    }

    #[test]
    fn an_unordered_resume_rejects_different_content_and_names_the_file() {
        let mut rng = Rng::with_seed(16);
        for round in 0..5_000 {
            let names: Vec<_> = (0..rng.usize(1..12)).map(|file| format!("{file}.pq")).collect();
            let plan: Vec<_> = names.iter().map(|name| expected(name)).collect();
            let (mut listing, positions) = any_listing(&mut rng, &plan);
            let Some(&other) = rng.choice(&positions) else { continue };
            let listed = listing.iter_mut().find(|listed| listed.file_name == names[other]);
            listed.unwrap().sha256 = Some(ContentHasher::hash_of(b"other"));
            let conflict = resume_unordered(&listing, &plan).unwrap_err();
            let names = vec![names[other].clone()];
            assert_eq!(conflict, Conflict { names, reason: TakenReason::OtherContent }, "{round}");
        }
    }

    /// Whatever an ordered resume skips, an unordered one skips too.
    #[test]
    fn ordered_and_unordered_resume_skip_the_same_files() {
        let mut rng = Rng::with_seed(17);
        for round in 0..5_000 {
            let names: Vec<_> = (0..rng.usize(..4)).map(|file| format!("{file}.pq")).collect();
            let plan: Vec<_> = names.iter().map(|name| expected(name)).collect();
            let (listing, _) = any_listing(&mut rng, &plan);
            if let Ok(there) = resume(&listing, &plan) {
                assert_eq!(Ok(there), resume_unordered(&listing, &plan), "round {round}");
            }
        }
    }

    /// CPU time of this thread, in nanoseconds.
    #[cfg(target_os = "linux")]
    fn cpu_time() -> u64 {
        let times = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
        times.split_whitespace().next().unwrap().parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn resume_of_100_000_files_takes_at_most_a_second_of_cpu_and_is_linear() {
        let taken = |count: usize| {
            let names: Vec<_> = (0..count).map(|file| format!("pärt-{file:06}.parquet")).collect();
            let listing: Vec<_> = names.iter().map(|name| DatasetFile::named(name)).collect();
            let expected = |name| Expected {
                name,
                size_bytes: Some(7),
                row_count: 1,
                hashes: KnownHashes::default(),
            };
            let plan: Vec<_> = names.iter().map(|name| expected(name.as_str())).collect();
            let begun = cpu_time();
            assert_eq!(resume(&listing[..count - 1], &plan).unwrap().positions.len(), count - 1);
            cpu_time() - begun
        };
        let (half, whole) = (taken(50_000), taken(100_000));
        eprintln!("CPU of resume: 50,000 files {half} ns, 100,000 files {whole} ns");
        assert!(whole < 1_000_000_000, "{whole} ns");
        // Quadratic time would be four times as much.
        assert!(whole < 3 * half, "{half} ns, {whole} ns");
    }
}
