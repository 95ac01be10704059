//! A stick with its locks, of either radio, and what is done to a lock of it, whichever that is.

use std::time::Instant;

use keyway_lock::SlotNumber;
use keyway_virtual::door::Door;
use keyway_virtual::stick::Stick;
use keyway_virtual::zwave::{Action, Outcome};
use keyway_virtual::{zigbee, zwave};

use crate::building;

/// What a stick and its locks are made of.
pub(crate) enum AnySetup {
    Zwave(zwave::StickSetup),
    Zigbee(zigbee::StickSetup),
}

impl AnySetup {
    /// Of each lock, whether it can keep codes to their times by its own clock.
    pub(crate) fn keep_times(&self) -> Vec<bool> {
        match self {
            Self::Zwave(stick) => stick.locks.iter().map(|lock| lock.year_day_slots > 0).collect(),
            Self::Zigbee(stick) => stick.locks.iter().map(|lock| lock.schedules > 0).collect(),
        }
    }
}

/// A stick with its locks, which are counted from 0.
pub(crate) enum AnyStick {
    Zwave(Box<zwave::VirtualStick>),
    Zigbee(Box<zigbee::VirtualStick>),
}

impl AnyStick {
    pub(crate) fn new(now: Instant, setup: &AnySetup, entropy: [u8; 32]) -> Self {
        match setup {
            AnySetup::Zwave(setup) => Self::Zwave(Box::new(zwave::VirtualStick::new(now, setup.clone(), entropy))),
            AnySetup::Zigbee(setup) => Self::Zigbee(Box::new(zigbee::VirtualStick::new(now, setup, entropy))),
        }
    }

    /// As it is towards its host.
    pub(crate) fn port(&mut self) -> &mut dyn Stick {
        match self {
            Self::Zwave(stick) => &mut **stick,
            Self::Zigbee(stick) => &mut **stick,
        }
    }

    pub(crate) fn reset(&mut self, now: Instant) {
        match self {
            Self::Zwave(stick) => stick.reset(now),
            Self::Zigbee(stick) => stick.reset(now),
        }
    }

    pub(crate) fn door(&self, lock: usize) -> &Door {
        let door = match self {
            Self::Zwave(stick) => stick.door(building::node(lock)),
            Self::Zigbee(stick) => stick.door(building::number(lock)),
        };
        door.expect("there is such a lock")
    }

    /// How often the codes of each of its locks were changed.
    pub(crate) fn revisions(&self) -> impl Iterator<Item = u64> {
        let (zwave, zigbee) = match self {
            Self::Zwave(stick) => (Some(stick.doors()), None),
            Self::Zigbee(stick) => (None, Some(stick.doors())),
        };
        zwave.into_iter().flatten().chain(zigbee.into_iter().flatten()).map(Door::revision)
    }

    /// Whether a PIN would open a door now.
    pub(crate) fn opens(&self, now: Instant, lock: usize, pin: &str) -> bool {
        let slot = match self {
            Self::Zwave(stick) => stick.opened_by(now, building::node(lock), pin),
            Self::Zigbee(stick) => stick.opened_by(now, building::number(lock), pin),
        };
        slot.is_some()
    }

    /// Does something to a lock.
    pub(crate) fn act(&mut self, now: Instant, lock: usize, action: &Action) -> Outcome {
        let outcome = match self {
            Self::Zwave(stick) => stick.act(now, building::node(lock), action),
            Self::Zigbee(stick) => stick.act(now, building::number(lock), &in_zigbee(action)).map(outcome),
        };
        outcome.expect("there is such a lock")
    }

    /// Whether its locks are fresh from their boxes, and not in its network yet.
    pub(crate) fn is_new(&self) -> bool {
        matches!(self, Self::Zigbee(_))
    }

    /// A lock that is new looks for a network that lets it in.
    pub(crate) fn join(&mut self, now: Instant, lock: usize) {
        if let Self::Zigbee(stick) = self {
            stick.act(now, building::number(lock), &zigbee::Action::Join);
        }
    }
}

fn in_zigbee(action: &Action) -> zigbee::Action {
    match action {
        Action::Keypad(digits) => zigbee::Action::Keypad(digits.clone()),
        Action::ByHand { slot, code } => zigbee::Action::ByHand { user: slot.0, code: code.clone() },
        Action::Turn { locked } => zigbee::Action::Turn { locked: *locked },
        Action::Jam(jammed) => zigbee::Action::Jam(*jammed),
        Action::Offline(offline) => zigbee::Action::Offline(*offline),
        Action::Reject(rejecting) => zigbee::Action::Reject(*rejecting),
        Action::Mask(masking) => zigbee::Action::Mask(*masking),
        Action::Latency(latency) => zigbee::Action::Latency(*latency),
        Action::DropAfter(frames) => zigbee::Action::DropAfter(*frames),
        Action::DropEvery(every) => zigbee::Action::DropEvery(*every),
        Action::RepeatEvery(every) => zigbee::Action::RepeatEvery(*every),
        Action::Restart => zigbee::Action::Restart,
        other => panic!("nobody does {other:?} here"),
    }
}

fn outcome(outcome: zigbee::Outcome) -> Outcome {
    match outcome {
        zigbee::Outcome::Done => Outcome::Done,
        zigbee::Outcome::Keypad(user) => Outcome::Keypad(user.map(SlotNumber)),
        zigbee::Outcome::Refused(error) => Outcome::Refused(error),
        zigbee::Outcome::NoNetwork => panic!("a lock without a network"),
    }
}
