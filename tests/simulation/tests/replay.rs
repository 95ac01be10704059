//! A seed replays exactly.

use keyway_simulation::{Scenario, run};

fn two_days(seed: u64) -> Scenario {
    Scenario { doors: 20, days: 2, ..Scenario::week(seed) }
}

#[test]
fn the_same_seed_gives_the_same_world_to_the_last_event_and_another_seed_another() {
    let (first, again, other) = (run(two_days(1)), run(two_days(1)), run(two_days(2)));
    assert_eq!((first.hash, &first.counts), (again.hash, &again.counts));
    assert_ne!(first.hash, other.hash);
    assert!(first.counts.grants > 0 && first.counts.typed > 0 && first.counts.events > 0, "{first}");
}
