//! A node: a lock with its radio. Frames of the hub in, frames for the hub out.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use keyway_lock::{SlotNumber, WallTime};
use keyway_zwave::node::NodeId;
use keyway_zwave::security::{NetworkKeys, SecurityClass, s0, s2};
use keyway_zwave::transport::segmentation::{self, Reassembly, SegmentEvent};
use keyway_zwave::transport::supervision::{self, Status, SupervisionCommand};
use keyway_zwave::transport::{crc16, multi_channel, multi_command};

use super::action::{Action, Outcome};
use super::behaviour::{
    Lock, Reaction, Reports, Session, Supervisor, WAKE_UP_NOTIFICATION, supervision_status, time_questions,
};
use super::channel::{Channel, MAX_FRAME, Secured};
use super::joining::{JoinOutput, Joiner};
use super::log::CommandLog;
use super::setup::LockSetup;
use crate::door::{By, Code, Door, Turner};
use crate::schedule::{LockClock, Schedule};

/// Behind a Security Commands Supported Report: no other follows.
const NO_MORE_REPORTS: u8 = 0;

/// Basic, generic and specific device class: routing end node, entry control, secure keypad door lock.
const DEVICE_CLASSES: [u8; 3] = [0x04, 0x40, 0x03];
/// Device Reset Locally Notification.
const DEVICE_RESET_LOCALLY: [u8; 2] = [0x5A, 0x01];
const SEGMENT_REQUEST: u8 = 0xC8;
/// Supervision: the report, and the bits of its session.
const SUPERVISION_REPORT: u8 = 0x02;
const SESSION: u8 = 0x3F;

/// The network that a node is in, as far as it knows it.
pub(super) struct Membership<'a> {
    pub(super) hub: NodeId,
    pub(super) home_id: u32,
    pub(super) keys: &'a NetworkKeys,
}

/// The node.
pub(super) struct Node {
    own: NodeId,
    hub: NodeId,
    born: Instant,
    lock: Lock,
    home_id: u32,
    /// The keys it was given.
    keys: NetworkKeys,
    /// For the channel it has once it is in.
    entropy: [[u8; 32]; 2],
    /// It is getting its keys.
    joiner: Option<Joiner>,
    /// How that ended, until the stick has looked.
    joined: Option<bool>,
    channel: Channel,
    reassembly: Reassembly,
    supervisor: Supervisor,
    reports: Reports,
    /// Orders being carried out, in order.
    working: VecDeque<Work>,
    /// The datagram last sent in segments, and its session.
    segments: Vec<Vec<u8>>,
    session: u8,
    frames: VecDeque<Vec<u8>>,
    log: CommandLog,
}

/// An order that takes its time.
struct Work {
    until: Instant,
    class: Option<SecurityClass>,
    command: Vec<u8>,
    /// To be told when it is done.
    session: Option<Session>,
}

impl Node {
    pub(super) fn new(now: Instant, setup: LockSetup, network: &Membership<'_>, entropy: [[u8; 32]; 2]) -> Self {
        let (own, hub) = (setup.node, network.hub);
        let channel = Channel::new(own, hub, network.home_id, network.keys, &setup.security, entropy);
        Self {
            own,
            hub,
            born: now,
            lock: Lock::new(now, setup, u8::try_from(hub.get()).unwrap_or(0)),
            home_id: network.home_id,
            keys: network.keys.clone(),
            entropy,
            joiner: None,
            joined: None,
            channel,
            reassembly: Reassembly::new(),
            supervisor: Supervisor::default(),
            reports: Reports::default(),
            working: VecDeque::new(),
            segments: Vec::new(),
            session: 0,
            frames: VecDeque::new(),
            log: CommandLog::default(),
        }
    }

    /// One fresh from its box, which just got its number in the network and waits for its keys. Without `joiner` it wants
    /// none.
    pub(super) fn fresh(
        now: Instant,
        setup: LockSetup,
        network: &Membership<'_>,
        joiner: Option<Joiner>,
        entropy: [[[u8; 32]; 2]; 2],
    ) -> Self {
        let [now_entropy, later] = entropy;
        let s0 = setup.security == [SecurityClass::S0];
        let (own, hub, home_id) = (setup.node, network.hub, network.home_id);
        let mut node = Self::new(now, setup, network, later);
        if joiner.is_some() {
            node.channel = Channel::joining(own, hub, home_id, s0, now_entropy);
        }
        node.joiner = joiner;
        node
    }

    /// Takes out the batteries and puts them back: codes and their schedules stay, the time, nonces and what was under way do
    /// not.
    pub(super) fn restart(&mut self, now: Instant, entropy: [[u8; 32]; 2]) {
        self.lock.clock = LockClock::new(now);
        let security = &self.lock.setup.security;
        self.channel = Channel::new(self.own, self.hub, self.home_id, &self.keys, security, entropy);
        self.joiner = None;
        self.reassembly = Reassembly::new();
        self.supervisor = Supervisor::default();
        self.reports = Reports::default();
        self.working.clear();
        self.segments.clear();
        self.frames.clear();
    }

    /// The network it is in.
    pub(super) fn home_id(&self) -> u32 {
        self.home_id
    }

    /// Whether it is getting its keys.
    pub(super) fn is_joining(&self) -> bool {
        self.joiner.is_some() || self.joined.is_some()
    }

    /// Whether it has ceased to be there.
    pub(super) fn is_gone(&self) -> bool {
        self.joiner.as_ref().is_some_and(Joiner::is_gone)
    }

    /// How the joining ended, if it just did.
    pub(super) fn take_joined(&mut self) -> Option<bool> {
        self.joined.take()
    }

    pub(super) fn setup(&self) -> &LockSetup {
        &self.lock.setup
    }

    pub(super) fn door(&self) -> &Door {
        &self.lock.door
    }

    /// What its own clock shows.
    pub(super) fn clock(&self, now: Instant) -> WallTime {
        self.lock.clock.shown(now)
    }

    /// The slot whose code would open the door now.
    pub(super) fn opened_by(&self, now: Instant, digits: &str) -> Option<SlotNumber> {
        self.lock.opened_by(now, digits)
    }

    /// When the code in a slot opens.
    pub(super) fn schedule(&self, slot: SlotNumber) -> Option<&Schedule> {
        self.lock.schedules.of(slot)
    }

    /// How often it was made to show itself.
    pub(super) fn identified(&self) -> u32 {
        self.lock.identified
    }

    pub(super) fn log(&self) -> &CommandLog {
        &self.log
    }

    /// What the stick remembers of it (host API, GetNodeProtocolInfo).
    pub(super) fn protocol_info(&self) -> Vec<u8> {
        // Listening and routing; 40 kbit/s; protocol version 4.
        let (listening, woken_by_beam) = match self.lock.setup.wake_up {
            Some(_) => (0x00, 0x00),
            None if self.lock.setup.flirs => (0x00, 0x40),
            None => (0x80, 0x00),
        };
        // Sends beams, routing end node, has a specific class, security.
        let head = [listening | 0x40 | 0x10 | 0x03, woken_by_beam | 0x10 | 0x08 | 0x04 | 0x01, 0x01];
        [&head[..], &DEVICE_CLASSES].concat()
    }

    /// Its node information frame, from the basic device class on.
    pub(super) fn information(&self) -> Vec<u8> {
        [&DEVICE_CLASSES[..], &self.lock.open_classes()].concat()
    }

    /// The node information frame of a lock in its box.
    pub(super) fn information_of(now: Instant, setup: &LockSetup) -> Vec<u8> {
        [&DEVICE_CLASSES[..], &Lock::new(now, setup.clone(), 0).open_classes()].concat()
    }

    /// A frame of the hub arrived.
    pub(super) fn handle_frame(&mut self, now: Instant, frame: &[u8], multicast: bool) {
        self.lock.set_now(now);
        self.lock.stay_awake(now);
        match *frame {
            [segmentation::CLASS, command, session, offset, ..] if command == SEGMENT_REQUEST => {
                self.resend_segment(session, offset);
            }
            [segmentation::CLASS, ..] => {
                for event in self.reassembly.handle(now, self.hub, frame) {
                    self.segment_event(now, event);
                }
            }
            _ => {
                for secured in self.channel.handle(now, frame, multicast) {
                    self.take(now, &secured);
                }
            }
        }
        self.settle(now);
    }

    /// A command of the hub: of the exchange of keys, or for the lock.
    fn take(&mut self, now: Instant, secured: &Secured) {
        let keys = [s0::CLASS, s2::CLASS].contains(secured.command.first().unwrap_or(&0));
        if keys && self.joiner.is_some() {
            self.note(now, secured.class, false, &secured.command);
        }
        match &mut self.joiner {
            Some(joiner) if keys => {
                joiner.handle(now, secured.class, &secured.command);
                self.join(now);
            }
            _ => {
                let replies = self.respond(now, secured.class, &secured.command);
                self.send_all(now, secured.class, replies);
            }
        }
    }

    /// Does what the joiner wants.
    fn join(&mut self, now: Instant) {
        while let Some(output) = self.joiner.as_mut().and_then(Joiner::poll) {
            match output {
                JoinOutput::Send(class, command) => self.channel.send(now, Secured { class, command }),
                JoinOutput::TemporaryKey(keys) => self.channel.set_temporary_key(keys),
                JoinOutput::Key(SecurityClass::S0, key) => {
                    self.keys.s0 = Some(key);
                    let (classes, entropy) = ([SecurityClass::S0], self.entropy);
                    self.channel = Channel::new(self.own, self.hub, self.home_id, &self.keys, &classes, entropy);
                }
                JoinOutput::Key(class, key) => {
                    self.channel.add_key(class, &key);
                    self.keys.set(class, key);
                }
                JoinOutput::Done(classes) => {
                    self.hand_over();
                    self.channel.joined(&classes);
                    self.lock.setup.security = classes;
                    (self.joiner, self.joined) = (None, Some(true));
                }
                JoinOutput::Failed => (self.joiner, self.joined) = (None, Some(false)),
            }
        }
    }

    /// Someone does something to the lock.
    pub(super) fn act(&mut self, now: Instant, action: &Action) -> Outcome {
        let door = &mut self.lock.door;
        let outcome = match action {
            Action::Keypad(digits) => Outcome::Keypad(self.lock.enter_code(now, digits)),
            Action::ByHand { slot, code: Some(pin) } => {
                let code = Code { pin: pin.clone(), enabled: true };
                door.set_code(*slot, code, By::Hand).into()
            }
            Action::ByHand { slot, code: None } if *slot == SlotNumber(0) => door.clear_all_codes(By::Hand).into(),
            Action::ByHand { slot, code: None } => door.clear_code(*slot, By::Hand).into(),
            Action::AnotherHub(command) => {
                if let Some(report) = self.lock.handle(true, command).answer() {
                    self.send(now, self.highest(), report);
                }
                Outcome::Done
            }
            Action::Turn { locked } => door.turn(*locked, Turner::Hand).into(),
            Action::KeypadMode(mode) => {
                door.set_keypad(*mode, By::Hand);
                Outcome::Done
            }
            Action::Reset => {
                self.send(now, self.highest(), DEVICE_RESET_LOCALLY.to_vec());
                // Nobody is told of its codes any more.
                self.lock.door = Door::new(self.lock.setup.door.clone());
                Outcome::Done
            }
            Action::Clock(utc) => {
                self.lock.clock.set(now, *utc);
                Outcome::Done
            }
            Action::Open(open) => {
                door.set_open(*open);
                Outcome::Done
            }
            Action::Battery(percent) => {
                door.set_battery(*percent);
                Outcome::Done
            }
            Action::Jam(jammed) => {
                door.set_jammed(*jammed);
                Outcome::Done
            }
            Action::Reject(rejecting) => {
                door.set_rejecting(*rejecting);
                Outcome::Done
            }
            Action::Mask(masking) => {
                door.set_masking(*masking);
                Outcome::Done
            }
            Action::Working(duration) => {
                self.lock.working = *duration;
                Outcome::Done
            }
            Action::MoveClock(seconds) => {
                self.lock.clock.go_wrong(*seconds);
                Outcome::Done
            }
            Action::WakeUp => {
                self.wake(now, true);
                Outcome::Done
            }
            Action::AskTime => {
                let class = self.highest();
                self.send_all(now, class, time_questions().into());
                Outcome::Done
            }
            // The stick's side of things.
            Action::Offline(_)
            | Action::Latency(_)
            | Action::Awake(_)
            | Action::DropEvery(_)
            | Action::DropAfter(_)
            | Action::RepeatEvery(_)
            | Action::Way(_)
            | Action::Restart => Outcome::Done,
        };
        self.settle(now);
        outcome
    }

    /// The instant of [`Node::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        self.lock.set_now(now);
        self.channel.handle_timeout(now);
        if let Some(joiner) = &mut self.joiner {
            joiner.handle_timeout(now);
            self.join(now);
        }
        for event in self.reassembly.handle_timeout(now) {
            self.segment_event(now, event);
        }
        for report in self.reports.handle_timeout(now) {
            self.send(now, self.highest(), report);
        }
        while self.working.front().is_some_and(|work| work.until <= now) {
            let Some(work) = self.working.pop_front() else { break };
            let reaction = self.lock.handle(work.class == self.highest(), &work.command);
            let status = supervision_status(&reaction);
            if let Some(answer) = reaction.answer() {
                self.send(now, work.class, answer);
            }
            if let Some(session) = work.session {
                let report = self.supervisor.finish(session, status);
                self.send(now, session.security, report);
            }
        }
        self.lock.handle_timeout(now);
        if self.lock.wakes(now) {
            self.wake(now, false);
        }
        self.settle(now);
    }

    /// It wakes by itself, or by its button.
    fn wake(&mut self, now: Instant, pressed: bool) {
        if self.lock.wake(now) || pressed {
            self.send(now, self.highest(), WAKE_UP_NOTIFICATION.to_vec());
        }
    }

    /// Whether it hears what is sent to it now.
    pub(super) fn listens(&self, now: Instant) -> bool {
        self.lock.listens(now)
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        let work = self.working.front().map(|work| work.until);
        let joiner = self.joiner.as_ref().and_then(Joiner::timeout);
        let radio = [self.channel.timeout(), self.reassembly.timeout(), self.reports.timeout()];
        let timeouts = radio.into_iter().chain([work, joiner, self.lock.timeout()]);
        timeouts.flatten().min()
    }

    /// The next frame for the hub.
    pub(super) fn poll(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }

    /// Its highest security class, under which it reports; `None`: in the clear.
    fn highest(&self) -> Option<SecurityClass> {
        self.lock.setup.security.iter().copied().max()
    }

    /// The replies to a command, each encapsulated as the command was (all but the security).
    fn respond(&mut self, now: Instant, class: Option<SecurityClass>, command: &[u8]) -> Vec<Vec<u8>> {
        match command.first() {
            Some(&crc16::CLASS) => match crc16::decapsulate(command) {
                Ok(inner) => self.respond(now, class, inner).iter().map(|reply| crc16::encapsulate(reply)).collect(),
                Err(_) => Vec::new(),
            },
            Some(&multi_command::CLASS) => {
                let Ok(commands) = multi_command::decapsulate(command) else { return Vec::new() };
                let replies: Vec<_> = commands.into_iter().flat_map(|inner| self.respond(now, class, inner)).collect();
                let replies: Vec<_> = replies.iter().map(Vec::as_slice).collect();
                if replies.is_empty() { Vec::new() } else { vec![multi_command::encapsulate(&replies)] }
            }
            Some(&multi_channel::CLASS) => match multi_channel::decapsulate(command) {
                // There are no endpoints but the node itself.
                Ok((source, 0, inner)) => {
                    let replies = self.respond(now, class, inner);
                    replies.iter().map(|reply| multi_channel::encapsulate(0, source, reply)).collect()
                }
                _ => Vec::new(),
            },
            Some(&supervision::CLASS) if self.lock.setup.supervision => self.supervised(now, class, command),
            _ => self.unsupervised(now, class, command),
        }
    }

    fn supervised(&mut self, now: Instant, class: Option<SecurityClass>, command: &[u8]) -> Vec<Vec<u8>> {
        let (session, command) = match SupervisionCommand::decode(command) {
            Ok(SupervisionCommand::Get { session, updates, command }) => {
                (Session { id: session, updates, security: class }, command)
            }
            Ok(SupervisionCommand::Report { session, .. }) => {
                self.reports.confirm(session);
                return Vec::new();
            }
            Err(_) => return Vec::new(),
        };
        if let Some(report) = self.supervisor.repeated(session) {
            return vec![report];
        }
        self.note(now, class, true, &command);
        let effort = self.lock.effort(&command);
        if !effort.is_zero() {
            self.begin(now, effort, class, &command, session.updates.then_some(session));
            return vec![self.supervisor.report(session, Status::Working, effort)];
        }
        let reaction = self.react(class, &command);
        let report = self.supervisor.report(session, supervision_status(&reaction), Duration::ZERO);
        reaction.answer().into_iter().chain([report]).collect()
    }

    fn unsupervised(&mut self, now: Instant, class: Option<SecurityClass>, command: &[u8]) -> Vec<Vec<u8>> {
        self.note(now, class, false, command);
        let effort = self.lock.effort(command);
        if !effort.is_zero() {
            self.begin(now, effort, class, command, None);
            return Vec::new();
        }
        self.react(class, command).answer().into_iter().collect()
    }

    fn react(&mut self, class: Option<SecurityClass>, command: &[u8]) -> Reaction {
        let highest = class == self.highest();
        // The secure classes are told under the highest security class; under one below it, that there are none there.
        let secure_classes = || if highest { self.lock.secure_classes() } else { Vec::new() };
        match (command, class) {
            (command, Some(SecurityClass::S0)) if command == s0::COMMANDS_SUPPORTED_GET => {
                Reaction::Answer([&s0::COMMANDS_SUPPORTED_REPORT[..], &[NO_MORE_REPORTS], &secure_classes()].concat())
            }
            (command, Some(_)) if command == s2::COMMANDS_SUPPORTED_GET && class != Some(SecurityClass::S0) => {
                Reaction::Answer([&s2::COMMANDS_SUPPORTED_REPORT[..], &secure_classes()].concat())
            }
            _ => self.lock.handle(highest, command),
        }
    }

    /// Begins an order that takes its time, behind those begun before.
    fn begin(
        &mut self,
        now: Instant,
        effort: Duration,
        class: Option<SecurityClass>,
        command: &[u8],
        session: Option<Session>,
    ) {
        let begun = self.working.back().map_or(now, |last| last.until.max(now));
        self.working.push_back(Work { until: begun + effort, class, command: command.to_vec(), session });
    }

    fn note(&mut self, now: Instant, class: Option<SecurityClass>, supervised: bool, command: &[u8]) {
        let since = now.saturating_duration_since(self.born).as_millis();
        self.log.push(u64::try_from(since).unwrap_or(u64::MAX), class, supervised, command);
    }

    /// Reports what happened at the door, and hands over what the channel has for the hub.
    fn settle(&mut self, now: Instant) {
        while let Some(event) = self.lock.door.poll_event() {
            let told = self.lock.lifeline.iter().any(|node| u16::from(*node) == self.hub.get());
            for report in self.lock.reports(now, event).into_iter().filter(|_| told) {
                let class = self.highest();
                let report = match class {
                    Some(_) if self.lock.setup.supervision && self.lock.setup.supervised_reports => {
                        self.reports.supervise(now, report)
                    }
                    _ => report,
                };
                self.send(now, class, report);
            }
        }
        self.hand_over();
    }

    fn hand_over(&mut self) {
        while let Some(frame) = self.channel.poll() {
            self.transmit(frame);
        }
    }

    fn send_all(&mut self, now: Instant, class: Option<SecurityClass>, commands: Vec<Vec<u8>>) {
        commands.into_iter().for_each(|command| self.send(now, class, command));
    }

    fn send(&mut self, now: Instant, class: Option<SecurityClass>, command: Vec<u8>) {
        let mut command = command;
        if let [supervision::CLASS, SUPERVISION_REPORT, session, ..] = &mut command[..]
            && self.lock.setup.oddities.session_zero
        {
            *session &= !SESSION;
        }
        self.channel.send(now, Secured { class, command: command.into() });
    }

    fn transmit(&mut self, frame: Vec<u8>) {
        if frame.len() <= MAX_FRAME {
            self.frames.push_back(frame);
            return;
        }
        self.session = (self.session + 1) % 16;
        self.segments = segmentation::split(&frame, self.session, MAX_FRAME);
        self.frames.extend(self.segments.iter().cloned());
    }

    /// The hub misses a segment: the one that begins at this offset.
    fn resend_segment(&mut self, head: u8, offset: u8) {
        let offset = usize::from(head & 0x07) << 8 | usize::from(offset);
        if head >> 4 == self.session
            && let Some(segment) = self.segments.get(offset / segmentation::MAX_SEGMENT)
        {
            self.frames.push_back(segment.clone());
        }
    }

    fn segment_event(&mut self, now: Instant, event: SegmentEvent) {
        match event {
            SegmentEvent::Reply(_, frame) => self.frames.push_back(frame),
            SegmentEvent::Datagram(_, datagram) => {
                for secured in self.channel.handle(now, &datagram, false) {
                    self.take(now, &secured);
                }
            }
        }
    }
}
