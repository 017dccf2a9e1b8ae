//! Bugs in how the commit gate makes room for its head. They are planted by changing its state
//! between events.

use super::{
    super::{
        Action, CommitConfig, CommitStrategy, Event, InOrder,
        line::Line,
        starting::{HeadStarts, Others},
    },
    bug::Bug,
};

#[derive(Debug)]
pub(super) struct FaultyGate {
    gate: InOrder,
    bug: Bug,
    withheld: Option<Event>,
}

impl FaultyGate {
    pub(super) fn new(bug: Bug, config: CommitConfig) -> Self {
        Self { gate: InOrder::new(config), bug, withheld: None }
    }

    fn has_slot(&self) -> bool {
        let line = &self.gate.line;
        line.starting.has_slot(&line.files, &line.open_limit)
    }

    /// The head's pause ends only when a slot is free.
    fn head_waits_for_slot(&mut self, event: Event) -> Vec<Action> {
        match event {
            Event::PauseOver(request) if request.file == self.head() && !self.has_slot() => {
                self.withheld = Some(event);
                Vec::new()
            }
            event => {
                let mut actions = self.gate.on(event);
                if self.withheld.is_some() && self.has_slot() {
                    actions.extend(self.withheld.take().map(|event| self.gate.on(event)).unwrap());
                }
                actions
            }
        }
    }

    /// Uploads that were dropped to make room continue anyway.
    fn others_stay(&mut self, event: Event) -> Vec<Action> {
        let before = self.gate.clone();
        let mut actions = self.gate.on(event);
        let line = &mut self.gate.line;
        if line.stopping.stop().is_none() {
            actions.retain(|action| {
                let Action::Drop(file) = *action else { return true };
                line.files[file] = before.line.files[file].clone();
                if before.line.starting.opening == Some(file) {
                    line.starting.opening = Some(file);
                }
                false
            });
        }
        actions
    }

    /// Other uploads start although the head is not served.
    fn line_stays_open(&mut self, event: Event) -> Vec<Action> {
        let mut actions = self.gate.on(event);
        let line = &mut self.gate.line;
        if actions.iter().any(|action| matches!(action, Action::Start(_) | Action::Finish(_))) {
            return actions;
        }
        let (others, head) = (Others::MayStart, HeadStarts::AtOnce);
        let next = line.starting.next(&line.files, &line.stopping, others, head, &line.open_limit);
        if let Some(file) = next {
            line.start(file);
            actions.extend(line.actions());
        }
        actions
    }
}

impl CommitStrategy for FaultyGate {
    fn on(&mut self, event: Event) -> Vec<Action> {
        match self.bug {
            Bug::HeadWaitsForSlot => self.head_waits_for_slot(event),
            Bug::HeadRefusedForOthers => self.others_stay(event),
            Bug::LineLeftOpen => self.line_stays_open(event),
            _ => self.gate.on(event),
        }
    }

    fn line(&self) -> &Line {
        self.gate.line()
    }
}
