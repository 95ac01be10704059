//! zwave-js's driver, as a program on it uses it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use keyway_test_support::{Frames, Output, Process};
use serde_json::{Value, json};

use crate::task::Task;

const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");
/// How long a run may take on a slow machine.
const LONG: Duration = Duration::from_secs(600);

/// How a program uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The same as the hub, code by code: it looks what is in the slot, writes it and reads it back.
    Same,
    /// The same as the hub, with the fewest frames its API has: as many codes in a command as one frame takes, and the
    /// lock's checksum before and after.
    Best,
    /// Code by code, written and read back; what was in the slot is overwritten unseen.
    Unseen,
}

impl Way {
    pub(crate) const ALL: [Self; 3] = [Self::Same, Self::Best, Self::Unseen];

    /// Whether it is another way than [`Way::Same`] in the task's locks; what it costs not to look is shown on one lock.
    pub(crate) fn is_shown_for(self, task: &Task) -> bool {
        match self {
            Self::Same => true,
            Self::Best => task.takes_several(),
            Self::Unseen => task.locks == 1,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Same => "zwave-js, the same",
            Self::Best => "zwave-js, the same at its best",
            Self::Unseen => "zwave-js, overwriting unseen",
        }
    }
}

/// Says what to do where it is missing.
pub(crate) fn ensure_installed() -> Result<()> {
    let there = folder().join("node_modules/zwave-js").exists();
    ensure!(there, "zwave-js is not installed: run `npm ci` in {}", folder().display());
    Ok(())
}

pub(crate) fn run(task: &Task, way: Way) -> Result<Frames> {
    let way = format!("{way:?}").to_lowercase();
    let order = json!({"setup": task.setup().for_our_stick(), "old": task.old, "new": task.new, "way": way});
    let mut command = Command::new("node");
    command.current_dir(folder()).env("TASK", order.to_string()).args(["airtime.mjs", KEYWAY, "virtual-stick"]);
    command.args(["--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--setup"]);
    let output = Output::default();
    let status = Process::start("zwave-js", &mut command, &output).wait(LONG);
    ensure!(status.success(), "{}, zwave-js ({way}): {}", task.name, output.lines().join("\n"));
    let told = output.lines().iter().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
    let told = told.context("zwave-js told no costs")?;
    let number = |name: &str| told[name].as_u64().with_context(|| format!("no {name} in {told}"));
    Ok(Frames { from_hub: number("from_hub")?, to_hub: number("to_hub")?, wake_ups: number("wake_ups")? })
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/zwave")
}
