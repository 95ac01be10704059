//! The trust centre: whom to let in and under which key, and the tables of the memory in which it keeps that.
//!
//! A device's own link key is made from a seed: turned by some bytes, and exclusive-ored with the device's address. A key
//! that came from elsewhere stands in a table of its own, which another one names with the device.

use std::collections::BTreeMap;

use keyway_zigbee::address::{Ieee, Nwk};
use keyway_zigbee::key::Key;

use super::super::network::{Arrival, Network};
use super::super::put::Put;
use super::Znp;
use super::memory::{id as item, table};

/// What a line of the table of addresses is for.
const CHILD: u8 = 0x01;
const SECURITY: u8 = 0x02;
/// How far a link key has come.
const UNVERIFIED: u8 = 0x01;
const VERIFIED: u8 = 0x02;
const DEFAULT: u8 = 0xFF;
/// The owner of a key of its own has proven that it has it.
const AUTHENTICATED: u8 = 0x01;

/// Policies, and keys of install codes. All of it is set anew after a restart.
#[derive(Default)]
pub(super) struct Trust {
    pub(super) install_codes: BTreeMap<Ieee, Key>,
    pub(super) install_codes_only: bool,
    /// Devices that ask for the network's key again by the well-known key do so in vain.
    pub(super) refuses_well_known_rejoins: bool,
}

/// A line of the table of link keys that are made from the seed.
struct Seeded {
    sent: u32,
    received: u32,
    ieee: Ieee,
    attributes: u8,
    shift: u8,
}

impl Seeded {
    fn read(line: &[u8]) -> Option<Self> {
        let word = |at: usize| line.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let ieee = Ieee::from_bytes(line.get(8..16)?.try_into().ok()?);
        let seeded =
            Self { sent: word(0)?, received: word(4)?, ieee, attributes: *line.get(16)?, shift: *line.get(18)? };
        (seeded.attributes != DEFAULT && ieee.is_real()).then_some(seeded)
    }

    fn write(&self) -> Vec<u8> {
        let head = Vec::new().u32(self.sent).u32(self.received).bytes(&self.ieee.to_bytes());
        head.u8(self.attributes).u8(0).u8(self.shift).u8(0)
    }
}

impl Znp {
    /// The key under which a device at the door gets the network's; `None`: it is turned away.
    pub(super) fn decide(&self, ieee: Ieee, arrival: Arrival) -> Option<Key> {
        let of_code = self.trust.install_codes.get(&ieee).cloned();
        match arrival {
            Arrival::Secured => None,
            Arrival::Fresh => of_code.or_else(|| (!self.trust.install_codes_only).then(Key::well_known)),
            Arrival::Unsecured => {
                self.link_key(ieee).or_else(|| (!self.trust.refuses_well_known_rejoins).then(Key::well_known))
            }
        }
    }

    /// The link key that a device has of its own.
    fn link_key(&self, ieee: Ieee) -> Option<Key> {
        let seeded = self.seeded(ieee).and_then(|(_, line)| self.made_from_seed(ieee, line.shift));
        seeded.or_else(|| self.foreign_key(ieee))
    }

    fn seeded(&self, ieee: Ieee) -> Option<(usize, Seeded)> {
        let lines = self.memory.lines(table::SEEDED_KEYS).iter().enumerate();
        lines.filter_map(|(at, line)| Some((at, Seeded::read(line)?))).find(|(_, line)| line.ieee == ieee)
    }

    fn made_from_seed(&self, ieee: Ieee, shift: u8) -> Option<Key> {
        let seed: [u8; Key::LEN] = self.memory.first(item::TCLK_SEED)?;
        let address = ieee.to_bytes();
        Some(Key::new(std::array::from_fn(|at| {
            seed[(at + usize::from(shift)) % Key::LEN] ^ address[at % address.len()]
        })))
    }

    /// A key that is not made from the seed: its owner is named by the line of its address.
    fn foreign_key(&self, ieee: Ieee) -> Option<Key> {
        let of_address = self.address_line(ieee)?;
        let owners = self.memory.item(item::APS_LINK_KEY_TABLE)?.get(2..)?;
        let line = owners.chunks_exact(6).find_map(|owner| match owner {
            [low, high, key_low, key_high, AUTHENTICATED, _]
                if usize::from(u16::from_le_bytes([*low, *high])) == of_address =>
            {
                Some(u16::from_le_bytes([*key_low, *key_high]))
            }
            _ => None,
        })?;
        self.memory.line(table::KEYS, line)?.first_chunk().copied().map(Key::new)
    }

    /// Makes a link key for a device that asks for one of its own; `None`: the table is full.
    pub(super) fn make_link_key(&mut self, network: &mut Network, ieee: Ieee) -> Option<Key> {
        let [random] = network.random_bytes();
        let shift = random % Key::LEN as u8;
        let is_free = |line: &Vec<u8>| Seeded::read(line).is_none();
        let at = self.seeded(ieee).map(|(at, _)| at);
        let at = at.or_else(|| self.memory.lines(table::SEEDED_KEYS).iter().position(is_free))?;
        let line = Seeded { sent: 0, received: 0, ieee, attributes: UNVERIFIED, shift };
        self.memory.put_line(table::SEEDED_KEYS, at, &line.write());
        self.made_from_seed(ieee, shift)
    }

    /// A device has proven that it has its key.
    pub(super) fn link_key_verified(&mut self, ieee: Ieee) {
        if let Some((at, line)) = self.seeded(ieee) {
            // What it came with is used up.
            self.trust.install_codes.remove(&ieee);
            self.memory.put_line(table::SEEDED_KEYS, at, &Seeded { attributes: VERIFIED, ..line }.write());
            self.use_address(ieee, None, SECURITY);
        }
    }

    fn address_line(&self, ieee: Ieee) -> Option<usize> {
        let bytes = ieee.to_bytes();
        self.memory.lines(table::ADDRESSES).iter().position(|line| line.get(4..) == Some(&bytes[..]))
    }

    /// Where a device is from now on, and whether it is a child.
    pub(super) fn remember_address(&mut self, ieee: Ieee, nwk: Nwk, parent: Nwk) {
        self.use_address(ieee, Some(nwk), if parent == Nwk::COORDINATOR { CHILD } else { 0 });
    }

    /// A device has one use more for its line in the table of addresses.
    fn use_address(&mut self, ieee: Ieee, nwk: Option<Nwk>, user: u8) {
        const FREE: u8 = 0xFF;
        let lines = self.memory.lines(table::ADDRESSES);
        let held = self.address_line(ieee);
        let Some(at) = held.or_else(|| lines.iter().position(|line| line.first() == Some(&FREE))) else { return };
        let (before, address) = match held.and_then(|at| lines[at].first_chunk::<4>()) {
            Some([before, _, low, high]) => (*before, u16::from_le_bytes([*low, *high])),
            None => (0, u16::MAX),
        };
        let line = vec![before | user, 0xFF].u16(nwk.map_or(address, |nwk| nwk.0)).bytes(&ieee.to_bytes());
        self.memory.put_line(table::ADDRESSES, at, &line);
    }

    /// A device is gone, and its key with it.
    pub(super) fn forget_device(&mut self, ieee: Ieee) {
        if let Some((at, _)) = self.seeded(ieee) {
            self.memory.clear_line(table::SEEDED_KEYS, at);
        }
        if let Some(at) = self.address_line(ieee) {
            self.memory.clear_line(table::ADDRESSES, at);
        }
    }
}
