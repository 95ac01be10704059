//! What comes in from nodes: security and the other encapsulations are taken off, layer by layer, down to plain commands.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::exchange::Security;
use super::segmentation::{self, Reassembly, SegmentEvent};
use super::supervision::{self, Status, SupervisionCommand};
use super::{crc16, multi_channel, multi_command};
use crate::cc;
use crate::node::NodeId;
use crate::security::SecurityClass;
use crate::security::s0::S0Event;
use crate::security::s2::S2Event;
use crate::serial_api::callback::ApplicationCommand;

const SECURITY_0: u8 = 0x98;
const SECURITY_2: u8 = 0x9F;
/// Encapsulations in each other at most: more is nonsense, or meant to harm.
const DEEPEST: u8 = 6;
/// A supervision session that is repeated within this time is the same command again.
const SAME_SESSION: Duration = Duration::from_secs(10);
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
    sessions: BTreeMap<NodeId, (u8, Instant)>,
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

    fn unwrap(&mut self, now: Instant, security: &mut Security, layer: &Layer, frame: &[u8], out: &mut Vec<Incoming>) {
        let node = layer.node;
        let Some(class) = frame.first().copied().filter(|_| layer.depth < DEEPEST) else { return };
        match class {
            segmentation::CLASS if layer.depth == 0 => {
                let events = self.reassembly.handle(now, node, frame);
                self.segments(now, security, events, out);
            }
            SECURITY_2 if layer.level.is_none() => {
                for event in security.s2.handle(now, node, frame, layer.multicast) {
                    match event {
                        S2Event::Command { class, command } => {
                            let inner = Layer { level: Some(class), ..layer.inner() };
                            self.unwrap(now, security, &inner, &command, out);
                        }
                        S2Event::Reply(command) => out.push(Incoming::Reply { node, level: None, command }),
                        S2Event::NonceReceived => out.push(Incoming::Nonce(node)),
                        S2Event::OutOfSync => out.push(Incoming::OutOfSync(node)),
                        S2Event::Ignored(reason) => tracing::debug!(%node, reason, "Security 2 frame passed over"),
                        S2Event::Other(_) => tracing::debug!(%node, "Security 2 command outside an inclusion"),
                    }
                }
            }
            SECURITY_0 if layer.level.is_none() => {
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
                        S0Event::Other(_) => tracing::debug!(%node, "Security 0 command outside an inclusion"),
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
        let known = self.sessions.insert(node, (session, now));
        let again = known.is_some_and(|(last, at)| last == session && now.saturating_duration_since(at) < SAME_SESSION);
        if !again {
            self.unwrap(now, security, &layer.inner(), command, out);
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
