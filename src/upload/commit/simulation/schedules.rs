//! Runs of many schedules.

use std::{env, ops::Range};

use super::world::World;
use crate::upload::commit::Order;

/// Set this variable to run one schedule alone: `SUTRO_SEED=… cargo test in_every_schedule`.
const SEED: &str = "SUTRO_SEED";
/// How many schedules to run: `make soak` runs a million.
const SCHEDULES: &str = "SUTRO_SCHEDULES";

#[test]
fn the_dataset_is_a_prefix_of_the_plan_in_every_schedule() {
    run_schedules(Order::Planned);
}

#[test]
fn an_unordered_upload_commits_each_file_once_in_every_schedule() {
    run_schedules(Order::Any);
}

/// The seeds of the schedules to run.
pub(super) fn seeds() -> Range<u64> {
    let number = |name: &str| env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let schedules = number(SCHEDULES).unwrap_or(20_000);
    number(SEED).map_or(0..schedules, |seed| seed..seed + 1)
}

fn run_schedules(order: Order) {
    let seeds = seeds();
    let (mut completed, schedules) = (0, seeds.end - seeds.start);
    for seed in seeds {
        match World::new(seed, order, None).run() {
            Ok(is_complete) => completed += u64::from(is_complete),
            Err(violation) => panic!("{violation}\nrun it again with {SEED}={seed}"),
        }
    }
    assert!(schedules == 1 || completed > schedules / 3, "only {completed} completed");
}
