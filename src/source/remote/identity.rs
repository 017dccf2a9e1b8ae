//! The identity of an object: whether it is still the one that was pinned.

use chrono::{DateTime, Utc};
use object_store::ObjectMeta;

/// The state of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) size: u64,
    /// Without its quotes. A weak one says nothing about bytes, and counts as none.
    pub(super) etag: Option<String>,
    pub(super) modified: Option<DateTime<Utc>>,
}

impl Identity {
    pub(super) fn new(size: u64, etag: Option<&str>, modified: Option<DateTime<Utc>>) -> Self {
        let strong = etag.map(str::trim).filter(|etag| !etag.starts_with("W/"));
        let etag = strong.map(|etag| etag.trim_matches('"').to_owned());
        Self { size, etag: etag.filter(|etag| !etag.is_empty()), modified }
    }

    /// The value of `If-Match`.
    pub(super) fn if_match(&self) -> Option<String> {
        self.etag.as_ref().map(|etag| format!("\"{etag}\""))
    }

    /// The change since then: "it grew", …
    pub(super) fn change(&self, now: &Self) -> Option<&'static str> {
        let is_replaced = match (&self.etag, &now.etag) {
            (Some(pinned), Some(now)) => pinned != now,
            // Listings have fractions of seconds, and responses have none.
            _ => matches!((self.modified, now.modified), (Some(pinned), Some(now))
                if pinned.timestamp() != now.timestamp()),
        };
        match now.size {
            size if size > self.size => Some("it grew"),
            size if size < self.size => Some("it shrank"),
            _ => is_replaced.then_some("it was replaced"),
        }
    }
}

impl From<&ObjectMeta> for Identity {
    fn from(meta: &ObjectMeta) -> Self {
        Self::new(meta.size, meta.e_tag.as_deref(), Some(meta.last_modified))
    }
}

#[cfg(test)]
mod tests {
    use super::Identity;

    #[test]
    fn a_change_is_seen_by_size_etag_or_time_and_weak_etags_do_not_count() {
        let now = chrono::Utc::now();
        let later = now + chrono::TimeDelta::seconds(2);
        let of = |size, etag, modified| Identity::new(size, etag, Some(modified));
        let pinned = of(7, Some("\"a\""), now);
        assert_eq!(pinned.if_match().as_deref(), Some("\"a\""));
        assert_eq!(pinned.change(&of(7, Some("a"), later)), None);
        assert_eq!(pinned.change(&of(7, Some("b"), now)), Some("it was replaced"));
        assert_eq!(pinned.change(&of(8, Some("b"), now)), Some("it grew"));
        assert_eq!(pinned.change(&of(6, None, now)), Some("it shrank"));
        let weak = of(7, Some("W/\"a\""), now);
        assert_eq!(weak.if_match(), None);
        assert_eq!(weak.change(&of(7, Some("W/\"b\""), now)), None);
        assert_eq!(weak.change(&of(7, Some("W/\"a\""), later)), Some("it was replaced"));
    }
}
