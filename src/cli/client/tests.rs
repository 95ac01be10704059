//! Whole commands against a hub that answers what was written down.

mod asking;
mod commands;
mod hub;
mod reaching;

use clap::Parser;
use jiff::tz::TimeZone;

use super::super::{Arguments, Command};
use super::console::tests::console;
use super::reach::Target;
use super::{Connection, LocalTime, Session, Trouble};
use crate::config::Secret;
use hub::Hub;

/// What a command wrote, and how it ended.
struct Outcome {
    /// The answer.
    out: String,
    /// Notes and questions.
    notes: String,
    result: Result<(), Trouble>,
}

impl Outcome {
    /// The answer of a command that went well.
    fn answer(self) -> String {
        self.result.unwrap();
        self.out
    }

    /// Why it did not, and the exit code.
    fn trouble(self) -> (String, u8) {
        let trouble = self.result.unwrap_err();
        (trouble.to_string(), trouble.exit_code())
    }
}

/// Carries out a command line. It is 2026-11-25, 14:05 in Berlin. `typed`: what a person at the terminal answers.
fn keyway(hub: &Hub, line: &[&str], typed: Option<&str>) -> Outcome {
    let arguments = Arguments::try_parse_from([&["keyway"], line].concat()).unwrap_or_else(|error| panic!("{error}"));
    let Command::Client(command) = arguments.command else { panic!("{line:?} asks no hub") };
    let order = command.order();
    let (console, out, notes) = console(typed);
    let target = Target {
        endpoint: hub.endpoint(),
        key: Secret::new("seam_test_key".to_owned()),
        key_source: "a test".to_owned(),
        exposed: false,
    };
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let time = LocalTime::new("2026-11-25T13:05:00Z".parse().unwrap(), zone);
    let mut session = Session { hub: Connection::to(target), console, time, json: order.json };
    let result = session.carry_out(order.task);
    Outcome { out: out.text(), notes: notes.text(), result }
}
