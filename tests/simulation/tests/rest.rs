//! A hub at rest: memory cards wear out by being written.

use keyway_simulation::{Scenario, run};

/// The latest time, once an hour, and with it all that may wait.
const HOURLY: u64 = 24;

/// How often a hub writes on the second day with ten locks that nobody comes to.
fn writes(seed: u64) -> u64 {
    let until = |days| run(Scenario { days, people: false, misfortunes: false, ..Scenario::week(seed) }).counts.writes;
    until(2) - until(1)
}

#[test]
fn a_hub_of_ten_locks_at_rest_writes_once_an_hour() {
    for seed in 1..4 {
        let writes = writes(seed);
        assert!(writes <= HOURLY, "seed {seed}: {writes} writes in a day at rest");
    }
}
