//! Runs simulations: `cargo run --release -p keyway-simulation -- --seeds 1..201 --days 7 --doors 10`.

use std::io::Write;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use keyway_simulation::{Report, Scenario};

struct Arguments {
    seeds: Range<u64>,
    days: u32,
    doors: usize,
    threads: usize,
    calm: bool,
}

fn main() -> ExitCode {
    let arguments = match arguments(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            eprintln!("{wrong}\nusage: simulation [--seeds 1..3] [--days 7] [--doors 10] [--threads 2] [--calm]");
            return ExitCode::from(2);
        }
    };
    let Arguments { seeds, days, doors, threads, calm } = arguments;
    let (next, reports) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let begun = now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let report =
                        keyway_simulation::run(Scenario { doors, days, misfortunes: !calm, ..Scenario::week(seed) });
                    say(&report.to_string());
                    reports.lock().expect("no panic").push(report);
                }
            });
        }
    });
    let real = begun.elapsed().as_secs_f64();
    let reports = reports.into_inner().expect("no panic");
    let total = |count: fn(&Report) -> f64| reports.iter().map(count).sum::<f64>();
    let simulated = total(|report| report.simulated.as_secs_f64());
    let violations = total(|report| report.violations.len() as f64);
    say(&format!(
        "{} runs of {days} days with {doors} doors in {real:.1} s: {:.0} times as fast as real; grants {}, code changes {}, \
         events {}, violations {violations}",
        reports.len(),
        simulated / real,
        total(|report| report.counts.grants as f64),
        total(|report| report.counts.code_changes as f64),
        total(|report| report.counts.events as f64),
    ));
    if violations == 0.0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { seeds: 1..2, days: 7, doors: 10, threads: 2, calm: false };
    while let Some(name) = given.next() {
        if name == "--calm" {
            arguments.calm = true;
            continue;
        }
        let value = given.next().ok_or_else(|| format!("{name} wants a value"))?;
        let wrong = |_| format!("{name}: {value} is no number");
        match name.as_str() {
            "--seeds" => {
                let (from, to) = value.split_once("..").ok_or("--seeds wants 1..3")?;
                arguments.seeds = from.parse().map_err(wrong)?..to.parse().map_err(wrong)?;
            }
            "--days" => arguments.days = value.parse().map_err(wrong)?,
            "--doors" => arguments.doors = value.parse().map_err(wrong)?,
            "--threads" => arguments.threads = value.parse().map_err(wrong)?,
            _ => return Err(format!("there is no {name}")),
        }
    }
    Ok(arguments)
}

#[expect(clippy::disallowed_methods, reason = "how fast a simulation is, is a matter of real time")]
fn now() -> Instant {
    Instant::now()
}

/// A pipe that is closed is nobody's fault.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
