//! Decides from a listing of the dataset whether a file was committed.
//!
//! One rule holds for every listing that is read after a file was acknowledged. If the listing
//! only lacks acknowledged files, it is stale, and the upload lists the dataset again
//! ([`MAX_STALE_LISTINGS`] times, a grace period apart). If it contradicts them, another process
//! has written to the dataset.
//!
//! [`MAX_STALE_LISTINGS`]: crate::config::MAX_STALE_LISTINGS

use std::collections::HashSet;

use super::{order::Order, verdict::Verdict};
use crate::{
    content_hash::KnownHashes,
    wire::{
        digest::{ContentHash, HashKind},
        file_name::{are_one, folded},
        messages::DatasetFile,
    },
};

/// A file of the plan as it should stand in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Its name in the dataset.
    pub name: &'a str,
    /// Its size in bytes, if it is known before the file is made.
    pub size_bytes: Option<u64>,
    /// Its rows.
    pub row_count: u64,
    /// The hashes of its content, as far as they are known.
    pub hashes: KnownHashes,
}

/// How a listed file compares with a file of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It has another name.
    OtherName,
    /// It has the name, but certainly other content.
    OtherContent,
    /// Name, size and rows agree, as far as the listing has them. The contents were not compared.
    Alike,
    /// Name and content agree.
    Same,
}

impl Expected<'_> {
    /// Compares the file with a listed one.
    #[must_use]
    pub fn compare(&self, listed: &DatasetFile) -> Comparison {
        let differs = |told: Option<u64>, expected: Option<u64>| {
            told.zip(expected).is_some_and(|(told, expected)| told != expected)
        };
        if !are_one(&listed.file_name, self.name) {
            Comparison::OtherName
        } else if let Some((told, expected)) = self.hash_like(listed).zip(listed.content_hash()) {
            if told == expected { Comparison::Same } else { Comparison::OtherContent }
        } else if differs(listed.size_bytes, self.size_bytes)
            || differs(listed.row_count, Some(self.row_count))
        {
            Comparison::OtherContent
        } else {
            Comparison::Alike
        }
    }

    /// The hash of its content, of the kind that is known of the listed one.
    fn hash_like(&self, listed: &DatasetFile) -> Option<ContentHash> {
        self.hashes.of_kind(listed.content_hash()?.kind())
    }

    /// The kind of hash that decides whether it is the listed file, if it must still be computed.
    pub(super) fn hash_to_compare(&self, listed: &DatasetFile) -> Option<HashKind> {
        let kind = listed.content_hash()?.kind();
        (self.hashes.of_kind(kind).is_none() && self.is(listed)).then_some(kind)
    }

    /// Whether the listed file may be this one.
    pub(super) fn is(&self, listed: &DatasetFile) -> bool {
        matches!(self.compare(listed), Comparison::Alike | Comparison::Same)
    }
}

/// How a listing compares with the files that a dataset is known to contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing<'known, 'listing> {
    /// It has all of them. In an ordered upload, these files follow.
    Current(&'listing [DatasetFile]),
    /// It is older than what is known: it lacks this file.
    Stale(&'known str),
    /// It has other files in their place.
    Foreign,
}

/// Compares a listing with the files that the dataset had before and those that the server has
/// acknowledged since. In the planned order, the dataset has them in the order of `known`.
#[must_use]
pub fn standing<'known, 'listing>(
    order: Order,
    mut known: impl Iterator<Item = &'known str>,
    listing: &'listing [DatasetFile],
) -> Standing<'known, 'listing> {
    if order == Order::Any {
        let listed: HashSet<_> = listing.iter().map(|listed| folded(&listed.file_name)).collect();
        let missing = known.find(|name| !listed.contains(&folded(name)));
        return missing.map_or(Standing::Current(&[]), Standing::Stale);
    }
    let mut rest = listing;
    for name in known {
        match rest.split_first() {
            None => return Standing::Stale(name),
            Some((listed, _)) if !are_one(&listed.file_name, name) => return Standing::Foreign,
            Some((_, others)) => rest = others,
        }
    }
    Standing::Current(rest)
}

/// What a listing says about a `file` in doubt; `known` is as in [`standing`].
#[must_use]
pub fn verdict<'known>(
    order: Order,
    known: impl Iterator<Item = &'known str>,
    file: Expected<'_>,
    listing: &[DatasetFile],
) -> Verdict {
    // Without an order the file may be in any place, and a listing that has it is not stale.
    let is_it = |listed: &&DatasetFile| are_one(&listed.file_name, file.name);
    if order == Order::Any
        && let Some(listed) = listing.iter().find(is_it)
    {
        return as_one_of_ours(&file, listed);
    }
    match standing(order, known, listing) {
        Standing::Stale(_) => Verdict::Stale,
        Standing::Current([]) => Verdict::Absent,
        Standing::Current([listed]) => as_one_of_ours(&file, listed),
        Standing::Current(_) | Standing::Foreign => Verdict::Foreign,
    }
}

fn as_one_of_ours(file: &Expected<'_>, listed: &DatasetFile) -> Verdict {
    match file.compare(listed) {
        Comparison::Same => Verdict::Committed,
        Comparison::Alike => Verdict::Alike,
        Comparison::OtherContent | Comparison::OtherName => Verdict::Foreign,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Comparison, Expected, Order, Standing, Verdict, standing, verdict};
    use crate::{content_hash::ContentHasher, wire::messages::DatasetFile};

    pub(in crate::upload) fn listing(names: &str) -> Vec<DatasetFile> {
        names.split_whitespace().map(DatasetFile::named).collect()
    }

    pub(in crate::upload) fn expected(name: &str) -> Expected<'_> {
        Expected {
            name,
            size_bytes: Some(7),
            row_count: 1,
            hashes: ContentHasher::hash_of(b"this").into(),
        }
    }

    /// All combinations of what a listing can show, and whether it agrees.
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
    fn the_listing_settles_whether_the_file_in_doubt_was_committed() {
        for (listed, expected_verdict) in [
            ("x a b", Verdict::Alike),
            ("x a", Verdict::Absent),
            ("x", Verdict::Stale),
            ("", Verdict::Stale),
            ("x a c", Verdict::Foreign),
            ("x a b c", Verdict::Foreign),
            ("a b", Verdict::Foreign),
            ("x b", Verdict::Foreign),
        ] {
            let found =
                verdict(Order::Planned, ["x", "a"].into_iter(), expected("b"), &listing(listed));
            assert_eq!(found, expected_verdict, "{listed}");
        }
    }

    #[test]
    fn unordered_listings_are_compared_by_name_and_stale_without_a_confirmed_file() {
        for (listed, expected_verdict) in [
            ("b", Verdict::Alike),
            ("c a y b x", Verdict::Alike),
            ("a y x", Verdict::Absent),
            ("a y", Verdict::Stale),
            ("", Verdict::Stale),
        ] {
            let found =
                verdict(Order::Any, ["x", "a"].into_iter(), expected("b"), &listing(listed));
            assert_eq!(found, expected_verdict, "{listed}");
        }
        let mut other = listing("x a b");
        other[2].size_bytes = Some(8);
        let found = verdict(Order::Any, ["x", "a"].into_iter(), expected("b"), &other);
        assert_eq!(found, Verdict::Foreign);
    }

    /// Every listing of up to four of five names, in every order.
    #[test]
    fn a_listing_is_stale_if_it_can_still_catch_up() {
        let known = ["x", "A", "b"];
        let names = ["x", "a", "b", "c", "y"];
        let listings = (0..4).fold(vec![Vec::new()], |listings: Vec<Vec<&str>>, _| {
            let longer = |listing: &Vec<_>| {
                let new = names.into_iter().filter(|name| !listing.contains(name));
                new.map(|name| [listing.as_slice(), &[name]].concat()).collect::<Vec<_>>()
            };
            let longest = listings.iter().map(Vec::len).max();
            let last = listings.iter().filter(|listing| Some(listing.len()) == longest);
            let more: Vec<_> = last.flat_map(longer).collect();
            [listings, more].concat()
        });
        assert_eq!(listings.len(), 1 + 5 + 20 + 60 + 120);
        for names in listings {
            let folded: Vec<_> = known.iter().map(|name| name.to_lowercase()).collect();
            let files: Vec<_> = names.iter().map(|name| DatasetFile::named(name)).collect();
            let expected = if names.len() < 3 && folded[..names.len()] == names[..] {
                Standing::Stale(known[names.len()])
            } else if names.len() >= 3 && folded[..] == names[..3] {
                Standing::Current(&files[3..])
            } else {
                Standing::Foreign
            };
            assert_eq!(standing(Order::Planned, known.into_iter(), &files), expected, "{names:?}");
            let missing = known.into_iter().find(|name| !names.contains(&&*name.to_lowercase()));
            let expected = missing.map_or(Standing::Current(&[]), Standing::Stale);
            assert_eq!(standing(Order::Any, known.into_iter(), &files), expected, "{names:?}");
        }
    }
}
