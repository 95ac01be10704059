//! What is asked of a device, and what an answer to it looks like.

use crate::address::{Ieee, Nwk};
use crate::coordinator::Incoming;
use crate::zcl::door_lock::{self, ToLock};
use crate::zcl::foundation::{General, command};
use crate::zcl::{Direction, Frame, Scope};
use crate::zdo::{self, Binding, Message, RESPONSE, Zdo};

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Something about the device itself.
    Zdo(ZdoAsk),
    /// Something of a cluster of it.
    Zcl(ZclAsk),
}

/// What can be asked about a device itself. Most of it needs its network address, which is known when it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZdoAsk {
    /// What it is.
    NodeDescriptor,
    /// Which endpoints it has.
    ActiveEndpoints,
    /// What is on one.
    SimpleDescriptor(u8),
    /// To tell what a cluster has to tell.
    Bind(Binding),
    /// To leave.
    Leave(Ieee),
}

/// A command to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZclAsk {
    /// On which endpoint.
    pub endpoint: u8,
    /// Which cluster.
    pub cluster: u16,
    /// The command; its sequence number is given when it is sent.
    pub frame: Frame,
    /// The command that answers it. A default response does in any case.
    pub answer: (Scope, u8),
    /// Whether it changes something: then it is not sent twice for want of an answer.
    pub changes: bool,
}

impl ZclAsk {
    /// Reads attributes.
    pub fn read(endpoint: u8, cluster: u16, attributes: &[u16]) -> Self {
        Self::general(endpoint, cluster, &General::Read(attributes.to_vec()), command::READ_RESPONSE)
    }

    /// A command to a lock.
    pub fn lock(endpoint: u8, command: &ToLock, changes: bool) -> Self {
        let frame = command.frame(0);
        let answer = (Scope::Cluster, frame.command);
        Self { endpoint, cluster: door_lock::CLUSTER, frame, answer, changes }
    }

    /// A command that every cluster has, and the one that answers it. Writing and configuring are harmless: the second
    /// time does the same as the first.
    pub fn general(endpoint: u8, cluster: u16, general: &General, answer: u8) -> Self {
        let frame = general.to_server(0);
        Self { endpoint, cluster, frame, answer: (Scope::General, answer), changes: false }
    }
}

/// What a device answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// To a [`Question::Zdo`].
    Zdo(Zdo),
    /// To a [`Question::Zcl`]: the answer, or a default response.
    Zcl(Frame),
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AskError {
    /// The device did not acknowledge.
    Offline {
        /// It may have got it all the same, and done it.
        maybe_done: bool,
    },
    /// It acknowledged, and did not answer.
    NoAnswer,
    /// The stick could not send it. Nothing was done.
    Stick,
}

impl Question {
    /// Cluster and frame, for the device at this address.
    pub(super) fn encode(&self, nwk: Nwk, sequence: u8) -> (u16, Vec<u8>) {
        match self {
            Self::Zdo(ask) => {
                let zdo = match *ask {
                    ZdoAsk::NodeDescriptor => Zdo::NodeDescRequest(nwk),
                    ZdoAsk::ActiveEndpoints => Zdo::ActiveEpRequest(nwk),
                    ZdoAsk::SimpleDescriptor(endpoint) => Zdo::SimpleDescRequest(nwk, endpoint),
                    ZdoAsk::Bind(binding) => Zdo::BindRequest(binding),
                    ZdoAsk::Leave(ieee) => Zdo::LeaveRequest(ieee, 0),
                };
                (zdo.cluster(), Message { sequence, zdo }.encode())
            }
            Self::Zcl(ask) => (ask.cluster, Frame { sequence, ..ask.frame.clone() }.encode()),
        }
    }

    /// Whether it may be sent again although it may have been carried out.
    pub(super) fn is_harmless(&self) -> bool {
        match self {
            Self::Zdo(_) => true,
            Self::Zcl(ask) => !ask.changes,
        }
    }

    /// What comes in as its answer, if it is that.
    pub(super) fn answered_by(&self, sequence: u8, incoming: &Incoming) -> Option<Answer> {
        match self {
            Self::Zdo(_) if incoming.profile == zdo::PROFILE => {
                let asked = self.encode(Nwk::COORDINATOR, 0).0;
                let cluster = (incoming.cluster == asked | RESPONSE).then_some(incoming.cluster)?;
                let message = Message::decode(cluster, &incoming.payload.0).ok()?;
                (message.sequence == sequence).then_some(Answer::Zdo(message.zdo))
            }
            Self::Zcl(ask) if incoming.profile != zdo::PROFILE && incoming.cluster == ask.cluster => {
                let frame = Frame::decode(&incoming.payload.0).ok()?;
                // What a maker has under the same number is something else.
                let own = frame.manufacturer == ask.frame.manufacturer;
                let fits = own && frame.direction == Direction::ToClient && frame.sequence == sequence;
                let wanted = (frame.scope, frame.command) == ask.answer;
                (fits && (wanted || is_default_response(&frame, ask.frame.command))).then_some(Answer::Zcl(frame))
            }
            Self::Zdo(_) | Self::Zcl(_) => None,
        }
    }
}

fn is_default_response(frame: &Frame, to: u8) -> bool {
    frame.scope == Scope::General
        && matches!(General::decode(frame.command, &frame.payload), Ok(General::DefaultResponse { command, .. }) if command == to)
}
