//! A node's channel to the hub: commands in and out under the security class they belong to, with the nonces that takes.

use std::collections::VecDeque;
use std::fmt;
use std::time::{Duration, Instant};

use keyway_zwave::node::NodeId;
use keyway_zwave::security::s0::{S0, S0Event, S0Part};
use keyway_zwave::security::s2::keys::ClassKeys;
use keyway_zwave::security::s2::{S2, S2Error, S2Event};
use keyway_zwave::security::{NetworkKey, NetworkKeys, SecurityClass};
use zeroize::Zeroizing;

/// How long the hub may take to answer a Nonce Get.
const NONCE_TIMEOUT: Duration = Duration::from_secs(3);
/// How often a command's nonce is asked for before the command is dropped.
const NONCE_ATTEMPTS: u8 = 3;
/// Bytes of a command that one frame carries.
pub(super) const MAX_FRAME: usize = 46;
/// Commands that wait for a nonce; the oldest are dropped beyond.
const MAX_WAITING: usize = 32;

/// A command with the class it is under; `None`: in the clear.
#[derive(Clone)]
pub(super) struct Secured {
    pub(super) class: Option<SecurityClass>,
    pub(super) command: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Secured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes under {:?}", self.command.len(), self.class)
    }
}

/// The channel.
pub(super) struct Channel {
    hub: NodeId,
    s0: Option<S0>,
    s2: Option<S2>,
    waiting: VecDeque<Outgoing>,
    /// Until when a Nonce Report is awaited.
    asked: Option<Instant>,
    /// What was last sent under S2, in case the hub could not read it.
    last: Option<Outgoing>,
    frames: VecDeque<Vec<u8>>,
}

#[derive(Clone)]
struct Outgoing {
    secured: Secured,
    /// How often its nonce was asked for.
    attempts: u8,
    /// S0 parts that are left.
    parts: VecDeque<S0Part>,
    /// Sent a second time, since the hub was out of step.
    again: bool,
}

impl Channel {
    /// A node that was granted these classes. A new one knows no nonces, as after a change of batteries.
    pub(super) fn new(
        own: NodeId,
        hub: NodeId,
        home_id: u32,
        keys: &NetworkKeys,
        classes: &[SecurityClass],
        entropy: [[u8; 32]; 2],
    ) -> Self {
        let [first, second] = entropy;
        let s0 = keys.s0.as_ref().filter(|_| classes.contains(&SecurityClass::S0)).map(|key| S0::new(own, key, first));
        let s2 = classes.iter().any(|class| *class != SecurityClass::S0).then(|| {
            let mut s2 = S2::new(own, home_id, keys, second);
            s2.add_peer(hub, classes);
            s2
        });
        Self { hub, s0, s2, waiting: VecDeque::new(), asked: None, last: None, frames: VecDeque::new() }
    }

    /// A node that joins, and knows no key yet; `s0`: by Security 0.
    pub(super) fn joining(own: NodeId, hub: NodeId, home_id: u32, s0: bool, entropy: [[u8; 32]; 2]) -> Self {
        let zero = NetworkKeys { s0: Some(NetworkKey::new([0; 16])), ..NetworkKeys::default() };
        let class = if s0 { SecurityClass::S0 } else { SecurityClass::Temporary };
        Self::new(own, hub, home_id, &zero, &[class], entropy)
    }

    /// Both sides have agreed on a key.
    pub(super) fn set_temporary_key(&mut self, keys: ClassKeys) {
        if let Some(s2) = &mut self.s2 {
            s2.expect_peer(self.hub);
            s2.set_temporary_key(self.hub, keys, &[]);
        }
    }

    /// A key of Security 2 was handed over.
    pub(super) fn add_key(&mut self, class: SecurityClass, key: &NetworkKey) {
        if let Some(s2) = &mut self.s2 {
            s2.add_key(self.hub, class, key);
        }
    }

    /// The exchange is over: only the network's keys count.
    pub(super) fn joined(&mut self, classes: &[SecurityClass]) {
        if let Some(s2) = &mut self.s2 {
            s2.remove_peer(self.hub);
            s2.add_peer(self.hub, classes);
        }
    }

    /// Takes a frame of the hub: the commands in it.
    pub(super) fn handle(&mut self, now: Instant, frame: &[u8], multicast: bool) -> Vec<Secured> {
        let commands = match (frame.first(), &mut self.s0, &mut self.s2) {
            (Some(&keyway_zwave::security::s0::CLASS), Some(s0), _) => {
                let events = s0.handle(now, self.hub, frame);
                events.into_iter().filter_map(|event| self.s0_event(event)).collect()
            }
            (Some(&keyway_zwave::security::s2::CLASS), _, Some(s2)) => {
                let events = s2.handle(now, self.hub, frame, multicast);
                events.into_iter().filter_map(|event| self.s2_event(event)).collect()
            }
            (Some(&(keyway_zwave::security::s0::CLASS | keyway_zwave::security::s2::CLASS)), ..) => Vec::new(),
            _ => vec![Secured { class: None, command: Zeroizing::new(frame.to_vec()) }],
        };
        self.pump(now);
        commands
    }

    /// Sends a command to the hub.
    pub(super) fn send(&mut self, now: Instant, secured: Secured) {
        if self.waiting.len() >= MAX_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Outgoing { secured, attempts: 0, parts: VecDeque::new(), again: false });
        self.pump(now);
    }

    /// The instant of [`Channel::timeout`] has come.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.asked.is_some_and(|until| until <= now) {
            self.asked = None;
            if self.waiting.front().is_some_and(|head| head.attempts >= NONCE_ATTEMPTS) {
                self.waiting.pop_front();
            }
            self.pump(now);
        }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.asked
    }

    /// The next frame for the hub.
    pub(super) fn poll(&mut self) -> Option<Vec<u8>> {
        self.frames.pop_front()
    }

    fn s0_event(&mut self, event: S0Event) -> Option<Secured> {
        match event {
            S0Event::Command(command) => return Some(Secured { class: Some(SecurityClass::S0), command }),
            S0Event::Reply(frame) => self.frames.push_back(frame),
            S0Event::NonceReceived => self.asked = None,
            S0Event::Other(command) => return Some(Secured { class: None, command: Zeroizing::new(command) }),
            S0Event::Ignored(_) => {}
        }
        None
    }

    fn s2_event(&mut self, event: S2Event) -> Option<Secured> {
        match event {
            S2Event::Command { class, command } => return Some(Secured { class: Some(class), command }),
            S2Event::Reply(frame) => self.frames.push_back(frame),
            S2Event::NonceReceived => self.asked = None,
            S2Event::OutOfSync => {
                self.asked = None;
                if let Some(last) = self.last.take().filter(|last| !last.again) {
                    self.waiting.push_front(Outgoing { again: true, ..last });
                }
            }
            S2Event::Other(command) => return Some(Secured { class: None, command: Zeroizing::new(command) }),
            S2Event::Ignored(_) | S2Event::WrongKey => {}
        }
        None
    }

    /// Sends what can be sent; asks for the nonce that the next command needs.
    fn pump(&mut self, now: Instant) {
        while let Some(mut head) = self.waiting.pop_front() {
            match head.secured.class {
                None => self.frames.push_back(head.secured.command.to_vec()),
                Some(SecurityClass::S0) => {
                    if !self.send_s0(now, &mut head) {
                        self.waiting.push_front(head);
                        return;
                    }
                }
                Some(class) => {
                    if !self.send_s2(now, class, &mut head) {
                        self.waiting.push_front(head);
                        return;
                    }
                }
            }
        }
    }

    /// Whether the command is out, or can't ever be.
    fn send_s2(&mut self, now: Instant, class: SecurityClass, head: &mut Outgoing) -> bool {
        let Some(s2) = &mut self.s2 else { return true };
        match s2.encapsulate(self.hub, class, &head.secured.command) {
            Ok(frame) => {
                self.frames.push_back(frame);
                self.last = Some(head.clone());
                true
            }
            // Its answer is awaited already.
            Err(S2Error::NeedsNonce) if self.asked.is_some() => false,
            Err(S2Error::NeedsNonce) => {
                let frame = s2.nonce_get(self.hub);
                self.ask(now, head, frame)
            }
            Err(_) => true,
        }
    }

    fn send_s0(&mut self, now: Instant, head: &mut Outgoing) -> bool {
        let Some(s0) = &mut self.s0 else { return true };
        if head.parts.is_empty() {
            head.parts = s0.split(&head.secured.command, MAX_FRAME).into();
        }
        if !s0.is_ready(now, self.hub) {
            return self.ask(now, head, S0::nonce_get());
        }
        let Some(part) = head.parts.pop_front() else { return true };
        let more = !head.parts.is_empty();
        match s0.encapsulate(now, self.hub, &part, more) {
            Ok(frame) => self.frames.push_back(frame),
            Err(_) => return true,
        }
        if more {
            // That frame asked for the next part's nonce.
            self.asked = Some(now + NONCE_TIMEOUT);
        }
        !more
    }

    /// Asks for a nonce unless that is under way.
    fn ask(&mut self, now: Instant, head: &mut Outgoing, nonce_get: Vec<u8>) -> bool {
        if self.asked.is_none() {
            head.attempts += 1;
            self.frames.push_back(nonce_get);
            self.asked = Some(now + NONCE_TIMEOUT);
        }
        false
    }
}
