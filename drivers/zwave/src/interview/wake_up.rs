//! How often a node wakes that no beam wakes, and whom it tells: asked, set, and asked again whether that was taken.

use super::stage::{About, Heard, InterviewAsk, LEARNED, Reply, Stage};
use crate::cc::wake_up::{self, Interval, Limits, WakeUpCommand};
use crate::node::info::Listening;
use crate::node::table::NodeRecord;

/// Seconds between two wake-ups, at most: a guest's code gets in at one of them, and a guest who booked an hour ago stands
/// at the door. Makers set four hours and more, as for sensors, which have nothing to be told.
const LONGEST: u32 = 3600;

pub(super) const WAKE_UP: Stage = Stage { name: "wake-up interval", ask: first, learn };

fn first(record: &NodeRecord, about: &About) -> Vec<InterviewAsk> {
    let sleeps = record.listening == Some(Listening::Sleeping) && record.supports(wake_up::CLASS);
    if !sleeps || about.node.is_long_range() || record.wake_up_seconds.is_some() {
        return Vec::new();
    }
    vec![if has_limits(record) { limits() } else { interval() }]
}

fn learn(record: &mut NodeRecord, about: &About, heard: &Heard<'_>) -> Option<Vec<InterviewAsk>> {
    let report = match &heard.answer {
        Reply::Delivered => return Some(vec![interval()]),
        Reply::Report(report) => WakeUpCommand::decode(report).ok()?,
        Reply::Stick(_) => return None,
    };
    let it = match report {
        WakeUpCommand::CapabilitiesReport(Limits { least, most, step, .. }) => {
            record.wake_up_limits = Some((least, most, step));
            return Some(vec![interval()]);
        }
        WakeUpCommand::IntervalReport(it) => it,
        _ => return None,
    };
    let to = u8::try_from(about.own.get()).ok()?;
    let wanted = wanted(record, it.seconds);
    let asked_before = heard.turn > usize::from(has_limits(record));
    if it == (Interval { seconds: wanted, to }) || asked_before && it.to == to && it.seconds > 0 {
        record.wake_up_seconds = Some(it.seconds);
        return LEARNED;
    }
    let set = WakeUpCommand::IntervalSet(Interval { seconds: wanted, to }).encode();
    // Set, and not taken: `None`.
    (!asked_before).then(|| vec![InterviewAsk::delivery(set)])
}

/// The interval it is to have: what it has, if that is not too long.
fn wanted(record: &NodeRecord, seconds: u32) -> u32 {
    let seconds = if seconds == 0 { LONGEST } else { seconds.min(LONGEST) };
    match record.wake_up_limits {
        Some((least, most, step)) => Limits { least, most, usual: least, step }.fit(seconds),
        None => seconds,
    }
}

fn has_limits(record: &NodeRecord) -> bool {
    record.version_of(wake_up::CLASS) >= 2
}

fn limits() -> InterviewAsk {
    let example = WakeUpCommand::CapabilitiesReport(Limits { least: 0, most: 0, usual: 0, step: 0 }).encode();
    InterviewAsk::kind_of_report(WakeUpCommand::CapabilitiesGet.encode(), &example)
}

fn interval() -> InterviewAsk {
    let example = WakeUpCommand::IntervalReport(Interval { seconds: 0, to: 0 }).encode();
    InterviewAsk::kind_of_report(WakeUpCommand::IntervalGet.encode(), &example)
}
