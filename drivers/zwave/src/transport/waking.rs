//! When a node is awake that sleeps and that no beam wakes: after it was added, after its Wake Up Notification, and for a
//! while after each frame of it (Z-Wave Management Command Class Specification, "Wake Up Command Class").

use std::time::{Duration, Instant};

use crate::security::SecurityClass;

/// So long it waits for another frame, if it is not told to sleep.
const AWAKE: Duration = Duration::from_secs(10);
/// The hub may have an afterthought, once an answer is on its disk. A moment awake costs the node little; what comes too
/// late has to wait for an hour.
const MOMENT: Duration = Duration::from_secs(1);
/// While nobody knows how often it wakes.
const USUAL_INTERVAL: Duration = Duration::from_secs(3600);
/// How long it may miss its own hour: the clocks of such nodes are poor.
const LATE: Duration = Duration::from_secs(300);

/// How a node sleeps that no beam wakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sleep {
    /// Between two wake-ups, as far as that is known.
    pub interval: Option<Duration>,
    /// Under which security it is told to sleep on; `None`: it does not know what that means.
    pub farewell: Option<Option<SecurityClass>>,
    /// More will be said to it than waits now.
    pub goes_on: bool,
}

/// One node's waking.
#[derive(Default)]
pub(super) struct Waking {
    /// `None`: it listens always, or a beam wakes it.
    sleep: Option<Sleep>,
    until: Option<Instant>,
    /// The last frame to it or of it, while it is awake.
    quiet_since: Option<Instant>,
    /// It listens until it is told to sleep on.
    owed: bool,
    /// When it has missed its wake-up.
    missed_at: Option<Instant>,
}

impl Waking {
    pub(super) fn set_sleep(&mut self, now: Instant, sleep: Option<Sleep>) {
        self.sleep = sleep;
        if self.missed_at.is_none() {
            self.expect(now);
        }
    }

    fn expect(&mut self, now: Instant) {
        let interval = self.sleep.and_then(|sleep| sleep.interval).unwrap_or(USUAL_INTERVAL);
        self.missed_at = self.sleep.map(|_| now + interval + LATE);
    }

    /// A frame of it came in, or it has acknowledged one.
    pub(super) fn handle_heard(&mut self, now: Instant) {
        (self.until, self.quiet_since) = (Some(now + AWAKE), Some(now));
        self.expect(now);
    }

    /// It listens until it is told to sleep on.
    pub(super) fn handle_woken(&mut self, now: Instant) {
        self.handle_heard(now);
        self.owed = true;
    }

    /// It was told to sleep on, or does not answer any more.
    pub(super) fn fall_asleep(&mut self) {
        (self.until, self.owed) = (None, false);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until <= now) {
            self.fall_asleep();
        }
    }

    /// Whether it is of no use to send it anything.
    pub(super) fn is_asleep(&self) -> bool {
        self.sleep.is_some() && self.until.is_none()
    }

    /// Whether it sleeps at times, and no beam wakes it.
    pub(super) fn is_sleeper(&self) -> bool {
        self.sleep.is_some()
    }

    /// When what waits for it is given up, while it sleeps.
    pub(super) fn gives_up(&self) -> Option<Instant> {
        self.missed_at.filter(|_| self.is_asleep())
    }

    /// When it falls asleep.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.until.filter(|_| self.sleep.is_some())
    }

    /// When it is to be told to sleep on, if nothing waits for it.
    pub(super) fn farewell(&self) -> Option<Instant> {
        let told = self.sleep.is_some_and(|sleep| sleep.farewell.is_some() && !sleep.goes_on);
        self.quiet_since.filter(|_| told && self.owed && !self.is_asleep()).map(|since| since + MOMENT)
    }

    /// The farewell is said: under which security.
    pub(super) fn take_farewell(&mut self) -> Option<SecurityClass> {
        self.owed = false;
        self.sleep?.farewell?
    }

    /// That was not sent yet, and need not be: there is more to say.
    pub(super) fn put_off_farewell(&mut self) {
        self.owed = true;
    }
}
