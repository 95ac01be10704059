//! A program that runs, with its locks.

use std::any::Any;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use keyway_test_support::{now, wait_until};

use crate::usage::Usage;

/// A program that uses less of a processor than this has nothing to do.
const QUIET: f64 = 0.03;
/// How long that is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// How long it may take to come to rest.
const REST: Duration = Duration::from_secs(300);

/// A program that knew its locks, was started again, and has come to rest.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    /// What it has been started with.
    pub(crate) locks: &'static str,
    pub(crate) process: u32,
    /// Where it keeps what it keeps.
    pub(crate) folder: PathBuf,
    /// From the start until it takes orders, and knows all its locks.
    pub(crate) ready: Duration,
    /// From the start until it has heard each of them; `None`: it does not ask for that.
    pub(crate) reached: Option<Duration>,
    /// Bytes of its own files, installed.
    pub(crate) size: u64,
    /// What it can't do without: it ends with them.
    pub(crate) _parts: Box<dyn Any>,
}

/// What it used while it was left alone.
pub(crate) struct Rest {
    pub(crate) time: Duration,
    pub(crate) used: Usage,
    pub(crate) writes: u32,
}

/// Waits until a program has done what there was to do.
pub(crate) fn come_to_rest(process: u32) -> Result<()> {
    let processor = || Usage::of(process).map(|usage| usage.processor);
    wait_until("the program has nothing to do", REST, || {
        let (begun, before) = (now(), processor());
        std::thread::sleep(LOOK);
        let used = || Ok::<_, anyhow::Error>(processor()?.saturating_sub(before?).as_secs_f64());
        match used() {
            Ok(used) => (used < QUIET * (now() - begun).as_secs_f64()).then_some(Ok(())),
            Err(error) => Some(Err(error)),
        }
    })
}
