//! Faults of the air between a stick and a lock: frames that are lost, and frames that arrive twice.

/// Counts what crosses, in either direction.
#[derive(Debug, Default)]
pub(crate) struct Crossing {
    drop_every: u32,
    /// So many get through yet.
    drop_after: Option<u32>,
    repeat_every: u32,
    passed: u32,
}

impl Crossing {
    /// From now on every `every`-th frame is lost; 0: none.
    pub(crate) fn set_drop_every(&mut self, every: u32) {
        (self.drop_every, self.passed) = (every, 0);
    }

    /// So many frames more get through, and none behind them; `None`: all.
    pub(crate) fn set_drop_after(&mut self, frames: Option<u32>) {
        self.drop_after = frames;
    }

    /// From now on every `every`-th frame that arrives does so twice; 0: none.
    pub(crate) fn set_repeat_every(&mut self, every: u32) {
        (self.repeat_every, self.passed) = (every, 0);
    }

    /// A frame sets out: whether it is lost.
    pub(crate) fn loses_next(&mut self) -> bool {
        self.passed += 1;
        let is_over = self.drop_after == Some(0);
        self.drop_after = self.drop_after.map(|frames| frames.saturating_sub(1));
        is_over || is_one_of(self.passed, self.drop_every)
    }

    /// Whether the one that set out last arrives twice.
    pub(crate) fn repeats_last(&self) -> bool {
        is_one_of(self.passed, self.repeat_every)
    }
}

fn is_one_of(passed: u32, every: u32) -> bool {
    every != 0 && passed.is_multiple_of(every)
}
