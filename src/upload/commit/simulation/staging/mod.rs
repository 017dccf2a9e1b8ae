//! Staged uploads against a model of the server, in seeded random schedules. They contain lost and
//! late commits, staged files that expire, stale listings, a second client with the same plan, a
//! foreign writer between two commits, and killed clients. At every step the dataset is a prefix of
//! the plan, until another client writes, and every schedule ends.

mod bug;
mod events;
mod power;
mod schedule;
mod schedules;
mod server;
mod world;
