//! I6: wrong clock. While the time is not known to be good, nothing is written or cleared because of time.

use std::time::Duration;

use keyway::model::Timestamp;

use super::door::Change;
use super::{Broken, Checker};

/// What was under way when the clock became untrusted is finished within this.
const UNDER_WAY: Duration = Duration::from_secs(30);

pub(super) fn judge(checker: &Checker, now: Timestamp, door: usize, change: &Change) -> Option<Broken> {
    checker.untrusted_since.filter(|since| since.after(UNDER_WAY) < now)?;
    if let Some(pin) = &change.after {
        return Some(("I6", format!("PIN {pin} was set by a clock that is not trusted")));
    }
    let held = change.before.as_ref()?;
    let mut grants = checker.ledger.of_pin(&held.pin, door).peekable();
    let kept = grants.peek().is_some() && grants.all(|(_, grant)| !grant.deleted);
    kept.then(|| ("I6", format!("PIN {} was taken out by a clock that is not trusted", held.pin)))
}
