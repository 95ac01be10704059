//! The trust centre: keys, whom to let in, and under which key.

use std::time::{Duration, Instant};

use keyway_lock::wire::{Reader, WireError};
use keyway_zigbee::address::Ieee;
use keyway_zigbee::key::Key;

use super::super::network::{Arrival, Network};
use super::super::put::Put;
use super::settings::{configuration, policy};
use super::status::Status;
use super::{Body, Ezsp};

mod id {
    pub(super) const ADD_OR_UPDATE_KEY: u16 = 0x0066;
    pub(super) const SET_INITIAL_SECURITY: u16 = 0x0068;
    pub(super) const GET_CURRENT_SECURITY: u16 = 0x0069;
    pub(super) const GET_KEY: u16 = 0x006A;
    pub(super) const CLEAR_TRANSIENT_KEYS: u16 = 0x006B;
    pub(super) const GET_KEY_TABLE_ENTRY: u16 = 0x0071;
    pub(super) const FIND_KEY: u16 = 0x0075;
    pub(super) const ERASE_KEY: u16 = 0x0076;
    pub(super) const TOKEN_FACTORY_RESET: u16 = 0x0077;
    pub(super) const REMOVE_DEVICE: u16 = 0x00A8;
    pub(super) const ADD_TRANSIENT_KEY: u16 = 0x00AF;
    pub(super) const CLEAR_KEY_TABLE: u16 = 0x00B1;
    pub(super) const IMPORT_LINK_KEY: u16 = 0x010E;
    pub(super) const EXPORT_LINK_KEY: u16 = 0x010F;
    pub(super) const IMPORT_TRANSIENT_KEY: u16 = 0x0111;
    pub(super) const EXPORT_KEY: u16 = 0x0114;
    pub(super) const GET_NETWORK_KEY_INFO: u16 = 0x0116;
}

/// Bits of the initial security state.
mod initial {
    pub(super) const HASHED_LINK_KEY: u16 = 0x0080;
    pub(super) const HAVE_PRECONFIGURED_KEY: u16 = 0x0100;
    pub(super) const HAVE_NETWORK_KEY: u16 = 0x0200;
    pub(super) const NO_FRAME_COUNTER_RESET: u16 = 0x1000;
}

/// Bits of the policy of the trust centre.
mod decision {
    pub(super) const ALLOW_JOINS: u8 = 0x01;
    pub(super) const ALLOW_UNSECURED_REJOINS: u8 = 0x02;
    pub(super) const INSTALL_CODE_ONLY: u8 = 0x10;
}

const DENY_TC_KEY_REQUESTS: u8 = 0x50;
/// Types of keys: of the old commands, and of the security manager.
const OLD_TRUST_CENTER_LINK_KEY: u8 = 0x01;
const OLD_NETWORK_KEY: u8 = 0x03;
const NETWORK_KEY: u8 = 0x01;
const TRUST_CENTER_LINK_KEY: u8 = 0x02;
/// A transient key of this address is for everybody.
const EVERYBODY: Ieee = Ieee::NONE;
/// How long a transient key is kept.
const TRANSIENT: Duration = Duration::from_secs(300);

/// Keys.
#[derive(Default)]
pub(super) struct Security {
    /// The network key to form with, and its number.
    pub(super) network_key: Option<(Key, u8)>,
    /// The trust centre's link key: one for all, or what each device's own is made from.
    link_key: Option<Key>,
    hashed: bool,
    pub(super) keeps_counters: bool,
    /// The frame counter to form with.
    pub(super) first_counter: u32,
    table: Vec<Option<(Ieee, Key)>>,
    /// Forgotten by a restart.
    transient: Vec<(Ieee, Key, Instant)>,
}

impl Security {
    /// What of it outlives a restart.
    pub(super) fn restarted(&mut self) -> Self {
        Self { transient: Vec::new(), ..std::mem::take(self) }
    }

    /// The link key of a device that has got one. What the real function is nobody can see from outside.
    fn link_key_of(&self, ieee: Ieee) -> Option<Key> {
        let held = self.table.iter().flatten().find(|(of, _)| *of == ieee).map(|(_, key)| key.clone());
        let seed = self.link_key.as_ref()?;
        if held.is_some() || !self.hashed {
            return held.or(Some(seed.clone()));
        }
        let address = ieee.to_bytes();
        let mixed = |at: usize| seed.expose()[at].rotate_left(3) ^ address[at % address.len()].wrapping_add(at as u8);
        Some(Key::new(std::array::from_fn(mixed)))
    }

    fn transient(&self, now: Instant, of: Ieee) -> Option<Key> {
        let key = |(ieee, key, until): &(Ieee, Key, Instant)| (*ieee == of && now < *until).then(|| key.clone());
        self.transient.iter().find_map(key)
    }

    fn add_transient(&mut self, now: Instant, ieee: Ieee, key: Key) {
        self.transient.retain(|(of, ..)| *of != ieee);
        self.transient.push((ieee, key, now + TRANSIENT));
    }
}

impl Ezsp {
    /// The key under which a device at the door gets the network's; `None`: it is turned away.
    pub(super) fn decide(&self, now: Instant, ieee: Ieee, arrival: Arrival) -> Option<Key> {
        let allowed = self.settings.policy(policy::TRUST_CENTER);
        let security = &self.security;
        match arrival {
            // It has the key.
            Arrival::Secured => None,
            Arrival::Unsecured if allowed & decision::ALLOW_UNSECURED_REJOINS != 0 => security.link_key_of(ieee),
            Arrival::Fresh if allowed & decision::ALLOW_JOINS != 0 => {
                let for_all = || {
                    let for_all = security.transient(now, EVERYBODY);
                    for_all.or_else(|| security.link_key.clone().filter(|_| !security.hashed))
                };
                let own = security.transient(now, ieee);
                if allowed & decision::INSTALL_CODE_ONLY != 0 { own } else { own.or_else(for_all) }
            }
            Arrival::Fresh | Arrival::Unsecured => None,
        }
    }

    /// The link key a device gets that asks for one of its own.
    pub(super) fn own_link_key(&self, ieee: Ieee) -> Option<Key> {
        let denied = self.settings.policy(policy::TC_KEY_REQUEST) == DENY_TC_KEY_REQUESTS;
        self.security.link_key_of(ieee).filter(|_| !denied)
    }

    pub(super) fn on_security(
        &mut self,
        now: Instant,
        network: &mut Network,
        id: u16,
        reader: &mut Reader<'_>,
    ) -> Result<Body, WireError> {
        // The commands for keys were exchanged one for one in version 13.
        let (old, new) = (self.version < 13, self.version >= 12);
        Ok(Some(match id {
            id::SET_INITIAL_SECURITY => self.set_initial(network, reader)?,
            id::GET_CURRENT_SECURITY => {
                let joined = network.held.is_some() && network.is_up();
                let hashed = if self.security.hashed { 0x0080 } else { 0 };
                // A global link key, and there is one.
                let status = self.status(if joined { Status::Ok } else { Status::NotJoined });
                status.u16(0x0014 | hashed).bytes(&network.own.to_bytes())
            }
            id::GET_KEY if old => {
                let kind = reader.u8("type")?;
                self.old_key(network, kind)
            }
            id::GET_KEY_TABLE_ENTRY if old => {
                let index = reader.u8("index")?;
                self.old_table_entry(index)
            }
            id::ADD_OR_UPDATE_KEY if old => {
                let (ieee, _, key) = (address(reader)?, reader.u8("is link key")?, key(reader)?);
                let free = self.key_at(ieee).or_else(|| self.free_key());
                let status = self.put_key(free, ieee, key);
                self.status(status)
            }
            id::ADD_TRANSIENT_KEY if old => {
                let (ieee, key) = (address(reader)?, key(reader)?);
                self.security.add_transient(now, ieee, key);
                self.status(Status::Ok)
            }
            id::IMPORT_TRANSIENT_KEY if new => {
                let (ieee, key) = (address(reader)?, key(reader)?);
                self.security.add_transient(now, ieee, key);
                Vec::new().u32(Status::Ok.word())
            }
            id::CLEAR_TRANSIENT_KEYS => {
                self.security.transient.clear();
                Vec::new()
            }
            id::FIND_KEY => {
                let ieee = address(reader)?;
                let at = self.key_at(ieee).and_then(|at| u8::try_from(at).ok());
                vec![at.unwrap_or(0xFF)]
            }
            id::ERASE_KEY => {
                let index = usize::from(reader.u8("index")?);
                let known = index < self.key_slots();
                if let Some(entry) = self.security.table.get_mut(index) {
                    *entry = None;
                }
                self.status(if known { Status::Ok } else { Status::IndexOutOfRange })
            }
            id::CLEAR_KEY_TABLE => {
                self.security.table.clear();
                self.status(Status::Ok)
            }
            id::IMPORT_LINK_KEY if new => {
                let (index, ieee, key) = (reader.u8("index")?, address(reader)?, key(reader)?);
                let status = self.put_key(Some(index.into()), ieee, key);
                Vec::new().u32(status.word())
            }
            id::EXPORT_LINK_KEY if new => {
                let index = reader.u8("index")?;
                self.export_link_key(index)
            }
            id::EXPORT_KEY if new => {
                let context = self.context(reader)?;
                self.export_key(network, &context)
            }
            id::GET_NETWORK_KEY_INFO if self.version >= 13 => {
                let (sequence, counter) =
                    network.held.as_ref().map_or((0, 0), |held| (held.key_sequence, held.counter));
                let set = u8::from(network.held.is_some());
                Vec::new().u32(Status::Ok.word()).bytes(&[set, 0, sequence, 0]).u32(counter)
            }
            id::TOKEN_FACTORY_RESET if self.version >= 13 => {
                network.restart();
                network.held = None;
                self.security = Security::default();
                Vec::new()
            }
            id::REMOVE_DEVICE => {
                let (_, _, target) = (reader.u16_le("short")?, address(reader)?, address(reader)?);
                let known = network.remove(now, target);
                self.status(if known { Status::Ok } else { Status::DeliveryFailed })
            }
            _ => return Ok(None),
        }))
    }

    fn set_initial(&mut self, network: &Network, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let bits = reader.u16_le("bits")?;
        let (preconfigured, network_key) = (key(reader)?, key(reader)?);
        let (sequence, _) = (reader.u8("key sequence")?, reader.bytes("trust centre", 8)?);
        if network.is_up() {
            return Ok(self.status(Status::InvalidCall));
        }
        let has = |bit: u16| bits & bit != 0;
        self.security.link_key = has(initial::HAVE_PRECONFIGURED_KEY).then_some(preconfigured);
        self.security.network_key = has(initial::HAVE_NETWORK_KEY).then_some((network_key, sequence));
        self.security.hashed = has(initial::HASHED_LINK_KEY);
        self.security.keeps_counters = has(initial::NO_FRAME_COUNTER_RESET);
        Ok(self.status(Status::Ok))
    }

    fn old_key(&self, network: &Network, kind: u8) -> Vec<u8> {
        let held = network.held.as_ref();
        let (status, has, key, counter, sequence) = match (kind, held, &self.security.link_key) {
            // It has a sequence number and an outgoing counter.
            (OLD_NETWORK_KEY, Some(held), _) => {
                (Status::Ok, 0x0003, Some(&held.network_key), held.counter, held.key_sequence)
            }
            (OLD_TRUST_CENTER_LINK_KEY, Some(_), Some(key)) => (Status::Ok, 0x000A, Some(key), 0, 0),
            _ => (Status::NotFound, 0, None, 0, 0),
        };
        let key = key.map_or([0; 16], |key| *key.expose());
        let head = self.status(status).u16(has).u8(kind).bytes(&key);
        head.u32(counter).u32(0).u8(sequence).bytes(&network.own.to_bytes())
    }

    fn old_table_entry(&self, index: u8) -> Vec<u8> {
        let index = usize::from(index);
        let entry = self.security.table.get(index).and_then(Option::as_ref);
        let status = match entry {
            Some(_) => Status::Ok,
            None if index < self.key_slots() => Status::TableEntryErased,
            None => Status::IndexOutOfRange,
        };
        let (ieee, key) = entry.map_or((Ieee(0), [0; 16]), |(ieee, key)| (*ieee, *key.expose()));
        // It has a partner; an application's link key.
        let head = self.status(status).u16(0x0008).u8(0x05).bytes(&key);
        head.u32(0).u32(0).u8(0).bytes(&ieee.to_bytes())
    }

    fn export_link_key(&self, index: u8) -> Vec<u8> {
        let entry = self.security.table.get(usize::from(index)).and_then(Option::as_ref);
        let status = if entry.is_some() { Status::Ok } else { Status::NotFound };
        let (ieee, key) = entry.map_or((Ieee(0), [0; 16]), |(ieee, key)| (*ieee, *key.expose()));
        let metadata = Vec::new().u16(0).u32(0).u32(0).u16(0);
        if self.has_words() {
            // The context of an application's link key.
            let context = vec![0x04, index].u16(0).bytes(&ieee.to_bytes()).bytes(&[0, 0]).u32(0);
            Vec::new().u32(status.word()).bytes(&context).bytes(&key).bytes(&metadata)
        } else {
            ieee.to_bytes().to_vec().bytes(&key).bytes(&metadata).u32(status.word())
        }
    }

    /// Type, index, how it is derived, address, network, flags and permissions; the third grew in version 13.
    fn context(&self, reader: &mut Reader<'_>) -> Result<Vec<u8>, WireError> {
        let length = if self.version >= 13 { 18 } else { 17 };
        reader.bytes("context", length).map(<[u8]>::to_vec)
    }

    fn export_key(&self, network: &Network, context: &[u8]) -> Vec<u8> {
        let held = network.held.as_ref();
        let key = match context.first() {
            Some(&NETWORK_KEY) => held.map(|held| &held.network_key),
            Some(&TRUST_CENTER_LINK_KEY) => self.security.link_key.as_ref().filter(|_| held.is_some()),
            _ => None,
        };
        let status = if key.is_some() { Status::Ok } else { Status::NotFound };
        let key = key.map_or([0; 16], |key| *key.expose());
        if self.has_words() {
            Vec::new().u32(status.word()).bytes(&key).bytes(context)
        } else {
            key.to_vec().u32(status.word())
        }
    }

    fn key_slots(&self) -> usize {
        self.settings.configured(configuration::KEY_TABLE_SIZE).into()
    }

    fn key_at(&self, ieee: Ieee) -> Option<usize> {
        self.security.table.iter().position(|entry| entry.as_ref().is_some_and(|(of, _)| *of == ieee))
    }

    fn free_key(&self) -> Option<usize> {
        let used = |at: &usize| self.security.table.get(*at).is_some_and(Option::is_some);
        (0..self.key_slots()).find(|at| !used(at))
    }

    fn put_key(&mut self, at: Option<usize>, ieee: Ieee, key: Key) -> Status {
        let slots = self.key_slots();
        let Some(at) = at.filter(|at| *at < slots) else { return Status::TableFull };
        self.security.table.resize_with(slots, || None);
        if let Some(entry) = self.security.table.get_mut(at) {
            *entry = Some((ieee, key));
        }
        Status::Ok
    }
}

fn address(reader: &mut Reader<'_>) -> Result<Ieee, WireError> {
    reader.array("address").map(Ieee::from_bytes)
}

fn key(reader: &mut Reader<'_>) -> Result<Key, WireError> {
    reader.array("key").map(Key::new)
}
