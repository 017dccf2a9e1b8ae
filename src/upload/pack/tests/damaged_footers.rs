//! A file with a damaged footer is rejected, or its packs have the rows that its footer describes.

use std::collections::BTreeMap;

use bytes::Bytes;
use fastrand::Rng;
use tempfile::TempDir;

use super::{
    super::damage::{Packed, damaged, pack_and_compare},
    write,
};

const SEED: &str = "SUTRO_DAMAGE_SEED";
const RUNS: &str = "SUTRO_DAMAGE_RUNS";

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// The bytes of a file with three row groups.
fn file(rng: &mut Rng) -> Bytes {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    write(&path, rng, &[20, 30, 10]);
    std::fs::read(&path).unwrap().into()
}

#[test]
fn packs_of_a_file_with_a_damaged_footer_are_rejected_or_equal() {
    let seeds = number(SEED).map_or(0..number(RUNS).unwrap_or(500), |seed| seed..seed + 1);
    let is_one = seeds.end - seeds.start == 1;
    let mut outcomes = BTreeMap::new();
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let intact = file(&mut rng);
        // Most files with several edits are rejected immediately.
        let count = *rng.choice(&[1, 1, 1, 2, 5]).unwrap();
        let edits: Vec<_> = (0..4 * count).map(|_| rng.u8(..)).collect();
        let target_size = *rng.choice(&[1, 2_000, u64::MAX]).unwrap();
        let damaged = Bytes::from(damaged(&intact, &edits));
        let outcome = pack_and_compare(&damaged, &intact, target_size)
            .unwrap_or_else(|wrong| panic!("{wrong}\nrun it again with {SEED}={seed}"));
        let kind = match outcome {
            Packed::Refused(_) => "refused",
            Packed::Equal => "equal",
            Packed::Illegible => "illegible",
        };
        *outcomes.entry(kind).or_insert(0) += 1;
    }
    assert!(is_one || outcomes["refused"] > 50 && outcomes["equal"] > 50, "{outcomes:?}");
}

#[test]
fn each_flipped_bit_of_a_damaged_footer_is_rejected_or_its_packs_are_equal() {
    let intact = file(&mut Rng::with_seed(1));
    let size = u32::from_le_bytes(intact[intact.len() - 8..intact.len() - 4].try_into().unwrap());
    let stride = number("SUTRO_DAMAGE_STRIDE").unwrap_or(13);
    for bit in (0..u64::from(size) * 8).step_by(usize::try_from(stride).unwrap()) {
        let place = u16::try_from(bit / 8).unwrap().to_le_bytes();
        let edit = [7, place[0], place[1], u8::try_from(bit % 8).unwrap()];
        let damaged = Bytes::from(damaged(&intact, &edit));
        let outcome = pack_and_compare(&damaged, &intact, u64::MAX);
        assert!(outcome.is_ok(), "bit {bit}: {outcome:?}");
    }
}
