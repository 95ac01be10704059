//! What a session tells.

use super::super::callback::{ApplicationCommand, NodeUpdate, TransmitReport};
use super::super::network::NetworkCallback;
use super::super::startup::Stick;
use crate::host::link::LinkFailure;
use std::time::Instant;

/// Names a command handed to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Why a command brought nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// The stick does not take it now (its queue is full, or it does not know the node).
    #[error("the stick refused the command")]
    Refused,
    /// The frame did not reach the stick.
    #[error(transparent)]
    Link(#[from] LinkFailure),
    /// The stick took it, but the answer was lost: whether it was sent on the air is not known.
    #[error("the stick's answer was lost")]
    AnswerLost,
    /// The node did not answer (request for node information).
    #[error("the node did not answer")]
    NoUpdate,
    /// The stick restarted in between.
    #[error("the stick restarted")]
    Restarted,
}

/// What a command brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completed {
    /// Acknowledged; nothing else was expected.
    Acknowledged,
    /// The response, from behind the function id on.
    Response(Vec<u8>),
    /// The callback of a send.
    Sent(TransmitReport),
    /// The node's update.
    Update(NodeUpdate),
}

/// What the session tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionEvent {
    /// The stick is known and at work.
    Identified(Box<Stick>),
    /// The stick does not answer, or not sensibly; identification goes on.
    Unresponsive(String),
    /// The stick restarted by itself; it is being identified again.
    Restarted,
    /// A command has ended.
    Completed(Ticket, Result<Completed, SendFailure>),
    /// A command class came in.
    Received(ApplicationCommand),
    /// A node said something about itself.
    Update(NodeUpdate),
    /// How far an adding or removing is.
    Network(NetworkCallback),
}

/// One output of the session.
#[derive(Debug)]
pub enum SessionOutput {
    /// Bytes for the port.
    Transmit(Vec<u8>),
    /// See [`SessionEvent`].
    Event(SessionEvent),
    /// Nothing more now.
    Timeout(Option<Instant>),
}
