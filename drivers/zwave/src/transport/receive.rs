//! What comes in from nodes: security and the other encapsulations are taken off, layer by layer, down to plain commands.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::exchange::Security;
use super::segmentation::{self, Reassembly, SegmentEvent};
use super::supervision::{self, Status, SupervisionCommand};
use super::{crc16, multi_channel, multi_command};
use crate::cc;
use crate::node::NodeId;
use crate::security::SecurityClass;
use crate::security::s0::{self, S0Event};
use crate::security::s2::{self, S2Event};
use crate::serial_api::callback::ApplicationCommand;

/// Encapsulations in each other at most: more is nonsense, or meant to harm.
const DEEPEST: u8 = 6;
/// A supervised command that is repeated with its session within this time is the same again.
const SAME_SESSION: Duration = Duration::from_secs(10);
/// So many of a node are remembered.
const MOST_SESSIONS: usize = 8;
/// The classes of which commands are taken, so that a supervised one is answered SUCCESS.
const TAKEN: [u8; 5] =
    [cc::notification::CLASS, cc::battery::CLASS, cc::door_lock::CLASS, cc::user_code::CLASS, cc::association::CLASS];

/// What came in.
pub enum Incoming {
    /// A plain command.
    Command {
        /// From whom.
        node: NodeId,
        /// Under which security; `None`: in the clear.
        level: Option<SecurityClass>,
        /// From its class id on.
        command: Zeroizing<Vec<u8>>,
    },
    /// To be sent back at once.
    Reply {
        /// To whom.
        node: NodeId,
        /// Under which security.
        level: Option<SecurityClass>,
        /// The command.
        command: Vec<u8>,
    },
    /// A nonce came that was asked for.
    Nonce(NodeId),
    /// The node could not read what was sent last.
    OutOfSync(NodeId),
    /// The node joins, and has another temporary key than we.
    WrongKey(NodeId),
}

/// One layer to take off.
struct Layer {
    node: NodeId,
    level: Option<SecurityClass>,
    /// Source and destination end point, if within Multi Channel.
    end_points: Option<(u8, u8)>,
    multicast: bool,
    depth: u8,
}

impl Layer {
    fn inner(&self) -> Self {
        Self { depth: self.depth + 1, ..*self }
    }
}

/// The receiving side towards all nodes.
#[derive(Default)]
pub struct Receiver {
    reassembly: Reassembly,
    /// The last supervised commands of each node under each security: a node that waits for several answers repeats each of
    /// them. One in the clear, which anybody can make up, says nothing of one under security.
    supervised: BTreeMap<(NodeId, Option<SecurityClass>), VecDeque<Supervised>>,
}

/// A supervised command that was carried out.
struct Supervised {
    session: u8,
    end_points: Option<(u8, u8)>,
    command: Zeroizing<Vec<u8>>,
    at: Instant,
}

impl Receiver {
    /// A frame came in.
    pub fn handle(&mut self, now: Instant, security: &mut Security, frame: &ApplicationCommand) -> Vec<Incoming> {
        let mut out = Vec::new();
        let layer = Layer { node: frame.source, level: None, end_points: None, multicast: frame.multicast, depth: 0 };
        self.unwrap(now, security, &layer, &frame.payload, &mut out);
        out
    }

    /// When [`Receiver::handle_timeout`] is due.
    pub fn timeout(&self) -> Option<Instant> {
        self.reassembly.timeout()
    }

    /// The instant of [`Receiver::timeout`] has come.
    pub fn handle_timeout(&mut self, now: Instant, security: &mut Security) -> Vec<Incoming> {
        let mut out = Vec::new();
        let events = self.reassembly.handle_timeout(now);
        self.segments(now, security, events, &mut out);
        out
    }

    /// What a message meant that was held until there was a key for it.
    pub fn handle_opened(
        &mut self,
        now: Instant,
        security: &mut Security,
        node: NodeId,
        events: Vec<S2Event>,
    ) -> Vec<Incoming> {
        let mut out = Vec::new();
        let layer = Layer { node, level: None, end_points: None, multicast: false, depth: 0 };
        self.opened(now, security, &layer, events, &mut out);
        out
    }

    fn opened(
        &mut self,
        now: Instant,
        security: &mut Security,
        layer: &Layer,
        events: Vec<S2Event>,
        out: &mut Vec<Incoming>,
    ) {
        let node = layer.node;
        for event in events {
            match event {
                S2Event::Command { class, command } => {
                    let inner = Layer { level: Some(class), ..layer.inner() };
                    self.unwrap(now, security, &inner, &command, out);
                }
                S2Event::Reply(command) => out.push(Incoming::Reply { node, level: None, command }),
                S2Event::NonceReceived => out.push(Incoming::Nonce(node)),
                S2Event::OutOfSync => out.push(Incoming::OutOfSync(node)),
                S2Event::Ignored(reason) => tracing::debug!(%node, reason, "Security 2 frame passed over"),
                // Of a node that joins; others have nothing to say with it.
                S2Event::Other(frame) => plain(layer, &frame, out),
                S2Event::WrongKey => out.push(Incoming::WrongKey(node)),
            }
        }
    }

    fn unwrap(&mut self, now: Instant, security: &mut Security, layer: &Layer, frame: &[u8], out: &mut Vec<Incoming>) {
        let node = layer.node;
        let Some(class) = frame.first().copied().filter(|_| layer.depth < DEEPEST) else { return };
        match class {
            segmentation::CLASS if layer.depth == 0 => {
                let events = self.reassembly.handle(now, node, frame);
                self.segments(now, security, events, out);
            }
            s2::CLASS if layer.level.is_none() => {
                let events = security.s2.handle(now, node, frame, layer.multicast);
                self.opened(now, security, layer, events, out);
            }
            s0::CLASS if layer.level.is_none() => {
                let events = security.s0.as_mut().map(|s0| s0.handle(now, node, frame)).unwrap_or_default();
                for event in events {
                    match event {
                        S0Event::Command(command) => {
                            let inner = Layer { level: Some(SecurityClass::S0), ..layer.inner() };
                            self.unwrap(now, security, &inner, &command, out);
                        }
                        S0Event::Reply(command) => out.push(Incoming::Reply { node, level: None, command }),
                        S0Event::NonceReceived => out.push(Incoming::Nonce(node)),
                        S0Event::Ignored(reason) => tracing::debug!(%node, reason, "Security 0 frame passed over"),
                        S0Event::Other(frame) => plain(layer, &frame, out),
                    }
                }
            }
            crc16::CLASS if layer.level.is_none() => match crc16::decapsulate(frame) {
                Ok(command) => self.unwrap(now, security, &layer.inner(), command, out),
                Err(error) => tracing::debug!(%node, %error, "CRC-16 frame passed over"),
            },
            multi_channel::CLASS if layer.end_points.is_none() => match multi_channel::decapsulate(frame) {
                Ok((source, destination, command)) => {
                    let inner = Layer { end_points: Some((source, destination)), ..layer.inner() };
                    self.unwrap(now, security, &inner, command, out);
                }
                Err(error) => tracing::debug!(%node, %error, "Multi Channel frame passed over"),
            },
            multi_command::CLASS => match multi_command::decapsulate(frame) {
                Ok(commands) => {
                    for command in commands {
                        self.unwrap(now, security, &layer.inner(), command, out);
                    }
                }
                Err(error) => tracing::debug!(%node, %error, "Multi Command frame passed over"),
            },
            supervision::CLASS => match SupervisionCommand::decode(frame) {
                Ok(SupervisionCommand::Get { session, command, .. }) => {
                    self.supervised(now, security, layer, session, &command, out);
                }
                Ok(SupervisionCommand::Report { .. }) => plain(layer, frame, out),
                Err(error) => tracing::debug!(%node, %error, "Supervision frame passed over"),
            },
            _ => plain(layer, frame, out),
        }
    }

    /// A command whose outcome the node wants to know: carried out once, answered each time.
    fn supervised(
        &mut self,
        now: Instant,
        security: &mut Security,
        layer: &Layer,
        session: u8,
        command: &[u8],
        out: &mut Vec<Incoming>,
    ) {
        let node = layer.node;
        let end_points = layer.end_points;
        let this = Supervised { session, end_points, command: Zeroizing::new(command.to_vec()), at: now };
        let lately = self.supervised.entry((node, layer.level)).or_default();
        lately.retain(|last| now.saturating_duration_since(last.at) < SAME_SESSION);
        // One that does not count its sessions has said something else in between.
        let last = lately.iter_mut().rfind(|last| last.session == session && last.end_points == end_points);
        match last.filter(|last| *last.command == command) {
            Some(last) => last.at = now,
            None => {
                if lately.len() == MOST_SESSIONS {
                    lately.pop_front();
                }
                lately.push_back(this);
                self.unwrap(now, security, &layer.inner(), command, out);
            }
        }
        // Supervision of a multicast is not answered (CC:006C.01.01.11.006).
        if layer.multicast {
            return;
        }
        let taken = command.first().is_some_and(|class| TAKEN.contains(class));
        let status = if taken { Status::Success } else { Status::NoSupport };
        let report = SupervisionCommand::Report { session, more_updates: false, status, duration: 0 }.encode();
        // Answered as asked: under the same security, to the end point that asked.
        let command = match layer.end_points {
            Some((source, destination)) => multi_channel::encapsulate(destination, source, &report),
            None => report,
        };
        out.push(Incoming::Reply { node, level: layer.level, command });
    }

    fn segments(&mut self, now: Instant, security: &mut Security, events: Vec<SegmentEvent>, out: &mut Vec<Incoming>) {
        for event in events {
            match event {
                SegmentEvent::Reply(node, command) => out.push(Incoming::Reply { node, level: None, command }),
                SegmentEvent::Datagram(node, datagram) => {
                    let layer = Layer { node, level: None, end_points: None, multicast: false, depth: 1 };
                    self.unwrap(now, security, &layer, &datagram, out);
                }
            }
        }
    }
}

fn plain(layer: &Layer, command: &[u8], out: &mut Vec<Incoming>) {
    out.push(Incoming::Command { node: layer.node, level: layer.level, command: Zeroizing::new(command.to_vec()) });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::security::NetworkKeys;

    struct Bench {
        now: Instant,
        security: Security,
        receiver: Receiver,
    }

    fn node() -> NodeId {
        NodeId::new(5).unwrap()
    }

    impl Bench {
        #[expect(clippy::disallowed_methods, reason = "an arbitrary instant to count from")]
        fn new() -> Self {
            let keys = NetworkKeys::default();
            let security = Security::new(NodeId::new(1).unwrap(), 0xC0FF_EE01, &keys, ([1; 32], [2; 32]));
            Self { now: Instant::now(), security, receiver: Receiver::default() }
        }

        fn receive(&mut self, multicast: bool, payload: &[u8]) -> Vec<Incoming> {
            let frame = ApplicationCommand { source: node(), multicast, payload: payload.to_vec() };
            self.receiver.handle(self.now, &mut self.security, &frame)
        }
    }

    fn commands(incoming: &[Incoming]) -> Vec<&[u8]> {
        let mut commands = Vec::new();
        for incoming in incoming {
            if let Incoming::Command { command, .. } = incoming {
                commands.push(&command[..]);
            }
        }
        commands
    }

    fn replies(incoming: &[Incoming]) -> Vec<&[u8]> {
        let mut replies = Vec::new();
        for incoming in incoming {
            if let Incoming::Reply { command, .. } = incoming {
                replies.push(&command[..]);
            }
        }
        replies
    }

    const BATTERY: [u8; 3] = [0x80, 0x03, 87];
    const SUPERVISED: [u8; 7] = [0x6C, 0x01, 9, 3, 0x80, 0x03, 87];

    #[test]
    fn a_supervised_report_is_taken_once_and_answered_each_time() {
        let mut bench = Bench::new();
        let first = bench.receive(false, &SUPERVISED);
        assert_eq!((commands(&first), replies(&first)), (vec![&BATTERY[..]], vec![&[0x6C, 0x02, 9, 0xFF, 0][..]]));
        let mut taken = |session, percent| {
            let [class, get, _, length, battery, report, _] = SUPERVISED;
            let again = bench.receive(false, &[class, get, session, length, battery, report, percent]);
            assert_eq!(replies(&again).len(), 1);
            commands(&again).len()
        };
        assert_eq!([taken(9, 87), taken(10, 86), taken(9, 87), taken(10, 86)], [0, 1, 0, 0]);
        // Of a node that does not count its sessions.
        assert_eq!([taken(9, 86), taken(9, 87), taken(9, 87)], [1, 1, 0]);
    }

    #[test]
    fn a_made_up_get_in_the_clear_does_not_suppress_the_secure_event_of_the_same_session() {
        let mut bench = Bench::new();
        bench.receive(false, &SUPERVISED);
        let layer = Layer {
            node: node(),
            level: Some(SecurityClass::S2AccessControl),
            end_points: None,
            multicast: false,
            depth: 1,
        };
        let Bench { now, security, receiver } = &mut bench;
        let mut secure = Vec::new();
        receiver.unwrap(*now, security, &layer, &SUPERVISED, &mut secure);
        assert_eq!(commands(&secure), [BATTERY]);
    }

    #[test]
    fn another_command_in_the_same_session_is_another_command() {
        let mut bench = Bench::new();
        bench.receive(false, &SUPERVISED);
        let other = bench.receive(false, &[0x6C, 0x01, 9, 3, 0x80, 0x03, 86]);
        assert_eq!(commands(&other), [[0x80, 0x03, 86]]);
    }

    #[test]
    fn what_is_not_understood_is_answered_no_support_and_a_multicast_not_at_all() {
        let mut bench = Bench::new();
        let unknown = bench.receive(false, &[0x6C, 0x01, 9, 2, 0x31, 0x05]);
        assert_eq!(replies(&unknown), [&[0x6C, 0x02, 9, 0x00, 0][..]]);
        let multicast = bench.receive(true, &[0x6C, 0x01, 10, 3, 0x80, 0x03, 87]);
        assert_eq!((commands(&multicast).len(), replies(&multicast).len()), (1, 0));
    }

    #[test]
    fn an_end_point_is_answered_as_it_asked() {
        let mut bench = Bench::new();
        let incoming = bench.receive(false, &multi_channel::encapsulate(2, 0, &SUPERVISED));
        assert_eq!(commands(&incoming), [BATTERY]);
        assert_eq!(replies(&incoming), [&multi_channel::encapsulate(0, 2, &[0x6C, 0x02, 9, 0xFF, 0])[..]]);
    }

    #[test]
    fn layers_within_layers_are_taken_off_in_order() {
        let mut bench = Bench::new();
        let both = multi_command::encapsulate(&[&BATTERY, &[0x62, 0x03, 0xFF, 0, 2, 0xFE, 0xFE]]);
        let incoming = bench.receive(false, &crc16::encapsulate(&multi_channel::encapsulate(1, 0, &both)));
        assert_eq!(commands(&incoming).len(), 2);
        assert_eq!(commands(&incoming)[0], BATTERY);
    }

    #[test]
    fn a_frame_that_nests_without_end_is_passed_over() {
        let mut nested = BATTERY.to_vec();
        for _ in 0..20 {
            nested = multi_command::encapsulate(&[&nested]);
        }
        assert!(Bench::new().receive(false, &nested).is_empty());
    }

    proptest! {
        #[test]
        fn whatever_comes_in_nothing_panics(frames: Vec<(bool, Vec<u8>)>) {
            let mut bench = Bench::new();
            for (multicast, frame) in &frames {
                bench.receive(*multicast, frame);
            }
        }
    }
}
