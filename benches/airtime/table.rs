//! The table.

use keyway_test_support::Frames;

use crate::task::Task;
use crate::zwave_js::Way;

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

fn total(frames: Frames) -> u64 {
    frames.from_hub + frames.to_hub
}
