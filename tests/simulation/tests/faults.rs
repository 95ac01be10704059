//! A checker that catches nothing is worth nothing: each fault that is built into the hub on purpose is noticed within
//! [`SEEDS`] seeds, each of a week with four doors. `cargo test --profile bench -p keyway-simulation --features faults
//! --test faults -- --nocapture` shows the table; `SIMULATION_FAULTS=ClockTrusted,PurgeOff` tries these only.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use keyway::faults::Fault;
use keyway_simulation::{Scenario, run, run_with};

/// Each is caught within so many seeds.
const SEEDS: usize = 20;

#[test]
fn every_fault_is_caught_within_a_few_seeds() {
    let only = std::env::var("SIMULATION_FAULTS").ok();
    let asked = |fault: &Fault| only.as_ref().is_none_or(|only| only.split(',').any(|one| one == format!("{fault:?}")));
    let faults: Vec<Fault> = Fault::ALL.into_iter().filter(asked).collect();
    let (next, missed, sound) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Sound::default());
    println!("{:<20} {:>5}  broken", "fault", "seeds");
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(fault) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match seeds_until_caught(*fault, &sound) {
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

/// Which seeds were run without any fault. They break nothing.
#[derive(Default)]
struct Sound([OnceLock<()>; SEEDS]);

impl Sound {
    fn look_at(&self, scenario: Scenario, place: usize) {
        self.0[place].get_or_init(|| {
            let report = run(scenario);
            assert!(report.violations.is_empty(), "without any fault: {report}");
        });
    }
}

/// What is noticed is the fault, and nothing else: without it the same seed breaks nothing.
fn seeds_until_caught(fault: Fault, sound: &Sound) -> Option<(usize, String)> {
    (0..SEEDS).find_map(|place| {
        let seed = place as u64 + 1;
        let scenario = Scenario { doors: 4, until_broken: true, ..Scenario::week(seed) };
        let report = run_with(scenario, fault);
        let violation = report.violations.first()?;
        sound.look_at(scenario, place);
        Some((place + 1, format!("{}: {}", violation.invariant, violation.what)))
    })
}
