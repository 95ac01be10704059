//! Reports of attributes to whoever is bound: at a change, not more often than told, and from time to time without one (ZCL
//! revision 8, sections 2.5.7 and 2.5.11).

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::zcl::Value;

/// As a longest interval: no reports at all.
const OFF: u16 = 0xFFFF;

/// An attribute's cluster, and its number there.
pub(super) type Key = (u16, u16);

/// How an attribute is reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Configuration {
    pub(super) kind: u8,
    /// Least and longest interval in seconds.
    pub(super) intervals: (u16, u16),
    /// Least change of a number.
    pub(super) change: Option<Value>,
}

#[derive(Debug)]
struct Report {
    configuration: Configuration,
    told: Value,
    at: Instant,
}

/// The reports that were asked for, by cluster and attribute.
#[derive(Debug, Default)]
pub(super) struct Reports(BTreeMap<Key, Report>);

impl Reports {
    pub(super) fn configure(&mut self, now: Instant, key: Key, configuration: Configuration, present: Value) {
        if configuration.intervals.1 == OFF {
            self.0.remove(&key);
        } else {
            self.0.insert(key, Report { configuration, told: present, at: now });
        }
    }

    pub(super) fn configuration(&self, key: Key) -> Option<&Configuration> {
        self.0.get(&key).map(|report| &report.configuration)
    }

    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// The attributes to be reported now, with their values; and when something is to be reported next, as things are.
    pub(super) fn due(
        &mut self,
        now: Instant,
        present: impl Fn(u16, u16) -> Option<Value>,
    ) -> (Vec<(Key, Value)>, Option<Instant>) {
        let (mut due, mut next) = (Vec::new(), None);
        for (key, report) in &mut self.0 {
            let Some(value) = present(key.0, key.1) else { continue };
            let mut at = report.wake(&value);
            if at.is_some_and(|at| at <= now) {
                report.told = value.clone();
                report.at = now;
                at = report.wake(&value);
                due.push((*key, value));
            }
            next = next.into_iter().chain(at).min();
        }
        (due, next)
    }
}

impl Report {
    /// When it is due if the value stays as it is.
    fn wake(&self, value: &Value) -> Option<Instant> {
        let after = |seconds: u16| self.at + Duration::from_secs(seconds.into());
        let (least, longest) = self.configuration.intervals;
        let by = value.number().abs_diff(self.told.number());
        let enough = match &self.configuration.change {
            Some(change) if value.is_analog() => by >= change.number().max(1),
            _ => *value != self.told,
        };
        match (enough, longest) {
            (true, _) => Some(after(least)),
            (false, 0) => None,
            (false, longest) => Some(after(longest)),
        }
    }
}
