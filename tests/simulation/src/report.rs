//! What came of a run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::Scenario;
use crate::checker::Violation;

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Grants that were answered OK.
    pub grants: u64,
    /// Requests that were refused.
    pub refused: u64,
    /// Changes of codes in locks, by hand or by the hub.
    pub code_changes: u64,
    /// Guests who typed a PIN.
    pub typed: u64,
    /// Events that the broker got.
    pub events: u64,
    /// How often the hub wrote to its disk.
    pub writes: u64,
    /// Misfortunes by kind.
    pub misfortunes: BTreeMap<&'static str, u64>,
}

impl Counts {
    /// What was counted in several runs.
    pub fn sum<'a>(all: impl IntoIterator<Item = &'a Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut sum, one| {
            sum.grants += one.grants;
            sum.refused += one.refused;
            sum.code_changes += one.code_changes;
            sum.typed += one.typed;
            sum.events += one.events;
            sum.writes += one.writes;
            for (kind, count) in &one.misfortunes {
                *sum.misfortunes.entry(kind).or_default() += count;
            }
            sum
        })
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { grants, refused, code_changes, typed, events, writes, misfortunes } = self;
        writeln!(
            f,
            "grants {grants}, refused requests {refused}, code changes {code_changes}, PINs typed {typed}, events {events}, writes \
             {writes}"
        )?;
        let shown: Vec<String> = misfortunes.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        let total: u64 = misfortunes.values().sum();
        write!(f, "misfortunes {total}: {}", if shown.is_empty() { "none".to_owned() } else { shown.join(", ") })
    }
}

/// Violations that are shown with what happened before them.
const IN_FULL: usize = 10;

/// What came of a run.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was run.
    pub scenario: Scenario,
    /// What was counted.
    pub counts: Counts,
    /// Promises that were broken.
    pub violations: Vec<Violation>,
    /// Of everything that happened, in order.
    pub hash: u64,
    /// How long it was, in simulated time.
    pub simulated: Duration,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scenario { seed, doors, .. } = self.scenario;
        let days = self.simulated.as_secs_f64() / 86_400.0;
        writeln!(f, "seed {seed}: {doors} doors, {days:.1} days, hash {:016x}", self.hash)?;
        writeln!(f, "{}", self.counts)?;
        match self.violations.len() {
            0 => write!(f, "violations: none"),
            count => {
                writeln!(f, "violations: {count}")?;
                let (first, others) = self.violations.split_at(count.min(IN_FULL));
                first.iter().try_for_each(|violation| writeln!(f, "{violation}"))?;
                others.iter().try_for_each(|violation| writeln!(f, "{}", violation.headline()))
            }
        }
    }
}
