//! What a lock does with each command class: one file a class, each answering from the [`Lock`] alone.

mod association;
mod battery;
mod configuration;
mod door_lock;
mod door_lock_logging;
mod indicator;
mod manufacturer_specific;
mod notification;
mod schedule_entry_lock;
mod supervision;
mod time;
mod user_code;
mod user_credential;
mod version;
mod wake_up;
mod zwave_plus;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use keyway_lock::SlotNumber;
use keyway_zwave::cc::door_lock::Configuration;
use keyway_zwave::cc::indicator::Object;
use keyway_zwave::cc::schedule_entry_lock::Offset;
use keyway_zwave::cc::user_code::UserCode;
use keyway_zwave::transport::{crc16, multi_command, segmentation};

use super::setup::LockSetup;
use crate::door::{Code, Door, DoorEvent, Turner};
use crate::schedule::{LockClock, Schedules};

pub(super) use supervision::{Reports, Session, Supervisor, status as supervision_status};
pub(super) use time::questions as time_questions;
pub(super) use wake_up::NOTIFICATION as WAKE_UP_NOTIFICATION;

/// Security 0 and Security 2, which the channel speaks.
const SECURITY_0: u8 = keyway_zwave::security::s0::CLASS;
const SECURITY_2: u8 = keyway_zwave::security::s2::CLASS;
/// Supervision.
const SUPERVISION: u8 = keyway_zwave::transport::supervision::CLASS;

/// A lock without its radio: what the command classes act on.
pub(super) struct Lock {
    pub(super) setup: LockSetup,
    pub(super) door: Door,
    /// Members of association group 1.
    pub(super) lifeline: BTreeSet<u8>,
    /// Users, of a lock with User Credential.
    users: user_credential::Users,
    /// What it wrote down of who used it.
    log: door_lock_logging::Log,
    /// Notification types that are turned off.
    silenced: BTreeSet<u8>,
    /// Until a fault is over, orders take this long.
    pub(super) working: Duration,
    /// What it still tells of slots that were changed, and until when.
    old: BTreeMap<SlotNumber, (Instant, UserCode)>,
    /// How often it was made to show itself, and how it does so now.
    pub(super) identified: u32,
    shown: Vec<Object>,
    /// What its bolt does by itself.
    bolt: Configuration,
    /// When it will do so next.
    relock_at: Option<Instant>,
    /// Its own clock, how far that is from UTC, and the date it was told.
    pub(super) clock: LockClock,
    offset: Offset,
    date: Option<(u16, u8, u8)>,
    /// When its codes open.
    pub(super) schedules: Schedules,
    /// When it is awake, if no beam wakes it.
    waking: Option<wake_up::Waking>,
    /// Now.
    now: Option<Instant>,
}

/// What a command led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reaction {
    /// No such command here.
    NoSupport,
    /// Asked and answered.
    Answer(Vec<u8>),
    /// Done.
    Done,
    /// Not done.
    Refused,
    /// Not done, and this says why.
    RefusedWith(Vec<u8>),
}

impl Reaction {
    /// What is sent in answer.
    pub(super) fn answer(self) -> Option<Vec<u8>> {
        match self {
            Self::Answer(answer) | Self::RefusedWith(answer) => Some(answer),
            Self::NoSupport | Self::Done | Self::Refused => None,
        }
    }
}

impl Lock {
    pub(super) fn new(now: Instant, setup: LockSetup, hub: u8) -> Self {
        let mut door = Door::new(setup.door.clone());
        door.set_masking(setup.masked);
        for (slot, pin) in &setup.codes {
            // One that the door would refuse is left out.
            let _ = door.set_code(*slot, Code { pin: pin.clone(), enabled: true }, crate::door::By::Hand);
        }
        while door.poll_event().is_some() {}
        let auto_relock = setup.auto_relock;
        // Whoever adds it is not yet told when it wakes.
        let told = if setup.lifeline { hub } else { 0 };
        let waking = setup.wake_up.map(|seconds| wake_up::Waking::new(now, seconds, told));
        let lifeline = setup.lifeline.then_some(hub).into_iter().collect();
        Self {
            setup,
            door,
            lifeline,
            users: user_credential::Users::default(),
            log: door_lock_logging::Log::default(),
            silenced: BTreeSet::new(),
            working: Duration::ZERO,
            old: BTreeMap::new(),
            identified: 0,
            shown: Vec::new(),
            bolt: door_lock::at_first(auto_relock),
            relock_at: None,
            clock: LockClock::new(now),
            offset: Offset::default(),
            date: None,
            schedules: Schedules::default(),
            waking,
            now: Some(now),
        }
    }

    /// Time goes by.
    pub(super) fn set_now(&mut self, now: Instant) {
        self.now = Some(now);
        self.old.retain(|_, (until, _)| *until > now);
    }

    fn is_secure(&self) -> bool {
        !self.setup.security.is_empty()
    }

    /// The classes it has, each with its version.
    fn classes(&self) -> Vec<(u8, u8)> {
        let mut classes = vec![
            (zwave_plus::CLASS, 2),
            (manufacturer_specific::CLASS, manufacturer_specific::version(self)),
            (version::CLASS, 2),
            (battery::CLASS, battery::version(self)),
            (association::kind(self).class(), 2),
            (notification::CLASS, 8),
            (door_lock::CLASS, 4),
            (indicator::CLASS, 3),
            (segmentation::CLASS, 2),
            (multi_command::CLASS, 1),
        ];
        if self.setup.codes_by.has_user_code() {
            classes.push((user_code::CLASS, self.setup.user_code_version));
        }
        if self.setup.codes_by.has_user_credential() {
            classes.push((user_credential::CLASS, 1));
        }
        if self.setup.year_day_slots > 0 {
            classes.extend([(schedule_entry_lock::CLASS, 3), (time::PARAMETERS, 1)]);
        }
        if configuration::is_there(self) {
            classes.push((configuration::CLASS, 1));
        }
        if self.setup.log_size > 0 {
            classes.push((door_lock_logging::CLASS, 1));
        }
        if self.waking.is_some() {
            classes.push((wake_up::CLASS, 3));
        }
        if self.setup.supervision {
            classes.push((SUPERVISION, 1));
        }
        if !self.is_secure() {
            classes.push((crc16::CLASS, 1));
        }
        for class in &self.setup.security {
            let class = if *class == keyway_zwave::security::SecurityClass::S0 { SECURITY_0 } else { SECURITY_2 };
            if !classes.contains(&(class, 1)) {
                classes.push((class, 1));
            }
        }
        classes
    }

    /// Whether a class is spoken in the clear.
    fn is_open(&self, class: u8) -> bool {
        let always =
            [zwave_plus::CLASS, SUPERVISION, segmentation::CLASS, multi_command::CLASS, SECURITY_0, SECURITY_2];
        !self.is_secure() || always.contains(&class)
    }

    /// The classes in its node information frame.
    pub(super) fn open_classes(&self) -> Vec<u8> {
        self.classes().into_iter().map(|(class, _)| class).filter(|class| self.is_open(*class)).collect()
    }

    /// The classes it has only under its highest security class.
    pub(super) fn secure_classes(&self) -> Vec<u8> {
        self.classes().into_iter().map(|(class, _)| class).filter(|class| !self.is_open(*class)).collect()
    }

    /// How long an order will take; zero for questions.
    pub(super) fn effort(&self, command: &[u8]) -> Duration {
        if door_lock::is_operation(command) {
            self.working.max(self.setup.motor)
        } else if user_code::is_change(command) || user_credential::is_change(command) {
            self.working
        } else {
            Duration::ZERO
        }
    }

    /// Carries out a command. `secured`: it came under the lock's highest security class.
    pub(super) fn handle(&mut self, secured: bool, command: &[u8]) -> Reaction {
        let class = command.first().copied().unwrap_or(0);
        if !secured && !self.is_open(class) {
            return Reaction::NoSupport;
        }
        let reaction = match class {
            zwave_plus::CLASS => zwave_plus::handle(self, command),
            manufacturer_specific::CLASS => manufacturer_specific::handle(self, command),
            version::CLASS => version::handle(self, command),
            configuration::CLASS => configuration::handle(self, command),
            battery::CLASS => battery::handle(self, command),
            association::CLASS | association::MULTI_CHANNEL_CLASS => association::handle(self, command),
            notification::CLASS => notification::handle(self, command),
            door_lock::CLASS => door_lock::handle(self, command),
            door_lock_logging::CLASS if self.setup.log_size > 0 => door_lock_logging::handle(self, command),
            indicator::CLASS => indicator::handle(self, command),
            schedule_entry_lock::CLASS if self.setup.year_day_slots > 0 => schedule_entry_lock::handle(self, command),
            time::PARAMETERS if self.setup.year_day_slots > 0 => time::handle_parameters(self, command),
            time::TIME => time::handle_told(self, command),
            wake_up::CLASS => wake_up::handle(self, command),
            user_code::CLASS if self.setup.codes_by.has_user_code() => user_code::handle(self, command),
            user_credential::CLASS if self.setup.codes_by.has_user_credential() => {
                user_credential::handle(self, command)
            }
            _ => None,
        };
        reaction.unwrap_or(Reaction::NoSupport)
    }

    /// Someone types a code: the slot that opened the door, if one did.
    pub(super) fn enter_code(&mut self, now: Instant, digits: &str) -> Option<SlotNumber> {
        let (shown, schedules) = (self.clock.shown(now), &self.schedules);
        self.door.enter_code_if(digits, |slot| schedules.opens(slot, shown))
    }

    /// The slot whose code would open the door now.
    pub(super) fn opened_by(&self, now: Instant, digits: &str) -> Option<SlotNumber> {
        let shown = self.clock.shown(now);
        self.door.opened_by(digits, |slot| self.schedules.opens(slot, shown))
    }

    /// When it is going to do something by itself.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.relock_at.into_iter().chain(self.waking.as_ref().and_then(wake_up::Waking::timeout)).min()
    }

    /// Does by itself what is due.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.relock_at.take_if(|at| *at <= now).is_some() {
            // A bolt that is stuck reports that.
            let _ = self.door.turn(true, Turner::Itself);
        }
    }

    /// What the lock reports by itself of something that happened at its door.
    pub(super) fn reports(&mut self, now: Instant, event: DoorEvent) -> Vec<Vec<u8>> {
        self.relock_at = door_lock::relock_at(self, now, event);
        schedule_entry_lock::follow(self, event);
        door_lock_logging::write(self, self.clock.shown(now), event);
        let of_codes =
            if self.setup.codes_by.has_user_credential() { user_credential::report(self, event) } else { None };
        let reports = [
            door_lock::report(self, event),
            battery::report(self, event),
            notification::report(self, event),
            user_code::report(self, event),
            of_codes,
        ];
        reports.into_iter().flatten().collect()
    }
}
