//! When an event that could not be handed over is tried again, and when it is given up: Svix's plan, which Seam's
//! receivers know.

use std::time::Duration;

/// Pauses after the first attempt, the second, …
const PAUSES: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
    Duration::from_secs(5 * 3600),
    LONGEST_PAUSE,
    LONGEST_PAUSE,
];
/// No pause is longer.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(10 * 3600);
/// Attempts that an event is worth at least, and failures in a row after which a receiver counts as gone.
const ATTEMPTS: u32 = 8;
/// An event that waited behind others is worth trying as long as the plan takes: the sum of the pauses.
const WORTH_TRYING_FOR: Duration = Duration::from_secs(27 * 3600 + 35 * 60 + 5);

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The same event again after this pause.
    TryAgain(Duration),
    /// The event is given up; the one behind it comes after this pause.
    GiveUp {
        /// How long until then.
        pause: Duration,
        /// Whether it is the first since the receiver last took something.
        first: bool,
    },
}

/// What follows when the `failures`th attempt in a row (from 1) failed, of an event that happened `age` ago.
///
/// The first event that a receiver does not take goes through all of the plan. Those behind it wait meanwhile, since
/// events come in order. Once it is given up, each of them is tried too, and one that has waited as long as the plan
/// takes is given up at its first failure: a receiver that is gone holds no event for longer than a plan and a pause.
/// One success, and the plan starts anew.
pub(super) fn after_failure(failures: u32, age: Duration) -> Next {
    let made = usize::try_from(failures).unwrap_or(usize::MAX);
    match PAUSES.get(made.saturating_sub(1)) {
        Some(pause) => Next::TryAgain(*pause),
        None if failures == ATTEMPTS || age >= WORTH_TRYING_FOR => {
            Next::GiveUp { pause: PAUSES[0], first: failures == ATTEMPTS }
        }
        None => Next::TryAgain(LONGEST_PAUSE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

    #[test]
    fn an_event_is_tried_eight_times_over_twenty_seven_hours() {
        let (mut age, mut pauses, mut failures) = (Duration::ZERO, Vec::new(), 1);
        while let Next::TryAgain(pause) = after_failure(failures, age) {
            pauses.push(pause.as_secs());
            age += pause;
            failures += 1;
        }
        assert_eq!(failures, 8);
        assert_eq!(pauses, [5, 300, 1800, 7200, 18_000, 36_000, 36_000]);
        assert_eq!(age, WORTH_TRYING_FOR);
    }

    #[test]
    fn the_first_event_of_a_failure_has_all_its_attempts_however_old_or_young_it_is() {
        for age in [Duration::ZERO, WEEK] {
            assert!((1..=7).all(|failures| matches!(after_failure(failures, age), Next::TryAgain(_))));
            assert!(matches!(after_failure(8, age), Next::GiveUp { first: true, .. }));
        }
    }

    #[test]
    fn behind_an_event_that_was_given_up_an_old_one_goes_at_its_first_failure_and_a_young_one_waits_its_time() {
        assert!(matches!(after_failure(9, WORTH_TRYING_FOR), Next::GiveUp { first: false, .. }));
        let young = WORTH_TRYING_FOR - Duration::from_secs(1);
        assert_eq!(after_failure(9, young), Next::TryAgain(LONGEST_PAUSE));
        assert!(matches!(after_failure(u32::MAX, WEEK), Next::GiveUp { .. }));
    }
}
