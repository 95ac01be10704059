//! I11: nothing grows without bound. Looks into the database when the hub has ended.

use std::time::Duration;

use super::Trouble;
use crate::world::World;

const HOUR: u64 = 3600;

/// What the housekeeping may be late in a time of misfortunes.
const LATE: u64 = 20;
/// What is to be gone after how many hours.
const KEPT: [(&str, &str, u64); 3] = [
    ("answers to requests", "SELECT count(*) FROM requests WHERE answered_at < ?1", 24),
    ("action attempts", "SELECT count(*) FROM action_attempts WHERE created_at < ?1", 7 * 24),
    ("events", "SELECT count(*) FROM events WHERE occurred_at < ?1", 30 * 24),
];

pub(crate) fn look_at(world: &World) {
    let now = world.time.now();
    // What a wrong clock writes looks old, and is not touched by it.
    let wrong = [Trouble::ClockWrong, Trouble::ClockUntrusted];
    let is_wrong = wrong.iter().any(|wrong| world.checker.borrow().has_trouble(0, *wrong));
    if is_wrong || world.checker.borrow().tidy_since.after(Duration::from_secs(LATE * HOUR)) > now {
        return;
    }
    let database = rusqlite::Connection::open(world.machine.database()).expect("the database opens");
    for (what, count, hours) in KEPT {
        let before = now.before(Duration::from_secs((hours + LATE) * HOUR)).as_microsecond();
        let count: i64 = database.query_row(count, [before], |row| row.get(0)).expect("a number");
        if count > 0 {
            world.broken("I11", None, &format!("{count} {what} are older than {hours} hours"));
        }
    }
}
