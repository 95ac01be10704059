//! The table, and its place in the documentation.

use std::path::Path;

use anyhow::{Context, Result};
use keyway_test_support::Frames;

use crate::task::Task;
use crate::zwave_js::Way;

/// The table is between these lines of the page.
const MARKS: [&str; 2] = ["<!-- made by cargo bench --bench airtime -->\n", "<!-- end -->\n"];

/// What a task took each host.
pub(crate) struct Row {
    pub(crate) task: &'static Task,
    pub(crate) hub: Frames,
    /// With the hub's look, a minute after, whether the codes are still there.
    pub(crate) with_audit: Frames,
    pub(crate) peers: Vec<(Way, Frames)>,
}

impl Row {
    /// Where the hub needs more frames than a program that does the same code by code, or a tenth more than one that does it
    /// with the fewest; or a tenth more wake-ups than any.
    pub(crate) fn worse(&self) -> Vec<String> {
        let (ours, name) = (self.hub, self.task.name);
        let a_tenth_more = |ours: u64, theirs: u64| ours * 10 > theirs * 11;
        let of = |(way, theirs): &(Way, Frames)| {
            let theirs = *theirs;
            let frames = match way {
                Way::Same => total(ours) > total(theirs),
                Way::Best => a_tenth_more(total(ours), total(theirs)),
                // It does less.
                Way::Unseen => false,
            };
            let beams = a_tenth_more(ours.wake_ups, theirs.wake_ups);
            let way = way.name();
            [
                frames.then(|| format!("{name}: {} frames, {way}: {}", total(ours), total(theirs))),
                beams.then(|| format!("{name}: {} wake-ups, {way}: {}", ours.wake_ups, theirs.wake_ups)),
            ]
        };
        self.peers.iter().flat_map(of).flatten().collect()
    }
}

pub(crate) fn of(rows: &[Row]) -> String {
    let mut text = "| task | host | frames out | frames back | wake-ups | frames, of Keyway's |\n\
                    |---|---|--:|--:|--:|--:|\n"
        .to_owned();
    for row in rows {
        let hub = row.hub;
        text += &line(row, "Keyway", hub);
        for (way, frames) in &row.peers {
            text += &line(row, way.name(), *frames);
        }
        text += &line(row, "Keyway, with its audit", row.with_audit);
    }
    text
}

fn line(row: &Row, host: &str, frames: Frames) -> String {
    let Frames { from_hub, to_hub, wake_ups } = frames;
    let ratio = total(frames) as f64 / total(row.hub) as f64;
    format!("| {} | {host} | {from_hub} | {to_hub} | {wake_ups} | × {ratio:.2} |\n", row.task.name)
}

pub(crate) fn put_into(page: &Path, table: &str) -> Result<()> {
    let text = std::fs::read_to_string(page).with_context(|| page.display().to_string())?;
    let (head, rest) = text.split_once(MARKS[0]).context("the page has no place for the table")?;
    let (_, tail) = rest.split_once(MARKS[1]).context("the page has no end of the table")?;
    std::fs::write(page, format!("{head}{}{table}{}{tail}", MARKS[0], MARKS[1]))?;
    Ok(())
}

fn total(frames: Frames) -> u64 {
    frames.from_hub + frames.to_hub
}
