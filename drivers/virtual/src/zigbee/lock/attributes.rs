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

impl Lock {
    /// The attributes of a cluster that it has, in order; `None`: no such cluster.
    pub(super) fn attributes(&self, of: u16) -> Option<Vec<(u16, Value)>> {
        Some(match of {
            cluster::BASIC => vec![
                (0x0000, Value::u8(8)),
                (0x0001, Value::u8(1)),
                (0x0002, Value::u8(2)),
                (0x0003, Value::u8(1)),
                (0x0004, Value::string(&self.setup.manufacturer)),
                (0x0005, Value::string(&self.setup.model)),
                (0x0006, Value::string("20260101")),
                // On a battery.
                (0x0007, Value::enum8(3)),
                (0x4000, Value::string("1.2.3")),
            ],
            cluster::POWER => vec![
                (0x0020, Value::u8(60)),
                (0x0021, Value::u8(self.door.battery() * if self.setup.half_percents { 2 } else { 1 })),
                // Four AA cells.
                (0x0031, Value::enum8(3)),
                (0x0033, Value::u8(4)),
            ],
            cluster::IDENTIFY => vec![(0x0000, Value::u16(self.settings.identify))],
            cluster::ALARMS => vec![(0x0000, Value::u16(0))],
            cluster::POLL_CONTROL => vec![
                (0x0000, Value::u32(self.settings.check_in)),
                (0x0001, Value::u32(self.long_poll_quarters())),
                (0x0002, Value::u16(1)),
                (0x0003, Value::u16(self.settings.fast_poll_timeout)),
            ],
            cluster::DOOR_LOCK => self.of_door_lock(),
            cluster::TIME => self.clock.attributes(self.now),
            _ => return None,
        })
    }

    pub(super) fn attribute(&self, of: u16, id: u16) -> Option<Value> {
        self.attributes(of)?.into_iter().find(|(held, _)| *held == id).map(|(_, value)| value)
    }

    fn of_door_lock(&self) -> Vec<(u16, Value)> {
        let door = self.door.setup();
        let length = |digits: usize| Value::u8(u8::try_from(digits).unwrap_or(u8::MAX));
        let schedules = Value::u8(self.numbers.schedules);
        let settings = &self.settings;
        let lock_state = match self.door.locked() {
            None => 0,
            Some(true) => 1,
            Some(false) => 2,
        };
        let mut attributes = vec![
            (0x0000, Value::enum8(lock_state)),
            // A dead bolt, enabled.
            (0x0001, Value::enum8(0)),
            (0x0002, Value::bool(true)),
            (0x0003, Value::enum8(if self.door.is_open() { 0 } else { 1 })),
            (0x0010, Value::u16(super::events::MAX_RECORDS)),
            (0x0011, Value::u16(door.slots)),
            (0x0012, Value::u16(door.slots)),
            (0x0013, Value::u16(0)),
            (0x0014, schedules.clone()),
            (0x0015, schedules.clone()),
            (0x0016, schedules),
            (0x0017, length(*door.pin_lengths.end())),
            (0x0018, length(*door.pin_lengths.start())),
            (0x0020, Value::bool(true)),
            (0x0021, Value::string(&settings.language)),
            (0x0023, Value::u32(settings.auto_relock)),
            (0x0024, Value::u8(settings.sound_volume)),
            (0x0025, Value::enum8(settings.operating_mode)),
            // Normal, vacation, privacy and no RF lockout, each supported.
            (0x0026, Value::map16(0x000F)),
            (0x0029, Value::bool(settings.one_touch)),
            (0x0030, Value::u8(settings.wrong_code_limit)),
            (0x0031, Value::u8(settings.code_disable_seconds)),
            (0x0032, Value::bool(settings.sends_pins)),
            (0x0033, Value::bool(settings.requires_pin)),
            (0x0034, Value::u8(0)),
        ];
        attributes.extend((FIRST_MASK..).zip(settings.masks.0.map(Value::map16)));
        attributes
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
