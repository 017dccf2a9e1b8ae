//! Counts failures of the head of the line. Only a head that fails alone can fail for good: the
//! others may just wait for a server that serves fewer requests than are open.

use super::decision::{Cause, Room};

/// Failures of the head in a row.
#[derive(Clone, Debug)]
pub(super) struct Retries {
    most: u32,
    failures: u32,
    /// The failures without another open upload that could have been in its way.
    alone: u32,
}

/// What a failure of the head says about the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lesson {
    /// The failure was not caused by another upload.
    Alone,
    /// Another upload may have been in the way.
    LacksRoom(Room),
    Nothing,
}

impl Retries {
    pub(super) fn new(most: u32) -> Self {
        Self { most, failures: 0, alone: 0 }
    }

    /// Notes that another file is the head.
    pub(super) fn next_head(&mut self) {
        *self = Self::new(self.most);
    }

    /// Notes that the head has failed while `others` were open.
    pub(super) fn failed(&mut self, others: usize, cause: Cause) -> Lesson {
        self.failures += 1;
        if others == 0 {
            self.alone += 1;
            Lesson::Alone
        } else if self.failures > 1 {
            Lesson::LacksRoom(Room { kept: 0, served: others })
        } else if cause == Cause::NoRoom {
            Lesson::LacksRoom(Room { kept: others / 2, served: others })
        } else {
            Lesson::Nothing
        }
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn are_used_up(&self) -> bool {
        self.alone > self.most
    }

    pub(super) fn most(&self) -> u32 {
        self.most
    }
}

#[cfg(test)]
mod tests {
    use super::{Cause, Lesson, Retries, Room};

    #[test]
    fn a_head_that_fails_again_gets_all_the_room_and_only_failures_alone_count_as_retries() {
        let mut retries = Retries::new(1);
        assert_eq!(retries.failed(4, Cause::Other), Lesson::Nothing);
        assert_eq!(retries.failed(4, Cause::Other), Lesson::LacksRoom(Room { kept: 0, served: 4 }));
        assert_eq!(retries.failed(0, Cause::NoRoom), Lesson::Alone);
        assert_eq!((retries.failures(), retries.are_used_up()), (3, false));
        assert_eq!(retries.failed(0, Cause::NoRoom), Lesson::Alone);
        assert!(retries.are_used_up());
        retries.next_head();
        assert_eq!(
            retries.failed(4, Cause::NoRoom),
            Lesson::LacksRoom(Room { kept: 2, served: 4 })
        );
    }
}
