//! What is simulated.

/// A run: how large, how long, and from which seed.
#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    /// All choices come from it.
    pub seed: u64,
    /// How many doors the building has.
    pub doors: usize,
    /// For how many days it is watched.
    pub days: u32,
    /// Whether anybody comes at all: guests, and hands at the keypads.
    pub people: bool,
    /// Whether anything goes wrong at all.
    pub misfortunes: bool,
    /// Whether it ends with the first promise that is broken.
    pub until_broken: bool,
}

impl Scenario {
    /// A week with ten doors.
    pub fn week(seed: u64) -> Self {
        Self { seed, doors: 10, days: 7, people: true, misfortunes: true, until_broken: false }
    }
}
