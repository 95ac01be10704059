//! How long a lost broker is left alone.

use std::time::Duration;

/// After the first failure; twice as long after each further one, …
const FIRST: Duration = Duration::from_secs(1);
/// … and never longer than this: a broker that is back is waited for by people.
const LONGEST: Duration = Duration::from_secs(16);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub(super) struct Pause {
    failures: u32,
}

impl Pause {
    /// All is well.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// It failed again: so long to wait. `hopeless`: it won't be better at once.
    pub(super) fn next(&mut self, hopeless: bool) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16));
        self.failures += 1;
        if hopeless { LONGEST } else { doubled.min(LONGEST) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gets_longer_up_to_a_limit_and_begins_anew_when_all_is_well() {
        let mut pause = Pause::default();
        let seconds: Vec<u64> = (0..7).map(|_| pause.next(false).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 16, 16]);
        pause.reset();
        assert_eq!(pause.next(false), FIRST);
        assert_eq!(pause.next(true), LONGEST);
    }
}
