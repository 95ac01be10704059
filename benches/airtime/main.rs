//! What codes cost on the air, beside zwave-js doing the same on the same virtual air: `cargo bench --bench airtime`
//! prints the table and puts it into `docs/airtime.md`.
//!
//! Each task is done by several hosts, each with a stick of its own with the same sleeping locks: the hub, and zwave-js's
//! driver in several ways. Counted are frames without acknowledgements, and beams. It fails unless every lock holds what it
//! should in the end, or if the hub needs more than zwave-js for the same.
//!
//! `cargo bench --bench airtime -- 30` does only the tasks with "30" in their name, and leaves the page alone.

mod hub;
#[path = "../shared/page.rs"]
mod page;
mod table;
mod task;
mod zwave_js;

use std::io::Write;
use std::thread::ScopedJoinHandle;

use anyhow::{Result, anyhow, ensure};
use keyway_test_support::Frames;

use table::Row;
use task::{TASKS, Task};
use zwave_js::Way;

fn main() -> Result<()> {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |task: &&Task| filter.as_ref().is_none_or(|part| task.name.contains(part.as_str()));
    let tasks: Vec<&Task> = TASKS.iter().filter(wanted).collect();
    zwave_js::ensure_installed()?;
    let rows = rows(&tasks)?;
    let table = table::of(&rows);
    write!(std::io::stdout(), "{table}")?;
    if filter.is_none() {
        page::put_into("airtime.md", "airtime", &table)?;
    }
    let worse: Vec<String> = rows.iter().flat_map(Row::worse).collect();
    ensure!(worse.is_empty(), "the hub does worse than zwave-js:\n{}", worse.join("\n"));
    Ok(())
}

/// The hubs mostly wait for the clock, so they all go at once; beside them zwave-js, in each way one task after the other.
fn rows(tasks: &[&'static Task]) -> Result<Vec<Row>> {
    std::thread::scope(|scope| {
        let hubs: Vec<_> = tasks.iter().map(|task| scope.spawn(|| hub::run(task))).collect();
        let peers = Way::ALL.map(|way| scope.spawn(move || runs_of_peer(tasks, way)));
        let peers = peers.into_iter().map(ended).collect::<Result<Vec<_>>>()?;
        let row = |(index, hub): (usize, ScopedJoinHandle<'_, Result<(Frames, Frames)>>)| {
            let (hub, with_audit) = ended(hub)?;
            let cost = |(way, costs): (Way, &Vec<Option<Frames>>)| Some((way, (*costs.get(index)?)?));
            let peers = Way::ALL.into_iter().zip(&peers).filter_map(cost).collect();
            Ok(Row { task: tasks[index], hub, with_audit, peers })
        };
        hubs.into_iter().enumerate().map(row).collect()
    })
}

fn runs_of_peer(tasks: &[&'static Task], way: Way) -> Result<Vec<Option<Frames>>> {
    let run = |task: &&'static Task| way.is_shown_for(task).then(|| zwave_js::run(task, way)).transpose();
    tasks.iter().map(run).collect()
}

fn ended<T>(run: ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    run.join().map_err(|_| anyhow!("a run panicked"))?
}
