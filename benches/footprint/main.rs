//! What a hub that has nothing to do costs the machine it runs on, beside others of its kind in the same run:
//! `cargo bench --features demo,interop --bench footprint` prints the table and puts it into `docs/footprint.md`.
//!
//! Keyway with fifty Z-Wave locks beside zwave-js's driver at the same; Keyway with fifty Zigbee locks beside Zigbee2MQTT at
//! the same. Each program has a stick of ours of its own, and a mosquitto where it wants one; first it gets to know its locks,
//! untimed, and is ended. Then it is started again and timed, one program after the other; and in the end all are left alone
//! for ten minutes, at the same time.
//!
//! `-- --minutes 1` makes it so many, and leaves the page alone.

mod files;
mod keyway;
mod locks;
#[path = "../shared/page.rs"]
mod page;
mod program;
mod table;
mod usage;
mod zigbee2mqtt;
mod zwave_js;

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result};
use keyway_test_support::now;

use files::Watch;
use program::{Program, Rest};
use usage::Usage;

/// How long they are left alone, where it is not said.
const MINUTES: u32 = 10;
/// How often it is looked which files were written.
const LOOK: Duration = Duration::from_secs(1);
/// What was begun with the start has ended by then.
const SETTLED: Duration = Duration::from_secs(60);

fn main() -> Result<()> {
    let minutes = minutes()?;
    files::ensure_on_disk(&std::env::temp_dir())?;
    let node = zigbee2mqtt::install()?;
    zwave_js::ensure_installed()?;
    let programs = [keyway::zwave()?, zwave_js::run(&node)?, keyway::zigbee()?, zigbee2mqtt::run(&node)?];
    std::thread::sleep(SETTLED);
    let rests = leave_alone(&programs, Duration::from_secs(60) * minutes.unwrap_or(MINUTES))?;
    let table = table::of(&programs, &rests);
    write!(std::io::stdout(), "{table}")?;
    if minutes.is_none() {
        page::put_into("footprint.md", "footprint", &table)?;
    }
    Ok(())
}

fn minutes() -> Result<Option<u32>> {
    let mut arguments = std::env::args().skip_while(|argument| argument != "--minutes").skip(1);
    arguments.next().map(|minutes| minutes.parse().context("--minutes is a number")).transpose()
}

/// What they use while nobody asks anything of them.
fn leave_alone(programs: &[Program], time: Duration) -> Result<Vec<Rest>> {
    let usage = || programs.iter().map(|program| Usage::of(program.process)).collect::<Result<Vec<_>>>();
    let mut watches = programs.iter().map(|program| Watch::on(&program.folder)).collect::<Result<Vec<_>>>()?;
    let (begun, before) = (now(), usage()?);
    while now() - begun < time {
        std::thread::sleep(LOOK);
        watches.iter_mut().try_for_each(Watch::look)?;
    }
    let (time, after) = (now() - begun, usage()?);
    let used = before.into_iter().zip(after).map(|(before, after)| after.since(before));
    Ok(used.zip(watches).map(|(used, watch)| Rest { time, used, writes: watch.writes }).collect())
}
