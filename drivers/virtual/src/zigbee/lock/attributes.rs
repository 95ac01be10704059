//! The attributes of a lock's clusters: what they hold, and which of them may be written (ZCL revision 8).

use keyway_lock::KeypadMode;

use super::super::frame::cluster;
use super::super::setup::Shows;
use super::Lock;
use super::zcl::{Value, status};
use crate::door::By;

/// What may be written, besides the door's own state.
#[derive(Debug)]
pub(super) struct Settings {
    /// Seconds after an unlocking until it locks by itself; 0: never.
    pub(super) auto_relock: u32,
    pub(super) language: String,
    pub(super) sound_volume: u8,
    pub(super) operating_mode: u8,
    pub(super) one_touch: bool,
    pub(super) wrong_code_limit: u8,
    pub(super) code_disable_seconds: u8,
    pub(super) sends_pins: bool,
    pub(super) requires_pin: bool,
    pub(super) masks: Masks,
    /// Quarter seconds (Poll Control).
    pub(super) check_in: u32,
    /// Quarter seconds (Poll Control).
    pub(super) fast_poll_timeout: u16,
    /// Seconds (Identify).
    pub(super) identify: u16,
}

/// Which events are told, a bit each (sections 7.3.2.15.1 and following): alarms, then operations at the keypad, by radio, by
/// hand and by RFID, then programming at the keypad, by radio and by RFID.
#[derive(Debug)]
pub(super) struct Masks(pub(super) [u16; 8]);

/// Attributes 0x0040 to 0x0047 of Door Lock.
const FIRST_MASK: u16 = 0x0040;
/// A quarter of a second a unit: an hour.
const USUAL_CHECK_IN: u32 = 4 * 3600;

impl Settings {
    pub(super) fn new(requires_pin: bool, sends_pins: bool) -> Self {
        Self {
            auto_relock: 0,
            language: "en".to_owned(),
            sound_volume: 2,
            operating_mode: 0,
            one_touch: false,
            wrong_code_limit: 5,
            code_disable_seconds: 60,
            sends_pins,
            requires_pin,
            masks: Masks([u16::MAX; 8]),
            check_in: USUAL_CHECK_IN,
            fast_poll_timeout: 40,
            identify: 0,
        }
    }
}

/// An attribute, and what a lock says of it.
type Attribute = (u16, fn(&Lock) -> Value);

const BASIC: &[Attribute] = &[
    (0x0000, |_| Value::u8(8)),
    (0x0001, |_| Value::u8(1)),
    (0x0002, |_| Value::u8(2)),
    (0x0003, |_| Value::u8(1)),
    (0x0004, |lock| Value::string(&lock.setup.manufacturer)),
    (0x0005, |lock| Value::string(&lock.setup.model)),
    (0x0006, |_| Value::string("20260101")),
    // On a battery.
    (0x0007, |_| Value::enum8(3)),
    (0x4000, |_| Value::string("1.2.3")),
];

const POWER: &[Attribute] = &[
    (0x0020, |_| Value::u8(60)),
    (0x0021, |lock| Value::u8(lock.door.battery() * if lock.setup.half_percents { 2 } else { 1 })),
    // Four AA cells.
    (0x0031, |_| Value::enum8(3)),
    (0x0033, |_| Value::u8(4)),
];

const IDENTIFY: &[Attribute] = &[(0x0000, |lock| Value::u16(lock.settings.identify))];

const ALARMS: &[Attribute] = &[(0x0000, |_| Value::u16(0))];

const POLL_CONTROL: &[Attribute] = &[
    (0x0000, |lock| Value::u32(lock.settings.check_in)),
    (0x0001, |lock| Value::u32(lock.long_poll_quarters())),
    (0x0002, |_| Value::u16(1)),
    (0x0003, |lock| Value::u16(lock.settings.fast_poll_timeout)),
];

const DOOR_LOCK: &[Attribute] = &[
    (0x0000, |lock| Value::enum8(lock.door.locked().map_or(0, |locked| if locked { 1 } else { 2 }))),
    // A dead bolt, enabled.
    (0x0001, |_| Value::enum8(0)),
    (0x0002, |_| Value::bool(true)),
    (0x0003, |lock| Value::enum8(if lock.door.is_open() { 0 } else { 1 })),
    (0x0010, |_| Value::u16(super::events::MAX_RECORDS)),
    (0x0011, |lock| Value::u16(lock.door.setup().slots)),
    (0x0012, |lock| Value::u16(lock.door.setup().slots)),
    (0x0013, |_| Value::u16(0)),
    (0x0014, |lock| Value::u8(lock.numbers.schedules)),
    (0x0015, |lock| Value::u8(lock.numbers.schedules)),
    (0x0016, |lock| Value::u8(lock.numbers.schedules)),
    (0x0017, |lock| length(*lock.door.setup().pin_lengths.end())),
    (0x0018, |lock| length(*lock.door.setup().pin_lengths.start())),
    (0x0020, |_| Value::bool(true)),
    (0x0021, |lock| Value::string(&lock.settings.language)),
    (0x0023, |lock| Value::u32(lock.settings.auto_relock)),
    (0x0024, |lock| Value::u8(lock.settings.sound_volume)),
    (0x0025, |lock| Value::enum8(lock.settings.operating_mode)),
    // Normal, vacation, privacy and no RF lockout, each supported.
    (0x0026, |_| Value::map16(0x000F)),
    (0x0029, |lock| Value::bool(lock.settings.one_touch)),
    (0x0030, |lock| Value::u8(lock.settings.wrong_code_limit)),
    (0x0031, |lock| Value::u8(lock.settings.code_disable_seconds)),
    (0x0032, |lock| Value::bool(lock.settings.sends_pins)),
    (0x0033, |lock| Value::bool(lock.settings.requires_pin)),
    (0x0034, |_| Value::u8(0)),
    (FIRST_MASK, |lock| Value::map16(lock.settings.masks.0[0])),
    (FIRST_MASK + 1, |lock| Value::map16(lock.settings.masks.0[1])),
    (FIRST_MASK + 2, |lock| Value::map16(lock.settings.masks.0[2])),
    (FIRST_MASK + 3, |lock| Value::map16(lock.settings.masks.0[3])),
    (FIRST_MASK + 4, |lock| Value::map16(lock.settings.masks.0[4])),
    (FIRST_MASK + 5, |lock| Value::map16(lock.settings.masks.0[5])),
    (FIRST_MASK + 6, |lock| Value::map16(lock.settings.masks.0[6])),
    (FIRST_MASK + 7, |lock| Value::map16(lock.settings.masks.0[7])),
];

fn length(digits: usize) -> Value {
    Value::u8(u8::try_from(digits).unwrap_or(u8::MAX))
}

/// The attributes of a cluster, in order; those of the time are the clock's.
fn of_cluster(of: u16) -> Option<&'static [Attribute]> {
    Some(match of {
        cluster::BASIC => BASIC,
        cluster::POWER => POWER,
        cluster::IDENTIFY => IDENTIFY,
        cluster::ALARMS => ALARMS,
        cluster::POLL_CONTROL => POLL_CONTROL,
        cluster::DOOR_LOCK => DOOR_LOCK,
        _ => return None,
    })
}

impl Lock {
    /// The attributes of a cluster that it has, in order; `None`: no such cluster.
    pub(super) fn attributes(&self, of: u16) -> Option<Vec<(u16, Value)>> {
        match of {
            cluster::TIME => Some(self.clock.attributes(self.now)),
            _ => Some(of_cluster(of)?.iter().map(|(id, value)| (*id, value(self))).collect()),
        }
    }

    pub(super) fn attribute(&self, of: u16, id: u16) -> Option<Value> {
        match of {
            cluster::TIME => {
                self.clock.attributes(self.now).into_iter().find(|(held, _)| *held == id).map(|(_, value)| value)
            }
            _ => of_cluster(of)?.iter().find(|(held, _)| *held == id).map(|(_, value)| value(self)),
        }
    }

    /// Writes an attribute: the status.
    pub(super) fn write(&mut self, of: u16, id: u16, value: &Value) -> u8 {
        let Some(held) = self.attribute(of, id) else { return status::UNSUPPORTED_ATTRIBUTE };
        if held.kind != value.kind {
            return status::INVALID_TYPE;
        }
        let number = value.number();
        let (byte, word) =
            (number.to_le_bytes()[0], u16::from_le_bytes([number.to_le_bytes()[0], number.to_le_bytes()[1]]));
        let settings = &mut self.settings;
        match (of, id) {
            (cluster::IDENTIFY, 0x0000) => settings.identify = word,
            (cluster::POLL_CONTROL, 0x0000) => settings.check_in = number,
            (cluster::POLL_CONTROL, 0x0003) => settings.fast_poll_timeout = word,
            (cluster::TIME, 0x0000) => self.clock.set(self.now, number),
            (cluster::TIME, 0x0002) => self.clock.set_zone(number.cast_signed()),
            (cluster::DOOR_LOCK, 0x0021) => {
                settings.language = String::from_utf8_lossy(value.bytes.get(1..).unwrap_or_default()).into_owned();
            }
            (cluster::DOOR_LOCK, 0x0023) => settings.auto_relock = number,
            (cluster::DOOR_LOCK, 0x0024) => settings.sound_volume = byte,
            (cluster::DOOR_LOCK, 0x0025) => {
                settings.operating_mode = byte;
                let mode = match byte {
                    1 => KeypadMode::Vacation,
                    2 => KeypadMode::Privacy,
                    _ => KeypadMode::Normal,
                };
                self.door.set_keypad(mode, By::Radio);
            }
            (cluster::DOOR_LOCK, 0x0029) => settings.one_touch = byte != 0,
            (cluster::DOOR_LOCK, 0x0030) => settings.wrong_code_limit = byte,
            (cluster::DOOR_LOCK, 0x0031) => settings.code_disable_seconds = byte,
            (cluster::DOOR_LOCK, 0x0032) => settings.sends_pins = byte != 0,
            (cluster::DOOR_LOCK, 0x0033) => settings.requires_pin = byte != 0,
            (cluster::DOOR_LOCK, mask) if mask >= FIRST_MASK => {
                if let Some(held) = settings.masks.0.get_mut(usize::from(mask - FIRST_MASK)) {
                    *held = word;
                }
            }
            _ => return status::READ_ONLY,
        }
        status::SUCCESS
    }

    /// Whether it gives away the digits of a code.
    pub(super) fn shows_digits(&self) -> bool {
        self.setup.shows == Shows::Digits && self.settings.sends_pins && !self.door.is_masking()
    }
}
