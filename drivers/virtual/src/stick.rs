//! What every stick in software is towards the program that serves it, whatever its radio: a byte stream, a clock, and a
//! control port.

use std::time::Instant;

use serde_json::Value;

/// A stick and the locks of its network. Sans-IO: bytes of the host and instants in, bytes for the host and the next
/// timeout out.
pub trait Stick: Send {
    /// A host opened the port.
    fn handle_opened(&mut self, now: Instant);

    /// The host went away. The stick goes on; what it has to tell is lost.
    fn handle_closed(&mut self, now: Instant);

    /// Bytes of the host.
    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]);

    /// The instant of [`VirtualOutput::Timeout`] has come.
    fn handle_timeout(&mut self, now: Instant);

    /// The next output; to be called until it is a [`VirtualOutput::Timeout`].
    fn poll_output(&mut self) -> VirtualOutput;

    /// What it keeps without power, if that has changed since this was last asked; of sticks that show it.
    fn take_memory(&mut self) -> Option<String> {
        None
    }

    /// Carries out one line of the control port.
    fn handle_control(&mut self, now: Instant, line: &str) -> Control;
}

/// What the stick wants.
#[derive(Debug, PartialEq, Eq)]
pub enum VirtualOutput {
    /// Bytes for the host.
    Transmit(Vec<u8>),
    /// Nothing until then; `None`: until something comes in.
    Timeout(Option<Instant>),
}

/// What a request means for the byte stream, which the stick itself knows nothing of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StickFault {
    /// Every n-th byte, either way, has a bit flipped; 0: none.
    GarbleEvery(u64),
    /// The host's connection is cut.
    Disconnect,
}

/// The answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Control {
    /// The line to send back.
    pub answer: Value,
    /// What is to be done to the byte stream.
    pub fault: Option<StickFault>,
}

impl From<Value> for Control {
    fn from(answer: Value) -> Self {
        Self { answer, fault: None }
    }
}
