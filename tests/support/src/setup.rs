//! What stands in the building: the locks behind a stick and the network's keys.

use std::fmt::Write;

use serde_json::{Value, json};

/// A network, for the stick's setup file and for the daemon's configuration.
#[derive(Debug, Clone)]
pub struct Setup {
    radio: Radio,
    home_id: u32,
    keys: Vec<(&'static str, String)>,
    locks: Vec<LockSetup>,
    bridge: bool,
}

/// What the stick speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Radio {
    /// Z-Wave: Serial API.
    Zwave,
    /// Zigbee: EZSP of this version.
    Ezsp(u8),
    /// Zigbee: ZNP.
    Znp,
}

/// One lock.
#[derive(Debug, Clone)]
pub struct LockSetup {
    /// Z-Wave node id; of a Zigbee lock its number on the control port.
    pub node: u16,
    /// The host's name for it.
    pub name: &'static str,
    /// Classes of the configuration file, such as `s2_access_control`; empty: none.
    pub security: &'static [&'static str],
    /// User Code slots.
    pub slots: u16,
    /// Version of the User Code command class, 1 or 2.
    pub user_code_version: u8,
    /// By which command class its codes are set: `user_code`, `user_credential` or `both` (that our virtual stick only).
    pub codes_by: &'static str,
    /// Hides the digits of its codes; of zwave-js's locks those with User Credential.
    pub masked: bool,
    /// Sleeping, to be woken by a beam of a second (our virtual stick only).
    pub sleeping: bool,
    /// Sleeping, woken by no beam and by its button alone, until it is told how often it is to wake (our virtual stick only).
    pub wakes_by_button: bool,
    /// Tells by a notification of codes that the hub itself set or cleared (our virtual stick only).
    pub tells_of_own_changes: bool,
    /// Whether it knows Supervision, and so can say how an order went.
    pub supervision: bool,
    /// Windows that each of its codes can have, by its own clock.
    pub year_day_slots: u8,
    /// Fewest and most digits of a code, where it is not as most (our virtual stick only).
    pub pin_lengths: Option<[usize; 2]>,
    /// What it does otherwise, as our virtual stick's setup of its radio has it: JSON (our virtual stick only).
    pub oddities: &'static str,
}

impl LockSetup {
    /// An S2 Access Control lock with 30 slots.
    pub const fn s2(node: u16, name: &'static str) -> Self {
        Self {
            node,
            name,
            security: &["s2_access_control"],
            slots: 30,
            user_code_version: 2,
            codes_by: "user_code",
            masked: false,
            sleeping: false,
            wakes_by_button: false,
            tells_of_own_changes: true,
            supervision: true,
            year_day_slots: 0,
            pin_lengths: None,
            oddities: "{}",
        }
    }
}

impl Setup {
    /// A network of these locks. The keys are fixed and look like nothing else, so that they are found where they leak.
    pub fn of(locks: &[LockSetup]) -> Self {
        let keys = [
            ("s2_access_control", "9f51c0d37be24a8861f40a9d2c7e35b1"),
            ("s2_authenticated", "2b7f90e4c81d46a3b5092e6fd17c84a0"),
            ("s2_unauthenticated", "d40c3a9e5f7218b6034ec5a1987b6d2f"),
            ("s0", "6a1e8cf3b2974d0587c0e93f5b24a71d"),
            ("long_range_s2_access_control", "b8023d7fe1594ac6902f7d31e84c56ab"),
            ("long_range_s2_authenticated", "74d1f60c9ab3485e8d2017ce5f93b68e"),
        ];
        let keys = keys.map(|(name, key)| (name, key.to_owned())).to_vec();
        Self { radio: Radio::Zwave, home_id: 0x7e57_0001, keys, locks: locks.to_vec(), bridge: false }
    }

    /// A network of which nothing is known.
    pub fn unknown() -> Self {
        Self { keys: Vec::new(), ..Self::of(&[]) }
    }

    /// Two S2 Access Control locks.
    pub fn two_doors() -> Self {
        Self::of(&[LockSetup::s2(2, "Front door"), LockSetup::s2(3, "Garden gate")])
    }

    /// The same, and each lock's codes are the PINs of its users.
    pub fn by_user_credential(self) -> Self {
        let locks = self.locks.into_iter().map(|lock| LockSetup { codes_by: "user_credential", ..lock }).collect();
        Self { locks, ..self }
    }

    /// The same, and the locks hide the digits of their codes; of zwave-js's locks those with User Credential.
    pub fn masked(self) -> Self {
        let locks = self.locks.into_iter().map(|lock| LockSetup { masked: true, ..lock }).collect();
        Self { locks, ..self }
    }

    /// The same behind a bridge controller (our virtual stick only).
    pub fn on_a_bridge(self) -> Self {
        Self { bridge: true, ..self }
    }

    /// The same doors with Zigbee locks fresh from their boxes, behind our own virtual stick of this version of EZSP.
    pub fn on_zigbee(self, version: u8) -> Self {
        Self { radio: Radio::Ezsp(version), ..self }
    }

    /// The same behind our own virtual stick of Texas Instruments.
    pub fn on_znp(self) -> Self {
        Self { radio: Radio::Znp, ..self }
    }

    pub(crate) fn is_zigbee(&self) -> bool {
        self.radio != Radio::Zwave
    }

    /// Number and name of each lock, in order.
    pub(crate) fn doors(&self) -> impl Iterator<Item = (u16, &'static str)> {
        self.locks.iter().map(|lock| (lock.node, lock.name))
    }

    /// The network's keys, each in hexadecimal.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(_, key)| key.as_str())
    }

    /// The locks' names, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.locks.iter().map(|lock| lock.name).collect()
    }

    /// Whether a lock must be woken to be spoken to.
    pub(crate) fn has_sleepers(&self) -> bool {
        self.locks.iter().any(|lock| lock.sleeping)
    }

    /// The nodes that are spoken to when their button was pressed.
    pub(crate) fn woken_by_button(&self) -> impl Iterator<Item = u16> {
        self.locks.iter().filter(|lock| lock.wakes_by_button).map(|lock| lock.node)
    }

    /// The setup file of `keyway virtual-stick`.
    pub fn for_our_stick(&self) -> Value {
        match self.radio {
            Radio::Zwave => {}
            Radio::Ezsp(version) => return self.for_our_zigbee_stick(json!({ "version": version })),
            Radio::Znp => return self.for_our_zigbee_stick(json!({ "adapter": "znp" })),
        }
        let more = |lock: &LockSetup| {
            json!({
                "codes_by": lock.codes_by,
                "masked": lock.masked,
                "flirs": lock.sleeping,
                "wake_up": lock.wakes_by_button.then_some(0),
                "programming_events": lock.tells_of_own_changes,
                "supervision": lock.supervision,
                "year_day_slots": lock.year_day_slots,
                "pin_lengths": lock.pin_lengths,
                "oddities": serde_json::from_str::<Value>(lock.oddities).expect("oddities are JSON"),
            })
        };
        let mut json = self.to_json(more);
        json["bridge"] = json!(self.bridge);
        json
    }

    fn for_our_zigbee_stick(&self, mut stick: Value) -> Value {
        let lock = |lock: &LockSetup| {
            let mut json = json!({
                "node": lock.node,
                "name": lock.name,
                "joined": false,
                "slots": lock.slots,
                "pin_lengths": lock.pin_lengths,
                // Of a maker whose locks nothing is known of but what they say.
                "manufacturer": lock.pin_lengths.map(|_| "Nobody"),
                "shows": if lock.masked { "masked" } else { "digits" },
                "programming_events": lock.tells_of_own_changes,
                // Its receiver is always on, or it fetches its frames once a second.
                "poll_ms": if lock.sleeping { 1000 } else { 0 },
                "schedules": lock.year_day_slots,
                "shows_clock": lock.year_day_slots > 0,
            });
            let oddities: serde_json::Map<String, Value> =
                serde_json::from_str(lock.oddities).expect("oddities are JSON");
            for (name, value) in oddities {
                json[name] = value;
            }
            json
        };
        stick["locks"] = self.locks.iter().map(lock).collect();
        stick
    }

    /// The setup file of zwave-js's stick.
    pub(crate) fn for_zwave_js(&self) -> Value {
        let more = |lock: &LockSetup| {
            json!({
                "supervision": lock.supervision,
                "codes_by": lock.codes_by,
                "masked": lock.masked,
                "year_day_slots": lock.year_day_slots,
            })
        };
        self.to_json(more)
    }

    fn to_json(&self, more: impl Fn(&LockSetup) -> Value) -> Value {
        let lock = |lock: &LockSetup| {
            let mut json = more(lock);
            json["node"] = json!(lock.node);
            json["name"] = json!(lock.name);
            json["security"] = json!(lock.security);
            json["slots"] = json!(lock.slots);
            json["user_code_version"] = json!(lock.user_code_version);
            json
        };
        let keys: serde_json::Map<String, Value> =
            self.keys.iter().map(|(name, key)| ((*name).to_owned(), json!(key))).collect();
        json!({ "home_id": self.home_id, "keys": keys, "locks": self.locks.iter().map(lock).collect::<Vec<_>>() })
    }

    /// The `[[zwave]]` or `[[zigbee]]` part of the daemon's configuration.
    pub fn to_toml(&self, port: &str) -> String {
        match self.radio {
            Radio::Zwave => {}
            // Which of the two it is is found out.
            Radio::Ezsp(_) | Radio::Znp => return format!("[[zigbee]]\nport = \"{port}\"\n"),
        }
        let mut text = format!("[[zwave]]\nport = \"{port}\"\n[zwave.keys]\n");
        for (name, key) in &self.keys {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{name} = \"{key}\"");
        }
        for lock in &self.locks {
            let _ = writeln!(
                text,
                "[[zwave.locks]]\nnode = {}\nname = \"{}\"\nsecurity = {:?}",
                lock.node, lock.name, lock.security
            );
        }
        text
    }
}
