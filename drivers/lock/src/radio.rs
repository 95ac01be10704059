//! The seam between the hub and a radio driver: bytes and instants in, bytes and events out.

use std::fmt;
use std::time::Instant;

use zeroize::Zeroizing;

use crate::{CommandId, LockCommand, NetworkCommand, RadioEvent, StickCommand, Traffic, WallTime};

/// A lock on one stick, as its driver numbers it (Z-Wave: node id; Zigbee: IEEE address).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LockId(pub u64);

impl fmt::Display for LockId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether the port to the stick is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortState {
    /// Just opened: nothing is known of what the other side remembers.
    Opened,
    /// Gone: unplugged, connection closed, write failed.
    Lost,
}

/// Names one thing to be kept, until the store says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersistId(pub u64);

/// Under which name a driver keeps a record, such as `node/5/info`. Unique on its stick.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey(pub String);

/// Bytes that may hold a secret: wiped when dropped, never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(pub Zeroizing<Vec<u8>>);

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(redacted)")
    }
}

/// What a driver wants kept over restarts: its own encoding, opaque to the store, which seals it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkRecord {
    /// Its name.
    pub key: RecordKey,
    /// Its content; `None` forgets it.
    pub value: Option<SecretBytes>,
}

/// One output of a driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Bytes for the port. May hold secrets in the clear (User Code on a node without security).
    Transmit(Vec<u8>),
    /// Something for the hub.
    Event(RadioEvent),
    /// To be kept; [`Radio::handle_persisted`] follows. Bytes that depend on it are held back until then.
    Persist(PersistId, NetworkRecord),
    /// Nothing more now. Call [`Radio::handle_timeout`] at this instant if nothing happens before.
    Timeout(Option<Instant>),
}

/// A radio driver, sans-IO.
///
/// After each `handle_*` call, drain [`Radio::poll_output`] until it returns [`Output::Timeout`].
/// `now` never goes back. What was asked while the port is lost is answered with
/// [`crate::CommandError::StickGone`].
pub trait Radio {
    /// Bytes came in from the port, in any pieces.
    fn handle_bytes(&mut self, now: Instant, bytes: &[u8]);
    /// The port was opened or lost.
    fn handle_port(&mut self, now: Instant, state: PortState);
    /// The hub asks something of a lock.
    fn handle_command(&mut self, now: Instant, id: CommandId, lock: LockId, command: LockCommand);
    /// The hub asks something of the network itself.
    fn handle_network(&mut self, now: Instant, id: CommandId, command: NetworkCommand);
    /// The hub asks something of the stick itself.
    fn handle_stick(&mut self, now: Instant, id: CommandId, command: StickCommand);
    /// The wall clock can be trusted, and shows this at `now`. Told at the start, or when it comes to be trusted, and again
    /// when it shows something else than what was told and the time since then make it. Never told while it can't be
    /// trusted: what was told before then holds on. The driver passes it on to locks that keep time.
    fn handle_wall_time(&mut self, now: Instant, utc: WallTime);
    /// The store has it.
    fn handle_persisted(&mut self, now: Instant, id: PersistId);
    /// The instant of the last [`Output::Timeout`] has come.
    fn handle_timeout(&mut self, now: Instant);
    /// The next output.
    fn poll_output(&mut self) -> Output;
    /// How much went over the air so far.
    fn traffic(&self) -> Traffic;
}
