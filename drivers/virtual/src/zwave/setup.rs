//! What a virtual stick and its locks are made of; also read from JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use keyway_lock::{Pin, SlotNumber};
use keyway_zwave::node::NodeId;
use keyway_zwave::security::{KeyName, NetworkKey, NetworkKeys, SecurityClass};
use serde::Deserialize;

use super::Oddities;
use super::joining::JoinFaults;
use super::memory::Series;
use super::network::FreshLock;
use crate::door::DoorSetup;

/// A stick and the locks of its network.
#[derive(Debug, Clone)]
pub struct StickSetup {
    /// Home id of the network.
    pub home_id: u32,
    /// The stick's own node.
    pub own: NodeId,
    /// The network's keys.
    pub keys: NetworkKeys,
    /// A bridge controller: it has the bridge variants of send and receive, and only those.
    pub bridge: bool,
    /// What kind of chip it has.
    pub series: Series,
    /// The locks.
    pub locks: Vec<LockSetup>,
}

/// One lock.
#[derive(Debug, Clone)]
pub struct LockSetup {
    /// Its node.
    pub node: NodeId,
    /// What the people call it.
    pub name: String,
    /// The security classes it was granted; none: it talks in the clear.
    pub security: Vec<SecurityClass>,
    /// By which command classes its codes are set.
    pub codes_by: CodesBy,
    /// Version of the User Code class, if it has that: 1 or 2.
    pub user_code_version: u8,
    /// It hides the digits of its codes.
    pub masked: bool,
    /// The door.
    pub door: DoorSetup,
    /// Codes that are in it from the beginning.
    pub codes: BTreeMap<SlotNumber, Pin>,
    /// It sleeps, and is woken by a beam of a second (FLiRS).
    pub flirs: bool,
    /// It sleeps, no beam wakes it, and it wakes by itself every so many seconds (0: when its button is pressed); a whole
    /// number of minutes.
    pub wake_up: Option<u32>,
    /// How long a frame to it or from it is under way.
    pub latency: Duration,
    /// How long the bolt takes to turn; until then a supervised order is answered WORKING.
    pub motor: Duration,
    /// It reports codes that the hub set or cleared (Notification 6/14 and 6/13), as it does those set by hand.
    pub programming_events: bool,
    /// It knows Supervision: it says how an order went.
    pub supervision: bool,
    /// It sends what it reports by itself under supervision. Never so without security.
    pub supervised_reports: bool,
    /// The hub is in its lifeline group already, so that it reports there.
    pub lifeline: bool,
    /// It is associated by Multi Channel Association, and knows no plain Association.
    pub multi_channel_association: bool,
    /// It can lock by itself some time after it was unlocked (Door Lock version 4), if it is told to.
    pub auto_relock: bool,
    /// Windows that each of its codes can have (Schedule Entry Lock), by a clock of its own (Time Parameters); 0: it knows no
    /// such thing.
    pub year_day_slots: u8,
    /// It writes down who used it, in so many records; 0: it does not.
    pub log_size: u8,
    /// It answers the request for its node information frame.
    pub tells_information: bool,
    /// What it does otherwise than it should.
    pub oddities: Oddities,
}

/// The command classes by which a lock's codes are set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodesBy {
    /// User Code, as most locks.
    #[default]
    UserCode,
    /// User Credential, as new ones.
    UserCredential,
    /// Both.
    Both,
}

impl CodesBy {
    /// Whether it has User Code.
    pub fn has_user_code(self) -> bool {
        self != Self::UserCredential
    }

    /// Whether it has User Credential.
    pub fn has_user_credential(self) -> bool {
        self != Self::UserCode
    }
}

impl LockSetup {
    /// A lock as most are: User Code version 2, sleeping, reporting.
    pub fn new(node: NodeId, name: &str, security: &[SecurityClass]) -> Self {
        Self {
            node,
            name: name.to_owned(),
            security: security.to_vec(),
            codes_by: CodesBy::default(),
            user_code_version: 2,
            masked: false,
            door: DoorSetup::default(),
            codes: BTreeMap::new(),
            flirs: true,
            wake_up: None,
            latency: Duration::from_millis(15),
            motor: Duration::from_millis(600),
            programming_events: true,
            supervision: true,
            supervised_reports: true,
            lifeline: true,
            multi_channel_association: false,
            auto_relock: true,
            year_day_slots: 0,
            log_size: 20,
            tells_information: true,
            oddities: Oddities::default(),
        }
    }
}

/// Three locks with S2 Access Control, nodes 2 to 4, on home id 0xC0FFEE01. Its keys stand here for everyone to read: they
/// are for demonstrations and tests, and protect nothing.
pub fn demo_setup() -> StickSetup {
    let key = |last| Some(NetworkKey::new([0xDE, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]));
    let mut last = 0;
    let keys = NetworkKeys::each(|_| {
        last += 1;
        key(last - 1)
    });
    let lock = |id, name: &str, user_code_version| {
        let node = NodeId::new(id)?;
        Some(LockSetup { user_code_version, ..LockSetup::new(node, name, &[SecurityClass::S2AccessControl]) })
    };
    let locks = [lock(2, "Front door", 2), lock(3, "Garden gate", 1), lock(4, "Office", 2)];
    StickSetup {
        home_id: 0xC0FF_EE01,
        own: NodeId::FIRST,
        keys,
        bridge: false,
        series: Series::default(),
        locks: locks.into_iter().flatten().collect(),
    }
}

/// Why a setup can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Not JSON, an unknown or missing field, a wrong type; the text says where.
    #[error("the setup is not what it should be: {0}")]
    Json(#[from] serde_json::Error),
    /// A node id that no lock can have, or two locks with the same.
    #[error("node {0} can't be a lock: ids are 2 to 232 and 256 to 4000, each once")]
    Node(u16),
    /// A key that is not 32 hexadecimal digits; carries its name.
    #[error("keys.{0} must be 32 hexadecimal digits")]
    Key(&'static str),
    /// A lock was granted a class without a key; carries the node.
    #[error("node {0} has a security class for which there is no key")]
    MissingKey(u16),
    /// A code that no lock takes; carries node and slot.
    #[error("node {0}: the code of slot {1} is no code")]
    Code(u16, u16),
    /// A private key that is not 64 hexadecimal digits.
    #[error("private_key must be 64 hexadecimal digits")]
    PrivateKey,
    /// User Code has versions 1 and 2.
    #[error("node {0}: user_code_version must be 1 or 2")]
    UserCodeVersion(u16),
}

impl StickSetup {
    /// Reads a setup from JSON. Fields that are left out are as in [`LockSetup::new`].
    ///
    /// # Errors
    /// [`SetupError`], naming the field or the node.
    pub fn from_json(text: &str) -> Result<Self, SetupError> {
        let raw: RawStick = serde_json::from_str(text)?;
        let keys = raw.keys.checked()?;
        let mut locks = Vec::<LockSetup>::new();
        for raw in raw.locks {
            let lock = raw.checked(&keys)?;
            if locks.iter().any(|other| other.node == lock.node) {
                return Err(SetupError::Node(lock.node.get()));
            }
            locks.push(lock);
        }
        Ok(Self { home_id: raw.home_id, own: NodeId::FIRST, keys, bridge: raw.bridge, series: raw.series, locks })
    }
}

fn key(name: &'static str, text: Option<&str>) -> Result<Option<NetworkKey>, SetupError> {
    let read = |text| hexadecimal(text).map(NetworkKey::new).ok_or(SetupError::Key(name));
    text.map(read).transpose()
}

fn hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let bytes = digits.chunks(2).map(|pair| u8::try_from(pair.iter().fold(0, |byte, digit| byte << 4 | digit)).ok());
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok().filter(|_| digits.len() == 2 * N)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStick {
    home_id: u32,
    #[serde(default)]
    bridge: bool,
    #[serde(default)]
    series: Series,
    #[serde(default)]
    keys: RawKeys,
    locks: Vec<RawLock>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawKeys {
    s0: Option<String>,
    s2_unauthenticated: Option<String>,
    s2_authenticated: Option<String>,
    s2_access_control: Option<String>,
    long_range_s2_authenticated: Option<String>,
    long_range_s2_access_control: Option<String>,
}

impl RawKeys {
    fn checked(&self) -> Result<NetworkKeys, SetupError> {
        let text = |name| match name {
            KeyName::S0 => self.s0.as_deref(),
            KeyName::S2Unauthenticated => self.s2_unauthenticated.as_deref(),
            KeyName::S2Authenticated => self.s2_authenticated.as_deref(),
            KeyName::S2AccessControl => self.s2_access_control.as_deref(),
            KeyName::LongRangeS2Authenticated => self.long_range_s2_authenticated.as_deref(),
            KeyName::LongRangeS2AccessControl => self.long_range_s2_access_control.as_deref(),
        };
        for name in KeyName::ALL {
            key(name.name(), text(name))?;
        }
        Ok(NetworkKeys::each(|name| key(name.name(), text(name)).ok()?))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLock {
    node: u16,
    name: Option<String>,
    #[serde(default)]
    security: Vec<RawClass>,
    #[serde(default)]
    codes_by: CodesBy,
    #[serde(default)]
    masked: bool,
    user_code_version: Option<u8>,
    slots: Option<u16>,
    pin_lengths: Option<[usize; 2]>,
    refuse_duplicates: Option<bool>,
    #[serde(default)]
    codes: BTreeMap<u16, String>,
    flirs: Option<bool>,
    wake_up: Option<u32>,
    latency_ms: Option<u32>,
    motor_ms: Option<u32>,
    programming_events: Option<bool>,
    supervision: Option<bool>,
    supervised_reports: Option<bool>,
    lifeline: Option<bool>,
    multi_channel_association: Option<bool>,
    auto_relock: Option<bool>,
    #[serde(default)]
    year_day_slots: u8,
    log_size: Option<u8>,
    tells_information: Option<bool>,
    #[serde(default)]
    oddities: Oddities,
}

/// A lock in its box. What is left out is as usual: it asks for every class of Security 2.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFresh {
    name: Option<String>,
    security: Option<Vec<RawClass>>,
    #[serde(default)]
    codes_by: CodesBy,
    user_code_version: Option<u8>,
    slots: Option<u16>,
    flirs: Option<bool>,
    wake_up: Option<u32>,
    latency_ms: Option<u32>,
    #[serde(default)]
    year_day_slots: u8,
    private_key: Option<String>,
    #[serde(default)]
    smart_start: bool,
    #[serde(default)]
    faults: JoinFaults,
}

impl RawFresh {
    pub(super) fn checked(self) -> Result<FreshLock, SetupError> {
        let private_key = self.private_key.map(|text| hexadecimal(&text).ok_or(SetupError::PrivateKey)).transpose()?;
        let all = [RawClass::S2Unauthenticated, RawClass::S2Authenticated, RawClass::S2AccessControl];
        let security: Vec<SecurityClass> =
            self.security.as_deref().unwrap_or(&all).iter().map(|raw| (*raw).into()).collect();
        // It gets another number when it joins.
        let usual = LockSetup::new(NodeId::FIRST, &self.name.unwrap_or_else(|| "New lock".to_owned()), &security);
        let lock = LockSetup {
            codes_by: self.codes_by,
            user_code_version: self.user_code_version.unwrap_or(usual.user_code_version),
            door: DoorSetup { slots: self.slots.unwrap_or(usual.door.slots), ..usual.door.clone() },
            flirs: self.flirs.unwrap_or(usual.flirs),
            wake_up: self.wake_up,
            latency: self.latency_ms.map_or(usual.latency, |ms| Duration::from_millis(ms.into())),
            year_day_slots: self.year_day_slots,
            ..usual
        };
        Ok(FreshLock { lock, private_key, smart_start: self.smart_start, faults: self.faults })
    }
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum RawClass {
    S0,
    S2Unauthenticated,
    S2Authenticated,
    S2AccessControl,
}

impl From<RawClass> for SecurityClass {
    fn from(raw: RawClass) -> Self {
        match raw {
            RawClass::S0 => Self::S0,
            RawClass::S2Unauthenticated => Self::S2Unauthenticated,
            RawClass::S2Authenticated => Self::S2Authenticated,
            RawClass::S2AccessControl => Self::S2AccessControl,
        }
    }
}

impl RawLock {
    fn checked(self, keys: &NetworkKeys) -> Result<LockSetup, SetupError> {
        let id = self.node;
        let node = NodeId::new(id).filter(|node| *node != NodeId::FIRST).ok_or(SetupError::Node(id))?;
        let security: Vec<SecurityClass> = self.security.iter().map(|raw| (*raw).into()).collect();
        let keys = keys.of(node);
        if security.iter().any(|class| keys.get(*class).is_none()) {
            return Err(SetupError::MissingKey(id));
        }
        let code = |(slot, digits): (u16, String)| {
            Pin::new(&digits).map(|pin| (SlotNumber(slot), pin)).map_err(|_| SetupError::Code(id, slot))
        };
        let codes = self.codes.into_iter().map(code).collect::<Result<_, _>>()?;
        let usual = LockSetup::new(node, &self.name.unwrap_or_else(|| format!("Lock {id}")), &security);
        let user_code_version = self.user_code_version.unwrap_or(usual.user_code_version);
        if !(1..=2).contains(&user_code_version) {
            return Err(SetupError::UserCodeVersion(id));
        }
        let millis = |value: Option<u32>, usual| value.map_or(usual, |ms| Duration::from_millis(ms.into()));
        Ok(LockSetup {
            user_code_version,
            door: DoorSetup {
                slots: self.slots.unwrap_or(usual.door.slots),
                pin_lengths: self.pin_lengths.map_or(usual.door.pin_lengths, |[least, most]| least..=most),
                refuse_duplicates: self.refuse_duplicates.unwrap_or(usual.door.refuse_duplicates),
            },
            codes,
            codes_by: self.codes_by,
            masked: self.masked,
            flirs: self.flirs.unwrap_or(usual.flirs),
            wake_up: self.wake_up,
            latency: millis(self.latency_ms, usual.latency),
            motor: millis(self.motor_ms, usual.motor),
            programming_events: self.programming_events.unwrap_or(usual.programming_events),
            supervision: self.supervision.unwrap_or(usual.supervision),
            supervised_reports: self.supervised_reports.unwrap_or(usual.supervised_reports),
            lifeline: self.lifeline.unwrap_or(usual.lifeline),
            multi_channel_association: self.multi_channel_association.unwrap_or(usual.multi_channel_association),
            auto_relock: self.auto_relock.unwrap_or(usual.auto_relock),
            year_day_slots: self.year_day_slots,
            log_size: self.log_size.unwrap_or(usual.log_size),
            tells_information: self.tells_information.unwrap_or(usual.tells_information),
            oddities: self.oddities,
            ..usual
        })
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
        let text = r#"{"home_id": 1, "keys": {"long_range_s2_access_control": "00112233445566778899aAbBcCdDeEfF"},
            "locks": [{"node": 260, "security": ["s2_access_control"], "slots": 10, "codes": {"1": "0042"}, "latency_ms": 40,
            "oddities": {"product": [59, 1, 1129], "code_length": 6}}]}"#;
        let setup = StickSetup::from_json(text).unwrap();
        let lock = &setup.locks[0];
        assert_eq!((lock.node.get(), lock.door.slots, lock.user_code_version), (260, 10, 2));
        assert_eq!(lock.latency, Duration::from_millis(40));
        assert_eq!(lock.codes[&SlotNumber(1)].expose(), "0042");
        let oddities = Oddities { product: Some((0x3B, 1, 0x469)), code_length: Some(6), ..Oddities::default() };
        assert_eq!(lock.oddities, oddities);
        assert_eq!(setup.keys.long_range_s2_access_control.unwrap().expose()[15], 0xFF);
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(
            refusal(r#"{"home_id": 1, "keys": {"s0": "00"}, "locks": []}"#),
            "keys.s0 must be 32 hexadecimal digits"
        );
        assert!(refusal(r#"{"home_id": 1, "locks": [{"node": 1}]}"#).starts_with("node 1 can't be a lock"));
        assert!(
            refusal(r#"{"home_id": 1, "locks": [{"node": 2}, {"node": 2}]}"#).starts_with("node 2 can't be a lock")
        );
        let no_key = r#"{"home_id": 1, "locks": [{"node": 2, "security": ["s2_access_control"]}]}"#;
        assert_eq!(refusal(no_key), "node 2 has a security class for which there is no key");
        let no_code = r#"{"home_id": 1, "locks": [{"node": 2, "codes": {"7": "12x4"}}]}"#;
        assert_eq!(refusal(no_code), "node 2: the code of slot 7 is no code");
        assert!(refusal(r#"{"home_id": 1, "locks": [{"node": 2, "colour": "red"}]}"#).contains("colour"));
    }

    #[test]
    fn the_demo_has_three_locks() {
        let names: Vec<_> = demo_setup().locks.into_iter().map(|lock| (lock.node.get(), lock.name)).collect();
        assert_eq!(names, [(2, "Front door".to_owned()), (3, "Garden gate".to_owned()), (4, "Office".to_owned())]);
    }
}
