//! What Linux tells of a program and all that it has started.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};

/// What a program has, and what it has used since it was started.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Memory in bytes; what others use as well is in it in full.
    pub(crate) rss: u64,
    /// The same, but what others use as well is in it only to its part.
    pub(crate) pss: u64,
    pub(crate) processor: Duration,
    /// Bytes that it made go to a disk, in whole pages.
    pub(crate) written: u64,
    /// How often one of its threads had waited and went on.
    pub(crate) wake_ups: u64,
}

impl Usage {
    /// Of the program of this number.
    pub(crate) fn of(program: u32) -> Result<Self> {
        let mut sum = Self::default();
        for process in family(program)? {
            sum.add(process).with_context(|| format!("process {process}"))?;
        }
        Ok(sum)
    }

    /// What was used since `earlier`, and the memory that there is now.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            processor: self.processor.saturating_sub(earlier.processor),
            written: self.written.saturating_sub(earlier.written),
            wake_ups: self.wake_ups.saturating_sub(earlier.wake_ups),
            ..self
        }
    }

    fn add(&mut self, process: u32) -> Result<()> {
        let memory = read(&format!("{process}/smaps_rollup"))?;
        self.rss += number(&memory, "Rss:")? * 1024;
        self.pss += number(&memory, "Pss:")? * 1024;
        self.written += number(&read(&format!("{process}/io"))?, "write_bytes:")?;
        for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = thread?.path();
            // utime and stime to the nanosecond: the first number of schedstat (Linux, scheduler/sched-stats).
            let times = std::fs::read_to_string(thread.join("schedstat"))?;
            let nanoseconds = times.split_whitespace().next().context("a thread has a time")?.parse()?;
            self.processor += Duration::from_nanos(nanoseconds);
            let status = std::fs::read_to_string(thread.join("status"))?;
            self.wake_ups += number(&status, "voluntary_ctxt_switches:")?;
        }
        Ok(())
    }
}

/// The process and those that it has started, and so on.
fn family(first: u32) -> Result<BTreeSet<u32>> {
    let mut parents = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let Ok(process) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
        // One that ends meanwhile is none of the family's, or has nothing any more.
        let Ok(stat) = read(&format!("{process}/stat")) else { continue };
        let parent = fields(&stat)?.get(1).context("a process has a parent")?.parse::<u32>()?;
        parents.push((process, parent));
    }
    let mut family = BTreeSet::from([first]);
    loop {
        let children = parents.iter().filter(|(_, parent)| family.contains(parent)).map(|(process, _)| *process);
        let larger: BTreeSet<u32> = family.iter().copied().chain(children).collect();
        if larger.len() == family.len() {
            return Ok(family);
        }
        family = larger;
    }
}

/// The fields behind the name in parentheses, from the third.
fn fields(stat: &str) -> Result<Vec<&str>> {
    Ok(stat.rsplit_once(')').context("a process has a name")?.1.split_whitespace().collect())
}

fn number(text: &str, name: &str) -> Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("no {name}"))?;
    Ok(line.split_whitespace().next().context("a number")?.parse()?)
}

fn read(file: &str) -> Result<String> {
    Ok(std::fs::read_to_string(format!("/proc/{file}"))?)
}
