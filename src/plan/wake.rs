//! The next moment at which an answer for a lock changes by itself.

use super::facts::{HORIZON, LockFacts, Moment};
use super::{ahead, reading, silence, warn};
use crate::model::Timestamp;

/// The earliest moment after now at which [`super::diff::next`] or [`warn::problem`] may answer otherwise, or a code comes
/// within the horizon, if nothing happens before. `None`: never.
pub fn next(facts: &LockFacts, now: Moment) -> Option<Timestamp> {
    let actions = facts.actions.iter().map(|attempt| attempt.expires_at);
    let codes = facts.table.iter().flat_map(|table| {
        let edges = table.codes.iter().flat_map(|code| code.edges(now.utc));
        let reads = reading::managed(table, &facts.memory, now).into_iter().map(|(at, _)| at);
        let background = reading::background(table, &facts.memory, now).map(|(at, _)| at);
        let warnings = table.codes.iter().flat_map(|code| warn::changes(code, now));
        let ahead = table.codes.iter().filter_map(|code| ahead::due(table, &facts.memory, code, now));
        let ahead = ahead.chain(ahead::look_at_clock(table, &facts.memory, now));
        edges.chain(ahead).chain(reads).chain(background).chain(warnings)
    });
    let more = facts.beyond.map(|start| start.before(HORIZON));
    actions.chain(codes).chain(more).chain(silence::due(facts, now)).filter(|moment| *moment > now.utc).min()
}
