//! The table.

use std::time::Duration;

use crate::wire::Cost;
use crate::{CODES, Kind};

/// What the codes took one host.
pub(crate) struct Run {
    /// Each.
    pub(crate) costs: Vec<Cost>,
    /// Frames to and from the lock, of all.
    pub(crate) air: (u64, u64),
}

impl Run {
    fn median(&self, of: impl Fn(&Cost) -> Duration) -> f64 {
        let mut times: Vec<Duration> = self.costs.iter().map(of).collect();
        times.sort();
        times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
    }

    fn each(&self, of: impl Fn(&Cost) -> usize) -> f64 {
        self.costs.iter().map(of).sum::<usize>() as f64 / CODES as f64
    }
}

pub(crate) fn of(rows: &[(Kind, &str, Run)]) -> String {
    let mut text =
        "| lock | host | on the air, out | back | EZSP, out | back | set and proven, ms | of it the host, ms | \
                    of Keyway's |\n|---|---|--:|--:|--:|--:|--:|--:|--:|\n"
            .to_owned();
    let mut ours = 1.0;
    for (kind, host, run) in rows {
        let (out, back) = (run.air.0 as f64 / CODES as f64, run.air.1 as f64 / CODES as f64);
        let (took, own) = (run.median(|cost| cost.took), run.median(|cost| cost.own));
        if *host == "Keyway" {
            ours = own;
        }
        text += &format!(
            "| {} | {host} | {out:.1} | {back:.1} | {:.1} | {:.1} | {took:.1} | {own:.2} | × {:.2} |\n",
            kind.name,
            run.each(|cost| cost.commands),
            run.each(|cost| cost.answers),
            own / ours,
        );
    }
    text
}
