//! How the stick forms its network or takes it up again (BDB, as Z-Stack carries it out), and what it keeps of it.

use std::time::{Duration, Instant};

use keyway_zigbee::address::Ieee;
use keyway_zigbee::key::Key;
use keyway_zigbee::znp::mt::Command;

use super::super::network::{Held, Network};
use super::super::put::Put;
use super::memory::{id as item, table};
use super::{Znp, nib, subsystem};

const STATE_CHANGE_IND: Command = Command(subsystem::ZDO, 0xC0);
const COMMISSIONING_NOTIFICATION: Command = Command(subsystem::APP_CNF, 0x80);

/// What a stick forms on before its host has said otherwise: 11, 15, 20 and 25.
const PRIMARY_CHANNELS: u32 = 0x0210_8800;
/// Its memory knows the network only some time after the network is up.
const SETTLES_AFTER: Duration = Duration::from_millis(200);
/// How far the frame counter may run ahead of the memory, and how much more is added at a start, to be sure.
const COUNTER_STEP: u32 = 1000;
const COUNTER_SPARE: u32 = 250;

/// Ways of commissioning, as a mask and as a number.
pub(super) const FORMATION: u8 = 0x04;
mod mode {
    pub(super) const INITIALIZATION: u8 = 0;
    pub(super) const FORMATION: u8 = 2;
}
mod outcome {
    pub(super) const SUCCESS: u8 = 0x00;
    pub(super) const IN_PROGRESS: u8 = 0x01;
    pub(super) const NO_NETWORK: u8 = 0x02;
    pub(super) const FORMATION_FAILURE: u8 = 0x08;
    pub(super) const NETWORK_RESTORED: u8 = 0x0D;
}

/// Where the stick stands with its network (`devStates_t`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It waits to be told.
    Hold = 0,
    Starting = 8,
    Coordinator = 9,
}

/// What is due later.
#[derive(Debug)]
pub(super) enum Due {
    /// It has started; carries why.
    Start(u8),
    /// The network that was formed is written to the memory.
    Settled,
    /// Channels were listened to, for whom asked with this sequence number.
    Scanned { sequence: u8, mask: u32 },
}

/// Where to form.
pub(super) struct Channels {
    pub(super) primary: u32,
    pub(super) secondary: u32,
}

impl Default for Channels {
    fn default() -> Self {
        Self { primary: PRIMARY_CHANNELS, secondary: 0 }
    }
}

impl Znp {
    pub(super) fn due(&mut self, network: &mut Network, due: Due) {
        match due {
            Due::Start(reason) => {
                self.is_deaf = false;
                self.tell_started(reason);
            }
            Due::Settled => {
                if let Some(held) = &network.held {
                    self.memory.put(item::NIB, &nib::of(held));
                }
            }
            Due::Scanned { sequence, mask } => self.scanned(network, sequence, mask),
        }
    }

    /// Takes up the network of the memory, or forms one where that is asked for.
    pub(super) fn commission(&mut self, now: Instant, network: &mut Network, modes: u8) {
        let forms = modes & FORMATION != 0;
        match self.held() {
            Some(_) if network.is_up() => {
                if forms {
                    self.notify(outcome::FORMATION_FAILURE, mode::FORMATION, 0);
                }
            }
            Some(mut held) => {
                held.counter = held.counter.saturating_add(COUNTER_STEP + COUNTER_SPARE);
                self.put_counter(&held);
                network.held = Some(held);
                network.start(now);
            }
            None if forms => self.form(now, network),
            None => self.notify(outcome::NO_NETWORK, mode::INITIALIZATION, 0),
        }
    }

    fn form(&mut self, now: Instant, network: &mut Network) {
        let channels = |mask: u32| (11..=26_u8).filter(move |channel| mask & 1 << channel != 0);
        let mask =
            if channels(self.channels.primary).count() > 0 { self.channels.primary } else { self.channels.secondary };
        let Some(channel) = channels(mask).min_by_key(|channel| network.energy(*channel)) else {
            return self.notify(outcome::FORMATION_FAILURE, mode::FORMATION, 0);
        };
        let wanted = self.memory.first(item::PANID).map_or(u16::MAX, u16::from_le_bytes);
        let any = u16::from_le_bytes(network.random_bytes()) & 0x3FFF;
        let extended_pan = self.memory.first(item::APS_USE_EXT_PANID).map(Ieee::from_bytes);
        let extended_pan = extended_pan.filter(|extended_pan| extended_pan.is_real()).unwrap_or(network.own);
        let held = Held {
            pan: if wanted == u16::MAX { any } else { wanted },
            extended_pan,
            channel,
            update_id: 0,
            network_key: Key::new(self.memory.first(item::PRECFGKEY).unwrap_or_default()),
            key_sequence: 0,
            counter: self.counter_of(extended_pan),
        };
        self.change_state(State::Starting);
        self.notify(outcome::IN_PROGRESS, mode::FORMATION, 0);
        self.change_state(State::Starting);
        self.put_key(&held);
        network.held = Some(held);
        network.start(now);
    }

    /// The network is up.
    pub(super) fn up(&mut self, now: Instant, network: &Network) {
        let Some(held) = &network.held else { return };
        let is_restored = self.memory.is_set(item::BDB_NODE_IS_ON_A_NETWORK);
        self.memory.put(item::BDB_NODE_IS_ON_A_NETWORK, &[1]);
        self.memory.put(item::PANID, &held.pan.to_le_bytes());
        self.put_counter(held);
        self.change_state(State::Coordinator);
        if is_restored {
            self.notify(outcome::NETWORK_RESTORED, mode::INITIALIZATION, FORMATION);
            // One that is in a network forms none.
            self.notify(outcome::FORMATION_FAILURE, mode::FORMATION, 0);
        } else {
            self.notify(outcome::SUCCESS, mode::FORMATION, 0);
            self.agenda.put(now + SETTLES_AFTER, Due::Settled);
        }
    }

    /// The network of the memory, with the counter that stands there.
    pub(in super::super) fn held(&self) -> Option<Held> {
        let is_member = self.memory.is_set(item::BDB_NODE_IS_ON_A_NETWORK);
        let [sequence, key @ ..] = self.memory.first::<17>(item::NWK_ACTIVE_KEY_INFO).filter(|_| is_member)?;
        let held = nib::network(self.memory.item(item::NIB)?, Key::new(key), sequence, 0)?;
        Some(Held { counter: self.counter_of(held.extended_pan), ..held })
    }

    /// Writes a network to the memory as one that was formed has it.
    pub(super) fn remember_network(&mut self, held: &Held) {
        self.put_key(held);
        self.put_counter(held);
        self.memory.put(item::NIB, &nib::of(held));
        self.memory.put(item::BDB_NODE_IS_ON_A_NETWORK, &[1]);
    }

    /// Writes the frame counter to the memory, once it has run far enough ahead.
    pub(super) fn save_counter(&mut self, network: &Network) {
        if let Some(held) = network.held.as_ref().filter(|_| network.is_up())
            && held.counter >= self.saved_counter.saturating_add(COUNTER_STEP)
        {
            self.put_counter(held);
        }
    }

    fn put_key(&mut self, held: &Held) {
        let key = vec![held.key_sequence].bytes(held.network_key.expose());
        self.memory.put(item::NWK_ACTIVE_KEY_INFO, &key);
        self.memory.put(item::NWK_ALTERN_KEY_INFO, &key);
    }

    /// Each network has a line for its counter; a line without a network is free.
    fn put_counter(&mut self, held: &Held) {
        self.saved_counter = held.counter;
        let line = Vec::new().u32(held.counter).bytes(&held.extended_pan.to_bytes());
        let lines = self.memory.lines(table::COUNTERS);
        let of = |extended_pan: Ieee| lines.iter().position(|line| line.get(4..) == Some(&extended_pan.to_bytes()[..]));
        let at = of(held.extended_pan).or_else(|| of(Ieee(0))).unwrap_or_default();
        self.memory.put_line(table::COUNTERS, at, &line);
        let key = vec![held.key_sequence].bytes(held.network_key.expose());
        self.memory.put(item::NWKKEY, &key.bytes(&[0xFF; 3]).u32(held.counter));
    }

    /// The counter of a network, or else that of all.
    fn counter_of(&self, extended_pan: Ieee) -> u32 {
        let lines = self.memory.lines(table::COUNTERS);
        let of = |extended_pan: Ieee| {
            let line = lines.iter().find(|line| line.get(4..) == Some(&extended_pan.to_bytes()[..]))?;
            line.first_chunk().copied().map(u32::from_le_bytes)
        };
        of(extended_pan).or_else(|| of(Ieee::NONE)).unwrap_or_default()
    }

    pub(super) fn change_state(&mut self, state: State) {
        self.state = state;
        self.tell(STATE_CHANGE_IND, &[state as u8]);
    }

    fn notify(&mut self, outcome: u8, mode: u8, remaining: u8) {
        self.tell(COMMISSIONING_NOTIFICATION, &[outcome, mode, remaining]);
    }
}
