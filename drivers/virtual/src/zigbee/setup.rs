//! What a Zigbee stick and its locks are made of; also read from JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use keyway_lock::{Pin, SlotNumber};
use keyway_zigbee::address::Ieee;
use keyway_zigbee::key::Key;
use serde::Deserialize;

use super::znp::Memory;
use crate::door::DoorSetup;

/// A stick and the locks around it, in the network or not.
#[derive(Debug, Clone)]
pub struct StickSetup {
    /// Who made it, and so what it speaks.
    pub adapter: Adapter,
    /// Version of EZSP that it speaks, where it speaks that: 8 to 18, without 15.
    pub version: u8,
    /// Its own address.
    pub ieee: Ieee,
    /// The network it holds already, if any.
    pub network: Option<NetworkSetup>,
    /// The locks.
    pub locks: Vec<LockSetup>,
    /// What it has kept since it last had power; none: it is fresh from its maker. Of ZNP only.
    pub memory: Option<Memory>,
}

/// What a stick speaks with its host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adapter {
    /// Silicon Labs: EZSP over ASH.
    #[default]
    Ezsp,
    /// Texas Instruments: ZNP.
    Znp,
}

/// A network that is there from the beginning.
#[derive(Debug, Clone)]
pub struct NetworkSetup {
    /// Short name.
    pub pan: u16,
    /// Long name.
    pub extended_pan: Ieee,
    /// 11 to 26.
    pub channel: u8,
    /// The network key.
    pub key: Key,
}

/// One lock.
#[derive(Debug, Clone)]
pub struct LockSetup {
    /// Its number in this building, for the control port only.
    pub node: u16,
    /// Its address for life.
    pub ieee: Ieee,
    /// What the people call it.
    pub name: String,
    /// In the network from the beginning, where there is one.
    pub joined: bool,
    /// Fresh from its box, it looks for an open network by itself, again and again.
    pub seeks: bool,
    /// Who made it (Basic cluster).
    pub manufacturer: String,
    /// Its model (Basic cluster).
    pub model: String,
    /// Its maker's code in the node descriptor.
    pub manufacturer_code: u16,
    /// The key it takes the network's key under: that of its install code; none: the well-known one.
    pub install_code_key: Option<Key>,
    /// The door.
    pub door: DoorSetup,
    /// Number of its first user.
    pub first_user: u16,
    /// Codes that are in it from the beginning, by user.
    pub codes: BTreeMap<u16, Pin>,
    /// Whether it shows PINs.
    pub shows: Shows,
    /// How often it fetches its frames; none: its receiver is always on.
    pub poll: Option<Duration>,
    /// How long a frame to it or from it is under way.
    pub latency: Duration,
    /// Its parent is a router, not the stick.
    pub behind_router: bool,
    /// How long the bolt takes to turn.
    pub motor: Duration,
    /// Lock and Unlock want a code.
    pub requires_pin: bool,
    /// It tells of codes that the hub set or cleared, too (source RF).
    pub programming_events: bool,
    /// Schedules of each kind a user may have; 0: it knows none.
    pub schedules: u8,
    /// What it does otherwise with schedules.
    pub oddity: ScheduleOddity,
    /// Battery level in half per cents, as the specification has it; false: in whole per cents, as some locks do.
    pub half_percents: bool,
    /// It asks the coordinator for the time.
    pub asks_time: bool,
    /// It shows its clock and lets it be set (Time cluster).
    pub shows_clock: bool,
    /// It tells of events although nothing is bound.
    pub tells_unbound: bool,
}

/// What a lock does otherwise with the schedules of its users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleOddity {
    /// Nothing.
    #[default]
    None,
    /// It forgets a user's schedules when the code is replaced.
    Forgets,
    /// The type that comes with a code is nothing to it: only Set User Type is.
    IgnoresType,
    /// It takes no code for a user of a type whose schedule is not there.
    WantsScheduleFirst,
    /// A user whose type wants a schedule and who has none may always come in.
    OpensWithout,
}

/// What a lock answers when it is asked for a PIN.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// The digits.
    #[default]
    Digits,
    /// As many bytes of 0xFF (ZCL revision 8, section 7.3.2.14.3).
    Masked,
    /// That it does not know the command.
    Refuses,
    /// A slot in use, without a PIN.
    Nothing,
}

impl LockSetup {
    /// A lock as most of its maker are: sleeping, with 30 users counted from 1.
    pub fn new(node: u16, name: &str) -> Self {
        Self {
            node,
            ieee: Ieee(0x000D_6F00_0A0B_0C00 + u64::from(node)),
            name: name.to_owned(),
            joined: true,
            seeks: false,
            manufacturer: "Yale".to_owned(),
            model: "YRD226 TSDB".to_owned(),
            manufacturer_code: 0x101D,
            install_code_key: None,
            door: DoorSetup { pin_lengths: 4..=8, ..DoorSetup::default() },
            first_user: 1,
            codes: BTreeMap::new(),
            shows: Shows::default(),
            poll: Some(Duration::from_millis(250)),
            latency: Duration::from_millis(15),
            behind_router: false,
            motor: Duration::from_millis(600),
            requires_pin: false,
            programming_events: true,
            schedules: 5,
            oddity: ScheduleOddity::default(),
            half_percents: true,
            asks_time: true,
            shows_clock: false,
            tells_unbound: false,
        }
    }
}

/// A stick without a network, of protocol version 13, and three locks fresh from their boxes.
pub fn demo_setup() -> StickSetup {
    let lock = |node, name| LockSetup { joined: false, ..LockSetup::new(node, name) };
    StickSetup {
        adapter: Adapter::default(),
        version: 13,
        ieee: Ieee(0x0012_4B00_1CAA_BBCC),
        network: None,
        locks: vec![lock(2, "Front door"), lock(3, "Garden gate"), lock(4, "Office")],
        memory: None,
    }
}

/// Why a setup can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not JSON, an unknown or missing field, a wrong type; the text says where.
    #[error("the setup is not what it should be: {0}")]
    Json(#[from] serde_json::Error),
    /// What a stick is to have kept is not what a stick keeps.
    #[error("the memory is not what a stick keeps: {0}")]
    Memory(serde_json::Error),
    /// No such version of EZSP.
    #[error("version {0} is none of EZSP that is spoken here: 8 to 18, but not 15")]
    Version(u8),
    /// Two locks with one number or one address.
    #[error("node {0} is there twice, or its address")]
    Node(u16),
    /// Not an address; carries the field.
    #[error("{0} must have 16 hexadecimal digits")]
    Address(&'static str),
    /// Not a key; carries the field.
    #[error("{0} must have 32 hexadecimal digits")]
    Key(&'static str),
    /// A code that no lock takes; carries node and user.
    #[error("node {0}: the code of user {1} is no code")]
    Code(u16, u16),
    /// A channel that is none.
    #[error("network.channel is 11 to 26")]
    Channel,
}

/// Versions of EZSP that were in the field; 15 was never (SiSDK went from 14 to 16).
pub(super) fn is_spoken(version: u8) -> bool {
    matches!(version, 8..=14 | 16..=18)
}

impl StickSetup {
    /// Reads a setup from JSON. Fields that are left out are as in [`demo_setup`] and [`LockSetup::new`].
    ///
    /// # Errors
    /// [`SetupError`], naming the field or the node.
    pub fn from_json(text: &str) -> Result<Self, SetupError> {
        let raw: RawStick = serde_json::from_str(text)?;
        let usual = demo_setup();
        let version = raw.version.unwrap_or(usual.version);
        if !is_spoken(version) {
            return Err(SetupError::Version(version));
        }
        let network = raw.network.map(RawNetwork::checked).transpose()?;
        let mut locks = Vec::<LockSetup>::new();
        for raw in raw.locks {
            let lock = raw.checked(network.is_some())?;
            if locks.iter().any(|other| other.node == lock.node || other.ieee == lock.ieee) {
                return Err(SetupError::Node(lock.node));
            }
            locks.push(lock);
        }
        let ieee = address("ieee", raw.ieee, usual.ieee)?;
        Ok(Self { adapter: raw.adapter, version, ieee, network, locks, memory: None })
    }
}

fn address(field: &'static str, text: Option<String>, usual: Ieee) -> Result<Ieee, SetupError> {
    text.map_or(Ok(usual), |text| text.parse().map_err(|_| SetupError::Address(field)))
}

fn key(field: &'static str, text: &str) -> Result<Key, SetupError> {
    let wrong = || SetupError::Key(field);
    let number = Some(text).filter(|text| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let number = u128::from_str_radix(number.ok_or_else(wrong)?, 16).map_err(|_| wrong())?;
    Ok(Key::new(number.to_be_bytes()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStick {
    #[serde(default)]
    adapter: Adapter,
    version: Option<u8>,
    ieee: Option<String>,
    network: Option<RawNetwork>,
    locks: Vec<RawLock>,
}

/// The stick that takes another's place; what is left out is as in [`demo_setup`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSwap {
    #[serde(default)]
    adapter: Adapter,
    version: Option<u8>,
    ieee: String,
}

impl RawSwap {
    pub(super) fn checked(self) -> Result<StickSetup, SetupError> {
        let usual = demo_setup();
        let version = self.version.unwrap_or(usual.version);
        if !is_spoken(version) {
            return Err(SetupError::Version(version));
        }
        let ieee = address("swap.ieee", Some(self.ieee), usual.ieee)?;
        Ok(StickSetup { adapter: self.adapter, version, ieee, locks: Vec::new(), ..usual })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNetwork {
    pan: u16,
    extended_pan: String,
    channel: u8,
    key: String,
}

impl RawNetwork {
    fn checked(self) -> Result<NetworkSetup, SetupError> {
        if !(11..=26).contains(&self.channel) {
            return Err(SetupError::Channel);
        }
        let extended_pan = self.extended_pan.parse().map_err(|_| SetupError::Address("network.extended_pan"))?;
        Ok(NetworkSetup { pan: self.pan, extended_pan, channel: self.channel, key: key("network.key", &self.key)? })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawLock {
    node: u16,
    ieee: Option<String>,
    name: Option<String>,
    joined: Option<bool>,
    #[serde(default)]
    seeks: bool,
    manufacturer: Option<String>,
    model: Option<String>,
    manufacturer_code: Option<u16>,
    install_code_key: Option<String>,
    slots: Option<u16>,
    pin_lengths: Option<[usize; 2]>,
    refuse_duplicates: Option<bool>,
    first_user: Option<u16>,
    #[serde(default)]
    codes: BTreeMap<u16, String>,
    #[serde(default)]
    shows: Shows,
    poll_ms: Option<u32>,
    latency_ms: Option<u32>,
    #[serde(default)]
    behind_router: bool,
    motor_ms: Option<u32>,
    #[serde(default)]
    requires_pin: bool,
    programming_events: Option<bool>,
    schedules: Option<u8>,
    #[serde(default)]
    oddity: ScheduleOddity,
    half_percents: Option<bool>,
    asks_time: Option<bool>,
    #[serde(default)]
    shows_clock: bool,
    #[serde(default)]
    tells_unbound: bool,
}

impl RawLock {
    pub(super) fn checked(self, has_network: bool) -> Result<LockSetup, SetupError> {
        let node = self.node;
        let usual = LockSetup::new(node, &self.name.unwrap_or_else(|| format!("Lock {node}")));
        let code = |(user, digits): (u16, String)| {
            Pin::new(&digits).map(|pin| (user, pin)).map_err(|_| SetupError::Code(node, user))
        };
        let millis = |ms: u32| Duration::from_millis(ms.into());
        Ok(LockSetup {
            ieee: address("ieee", self.ieee, usual.ieee)?,
            joined: self.joined.unwrap_or(has_network),
            seeks: self.seeks,
            manufacturer: self.manufacturer.unwrap_or(usual.manufacturer),
            model: self.model.unwrap_or(usual.model),
            manufacturer_code: self.manufacturer_code.unwrap_or(usual.manufacturer_code),
            install_code_key: self.install_code_key.map(|text| key("install_code_key", &text)).transpose()?,
            door: DoorSetup {
                slots: self.slots.unwrap_or(usual.door.slots),
                pin_lengths: self.pin_lengths.map_or(usual.door.pin_lengths, |[least, most]| least..=most),
                refuse_duplicates: self.refuse_duplicates.unwrap_or(usual.door.refuse_duplicates),
            },
            first_user: self.first_user.unwrap_or(usual.first_user),
            codes: self.codes.into_iter().map(code).collect::<Result<_, _>>()?,
            shows: self.shows,
            // 0: it does not sleep.
            poll: self.poll_ms.map_or(usual.poll, |ms| (ms != 0).then(|| millis(ms))),
            latency: self.latency_ms.map_or(usual.latency, millis),
            behind_router: self.behind_router,
            motor: self.motor_ms.map_or(usual.motor, millis),
            requires_pin: self.requires_pin,
            programming_events: self.programming_events.unwrap_or(usual.programming_events),
            schedules: self.schedules.unwrap_or(usual.schedules),
            oddity: self.oddity,
            half_percents: self.half_percents.unwrap_or(usual.half_percents),
            asks_time: self.asks_time.unwrap_or(usual.asks_time),
            shows_clock: self.shows_clock,
            tells_unbound: self.tells_unbound,
            ..usual
        })
    }
}

impl LockSetup {
    /// The codes by slot of the door.
    pub(super) fn codes_by_slot(&self) -> impl Iterator<Item = (SlotNumber, &Pin)> {
        let slot = |user: u16| SlotNumber(user.saturating_sub(self.first_user).saturating_add(1));
        self.codes.iter().map(move |(user, pin)| (slot(*user), pin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        StickSetup::from_json(text).unwrap_err().to_string()
    }

    #[test]
    fn a_lock_is_read_and_what_is_left_out_is_as_usual() {
        let text = r#"{"version": 8, "network": {"pan": 4660, "extended_pan": "dd:dd:dd:dd:dd:dd:dd:dd", "channel": 15,
            "key": "00112233445566778899aabbccddeeff"}, "locks": [{"node": 2, "slots": 10, "codes": {"3": "0042"},
            "poll_ms": 0, "shows": "masked", "first_user": 1}]}"#;
        let setup = StickSetup::from_json(text).unwrap();
        let lock = &setup.locks[0];
        assert_eq!((setup.version, lock.door.slots, lock.poll, lock.shows), (8, 10, None, Shows::Masked));
        assert_eq!(lock.ieee.to_string(), "00:0d:6f:00:0a:0b:0c:02");
        assert_eq!(lock.codes_by_slot().map(|(slot, pin)| (slot.0, pin.expose())).collect::<Vec<_>>(), [(3, "0042")]);
        assert!(lock.joined, "there is a network to be in");
        assert_eq!(setup.adapter, Adapter::Ezsp);
        assert_eq!(StickSetup::from_json(r#"{"adapter": "znp", "locks": []}"#).unwrap().adapter, Adapter::Znp);
        assert_eq!(setup.network.unwrap().key.expose()[15], 0xFF);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            refusal(r#"{"version": 15, "locks": []}"#),
            "version 15 is none of EZSP that is spoken here: 8 to 18, but not 15"
        );
        assert_eq!(refusal(r#"{"locks": [{"node": 2}, {"node": 2}]}"#), "node 2 is there twice, or its address");
        assert_eq!(refusal(r#"{"locks": [{"node": 2, "ieee": "1"}]}"#), "ieee must have 16 hexadecimal digits");
        assert!(refusal(r#"{"locks": [{"node": 2, "colour": 1}]}"#).contains("colour"));
        let key = r#"{"locks": [{"node": 2, "install_code_key": "xyz"}]}"#;
        assert_eq!(refusal(key), "install_code_key must have 32 hexadecimal digits");
    }
}
