//! What can be set of a lock by the attributes that the specification has for it (ZCL 7.3.2.13, 7.3.2.14), by a name.

use std::collections::BTreeMap;

use keyway_lock::Parameter;

use super::table::DeviceRecord;
use crate::zcl::door_lock::{self, attribute};
use crate::zcl::{DataType, Value};

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tunable {
    /// Its name.
    pub name: &'static str,
    does: &'static str,
    /// The attribute.
    pub attribute: u16,
    kind: DataType,
    values: &'static [(&'static str, i64)],
    range: Option<(i64, i64)>,
}

const SWITCH: &[(&str, i64)] = &[("off", 0), ("on", 1)];

const fn switch(name: &'static str, does: &'static str, attribute: u16) -> Tunable {
    Tunable { name, does, attribute, kind: DataType::BOOLEAN, values: SWITCH, range: None }
}

const fn number(name: &'static str, does: &'static str, attribute: u16, values: &'static [(&str, i64)]) -> Tunable {
    let range = if values.is_empty() { Some((1, 255)) } else { None };
    Tunable { name, does, attribute, kind: DataType::UINT8, values, range }
}

/// All of them.
const ALL: [Tunable; 8] = [
    number("volume", "how loud it beeps", attribute::SOUND_VOLUME, &[("silent", 0), ("low", 1), ("high", 2)]),
    number(
        "keypad_light",
        "what the light of its keypad shows",
        attribute::LED_SETTINGS,
        &[("nothing", 0), ("errors", 1), ("everything", 2)],
    ),
    switch("one_touch_locking", "one touch of the keypad locks", attribute::ONE_TOUCH_LOCKING),
    switch("status_light", "a light inside shows that it is locked", attribute::INSIDE_LED),
    switch("privacy_button", "its button for privacy works", attribute::PRIVACY_BUTTON),
    switch("local_programming", "codes can be set at its keypad", attribute::LOCAL_PROGRAMMING),
    number("wrong_code_limit", "so many wrong codes shut the keypad", attribute::WRONG_CODE_LIMIT, &[]),
    number("wrong_code_seconds", "for so long, in seconds", attribute::DISABLE_TIME, &[]),
];

impl Tunable {
    /// The one of this name that a lock has.
    pub fn of(record: &DeviceRecord, name: &str) -> Option<Self> {
        ALL.into_iter().find(|known| known.name == name && known.value(record).is_some())
    }

    /// A value as the lock wants it; `None`: it does not take it.
    pub fn encode(&self, value: i64) -> Option<Value> {
        let named = self.values.iter().any(|(_, known)| *known == value);
        let in_range = self.range.is_some_and(|(least, most)| (least..=most).contains(&value));
        let raw = u64::try_from(value).ok().filter(|_| named || in_range)?;
        Some(Value::number(self.kind, raw))
    }

    fn value(&self, record: &DeviceRecord) -> Option<i64> {
        record.attribute(door_lock::CLUSTER, self.attribute)?.try_into().ok()
    }

    fn shown(&self, record: &DeviceRecord) -> Option<Parameter> {
        let value = self.value(record)?;
        Some(Parameter {
            name: self.name.to_owned(),
            does: self.does.to_owned(),
            values: self.values.iter().map(|(word, value)| ((*word).to_owned(), *value)).collect::<BTreeMap<_, _>>(),
            range: self.range,
            can_be_set: true,
            value: Some(value),
            closed_to_guests: false,
        })
    }
}

/// What a lock has of them.
pub fn parameters(record: &DeviceRecord) -> Vec<Parameter> {
    ALL.iter().filter_map(|tunable| tunable.shown(record)).collect()
}
