//! What a disk does besides keeping what is written.

use std::time::Duration;

/// How a disk behaves. The real one is asked nothing; a simulation has one of its own.
pub trait Disk: Send {
    /// The next jobs wait this long.
    fn delay(&mut self) -> Duration;
    /// Asked once before each commit that writes something, and for nothing else: whether there is no room for it. Then it
    /// fails as SQLite has it fail on a disk that is full.
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
