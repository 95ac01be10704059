//! The firmware of a stick of Texas Instruments: Z-Stack 3.x.0 as a network processor, which speaks ZNP (Z-Stack Monitor and
//! Test API; "MT") and keeps its network in a memory that its host reads and writes.
//!
//! The bytes of a frame are those of the driver's codec; what stands in them, and in the memory, is written anew here.

mod af;
mod app;
mod commissioning;
mod memory;
mod nib;
mod sys;
mod telling;
#[cfg(test)]
mod tests;
mod trust;
mod util;
mod zdo;

use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::Ieee;
use keyway_zigbee::znp::mt::{Command, Frame, FrameParser, Kind};

use super::firmware::Firmware;
use super::network::{Event, Held, Network, NodeDescriptor};
use crate::agenda::Agenda;

use af::Sends;
use commissioning::{Channels, Due, State};
pub use memory::Memory;
use trust::Trust;

/// Of no maker in particular; stack revision 22, a trust centre and network manager.
pub(super) const NODE: NodeDescriptor =
    NodeDescriptor { manufacturer: 0x0000, buffer: 80, transfer: 160, server: 0x2C41 };

/// How long a restart takes.
const RESTART: Duration = Duration::from_millis(120);
/// How long firmware hangs before its watchdog restarts it.
const WATCHDOG: Duration = Duration::from_millis(1500);

/// Why it started (`SYS_RESET_IND`).
mod reason {
    pub(super) const POWER_UP: u8 = 0;
    pub(super) const EXTERNAL: u8 = 1;
    pub(super) const WATCHDOG: u8 = 2;
}

/// The subsystems of the protocol.
mod subsystem {
    pub(super) const RPC_ERROR: u8 = 0x00;
    pub(super) const SYS: u8 = 0x01;
    pub(super) const AF: u8 = 0x04;
    pub(super) const ZDO: u8 = 0x05;
    pub(super) const UTIL: u8 = 0x07;
    pub(super) const APP_CNF: u8 = 0x0F;
}

/// Statuses (`ZStatus`), as far as there is an occasion for them.
mod status {
    pub(super) const SUCCESS: u8 = 0x00;
    pub(super) const FAILURE: u8 = 0x01;
    pub(super) const INVALID_PARAMETER: u8 = 0x02;
    pub(super) const NV_ITEM_UNINIT: u8 = 0x09;
    pub(super) const NV_BAD_ITEM_LEN: u8 = 0x0C;
    pub(super) const APS_NO_ACK: u8 = 0xB7;
    pub(super) const APS_DUPLICATE_ENTRY: u8 = 0xB8;
    pub(super) const NWK_INVALID_REQUEST: u8 = 0xC2;
    pub(super) const NWK_NO_ROUTE: u8 = 0xCD;
    pub(super) const MAC_NO_ACK: u8 = 0xE9;
    pub(super) const MAC_TRANSACTION_EXPIRED: u8 = 0xF0;
}

/// Why a request is not carried out (`MT_RPC_ERR_*`).
mod refusal {
    pub(super) const SUBSYSTEM: u8 = 1;
    pub(super) const COMMAND: u8 = 2;
    pub(super) const LENGTH: u8 = 4;
}

/// The data of an answer; `None`: the firmware does not know the command.
type Body = Option<Vec<u8>>;

/// The firmware.
pub(super) struct Znp {
    /// The address that its chip was made with.
    chip: Ieee,
    memory: Memory,
    parser: FrameParser,
    state: State,
    channels: Channels,
    trust: Trust,
    sends: Sends,
    /// Clusters of ZDO whose messages the host wants as they are; 0xFFFF: of all.
    registered: BTreeSet<u16>,
    groups: BTreeSet<(u8, u16)>,
    /// Of the last message of ZDO.
    sequence: u8,
    /// The frame counter as it was last written to the memory.
    saved_counter: u32,
    agenda: Agenda<Due>,
    /// While it restarts or hangs it hears nothing.
    is_deaf: bool,
    outbox: VecDeque<Frame>,
}

impl Znp {
    /// A stick that has kept `memory`, or is fresh from its maker.
    pub(super) fn new(chip: Ieee, memory: Option<Memory>) -> Self {
        Self::with(chip, memory.unwrap_or_default())
    }

    /// Gets power for the first time, and holds this network, if any.
    pub(super) fn plug_in(&mut self, network: &mut Network, held: Option<&Held>) {
        self.memory.boot(self.chip, || network.random_bytes());
        if let Some(held) = held {
            self.remember_network(held);
        }
        self.boot(network);
    }

    fn with(chip: Ieee, memory: Memory) -> Self {
        Self {
            chip,
            memory,
            parser: FrameParser::default(),
            state: State::Hold,
            channels: Channels::default(),
            trust: Trust::default(),
            sends: Sends::default(),
            registered: BTreeSet::new(),
            groups: BTreeSet::new(),
            sequence: 0,
            saved_counter: 0,
            agenda: Agenda::default(),
            is_deaf: false,
            outbox: VecDeque::new(),
        }
    }

    /// Starts from what its memory holds.
    fn boot(&mut self, network: &mut Network) {
        *self = Self::with(self.chip, std::mem::take(&mut self.memory));
        self.memory.boot(self.chip, || network.random_bytes());
        network.restart();
        network.own = self.memory.first(memory::id::EXTADDR).map_or(self.chip, Ieee::from_bytes);
        network.concentrates = self.memory.is_set(memory::id::CONCENTRATOR_ENABLE);
        network.held = self.held();
    }

    /// It hears nothing for so long, and then starts.
    fn go_down(&mut self, now: Instant, network: &mut Network, time: Duration, reason: u8) {
        self.boot(network);
        self.is_deaf = true;
        self.agenda.put(now + time, Due::Start(reason));
    }

    fn handle_frame(&mut self, now: Instant, network: &mut Network, frame: &Frame) {
        let mut reader = Reader::new(&frame.data);
        if (frame.kind, frame.command) == (Kind::Tell, sys::RESET_REQ) {
            return self.go_down(now, network, RESTART, reason::EXTERNAL);
        }
        if frame.kind != Kind::Request {
            return;
        }
        // What the command makes the firmware tell comes behind its answer.
        let place = self.outbox.len();
        let answer = match self.carry_out(now, network, frame.command, &mut reader) {
            Ok(Some(body)) => Frame::new(Kind::Answer, frame.command, &body),
            Ok(None) => refused(refusal::COMMAND, frame.command),
            Err(Refused::Subsystem) => refused(refusal::SUBSYSTEM, frame.command),
            Err(Refused::Length) => refused(refusal::LENGTH, frame.command),
        };
        self.outbox.insert(place, answer);
    }

    fn carry_out(
        &mut self,
        now: Instant,
        network: &mut Network,
        command: Command,
        reader: &mut Reader<'_>,
    ) -> Result<Body, Refused> {
        let Command(subsystem, id) = command;
        Ok(match subsystem {
            subsystem::SYS => self.on_sys(network, id, reader)?,
            subsystem::AF => self.on_af(now, network, id, reader)?,
            subsystem::ZDO => self.on_zdo(now, network, id, reader)?,
            subsystem::UTIL => self.on_util(network, id, reader)?,
            subsystem::APP_CNF => self.on_app_cnf(now, network, id, reader)?,
            _ => return Err(Refused::Subsystem),
        })
    }

    /// Tells the host something that it did not ask for.
    fn tell(&mut self, command: Command, body: &[u8]) {
        self.outbox.push_back(Frame::new(Kind::Tell, command, body));
    }
}

/// Why a request is not carried out.
enum Refused {
    Subsystem,
    Length,
}

impl From<WireError> for Refused {
    fn from(error: WireError) -> Self {
        tracing::debug!(%error, "a request is too short");
        Self::Length
    }
}

fn refused(error: u8, Command(subsystem, id): Command) -> Frame {
    /// The bits of a request in its first byte.
    const REQUEST: u8 = 0x20;
    Frame::new(Kind::Answer, Command(subsystem::RPC_ERROR, 0), &[error, REQUEST | subsystem, id])
}

fn address(reader: &mut Reader<'_>) -> Result<Ieee, WireError> {
    reader.array("IEEE address").map(Ieee::from_bytes)
}

impl Firmware for Znp {
    /// Its end of the line knows no connections: what has come of a frame is forgotten, and that is all.
    fn handle_connection(&mut self) {
        self.parser = FrameParser::default();
        self.outbox.clear();
    }

    fn handle_bytes(&mut self, now: Instant, network: &mut Network, bytes: &[u8]) {
        if self.is_deaf {
            return;
        }
        self.parser.push(now, bytes);
        while let Some(frame) = self.parser.next_frame() {
            self.handle_frame(now, network, &frame);
        }
    }

    fn on_event(&mut self, now: Instant, network: &mut Network, event: Event) {
        self.told(now, network, event);
    }

    fn settle(&mut self, _now: Instant, network: &mut Network) {
        self.save_counter(network);
    }

    fn handle_timeout(&mut self, now: Instant, network: &mut Network) {
        while let Some(due) = self.agenda.take(now) {
            self.due(network, due);
        }
    }

    fn timeout(&self) -> Option<Instant> {
        self.agenda.timeout()
    }

    fn poll(&mut self) -> Option<Vec<u8>> {
        self.outbox.pop_front().map(|frame| frame.to_bytes())
    }

    /// It hangs, until its watchdog restarts it.
    fn fail(&mut self, now: Instant, network: &mut Network) {
        self.go_down(now, network, WATCHDOG, reason::WATCHDOG);
    }

    fn reset(&mut self, now: Instant, network: &mut Network) {
        self.go_down(now, network, RESTART, reason::POWER_UP);
    }

    fn take_memory(&mut self) -> Option<String> {
        self.memory.take_change()
    }
}
