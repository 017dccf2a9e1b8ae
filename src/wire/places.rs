//! Finds names in a listing, with one rule for all callers.

use std::collections::{HashMap, HashSet};

use super::{file_name::folded, messages::DatasetFile};

/// The positions of names in a listing.
pub(crate) struct Places {
    exact: HashMap<String, usize>,
    folded: HashMap<String, usize>,
}

impl Places {
    /// Keeps only `names`: a dataset may have many more files than the plan.
    pub(crate) fn of<'a>(names: impl Iterator<Item = &'a str>, listing: &[DatasetFile]) -> Self {
        let wanted: HashSet<_> = names.map(folded).collect();
        Self::of_those(listing, |name| wanted.contains(name))
    }

    /// Keeps all names of a listing.
    pub(crate) fn of_all(listing: &[DatasetFile]) -> Self {
        Self::of_those(listing, |_| true)
    }

    fn of_those(listing: &[DatasetFile], is_wanted: impl Fn(&str) -> bool) -> Self {
        let mut places = Self { exact: HashMap::new(), folded: HashMap::new() };
        for (place, listed) in listing.iter().enumerate() {
            let name = folded(&listed.file_name);
            if is_wanted(&name) {
                places.exact.insert(listed.file_name.clone(), place);
                places.folded.insert(name, place);
            }
        }
        places
    }

    /// The position of a name, or else of one that is the same on some systems.
    pub(crate) fn get(&self, name: &str) -> Option<usize> {
        self.exact.get(name).or_else(|| self.folded.get(&folded(name))).copied()
    }
}
