//! Weeks in buildings of ten doors, each from another seed: no promise is broken in any of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use keyway_simulation::{Report, Scenario, run};

/// Seeds, where `SIMULATION_SEEDS` does not say how many.
const SEEDS: u64 = 200;

#[test]
fn no_promise_is_broken_in_a_week_of_any_seed() {
    let seeds = std::env::var("SIMULATION_SEEDS").ok().and_then(|count| count.parse().ok()).unwrap_or(SEEDS);
    let (next, reports) = (AtomicU64::new(1), Mutex::new(Vec::<Report>::new()));
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > seeds {
                        return;
                    }
                    reports.lock().expect("no panic").push(run(Scenario::week(seed)));
                }
            });
        }
    });
    let reports = reports.into_inner().expect("no panic");
    let broken: Vec<String> =
        reports.iter().filter(|report| !report.violations.is_empty()).map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{} of {seeds} seeds\n{}", broken.len(), broken.join("\n"));
}
