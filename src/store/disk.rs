//! What a disk does besides keeping what is written.

use std::time::Duration;

/// How a disk behaves: asked before each commit. The real one is asked nothing; a simulation has one of its own.
pub trait Disk: Send {
    /// The next commit waits this long …
    fn delay(&mut self) -> Duration;
    /// … and whether there is no room for it: then it fails as SQLite has it fail on a disk that is full.
    fn is_full(&mut self) -> bool;
}

/// A disk that has room and loses no time.
pub(super) struct Plain;

impl Disk for Plain {
    fn delay(&mut self) -> Duration {
        Duration::ZERO
    }

    fn is_full(&mut self) -> bool {
        false
    }
}
