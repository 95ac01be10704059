//! What happened, in a line each: the last lines are kept to be shown, all of them go into a hash.

use std::collections::VecDeque;

use keyway::model::Timestamp;

/// Lines that are kept.
const KEPT: usize = 3000;

/// What happened.
#[derive(Debug)]
pub(crate) struct Trace {
    lines: VecDeque<(Option<usize>, String)>,
    hash: u64,
    /// Whether each line is written to the standard error output as well.
    loud: bool,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self {
            lines: VecDeque::new(),
            hash: 0xCBF2_9CE4_8422_2325,
            loud: std::env::var_os("SIMULATION_TRACE").is_some(),
        }
    }

    /// Something happened, at this door if at one.
    pub(crate) fn note(&mut self, now: Timestamp, door: Option<usize>, what: &str) {
        let line = match door {
            Some(door) => format!("{now} door {door}: {what}"),
            None => format!("{now} {what}"),
        };
        if self.loud {
            eprintln!("{line}");
        }
        for byte in line.bytes() {
            // FNV-1a.
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        if self.lines.len() == KEPT {
            self.lines.pop_front();
        }
        self.lines.push_back((door, line));
    }

    /// The last things that happened at this door, and to all.
    pub(crate) fn last(&self, door: Option<usize>, count: usize) -> Vec<String> {
        let about = |other: &Option<usize>| other.is_none() || door.is_none() || *other == door;
        let lines = self.lines.iter().filter(|(other, _)| about(other)).map(|(_, line)| line.clone());
        let mut lines: Vec<String> = lines.rev().take(count).collect();
        lines.reverse();
        lines
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }
}
