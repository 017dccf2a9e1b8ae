//! Each strategy against a model of the server, in seeded random schedules: faults in every phase,
//! lost and late responses, stale listings, few places, strangers who take them, a second client
//! with the same plan, killed clients. No content of others is taken for ours, and every schedule
//! ends: complete if a place is free often enough. In order, the dataset is exactly a prefix of the
//! plan at every step.

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
