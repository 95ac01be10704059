//! What a lock is, whatever its radio: slots, bolt, keypad, door leaf, battery, jam.
//!
//! No time and no frames in here: a radio side asks, acts, and turns each [`DoorEvent`] into a report of its protocol.

use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;

use keyway_lock::{KeypadMode, Pin, SlotNumber};

/// Wrong codes in a row after which a keypad calls it an attack.
const WRONG_CODES: u8 = 5;
/// Battery level, in per cent, at and below which a lock warns.
pub const LOW_BATTERY: u8 = 10;

/// The slot that the admin code is told by: no slot at all.
const ADMIN: SlotNumber = SlotNumber(0);

/// How a door is made.
#[derive(Debug, Clone)]
pub struct DoorSetup {
    /// Slots for codes, numbered from 1.
    pub slots: u16,
    /// How many digits a code may have.
    pub pin_lengths: RangeInclusive<usize>,
    /// A code that is in another slot already is refused.
    pub refuse_duplicates: bool,
}

impl Default for DoorSetup {
    fn default() -> Self {
        Self { slots: 30, pin_lengths: Pin::MIN_LEN..=Pin::MAX_LEN, refuse_duplicates: true }
    }
}

/// Who changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A person in front of the door.
    Hand,
    /// The hub.
    Radio,
}

/// What turned the bolt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turner {
    /// Key or thumb turn.
    Hand,
    /// The hub.
    Radio,
    /// A code at the keypad, from this slot; the admin code is in slot 0.
    Keypad(SlotNumber),
    /// The lock by itself, some time after it was unlocked.
    Itself,
}

/// Why a door does not do as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DoorError {
    /// The door has fewer slots.
    #[error("there is no slot {0}")]
    NoSuchSlot(SlotNumber),
    /// Too few or too many digits; carries their number.
    #[error("a code of {0} digits does not fit")]
    Length(usize),
    /// The same code is in this slot.
    #[error("the code is in slot {0} already")]
    Duplicate(SlotNumber),
    /// It takes no changes at all at present.
    #[error("the door takes no changes")]
    Rejecting,
    /// The bolt does not move.
    #[error("the bolt is jammed")]
    Jammed,
}

/// What is in a slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The digits.
    pub pin: Pin,
    /// Whether it opens the door.
    pub enabled: bool,
}

/// Something happened at the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoorEvent {
    /// The bolt was turned.
    Turned {
        /// Thrown, or drawn back.
        locked: bool,
        /// By what.
        by: Turner,
    },
    /// The bolt was to be turned and did not move.
    Jammed,
    /// A code was put into a slot.
    CodeAdded(SlotNumber, By),
    /// A slot was emptied.
    CodeDeleted(SlotNumber, By),
    /// All slots were emptied.
    AllCodesDeleted(By),
    /// A code was refused, since it is in another slot; carries the slot it was meant for.
    DuplicateRefused(SlotNumber),
    /// Too many wrong codes in a row.
    WrongCodes,
    /// The door leaf was opened, or closed.
    Opened(bool),
    /// The battery's level in per cent.
    Battery(u8),
    /// The keypad lets others in than before.
    KeypadMode(KeypadMode, By),
    /// The admin code is another, or there is none any more.
    AdminCode(By),
}

/// A door with its lock.
#[derive(Debug)]
pub struct Door {
    setup: DoorSetup,
    codes: BTreeMap<SlotNumber, Code>,
    locked: bool,
    open: bool,
    jammed: bool,
    battery: u8,
    wrong_codes: u8,
    masking: bool,
    rejecting: bool,
    keypad: KeypadMode,
    admin_code: Option<Pin>,
    revision: u64,
    events: VecDeque<DoorEvent>,
}

impl Door {
    /// A closed and locked door with a full battery and no codes.
    pub fn new(setup: DoorSetup) -> Self {
        Self {
            setup,
            codes: BTreeMap::new(),
            locked: true,
            open: false,
            jammed: false,
            battery: 100,
            wrong_codes: 0,
            masking: false,
            rejecting: false,
            keypad: KeypadMode::Normal,
            admin_code: None,
            revision: 0,
            events: VecDeque::new(),
        }
    }

    /// How it is made.
    pub fn setup(&self) -> &DoorSetup {
        &self.setup
    }

    /// The codes, by slot.
    pub fn codes(&self) -> &BTreeMap<SlotNumber, Code> {
        &self.codes
    }

    /// Counts the changes of its codes, for who looks on.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether there is such a slot.
    pub fn has_slot(&self, slot: SlotNumber) -> bool {
        (1..=self.setup.slots).contains(&slot.0)
    }

    /// Whether the bolt is thrown; `None` when it is stuck on the way.
    pub fn locked(&self) -> Option<bool> {
        (!self.jammed).then_some(self.locked)
    }

    /// Whether the door leaf stands open.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Battery level in per cent.
    pub fn battery(&self) -> u8 {
        self.battery
    }

    /// Whether it takes no changes of its codes.
    pub fn is_rejecting(&self) -> bool {
        self.rejecting
    }

    /// Whether it hides the digits of its codes when asked for them.
    pub fn is_masking(&self) -> bool {
        self.masking
    }

    /// From now on it hides the digits of its codes, or does not.
    pub fn set_masking(&mut self, masking: bool) {
        self.masking = masking;
    }

    /// From now on it takes no changes of its codes, or does.
    pub fn set_rejecting(&mut self, rejecting: bool) {
        self.rejecting = rejecting;
    }

    /// Who gets in by the keypad.
    pub fn keypad(&self) -> KeypadMode {
        self.keypad
    }

    /// From now on the keypad lets these in.
    pub fn set_keypad(&mut self, mode: KeypadMode, by: By) {
        if std::mem::replace(&mut self.keypad, mode) != mode {
            self.events.push_back(DoorEvent::KeypadMode(mode, by));
        }
    }

    /// The code that opens while a guest's does not.
    pub fn admin_code(&self) -> Option<&Pin> {
        self.admin_code.as_ref()
    }

    /// Gives the door an admin code, or takes it away.
    ///
    /// # Errors
    /// [`DoorError`]; it then is as before.
    pub fn set_admin_code(&mut self, code: Option<Pin>, by: By) -> Result<(), DoorError> {
        if self.rejecting {
            return Err(DoorError::Rejecting);
        }
        if let Some((slot, _)) = self.codes.iter().find(|(_, held)| Some(&held.pin) == code.as_ref()) {
            return Err(DoorError::Duplicate(*slot));
        }
        if self.admin_code != code {
            self.admin_code = code;
            self.events.push_back(DoorEvent::AdminCode(by));
        }
        Ok(())
    }

    /// The door leaf is opened or closed.
    pub fn set_open(&mut self, open: bool) {
        self.open = open;
        self.events.push_back(DoorEvent::Opened(open));
    }

    /// The battery falls or rises to this level, 0 to 100 per cent.
    pub fn set_battery(&mut self, percent: u8) {
        self.battery = percent.min(100);
        self.events.push_back(DoorEvent::Battery(self.battery));
    }

    /// The bolt gets stuck, or free again.
    pub fn set_jammed(&mut self, jammed: bool) {
        self.jammed = jammed;
        if jammed {
            self.events.push_back(DoorEvent::Jammed);
        }
    }

    /// Puts a code into a slot, in place of what was there.
    ///
    /// # Errors
    /// [`DoorError`]; the slot then is as before.
    pub fn set_code(&mut self, slot: SlotNumber, code: Code, by: By) -> Result<(), DoorError> {
        self.check(slot)?;
        if !self.setup.pin_lengths.contains(&code.pin.digits()) {
            return Err(DoorError::Length(code.pin.digits()));
        }
        let same = |(other, held): &(&SlotNumber, &Code)| **other != slot && held.pin == code.pin;
        if self.setup.refuse_duplicates
            && let Some(other) =
                self.codes.iter().find(same).map(|(other, _)| other).or(self.is_admin(&code.pin).then_some(&ADMIN))
        {
            self.events.push_back(DoorEvent::DuplicateRefused(slot));
            return Err(DoorError::Duplicate(*other));
        }
        self.codes.insert(slot, code);
        self.revision += 1;
        self.events.push_back(DoorEvent::CodeAdded(slot, by));
        Ok(())
    }

    /// From now on a code opens the door, or does not. Nothing happens where there is none.
    pub fn set_enabled(&mut self, slot: SlotNumber, enabled: bool) {
        if let Some(code) = self.codes.get_mut(&slot) {
            code.enabled = enabled;
            self.revision += 1;
        }
    }

    /// Empties a slot. One that is empty already stays so, without an event.
    ///
    /// # Errors
    /// [`DoorError`].
    pub fn clear_code(&mut self, slot: SlotNumber, by: By) -> Result<(), DoorError> {
        self.check(slot)?;
        if self.codes.remove(&slot).is_some() {
            self.revision += 1;
            self.events.push_back(DoorEvent::CodeDeleted(slot, by));
        }
        Ok(())
    }

    /// Empties all slots.
    ///
    /// # Errors
    /// [`DoorError::Rejecting`].
    pub fn clear_all_codes(&mut self, by: By) -> Result<(), DoorError> {
        if self.rejecting {
            return Err(DoorError::Rejecting);
        }
        self.codes.clear();
        self.revision += 1;
        self.events.push_back(DoorEvent::AllCodesDeleted(by));
        Ok(())
    }

    fn is_admin(&self, pin: &Pin) -> bool {
        self.admin_code.as_ref() == Some(pin)
    }

    /// Someone types a code: the slot that opened the door, if one did; 0 is the admin code.
    pub fn enter_code(&mut self, digits: &str) -> Option<SlotNumber> {
        self.enter_code_if(digits, |_| true)
    }

    /// The same, if it is `time` for the code of that slot.
    pub fn enter_code_if(&mut self, digits: &str, time: impl Fn(SlotNumber) -> bool) -> Option<SlotNumber> {
        let Some(slot) = self.opened_by(digits, time) else {
            self.wrong_codes += 1;
            if self.wrong_codes >= WRONG_CODES {
                self.wrong_codes = 0;
                self.events.push_back(DoorEvent::WrongCodes);
            }
            return None;
        };
        self.wrong_codes = 0;
        self.turn(false, Turner::Keypad(slot)).ok().map(|()| slot)
    }

    /// The slot whose code these digits are, if it would open now; 0 is the admin code. Nobody types anything.
    pub fn opened_by(&self, digits: &str, time: impl Fn(SlotNumber) -> bool) -> Option<SlotNumber> {
        let fits = |(slot, code): &(&SlotNumber, &Code)| code.enabled && code.pin.expose() == digits && time(**slot);
        let guest = self.codes.iter().find(fits).map(|(slot, _)| *slot).filter(|_| self.keypad == KeypadMode::Normal);
        let admin = self.admin_code.as_ref().filter(|code| code.expose() == digits).map(|_| ADMIN);
        guest.or(admin.filter(|_| matches!(self.keypad, KeypadMode::Normal | KeypadMode::Vacation)))
    }

    /// Turns the bolt.
    ///
    /// # Errors
    /// [`DoorError::Jammed`].
    pub fn turn(&mut self, locked: bool, by: Turner) -> Result<(), DoorError> {
        if self.jammed {
            self.events.push_back(DoorEvent::Jammed);
            return Err(DoorError::Jammed);
        }
        self.locked = locked;
        self.events.push_back(DoorEvent::Turned { locked, by });
        Ok(())
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<DoorEvent> {
        self.events.pop_front()
    }

    fn check(&self, slot: SlotNumber) -> Result<(), DoorError> {
        match (self.has_slot(slot), self.rejecting) {
            (false, _) => Err(DoorError::NoSuchSlot(slot)),
            (true, true) => Err(DoorError::Rejecting),
            (true, false) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(digits: &str) -> Code {
        Code { pin: Pin::new(digits).unwrap(), enabled: true }
    }

    fn events(door: &mut Door) -> Vec<DoorEvent> {
        std::iter::from_fn(|| door.poll_event()).collect()
    }

    #[test]
    fn a_code_opens_the_door_until_it_is_taken_out() {
        let mut door = Door::new(DoorSetup::default());
        door.set_code(SlotNumber(3), code("4711"), By::Radio).unwrap();
        assert_eq!((door.enter_code("4711"), door.locked()), (Some(SlotNumber(3)), Some(false)));
        door.turn(true, Turner::Hand).unwrap();
        door.clear_code(SlotNumber(3), By::Radio).unwrap();
        assert_eq!((door.enter_code("4711"), door.locked()), (None, Some(true)));
        let opened = DoorEvent::Turned { locked: false, by: Turner::Keypad(SlotNumber(3)) };
        let locked = DoorEvent::Turned { locked: true, by: Turner::Hand };
        let (added, deleted) =
            (DoorEvent::CodeAdded(SlotNumber(3), By::Radio), DoorEvent::CodeDeleted(SlotNumber(3), By::Radio));
        assert_eq!(events(&mut door), [added, opened, locked, deleted]);
    }

    #[test]
    fn a_duplicate_is_refused_but_the_same_slot_may_be_written_again() {
        let mut door = Door::new(DoorSetup::default());
        door.set_code(SlotNumber(1), code("4711"), By::Radio).unwrap();
        let again = door.set_code(SlotNumber(2), code("4711"), By::Radio);
        assert_eq!(again, Err(DoorError::Duplicate(SlotNumber(1))));
        assert_eq!(events(&mut door).last(), Some(&DoorEvent::DuplicateRefused(SlotNumber(2))));
        assert_eq!(door.set_code(SlotNumber(1), code("4711"), By::Radio), Ok(()));
        assert_eq!(door.codes().len(), 1);
    }

    #[test]
    fn slots_lengths_and_a_rejecting_door_are_told_apart() {
        let mut door = Door::new(DoorSetup { slots: 5, pin_lengths: 4..=6, ..DoorSetup::default() });
        let mut set = |slot, digits| door.set_code(SlotNumber(slot), code(digits), By::Radio);
        assert_eq!(set(0, "4711"), Err(DoorError::NoSuchSlot(SlotNumber(0))));
        assert_eq!(set(6, "4711"), Err(DoorError::NoSuchSlot(SlotNumber(6))));
        assert_eq!(set(5, "4711471"), Err(DoorError::Length(7)));
        door.set_rejecting(true);
        assert_eq!(door.set_code(SlotNumber(5), code("4711"), By::Radio), Err(DoorError::Rejecting));
    }

    #[test]
    fn a_jammed_bolt_does_not_move_and_its_place_is_not_known() {
        let mut door = Door::new(DoorSetup::default());
        door.set_code(SlotNumber(1), code("4711"), By::Hand).unwrap();
        door.set_jammed(true);
        assert_eq!((door.enter_code("4711"), door.locked()), (None, None));
        door.set_jammed(false);
        assert_eq!(door.locked(), Some(true));
    }

    #[test]
    fn five_wrong_codes_in_a_row_are_an_attack() {
        let mut door = Door::new(DoorSetup::default());
        (0..4).for_each(|_| assert_eq!(door.enter_code("0000"), None));
        assert_eq!(events(&mut door), []);
        door.enter_code("0000");
        assert_eq!(events(&mut door), [DoorEvent::WrongCodes]);
    }

    #[test]
    fn no_code_opens_when_it_is_disabled_or_the_keypad_is_off() {
        let mut door = Door::new(DoorSetup::default());
        let disabled = Code { enabled: false, ..code("4711") };
        door.set_code(SlotNumber(1), disabled, By::Radio).unwrap();
        door.set_code(SlotNumber(2), code("4712"), By::Radio).unwrap();
        assert_eq!(door.enter_code("4711"), None);
        door.set_keypad(KeypadMode::Vacation, By::Radio);
        assert_eq!(door.enter_code("4712"), None);
    }

    #[test]
    fn the_admin_code_is_no_guests_and_opens_in_vacation_but_not_in_privacy() {
        let mut door = Door::new(DoorSetup::default());
        door.set_code(SlotNumber(1), code("4711"), By::Radio).unwrap();
        assert_eq!(door.set_admin_code(Some(code("4711").pin), By::Radio), Err(DoorError::Duplicate(SlotNumber(1))));
        door.set_admin_code(Some(code("900100").pin), By::Radio).unwrap();
        assert_eq!(door.set_code(SlotNumber(2), code("900100"), By::Radio), Err(DoorError::Duplicate(SlotNumber(0))));
        door.set_keypad(KeypadMode::Vacation, By::Hand);
        assert_eq!((door.enter_code("4711"), door.enter_code("900100")), (None, Some(SlotNumber(0))));
        door.set_keypad(KeypadMode::Privacy, By::Hand);
        assert_eq!(door.enter_code("900100"), None);
    }
}
