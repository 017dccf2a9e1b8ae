//! Runs each strategy against a model of the server, in seeded random schedules. They contain
//! faults in every phase, lost and late responses, stale listings, few places, other clients that
//! take places, a second client with the same plan, and killed clients. Content of other clients
//! must never count as ours, and every schedule must end; it must end complete if a place is free
//! often enough. In an ordered upload, the dataset must be a prefix of the plan at every step.

mod actions;
mod bug;
mod cost;
mod events;
mod faulty;
mod faulty_gate;
mod planted;
mod power;
mod requests;
mod schedule;
mod schedules;
mod service;
mod staging;
mod world;
