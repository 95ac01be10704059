//! Runs simulations: `cargo run --release -p keyway-simulation -- --seeds 1..201 --days 7 --doors 10`.

use std::io::Write;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use keyway_simulation::{Counts, Report, Scenario};
use rustix::time::{ClockId, clock_gettime};

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
    let (next, reports) = (AtomicU64::new(seeds.start), Mutex::new(Vec::<(Report, Spent)>::new()));
    let begun = Begun::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let begun = Begun::now();
                    let report =
                        keyway_simulation::run(Scenario { doors, days, misfortunes: !calm, ..Scenario::week(seed) });
                    let spent = begun.until_now();
                    say(&format!("{report}\n{}", spent.compared_with(report.simulated)));
                    reports.lock().expect("no panic").push((report, spent));
                }
            });
        }
    });
    let real = begun.until_now().real;
    let reports = reports.into_inner().expect("no panic");
    let simulated: Duration = reports.iter().map(|(report, _)| report.simulated).sum();
    let processor: Duration = reports.iter().map(|(_, spent)| spent.processor).sum();
    let violations: usize = reports.iter().map(|(report, _)| report.violations.len()).sum();
    say(&format!(
        "\n{} runs of {days} days with {doors} doors on {threads} threads\n{}\nviolations {violations}\nall: {}; per thread {:.0} \
         times as fast as real",
        reports.len(),
        Counts::sum(reports.iter().map(|(report, _)| &report.counts)),
        Spent { real, processor }.compared_with(simulated),
        ratio(simulated, real) / threads as f64,
    ));
    if violations == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a run took.
struct Spent {
    real: Duration,
    /// Of this thread: on a machine that does other things as well it says more than the other.
    processor: Duration,
}

impl Spent {
    fn compared_with(&self, simulated: Duration) -> String {
        let Self { real, processor } = self;
        format!(
            "{:.1} s, {:.0} times as fast as real ({:.1} s of a processor, {:.0} times)",
            real.as_secs_f64(),
            ratio(simulated, *real),
            processor.as_secs_f64(),
            ratio(simulated, *processor),
        )
    }
}

struct Begun {
    real: Instant,
    processor: Duration,
}

impl Begun {
    #[expect(clippy::disallowed_methods, reason = "how fast a simulation is, is a matter of real time")]
    fn now() -> Self {
        Self { real: Instant::now(), processor: processor_time() }
    }

    fn until_now(&self) -> Spent {
        Spent { real: self.real.elapsed(), processor: processor_time().saturating_sub(self.processor) }
    }
}

/// That this thread has had.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

fn ratio(simulated: Duration, spent: Duration) -> f64 {
    simulated.as_secs_f64() / spent.as_secs_f64()
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

/// A pipe that is closed is nobody's fault.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}
