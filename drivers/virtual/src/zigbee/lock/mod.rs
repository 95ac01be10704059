//! A Zigbee lock: a door behind the servers and clients of its clusters, and its place in a network.

mod attributes;
mod clock;
mod door_lock;
mod events;
mod reporting;
mod server;
#[cfg(test)]
mod tests;
mod users;
mod zcl;
pub(super) mod zdo;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use keyway_lock::SlotNumber;
use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::key::Key;

use super::action::{Action, Outcome};
use super::frame::{Frame, HOME_AUTOMATION, cluster};
use super::log::{CommandLog, LoggedCommand};
use super::put::Put;
use super::setup::{LockSetup, ScheduleOddity, Shows};
use crate::agenda::Agenda;
use crate::door::{By, Code, Door, Turner};

use attributes::Settings;
use clock::Clock;
use events::{Log, NO_USER, operation, source};
use reporting::Reports;
use users::{Numbers, Users, user_type, whose};
use zcl::Head;
use zdo::{Binding, CLUSTERS, CLUSTERS_WITH_CLOCK, ENDPOINT, Identity};

/// How long after it has joined it asks for the time, and how often from then on.
const ASKS_AFTER: Duration = Duration::from_secs(5);
const ASKS_EVERY: Duration = Duration::from_secs(24 * 3600);
/// How often it fetches its frames while it expects some.
const SHORT_POLL: Duration = Duration::from_millis(100);
/// How long it expects more after it has sent or got one.
const EXPECTS: Duration = Duration::from_secs(2);

/// A lock's place in a network.
#[derive(Debug, Clone)]
pub(super) struct Membership {
    pub(super) pan: u16,
    pub(super) channel: u8,
    pub(super) network_key: Key,
    pub(super) coordinator: Ieee,
    pub(super) nwk: Nwk,
    /// The last frame counter of the coordinator's that it has seen: older frames are a replay.
    pub(super) counter: u32,
}

/// What a lock does otherwise than it should, for as long as it is told to.
#[derive(Debug, Default)]
struct Faults {
    /// Answers every change of a code with this status and does nothing.
    status: Option<u8>,
}

/// What a lock has to do at an instant.
#[derive(Debug)]
enum Due {
    Bolt { locked: bool, user: Option<u16> },
    Relock,
    AskTime,
    CheckIn,
}

/// A lock.
pub(super) struct Lock {
    setup: LockSetup,
    door: Door,
    numbers: Numbers,
    users: Users,
    settings: Settings,
    bindings: Vec<Binding>,
    reports: Reports,
    /// When the next of them is due, as things have been since something last happened.
    reports_at: Option<Instant>,
    log: Log,
    /// Users that have a code, to tell a new one from one that is changed.
    with_code: BTreeSet<u16>,
    /// Whose PIN came with the order that turns the bolt.
    radio_user: Option<u16>,
    membership: Option<Membership>,
    /// Whether it was told to leave; and whether to come back.
    leaves: Option<bool>,
    faults: Faults,
    sequence: u8,
    due: Agenda<Due>,
    long_poll: Option<Duration>,
    expects_until: Instant,
    clock: Clock,
    /// When something last happened to it.
    now: Instant,
    identified: u32,
    commands: CommandLog,
    born: Instant,
    frames: VecDeque<Frame>,
}

impl Lock {
    pub(super) fn new(now: Instant, setup: LockSetup) -> Self {
        let mut door = Door::new(setup.door.clone());
        for (slot, pin) in setup.codes_by_slot() {
            // One that does not fit is left out.
            let _ = door.set_code(slot, Code { pin: pin.clone(), enabled: true }, By::Hand);
        }
        while door.poll_event().is_some() {}
        door.set_masking(setup.shows != Shows::Digits);
        let numbers = Numbers { first: setup.first_user, count: setup.door.slots, schedules: setup.schedules };
        let sends_pins = setup.shows != Shows::Masked;
        Self {
            with_code: door.codes().keys().map(|slot| numbers.user(*slot)).collect(),
            settings: Settings::new(setup.requires_pin, sends_pins),
            long_poll: setup.poll,
            setup,
            door,
            numbers,
            users: Users::default(),
            bindings: Vec::new(),
            reports: Reports::default(),
            reports_at: None,
            log: Log::default(),
            radio_user: None,
            membership: None,
            leaves: None,
            faults: Faults::default(),
            sequence: 0,
            due: Agenda::default(),
            expects_until: now,
            clock: Clock::default(),
            now,
            identified: 0,
            commands: CommandLog::default(),
            born: now,
            frames: VecDeque::new(),
        }
    }

    pub(super) fn setup(&self) -> &LockSetup {
        &self.setup
    }

    pub(super) fn door(&self) -> &Door {
        &self.door
    }

    pub(super) fn identified(&self) -> u32 {
        self.identified
    }

    pub(super) fn bindings(&self) -> usize {
        self.bindings.len()
    }

    pub(super) fn commands(&self) -> impl Iterator<Item = &LoggedCommand> {
        self.commands.iter()
    }

    /// The codes it holds: user, digits, and whether it opens.
    pub(super) fn codes(&self) -> impl Iterator<Item = (u16, &Code)> {
        self.door.codes().iter().map(|(slot, code)| (self.numbers.user(*slot), code))
    }

    /// What its clock shows, in seconds since 1970; `None`: it was not set.
    pub(super) fn shown_clock(&self, now: Instant) -> Option<i64> {
        self.clock.unix(now)
    }

    /// When a user may come in, by its clock, in seconds since 1970; empty: always.
    pub(super) fn windows(&self, user: u16) -> impl Iterator<Item = (i64, i64)> {
        let spans = self.users.windows(user);
        spans.map(|span| (clock::to_unix(span.start), clock::to_unix(span.end)))
    }

    pub(super) fn membership(&self) -> Option<&Membership> {
        self.membership.as_ref()
    }

    pub(super) fn membership_mut(&mut self) -> Option<&mut Membership> {
        self.membership.as_mut()
    }

    /// Whether it was told to leave since this was asked last; and if so, whether to come back at once.
    pub(super) fn take_leave(&mut self) -> Option<bool> {
        self.leaves.take()
    }

    pub(super) fn is_sleepy(&self) -> bool {
        self.setup.poll.is_some()
    }

    /// When it fetches its frames next after `now`; `None`: its receiver is always on.
    pub(super) fn next_poll(&self, now: Instant) -> Option<Instant> {
        let long = self.long_poll?;
        let expecting = now < self.expects_until;
        Some(now + if expecting { SHORT_POLL.min(long) } else { long })
    }

    /// It has joined, fresh or anew.
    pub(super) fn join(&mut self, now: Instant, membership: Membership) {
        self.expects_until = now + EXPECTS;
        self.membership = Some(membership);
        self.due.retain(|due| !matches!(due, Due::AskTime | Due::CheckIn));
        if self.setup.asks_time {
            self.due.put(now + ASKS_AFTER, Due::AskTime);
        }
        self.schedule_check_in(now);
    }

    /// It is in no network any more, and forgets what it was told there. Codes stay.
    pub(super) fn leave(&mut self) {
        self.membership = None;
        self.bindings.clear();
        self.reports.forget();
        self.reports_at = None;
        self.due.retain(|due| !matches!(due, Due::AskTime | Due::CheckIn));
    }

    /// Says that it is here.
    pub(super) fn announce(&mut self) {
        let sequence = self.next_sequence();
        if let Some(identity) = self.identity() {
            self.frames.push_back(identity.announce(sequence));
        }
    }

    /// A frame of the coordinator reached it.
    pub(super) fn handle_frame(&mut self, now: Instant, frame: &Frame, broadcast: bool) {
        (self.now, self.expects_until) = (now, now + EXPECTS);
        if frame.profile == super::frame::ZDO {
            let Some(identity) = self.identity() else { return };
            let answered = identity.answer(&mut self.bindings, frame, broadcast);
            self.frames.extend(answered.frame);
            self.leaves = answered.leave.or(self.leaves);
        } else {
            self.serve(now, frame);
        }
        self.settle(now);
    }

    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.now = now;
        while let Some(due) = self.due.take(now) {
            match due {
                Due::Bolt { locked, user } => self.bolt(locked, user),
                // Nothing to say when it is jammed but what the door says.
                Due::Relock if self.door.locked() == Some(false) => drop(self.door.turn(true, Turner::Itself)),
                Due::Relock => {}
                Due::AskTime => {
                    self.ask_time();
                    self.due.put(now + ASKS_EVERY, Due::AskTime);
                }
                Due::CheckIn => {
                    self.tell(cluster::POLL_CONTROL, true, 0x00, &[]);
                    self.schedule_check_in(now);
                }
            }
        }
        self.settle(now);
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.due.timeout().into_iter().chain(self.reports_at).min()
    }

    /// The next frame for the coordinator.
    pub(super) fn poll(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    /// A hand at the door, or a fault.
    pub(super) fn act(&mut self, now: Instant, action: &Action) -> Outcome {
        let mut outcome = Outcome::Done;
        self.now = now;
        match action {
            Action::Keypad(digits) => outcome = Outcome::Keypad(self.type_code(now, digits)),
            Action::ByHand { user, code } => outcome = self.by_hand(*user, code.as_ref()),
            Action::Turn { locked } => outcome = self.door.turn(*locked, Turner::Hand).into(),
            Action::Open(open) => self.door.set_open(*open),
            Action::Battery(percent) => self.door.set_battery(*percent),
            Action::Jam(jammed) => self.door.set_jammed(*jammed),
            Action::Reject(rejecting) => self.door.set_rejecting(*rejecting),
            Action::Mask(masking) => self.door.set_masking(*masking),
            Action::Status(status) => self.faults.status = *status,
            Action::MoveClock(seconds) => self.clock.go_wrong(*seconds),
            Action::Restart => {
                self.clock.stop();
                if self.setup.asks_time && self.membership.is_some() {
                    self.due.retain(|due| !matches!(due, Due::AskTime));
                    self.due.put(now + ASKS_AFTER, Due::AskTime);
                }
            }
            // Its place on the air is not the lock's to know.
            _ => {}
        }
        self.settle(now);
        outcome
    }

    fn type_code(&mut self, now: Instant, digits: &str) -> Option<u16> {
        if let Some((user, why)) = self.not_now(now, digits) {
            self.tell_operation(now, source::KEYPAD, why, user);
            return None;
        }
        let opened = self.door.enter_code(digits).map(|slot| self.numbers.user(slot));
        if opened.is_none() && self.door.locked().is_some() {
            self.tell_operation(now, source::KEYPAD, operation::UNLOCK_WRONG_PIN, NO_USER);
        }
        opened
    }

    /// The user whose code it is, if it does not open now, and why.
    fn not_now(&self, now: Instant, digits: &str) -> Option<(u16, u8)> {
        let (user, _) = whose(&self.door, self.numbers, digits).filter(|(_, enabled)| *enabled)?;
        let opens_without = self.setup.oddity == ScheduleOddity::OpensWithout;
        match self.users.kind(user) {
            kind if opens_without && !self.users.has_what_it_wants(user, kind) => None,
            user_type::NON_ACCESS => Some((user, operation::NON_ACCESS)),
            _ if !self.users.may_enter(user, self.local_time(now)) => Some((user, operation::UNLOCK_WRONG_TIME)),
            _ => None,
        }
    }

    /// The slot whose code would open the door now.
    pub(super) fn opened_by(&self, now: Instant, digits: &str) -> Option<SlotNumber> {
        let opened = self.door.opened_by(digits, |_| true);
        opened.filter(|_| self.not_now(now, digits).is_none())
    }

    fn by_hand(&mut self, user: u16, code: Option<&keyway_lock::Pin>) -> Outcome {
        let slot = self.numbers.slot(user).unwrap_or(SlotNumber(u16::MAX));
        let result = match code {
            Some(pin) => self.door.set_code(slot, Code { pin: pin.clone(), enabled: true }, By::Hand),
            None => self.door.clear_code(slot, By::Hand).inspect(|()| self.users.forget(user)),
        };
        result.into()
    }

    /// Tells of all that has happened since.
    fn settle(&mut self, now: Instant) {
        self.tell_events(now);
        let mut reports = std::mem::take(&mut self.reports);
        let (due, next) = reports.due(now, |of, id| self.attribute(of, id));
        (self.reports, self.reports_at) = (reports, next);
        for ((of, id), value) in due {
            let body = Vec::new().u16(id).u8(value.kind).bytes(&value.bytes);
            self.tell(of, false, zcl::global::REPORT, &body);
        }
        if !self.frames.is_empty() {
            self.expects_until = now + EXPECTS;
        }
    }

    /// Sends a command of a server to whoever is bound to it, which here is the coordinator or nobody.
    fn tell(&mut self, of: u16, of_cluster: bool, command: u8, body: &[u8]) {
        let Some(membership) = &self.membership else { return };
        let is_ours = |binding: &&Binding| binding.cluster == of && binding.to == membership.coordinator;
        let bound = self.bindings.iter().find(is_ours).map(|binding| binding.endpoint);
        let Some(endpoint) = bound.or(self.setup.tells_unbound.then_some(ENDPOINT)) else { return };
        let sequence = self.next_sequence();
        let head =
            Head { of_cluster, manufacturer: None, from_server: true, no_default_response: true, sequence, command };
        self.send(of, endpoint, head.with(body));
    }

    fn ask_time(&mut self) {
        let sequence = self.next_sequence();
        let head = Head {
            of_cluster: false,
            manufacturer: None,
            from_server: false,
            no_default_response: true,
            sequence,
            command: zcl::global::READ,
        };
        // Time, TimeStatus and LocalTime (ZCL revision 8, section 3.12.2.2).
        self.send(cluster::TIME, ENDPOINT, head.with(&Vec::new().u16(0x0000).u16(0x0001).u16(0x0007)));
    }

    fn send(&mut self, cluster: u16, endpoint: u8, payload: Vec<u8>) {
        let frame = Frame { profile: HOME_AUTOMATION, cluster, source: ENDPOINT, destination: endpoint, payload };
        self.frames.push_back(frame);
    }

    fn identity(&self) -> Option<Identity> {
        Some(Identity {
            ieee: self.setup.ieee,
            nwk: self.membership.as_ref()?.nwk,
            sleepy: self.is_sleepy(),
            manufacturer_code: self.setup.manufacturer_code,
            clusters: self.clusters(),
        })
    }

    fn schedule_check_in(&mut self, now: Instant) {
        if self.is_sleepy() && self.settings.check_in != 0 {
            self.due.put(now + Duration::from_millis(250) * self.settings.check_in, Due::CheckIn);
        }
    }

    fn long_poll_quarters(&self) -> u32 {
        let millis = self.long_poll.unwrap_or_default().as_millis();
        u32::try_from(millis / 250).unwrap_or(u32::MAX)
    }

    fn local_time(&self, now: Instant) -> Option<u32> {
        self.clock.local(now)
    }

    /// Its servers and its clients.
    fn clusters(&self) -> (&'static [u16], &'static [u16]) {
        if self.setup.shows_clock { CLUSTERS_WITH_CLOCK } else { CLUSTERS }
    }

    fn next_sequence(&mut self) -> u8 {
        self.sequence = self.sequence.wrapping_add(1);
        self.sequence
    }
}
