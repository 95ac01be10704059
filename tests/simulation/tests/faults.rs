//! A checker that catches nothing is worth nothing: each fault that is built into the hub on purpose is noticed within a few
//! seeds. `cargo test --profile bench -p keyway-simulation --features faults --test faults -- --nocapture` shows the table;
//! `SIMULATION_FAULTS=ClockTrusted,PurgeOff` tries these only.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keyway::faults::Fault;
use keyway_simulation::{Scenario, run, run_with};

/// Each is caught within so many seeds.
const SEEDS: u64 = 60;

#[test]
fn every_fault_is_caught_within_a_few_seeds() {
    let only = std::env::var("SIMULATION_FAULTS").ok();
    let asked = |fault: &Fault| only.as_ref().is_none_or(|only| only.split(',').any(|one| one == format!("{fault:?}")));
    let faults: Vec<Fault> = Fault::ALL.into_iter().filter(asked).collect();
    let (next, missed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    println!("{:<20} {:>5}  broken", "fault", "seeds");
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match seeds_until_caught(*fault) {
                        Some((seeds, broken)) => println!("{:<20} {seeds:>5}  {broken}", format!("{fault:?}")),
                        None => missed.lock().expect("no panic").push(*fault),
                    }
                }
            });
        }
    });
    let missed = missed.into_inner().expect("no panic");
    assert!(missed.is_empty(), "not noticed within {SEEDS} seeds: {missed:?}");
}

/// What is noticed is the fault, and nothing else: without it the same seed breaks nothing.
fn seeds_until_caught(fault: Fault) -> Option<(u64, String)> {
    (1..=SEEDS).find_map(|seed| {
        let scenario = Scenario { doors: 4, until_broken: true, ..Scenario::week(seed) };
        let report = run_with(scenario, fault);
        let violation = report.violations.first()?;
        let without = run(scenario);
        assert!(without.violations.is_empty(), "without any fault: {without}");
        Some((seed, format!("{}: {}", violation.invariant, violation.what)))
    })
}
