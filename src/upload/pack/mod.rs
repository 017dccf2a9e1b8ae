//! Files of the right size: neighbours are packed and large files are split, at the borders of row
//! groups. No page is decoded, except to merge row groups that are far too small. The order of the
//! rows stays that of the plan.

mod advice;
#[cfg(any(test, fuzzing))]
mod damage;
mod footers;
mod join;
mod merge;
mod regroup;
#[cfg(test)]
mod tests;

#[cfg(fuzzing)]
pub use self::damage::{Packed, damaged, pack_and_compare};
pub(super) use self::{
    advice::{many_small_files, regrouped},
    join::join,
    merge::merge,
    regroup::regroup,
};
