//! The firmware of a Silicon Labs stick: EZSP of the version it was made for (UG100).
//!
//! One table of commands serves every version; where versions differ, the difference stands at the command. What the
//! firmware keeps over a restart are its tokens; what it forgets is in [`Ezsp`].

mod callbacks;
mod messages;
mod network;
mod security;
mod settings;
mod status;
mod stick;
mod tables;

use std::collections::VecDeque;
use std::time::Instant;

use keyway_lock::wire::{Reader, WireError};

use super::network::Network;
use super::put::Put;
use crate::agenda::Agenda;

#[cfg(test)]
pub(super) use stick::RESTART;
pub(super) use stick::{EzspStick, NODE};

use messages::Sends;
use network::Scan;
use security::Security;
use settings::Settings;
use status::Status;
use tables::Tables;

/// Version from which on statuses are words, and come first.
const WORDS: u8 = 14;
/// Second byte of the frame control: the extended frame format.
const EXTENDED: u8 = 0x01;
/// First byte of the frame control of an answer, and of a callback.
const RESPONSE: u8 = 0x80;
const CALLBACK: u8 = 0x90;

/// The commands and callbacks that are spoken of outside the place that carries them out.
mod id {
    pub(super) const VERSION: u16 = 0x0000;
    pub(super) const INVALID_COMMAND: u16 = 0x0058;
}

/// The body of an answer; `None`: the firmware does not know the command.
type Body = Option<Vec<u8>>;

/// A payload for the host.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Payload {
    pub(super) bytes: Vec<u8>,
    pub(super) is_callback: bool,
}

/// The firmware.
pub(super) struct Ezsp {
    version: u8,
    /// The host has said which version it speaks, and it is this one.
    agreed: bool,
    settings: Settings,
    security: Security,
    tables: Tables,
    sends: Sends,
    scans: Agenda<Scan>,
    outbox: VecDeque<Payload>,
    /// Of the command that was answered last: callbacks bear it.
    sequence: u8,
    /// The host asked for a restart.
    restart: bool,
}

impl Ezsp {
    pub(super) fn new(version: u8) -> Self {
        Self {
            version,
            agreed: false,
            settings: Settings::default(),
            security: Security::default(),
            tables: Tables::default(),
            sends: Sends::default(),
            scans: Agenda::default(),
            outbox: VecDeque::new(),
            sequence: 0,
            restart: false,
        }
    }

    /// Restarts: keeps what is in its tokens, and forgets the rest.
    pub(super) fn restart(&mut self, network: &mut Network) {
        let (security, settings) = (self.security.restarted(), self.settings.restarted());
        *self = Self { security, settings, ..Self::new(self.version) };
        network.restart();
        if let Some(own) = self.settings.own_address() {
            network.own = own;
        }
    }

    /// Whether the host asked for a restart by a command.
    pub(super) fn take_restart(&mut self) -> bool {
        std::mem::take(&mut self.restart)
    }

    /// A command of the host.
    pub(super) fn handle(&mut self, now: Instant, network: &mut Network, payload: &[u8]) {
        let Some((sequence, extended, id, body)) = head(payload) else { return };
        let mut reader = Reader::new(body);
        // What the command makes the firmware tell comes behind its answer, and bears its sequence number.
        let place = self.outbox.len();
        self.sequence = sequence;
        let answered = match id {
            id::VERSION => self.version(&mut reader).map(Some),
            _ if !self.agreed || !extended => Ok(Some(Err(Status::VersionNotSet))),
            _ => self.carry_out(now, network, id, &mut reader).map(|body| body.map(Ok)),
        };
        let (id, body) = match answered {
            Ok(Some(Ok(body))) => (id, body),
            Ok(Some(Err(status))) => (id::INVALID_COMMAND, self.status(status)),
            Ok(None) => (id::INVALID_COMMAND, self.status(Status::InvalidFrameId)),
            Err(_) => (id::INVALID_COMMAND, self.status(Status::Truncated)),
        };
        let head = if extended {
            vec![sequence, RESPONSE, EXTENDED].u16(id)
        } else {
            vec![sequence, RESPONSE].u8(id.to_le_bytes()[0])
        };
        self.outbox.insert(place, Payload { bytes: head.bytes(&body), is_callback: false });
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, network: &mut Network) {
        while let Some(scan) = self.scans.take(now) {
            self.scanned(network, &scan);
        }
    }

    pub(super) fn timeout(&self) -> Option<Instant> {
        self.scans.timeout()
    }

    /// The next payload for the host.
    pub(super) fn poll(&mut self) -> Option<Payload> {
        self.outbox.pop_front()
    }

    /// The negotiation: the firmware says what it speaks, and listens once the host speaks that.
    fn version(&mut self, reader: &mut Reader<'_>) -> Result<Result<Vec<u8>, Status>, WireError> {
        self.agreed = reader.u8("desired version")? == self.version;
        // Stack type 2: mesh.
        Ok(Ok(vec![self.version, 2].u16(self.settings.stack_version(self.version))))
    }

    fn carry_out(
        &mut self,
        now: Instant,
        network: &mut Network,
        id: u16,
        reader: &mut Reader<'_>,
    ) -> Result<Body, WireError> {
        if let Some(body) = self.on_settings(network, id, reader)? {
            return Ok(Some(body));
        }
        if let Some(body) = self.on_network(now, network, id, reader)? {
            return Ok(Some(body));
        }
        if let Some(body) = self.on_security(now, network, id, reader)? {
            return Ok(Some(body));
        }
        if let Some(body) = self.on_messages(now, network, id, reader)? {
            return Ok(Some(body));
        }
        self.on_tables(network, id, reader)
    }

    fn callback(&mut self, id: u16, body: &[u8]) {
        let bytes = vec![self.sequence, CALLBACK, EXTENDED].u16(id).bytes(body);
        self.outbox.push_back(Payload { bytes, is_callback: true });
    }

    /// Whether statuses are words.
    fn has_words(&self) -> bool {
        self.version >= WORDS
    }

    /// A status as this version writes it.
    fn status(&self, status: Status) -> Vec<u8> {
        if self.has_words() { Vec::new().u32(status.word()) } else { vec![status.byte()] }
    }
}

/// Sequence number, whether the format is the extended one, command and what is behind.
fn head(payload: &[u8]) -> Option<(u8, bool, u16, &[u8])> {
    match payload {
        [sequence, _, control, low, high, body @ ..] if control & 0x03 == EXTENDED => {
            Some((*sequence, true, u16::from_le_bytes([*low, *high]), body))
        }
        // Only the first question for the version comes in the legacy format.
        [sequence, _, id, body @ ..] => Some((*sequence, false, u16::from(*id), body)),
        _ => None,
    }
}
