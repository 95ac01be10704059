//! The table.

use crate::program::{Program, Rest};

const MIB: f64 = 1024.0 * 1024.0;

/// A figure: what it is, and what it is of a program and its rest.
type Figure = (&'static str, fn(&Program, &Rest) -> Option<f64>);

const FIGURES: [Figure; 9] = [
    ("memory, RSS, MiB", |_, rest| Some(rest.used.rss as f64 / MIB)),
    ("memory, PSS, MiB", |_, rest| Some(rest.used.pss as f64 / MIB)),
    ("processor at rest, ms an hour", |_, rest| Some(hourly(rest, rest.used.processor.as_secs_f64() * 1000.0))),
    ("wake-ups at rest, a second", |_, rest| Some(hourly(rest, rest.used.wake_ups as f64) / 3600.0)),
    ("written to disk at rest, KiB an hour", |_, rest| Some(hourly(rest, rest.used.written as f64) / 1024.0)),
    ("files changed at rest, an hour", |_, rest| Some(hourly(rest, f64::from(rest.writes)))),
    ("start to ready, s", |program, _| Some(program.ready.as_secs_f64())),
    ("start until each lock was heard, s", |program, _| program.reached.map(|time| time.as_secs_f64())),
    ("installed, MiB", |program, _| Some(program.size as f64 / MIB)),
];

/// Each program is put beside the Keyway that stands before it.
pub(crate) fn of(programs: &[Program], rests: &[Rest]) -> String {
    let mut text = "| |".to_owned();
    for program in programs {
        text += &format!(" {}, {} |", program.name, program.locks);
    }
    text += &format!("\n|---|{}\n", "--:|".repeat(programs.len()));
    for (name, value) in FIGURES {
        text += &format!("| {name} |");
        let mut ours = 0.0;
        for (program, rest) in programs.iter().zip(rests) {
            let value = value(program, rest);
            let ratio = value.filter(|_| program.name != "Keyway" && ours > 0.0).map(|value| value / ours);
            if program.name == "Keyway" {
                ours = value.unwrap_or_default();
            }
            let ratio = ratio.map_or_else(String::new, |ratio| format!(" (× {ratio:.1})"));
            text += &value.map_or_else(|| " – |".to_owned(), |value| format!(" {value:.2}{ratio} |"));
        }
        text += "\n";
    }
    text
}

fn hourly(rest: &Rest, value: f64) -> f64 {
    value * 3600.0 / rest.time.as_secs_f64()
}
